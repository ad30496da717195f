"""What is measured: the requests of each workload, as each kind of peer takes them."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.helpdesks import Sample

HERE: Final = Path(__file__).parent
OPERATIONS: Final = HERE.parent / "tests" / "graph" / "operations"
OF_POSTGRAPHILE: Final = HERE / "postgraphile"
SEED: Final = 4
DEEP_PAGE: Final = 500
SOUGHT: Final = "refund card"

GRAPH: Final = ("inbox", "ticket", "organization")
REST: Final = ("rest_list", "rest_detail", "rest_deep_page", "search", "search_number", "stats")
WRITES: Final = ("create", "reply")
NAMES: Final = (*GRAPH, *REST, "token", *WRITES)
"""In the order in which they are run: what writes comes last, so that all else meets the same rows."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; `body` is JSON."""

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


def requests(workload: str, dialect: str, sample: Sample) -> list[Request]:
    """The requests of a workload, the same in every run: sent one after the other, over and over.

    `dialect` is how the peer wants to be asked: `graphql` (our operations as their files have them), `postgraphile`
    (the equal ones), `rest` (the documented API), `limit` (one path for each workload).
    """
    chance = random.Random(SEED)  # noqa: S311  # which rows to ask for is no secret
    if workload in GRAPH:
        return [_graph(workload, dialect, row_id) for row_id in _ids(workload, sample)]
    match workload:
        case "create":
            return [Request("POST", "/v1/tickets", _new_ticket(chance, sample, n)) for n in range(200)]
        case "reply":
            return [
                Request(
                    "POST", f"/v1/tickets/{row_id}/replies", {"content": f"Thank you, we are on it. ({n})"}
                )
                for n, row_id in enumerate(sample.ticket_ids)
            ]
        case "token":
            return [
                Request("POST", "/v1/auth/token", {"api_key": key, "api_secret": secret})
                for key, secret in sample.keys
            ]
        case "rest_detail":
            return [Request("GET", f"/v1/tickets/{row_id}") for row_id in sample.ticket_ids]
    return [Request("GET", path) for path in _PATHS[workload]]


_PATHS: Final = {
    "rest_list": ("/v1/tickets?status=open",),
    "rest_deep_page": (f"/v1/tickets?page={DEEP_PAGE}",),
    "search": (f"/v1/tickets?search={SOUGHT.replace(' ', '+')}",),
    "search_number": tuple(f"/v1/tickets?search=INV-2026-{number}" for number in range(10_000, 100_000, 450)),
    "stats": ("/v1/stats/overview",),
}


def _ids(workload: str, sample: Sample) -> Sequence[int | None]:
    return {"inbox": (None,), "ticket": sample.ticket_ids, "organization": sample.organization_ids}[workload]


def _graph(workload: str, dialect: str, row_id: int | None) -> Request:
    variables: dict[str, Any] = {"id": str(row_id)}
    if workload == "inbox":  # what still has to be done, the latest change first
        variables = {"filter": {"status": ["OPEN", "PENDING"]}, "orderBy": {"field": "UPDATED_AT"}}
        if dialect == "postgraphile":
            variables = {"status": ["open", "pending"]}
    if dialect == "limit":
        return Request("GET", f"/{workload}" if row_id is None else f"/{workload}/{row_id}")
    folder = OF_POSTGRAPHILE if dialect == "postgraphile" else OPERATIONS
    document = (folder / f"{workload}.graphql").read_text(encoding="utf-8")
    return Request("POST", "/graphql", {"query": document, "variables": variables})


def _new_ticket(chance: random.Random, sample: Sample, number: int) -> dict[str, Any]:
    return {
        "subject": f"My terminal shows error {number}",
        "content": "It says *no connection* since this morning. I restarted it **twice**.\n\n- model H2\n- till 4",
        "requester_email": chance.choice(sample.customers),
        "priority": chance.choice(("low", "medium", "medium", "high")),
        "category_id": chance.choice(sample.category_ids),
        "tags": ["hardware", "terminal"],
    }


def as_lua(asked: Sequence[Request], callers: Sequence[Mapping[str, str]]) -> str:
    """The requests as the file that wrk.lua reads, sent by these callers in turn: the headers of each go with them."""
    turns = range(max(len(asked), len(callers)))
    lines = (_lua_of(asked[turn % len(asked)], callers[turn % len(callers)]) for turn in turns)
    return "return {\n" + "".join(lines) + "}\n"


def _lua_of(request: Request, headers: Mapping[str, str]) -> str:
    sent = dict(headers) | dict(request.headers)
    body = "nil"
    if request.body is not None:
        sent["content-type"] = "application/json"
        body = lua_text(json.dumps(request.body))
    named = ", ".join(f"[{lua_text(name)}]={lua_text(value)}" for name, value in sent.items())
    return f"  {{method={lua_text(request.method)}, path={lua_text(request.path)}, headers={{{named}}}, body={body}}},\n"


def lua_text(text: str) -> str:
    """The text as a literal of Lua."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'

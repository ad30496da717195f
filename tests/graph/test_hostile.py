"""What is sent to keep the server busy, through the real door: refused before anything runs, with what to change."""

import json
import time
from typing import Any

import httpx
import pytest

from tests.conftest import Person, Sql
from tests.graph.test_limits import bomb

TOO_COMPLEX, INVALID, VALUE = "QUERY_TOO_COMPLEX", "GRAPHQL_VALIDATION_FAILED", "VALIDATION_ERROR"
DEEP = "tickets{nodes{requester{"
NESTED_LIST: list[Any] = []
for _ in range(65):
    NESTED_LIST = [NESTED_LIST]
FILTER = "query($f: TicketFilter) { tickets(filter: $f) { totalCount } }"

SENT: dict[str, tuple[str, dict[str, Any], str, str]] = {
    # the document, its variables, the code, and words of the message
    "fragment bomb": ("{ ...F0 }" + bomb(50, "Query", "...", "viewer { id }"), {}, TOO_COMPLEX, "root fields"),
    "nested fragment bomb": (
        "{ tickets { nodes { ...F0 } } }" + bomb(30, "Ticket", "requester { tickets { nodes { ... } } }", "id"),
        {},
        TOO_COMPLEX,
        "levels of nesting",
    ),
    "circle of fragments": ("{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }", {}, INVALID, "itself"),
    "alias flood": (
        "{ viewer { " + " ".join(f"a{i}: id" for i in range(600)) + " } }", {}, TOO_COMPLEX, "aliases"
    ),
    "flood of root fields": (
        "{ " + " ".join(f"a{i}: viewer {{ id }}" for i in range(21)) + " }", {}, TOO_COMPLEX, "root fields"
    ),
    "flood of mutations": (
        "mutation { "
        + " ".join(f'a{i}: ticketDelete(id: "1") {{ deletedId }}' for i in range(6))
        + " }",
        {},
        TOO_COMPLEX,
        "send them in several requests",
    ),
    "deep nesting": ("{" + DEEP * 50 + "id" + "}}}" * 50 + "}", {}, TOO_COMPLEX, "nest"),
    "deep nesting of selections": ("{a" * 900, {}, TOO_COMPLEX, "nested too deeply"),
    "deep nesting of a list": (
        "{ tickets(filter: {tags: {any: " + "[" * 900 + "]" * 900 + "}}) { totalCount } }",
        {},
        TOO_COMPLEX,
        "nested too deeply",
    ),
    "wide lists": (
        "{ tickets(first: 100) { nodes { replies(first: 100) { nodes { attachments { id } } } } } }",
        {},
        TOO_COMPLEX,
        "ask for smaller pages",
    ),
    "wide lists by a variable": (
        "query($n: Int) { tickets(first: $n) { nodes { replies(first: $n) { nodes { id } } } } }",
        {"n": 100},
        TOO_COMPLEX,
        "ask for smaller pages",
    ),
    "a page that is too large": ("{ tickets(first: 101) { totalCount } }", {}, VALUE, "first"),
    "ids without end": (
        "query($i: [ID!]!) { nodes(ids: $i) { id } }", {"i": ["tkt_1"] * 5_000}, VALUE, "at most 100 values"
    ),
    "duplicate fields": ("{ viewer { " + "id " * 1_500 + "} }", {}, TOO_COMPLEX, "ask for it once"),
    "duplicate fields below": ("{ " + "viewer { id } " * 400 + "}", {}, TOO_COMPLEX, "ask for it once"),
    "directive flood": (
        "{ viewer { id " + "@include(if: true) " * 200 + "} }", {}, INVALID, "can only be used once"
    ),
    "directive flood over fields": (
        "{ viewer { " + "id @include(if: true) " * 100 + "} }", {}, TOO_COMPLEX, "leave the fields out"
    ),
    "unknown directives": ("{ viewer { id " + "@a " * 900 + "} }", {}, INVALID, "Unknown directive"),
    "comment flood": ("{ viewer { id } }" + "#\n" * 5_000, {}, TOO_COMPLEX, "comments"),
    "comments without end": ("{ viewer { id } } #" + "x" * 20_000, {}, TOO_COMPLEX, "characters"),
    "empty selections": ("{ tickets { } }", {}, INVALID, "name the fields you want"),
    "empty selections everywhere": ("{ " + "tickets { } " * 100 + "}", {}, INVALID, "name the fields"),
    "a long number": ("{ tickets(first: " + "9" * 15_000 + ") { totalCount } }", {}, VALUE, "40 digits"),
    "a long name": ("{ " + "x" * 15_900 + " }", {}, INVALID, "Cannot query field"),
    "unknown fields": ("{ " + " ".join(f"n{i}" for i in range(1_000)) + " }", {}, INVALID, "Cannot query"),
    "variables without end": (
        "query(" + " ".join(f"$v{i}: Int" for i in range(400)) + ") { viewer { id } }", {}, INVALID, "never used"
    ),
    "huge variables": (FILTER, {"f": {"tags": {"any": ["x"] * 30_000}}}, VALUE, "20,000 values"),
    "many objects": (FILTER, {"f": {"or": [{"search": "x"}] * 600}}, VALUE, "500 objects"),
    "deep variables": (FILTER, {"f": {"tags": {"any": NESTED_LIST}}}, VALUE, "deeper than 64 levels"),
    "an endless filter": (FILTER, {"f": {"or": [{"search": "x"}] * 99}}, VALUE, "at most 50 conditions"),
    "a deep filter": (FILTER, {"f": {"not": {"not": {"not": {"search": "x"}}}}}, VALUE, "3 levels deep"),
    "introspection that multiplies": (
        "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
        {},
        INVALID,
        "introspection depth",
    ),
    "incremental delivery": ("{ ... @defer { viewer { id } } }", {}, INVALID, "not supported"),
}  # fmt: skip


@pytest.mark.parametrize("name", SENT)
async def test_it_is_refused_and_asks_the_database_nothing(
    http: httpx.AsyncClient, agent: Person, sql: Sql, name: str
) -> None:
    text, variables, code, words = SENT[name]
    body = json.dumps({"query": text, "variables": variables})
    headers = agent.headers | {
        "accept": "application/graphql-response+json",
        "content-type": "application/json",
    }
    await http.post("/graphql", json={"query": "{ viewer { id } }"}, headers=headers)
    sql.clear()
    started = time.process_time()
    answer = await http.post("/graphql", content=body, headers=headers)
    took = time.process_time() - started
    errors = answer.json()["errors"]
    assert {error["extensions"]["code"] for error in errors} == {code}, errors[:2]
    assert words in " ".join(error["message"] for error in errors)
    assert len(answer.content) < 20_000
    assert sql.statements == []
    assert took < 2  # of the processor, on a machine under load; milliseconds, as a rule


async def test_a_list_of_operations_is_refused(http: httpx.AsyncClient, agent: Person) -> None:
    batch = [{"query": "{ viewer { id } }"}] * 50
    answer = await http.post("/graphql", json=batch, headers=agent.headers)
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["extensions"]["code"] == "BAD_REQUEST"
    assert error["message"] == "Send one object with `query`; a list of operations is not supported."

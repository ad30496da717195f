"""Files in GraphQL: the multipart request specification, and everything that is not quite it."""

from __future__ import annotations

import json
from typing import Any, Final

import httpx
import pytest

from gateway.graphql import uploads
from resolvers.uploads import LARGEST_FILE
from tests.conftest import Person
from tests.contents import Unchanged, unchanged_in
from tests.doors import RestDoor, opened
from tests.one_app import app, application

__all__ = ["app", "application"]

MUTATION: Final = """mutation AttachmentCreate($ticketId: ID!, $file: Upload!) {
  attachmentCreate(ticketId: $ticketId, file: $file)
  { attachment { id filename fileSize mimeType url } userErrors { code message field } } }"""
BOUNDARY: Final = "between-the-parts"
PREFLIGHT: Final = {"GraphQL-Require-Preflight": "1"}
MAP: Final = {"0": ["variables.file"]}
FILE: Final = ('name="0"; filename="a.txt"', b"hello")


@pytest.fixture
def engine() -> str:
    """One is enough: the protocol knows no database."""
    return "sqlite"


@pytest.fixture
def unchanged(app: Any) -> Unchanged:
    """`async with unchanged():` fails when the block changes anything that is stored."""
    return lambda: unchanged_in(app.state.helpdesk.db)


@pytest.fixture
async def operations(http: httpx.AsyncClient, agent: Person) -> dict[str, Any]:
    """The mutation, for a ticket that is there."""
    ticket = await opened(RestDoor(http), agent)
    return {"query": MUTATION, "variables": {"ticketId": str(ticket["id"]), "file": None}}


class Sender:
    """Sends forms as one person."""

    def __init__(self, http: httpx.AsyncClient, who: Person) -> None:
        self._http = http
        self._who = who

    async def __call__(
        self, *parts: tuple[str, Any], cut: int | None = None, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """The answer to a form of these parts, `cut` short, with headers that are added or, empty, left out."""
        heads = (
            f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode()
            + (data if isinstance(data, bytes) else json.dumps(data).encode())
            + b"\r\n"
            for head, data in parts
        )
        body = b"".join(heads) + f"--{BOUNDARY}--\r\n".encode()
        given = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"} | PREFLIGHT | self._who.headers
        given |= headers or {}
        sent = {name: value for name, value in given.items() if value}
        return await self._http.post("/graphql", content=body[:cut], headers=sent)


@pytest.fixture
def send(http: httpx.AsyncClient, agent: Person) -> Sender:
    """Sends forms as the agent."""
    return Sender(http, agent)


def text(name: str, value: Any) -> tuple[str, Any]:
    return f'name="{name}"', value


async def test_the_frontends_mutation_runs_as_it_is_written(send: Sender, operations: dict[str, Any]) -> None:
    answer = await send(text("operations", operations), text("map", MAP), FILE)
    assert answer.status_code == 200
    payload = answer.json()["data"]["attachmentCreate"]
    assert payload["userErrors"] == []
    made = payload["attachment"]
    assert (made["filename"], made["fileSize"], made["mimeType"]) == ("a.txt", 5, "text/plain")
    assert made["url"] == f"/v1/attachments/{made['id'].removeprefix('att_')}/download"


@pytest.mark.parametrize(
    "header", ["GraphQL-Require-Preflight", "Apollo-Require-Preflight", "X-Apollo-Operation-Name"]
)
async def test_a_header_is_asked_for_that_no_plain_form_sends(
    send: Sender, operations: dict[str, Any], unchanged: Unchanged, header: str
) -> None:
    parts = (text("operations", operations), text("map", MAP), FILE)
    async with unchanged():
        refused = await send(*parts, headers={"GraphQL-Require-Preflight": ""})
        assert refused.status_code == 400
        assert refused.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    answer = await send(*parts, headers={"GraphQL-Require-Preflight": ""} | {header: "1"})
    assert answer.json()["data"]["attachmentCreate"]["attachment"]


async def test_nobody_who_is_not_signed_in_sends_files(
    send: Sender, operations: dict[str, Any], unchanged: Unchanged
) -> None:
    async with unchanged():
        for authorization in ("", "Bearer nonsense"):
            answer = await send(
                text("operations", operations),
                text("map", MAP),
                FILE,
                headers={"Authorization": authorization},
            )
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"


NO_OBJECTS: Final[tuple[Any, ...]] = (None, 1, "x", True, [], b"{", b"\xff", b"[" * 9000)
HOSTILE_MAPS: Final[tuple[Any, ...]] = (
    {"0": "variables.file"},
    {"0": None},
    {"0": [1]},
    {"0": ["query"]},
    {"0": [""]},
    {"0": ["variables"]},
    {"0": ["variables.nope"]},
    {"0": ["variables.file.x"]},
    {"0": ["variables.0"]},
    {"0": ["variables.ticketId"]},
    {"0": ["variables.__class__.x"]},
    {"0": ["__proto__.x"]},
    {"0": ["variables" + ".a" * 10_000]},
    {"0": ["variables.file"] * 2},
    {"0": ["variables.nope"] * 1_000},
    {str(number): [] for number in range(50)},
)


@pytest.mark.parametrize(
    "parts",
    [
        [],
        ["operations"],
        ["map", FILE],
        ["operations", FILE],
        ["map", "operations", FILE],
        ["operations", FILE, "map"],
        ["operations", "map"],
        ["operations", "map", FILE, FILE],
        ["operations", "map", FILE, ('name="1"; filename="b"', b"x")],
        ["operations", "operations", "map", FILE],
        *([text("operations", each), "map", FILE] for each in NO_OBJECTS),
        *(["operations", text("map", each), FILE] for each in (*NO_OBJECTS, *HOSTILE_MAPS)),
    ],
)
async def test_a_form_that_is_not_quite_the_specification_is_refused(
    send: Sender, operations: dict[str, Any], unchanged: Unchanged, parts: list[Any]
) -> None:
    named = {"operations": text("operations", operations), "map": text("map", MAP)}
    async with unchanged():
        answer = await send(*(named[each] if isinstance(each, str) else each for each in parts))
        assert answer.status_code == 400, answer.text
        assert "data" not in answer.json()
        assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_a_form_that_breaks_off_changes_nothing(
    send: Sender, operations: dict[str, Any], unchanged: Unchanged
) -> None:
    parts = (text("operations", operations), text("map", MAP), ('name="0"; filename="a"', bytes(5000)))
    async with unchanged():
        for cut in (1, 50, 200, 600, -30):
            answer = await send(*parts, cut=cut)
            assert answer.status_code == 400
            assert answer.json()["errors"][0]["message"] == "The body must come to its end."


async def test_a_form_without_its_boundary_is_refused(send: Sender, operations: dict[str, Any]) -> None:
    for kind in (
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=other",
    ):
        answer = await send(
            text("operations", operations), text("map", MAP), FILE, headers={"Content-Type": kind}
        )
        assert answer.status_code == 400, kind


async def test_a_file_is_no_text(
    send: Sender, http: httpx.AsyncClient, agent: Person, operations: Any
) -> None:
    operations["variables"]["file"] = "x"
    answer = await http.post("/graphql", json=operations, headers=agent.headers)
    assert answer.json()["errors"][0]["extensions"]["code"] == "VALIDATION_ERROR"
    literal = 'mutation { attachmentCreate(ticketId: "1", file: "x") { attachment { id } } }'
    answer = await http.post("/graphql", json={"query": literal}, headers=agent.headers)
    assert answer.json()["errors"][0]["extensions"]["code"] == "VALIDATION_ERROR"
    operations["variables"]["file"] = None
    answer = await send(text("operations", operations), text("map", {}))
    assert answer.json()["errors"][0]["extensions"]["code"] == "VALIDATION_ERROR"


async def test_several_files_go_to_several_mutations(send: Sender, operations: dict[str, Any]) -> None:
    ticket = operations["variables"]["ticketId"]
    query = """mutation($id: ID!, $a: Upload!, $b: Upload!) {
        a: attachmentCreate(ticketId: $id, file: $a) { attachment { filename fileSize } }
        b: attachmentCreate(ticketId: $id, file: $b) { attachment { filename fileSize } } }"""
    sent = {"query": query, "variables": {"id": ticket, "a": None, "b": None}}
    answer = await send(
        text("operations", sent),
        text("map", {"x": ["variables.a"], "y": ["variables.b"]}),
        ('name="x"; filename="a.txt"', b"1"),
        ('name="y"; filename="b.txt"', b"22"),
    )
    assert answer.json()["data"] == {
        "a": {"attachment": {"filename": "a.txt", "fileSize": 1}},
        "b": {"attachment": {"filename": "b.txt", "fileSize": 2}},
    }
    # one file may go to two places
    answer = await send(
        text("operations", sent),
        text("map", {"0": ["variables.a", "variables.b"]}),
        ('name="0"; filename="c"', b"3"),
    )
    made = answer.json()["data"]
    assert [made[name]["attachment"]["fileSize"] for name in "ab"] == [1, 1]


async def test_a_file_that_is_too_large_is_an_error_of_the_request(
    send: Sender, operations: dict[str, Any], unchanged: Unchanged
) -> None:
    """As too large a body is: clients that look at `errors` alone must not take it for done."""
    large = ('name="0"; filename="large.bin"', bytes(LARGEST_FILE + 1))
    async with unchanged():
        answer = await send(text("operations", operations), text("map", MAP), large)
    assert answer.json() == {
        "errors": [
            {
                "message": "The file field must be at most 10 MiB",
                "extensions": {
                    "code": "VALIDATION_ERROR",
                    "details": {"file": ["This field must be at most 10 MiB"]},
                },
            }
        ]
    }


async def test_a_plain_query_may_come_as_a_form(send: Sender) -> None:
    answer = await send(text("operations", {"query": "{ __typename }"}), text("map", {}))
    assert answer.json()["data"] == {"__typename": "Query"}


async def test_events_and_other_kinds_are_not_acceptable(send: Sender, operations: dict[str, Any]) -> None:
    for accept in ("text/event-stream", "image/png"):
        answer = await send(
            text("operations", operations), text("map", MAP), FILE, headers={"Accept": accept}
        )
        assert answer.status_code == 406


async def test_too_much_is_refused_with_its_limit(
    send: Sender, operations: dict[str, Any], unchanged: Unchanged, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with unchanged():
        for name in ("operations", "map"):
            named = {"operations": operations, "map": MAP} | {name: b" " * (uploads.MAX_OPERATIONS_BYTES + 1)}
            answer = await send(text("operations", named["operations"]), text("map", named["map"]), FILE)
            assert answer.status_code == 413
        monkeypatch.setattr(uploads, "MAX_FORM", 1000)
        answer = await send(
            text("operations", operations), text("map", MAP), ('name="0"; filename="a"', bytes(2000))
        )
        assert answer.status_code == 413


async def test_a_compressed_form_is_refused(send: Sender, operations: dict[str, Any]) -> None:
    answer = await send(
        text("operations", operations), text("map", MAP), FILE, headers={"Content-Encoding": "gzip"}
    )
    assert answer.status_code == 415

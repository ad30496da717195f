"""Every answer to a request with a good token says how its workspace stands, whatever becomes of it (D30)."""

from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from gateway.app import create_app
from gateway.settings import Settings
from resolvers.context import Helpdesk
from resolvers.rate_limits import TIERS
from resolvers.tokens import create_token, make_key
from resolvers.uploads import LARGEST_FILE
from tests.conftest import Clock, Person
from tests.doors import NEW_TICKET
from tests.rest.conftest import client_of

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
PREFLIGHT = {"GraphQL-Require-Preflight": "1"}
TOO_LONG = b'{"subject": "' + b"x" * 2**20 + b'"}'
A_MINUTE = TIERS["starter"][0].amount
DELETE = "mutation { ticketDelete(id: 1) { userErrors { code } } }"


class Case(NamedTuple):
    """A request, and the status of its answer."""

    status: int
    method: str
    path: str
    options: dict[str, Any] = {}  # noqa: RUF012  # nobody changes it

    def __str__(self) -> str:
        return f"{self.status} {self.method} {self.path}"


def file_of(size: int) -> dict[str, Any]:
    return {"files": {"file": ("a.bin", bytes(size))}}


def query(text: str, **headers: str) -> dict[str, Any]:
    return {"json": {"query": text}, "headers": headers}


REST = (
    Case(200, "GET", "/v1/tickets"),
    Case(200, "HEAD", "/v1/tickets"),
    Case(204, "OPTIONS", "/v1/tickets"),
    Case(200, "GET", "/v1/attachments/1/download"),
    Case(200, "HEAD", "/v1/attachments/1/download"),
    Case(206, "GET", "/v1/attachments/1/download", {"headers": {"Range": "bytes=0-1"}}),
    Case(304, "GET", "/v1/attachments/1/download", {"headers": {"If-None-Match": "*"}}),
    Case(416, "GET", "/v1/attachments/1/download", {"headers": {"Range": "bytes=99-"}}),
    Case(201, "POST", "/v1/tickets/1/attachments", file_of(1)),
    Case(400, "POST", "/v1/tickets/1/attachments", file_of(LARGEST_FILE + 1)),
    Case(400, "POST", "/v1/tickets/1/attachments", {"content": b"", "headers": FORM}),
    Case(415, "POST", "/v1/tickets/1/attachments", {"json": {}}),
    Case(400, "GET", "/v1/tickets?page=0"),
    Case(400, "POST", "/v1/tickets", {"json": {}}),
    Case(400, "POST", "/v1/tickets", {"content": b"{", "headers": JSON}),
    Case(413, "POST", "/v1/tickets", {"content": TOO_LONG, "headers": JSON}),
    Case(415, "POST", "/v1/tickets", {"content": b"{}"}),
    Case(404, "GET", "/v1/tickets/999"),
    Case(404, "GET", "/v1/tickets/abc"),
    Case(404, "GET", "/v1/nothing"),
    Case(404, "POST", "/v1"),
    Case(404, "GET", "/nothing"),
    Case(405, "DELETE", "/v1/tickets"),
    Case(405, "PATCH", "/v1/stats/overview"),
    Case(409, "POST", "/v1/tickets/1/rating", {"json": {"rating": 5}}),
)
GRAPHQL = (
    Case(200, "POST", "/graphql", query("{ categories { totalCount } }")),
    Case(200, "GET", "/graphql?query={__typename}"),
    Case(200, "POST", "/graphql", query("{ categories { totalCount } }", Accept="text/event-stream")),
    Case(200, "POST", "/graphql", query("{ nope }")),
    Case(200, "POST", "/graphql", query("{ tickets(first: 1000) { totalCount } }")),
    Case(200, "POST", "/graphql", query(DELETE.replace("1", "999"))),
    Case(400, "POST", "/graphql", query("{", Accept="application/graphql-response+json")),
    Case(400, "POST", "/graphql", {"content": b"{", "headers": JSON}),
    Case(400, "POST", "/graphql", {"json": []}),
    Case(400, "GET", "/graphql"),
    Case(400, "POST", "/graphql", {"content": b"", "headers": FORM}),
    Case(400, "POST", "/graphql", {"content": b"", "headers": FORM | PREFLIGHT}),
    Case(405, "GET", f"/graphql?query={DELETE}"),
    Case(405, "PUT", "/graphql"),
    Case(406, "POST", "/graphql", query("{ __typename }", Accept="image/png")),
    Case(413, "POST", "/graphql", {"content": TOO_LONG, "headers": JSON}),
    Case(415, "POST", "/graphql", {"content": b"{}"}),
    Case(204, "OPTIONS", "/graphql"),
)
UNROUTED = tuple(
    case for case in REST if case.status in (204, 405) or case.path in ("/v1", "/v1/nothing", "/nothing")
)
"""What is answered alike with and without a token."""
TAKES_NO_TOKEN = (
    Case(200, "GET", "/health"),
    Case(204, "OPTIONS", "/health"),
    Case(200, "GET", "/v1/openapi.json"),
    Case(200, "GET", "/graphql/schema"),
)


@pytest.fixture
async def person(helpdesk: Helpdesk) -> Person:
    """An admin of a workspace of the starter tier."""
    made, user, workspace = await make_key(helpdesk, "admin", workspace="starter", tier="starter")
    given = {"api_key": made.row.api_key, "api_secret": made.api_secret}
    async with helpdesk.operation(None) as ctx:
        token = await create_token(ctx, given)
    return Person(user, workspace, made.row.api_key, made.api_secret, token.token)


async def sent(http: httpx.AsyncClient, case: Case, headers: dict[str, str]) -> httpx.Response:
    options = case.options | {"headers": headers | case.options.get("headers", {})}
    return await http.request(case.method, case.path, **options)


def remaining(answer: httpx.Response) -> int:
    """What is left of the minute; fails when an answer does not say it, once and in numbers."""
    limit, left, reset = (
        answer.headers.get_list(f"x-ratelimit-{name}") for name in ("limit", "remaining", "reset")
    )
    assert (limit, len(left), len(reset)) == ([str(A_MINUTE)], 1, 1), answer.headers
    assert reset[0].isdigit()
    return int(left[0])


async def prepared(http: httpx.AsyncClient, person: Person) -> None:
    """Ticket 1 with file 1, as far as this workspace's own ids are theirs."""
    made = await http.post(
        "/v1/tickets",
        json=NEW_TICKET | {"requester_email": "admin@starter.example"},
        headers=person.headers,
    )
    assert made.json()["data"]["id"] == 1
    await http.post("/v1/tickets/1/attachments", files={"file": ("a", b"abc")}, headers=person.headers)


@pytest.mark.parametrize("cases", [REST, GRAPHQL], ids=["rest", "graphql"])
async def test_every_answer_tells_and_costs_a_unit(
    cases: tuple[Case, ...], http: httpx.AsyncClient, person: Person
) -> None:
    await prepared(http, person)
    for number, case in enumerate(cases, start=1):
        answer = await sent(http, case, person.headers)
        assert answer.status_code == case.status, (str(case), answer.text)
        assert remaining(answer) == A_MINUTE - 2 - number, str(case)


@pytest.mark.parametrize("cases", [REST, GRAPHQL], ids=["rest", "graphql"])
async def test_once_it_is_used_up_everything_is_refused_alike(
    cases: tuple[Case, ...], http: httpx.AsyncClient, person: Person
) -> None:
    await prepared(http, person)
    while remaining(await http.get("/v1/categories", headers=person.headers)):
        pass
    for case in cases:
        answer = await sent(http, case, person.headers)
        assert answer.status_code == 429, str(case)
        assert remaining(answer) == 0
        assert int(answer.headers["retry-after"]) > 0
        if case.method != "HEAD":
            told = answer.json()
            error = told["error"] if "error" in told else told["errors"][0]["extensions"]
            assert error["code"] == "RATE_LIMIT_EXCEEDED"


async def test_without_a_good_token_nobody_is_charged_or_told(
    http: httpx.AsyncClient, person: Person
) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        for case in (*REST, *GRAPHQL):
            answer = await sent(http, case, headers)
            assert "x-ratelimit-limit" not in answer.headers, str(case)
            if case in UNROUTED:
                assert answer.status_code == case.status, str(case)
    for case in TAKES_NO_TOKEN:
        answer = await sent(http, case, person.headers)
        assert (answer.status_code, "x-ratelimit-limit" in answer.headers) == (case.status, False)
    assert remaining(await http.get("/v1/categories", headers=person.headers)) == A_MINUTE - 1


async def test_a_schema_that_is_for_some_is_charged_to_them(
    helpdesk: Helpdesk, person: Person, address: str, tmp_path: Path, clock: Clock
) -> None:
    settings = Settings(data_dir=tmp_path, database_url=address, introspection="staff")
    closed = create_app(settings, clock)
    closed.state.helpdesk = helpdesk
    async with client_of(closed) as http:
        answer = await http.get("/graphql/schema", headers=person.headers)
        assert (answer.status_code, remaining(answer)) == (200, A_MINUTE - 1)
        refused = await http.get("/graphql/schema")
        assert (refused.status_code, "x-ratelimit-limit" in refused.headers) == (401, False)


async def test_operations_by_websocket_are_charged_faulty_ones_too(
    app: Litestar, http: httpx.AsyncClient, person: Person, clock: Clock
) -> None:
    """There are no headers there: `extensions.cost` tells."""
    settings = app.state.settings.model_copy(update={"worker_embedded": False})
    with (
        TestClient(create_app(settings, clock)) as client,
        client.websocket_connect("/graphql", subprotocols=["graphql-transport-ws"]) as ws,
    ):
        ws.send_json({"type": "connection_init", "payload": person.headers})
        assert ws.receive_json()["type"] == "connection_ack"

        def told(text: str) -> Any:
            ws.send_json({"id": "1", "type": "subscribe", "payload": {"query": text}})
            answer = ws.receive_json()
            if answer["type"] == "next":
                assert ws.receive_json()["type"] == "complete"
                return answer["payload"]["extensions"]["cost"]["remaining"]
            return answer["payload"][0]["extensions"]["code"]

        assert told("{ categories { totalCount } }") == A_MINUTE - 1
        assert told("{ nope }") == "GRAPHQL_VALIDATION_FAILED"
        assert told("{") == "GRAPHQL_PARSE_FAILED"
        assert told("{ __typename }") == A_MINUTE - 4
        said = [told("{") for _ in range(A_MINUTE - 3)]
        assert said == ["GRAPHQL_PARSE_FAILED"] * (A_MINUTE - 4) + ["RATE_LIMIT_EXCEEDED"]
        assert told("{ __typename }") == "RATE_LIMIT_EXCEEDED"


async def test_what_is_not_there_is_not_there_without_a_database_either(
    app: Litestar, person: Person, clock: Clock, tmp_path: Path
) -> None:
    """Who asks cannot be told then, so nobody is charged."""
    empty = {"database_url": f"sqlite:///{tmp_path}/empty.db", "worker_embedded": False}
    broken = create_app(app.state.settings.model_copy(update=empty), clock)
    async with client_of(broken, person.headers) as http:
        assert (await http.get("/v1/tickets")).status_code >= 500
        for method, path, status in (
            ("GET", "/v1/nothing", 404),
            ("PATCH", "/v1/tickets", 405),
            ("OPTIONS", "/v1/tickets", 204),
            ("PUT", "/graphql", 405),
        ):
            answer = await http.request(method, path)
            assert (answer.status_code, "x-ratelimit-limit" in answer.headers) == (status, False)
    await broken.state.helpdesk.close()

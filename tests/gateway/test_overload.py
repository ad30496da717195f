"""More than can be done at once: whoever is refused is told so in their door's words, and nobody else notices."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from litestar import Litestar

from gateway.app import create_app
from gateway.graphql.turns import AT_ONCE, IN_LINE
from gateway.overload import Gate
from gateway.settings import Settings
from resolvers.context import Helpdesk
from tests.conftest import Clock, Joins, Person

MOST = 4
TICKET = {"subject": "x", "content": "x", "requester_email": "ada@acme.test"}
CREATE = """mutation { ticketCreate(input: {subject: "x", content: "x", requesterEmail: "ada@acme.test"})
    { ticket { id } userErrors { code } } }"""


@pytest.fixture
async def app(address: str, clock: Clock, tmp_path: Path) -> AsyncIterator[Litestar]:
    """The application with few places."""
    settings = Settings(
        data_dir=tmp_path, database_url=address, database_pool=4, sqlite_durable=False, max_in_flight=MOST
    )
    application = create_app(settings, clock)
    yield application
    await application.state.helpdesk.close()


@contextlib.asynccontextmanager
async def no_writes(helpdesk: Helpdesk) -> AsyncIterator[None]:
    """While the block lasts, every write waits."""
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(1 if helpdesk.db.is_sqlite else 4):
            tx = await stack.enter_async_context(helpdesk.db.write())
            if helpdesk.db.is_sqlite:
                break
            await tx.connection.fetch("SELECT 1")
        yield


def placed(app: Litestar) -> Gate:
    """The gate of the application."""
    return cast(Gate, app.asgi_handler)


async def until_working(app: Litestar, count: int) -> None:
    """Wait until so many requests are worked on."""
    async with asyncio.timeout(20):
        while placed(app)._working < count:  # noqa: ASYNC110  # no event
            await asyncio.sleep(0.005)


async def test_one_too_many_is_told_to_come_again_and_those_before_are_answered(
    app: Litestar, http: httpx.AsyncClient, admin: Person
) -> None:
    async with no_writes(app.state.helpdesk):
        accepted = [
            asyncio.create_task(http.post("/v1/tickets", json=TICKET, headers=admin.headers))
            for _ in range(MOST)
        ]
        await until_working(app, MOST)
        rest = await http.get("/v1/tickets", headers=admin.headers)
        upload = await http.post(
            "/v1/tickets/1/attachments", files={"file": ("a", b"x" * 3_000_000)}, headers=admin.headers
        )
        graph = await http.post(
            "/graphql", json={"query": "{ tickets { totalCount } }"}, headers=admin.headers
        )
        health = await http.get("/health")
    assert {(each := await task).status_code for task in accepted} == {201}, each.text
    for refused in (rest, upload):
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["x-request-id"]
        assert refused.json()["success"] is False
        assert refused.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
    assert graph.status_code == 503
    assert graph.headers["retry-after"] == "1"
    assert graph.headers["content-type"].startswith("application/json")
    [error] = graph.json()["errors"]
    assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"
    assert "data" not in graph.json()
    assert health.status_code == 200
    assert (await http.get("/v1/tickets", headers=admin.headers)).json()["pagination"]["total"] == MOST


async def test_who_sends_slowly_takes_nobodys_place(
    app: Litestar, http: httpx.AsyncClient, admin: Person
) -> None:
    rest_of_it = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b'{"subject": "x", "content": "x", '
        await rest_of_it.wait()
        yield b'"requester_email": "ada@acme.test"}'

    # httpx's transport reads a body as it is asked for, as a server does
    headers = admin.headers | {"Content-Type": "application/json"}
    sending = []
    for count in range(1, 2 * MOST):
        sending.append(asyncio.create_task(http.post("/v1/tickets", content=slowly(), headers=headers)))
        async with asyncio.timeout(20):
            while (placed(app)._open, placed(app)._working) != (count, 0):  # noqa: ASYNC110  # no event
                await asyncio.sleep(0.005)
    assert (await http.get("/v1/tickets", headers=admin.headers)).status_code == 200
    rest_of_it.set()
    assert {(await task).status_code for task in sending} == {201}


async def test_bodies_that_are_still_coming_are_held_to_a_bound(
    app: Litestar, http: httpx.AsyncClient, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.overload.HELD_AT_MOST", 1000)

    async def body() -> AsyncIterator[bytes]:
        yield b" " * 1001
        yield b"{}"

    headers = admin.headers | {"Content-Type": "application/json"}
    for path in ("/v1/tickets", "/graphql"):
        answer = await http.post(path, content=body(), headers=headers)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1"), path
    assert placed(app)._held == 0
    assert (await http.post("/v1/tickets", json=TICKET, headers=admin.headers)).status_code == 201


async def test_who_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.overload.READS_WITHIN_S", 0.01)
    ended: list[str] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while True:
                await send({"type": "http.response.body", "body": b"x" * 1000, "more_body": True})
        finally:
            ended.append("closed")

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    gate = Gate(app, MOST, lambda *_: app)
    scope: Any = {"type": "http", "path": "/", "headers": [(b"host", b"x")]}
    await gate(scope, cast(Any, None), send)
    assert ended == ["closed"]
    assert (gate._working, gate._open) == (0, 0)


async def test_one_key_leaves_room_for_others(
    address: str, clock: Clock, tmp_path: Path, join: Joins, admin: Person
) -> None:
    other = await join("agent")
    app = create_app(Settings(data_dir=tmp_path, database_url=address, sqlite_durable=False), clock)
    transport = httpx.ASGITransport(cast(Any, app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://answer.test") as http:

        async def create() -> httpx.Response:
            return await http.post("/graphql", json={"query": CREATE}, headers=admin.headers)

        async with no_writes(app.state.helpdesk):
            asked = [asyncio.create_task(create()) for _ in range(AT_ONCE + IN_LINE + 3)]
            refused: set[asyncio.Task[httpx.Response]] = set()
            while len(refused) < 3:
                done, _ = await asyncio.wait(set(asked) - refused, return_when=asyncio.FIRST_COMPLETED)
                refused |= done
            others = await http.post("/graphql", json={"query": "{ viewer { id } }"}, headers=other.headers)
        assert {(await task).status_code for task in set(asked) - refused} == {200}
        for each in refused:
            answer = await each
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
            assert answer.headers["x-ratelimit-limit"] == answer.headers["x-ratelimit-remaining"]
            assert answer.json()["errors"][0]["extensions"]["code"] == "RATE_LIMIT_EXCEEDED"
    assert others.status_code == 200
    await app.state.helpdesk.close()

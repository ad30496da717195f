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
from gateway.overload import PIECE, Gate
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


@pytest.mark.parametrize("size", [1000, 10 * PIECE], ids=["in pieces", "whole"])
async def test_who_does_not_read_is_cut_off(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr("gateway.overload.READS_WITHIN_S", 0.01)
    ended: list[str] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while True:
                more = size < PIECE
                await send({"type": "http.response.body", "body": b"x" * size, "more_body": more})
        finally:
            ended.append("closed")

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    gate = Gate(app, MOST, lambda *_: app)
    scope: Any = {"type": "http", "path": "/", "headers": [(b"host", b"x")]}
    await gate(scope, cast(Any, None), send)
    assert ended == ["closed"]
    assert (gate._working, gate._open, gate._held) == (0, 0, 0)


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, 3 * PIECE])
async def test_a_large_answer_is_sent_in_pieces_and_is_held_to_a_bound(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr("gateway.overload.HELD_AT_MOST", 2 * PIECE)
    body = bytes(index % 251 for index in range(size))
    sent: list[dict[str, Any]] = []
    had_room: list[bool] = []

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body, "more_body": False})

    async def send(message: Any) -> None:
        had_room.append(gate._has_room())
        sent.append(message)

    gate = Gate(app, MOST, lambda *_: app)
    scope: Any = {"type": "http", "path": "/", "headers": [(b"host", b"x")]}
    await gate(scope, cast(Any, None), send)
    pieces = [message["body"] for message in sent[1:]]
    assert b"".join(pieces) == body
    assert max(map(len, pieces)) <= PIECE
    assert [message["more_body"] for message in sent[1:]] == [True] * (len(pieces) - 1) + [False]
    assert all(had_room) == (size <= 2 * PIECE)
    assert gate._has_room()


@contextlib.asynccontextmanager
async def roomy(
    address: str, clock: Clock, tmp_path: Path
) -> AsyncIterator[tuple[Litestar, httpx.AsyncClient]]:
    """The application with many places, and a client of it."""
    app = create_app(Settings(data_dir=tmp_path, database_url=address, sqlite_durable=False), clock)
    transport = httpx.ASGITransport(cast(Any, app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://answer.test") as http:
        yield app, http
    await app.state.helpdesk.close()


def refused_in_words_of(door: str, answer: httpx.Response) -> bool:
    """Whether it is the refusal of one too many of a key."""
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1"), answer.text
    assert answer.headers["x-ratelimit-limit"] == answer.headers["x-ratelimit-remaining"]
    told = answer.json()["error"] if door == "rest" else answer.json()["errors"][0]
    code = told["code"] if door == "rest" else told["extensions"]["code"]
    assert "At most 20 requests of a key run at once" in told["message"]
    return bool(code == "RATE_LIMIT_EXCEEDED")


@pytest.mark.parametrize(("door", "other_door"), [("graphql", "rest"), ("rest", "graphql")])
async def test_one_key_leaves_room_for_others(
    address: str, clock: Clock, tmp_path: Path, join: Joins, admin: Person, door: str, other_door: str
) -> None:
    """Both doors stand in one line: those who came through one fill it for the other."""
    other = await join("agent")
    async with roomy(address, clock, tmp_path) as (app, http):

        async def create() -> httpx.Response:
            if door == "rest":
                return await http.post("/v1/tickets", json=TICKET, headers=admin.headers)
            return await http.post("/graphql", json={"query": CREATE}, headers=admin.headers)

        async def read(who: Person, through: str) -> httpx.Response:
            if through == "rest":
                return await http.get("/v1/tickets", headers=who.headers)
            return await http.post("/graphql", json={"query": "{ viewer { id } }"}, headers=who.headers)

        async with no_writes(app.state.helpdesk):
            asked = [asyncio.create_task(create()) for _ in range(AT_ONCE + IN_LINE + 3)]
            refused: set[asyncio.Task[httpx.Response]] = set()
            while len(refused) < 3:
                done, _ = await asyncio.wait(set(asked) - refused, return_when=asyncio.FIRST_COMPLETED)
                refused |= done
            through_the_other = await read(admin, other_door)
            others = [await read(other, each) for each in ("rest", "graphql")]
        was_done = {(await task).status_code for task in set(asked) - refused}
        assert was_done == ({201} if door == "rest" else {200})
        assert all([refused_in_words_of(door, await each) for each in refused])
        assert refused_in_words_of(other_door, through_the_other)
        assert {each.status_code for each in others} == {200}
        assert app.state.turns._lines == {}
        assert (await read(admin, other_door)).status_code == 200


async def test_who_sends_slowly_takes_no_turn_of_their_key(
    address: str, clock: Clock, tmp_path: Path, admin: Person
) -> None:
    rest_of_it = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b'{"subject": "x", "content": "x", '
        await rest_of_it.wait()
        yield b'"requester_email": "ada@acme.test"}'

    headers = admin.headers | {"Content-Type": "application/json"}
    async with roomy(address, clock, tmp_path) as (app, http):
        sending = [
            asyncio.create_task(http.post("/v1/tickets", content=slowly(), headers=headers))
            for _ in range(AT_ONCE + IN_LINE)
        ]
        async with asyncio.timeout(20):
            gate = placed(app)
            while (gate._open, gate._working) != (len(sending), 0):  # noqa: ASYNC110  # no event
                await asyncio.sleep(0.005)
        assert (await http.get("/v1/tickets", headers=admin.headers)).status_code == 200
        rest_of_it.set()
        assert {(await task).status_code for task in sending} == {201}
        assert app.state.turns._lines == {}

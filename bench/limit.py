"""The limit: what this machine can do for each workload when a program does nothing else.

Written by hand: fixed SQL on the driver (asyncpg; aiosqlite's execute_fetchall), rows straight into msgspec structs, one
encoder, Litestar, granian. No graph, no sign-in, no checks, no permissions, no fields but those that are asked for. The
answers are those of Answer, byte for byte but for cursors and key order. Writes are the bare INSERTs of one transaction.
"""

import asyncio
import contextlib
import datetime as dt
import functools
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import aiosqlite
import asyncpg
import msgspec
from litestar import Litestar, Request, Response, get, post

from bench import limit_answers as answers
from bench import limit_sql as sql

CONNECTIONS: Final = 8
encode: Final = msgspec.json.Encoder().encode
Rows = Sequence[Sequence[Any]]


class Driver(Protocol):
    """One connection, for the statements of a request."""

    async def fetch(self, statement: str, *values: Any) -> Rows:
        """All rows."""


class Pool(Protocol):
    """Connections to one database."""

    def reading(self) -> contextlib.AbstractAsyncContextManager[Driver]:
        """A connection to read with, in autocommit."""

    def writing(self) -> contextlib.AbstractAsyncContextManager[Driver]:
        """A transaction."""

    async def open(self, app: Litestar) -> None:
        """Connect."""

    async def close(self, app: Litestar) -> None:
        """Let go of every connection; the threads of SQLite's would keep the process alive."""


class PostgresDriver:
    """A connection of asyncpg, which keeps every statement prepared."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    async def fetch(self, statement: str, *values: Any) -> Rows:
        """All rows."""
        found: Rows = await self._connection.fetch(_for_postgres(statement), *values)
        return found


class PostgresPool:
    """Asyncpg's own pool."""

    def __init__(self, dsn: str) -> None:
        self._opening = functools.partial(
            asyncpg.create_pool, dsn, min_size=CONNECTIONS, max_size=CONNECTIONS, reset=_nothing_to_reset
        )
        self._pool: Any = None

    async def open(self, _app: Litestar) -> None:
        """Connect."""
        self._pool = await self._opening()

    async def close(self, _app: Litestar) -> None:
        """Disconnect."""
        self._pool.terminate()

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Driver]:
        """A connection."""
        async with self._pool.acquire() as connection:
            yield PostgresDriver(connection)

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[Driver]:
        """A transaction."""
        async with self._pool.acquire() as connection, connection.transaction():
            yield PostgresDriver(connection)


async def _nothing_to_reset(_connection: Any) -> None:
    """What asyncpg would otherwise spend a statement on."""


class SqliteDriver:
    """A connection with its thread: one hop a statement."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def fetch(self, statement: str, *values: Any) -> Rows:
        """All rows."""
        found: Any = await self._connection.execute_fetchall(
            _for_sqlite(statement), [_sqlite_value(value) for value in values]
        )
        return list(found)


class SqlitePool:
    """A few readers, and one writer that is waited for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: asyncio.LifoQueue[aiosqlite.Connection] = asyncio.LifoQueue()
        self._opened: list[aiosqlite.Connection] = []
        self._turn = asyncio.Lock()

    async def open(self, _app: Litestar) -> None:
        """Open the connections; what is acknowledged survives a power cut, as with Answer."""
        for _ in range(CONNECTIONS + 1):
            self._opened.append(await aiosqlite.connect(self._path, isolation_level=None))
        self._writer, *readers = self._opened
        for each in readers:
            self._idle.put_nowait(each)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            await self._writer.execute_fetchall(f"PRAGMA {pragma}")

    async def close(self, _app: Litestar) -> None:
        """Close the connections."""
        for each in self._opened:
            await each.close()

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[Driver]:
        """A connection."""
        connection = await self._idle.get()
        try:
            yield SqliteDriver(connection)
        finally:
            self._idle.put_nowait(connection)

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[Driver]:
        """A transaction."""
        async with self._turn:
            await self._writer.execute_fetchall("BEGIN IMMEDIATE")
            yield SqliteDriver(self._writer)
            await self._writer.execute_fetchall("COMMIT")


_for_postgres = functools.cache(functools.partial(sql.for_engine, is_sqlite=False))
_for_sqlite = functools.cache(functools.partial(sql.for_engine, is_sqlite=True))


def _sqlite_value(value: Any) -> Any:
    return sql.value_for(value, is_sqlite=True) if isinstance(value, list | dt.datetime) else value


def create() -> Litestar:
    """The application, on the database that ANSWER_DATABASE_URL names."""
    address = os.environ["ANSWER_DATABASE_URL"]
    pool: Pool = (
        SqlitePool(Path(address.removeprefix("sqlite:///")))
        if address.startswith("sqlite")
        else PostgresPool(address)
    )
    return Litestar(
        route_handlers=[*_graph(pool), *_rest(pool), *_writes(pool)],
        on_startup=[pool.open],
        on_shutdown=[pool.close],
        openapi_config=None,
        logging_config=None,
    )


def _answer(body: Any, status: int = 200) -> Response[bytes]:
    return Response(encode(body), media_type="application/json", status_code=status)


def _graph(pool: Pool) -> list[Any]:
    @get("/inbox")
    async def inbox() -> Response[bytes]:
        async with pool.reading() as db:
            rows = await db.fetch(sql.INBOX)
            total = (await db.fetch(sql.INBOX_COUNT))[0][0]
            replies = await db.fetch(sql.LAST_REPLIES, [row[1] for row in rows[:20]])
        return _answer(answers.inbox(rows, total, replies))

    @get("/ticket/{ticket_id:int}")
    async def ticket(ticket_id: int) -> Response[bytes]:
        async with pool.reading() as db:
            [row] = await db.fetch(sql.TICKET, ticket_id)
            replies = await db.fetch(sql.REPLIES, ticket_id)
            log = await db.fetch(sql.ACTIVITY, ticket_id)
            watchers = await db.fetch(sql.WATCHERS, ticket_id)
            files = await db.fetch(sql.FILES, ticket_id)
        return _answer(answers.ticket(row, replies, log, watchers, files))

    @get("/organization/{organization_id:int}")
    async def organization(organization_id: int) -> Response[bytes]:
        async with pool.reading() as db:
            [row] = await db.fetch(sql.ORGANIZATION, organization_id)
            people = await db.fetch(sql.USERS, organization_id)
            tickets = await db.fetch(sql.TICKETS_OF_USERS, [person[0] for person in people])
            replies = await db.fetch(sql.FIRST_REPLIES, [each[1] for each in tickets])
            waiting = await db.fetch(sql.WAITING, organization_id)
            count = (await db.fetch(sql.WAITING_COUNT, organization_id))[0][0]
        return _answer(answers.organization(row, people, tickets, replies, waiting, count))

    return [inbox, ticket, organization]


def _rest(pool: Pool) -> list[Any]:
    @get("/v1/tickets")
    async def listed() -> Response[bytes]:
        async with pool.reading() as db:
            rows = await db.fetch(sql.REST_LIST)
            total = (await db.fetch(sql.REST_COUNT))[0][0]
        return _answer(answers.listed(rows, total))

    @get("/v1/tickets/{ticket_id:int}")
    async def detail(ticket_id: int) -> Response[bytes]:
        async with pool.reading() as db:
            [row] = await db.fetch(sql.TICKET, ticket_id)
            replies = await db.fetch(sql.REPLIES, ticket_id)
            log = await db.fetch(sql.ACTIVITY, ticket_id)
            watchers = await db.fetch(sql.WATCHERS, ticket_id)
            files = await db.fetch(sql.FILES, ticket_id)
        return _answer(answers.detail(row, replies, log, watchers, files))

    return [listed, detail]


def _writes(pool: Pool) -> list[Any]:
    @post("/v1/tickets")
    async def create_ticket(request: Request[Any, Any, Any]) -> Response[bytes]:
        given, now = msgspec.json.decode(await request.body()), dt.datetime.now(dt.UTC)
        async with pool.writing() as db:
            [[user_id, organization_id]] = await db.fetch(sql.REQUESTER, given["requester_email"])
            content = given["content"]
            values = (given["priority"], user_id, organization_id, given["category_id"])
            tags = encode(given["tags"]).decode()
            [[ticket_id]] = await db.fetch(
                sql.ADD_TICKET, given["subject"], content, content, *values, tags, now, now
            )
            for tag in given["tags"]:
                await db.fetch(sql.ADD_TAG, ticket_id, tag)
            await db.fetch(sql.ADD_ENTRY, ticket_id, user_id, now)
        return _answer({"success": True, "data": {"id": ticket_id}}, 201)

    @post("/v1/tickets/{ticket_id:int}/replies")
    async def create_reply(ticket_id: int, request: Request[Any, Any, Any]) -> Response[bytes]:
        given, now = msgspec.json.decode(await request.body()), dt.datetime.now(dt.UTC)
        content = given["content"]
        async with pool.writing() as db:
            # whoever signs in is somebody: user 1 of the sample
            [[reply_id]] = await db.fetch(sql.ADD_REPLY, ticket_id, 1, content, content, now)
            await db.fetch(sql.TOUCH_TICKET, now, ticket_id)
        return _answer({"success": True, "data": {"id": reply_id}}, 201)

    return [create_ticket, create_reply]

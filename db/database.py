"""The database: `read()` gives one connection for an operation, `write()` one transaction for a change."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Delete, Insert, TextClause, Update, event, exc
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from db.drivers import (
    POSTGRESQL_IS_GONE,
    STATEMENT_TIMEOUT_S,
    WAIT_FOR_CONNECTION_S,
    PostgresReads,
    ReadConnections,
    SqliteReads,
)
from db.errors import ConnectionLost, DatabaseUnavailable, WriteRaced
from db.statements import Compiled, Statement
from db.writers import PostgresWrites, SqliteWrites, Writer, Writes

Row = TypeVar("Row")
_RACED = ("40001", "40P01")
"""SQLSTATE of PostgreSQL: serialization failure, deadlock detected."""
_OUT_OF_SERVICE = ("08", "53", "57")
"""Classes of SQLSTATE: connection exceptions, insufficient resources, operator intervention (a restart)."""
Change = Insert | Update | Delete | TextClause


def database_url(text: str) -> URL:
    """The address with the driver we speak: `sqlite:///file`, `postgresql://…` and `postgres://…` are taken.

    Raises ValueError for any other database.
    """
    try:
        url = make_url(text)
    except exc.ArgumentError:
        raise ValueError(
            "a database address looks like sqlite:///answer.db or postgresql://user@host/name"
        ) from None
    family = url.get_backend_name()
    if family == "sqlite" and url.database and url.database != ":memory:":
        return url.set(drivername="sqlite+aiosqlite")
    if family in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+asyncpg")
    raise ValueError(
        "the database must be a SQLite file (sqlite:///answer.db) or PostgreSQL (postgresql://…)"
    )


class Database:
    """One SQLite file or one PostgreSQL database, with its two pools: readers and writers, and a connection to spare."""

    def __init__(self, address: str, *, readers: int = 8, writers: int = 8, durable: bool = True) -> None:
        url = database_url(address)
        self.is_sqlite = url.get_backend_name() == "sqlite"
        self.engine = (
            _sqlite_engine(url, durable=durable) if self.is_sqlite else _postgresql_engine(url, writers)
        )
        self.readers = self._reads(url, readers)
        self._spare = self._reads(url, 1)
        self._writes: Writes = SqliteWrites(self.engine) if self.is_sqlite else PostgresWrites(self.engine)
        self.on_statement: Callable[[str], None] | None = None
        self.on_jobs: Callable[[], None] | None = None
        """Called when a transaction that wrote jobs is committed."""
        event.listen(self.engine.sync_engine, "before_cursor_execute", self._tell)

    def _reads(self, url: URL, size: int) -> ReadConnections:
        if self.is_sqlite:
            return SqliteReads(str(url.database), size)
        return PostgresReads(url.set(drivername="postgresql").render_as_string(hide_password=False), size)

    def _tell(self, _connection: Any, _cursor: Any, sql: str, *_rest: Any) -> None:
        if self.on_statement is not None:
            self.on_statement(sql)

    def read(self, *, spare: bool = False) -> "Reader":
        """A reader for one operation; close it, or use it as `async with`.

        `spare`: on the connection that is kept for asking how the database is, whatever waits for the others.
        """
        return Reader(self, self._spare if spare else self.readers)

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator["Tx"]:
        """One transaction: committed when the block ends, rolled back when it raises.

        Raises DatabaseUnavailable when the database cannot be reached, WriteRaced when another transaction got
        in between.
        """
        try:
            async with self._writes.transaction() as writer:
                tx = Tx(writer, is_sqlite=self.is_sqlite)
                yield tx
        except (exc.InterfaceError, exc.TimeoutError, *POSTGRESQL_IS_GONE) as error:
            raise DatabaseUnavailable(type(error).__name__) from error
        except exc.DBAPIError as error:
            state = str(getattr(error.orig, "sqlstate", None))
            if isinstance(error, exc.IntegrityError) or state in _RACED:
                raise WriteRaced(type(error).__name__) from error
            is_locked = self.is_sqlite and "locked" in str(error.orig)
            if error.connection_invalidated or is_locked or state.startswith(_OUT_OF_SERVICE):
                raise DatabaseUnavailable(type(error).__name__) from error
            raise
        if tx.wrote_jobs and self.on_jobs is not None:
            self.on_jobs()

    async def close(self) -> None:
        """Close every connection."""
        await self._writes.close()
        await self.readers.close()
        await self._spare.close()
        await self.engine.dispose()


class Reader:
    """One connection, taken at the first statement and held until the operation ends.

    Statements of one reader run one after the other: a connection can do one thing at a time.
    """

    def __init__(self, database: Database, connections: ReadConnections) -> None:
        self._database = database
        self._connections = connections
        self._dialect = database.engine.dialect
        self._connection: Any = None
        self._turn = asyncio.Lock()
        self._is_closed = False

    async def rows(self, statement: Statement[Row], /, **values: Any) -> list[Row]:
        """Every row, in the statement's order. Raises DatabaseUnavailable."""
        compiled = statement.compiled(self._dialect)
        arguments = compiled.arguments(values)
        async with self._turn:
            if self._is_closed:
                # a loader's batch of an operation that was given up: nobody waits for it, and a connection taken
                # now would never come back
                raise asyncio.CancelledError
            try:
                records = await self._fetch(compiled, arguments)
            finally:
                if self._was_closed():
                    await self._give_back()
        return statement.decode(records, compiled)

    def _was_closed(self) -> bool:
        return self._is_closed

    async def first(self, statement: Statement[Row], /, **values: Any) -> Row | None:
        """The first row, or None."""
        found = await self.rows(statement, **values)
        return found[0] if found else None

    async def _fetch(self, compiled: Compiled, arguments: list[Any]) -> Sequence[Sequence[Any]]:
        if self._database.on_statement is not None:
            self._database.on_statement(compiled.sql)
        readers = self._connections
        was_held = self._connection is not None
        if not was_held:
            self._connection = await readers.take()
        try:
            return await readers.fetch(self._connection, compiled.sql, arguments)
        except ConnectionLost:
            await self._give_back(broken=True)
            if was_held:
                raise
        # it had died in the pool, in its sleep: a read may simply be asked again
        self._connection = await readers.take()
        return await readers.fetch(self._connection, compiled.sql, arguments)

    async def _give_back(self, *, broken: bool = False) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._connections.give_back(connection, broken=broken)

    async def rest(self) -> None:
        """Give the connection back for now: the next statement takes another."""
        async with self._turn:
            await self._give_back()

    async def close(self) -> None:
        """Give the connection back; a statement that is still running does so when it ends. Nothing is read after."""
        self._is_closed = True
        if not self._turn.locked():
            await self._give_back()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class Tx:
    """What a change can do inside its transaction. Reads made here see what it has written so far."""

    def __init__(self, writer: Writer, *, is_sqlite: bool) -> None:
        self.writer = writer
        self.is_sqlite = is_sqlite
        self.wrote_jobs = False

    async def rows(self, statement: Statement[Row], /, **values: Any) -> list[Row]:
        """Every row, in the statement's order."""
        result = await self.writer.execute(statement.select, values)
        return [statement.make_row(*record) for record in result]

    async def first(self, statement: Statement[Row], /, **values: Any) -> Row | None:
        """The first row, or None."""
        found = await self.rows(statement, **values)
        return found[0] if found else None

    async def change(
        self, change: Change, values: Mapping[str, Any] | list[dict[str, Any]] | None = None
    ) -> None:
        """Run an INSERT, UPDATE or DELETE; a list of values runs it for each."""
        await self.writer.execute(change, values)

    async def returning(self, change: Any, make_row: Callable[..., Row], **values: Any) -> list[Row]:
        """Run a change that RETURNs columns, as rows."""
        result = await self.writer.execute(change, values)
        return [make_row(*record) for record in result]

    async def returning_each(
        self, change: Any, make_row: Callable[..., Row], values: list[dict[str, Any]]
    ) -> list[Row]:
        """Run an INSERT that RETURNs columns for each of the values; the rows in no particular order."""
        result = await self.writer.execute(change, values)
        return [make_row(*record) for record in result]


def _sqlite_engine(url: URL, *, durable: bool) -> AsyncEngine:
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(url, pool_size=1, max_overflow=0, pool_timeout=WAIT_FOR_CONNECTION_S)
    pragmas = (
        "journal_mode=WAL",  # readers go on while one writes
        f"synchronous={'FULL' if durable else 'NORMAL'}",  # FULL: what was acknowledged survives a power cut
        f"busy_timeout={int(STATEMENT_TIMEOUT_S * 1000)}",
        "foreign_keys=ON",
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        # a transaction that begins as a reader and turns writer fails at once when another has written meanwhile
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _postgresql_engine(url: URL, size: int) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=size,
        max_overflow=0,
        pool_timeout=WAIT_FOR_CONNECTION_S,
        pool_pre_ping=True,  # a write cannot simply be asked again, so a dead connection is found before it starts
        connect_args={"timeout": WAIT_FOR_CONNECTION_S, "command_timeout": STATEMENT_TIMEOUT_S},
    )

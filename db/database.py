"""The database: `read()` gives one connection for an operation, `write()` one transaction for a change."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import event, exc
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from db.bell import Bell, PostgresBell, SqliteBell
from db.drivers import (
    STATEMENT_TIMEOUT_S,
    WAIT_AFTER_A_WRITE_S,
    WAIT_FOR_CONNECTION_S,
    PostgresReads,
    ReadConnections,
    SqliteReads,
)
from db.errors import ConnectionLost, DatabaseUnavailable, SavedUnread
from db.joint import Asked, Joint, Records
from db.statements import Change, Compiled, Statement, compiled_change, decoded
from db.writers import PostgresWrites, SqliteWrites, Writer, Writes

Row = TypeVar("Row")
MIGRATES_WITHIN_S = 600.0
"""For one statement of a migration."""


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
        self._place = (
            str(url.database)
            if self.is_sqlite
            else url.set(drivername="postgresql").render_as_string(hide_password=False)
        )
        pragmas = _pragmas(durable=durable)
        self.engine = _sqlite_engine(url, pragmas) if self.is_sqlite else _postgresql_engine(url)
        """For migrations, and for whoever looks inside; what is served goes through the drivers."""
        self.readers = self._reads(readers)
        self._spare = self._reads(1)
        self._writes: Writes = (
            SqliteWrites(self._place, pragmas) if self.is_sqlite else PostgresWrites(self._place, writers)
        )
        self.on_statement: Callable[[str], None] | None = None
        self.on_jobs: Callable[[], None] | None = None
        """Called when a transaction that wrote jobs is committed."""
        self.bell: Bell = SqliteBell(self._place) if self.is_sqlite else PostgresBell(self._place)
        """Rings when events were committed, here or in another process."""

    def _reads(self, size: int) -> ReadConnections:
        return SqliteReads(self._place, size) if self.is_sqlite else PostgresReads(self._place, size)

    def tell(self, sql: str) -> None:
        """Say that a statement runs, to whoever counts them."""
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

        Raises DatabaseUnavailable when the database cannot be reached (MaybeSaved when it went away at the commit),
        WriteRaced when another transaction got in between.
        """
        async with self._writes.transaction() as writer:
            tx = Tx(self, writer)
            yield tx
        if tx.wrote_jobs and self.on_jobs is not None:
            self.on_jobs()
        if tx.wrote_events:
            self.bell.ring()

    async def study(self) -> None:
        """Let SQLite see how its tables have grown, so that it chooses its indexes well; PostgreSQL does by itself.

        It looks at about a thousand entries of each index. Raises DatabaseUnavailable.
        """
        if self.is_sqlite:
            async with self.write() as tx:
                await tx.connection.execute_fetchall("PRAGMA analysis_limit=1000")
                await tx.connection.execute_fetchall("ANALYZE")

    async def close(self) -> None:
        """Close every connection."""
        await self.bell.close()
        await self._writes.close()
        await self.readers.close()
        await self._spare.close()
        await self.engine.dispose()


class Reader:
    """One connection, taken at the first statement and held until the operation ends.

    Statements of one reader run one after the other: a connection can do one thing at a time. Those that are asked for
    at the same time while it is `joining` go to the database together.
    """

    def __init__(self, database: Database, connections: ReadConnections) -> None:
        self._database = database
        self._connections = connections
        self._dialect = database.engine.dialect
        self._connection: Any = None
        self._waits_s: float | None = None
        self._failure: DatabaseUnavailable | None = None
        self._turn = asyncio.Lock()
        self._is_closed = False
        self._joining = 0
        self._joint = Joint(self._records)

    @contextlib.contextmanager
    def joining(self) -> Iterator[None]:
        """While the block lasts, statements that are asked for at the same time go to the database together."""
        self._joining += 1
        try:
            yield
        finally:
            self._joining -= 1

    async def rows(self, statement: Statement[Row], /, **values: Any) -> list[Row]:
        """Every row, in the statement's order. Raises DatabaseUnavailable, SavedUnread."""
        compiled = statement.compiled(self._dialect)
        asked = Asked(compiled, compiled.arguments(values))
        if self._joining:
            records = await self._joint.records(asked)
        else:
            [records] = await self._records([asked])
        return statement.decode(records, compiled)

    async def _records(self, asked: Sequence[Asked]) -> Sequence[Records]:
        async with self._turn:
            if self._is_closed:
                # a loader's batch of an operation that was given up: nobody waits for it, and a connection taken
                # now would never come back
                raise asyncio.CancelledError
            if self._failure is not None:
                raise self._failure  # one operation waits once for a database that is out
            try:
                return await self._fetch(asked)
            except DatabaseUnavailable as error:
                if (told := self._told(error)) is error:
                    raise
                raise told from error
            finally:
                if self._was_closed():
                    await self._give_back()

    def _told(self, error: DatabaseUnavailable) -> DatabaseUnavailable:
        has_written = self._waits_s is not None
        told = SavedUnread(str(error)) if has_written else error
        if not isinstance(error, ConnectionLost):
            self._failure = told
        return told

    def _was_closed(self) -> bool:
        return self._is_closed

    async def first(self, statement: Statement[Row], /, **values: Any) -> Row | None:
        """The first row, or None."""
        found = await self.rows(statement, **values)
        return found[0] if found else None

    async def _fetch(self, asked: Sequence[Asked]) -> Sequence[Records]:
        readers = self._connections
        if self._database.on_statement is not None:  # their text is made for who counts them alone
            for sql in readers.texts(asked):
                self._database.tell(sql)
        was_held = self._connection is not None
        if not was_held:
            self._connection = await readers.take(self._waits_s)
        try:
            return await readers.fetch(self._connection, asked)
        except ConnectionLost:
            await self._give_back(broken=True)
            if was_held:
                raise
        # it had died in the pool, in its sleep: a read may simply be asked again
        self._connection = await readers.take(self._waits_s)
        return await readers.fetch(self._connection, asked)

    async def _give_back(self, *, broken: bool = False) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._connections.give_back(connection, broken=broken)

    def be_patient(self) -> None:
        """Wait longer for a connection than others: something was written, and what became of it is to be told."""
        self._waits_s = WAIT_AFTER_A_WRITE_S

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

    def __init__(self, database: Database, writer: Writer) -> None:
        self._database = database
        self._dialect = database.engine.dialect
        self._writer = writer
        self.connection = writer.connection
        """The driver's own, for what only it can do."""
        self.is_sqlite = database.is_sqlite
        self.wrote_jobs = False
        self.wrote_events = False

    @property
    def is_committed(self) -> bool | None:
        """Whether what was written is saved; None when that is not known, or not yet."""
        return self._writer.is_committed

    async def rows(self, statement: Statement[Row], /, **values: Any) -> list[Row]:
        """Every row, in the statement's order."""
        compiled = statement.compiled(self._dialect)
        return statement.decode(await self._fetch(compiled, values), compiled)

    async def first(self, statement: Statement[Row], /, **values: Any) -> Row | None:
        """The first row, or None."""
        found = await self.rows(statement, **values)
        return found[0] if found else None

    async def change(
        self, change: Change, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None
    ) -> None:
        """Run an INSERT, UPDATE or DELETE; a list of values, which all name the same, runs it for each."""
        if isinstance(values, Sequence):
            if len(values) != 1:
                await self._run_each(change, values)
                return
            [values] = values
        values = values or {}
        await self._fetch(compiled_change(change, tuple(values), self._dialect), values)

    async def returning(self, change: Any, make_row: Callable[..., Row], **values: Any) -> list[Row]:
        """Run a change that RETURNs columns, as rows."""
        compiled = compiled_change(change, tuple(values), self._dialect)
        return decoded(await self._fetch(compiled, values), compiled, make_row)

    async def returning_each(
        self, change: Any, make_row: Callable[..., Row], values: Sequence[Mapping[str, Any]]
    ) -> list[Row]:
        """Run an INSERT that RETURNs columns for each of the values; the rows in no particular order."""
        if not values:
            return []
        compiled = compiled_change(change, tuple(values[0]), self._dialect)
        self._database.tell(compiled.sql)
        records = await self._writer.fetch_each(compiled.sql, [compiled.arguments(each) for each in values])
        return decoded(records, compiled, make_row)

    async def _run_each(self, change: Change, values: Sequence[Mapping[str, Any]]) -> None:
        if values:
            compiled = compiled_change(change, tuple(values[0]), self._dialect)
            self._database.tell(compiled.sql)
            await self._writer.run_each(compiled.sql, [compiled.arguments(each) for each in values])

    async def _fetch(self, compiled: Compiled, values: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        self._database.tell(compiled.sql)
        return await self._writer.fetch(compiled.sql, compiled.arguments(values))


def _pragmas(*, durable: bool) -> tuple[str, ...]:
    return (
        "journal_mode=WAL",  # readers go on while one writes
        f"synchronous={'FULL' if durable else 'NORMAL'}",  # FULL: what was acknowledged survives a power cut
        "foreign_keys=ON",
    )


def _sqlite_engine(url: URL, pragmas: Sequence[str]) -> AsyncEngine:
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(
        url, pool_size=1, max_overflow=0, pool_timeout=WAIT_FOR_CONNECTION_S, hide_parameters=True
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        cursor = connection.cursor()
        for pragma in (*pragmas, f"busy_timeout={int(STATEMENT_TIMEOUT_S * 1000)}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _postgresql_engine(url: URL) -> AsyncEngine:
    return create_async_engine(
        url,
        pool_size=1,
        max_overflow=0,
        pool_timeout=WAIT_FOR_CONNECTION_S,
        hide_parameters=True,  # what customers wrote does not belong into a log
        connect_args={"timeout": WAIT_FOR_CONNECTION_S, "command_timeout": MIGRATES_WITHIN_S},
    )

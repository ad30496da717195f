"""The two drivers as readers use them: a small pool of connections and one way to fetch.

Reads run in autocommit: no BEGIN, no ROLLBACK, no greenlet. A pool never overflows: it makes callers wait, because
opening a connection per request under load halves the throughput (docs/decisions/0003-reads.md).
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Sequence
from itertools import chain
from typing import Any, Protocol

import aiosqlite
import asyncpg

from db.errors import ConnectionLost, DatabaseUnavailable
from db.joint import Asked, Records, joined

# Both end before the 10 seconds of a GraphQL operation do: whoever asks hears that the database is out, through either
# door, and not only that it took too long.
WAIT_FOR_CONNECTION_S = 5.0
STATEMENT_TIMEOUT_S = 8.0
WAIT_AFTER_A_WRITE_S = 30.0
"""Who has written must hear of it: being refused now, they would do it again."""
LEAVES_WITHIN_S = 2.0
"""What a closing database waits for statements that nobody waits for any more."""
STATEMENTS_KEPT_PREPARED = 512
# Indexes are in memory or on a disk that seeks at no cost. PostgreSQL's default is of disks that turn: it reads all users
# rather than look up twenty. Compiling a plan is for statements of seconds; ours end before it would begin to pay.
# Nor are several processes for one question: under load there are other questions for them.
READING = {"random_page_cost": "1.1", "jit": "off", "max_parallel_workers_per_gather": "0"}
POSTGRESQL_IS_GONE = (
    OSError,  # TimeoutError too
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InvalidAuthorizationSpecificationError,  # the password was changed, the role dropped
    asyncpg.InvalidCatalogNameError,  # the database was
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the server said goodbye to a connection that was idle
)


class ReadConnections(Protocol):
    """A pool of connections for reading."""

    async def take(self, within_s: float | None = None) -> Any:
        """A connection, for as long as the caller likes; None waits WAIT_FOR_CONNECTION_S. Raises DatabaseUnavailable."""

    async def give_back(self, connection: Any, *, broken: bool = False) -> None:
        """Return a connection; a broken one is thrown away."""

    def texts(self, asked: Sequence[Asked]) -> Sequence[str]:
        """The statements as the database is asked them together."""

    async def fetch(self, connection: Any, asked: Sequence[Asked]) -> Sequence[Records]:
        """All records of each statement. Raises ConnectionLost, DatabaseUnavailable."""

    async def close(self) -> None:
        """Close every connection."""


async def _taken(places: asyncio.Semaphore, within_s: float | None) -> None:
    """Take a place; None waits WAIT_FOR_CONNECTION_S. Raises DatabaseUnavailable."""
    if not places.locked():
        await places.acquire()  # at once
        return
    try:
        async with asyncio.timeout(within_s or WAIT_FOR_CONNECTION_S):
            await places.acquire()
    except TimeoutError as error:
        raise DatabaseUnavailable("every connection is busy") from error


async def _keep_as_it_is(_connection: Any) -> None:
    """Asyncpg resets a connection it gets back with one more statement; our reads leave nothing to reset."""


def _is_open(connection: Any) -> bool:
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:  # the pool has taken it back
        return False


class PostgresReads:
    """Asyncpg's own pool, opened on first use so that a database that is down does not stop the start.

    Connections that nobody uses are kept here: the pool has a task for each that it gets back, which costs as much as
    the statement that it was used for.
    """

    def __init__(self, dsn: str, size: int) -> None:
        self._dsn = dsn
        self._size = size
        self._places = asyncio.Semaphore(size)
        self._pool: Any = None
        self._opening = asyncio.Lock()
        self._idle: list[Any] = []
        self._plans_anew: dict[Any, bool | None] = {}
        """Whether a connection has every run planned; None when that is not known."""

    async def take(self, within_s: float | None = None) -> Any:
        """A connection; None waits WAIT_FOR_CONNECTION_S. Raises DatabaseUnavailable."""
        await _taken(self._places, within_s)
        try:
            while self._idle:
                connection = self._idle.pop()
                if _is_open(connection):
                    return connection
                await self._let_go(connection)
            # without a deadline, which costs the pool a task: there is a place, and connecting has one of its own
            return await (self._pool or await self._open()).acquire()
        except BaseException as error:
            self._places.release()
            if isinstance(error, POSTGRESQL_IS_GONE):
                raise DatabaseUnavailable(type(error).__name__) from error
            raise

    async def _open(self) -> Any:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._dsn,
                    min_size=0,
                    max_size=self._size,
                    reset=_keep_as_it_is,
                    command_timeout=STATEMENT_TIMEOUT_S,
                    statement_cache_size=STATEMENTS_KEPT_PREPARED,
                    max_cached_statement_lifetime=0,
                    timeout=WAIT_FOR_CONNECTION_S,
                    server_settings=READING,
                )
            return self._pool

    async def give_back(self, connection: Any, *, broken: bool = False) -> None:
        """Keep a connection for the next; without waiting, so that nothing can get in between."""
        try:
            if not broken:
                self._idle.append(connection)
                return
            # what ended this one may have ended all of them
            gone, self._idle = [connection, *self._idle], []
            for each in gone:
                await self._let_go(each)
        finally:
            self._places.release()

    async def _let_go(self, connection: Any) -> None:
        """The pool, which may have noticed that it is gone, opens another in its place when it is asked for one."""
        self._plans_anew.pop(connection, None)
        with contextlib.suppress(*POSTGRESQL_IS_GONE):
            connection.terminate()
            await self._pool.release(connection)

    def texts(self, asked: Sequence[Asked]) -> Sequence[str]:
        """One, whatever their number."""
        return [asked[0].compiled.sql if len(asked) == 1 else joined(tuple(each.compiled for each in asked))]

    async def fetch(self, connection: Any, asked: Sequence[Asked]) -> Sequence[Records]:
        """The records of each, by one statement; statements are prepared once a connection."""
        [sql] = self.texts(asked)
        await self._have_planned(connection, anew=any(each.compiled.is_planned_anew for each in asked))
        if len(asked) == 1:
            return [await self._fetched(connection, sql, asked[0].arguments)]
        arguments = list(chain.from_iterable(each.arguments for each in asked))
        [found] = await self._fetched(connection, sql, arguments)
        return found

    async def _have_planned(self, connection: Any, *, anew: bool) -> None:
        """After a few runs PostgreSQL keeps one plan for all values: of a million tickets it then goes through all from
        the newest on for a word that two have, because others were looked for that thousands have.
        """
        if self._plans_anew.get(connection, False) is not anew:
            self._plans_anew[connection] = None
            await self._fetched(
                connection, f"SET plan_cache_mode = {'force_custom_plan' if anew else 'auto'}", ()
            )
            self._plans_anew[connection] = anew

    async def _fetched(self, connection: Any, sql: str, arguments: Sequence[Any]) -> Records:
        try:
            records: Records = await connection.fetch(sql, *arguments)
        except TimeoutError as error:
            # else the pool would ask the server, which may well hang, to give the statement up, and wait for that
            connection.terminate()
            raise DatabaseUnavailable("the statement took too long") from error
        except POSTGRESQL_IS_GONE as error:
            raise ConnectionLost(type(error).__name__) from error
        return records

    async def close(self) -> None:
        """Close the pool, waiting for nobody."""
        self._idle.clear()
        self._plans_anew.clear()
        if self._pool is not None:
            self._pool.terminate()


class Leaving:
    """Connections of SQLite that were let go without waiting for their threads, so that nothing could get in between.

    A thread that is still at it when the event loop is gone could tell nobody, and would say so on stderr.
    """

    def __init__(self) -> None:
        self._stopping: set[asyncio.Future[Any]] = set()

    def stop(self, connection: aiosqlite.Connection) -> None:
        """End the connection and its thread once what was asked before is done."""
        stopping = connection.stop()
        if stopping is not None:
            self._stopping.add(stopping)
            stopping.add_done_callback(self._stopping.discard)

    async def left(self) -> None:
        """Wait until they are gone, or LEAVES_WITHIN_S."""
        if self._stopping:
            await asyncio.wait(self._stopping, timeout=LEAVES_WITHIN_S)


class SqliteReads:
    """A few read-only connections, each with its own thread; the last returned is the next taken."""

    def __init__(self, path: str, size: int) -> None:
        self._path = path
        self._places = asyncio.Semaphore(size)
        self._idle: list[aiosqlite.Connection] = []
        self._leaving = Leaving()
        self._is_closed = False

    async def take(self, within_s: float | None = None) -> aiosqlite.Connection:
        """A connection; None waits WAIT_FOR_CONNECTION_S. Raises DatabaseUnavailable."""
        await _taken(self._places, within_s)
        if self._idle:
            return self._idle.pop()
        try:
            return await self._connect()
        except BaseException:
            self._places.release()
            raise

    async def _connect(self) -> aiosqlite.Connection:
        try:
            connection = await aiosqlite.connect(
                self._path, isolation_level=None, cached_statements=STATEMENTS_KEPT_PREPARED
            )
        except aiosqlite.OperationalError as error:
            raise DatabaseUnavailable(str(error)) from error
        try:
            await connection.execute("PRAGMA query_only=ON")
            await connection.execute(f"PRAGMA busy_timeout={int(STATEMENT_TIMEOUT_S * 1000)}")
        except BaseException as error:
            self._leaving.stop(connection)  # its thread would otherwise wait for us for ever
            if isinstance(error, aiosqlite.OperationalError):
                raise DatabaseUnavailable(str(error)) from error
            raise
        return connection

    async def give_back(self, connection: aiosqlite.Connection, *, broken: bool = False) -> None:
        """Return a connection to the pool; without waiting, so that nothing can get in between."""
        if broken or self._is_closed:
            self._leaving.stop(connection)
        else:
            self._idle.append(connection)
        self._places.release()

    def texts(self, asked: Sequence[Asked]) -> Sequence[str]:
        """Each by itself."""
        return [each.compiled.sql for each in asked]

    async def fetch(self, connection: aiosqlite.Connection, asked: Sequence[Asked]) -> Sequence[Records]:
        """The records of each, with one hop to the connection's thread for all of them."""
        try:
            if len(asked) == 1:
                [(compiled, arguments)] = asked
                return [list(await connection.execute_fetchall(compiled.sql, arguments))]
            # aiosqlite's own methods are all made of this one, which has no public name
            run: Any = connection._execute  # noqa: SLF001
            found: Sequence[Records] = await run(_fetched_each, connection._conn, asked)  # noqa: SLF001
        except aiosqlite.OperationalError as error:
            if "locked" in str(error):
                raise DatabaseUnavailable(str(error)) from error
            if "unable to open" in str(error) or "disk I/O" in str(error):
                raise ConnectionLost(str(error)) from error
            raise
        return found

    async def close(self) -> None:
        """Close the idle connections; a busy one is closed when it is given back."""
        self._is_closed = True
        while self._idle:
            await self._idle.pop().close()
        await self._leaving.left()


def _fetched_each(connection: sqlite3.Connection, asked: Sequence[Asked]) -> list[Records]:
    return [connection.execute(each.compiled.sql, each.arguments).fetchall() for each in asked]

"""How each engine writes: a transaction of one's own on PostgreSQL; on SQLite, which has one writer, shared commits.

A commit of SQLite waits for the disk. Those who wait for their turn meanwhile would each wait for it again, so they
join: each writes behind its own savepoint in the transaction that is open, and all are answered when that is on the
disk. Who is alone pays for no savepoint (docs/decisions/0008-shared-commits.md).
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol, TypeVar

import aiosqlite
import asyncpg

from db.drivers import (
    POSTGRESQL_IS_GONE,
    STATEMENT_TIMEOUT_S,
    STATEMENTS_KEPT_PREPARED,
    WAIT_FOR_CONNECTION_S,
    Leaving,
    PostgresReads,
)
from db.errors import DatabaseUnavailable, MaybeSaved, WriteRaced

MOST_TOGETHER: Final = 64
"""Transactions that one commit may hold back."""
SETTLES_WITHIN_S: Final = 3.0
"""Who gives up waiting for a commit is told what became of it, if it is known by then."""
Records = Sequence[Sequence[Any]]
Result = TypeVar("Result")


class Writer(Protocol):
    """A connection in a transaction."""

    connection: Any

    @property
    def is_committed(self) -> bool | None:
        """Whether what was written is saved; None when that is not known, or not yet."""

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> Records:
        """Run a statement; the records that it returns, if any."""

    async def fetch_each(self, sql: str, arguments: Sequence[Sequence[Any]]) -> Records:
        """Run a statement for each of the arguments; all records that it returned."""

    async def run_each(self, sql: str, arguments: Sequence[Sequence[Any]]) -> None:
        """Run a statement for each of the arguments."""


class Writes(Protocol):
    """What begins and ends transactions."""

    def transaction(self) -> AbstractAsyncContextManager[Writer]:
        """One transaction: committed when the block ends, undone when it raises.

        Raises DatabaseUnavailable, MaybeSaved, WriteRaced, and what the block raises.
        """

    async def close(self) -> None:
        """Let go of the connections."""


# --- PostgreSQL -----------------------------------------------------------------------------------------------

_RACED: Final = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
)


class PostgresWriter:
    """A connection of its own."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.is_committed: bool | None = False

    async def commit(self, transaction: Any) -> None:
        """Save what was written. Raises what asyncpg does; after that of a lost connection nobody knows."""
        self.is_committed = None
        try:
            await transaction.commit()
        except POSTGRESQL_IS_GONE:
            raise
        except asyncpg.PostgresError:
            self.is_committed = False
            raise
        self.is_committed = True

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> Records:
        """Run a statement; the records that it returns, if any."""
        return list(await self.connection.fetch(sql, *arguments))

    async def fetch_each(self, sql: str, arguments: Sequence[Sequence[Any]]) -> Records:
        """Run a statement for each of the arguments, in one round trip; all records that it returned."""
        return list(await self.connection.fetchmany(sql, arguments))

    async def run_each(self, sql: str, arguments: Sequence[Sequence[Any]]) -> None:
        """Run a statement for each of the arguments, in one round trip."""
        await self.connection.executemany(sql, arguments)


class PostgresWrites:
    """A connection of the pool for each transaction."""

    def __init__(self, dsn: str, size: int) -> None:
        self._connections = PostgresReads(dsn, size)

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[PostgresWriter]:
        """One transaction: committed when the block ends, undone when it raises."""
        connection, transaction = await self._begun()
        writer = PostgresWriter(connection)
        is_over = False
        try:
            try:
                yield writer
                await _settled(asyncio.ensure_future(writer.commit(transaction)))
                is_over = True
            except POSTGRESQL_IS_GONE:
                raise  # there is nobody to ask for a ROLLBACK
            except BaseException:
                is_over = await _is_over(writer, transaction)
                raise
        except _RACED as error:
            raise WriteRaced(type(error).__name__) from error
        except (*POSTGRESQL_IS_GONE, asyncpg.InsufficientResourcesError) as error:
            gone = DatabaseUnavailable if writer.is_committed is False else MaybeSaved
            raise gone(type(error).__name__) from error
        finally:
            # a transaction that may still be open ends with its connection
            await self._connections.give_back(connection, broken=not is_over)

    async def _begun(self) -> tuple[Any, Any]:
        """A connection and its transaction; one that had died in the pool, in its sleep, is replaced."""
        for is_last in (False, True):
            connection = await self._connections.take()
            try:
                transaction = connection.transaction()
                await transaction.start()
            except BaseException as error:
                await self._connections.give_back(connection, broken=True)
                if not isinstance(error, POSTGRESQL_IS_GONE):
                    raise
                if is_last or isinstance(error, TimeoutError):  # it hangs: another would, too
                    raise DatabaseUnavailable(type(error).__name__) from error
            else:
                return connection, transaction
        raise AssertionError("the last attempt returns or raises")

    async def close(self) -> None:
        """Close the pool."""
        await self._connections.close()


async def _is_over(writer: PostgresWriter, transaction: Any) -> bool:
    """Roll back what was not given to be committed; False when it may still be open."""
    if writer.is_committed is not False:
        return writer.is_committed is True
    try:
        await transaction.rollback()
    except (asyncpg.PostgresError, *POSTGRESQL_IS_GONE):
        return False
    return True


# --- SQLite ---------------------------------------------------------------------------------------------------


class SqliteWriter:
    """The one connection that writes, for as long as it is this transaction's turn."""

    def __init__(self, connection: aiosqlite.Connection, commit: asyncio.Future[None]) -> None:
        self.connection = connection
        self.is_handed_over = False
        """To the commit."""
        self._commit = commit

    @property
    def is_committed(self) -> bool | None:
        """Whether what was written is saved; None when that is not known, or not yet."""
        if not self.is_handed_over:
            return False
        return self._commit.exception() is None if self._commit.done() else None

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> Records:
        """Run a statement; the records that it returns, if any. One hop to the connection's thread."""
        return list(await self.connection.execute_fetchall(sql, arguments))

    async def fetch_each(self, sql: str, arguments: Sequence[Sequence[Any]]) -> Records:
        """Run a statement for each of the arguments; all records that it returned."""
        return [record for each in arguments for record in await self.fetch(sql, each)]

    async def run_each(self, sql: str, arguments: Sequence[Sequence[Any]]) -> None:
        """Run a statement for each of the arguments, in one hop."""
        await self.connection.executemany(sql, arguments)


class _Group:
    """Transactions that share a commit. `done` is set when that is on the disk, or has failed."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self.connection = connection
        self.members = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.commit: asyncio.Task[None] | None = None


class SqliteWrites:
    """One writer at a time, in the order in which they came; the transaction that is open, if any."""

    def __init__(self, path: str, pragmas: Sequence[str]) -> None:
        self._path = path
        self._pragmas = pragmas
        self._connection: aiosqlite.Connection | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._group: _Group | None = None
        self._leaving = Leaving()

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[SqliteWriter]:
        """One transaction: on the disk when the block ends, undone when it raises.

        Raises DatabaseUnavailable when its turn does not come within WAIT_FOR_CONNECTION_S, or a transaction that it
        shared was lost.
        """
        await self._take_turn()
        try:
            with _telling():
                group = self._group or await self._open()
                writer = SqliteWriter(group.connection, group.done)
                async with self._member(group):
                    yield writer
                writer.is_handed_over = True
                await self._finish_or_stand_in_line(group)
        finally:
            self._turn.release()
        await _settled(group.done)

    async def _take_turn(self) -> None:
        """Waiting here costs nothing, waiting in SQLite's busy handler costs sleeps."""
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_FOR_CONNECTION_S):
                await self._turn.acquire()
        except TimeoutError as error:
            raise DatabaseUnavailable("others write for too long") from error
        finally:
            self._waiting -= 1

    async def _open(self) -> _Group:
        connection = self._connection or await self._connect()
        self._connection = None
        try:
            # a transaction that begins as a reader and turns writer fails at once when another has written meanwhile
            await connection.execute_fetchall("BEGIN IMMEDIATE")
        except aiosqlite.OperationalError:
            self._connection = connection
            raise
        except BaseException:
            self._leaving.stop(connection)  # given up: it would hold the lock that it may get any moment
            raise
        self._connection = connection
        self._group = _Group(connection)
        return self._group

    async def _connect(self) -> aiosqlite.Connection:
        connection = await aiosqlite.connect(
            self._path, isolation_level=None, cached_statements=STATEMENTS_KEPT_PREPARED
        )
        try:
            for pragma in (*self._pragmas, f"busy_timeout={int(STATEMENT_TIMEOUT_S * 1000)}"):
                await connection.execute_fetchall(f"PRAGMA {pragma}")
        except BaseException:
            self._leaving.stop(connection)  # its thread would otherwise wait for us for ever
            raise
        return connection

    @contextlib.asynccontextmanager
    async def _member(self, group: _Group) -> AsyncIterator[None]:
        """Undo what the block did when it raises, and nothing else."""
        is_first = not group.members
        if not is_first:
            await _whole(group.connection.execute_fetchall("SAVEPOINT member"))
        try:
            yield
        except BaseException:
            await _whole(self._finish(group, is_lost=True) if is_first else self._undo(group))
            raise
        if not is_first:
            await _whole(self._keep(group))
        group.members += 1

    async def _undo(self, group: _Group) -> None:
        try:
            await group.connection.execute_fetchall("ROLLBACK TO member")
            await group.connection.execute_fetchall("RELEASE member")
        except aiosqlite.Error:
            # a full disk makes SQLite give up the whole transaction
            await self._finish(group, is_lost=True)

    async def _keep(self, group: _Group) -> None:
        try:
            await group.connection.execute_fetchall("RELEASE member")
        except aiosqlite.Error:
            await self._finish(group, is_lost=True)
            raise

    async def _finish_or_stand_in_line(self, group: _Group) -> None:
        """Commit now when nobody waits; else behind all who wait already, as they join."""
        if not self._waiting or group.members >= MOST_TOGETHER:
            await _whole(self._finish(group))
        elif group.commit is None:
            group.commit = asyncio.create_task(self._commit_in_turn(group))

    async def _commit_in_turn(self, group: _Group) -> None:
        async with self._turn:
            await self._finish(group)

    async def _finish(self, group: _Group, *, is_lost: bool = False) -> None:
        """Commit, or roll back what `is_lost`, and tell the members. Whoever calls it has the turn."""
        if group.done.done():
            return
        self._group = None
        try:
            await group.connection.execute_fetchall("ROLLBACK" if is_lost else "COMMIT")
        except BaseException as error:  # noqa: BLE001  # whatever it was, the members must hear of it
            self._connection = None
            self._leaving.stop(group.connection)  # what is left of the transaction ends with it
            is_lost = True
            reason = str(error)
        else:
            reason = "the transaction was lost"
        if is_lost and group.members:
            group.done.set_exception(DatabaseUnavailable(reason))
            group.done.exception()  # they may all have given up waiting
        else:
            group.done.set_result(None)

    async def close(self) -> None:
        """Commit what is open, and let go of the connection."""
        async with self._turn:
            if self._group is not None:
                await self._finish(self._group)
            if self._connection is not None:
                await self._connection.close()
                self._connection = None
        await self._leaving.left()


@contextlib.contextmanager
def _telling() -> Any:
    try:
        yield
    except sqlite3.IntegrityError as error:
        raise WriteRaced(str(error)) from error
    except sqlite3.OperationalError as error:
        if any(word in str(error) for word in ("locked", "disk", "unable to open", "readonly")):
            raise DatabaseUnavailable(str(error)) from error
        raise


async def _settled(commit: asyncio.Future[None]) -> None:
    """Wait for the commit; who gives up waits until it is known what became of it, or a little while."""
    try:
        await asyncio.shield(commit)
    except asyncio.CancelledError:
        await asyncio.wait({commit}, timeout=SETTLES_WITHIN_S)
        raise


async def _whole(work: Coroutine[Any, Any, Result]) -> Result:
    """Do the work to its end even when whoever waits for it gives up: others share this transaction."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        task.exception()  # what came of it is of no interest any more
        raise

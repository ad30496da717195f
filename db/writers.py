"""How each engine writes: a transaction of one's own on PostgreSQL; on SQLite, which has one writer, shared commits.

A commit of SQLite waits for the disk. Those who wait for their turn meanwhile would each wait for it again, so they
join: each writes behind its own savepoint in the transaction that is open, and all are answered when that is on the
disk. Who is alone pays for no savepoint.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Final, Protocol, TypeVar

from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from db.drivers import WAIT_FOR_CONNECTION_S
from db.errors import DatabaseUnavailable

MOST_TOGETHER: Final = 64
"""Transactions that one commit may hold back."""
Result = TypeVar("Result")


class Writes(Protocol):
    """What begins and ends transactions."""

    def transaction(self) -> contextlib.AbstractAsyncContextManager["Writer"]:
        """One transaction: committed when the block ends, undone when it raises."""

    async def close(self) -> None:
        """Finish what is open."""


class Writer:
    """A connection in a transaction."""

    def __init__(self, connection: AsyncConnection, *, is_shared: bool = False) -> None:
        self.connection = connection
        self._is_shared = is_shared

    async def execute(self, statement: Any, values: Any = None) -> Any:
        """Run a statement."""
        work = self.connection.execute(statement, values)
        return await (_whole(work) if self._is_shared else work)


class PostgresWrites:
    """A connection of the pool for each transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Writer]:
        """One transaction: committed when the block ends, undone when it raises."""
        async with self._engine.begin() as connection:
            yield Writer(connection)

    async def close(self) -> None:
        """Nothing is left open."""


class _Group:
    """Transactions that share a commit. `done` is set when that is on the disk, or has failed."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.members = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.commit: asyncio.Task[None] | None = None


class SqliteWrites:
    """One writer at a time, in the order in which they came; the transaction that is open, if any."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._group: _Group | None = None

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Writer]:
        """One transaction: on the disk when the block ends, undone when it raises.

        Raises TimeoutError when its turn does not come within WAIT_FOR_CONNECTION_S, DatabaseUnavailable when a
        transaction that it shared was lost.
        """
        await self._take_turn()
        try:
            group = self._group or await self._open()
            async with self._member(group):
                yield Writer(group.connection, is_shared=True)
            await self._finish_or_stand_in_line(group)
        finally:
            self._turn.release()
        await asyncio.shield(group.done)

    async def _take_turn(self) -> None:
        """Waiting here costs nothing, waiting in SQLite's busy handler costs sleeps."""
        self._waiting += 1
        try:
            async with asyncio.timeout(WAIT_FOR_CONNECTION_S):
                await self._turn.acquire()
        finally:
            self._waiting -= 1

    async def _open(self) -> _Group:
        connection = await self._engine.connect()
        try:
            await connection.begin()
        except BaseException:
            await connection.close()
            raise
        self._group = _Group(connection)
        return self._group

    @contextlib.asynccontextmanager
    async def _member(self, group: _Group) -> AsyncIterator[None]:
        """Undo what the block did when it raises, and nothing else."""
        savepoint = await _whole(_savepoint(group.connection)) if group.members else None
        try:
            yield
        except BaseException:
            await _whole(self._undo(group, savepoint))
            raise
        if savepoint is not None:
            await _whole(self._keep(group, savepoint))
        group.members += 1

    async def _undo(self, group: _Group, savepoint: Any) -> None:
        if savepoint is None:
            await self._finish(group, is_lost=True)
            return
        try:
            await savepoint.rollback()
        except exc.DBAPIError:
            # a full disk makes SQLite give up the whole transaction
            await self._finish(group, is_lost=True)

    async def _keep(self, group: _Group, savepoint: Any) -> None:
        try:
            await savepoint.commit()
        except exc.DBAPIError:
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
            await (group.connection.rollback() if is_lost else group.connection.commit())
        except BaseException as error:  # noqa: BLE001  # whatever it was, the members must hear of it
            group.done.set_exception(DatabaseUnavailable(type(error).__name__))
        else:
            if is_lost and group.members:
                group.done.set_exception(DatabaseUnavailable("the transaction was lost"))
            else:
                group.done.set_result(None)
        finally:
            await group.connection.close()
        if not group.members or group.done.exception():
            group.done.exception()  # it is told to whoever waits; nobody may

    async def close(self) -> None:
        """Commit what is open."""
        async with self._turn:
            if self._group is not None:
                await self._finish(self._group)


async def _savepoint(connection: AsyncConnection) -> Any:
    return await connection.begin_nested()


async def _whole(work: Coroutine[Any, Any, Result]) -> Result:
    """Do the work to its end even when whoever waits for it gives up: SQLAlchemy throws away a connection that is
    cancelled in the middle of a statement, and others share this one.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait({task})
        task.cancelled() or task.exception()  # what came of it is of no interest any more
        raise

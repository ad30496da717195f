"""The bell: rings in every process when events were committed in any of them. It says when to look, and never what for.

On PostgreSQL by LISTEN and NOTIFY, on a connection of its own. A NOTIFY inside of a transaction makes all who commit
one wait for each other (the server keeps the order of notifications), so it is said after the commit, in one breath
for all commits of some milliseconds. On SQLite other processes are noticed by `PRAGMA data_version`. A ring may be
lost, with its connection or its process: who listens looks now and then without one.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any, Final, Protocol

import aiosqlite
import asyncpg

from db.drivers import POSTGRESQL_IS_GONE, WAIT_FOR_CONNECTION_S

logger = logging.getLogger("answer.db")

CHANNEL: Final = "answer_events"
TELLS_EVERY_S: Final = 0.02
"""At most so often a process tells the others."""
CONNECTS_AGAIN_AFTER_S: Final = (0.05, 0.2, 1.0, 3.0)
TOLD_WITHIN_S: Final = 1.0
"""By a process that ends."""
IS_ASKED_EVERY_S: Final = 10.0
"""Whether the connection still lives: a network that drops everything says nothing."""
LOOKS_AT_THE_FILE_EVERY_S: Final = 0.2


class Bell(Protocol):
    """What rings."""

    def ring(self) -> None:
        """Ring here at once, and in the other processes soon; nobody waits for it."""

    def listen(self) -> None:
        """Hear the other processes from now on."""

    async def wait(self, within_s: float) -> bool:
        """Wait until it rings, or until it has not for so long: False. Rings since the last wait count."""

    async def close(self) -> None:
        """Let go of the connection."""


class _Rings:
    """The rings that one process hears."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()

    async def wait(self, within_s: float) -> bool:
        """Whether there was a ring, and forget it."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.heard.wait(), within_s)
        was_heard = self.heard.is_set()
        self.heard.clear()
        return was_heard


class PostgresBell(_Rings):
    """One connection that listens and tells; opened when there is something to tell or somebody to hear."""

    def __init__(self, dsn: str) -> None:
        super().__init__()
        self._dsn = dsn
        self._stirred = asyncio.Event()
        """There is something to tell, or the connection is gone."""
        self._told = asyncio.Event()
        """There is nothing to tell."""
        self._told.set()
        self._saying = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def ring(self) -> None:
        """Ring here at once, and in the other processes within some milliseconds."""
        self.heard.set()
        self._told.clear()
        self._stirred.set()
        self.listen()

    def listen(self) -> None:
        """Hear the other processes from now on, however often the connection is lost."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="bell")

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                async with self._connection() as connection:
                    failures = 0
                    self.heard.set()  # what rang while nobody listened was not heard
                    await self._tell_and_hear(connection)
            except POSTGRESQL_IS_GONE as error:
                if failures == 0:
                    logger.warning("the bell lost PostgreSQL: %s", type(error).__name__)
            await asyncio.sleep(CONNECTS_AGAIN_AFTER_S[min(failures, len(CONNECTS_AGAIN_AFTER_S) - 1)])
            failures += 1

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        connection = await asyncpg.connect(
            self._dsn,
            timeout=WAIT_FOR_CONNECTION_S,
            command_timeout=WAIT_FOR_CONNECTION_S,
            # there is nothing on the disk to wait for in a commit that only tells
            server_settings={"synchronous_commit": "off", "application_name": "answer bell"},
        )
        try:
            connection.add_termination_listener(lambda _: self._stirred.set())
            await connection.add_listener(CHANNEL, self._hear)
            yield connection
        finally:
            connection.terminate()

    def _hear(self, connection: Any, pid: int, _channel: str, _payload: object) -> None:
        if pid != connection.get_server_pid():
            self.heard.set()

    async def _tell_and_hear(self, connection: Any) -> None:
        """Tell the others whenever there is something to tell. Raises when the connection is lost."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stirred.wait(), IS_ASKED_EVERY_S)
            self._stirred.clear()
            if self._told.is_set():
                await connection.execute("SELECT 1")
                continue
            self._told.set()
            await self._say(connection)
            await asyncio.sleep(TELLS_EVERY_S)

    async def _say(self, connection: Any) -> None:
        try:
            async with self._saying:
                await connection.execute(f"NOTIFY {CHANNEL}")
        except BaseException:
            self._told.clear()  # the next connection says it
            self._stirred.set()
            raise

    async def close(self) -> None:
        """Say what is still to be said, and let go of the connection."""
        task, self._task = self._task, None
        if task is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(TOLD_WITHIN_S):
                await self._told.wait()
                await self._saying.acquire()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class SqliteBell(_Rings):
    """Commits of this process ring by themselves; those of others change the file's `data_version`."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        self._task: asyncio.Task[None] | None = None

    def ring(self) -> None:
        """Ring here at once; the other processes look at the file."""
        self.heard.set()

    def listen(self) -> None:
        """Look at the file from now on."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="bell")

    async def _run(self) -> None:
        while True:
            try:
                async with aiosqlite.connect(self._path, isolation_level=None) as connection:
                    await self._look(connection)
            except aiosqlite.Error as error:
                logger.warning("the bell cannot look at the database: %s", error)
                await asyncio.sleep(CONNECTS_AGAIN_AFTER_S[-1])

    async def _look(self, connection: aiosqlite.Connection) -> None:
        seen = None
        while True:
            [found] = await connection.execute_fetchall("PRAGMA data_version")
            if found[0] != seen:
                seen = found[0]
                self.heard.set()
            await asyncio.sleep(LOOKS_AT_THE_FILE_EVERY_S)

    async def close(self) -> None:
        """Look no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

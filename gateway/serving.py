"""Starting the server: the database made ready, the first key printed once, then the workers."""

import asyncio
import contextlib
import multiprocessing
import os
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final

from db import migrate
from db.database import Database
from gateway.helpdesk import open_helpdesk
from gateway.settings import Settings
from resolvers.context import Helpdesk
from resolvers.tokens import any_key, make_key
from resolvers.workspaces import DEFAULT_NAME

Say = Callable[[str], None]
HEAD_WITHIN_MS: Final = 15_000
"""For the head of a request to come, and for the next one on a connection that is kept."""
LARGEST_HEAD: Final = 64 * 1024
"""Bytes of a request's first line and headers; granian answers 414 or 431 to more, and to more than 100 headers."""
CONNECTIONS: Final = 4096
"""Of each process. Those that only wait cost little; how many requests are worked on is gateway/overload.py's."""
OPEN_FILES: Final = 2 * CONNECTIONS
THE_END_IS_NEAR: Final = signal.SIGUSR1
TOLD_WITHIN_S: Final = 0.3
"""For subscribers to be told, before the sockets are closed."""


class NotReady(Exception):
    """The server cannot start; the text says what to do."""


async def make_ready(settings: Settings, say: Say) -> None:
    """Bring the database up to date as far as that is ours to do, and see that somebody can sign in.

    Raises NotReady, DatabaseUnavailable, SettingsError.
    """
    _check_documents(settings)
    helpdesk = open_helpdesk(settings)
    try:
        await migrate_at_start(settings, helpdesk.db, say)
        await _first_key(helpdesk, say)
    finally:
        await helpdesk.close()


async def migrate_at_start(settings: Settings, database: Database, say: Say) -> None:
    """Make the tables of an empty database; bring SQLite up to date.

    A PostgreSQL that holds data is the operator's to migrate, at the moment they choose. Raises NotReady.
    """
    revision = await migrate.current(database)
    if revision == migrate.newest():
        return
    if revision is not None and not settings.is_embedded:
        raise NotReady(
            f"The database is at revision {revision}, this version wants {migrate.newest()}. Run: answer migrate"
        )
    before, after = await migrate.migrate(database)
    if before != after:
        say(f"Database brought from {before or 'nothing'} to revision {after}.")


def _check_documents(settings: Settings) -> None:
    """See that the trusted documents can run: workers that cannot start would be started again and again."""
    if settings.trusted_documents != "off":
        from gateway.trusted_documents import trusted_documents
        from schema.execution import Graph
        from schema.root import schema

        trusted_documents(settings, Graph(schema).documents)


async def _first_key(helpdesk: Helpdesk, say: Say) -> None:
    if await any_key(helpdesk):
        return
    made, _, workspace = await make_key(helpdesk, "admin", workspace=DEFAULT_NAME)
    say(
        f"\nA workspace named {workspace.name!r} was made, with an admin. Its key is shown only now; keep it:\n\n"
        f"  api_key     {made.row.api_key}\n"
        f"  api_secret  {made.api_secret}\n"
    )


def run_workers(settings: Settings) -> None:
    """Serve until told to stop."""
    from granian import Granian
    from granian.constants import HTTPModes, Interfaces, Loops
    from granian.http import HTTP1Settings

    _allow_open_files()
    server = Granian(
        "gateway.app:from_environment",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=settings.workers,
        # one kind of HTTP: where granian must find out which, a connection that says nothing is kept for ever
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEAD_WITHIN_MS, max_buffer_size=LARGEST_HEAD),
        backlog=CONNECTIONS,
        backpressure=CONNECTIONS,
        websockets=True,
        log_access=False,
    )
    server.on_startup(_tell_workers_first)
    server.serve()


def _tell_workers_first() -> None:
    """Let the workers hear of the end a moment before it.

    Granian drops WebSockets without a close code, and waits for streams to end by themselves.
    """
    signal.signal(THE_END_IS_NEAR, signal.SIG_IGN)  # also in workers, until they listen
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, _after_a_word_to_the_workers(signal.getsignal(each)))


def _after_a_word_to_the_workers(stop: Any) -> Callable[[int, FrameType | None], None]:
    def tell_and_stop(number: int, frame: FrameType | None) -> None:
        for worker in multiprocessing.active_children():
            if worker.pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker.pid, THE_END_IS_NEAR)
        time.sleep(TOLD_WITHIN_S)
        stop(number, frame)

    return tell_and_stop


@contextlib.contextmanager
def before_the_end(tell: Callable[[], None]) -> Iterator[None]:
    """Within the block `tell` is called when the process is about to be stopped, and when the block ends."""
    loop = asyncio.get_running_loop()
    is_main = threading.current_thread() is threading.main_thread()  # only there signals are heard
    if is_main:
        loop.add_signal_handler(THE_END_IS_NEAR, tell)
    try:
        yield
    finally:
        if is_main:
            loop.remove_signal_handler(THE_END_IS_NEAR)
        tell()


def _allow_open_files() -> None:
    """As many open files as the connections want, or as many as the system lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

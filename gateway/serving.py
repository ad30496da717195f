"""Starting the server: the database made ready, the first key printed once, then the workers."""

import resource
from collections.abc import Callable
from typing import Final

from db import revisions
from db.database import Database
from gateway.ending import tell_workers_first
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
    revision = await revisions.current(database)
    if revision == revisions.newest():
        return
    if revision is not None and not settings.is_embedded:
        raise NotReady(
            f"The database is at revision {revision}, this version wants {revisions.newest()}. Run: answer migrate"
        )
    from db import migrate  # it takes a quarter of a second, and most starts do without

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

    import gateway.app  # noqa: F401  # workers are forks: what is imported here none of them imports again

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
    server.on_startup(tell_workers_first)
    server.serve()


def _allow_open_files() -> None:
    """As many open files as the connections want, or as many as the system lets us have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

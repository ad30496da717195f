"""Starting the server: the database made ready, the first key printed once, then the workers."""

from collections.abc import Callable

from db import migrate
from db.database import Database
from gateway.helpdesk import open_helpdesk
from gateway.settings import Settings
from resolvers.context import Helpdesk
from resolvers.tokens import any_key, make_key
from resolvers.workspaces import DEFAULT_NAME

Say = Callable[[str], None]


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
    from granian.constants import Interfaces, Loops

    Granian(
        "gateway.app:from_environment",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=settings.workers,
        websockets=True,
        log_access=False,
    ).serve()

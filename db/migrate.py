"""Bringing a database to the tables this version wants. Configured in code: it works from a wheel."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, exc, text

from db.database import Database
from db.errors import DatabaseUnavailable

Result = TypeVar("Result")
_ONE_MIGRATION_AT_A_TIME = 0x416E7377
"""PostgreSQL advisory lock: several workers may start at once."""


def _config(connection: Any = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def newest() -> str:
    """The revision this version of Answer wants."""
    return str(ScriptDirectory.from_config(_config()).get_current_head())


async def migrate(database: Database, revision: str = "head") -> tuple[str | None, str | None]:
    """Bring the database up (or down, to an older `revision`); the revisions before and after.

    Raises DatabaseUnavailable.
    """
    return await _run(database, lambda connection: _move(connection, revision))


async def current(database: Database) -> str | None:
    """The database's revision; None when it has no tables of ours. Raises DatabaseUnavailable."""
    return await _run(database, _revision)


async def _run(database: Database, work: Callable[[Connection], Result]) -> Result:
    try:
        async with database.engine.begin() as connection:
            return await connection.run_sync(work)
    except (OSError, exc.InterfaceError, exc.OperationalError, exc.TimeoutError) as error:
        raise DatabaseUnavailable(str(error)) from error


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _move(connection: Connection, revision: str) -> tuple[str | None, str | None]:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_MIGRATION_AT_A_TIME})
    before = _revision(connection)
    if before != revision:
        down = revision == "base" or (
            before is not None and revision != "head" and _is_older(revision, before)
        )
        (command.downgrade if down else command.upgrade)(_config(connection), revision)
    return before, _revision(connection)


def _is_older(revision: str, than: str) -> bool:
    history = ScriptDirectory.from_config(_config()).iterate_revisions(than, "base")
    return revision in {step.revision for step in history}

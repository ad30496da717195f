"""Bringing a database to the tables this version wants. Configured in code: it works from a wheel."""

from collections.abc import Callable
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, exc, text

from db import revisions
from db.database import Database
from db.errors import DatabaseUnavailable

Result = TypeVar("Result")
_ONE_MIGRATION_AT_A_TIME = 0x416E7377
"""PostgreSQL advisory lock: several workers may start at once."""


def _config(connection: Any = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(revisions.MIGRATIONS))
    config.attributes["connection"] = connection
    return config


async def migrate(database: Database, revision: str = "head") -> tuple[str | None, str | None]:
    """Bring the database up (or down, to an older `revision`); the revisions before and after.

    Raises DatabaseUnavailable.
    """
    return await _run(database, lambda connection: _move(connection, revision))


async def _run(database: Database, work: Callable[[Connection], Result]) -> Result:
    try:
        async with database.engine.begin() as connection:
            return await connection.run_sync(work)
    except (OSError, exc.InterfaceError, exc.OperationalError, exc.TimeoutError) as error:
        raise DatabaseUnavailable(str(error)) from error


def _move(connection: Connection, revision: str) -> tuple[str | None, str | None]:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_MIGRATION_AT_A_TIME})
    before = revisions.of_connection(connection)
    if before != revision:
        down = revision == "base" or (
            before is not None and revision != "head" and _is_older(revision, before)
        )
        (command.downgrade if down else command.upgrade)(_config(connection), revision)
    return before, revisions.of_connection(connection)


def _is_older(revision: str, than: str) -> bool:
    history = ScriptDirectory.from_config(_config()).iterate_revisions(than, "base")
    return revision in {step.revision for step in history}

"""Which revision of the tables a database is at, and which one this version wants.

Apart from the migrations themselves (db/migrate.py): whoever only asks need not wait for Alembic to be imported.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, exc, inspect, text

from db.database import Database
from db.errors import DatabaseUnavailable

MIGRATIONS: Final = Path(__file__).parent / "migrations"


def newest() -> str:
    """The revision this version of Answer wants: the files of migrations are numbered in their order."""
    return max(each.name for each in (MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]


async def current(database: Database) -> str | None:
    """The database's revision; None when it has no tables of ours. Raises DatabaseUnavailable."""
    try:
        async with database.engine.connect() as connection:
            return await connection.run_sync(of_connection)
    except (OSError, exc.InterfaceError, exc.OperationalError, exc.TimeoutError) as error:
        raise DatabaseUnavailable(str(error)) from error


def of_connection(connection: Connection) -> str | None:
    """As `current`, of a database that is open."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return found

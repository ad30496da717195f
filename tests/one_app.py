"""A helpdesk of each test's own, at a tenth of the price: one application and one PostgreSQL database a process.

Building the routes takes longer than a test, and so does copying a database of PostgreSQL (0.2 s, where emptying one
takes 0.01): the tests of the rules are hundreds, so they share both, one after the other. SQLite files are copied.
"""

import shutil
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from litestar import Litestar
from pydantic import SecretStr

from db.tables import metadata
from gateway.app import create_app
from gateway.helpdesk import open_helpdesk
from gateway.settings import Settings
from tests.conftest import Clock, _in_a_thread, _on_postgres, _with_name

_TABLES = [f'"{table.name}"' for table in metadata.sorted_tables] + ["ticket_search", "user_search"]
_EMPTIED = "; ".join(
    [
        "SET session_replication_role = replica",  # no foreign key has to be followed
        *(f"DELETE FROM {name}" for name in _TABLES),  # noqa: S608  # the names of our own tables
        *(
            f"ALTER SEQUENCE {table.name}_id_seq RESTART"
            for table in metadata.sorted_tables
            if "id" in table.c
        ),
    ]
)


@pytest.fixture(scope="session")
def application(tmp_path_factory: pytest.TempPathFactory) -> Litestar:
    """The application as `answer serve` builds it."""
    return create_app(Settings(data_dir=tmp_path_factory.mktemp("application")))


@pytest.fixture(scope="session")
def postgres_database(postgres_url: str, postgres_template: str) -> str:
    """The address of a migrated database for the tests of this process, one after the other."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    _in_a_thread(lambda: _on_postgres(postgres_url, f"CREATE DATABASE {name} TEMPLATE {postgres_template}"))
    return _with_name(postgres_url, name)


@pytest.fixture
async def address(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The address of a migrated, empty database that nobody else uses while the test runs."""
    if engine == "sqlite":
        path = tmp_path / "answer.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    found: str = request.getfixturevalue("postgres_database")
    yield found
    connection = await asyncpg.connect(found)
    await connection.execute(_EMPTIED)
    await connection.close()


@pytest.fixture
async def app(application: Litestar, address: str, clock: Clock, tmp_path: Path) -> AsyncIterator[Litestar]:
    """The application on the test's database."""
    settings = Settings(
        data_dir=tmp_path,
        database_url=address,
        database_pool=4,
        sqlite_durable=False,  # the disk need not keep what is thrown away
        jwt_secret=SecretStr("j" * 64),
        key_pepper=SecretStr("p" * 32),
    )
    application.state.settings = settings
    application.state.helpdesk = open_helpdesk(settings, clock)
    yield application
    await application.state.helpdesk.db.close()

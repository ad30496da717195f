"""Databases to talk to without a helpdesk on top."""

import shutil
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from db.database import Database
from tests.db.corpus import add_workspace_and_user


@pytest.fixture
async def database(address: str) -> AsyncIterator[Database]:
    """A migrated, empty database on one engine."""
    found = Database(address, readers=2, writers=2, durable=False)
    yield found
    await found.close()


@pytest.fixture
async def both(
    sqlite_template: Path, postgres_template: str, postgres_url: str, tmp_path: Path
) -> AsyncIterator[list[Database]]:
    """Two databases with a workspace and a user, one on each engine."""
    path, name = tmp_path / "answer.db", f"test_{uuid.uuid4().hex[:12]}"
    shutil.copy(sqlite_template, path)
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE {postgres_template} STRATEGY FILE_COPY")
    addresses = (f"sqlite:///{path}", f"{postgres_url.rsplit('/', 1)[0]}/{name}")
    databases = [Database(address, readers=2, writers=2, durable=False) for address in addresses]
    for database in databases:
        await add_workspace_and_user(database)
    yield databases
    for database in databases:
        await database.close()
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()

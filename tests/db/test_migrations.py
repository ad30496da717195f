"""Migrations: up, down, and nothing left between them and the models."""

import asyncio

from alembic import command
from sqlalchemy import Connection, inspect

from db import migrate, revisions
from db.database import Database
from db.tables import metadata
from tests.contents import contents

ALEMBICS_OWN = {"alembic_version"}


def table_names(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names()) - ALEMBICS_OWN


async def test_the_tables_are_what_the_models_say(database: Database) -> None:
    """`alembic check`: it raises when a migration is missing."""
    async with database.engine.begin() as connection:
        await connection.run_sync(lambda held: command.check(migrate._config(held)))
        names = await connection.run_sync(table_names)
    assert names >= {*metadata.tables, "ticket_search", "user_search"}


async def test_go_down_to_nothing_and_up_again(database: Database) -> None:
    newest = revisions.newest()
    assert await revisions.current(database) == newest
    assert await migrate.migrate(database) == (newest, newest)
    assert await migrate.migrate(database, "base") == (newest, None)
    async with database.engine.begin() as connection:
        assert await connection.run_sync(table_names) == set()
    assert await revisions.current(database) is None
    assert await migrate.migrate(database) == (None, newest)
    assert set(await contents(database)) >= set(metadata.tables)


async def test_workers_that_start_at_once_migrate_once(database: Database, address: str) -> None:
    await migrate.migrate(database, "base")
    others = [Database(address) for _ in range(3)]
    await asyncio.gather(*(migrate.migrate(each) for each in others))
    assert await revisions.current(database) == revisions.newest()
    for each in others:
        await each.close()

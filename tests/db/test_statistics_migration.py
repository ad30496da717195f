"""Tickets from before there were statistics get what the resolvers would have kept for them."""

import datetime as dt

from sqlalchemy import text

from db import migrate, revisions
from db.database import Database
from gateway.demo import fill
from tests.contents import contents

NOW = dt.datetime(2026, 11, 20, 14, 30, tzinfo=dt.UTC)
BEFORE = "0002"


async def test_what_was_there_gets_its_figures(address: str) -> None:
    database = Database(address, readers=1, writers=2)
    try:
        await fill(database, tickets=120, now=NOW, progress=lambda *_: None)
        async with database.engine.begin() as connection:
            # old tickets are judged by the priority they have now
            changed = "SELECT ticket_id FROM activity WHERE action = 'priority_changed'"
            await connection.execute(text(f"DELETE FROM ticket WHERE id IN ({changed})"))  # noqa: S608
            await connection.execute(text("DELETE FROM rating"))
        before = await contents(database)
        await migrate.migrate(database, BEFORE)
        assert await migrate.migrate(database) == (BEFORE, revisions.newest())
        after = await contents(database)
    finally:
        await database.close()
    assert sorted(after["sla_policy"]) == sorted(before["sla_policy"])
    assert after["reply"] == before["reply"]
    assert after["ticket"] == before["ticket"]

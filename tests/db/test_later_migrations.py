"""Migrations of a database that is in use: what was there is found and told as before."""

import datetime as dt

from sqlalchemy import text

from db import migrate, revisions
from db.database import Database
from db.queries import events, tickets
from gateway.demo import fill

NOW = dt.datetime(2026, 11, 20, 14, 30, tzinfo=dt.UTC)
OLD_EVENTS = """INSERT INTO event (workspace_id, type, ticket_id, payload, message_id, created_at)
    SELECT workspace_id, 'ticket.updated', id, '{}', 'msg_' || id, created_at FROM ticket WHERE workspace_id = 1"""


async def _found(database: Database, workspace_id: int) -> int:
    """Tickets with a word that every sample has, counted by the index; their list is as long."""
    conditions = [("workspace", workspace_id), ("search", "the")]
    async with database.read() as reads:
        count = await tickets.LISTING.count(reads, conditions)
        assert len(await tickets.LISTING.every(reads, conditions)) == count
    return count


async def test_tickets_are_found_in_their_workspace_as_before(address: str) -> None:
    database = Database(address, readers=1, writers=2)
    try:
        for workspace, count in (("one", 60), ("two", 40)):
            await fill(database, tickets=count, now=NOW, workspace=workspace, progress=lambda *_: None)
        before = [await _found(database, each) for each in (1, 2)]
        assert all(before)
        assert await migrate.migrate(database, "0007") == (revisions.newest(), "0007")
        assert await migrate.migrate(database) == ("0007", revisions.newest())
        assert [await _found(database, each) for each in (1, 2)] == before
    finally:
        await database.close()


async def test_feeds_begin_behind_the_events_from_before_there_were_any(address: str) -> None:
    database = Database(address, readers=1, writers=2)
    try:
        for workspace, count in (("one", 20), ("two", 20)):
            await fill(database, tickets=count, now=NOW, workspace=workspace, progress=lambda *_: None)
        await migrate.migrate(database, "0006")
        async with database.engine.begin() as connection:
            await connection.execute(text(OLD_EVENTS))
            latest = (await connection.execute(text("SELECT max(id) FROM event"))).scalar_one()
        await migrate.migrate(database)
        async with database.read() as reads:
            assert await reads.first(events.START, workspace_id=1) == latest
            assert await reads.first(events.START, workspace_id=2) is None
    finally:
        await database.close()

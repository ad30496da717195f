"""Tickets put straight into a database, for tests of how they are found."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert

from db import tables
from db.database import Database
from db.queries import users, workspaces
from db.statements import table_of

MOMENT = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


async def add_workspace_and_user(database: Database) -> None:
    """Workspace 1 and user 1."""
    async with database.write() as tx:
        owner = await workspaces.add(
            tx, {"name": "w", "tier": "free", "customers_see_organization": False, "created_at": MOMENT}
        )
        values = {"workspace_id": 1, "name": "Ada", "email": "ada@acme.test", "email_key": "ada@acme.test"}
        nothing: dict[str, Any] = {"phone": None, "avatar_url": None, "organization_id": None, "metadata": {}}
        instants = {"created_at": MOMENT, "updated_at": MOMENT}
        user = await users.add(tx, values | nothing | instants | {"type": "agent", "is_active": True})
    assert owner is not None
    assert user is not None
    assert (owner.id, user.id) == (1, 1)


def ticket_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The column values of a ticket, completed."""
    return {
        "workspace_id": 1,
        "requester_id": 1,
        "subject": "s",
        "content": "",
        "content_html": "",
        "status": "open",
        "priority": "medium",
        "tags": [],
        "metadata": {},
        "is_untouched": True,
        "version": 1,
        "created_at": MOMENT,
        "updated_at": MOMENT,
    } | dict(values)


async def replace_tickets(database: Database, found: list[dict[str, Any]]) -> None:
    """Let these, numbered from 1, be all the tickets there are; they are in no search index."""
    ticket = table_of(tables.Ticket)
    async with database.write() as tx:
        await tx.change(ticket.delete())
        if found:
            numbered = [
                ticket_values(values) | {"id": number} for number, values in enumerate(found, start=1)
            ]
            await tx.change(insert(ticket), numbered)

"""The log of a ticket: read here, written by whatever changes the ticket (resolvers/lifecycle.py)."""

from collections.abc import Mapping
from typing import Any, Final

from db import rows
from db.queries import activity
from resolvers import paging
from resolvers.context import Context
from resolvers.errors import NotFound
from resolvers.loaders import Loader
from resolvers.paging import Below, Order, Page, Slice
from resolvers.permissions import SIGNED_IN, allow
from resolvers.tickets import visible_ticket
from resolvers.visibility import Conditions, visible_notes

OLDEST_FIRST: Final = Order("created_at")


def below_ticket(asked: Slice) -> Below:
    """What a ticket's connection of log lines asks for."""
    return Below((), asked, OLDEST_FIRST)


@allow(*SIGNED_IN)
async def entry(ctx: Context, entry_id: int) -> rows.Activity:
    """One line, of a ticket that the caller may see. Raises NotFound."""
    found: rows.Activity | None = await ctx.load(_BY_ID, entry_id)
    if found is None:
        raise NotFound
    await visible_ticket(ctx, found.ticket_id)
    return found


async def _by_id(ctx: Context, ids: list[int], _args: Any) -> Mapping[int, rows.Activity]:
    found = await activity.LISTING.every(ctx.reads, (*visible_notes(ctx.caller), ("ids", ids)))
    return {row.id: row for row in found}


_BY_ID: Final = Loader("activity_by_id", _by_id)
"""Lines the caller may read; whether their ticket may be seen is asked besides."""


async def _by_ticket(ctx: Context, ids: list[int], below: Below) -> Mapping[int, Page[rows.Activity]]:
    seen = below._replace(conditions=visible_notes(ctx.caller))
    return await paging.pages(ctx, activity.LISTING, "ticket_id", ids, seen, _COUNT_BY_TICKET)


async def _counts_by_ticket(ctx: Context, ids: list[int], seen: Conditions) -> Mapping[int, int]:
    return await activity.LISTING.counts(ctx.reads, "ticket_id", ids, seen)


ACTIVITY_BY_TICKET: Final = Loader("activity_by_ticket", _by_ticket)
_COUNT_BY_TICKET: Final = Loader("activity_count_by_ticket", _counts_by_ticket)

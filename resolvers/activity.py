"""The log of a ticket: read here, written by whatever changes the ticket (resolvers/lifecycle.py)."""

from collections.abc import Mapping
from typing import Final

from db import rows
from db.queries import activity
from resolvers import paging
from resolvers.context import Context
from resolvers.loaders import Loader
from resolvers.paging import Below, Order, Page, Slice
from resolvers.visibility import Conditions, visible_notes

OLDEST_FIRST: Final = Order("created_at")


def below_ticket(asked: Slice) -> Below:
    """What a ticket's connection of log lines asks for."""
    return Below((), asked, OLDEST_FIRST)


async def _by_ticket(ctx: Context, ids: list[int], below: Below) -> Mapping[int, Page[rows.Activity]]:
    seen = below._replace(conditions=visible_notes(ctx.caller))
    return await paging.pages(ctx, activity.LISTING, "ticket_id", ids, seen, _COUNT_BY_TICKET)


async def _counts_by_ticket(ctx: Context, ids: list[int], seen: Conditions) -> Mapping[int, int]:
    return await activity.LISTING.counts(ctx.reads, "ticket_id", ids, seen)


ACTIVITY_BY_TICKET: Final = Loader("activity_by_ticket", _by_ticket)
_COUNT_BY_TICKET: Final = Loader("activity_count_by_ticket", _counts_by_ticket)

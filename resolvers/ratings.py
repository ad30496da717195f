"""Ratings: what requesters think of how their tickets went (D11)."""

from collections.abc import Mapping
from typing import Any, Final

from db import rows
from db.queries import ratings
from resolvers import fields
from resolvers.context import Context
from resolvers.errors import Conflict, Forbidden, NotFound
from resolvers.fields import Field, Given
from resolvers.lifecycle import DONE, TicketChange
from resolvers.loaders import Loader
from resolvers.permissions import SIGNED_IN, allow
from resolvers.tickets import held_ticket, store, visible_ticket

LONGEST_COMMENT: Final = 5_000
FIELDS: Final[dict[str, Field]] = {
    "rating": Field(fields.whole_number(1, 5), is_required=True),
    "comment": Field(fields.optional_text(LONGEST_COMMENT)),
}


async def _by_ticket(ctx: Context, ids: list[int], _args: Any) -> Mapping[int, rows.Rating]:
    found = await ctx.reads.rows(ratings.LATEST_BY_TICKETS, ticket_ids=ids)
    return {row.ticket_id: row for row in found}


RATING_BY_TICKET: Final = Loader("rating_by_ticket", _by_ticket)
"""The rating that counts of tickets that the caller sees."""


@allow(*SIGNED_IN)
async def rating(ctx: Context, ticket_id: int) -> rows.Rating:
    """The ticket's latest rating. Raises NotFound, also while nobody has rated it."""
    await visible_ticket(ctx, ticket_id)
    found: rows.Rating | None = await ctx.load(RATING_BY_TICKET, ticket_id)
    if found is None:
        raise NotFound
    return found


@allow(*SIGNED_IN)
async def rate_ticket(ctx: Context, ticket_id: int, given: Given) -> tuple[rows.Ticket, rows.Rating]:
    """The ticket, rated by its requester, credited to whoever is assigned now; an earlier rating no longer counts.

    Raises NotFound, ValidationError, Forbidden for anybody else, Conflict while the ticket is open or pending.
    """
    values, wrong = fields.clean(FIELDS, given)
    caller = ctx.caller
    async with ctx.write() as tx:
        ticket = await held_ticket(tx, caller, ticket_id)
        fields.refuse(wrong)
        if ticket.requester_id != caller.user_id:
            raise Forbidden("Only the requester of a ticket may rate it")
        if ticket.status not in DONE:
            raise Conflict("Only a resolved or closed ticket can be rated")
        change = TicketChange(ticket, caller, ctx.now())
        added, before = await ratings.add(
            tx,
            fields.with_defaults(FIELDS, values)
            | {
                "workspace_id": ticket.workspace_id,
                "ticket_id": ticket.id,
                "requester_id": caller.user_id,
                "assigned_to_id": ticket.assigned_to_id,
                "created_at": change.step(),
            },
        )
        change.log("rated", before, added.rating)
        return await store(tx, change), added

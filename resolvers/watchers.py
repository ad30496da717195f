"""Who follows a ticket."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from db import rows
from db.queries import users, watchers
from resolvers import fields
from resolvers.context import Context
from resolvers.fields import DOES_NOT_EXIST
from resolvers.lifecycle import TicketChange
from resolvers.loaders import Loader
from resolvers.permissions import STAFF, allow
from resolvers.tickets import held_ticket, store
from resolvers.visibility import sees_user


async def _by_ticket(ctx: Context, ids: list[int], _args: Any) -> Mapping[int, list[rows.User]]:
    found: dict[int, list[rows.User]] = defaultdict(list, {ticket_id: [] for ticket_id in ids})
    for ticket_id, user in await ctx.reads.rows(watchers.BY_TICKETS, ticket_ids=ids):
        if sees_user(ctx.caller, user):
            found[ticket_id].append(user)
    return found


WATCHERS_BY_TICKET: Final = Loader("watchers_by_ticket", _by_ticket)
"""The watchers of tickets that the caller sees, as far as they see the people, in the order in which they began."""


@allow(*STAFF)
async def add_watcher(ctx: Context, ticket_id: int, user_id: int) -> rows.Ticket:
    """The ticket, watched by the user; the same when they watched already. Raises NotFound, ValidationError."""
    caller = ctx.caller
    async with ctx.write() as tx:
        ticket = await held_ticket(tx, caller, ticket_id)
        user = await tx.first(users.BY_IDS, workspace_id=caller.workspace_id, ids=[user_id])
        if user is None:
            raise fields.refused("user_id", DOES_NOT_EXIST)
        change = TicketChange(ticket, caller, ctx.now())
        if await watchers.add(tx, caller.workspace_id, ticket.id, user.id, change.moment):
            change.log("watcher_added", None, user.id)
        return await store(tx, change)


@allow(*STAFF)
async def remove_watcher(ctx: Context, ticket_id: int, user_id: int) -> rows.Ticket:
    """The ticket, no longer watched by the user. Raises NotFound."""
    async with ctx.write() as tx:
        ticket = await held_ticket(tx, ctx.caller, ticket_id)
        change = TicketChange(ticket, ctx.caller, ctx.now())
        if await watchers.remove(tx, ticket.id, user_id):
            change.log("watcher_removed", user_id, None)
        return await store(tx, change)

"""Replies and internal notes, and what writing one does to its ticket."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, Final

from db import rows
from db.queries import replies
from db.tables import STATUSES
from resolvers import attachments, fields, paging
from resolvers.content import content_html
from resolvers.context import Caller, Context
from resolvers.errors import Forbidden, NotFound
from resolvers.events import of_reply
from resolvers.fields import Field, Given
from resolvers.lifecycle import TicketChange
from resolvers.loaders import Loader
from resolvers.notifications import notify_requester
from resolvers.paging import Below, NumberedPage, Order, Page, Slice
from resolvers.permissions import SIGNED_IN, allow
from resolvers.tickets import held_ticket, store, visible_ticket
from resolvers.visibility import Conditions, visible_notes

OLDEST_FIRST: Final = Order("created_at")
ONLY_PUBLIC: Final[Conditions] = (("public", True),)

FIELDS: Final[dict[str, Field]] = {
    "content": Field(fields.text(fields.LONGEST_CONTENT, strip=False), is_required=True),
    "is_internal": Field(fields.boolean, default=False),
    "notify_requester": Field(fields.boolean, default=True),
    "update_status": Field(fields.one_of(*STATUSES)),
    "attachment_ids": Field(fields.row_ids, default=[]),
}


async def visible_reply(ctx: Context, reply_id: int) -> rows.Reply:
    """The reply, when its ticket and itself may be seen. Raises NotFound."""
    found: rows.Reply | None = await ctx.load(REPLY_BY_ID, reply_id)
    if found is None:
        raise NotFound
    await visible_ticket(ctx, found.ticket_id)
    return found


async def _by_id(ctx: Context, ids: list[int], _args: Any) -> Mapping[int, rows.Reply]:
    found = await replies.LISTING.every(ctx.reads, (*visible_notes(ctx.caller), ("ids", ids)))
    return {row.id: row for row in found}


REPLY_BY_ID: Final = Loader("reply_by_id", _by_id)
"""Replies whose notes the caller may read; whether their ticket may be seen is asked besides."""


@allow(*SIGNED_IN)
async def reply(ctx: Context, reply_id: int) -> rows.Reply:
    """One reply. Raises NotFound."""
    return await visible_reply(ctx, reply_id)


@allow(*SIGNED_IN)
async def replies_numbered(
    ctx: Context, ticket_id: int, *, include_internal: bool, page: int, per_page: int
) -> NumberedPage[rows.Reply]:
    """A ticket's replies, oldest first, by page number. Raises NotFound, ValidationError."""
    await visible_ticket(ctx, ticket_id)
    seen = (*_seen(ctx.caller, include_internal=include_internal), ("ticket", ticket_id))
    return await paging.numbered(ctx, replies.LISTING, seen, page, per_page, OLDEST_FIRST)


def below_ticket(asked: Slice, *, include_internal: bool) -> Below:
    """What a ticket's connection of replies asks for. Customers get no notes whatever they ask (D25)."""
    return Below(() if include_internal else ONLY_PUBLIC, asked, OLDEST_FIRST)


def _seen(caller: Caller, *, include_internal: bool) -> Conditions:
    return visible_notes(caller) if include_internal else (*visible_notes(caller), *ONLY_PUBLIC)


async def _by_ticket(ctx: Context, ids: list[int], below: Below) -> Mapping[int, Page[rows.Reply]]:
    seen = below._replace(conditions=(*visible_notes(ctx.caller), *below.conditions))
    return await paging.pages(ctx, replies.LISTING, "ticket_id", ids, seen, _REPLY_COUNT_BY_TICKET)


async def _counts_by_ticket(ctx: Context, ids: list[int], seen: Conditions) -> Mapping[int, int]:
    return await replies.LISTING.counts(ctx.reads, "ticket_id", ids, seen)


REPLIES_BY_TICKET: Final = Loader("replies_by_ticket", _by_ticket)
_REPLY_COUNT_BY_TICKET: Final = Loader("reply_count_by_ticket", _counts_by_ticket)


@allow(*SIGNED_IN)
async def create_reply(ctx: Context, ticket_id: int, given: Given) -> rows.Reply:
    """A reply or a note on the ticket, with all it does: first response, reopening, status (D2, D3, D6, D26).

    Raises NotFound, ValidationError, Forbidden, Conflict.
    """
    values, wrong = fields.clean(FIELDS, given)
    caller = ctx.caller
    async with ctx.write() as tx:
        ticket = await held_ticket(tx, caller, ticket_id)
        await attachments.check_free(tx, caller, ticket, values, wrong)
        fields.refuse(wrong)
        values = fields.with_defaults(FIELDS, values)
        _check_role(caller, ticket, values)
        change = TicketChange(ticket, caller, ctx.now())
        _before_reply(change, values)
        reply = await replies.add(tx, _columns(change, values, change.step()))
        await attachments.put_on_reply(tx, reply, values["attachment_ids"])
        _after_reply(change, values)
        change.happenings.append(of_reply(reply, ticket))
        await store(tx, change)
        await notify_requester(tx, change, reply, values)
    return reply


def _check_role(caller: Caller, ticket: rows.Ticket, values: dict[str, Any]) -> None:
    if caller.is_staff:
        return
    if values["is_internal"]:
        raise Forbidden("Customers may not write internal notes")
    is_own = ticket.requester_id == caller.user_id
    if values["update_status"] is not None and (values["update_status"] != "resolved" or not is_own):
        raise Forbidden("Customers may only set the status of their own ticket to resolved")


def _before_reply(change: TicketChange, values: dict[str, Any]) -> None:
    """An agent's first action is dated before the reply it comes with (D2); a customer's reply reopens (D3)."""
    if change.caller.is_staff:
        # a status set with the reply follows it (D26), but the first action names the status it ends in (D2)
        if not (change.is_untouched and values["update_status"]):
            change.touch(is_internal=values["is_internal"])
            return
        change.set_status(values["update_status"])
    else:
        change.reopen_by_customer()


def _columns(change: TicketChange, values: dict[str, Any], moment: dt.datetime) -> dict[str, Any]:
    return {
        "workspace_id": change.ticket.workspace_id,
        "ticket_id": change.ticket.id,
        "author_id": change.caller.user_id,
        "content": values["content"],
        "content_html": content_html(values["content"]),
        "is_internal": values["is_internal"],
        "created_at": moment,
        "waiting_since": None if values["is_internal"] else _said(change, moment),
        "is_by_staff": change.caller.is_staff,
    }


def _said(change: TicketChange, moment: dt.datetime) -> dt.datetime | None:
    """Note a public reply; since when it was waited for, None when it was not (D6, D9)."""
    caller = change.caller
    if caller.is_staff and caller.user_id != change.ticket.requester_id:
        return change.answer(moment)
    change.ask(moment)
    return None


def _after_reply(change: TicketChange, values: dict[str, Any]) -> None:
    count = "internal_note_count" if values["is_internal"] else "public_reply_count"
    change.values[count] = getattr(change.ticket, count) + 1
    if values["update_status"] is not None:
        change.set_status(values["update_status"])

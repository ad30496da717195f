"""Tickets: listed, opened, changed, deleted."""

from collections.abc import Awaitable, Mapping
from typing import Any, Final

from db import rows
from db.database import Tx
from db.queries import activity, attachments, tickets, users
from db.tables import PRIORITIES, STATUSES
from resolvers import events, fields, paging, sla
from resolvers.categories import category_exists
from resolvers.content import content_html
from resolvers.context import Caller, Context
from resolvers.errors import Conflict, Forbidden, NotFound
from resolvers.fields import DOES_NOT_EXIST, Field, Given, Wrong
from resolvers.files import forget_bytes
from resolvers.lifecycle import TicketChange, moment_after
from resolvers.loaders import Loader, along
from resolvers.paging import Below, NumberedPage, Order, Page, Slice
from resolvers.permissions import SIGNED_IN, STAFF, allow
from resolvers.ticket_filters import Filter, conditions
from resolvers.users import is_active_staff, requester
from resolvers.visibility import Conditions, visible_tickets

NEWEST_FIRST: Final = Order("created_at", descending=True)

UPDATE_FIELDS: Final[dict[str, Field]] = {
    "subject": Field(fields.text(255), is_required=True),
    "content": Field(fields.text(fields.LONGEST_CONTENT, strip=False), is_required=True),
    "priority": Field(fields.one_of(*PRIORITIES), default="medium"),
    "status": Field(fields.one_of(*STATUSES)),
    "category_id": Field(fields.row_id, is_nullable=True),
    "assigned_to": Field(fields.row_id, is_nullable=True),
    "tags": Field(fields.tags, default=[]),
    "metadata": Field(fields.metadata, default={}),
}
CREATE_FIELDS: Final[dict[str, Field]] = {
    "subject": UPDATE_FIELDS["subject"],
    "content": UPDATE_FIELDS["content"],
    "requester_email": Field(fields.email, is_required=True),
    "requester_name": Field(fields.optional_text(255)),
} | {name: UPDATE_FIELDS[name] for name in ("priority", "category_id", "assigned_to", "tags", "metadata")}


async def visible_ticket(ctx: Context, ticket_id: int) -> rows.Ticket:
    """The ticket. Raises NotFound."""
    found: rows.Ticket | None = await ctx.load(VISIBLE_TICKET, ticket_id)
    if found is None:
        raise NotFound
    return found


async def _visible(ctx: Context, ids: list[int], _args: Any) -> Mapping[int, rows.Ticket]:
    seen = (*visible_tickets(ctx.caller), ("ids", ids))
    found = await tickets.LISTING.every(ctx.reads, seen, along(ctx, tickets.LISTING))
    return {row.id: row for row in found}


VISIBLE_TICKET: Final = Loader("visible_ticket", _visible, is_by_id=True)
"""Tickets by ids that a client named."""


async def held_ticket(tx: Tx, caller: Caller, ticket_id: int) -> rows.Ticket:
    """The ticket, held until the transaction ends. Raises NotFound."""
    held = await tickets.LISTING.find(tx, (*visible_tickets(caller), ("id", ticket_id)), held=True)
    if held is None:
        raise NotFound
    return held


@allow(*SIGNED_IN)
def ticket_if_visible(ctx: Context, ticket_id: int) -> Awaitable[rows.Ticket | None]:
    """One ticket, found with all that are asked for at the same time; None when the caller sees none."""
    sought: Awaitable[rows.Ticket | None] = ctx.later(VISIBLE_TICKET, ticket_id)
    return sought


@allow(*SIGNED_IN)
async def ticket(ctx: Context, ticket_id: int) -> rows.Ticket:
    """One ticket. Raises NotFound."""
    found: rows.Ticket | None = (await ctx.load_all(VISIBLE_TICKET, [ticket_id]))[ticket_id]
    if found is None:
        raise NotFound
    return found


@allow(*SIGNED_IN)
async def ticket_page(ctx: Context, filter_: Filter, asked: Slice, order: Order) -> Page[rows.Ticket]:
    """Tickets that meet the filter, in the order. Raises ValidationError."""
    return await paging.page(ctx, tickets.LISTING, _seen(ctx.caller, filter_), asked, order)


@allow(*SIGNED_IN)
async def tickets_numbered(
    ctx: Context, filter_: Filter, page: int, per_page: int, order: Order
) -> NumberedPage[rows.Ticket]:
    """The same, by page number."""
    return await paging.numbered(ctx, tickets.LISTING, _seen(ctx.caller, filter_), page, per_page, order)


def _seen(caller: Caller, filter_: Filter) -> Conditions:
    return (*visible_tickets(caller), *conditions(caller, filter_))


def tickets_below(name: str, parent: str) -> tuple[Loader[Page[rows.Ticket]], Loader[int]]:
    """The loaders of the tickets under another noun, and of their number. `parent` is the referring column."""

    async def pages(ctx: Context, keys: list[int], below: Below) -> Mapping[int, Page[rows.Ticket]]:
        seen = below._replace(conditions=(*visible_tickets(ctx.caller), *below.conditions))
        return await paging.pages(ctx, tickets.LISTING, parent, keys, seen, counter)

    async def counts(ctx: Context, keys: list[int], seen: Conditions) -> Mapping[int, int]:
        return await tickets.LISTING.counts(ctx.reads, parent, keys, seen)

    counter = Loader(f"ticket_counts_by_{name}", counts)
    return Loader(f"tickets_by_{name}", pages), counter


TICKETS_BY_REQUESTER: Final = tickets_below("requester", "requester_id")[0]
TICKETS_BY_ORGANIZATION: Final = tickets_below("organization", "organization_id")[0]
TICKETS_BY_CATEGORY: Final = tickets_below("category", "category_id")[0]


async def _by_id(ctx: Context, ids: list[int], _args: Any) -> Mapping[int, rows.Ticket]:
    found = await ctx.reads.rows(tickets.BY_IDS, workspace_id=ctx.caller.workspace_id, ids=ids)
    return {row.id: row for row in found}


TICKET_BY_ID: Final = Loader("ticket_by_id", _by_id)
"""The ticket of a reply that the caller sees."""


def reply_count(caller: Caller, row: rows.Ticket) -> int:
    """Replies the caller may see (D16)."""
    return row.public_reply_count + (row.internal_note_count if caller.is_staff else 0)


def is_untouched(caller: Caller, row: rows.Ticket) -> bool:
    """Whether no agent has acted on it yet; for customers, whether nothing they see says so.

    The first action may be a note, which they do not hear of (D2, D25).
    """
    if caller.is_staff or row.is_untouched:
        return row.is_untouched
    shows = (row.assigned_to_id, row.first_response_at, row.first_resolved_at)
    return row.status == "open" and all(each is None for each in shows)


@allow(*SIGNED_IN)
async def create_ticket(ctx: Context, given: Given) -> rows.Ticket:
    """A new ticket, open and untouched; customers open them as themselves (D36).

    Raises ValidationError.
    """
    values, wrong = fields.clean(CREATE_FIELDS, given)
    async with ctx.write() as tx:
        await _check_requester(ctx, tx, values, wrong)
        await _check_references(tx, ctx.caller, values, wrong)
        fields.refuse(wrong)
        return await _open(ctx, tx, fields.with_defaults(CREATE_FIELDS, values))


async def _open(ctx: Context, tx: Tx, values: dict[str, Any]) -> rows.Ticket:
    caller = ctx.caller
    name = values.pop("requester_name")
    asks = await requester(tx, caller, values.pop("requester_email"), name, ctx.now())
    now = ctx.now()  # somebody else may have added them while we waited
    assigned_to = values.pop("assigned_to")
    promised = await sla.limits(tx, caller.workspace_id, values["priority"])
    added = await tickets.add(
        tx,
        values
        | {
            "workspace_id": caller.workspace_id,
            "content_html": content_html(values["content"]),
            "status": "open",
            "requester_id": asks.id,
            "organization_id": asks.organization_id,
            "assigned_to_id": assigned_to,
            "is_untouched": assigned_to is None,
            "version": 1,
            "created_at": now,
            "updated_at": now,
            "waiting_since": now,
        }
        | sla.targets(now, promised),
    )
    await activity.add(tx, _first_entries(added, caller))
    await users.add_tickets(tx, added.requester_id, 1)
    opened = events.of_ticket("ticket.created", added, added.created_at)
    await events.record(tx, caller.workspace_id, caller.user_id, [opened])
    return added


def _first_entries(added: rows.Ticket, caller: Caller) -> list[dict[str, Any]]:
    """What the log of a new ticket says. Assigning it at once is an agent's action too (D2)."""
    change = TicketChange(added, caller, added.created_at)
    change.log("created")
    if added.assigned_to_id is not None:
        change.log("status_changed", "new", "open")
        change.log("assigned", None, added.assigned_to_id)
    # at the instant of the ticket itself: nothing may be later than its updated_at (D5)
    return [entry | {"created_at": added.created_at} for entry in change.entries]


@allow(*SIGNED_IN)
async def update_ticket(ctx: Context, ticket_id: int, given: Given) -> rows.Ticket:
    """The ticket with the given fields changed (D19). Customers may only set `resolved` (D3).

    Raises NotFound, ValidationError, Forbidden.
    """
    values, wrong = fields.clean_update(UPDATE_FIELDS, given)
    async with ctx.write() as tx:
        before = await held_ticket(tx, ctx.caller, ticket_id)
        _customers_only_resolve(ctx.caller, before, values)
        await _check_references(tx, ctx.caller, values, wrong, before)
        fields.refuse(wrong)
        change = TicketChange(before, ctx.caller, ctx.now())
        await _apply(tx, change, values)
        return await store(tx, change)


def _customers_only_resolve(caller: Caller, before: rows.Ticket, values: dict[str, Any]) -> None:
    if caller.is_staff or not values:
        return
    if set(values) != {"status"} or values["status"] != "resolved" or before.requester_id != caller.user_id:
        raise Forbidden("Customers may only set the status of their own ticket to resolved")
    if before.status == "closed":
        # or a ticket that takes no more replies would take them again (D3)
        raise Conflict("This ticket is closed. Reply to it to open it again")


async def _apply(tx: Tx, change: TicketChange, values: dict[str, Any]) -> None:
    """Note every value that differs from what the ticket has, in the order of the log's vocabulary (D35)."""
    before = change.ticket
    if "status" in values:
        change.set_status(values["status"])
    if "assigned_to" in values and values["assigned_to"] != before.assigned_to_id:
        after = values["assigned_to"]
        change.touch()
        change.values["assigned_to_id"] = after
        change.log("unassigned" if after is None else "assigned", before.assigned_to_id, after)
    if "priority" in values and values["priority"] != before.priority:
        promised = await sla.limits(tx, before.workspace_id, values["priority"])
        change.set_priority(values["priority"], promised)
    for name, action in (("category_id", "category_changed"), ("subject", "subject_changed")):
        if name in values and values[name] != getattr(before, name):
            change.values[name] = values[name]
            change.log(action, getattr(before, name), values[name])
    if "tags" in values and values["tags"] != before.tags:
        change.values["tags"] = values["tags"]
        change.log("tags_changed", ", ".join(before.tags), ", ".join(values["tags"]))
    if "content" in values and values["content"] != before.content:
        change.values |= {"content": values["content"], "content_html": content_html(values["content"])}
        change.log("content_changed")
    if "metadata" in values and not fields.is_same(before.metadata, values["metadata"]):
        change.values["metadata"] = values["metadata"]


async def store(tx: Tx, change: TicketChange) -> rows.Ticket:
    """The ticket as the change leaves it, with its log lines and counters written; untouched by an empty one."""
    before = change.ticket
    if change.is_empty:
        return before
    after = await tickets.change(tx, before, change.columns())
    await activity.add(tx, change.entries)
    happened = [*change.happenings, *events.of_update(before, after)]
    await events.record(tx, after.workspace_id, change.caller.user_id, happened)
    return after


@allow(*STAFF)
async def delete_ticket(ctx: Context, ticket_id: int) -> None:
    """Delete the ticket with its replies, files, watchers and log. Raises NotFound."""
    async with ctx.write() as tx:
        before = await held_ticket(tx, ctx.caller, ticket_id)
        keys = await attachments.keys_of_ticket(tx, before.id)
        await tickets.remove(tx, before)
        await users.add_tickets(tx, before.requester_id, -1)
        gone = events.of_ticket("ticket.deleted", before, moment_after(before.updated_at, ctx.now()))
        await events.record(tx, before.workspace_id, ctx.caller.user_id, [gone])
    await forget_bytes(ctx, keys)


async def _check_requester(ctx: Context, tx: Tx, values: dict[str, Any], wrong: Wrong) -> None:
    """A customer opens tickets as themselves, and assigns nobody."""
    caller = ctx.caller
    if caller.is_staff:
        return
    own = await tx.first(users.BY_IDS, workspace_id=caller.workspace_id, ids=[caller.user_id])
    address = values.get("requester_email")
    if own is not None and address is not None and fields.email_key(address) != fields.email_key(own.email):
        wrong["requester_email"] = "must be your own e-mail address"
    if values.get("assigned_to") is not None:
        wrong["assigned_to"] = "may only be set by agents"


async def _check_references(
    tx: Tx, caller: Caller, values: dict[str, Any], wrong: Wrong, before: rows.Ticket | None = None
) -> None:
    """Note a category or an assignee that cannot be used (D18); what the ticket has already may stay."""
    category_id, assigned_to = values.get("category_id"), values.get("assigned_to")
    if category_id and not await category_exists(tx, caller.workspace_id, category_id):
        wrong.setdefault("category_id", DOES_NOT_EXIST)
    if before is not None and assigned_to == before.assigned_to_id:
        return
    if assigned_to and not await is_active_staff(tx, caller.workspace_id, assigned_to):
        wrong.setdefault("assigned_to", "must be an active agent or admin")

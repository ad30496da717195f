"""/v1/tickets: listed, opened, shown with all that belongs to them, changed, deleted."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Final

from db import rows
from db.tables import PRIORITIES, STATUSES
from resolvers import activity, replies, tickets
from resolvers.activity import ACTIVITY_BY_TICKET
from resolvers.attachments import ATTACHMENTS_BY_TICKET
from resolvers.categories import CATEGORY_BY_ID
from resolvers.context import Context
from resolvers.errors import NotFound
from resolvers.loaders import Columns, Referred
from resolvers.paging import LARGEST_PAGE, Order, Page, Slice
from resolvers.replies import REPLIES_BY_TICKET
from resolvers.tickets import reply_count
from resolvers.users import USER_BY_ID
from resolvers.watchers import WATCHERS_BY_TICKET
from rest_compat import parameters
from rest_compat.attachments import shown
from rest_compat.bodies import json_object
from rest_compat.endpoint import Body, endpoint
from rest_compat.envelope import AnyRequest
from rest_compat.parameters import PAGES, path_id
from rest_compat.replies import reply
from rest_compat.shapes import (
    ActivityEntry,
    Contact,
    Done,
    Listed,
    Named,
    NamedCategory,
    One,
    Requester,
    Ticket,
    TicketSummary,
    Written,
    page_of,
)
from rest_compat.users import people

TAG: Final = "Tickets"
MOST_SHOWN: Final = Slice(first=LARGEST_PAGE)
"""Replies and log lines of a single ticket."""
LIST: Final[parameters.Declared] = PAGES | {
    "status": parameters.word("Filter by status", STATUSES),
    "priority": parameters.word("Filter by priority", PRIORITIES),
    "assigned_to": parameters.assignee(
        "Filter by assigned agent: an id, `me` (you), or `none` (nobody is assigned)"
    ),
    "category_id": parameters.row_id("Filter by category"),
    "search": parameters.words_sought("Search in subject and content"),
    "sort": parameters.word("Sort field", ("created_at", "updated_at", "priority"), "created_at"),
    "order": parameters.word("Sort order", ("asc", "desc"), "desc"),
}
SHOWN_OF_A_TICKET: Final = (
    Referred("category_id", CATEGORY_BY_ID),
    Referred("requester_id", USER_BY_ID),
    Referred("assigned_to_id", USER_BY_ID),
)
_IN_A_LIST: Final = (
    *("subject", "content", "status", "priority", "requester_id", "assigned_to_id", "category_id", "tags"),
    *(
        "public_reply_count",
        "internal_note_count",
        "created_at",
        "updated_at",
        "first_response_at",
        "resolved_at",
    ),
)
SHOWN_IN_A_LIST: Final = Columns(
    {rows.Ticket: _IN_A_LIST, rows.User: ("name", "email"), rows.Category: ("name",)}
)
SHOWN_ALONE: Final = Columns(
    {
        rows.Ticket: (
            *_IN_A_LIST,
            *(
                "content_html",
                "metadata",
                "is_untouched",
                "version",
                "reopen_count",
                "first_resolved_at",
                "closed_at",
            ),
        ),
        rows.User: ("name", "email", "type", "avatar_url"),
        rows.Category: ("name", "color"),
        rows.Reply: ("ticket_id", "author_id", "content", "content_html", "is_internal", "created_at"),
        rows.Activity: ("user_id", "action", "from_value", "to_value", "created_at"),
    }
)
AUTHOR: Final = (Referred("author_id", USER_BY_ID),)
ACTOR: Final = (Referred("user_id", USER_BY_ID),)
CREATE: Final = Body(
    "TicketCreate",
    tickets.CREATE_FIELDS,
    example={
        "subject": "Cannot login to my account",
        "content": "I've been trying to login but keep getting an error...",
        "requester_email": "john.doe@example.com",
        "requester_name": "John Doe",
        "priority": "high",
        "tags": ["login", "authentication"],
        "metadata": {},
    },
)
UPDATE: Final = Body(
    "TicketUpdate", tickets.UPDATE_FIELDS, example={"status": "pending", "priority": "urgent"}, is_update=True
)


@endpoint("GET", "/v1/tickets", tag=TAG, query=LIST)
async def list_tickets(ctx: Context, request: AnyRequest) -> Listed[TicketSummary]:
    """List tickets.

    A page of the tickets that you may see, filtered and sorted; ties are broken by id.
    """
    asked = parameters.read(LIST, request)
    order = Order(asked["sort"], descending=asked["order"] == "desc")
    page = await tickets.tickets_numbered(
        ctx.expecting(SHOWN_OF_A_TICKET, SHOWN_IN_A_LIST),
        _filter(asked),
        asked["page"],
        asked["per_page"],
        order,
    )
    return page_of(page, await summaries(ctx, page.rows))


@endpoint("POST", "/v1/tickets", tag=TAG, status=201, body=CREATE, refusals=(403, 409))
async def create_ticket(ctx: Context, request: AnyRequest) -> Written[Ticket]:
    """Create a ticket.

    A requester whose e-mail address is not known yet becomes a new customer.
    """
    added = await tickets.create_ticket(ctx, await json_object(request))
    return Written(True, await detailed(ctx, added), "Ticket created successfully")


@endpoint("GET", "/v1/tickets/{id}", tag=TAG)
async def get_ticket(ctx: Context, request: AnyRequest) -> One[Ticket]:
    """Retrieve a ticket.

    With all its details: replies, watchers, attachments and the activity log.
    """
    wanted = path_id(request)
    found, *belongings = await ctx.together(
        tickets.ticket(ctx.expecting(SHOWN_OF_A_TICKET, SHOWN_ALONE), wanted), *_belonging_to(ctx, wanted)
    )
    return One(True, await _shown(ctx, found, belongings))


async def _update(ctx: Context, request: AnyRequest) -> Written[Ticket]:
    changed = await tickets.update_ticket(ctx, path_id(request), await json_object(request))
    return Written(True, await detailed(ctx, changed), "Ticket updated successfully")


@endpoint("PUT", "/v1/tickets/{id}", tag=TAG, body=UPDATE, refusals=(403, 409))
async def update_ticket(ctx: Context, request: AnyRequest) -> Written[Ticket]:
    """Update a ticket.

    Fields that are left out keep their values; null clears `category_id` and `assigned_to`. Customers may only set
    the status of their own ticket to `resolved`.
    """
    return await _update(ctx, request)


@endpoint("PATCH", "/v1/tickets/{id}", tag=TAG, body=UPDATE, refusals=(403, 409))
async def patch_ticket(ctx: Context, request: AnyRequest) -> Written[Ticket]:
    """Update a ticket (PATCH).

    The same as PUT.
    """
    return await _update(ctx, request)


@endpoint("DELETE", "/v1/tickets/{id}", tag=TAG, refusals=(403, 409))
async def delete_ticket(ctx: Context, request: AnyRequest) -> Done:
    """Delete a ticket.

    With all that belongs to it: replies, watchers, attachments and the activity log. For agents and admins.
    """
    await tickets.delete_ticket(ctx, path_id(request))
    return Done(True, "Ticket deleted successfully")


def _filter(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The documented parameters as a filter of the resolver."""
    filter_: dict[str, Any] = {"search": asked["search"]}
    for name, parameter in (("status", "status"), ("priority", "priority"), ("category", "category_id")):
        if asked[parameter] is not None:
            filter_[name] = (asked[parameter],)
    assignee = asked["assigned_to"]
    if assignee is not None:
        filter_["assigned_to"] = {"ids": (assignee,)} if isinstance(assignee, int) else {assignee: True}
    return filter_


async def summaries(ctx: Context, found: list[rows.Ticket]) -> list[TicketSummary]:
    """The tickets of a list, in their order; two statements, however many there are."""
    users = await people(
        ctx, (user_id for row in found for user_id in (row.requester_id, row.assigned_to_id))
    )
    places = await _categories(ctx, found)
    # whoever asked can only be gone when the ticket is: both were deleted since the list was read
    return [_summary(ctx, row, users, places) for row in found if row.requester_id in users]


async def _categories(ctx: Context, found: list[rows.Ticket]) -> Mapping[int, rows.Category]:
    wanted = {row.category_id for row in found if row.category_id is not None}
    return await ctx.load_all(CATEGORY_BY_ID, sorted(wanted))


def _summary(
    ctx: Context, row: rows.Ticket, users: Mapping[int, rows.User], places: Mapping[int, rows.Category]
) -> TicketSummary:
    requester = users[row.requester_id]
    assignee = users.get(row.assigned_to_id or 0)
    category = places.get(row.category_id or 0)
    return TicketSummary(
        id=row.id,
        subject=row.subject,
        content=row.content,
        status=row.status,
        priority=row.priority,
        category=None if category is None else Named(category.id, category.name),
        requester=Contact(requester.id, requester.name, requester.email),
        assigned_to=None if assignee is None else Named(assignee.id, assignee.name),
        tags=row.tags,
        reply_count=reply_count(ctx.caller, row),
        created_at=row.created_at,
        updated_at=row.updated_at,
        first_response_at=row.first_response_at,
        resolved_at=row.resolved_at,
    )


async def detailed(ctx: Context, row: rows.Ticket) -> Ticket:
    """One ticket with all that belongs to it. Raises NotFound."""
    return await _shown(ctx, row, await ctx.together(*_belonging_to(ctx, row.id)))


def _belonging_to(ctx: Context, ticket_id: int) -> list[Awaitable[Mapping[int, Any]]]:
    """Its replies, its log, its watchers and its files, each by the id of the ticket, which the caller has to see."""
    own, asked = [ticket_id], replies.below_ticket(MOST_SHOWN, include_internal=True)
    return [
        REPLIES_BY_TICKET.load(ctx.expecting(AUTHOR, SHOWN_ALONE), own, asked),
        ACTIVITY_BY_TICKET.load(ctx.expecting(ACTOR, SHOWN_ALONE), own, activity.below_ticket(MOST_SHOWN)),
        WATCHERS_BY_TICKET.load(ctx, own, None),
        ATTACHMENTS_BY_TICKET.load(ctx, own, None),
    ]


async def _shown(ctx: Context, row: rows.Ticket, belongings: Sequence[Mapping[int, Any]]) -> Ticket:
    said, log, watchers, files = (each[row.id] for each in belongings)
    users = await people(
        ctx,
        (
            row.requester_id,
            row.assigned_to_id,
            *(each.author_id for each in said.rows),
            *(each.user_id for each in log.rows),
        ),
    )
    if not users.keys() >= {row.requester_id, *(each.author_id for each in said.rows)}:
        raise NotFound  # deleted since it was read, and then somebody whom it needed
    category = (await _categories(ctx, [row])).get(row.category_id or 0)
    return _ticket(ctx, row, said, log, watchers, files, users, category)


def _ticket(
    ctx: Context,
    row: rows.Ticket,
    said: Page[rows.Reply],
    log: Page[rows.Activity],
    watchers: list[rows.User],
    files: list[rows.Attachment],
    users: Mapping[int, rows.User],
    category: rows.Category | None,
) -> Ticket:
    requester = users[row.requester_id]
    assignee = users.get(row.assigned_to_id or 0)
    return Ticket(
        id=row.id,
        subject=row.subject,
        content=row.content,
        content_html=row.content_html,
        status=row.status,
        priority=row.priority,
        category=None if category is None else NamedCategory(category.id, category.name, category.color),
        requester=Requester(requester.id, requester.name, requester.email, requester.avatar_url),
        assigned_to=None if assignee is None else Contact(assignee.id, assignee.name, assignee.email),
        watchers=[Named(each.id, each.name) for each in watchers],
        tags=row.tags,
        reply_count=reply_count(ctx.caller, row),
        replies=[
            reply(each, users[each.author_id], [file for file in files if file.reply_id == each.id])
            for each in said.rows
        ],
        has_more_replies=said.has_next_page,
        attachments=shown(files),
        activity_log=[_entry(each, users.get(each.user_id or 0)) for each in log.rows],
        metadata=row.metadata,
        is_untouched=tickets.is_untouched(ctx.caller, row),
        version=row.version,
        created_at=row.created_at,
        updated_at=row.updated_at,
        first_response_at=row.first_response_at,
        first_resolved_at=row.first_resolved_at,
        resolved_at=row.resolved_at,
        closed_at=row.closed_at,
        reopen_count=row.reopen_count,
    )


def _entry(row: rows.Activity, user: rows.User | None) -> ActivityEntry:
    who = None if user is None else Named(user.id, user.name)
    return ActivityEntry(row.action, row.from_value, row.to_value, who, row.created_at)


ENDPOINTS: Final = (list_tickets, create_ticket, get_ticket, update_ticket, patch_ticket, delete_ticket)

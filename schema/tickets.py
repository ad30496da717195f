"""Tickets in the graph."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import UNSET, Parent
from strawberry.scalars import JSON

from db import rows
from resolvers import activity, ratings, tickets, watchers
from resolvers.activity import ACTIVITY_BY_TICKET
from resolvers.attachments import ATTACHMENTS_BY_TICKET
from resolvers.categories import CATEGORY_BY_ID
from resolvers.organizations import ORGANIZATION_BY_ID
from resolvers.paging import Below
from resolvers.ratings import RATING_BY_TICKET
from resolvers.replies import REPLIES_BY_TICKET
from resolvers.users import USER_BY_ID
from resolvers.watchers import WATCHERS_BY_TICKET
from schema.activity import Activity
from schema.attachments import Attachment
from schema.categories import Category
from schema.deeds import UserError, deed, given
from schema.edges import Ctx, edge, reads
from schema.enums import TicketPriority, TicketStatus
from schema.nodes import Node, database_id_field, global_id, id_field, row_id
from schema.paging import After, Before, Connection, First, Last, slice_of
from schema.ratings import TicketRating
from schema.replies import Reply, replies_below
from schema.ticket_lists import FilterBy, OrderBy, filter_given, order_given

if TYPE_CHECKING:
    from schema.organizations import Organization
    from schema.users import User

_IDS = {"category_id": "Category", "assigned_to": "User"}


def _activity_below(
    info: Ctx, first: First = UNSET, after: After = UNSET, last: Last = UNSET, before: Before = UNSET
) -> Below:
    return activity.below_ticket(slice_of(first, after, last, before))


def _reply_count(root: Parent[rows.Ticket], info: Ctx) -> int | None:
    return tickets.reply_count(info.context.caller, root)


def _is_untouched(root: Parent[rows.Ticket], info: Ctx) -> bool:
    return tickets.is_untouched(info.context.caller, root)


@strawberry.type
class Ticket(Node):
    """A request for help and everything that came of it."""

    id: strawberry.ID = id_field("Ticket")
    database_id: int = database_id_field()
    version: int = strawberry.field(description="Grows by one with every change.")
    subject: str = strawberry.field(description="What it is about, in a line.")
    content: str = strawberry.field(description="What was asked: plain text or CommonMark.")
    content_html: str = strawberry.field(description="The content as HTML that is safe to show.")
    status: TicketStatus = strawberry.field(description="How far it is.")
    priority: TicketPriority = strawberry.field(description="How urgent it is.")
    is_untouched: bool = strawberry.field(
        resolver=_is_untouched,
        metadata=reads("is_untouched", "status", "assigned_to_id", "first_response_at", "first_resolved_at"),
        description="Whether no agent has acted on it yet, as far as the caller may know.",
    )
    tags: list[str] = strawberry.field(description="Its tags, in the order they were given.")
    metadata: JSON = strawberry.field(description="Data of yours.")
    reply_count: int | None = strawberry.field(
        resolver=_reply_count,
        metadata=reads("public_reply_count", "internal_note_count"),
        description="How many replies it has, of those the caller may see.",
    )
    reopen_count: int = strawberry.field(
        description="How often it was opened again after it was resolved or closed."
    )
    category: Category | None = edge(CATEGORY_BY_ID, "category_id", "Where it is filed.")
    requester: Annotated["User", strawberry.lazy("schema.users")] | None = edge(
        USER_BY_ID, "requester_id", "Who asked."
    )
    organization: Annotated["Organization", strawberry.lazy("schema.organizations")] | None = edge(
        ORGANIZATION_BY_ID, "organization_id", "The requester's organization; customers only read their own."
    )
    assigned_to: Annotated["User", strawberry.lazy("schema.users")] | None = edge(
        USER_BY_ID, "assigned_to_id", "Who takes care of it."
    )
    watchers: list[Annotated["User", strawberry.lazy("schema.users")]] | None = edge(
        WATCHERS_BY_TICKET, "id", "Who follows it, in the order in which they began to."
    )
    rating: TicketRating | None = edge(
        RATING_BY_TICKET, "id", "What its requester thinks of how it went; the latest one counts."
    )
    replies: Connection[Reply] | None = edge(
        REPLIES_BY_TICKET, "id", "Its replies, oldest first.", replies_below
    )
    attachments: list[Attachment] | None = edge(
        ATTACHMENTS_BY_TICKET, "id", "All its files, those of its replies among them, oldest first."
    )
    activity: Connection[Activity] | None = edge(
        ACTIVITY_BY_TICKET, "id", "Its log, oldest first.", _activity_below
    )
    created_at: dt.datetime = strawberry.field(description="When it was opened.")
    updated_at: dt.datetime = strawberry.field(description="When it last changed or was replied to.")
    first_response_at: dt.datetime | None = strawberry.field(
        description="When the staff first answered in public."
    )
    first_resolved_at: dt.datetime | None = strawberry.field(
        description="When it was resolved or closed the first time."
    )
    resolved_at: dt.datetime | None = strawberry.field(
        description="Since when it is resolved or closed; null while it is neither."
    )
    closed_at: dt.datetime | None = strawberry.field(
        description="Since when it is closed; null while it is not."
    )

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Rows of tickets are tickets."""
        return isinstance(obj, rows.Ticket)


@strawberry.input
class TicketCreateInput:
    """A new ticket."""

    subject: str = strawberry.field(description="What it is about, at most 255 characters.")
    content: str = strawberry.field(
        description="What is asked: plain text or CommonMark, at most 65,536 characters."
    )
    requester_email: str = strawberry.field(
        description="Who asks; an unknown address becomes a new customer. Customers give their own."
    )
    requester_name: str | None = strawberry.field(default=UNSET, description="The name of a new customer.")
    priority: TicketPriority | None = strawberry.field(
        default=UNSET, description="How urgent it is. Default: MEDIUM."
    )
    category_id: strawberry.ID | None = strawberry.field(default=UNSET, description="Where to file it.")
    assigned_to: strawberry.ID | None = strawberry.field(
        default=UNSET, description="Who takes care of it: an active agent or admin. Not for customers to set."
    )
    tags: list[str] | None = strawberry.field(
        default=UNSET, description="At most 50 tags of at most 64 characters."
    )
    metadata: JSON | None = strawberry.field(
        default=UNSET, description="Data of yours: an object of at most 16 KiB."
    )


@strawberry.input
class TicketUpdateInput:
    """What is to change of a ticket: absent keeps, null clears. Customers may only set the status RESOLVED."""

    subject: strawberry.Maybe[str | None] = strawberry.field(
        description="What it is about, at most 255 characters."
    )
    content: strawberry.Maybe[str | None] = strawberry.field(description="What is asked.")
    status: strawberry.Maybe[TicketStatus | None] = strawberry.field(description="How far it is.")
    priority: strawberry.Maybe[TicketPriority | None] = strawberry.field(description="How urgent it is.")
    category_id: strawberry.Maybe[strawberry.ID | None] = strawberry.field(description="Where it is filed.")
    assigned_to: strawberry.Maybe[strawberry.ID | None] = strawberry.field(
        description="Who takes care of it: an active agent or admin."
    )
    tags: strawberry.Maybe[list[str] | None] = strawberry.field(description="All its tags.")
    metadata: strawberry.Maybe[JSON | None] = strawberry.field(
        description="Data of yours: an object of at most 16 KiB."
    )


@strawberry.type
class TicketCreatePayload:
    """The new ticket, or why there is none."""

    ticket: Ticket | None = strawberry.field(description="The ticket.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


@strawberry.type
class TicketUpdatePayload:
    """The ticket as it is now, or why it did not change."""

    ticket: Ticket | None = strawberry.field(description="The ticket.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


@strawberry.type
class TicketDeletePayload:
    """What was deleted, or why nothing was."""

    deleted_id: strawberry.ID | None = strawberry.field(description="The id of the ticket that is gone.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


@strawberry.type
class TicketWatchPayload:
    """The ticket with its watchers, or why they did not change."""

    ticket: Ticket | None = strawberry.field(description="The ticket.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


@strawberry.type
class TicketUnwatchPayload:
    """The ticket with its watchers, or why they did not change."""

    ticket: Ticket | None = strawberry.field(description="The ticket.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


@strawberry.type
class TicketRatePayload:
    """The ticket with its rating, or why it was not rated."""

    ticket: Ticket | None = strawberry.field(description="The ticket.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


async def ticket_page(
    info: Ctx,
    filter: FilterBy = UNSET,
    order_by: OrderBy = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Any:
    """Tickets that the caller may see."""
    asked = slice_of(first, after, last, before)
    return await tickets.ticket_page(info.context, filter_given(filter), asked, order_given(order_by))


async def ticket_create(info: Ctx, input: TicketCreateInput) -> TicketCreatePayload:
    """Open a ticket. Customers open them as themselves."""
    return await deed(TicketCreatePayload, "ticket", tickets.create_ticket(info.context, given(input, _IDS)))


async def ticket_update(info: Ctx, id: strawberry.ID, input: TicketUpdateInput) -> TicketUpdatePayload:
    """Change a ticket. Customers may only resolve their own."""
    work = tickets.update_ticket(info.context, row_id("Ticket", id), given(input, _IDS))
    return await deed(TicketUpdatePayload, "ticket", work)


async def ticket_delete(info: Ctx, id: strawberry.ID) -> TicketDeletePayload:
    """Delete a ticket with its replies and its log. For agents and admins."""

    async def work() -> strawberry.ID:
        ticket_id = row_id("Ticket", id)
        await tickets.delete_ticket(info.context, ticket_id)
        return global_id("Ticket", ticket_id)

    return await deed(TicketDeletePayload, "deleted_id", work())


async def ticket_watch(info: Ctx, id: strawberry.ID, user_id: strawberry.ID) -> TicketWatchPayload:
    """Let a user follow a ticket. For agents and admins."""
    work = watchers.add_watcher(info.context, row_id("Ticket", id), row_id("User", user_id))
    return await deed(TicketWatchPayload, "ticket", work, arguments=("user_id",))


async def ticket_unwatch(info: Ctx, id: strawberry.ID, user_id: strawberry.ID) -> TicketUnwatchPayload:
    """Let a user follow a ticket no longer. For agents and admins."""
    work = watchers.remove_watcher(info.context, row_id("Ticket", id), row_id("User", user_id))
    return await deed(TicketUnwatchPayload, "ticket", work, arguments=("user_id",))


async def ticket_rate(
    info: Ctx,
    id: strawberry.ID,
    rating: Annotated[int, strawberry.argument(description="1 (bad) to 5 (excellent).")],
    comment: Annotated[str | None, strawberry.argument(description="What to add to it.")] = UNSET,
) -> TicketRatePayload:
    """Rate a resolved or closed ticket, again if need be: the latest rating counts. For its requester."""

    async def work() -> rows.Ticket:
        rated, _ = await ratings.rate_ticket(
            info.context, row_id("Ticket", id), {"rating": rating, "comment": comment or None}
        )
        return rated

    return await deed(TicketRatePayload, "ticket", work(), arguments=("rating", "comment"))

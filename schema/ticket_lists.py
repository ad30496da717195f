"""The filter and order of every list of tickets, and what a list under another noun asks for."""

import datetime as dt
from typing import Annotated, Any, Optional

import strawberry
from strawberry import UNSET

from db.conditions import Condition
from resolvers import ticket_filters
from resolvers.paging import Below, Order
from resolvers.tickets import NEWEST_FIRST
from schema.deeds import given
from schema.edges import Ctx
from schema.enums import OrderDirection, TicketOrderField, TicketPriority, TicketStatus
from schema.paging import After, Before, First, Last, slice_of

_IDS = {"ids": "User", "category": "Category", "requester": "User", "organization": "Organization"}
_RENAMED = {"and_": "and", "or_": "or", "not_": "not", "any_": "any", "all_": "all"}


@strawberry.input
class AssignedToFilter:
    """Whose tickets; a ticket that meets any of these passes."""

    ids: list[strawberry.ID] | None = strawberry.field(
        default=UNSET, description="Assigned to one of these users."
    )
    me: bool | None = strawberry.field(default=UNSET, description="Assigned to the caller.")
    none: bool | None = strawberry.field(default=UNSET, description="Assigned to nobody.")


@strawberry.input
class TagFilter:
    """Which tags a ticket has."""

    any_: list[str] | None = strawberry.field(name="any", default=UNSET, description="At least one of these.")
    all_: list[str] | None = strawberry.field(name="all", default=UNSET, description="Every one of these.")


@strawberry.input
class DateTimeFilter:
    """A span of time."""

    gte: dt.datetime | None = strawberry.field(default=UNSET, description="At this instant or later.")
    lt: dt.datetime | None = strawberry.field(default=UNSET, description="Before this instant.")


@strawberry.input
class TicketFilter:
    """Which tickets. Every given field must be met; a list is met by any of its values. At most 3 levels deep."""

    status: list[TicketStatus] | None = strawberry.field(default=UNSET, description="One of these statuses.")
    priority: list[TicketPriority] | None = strawberry.field(
        default=UNSET, description="One of these priorities."
    )
    assigned_to: AssignedToFilter | None = strawberry.field(default=UNSET, description="Whose they are.")
    category: list[strawberry.ID] | None = strawberry.field(
        default=UNSET, description="In one of these categories."
    )
    requester: list[strawberry.ID] | None = strawberry.field(
        default=UNSET, description="Asked by one of these users."
    )
    organization: list[strawberry.ID] | None = strawberry.field(
        default=UNSET, description="Asked by a user of one of these organizations."
    )
    tags: TagFilter | None = strawberry.field(default=UNSET, description="Which tags they have.")
    created_at: DateTimeFilter | None = strawberry.field(default=UNSET, description="When they were opened.")
    updated_at: DateTimeFilter | None = strawberry.field(default=UNSET, description="When they last changed.")
    search: str | None = strawberry.field(
        default=UNSET,
        description='Words that subject and content have, the last one also as a beginning; "quoted words" are a phrase.',
    )
    and_: list["TicketFilter"] | None = strawberry.field(
        name="and", default=UNSET, description="All of these."
    )
    or_: list["TicketFilter"] | None = strawberry.field(
        name="or", default=UNSET, description="At least one of these."
    )
    not_: Optional["TicketFilter"] = strawberry.field(name="not", default=UNSET, description="Not this.")


@strawberry.input
class TicketOrder:
    """In which order; ties are broken by id."""

    field: TicketOrderField = strawberry.field(description="What to order by.")
    direction: OrderDirection = strawberry.field(default=OrderDirection.DESC, description="Up or down.")


FilterBy = Annotated[TicketFilter | None, strawberry.argument(description="Which tickets; all when absent.")]
OrderBy = Annotated[
    TicketOrder | None, strawberry.argument(description="In which order; the newest first when absent.")
]


def filter_given(filter: TicketFilter | None) -> dict[str, Any]:
    """The filter as resolvers take it."""
    if filter is None or filter is UNSET:
        return {}
    named: dict[str, Any] = _renamed(given(filter, _IDS))
    return named


def _renamed(value: Any) -> Any:
    if isinstance(value, dict):
        return {_RENAMED.get(name, name): _renamed(each) for name, each in value.items()}
    return [_renamed(each) for each in value] if isinstance(value, list) else value


def order_given(order: TicketOrder | None) -> Order:
    """The order as resolvers take it."""
    if order is None or order is UNSET:
        return NEWEST_FIRST
    return Order(str(order.field.value), order.direction is OrderDirection.DESC)


def tickets_below(
    info: Ctx,
    filter: FilterBy = UNSET,
    order_by: OrderBy = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Below:
    """What a connection of tickets under another noun asks its loader for."""
    conditions: tuple[Condition, ...] = ticket_filters.conditions(info.context.caller, filter_given(filter))
    return Below(conditions, slice_of(first, after, last, before), order_given(order_by))

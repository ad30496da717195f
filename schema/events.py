"""Events and subscriptions in the graph."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any, Final

import strawberry
from strawberry import UNSET, Parent

from db import rows
from resolvers import subscriptions
from resolvers.replies import REPLY_BY_ID
from resolvers.tickets import VISIBLE_TICKET
from resolvers.users import USER_BY_ID
from schema.edges import Ctx, edge, reads, shows
from schema.nodes import id_field, row_id
from schema.replies import Reply
from schema.tickets import Ticket

if TYPE_CHECKING:
    from schema.users import User

_FIELDS: Final = {"category_id": "category", "assigned_to": "assignedTo"}
"""What changed of a ticket, where the graph has another word for it."""
After = Annotated[
    str | None,
    strawberry.argument(
        description="The sequence of the last event seen: what has happened since comes first, and nothing is missed."
    ),
]


def _sequence(root: Parent[rows.FeedEvent]) -> str:
    return str(root.id)


def _timestamp(root: Parent[rows.FeedEvent]) -> dt.datetime:
    return root.created_at


def _changed_fields(root: Parent[rows.FeedEvent]) -> list[str]:
    return [_FIELDS.get(name, name) for name in root.changed]


@strawberry.type
class Event:
    """Something that happened, told once and in order to whoever follows it and may know of it."""

    id: strawberry.ID = id_field("Event")
    sequence: str = strawberry.field(
        resolver=_sequence,
        metadata=reads("id"),
        description="Its place: a whole number that rises from event to event, with gaps. Come back with it as `after`.",
    )
    type: str = strawberry.field(
        description="What happened: ticket.created, ticket.updated, ticket.deleted, reply.created, attachment.created, "
        "user.created, organization.created or category.created."
    )
    timestamp: dt.datetime = strawberry.field(
        resolver=_timestamp, metadata=shows("created_at"), description="When."
    )
    actor: Annotated["User", strawberry.lazy("schema.users")] | None = edge(
        USER_BY_ID, "actor_id", "Who did it; null for the system, and for somebody who was deleted."
    )
    changed_fields: list[str] = strawberry.field(
        resolver=_changed_fields,
        metadata=reads("changed"),
        description="For ticket.updated the fields of the ticket that changed: subject, content, status, priority, "
        "category, assignedTo, tags, metadata.",
    )
    ticket: Ticket | None = edge(
        VISIBLE_TICKET,
        "ticket_id",
        "The ticket it is about, as it is now; null when it is about none, or it is gone.",
    )
    reply: Reply | None = edge(
        REPLY_BY_ID, "reply_id", "The reply or note that was written, or that a file came with."
    )

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Rows of the feed are events."""
        return isinstance(obj, rows.FeedEvent)


def _given(after: str | None) -> str | None:
    return None if after is UNSET else after


async def ticket_changed(
    info: Ctx,
    id: Annotated[strawberry.ID, strawberry.argument(description="Its id here, or its REST number.")],
    after: After = UNSET,
) -> Any:
    """What happens to one ticket: it, its replies and files. It ends when the ticket is deleted."""
    return await subscriptions.ticket_changed(info.context, row_id("Ticket", id), _given(after))


async def events(
    info: Ctx,
    types: Annotated[
        list[str] | None,
        strawberry.argument(
            description="The types of events, and `ticket.*` and `*` for several. Default: all of them."
        ),
    ] = UNSET,
    after: After = UNSET,
) -> Any:
    """What happens in the workspace. Customers hear of the tickets that they see."""
    return await subscriptions.all_events(info.context, None if types is UNSET else types, _given(after))


@strawberry.type
class Subscription:
    """What can be followed, by WebSocket or as a stream. Each ends with the right to it."""

    ticket_changed: Event = strawberry.subscription(resolver=ticket_changed)
    events: Event = strawberry.subscription(resolver=events)

"""Ratings in the graph."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated

import strawberry

from resolvers.users import USER_BY_ID
from schema.edges import edge
from schema.nodes import id_field

if TYPE_CHECKING:
    from schema.users import User


@strawberry.type
class TicketRating:
    """What the requester thinks of how a ticket went."""

    id: strawberry.ID = id_field("TicketRating")
    rating: int = strawberry.field(description="1 (bad) to 5 (excellent).")
    comment: str | None = strawberry.field(description="What they added to it.")
    created_at: dt.datetime = strawberry.field(description="When.")
    requester: Annotated["User", strawberry.lazy("schema.users")] | None = edge(
        USER_BY_ID, "requester_id", "Who rated."
    )
    assigned_to: Annotated["User", strawberry.lazy("schema.users")] | None = edge(
        USER_BY_ID, "assigned_to_id", "Who was assigned at that moment, and is credited with it."
    )

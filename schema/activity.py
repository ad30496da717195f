"""The log of a ticket in the graph."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import Parent

from db import rows
from resolvers.users import USER_BY_ID
from schema.edges import edge, shows
from schema.nodes import Node, id_field

if TYPE_CHECKING:
    from schema.users import User


def _from(root: Parent[rows.Activity]) -> str | None:
    return root.from_value


def _to(root: Parent[rows.Activity]) -> str | None:
    return root.to_value


def _timestamp(root: Parent[rows.Activity]) -> dt.datetime:
    return root.created_at


@strawberry.type
class Activity(Node):
    """One line of a ticket's log."""

    id: strawberry.ID = id_field("Activity")
    action: str = strawberry.field(
        description="What happened: created, status_changed, priority_changed, assigned, unassigned, category_changed, "
        "tags_changed, subject_changed, content_changed, watcher_added, watcher_removed, attachment_added or rated."
    )
    from_: str | None = strawberry.field(
        resolver=_from,
        metadata=shows("from_value"),
        name="from",
        description="What it was before, as text: a word, or the id of a user, category or attachment.",
    )
    to: str | None = strawberry.field(
        resolver=_to, metadata=shows("to_value"), description="What it became, as text."
    )
    timestamp: dt.datetime = strawberry.field(
        resolver=_timestamp, metadata=shows("created_at"), description="When."
    )
    user: Annotated["User", strawberry.lazy("schema.users")] | None = edge(
        USER_BY_ID, "user_id", "Who did it; null for the system, and for somebody who was deleted."
    )

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Rows of the log are its lines."""
        return isinstance(obj, rows.Activity)

"""The caller's workspace in the graph."""

import datetime as dt

import strawberry

from schema.enums import WorkspaceTier
from schema.nodes import id_field


@strawberry.type
class Workspace:
    """One tenant: everything else belongs to it."""

    id: strawberry.ID = id_field("Workspace")
    name: str = strawberry.field(description="What it is called.")
    tier: WorkspaceTier = strawberry.field(description="Its subscription.")
    customers_see_organization: bool = strawberry.field(
        description="Whether customers also see the tickets of their organization."
    )
    created_at: dt.datetime = strawberry.field(description="When it was made.")

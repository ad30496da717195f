"""Organizations in the graph."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import UNSET, Parent
from strawberry.scalars import JSON

from db import rows
from resolvers import organizations
from resolvers.organizations import TICKET_COUNT_BY_ORGANIZATION, sees_details
from resolvers.paging import BY_ID, Below
from resolvers.tickets import TICKETS_BY_ORGANIZATION
from resolvers.users import USER_COUNT_BY_ORGANIZATION, USERS_BY_ORGANIZATION
from schema.deeds import UserError, deed, given
from schema.edges import Ctx, edge, loads, reads
from schema.nodes import Node, database_id_field, global_id, id_field, row_id
from schema.paging import After, Before, Connection, First, Last, slice_of
from schema.ticket_lists import tickets_below

if TYPE_CHECKING:
    from schema.tickets import Ticket
    from schema.users import User


def _users_below(
    info: Ctx, first: First = UNSET, after: After = UNSET, last: Last = UNSET, before: Before = UNSET
) -> Below:
    return Below((), slice_of(first, after, last, before), BY_ID)


def _user_count(root: Parent[rows.Organization], info: Ctx) -> int | None:
    ctx = info.context
    counted: int | None = (
        root.user_count if ctx.caller.is_staff else ctx.later(USER_COUNT_BY_ORGANIZATION, root.id)
    )
    return counted


def _ticket_count(root: Parent[rows.Organization], info: Ctx) -> int | None:
    counted: int | None = info.context.later(TICKET_COUNT_BY_ORGANIZATION, root.id)
    return counted


def _notes(root: Parent[rows.Organization], info: Ctx) -> str | None:
    return root.notes if sees_details(info.context.caller) else None


def _metadata(root: Parent[rows.Organization], info: Ctx) -> JSON | None:
    return JSON(root.metadata) if sees_details(info.context.caller) else None


@strawberry.type
class Organization(Node):
    """A customer's company."""

    id: strawberry.ID = id_field("Organization")
    database_id: int = database_id_field()
    name: str = strawberry.field(description="What it is called.")
    domain: str | None = strawberry.field(
        description="Its domain: new requesters with an e-mail address there are placed in it."
    )
    notes: str | None = strawberry.field(
        resolver=_notes,
        metadata=reads("notes"),
        description="What the staff note about it; null for customers.",
    )
    metadata: JSON | None = strawberry.field(
        resolver=_metadata, metadata=reads("metadata"), description="Data of yours; null for customers."
    )
    user_count: int | None = strawberry.field(
        resolver=_user_count,
        metadata=loads("user_count"),
        description="How many users it has, of those the caller may see.",
    )
    ticket_count: int | None = strawberry.field(
        resolver=_ticket_count,
        metadata=loads("id"),
        description="How many tickets its users asked, of those the caller may see.",
    )
    users: Connection[Annotated["User", strawberry.lazy("schema.users")]] | None = edge(
        USERS_BY_ORGANIZATION, "id", "Its users, oldest first, of those the caller may see.", _users_below
    )
    tickets: Connection[Annotated["Ticket", strawberry.lazy("schema.tickets")]] | None = edge(
        TICKETS_BY_ORGANIZATION, "id", "The tickets of its users, of those the caller may see.", tickets_below
    )
    created_at: dt.datetime = strawberry.field(description="When it was made.")
    updated_at: dt.datetime = strawberry.field(description="When it last changed.")

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Rows of organizations are organizations."""
        return isinstance(obj, rows.Organization)


@strawberry.input
class OrganizationCreateInput:
    """A new organization."""

    name: str = strawberry.field(description="What it is called, at most 255 characters.")
    domain: str | None = strawberry.field(
        default=UNSET, description="Its domain, as acme.com; unique in the workspace."
    )
    notes: str | None = strawberry.field(default=UNSET, description="What to know about it.")
    metadata: JSON | None = strawberry.field(
        default=UNSET, description="Data of yours: an object of at most 16 KiB."
    )


@strawberry.input
class OrganizationUpdateInput:
    """What is to change of an organization: absent keeps, null clears."""

    name: strawberry.Maybe[str | None] = strawberry.field(
        description="What it is called, at most 255 characters."
    )
    domain: strawberry.Maybe[str | None] = strawberry.field(description="Its domain, as acme.com.")
    notes: strawberry.Maybe[str | None] = strawberry.field(description="What to know about it.")
    metadata: strawberry.Maybe[JSON | None] = strawberry.field(
        description="Data of yours: an object of at most 16 KiB."
    )


@strawberry.type
class OrganizationCreatePayload:
    """The new organization, or why there is none."""

    organization: Organization | None = strawberry.field(description="The organization.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


@strawberry.type
class OrganizationUpdatePayload:
    """The organization as it is now, or why it did not change."""

    organization: Organization | None = strawberry.field(description="The organization.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


@strawberry.type
class OrganizationDeletePayload:
    """What was deleted, or why nothing was."""

    deleted_id: strawberry.ID | None = strawberry.field(
        description="The id of the organization that is gone."
    )
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


async def organization_page(
    info: Ctx, first: First = UNSET, after: After = UNSET, last: Last = UNSET, before: Before = UNSET
) -> Any:
    """The workspace's organizations, oldest first. For agents and admins."""
    return await organizations.organization_page(info.context, slice_of(first, after, last, before))


async def organization_create(info: Ctx, input: OrganizationCreateInput) -> OrganizationCreatePayload:
    """Add an organization. For agents and admins."""
    work = organizations.create_organization(info.context, given(input))
    return await deed(OrganizationCreatePayload, "organization", work)


async def organization_update(
    info: Ctx, id: strawberry.ID, input: OrganizationUpdateInput
) -> OrganizationUpdatePayload:
    """Change an organization. For agents and admins."""
    work = organizations.update_organization(info.context, row_id("Organization", id), given(input))
    return await deed(OrganizationUpdatePayload, "organization", work)


async def organization_delete(info: Ctx, id: strawberry.ID) -> OrganizationDeletePayload:
    """Delete an organization; its users and their tickets stay. For agents and admins."""

    async def work() -> strawberry.ID:
        organization_id = row_id("Organization", id)
        await organizations.delete_organization(info.context, organization_id)
        return global_id("Organization", organization_id)

    return await deed(OrganizationDeletePayload, "deleted_id", work())

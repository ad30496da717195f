"""Users in the graph."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import UNSET, Parent
from strawberry.scalars import JSON

from db import rows
from resolvers import users
from resolvers.organizations import ORGANIZATION_BY_ID
from resolvers.tickets import TICKETS_BY_REQUESTER
from resolvers.users import TICKET_COUNT_BY_USER, sees_details
from schema.deeds import UserError, deed, given
from schema.edges import Ctx, edge, loads, reads
from schema.enums import UserType
from schema.nodes import Node, database_id_field, global_id, id_field, row_id
from schema.paging import After, Before, Connection, First, Last, slice_of
from schema.ticket_lists import tickets_below

if TYPE_CHECKING:
    from schema.organizations import Organization
    from schema.tickets import Ticket

_IDS = {"organization_id": "Organization"}


def _ticket_count(root: Parent[rows.User], info: Ctx) -> int | None:
    ctx = info.context
    counted: int | None = (
        root.ticket_count if ctx.caller.is_staff else ctx.later(TICKET_COUNT_BY_USER, root.id)
    )
    return counted


def _phone(root: Parent[rows.User], info: Ctx) -> str | None:
    return root.phone if sees_details(info.context.caller, root) else None


def _is_active(root: Parent[rows.User], info: Ctx) -> bool | None:
    return root.is_active if sees_details(info.context.caller, root) else None


def _metadata(root: Parent[rows.User], info: Ctx) -> JSON | None:
    return JSON(root.metadata) if info.context.caller.is_staff else None


@strawberry.type
class User(Node):
    """A person: customer, agent or admin."""

    id: strawberry.ID = id_field("User")
    database_id: int = database_id_field()
    name: str = strawberry.field(description="What they are called.")
    email: str = strawberry.field(description="Their e-mail address.")
    type: UserType = strawberry.field(description="What they are to the helpdesk.")
    avatar_url: str | None = strawberry.field(description="Where their picture is.")
    phone: str | None = strawberry.field(
        resolver=_phone,
        metadata=reads("phone"),
        description="Their telephone number; customers only read their own.",
    )
    metadata: JSON | None = strawberry.field(
        resolver=_metadata, metadata=reads("metadata"), description="Data of yours; null for customers."
    )
    is_active: bool | None = strawberry.field(
        resolver=_is_active,
        metadata=reads("is_active"),
        description="Whether they may sign in and be assigned tickets; customers only read their own.",
    )
    organization: Annotated["Organization", strawberry.lazy("schema.organizations")] | None = edge(
        ORGANIZATION_BY_ID, "organization_id", "Their organization; customers only read their own."
    )
    ticket_count: int | None = strawberry.field(
        resolver=_ticket_count,
        metadata=loads("ticket_count"),
        description="How many tickets they asked, of those the caller may see.",
    )
    tickets: Connection[Annotated["Ticket", strawberry.lazy("schema.tickets")]] | None = edge(
        TICKETS_BY_REQUESTER, "id", "The tickets they asked, of those the caller may see.", tickets_below
    )
    created_at: dt.datetime = strawberry.field(description="When they were added.")
    updated_at: dt.datetime = strawberry.field(description="When they last changed.")

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Rows of users are users."""
        return isinstance(obj, rows.User)


@strawberry.input
class UserFilter:
    """Which users. Every given field must be met; a list is met by any of its values."""

    type: list[UserType] | None = strawberry.field(default=UNSET, description="One of these types.")
    organization: list[strawberry.ID] | None = strawberry.field(
        default=UNSET, description="In one of these organizations."
    )
    search: str | None = strawberry.field(
        default=UNSET, description="Words of the name or e-mail address, the last one also as a beginning."
    )
    is_active: bool | None = strawberry.field(default=UNSET, description="Active, or not.")


@strawberry.input
class UserCreateInput:
    """A new user."""

    name: str = strawberry.field(description="What they are called, at most 255 characters.")
    email: str = strawberry.field(
        description="Their e-mail address; unique in the workspace, whatever its case."
    )
    type: UserType | None = strawberry.field(
        default=UNSET, description="What they are; CUSTOMER when absent. Only admins make agents and admins."
    )
    organization_id: strawberry.ID | None = strawberry.field(default=UNSET, description="Their organization.")
    phone: str | None = strawberry.field(default=UNSET, description="Their telephone number.")
    avatar_url: str | None = strawberry.field(default=UNSET, description="Where their picture is.")
    metadata: JSON | None = strawberry.field(
        default=UNSET, description="Data of yours: an object of at most 16 KiB."
    )
    is_active: bool | None = strawberry.field(
        default=UNSET, description="Whether they may sign in. Default: true."
    )


@strawberry.input
class UserUpdateInput:
    """What is to change of a user: absent keeps, null clears."""

    name: strawberry.Maybe[str | None] = strawberry.field(
        description="What they are called, at most 255 characters."
    )
    email: strawberry.Maybe[str | None] = strawberry.field(description="Their e-mail address.")
    type: strawberry.Maybe[UserType | None] = strawberry.field(description="What they are. For admins.")
    organization_id: strawberry.Maybe[strawberry.ID | None] = strawberry.field(
        description="Their organization."
    )
    phone: strawberry.Maybe[str | None] = strawberry.field(description="Their telephone number.")
    avatar_url: strawberry.Maybe[str | None] = strawberry.field(description="Where their picture is.")
    metadata: strawberry.Maybe[JSON | None] = strawberry.field(
        description="Data of yours: an object of at most 16 KiB."
    )
    is_active: strawberry.Maybe[bool | None] = strawberry.field(description="Whether they may sign in.")


@strawberry.type
class UserCreatePayload:
    """The new user, or why there is none."""

    user: User | None = strawberry.field(description="The user.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


@strawberry.type
class UserUpdatePayload:
    """The user as they are now, or why nothing changed."""

    user: User | None = strawberry.field(description="The user.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


@strawberry.type
class UserDeletePayload:
    """What was deleted, or why nothing was."""

    deleted_id: strawberry.ID | None = strawberry.field(description="The id of the user who is gone.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


FilterUsers = Annotated[UserFilter | None, strawberry.argument(description="Which users; all when absent.")]


async def user_page(
    info: Ctx,
    filter: FilterUsers = UNSET,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Any:
    """Users, oldest first. For agents and admins."""
    asked = given(filter, {"organization": "Organization"}) if filter else {}
    return await users.user_page(info.context, asked, slice_of(first, after, last, before))


async def user_create(info: Ctx, input: UserCreateInput) -> UserCreatePayload:
    """Add a user. Agents add customers; admins anybody."""
    return await deed(UserCreatePayload, "user", users.create_user(info.context, given(input, _IDS)))


async def user_update(info: Ctx, id: strawberry.ID, input: UserUpdateInput) -> UserUpdatePayload:
    """Change a user. Agents change customers; admins anybody."""
    work = users.update_user(info.context, row_id("User", id), given(input, _IDS))
    return await deed(UserUpdatePayload, "user", work)


async def user_delete(info: Ctx, id: strawberry.ID) -> UserDeletePayload:
    """Delete a user who has no tickets or replies; others are made inactive instead. For admins."""

    async def work() -> strawberry.ID:
        user_id = row_id("User", id)
        await users.delete_user(info.context, user_id)
        return global_id("User", user_id)

    return await deed(UserDeletePayload, "deleted_id", work())

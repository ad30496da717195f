"""/v1/users: customers, agents and admins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from db import rows
from db.tables import ROLES
from resolvers import users
from resolvers.context import Context
from resolvers.organizations import ORGANIZATION_BY_ID
from resolvers.users import TICKET_COUNT_BY_USER, USER_BY_ID, sees_details
from rest_compat import parameters
from rest_compat.bodies import json_object
from rest_compat.endpoint import Body, endpoint
from rest_compat.envelope import AnyRequest
from rest_compat.parameters import PAGES, path_id
from rest_compat.shapes import Done, Listed, Named, One, User, Written, page_of

TAG: Final = "Users"
LIST: Final[parameters.Declared] = PAGES | {
    "type": parameters.word("Filter by type", ROLES),
    "search": parameters.words_sought("Search by name or email"),
    "organization_id": parameters.row_id("Filter by organization"),
}
CREATE: Final = Body("UserCreate", users.FIELDS)
UPDATE: Final = Body("UserUpdate", users.FIELDS, is_update=True)


@endpoint("GET", "/v1/users", tag=TAG, query=LIST, refusals=(403,))
async def list_users(ctx: Context, request: AnyRequest) -> Listed[User]:
    """List users.

    Customers, agents and admins, oldest first. For agents and admins.
    """
    asked = parameters.read(LIST, request)
    filter_ = {
        "type": _only(asked["type"]),
        "organization": _only(asked["organization_id"]),
        "search": asked["search"],
    }
    page = await users.users_numbered(ctx, filter_, asked["page"], asked["per_page"])
    return page_of(page, await shaped(ctx, page.rows))


@endpoint("POST", "/v1/users", tag=TAG, status=201, body=CREATE, refusals=(403, 409))
async def create_user(ctx: Context, request: AnyRequest) -> Written[User]:
    """Create a user.

    Agents create customers; admins also create agents and admins.
    """
    added = await users.create_user(ctx, await json_object(request))
    return Written(True, await one(ctx, added), "User created successfully")


@endpoint("GET", "/v1/users/{id}", tag=TAG)
async def get_user(ctx: Context, request: AnyRequest) -> One[User]:
    """Retrieve a user."""
    return One(True, await one(ctx, await users.user(ctx, path_id(request))))


async def _update(ctx: Context, request: AnyRequest) -> Written[User]:
    changed = await users.update_user(ctx, path_id(request), await json_object(request))
    return Written(True, await one(ctx, changed), "User updated successfully")


@endpoint("PUT", "/v1/users/{id}", tag=TAG, body=UPDATE, refusals=(403, 409))
async def update_user(ctx: Context, request: AnyRequest) -> Written[User]:
    """Update a user.

    Fields that are left out keep their values; null clears a field that may be empty.
    """
    return await _update(ctx, request)


@endpoint("PATCH", "/v1/users/{id}", tag=TAG, body=UPDATE, refusals=(403, 409))
async def patch_user(ctx: Context, request: AnyRequest) -> Written[User]:
    """Update a user (PATCH).

    The same as PUT.
    """
    return await _update(ctx, request)


@endpoint("DELETE", "/v1/users/{id}", tag=TAG, refusals=(403, 409))
async def delete_user(ctx: Context, request: AnyRequest) -> Done:
    """Delete a user.

    For admins. A user with tickets or replies cannot be deleted: set `is_active` to false instead.
    """
    await users.delete_user(ctx, path_id(request))
    return Done(True, "User deleted successfully")


async def people(ctx: Context, ids: Iterable[int | None]) -> Mapping[int, rows.User]:
    """The users with these ids, in one statement at most; None among them is nobody."""
    wanted = {user_id for user_id in ids if user_id is not None}
    found = await ctx.load_all(USER_BY_ID, sorted(wanted))
    return {user_id: found[user_id] for user_id in wanted if found[user_id] is not None}


async def one(ctx: Context, row: rows.User) -> User:
    """One user with all that belongs to them."""
    return (await shaped(ctx, [row]))[0]


async def shaped(ctx: Context, found: list[rows.User]) -> list[User]:
    """The users, in their order; at most two statements."""
    wanted = {row.organization_id for row in found if row.organization_id is not None}
    places = await ORGANIZATION_BY_ID.load(ctx, sorted(wanted), None) if wanted else {}
    counts = await _ticket_counts(ctx, found)
    return [_user(ctx, row, places, counts[row.id]) for row in found]


async def _ticket_counts(ctx: Context, found: list[rows.User]) -> Mapping[int, int]:
    """Tickets they requested, as far as the caller may see them (D16)."""
    if ctx.caller.is_staff or not found:
        return {row.id: row.ticket_count for row in found}
    return await TICKET_COUNT_BY_USER.load(ctx, [row.id for row in found], None)


def _user(ctx: Context, row: rows.User, places: Mapping[int, rows.Organization], ticket_count: int) -> User:
    place = places.get(row.organization_id or 0)
    sees = sees_details(ctx.caller, row)
    return User(
        id=row.id,
        name=row.name,
        email=row.email,
        type=row.type,
        organization=None if place is None else Named(place.id, place.name),
        ticket_count=ticket_count,
        phone=row.phone if sees else None,
        avatar_url=row.avatar_url,
        metadata=row.metadata if ctx.caller.is_staff else None,
        is_active=row.is_active if sees else None,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _only(value: str | int | None) -> tuple[str | int, ...] | None:
    return None if value is None else (value,)


ENDPOINTS: Final = (list_users, create_user, get_user, update_user, patch_user, delete_user)

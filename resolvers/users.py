"""Users: looked up, made when a ticket comes from somebody new, kept by staff."""

import datetime as dt
from collections.abc import Awaitable, Mapping
from typing import Any, Final

from db import rows, tables
from db.conditions import Condition
from db.database import Tx
from db.listing import Noun
from db.queries import organizations, replies, tickets, users, workspaces
from db.tables import ROLES
from resolvers import fields, paging
from resolvers.context import Caller, Context
from resolvers.errors import Conflict, Forbidden, NotFound
from resolvers.events import Happening, record, user_data
from resolvers.fields import DOES_NOT_EXIST, Field, Given
from resolvers.loaders import Loader, along
from resolvers.paging import BY_ID, Below, NumberedPage, Page, Slice
from resolvers.permissions import ADMIN, SIGNED_IN, STAFF, allow
from resolvers.visibility import visible_colleagues, visible_tickets, visible_users

FIELDS: Final[dict[str, Field]] = {
    "name": Field(fields.text(255), is_required=True),
    "email": Field(fields.email, is_required=True),
    "type": Field(fields.one_of(*ROLES), default="customer"),
    "organization_id": Field(fields.row_id, is_nullable=True),
    "phone": Field(fields.optional_text(50), is_nullable=True),
    "avatar_url": Field(fields.web_address, is_nullable=True),
    "metadata": Field(fields.metadata, default={}),
    "is_active": Field(fields.boolean, default=True),
}
IS_TAKEN: Final = "has already been taken"
LAST_ADMIN: Final = "must not be taken from the last active admin"


async def visible_user(ctx: Context, user_id: int) -> rows.User:
    """The user. Raises NotFound."""
    found: rows.User | None = await ctx.load(VISIBLE_USER, user_id)
    if found is None:
        raise NotFound
    return found


async def _visible(ctx: Context, ids: list[int], _args: Any) -> Mapping[int, rows.User]:
    seen = (*visible_users(ctx.caller), ("ids", ids))
    found = await users.LISTING.every(ctx.reads, seen, along(ctx, users.LISTING))
    return {row.id: row for row in found}


VISIBLE_USER: Final = Loader("visible_user", _visible, is_by_id=True)
"""Users by ids that a client named."""


@allow(*SIGNED_IN)
def user_if_visible(ctx: Context, user_id: int) -> Awaitable[rows.User | None]:
    """One user, found with all that are asked for at the same time; None when the caller sees none."""
    sought: Awaitable[rows.User | None] = ctx.later(VISIBLE_USER, user_id)
    return sought


@allow(*SIGNED_IN)
async def user(ctx: Context, user_id: int) -> rows.User:
    """One user. Raises NotFound."""
    return await visible_user(ctx, user_id)


@allow(*SIGNED_IN)
async def viewer(ctx: Context) -> rows.User:
    """The user that the caller acts as."""
    return await visible_user(ctx, ctx.caller.user_id)


def _narrowed(filter_: Mapping[str, Any]) -> list[Condition]:
    """Conditions of a user filter: `type` and `organization` (lists), `search`, `is_active`."""
    found: list[Condition] = []
    for name, kind in (("type", "type"), ("organization", "organization")):
        if filter_.get(name) is not None:
            found.append((kind, tuple(filter_[name])))
    if filter_.get("is_active") is not None:
        found.append(("active", filter_["is_active"]))
    if (filter_.get("search") or "").strip():
        found.append(("search", fields.search_text(filter_["search"])))
    return found


@allow(*STAFF)
async def user_page(ctx: Context, filter_: Mapping[str, Any], asked: Slice) -> Page[rows.User]:
    """Users that meet the filter, oldest first. Raises ValidationError."""
    conditions = (*visible_users(ctx.caller), *_narrowed(filter_))
    return await paging.page(ctx, users.LISTING, conditions, asked, BY_ID)


@allow(*STAFF)
async def users_numbered(
    ctx: Context, filter_: Mapping[str, Any], page: int, per_page: int
) -> NumberedPage[rows.User]:
    """The same, by page number."""
    conditions = (*visible_users(ctx.caller), *_narrowed(filter_))
    return await paging.numbered(ctx, users.LISTING, conditions, page, per_page, BY_ID)


async def _by_id(ctx: Context, ids: list[int], _args: Any) -> Mapping[int, rows.User]:
    everybody = (("workspace", ctx.caller.workspace_id), ("ids", ids))
    found = await users.LISTING.every(ctx.reads, everybody, along(ctx, users.LISTING))
    return {row.id: row for row in found}


async def _by_organization(ctx: Context, ids: list[int], below: Below) -> Mapping[int, Page[rows.User]]:
    seen = below._replace(conditions=visible_colleagues(ctx.caller))
    return await paging.pages(ctx, users.LISTING, "organization_id", ids, seen, USER_COUNT_BY_ORGANIZATION)


async def _counts_by_organization(ctx: Context, ids: list[int], conditions: Any) -> Mapping[int, int]:
    seen = conditions or visible_colleagues(ctx.caller)
    return await users.LISTING.counts(ctx.reads, "organization_id", ids, seen)


async def _ticket_counts(ctx: Context, ids: list[int], _args: Any) -> Mapping[int, int]:
    return await tickets.LISTING.counts(ctx.reads, "requester_id", ids, visible_tickets(ctx.caller))


USER_BY_ID: Final = Loader("user_by_id", _by_id, Noun(tables.User, rows.User))
"""Whoever is named by a row that the caller sees: its requester, its author."""
USERS_BY_ORGANIZATION: Final = Loader("users_by_organization", _by_organization)
USER_COUNT_BY_ORGANIZATION: Final = Loader("user_count_by_organization", _counts_by_organization)
TICKET_COUNT_BY_USER: Final = Loader("ticket_count_by_user", _ticket_counts)


def sees_details(caller: Caller, row: rows.User) -> bool:
    """Whether the caller may read a user's phone and state, beyond the name on a ticket.

    Metadata is what the staff's programs keep about a user: customers read none, not even their own.
    """
    return caller.is_staff or caller.user_id == row.id


@allow(*STAFF)
async def create_user(ctx: Context, given: Given) -> rows.User:
    """A new user; agents and admins are made by admins (D36). Raises ValidationError, Forbidden."""
    values, wrong = fields.clean(FIELDS, given)
    values = fields.with_defaults(FIELDS, values)
    _may_make(ctx.caller, values["type"])
    async with ctx.write() as tx:
        if values["organization_id"] and not await _organization_exists(
            tx, ctx.caller, values["organization_id"]
        ):
            wrong["organization_id"] = DOES_NOT_EXIST
        if "email" not in wrong and values["email"] and await _is_taken(tx, ctx.caller, values["email"]):
            wrong["email"] = IS_TAKEN
        fields.refuse(wrong)
        added = await _add(tx, ctx.caller.workspace_id, ctx.caller.user_id, values, ctx.now())
        if added is None:  # somebody else took the e-mail between the two statements
            raise fields.refused("email", IS_TAKEN)
    return added


@allow(*STAFF)
async def update_user(ctx: Context, user_id: int, given: Given) -> rows.User:
    """The user with the given fields changed (D19). Raises NotFound, ValidationError, Forbidden."""
    values, wrong = fields.clean_update(FIELDS, given)
    caller = ctx.caller
    async with ctx.write() as tx:
        before = await _held(ctx, tx, user_id)
        _may_make(caller, before.type)
        _may_make(caller, values.get("type", before.type))
        if before.id == caller.user_id:
            if values.get("type", before.type) != before.type:
                wrong["type"] = "must not be changed by yourself"
            if values.get("is_active") is False:
                wrong["is_active"] = "must not be switched off by yourself"
        elif await _leaves_no_admin(tx, before, values):
            wrong |= {name: LAST_ADMIN for name in ("type", "is_active") if name in values}
        organization_id = values.get("organization_id")
        if organization_id and not await _organization_exists(tx, caller, organization_id):
            wrong["organization_id"] = DOES_NOT_EXIST
        if "email" in values and await _is_taken(tx, caller, values["email"], but_by=before.id):
            wrong["email"] = IS_TAKEN
        fields.refuse(wrong)
        return await _change(tx, before, values, ctx.now())


@allow(*ADMIN)
async def delete_user(ctx: Context, user_id: int) -> None:
    """Delete a user nobody's history needs. Raises NotFound, Conflict."""
    async with ctx.write() as tx:
        before = await _held(ctx, tx, user_id)
        if before.id == ctx.caller.user_id:
            raise Conflict("You cannot delete yourself")
        if await _leaves_no_admin(tx, before, {"is_active": False}):
            raise Conflict("This is the last active admin")
        if before.ticket_count or await replies.count_written_by(tx, before.id):
            raise Conflict("This user has tickets or replies. Set is_active to false instead")
        if await users.count_assigned(tx, before.id):
            raise Conflict("This user has tickets assigned. Assign them to somebody else first")
        if before.organization_id is not None:
            await organizations.add_users(tx, before.organization_id, -1)
        await users.remove(tx, before.id)


async def requester(tx: Tx, caller: Caller, address: str, name: str | None, now: dt.datetime) -> rows.User:
    """The user with this e-mail: a known one as they are, an unknown one as a new customer (D17).

    They are held: whoever moves them to another organization meanwhile must find their new ticket (D16).
    """
    known = await users.by_email(tx, caller.workspace_id, fields.email_key(address), held=True)
    if known is not None:
        return known
    domain = fields.domain_key(address.rpartition("@")[2])
    organization = await organizations.by_domain(tx, caller.workspace_id, domain)
    values = fields.with_defaults(
        FIELDS,
        {
            "name": name or address.partition("@")[0],
            "email": address,
            "organization_id": organization.id if organization else None,
        },
    )
    added = await _add(tx, caller.workspace_id, caller.user_id, values, now)
    if added is None:  # the same stranger wrote twice at once, and the other ticket was first
        added = await users.by_email(tx, caller.workspace_id, fields.email_key(address), held=True)
    if added is None:
        raise Conflict("The requester was deleted at the same moment. Try again")
    return added


async def is_active_staff(tx: Tx, workspace_id: int, user_id: int) -> bool:
    """Whether tickets can be assigned to the user, until the transaction ends (D18).

    They are held: whoever switches them off meanwhile comes first or waits.
    """
    found = await users.LISTING.find(tx, (("workspace", workspace_id), ("id", user_id)), held=True)
    return found is not None and found.is_active and found.type != "customer"


async def add_user(tx: Tx, workspace_id: int, values: Given, now: dt.datetime) -> rows.User | None:
    """A user as the command line makes one: unchecked by roles; None when the e-mail is taken."""
    return await _add(tx, workspace_id, None, fields.cleaned(FIELDS, values), now)


async def _add(
    tx: Tx, workspace_id: int, actor_id: int | None, values: Mapping[str, Any], now: dt.datetime
) -> rows.User | None:
    key = fields.email_key(values["email"])
    added = await users.add(
        tx,
        dict(values) | {"workspace_id": workspace_id, "email_key": key, "created_at": now, "updated_at": now},
    )
    if added is None:
        return None
    if added.organization_id is not None:
        await organizations.add_users(tx, added.organization_id, 1)
    await record(tx, workspace_id, actor_id, [Happening("user.created", now, {"user": user_data(added)})])
    return added


async def _change(tx: Tx, before: rows.User, values: dict[str, Any], now: dt.datetime) -> rows.User:
    changed = fields.changed(before, values)
    if not changed:
        return before
    if "email" in changed:
        changed["email_key"] = fields.email_key(changed["email"])
    after = await users.change(tx, before, changed | {"updated_at": now})
    if after.organization_id != before.organization_id:
        await _move(tx, before, after)
    return after


async def _move(tx: Tx, before: rows.User, after: rows.User) -> None:
    """Let the user's tickets and the counts of both organizations follow the user (D16)."""
    await tickets.follow_requester(tx, after, before.organization_id)
    changes = sorted(
        (organization_id, sign)
        for organization_id, sign in ((before.organization_id, -1), (after.organization_id, 1))
        if organization_id is not None
    )
    for organization_id, sign in changes:
        await organizations.add_users(tx, organization_id, sign)


async def _held(ctx: Context, tx: Tx, user_id: int) -> rows.User:
    held = await users.LISTING.find(tx, (*visible_users(ctx.caller), ("id", user_id)), held=True)
    if held is None:
        raise NotFound
    return held


async def _leaves_no_admin(tx: Tx, before: rows.User, values: Mapping[str, Any]) -> bool:
    """Whether the workspace would have no active admin with the user changed so.

    Nobody can demote themselves, but two admins can demote each other at once: whoever takes an admin away holds the
    workspace, so that the second sees what the first did (D36).
    """
    was_admin = before.type == "admin" and before.is_active
    stays_admin = values.get("type", "admin") == "admin" and values.get("is_active", True)
    if stays_admin or not was_admin:
        return False
    await workspaces.hold(tx, before.workspace_id)
    return await users.count_admins(tx, before.workspace_id, but=before.id) == 0


def _may_make(caller: Caller, role: str) -> None:
    if role != "customer" and caller.role != "admin":
        raise Forbidden("Only admins may create or change agents and admins")


async def _organization_exists(tx: Tx, caller: Caller, organization_id: int) -> bool:
    return bool(await tx.rows(organizations.BY_IDS, workspace_id=caller.workspace_id, ids=[organization_id]))


async def _is_taken(tx: Tx, caller: Caller, address: str, but_by: int = 0) -> bool:
    known = await users.by_email(tx, caller.workspace_id, fields.email_key(address))
    return known is not None and known.id != but_by

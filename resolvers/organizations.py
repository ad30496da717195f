"""Organizations: kept by staff; a customer sees the name of their own."""

from collections.abc import Awaitable, Mapping
from typing import Any, Final

from db import rows, tables
from db.database import Tx
from db.listing import Noun
from db.queries import organizations, tickets, users
from resolvers import events, fields, paging
from resolvers.context import Caller, Context
from resolvers.errors import NotFound
from resolvers.events import Happening
from resolvers.fields import Field, Given
from resolvers.loaders import Loader
from resolvers.paging import BY_ID, NumberedPage, Page, Slice
from resolvers.permissions import SIGNED_IN, STAFF, allow
from resolvers.visibility import visible_organizations, visible_tickets

FIELDS: Final[dict[str, Field]] = {
    "name": Field(fields.text(255), is_required=True),
    "domain": Field(fields.domain, is_nullable=True),
    "notes": Field(fields.optional_text(fields.LONGEST_CONTENT), is_nullable=True),
    "metadata": Field(fields.metadata, default={}),
}
IS_TAKEN: Final = "has already been taken"


async def visible_organization(ctx: Context, organization_id: int) -> rows.Organization:
    """The organization. Raises NotFound."""
    found: rows.Organization | None = await ctx.load(ORGANIZATION_BY_ID, organization_id)
    if found is None:
        raise NotFound
    return found


@allow(*SIGNED_IN)
def organization_if_visible(ctx: Context, organization_id: int) -> Awaitable[rows.Organization | None]:
    """One organization, found with all that are asked for at the same time; None when the caller sees none."""
    sought: Awaitable[rows.Organization | None] = ctx.later(ORGANIZATION_BY_ID, organization_id)
    return sought


@allow(*SIGNED_IN)
async def organization(ctx: Context, organization_id: int) -> rows.Organization:
    """One organization. Raises NotFound."""
    return await visible_organization(ctx, organization_id)


@allow(*STAFF)
async def organization_page(ctx: Context, asked: Slice) -> Page[rows.Organization]:
    """The workspace's organizations, oldest first. Raises ValidationError."""
    return await paging.page(ctx, organizations.LISTING, visible_organizations(ctx.caller), asked, BY_ID)


@allow(*STAFF)
async def organizations_numbered(ctx: Context, page: int, per_page: int) -> NumberedPage[rows.Organization]:
    """The same, by page number."""
    return await paging.numbered(
        ctx, organizations.LISTING, visible_organizations(ctx.caller), page, per_page, BY_ID
    )


async def _by_id(ctx: Context, ids: list[int], _args: Any) -> Mapping[int, rows.Organization]:
    found = await organizations.LISTING.every(ctx.reads, (*visible_organizations(ctx.caller), ("ids", ids)))
    return {row.id: row for row in found}


async def _ticket_counts(ctx: Context, ids: list[int], _args: Any) -> Mapping[int, int]:
    return await tickets.LISTING.counts(ctx.reads, "organization_id", ids, visible_tickets(ctx.caller))


ORGANIZATION_BY_ID: Final = Loader(
    "organization_by_id",
    _by_id,
    Noun(tables.Organization, rows.Organization),
    noun_is_for_staff=True,
    is_by_id=True,
)
TICKET_COUNT_BY_ORGANIZATION: Final = Loader("ticket_count_by_organization", _ticket_counts)


def sees_details(caller: Caller) -> bool:
    """Whether the caller may read an organization's notes and metadata: what staff write about it."""
    return caller.is_staff


@allow(*STAFF)
async def create_organization(ctx: Context, given: Given) -> rows.Organization:
    """A new organization. Raises ValidationError."""
    values, wrong = fields.clean(FIELDS, given)
    caller, now = ctx.caller, ctx.now()
    async with ctx.write() as tx:
        if await _is_taken(tx, caller, values.get("domain")):
            wrong["domain"] = IS_TAKEN
        fields.refuse(wrong)
        values = fields.with_defaults(FIELDS, values)
        added = await organizations.add(
            tx, values | {"workspace_id": caller.workspace_id, "created_at": now, "updated_at": now}
        )
        if added is None:  # somebody else took the domain between the two statements
            raise fields.refused("domain", IS_TAKEN)
        happened = Happening("organization.created", now, {"organization": events.organization_data(added)})
        await events.record(tx, ctx.caller.workspace_id, ctx.caller.user_id, [happened])
    return added


@allow(*STAFF)
async def update_organization(ctx: Context, organization_id: int, given: Given) -> rows.Organization:
    """The organization with the given fields changed (D19). Raises NotFound, ValidationError."""
    values, wrong = fields.clean_update(FIELDS, given)
    caller = ctx.caller
    async with ctx.write() as tx:
        before = await organizations.LISTING.find(
            tx, (*visible_organizations(caller), ("id", organization_id)), held=True
        )
        if before is None:
            raise NotFound
        domain = values.get("domain", before.domain)
        if domain != before.domain and await _is_taken(tx, caller, domain):
            wrong["domain"] = IS_TAKEN
        fields.refuse(wrong)
        changed = fields.changed(before, values)
        if not changed:
            return before
        return await organizations.change(tx, before.id, changed | {"updated_at": ctx.now()})


@allow(*STAFF)
async def delete_organization(ctx: Context, organization_id: int) -> None:
    """Delete the organization; its users and their tickets stay, without one. Raises NotFound."""
    async with ctx.write() as tx:
        before = await organizations.LISTING.find(
            tx, (*visible_organizations(ctx.caller), ("id", organization_id)), held=True
        )
        if before is None:
            raise NotFound
        await tickets.leave_organization(tx, before)
        await users.leave_organization(tx, before.id)
        await organizations.remove(tx, before.id)


async def _is_taken(tx: Tx, caller: Caller, domain: str | None) -> bool:
    return domain is not None and await organizations.by_domain(tx, caller.workspace_id, domain) is not None

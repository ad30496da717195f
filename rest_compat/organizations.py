"""/v1/organizations: the companies of customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from db import rows
from resolvers import organizations
from resolvers.context import Context
from resolvers.organizations import TICKET_COUNT_BY_ORGANIZATION, sees_details
from resolvers.users import USER_COUNT_BY_ORGANIZATION
from rest_compat import parameters
from rest_compat.bodies import json_object
from rest_compat.endpoint import Body, endpoint
from rest_compat.envelope import AnyRequest
from rest_compat.parameters import PAGES, path_id
from rest_compat.shapes import Done, Listed, One, Organization, Written, page_of

TAG: Final = "Organizations"
CREATE: Final = Body("OrganizationCreate", organizations.FIELDS)
UPDATE: Final = Body("OrganizationUpdate", organizations.FIELDS, is_update=True)


@endpoint("GET", "/v1/organizations", tag=TAG, query=PAGES, refusals=(403,))
async def list_organizations(ctx: Context, request: AnyRequest) -> Listed[Organization]:
    """List organizations.

    Oldest first. For agents and admins.
    """
    asked = parameters.read(PAGES, request)
    page = await organizations.organizations_numbered(ctx, asked["page"], asked["per_page"])
    return page_of(page, await shaped(ctx, page.rows))


@endpoint("POST", "/v1/organizations", tag=TAG, status=201, body=CREATE, refusals=(403, 409))
async def create_organization(ctx: Context, request: AnyRequest) -> Written[Organization]:
    """Create an organization.

    Customers whose e-mail address is of its `domain` are placed in it when they first write.
    """
    added = await organizations.create_organization(ctx, await json_object(request))
    return Written(True, await one(ctx, added), "Organization created successfully")


@endpoint("GET", "/v1/organizations/{id}", tag=TAG)
async def get_organization(ctx: Context, request: AnyRequest) -> One[Organization]:
    """Retrieve an organization.

    Customers see their own.
    """
    return One(True, await one(ctx, await organizations.organization(ctx, path_id(request))))


async def _update(ctx: Context, request: AnyRequest) -> Written[Organization]:
    organization_id, given = path_id(request), await json_object(request)
    changed = await organizations.update_organization(ctx, organization_id, given)
    return Written(True, await one(ctx, changed), "Organization updated successfully")


@endpoint("PUT", "/v1/organizations/{id}", tag=TAG, body=UPDATE, refusals=(403, 409))
async def update_organization(ctx: Context, request: AnyRequest) -> Written[Organization]:
    """Update an organization.

    Fields that are left out keep their values; null clears a field that may be empty.
    """
    return await _update(ctx, request)


@endpoint("PATCH", "/v1/organizations/{id}", tag=TAG, body=UPDATE, refusals=(403, 409))
async def patch_organization(ctx: Context, request: AnyRequest) -> Written[Organization]:
    """Update an organization (PATCH).

    The same as PUT.
    """
    return await _update(ctx, request)


@endpoint("DELETE", "/v1/organizations/{id}", tag=TAG, refusals=(403, 409))
async def delete_organization(ctx: Context, request: AnyRequest) -> Done:
    """Delete an organization.

    Its users and their tickets stay, without an organization.
    """
    await organizations.delete_organization(ctx, path_id(request))
    return Done(True, "Organization deleted successfully")


async def one(ctx: Context, row: rows.Organization) -> Organization:
    """One organization."""
    return (await shaped(ctx, [row]))[0]


async def shaped(ctx: Context, found: list[rows.Organization]) -> list[Organization]:
    """The organizations, in their order; one statement tells how many tickets the caller may see.

    Customers see only some of the users, too, whom another statement counts.
    """
    if not found:
        return []
    ids = [row.id for row in found]
    users: Mapping[int, int] = {row.id: row.user_count for row in found}
    if not ctx.caller.is_staff:
        users = await USER_COUNT_BY_ORGANIZATION.load(ctx, ids, None)
    tickets = await TICKET_COUNT_BY_ORGANIZATION.load(ctx, ids, None)
    return [_organization(ctx, row, users, tickets) for row in found]


def _organization(
    ctx: Context, row: rows.Organization, users: Mapping[int, int], tickets: Mapping[int, int]
) -> Organization:
    sees = sees_details(ctx.caller)
    return Organization(
        id=row.id,
        name=row.name,
        domain=row.domain,
        user_count=users[row.id],
        ticket_count=tickets[row.id],
        notes=row.notes if sees else None,
        metadata=row.metadata if sees else None,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


ENDPOINTS: Final = (
    list_organizations,
    create_organization,
    get_organization,
    update_organization,
    patch_organization,
    delete_organization,
)

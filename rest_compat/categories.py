"""/v1/categories: where tickets are filed."""

from __future__ import annotations

from typing import Final

from db import rows
from resolvers import categories
from resolvers.categories import TICKET_COUNT_BY_CATEGORY
from resolvers.context import Context
from rest_compat import parameters
from rest_compat.bodies import json_object
from rest_compat.endpoint import Body, endpoint
from rest_compat.envelope import AnyRequest
from rest_compat.parameters import PAGES, path_id
from rest_compat.shapes import Category, Done, Listed, One, Written, page_of

TAG: Final = "Categories"
CREATE: Final = Body("CategoryCreate", categories.FIELDS)
UPDATE: Final = Body("CategoryUpdate", categories.FIELDS, is_update=True)


@endpoint("GET", "/v1/categories", tag=TAG, query=PAGES)
async def list_categories(ctx: Context, request: AnyRequest) -> Listed[Category]:
    """List ticket categories.

    Oldest first.
    """
    asked = parameters.read(PAGES, request)
    page = await categories.categories_numbered(ctx, asked["page"], asked["per_page"])
    return page_of(page, await shaped(ctx, page.rows))


@endpoint("POST", "/v1/categories", tag=TAG, status=201, body=CREATE, refusals=(403, 409))
async def create_category(ctx: Context, request: AnyRequest) -> Written[Category]:
    """Create a category.

    Without a `slug` one is made from the name.
    """
    added = await categories.create_category(ctx, await json_object(request))
    return Written(True, await one(ctx, added), "Category created successfully")


@endpoint("GET", "/v1/categories/{id}", tag=TAG)
async def get_category(ctx: Context, request: AnyRequest) -> One[Category]:
    """Retrieve a category."""
    return One(True, await one(ctx, await categories.category(ctx, path_id(request))))


async def _update(ctx: Context, request: AnyRequest) -> Written[Category]:
    changed = await categories.update_category(ctx, path_id(request), await json_object(request))
    return Written(True, await one(ctx, changed), "Category updated successfully")


@endpoint("PUT", "/v1/categories/{id}", tag=TAG, body=UPDATE, refusals=(403, 409))
async def update_category(ctx: Context, request: AnyRequest) -> Written[Category]:
    """Update a category.

    Fields that are left out keep their values; null clears a field that may be empty.
    """
    return await _update(ctx, request)


@endpoint("PATCH", "/v1/categories/{id}", tag=TAG, body=UPDATE, refusals=(403, 409))
async def patch_category(ctx: Context, request: AnyRequest) -> Written[Category]:
    """Update a category (PATCH).

    The same as PUT.
    """
    return await _update(ctx, request)


@endpoint("DELETE", "/v1/categories/{id}", tag=TAG, refusals=(403, 409))
async def delete_category(ctx: Context, request: AnyRequest) -> Done:
    """Delete a category.

    Its tickets become uncategorised, and the categories below it move up.
    """
    await categories.delete_category(ctx, path_id(request))
    return Done(True, "Category deleted successfully")


async def one(ctx: Context, row: rows.Category) -> Category:
    """One category."""
    return (await shaped(ctx, [row]))[0]


async def shaped(ctx: Context, found: list[rows.Category]) -> list[Category]:
    """The categories, in their order; one statement tells how many tickets of each the caller may see (D16)."""
    if not found:
        return []
    counts = await TICKET_COUNT_BY_CATEGORY.load(ctx, [row.id for row in found], None)
    return [_category(row, counts[row.id]) for row in found]


def _category(row: rows.Category, ticket_count: int) -> Category:
    return Category(
        id=row.id,
        name=row.name,
        slug=row.slug,
        color=row.color,
        parent_id=row.parent_id,
        ticket_count=ticket_count,
        description=row.description,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


ENDPOINTS: Final = (
    list_categories,
    create_category,
    get_category,
    update_category,
    patch_category,
    delete_category,
)

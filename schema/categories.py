"""Categories in the graph."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any, Optional

import strawberry
from strawberry import UNSET, Parent

from db import rows
from resolvers import categories
from resolvers.categories import CATEGORY_BY_ID, TICKET_COUNT_BY_CATEGORY
from resolvers.tickets import TICKETS_BY_CATEGORY
from schema.deeds import UserError, deed, given
from schema.edges import Ctx, edge, loads
from schema.nodes import Node, database_id_field, global_id, id_field, row_id
from schema.paging import After, Before, Connection, First, Last, slice_of
from schema.ticket_lists import tickets_below

if TYPE_CHECKING:
    from schema.tickets import Ticket

_IDS = {"parent_id": "Category"}


def _ticket_count(root: Parent[rows.Category], info: Ctx) -> int | None:
    counted: int | None = info.context.later(TICKET_COUNT_BY_CATEGORY, root.id)
    return counted


@strawberry.type
class Category(Node):
    """Where tickets are filed."""

    id: strawberry.ID = id_field("Category")
    database_id: int = database_id_field()
    name: str = strawberry.field(description="What it is called.")
    slug: str = strawberry.field(description="Its name in addresses: lower case, unique in the workspace.")
    color: str | None = strawberry.field(description="Its color as #rgb or #rrggbb.")
    description: str | None = strawberry.field(description="What belongs in it.")
    parent: Optional["Category"] = edge(CATEGORY_BY_ID, "parent_id", "The category it is part of.")
    ticket_count: int | None = strawberry.field(
        resolver=_ticket_count,
        metadata=loads("id"),
        description="How many tickets are directly in it, of those the caller may see.",
    )
    tickets: Connection[Annotated["Ticket", strawberry.lazy("schema.tickets")]] | None = edge(
        TICKETS_BY_CATEGORY, "id", "The tickets directly in it, of those the caller may see.", tickets_below
    )
    created_at: dt.datetime = strawberry.field(description="When it was made.")
    updated_at: dt.datetime = strawberry.field(description="When it last changed.")

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Rows of categories are categories."""
        return isinstance(obj, rows.Category)


@strawberry.input
class CategoryCreateInput:
    """A new category."""

    name: str = strawberry.field(description="What it is called, at most 255 characters.")
    slug: str | None = strawberry.field(
        default=UNSET, description="Its name in addresses; made from the name when absent."
    )
    color: str | None = strawberry.field(default=UNSET, description="Its color as #rgb or #rrggbb.")
    parent_id: strawberry.ID | None = strawberry.field(
        default=UNSET, description="The category it is part of."
    )
    description: str | None = strawberry.field(default=UNSET, description="What belongs in it.")


@strawberry.input
class CategoryUpdateInput:
    """What is to change of a category: absent keeps, null clears."""

    name: strawberry.Maybe[str | None] = strawberry.field(
        description="What it is called, at most 255 characters."
    )
    slug: strawberry.Maybe[str | None] = strawberry.field(description="Its name in addresses.")
    color: strawberry.Maybe[str | None] = strawberry.field(description="Its color as #rgb or #rrggbb.")
    parent_id: strawberry.Maybe[strawberry.ID | None] = strawberry.field(
        description="The category it is part of."
    )
    description: strawberry.Maybe[str | None] = strawberry.field(description="What belongs in it.")


@strawberry.type
class CategoryCreatePayload:
    """The new category, or why there is none."""

    category: Category | None = strawberry.field(description="The category.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


@strawberry.type
class CategoryUpdatePayload:
    """The category as it is now, or why it did not change."""

    category: Category | None = strawberry.field(description="The category.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


@strawberry.type
class CategoryDeletePayload:
    """What was deleted, or why nothing was."""

    deleted_id: strawberry.ID | None = strawberry.field(description="The id of the category that is gone.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


async def category_page(
    info: Ctx, first: First = UNSET, after: After = UNSET, last: Last = UNSET, before: Before = UNSET
) -> Any:
    """The workspace's categories, oldest first."""
    return await categories.category_page(info.context, slice_of(first, after, last, before))


async def category_create(info: Ctx, input: CategoryCreateInput) -> CategoryCreatePayload:
    """Add a category. For agents and admins."""
    return await deed(
        CategoryCreatePayload, "category", categories.create_category(info.context, given(input, _IDS))
    )


async def category_update(info: Ctx, id: strawberry.ID, input: CategoryUpdateInput) -> CategoryUpdatePayload:
    """Change a category. For agents and admins."""
    work = categories.update_category(info.context, row_id("Category", id), given(input, _IDS))
    return await deed(CategoryUpdatePayload, "category", work)


async def category_delete(info: Ctx, id: strawberry.ID) -> CategoryDeletePayload:
    """Delete a category: its tickets become uncategorised, categories below it move up. For agents and admins."""

    async def work() -> strawberry.ID:
        category_id = row_id("Category", id)
        await categories.delete_category(info.context, category_id)
        return global_id("Category", category_id)

    return await deed(CategoryDeletePayload, "deleted_id", work())

"""Categories: what everybody may read, and staff may shape."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from db import rows, tables
from db.database import Tx
from db.listing import Noun
from db.queries import activity, categories, tickets, workspaces
from resolvers import events, fields, lifecycle, paging
from resolvers.context import MOST_KEYS_A_STATEMENT, Caller, Context
from resolvers.errors import Conflict, NotFound
from resolvers.events import Happening
from resolvers.fields import DOES_NOT_EXIST, Field, Given, Wrong
from resolvers.loaders import Loader
from resolvers.paging import BY_ID, NumberedPage, Page, Slice
from resolvers.permissions import SIGNED_IN, STAFF, allow
from resolvers.visibility import visible_categories, visible_tickets

FIELDS: Final[dict[str, Field]] = {
    "name": Field(fields.text(255), is_required=True),
    "slug": Field(fields.slug),
    "color": Field(fields.color, is_nullable=True),
    "parent_id": Field(fields.row_id, is_nullable=True),
    "description": Field(fields.optional_text(2000), is_nullable=True),
}
SLUG_IS_TAKEN: Final = "has already been taken"


async def visible_category(ctx: Context, category_id: int) -> rows.Category:
    """The category. Raises NotFound."""
    found: rows.Category | None = await ctx.load(CATEGORY_BY_ID, category_id)
    if found is None:
        raise NotFound
    return found


@allow(*SIGNED_IN)
async def category(ctx: Context, category_id: int) -> rows.Category:
    """One category. Raises NotFound."""
    return await visible_category(ctx, category_id)


@allow(*SIGNED_IN)
async def category_page(ctx: Context, asked: Slice) -> Page[rows.Category]:
    """The workspace's categories, oldest first."""
    return await paging.page(ctx, categories.LISTING, visible_categories(ctx.caller), asked, BY_ID)


@allow(*SIGNED_IN)
async def categories_numbered(ctx: Context, page: int, per_page: int) -> NumberedPage[rows.Category]:
    """The same, by page number."""
    return await paging.numbered(
        ctx, categories.LISTING, visible_categories(ctx.caller), page, per_page, BY_ID
    )


async def _by_id(ctx: Context, ids: list[int], _args: Any) -> Mapping[int, rows.Category]:
    found = await categories.LISTING.every(ctx.reads, (*visible_categories(ctx.caller), ("ids", ids)))
    return {row.id: row for row in found}


CATEGORY_BY_ID: Final = Loader("category_by_id", _by_id, Noun(tables.Category, rows.Category))


@allow(*STAFF)
async def create_category(ctx: Context, given: Given) -> rows.Category:
    """A new category, with a slug made from its name when none is given (D22).

    Raises ValidationError.
    """
    values, wrong = fields.clean(FIELDS, given)
    workspace_id, now = ctx.caller.workspace_id, ctx.now()
    async with ctx.write() as tx:
        # two that come at once must not both take the slug or close a circle
        await workspaces.hold(tx, workspace_id)
        await _check_parent(tx, workspace_id, values, wrong)
        slug = values.get("slug")
        if slug is not None and slug in await categories.slugs_like(tx, workspace_id, slug):
            wrong["slug"] = SLUG_IS_TAKEN
        fields.refuse(wrong)
        if slug is None:
            values["slug"] = await _free_slug(tx, workspace_id, values["name"])
        added = await categories.add(
            tx,
            {"color": None, "parent_id": None, "description": None}
            | values
            | {"workspace_id": workspace_id, "created_at": now, "updated_at": now},
        )
        if added is None:
            raise Conflict("Somebody took the slug at the same moment. Try again")
        happened = Happening("category.created", now, {"category": events.category_data(added)})
        await events.record(tx, workspace_id, ctx.caller.user_id, [happened])
    return added


@allow(*STAFF)
async def update_category(ctx: Context, category_id: int, given: Given) -> rows.Category:
    """The category with the given fields changed (D19). Raises NotFound, ValidationError."""
    values, wrong = fields.clean_update(FIELDS, given)
    workspace_id = ctx.caller.workspace_id
    async with ctx.write() as tx:
        await workspaces.hold(tx, workspace_id)
        before = await _held(ctx, tx, category_id)
        await _check_parent(tx, workspace_id, values, wrong, of=before.id)
        slug = values.get("slug", before.slug)
        if slug != before.slug and slug in await categories.slugs_like(tx, workspace_id, slug):
            wrong.setdefault("slug", SLUG_IS_TAKEN)
        fields.refuse(wrong)
        changed = fields.changed(before, values)
        if not changed:
            return before
        return await categories.change(tx, before.id, changed | {"updated_at": ctx.now()})


@allow(*STAFF)
async def delete_category(ctx: Context, category_id: int) -> None:
    """Delete the category: its tickets become uncategorised, categories below it move up. Raises NotFound."""
    caller, now = ctx.caller, ctx.now()
    async with ctx.write() as tx:
        await workspaces.hold(tx, caller.workspace_id)
        before = await _held(ctx, tx, category_id)
        moment = lifecycle.moment_after(await tickets.latest_change_in(tx, before.id), now)
        moved = await tickets.uncategorise(tx, caller.workspace_id, before.id, moment)
        await activity.add(
            tx,
            [
                {
                    "workspace_id": caller.workspace_id,
                    "ticket_id": ticket_id,
                    "user_id": caller.user_id,
                    "action": "category_changed",
                    "from_value": str(before.id),
                    "to_value": None,
                    "is_internal": False,
                    "created_at": moment,
                }
                for ticket_id in moved
            ],
        )
        await categories.remove(tx, before)
        await _tell_of_tickets(tx, caller, before, moved)


async def _tell_of_tickets(tx: Tx, caller: Caller, gone: rows.Category, moved: list[int]) -> None:
    """Record that tickets lost their category, some at a time: they may be many, each with its text."""
    changes = {"category_id": {"from": gone.id, "to": None}}
    for first in range(0, len(moved), MOST_KEYS_A_STATEMENT):
        some = moved[first : first + MOST_KEYS_A_STATEMENT]
        after = await tx.rows(tickets.BY_IDS, workspace_id=caller.workspace_id, ids=some)
        happened = [events.of_ticket("ticket.updated", row, row.updated_at, changes) for row in after]
        await events.record(tx, caller.workspace_id, caller.user_id, happened)


async def _held(ctx: Context, tx: Tx, category_id: int) -> rows.Category:
    held = await categories.LISTING.find(
        tx, [*visible_categories(ctx.caller), ("id", category_id)], held=True
    )
    if held is None:
        raise NotFound
    return held


async def _check_parent(tx: Tx, workspace_id: int, values: dict[str, Any], wrong: Wrong, of: int = 0) -> None:
    """Note a parent that is not there or is below the category itself (D22)."""
    parent = values.get("parent_id")
    if parent is None:
        return
    above = await categories.parents(tx, workspace_id)
    if parent not in above:
        wrong["parent_id"] = DOES_NOT_EXIST
        return
    step: int | None = parent
    while step is not None:
        if step == of:
            wrong["parent_id"] = "must not be the category itself or one below it"
            return
        step = above[step]


async def _free_slug(tx: Tx, workspace_id: int, name: str) -> str:
    stem = slug_from(name)
    taken = await categories.slugs_like(tx, workspace_id, stem)
    number = 1
    free = stem
    while free in taken:
        number += 1
        free = f"{stem}-{number}"
    return free


def slug_from(name: str) -> str:
    """A slug from a name: `Account Issues` -> `account-issues`; `category` when no letter of it fits."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    # room for a number behind it
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[: fields.LONGEST_SLUG - 6].strip("-") or "category"


async def category_exists(tx: Tx, workspace_id: int, category_id: int) -> bool:
    """Whether the workspace has the category."""
    return bool(await tx.rows(categories.BY_IDS, workspace_id=workspace_id, ids=[category_id]))


async def _visible_ticket_counts(ctx: Context, ids: list[int], _args: Any) -> Mapping[int, int]:
    return await tickets.LISTING.counts(ctx.reads, "category_id", ids, visible_tickets(ctx.caller))


TICKET_COUNT_BY_CATEGORY: Final = Loader("ticket_count_by_category", _visible_ticket_counts)

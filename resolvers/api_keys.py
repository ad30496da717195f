"""API keys as admins keep them: listed, made for a user of the workspace, revoked (D31, D36).

How a key becomes a token, and how the operator makes the first one, is in resolvers/tokens.py.
"""

from collections.abc import Mapping
from typing import Any, Final

from db import rows
from db.queries import api_keys, users
from resolvers import fields, paging
from resolvers.context import Context
from resolvers.errors import NotFound
from resolvers.fields import DOES_NOT_EXIST, Field, Given
from resolvers.loaders import Loader
from resolvers.paging import BY_ID, NumberedPage, Page, Slice
from resolvers.permissions import ADMIN, allow
from resolvers.tokens import NewKey, add_key
from resolvers.visibility import visible_api_keys, visible_users

FIELDS: Final[dict[str, Field]] = {"user_id": Field(fields.row_id, is_required=True)}
IS_INACTIVE: Final = "must be an active user"


async def visible_api_key(ctx: Context, key_id: int) -> rows.ApiKey:
    """The key. Raises NotFound."""
    found: rows.ApiKey | None = await ctx.load(_VISIBLE_API_KEY, key_id)
    if found is None:
        raise NotFound
    return found


async def _visible(ctx: Context, ids: list[int], _args: Any) -> Mapping[int, rows.ApiKey]:
    found = await api_keys.LISTING.every(ctx.reads, (*visible_api_keys(ctx.caller), ("ids", ids)))
    return {row.id: row for row in found}


_VISIBLE_API_KEY: Final = Loader("visible_api_key", _visible)
"""Keys by ids that a client named."""


@allow(*ADMIN)
async def api_key(ctx: Context, key_id: int) -> rows.ApiKey:
    """One key, revoked or not. Raises NotFound."""
    return await visible_api_key(ctx, key_id)


@allow(*ADMIN)
async def api_key_page(ctx: Context, asked: Slice) -> Page[rows.ApiKey]:
    """The workspace's keys, oldest first, the revoked ones among them. Raises ValidationError."""
    return await paging.page(ctx, api_keys.LISTING, visible_api_keys(ctx.caller), asked, BY_ID)


@allow(*ADMIN)
async def api_keys_numbered(ctx: Context, page: int, per_page: int) -> NumberedPage[rows.ApiKey]:
    """The same, by page number."""
    return await paging.numbered(ctx, api_keys.LISTING, visible_api_keys(ctx.caller), page, per_page, BY_ID)


def is_usable(row: rows.ApiKey, user: rows.User) -> bool:
    """Whether a program can sign in with the key of this user: it is not revoked, and they are active."""
    return row.revoked_at is None and user.is_active


@allow(*ADMIN)
async def create_api_key(ctx: Context, given: Given) -> NewKey:
    """A new key that acts as the user, with its secret, which nobody can read again. Raises ValidationError."""
    values = fields.cleaned(FIELDS, given)
    async with ctx.write() as tx:
        # held, so that they are neither deleted nor switched off before their key is there
        user = await users.LISTING.find(
            tx, (*visible_users(ctx.caller), ("id", values["user_id"])), held=True
        )
        if user is None:
            raise fields.refused("user_id", DOES_NOT_EXIST)
        if not user.is_active:
            raise fields.refused("user_id", IS_INACTIVE)
        return await add_key(tx, ctx.helpdesk.tokens, user, ctx.now())


@allow(*ADMIN)
async def revoke_api_key(ctx: Context, key_id: int) -> rows.ApiKey:
    """The key, revoked; the same when it was before. Admins may revoke their own. Raises NotFound.

    Its tokens stop working at once in this process, and within KEY_IS_TRUSTED_S in others (D31).
    """
    async with ctx.write() as tx:
        found = await api_keys.LISTING.find(tx, (*visible_api_keys(ctx.caller), ("id", key_id)), held=True)
        if found is None:
            raise NotFound
        revoked = await api_keys.revoke(tx, found.api_key, ctx.now()) or found
    ctx.helpdesk.tokens.forget(revoked.id)
    return revoked

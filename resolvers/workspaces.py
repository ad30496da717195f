"""The workspace a caller belongs to, and how the first one comes to be."""

import datetime as dt
from typing import Final

from db import rows
from db.database import Tx
from db.queries import workspaces
from resolvers.context import Context
from resolvers.errors import NotFound
from resolvers.permissions import SIGNED_IN, allow
from resolvers.sla import add_default_policy

DEFAULT_NAME: Final = "default"
DEFAULT_TIER: Final = "enterprise"
"""Who hosts Answer for themselves pays nobody by the request."""


@allow(*SIGNED_IN)
async def workspace(ctx: Context) -> rows.Workspace:
    """The caller's workspace."""
    found = await ctx.reads.first(workspaces.BY_ID, id=ctx.caller.workspace_id)
    if found is None:
        raise NotFound
    return found


async def workspace_named(tx: Tx, name: str, tier: str | None, now: dt.datetime) -> rows.Workspace:
    """The workspace of this name, made when it is not there; a given tier becomes its tier."""
    added = await workspaces.add(
        tx,
        {"name": name, "tier": tier or DEFAULT_TIER, "customers_see_organization": False, "created_at": now},
    )
    if added is not None:
        await add_default_policy(tx, added.id)
        return added
    [known] = await tx.rows(workspaces.BY_NAME, name=name)
    if tier is None or tier == known.tier:
        return known
    return await workspaces.change(tx, known.id, {"tier": tier})

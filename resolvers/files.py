"""Bytes that no row knows any more: removed after the commit that forgot them, and what that misses by a sweep."""

import datetime as dt
import logging
from collections.abc import Sequence
from typing import Final

from db.errors import FilesUnavailable
from db.queries import attachments
from resolvers.context import Context, Helpdesk

logger = logging.getLogger("answer.files")

SWEPT_AFTER: Final = dt.timedelta(days=1)
"""Longer than any upload takes."""


async def forget_bytes(ctx: Context, keys: Sequence[str]) -> None:
    """Remove the bytes of files whose rows are gone; what cannot be removed now is left to the sweep."""
    if not keys:
        return
    await ctx.reads.rest()  # the store may take its time: nobody is to wait for our connection meanwhile
    try:
        await ctx.helpdesk.files.remove(keys)
    except FilesUnavailable:
        logger.warning("%d files are left to the next sweep", len(keys))


async def sweep(helpdesk: Helpdesk) -> int:
    """Remove the bytes that no row knows, a day after they were written; how many files that were.

    Raises FilesUnavailable, DatabaseUnavailable.
    """
    before = helpdesk.clock() - SWEPT_AFTER
    removed = await helpdesk.files.forget_unfinished(before)
    async for keys in helpdesk.files.older(before):
        orphans = await _orphans(helpdesk, keys)
        await helpdesk.files.remove(orphans)
        removed += len(orphans)
    return removed


async def _orphans(helpdesk: Helpdesk, keys: Sequence[str]) -> list[str]:
    if not keys:
        return []
    async with helpdesk.db.read() as reads:
        known = set(await reads.rows(attachments.KNOWN_KEYS, keys=list(keys)))
    return [key for key in keys if key not in known]

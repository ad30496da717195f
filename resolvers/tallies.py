"""Tallies and figures are folded behind the writes: what lists, counts and statistics read stays short."""

from typing import Any, Final

from db.queries import figures, sla, tallies
from db.statements import Statement
from resolvers.context import Helpdesk

AT_ONCE: Final = 2_000
"""Changes in one transaction."""
LAPSED_AT_ONCE: Final = 500
"""Tickets: each is held until the transaction ends."""


async def fold(helpdesk: Helpdesk) -> bool:
    """Move what writes left behind into the tallies and figures, AT_ONCE changes of a kind at most; whether that was all.

    Targets that nobody met in time are noted first (D10).
    """
    lapsed = await _note_lapsed(helpdesk)
    changes, work = await _fold_changes(helpdesk), await _fold_work(helpdesk)
    return lapsed < LAPSED_AT_ONCE and max(changes, work) < AT_ONCE


async def _note_lapsed(helpdesk: Helpdesk) -> int:
    now = helpdesk.clock()
    for overdue in sla.OVERDUE:
        if await _is_any(helpdesk, overdue, now=now):
            async with helpdesk.db.write() as tx:
                return await sla.lapse(tx, now, LAPSED_AT_ONCE)
    return 0


async def _fold_changes(helpdesk: Helpdesk) -> int:
    if not await _is_any(helpdesk, tallies.WAITING):
        return 0
    async with helpdesk.db.write() as tx:
        return await tallies.fold(tx, AT_ONCE)


async def _fold_work(helpdesk: Helpdesk) -> int:
    if not await _is_any(helpdesk, figures.WAITING):
        return 0
    async with helpdesk.db.write() as tx:
        return await figures.fold_work(tx, AT_ONCE)


async def _is_any(helpdesk: Helpdesk, waiting: Statement[int], **values: Any) -> bool:
    """Whether there is anything to do: mostly not, and that should not take the place of a writer."""
    async with helpdesk.db.read() as reads:
        return bool(await reads.rows(waiting, most=1, **values))

"""Tallies are folded behind the writes: what lists and counts read stays short."""

from typing import Final

from db.queries import tallies
from resolvers.context import Helpdesk

AT_ONCE: Final = 2_000
"""Changes in one transaction."""


async def fold(helpdesk: Helpdesk) -> int:
    """Move what writes left behind into the tallies, AT_ONCE changes at most; how many that were."""
    async with helpdesk.db.read() as reads:
        # mostly there is nothing, and that should not take the place of a writer
        if not await reads.rows(tallies.WAITING, most=1):
            return 0
    async with helpdesk.db.write() as tx:
        return await tallies.fold(tx, AT_ONCE)

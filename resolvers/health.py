"""Whether what the helpdesk stands on is well (D32)."""

from typing import Final, NamedTuple

from db.queries import workspaces
from resolvers import jobs
from resolvers.context import Helpdesk


class Standing(NamedTuple):
    """What the database says of itself and of the queue, which lives in it."""

    database: str
    queue: str


DATABASE_IS_OUT: Final = Standing("error", "error")


async def standing(helpdesk: Helpdesk) -> Standing:
    """How database and queue are; however long it takes, so give it a deadline."""
    try:
        async with helpdesk.db.read(spare=True) as reads:
            await reads.first(workspaces.BY_ID, id=0)
            return Standing("connected", await jobs.queue_state(reads, helpdesk.clock()))
    except Exception:  # noqa: BLE001  # whatever it is, the database is not well
        return DATABASE_IS_OUT

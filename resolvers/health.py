"""Whether what the helpdesk stands on is well (D32)."""

from db.queries import workspaces
from resolvers.context import Helpdesk


async def database_answers(helpdesk: Helpdesk) -> bool:
    """Whether the database answers a question; however long it takes, so give it a deadline."""
    try:
        async with helpdesk.db.read() as reads:
            await reads.first(workspaces.BY_ID, id=0)
    except Exception:  # noqa: BLE001  # whatever it is, the database is not well
        return False
    return True

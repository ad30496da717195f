"""What happens at the same moment still happens in an order (D5)."""

import asyncio
import datetime as dt

from db.queries import tickets
from resolvers.context import Helpdesk
from tests.conftest import Clock, Person
from tests.doors import Door, opened


async def test_a_ticket_that_changes_while_its_category_goes_gets_no_earlier_instant(
    door: Door, helpdesk: Helpdesk, clock: Clock, agent: Person
) -> None:
    category = (await door.create(agent, "category", name="Login")).done()["id"]
    ticket = await opened(door, agent, category_id=category)
    later = clock.moment + dt.timedelta(hours=1)
    async with helpdesk.db.write() as tx:
        held = await tickets.LISTING.find(tx, (("id", ticket["id"]),), held=True)
        assert held is not None
        deletion = asyncio.create_task(door.delete(agent, "category", category))
        await asyncio.sleep(0.3)  # it has looked at the clock and waits for us
        await tickets.change(tx, held, {"updated_at": later, "version": held.version + 1})
    (await deletion).done()
    async with helpdesk.db.read() as reads:
        after = await tickets.LISTING.find(reads, (("id", ticket["id"]),))
    assert after is not None
    assert (after.category_id, after.version) == (None, held.version + 2)
    assert after.updated_at > later

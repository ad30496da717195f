"""What happens at the same moment still happens in an order (D5, D18, D36)."""

import asyncio
import datetime as dt
import itertools
from collections.abc import Awaitable, Callable

from db.queries import tickets, users
from resolvers.context import Helpdesk
from tests.conftest import Clock, Joins, Person
from tests.doors import NEW_TICKET, Door, Outcome, opened


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


async def test_a_workspace_always_has_an_admin(door: Door, join: Joins) -> None:
    """D36: two admins who take each other away at once do so one after the other, and the second is refused."""
    deeds: list[Callable[[Person, Person], Awaitable[Outcome]]] = [
        lambda one, other: door.change(one, "user", other.id, type="agent"),
        lambda one, other: door.change(one, "user", other.id, is_active=False),
        lambda one, other: door.delete(one, "user", other.id),
    ]
    for place, (deed, counter) in enumerate(itertools.combinations_with_replacement(deeds, 2)):
        one, other = [
            await join("admin", email=f"admin{number}@x.test", workspace=f"w{place}") for number in range(2)
        ]
        for each in (one, other):
            assert (await door.list(each, "user")).ok  # known as an admin from now on, for some seconds
        outcomes = await asyncio.gather(deed(one, other), counter(other, one))
        assert sorted(each.ok for each in outcomes) == [False, True], (place, outcomes)
        [left] = [each for each, outcome in zip((one, other), outcomes, strict=True) if outcome.ok]
        [refusal] = [each for each in outcomes if not each.ok]
        assert refusal.code == "CONFLICT" or set(refusal.wrong.values()) == {
            "must not be taken from the last active admin"
        }
        user = (await door.one(left, "user", left.id)).done()
        assert (user["type"], user["is_active"]) == ("admin", True)


async def test_one_of_two_admins_may_go(door: Door, join: Joins, admin: Person) -> None:
    second = await join("admin", email="second@x.test")
    assert (await door.change(admin, "user", second.id, type="customer", is_active=False)).ok
    third = await join("admin", email="third@x.test")
    assert (await door.change(admin, "user", third.id, is_active=False)).ok
    assert (await door.delete(admin, "user", third.id)).ok


async def test_nobody_is_assigned_who_is_switched_off_meanwhile(
    door: Door, helpdesk: Helpdesk, admin: Person, agent: Person
) -> None:
    """D18, at the very moment: the assignment waits for what is being done to the agent."""
    ticket = await opened(door, admin)
    async with helpdesk.db.write() as tx:
        held = await users.LISTING.find(tx, (("id", agent.id),), held=True)
        assert held is not None
        assignments = [
            asyncio.create_task(door.change_ticket(admin, ticket["id"], assigned_to=agent.id)),
            asyncio.create_task(door.open_ticket(admin, **NEW_TICKET, assigned_to=agent.id)),
        ]
        await asyncio.sleep(0.3)  # they have read what they could, and wait for us
        await users.change(tx, held, {"is_active": False})
    for outcome in await asyncio.gather(*assignments):
        assert outcome.wrong == {"assigned_to": "must be an active agent or admin"}
    assert (await door.tickets(admin, assigned_to=agent.id)).ids == []

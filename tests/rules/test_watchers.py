"""Watchers: who follows a ticket."""

from tests.conftest import Person
from tests.contents import Unchanged
from tests.doors import Door, opened


async def test_anybody_of_the_workspace_can_be_made_to_watch_once(
    door: Door, agent: Person, customer: Person, unchanged: Unchanged
) -> None:
    ticket = await opened(door, agent)
    for user in (customer, agent):
        assert (await door.watch(agent, ticket["id"], user.id)).ok
    watched = (await door.ticket(agent, ticket["id"])).done()
    assert [each["id"] for each in watched["watchers"]] == [customer.id, agent.id]
    async with unchanged():
        assert (await door.watch(agent, ticket["id"], agent.id)).ok
    assert (await door.unwatch(agent, ticket["id"], customer.id)).ok
    after = (await door.ticket(agent, ticket["id"])).done()
    assert after["watchers"] == [{"id": agent.id, "name": agent.user.name}]
    assert (watched["version"], after["version"]) == (3, 4)
    async with unchanged():
        assert (await door.unwatch(agent, ticket["id"], customer.id)).ok


async def test_nobody_else_can(door: Door, agent: Person, stranger: Person, unchanged: Unchanged) -> None:
    ticket = await opened(door, agent)
    async with unchanged():
        for nobody in (stranger.id, 999_999):
            refused = await door.watch(agent, ticket["id"], nobody)
            assert (refused.code, refused.wrong) == ("VALIDATION_ERROR", {"user_id": "does not exist"})
        for wrong in ("abc", 0, -1):
            assert set((await door.watch(agent, ticket["id"], wrong)).wrong) == {"user_id"}


async def test_customers_let_nobody_watch(
    door: Door, agent: Person, customer: Person, unchanged: Unchanged
) -> None:
    ticket = await opened(door, agent, requester_email=customer.user.email)
    await door.watch(agent, ticket["id"], agent.id)
    async with unchanged():
        assert (await door.watch(customer, ticket["id"], customer.id)).code == "FORBIDDEN"
        assert (await door.unwatch(customer, ticket["id"], agent.id)).code == "FORBIDDEN"


async def test_a_customer_sees_no_other_customer_among_the_watchers(
    door: Door, agent: Person, customer: Person
) -> None:
    ticket = await opened(door, agent, requester_email=customer.user.email)
    other = (await door.create(agent, "user", name="Other", email="other@elsewhere.test")).done()
    for user_id in (other["id"], agent.id, customer.id):
        (await door.watch(agent, ticket["id"], user_id)).done()
    seen = (await door.ticket(customer, ticket["id"])).done()["watchers"]
    assert [each["id"] for each in seen] == [agent.id, customer.id]
    assert len((await door.ticket(agent, ticket["id"])).done()["watchers"]) == 3

"""Ratings: who rates what, when, and which of them counts (D11)."""

from typing import Any

import pytest

from tests.conftest import Joins, Person
from tests.contents import Unchanged
from tests.doors import Door, Row, opened


async def solved(door: Door, agent: Person, customer: Person, **changes: Any) -> Row:
    """A ticket of the customer that the agent has resolved."""
    ticket = await opened(door, agent, requester_email=customer.user.email, **changes)
    return dict((await door.change_ticket(agent, ticket["id"], status="resolved")).done())


async def test_the_requester_rates_what_is_done(door: Door, agent: Person, customer: Person) -> None:
    for status in ("resolved", "closed"):
        ticket = await opened(door, agent, requester_email=customer.user.email, assigned_to=agent.id)
        await door.change_ticket(agent, ticket["id"], status=status)
        before = (await door.ticket(agent, ticket["id"])).done()
        made = (await door.rate(customer, ticket["id"], rating=4, comment="  Good help ")).done()
        assert made["rating"] == 4
        assert made["comment"] == "Good help"
        assert made["requester"] == {"id": customer.id, "name": customer.user.name}
        assert made["assigned_to"] == {"id": agent.id, "name": agent.user.name}
        after = (await door.ticket(agent, ticket["id"])).done()
        assert after["version"] == before["version"] + 1
        assert after["status"] == status
        log = after["activity_log"][-1]
        assert [log["action"], log["from"], log["to"], log["user"]["id"]] == ["rated", None, "4", customer.id]
        assert made["created_at"] < log["timestamp"] == after["updated_at"]
        assert (await door.rating(customer, ticket["id"])).done() == made
        assert (await door.rating(agent, ticket["id"])).done() == made


async def test_rated_again_the_latest_counts(
    door: Door, agent: Person, admin: Person, customer: Person
) -> None:
    ticket = await solved(door, agent, customer, assigned_to=agent.id)
    await door.rate(customer, ticket["id"], rating=1, comment="Slow")
    await door.change_ticket(agent, ticket["id"], assigned_to=admin.id)
    again = (await door.rate(customer, ticket["id"], rating=5)).done()
    assert (again["rating"], again["comment"], again["assigned_to"]["id"]) == (5, None, admin.id)
    assert (await door.rating(agent, ticket["id"])).done() == again
    log = (await door.ticket(agent, ticket["id"])).done()["activity_log"]
    assert [(each["from"], each["to"]) for each in log if each["action"] == "rated"] == [
        (None, "1"),
        ("1", "5"),
    ]
    scores = {
        each["agent_id"]: each["metrics"]["satisfaction_score"]
        for each in (await door.agent_stats(agent)).done()
    }
    assert scores == {agent.id: None, admin.id: 5.0}


async def test_an_open_ticket_is_not_rated(
    door: Door, agent: Person, customer: Person, unchanged: Unchanged
) -> None:
    ticket = await opened(door, agent, requester_email=customer.user.email)
    for status in ("open", "pending"):
        await door.change_ticket(agent, ticket["id"], status=status)
        async with unchanged():
            refused = await door.rate(customer, ticket["id"], rating=5)
            assert (refused.code, refused.message) == (
                "CONFLICT",
                "Only a resolved or closed ticket can be rated",
            )
    assert (await door.rating(customer, ticket["id"])).code == "NOT_FOUND"


async def test_nobody_else_rates(
    door: Door,
    agent: Person,
    admin: Person,
    customer: Person,
    join: Joins,
    stranger: Person,
    unchanged: Unchanged,
) -> None:
    ticket = await solved(door, agent, customer)
    other = await join("customer", email="other@default.example")
    async with unchanged():
        for who in (agent, admin):
            assert (await door.rate(who, ticket["id"], rating=5)).code == "FORBIDDEN"
        for who in (other, stranger):
            assert (await door.rate(who, ticket["id"], rating=5)).code == "NOT_FOUND"
            assert (await door.rating(who, ticket["id"])).code == "NOT_FOUND"
        assert (await door.rate(customer, 999_999, rating=5)).code == "NOT_FOUND"
        assert (await door.rate(None, ticket["id"], rating=5)).code == "UNAUTHORIZED"


@pytest.mark.parametrize("rating", [0, 6, -1, 2**31 - 1])
async def test_a_rating_is_1_to_5(
    door: Door, agent: Person, customer: Person, rating: int, unchanged: Unchanged
) -> None:
    ticket = await solved(door, agent, customer)
    async with unchanged():
        refused = await door.rate(customer, ticket["id"], rating=rating)
        assert (refused.code, refused.wrong) == ("VALIDATION_ERROR", {"rating": "must be between 1 and 5"})


async def test_everything_that_is_wrong_is_named(
    door: Door, agent: Person, customer: Person, unchanged: Unchanged
) -> None:
    ticket = await solved(door, agent, customer)
    async with unchanged():
        refused = await door.rate(customer, ticket["id"], rating=9, comment="x" * 5_001)
        assert refused.wrong == {
            "rating": "must be between 1 and 5",
            "comment": "must be at most 5000 characters",
        }
        for bad in ("5", 4.5, True, None, [5]):
            assert (await door.rate(customer, ticket["id"], rating=bad)).code == "VALIDATION_ERROR"
    assert (await door.rate(customer, ticket["id"], rating=3, comment="  ")).done()["comment"] is None


async def test_a_member_of_the_staff_rates_what_they_asked_themselves(
    door: Door, agent: Person, admin: Person
) -> None:
    ticket = await solved(door, agent, admin)
    assert (await door.rate(admin, ticket["id"], rating=2)).ok


async def test_ratings_go_with_their_ticket(door: Door, agent: Person, customer: Person) -> None:
    ticket = await solved(door, agent, customer, assigned_to=agent.id)
    await door.rate(customer, ticket["id"], rating=1)
    await door.delete_ticket(agent, ticket["id"])
    [figures] = (await door.agent_stats(agent)).done()
    assert figures["metrics"]["satisfaction_score"] is None

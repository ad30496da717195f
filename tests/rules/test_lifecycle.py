"""The life of a ticket: its states, its instants, its first response (D1 to D6, D26)."""

import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import pairwise, permutations

from tests.conftest import Clock, Person
from tests.contents import Unchanged
from tests.doors import Door, GraphqlDoor, Outcome, Row, opened

STATUSES = ("open", "pending", "resolved", "closed")


def moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def moves(ticket: Row) -> list[tuple[str, str]]:
    """The status changes that the log tells of."""
    log = ticket["activity_log"]
    return [(entry["from"], entry["to"]) for entry in log if entry["action"] == "status_changed"]


async def is_untouched(graph: GraphqlDoor, who: Person, ticket: Row) -> bool:
    found: bool = (await graph.ticket(who, ticket["id"])).done()["is_untouched"]
    return found


class TestFirstAction:
    """D1, D2."""

    async def test_is_an_assignment_or_a_status(self, door: Door, graph: GraphqlDoor, agent: Person) -> None:
        for change, status in (({"assigned_to": agent.id}, "open"), ({"status": "pending"}, "pending")):
            ticket = await opened(door, agent)
            assert await is_untouched(graph, agent, ticket)
            after = (await door.change_ticket(agent, ticket["id"], **change)).done()
            assert after["activity_log"][1] | {"timestamp": 0} == {
                "action": "status_changed",
                "from": "new",
                "to": status,
                "user": {"id": agent.id, "name": agent.user.name},
                "timestamp": 0,
            }
            assert not await is_untouched(graph, agent, ticket)
            again = (await door.change_ticket(agent, ticket["id"], status="closed", assigned_to=None)).done()
            assert moves(again) == [("new", status), (status, "closed")]

    async def test_is_a_status_even_when_it_is_the_same(
        self, door: Door, graph: GraphqlDoor, agent: Person
    ) -> None:
        ticket = await opened(door, agent)
        after = (await door.change_ticket(agent, ticket["id"], status="open")).done()
        assert (after["status"], after["version"], moves(after)) == ("open", 2, [("new", "open")])
        assert not await is_untouched(graph, agent, ticket)

    async def test_is_a_reply_or_a_note_and_is_dated_before_it(
        self, door: Door, graph: GraphqlDoor, agent: Person
    ) -> None:
        for given, status in (
            ({}, "open"),
            ({"is_internal": True}, "open"),
            ({"update_status": "resolved"}, "resolved"),
        ):
            ticket = await opened(door, agent)
            reply = (await door.reply(agent, ticket["id"], content="On it", **given)).done()
            after = (await door.ticket(agent, ticket["id"])).done()
            assert (after["status"], moves(after)) == (status, [("new", status)])
            assert moment(after["activity_log"][1]["timestamp"]) < moment(reply["created_at"])
            assert not await is_untouched(graph, agent, ticket)
            await door.reply(agent, ticket["id"], content="Still on it")
            assert moves((await door.ticket(agent, ticket["id"])).data) == [("new", status)]

    async def test_is_an_assignment_that_a_ticket_is_opened_with(
        self, door: Door, graph: GraphqlDoor, agent: Person
    ) -> None:
        ticket = await opened(door, agent, assigned_to=agent.id)
        said = [(entry["action"], entry["from"], entry["to"]) for entry in ticket["activity_log"]]
        assert said == [
            ("created", None, None),
            ("status_changed", "new", "open"),
            ("assigned", None, str(agent.id)),
        ]
        assert not await is_untouched(graph, agent, ticket)

    async def test_is_not_a_look_a_tag_a_priority_or_anything_of_a_customer(
        self, door: Door, graph: GraphqlDoor, agent: Person, customer: Person
    ) -> None:
        ticket = await opened(door, agent, requester_email=customer.user.email)
        await door.ticket(agent, ticket["id"])
        await door.change_ticket(agent, ticket["id"], tags=["a"], priority="urgent", metadata={"a": 1})
        await door.watch(agent, ticket["id"], agent.id)
        await door.reply(customer, ticket["id"], content="Hello?")
        after = (await door.ticket(agent, ticket["id"])).done()
        assert (after["status"], moves(after)) == ("open", [])
        assert await is_untouched(graph, agent, ticket)


class TestTransitions:
    """D3."""

    async def test_staff_set_any_status_from_any(self, door: Door, agent: Person) -> None:
        ticket = await opened(door, agent)
        for before, after in permutations(STATUSES, 2):
            assert (await door.change_ticket(agent, ticket["id"], status=before)).data["status"] == before
            assert (await door.change_ticket(agent, ticket["id"], status=after)).data["status"] == after

    async def test_a_customers_reply_opens_what_waited_or_was_done(
        self, door: Door, clock: Clock, agent: Person, customer: Person
    ) -> None:
        ticket = await opened(door, agent, requester_email=customer.user.email)
        for status, days in (("pending", 90), ("resolved", 90), ("closed", 13.99), ("open", 90)):
            await door.change_ticket(agent, ticket["id"], status=status)
            clock.pass_(days=days)
            agent, customer = await _signed_in_again(door, agent), await _signed_in_again(door, customer)
            assert (await door.reply(customer, ticket["id"], content="Again")).ok
            assert (await door.ticket(agent, ticket["id"])).data["status"] == "open"
        assert (await door.ticket(agent, ticket["id"])).data["reopen_count"] == 2

    async def test_a_ticket_closed_for_longer_takes_no_reply_of_a_customer(
        self, door: Door, clock: Clock, agent: Person, customer: Person, unchanged: Unchanged
    ) -> None:
        ticket = await opened(door, agent, requester_email=customer.user.email)
        await door.change_ticket(agent, ticket["id"], status="closed")
        clock.pass_(days=14, minutes=1)
        agent, customer = await _signed_in_again(door, agent), await _signed_in_again(door, customer)
        async with unchanged():
            refused = await door.reply(customer, ticket["id"], content="Again")
            assert refused.code == "CONFLICT"
            assert refused.message == (
                "This ticket was closed more than 14 days ago and takes no more replies. Open a new ticket"
            )
        assert (await door.reply(agent, ticket["id"], content="By staff")).ok
        assert (await door.ticket(agent, ticket["id"])).data["status"] == "closed"

    async def test_what_staff_write_opens_nothing(self, door: Door, agent: Person) -> None:
        ticket = await opened(door, agent)
        await door.change_ticket(agent, ticket["id"], status="resolved")
        for is_internal in (True, False):
            await door.reply(agent, ticket["id"], content="By the way", is_internal=is_internal)
        assert (await door.ticket(agent, ticket["id"])).data["status"] == "resolved"

    async def test_customers_may_only_resolve_their_own(
        self, door: Door, agent: Person, customer: Person, unchanged: Unchanged
    ) -> None:
        own = await opened(door, agent, requester_email=customer.user.email)
        other = await opened(door, agent)
        forbidden: list[Row] = [{"status": status} for status in ("open", "pending", "closed")]
        forbidden += [{"status": "resolved", "priority": "low"}, {"subject": "x"}, {"assigned_to": None}]
        async with unchanged():
            for change in forbidden:
                assert (await door.change_ticket(customer, own["id"], **change)).code == "FORBIDDEN"
            assert (await door.change_ticket(customer, other["id"], status="resolved")).code == "NOT_FOUND"
            for status in ("open", "pending", "closed"):
                refused = await door.reply(customer, own["id"], content="x", update_status=status)
                assert refused.code == "FORBIDDEN"
        after = (await door.change_ticket(customer, own["id"], status="resolved")).done()
        assert (after["status"], moves(after)) == ("resolved", [("new", "resolved")])
        assert (await door.reply(customer, own["id"], content="Thanks", update_status="resolved")).ok
        assert (await door.ticket(customer, own["id"])).data["status"] == "resolved"


async def _signed_in_again(door: Door, person: Person) -> Person:
    """The person with a new token: theirs ended as time went by."""
    token = (await door.sign_in(person.api_key, person.api_secret)).done()["token"]
    return replace(person, token=token)


async def test_resolved_at_is_the_latest_entry_into_resolved_or_closed(door: Door, agent: Person) -> None:
    """D4."""
    ticket = await opened(door, agent)
    seen = []
    for status in ("resolved", "closed", "resolved", "pending", "closed", "open"):
        after = (await door.change_ticket(agent, ticket["id"], status=status)).done()
        seen.append(
            (after["resolved_at"], after["first_resolved_at"], after["closed_at"], after["reopen_count"])
        )
    first, second = seen[0][0], seen[4][0]
    assert seen == [
        (first, first, None, 0),
        (first, first, seen[1][2], 0),
        (first, first, None, 0),
        (None, first, None, 1),
        (second, first, second, 1),
        (None, first, None, 2),
    ]
    assert moment(ticket["created_at"]) < moment(first) < moment(seen[1][2]) < moment(second)


async def test_updated_at_rises_strictly_even_when_the_clock_does_not(
    door: Door, clock: Clock, agent: Person, customer: Person
) -> None:
    """D5."""
    category = (await door.create(agent, "category", name="Account")).done()
    ticket = await opened(door, agent, requester_email=customer.user.email, category_id=category["id"])
    seen = [ticket]
    deeds: tuple[Callable[[], Awaitable[Outcome]], ...] = (
        lambda: door.change_ticket(agent, ticket["id"], priority="high", assigned_to=agent.id),
        lambda: door.reply(agent, ticket["id"], content="An answer", update_status="resolved"),
        lambda: door.reply(customer, ticket["id"], content="Again"),
        lambda: door.reply(agent, ticket["id"], content="A note", is_internal=True),
        lambda: door.watch(agent, ticket["id"], agent.id),
        lambda: door.unwatch(agent, ticket["id"], agent.id),
        lambda: door.delete(agent, "category", category["id"]),
    )
    start = clock.moment
    for deed in deeds:
        clock.moment = start - dt.timedelta(seconds=1)
        assert (await deed()).ok
        seen.append((await door.ticket(agent, ticket["id"])).done())
    moments = [moment(each["updated_at"]) for each in seen]
    assert all(before < after for before, after in pairwise(moments)), moments
    assert [each["version"] for each in seen] == list(range(1, len(seen) + 1))
    logged = [moment(entry["timestamp"]) for entry in seen[-1]["activity_log"]]
    assert logged == sorted(logged)


class TestFirstResponse:
    """D6."""

    async def test_is_the_first_public_reply_of_staff_and_never_moves(
        self, door: Door, agent: Person, admin: Person, customer: Person
    ) -> None:
        ticket = await opened(door, agent, requester_email=customer.user.email)
        await door.reply(agent, ticket["id"], content="A note", is_internal=True)
        await door.reply(customer, ticket["id"], content="Hello?")
        assert (await door.ticket(agent, ticket["id"])).data["first_response_at"] is None
        first = (await door.reply(agent, ticket["id"], content="Hello")).done()
        await door.reply(admin, ticket["id"], content="Hello from me too")
        assert (await door.ticket(agent, ticket["id"])).data["first_response_at"] == first["created_at"]

    async def test_is_not_what_a_requester_who_is_staff_writes(
        self, door: Door, agent: Person, admin: Person
    ) -> None:
        ticket = await opened(door, agent, requester_email=agent.user.email)
        await door.reply(agent, ticket["id"], content="By the way")
        assert (await door.ticket(agent, ticket["id"])).data["first_response_at"] is None
        answer = (await door.reply(admin, ticket["id"], content="Hello")).done()
        assert (await door.ticket(agent, ticket["id"])).data["first_response_at"] == answer["created_at"]


async def test_update_status_follows_the_reply_or_neither_happens(
    door: Door, agent: Person, unchanged: Unchanged
) -> None:
    """D26."""
    ticket = await opened(door, agent, assigned_to=agent.id)
    reply = (await door.reply(agent, ticket["id"], content="Done", update_status="resolved")).done()
    after = (await door.ticket(agent, ticket["id"])).done()
    last = after["activity_log"][-1]
    assert (last["from"], last["to"]) == ("open", "resolved")
    assert moment(last["timestamp"]) > moment(reply["created_at"])
    assert after["updated_at"] == after["activity_log"][-1]["timestamp"]
    assert after["version"] == 2
    async with unchanged():
        refused = await door.reply(agent, ticket["id"], content="x", update_status="reopened")
        assert (refused.code, set(refused.wrong)) == ("VALIDATION_ERROR", {"update_status"})


async def test_a_customer_cannot_resolve_a_closed_ticket(door: Door, agent: Person, customer: Person) -> None:
    """A ticket closed for long takes no more replies, and no way round that leads by `resolved` (D3)."""
    ticket = await opened(door, agent, requester_email=customer.user.email)
    await door.change_ticket(agent, ticket["id"], status="closed")
    refused = await door.change_ticket(customer, ticket["id"], status="resolved")
    assert refused.code == "CONFLICT"
    assert (await door.ticket(agent, ticket["id"])).done()["status"] == "closed"

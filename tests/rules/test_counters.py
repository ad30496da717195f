"""Stored figures are always what counting gives (D16), whatever happened and whatever happened at once."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Iterable
from itertools import pairwise

from resolvers.context import Helpdesk
from tests.conftest import Person
from tests.contents import assert_counted
from tests.doors import NEW_TICKET, Door, Outcome, opened

AT_ONCE = 8


async def at_once(deeds: Iterable[Awaitable[Outcome]]) -> Counter[str | None]:
    """How often each code came of the deeds, done at the same time; None is success."""
    return Counter(outcome.code for outcome in await asyncio.gather(*deeds))


async def test_every_deed_keeps_every_figure(
    door: Door, helpdesk: Helpdesk, admin: Person, customer: Person
) -> None:
    places = [
        (await door.create(admin, "organization", name=name, domain=f"{name}.test")).done()["id"]
        for name in ("one", "two")
    ]
    files = [(await door.create(admin, "category", name=name)).done()["id"] for name in ("a", "b")]
    tickets = [
        await opened(door, admin, requester_email=email, category_id=category, tags=["x", "y"])
        for email in ("ada@one.test", "ada@one.test", "eve@two.test", customer.user.email)
        for category in (*files, None)
    ]
    await assert_counted(helpdesk.db)
    for number, ticket in enumerate(tickets):
        await door.change_ticket(admin, ticket["id"], category_id=files[number % 2], tags=["y", str(number)])
        await door.reply(admin, ticket["id"], content="x", is_internal=bool(number % 3))
    await door.reply(customer, tickets[-1]["id"], content="x")
    await assert_counted(helpdesk.db)
    ada, eve = tickets[0]["requester"]["id"], tickets[6]["requester"]["id"]
    await door.change(admin, "user", ada, organization_id=places[1])
    await door.change(admin, "user", eve, organization_id=None)
    await door.change(admin, "user", customer.id, organization_id=places[0])
    await assert_counted(helpdesk.db)
    await door.delete_ticket(admin, tickets[0]["id"])
    await door.delete(admin, "category", files[0])
    await door.delete(admin, "organization", places[1])
    spare = (await door.create(admin, "user", name="s", email="s@x.test", organization_id=places[0])).done()
    await door.delete(admin, "user", spare["id"])
    await assert_counted(helpdesk.db)


async def test_the_same_stranger_who_writes_at_once_becomes_one_customer(
    door: Door, helpdesk: Helpdesk, agent: Person
) -> None:
    acme = (await door.create(agent, "organization", name="Acme", domain="acme.test")).done()["id"]
    category = (await door.create(agent, "category", name="A")).done()["id"]
    emails = ["ada@acme.test", "Ada@ACME.test"] * (AT_ONCE // 2)
    codes = await at_once(
        door.open_ticket(agent, **(NEW_TICKET | {"requester_email": email}), category_id=category, tags=["a"])
        for email in emails
    )
    assert codes == {None: AT_ONCE}
    listed = (await door.tickets(agent)).done()
    assert len({ticket["requester"]["id"] for ticket in listed}) == 1
    assert len(listed) == AT_ONCE
    counted = (await door.one(agent, "organization", acme)).done()
    assert (counted["user_count"], counted["ticket_count"]) == (1, AT_ONCE)
    await assert_counted(helpdesk.db)


async def test_what_is_unique_is_made_once(door: Door, helpdesk: Helpdesk, agent: Person) -> None:
    for noun, given, taken in (
        ("user", {"name": "x", "email": "x@y.test"}, "email"),
        ("category", {"name": "x", "slug": "x"}, "slug"),
        ("organization", {"name": "x", "domain": "x.test"}, "domain"),
    ):
        outcomes = await asyncio.gather(*(door.create(agent, noun, **given) for _ in range(AT_ONCE)))
        assert sum(each.ok for each in outcomes) == 1
        for refused in (each for each in outcomes if not each.ok):
            assert (refused.code, refused.wrong) == ("VALIDATION_ERROR", {taken: "has already been taken"})
    outcomes = await asyncio.gather(*(door.create(agent, "category", name="Same") for _ in range(AT_ONCE)))
    slugs = {each.done()["slug"] for each in outcomes}
    assert slugs == {"same"} | {f"same-{number}" for number in range(2, AT_ONCE + 1)}
    await assert_counted(helpdesk.db)


async def test_changes_to_what_is_taken_at_once_give_it_to_one(
    door: Door, helpdesk: Helpdesk, agent: Person
) -> None:
    for noun, taken in (("user", "email"), ("category", "slug"), ("organization", "domain")):
        ids = []
        for number in range(AT_ONCE):
            given = {"name": "x"} | ({"email": f"{number}@y.test"} if noun == "user" else {})
            ids.append((await door.create(agent, noun, **given)).done()["id"])
        value = {"email": "one@y.test", "slug": "one", "domain": "one.test"}[taken]
        codes = await at_once(door.change(agent, noun, id_, **{taken: value}) for id_ in ids)
        assert codes[None] == 1
        assert set(codes) <= {None, "VALIDATION_ERROR", "CONFLICT"}
        rows = (await door.list(agent, noun, per_page=100)).done()
        assert sum(row[taken] == value for row in rows) == 1
    await assert_counted(helpdesk.db)


async def test_status_changes_at_once_come_one_after_the_other(
    door: Door, helpdesk: Helpdesk, agent: Person
) -> None:
    ticket = await opened(door, agent)
    statuses = ("resolved", "open", "closed", "pending") * 2
    codes = await at_once(door.change_ticket(agent, ticket["id"], status=status) for status in statuses)
    assert codes == {None: AT_ONCE}
    after = (await door.ticket(agent, ticket["id"])).done()
    moves = [
        (entry["from"], entry["to"]) for entry in after["activity_log"] if entry["action"] == "status_changed"
    ]
    assert moves[0][0] == "new"
    # an order, never a blend: each goes on from where the one before it ended
    assert all(before[1] == following[0] for before, following in pairwise(moves))
    assert after["status"] == moves[-1][1]
    assert after["version"] == 1 + len(moves)
    assert (after["resolved_at"] is not None) == (after["status"] in ("resolved", "closed"))
    moments = [entry["timestamp"] for entry in after["activity_log"]]
    assert moments == sorted(set(moments))
    await assert_counted(helpdesk.db)


async def test_replies_at_once_are_all_kept_and_open_the_ticket_once(
    door: Door, helpdesk: Helpdesk, agent: Person, customer: Person
) -> None:
    ticket = await opened(door, agent, requester_email=customer.user.email)
    await door.change_ticket(agent, ticket["id"], status="resolved")
    codes = await at_once(
        door.reply(customer if number % 2 else agent, ticket["id"], content=str(number))
        for number in range(AT_ONCE)
    )
    assert codes == {None: AT_ONCE}
    after = (await door.ticket(agent, ticket["id"])).done()
    assert (after["status"], after["reopen_count"], after["reply_count"]) == ("open", 1, AT_ONCE)
    moments = [reply["created_at"] for reply in after["replies"]]
    assert moments == sorted(set(moments))
    answers = [reply["created_at"] for reply in after["replies"] if reply["author"]["type"] == "agent"]
    assert after["first_response_at"] == answers[0]
    assert after["updated_at"] == max(moments)
    await assert_counted(helpdesk.db)


async def test_a_thing_is_deleted_and_watched_once(door: Door, helpdesk: Helpdesk, admin: Person) -> None:
    ticket = await opened(door, admin)
    codes = await at_once(door.watch(admin, ticket["id"], admin.id) for _ in range(AT_ONCE))
    assert codes == {None: AT_ONCE}
    log = (await door.ticket(admin, ticket["id"])).done()["activity_log"]
    assert [entry["action"] for entry in log] == ["created", "watcher_added"]
    codes = await at_once(door.delete_ticket(admin, ticket["id"]) for _ in range(AT_ONCE))
    assert codes == {None: 1, "NOT_FOUND": AT_ONCE - 1}
    await assert_counted(helpdesk.db)


async def test_tickets_of_people_who_move_meanwhile_end_where_they_are(
    door: Door, helpdesk: Helpdesk, agent: Person
) -> None:
    """D16: whoever is first, a ticket belongs to the organization its requester is in now."""
    places = [
        (await door.create(agent, "organization", name=str(number))).done()["id"] for number in range(2)
    ]
    ada = (await opened(door, agent))["requester"]["id"]
    for _ in range(3):
        moves = [door.change(agent, "user", ada, organization_id=place) for place in (*places, None)]
        codes = await at_once([*moves, *(door.open_ticket(agent, **NEW_TICKET) for _ in range(4))])
        assert set(codes) <= {None, "CONFLICT"}
        assert codes[None] >= 5
        await assert_counted(helpdesk.db)


async def test_a_jumble_of_everything_at_once_is_a_clear_answer_each(
    door: Door, helpdesk: Helpdesk, admin: Person, customer: Person
) -> None:
    places = [
        (await door.create(admin, "organization", name=str(number))).done()["id"] for number in range(2)
    ]
    files = [(await door.create(admin, "category", name=str(number))).done()["id"] for number in range(3)]
    tickets = [
        (await opened(door, admin, requester_email=customer.user.email, category_id=files[0]))["id"]
        for _ in range(4)
    ]
    chance = random.Random(5)  # noqa: S311  # the same jumble every time
    deeds: list[Awaitable[Outcome]] = [door.delete(admin, "category", files[2])]
    for ticket in tickets:
        deeds += [
            door.change_ticket(admin, ticket, category_id=chance.choice([*files, None]), tags=["a", "b"]),
            door.reply(customer, ticket, content="x"),
            door.reply(admin, ticket, content="x", update_status=chance.choice(["pending", "closed"])),
            door.watch(admin, ticket, customer.id),
            door.open_ticket(
                admin, **(NEW_TICKET | {"requester_email": customer.user.email}), category_id=files[2]
            ),
        ]
    deeds += [
        door.delete_ticket(admin, tickets[0]),
        door.change(admin, "user", customer.id, organization_id=places[0]),
    ]
    deeds += [door.delete(admin, "organization", places[1]), door.delete(admin, "organization", places[0])]
    chance.shuffle(deeds)
    codes = await at_once(deeds)
    assert set(codes) <= {None, "CONFLICT", "NOT_FOUND", "VALIDATION_ERROR"}
    await assert_counted(helpdesk.db)

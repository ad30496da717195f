"""Whoever follows tickets hears of everything they may know of, once and in order, and of nothing else (D25, D34)."""

import asyncio
import contextlib
import re

import pytest
from litestar import Litestar

from db.queries import api_keys, workspaces
from gateway.graphql import answering
from resolvers import jobs
from resolvers.context import Helpdesk
from tests.conftest import Clock, Joins, Person, Sql
from tests.doors import Door, opened
from tests.subscribers import TICKET_CHANGED, Told, following, refusal

OF_THE_FEED = re.compile(r"FROM (event|pg_locks)")


async def heard(told: Told, count: int) -> list[tuple[str, list[str] | None]]:
    """The types of the next events, with what changed."""
    return [(event["type"], event.get("changedFields")) for event in await told.some(count)]


async def test_a_ticket_is_followed_to_its_end(
    app: Litestar, door: Door, agent: Person, admin: Person
) -> None:
    filed = (await door.create(admin, "category", name="Billing")).done()["id"]
    ticket = await opened(door, agent)
    async with following(app, agent, TICKET_CHANGED, id=f"tkt_{ticket['id']}") as told:
        await opened(door, agent)  # another
        await door.change_ticket(
            agent, ticket["id"], priority="high", assigned_to=agent.id, category_id=filed
        )
        await door.reply(agent, ticket["id"], content="Hi", update_status="pending")
        changed, replied, moved = await told.some(3)
        assert (changed["type"], sorted(changed["changedFields"])) == (
            "ticket.updated",
            ["assignedTo", "category", "priority"],
        )
        assert changed["actor"] == {"id": f"usr_{agent.id}", "name": agent.user.name}
        assert changed["ticket"]["id"] == f"tkt_{ticket['id']}"
        assert (replied["type"], replied["reply"]["content"]) == ("reply.created", "Hi")
        assert (moved["type"], moved["changedFields"]) == ("ticket.updated", ["status"])
        assert moved["ticket"]["status"] == "PENDING"
        assert int(changed["sequence"]) < int(replied["sequence"]) < int(moved["sequence"])
        await door.delete_ticket(admin, ticket["id"])
        gone = await told.next()
        assert (gone["type"], gone["ticket"]) == ("ticket.deleted", None)
        with pytest.raises(EOFError):  # there is nothing more to follow
            await told.next()


async def test_who_comes_back_has_missed_nothing(app: Litestar, door: Door, agent: Person) -> None:
    async with following(app, agent) as told:
        ticket = await opened(door, agent)
        first, second = await told.some(2)
    assert [first["type"], second["type"]] == ["user.created", "ticket.created"]
    await door.change_ticket(agent, ticket["id"], priority="high")
    await door.reply(agent, ticket["id"], content="Hi")
    async with following(app, agent, after=first["sequence"]) as told:
        assert await heard(told, 3) == [
            ("ticket.created", None),
            ("ticket.updated", None),
            ("reply.created", None),
        ]
        await door.change_ticket(agent, ticket["id"], priority="low")
        assert await heard(told, 1) == [("ticket.updated", None)]
    async with following(app, agent, after=second["sequence"], types=["reply.created"]) as told:
        assert await heard(told, 1) == [("reply.created", None)]
        assert await told.is_quiet()
    await door.delete_ticket(agent, ticket["id"])
    async with following(app, agent, TICKET_CHANGED, id=str(ticket["id"]), after=second["sequence"]) as told:
        assert [each["type"] for each in await told.some(4)][-1] == "ticket.deleted"


@pytest.mark.parametrize("after", ["", "x", "-1", "1.5", "9" * 30, "٣", " 1"])
async def test_after_is_the_sequence_of_an_event(
    after: str, app: Litestar, agent: Person, door: Door
) -> None:
    assert (await refusal(app, agent, after=after)).code == "VALIDATION_ERROR"


async def test_nobody_comes_from_the_future(app: Litestar, door: Door, agent: Person) -> None:
    await opened(door, agent)
    assert (await refusal(app, agent, after="1000")).code == "VALIDATION_ERROR"


async def test_types_are_those_that_there_are(app: Litestar, door: Door, agent: Person) -> None:
    for types in (["ticket.closed"], ["TICKET.CREATED"], ["*"] * 11):
        found = await refusal(app, agent, types=types)
        assert found.code == "VALIDATION_ERROR"
        assert "types" in found.errors[0]["extensions"]["details"]
    async with following(app, agent, types=["ticket.*"]) as told:
        ticket = await opened(door, agent)
        await door.reply(agent, ticket["id"], content="Hi", update_status="resolved")
        assert await heard(told, 2) == [("ticket.created", None), ("ticket.updated", None)]


async def test_who_was_away_for_too_long_is_told_so(
    app: Litestar, door: Door, agent: Person, helpdesk: Helpdesk, clock: Clock
) -> None:
    async with following(app, agent) as told:
        await opened(door, agent)
        last = (await told.some(2))[-1]["sequence"]
    clock.pass_(days=31)
    await jobs.forget_old(helpdesk)
    renewed = Person(
        agent.user, agent.workspace, agent.api_key, agent.api_secret, await token_of(door, agent)
    )
    async with following(app, renewed, after=last) as told:  # the last that was forgotten: nothing was missed
        await opened(door, renewed, requester_email="new@acme.test")
        await told.some(2)
    found = await refusal(app, renewed, after=str(int(last) - 1))
    assert (found.code, "no longer kept" in found.errors[0]["message"]) == ("GONE", True)


async def token_of(door: Door, who: Person) -> str:
    """A new token."""
    token: str = (await door.sign_in(who.api_key, who.api_secret)).done()["token"]
    return token


async def test_customers_hear_of_their_own_tickets_and_of_no_note(
    app: Litestar, door: Door, agent: Person, join: Joins
) -> None:
    ada, eve = await join("customer", email="ada@acme.test"), await join("customer", email="eve@two.test")
    async with following(app, ada) as told, following(app, eve) as of_eve:
        ticket = await opened(door, agent, requester_email="ada@acme.test")
        path = ticket["id"]
        await door.reply(agent, path, content="secret", is_internal=True)
        await door.reply(agent, path, content="secret too", is_internal=True, update_status="pending")
        await door.reply(agent, path, content="Hello")
        await door.create(agent, "organization", name="Acme")
        await door.delete_ticket(agent, path)
        found = await told.some(4)
        assert [event["type"] for event in found] == [
            "ticket.created",
            "ticket.updated",
            "reply.created",
            "ticket.deleted",
        ]
        assert await told.is_quiet()
        assert await of_eve.is_quiet()
    async with following(app, ada, after=str(int(found[0]["sequence"]) - 1)) as told:
        assert [event["sequence"] for event in await told.some(4)] == [event["sequence"] for event in found]
        assert await told.is_quiet()
    ticket = await opened(door, agent, requester_email="ada@acme.test")
    assert (await refusal(app, eve, TICKET_CHANGED, id=str(ticket["id"]))).code == "NOT_FOUND"
    assert (await refusal(app, eve, TICKET_CHANGED, id="tkt_999")).code == "NOT_FOUND"
    async with following(app, ada, TICKET_CHANGED, id=str(ticket["id"])) as told:
        await door.reply(agent, ticket["id"], content="secret", is_internal=True)
        await door.reply(agent, ticket["id"], content="Hello")
        [event] = await told.some(1)
        assert (event["reply"]["content"], event["ticket"]["replyCount"]) == ("Hello", 1)
        assert await told.is_quiet()


async def test_another_workspace_hears_nothing(
    app: Litestar, door: Door, agent: Person, stranger: Person
) -> None:
    async with following(app, stranger) as told, following(app, agent) as ours:
        ticket = await opened(door, agent)
        await ours.some(2)
        assert await told.is_quiet()
    assert (await refusal(app, stranger, TICKET_CHANGED, id=str(ticket["id"]))).code == "NOT_FOUND"
    async with following(app, stranger, after="0") as told:
        await door.create(stranger, "category", name="Theirs")
        assert await heard(told, 2) == [("user.created", None), ("category.created", None)]


async def test_colleagues_hear_while_the_workspace_allows_it(
    app: Litestar, door: Door, agent: Person, join: Joins, helpdesk: Helpdesk, clock: Clock
) -> None:
    acme = (await door.create(agent, "organization", name="Acme", domain="acme.test")).done()["id"]
    for name in ("ada", "bob"):
        given = {"name": name, "email": f"{name}@acme.test", "organization_id": acme}
        (await door.create(agent, "user", **given)).done()
    bob = await join("customer", email="bob@acme.test")

    async def opens(*, is_open: bool) -> None:
        async with helpdesk.db.write() as tx:
            await workspaces.change(tx, bob.workspace.id, {"customers_see_organization": is_open})
        clock.pass_(seconds=10)

    await opens(is_open=True)
    async with following(app, bob) as told:
        ticket = await opened(door, agent, requester_email="ada@acme.test")
        assert await heard(told, 1) == [("ticket.created", None)]
        await opens(is_open=False)
        await door.change_ticket(agent, ticket["id"], priority="high")
        assert await told.is_quiet()


@pytest.mark.parametrize("ends", ["key", "person", "token"])
async def test_a_subscription_ends_with_the_right_to_it(
    ends: str, app: Litestar, door: Door, admin: Person, join: Joins, helpdesk: Helpdesk, clock: Clock
) -> None:
    ada = await join("agent", email="ada@acme.test")
    async with following(app, ada) as told:
        ticket = await opened(door, admin, requester_email="eve@acme.test")
        await told.some(2)
        if ends == "key":
            async with helpdesk.db.write() as tx:
                await api_keys.revoke(tx, ada.api_key, helpdesk.clock())
        elif ends == "person":
            (await door.change(admin, "user", ada.id, is_active=False)).done()
        clock.pass_(seconds=3600 if ends == "token" else 10)
        await opened(door, await again(door, admin, ends), requester_email="eve@acme.test")
        assert await told.refused() == "UNAUTHORIZED"
    assert len(helpdesk.feed) == 0
    assert ticket


async def again(door: Door, who: Person, ends: str) -> Person:
    """The same person, with a token that holds."""
    if ends != "token":
        return who
    return Person(who.user, who.workspace, who.api_key, who.api_secret, await token_of(door, who))


async def test_nobody_is_forgotten_to_whom_nothing_happens(
    app: Litestar, join: Joins, helpdesk: Helpdesk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "LOOKS_AGAIN_AFTER_S", 0.05)
    ada = await join("agent", email="ada@acme.test")
    async with following(app, ada) as told:
        assert await told.is_quiet()
        clock.pass_(seconds=3600)
        assert await told.refused() == "UNAUTHORIZED"


async def test_an_agent_who_becomes_a_customer_hears_as_one(
    app: Litestar, door: Door, admin: Person, join: Joins, clock: Clock
) -> None:
    ada = await join("agent", email="ada@acme.test")
    async with following(app, ada) as told:
        (await door.change(admin, "user", ada.id, type="customer")).done()
        clock.pass_(seconds=10)
        await opened(door, admin, requester_email="eve@acme.test")
        await opened(door, admin, requester_email="ada@acme.test")
        event = await told.next()
        assert event["type"] == "ticket.created"
        assert await told.is_quiet()


async def test_a_file_that_becomes_a_notes_is_heard_of_no_more(
    app: Litestar, door: Door, agent: Person, join: Joins
) -> None:
    ada = await join("customer", email="ada@acme.test")
    ticket = await opened(door, agent, requester_email="ada@acme.test")
    async with following(app, ada) as told:
        file = (await door.attach(agent, ticket["id"], "a.txt", b"a")).done()
        created = await told.next()
        assert created["type"] == "attachment.created"
    before = str(int(created["sequence"]) - 1)
    await door.reply(agent, ticket["id"], content="x", is_internal=True, attachment_ids=[file["id"]])
    async with following(app, ada, after=before) as told:
        assert await told.is_quiet()


@pytest.mark.parametrize("count", [1, 15])
async def test_what_an_event_costs(count: int, app: Litestar, door: Door, agent: Person, sql: Sql) -> None:
    ticket = await opened(door, agent)
    async with contextlib.AsyncExitStack() as stack:
        begun = [following(app, agent, TICKET_CHANGED, id=str(ticket["id"])) for _ in range(count)]
        all_told = [await stack.enter_async_context(each) for each in begun]
        await door.change_ticket(agent, ticket["id"], priority="high")
        for told in all_told:
            await told.next()
        waiting = [asyncio.ensure_future(told.next()) for told in all_told]
        sql.clear()
        await door.reply(agent, ticket["id"], content="Hello")
        await asyncio.gather(*waiting)
        told_by = [
            text for text in sql.statements if text.startswith("SELECT") and OF_THE_FEED.search(text) is None
        ]
        assert len(told_by) <= 8, told_by

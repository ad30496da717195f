"""What webhooks are told, and that nothing acknowledged goes untold (D25, D28)."""

import re
from pathlib import Path

import pytest

from gateway.worker import Worker
from resolvers import events
from resolvers.context import Helpdesk
from tests.conftest import Person
from tests.contents import Unchanged
from tests.doors import Door, opened
from tests.receiver import Receiver, jobs_of

SECRET = "your_webhook_secret"


async def listen(door: Door, who: Person, receiver: Receiver, *events: str, path: str = "/all") -> int:
    """The id of a webhook for these events."""
    given = {"url": receiver.url(path), "events": list(events), "secret": SECRET}
    webhook: int = (await door.create(who, "webhook", **given)).done()["id"]
    return webhook


async def test_every_change_is_told_once_and_in_order(
    door: Door, admin: Person, agent: Person, receiver: Receiver, worker: Worker
) -> None:
    await listen(door, admin, receiver, "*")
    place = (await door.create(admin, "organization", name="Acme", domain="acme.test")).done()
    filed = (await door.create(admin, "category", name="Billing")).done()
    ticket = await opened(door, agent, tags=["a"])
    path = ticket["id"]
    await door.change_ticket(agent, path, priority="urgent", assigned_to=agent.id, category_id=filed["id"])
    await door.change_ticket(agent, path, priority="urgent")  # nothing changes
    await door.watch(agent, path, admin.id)
    reply = (await door.reply(agent, path, content="*Hi*", update_status="pending")).done()
    await door.delete_ticket(admin, path)
    await worker.drain()
    told = [hit.told for hit in receiver.hits]
    assert len({hit.id for hit in receiver.hits}) == len(told) == 8
    of_others, of_ticket = (
        [each for each in told if ("ticket" in each["data"]) is is_one] for is_one in (False, True)
    )
    assert {each["type"] for each in of_others} == {
        "organization.created",
        "category.created",
        "user.created",
    }
    created, updated, replied, moved, deleted = of_ticket
    assert [each["type"] for each in of_ticket] == [
        "ticket.created",
        "ticket.updated",
        "reply.created",
        "ticket.updated",
        "ticket.deleted",
    ]
    who = {"id": agent.id, "name": agent.user.name, "type": "agent"}
    requester = ticket["requester"]
    assert created["data"]["actor"] == who
    assert created["timestamp"] == created["data"]["ticket"]["created_at"]
    of_created = created["data"]["ticket"]
    assert of_created == {
        "id": path,
        "subject": "Cannot log in",
        "content": "I keep getting an *error*",
        "status": "open",
        "priority": "medium",
        "category": None,
        "requester": {name: requester[name] for name in ("id", "name", "email")},
        "assigned_to": None,
        "tags": ["a"],
        "metadata": {},
        "reply_count": 0,
        "version": 1,
        "created_at": of_created["created_at"],
        "updated_at": of_created["created_at"],
        "first_response_at": None,
        "resolved_at": None,
    }
    assert updated["data"]["changes"] == {
        "priority": {"from": "medium", "to": "urgent"},
        "category_id": {"from": None, "to": filed["id"]},
        "assigned_to": {"from": None, "to": agent.id},
    }
    assert updated["data"]["ticket"]["assigned_to"] == {"id": agent.id, "name": agent.user.name}
    assert updated["data"]["ticket"]["category"] == {"id": filed["id"], "name": "Billing"}
    assert replied["data"]["reply"] == {
        "id": reply["id"],
        "ticket_id": path,
        "content": "*Hi*",
        "content_html": "<p><em>Hi</em></p>",
        "is_internal": False,
        "author": who,
        "created_at": replied["timestamp"],
    }
    assert moved["data"]["changes"] == {"status": {"from": "open", "to": "pending"}}
    assert moved["data"]["ticket"]["version"] == deleted["data"]["ticket"]["version"]
    assert deleted["data"]["actor"]["id"] == admin.id
    by_type = {each["type"]: each["data"] for each in of_others}
    assert by_type["organization.created"]["organization"]["id"] == place["id"]
    assert by_type["user.created"]["user"]["organization"] == {"id": place["id"], "name": "Acme"}


async def test_only_what_is_listened_for_is_told(
    door: Door, admin: Person, stranger: Person, receiver: Receiver, worker: Worker, helpdesk: Helpdesk
) -> None:
    await opened(door, admin)
    assert await jobs_of(helpdesk.db, "webhook") == []
    await listen(door, admin, receiver, "ticket.*", path="/tickets")
    await listen(door, admin, receiver, "reply.created", "ticket.created", path="/two")
    await listen(door, stranger, receiver, "*", path="/stranger")
    off = await listen(door, admin, receiver, "*", path="/off")
    await door.change(admin, "webhook", off, is_active=False)
    ticket = await opened(door, admin)
    await door.reply(admin, ticket["id"], content="x", update_status="resolved")
    await worker.drain()
    told = {path: [hit.told["type"] for hit in receiver.at(path)] for path in ("/tickets", "/two")}
    assert told == {
        "/tickets": ["ticket.created", "ticket.updated"],
        "/two": ["ticket.created", "reply.created"],
    }
    assert receiver.at("/stranger") == receiver.at("/off") == []


async def test_a_note_says_that_it_is_internal(
    door: Door, admin: Person, agent: Person, receiver: Receiver, worker: Worker
) -> None:
    await listen(door, admin, receiver, "reply.created")
    ticket = await opened(door, agent)
    await door.reply(agent, ticket["id"], content="secret", is_internal=True)
    await worker.drain()
    [hit] = receiver.hits
    assert hit.told["data"]["reply"]["is_internal"] is True


async def test_a_file_is_told_of_in_the_order_of_its_ticket(
    door: Door, admin: Person, agent: Person, receiver: Receiver, worker: Worker, unchanged: Unchanged
) -> None:
    """That of a note says so; one that is refused is not told of."""
    await listen(door, admin, receiver, "attachment.created", "reply.created", "ticket.*")
    ticket = await opened(door, agent)
    note = (await door.reply(agent, ticket["id"], content="n", is_internal=True)).done()
    loose = (await door.attach(agent, ticket["id"], "../a.txt", b"abc")).done()
    secret = (await door.attach(agent, ticket["id"], "b", b"", reply_id=note["id"])).done()
    async with unchanged():
        assert not (await door.attach(agent, ticket["id"], "c", b"c", reply_id=10**9)).ok
    await worker.drain()
    created, replied, first, second = (hit.told for hit in receiver.hits)
    assert [created["type"], replied["type"]] == ["ticket.created", "reply.created"]
    assert first["type"] == second["type"] == "attachment.created"
    about = {
        "id": ticket["id"],
        "subject": ticket["subject"],
        "requester": {name: ticket["requester"][name] for name in ("id", "name", "email")},
    }
    who = {"id": agent.id, "name": agent.user.name, "type": "agent"}
    for told, file in ((first, loose), (second, secret)):
        assert told["timestamp"] == file["created_at"]
        assert told["data"] == {
            "attachment": file | {"uploaded_by": who},
            "ticket": about,
            "actor": who,
        }
    assert (first["data"]["attachment"]["is_internal"], second["data"]["attachment"]["is_internal"]) == (
        False,
        True,
    )


async def test_what_is_refused_is_not_told(
    door: Door, admin: Person, receiver: Receiver, helpdesk: Helpdesk
) -> None:
    await listen(door, admin, receiver, "*")
    ticket = await opened(door, admin)
    told = await jobs_of(helpdesk.db, "webhook")
    assert not (await door.change_ticket(admin, ticket["id"], priority="high", category_id=999)).ok
    assert not (await door.reply(admin, ticket["id"], content="")).ok
    assert not (await door.create(admin, "user", name="x", email=admin.user.email)).ok
    assert await jobs_of(helpdesk.db, "webhook") == told


@pytest.mark.parametrize("count", [1, 15])
async def test_tickets_that_lose_their_category_are_told_of(
    count: int, door: Door, admin: Person, receiver: Receiver, worker: Worker
) -> None:
    filed = (await door.create(admin, "category", name="Billing")).done()["id"]
    opened_ = [(await opened(door, admin, category_id=filed))["id"] for _ in range(count)]
    await listen(door, admin, receiver, "ticket.updated")
    await door.delete(admin, "category", filed)
    await worker.drain()
    changes = {"category_id": {"from": filed, "to": None}}
    told = {hit.told["data"]["ticket"]["id"]: hit.told["data"]["changes"] for hit in receiver.hits}
    assert told == dict.fromkeys(opened_, changes)


def test_every_event_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
    assert set(re.findall(r"^\| `([a-z]+\.[a-z]+)` \|", text, re.MULTILINE)) == {*events.TYPES, events.TEST}

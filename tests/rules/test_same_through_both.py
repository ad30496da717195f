"""Everything there is, read through both doors by each role: the same things, with the same values."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeAlias

import pytest

from gateway.worker import Worker
from tests.conftest import Person
from tests.doors import GraphqlDoor, RestDoor, Row, opened
from tests.receiver import Receiver

People: TypeAlias = dict[str, Person]
Read: TypeAlias = tuple[str, tuple[Any, ...], Row]
"""What is asked of a door: its method, and the arguments after who asks."""

SEARCHES: tuple[Row, ...] = (
    {},
    {"sort": "priority", "order": "asc"},
    {"search": "fails"},
    {"search": "lie"},
    {"assigned_to": "me"},
)
WINDOWS: tuple[Row, ...] = (
    {},
    {"from_date": "2026-03-02", "to_date": "2026-03-02"},
    {"to_date": "2026-03-01"},
)
ONLY_IN_REST = {"ticket": ("has_more_replies",), "rating": ("id", "ticket_id")}
"""The graph says it another way (pageInfo), or has no need to (a rating is its ticket's)."""
STAFF = Counter(
    list=3, one=6, tickets=5, ticket=2, rating=1, replies=4, attachment=3, overview=3, agent_stats=3
)
ANSWERED = {
    "admin": STAFF + Counter(list=2, one=4, deliveries=1),
    "agent": STAFF,
    "customer": Counter(list=1, one=5, tickets=5, ticket=1, rating=1, replies=2, attachment=2),
}
"""How many of the reads are answered; the rest are refused, by both doors alike."""


@pytest.fixture
def people(admin: Person, agent: Person, customer: Person) -> People:
    """Somebody of each role."""
    return {"admin": admin, "agent": agent, "customer": customer}


@pytest.fixture
async def filled(rest: RestDoor, people: People, receiver: Receiver, worker: Worker) -> Row:
    """A helpdesk where everything has happened once; ids by noun."""
    admin, agent, customer = people.values()
    hook = await rest.create(admin, "webhook", url=receiver.url("/"), events=["*"])
    place = await rest.create(
        admin, "organization", name="Ácme", domain="acme.test", notes="n", metadata={"a": [1.5]}
    )
    above = await rest.create(admin, "category", name="Accounts", color="#fff", description="All of them")
    below = await rest.create(admin, "category", name="Sign-in", parent_id=above.done()["id"])
    about: Row = {"category_id": below.done()["id"], "tags": ["a", "ü"], "metadata": {"k": None}}
    ticket = await opened(
        rest, customer, content="*It* fails <b>", requester_email=customer.user.email, **about
    )
    id_ = ticket["id"]
    file = await rest.attach(customer, id_, "é .png", b"\x89PNG\r\n\x1a\nno more")
    await rest.attach(customer, id_, "empty", b"")
    note = await rest.reply(agent, id_, content="They *lie*", is_internal=True)
    await rest.attach(agent, id_, "secret.txt", b"secret", reply_id=note.done()["id"])
    await rest.reply(agent, id_, content="Try again", update_status="pending", notify_requester=False)
    await rest.reply(customer, id_, content="It works", attachment_ids=[file.done()["id"]])
    await rest.watch(agent, id_, admin.id)
    for changes in (
        {"assigned_to": agent.id},
        {"assigned_to": admin.id},
        {"priority": "urgent"},
        {"subject": "New"},
    ):
        (await rest.change_ticket(agent, id_, **changes)).done()
    (await rest.change_ticket(agent, id_, status="resolved", content="now _this_", tags=[])).done()
    (await rest.rate(customer, id_, rating=4, comment="quick")).done()
    other = await opened(rest, admin)
    await rest.unwatch(agent, id_, admin.id)
    await worker.drain()
    return {
        "ticket": [id_, other["id"]],
        "organization": [place.done()["id"]],
        "category": [above.done()["id"], below.done()["id"]],
        "user": [each.id for each in people.values()],
        "webhook": [hook.done()["id"]],
        "api_key": (await rest.list(admin, "api_key")).ids,
        "attachment": [each["id"] for each in (await rest.ticket(agent, id_)).done()["attachments"]],
    }


def reads(ids: Row) -> Iterator[Read]:
    """Every way to read something, of everything there is."""
    for noun in ("user", "organization", "category", "webhook", "api_key"):
        yield "list", (noun,), {"per_page": 100}
        yield from (("one", (noun, id_), {}) for id_ in ids[noun])
    for asked in SEARCHES:
        yield "tickets", (), asked
    for id_ in ids["ticket"]:
        yield from (("ticket", (id_,), {}), ("rating", (id_,), {}), ("replies", (id_,), {}))
        yield "replies", (id_,), {"include_internal": False}
    yield from (("attachment", (id_,), {}) for id_ in ids["attachment"])
    yield from (("deliveries", (id_,), {"per_page": 100}) for id_ in ids["webhook"])
    for window in WINDOWS:
        yield from (("overview", (), window), ("agent_stats", (), window))


@pytest.mark.parametrize("role", ["admin", "agent", "customer"])
async def test_both_doors_give_the_same_data(
    role: str, rest: RestDoor, graph: GraphqlDoor, people: People, filled: Row
) -> None:
    answered = Counter[str]()
    for name, arguments, asked in reads(filled):
        one, other = [await getattr(door, name)(people[role], *arguments, **asked) for door in (rest, graph)]
        for said in ONLY_IN_REST.get(name, ()) if one.ok else ():
            del one.data[said]
        assert (one.code, one.data) == (other.code, other.data), (name, arguments, asked)
        assert other.total in (one.total, None)
        answered[name] += one.ok
    assert answered == ANSWERED[role]

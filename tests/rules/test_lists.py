"""Lists: filtered, sorted, paged (D18, D20), at both doors; what the graph adds to filters."""

from typing import Any

import pytest

from tests.conftest import Joins, Person
from tests.doors import Door, GraphqlDoor, RestDoor, opened

PRIORITIES = ("low", "urgent", "medium", "high", "urgent", "low")


async def made(door: Door, agent: Person, number: int = 6) -> list[int]:
    """Ids of tickets with priorities in a jumble, oldest first."""
    return [(await opened(door, agent, priority=each))["id"] for each in PRIORITIES[:number]]


async def test_come_newest_first_in_pages_with_their_total(door: Door, agent: Person) -> None:
    ids = await made(door, agent)
    whole = await door.tickets(agent)
    assert (whole.ids, whole.total) == (ids[::-1], 6)
    seen = [await door.tickets(agent, page=page, per_page=4) for page in (1, 2, 3)]
    assert [each.ids for each in seen] == [ids[:1:-1], ids[1::-1], []]
    assert {each.total for each in seen} == {6}
    assert (await door.tickets(agent, per_page=100)).ids == ids[::-1]


async def test_are_sorted_with_ties_broken_by_id(door: Door, agent: Person) -> None:
    ids = await made(door, agent)
    low, urgent, medium, high, urgent_too, low_too = ids
    by_rank = [low, low_too, medium, high, urgent, urgent_too]
    await door.change_ticket(agent, medium, status="pending")
    by_change = [low, urgent, high, urgent_too, low_too, medium]
    for sort, expected in (("created_at", ids), ("priority", by_rank), ("updated_at", by_change)):
        assert (await door.tickets(agent, sort=sort, order="asc")).ids == expected
        assert (await door.tickets(agent, sort=sort, order="desc")).ids == expected[::-1]
        assert (await door.tickets(agent, sort=sort)).ids == expected[::-1]
        pages = [await door.tickets(agent, sort=sort, page=page, per_page=2) for page in (1, 2, 3)]
        assert [id_ for each in pages for id_ in each.ids] == expected[::-1]
    assert (await door.tickets(agent, order="asc")).ids == ids


async def test_are_narrowed_by_every_documented_filter_and_all_of_them_together(
    door: Door, agent: Person, admin: Person
) -> None:
    category = (await door.create(agent, "category", name="Account")).done()["id"]
    plain = await opened(door, agent, subject="Plain")
    mine = await opened(door, agent, assigned_to=agent.id, category_id=category, priority="high")
    theirs = await opened(door, agent, assigned_to=admin.id, priority="high", subject="Printer")
    await door.change_ticket(agent, theirs["id"], status="pending")
    both, everything = [theirs["id"], mine["id"]], [theirs["id"], mine["id"], plain["id"]]
    filters: list[tuple[dict[str, Any], list[int]]] = [
        ({"status": "open"}, [mine["id"], plain["id"]]),
        ({"status": "closed"}, []),
        ({"priority": "high"}, both),
        ({"assigned_to": agent.id}, [mine["id"]]),
        ({"assigned_to": "me"}, [mine["id"]]),
        ({"assigned_to": "none"}, [plain["id"]]),
        ({"assigned_to": 999_999}, []),
        ({"category_id": category}, [mine["id"]]),
        ({"category_id": 999_999}, []),
        ({"search": "printer"}, [theirs["id"]]),
        ({"priority": "high", "status": "open", "assigned_to": "me", "category_id": category}, [mine["id"]]),
        ({"priority": "high", "status": "open", "assigned_to": admin.id}, []),
        ({}, everything),
    ]
    for asked, expected in filters:
        found = await door.tickets(agent, **asked)
        assert (found.ids, found.total) == (expected, len(expected)), asked


async def test_refuse_what_cannot_be_asked(door: Door, rest: RestDoor, agent: Person) -> None:
    for name, bad in (("status", "new"), ("priority", "asap"), ("sort", "subject"), ("order", "up")):
        refused = await door.tickets(agent, **{name: bad})
        assert refused.code == "VALIDATION_ERROR"
        assert door.name == "graphql" or refused.wrong[name].startswith("must be one of: ")
    for size in (101, -1, 2**31 - 1):
        refused = await door.tickets(agent, per_page=size)
        assert (refused.code, set(refused.wrong)) == ("VALIDATION_ERROR", {"per_page"})
    for listed in (rest.tickets(agent, page=0, per_page=101), rest.list(agent, "user", page=0, per_page=101)):
        assert (await listed).wrong == {
            "page": "must be between 1 and 10000000",
            "per_page": "must be between 1 and 100",
        }
    for page in (0, -1, "x", "1.5", 10**23, 10_000_001):
        for noun in ("category", "organization", "user"):
            assert set((await rest.list(agent, noun, page=page)).wrong) == {"page"}
        assert set((await rest.tickets(agent, page=page)).wrong) == {"page"}
    refused = await rest.tickets(agent, per_page=0, assigned_to="you", category_id="x", status="new")
    assert set(refused.wrong) == {"per_page", "assigned_to", "category_id", "status"}


@pytest.mark.parametrize("noun", ["user", "organization", "category"])
async def test_of_the_other_nouns_come_oldest_first_in_pages(door: Door, agent: Person, noun: str) -> None:
    ids = [agent.id] if noun == "user" else []
    for number in range(4):
        given = {"name": f"N{number}"} | ({"email": f"n{number}@acme.test"} if noun == "user" else {})
        ids.append((await door.create(agent, noun, **given)).done()["id"])
    whole = await door.list(agent, noun)
    assert (whole.ids, whole.total) == (ids, len(ids))
    for row in whole.data:
        assert (await door.one(agent, noun, row["id"])).data == row
    second = await door.list(agent, noun, page=2, per_page=3)
    assert (second.ids, second.total) == (ids[3:], len(ids))


async def test_of_users_are_narrowed_by_type_organization_and_search(
    door: Door, admin: Person, join: Joins
) -> None:
    acme = (await door.create(admin, "organization", name="Acme")).done()["id"]
    ada = (
        await door.create(admin, "user", name="Ada Lovelace", email="ada@x.test", organization_id=acme)
    ).done()
    bob = await join("agent", email="bob@acme.test")
    for asked, expected in (
        ({"type": "admin"}, [admin.id]),
        ({"type": "agent"}, [bob.id]),
        ({"organization_id": acme}, [ada["id"]]),
        ({"organization_id": 999_999}, []),
        ({"search": "LOVE"}, [ada["id"]]),
        ({"search": "bob"}, [bob.id]),
        ({"search": "x.test"}, [ada["id"]]),
        ({"search": "lovelace", "type": "agent"}, []),
        ({"search": " "}, [admin.id, ada["id"], bob.id]),
    ):
        found = await door.list(admin, "user", **asked)
        assert (found.ids, found.total) == (expected, len(expected)), asked
    assert (await door.list(admin, "user", type="robot")).code == "VALIDATION_ERROR"


class TestTicketFilter:
    """What only the graph can ask."""

    async def ids(self, graph: GraphqlDoor, who: Person, filter_: Any) -> list[int]:
        asked = "query($f: TicketFilter) { tickets(filter: $f) { totalCount nodes { databaseId } } }"
        found = (await graph.ask(who, asked, f=filter_))["data"]["tickets"]
        assert found["totalCount"] == len(found["nodes"])
        return sorted(node["databaseId"] for node in found["nodes"])

    async def test_combines(self, graph: GraphqlDoor, agent: Person) -> None:
        first = (await opened(graph, agent, tags=["a", "b"], priority="low"))["id"]
        second = (await opened(graph, agent, tags=["b"], assigned_to=agent.id))["id"]
        third = await opened(graph, agent, requester_email="eve@acme.test", priority="high")
        await graph.change_ticket(agent, second, status="closed")
        everything = [first, second, third["id"]]
        eve = f"usr_{third['requester']['id']}"
        filters: list[tuple[Any, list[int]]] = [
            (None, everything),
            ({}, everything),
            ({"status": None, "search": " "}, everything),
            ({"status": ["OPEN", "CLOSED"]}, everything),
            ({"status": []}, []),
            ({"or": []}, []),
            ({"and": []}, everything),
            ({"tags": {"any": ["a", "x"]}}, [first]),
            ({"tags": {"all": ["a", "b"]}}, [first]),
            ({"tags": {"all": ["b"], "any": ["b"]}}, [first, second]),
            ({"tags": {"any": []}}, []),
            ({"requester": [eve]}, [third["id"]]),
            ({"requester": ["usr_0", "tkt_1", "nonsense"]}, []),
            ({"assignedTo": {"me": True, "none": True}}, everything),
            ({"assignedTo": {"ids": [str(agent.id)]}}, [second]),
            ({"assignedTo": {"me": False}}, []),
            ({"or": [{"priority": ["LOW"]}, {"requester": [eve]}]}, [first, third["id"]]),
            ({"not": {"priority": ["LOW"]}}, [second, third["id"]]),
            ({"not": {"assignedTo": {"none": True}}}, [second]),
            ({"not": {"assignedTo": {"me": True}}}, [first, third["id"]]),
            ({"not": {"category": ["cat_1"]}}, everything),
            ({"not": {}}, []),
            ({"and": [{"tags": {"any": ["b"]}}, {"not": {"status": ["OPEN"]}}]}, [second]),
            ({"status": ["OPEN"], "or": [{"tags": {"any": ["b"]}}]}, [first]),
            ({"createdAt": {"gte": third["created_at"]}}, [third["id"]]),
            ({"createdAt": {"lt": third["created_at"]}}, [first, second]),
            ({"updatedAt": {"gte": third["created_at"]}}, [second, third["id"]]),
            ({"createdAt": {"gte": "2026-03-02T10:00:00+01:00", "lt": "2026-03-02T09:00:00Z"}}, []),
        ]
        for filter_, expected in filters:
            assert await self.ids(graph, agent, filter_) == expected, filter_

    async def test_has_limits(self, graph: GraphqlDoor, agent: Person) -> None:
        asked = "query($f: TicketFilter) { tickets(filter: $f) { nodes { id } } workspace { name } }"
        deep: Any = {"not": {"or": [{"status": ["OPEN"]}]}}
        assert "errors" not in await graph.ask(agent, asked, f=deep)
        too_much: list[Any] = [
            {"and": [deep]},
            {"not": {"not": {"not": {}}}},
            {"requester": ["1"] * 101},
            {"tags": {"any": ["x"] * 101}},
            {"tags": {"all": ["x"] * 101}},
            {"or": [{}] * 101},
            {"assignedTo": {"ids": ["1"] * 101}},
            {"search": "x" * 501},
        ]
        for filter_ in too_much:
            body = await graph.ask(agent, asked, f=filter_)
            [error] = body["errors"]
            assert error["extensions"]["code"] == "VALIDATION_ERROR"
            assert body["data"] == {"tickets": None, "workspace": {"name": "default"}}
        for moment in ("yesterday", "2026-03-02", "2026-03-02T09:00:00", 5, "0001-01-01T00:00:00+14:00"):
            body = await graph.ask(agent, asked, f={"createdAt": {"gte": moment}})
            assert body["errors"][0]["extensions"]["code"] == "VALIDATION_ERROR"

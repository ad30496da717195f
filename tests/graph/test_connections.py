"""Connections: walked from either end, in any order, whatever happens meanwhile (Relay cursor connections)."""

import base64
import json
from typing import Any

import pytest

from tests.conftest import Clock, Person, Sql
from tests.doors import NEW_TICKET, GraphqlDoor, Row, opened

PAGE = (
    "{ edges { cursor node { databaseId } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } }"
)
ARGUMENTS = "$first: Int, $after: String, $last: Int, $before: String, $orderBy: TicketOrder"
PASSED = "first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy"
TICKETS = f"query({ARGUMENTS}) {{ list: tickets({PASSED}) {PAGE} }}"
ORDERS = [
    {"field": field, "direction": direction}
    for field in ("CREATED_AT", "UPDATED_AT", "PRIORITY")
    for direction in ("ASC", "DESC")
]
PRIORITIES = ("low", "urgent", "low", "high", "low", "urgent", "medium")


async def page(graph: GraphqlDoor, who: Person, **asked: Any) -> Row:
    """One page of the tickets."""
    body = await graph.ask(who, TICKETS, **asked)
    assert "errors" not in body, body
    found: Row = body["data"]["list"]
    return found


def ids(found: Row) -> list[int]:
    return [edge["node"]["databaseId"] for edge in found["edges"]]


@pytest.fixture
async def tickets(graph: GraphqlDoor, clock: Clock, agent: Person) -> list[int]:
    """Ids of tickets opened in one instant, with few priorities: nothing but ties."""
    moment, found = clock.moment, []
    for priority in PRIORITIES:
        clock.moment = moment
        found.append((await opened(graph, agent, priority=priority))["id"])
    return found


async def test_a_walk_from_either_end_meets_everything_once(
    graph: GraphqlDoor, agent: Person, tickets: list[int]
) -> None:
    for order in ORDERS:
        whole = ids(await page(graph, agent, first=100, orderBy=order))
        assert sorted(whole) == tickets
        for size in (1, 3, len(tickets)):
            assert await _forward(graph, agent, size, order) == whole
            assert await _backward(graph, agent, size, order) == whole
    assert ids(await page(graph, agent)) == tickets[::-1]  # the newest first, ties by id
    ranks = ids(await page(graph, agent, orderBy={"field": "PRIORITY"}))
    by_rank = [tickets[place] for place in (5, 1, 3, 6, 4, 2, 0)]
    assert ranks == by_rank


async def _forward(graph: GraphqlDoor, agent: Person, size: int, order: Row) -> list[int]:
    seen: list[int] = []
    after = None
    while True:
        found = await page(graph, agent, first=size, after=after, orderBy=order)
        info = found["pageInfo"]
        assert info["hasPreviousPage"] is (after is not None)
        assert (info["startCursor"], info["endCursor"]) == (
            found["edges"][0]["cursor"],
            found["edges"][-1]["cursor"],
        )
        seen += ids(found)
        if not info["hasNextPage"]:
            return seen
        after = info["endCursor"]


async def _backward(graph: GraphqlDoor, agent: Person, size: int, order: Row) -> list[int]:
    seen: list[int] = []
    before = None
    while True:
        found = await page(graph, agent, last=size, before=before, orderBy=order)
        assert found["pageInfo"]["hasNextPage"] is (before is not None)
        seen = ids(found) + seen
        if not found["pageInfo"]["hasPreviousPage"]:
            return seen
        before = found["pageInfo"]["startCursor"]


async def test_after_and_before_together_are_what_lies_between(
    graph: GraphqlDoor, agent: Person, tickets: list[int]
) -> None:
    order = {"field": "PRIORITY", "direction": "ASC"}
    whole = await page(graph, agent, orderBy=order)
    cursors = [edge["cursor"] for edge in whole["edges"]]
    between: Row = {"after": cursors[1], "before": cursors[5], "orderBy": order}
    assert ids(await page(graph, agent, **between)) == ids(whole)[2:5]
    assert ids(await page(graph, agent, first=2, **between)) == ids(whole)[2:4]
    assert ids(await page(graph, agent, last=2, **between)) == ids(whole)[3:5]
    nothing = await page(graph, agent, after=cursors[5], before=cursors[1], orderBy=order)
    assert (nothing["edges"], nothing["pageInfo"]["startCursor"]) == ([], None)


async def test_a_cursor_outlives_its_row_and_new_rows_move_no_page(
    graph: GraphqlDoor, agent: Person, tickets: list[int]
) -> None:
    newest_first = tickets[::-1]
    first = await page(graph, agent, first=3)
    for gone in (newest_first[2], newest_first[3]):
        await graph.delete_ticket(agent, gone)
    await opened(graph, agent)
    after = await page(graph, agent, first=3, after=first["pageInfo"]["endCursor"])
    assert ids(after) == newest_first[4:7]
    assert after["pageInfo"]["hasNextPage"] is False


async def test_the_size_of_a_page_has_rules(graph: GraphqlDoor, agent: Person, tickets: list[int]) -> None:
    for number in range(20 - len(tickets) + 1):
        await opened(graph, agent, subject=str(number))
    assert len(ids(await page(graph, agent))) == 20
    assert len(ids(await page(graph, agent, first=100))) == 21
    empty = await page(graph, agent, first=0)
    assert (empty["edges"], empty["pageInfo"]["hasNextPage"]) == ([], True)
    size = "must be between 0 and 100"
    refusals: list[tuple[Row, Row]] = [
        ({"first": 101}, {"first": size}),
        ({"first": -1}, {"first": size}),
        ({"last": 101}, {"last": size}),
        ({"first": 1, "last": 1}, {"last": "must not be given together with first"}),
        ({"first": 101, "after": "x"}, {"first": size, "after": BAD_CURSOR}),
    ]
    for asked, wrong in refusals:
        await _refuses(graph, agent, asked, wrong)


BAD_CURSOR = "must be a cursor that this list gave in this order"


async def _refuses(graph: GraphqlDoor, agent: Person, asked: Row, wrong: Row) -> None:
    body = await graph.ask(agent, TICKETS.replace("{ list", "{ viewer { id } list"), **asked)
    [error] = body["errors"]
    details = {name: [f"This field {text}"] for name, text in wrong.items()}
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "details": details}
    assert body["data"] == {"viewer": {"id": f"usr_{agent.id}"}, "list": None}


def _packed(*parts: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).rstrip(b"=").decode()


async def test_only_a_cursor_of_this_order_is_taken(
    graph: GraphqlDoor, agent: Person, tickets: list[int]
) -> None:
    own = (await page(graph, agent))["pageInfo"]["endCursor"]
    made_up = [
        own[:-4], own[4:], own + "AAAA", own.swapcase(), "x", "", "=", "💥", "bnVsbA", "MQ", "W10", "e30", " " + own,
        _packed("created_at-", 1), _packed("created_at-", "1", 1), _packed("created_at-", 1.5, 1), _packed("id+", 1),
        _packed("created_at-", True, 1), _packed("created_at-", None, 1), _packed("created_at-", 2**62, 1),
        _packed("created_at-", 1, 2**70), _packed("created_at-", -(2**62), 1), _packed("priority-", 1, 1),
        _packed("created_at+", 1, 1), _packed("created_at-", [[[]]], 1), _packed(*range(1000)), "A" * 10_000,
    ]  # fmt: skip
    for bad in made_up:
        for side in ("after", "before"):
            await _refuses(graph, agent, {side: bad}, {side: BAD_CURSOR})
    for order in ORDERS[:1] + ORDERS[2:]:
        await _refuses(graph, agent, {"after": own, "orderBy": order}, {"after": BAD_CURSOR})
    # another list's cursor in the same kind of order says where to go on as well as any
    assert ids(await page(graph, agent, after=_packed("created_at-", 1, 1))) == []
    assert ids(await page(graph, agent, before=_packed("created_at-", 1, 1))) == tickets[::-1]
    year_1, year_9999 = -62_135_596_800_000_000, 253_402_300_799_999_999
    assert ids(await page(graph, agent, after=_packed("created_at-", year_1, 1))) == []
    assert (
        ids(await page(graph, agent, after=_packed("created_at-", year_9999, -(2**63 - 1)))) == tickets[::-1]
    )


async def test_a_page_under_another_noun_is_the_page_of_the_root(
    graph: GraphqlDoor, agent: Person, clock: Clock
) -> None:
    acme = (await graph.create(agent, "organization", name="Acme", domain="acme.test")).done()["id"]
    category = (await graph.create(agent, "category", name="A")).done()["id"]
    moment = clock.moment
    for number, priority in enumerate(PRIORITIES * 2):
        clock.moment = moment
        given: Row = {"priority": priority, "category_id": category if number % 2 else None}
        await graph.open_ticket(
            agent, **(NEW_TICKET | given | {"requester_email": f"p{number % 3}@acme.test"})
        )
    ada = (await graph.tickets(agent, per_page=1)).done()[0]["requester"]["id"]
    everything = "{ totalCount " + PAGE.removeprefix("{")
    filters = {"organization": acme, "category": category, "requester": ada}
    nouns = {"organization": "organization", "category": "category", "requester": "user"}
    for name, id_ in filters.items():
        asked = f"""query({ARGUMENTS}, $id: ID!) {{
            root: tickets(filter: {{{name}: [$id], priority: [LOW, URGENT]}}, {PASSED}) {everything}
            {nouns[name]}(id: $id) {{ tickets(filter: {{priority: [LOW, URGENT]}}, {PASSED}) {everything} }}
        }}"""
        for order in ORDERS:
            for size in ({"first": 2}, {"last": 2}):
                slice_: Row = {"orderBy": order, **size}
                for _ in range(3):
                    data = (await graph.ask(agent, asked, id=str(id_), **slice_))["data"]
                    assert data[nouns[name]]["tickets"] == data["root"]
                    info = data["root"]["pageInfo"]
                    turn = (
                        {"after": info["endCursor"]} if "first" in size else {"before": info["startCursor"]}
                    )
                    slice_ |= turn if data["root"]["edges"] else {}


async def test_replies_and_the_log_are_walked_too(graph: GraphqlDoor, agent: Person, clock: Clock) -> None:
    ticket = await opened(graph, agent)
    for number in range(5):
        await graph.reply(agent, ticket["id"], content=str(number), is_internal=number == 2)
        await graph.change_ticket(agent, ticket["id"], subject=str(number))
    for name in ("replies", "activity", "replies(includeInternal: false)"):
        field = name[:-1] + ", " if name.endswith(")") else f"{name}("
        asked = f"""query($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {{ ticket(id: $id) {{
            list: {field}first: $first, after: $after, last: $last, before: $before)
            {{ totalCount nodes {{ id }} pageInfo {{ startCursor endCursor hasNextPage hasPreviousPage }} }} }} }}"""

        async def turned(asked: str = asked, **slice_: Any) -> Row:
            body = await graph.ask(agent, asked, id=str(ticket["id"]), **slice_)
            found: Row = body["data"]["ticket"]["list"]
            return found

        whole = await turned(first=100)
        nodes = [node["id"] for node in whole["nodes"]]
        assert whole["totalCount"] == len(nodes)
        first = await turned(first=2)
        second = await turned(first=100, after=first["pageInfo"]["endCursor"])
        assert [node["id"] for node in first["nodes"] + second["nodes"]] == nodes
        last = await turned(last=2)
        rest = await turned(last=100, before=last["pageInfo"]["startCursor"])
        assert [node["id"] for node in rest["nodes"] + last["nodes"]] == nodes
        assert (last["pageInfo"]["hasPreviousPage"], rest["pageInfo"]["hasPreviousPage"]) == (True, False)


async def test_the_total_is_counted_only_when_asked_for(graph: GraphqlDoor, agent: Person, sql: Sql) -> None:
    for _ in range(2):
        ticket = (await opened(graph, agent))["id"]
        assert (await graph.reply(agent, ticket, content="An answer")).ok
    asked = "{ tickets(first: %d) { %s nodes { id replies(first: %d) { %s nodes { id } } } } }"
    for tickets, replies, counted in (
        (1, 0, [2, 3 if sql.joins else 4, 2]),
        (2, 1, [2, 2, 2]),
    ):  # a whole list is not counted again
        counts = []
        for extra in ("", "totalCount", "totalCount @skip(if: true)"):
            sql.clear()
            await graph.ask(agent, asked % (tickets, extra, replies, extra))
            counts.append(len(sql))
        assert counts == counted

"""How many statements a question costs: the same for one row and for fifteen, at both doors."""

from typing import Any

import httpx

from tests.conftest import Person, Sql
from tests.doors import GraphqlDoor, Row
from tests.graph.operations import operation

ONE_BY_ONE = {"inbox": 3, "organization": 8, "ticket": 5, "workspace": 5}
JOINT = {"inbox": 2, "organization": 3, "ticket": 1, "workspace": 3}
"""Where what one level needs of several tables is one statement, too, and what leads on from one row by its id."""


async def add_tickets(graph: GraphqlDoor, agent: Person, places: Row, first: int, last: int) -> None:
    """Tickets with everything a ticket can lead to: people, an organization, a category, replies, watchers."""
    for number in range(first, last):
        ticket = await graph.create(
            agent,
            "ticket",
            subject=f"Number {number}",
            content="x",
            requester_email=f"person{number}@acme.test",
            category_id=places["category"],
            assigned_to=agent.id,
            tags=["a"],
        )
        id_ = ticket.done()["id"]
        assert (await graph.reply(agent, id_, content="An answer")).ok
        assert (await graph.reply(agent, id_, content="A note", is_internal=True)).ok
        assert (await graph.watch(agent, id_, agent.id)).ok


async def places(graph: GraphqlDoor, agent: Person) -> Row:
    """An organization and a category."""
    acme = (await graph.create(agent, "organization", name="Acme", domain="acme.test")).done()
    top = (await graph.create(agent, "category", name="Top")).done()
    below = (await graph.create(agent, "category", name="Below", parent_id=top["id"])).done()
    return {"organization": acme["id"], "category": below["id"]}


async def test_the_operations_of_the_frontend(graph: GraphqlDoor, agent: Person, sql: Sql) -> None:
    found = await places(graph, agent)
    variables: dict[str, Row] = {"ticket": {"id": "1"}, "organization": {"id": str(found["organization"])}}
    counts = []
    for first, last in ((0, 1), (1, 22), (22, 44)):
        await add_tickets(graph, agent, found, first, last)
        counted = {}
        for name in ONE_BY_ONE:
            await graph.ask(agent, "{ viewer { id } }")  # whoever was not seen for a while is looked up again
            sql.clear()
            body = await graph.ask(agent, operation(name), **variables.get(name, {}))
            assert "errors" not in body
            counted[name] = len(sql)
        counts.append(counted)
    few, more, most = counts
    expected = JOINT if sql.joins else ONE_BY_ONE
    assert more == most == expected
    assert all(few[name] <= expected[name] for name in expected)  # a whole list need not be counted


EVERY_EDGE = """query($org: ID!) {
    organizations(first: 2) { totalCount nodes { id users(first: 15) { totalCount nodes { id organization { id }
        ticketCount tickets(first: 2) { totalCount nodes { id organization { id } } } } } } }
    tickets(first: 15) { totalCount nodes { id organization { id } watchers { id tickets(first: 1) { totalCount } }
        category { id parent { id tickets(first: 1) { totalCount } } tickets(first: 2) { totalCount nodes { id } } }
        assignedTo { id ticketCount organization { id } }
        activity(last: 2) { totalCount nodes { user { id } } }
        replies(first: 3) { totalCount nodes { ticket { id requester { id } } author { id } } } } }
    organization(id: $org) { id tickets(first: 3, orderBy: {field: PRIORITY}) { totalCount } }
}"""


async def test_every_edge_costs_one_statement_a_level(graph: GraphqlDoor, agent: Person, sql: Sql) -> None:
    found = await places(graph, agent)
    counts = []
    for first, last in ((0, 1), (1, 17), (17, 34)):
        await add_tickets(graph, agent, found, first, last)
        await graph.ask(agent, "{ viewer { id } }")
        sql.clear()
        body = await graph.ask(agent, EVERY_EDGE, org=str(found["organization"]))
        assert "errors" not in body
        counts.append((len(sql), [*sql.statements]))
    assert counts[0][0] <= counts[1][0] == counts[2][0], counts


async def test_customers_cost_no_more_for_what_they_see(
    graph: GraphqlDoor, agent: Person, join: Any, sql: Sql
) -> None:
    found = await places(graph, agent)
    ada = await join("customer", email="person0@acme.test")
    counts = []
    for number in (1, 14):
        for _ in range(number):
            await add_tickets(graph, agent, found, 0, 1)
        await graph.ask(ada, "{ viewer { id } }")
        counted = []
        for name in ("inbox", "ticket"):
            sql.clear()
            body = await graph.ask(ada, operation(name), **({"id": "1"} if name == "ticket" else {}))
            assert "errors" not in body
            counted.append(len(sql))
        counts.append(counted)
    assert counts[0] == counts[1]


async def test_the_lists_of_the_documented_api(
    graph: GraphqlDoor, http: httpx.AsyncClient, agent: Person, sql: Sql
) -> None:
    found = await places(graph, agent)
    counts = []
    for first, last in ((0, 1), (1, 15)):
        await add_tickets(graph, agent, found, first, last)
        counted = {}
        await http.get("/v1/categories", headers=agent.headers)
        for path in ("tickets", "tickets/1", "tickets/1/replies", "users", "organizations", "categories"):
            sql.clear()
            answer = await http.get(f"/v1/{path}", headers=agent.headers)
            assert answer.status_code == 200
            counted[path] = len(sql)
        counts.append(counted)
    one, fifteen = counts
    assert one == fifteen
    assert one.pop("tickets/1") <= 7  # with its people, category, replies, files and log
    assert max(one.values()) <= 5, one


async def test_a_long_chain_of_references_is_followed(graph: GraphqlDoor, agent: Person, sql: Sql) -> None:
    parent = None
    for number in range(9):
        made = await graph.create(agent, "category", name=f"Level {number}", parent_id=parent)
        parent = made.done()["id"]
    ticket = await graph.create(
        agent, "ticket", subject="x", content="x", requester_email="a@x.test", category_id=parent
    )
    assert ticket.ok
    await graph.ask(agent, "{ viewer { id } }")
    sql.clear()
    body = await graph.ask(
        agent, "{ tickets { nodes { category " + "{ name parent " * 8 + "{ name }" + " }" * 8 + " } } }"
    )
    assert "errors" not in body
    found = body["data"]["tickets"]["nodes"][0]["category"]
    names = []
    while found:
        names.append(found["name"])
        found = found.get("parent")
    assert names == [f"Level {number}" for number in range(8, -1, -1)]
    assert len(sql) <= 8, sql.statements  # one a level, and the first three in one

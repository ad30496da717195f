"""Ids of the graph: everything that has one is found by it again, in either spelling."""

from tests.conftest import Person
from tests.doors import GraphqlDoor, opened
from tests.graph.test_operations import filled

KINDS = {
    "tkt": "Ticket",
    "rpl": "Reply",
    "usr": "User",
    "org": "Organization",
    "cat": "Category",
    "act": "Activity",
}
NOTHING = (
    "", "1", "tkt_", "tkt_0", "tkt_01", "tkt_-1", "tkt_+1", "tkt_1 ", " tkt_1", "TKT_1", "tkt-1", "xyz_1", "tkt_1_1",
    "tkt_" + "9" * 18, "tkt_" + "9" * 23, "tkt_1.0", "tkt_1e3", "tkt_\u0661", "rpl_999", "wsp_1", "key_1", "💥",
)  # fmt: skip


async def test_everything_is_found_by_its_id(graph: GraphqlDoor, agent: Person) -> None:
    await filled(graph, agent)
    asked = "query($id: ID!) { node(id: $id) { __typename id } }"
    for prefix, kind in KINDS.items():
        found = await graph.ask(agent, asked, id=f"{prefix}_1")
        assert found == {"data": {"node": {"__typename": kind, "id": f"{prefix}_1"}}}
    for nothing in NOTHING:
        assert await graph.ask(agent, asked, id=nothing) == {"data": {"node": None}}, nothing


async def test_many_are_found_in_their_order(graph: GraphqlDoor, agent: Person, stranger: Person) -> None:
    await filled(graph, agent)
    theirs = await opened(graph, stranger)
    ids = [f"{prefix}_1" for prefix in KINDS] + ["nonsense", f"tkt_{theirs['id']}", "tkt_1", "tkt_1"]
    asked = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Ticket { requester { id } } } }"
    found = (await graph.ask(agent, asked, ids=ids))["data"]["nodes"]
    assert [node and node["id"] for node in found] == [*ids[:-4], None, None, "tkt_1", "tkt_1"]
    assert (await graph.ask(agent, asked, ids=[]))["data"] == {"nodes": []}
    assert len((await graph.ask(agent, asked, ids=["tkt_1"] * 100))["data"]["nodes"]) == 100
    refused = await graph.ask(agent, asked, ids=["tkt_1"] * 101)
    [error] = refused["errors"]
    assert error["extensions"] == {
        "code": "VALIDATION_ERROR",
        "details": {"ids": ["This field must list at most 100 values"]},
    }


async def test_every_id_argument_takes_the_rest_number_too(graph: GraphqlDoor, agent: Person) -> None:
    await filled(graph, agent)
    for kind in ("ticket", "user", "organization", "category"):
        asked = f"query($id: ID!) {{ {kind}(id: $id) {{ id databaseId }} }}"
        prefix = next(each for each, name in KINDS.items() if name.lower() == kind)
        for spelling in (f"{prefix}_1", "1", 1):
            found = await graph.ask(agent, asked, id=spelling)
            assert found["data"][kind] == {"id": f"{prefix}_1", "databaseId": 1}
        others = [each for each in KINDS if each != prefix]
        for nothing in (*(f"{other}_1" for other in others), "0", -1, 2**53, "9" * 23, "abc"):
            assert (await graph.ask(agent, asked, id=nothing)) == {"data": {kind: None}}

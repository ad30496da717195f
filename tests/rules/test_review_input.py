"""What is sent is what is kept, and one request does not keep everybody else waiting."""

from typing import Any

import pytest

from tests.conftest import Person
from tests.doors import Door, GraphqlDoor, opened

COUNT = "query($filter: TicketFilter) { tickets(filter: $filter) { totalCount } }"


@pytest.mark.parametrize(
    ("before", "after"),
    [(1, True), (0, False), ([1], [True]), ({"deep": 0}, {"deep": False})],
    ids=["one", "zero", "listed", "deep"],
)
async def test_metadata_that_python_takes_for_equal_is_changed(
    door: Door, admin: Person, before: Any, after: Any
) -> None:
    ticket = await opened(door, admin, metadata={"value": before})
    changed = (await door.change_ticket(admin, ticket["id"], metadata={"value": after})).done()
    assert repr(changed["metadata"]) == repr({"value": after})
    for noun, given in (("user", {"name": "x", "email": "x@y.test"}), ("organization", {"name": "x"})):
        made = (await door.create(admin, noun, **given, metadata={"value": before})).done()
        now = (await door.change(admin, noun, made["id"], metadata={"value": after})).done()
        assert repr(now["metadata"]) == repr({"value": after})


async def test_metadata_in_another_order_is_no_change(door: Door, agent: Person) -> None:
    ticket = await opened(door, agent, metadata={"a": 1, "b": 2})
    after = (await door.change_ticket(agent, ticket["id"], metadata={"b": 2, "a": 1})).done()
    assert after["version"] == 1


async def test_a_filter_has_at_most_fifty_conditions(graph: GraphqlDoor, agent: Person) -> None:
    one = {"status": ["OPEN"]}
    body = await graph.ask(agent, COUNT, filter={"or": [one] * 50})
    assert body["data"]["tickets"]["totalCount"] == 0
    for too_many in ({"or": [one] * 51}, {"or": [{"and": [one] * 10}] * 6}, {"tags": {"all": ["x"] * 51}}):
        body = await graph.ask(agent, COUNT, filter=too_many)
        [error] = body["errors"]
        assert error["extensions"]["code"] == "VALIDATION_ERROR"
        assert error["message"] == "A filter may have at most 50 conditions, its inner ones counted"


@pytest.mark.parametrize(
    "filter_",
    [
        {"or": [{"and": [{"status": ["OPEN"]}] * 100}] * 100},
        {"or": [{}] * 200_000},
        {"category": ["1"] * 200_000},
        {"assignedTo": {"ids": [1] * 300_000}},
    ],
    ids=["nested", "objects", "ids", "numbers"],
)
async def test_variables_too_many_to_coerce_keep_nobody_waiting(
    graph: GraphqlDoor, agent: Person, filter_: dict[str, Any]
) -> None:
    body = await graph.ask(agent, COUNT, filter=filter_)
    [error] = body["errors"]
    assert error["extensions"]["code"] == "VALIDATION_ERROR"
    assert error["message"].startswith("The variables may hold at most 500 objects and 20,000 values")
    assert "data" not in body

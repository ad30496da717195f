"""The dearest operations that the limits allow, on a filled helpdesk: answered in time and in bounded memory."""

import tracemalloc
from typing import Any

import httpx
import pytest
from litestar import Litestar

from gateway.demo import fill
from resolvers.context import Helpdesk
from resolvers.rate_limits import units_for
from schema.execution import Executor, Graph
from schema.limits import MAX_COST
from schema.root import schema
from tests.conftest import Clock, Joins, Person

MOST_BYTES = 48 * 1024 * 1024
"""That one answer may take while it is made; the largest here takes a quarter of it."""
TICKET = """id version subject content contentHtml status priority isUntouched tags metadata replyCount
    category { name } requester { name } organization { name } assignedTo { name }"""
REPLY = "id content contentHtml isInternal createdAt"
PARTS = """tickets { total } responseTimes { averageResolution slaCompliance } byPriority { low }
    agentPerformance { avgResponseTime } byCategory { count } trends { dailyCreated { count } }
    agents { metrics { slaCompliance } activity { repliesSent } }"""


def aliased(times: int, field: str) -> str:
    return "{ " + " ".join(f"a{i}: {field}" for i in range(times)) + " }"


VARIABLES: dict[str, Any] = {
    "ids": [f"tkt_{number}" for number in range(1, 101)],
    "filter": {"or": [{"search": f"{word} the"} for word in "abcdefghijklmnopqrstuvwxyz"]},
}
DEAREST = {
    "whole tickets with their replies": (
        f"{{ tickets(first: 100) {{ nodes {{ {TICKET} replies(first: 43) {{ nodes {{ {REPLY} }} }} }} }} }}"
    ),
    "edges four lists deep": """{ organizations(first: 10) { nodes { users(first: 5) { nodes { tickets(first: 3) {
        nodes { replies(first: 10) { nodes { attachments { id } author { name } } } } } } } } } }""",
    "people of people": """{ users(first: 20) { nodes { tickets(first: 20) { nodes { requester { organization {
        users(first: 5) { totalCount nodes { name ticketCount } } } } } } } } }""",
    "every statistic of many windows": aliased(20, f"stats {{ {PARTS} }}"),
    "as many searches as there are": "query($filter: TicketFilter) "
    + aliased(20, "tickets(first: 100, filter: $filter) { totalCount nodes { id } }"),
    "the whole log": """{ tickets(first: 100) { nodes { activity(first: 44) { nodes {
        id action from to timestamp } } } } }""",
    "all there is by id": "query($ids: [ID!]!) "
    + aliased(12, f"nodes(ids: $ids) {{ ... on Ticket {{ {TICKET} }} }}"),
}


@pytest.fixture
async def filled(helpdesk: Helpdesk, clock: Clock, join: Joins) -> Person:
    """An agent of a helpdesk of 200 tickets, as `answer demo` fills it."""
    agent = await join("agent")
    await fill(helpdesk.db, tickets=200, now=clock(), progress=lambda *_: None)
    return agent


# Tracing every allocation takes several times as long, so graphql-core's executor goes without.
@pytest.mark.parametrize(("executor", "is_traced"), [("levels", True), ("graphql-core", False)])
async def test_the_dearest_operations_are_answered(
    app: Litestar, http: httpx.AsyncClient, filled: Person, executor: Executor, is_traced: bool
) -> None:
    graph = app.state.graph
    measured = Graph(schema, executor)
    kept = graph._plans
    graph._plans = measured._plans
    try:
        for name, text in DEAREST.items():
            asked = {name: value for name, value in VARIABLES.items() if f"${name}" in text}
            measure = graph.prepare(text, None, asked).operation.measure(asked)
            assert measure.cost > MAX_COST * 0.4, (name, measure)
            body, most = await _answered(http, filled, text, asked, is_traced=is_traced)
            assert "errors" not in body, (name, body["errors"])
            assert body["extensions"]["cost"]["requested"] == int(measure.cost), name
            assert body["extensions"]["cost"]["units"] == units_for(measure.cost), name
            assert most < MOST_BYTES, (name, most)
    finally:
        graph._plans = kept


async def _answered(
    http: httpx.AsyncClient, who: Person, text: str, variables: dict[str, Any], *, is_traced: bool
) -> tuple[Any, int]:
    """The answer, and the most bytes that were held while it was made; 0 when they are not traced."""
    if is_traced:
        tracemalloc.start()
    try:
        answer = await http.post(
            "/graphql", json={"query": text, "variables": variables}, headers=who.headers
        )
        return answer.json(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

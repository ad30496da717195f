"""Level by level: the executor answers, to the byte, what graphql-core's own executor answers."""

import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
from graphql.execution.values import VariableValues

from gateway.app import create_app
from gateway.settings import Settings
from gateway.sign_in import sign_in
from resolvers.context import Caller, Helpdesk
from resolvers.rate_limits import Charge, Standing
from resolvers.users import USER_BY_ID
from schema.errors import Refusal
from schema.execution import Graph
from schema.levels import assembly, plan
from schema.nodes import ROWS
from schema.root import schema
from tests.conftest import Joins, Person, Sql
from tests.doors import NEW_TICKET, GraphqlDoor
from tests.graph.operations import operation
from tests.graph.questions import Question, question
from tests.structure.sources import ROOT

QUESTIONS = int(os.environ.get("ANSWER_TEST_QUESTIONS", "48"))
"""On each engine, each asked by everybody."""
PARTS = 4
CHARGE = Charge(30, 1, Standing(120, 119, 1_800_000_000))

_encode = msgspec.json.Encoder().encode


class Executors:
    """The two, and a helpdesk to ask."""

    def __init__(self, helpdesk: Helpdesk) -> None:
        self.helpdesk = helpdesk
        self.levels = Graph(schema)
        self.graphql_core = Graph(schema, "graphql-core")

    async def answer(self, graph: Graph, asked: Question, caller: Caller) -> bytes:
        """The answer or the refusal, as JSON."""
        try:
            prepared = graph.prepare(asked.text, None, asked.variables)
            async with self.helpdesk.operation(caller, charge=CHARGE) as ctx:
                return _encode(await graph.execute(prepared, ctx, "request"))
        except Refusal as refusal:
            return _encode({"refused": refusal.code, "errors": refusal.errors})

    async def answers(self, asked: Question, caller: Caller) -> tuple[bytes, bytes]:
        """Level by level, and by graphql-core."""
        return await self.answer(self.levels, asked, caller), await self.answer(
            self.graphql_core, asked, caller
        )


@pytest.fixture
def executors(helpdesk: Helpdesk) -> Executors:
    """Both executors."""
    return Executors(helpdesk)


async def everybody(helpdesk: Helpdesk, join: Joins) -> dict[str, Person]:
    """One of each role, a customer whose workspace shows them their organization's tickets aside."""
    return {
        "admin": await join("admin"),
        "agent": await join("agent"),
        "customer": await join("customer", email="ada@acme.test"),
        "stranger": await join("admin", workspace="elsewhere"),
    }


async def filled(graph: GraphqlDoor, people: dict[str, Person]) -> tuple[list[str], list[str]]:
    """A helpdesk with something behind every edge and nothing behind some; ids and cursors to ask for."""
    agent, stranger = people["agent"], people["stranger"]
    acme = (await graph.create(agent, "organization", name="Acme", domain="acme.test")).done()["id"]
    await graph.create(agent, "organization", name="Nobody's", metadata={"a": [1, {"b": None}]})
    await graph.change(people["admin"], "user", people["customer"].id, organization_id=acme)
    top = (await graph.create(agent, "category", name="Top")).done()["id"]
    below = (await graph.create(agent, "category", name="Below", parent_id=top)).done()["id"]
    for number in range(9):
        given: dict[str, Any] = {"subject": f"Number {number}", "priority": ("low", "urgent")[number % 2]}
        given["requester_email"] = f"{('ada', 'bob', 'eve')[number % 3]}@{('acme', 'other')[number % 2]}.test"
        if number % 2:
            given |= {"category_id": (top, below)[number % 3 == 0], "assigned_to": agent.id}
        ticket = (await graph.open_ticket(agent, **(NEW_TICKET | given))).done()["id"]
        await graph.attach(agent, ticket, "of the ticket.txt", b"x")
        for reply in range(number % 4):
            note = reply == 1
            files = [
                (await graph.attach(agent, ticket, f"{number}.txt", b"x")).done()["id"]
                for _ in range((number + reply) % 3)
            ]
            await graph.reply(
                agent, ticket, content=f"Answer {reply}", is_internal=note, attachment_ids=files
            )
        if number % 3 == 0:
            await graph.watch(agent, ticket, agent.id)
            await graph.watch(agent, ticket, people["customer"].id)
            await graph.change_ticket(agent, ticket, status="resolved", tags=["a", "b"])
    await graph.open_ticket(stranger, **NEW_TICKET)
    return _ids(acme), await _cursors(graph, agent)


def _ids(acme: int) -> list[str]:
    prefixes = ("tkt", "rpl", "usr", "org", "cat", "act", "wsp", "att", "whk", "xyz")
    named = [f"{prefix}_{number}" for prefix in prefixes for number in (1, 2, 3, 5, 9, 10, 999_999)]
    return [*named, "1", "2", "7", "0", "-1", "", "tkt_", "tkt_01", str(acme), str(10**17)]


async def _cursors(graph: GraphqlDoor, agent: Person) -> list[str]:
    asked = """{ a: tickets { edges { cursor } } b: tickets(orderBy: {field: PRIORITY}) { edges { cursor } }
        c: users { edges { cursor } } d: node(id: "tkt_4") { ... on Ticket { replies { edges { cursor } } } } }"""
    data = (await graph.ask(agent, asked))["data"]
    lists = [data["a"], data["b"], data["c"], data["d"]["replies"]]
    return [edge["cursor"] for found in lists for edge in found["edges"][1:5]]


WITH_FILES = """{ tickets { nodes { attachments { id } replies(last: 2) { nodes { attachments { id filename } } } } } }"""


async def test_the_files_of_replies_are_those_of_their_ticket(
    executors: Executors, graph: GraphqlDoor, helpdesk: Helpdesk, join: Joins, sql: Sql
) -> None:
    """Known once the ticket's are, to each as they may know of them: a note's are not for customers."""
    people = await everybody(helpdesk, join)
    await filled(graph, people)
    for who in ("agent", "customer", "stranger"):
        caller = await sign_in(executors.helpdesk, people[who].headers["Authorization"])
        assert caller is not None
        answer, core = await executors.answers(Question(WITH_FILES, {}), caller)
        assert answer == core
        sql.clear()
        await executors.answer(executors.levels, Question(WITH_FILES, {}), caller)
        assert sum("FROM attachment" in each for each in sql.statements) <= 1
    assert executors.levels.served.fallbacks.total() == 0


ONE_TICKET = """query($first: Int) { ticket(id: 1) { subject attachments { id } replies(first: $first) { totalCount
    nodes { content author { name } } } } }"""


async def test_what_leads_on_from_an_id_is_asked_for_with_its_row(
    executors: Executors, graph: GraphqlDoor, helpdesk: Helpdesk, join: Joins, sql: Sql
) -> None:
    """Who may not see the ticket hears of nothing below it, not even what is wrong with the question."""
    people = await everybody(helpdesk, join)
    await filled(graph, people)
    for who, first, sees in (
        ("agent", 5, True),
        ("agent", 500, True),
        ("stranger", 5, False),
        ("stranger", 500, False),
    ):
        caller = await sign_in(executors.helpdesk, people[who].headers["Authorization"])
        assert caller is not None
        asked = Question(ONE_TICKET, {"first": first})
        answer, core = await executors.answers(asked, caller)
        assert answer == core
        assert (b"subject" in answer, b"errors" in answer) == (sees, sees and first == 500)
        sql.clear()
        await executors.answer(executors.levels, asked, caller)
        if first == 5:
            assert len(sql) <= (1 if sql.joins else 3), sql.statements
    assert executors.levels.served.fallbacks == {"error": 2}


async def test_what_was_found_stays_the_very_same_row(helpdesk: Helpdesk, agent: Person) -> None:
    """What a resolver answered is kept by the row it was asked of, and rows are read again along with others."""
    caller = await sign_in(helpdesk, agent.headers["Authorization"])
    async with helpdesk.operation(caller) as ctx:
        first = (await ctx.load_all(USER_BY_ID, [agent.id]))[agent.id]
        ctx.know(USER_BY_ID, {agent.id: msgspec.structs.replace(first), 0: first})
        assert ctx.known(USER_BY_ID)[agent.id] is ctx.known(USER_BY_ID)[0] is first


def test_the_docs_show_the_function_that_is_written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    def remembering(*given: Any) -> Any:
        made = assembly.assembler(*given)
        written.append(" ".join((made.__doc__ or "").split()))
        return made

    monkeypatch.setattr(plan, "assembler", remembering)
    prepared = Graph(schema).prepare("{ tickets { nodes { id subject category { name } } } }", None, None)
    plan.Plans(schema).get(prepared.operation, VariableValues({}, {}))
    for told in ((ROOT / "docs" / "performance.md").read_text(), assembly.__doc__ or ""):
        assert any(each in " ".join(told.split()) for each in written if "subject" in each)


@pytest.mark.parametrize("part", range(PARTS))
async def test_made_up_questions_are_answered_alike(
    part: int, engine: str, graph: GraphqlDoor, executors: Executors, join: Joins
) -> None:
    people = await everybody(executors.helpdesk, join)
    ids, cursors = await filled(graph, people)
    callers = {
        who: await sign_in(executors.helpdesk, person.headers["Authorization"])
        for who, person in people.items()
    }
    asked = refused = faultless = 0
    for number in range(QUESTIONS // PARTS):
        seed = f"{engine} {part} {number}"
        made = question(executors.levels.schema, seed, ids, cursors)
        for who, caller in callers.items():
            assert caller is not None
            before = executors.levels.served.fallbacks.total()
            levels, graphql_core = await executors.answers(made, caller)
            assert levels == graphql_core, (seed, who, made)
            asked += 1
            refused += levels.startswith(b'{"refused"')
            if b'"errors"' not in levels and "__schema" not in made.text:
                faultless += 1
                assert executors.levels.served.fallbacks.total() == before, (seed, who, made)
    assert executors.levels.served.fallbacks["fault"] == 0
    assert refused < asked * 0.3, (refused, asked)
    assert faultless > asked * 0.2, (faultless, asked)


VARIABLES: dict[str, dict[str, Any]] = {
    "inbox": {"filter": {"status": ["OPEN", "RESOLVED"]}, "orderBy": {"field": "PRIORITY"}},
    "ticket": {"id": "tkt_4"},
    "organization": {"id": "org_1"},
    "workspace": {},
}


async def test_the_operations_of_the_frontend_are_all_served(
    graph: GraphqlDoor, executors: Executors, join: Joins
) -> None:
    people = await everybody(executors.helpdesk, join)
    await filled(graph, people)
    for who in ("admin", "agent"):
        caller = await sign_in(executors.helpdesk, people[who].headers["Authorization"])
        assert caller is not None
        for name, variables in VARIABLES.items():
            levels, graphql_core = await executors.answers(Question(operation(name), variables), caller)
            assert levels == graphql_core
            assert b"errors" not in levels
    served = executors.levels.served
    assert (served.operations, served.fallbacks) == ({"levels": 8}, {})
    assert executors.graphql_core.served.operations == {"graphql-core": 8}


async def test_what_is_not_served_is_counted_by_its_reason(
    graph: GraphqlDoor, executors: Executors, join: Joins
) -> None:
    people = await everybody(executors.helpdesk, join)
    await filled(graph, people)
    customer = await sign_in(executors.helpdesk, people["customer"].headers["Authorization"])
    assert customer is not None
    asked = {
        "introspection": "{ __schema { queryType { name } } }",
        "error": "{ viewer { id } users { totalCount } }",  # not for customers
        "mutation": 'mutation { ticketDelete(id: "1") { deletedId } }',
    }
    for reason, text in asked.items():
        await executors.answers(Question(text, {}), customer)
        assert executors.levels.served.fallbacks.pop(reason) == 1
    assert executors.levels.served.fallbacks.total() == 0
    assert executors.levels.served.operations == {"graphql-core": 3}


async def test_a_setting_turns_it_off(tmp_path: Path) -> None:
    on, off = Settings(data_dir=tmp_path), Settings(data_dir=tmp_path, executor="graphql-core")
    for settings, executor in ((on, "levels"), (off, "graphql-core")):
        graph: Graph = create_app(settings).state.graph
        await graph.execute(graph.prepare("{ __typename }", None, None), None, "request")
        assert graph.served.operations == {executor: 1}


def test_every_resolver_of_a_row_says_which_columns_it_looks_at() -> None:
    """Or the rows of every question that asks for it would be read whole."""
    for name in ROWS:
        type_: Any = schema._schema.type_map[name]
        for field in type_.fields.values():
            definition = field.extensions["strawberry-definition"]
            is_resolver = definition.base_resolver is not None and "edge" not in definition.metadata
            assert not is_resolver or "reads" in definition.metadata, f"{name}.{definition.name}"

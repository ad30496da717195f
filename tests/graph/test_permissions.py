"""Who may call what: every root field reaches a resolver that says so, and behaves so for every role."""

import sys
from types import FrameType
from typing import Any, NamedTuple

from resolvers import permissions
from resolvers.context import Helpdesk
from resolvers.permissions import ADMIN, ANYONE, SIGNED_IN, STAFF
from schema.execution import Graph
from schema.root import schema
from tests.conftest import Person
from tests.doors import GraphqlDoor, opened
from tests.graph.test_operations import filled

PEOPLE = ("nobody", "customer", "agent", "admin", "stranger")
"""The columns of TABLE; `stranger` is an admin of another workspace."""
OWN = "ok ok ok ok"
"""What has no owner, or is the caller's own."""
HIDDEN = "null ok ok null"
STAFFS = "FORBIDDEN ok ok ok"
WRITES = "FORBIDDEN ok ok NOT_FOUND"
ADMINS = "FORBIDDEN FORBIDDEN ok ok"
ADMIN_WRITES = "FORBIDDEN FORBIDDEN ok NOT_FOUND"
ADMINS_ABSENT = "FORBIDDEN FORBIDDEN NOT_FOUND NOT_FOUND"


class Case(NamedTuple):
    """How to ask a root field, who may, and what each of PEOPLE but nobody gets."""

    call: str
    allowed: tuple[str, ...]
    outcomes: str


ERRORS = "{ userErrors { code } }"
TABLE = {
    # the ticket, its people and places are of the workspace `default`; the customer did not ask it
    "Query.viewer": Case("viewer { id }", SIGNED_IN, OWN),
    "Query.workspace": Case("workspace { id }", SIGNED_IN, OWN),
    "Query.rateLimit": Case("rateLimit { cost }", SIGNED_IN, OWN),
    "Query.node": Case('node(id: "tkt_1") { id }', SIGNED_IN, HIDDEN),
    "Query.nodes": Case('nodes(ids: ["tkt_1"]) { id }', SIGNED_IN, HIDDEN),
    "Query.ticket": Case('ticket(id: "tkt_1") { id }', SIGNED_IN, HIDDEN),
    "Query.tickets": Case("tickets { nodes { id } }", SIGNED_IN, OWN),
    "Query.user": Case('user(id: "usr_2") { id }', SIGNED_IN, HIDDEN),
    "Query.users": Case("users { nodes { id } }", STAFF, STAFFS),
    "Query.organization": Case('organization(id: "org_1") { id }', SIGNED_IN, HIDDEN),
    "Query.organizations": Case("organizations { nodes { id } }", STAFF, STAFFS),
    "Query.category": Case('category(id: "cat_1") { id }', SIGNED_IN, "ok ok ok null"),
    "Query.categories": Case("categories { nodes { id } }", SIGNED_IN, OWN),
    "Query.stats": Case("stats { tickets { total } }", STAFF, STAFFS),
    # the admin's is whk_1, the stranger's whk_2
    "Mutation.webhookCreate": Case(
        f'webhookCreate(input: {{url: "https://hooks.acme.example", events: ["*"]}}) {ERRORS}', ADMIN, ADMINS
    ),
    "Mutation.webhookTest": Case(f'webhookTest(id: "whk_1") {ERRORS}', ADMIN, ADMIN_WRITES),
    "Query.webhook": Case('webhook(id: "whk_1") { id }', ADMIN, "FORBIDDEN FORBIDDEN ok null"),
    "Query.webhooks": Case("webhooks { nodes { id } }", ADMIN, ADMINS),
    "Query.apiKey": Case('apiKey(id: "key_1") { id }', ADMIN, "FORBIDDEN FORBIDDEN ok null"),
    "Query.apiKeys": Case("apiKeys { nodes { id } }", ADMIN, ADMINS),
    "Mutation.tokenCreate": Case(
        f'tokenCreate(apiKey: "", apiSecret: "") {ERRORS}', (ANYONE,), "VALIDATION_ERROR " * 4
    ),
    "Mutation.ticketCreate": Case(
        f'ticketCreate(input: {{subject: "x", content: "x", requesterEmail: "x@acme.test"}}) {ERRORS}',
        SIGNED_IN,
        "VALIDATION_ERROR ok ok ok",  # customers open tickets as themselves
    ),
    "Mutation.ticketUpdate": Case(
        f'ticketUpdate(id: "tkt_1", input: {{priority: LOW}}) {ERRORS}',
        SIGNED_IN,
        "NOT_FOUND ok ok NOT_FOUND",
    ),
    "Mutation.ticketWatch": Case(f'ticketWatch(id: "tkt_1", userId: "usr_2") {ERRORS}', STAFF, WRITES),
    "Mutation.ticketUnwatch": Case(f'ticketUnwatch(id: "tkt_1", userId: "usr_2") {ERRORS}', STAFF, WRITES),
    "Mutation.replyCreate": Case(
        f'replyCreate(ticketId: "tkt_1", input: {{content: "x"}}) {ERRORS}',
        SIGNED_IN,
        "NOT_FOUND ok ok NOT_FOUND",
    ),
    "Mutation.ticketRate": Case(
        f'ticketRate(id: "tkt_1", rating: 5) {ERRORS}', SIGNED_IN, "NOT_FOUND FORBIDDEN FORBIDDEN NOT_FOUND"
    ),
    "Mutation.userCreate": Case(
        f'userCreate(input: {{name: "x", email: "WHO@acme.test"}}) {ERRORS}', STAFF, STAFFS
    ),
    "Mutation.userUpdate": Case(f'userUpdate(id: "usr_2", input: {{name: "x"}}) {ERRORS}', STAFF, WRITES),
    "Mutation.userDelete": Case(
        f'userDelete(id: "usr_2") {ERRORS}', ADMIN, "FORBIDDEN FORBIDDEN CONFLICT NOT_FOUND"
    ),
    "Mutation.organizationCreate": Case(f'organizationCreate(input: {{name: "x"}}) {ERRORS}', STAFF, STAFFS),
    "Mutation.organizationUpdate": Case(
        f'organizationUpdate(id: "org_1", input: {{name: "x"}}) {ERRORS}', STAFF, WRITES
    ),
    "Mutation.categoryCreate": Case(f'categoryCreate(input: {{name: "x"}}) {ERRORS}', STAFF, STAFFS),
    "Mutation.categoryUpdate": Case(
        f'categoryUpdate(id: "cat_1", input: {{name: "x"}}) {ERRORS}', STAFF, WRITES
    ),
    "Mutation.apiKeyCreate": Case(
        f'apiKeyCreate(input: {{userId: "usr_2"}}) {ERRORS}', ADMIN, "FORBIDDEN FORBIDDEN ok VALIDATION_ERROR"
    ),
    "Mutation.webhookUpdate": Case(
        f'webhookUpdate(id: "whk_1", input: {{isActive: true}}) {ERRORS}', ADMIN, ADMIN_WRITES
    ),
    "Mutation.webhookRotateSecret": Case(f'webhookRotateSecret(id: "whk_1") {ERRORS}', ADMIN, ADMIN_WRITES),
    "Mutation.deliveryRedeliver": Case(f'deliveryRedeliver(id: "dlv_0") {ERRORS}', ADMIN, ADMINS_ABSENT),
    # last, as they take away what the others ask for
    "Mutation.webhookDelete": Case(f'webhookDelete(id: "whk_1") {ERRORS}', ADMIN, ADMIN_WRITES),
    "Mutation.attachmentDelete": Case(
        f'attachmentDelete(id: "att_1") {ERRORS}', SIGNED_IN, "NOT_FOUND ok NOT_FOUND NOT_FOUND"
    ),
    "Mutation.apiKeyRevoke": Case(f'apiKeyRevoke(id: "key_5") {ERRORS}', ADMIN, ADMIN_WRITES),
    "Mutation.categoryDelete": Case(
        f'categoryDelete(id: "cat_1") {ERRORS}', STAFF, "FORBIDDEN ok NOT_FOUND NOT_FOUND"
    ),
    "Mutation.organizationDelete": Case(
        f'organizationDelete(id: "org_1") {ERRORS}', STAFF, "FORBIDDEN ok NOT_FOUND NOT_FOUND"
    ),
    "Mutation.ticketDelete": Case(
        f'ticketDelete(id: "tkt_1") {ERRORS}', STAFF, "FORBIDDEN ok NOT_FOUND NOT_FOUND"
    ),
}


BY_FORM = {"Mutation.attachmentCreate": "NOT_FOUND ok ok NOT_FOUND"}
"""What takes a file, which no document holds."""


def test_every_root_field_has_its_row() -> None:
    roots = (schema._schema.query_type, schema._schema.mutation_type)
    fields = {f"{root.name}.{name}" for root in roots if root for name in root.fields}
    assert set(TABLE) | set(BY_FORM) == fields, "A new field: say in TABLE who may call it"


def document(field: str, who: str = "nobody") -> str:
    kind, _ = field.split(".")
    return f"{kind.lower()} {{ {TABLE[field].call.replace('WHO', who)} }}"


async def test_every_root_field_reaches_a_resolver_that_says_who_may_call_it(helpdesk: Helpdesk) -> None:
    """Asked by nobody, and without the door that would turn them away first."""
    graph = Graph(schema)
    for field, case in TABLE.items():
        async with helpdesk.operation(None) as ctx:
            allowed, body = await _traced(graph, document(field), ctx)
        assert allowed == {case.allowed}, field
        codes = [error["extensions"]["code"] for error in body.get("errors", ())]
        assert codes == ([] if case.allowed == (ANYONE,) else ["UNAUTHORIZED"]), field


async def _traced(graph: Graph, text: str, ctx: Any) -> tuple[set[tuple[str, ...]], dict[str, Any]]:
    """Whom the resolvers allow that ran for the document, and its answer."""
    gate = permissions.allow("nobody")(_nothing).__code__  # the same for whatever `allow` decorates
    allowed: set[tuple[str, ...]] = set()

    def see(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call" and frame.f_code is gate:
            allowed.add(frame.f_locals["roles"])

    sys.setprofile(see)
    try:
        return allowed, await graph.execute(graph.prepare(text, None, None), ctx, "request")
    finally:
        sys.setprofile(None)


async def _nothing(_ctx: Any) -> None: ...


async def test_every_role_gets_what_the_table_says(
    graph: GraphqlDoor, agent: Person, admin: Person, customer: Person, stranger: Person
) -> None:
    await filled(graph, agent)
    ada = (await graph.ticket(agent, 1)).done()["requester"]["id"]
    await opened(graph, agent)
    signed_in = {"customer": customer, "agent": agent, "admin": admin, "stranger": stranger}
    await _assert_uploads(graph, signed_in)
    wrong = {}
    for field, case in TABLE.items():
        expected = dict(zip(signed_in, case.outcomes.split(), strict=True))
        for who, person in signed_in.items():
            text = document(field, who).replace("usr_2", f"usr_{ada}")
            outcome = _outcome(await graph.ask(person, text))
            if outcome != expected[who]:
                wrong[field, who] = outcome
        nobody = _outcome(await graph.ask(None, document(field)))
        if nobody != ("VALIDATION_ERROR" if case.allowed == (ANYONE,) else "UNAUTHORIZED"):
            wrong[field, "nobody"] = nobody
    assert wrong == {}


async def _assert_uploads(graph: GraphqlDoor, signed_in: dict[str, Person]) -> None:
    outcomes = [await graph.attach(who, 1, "a.txt", b"a") for who in signed_in.values()]
    assert [each.code or "ok" for each in outcomes] == BY_FORM["Mutation.attachmentCreate"].split()
    assert (await graph.attach(None, 1, "a.txt", b"a")).code == "UNAUTHORIZED"


def _outcome(body: dict[str, Any]) -> str:
    """`ok`, `null` (absent or hidden), or the code of the error."""
    if body.get("errors"):
        code: str = body["errors"][0]["extensions"]["code"]
        return code
    [data] = body["data"].values()
    if data is None or data == [None]:
        return "null"
    if isinstance(data, dict) and data.get("userErrors"):
        return str(data["userErrors"][0]["code"])
    return "ok"

"""Behind every statement that both doors and the worker run there is an index: no growing table is read from end to end.

The statements are those that really run, with the values they run with; the database holds thousands of rows and the
planner chooses freely. What a list can be narrowed and ordered by is taken from the listings themselves, and a
`Statement` of db/queries that nothing here runs fails the test, so that a new query cannot be forgotten.
"""

import contextlib
import datetime as dt
import importlib
import json
import pkgutil
import re
from collections.abc import Iterator, Sequence
from typing import Any

import asyncpg
import httpx
import pytest
from sqlalchemy import text

from db import queries
from db.conditions import Condition
from db.database import Database
from db.joint import Asked
from db.listing import Listing, Window
from db.queries import activity, attachments, deliveries, events, replies, tallies, tickets, users
from db.statements import Statement
from db.writers import PostgresWriter, SqliteWriter
from gateway.demo import fill
from gateway.sign_in import sign_in
from resolvers import files, jobs, subscriptions
from resolvers.context import Helpdesk
from resolvers.health import standing
from resolvers.sealing import is_readable
from resolvers.tokens import any_key, keys_of
from tests.conftest import Joins, Person
from tests.doors import GraphqlDoor, RestDoor
from tests.graph.operations import operation
from tests.receiver import receiving, working

TICKETS = 5_000
NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
GROWING = {
    "ticket", "ticket_search", "tag", "reply", "attachment", "activity", "rating", "event", "job", "attempt", "user",
    "organization", "figure",
}  # fmt: skip
Seen = dict[str, tuple[Any, ...]]
"""Statements by their text, each with the values of the first time it ran."""

MORE = (
    """INSERT INTO workspace (name, tier, customers_see_organization, created_at)
    SELECT 'elsewhere', tier, false, created_at FROM workspace""",
    """INSERT INTO organization (workspace_id, name, domain, metadata, created_at, updated_at)
    SELECT (SELECT max(id) FROM workspace), 'o', 'o' || id || '.test', '{}', created_at, created_at FROM ticket""",
    """INSERT INTO "user" (workspace_id, organization_id, name, email, email_key, type, metadata, is_active, created_at,
    updated_at) SELECT workspace_id, id, 'p', 'p@' || domain, 'p@' || domain, 'customer', '{}', true, created_at,
    created_at FROM organization WHERE name = 'o'""",
    """INSERT INTO webhook (workspace_id, url, events, is_active, sealed_secret, created_at, updated_at)
    SELECT 1, 'http://127.0.0.1:9/', '["ticket.*"]', false, '', created_at, created_at FROM ticket WHERE id <= 20""",
    """INSERT INTO event (workspace_id, type, ticket_id, payload, message_id, created_at)
    SELECT 1, 'ticket.created', id, '{}', 'msg_' || id, (SELECT max(created_at) FROM ticket) FROM ticket""",
    """INSERT INTO job (workspace_id, kind, queue, lane, webhook_id, event_id, payload, run_at, attempts, done_at,
    outcome, created_at) SELECT 1, 'webhook', 'webhook 1', 'lane ' || ticket_id, 1 + ticket_id % 20, id, '{}',
    created_at, 1, created_at, 'delivered', created_at FROM event""",
    """INSERT INTO attempt (workspace_id, job_id, number, target, status, answer, duration_ms, created_at)
    SELECT 1, id, 1, 'http://127.0.0.1:9/', 200, '', 5, created_at FROM job""",
    """INSERT INTO attachment (workspace_id, ticket_id, reply_id, uploaded_by_id, filename, original_filename, file_size,
    mime_type, sha256, storage_key, is_internal, created_at) SELECT 1, ticket_id, CASE WHEN id % 3 > 0 THEN id END,
    author_id, 'a', 'a', 1, 'text/plain', '', 'key/' || id, is_internal, created_at FROM reply WHERE id % 2 = 0""",
)
"""What `answer demo` does not make."""


@pytest.fixture
async def full(helpdesk: Helpdesk, join: Joins) -> Database:
    """The database with a helpdesk in it that has been used for two years; its statistics are up to date."""
    database = helpdesk.db
    await fill(database, tickets=TICKETS, now=NOW, progress=lambda *_: None)
    for number in range(3):
        await join("agent", email=f"key{number}@x.test")
    async with database.engine.begin() as connection:
        for statement in MORE:
            await connection.execute(text(statement))
    async with database.engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("ANALYZE" if database.is_sqlite else "VACUUM (ANALYZE)"))
    return database


@contextlib.contextmanager
def watching(database: Database) -> Iterator[Seen]:
    """What runs meanwhile."""
    seen: Seen = {}
    fetch = database.readers.fetch

    async def watched(connection: Any, asked: Sequence[Asked]) -> Any:
        given = [tuple(each.arguments) for each in asked]
        texts = database.readers.texts(asked)
        # several that are one statement have their parameters behind each other
        for sql, arguments in zip(texts, given if database.is_sqlite else [sum(given, ())], strict=True):
            seen.setdefault(sql, arguments)
        return await fetch(connection, asked)

    for connections in (database.readers, database._spare):
        connections.fetch = watched  # type: ignore[method-assign]
    with _watched_writers(seen):
        yield seen
    for connections in (database.readers, database._spare):
        connections.fetch = fetch  # type: ignore[method-assign]


@contextlib.contextmanager
def _watched_writers(seen: Seen) -> Iterator[None]:
    def noting(run: Any, *, is_many: bool) -> Any:
        async def noted(self: Any, sql: str, arguments: Any) -> Any:
            seen.setdefault(sql, tuple(arguments[0] if is_many else arguments))
            return await run(self, sql, arguments)

        return noted

    with pytest.MonkeyPatch.context() as patched:
        for kind in (PostgresWriter, SqliteWriter):
            for name in ("fetch", "fetch_each", "run_each"):
                patched.setattr(kind, name, noting(getattr(kind, name), is_many=name != "fetch"))
        yield


# --- who reads what from end to end ---------------------------------------------------------------------------


async def scans(database: Database, seen: Seen) -> dict[str, list[str]]:
    """The growing tables that a statement reads whole, by the statement."""
    find = _sqlite_scans if database.is_sqlite else _postgres_scans
    found = await find(database, {sql: values for sql, values in seen.items() if _is_planned(sql)})
    return {sql: tables for sql, tables in found.items() if tables}


def _is_planned(sql: str) -> bool:
    """What only adds a row looks for nothing."""
    return sql.split(None, 1)[0] in ("SELECT", "UPDATE", "DELETE", "WITH")


async def _sqlite_scans(database: Database, seen: Seen) -> dict[str, list[str]]:
    found = {}
    async with database.engine.connect() as connection:
        for sql, values in seen.items():
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
            lines = [row.detail for row in plan]
            found[sql] = [line for line in lines if _is_scan(line, sql)]
    return found


def _is_scan(line: str, sql: str) -> bool:
    """`SCAN ticket`, with an index in its order or without one: the whole of it is walked through."""
    name = line.split()[1] if line.startswith("SCAN ") else ""
    aliased = re.search(rf'FROM "?(\w+)"? AS "?{re.escape(name)}"?\b', sql) if name else None
    table = aliased[1] if aliased else name
    return table in GROWING and "VIRTUAL TABLE INDEX" not in line


async def _postgres_scans(database: Database, seen: Seen) -> dict[str, list[str]]:
    url = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(url)
    # a merge that stops early, as the staff are the first of all people, looks as if it did not
    await connection.execute("SET enable_mergejoin = off")
    found = {}
    for sql, values in seen.items():
        plan = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {sql}", *values)
        found[sql] = [
            f"{node['Node Type']} on {node['Relation Name']}"
            for node, is_limited in _nodes(json.loads(plan)[0]["Plan"])
            if node.get("Relation Name") in GROWING and _reads_all(node, is_limited=is_limited)
        ]
    await connection.close()
    return found


def _nodes(plan: dict[str, Any], *, is_limited: bool = False) -> Iterator[tuple[dict[str, Any], bool]]:
    """Every node, and whether a limit above it stops it early: nothing in between has to see all rows first."""
    yield plan, is_limited
    stops = plan["Node Type"] == "Limit" or (
        is_limited and plan["Node Type"] not in ("Sort", "Aggregate", "Hash")
    )
    for below in plan.get("Plans", ()):
        yield from _nodes(below, is_limited=stops)


def _reads_all(node: dict[str, Any], *, is_limited: bool) -> bool:
    kind = node["Node Type"]
    return kind == "Seq Scan" or (kind.startswith("Index") and "Index Cond" not in node and not is_limited)


# --- everything that is asked -----------------------------------------------------------------------------------

LISTINGS: dict[str, Listing[Any]] = {
    "tickets": tickets.LISTING,
    "users": users.LISTING,
    "replies": replies.LISTING,
    "activity": activity.LISTING,
    "attachments": attachments.LISTING,
    "deliveries": deliveries.LISTING,
}
VALUES: dict[str, Any] = {
    "id": 5, "ids": [5, 6], "status": ["pending"], "priority": ["urgent"], "assigned_to": [3], "unassigned": True,
    "category": [2], "requester": [200], "organization": [3], "tagged": ["refund"], "search": "refund charged",
    "created_gte": NOW - dt.timedelta(days=7), "created_lt": NOW - dt.timedelta(days=725),
    "updated_gte": NOW - dt.timedelta(days=1), "updated_lt": NOW - dt.timedelta(days=725),
    "type": ["agent"], "active": False, "ticket": 5, "public": True, "tickets": [5, 6], "replies": [5, 6],
    "uploaded_by": 3, "on_no_reply": True, "webhook": 3, "of_webhooks": None, "workspace": 1,
}  # fmt: skip
"""A value for every kind of condition that there is."""
ALWAYS: dict[str, tuple[Condition, ...]] = {
    "tickets": (("workspace", 1),),
    "users": (("workspace", 1),),
    "replies": (("workspace", 1), ("ticket", 5)),
    "activity": (("workspace", 1), ("ticket", 5)),
    "attachments": (("workspace", 1), ("tickets", [5, 6])),
    "deliveries": (("workspace", 1), ("webhook", 3), ("of_webhooks", None)),
}
"""Without which no such list is asked for: there is no list of all replies."""
PARENTS = {
    "tickets": ("requester_id", "organization_id", "category_id"),
    "users": ("organization_id",),
    "replies": ("ticket_id",),
    "activity": ("ticket_id",),
    "deliveries": ("webhook_id",),
}


async def every_list(database: Database) -> None:
    """Each listing narrowed by each kind it knows, in each of its orders, up and down, first pages and deep ones."""
    async with database.read() as reads:
        for noun, listing in LISTINGS.items():
            asked: list[tuple[Condition, ...]] = [ALWAYS[noun]]
            asked += [(*ALWAYS[noun], (kind, VALUES[kind])) for kind in listing.kinds]
            for conditions in asked:
                await listing.count(reads, conditions)
                for order in listing.orders:
                    for descending in (False, True):
                        window = Window(order, descending, 20)
                        await listing.page(reads, conditions, window)
                        await listing.page(reads, conditions, window._replace(offset=500))
            for parent in PARENTS.get(noun, ()):
                base = tuple(each for each in ALWAYS[noun] if each[0] in ("workspace", "of_webhooks"))
                for more in ((), (("status", ["pending"]),) if noun == "tickets" else ()):
                    await listing.counts(reads, parent, [3, 5], (*base, *more))
                    for order in listing.orders:
                        await listing.pages(reads, parent, [3, 5], (*base, *more), Window(order, False, 3))


GETS = (
    "tickets", "tickets?status=open&sort=updated_at", "tickets?sort=priority&order=asc&page=500&per_page=10",
    "tickets?search=refund", "tickets?category_id=2&assigned_to=none", "tickets/5", "tickets/5/replies",
    "tickets/5/rating", "users", "users?search=anna&type=customer", "users/40", "organizations", "organizations/3",
    "categories", "categories/3", "webhooks", "webhooks/3", "webhooks/3/deliveries", "api-keys", "api-keys/1",
    "attachments/5", "stats/overview", "stats/agents",
)  # fmt: skip
GRAPH = """{ tickets(first: 5, filter: {or: [{tags: {any: ["refund"]}}, {requester: ["200"]}], status: [PENDING]}) {
    totalCount nodes { id attachments { id reply { id } } replies(first: 2) { totalCount nodes { attachments { id } } }
      activity(last: 2) { totalCount nodes { user { id } } } rating { rating requester { id } assignedTo { id } }
      watchers { id tickets(first: 1) { totalCount } } category { parent { id tickets(first: 2) { totalCount } } } } }
  webhooks(first: 2) { nodes { deliveries(first: 2) { totalCount nodes { event attempts { number } } } } }
  apiKeys(first: 3) { nodes { user { name } } } node(id: "rpl_5") { id } reply: node(id: "att_5") { id } }"""


async def everybody_reads(http: httpx.AsyncClient, people: list[Person]) -> None:
    """Both doors, as an admin and as a customer."""
    graph = GraphqlDoor(http)
    for person in people:
        for path in GETS:
            answer = await http.get(f"/v1/{path}", headers=person.headers)
            assert answer.status_code in (200, 403, 404), answer.text
        for name, variables in (
            ("inbox", {}),
            ("ticket", {"id": "5"}),
            ("organization", {"id": "3"}),
            ("workspace", {}),
        ):
            await graph.ask(person, operation(name), **variables)
        await graph.ask(person, GRAPH)


async def everything_is_done(rest: RestDoor, admin: Person, customer: Person, url: str) -> None:
    """Every kind of write, and what the worker does of it."""
    hook = (await rest.create(admin, "webhook", url=url, events=["*"])).done()
    place = (await rest.create(admin, "organization", name="One", domain="one.test")).done()
    filed = (await rest.create(admin, "category", name="One")).done()
    below = (await rest.create(admin, "category", name="Two", parent_id=filed["id"])).done()
    given = {"subject": "s", "content": "c", "requester_email": "a@one.test"}
    made = (
        await rest.open_ticket(admin, **given, category_id=below["id"], assigned_to=admin.id, tags=["a"])
    ).done()
    mine = (await rest.open_ticket(customer, **(given | {"requester_email": customer.user.email}))).done()
    file = (await rest.attach(customer, mine["id"], "a.txt", b"x")).done()
    (await rest.reply(customer, mine["id"], content="x", attachment_ids=[file["id"]])).done()
    (await rest.reply(admin, mine["id"], content="x", update_status="resolved")).done()
    (await rest.rate(customer, mine["id"], rating=5)).done()
    (
        await rest.change_ticket(admin, made["id"], subject="z", tags=["b"], status="closed", priority="low")
    ).done()
    (await rest.watch(admin, made["id"], admin.id)).done()
    (await rest.unwatch(admin, made["id"], admin.id)).done()
    (await rest.detach(admin, (await rest.attach(admin, made["id"], "b.txt", b"x")).done()["id"])).done()
    (await rest.change(admin, "user", made["requester"]["id"], organization_id=None, name="Z")).done()
    (await rest.change(admin, "organization", place["id"], domain="two.test")).done()
    (await rest.change(admin, "category", below["id"], slug="three", parent_id=None)).done()
    spare = (
        await rest.create(admin, "user", name="s", email="s@two.test", organization_id=place["id"])
    ).done()
    other = (await rest.create(admin, "user", name="t", email="t@two.test", type="admin")).done()
    (await rest.change(admin, "user", other["id"], is_active=False)).done()
    (await rest.delete(admin, "user", other["id"])).done()
    (await rest.delete(admin, "category", below["id"])).done()
    (await rest.delete(admin, "organization", place["id"])).done()
    (await rest.delete(admin, "user", spare["id"])).done()
    (await rest.delete_ticket(admin, made["id"])).done()
    await rest.test_webhook(admin, hook["id"])
    await rest.rotate_secret(admin, hook["id"])
    [*_, sent] = (await rest.deliveries(admin, hook["id"])).done()
    await rest.redeliver(admin, hook["id"], sent["id"])
    await rest.change(admin, "webhook", hook["id"], is_active=True)
    key = (await rest.make_key(admin, user_id=customer.id)).done()
    (await rest.revoke_key(admin, key["id"])).done()
    await rest.sign_in(admin.api_key, admin.api_secret)


async def somebody_follows(helpdesk: Helpdesk, who: Person) -> None:
    caller = await sign_in(helpdesk, who.headers["Authorization"])
    assert caller is not None
    async with helpdesk.operation(caller) as ctx:
        following = await subscriptions.all_events(ctx, None, "0")
        for each in (following, following._replace(ticket_id=1)):
            subscription = subscriptions.Subscription(helpdesk, caller, each)
            await subscription.begin()
            await subscription._read_page(0, 10)
            subscription.end()
        [event, *_] = await ctx.reads.rows(events.NEXT, after=0, most=1)
        await subscriptions.is_heard(ctx.reads, caller, event)


async def the_worker_works(helpdesk: Helpdesk) -> None:
    async with working(helpdesk) as worker:
        await worker.drain()
        await worker._report()
        await jobs.leave(helpdesk, worker.name)
    await jobs.forget_old(helpdesk)
    await standing(helpdesk)
    await any_key(helpdesk)
    assert await is_readable(helpdesk)
    await keys_of(helpdesk, "default")
    async with helpdesk.db.read() as reads:
        await reads.rows(attachments.KNOWN_KEYS, keys=["key/2", "key/3"])
    async with helpdesk.db.write() as tx:
        await tallies.fold(tx, 10)
    await files.sweep(helpdesk)


# --- the tests -----------------------------------------------------------------------------------------------------

NOT_ASKED_HERE = {"bulk", "notifications"}
"""`answer demo` runs once."""


def statements() -> dict[str, Statement[Any]]:
    """Every SELECT that db/queries has by a name."""
    found: dict[str, Statement[Any]] = {}
    for module in pkgutil.iter_modules(queries.__path__):
        if module.name not in NOT_ASKED_HERE:
            held = vars(importlib.import_module(f"db.queries.{module.name}"))
            found |= {
                f"{module.name}.{name}": each for name, each in held.items() if isinstance(each, Statement)
            }
    return found


@pytest.mark.timeout(300)
async def test_no_growing_table_is_read_from_end_to_end(
    full: Database, helpdesk: Helpdesk, http: httpx.AsyncClient, join: Joins
) -> None:
    helpdesk.allows_private_addresses = True
    async with receiving() as receiver:
        with watching(full) as seen:
            admin, customer = await join("admin"), await join("customer")
            await every_list(full)
            await everybody_reads(http, [admin, customer])
            await everything_is_done(RestDoor(http), admin, customer, receiver.url("/"))
            await somebody_follows(helpdesk, admin)
            await somebody_follows(helpdesk, customer)
            await the_worker_works(helpdesk)
    run = "\n".join(
        _squeezed(sql) for sql in seen
    )  # some only ever within others that were asked for with them
    dialect = full.engine.dialect
    missing = [
        name
        for name, each in statements().items()
        if not (full.is_sqlite and name == "events.WRITERS")  # of PostgreSQL's own lists
        and _squeezed(each.compiled(dialect).sql) not in run
    ]
    assert missing == []
    assert await scans(full, seen) == {}


def _squeezed(sql: str) -> str:
    """The text without what tells where it stands: lines, and the numbers of its parameters."""
    return re.sub(r"\$\d+", "$", " ".join(sql.split()))

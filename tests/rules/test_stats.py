"""Statistics: every figure is the one that counting by hand gives (D8 to D15)."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import rows
from resolvers import ratings, replies, stats, tickets
from resolvers.context import Caller, Context, Helpdesk
from resolvers.errors import AnswerError
from resolvers.users import add_user
from resolvers.workspaces import workspace_named
from rest_compat.stats import _agent, _overview
from tests.conftest import Clock, Joins, Person, Sql
from tests.doors import Door, GraphqlDoor, RestDoor, Row, opened
from tests.statistics_reference import Reference, told

BEGIN = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)


class TestOverview:
    """What a new helpdesk and a small one say."""

    async def test_of_nothing(self, door: Door, agent: Person) -> None:
        found = (await door.overview(agent)).done()
        assert found["tickets"] == {"total": 0, "open": 0, "pending": 0, "resolved": 0, "closed": 0}
        assert set(found["response_times"].values()) == {None}
        assert found["by_category"] == []
        assert found["by_priority"] == {"low": 0, "medium": 0, "high": 0, "urgent": 0}
        assert found["trends"] == {
            name: [{"date": "2026-03-02", "count": 0}] for name in ("daily_created", "daily_resolved")
        }
        assert found["agent_performance"] == [
            {
                "agent_id": agent.id,
                "name": agent.user.name,
                "tickets_resolved": 0,
                "avg_response_time": None,
                "satisfaction_rating": None,
            }
        ]
        [figures] = (await door.agent_stats(agent)).done()
        assert set(figures["metrics"].values()) == {0, None}
        assert figures["activity"] == {"replies_sent": 0, "internal_notes": 0, "tickets_reassigned": 0}

    async def test_of_a_day(
        self, door: Door, helpdesk: Helpdesk, clock: Clock, agent: Person, admin: Person, customer: Person
    ) -> None:
        filed = (await door.create(agent, "category", name="Billing")).done()["id"]
        asks = {"requester_email": customer.user.email}
        first = await opened(door, agent, **asks, priority="urgent", category_id=filed, assigned_to=agent.id)
        second = await opened(door, agent, **asks, priority="low")
        clock.pass_(minutes=30)
        await door.reply(agent, first["id"], content="On it")
        await door.reply(customer, first["id"], content="And?")
        clock.pass_(minutes=10)
        await door.reply(customer, first["id"], content="Hello?")
        clock.pass_(minutes=10)
        await door.reply(agent, first["id"], content="Done", update_status="resolved")
        await door.reply(agent, second["id"], content="A note", is_internal=True)
        await door.change_ticket(agent, first["id"], assigned_to=admin.id)
        await door.rate(customer, first["id"], rating=4)
        found = (await door.overview(agent)).done()
        assert found["tickets"] == {"total": 2, "open": 1, "pending": 0, "resolved": 1, "closed": 0}
        assert found["response_times"] == {
            "average_first_response": 1800,
            "average_resolution": 3000,
            "sla_compliance": 100.0,
        }
        assert found["by_category"] == [{"category": "Billing", "count": 1}]
        assert found["by_priority"] == {"low": 1, "medium": 0, "high": 0, "urgent": 1}
        assert [each["agent_id"] for each in found["agent_performance"]] == [admin.id, agent.id]
        resolved, waited = found["agent_performance"]
        assert (resolved["tickets_resolved"], resolved["satisfaction_rating"]) == (1, 4.0)
        # half an hour for the first answer, twenty minutes for the run of two messages
        assert (waited["avg_response_time"], waited["satisfaction_rating"]) == (1500, None)
        figures = {each["agent_id"]: each for each in (await door.agent_stats(agent)).done()}
        assert figures[agent.id]["activity"] == {
            "replies_sent": 2,
            "internal_notes": 1,
            "tickets_reassigned": 1,
        }
        assert figures[admin.id]["metrics"] == {
            "tickets_assigned": 1,
            "tickets_resolved": 1,
            "tickets_open": 0,
            "avg_first_response_time": 1800,
            "avg_resolution_time": 3000,
            "satisfaction_score": 4.0,
            "sla_compliance": 100.0,
        }
        await same_as_reference(door, helpdesk, agent, clock)

    async def test_is_for_the_staff(
        self, door: Door, customer: Person, stranger: Person, agent: Person
    ) -> None:
        await opened(door, agent)
        for asked in (door.overview, door.agent_stats):
            assert (await asked(customer)).code == "FORBIDDEN"
            assert (await asked(None)).code == "UNAUTHORIZED"
        assert (await door.overview(stranger)).data["tickets"]["total"] == 0
        assert [each["agent_id"] for each in (await door.agent_stats(stranger)).data] == [stranger.id]


class TestWindow:
    """D12."""

    async def test_ends_are_included(
        self, door: Door, helpdesk: Helpdesk, clock: Clock, agent: Person
    ) -> None:
        clock.pass_(hours=14, minutes=59)
        agent = await signed_in_again(door, agent)
        midnight = dt.datetime(2026, 3, 3, tzinfo=dt.UTC)
        for moment in (midnight - dt.timedelta(microseconds=1), midnight):
            helpdesk.clock = lambda moment=moment: moment
            assert (await opened(door, agent))["created_at"] == moment.isoformat().replace("+00:00", "Z")
        for asked, total in (
            ({"to_date": "2026-03-02"}, 1),
            ({"from_date": "2026-03-02", "to_date": "2026-03-02"}, 1),
            ({"from_date": "2026-03-03"}, 1),
            ({"from_date": "2026-03-02", "to_date": "2026-03-03"}, 2),
            ({"from_date": "0001-01-01", "to_date": "9999-12-31"}, 2),
            ({"to_date": "2026-03-01"}, 0),
            ({"from_date": "2026-03-04"}, 0),
            ({"from_date": "9999-12-31"}, 0),
            ({"to_date": "0001-01-01"}, 0),
        ):
            found = (await door.overview(agent, **asked)).done()
            assert found["tickets"]["total"] == sum(found["by_priority"].values()) == total, asked
            assert (
                sum(
                    each["metrics"]["tickets_assigned"]
                    for each in (await door.agent_stats(agent, **asked)).data
                )
                == 0
            )

    async def test_trends_have_every_day(self, door: Door, clock: Clock, agent: Person) -> None:
        ticket = await opened(door, agent)
        clock.pass_(hours=49)
        agent = await signed_in_again(door, agent)
        await door.change_ticket(agent, ticket["id"], status="closed")
        days = ["2026-03-02", "2026-03-03", "2026-03-04"]
        found = (await door.overview(agent)).done()["trends"]
        assert found["daily_created"] == [{"date": day, "count": int(day == days[0])} for day in days]
        assert found["daily_resolved"] == [{"date": day, "count": int(day == days[2])} for day in days]
        for asked, first, last, count in (
            ({"from_date": "2026-01-01", "to_date": "2026-12-31"}, "2026-01-01", "2026-12-31", 365),
            ({"from_date": "2024-01-01", "to_date": "2026-12-31"}, "2025-12-31", "2026-12-31", 366),
            ({"to_date": "2027-12-31"}, "2026-12-31", "2027-12-31", 366),
            ({"from_date": "2026-04-01"}, "2026-04-01", "2026-04-01", 1),
            ({"to_date": "2026-01-01"}, "2026-01-01", "2026-01-01", 1),
            ({"from_date": "0001-01-01"}, "2025-03-04", "2026-03-04", 366),
        ):
            trends = (await door.overview(agent, **asked)).done()["trends"]
            for each in trends.values():
                assert (each[0]["date"], each[-1]["date"], len(each)) == (first, last, count)
                found_days = [dt.date.fromisoformat(day["date"]) for day in each]
                assert found_days == [found_days[0] + dt.timedelta(days=n) for n in range(count)]

    async def test_from_after_to_is_refused(self, door: Door, agent: Person) -> None:
        for asked in (door.overview, door.agent_stats):
            refused = await asked(agent, from_date="2026-03-02", to_date="2026-03-01")
            assert (refused.code, refused.wrong) == (
                "VALIDATION_ERROR",
                {"from_date": "must not be after to_date"},
            )
            assert (await asked(agent, from_date="2026-03-02", to_date="2026-03-02")).ok

    @pytest.mark.parametrize(
        "bad",
        [
            "2026-02-30",
            "2026-13-45",
            "2026-1-1",
            "20260101",
            "2026-W01-1",
            "x",
            "2026-01-01T00:00:00Z",
            "0000-01-01",
        ],
    )
    async def test_no_such_date_is_refused(self, door: Door, agent: Person, bad: str) -> None:
        for asked in (door.overview, door.agent_stats):
            for name in ("from_date", "to_date"):
                refused = await asked(agent, **{name: bad})
                assert refused.code == "VALIDATION_ERROR"
                assert refused.wrong == {name: "must be a date such as 2024-01-31"}

    async def test_both_dates_are_named_at_once(self, rest: RestDoor, agent: Person) -> None:
        refused = await rest.overview(agent, from_date="x", to_date="y")
        assert set(refused.wrong) == {"from_date", "to_date"}


class TestAgents:
    """Who is listed."""

    async def test_every_agent_and_admin_and_nobody_else(
        self, door: Door, agent: Person, admin: Person, customer: Person, stranger: Person
    ) -> None:
        assert [each["agent_id"] for each in (await door.agent_stats(admin)).done()] == [agent.id, admin.id]
        ticket = await opened(door, admin, assigned_to=agent.id)
        await door.change(admin, "user", agent.id, is_active=False)
        figures = {each["agent_id"]: each["metrics"] for each in (await door.agent_stats(admin)).done()}
        assert figures[agent.id]["tickets_assigned"] == 1
        await door.delete_ticket(admin, ticket["id"])
        figures = {each["agent_id"]: each["metrics"] for each in (await door.agent_stats(admin)).done()}
        assert figures[agent.id]["tickets_assigned"] == 0

    async def test_come_in_pages(self, rest: RestDoor, agent: Person, join: Joins) -> None:
        ids = [agent.id] + [
            (await join("agent", email=f"{number}@default.example")).id for number in range(4)
        ]
        pages = [await rest.agent_stats(agent, page=page, per_page=2) for page in (1, 2, 3, 4)]
        assert [[each["agent_id"] for each in page.data] for page in pages] == [
            ids[:2],
            ids[2:4],
            ids[4:],
            [],
        ]
        assert {page.total for page in pages} == {5}
        assert set((await rest.agent_stats(agent, per_page=101)).wrong) == {"per_page"}


OPERATION = """query Stats($from: Date, $to: Date) {
  stats(from: $from, to: $to) {
    tickets { total open pending resolved closed }
    responseTimes { averageFirstResponse averageResolution slaCompliance }
    agentPerformance { agent { id name } ticketsResolved avgResponseTime satisfactionRating }
    byCategory { category { id name } count }
    byPriority { low medium high urgent }
    trends { dailyCreated { date count } dailyResolved { date count } }
    agents {
      agent { id name email }
      metrics { ticketsAssigned ticketsResolved ticketsOpen avgFirstResponseTime avgResolutionTime satisfactionScore slaCompliance }
      activity { repliesSent internalNotes ticketsReassigned }
    }
  }
}"""
"""What a frontend asks."""


async def test_the_number_of_statements_is_the_same_whatever_there_is(
    graph: GraphqlDoor, rest: RestDoor, sql: Sql, agent: Person, customer: Person, join: Joins
) -> None:
    counted = []
    for number in range(3):
        if number:
            other = await join("agent", email=f"{number}@default.example")
            category = (await graph.create(agent, "category", name=str(number))).done()["id"]
            for _ in range(1 if number == 1 else 14):
                ticket = await opened(
                    graph,
                    agent,
                    requester_email=customer.user.email,
                    category_id=category,
                    assigned_to=other.id,
                )
                await graph.reply(agent, ticket["id"], content="x", update_status="resolved")
                await graph.rate(customer, ticket["id"], rating=3)
        assert (await rest.overview(agent)).ok  # who is behind the token is known for a while from now on
        asked = []
        for work in (
            graph.ask(agent, OPERATION, **{"from": "2026-01-01", "to": None}),
            rest.overview(agent),
            rest.agent_stats(agent),
        ):
            sql.clear()
            answer = await work
            assert "errors" not in answer if isinstance(answer, dict) else answer.ok
            asked.append(len(sql))
        counted.append(asked)
    assert counted == [[9, 8, 5]] * 3


# --- against a reference that only knows what happened -----------------------------------------------------------


async def signed_in_again(door: Door, person: Person) -> Person:
    """The person with a fresh token, when the old one has run out."""
    token = (await door.sign_in(person.api_key, person.api_secret)).done()["token"]
    return Person(person.user, person.workspace, person.api_key, person.api_secret, token)


async def same_as_reference(
    door: Door, helpdesk: Helpdesk, agent: Person, clock: Clock, **asked: str
) -> None:
    """Both answers of the door are what counting by hand gives."""
    days = [
        dt.date.fromisoformat(asked[name]) if name in asked else None for name in ("from_date", "to_date")
    ]
    by_hand = Reference(await told(helpdesk.db, agent.workspace.id), *days, clock.moment)
    assert (await door.overview(agent, **asked)).done() == by_hand.overview()
    assert (await door.agent_stats(agent, **asked)).done() == by_hand.agents()


AGENTS, CUSTOMERS, CATEGORIES = 3, 2, 2
WHO = st.sampled_from(["agent", "agent", "customer"])
STATUSES = st.sampled_from(["open", "pending", "pending", "resolved", "closed"])
PRIORITIES = st.sampled_from(["low", "medium", "high", "urgent"])
WHICH = st.sampled_from([0, 0, 0, 0, 1, 1, 2])
"""A ticket; few, so that a lot happens to each."""
BY = st.integers(0, 5)
GAPS = st.one_of(
    st.sampled_from([0, 0, 0, 0.5, 1.5, 3, 5, 9, 25, 70]), st.integers(1, 200_000).map(lambda s: s / 3600)
)
"""Hours that pass before a deed: some are about as long as what is promised."""
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "status": STATUSES,
        "priority": PRIORITIES,
        "assigned_to": st.none() | st.integers(0, AGENTS - 1),
        "category_id": st.none() | st.integers(0, CATEGORIES - 1),
    },
)
REPLIES = (
    st.tuples(st.just("reply"), WHICH, WHO, BY, st.just(False), st.none()),
    st.tuples(st.just("reply"), WHICH, WHO, BY, st.booleans(), STATUSES),
)
UPDATES = (
    st.tuples(st.just("update"), WHICH, BY, CHANGES),
    st.tuples(st.just("update"), WHICH, BY, st.fixed_dictionaries({"status": STATUSES})),
    st.tuples(st.just("update"), WHICH, BY, st.fixed_dictionaries({"status": STATUSES})),
    st.tuples(st.just("update"), WHICH, BY, st.fixed_dictionaries({"priority": PRIORITIES})),
)
OTHERS = (
    st.tuples(st.just("open"), BY, PRIORITIES, st.none() | st.integers(0, AGENTS - 1)),
    st.tuples(st.just("rate"), WHICH, st.integers(1, 5)),
    st.tuples(st.just("rate"), WHICH, st.integers(1, 5)),
)
DEEDS = st.one_of(*REPLIES, *UPDATES, *OTHERS, *REPLIES, *UPDATES, st.tuples(st.just("delete"), BY))
WINDOWS = st.tuples(st.none() | st.integers(-1, 12), st.none() | st.integers(-1, 12)).filter(
    lambda days: None in days or days[0] <= days[1]
)


class World:
    """A workspace of its own in which deeds are done through the resolvers."""

    def __init__(self, helpdesk: Helpdesk, clock: Clock, workspace_id: int) -> None:
        self.helpdesk = helpdesk
        self.clock = clock
        self.workspace_id = workspace_id
        self.agents: list[rows.User] = []
        self.customers: list[rows.User] = []
        self.categories: list[int] = []
        self.tickets: list[int] = []

    def caller(self, person: rows.User) -> Caller:
        return Caller(self.workspace_id, person.id, 0, person.type, "enterprise")

    async def do(self, deed: Sequence[Any]) -> None:
        """Do it, or be refused."""
        kind, *given = deed
        try:
            await getattr(self, kind)(*given)
        except AnswerError:
            pass

    def ticket(self, which: int) -> int:
        return self.tickets[which % len(self.tickets)] if self.tickets else 0

    async def open(self, which: int, priority: str, assigned_to: int | None) -> None:
        asks = (self.customers + self.agents[:1])[which % (CUSTOMERS + 1)]
        given = {
            "subject": "s",
            "content": "c",
            "requester_email": asks.email,
            "priority": priority,
            "category_id": self.categories[which % CATEGORIES],
            "assigned_to": None if assigned_to is None else self.agents[assigned_to].id,
        }
        async with self.helpdesk.operation(self.caller(self.agents[0])) as ctx:
            self.tickets.append((await tickets.create_ticket(ctx, given)).id)

    async def update(self, which: int, by: int, changes: dict[str, Any]) -> None:
        given = dict(changes)
        if given.get("assigned_to") is not None:
            given["assigned_to"] = self.agents[given["assigned_to"]].id
        if given.get("category_id") is not None:
            given["category_id"] = self.categories[given["category_id"]]
        async with self.helpdesk.operation(self.caller(self.agents[by % AGENTS])) as ctx:
            await tickets.update_ticket(ctx, self.ticket(which), given)

    async def reply(self, which: int, who: str, by: int, is_internal: bool, status: str | None) -> None:
        people = self.agents if who == "agent" else self.customers
        given = {"content": "c", "is_internal": is_internal} | ({"update_status": status} if status else {})
        async with self.helpdesk.operation(self.caller(people[by % len(people)])) as ctx:
            await replies.create_reply(ctx, self.ticket(which), given)

    async def rate(self, which: int, rating: int) -> None:
        for person in (*self.customers, self.agents[0]):
            try:
                async with self.helpdesk.operation(self.caller(person)) as ctx:
                    await ratings.rate_ticket(ctx, self.ticket(which), {"rating": rating})
            except AnswerError:
                continue

    async def delete(self, which: int) -> None:
        if ticket_id := self.ticket(which):
            self.tickets.remove(ticket_id)
            async with self.helpdesk.operation(self.caller(self.agents[0])) as ctx:
                await tickets.delete_ticket(ctx, ticket_id)


async def world_of(helpdesk: Helpdesk, clock: Clock, name: str) -> World:
    """A new workspace with its people and categories, at the beginning of time."""
    clock.moment = BEGIN
    async with helpdesk.db.write() as tx:
        home = await workspace_named(tx, name, None, BEGIN)
        world = World(helpdesk, clock, home.id)
        for role, people, count in (
            ("agent", world.agents, AGENTS),
            ("customer", world.customers, CUSTOMERS),
        ):
            for number in range(count):
                given = {"name": f"{role} {number}", "email": f"{role}{number}@x.test", "type": role}
                added = await add_user(tx, home.id, given, BEGIN)
                assert added is not None
                people.append(added)
    from resolvers.categories import create_category

    for number in range(CATEGORIES):
        async with helpdesk.operation(world.caller(world.agents[0])) as ctx:
            world.categories.append((await create_category(ctx, {"name": f"c{number}"})).id)
    return world


async def shown(ctx: Context, asked: stats.Stats) -> tuple[Row, list[Row]]:
    """Both answers as REST writes them."""
    found = (await _overview(ctx, asked), [_agent(each) for each in await stats.agents(ctx, asked)])
    overview, agents = msgspec.json.decode(msgspec.json.encode(found))
    return overview, agents


_worlds = 0


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    deeds=st.lists(st.tuples(GAPS, DEEDS), min_size=6, max_size=36),
    windows=st.lists(WINDOWS, min_size=1, max_size=3),
)
async def test_whatever_happens_every_figure_is_the_one_that_counting_gives(
    helpdesk: Helpdesk,
    clock: Clock,
    deeds: list[tuple[float, Any]],
    windows: list[tuple[int | None, int | None]],
) -> None:
    global _worlds
    _worlds += 1
    world = await world_of(helpdesk, clock, f"world {_worlds}")
    await world.do(("open", 0, "urgent", 0))
    await world.do(("open", 1, "high", None))
    for hours, deed in deeds:
        clock.pass_(hours=hours)
        await world.do(deed)
    everything = await told(helpdesk.db, world.workspace_id)
    for first, last in [(None, None), *windows]:
        days = [None if each is None else BEGIN.date() + dt.timedelta(days=each) for each in (first, last)]
        async with helpdesk.operation(world.caller(world.agents[1])) as ctx:
            asked = await stats.stats(ctx, *days)
            overview, agents = await shown(ctx, asked)
        by_hand = Reference(everything, days[0], days[1], asked.window.now)
        assert overview == by_hand.overview()
        assert agents == by_hand.agents()
        _holds(overview, agents)


def _holds(overview: Row, agents: list[Row]) -> None:
    """D13, D14."""
    counts = dict(overview["tickets"])
    total = counts.pop("total")
    assert total == sum(counts.values()) == sum(overview["by_priority"].values())
    for each in agents:
        metrics = each["metrics"]
        assert metrics["tickets_assigned"] == metrics["tickets_resolved"] + metrics["tickets_open"]
    assert sum(each["metrics"]["tickets_assigned"] for each in agents) <= total
    assert sum(each["count"] for each in overview["by_category"]) <= total

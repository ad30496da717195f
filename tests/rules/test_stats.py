"""Statistics: every figure is the one that counting by hand gives (D8 to D15)."""

import datetime as dt
import functools

import pytest

from resolvers.context import Helpdesk
from tests.conftest import Clock, Joins, Person, Sql
from tests.doors import Door, GraphqlDoor, RestDoor, opened
from tests.statistics_reference import Reference, told


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
            helpdesk.clock = functools.partial(_same, moment)
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
      metrics {
        ticketsAssigned ticketsResolved ticketsOpen avgFirstResponseTime avgResolutionTime satisfactionScore slaCompliance
      }
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
    assert counted == [[5 if sql.joins else 6, 6, 3]] * 3


async def signed_in_again(door: Door, person: Person) -> Person:
    """The person with a fresh token, when the old one has run out."""
    token = (await door.sign_in(person.api_key, person.api_secret)).done()["token"]
    return Person(person.user, person.workspace, person.api_key, person.api_secret, token)


async def same_as_reference(
    door: Door, helpdesk: Helpdesk, agent: Person, clock: Clock, **asked: str
) -> None:
    """Both answers of the door are what counting by hand gives."""
    first, last = (
        dt.date.fromisoformat(asked[name]) if name in asked else None for name in ("from_date", "to_date")
    )
    by_hand = Reference(await told(helpdesk.db, agent.workspace.id), first, last, clock.moment)
    assert (await door.overview(agent, **asked)).done() == by_hand.overview()
    assert (await door.agent_stats(agent, **asked)).done() == by_hand.agents()


def _same(moment: dt.datetime) -> dt.datetime:
    """A clock that stands still."""
    return moment

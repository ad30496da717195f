"""Figures are what counting gives, whatever was noted, folded or taken back; no writer waits for them (D8 to D15)."""

import datetime as dt
import itertools

import msgspec
import pytest

from db.database import Database
from db.queries import figures, sla, tickets
from db.queries.stats import spans
from db.tables import RESOLUTION_RUNS, RESPONSE_RUNS
from gateway.worker import Worker
from resolvers.context import Helpdesk
from tests.conftest import Clock, Joins, Person, Sql
from tests.contents import assert_counted, folded, tables_of
from tests.doors import NEW_TICKET, Door, RestDoor, opened
from tests.rules.test_stats import same_as_reference, signed_in_again

Span = tuple[dt.date, dt.date]


class TestSpans:
    """A window is whole months and the days around them: each day once."""

    @pytest.mark.parametrize(
        ("first", "last", "months"),
        [
            ("2026-03-02", "2026-03-20", None),
            ("2026-03-01", "2026-03-31", ("2026-03-01", "2026-03-31")),
            ("2026-03-01", "2026-03-30", None),
            ("2026-03-02", "2026-04-30", ("2026-04-01", "2026-04-30")),
            ("2026-02-28", "2026-03-01", None),
            ("2026-01-31", "2026-05-01", ("2026-02-01", "2026-04-30")),
            ("2023-12-31", "2025-01-01", ("2024-01-01", "2024-12-31")),
            ("2024-02-01", "2024-02-29", ("2024-02-01", "2024-02-29")),
            ("0001-01-01", "9999-12-31", ("0001-01-01", "9999-12-31")),
            ("0001-01-01", "0001-01-01", None),
            ("9999-12-31", "9999-12-31", None),
            ("9999-12-01", "9999-12-31", ("9999-12-01", "9999-12-31")),
            ("9999-11-30", "9999-12-31", ("9999-12-01", "9999-12-31")),
            ("2026-11-15", "9999-12-31", ("2026-12-01", "9999-12-31")),
        ],
    )
    def test_months_are_whole(self, first: str, last: str, months: tuple[str, str] | None) -> None:
        begin, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
        before, found, after = _parts(begin, end)
        held = [part for part in (before, found, after) if part[0] <= part[1]]
        assert (held[0][0], held[-1][1]) == (begin, end)
        for (_, one), (other, _) in itertools.pairwise(held):
            assert one + dt.timedelta(days=1) == other
        assert (found in held) == (months is not None)
        if months is not None:
            assert tuple(day.isoformat() for day in found) == months


def _parts(first: dt.date, last: dt.date) -> list[Span]:
    given = spans(first, last)
    return [
        (given[f"{name}_first"], given[f"{name}_last"]) for name in ("days_before", "months", "days_after")
    ]


class TestLapsed:
    """A target that nobody met in time is noted once, and counts the same before and after (D10)."""

    async def test_counts_before_and_after(
        self, door: Door, helpdesk: Helpdesk, clock: Clock, agent: Person, worker: Worker
    ) -> None:
        ticket = await opened(door, agent, priority="urgent", assigned_to=agent.id)
        await opened(door, agent, priority="urgent")
        clock.pass_(minutes=70)
        agent = await signed_in_again(door, agent)
        before = (await door.agent_stats(agent)).done()
        assert before[0]["metrics"]["sla_compliance"] == 0.0
        await same_as_reference(door, helpdesk, agent, clock)
        await worker._report()
        assert [row[0] for row in await _lapsed(helpdesk.db)] == [True, True]
        assert (await door.agent_stats(agent)).done() == before
        await same_as_reference(door, helpdesk, agent, clock)
        shown = (await door.one(agent, "ticket", ticket["id"])).done()
        assert (shown["updated_at"], shown["status"]) == (ticket["updated_at"], "open")
        await door.reply(agent, ticket["id"], content="late", update_status="resolved")
        await same_as_reference(door, helpdesk, agent, clock)
        await assert_counted(helpdesk.db)

    async def test_is_noted_once(
        self, door: Door, helpdesk: Helpdesk, clock: Clock, agent: Person, sql: Sql
    ) -> None:
        await opened(door, agent, priority="urgent")
        clock.pass_(hours=5)
        for count in (2, 0):
            async with helpdesk.db.write() as tx:
                assert await sla.lapse(tx, clock.moment, 10) == count
        tables = await tables_of(helpdesk.db)
        assert [row["amount"] for row in tables["ticket_tally_change"]] == [1, -1, 1, -1, 1]

    @pytest.mark.parametrize("how", ["answered", "resolved", "priority", "pending"])
    async def test_by_a_clock_that_is_ahead(
        self, door: Door, helpdesk: Helpdesk, clock: Clock, agent: Person, how: str
    ) -> None:
        """A worker on another machine notes it a moment before the answer, which by its own clock is in time."""
        ticket = await opened(door, agent, priority="urgent", assigned_to=agent.id)
        clock.pass_(minutes=40)
        async with helpdesk.db.write() as tx:
            assert await sla.lapse(tx, clock.moment + dt.timedelta(hours=4), 10) == 2
        deeds = {
            "answered": door.reply(agent, ticket["id"], content="x"),
            "resolved": door.reply(agent, ticket["id"], content="x", update_status="resolved"),
            "priority": door.change_ticket(agent, ticket["id"], priority="low"),
            "pending": door.change_ticket(agent, ticket["id"], status="pending"),
        }
        deed = deeds.pop(how)
        for other in deeds.values():
            other.close()
        (await deed).done()
        if how == "pending":
            clock.pass_(minutes=1)
            await door.change_ticket(agent, ticket["id"], status="open")
        await assert_counted(helpdesk.db)
        by_response, by_resolution = (await _lapsed(helpdesk.db))[0]
        assert (by_response, by_resolution) == {
            "answered": (True, True),
            "resolved": (True, True),
            "priority": (False, False),
            "pending": (True, False),
        }[how]
        if how in ("resolved", "priority"):
            await same_as_reference(door, helpdesk, agent, clock)

    @pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)])
    async def test_waits_for_nobody(
        self, door: Door, helpdesk: Helpdesk, clock: Clock, agent: Person, engine: str
    ) -> None:
        """A ticket that somebody holds is noted the next time. SQLite has one writer."""
        ticket = await opened(door, agent, priority="urgent")
        clock.pass_(hours=2)
        async with helpdesk.db.write() as tx:
            assert await tickets.LISTING.find(tx, (("id", ticket["id"]),), held=True)
            async with helpdesk.db.write() as other:
                assert await sla.lapse(other, clock.moment, 10) == 0
        async with helpdesk.db.write() as tx:
            assert await sla.lapse(tx, clock.moment, 10) == 1


async def _lapsed(db: Database) -> list[tuple[bool, bool]]:
    held = await tables_of(db)
    return [(row["is_response_lapsed"], row["is_resolution_lapsed"]) for row in held["ticket"]]


class TestPeople:
    """Who did it may be somebody else by now, or gone."""

    async def test_a_customer_who_becomes_an_agent_brings_the_replies_along(
        self, door: Door, helpdesk: Helpdesk, clock: Clock, admin: Person, customer: Person
    ) -> None:
        ticket = await opened(door, admin, requester_email=customer.user.email)
        await door.reply(customer, ticket["id"], content="And?")
        await _becomes(door, clock, admin, customer, "agent")
        other = await opened(door, admin)
        (await door.reply(customer, other["id"], content="Done")).done()
        (await door.reply(customer, other["id"], content="Note", is_internal=True)).done()
        found = {each["agent_id"]: each["activity"] for each in (await door.agent_stats(admin)).done()}
        assert found[customer.id] == {"replies_sent": 2, "internal_notes": 1, "tickets_reassigned": 0}
        await same_as_reference(door, helpdesk, admin, clock)
        await _becomes(door, clock, admin, customer, "customer")
        (await door.reply(customer, ticket["id"], content="Again")).done()
        await assert_counted(helpdesk.db)
        assert [each["agent_id"] for each in (await door.agent_stats(admin)).done()] == [admin.id]
        await _becomes(door, clock, admin, customer, "agent")
        await same_as_reference(door, helpdesk, admin, clock)

    async def test_an_agent_who_is_deleted(
        self, door: Door, helpdesk: Helpdesk, clock: Clock, admin: Person, customer: Person, join: Joins
    ) -> None:
        """Whose ticket was rated, given away, rated again, deleted."""
        leaves = await join("agent", email="leaves@default.example")
        asks = {"requester_email": customer.user.email}
        ticket = await opened(door, admin, **asks, assigned_to=leaves.id)
        await door.change_ticket(admin, ticket["id"], status="resolved")
        (await door.rate(customer, ticket["id"], rating=2)).done()
        await door.change_ticket(admin, ticket["id"], assigned_to=admin.id)
        (await door.delete(admin, "user", leaves.id)).done()
        await same_as_reference(door, helpdesk, admin, clock)
        (await door.rate(customer, ticket["id"], rating=4)).done()
        await folded(helpdesk.db, 4)
        await same_as_reference(door, helpdesk, admin, clock)
        (await door.delete_ticket(admin, ticket["id"])).done()
        await same_as_reference(door, helpdesk, admin, clock)
        await assert_counted(helpdesk.db)
        assert set((await door.overview(admin)).done()["tickets"].values()) == {0}


async def _becomes(door: Door, clock: Clock, admin: Person, person: Person, role: str) -> None:
    (await door.change(admin, "user", person.id, type=role)).done()
    clock.pass_(seconds=11)  # who is behind a token is known for a while


class TestWrites:
    """What a write adds."""

    async def test_only_what_counts_is_noted(
        self, rest: RestDoor, helpdesk: Helpdesk, admin: Person, customer: Person, join: Joins
    ) -> None:
        agent = await join("agent", email="other@default.example")
        ticket = await opened(
            rest, admin, requester_email=customer.user.email, assigned_to=agent.id, priority="low"
        )

        async def noted() -> tuple[list[int], list[dict[str, int]]]:
            tables = await tables_of(helpdesk.db)
            await folded(helpdesk.db, 100)
            return [row["amount"] for row in tables["ticket_tally_change"]], [
                {name: row[name] for name in figures.DONE if row[name]} for row in tables["work_change"]
            ]

        assert await noted() == ([1], [])
        (await rest.reply(customer, ticket["id"], content="x")).done()
        (await rest.change_ticket(admin, ticket["id"], subject="y", tags=["z"])).done()
        assert await noted() == ([], [])
        (await rest.reply(agent, ticket["id"], content="x", is_internal=True)).done()
        assert await noted() == ([], [{"notes": 1}])
        (await rest.reply(agent, ticket["id"], content="x")).done()
        amounts, [first] = await noted()
        assert first.pop("waited_us") > 0
        assert (sorted(amounts), first) == ([-1, 1], {"replies": 1, "waits": 1})
        (await rest.reply(agent, ticket["id"], content="x")).done()
        assert await noted() == ([], [{"replies": 1}])
        (await rest.change_ticket(admin, ticket["id"], assigned_to=admin.id)).done()
        assert (await noted())[1] == [{"reassigned": 1}]
        (await rest.change_ticket(admin, ticket["id"], assigned_to=None, status="resolved")).done()
        (await rest.change_ticket(admin, ticket["id"], assigned_to=admin.id)).done()
        assert (await noted())[1] == []
        (await rest.rate(customer, ticket["id"], rating=3)).done()
        assert await noted() == ([], [{"ratings": 1, "stars": 3}])
        (await rest.rate(customer, ticket["id"], rating=5)).done()
        assert await noted() == ([], [{"ratings": -1, "stars": -3}, {"ratings": 1, "stars": 5}])
        (await rest.delete_ticket(admin, ticket["id"])).done()
        amounts, work = await noted()
        assert amounts == [-1]
        assert sum(each.get("replies", 0) for each in work) == -2
        tables = await tables_of(helpdesk.db)
        assert all(row[name] == 0 for row in tables["figure"] for name in figures.MEASURES)

    @pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)])
    async def test_writers_of_one_day_and_agent_do_not_wait_for_each_other(
        self, helpdesk: Helpdesk, rest: RestDoor, admin: Person, engine: str
    ) -> None:
        """SQLite has one writer."""
        first = await opened(rest, admin, assigned_to=admin.id)
        second = await opened(rest, admin, assigned_to=admin.id)
        await folded(helpdesk.db, 100)
        async with helpdesk.db.write() as tx:
            held = await tickets.LISTING.find(tx, (("id", first["id"]),), held=True)
            assert held is not None
            await tickets.change(tx, held, {"status": "closed"})
            work = figures.Work(admin.workspace.id, admin.id, held.created_at.date(), replies=1)
            await figures.note(tx, [work])
            (await rest.reply(admin, second["id"], content="x", update_status="closed")).done()
            await opened(rest, admin, assigned_to=admin.id)
            await folded(helpdesk.db, 100)


async def test_another_workspace_is_not_counted(
    door: Door, helpdesk: Helpdesk, clock: Clock, admin: Person, stranger: Person
) -> None:
    ticket = await opened(door, admin, assigned_to=admin.id, priority="urgent")
    clock.pass_(minutes=90)
    admin, stranger = await signed_in_again(door, admin), await signed_in_again(door, stranger)
    nothing = {"average_first_response": None, "average_resolution": None, "sla_compliance": None}
    for _ in range(2):
        found = (await door.overview(stranger)).done()
        assert (found["tickets"]["total"], found["response_times"]) == (0, nothing)
        await same_as_reference(door, helpdesk, admin, clock)
        await folded(helpdesk.db, 100)
    assert ticket["requester"]["email"] == NEW_TICKET["requester_email"]


def test_the_indexes_hold_what_runs() -> None:
    """Both words stand in a migration, too, and in every statement that looks for what is overdue."""
    assert RESPONSE_RUNS in str(sla.OVERDUE[0].select)
    assert RESOLUTION_RUNS in str(sla.OVERDUE[1].select)
    assert msgspec.structs.fields(figures.Work)[3].name == figures.DONE[0] == "replies"

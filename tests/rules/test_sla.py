"""SLA targets: when they are kept, when they are missed, and the clock that pauses (D10)."""

import datetime as dt

import pytest

from db.queries import sla as queries
from resolvers.context import Helpdesk
from resolvers.sla import DEFAULT_POLICY
from tests.conftest import Clock, Person
from tests.doors import Door, Row, opened
from tests.rules.test_stats import signed_in_again

US = dt.timedelta(microseconds=1)


class Desk:
    """A door, an agent whose token never runs out, and a clock that only moves when it is told to."""

    def __init__(self, door: Door, helpdesk: Helpdesk, clock: Clock, agent: Person) -> None:
        self.door, self.helpdesk, self.clock, self.agent = door, helpdesk, clock, agent
        self.moment = clock.moment
        self.ticket: Row = {}

    async def at(self, moment: dt.datetime) -> None:
        """Let it be so late."""
        self.helpdesk.clock = self.clock
        self.clock.moment = self.moment = moment
        self.agent = await signed_in_again(self.door, self.agent)
        self.helpdesk.clock = lambda: self.moment

    async def after(self, **span: float) -> None:
        """Let so much time pass since the ticket was opened."""
        await self.at(dt.datetime.fromisoformat(self.ticket["created_at"]) + dt.timedelta(**span))

    async def open(self, priority: str, **given: object) -> None:
        await self.at(self.moment)
        self.ticket = await opened(self.door, self.agent, priority=priority, **given)

    async def change(self, **given: object) -> None:
        (await self.door.change_ticket(self.agent, self.ticket["id"], **given)).done()

    async def answer(self, **given: object) -> None:
        (await self.door.reply(self.agent, self.ticket["id"], content="x", **given)).done()

    async def compliance(self, day: dt.date | None = None) -> float | None:
        """Percent of the targets kept, of all time or of a day."""
        asked = {} if day is None else {"from_date": day.isoformat(), "to_date": day.isoformat()}
        found = (await self.door.overview(self.agent, **asked)).done()
        percent: float | None = found["response_times"]["sla_compliance"]
        return percent


@pytest.fixture
def desk(door: Door, helpdesk: Helpdesk, clock: Clock, agent: Person) -> Desk:
    """A desk at nine o'clock."""
    return Desk(door, helpdesk, clock, agent)


async def test_every_workspace_has_the_default_policy(
    helpdesk: Helpdesk, agent: Person, stranger: Person
) -> None:
    hours = {"urgent": (1, 4), "high": (4, 24), "medium": (8, 72), "low": (24, 168)}
    async with helpdesk.db.read() as reads:
        for workspace in (agent.workspace, stranger.workspace):
            for priority, (response, resolution) in hours.items():
                stored = await reads.first(queries.LIMITS, workspace_id=workspace.id, priority=priority)
                assert stored == (response * 3600, resolution * 3600)
    assert DEFAULT_POLICY.keys() == hours.keys()


@pytest.mark.parametrize(("priority", "hours"), [("urgent", 1), ("high", 4), ("medium", 8), ("low", 24)])
async def test_the_deadline_itself_is_in_time_and_what_follows_is_not(
    desk: Desk, priority: str, hours: int
) -> None:
    await desk.open(priority)
    await desk.after(hours=hours)
    assert await desk.compliance() is None  # still running
    # an agent's first action is dated before the reply it comes with: two steps
    await desk.at(desk.moment - 2 * US)
    await desk.answer()
    assert (await desk.door.ticket(desk.agent, desk.ticket["id"])).data["first_response_at"] == (
        desk.moment + 2 * US
    ).isoformat().replace("+00:00", "Z")
    assert await desk.compliance() == 100.0
    await desk.open(priority)
    await desk.after(hours=hours)
    await desk.at(desk.moment + US)
    assert await desk.compliance() == 50.0  # one kept, one missed: nobody had to look
    await desk.answer()
    assert await desk.compliance() == 50.0  # and it stays missed


async def test_a_verdict_falls_when_it_is_due_not_when_somebody_looks(desk: Desk) -> None:
    first = desk.moment.date()
    await desk.open("low")  # to be answered within a day, resolved within seven
    await desk.after(days=3)
    await desk.answer(update_status="resolved")
    assert await desk.compliance(first) is None
    assert await desk.compliance(first + dt.timedelta(days=1)) == 0.0
    assert await desk.compliance(first + dt.timedelta(days=2)) is None
    assert await desk.compliance(first + dt.timedelta(days=3)) == 100.0
    assert await desk.compliance() == 50.0


async def test_the_resolution_clock_pauses_while_pending(desk: Desk) -> None:
    await desk.open("urgent")  # to be resolved within four hours
    await desk.answer(update_status="pending")
    await desk.after(hours=1_000)
    assert await desk.compliance() == 100.0  # the first response alone
    await desk.change(status="open")
    await desk.after(hours=1_000 + 3.99)
    await desk.change(status="pending")
    await desk.after(hours=2_000)
    await desk.change(status="resolved")
    assert await desk.compliance() == 100.0


async def test_the_clock_of_the_first_response_does_not(desk: Desk) -> None:
    await desk.open("urgent")
    await desk.change(status="pending")
    await desk.after(hours=1.01)
    assert await desk.compliance() == 0.0


async def test_it_goes_on_where_it_stopped(desk: Desk) -> None:
    await desk.open("urgent")
    await desk.answer()
    await desk.after(hours=3)
    await desk.change(status="pending")
    await desk.after(hours=10)
    await desk.change(status="open")
    await desk.after(hours=10.99)
    assert await desk.compliance() == 100.0
    await desk.after(hours=11.01)
    assert await desk.compliance() == 50.0
    await desk.change(status="pending")
    await desk.after(hours=20)
    await desk.change(status="resolved")
    assert await desk.compliance() == 50.0


async def test_what_was_kept_stays_kept_when_the_ticket_opens_again(desk: Desk) -> None:
    await desk.open("urgent")
    await desk.answer(update_status="resolved")
    await desk.after(hours=1)
    await desk.change(status="open")
    await desk.after(hours=100)
    assert await desk.compliance() == 100.0


async def test_targets_follow_the_priority(desk: Desk) -> None:
    await desk.open("low")
    await desk.change(priority="urgent")
    await desk.after(hours=1.01)
    assert await desk.compliance() == 0.0  # the first response
    await desk.change(priority="low")  # too late to forgive it
    await desk.answer()
    await desk.after(hours=5)
    assert await desk.compliance() == 0.0
    await desk.change(status="resolved")
    assert await desk.compliance() == 50.0


async def test_a_higher_priority_breaks_no_promise_in_the_past(desk: Desk) -> None:
    """What was reported of days that are over stays true."""
    first = desk.moment.date()
    await desk.open("low")
    await desk.after(hours=23)
    await desk.change(priority="urgent")
    await desk.at(desk.moment + dt.timedelta(minutes=1))
    assert await desk.compliance(first) is None
    assert await desk.compliance(first + dt.timedelta(days=1)) == 0.0


async def test_a_higher_priority_counts_only_the_time_the_clock_ran(desk: Desk) -> None:
    await desk.open("low")
    await desk.answer(update_status="pending")
    await desk.after(hours=50)
    await desk.change(priority="urgent")
    await desk.change(status="open")
    await desk.after(hours=53.9)
    assert await desk.compliance() == 100.0
    await desk.after(hours=54.1)
    assert await desk.compliance() == 50.0
    await desk.open("low")
    await desk.answer()
    await desk.after(hours=5)
    await desk.change(status="pending")
    await desk.change(priority="urgent")  # five hours are more than four
    await desk.at(desk.moment + dt.timedelta(seconds=1))
    assert await desk.compliance() == 50.0
    await desk.change(status="resolved")
    assert await desk.compliance() == 50.0

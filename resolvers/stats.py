"""Statistics: how many tickets, how fast, how well, and who did what (D8 to D15).

A caller asks for a window of days and gets a `Stats`; every part of it is a function of that. Parts that stand on the
same rows share one statement an operation, so the whole takes eight of them however many tickets, agents or days.
"""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from db import rows
from db.queries import stats as queries
from db.queries import users
from db.queries.stats import Handled, Written
from db.statements import Statement
from db.tables import PRIORITIES, STATUSES
from resolvers import fields
from resolvers.context import Context
from resolvers.loaders import Loader
from resolvers.paging import NumberedPage
from resolvers.permissions import STAFF, allow
from resolvers.visibility import visible_users

MOST_DAYS: Final = 366
"""Days of a trend, the latest ones (D12)."""
_SECOND_US: Final = 1_000_000
_DAY: Final = dt.timedelta(days=1)


class Window(NamedTuple):
    """Days in UTC, ends included; None is open. `now` decides which targets are still running."""

    first: dt.date | None
    last: dt.date | None
    now: dt.datetime

    @property
    def since(self) -> dt.datetime:
        """The first instant of the window."""
        return _midnight(self.first or dt.date.min)

    @property
    def until(self) -> dt.datetime:
        """The first instant after the window."""
        last = self.last or dt.date.max
        return dt.datetime.max.replace(tzinfo=dt.UTC) if last == dt.date.max else _midnight(last + _DAY)


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.min, dt.UTC)


class Stats(NamedTuple):
    """The statistics of a window; each part is computed when it is asked for."""

    window: Window


@dataclass(frozen=True, slots=True)
class TicketFigures:
    """Tickets created in the window, by their status now (D13)."""

    total: int
    open: int
    pending: int
    resolved: int
    closed: int


@dataclass(frozen=True, slots=True)
class PriorityFigures:
    """The same tickets by their priority."""

    low: int
    medium: int
    high: int
    urgent: int


@dataclass(frozen=True, slots=True)
class ResponseTimes:
    """Means in whole seconds (D8), and the percentage of targets that were kept (D10); None when there are none."""

    average_first_response: int | None
    average_resolution: int | None
    sla_compliance: float | None


@dataclass(frozen=True, slots=True)
class CategoryFigure:
    """How many of the tickets are in a category."""

    category: rows.Category
    count: int


@dataclass(frozen=True, slots=True)
class DayFigure:
    """How many there were on a day."""

    date: dt.date
    count: int


@dataclass(frozen=True, slots=True)
class Trends:
    """Day by day, every day present, oldest first (D12)."""

    daily_created: list[DayFigure]
    daily_resolved: list[DayFigure]


@dataclass(frozen=True, slots=True)
class AgentPerformance:
    """How an agent does, in short (D9, D11, D14)."""

    agent: rows.User
    tickets_resolved: int
    avg_response_time: int | None
    satisfaction_rating: float | None


@dataclass(frozen=True, slots=True)
class AgentMetrics:
    """The tickets that are assigned to an agent now (D8, D10, D14), and what their requesters think (D11)."""

    tickets_assigned: int
    tickets_resolved: int
    tickets_open: int
    avg_first_response_time: int | None
    avg_resolution_time: int | None
    satisfaction_score: float | None
    sla_compliance: float | None


@dataclass(frozen=True, slots=True)
class AgentActivity:
    """What an agent did in the window (D15)."""

    replies_sent: int
    internal_notes: int
    tickets_reassigned: int


@dataclass(frozen=True, slots=True)
class AgentFigures:
    """All about one agent."""

    agent: rows.User
    metrics: AgentMetrics
    activity: AgentActivity


@allow(*STAFF)
async def stats(ctx: Context, first: dt.date | None = None, last: dt.date | None = None) -> Stats:
    """The statistics from one day to another, both included; of all time when neither is given (D12).

    Raises ValidationError on `from_date` when it lies after the other.
    """
    if first is not None and last is not None and first > last:
        raise fields.refused("from_date", "must not be after to_date")
    return Stats(Window(first, last, ctx.now()))


# --- what is read, once an operation -----------------------------------------------------------------------------


def _shared(name: str, read: Callable[[Context, Window], Any]) -> Loader[Any]:
    """A loader by window: parts of one operation that need the same rows wait for the same statement."""

    async def load(ctx: Context, windows: list[Window], _args: Any) -> Mapping[Window, Any]:
        return {window: await read(ctx, window) for window in windows}

    return Loader(name, load)


async def _rows(ctx: Context, statement: Statement[Any], window: Window, **more: Any) -> list[Any]:
    given = {"workspace_id": ctx.caller.workspace_id, "since": window.since, "until": window.until}
    return await ctx.reads.rows(statement, **given | more)


async def _by_state(ctx: Context, window: Window) -> list[tuple[str, str, int]]:
    return await _rows(ctx, queries.BY_STATE, window)


async def _handled(ctx: Context, window: Window) -> dict[int | None, Handled]:
    found = await _rows(ctx, queries.BY_ASSIGNEE, window, now=window.now)
    return {each.agent_id: each for each in found}


async def _staff(ctx: Context, _window: Window) -> list[rows.User]:
    """Every agent and admin, oldest first; those who left are part of what was."""
    seen = (*visible_users(ctx.caller), ("type", STAFF))
    return sorted(await users.LISTING.every(ctx.reads, seen), key=lambda user: user.id)


async def _written(ctx: Context, window: Window) -> dict[int, Written]:
    agents = [user.id for user in await ctx.load(_STAFF, window)]
    return {each.agent_id: each for each in await _rows(ctx, queries.BY_AUTHOR, window, agents=agents)}


async def _scores(ctx: Context, window: Window) -> dict[int | None, float | None]:
    found = await _rows(ctx, queries.RATED, window)
    return {agent_id: _tenths(10 * total, count) for agent_id, count, total in found}


_BY_STATE: Final = _shared("tickets_by_state", _by_state)
_HANDLED: Final = _shared("handled_by_agent", _handled)
_STAFF: Final = _shared("staff", _staff)
_WRITTEN: Final = _shared("written_by_agent", _written)
_SCORES: Final = _shared("scores_by_agent", _scores)


# --- the parts ---------------------------------------------------------------------------------------------------


async def tickets(ctx: Context, asked: Stats) -> TicketFigures:
    """Tickets created in the window, by their status now; the total is their sum (D13)."""
    by_status: Counter[str] = Counter()
    for status, _, count in await ctx.load(_BY_STATE, asked.window):
        by_status[status] += count
    return TicketFigures(by_status.total(), *(by_status[status] for status in STATUSES))


async def by_priority(ctx: Context, asked: Stats) -> PriorityFigures:
    """The same tickets by priority: the sum is the total (D13)."""
    found: Counter[str] = Counter()
    for _, priority, count in await ctx.load(_BY_STATE, asked.window):
        found[priority] += count
    return PriorityFigures(*(found[priority] for priority in PRIORITIES))


async def by_category(ctx: Context, asked: Stats) -> list[CategoryFigure]:
    """The same tickets by category, most first; categories without any are left out (D13)."""
    found = await _rows(ctx, queries.BY_CATEGORY, asked.window)
    return [CategoryFigure(category, count) for count, category in found]


async def response_times(ctx: Context, asked: Stats) -> ResponseTimes:
    """How fast the tickets of all agents, and of nobody, were answered and resolved (D8, D10)."""
    handled = (await ctx.load(_HANDLED, asked.window)).values()
    return ResponseTimes(
        _mean_s(sum(each.response_us for each in handled), sum(each.responses for each in handled)),
        _mean_s(sum(each.resolution_us for each in handled), sum(each.resolutions for each in handled)),
        _compliance(sum(each.achieved for each in handled), sum(each.breached for each in handled)),
    )


async def trends(ctx: Context, asked: Stats) -> Trends:
    """Tickets created, and resolved, on each day: the latest 366 days of the window, up to today when it is open."""
    window = asked.window
    days = _days(window, await ctx.load(_HANDLED, window))
    shown = window._replace(first=days[0], last=days[-1])
    created = dict(await _rows(ctx, queries.CREATED_BY_DAY, shown))
    resolved = dict(await _rows(ctx, queries.RESOLVED_BY_DAY, shown))
    return Trends(
        [DayFigure(day, created.get(day, 0)) for day in days],
        [DayFigure(day, resolved.get(day, 0)) for day in days],
    )


def _days(window: Window, handled: Mapping[int | None, Handled]) -> list[dt.date]:
    """Every day of the window, at most MOST_DAYS; an open one begins with the first ticket and ends today."""
    last = window.last or max(window.now.date(), window.first or dt.date.min)
    first = window.first
    if first is None:
        first = min((each.since.date() for each in handled.values()), default=last)
    count = min((last - first).days + 1, MOST_DAYS)
    return [last - _DAY * back for back in reversed(range(count))]


async def agent_performance(ctx: Context, asked: Stats) -> list[AgentPerformance]:
    """Every agent and admin, most tickets resolved first, then oldest first (D9, D11, D14)."""
    handled, written, scores = await _of_agents(ctx, asked.window)
    found = [
        AgentPerformance(
            agent,
            handled[agent.id].resolved if agent.id in handled else 0,
            _response_time(written.get(agent.id)),
            scores.get(agent.id),
        )
        for agent in await ctx.load(_STAFF, asked.window)
    ]
    return sorted(found, key=lambda each: -each.tickets_resolved)


async def agents(ctx: Context, asked: Stats) -> list[AgentFigures]:
    """Every agent and admin with all that is known of their work, oldest first."""
    handled, written, scores = await _of_agents(ctx, asked.window)
    # the log keeps ids as text
    reassigned = dict(await _rows(ctx, queries.REASSIGNED, asked.window))
    return [
        AgentFigures(
            agent,
            _metrics(handled.get(agent.id), scores.get(agent.id)),
            _activity(written.get(agent.id), reassigned.get(str(agent.id), 0)),
        )
        for agent in await ctx.load(_STAFF, asked.window)
    ]


async def agents_numbered(ctx: Context, asked: Stats, page: int, per_page: int) -> NumberedPage[AgentFigures]:
    """The same, by page number (D20)."""
    found = await agents(ctx, asked)
    start = (page - 1) * per_page
    return NumberedPage(found[start : start + per_page], page, per_page, len(found))


async def _of_agents(
    ctx: Context, window: Window
) -> tuple[Mapping[int, Handled], Mapping[int, Written], Mapping[int, float]]:
    return (
        await ctx.load(_HANDLED, window),
        await ctx.load(_WRITTEN, window),
        await ctx.load(_SCORES, window),
    )


def _metrics(handled: Handled | None, score: float | None) -> AgentMetrics:
    if handled is None:
        return AgentMetrics(0, 0, 0, None, None, score, None)
    return AgentMetrics(
        handled.assigned,
        handled.resolved,
        handled.assigned - handled.resolved,
        _mean_s(handled.response_us, handled.responses),
        _mean_s(handled.resolution_us, handled.resolutions),
        score,
        _compliance(handled.achieved, handled.breached),
    )


def _activity(written: Written | None, reassigned: int) -> AgentActivity:
    return AgentActivity(
        written.public if written else 0, written.notes if written else 0, tickets_reassigned=reassigned
    )


# --- figures as they are shown -----------------------------------------------------------------------------------


def _response_time(written: Written | None) -> int | None:
    return _mean_s(written.waited_us, written.waits) if written else None


def _mean_s(total_us: float, count: int) -> int | None:
    """The mean in whole seconds, half a second up."""
    return int((total_us / count + _SECOND_US / 2) // _SECOND_US) if count else None


def _compliance(achieved: int, breached: int) -> float | None:
    return _tenths(1_000 * achieved, achieved + breached)


def _tenths(tenths: int, count: int) -> float | None:
    """So many tenths shared among so many, to one decimal, half a tenth up."""
    return (2 * tenths + count) // (2 * count) / 10 if count else None

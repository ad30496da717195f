"""Statistics: how many tickets, how fast, how well, and who did what (D8 to D15).

A caller asks for a window of days and gets a `Stats`; every part of it is a function of that. What is read are figures
that are kept by day and by month (db/queries/figures.py), never the tickets themselves. Parts that stand on the same
figures share one statement an operation, so the whole takes seven of them however many tickets, agents or days.
"""

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from db import rows
from db.queries import categories, users
from db.queries import stats as queries
from db.queries.figures import CATEGORY, NOBODY
from db.queries.stats import Figures
from db.statements import Statement
from db.tables import PRIORITIES, STATUSES
from resolvers import fields
from resolvers.context import Context
from resolvers.loaders import Loader
from resolvers.paging import NumberedPage
from resolvers.permissions import STAFF, allow
from resolvers.visibility import visible_categories, visible_users

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
    first, last = window.first or dt.date.min, window.last or dt.date.max
    given = {
        "workspace_id": ctx.caller.workspace_id,
        "first": first,
        "last": last,
        "since": window.since,
        "until": window.until,
        "now": window.now,
    }
    return await ctx.reads.rows(statement, **given | queries.spans(first, last) | more)


async def _counts(ctx: Context, window: Window) -> dict[str, dict[int, int]]:
    found: defaultdict[str, dict[int, int]] = defaultdict(dict)
    for facet, facet_id, count in await _rows(ctx, queries.COUNTS, window):
        found[facet][facet_id] = count
    return found


async def _figures(ctx: Context, window: Window) -> dict[int, Figures]:
    return {each.agent_id: each for each in await _rows(ctx, queries.BY_AGENT, window)}


async def _staff(ctx: Context, _window: Window) -> list[rows.User]:
    """Every agent and admin, oldest first; those who left are part of what was."""
    seen = (*visible_users(ctx.caller), ("type", STAFF))
    return sorted(await users.LISTING.every(ctx.reads, seen), key=lambda user: user.id)


_COUNTS: Final = _shared("ticket_counts_of_window", _counts)
_FIGURES: Final = _shared("figures_by_agent", _figures)
_STAFF: Final = _shared("staff", _staff)


# --- the parts ---------------------------------------------------------------------------------------------------


async def tickets(ctx: Context, asked: Stats) -> TicketFigures:
    """Tickets created in the window, by their status now; the total is their sum (D13)."""
    counts = await _of_words(ctx, asked, STATUSES)
    return TicketFigures(sum(counts), *counts)


async def by_priority(ctx: Context, asked: Stats) -> PriorityFigures:
    """The same tickets by priority: the sum is the total (D13)."""
    return PriorityFigures(*await _of_words(ctx, asked, PRIORITIES))


async def _of_words(ctx: Context, asked: Stats, words: Iterable[str]) -> list[int]:
    counts = await ctx.load(_COUNTS, asked.window)
    return [counts[word].get(NOBODY, 0) for word in words]


async def by_category(ctx: Context, asked: Stats) -> list[CategoryFigure]:
    """The same tickets by category, most first; categories without any are left out, as are the uncategorised (D13)."""
    counts = (await ctx.load(_COUNTS, asked.window))[CATEGORY]
    seen = (*visible_categories(ctx.caller), ("ids", sorted(counts)))
    found = [
        CategoryFigure(category, counts[category.id])
        for category in await categories.LISTING.every(ctx.reads, seen)
    ]
    return sorted(found, key=lambda each: (-each.count, each.category.id))


async def response_times(ctx: Context, asked: Stats) -> ResponseTimes:
    """How fast the tickets of all agents, and of nobody, were answered and resolved (D8, D10)."""
    found = (await ctx.load(_FIGURES, asked.window)).values()
    return ResponseTimes(
        _mean_s(sum(each.response_us for each in found), sum(each.responses for each in found)),
        _mean_s(sum(each.resolution_us for each in found), sum(each.resolutions for each in found)),
        _compliance(sum(each.kept for each in found), sum(each.missed for each in found)),
    )


async def trends(ctx: Context, asked: Stats) -> Trends:
    """Tickets created, and resolved, on each day: the latest 366 days of the window, up to today when it is open."""
    window = asked.window
    days = _days(window, await _beginning(ctx, window))
    shown = window._replace(first=days[0], last=days[-1])
    found = {day: counts for day, *counts in await _rows(ctx, queries.BY_DAY, shown)}
    created, resolved = (
        [DayFigure(day, found[day][which] if day in found else 0) for day in days] for which in (0, 1)
    )
    return Trends(created, resolved)


async def _beginning(ctx: Context, window: Window) -> dt.date | None:
    """When the window begins: an open one with the first ticket; None when there is none in it."""
    if window.first is not None:
        return window.first
    oldest: dt.datetime | None = await ctx.reads.first(queries.OLDEST, workspace_id=ctx.caller.workspace_id)
    return oldest.date() if oldest is not None and oldest < window.until else None


def _days(window: Window, beginning: dt.date | None) -> list[dt.date]:
    """Every day of the window, at most MOST_DAYS; an open one ends today."""
    last = window.last or max(window.now.date(), window.first or dt.date.min)
    count = min((last - (beginning or last)).days + 1, MOST_DAYS)
    return [last - _DAY * back for back in reversed(range(count))]


async def agent_performance(ctx: Context, asked: Stats) -> list[AgentPerformance]:
    """Every agent and admin, most tickets resolved first, then oldest first (D9, D11, D14)."""
    found = [
        AgentPerformance(
            agent, figures.resolved, _mean_s(figures.waited_us, figures.waits), _satisfaction(figures)
        )
        for agent, figures in await _of_staff(ctx, asked.window)
    ]
    return sorted(found, key=lambda each: -each.tickets_resolved)


async def agents(ctx: Context, asked: Stats) -> list[AgentFigures]:
    """Every agent and admin with all that is known of their work, oldest first."""
    found = await _of_staff(ctx, asked.window)
    ids = [agent.id for agent, _ in found]
    as_customer = dict(await _rows(ctx, queries.AS_CUSTOMER, asked.window, agents=ids))
    return [
        AgentFigures(agent, _metrics(figures), _activity(figures, as_customer.get(agent.id, 0)))
        for agent, figures in found
    ]


async def agents_numbered(ctx: Context, asked: Stats, page: int, per_page: int) -> NumberedPage[AgentFigures]:
    """The same, by page number (D20)."""
    found = await agents(ctx, asked)
    start = (page - 1) * per_page
    return NumberedPage(found[start : start + per_page], page, per_page, len(found))


async def _of_staff(ctx: Context, window: Window) -> list[tuple[rows.User, Figures]]:
    figures = await ctx.load(_FIGURES, window)
    return [(agent, figures.get(agent.id) or Figures(agent.id)) for agent in await ctx.load(_STAFF, window)]


def _metrics(figures: Figures) -> AgentMetrics:
    return AgentMetrics(
        figures.tickets,
        figures.resolved,
        figures.tickets - figures.resolved,
        _mean_s(figures.response_us, figures.responses),
        _mean_s(figures.resolution_us, figures.resolutions),
        _satisfaction(figures),
        _compliance(figures.kept, figures.missed),
    )


def _activity(figures: Figures, as_customer: int) -> AgentActivity:
    return AgentActivity(figures.replies + as_customer, figures.notes, figures.reassigned)


# --- figures as they are shown -----------------------------------------------------------------------------------


def _satisfaction(figures: Figures) -> float | None:
    return _tenths(10 * figures.stars, figures.ratings)


def _mean_s(total_us: float, count: int) -> int | None:
    """The mean in whole seconds, half a second up."""
    return int((total_us / count + _SECOND_US / 2) // _SECOND_US) if count else None


def _compliance(achieved: int, breached: int) -> float | None:
    return _tenths(1_000 * achieved, achieved + breached)


def _tenths(tenths: int, count: int) -> float | None:
    """So many tenths shared among so many, to one decimal, half a tenth up."""
    return (2 * tenths + count) // (2 * count) / 10 if count else None

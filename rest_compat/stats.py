"""/v1/stats: how many tickets, how fast, how well, and who did what."""

from __future__ import annotations

from typing import Any, Final

from resolvers import stats
from resolvers.context import Context
from resolvers.stats import AgentFigures, AgentPerformance, DayFigure, Stats
from rest_compat import parameters
from rest_compat.endpoint import endpoint
from rest_compat.envelope import AnyRequest
from rest_compat.parameters import PAGES
from rest_compat.shapes import (
    AgentActivity,
    AgentMetrics,
    AgentScore,
    AgentStats,
    CategoryCount,
    DayCount,
    Listed,
    One,
    Overview,
    PriorityCounts,
    ResponseTimes,
    StatusCounts,
    Trends,
    page_of,
)

TAG: Final = "Statistics"
WINDOW: Final[parameters.Declared] = {
    "from_date": parameters.date("Start date (YYYY-MM-DD), in UTC; without it, from the beginning"),
    "to_date": parameters.date("End date (YYYY-MM-DD), included; without it, up to now"),
}
AGENTS: Final[parameters.Declared] = PAGES | dict(WINDOW)


@endpoint("GET", "/v1/stats/overview", tag=TAG, query=WINDOW, refusals=(403,))
async def get_overview(ctx: Context, request: AnyRequest) -> One[Overview]:
    """Get overview statistics for the helpdesk.

    For agents and admins. Tickets are those created in the window, by their status now; times are means of what
    happened in the window, in whole seconds; what has nothing to be the mean of is null.
    """
    asked = await _asked(ctx, parameters.read(WINDOW, request))
    return One(True, await overview_shape(ctx, asked))


@endpoint("GET", "/v1/stats/agents", tag=TAG, query=AGENTS, refusals=(403,))
async def list_agent_stats(ctx: Context, request: AnyRequest) -> Listed[AgentStats]:
    """Get detailed agent performance statistics.

    For agents and admins. Every agent and admin, oldest first; tickets and their times are of tickets assigned to
    them now.
    """
    given = parameters.read(AGENTS, request)
    page = await stats.agents_numbered(ctx, await _asked(ctx, given), given["page"], given["per_page"])
    return page_of(page, [agent_shape(each) for each in page.rows])


async def _asked(ctx: Context, given: dict[str, Any]) -> Stats:
    return await stats.stats(ctx, given["from_date"], given["to_date"])


async def overview_shape(ctx: Context, asked: Stats) -> Overview:
    """The overview."""
    tickets = await stats.tickets(ctx, asked)
    times = await stats.response_times(ctx, asked)
    priorities = await stats.by_priority(ctx, asked)
    trends = await stats.trends(ctx, asked)
    return Overview(
        tickets=StatusCounts(tickets.total, tickets.open, tickets.pending, tickets.resolved, tickets.closed),
        response_times=ResponseTimes(
            times.average_first_response, times.average_resolution, times.sla_compliance
        ),
        agent_performance=[_score(each) for each in await stats.agent_performance(ctx, asked)],
        by_category=[
            CategoryCount(each.category.name, each.count) for each in await stats.by_category(ctx, asked)
        ],
        by_priority=PriorityCounts(priorities.low, priorities.medium, priorities.high, priorities.urgent),
        trends=Trends(_days(trends.daily_created), _days(trends.daily_resolved)),
    )


def _score(each: AgentPerformance) -> AgentScore:
    return AgentScore(
        agent_id=each.agent.id,
        name=each.agent.name,
        tickets_resolved=each.tickets_resolved,
        avg_response_time=each.avg_response_time,
        satisfaction_rating=each.satisfaction_rating,
    )


def _days(figures: list[DayFigure]) -> list[DayCount]:
    return [DayCount(each.date, each.count) for each in figures]


def agent_shape(each: AgentFigures) -> AgentStats:
    """One agent."""
    metrics, done = each.metrics, each.activity
    return AgentStats(
        agent_id=each.agent.id,
        name=each.agent.name,
        email=each.agent.email,
        metrics=AgentMetrics(
            tickets_assigned=metrics.tickets_assigned,
            tickets_resolved=metrics.tickets_resolved,
            tickets_open=metrics.tickets_open,
            avg_first_response_time=metrics.avg_first_response_time,
            avg_resolution_time=metrics.avg_resolution_time,
            satisfaction_score=metrics.satisfaction_score,
            sla_compliance=metrics.sla_compliance,
        ),
        activity=AgentActivity(
            replies_sent=done.replies_sent,
            internal_notes=done.internal_notes,
            tickets_reassigned=done.tickets_reassigned,
        ),
    )


ENDPOINTS: Final = (get_overview, list_agent_stats)

"""Statistics in the graph."""

import datetime as dt
from typing import Annotated, Any

import strawberry
from strawberry import UNSET, Parent

from resolvers import stats
from resolvers.stats import Stats as Asked
from schema.categories import Category
from schema.edges import Ctx
from schema.users import User

_WEIGHT = {"cost": 20}
"""Each part adds up every ticket of the window."""


@strawberry.type
class TicketStats:
    """Tickets created in the window, by their status now."""

    total: int = strawberry.field(description="All of them.")
    open: int = strawberry.field(description="Those that wait for an agent.")
    pending: int = strawberry.field(description="Those that wait for the requester.")
    resolved: int = strawberry.field(description="Those that are answered.")
    closed: int = strawberry.field(description="Those that are done.")


@strawberry.type
class ResponseTimeStats:
    """How fast, and how many of the promises were kept."""

    average_first_response: int | None = strawberry.field(
        description="Mean seconds to the first response, of tickets first answered in the window."
    )
    average_resolution: int | None = strawberry.field(
        description="Mean seconds to the resolution, of tickets resolved in the window."
    )
    sla_compliance: float | None = strawberry.field(
        description="Percent of SLA targets kept, of those whose verdict fell in the window."
    )


@strawberry.type
class AgentPerformanceStats:
    """How an agent does, in short."""

    agent: User | None = strawberry.field(description="Who.")
    tickets_resolved: int = strawberry.field(
        description="Tickets created in the window, assigned to them and resolved or closed now."
    )
    avg_response_time: int | None = strawberry.field(
        description="Mean seconds that customers had waited for their replies in the window."
    )
    satisfaction_rating: float | None = strawberry.field(
        description="Mean of the ratings, 1 to 5, given in the window while they were assigned."
    )


@strawberry.type
class CategoryStats:
    """How many of the tickets are in a category."""

    category: Category | None = strawberry.field(description="The category.")
    count: int = strawberry.field(description="Tickets directly in it.")


@strawberry.type
class PriorityStats:
    """The same tickets by their priority."""

    low: int = strawberry.field(description="Those that can wait.")
    medium: int = strawberry.field(description="Those of the default priority.")
    high: int = strawberry.field(description="Those that come before others.")
    urgent: int = strawberry.field(description="Those that cannot wait.")


@strawberry.type
class DayStats:
    """How many there were on a day."""

    date: dt.date = strawberry.field(description="The day, in UTC.")
    count: int = strawberry.field(description="How many.")


@strawberry.type
class TrendStats:
    """Day by day, every day present, oldest first: at most the latest 366 days."""

    daily_created: list[DayStats] = strawberry.field(description="Tickets created.")
    daily_resolved: list[DayStats] = strawberry.field(description="Tickets resolved, that still are.")


@strawberry.type
class AgentMetricStats:
    """The tickets that are assigned to an agent now, and what their requesters think."""

    tickets_assigned: int = strawberry.field(description="Tickets created in the window.")
    tickets_resolved: int = strawberry.field(description="Those of them that are resolved or closed.")
    tickets_open: int = strawberry.field(description="Those of them that are open or pending.")
    avg_first_response_time: int | None = strawberry.field(
        description="Mean seconds to the first response, of those first answered in the window."
    )
    avg_resolution_time: int | None = strawberry.field(
        description="Mean seconds to the resolution, of those resolved in the window."
    )
    satisfaction_score: float | None = strawberry.field(
        description="Mean of the ratings, 1 to 5, given in the window while they were assigned."
    )
    sla_compliance: float | None = strawberry.field(
        description="Percent of their SLA targets kept, of those whose verdict fell in the window."
    )


@strawberry.type
class AgentActivityStats:
    """What an agent did in the window."""

    replies_sent: int = strawberry.field(description="Public replies.")
    internal_notes: int = strawberry.field(description="Internal notes.")
    tickets_reassigned: int = strawberry.field(
        description="How often a ticket went from them to another agent."
    )


@strawberry.type
class AgentStats:
    """An agent in figures."""

    agent: User | None = strawberry.field(description="Who.")
    metrics: AgentMetricStats = strawberry.field(description="Their tickets.")
    activity: AgentActivityStats = strawberry.field(description="What they did.")


def _tickets(root: Parent[Asked], info: Ctx) -> Any:
    return stats.tickets(info.context, root)


def _response_times(root: Parent[Asked], info: Ctx) -> Any:
    return stats.response_times(info.context, root)


def _agent_performance(root: Parent[Asked], info: Ctx) -> Any:
    return stats.agent_performance(info.context, root)


def _by_category(root: Parent[Asked], info: Ctx) -> Any:
    return stats.by_category(info.context, root)


def _by_priority(root: Parent[Asked], info: Ctx) -> Any:
    return stats.by_priority(info.context, root)


def _trends(root: Parent[Asked], info: Ctx) -> Any:
    return stats.trends(info.context, root)


def _agents(root: Parent[Asked], info: Ctx) -> Any:
    return stats.agents(info.context, root)


@strawberry.type
class Stats:
    """The helpdesk in figures, over a window of days."""

    tickets: TicketStats | None = strawberry.field(
        resolver=_tickets, metadata=_WEIGHT, description="Tickets created in the window, by their status now."
    )
    response_times: ResponseTimeStats | None = strawberry.field(
        resolver=_response_times, metadata=_WEIGHT, description="How fast, and how many promises were kept."
    )
    agent_performance: list[AgentPerformanceStats] | None = strawberry.field(
        resolver=_agent_performance,
        metadata=_WEIGHT,
        description="Every agent and admin, most tickets resolved first.",
    )
    by_category: list[CategoryStats] | None = strawberry.field(
        resolver=_by_category,
        metadata=_WEIGHT,
        description="The tickets by category, most first; categories without any are left out.",
    )
    by_priority: PriorityStats | None = strawberry.field(
        resolver=_by_priority, metadata=_WEIGHT, description="The tickets by priority."
    )
    trends: TrendStats | None = strawberry.field(
        resolver=_trends, metadata=_WEIGHT, description="Tickets created and resolved, day by day."
    )
    agents: list[AgentStats] | None = strawberry.field(
        resolver=_agents, metadata=_WEIGHT, description="Every agent and admin in figures, oldest first."
    )


From = Annotated[
    dt.date | None,
    strawberry.argument(name="from", description="The first day, in UTC; from the beginning when absent."),
]
To = Annotated[
    dt.date | None, strawberry.argument(description="The last day, included; up to now when absent.")
]


async def stats_of(info: Ctx, from_: From = UNSET, to: To = UNSET) -> Any:
    """The helpdesk in figures, from one day to another. For agents and admins."""
    return await stats.stats(info.context, from_ or None, to or None)

"""How the caller's workspace stands with its rate limit, in the graph."""

import datetime as dt

import strawberry

from resolvers.rate_limits import own_charge
from schema.edges import Ctx


@strawberry.type
class RateLimitStats:
    """The window that would refuse first: the minute or the day, whichever has fewer units left."""

    limit: int | None = strawberry.field(description="Units in the window; null when the tier is unlimited.")
    remaining: int | None = strawberry.field(description="Units left in the window; null when unlimited.")
    used: int | None = strawberry.field(description="Units used in the window; null when unlimited.")
    reset_at: dt.datetime | None = strawberry.field(description="When the window ends; null when unlimited.")
    cost: int = strawberry.field(
        description="Units that this operation was charged: a hundredth of its points, at least 1."
    )


async def rate_limit(info: Ctx) -> RateLimitStats | None:
    """How the caller's workspace stands with its rate limit, this operation included."""
    charge = await own_charge(info.context)
    if charge is None:
        return None
    limit, remaining, reset_at, *_ = charge.standing
    if charge.standing.is_unlimited:
        return RateLimitStats(limit=None, remaining=None, used=None, reset_at=None, cost=charge.units)
    return RateLimitStats(
        limit=limit,
        remaining=remaining,
        used=limit - remaining,
        reset_at=dt.datetime.fromtimestamp(reset_at, dt.UTC),
        cost=charge.units,
    )

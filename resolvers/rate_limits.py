"""Rate limits: per workspace, by its tier, over a minute and a day at once (D30). Sign-ins by address and by key.

A window opens with the first request in it and lasts its length. A request that would exceed either window uses up
neither. Where the counts are kept is a `Windows`: in memory here, on Valkey in gateway/valkey.py.
"""

import datetime as dt
import math
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from limits import parse_many

from resolvers.context import Caller, Context
from resolvers.errors import RateLimited
from resolvers.permissions import SIGNED_IN, allow


class Limit(NamedTuple):
    """So many units in so many seconds."""

    amount: int
    seconds: int


def written(text: str) -> tuple[Limit, ...]:
    """The limits that the words of the `limits` library say, as `30/minute; 1000/day`."""
    return tuple(Limit(item.amount, item.get_expiry()) for item in parse_many(text))


TIERS: Final[dict[str, tuple[Limit, ...]]] = {
    "free": written("30/minute; 1000/day"),
    "starter": written("60/minute; 10000/day"),
    "professional": written("120/minute; 100000/day"),
    "enterprise": (),
}
"""The documented tiers."""
UNLIMITED: Final = 2**31 - 1
"""What stands for "unlimited" where a number is wanted: no 32-bit client stumbles over it."""
SIGN_INS_BY_ADDRESS: Final = written("60/minute; 600/hour")
SIGN_INS_BY_KEY: Final = written("10/minute; 60/hour")
"""Failed sign-ins; those that succeed are given back."""


class Used(NamedTuple):
    """What is used of a window after a call, and in how many seconds the window ends."""

    units: int
    seconds_left: float


class Taken(NamedTuple):
    """Whether the units were granted, and how each window stands now."""

    is_granted: bool
    windows: list[Used]


class Windows(Protocol):
    """Where the counts are kept."""

    async def take(self, name: str, limits: Sequence[Limit], units: int, now: float) -> Taken:
        """Take units from all windows of the name, or from none."""

    async def give_back(self, name: str, limits: Sequence[Limit], units: int) -> None:
        """Return units that were taken a moment ago."""

    async def state(self) -> str:
        """How the place the counts are kept in is: `connected`, `disabled` (in memory) or `error`."""

    async def close(self) -> None:
        """Let go of it."""


class MemoryWindows:
    """The counts of one process. Nothing here waits, so nothing needs a lock."""

    SWEEP_EVERY_S: Final = 30.0

    def __init__(self) -> None:
        self._windows: dict[tuple[str, int], tuple[int, float]] = {}
        self._swept_at = 0.0

    async def take(self, name: str, limits: Sequence[Limit], units: int, now: float) -> Taken:
        """Take units from all windows of the name, or from none."""
        self._sweep(now)
        standing = [self._standing(name, limit, now) for limit in limits]
        fits = zip(standing, limits, strict=True)
        is_granted = all(used + units <= limit.amount for (used, _), limit in fits)
        if is_granted:
            standing = [(used + units, ends) for used, ends in standing]
            for limit, window in zip(limits, standing, strict=True):
                self._windows[name, limit.seconds] = window
        return Taken(is_granted, [Used(used, ends - now) for used, ends in standing])

    async def give_back(self, name: str, limits: Sequence[Limit], units: int) -> None:
        """Return units that were taken a moment ago."""
        for limit in limits:
            used, ends = self._windows.get((name, limit.seconds), (0, 0.0))
            self._windows[name, limit.seconds] = (max(0, used - units), ends)

    async def state(self) -> str:
        """Memory is no service: `disabled`."""
        return "disabled"

    async def close(self) -> None:
        """Nothing to let go of."""

    def _standing(self, name: str, limit: Limit, now: float) -> tuple[int, float]:
        used, ends = self._windows.get((name, limit.seconds), (0, 0.0))
        return (used, ends) if ends > now else (0, now + limit.seconds)

    def _sweep(self, now: float) -> None:
        """Forget windows that have ended, now and then: looking at all of them at every request would cost."""
        if now - self._swept_at >= self.SWEEP_EVERY_S:
            self._swept_at = now
            self._windows = {key: window for key, window in self._windows.items() if window[1] > now}


class Standing(NamedTuple):
    """How a workspace stands in the window that would refuse first."""

    limit: int
    remaining: int
    reset_at: int
    """Epoch seconds."""
    is_refused: bool = False
    retry_after: int = 0
    """Seconds until as many units would be granted again, when refused."""
    asked: int = 1
    """Units that were asked for."""

    @property
    def is_unlimited(self) -> bool:
        """Whether the tier has no limit."""
        return self.limit == UNLIMITED

    def check(self) -> None:
        """Raise RateLimited when the request was refused."""
        if not self.is_refused:
            return
        if self.asked > self.limit:  # no waiting helps
            message = f"This takes {self.asked} units, and your tier has {self.limit} at a time. Ask for less"
            raise RateLimited(message, retry_after=self.retry_after)
        raise RateLimited(retry_after=self.retry_after)


class Charge(NamedTuple):
    """What an operation of the graph cost: its points, the units charged for them, and how that left the workspace."""

    points: int
    units: int
    standing: Standing


class RateLimits:
    """Charges workspaces and sign-ins."""

    def __init__(self, windows: Windows) -> None:
        self.windows = windows

    async def charge(self, caller: Caller, units: int, now: dt.datetime) -> Standing:
        """Charge the caller's workspace; a refused one is charged nothing. `check()` the answer."""
        limits = TIERS[caller.tier]
        moment = now.timestamp()
        if not limits:
            return Standing(UNLIMITED, UNLIMITED, int(moment) + 60)
        taken = await self.windows.take(f"workspace:{caller.workspace_id}", limits, units, moment)
        return _standing(limits, taken, units, moment)

    async def attempt(self, address: str, api_key: str, now: dt.datetime) -> None:
        """Count an attempt to sign in. Raises RateLimited when too many failed from there or for the key."""
        moment = now.timestamp()
        for name, limits in _attempts(address, api_key):
            taken = await self.windows.take(name, limits, 1, moment)
            if not taken.is_granted:
                _standing(limits, taken, 1, moment).check()

    async def succeeded(self, address: str, api_key: str) -> None:
        """Give back an attempt that succeeded: only failed ones count."""
        for name, limits in _attempts(address, api_key):
            await self.windows.give_back(name, limits, 1)


@allow(*SIGNED_IN)
async def own_charge(ctx: Context) -> Charge | None:
    """What this operation was charged and how that leaves the workspace; None outside the graph."""
    return ctx.charge


def units_for(points: float) -> int:
    """The units of an operation of the graph: `max(1, ceil(points / 100))`."""
    return max(1, math.ceil(points / 100))


def _attempts(address: str, api_key: str) -> tuple[tuple[str, tuple[Limit, ...]], ...]:
    return ((f"address:{address}", SIGN_INS_BY_ADDRESS), (f"key:{api_key[:200]}", SIGN_INS_BY_KEY))


def _standing(limits: Sequence[Limit], taken: Taken, units: int, now: float) -> Standing:
    windows = list(zip(limits, taken.windows, strict=True))
    refusing = [(limit, used) for limit, used in windows if used.units + units > limit.amount]
    retry_after = max((math.ceil(used.seconds_left) for _, used in refusing), default=0)
    if taken.is_granted:
        limit, used = min(windows, key=lambda window: window[0].amount - window[1].units)
        return Standing(limit.amount, limit.amount - used.units, math.ceil(now + used.seconds_left))
    # of several that refuse, the one that does so longest is the one to wait for
    limit, used = max(refusing, key=lambda window: window[1].seconds_left)
    remaining = max(0, limit.amount - used.units)
    return Standing(
        limit.amount,
        remaining,
        math.ceil(now + used.seconds_left),
        is_refused=True,
        retry_after=max(1, retry_after),
        asked=units,
    )

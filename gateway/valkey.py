"""Rate limit windows on Valkey or Redis, the same for every worker on every machine.

One script checks both windows and then takes from both: one round trip, and no moment in between. When the server is
out, requests go on uncounted (D30 limits fairness, not safety), the log says so once, and /health says `error`.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any, Final

from valkey.asyncio import Valkey
from valkey.exceptions import ValkeyError

from resolvers.rate_limits import Limit, Taken, Used

logger = logging.getLogger("answer.cache")

ANSWERS_WITHIN_S: Final = 0.5
TRIED_AGAIN_AFTER_S: Final = 2.0
"""While the server is out, only one request in so many seconds waits to find out whether it is back."""

# KEYS: the windows. ARGV: units, then amount and seconds of each window.
_TAKE: Final = """
local units = tonumber(ARGV[1])
local granted = 1
for i, key in ipairs(KEYS) do
  if (tonumber(redis.call('GET', key)) or 0) + units > tonumber(ARGV[i * 2]) then granted = 0 end
end
local answer = {granted}
for i, key in ipairs(KEYS) do
  if granted == 1 and redis.call('INCRBY', key, units) == units then redis.call('EXPIRE', key, ARGV[i * 2 + 1]) end
  local left = redis.call('PTTL', key)
  if left < 0 then left = tonumber(ARGV[i * 2 + 1]) * 1000 end
  answer[#answer + 1] = tonumber(redis.call('GET', key)) or 0
  answer[#answer + 1] = left
end
return answer
"""
_GIVE_BACK: Final = """
for _, key in ipairs(KEYS) do
  if (tonumber(redis.call('GET', key)) or 0) >= tonumber(ARGV[1]) then redis.call('DECRBY', key, ARGV[1]) end
end
"""
_OUT: Final = (ValkeyError, OSError, TimeoutError)


class ValkeyWindows:
    """The counts of all processes."""

    def __init__(self, address: str) -> None:
        self._client: Any = Valkey.from_url(
            address, socket_timeout=ANSWERS_WITHIN_S, socket_connect_timeout=ANSWERS_WITHIN_S
        )
        self._take = self._client.register_script(_TAKE)
        self._give_back = self._client.register_script(_GIVE_BACK)
        self._out_until: float | None = None

    async def take(self, name: str, limits: Sequence[Limit], units: int, now: float) -> Taken:
        """Take units from all windows of the name, or from none; granted when the server is out."""
        arguments = [units, *(part for limit in limits for part in limit)]
        answer = await self._run(self._take, keys=_keys(name, limits), args=arguments)
        if answer is None:
            return Taken(True, [Used(0, limit.seconds) for limit in limits])
        granted, *numbers = answer
        pairs = zip(numbers[::2], numbers[1::2], strict=True)
        return Taken(bool(granted), [Used(used, left / 1000) for used, left in pairs])

    async def give_back(self, name: str, limits: Sequence[Limit], units: int) -> None:
        """Return units that were taken a moment ago."""
        await self._run(self._give_back, keys=_keys(name, limits), args=[units])

    async def state(self) -> str:
        """`connected` or `error`, asked of the server now."""
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                await self._client.ping()
        except _OUT:
            return "error"
        return "connected"

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _run(self, script: Any, **arguments: Any) -> Any:
        """What the script gives; None when the server is out."""
        if self._out_until is not None and time.monotonic() < self._out_until:
            return None
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                answer = await script(**arguments)
        except _OUT as error:
            if self._out_until is None:
                logger.warning(
                    "the cache is out, requests go on without rate limits: %s", type(error).__name__
                )
            self._out_until = time.monotonic() + TRIED_AGAIN_AFTER_S
            return None
        if self._out_until is not None:
            logger.warning("the cache is back, rate limits count again")
            self._out_until = None
        return answer


def _keys(name: str, limits: Sequence[Limit]) -> list[str]:
    # the braces keep a cluster from spreading one script over two nodes
    return [f"answer:{{{name}}}:{limit.seconds}" for limit in limits]

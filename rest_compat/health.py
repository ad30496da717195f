"""/health: whether Answer and what it stands on are well (D32)."""

from __future__ import annotations

import asyncio
from typing import Final, Literal

from litestar import Litestar

from resolvers.health import DATABASE_IS_OUT, Standing, standing
from rest_compat.endpoint import Endpoint
from rest_compat.envelope import Answer, AnyRequest, encode
from rest_compat.shapes import Health, Services

VERSION: Final = "1.0.0"
"""Of the documented API."""
ANSWERS_WITHIN_S: Final = 3.0


async def _respond(request: AnyRequest) -> Answer:
    database, queue = await _standing(request.app)
    cache = await request.app.state.helpdesk.limits.windows.state()
    health = Health(
        status=_status(database, cache, queue),
        timestamp=request.app.state.helpdesk.clock(),
        version=VERSION,
        services=Services(database=database, cache=cache, queue=queue),
    )
    return Answer(request, 503 if database == "error" else 200, encode(health))


def _status(database: str, cache: str, queue: str) -> Literal["healthy", "degraded", "unhealthy"]:
    if database == "error":
        return "unhealthy"
    return "degraded" if "error" in (cache, queue) else "healthy"


async def _standing(app: Litestar) -> Standing:
    """How database and queue are, as far as they say so in time.

    There is one question on its way at most: a database that hangs must not take one connection for each time that
    somebody asks how it is.
    """
    asked: asyncio.Task[Standing] | None = app.state.get("health_question")
    if asked is None or asked.done():
        asked = app.state.health_question = asyncio.create_task(standing(app.state.helpdesk))
    done, _ = await asyncio.wait({asked}, timeout=ANSWERS_WITHIN_S)
    return asked.result() if done else DATABASE_IS_OUT


get_health: Final = Endpoint(
    method="GET",
    path="/health",
    respond=_respond,
    name="get_health",
    text="Check the health of the service.\n\nNeeds no token and is not rate limited. The status is 503 when the "
    "database is out; a cache or a queue that is out only degrades the service.",
    tag="Health",
    answers=Health,
    also=(503,),
    needs_token=False,
)
ENDPOINTS: Final = (get_health,)

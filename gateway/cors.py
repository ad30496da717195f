"""Which pages of other origins a browser lets at us: none, or exactly those that the settings name (the Fetch standard).

Nobody is signed in by a cookie, so that credentials are never allowed: a page brings a token or gets nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, Final

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

METHODS: Final = "GET, HEAD, POST, PUT, PATCH, DELETE"
HEADERS: Final = (
    "Authorization, Content-Type, GraphQL-Require-Preflight, If-None-Match, If-Range, Last-Event-ID, Range"
)
EXPOSED: Final = (
    "Accept-Ranges, Content-Disposition, Content-Range, ETag, Retry-After, "
    "X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id"
)
ASKED_AGAIN_AFTER_S: Final = 600
_VARY: Final = (b"vary", b"Origin")
_EXPOSE: Final = b"access-control-expose-headers"
_ORIGIN: Final = re.compile(r"https?://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?")


def origins_of(text: str) -> frozenset[str]:
    """The origins of a list with commas. Raises ValueError for what no browser sends as one."""
    origins = frozenset(each for part in text.split(",") if (each := part.strip()))
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(
                f"{origin} is no origin: they look like https://app.example, in lower case and without a path"
            )
    return origins


class Cors:
    """Says to browsers that pages of these origins may ask."""

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        self._app = app
        self._origins = {origin.encode() for origin in origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on, with a word to the browser (ASGI)."""
        if scope["type"] == ScopeType.WEBSOCKET:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        origin = headers.get(b"origin")
        is_allowed = origin in self._origins
        if is_allowed and scope.get("method") == "OPTIONS" and b"access-control-request-method" in headers:
            await _allow(origin, send)
            return
        # what one origin is told must not be kept for another, and not for those that are told nothing
        told = [_VARY, *((_allowed(origin), (_EXPOSE, EXPOSED.encode())) if is_allowed else ())]

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *told]
            await send(message)

        await self._app(scope, receive, sent)


def _allowed(origin: Any) -> tuple[bytes, bytes]:
    return (b"access-control-allow-origin", origin)


async def _allow(origin: Any, send: Send) -> None:
    """Answer a preflight."""
    headers = [
        _allowed(origin),
        (b"access-control-allow-methods", METHODS.encode()),
        (b"access-control-allow-headers", HEADERS.encode()),
        (b"access-control-max-age", b"%d" % ASKED_AGAIN_AFTER_S),
        _VARY,
    ]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})

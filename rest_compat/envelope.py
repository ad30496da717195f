"""What every answer under /v1 has in common: one line of JSON, a few headers, and the id of its request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeAlias
from uuid import uuid4

import msgspec
from litestar import Request
from litestar.types import Receive, Scope, Send

from resolvers.rate_limits import Standing

AnyRequest: TypeAlias = Request[Any, Any, Any]
Header: TypeAlias = tuple[bytes, bytes]

_ALWAYS: Final[tuple[Header, ...]] = (
    (b"content-type", b"application/json"),
    # what one caller may see is nobody else's to keep
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
)

encode: Final = msgspec.json.Encoder().encode


class Answer:
    """A response as the server takes it; HEAD is answered like GET, without the body.

    Litestar's own Response costs 45 us more for the same bytes.
    """

    __slots__ = ("body", "headers", "status")

    def __init__(
        self, request: AnyRequest, status: int, body: bytes = b"", headers: Iterable[Header] = ()
    ) -> None:
        self.status = status
        self.body = body
        self.headers = [*headers, *request_id_header(request), *standing_headers(request)]
        if status != 204:
            self.headers += (*_ALWAYS, (b"content-length", b"%d" % len(body)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it (ASGI)."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        body = b"" if scope.get("method") == "HEAD" else self.body
        await send({"type": "http.response.body", "body": body, "more_body": False})

    def to_asgi_response(self, **_: Any) -> Answer:
        """Itself: what Litestar asks of whatever an exception handler returns."""
        return self


def request_id_of(request: AnyRequest) -> str:
    """The id of this request: what the application put into `scope["state"]["request_id"]`, or a new one."""
    state: dict[str, Any] = request.scope["state"]
    if "request_id" not in state:
        state["request_id"] = state["rest_request_id"] = uuid4().hex
    return str(state["request_id"])


def request_id_header(request: AnyRequest) -> tuple[Header, ...]:
    """`X-Request-Id`, unless the application numbers its requests and says so itself."""
    request_id = request_id_of(request)
    is_ours = "rest_request_id" in request.scope["state"]
    return ((b"x-request-id", request_id.encode()),) if is_ours else ()


def standing_headers(request: AnyRequest) -> tuple[Header, ...]:
    """The documented rate limit headers, on every answer to a request that was charged (D30)."""
    standing: Standing | None = request.scope["state"].get("standing")
    if standing is None:
        return ()
    return (
        (b"x-ratelimit-limit", b"%d" % standing.limit),
        (b"x-ratelimit-remaining", b"%d" % standing.remaining),
        (b"x-ratelimit-reset", b"%d" % standing.reset_at),
    )

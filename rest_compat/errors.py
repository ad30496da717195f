"""From whatever went wrong to the documented error envelope (D33)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final, NamedTuple, cast

from litestar import Response
from litestar.exceptions import HTTPException
from litestar.types import Receive, Scope, Send

from resolvers.errors import (
    AnswerError,
    Conflict,
    Forbidden,
    MethodNotAllowed,
    NotFound,
    RateLimited,
    Unauthorized,
    Unavailable,
    UnsupportedMediaType,
    Unsure,
    ValidationError,
    answer_error,
    kind_of,
)
from rest_compat.charging import charge_whoever_asks
from rest_compat.envelope import Answer, AnyRequest, Header, encode, request_id_of, standing_headers
from rest_compat.shapes import Error, Failure

logger = logging.getLogger("answer.rest")

INTERNAL_MESSAGE: Final = "Internal server error"


class Kind(NamedTuple):
    """One row of the error table: the code, and what is said when nobody says it better."""

    code: str
    message: str


class PayloadTooLarge(AnswerError):
    """The body is too large"""

    code = "PAYLOAD_TOO_LARGE"
    status = 413


class RangeNotSatisfiable(AnswerError):
    """The file has no such bytes"""

    code = "RANGE_NOT_SATISFIABLE"
    status = 416

    def __init__(self, size: int = 0) -> None:
        super().__init__()
        self.size = size


class Unrouted(Answer):
    """The answer to a request that no call of ours took. Whoever signed in is charged for it as for any other (D30)."""

    __slots__ = ("request",)

    def __init__(
        self, request: AnyRequest, status: int, body: bytes = b"", headers: tuple[Header, ...] = ()
    ) -> None:
        super().__init__(request, status, body, headers)
        self.request = request

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Charge, and send it (ASGI)."""
        told = standing_headers(self.request)
        try:
            await charge_whoever_asks(self.request)
        except RateLimited as error:
            scope["state"]["refused"] = kind_of(error)
            await _told(self.request, error)(scope, receive, send)
            return
        self.headers += () if told else standing_headers(self.request)
        await super().__call__(scope, receive, send)


KINDS: Final[dict[int, Kind]] = {
    each.status: Kind(each.code, each().message)
    for each in (
        ValidationError,
        Unauthorized,
        Forbidden,
        NotFound,
        MethodNotAllowed,
        Conflict,
        PayloadTooLarge,
        UnsupportedMediaType,
        RangeNotSatisfiable,
        RateLimited,
        Unavailable,
    )
} | {500: Kind("INTERNAL_ERROR", INTERNAL_MESSAGE)}
"""Every status an error can have: the six documented codes and those that D33 adds."""


def exception_handlers() -> dict[int | type[Exception], Callable[[AnyRequest, Any], Response[Any]]]:
    """For the application: every exception, of any route that does not answer its own, gets the envelope."""
    # Answer speaks ASGI itself, which is all that Litestar wants of it
    return {Exception: lambda request, error: cast("Response[Any]", error_answer(request, error))}


def error_answer(request: AnyRequest, error: Exception) -> Answer:
    """The answer for an error; what nobody foresaw is logged here, once, and told only by its request id."""
    known = answer_error(error)
    state = request.scope["state"]
    if known is not None:
        state["refused"] = kind_of(known)
        return _told(request, known)
    if isinstance(error, HTTPException) and error.status_code in KINDS and error.status_code < 500:
        state["refused"] = KINDS[error.status_code].code.lower()
        return _refused_by_litestar(request, error)
    state["refused"] = "internal_error"
    request_id = request_id_of(request)
    logger.error("internal error in request %s", request_id, exc_info=error, extra={"request_id": request_id})
    return _answer(request, 500, Error("INTERNAL_ERROR", INTERNAL_MESSAGE, request_id=request_id))


def _told(request: AnyRequest, error: AnswerError) -> Answer:
    if isinstance(error, ValidationError):
        return _answer(request, error.status, Error(error.code, error.message, details=error.details))
    # who is told to try again would do it twice
    headers = () if isinstance(error, Unsure) else _headers(error.status)
    if isinstance(error, RateLimited):
        headers = ((b"retry-after", b"%d" % error.retry_after),)
    if isinstance(error, RangeNotSatisfiable):
        headers = ((b"content-range", b"bytes */%d" % error.size),)
    return _answer(request, error.status, Error(error.code, error.message), headers)


def _headers(status: int) -> tuple[Header, ...]:
    if status == 401:
        return ((b"www-authenticate", b"Bearer"),)
    return ((b"retry-after", b"1"),) if status == 503 else ()


def _refused_by_litestar(request: AnyRequest, error: HTTPException) -> Answer:
    """Before any route was reached: an unknown path, a method the path does not take, a body over the limit."""
    code, message = KINDS[error.status_code]
    allowed = (error.headers or {}).get("allow", "")
    if error.status_code == 400:
        return _unrouted(request, 400, Error(code, message, details={"request": [error.detail]}))
    if not allowed:
        return _unrouted(request, error.status_code, Error(code, message), _headers(error.status_code))
    methods = ", ".join(sorted(allowed.split(", ")))
    said = f"{message}. Use one of: {methods}"
    return _unrouted(request, 405, Error(code, said), ((b"allow", methods.encode()),))


def _unrouted(request: AnyRequest, status: int, error: Error, headers: tuple[Header, ...] = ()) -> Answer:
    return Unrouted(request, status, encode(Failure(False, error)), headers)


def _answer(request: AnyRequest, status: int, error: Error, headers: tuple[Header, ...] = ()) -> Answer:
    return Answer(request, status, encode(Failure(False, error)), headers)

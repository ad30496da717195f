"""GraphQL over HTTP: one handler for every method of /graphql, after the 2026 draft of the specification."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any, Final, TypeAlias
from uuid import uuid4

from graphql import OperationType
from litestar import HttpMethod, Request, Response, get, route
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream
from litestar.types import ASGIApp, Receive, Scope, Send

from gateway.graphql import negotiation, parameters, uploads
from gateway.graphql.answering import Answering, Result, Visit, encode_refusal
from gateway.graphql.multipart import MEDIA_TYPE as PARTS
from gateway.graphql.multipart import parts
from gateway.graphql.negotiation import EVENT_STREAM, GRAPHQL, HTML, JSON
from gateway.graphql.parameters import Parameters
from gateway.graphql.sse import event_stream, refused_stream
from gateway.graphql.trusted import check_introspection
from resolvers.context import Caller
from resolvers.errors import AnswerError, Unauthorized
from resolvers.rate_limits import Charge, Standing
from schema.errors import Refusal, refused, refused_by, refusing

PATH: Final = "/graphql"
MAX_BODY: Final = 1024 * 1024
# Servers hold a half-sent body for as long as the client likes.
BODY_DEADLINE_S: Final = 20.0
FORM_DEADLINE_S: Final = 600.0

WITHOUT_PAGE: Final = (GRAPHQL, JSON, EVENT_STREAM)
WITH_PAGE: Final = (*WITHOUT_PAGE, HTML)
STREAM_IT: Final = (
    "A subscription is answered as a stream: accept text/event-stream, or open a WebSocket "
    "(graphql-transport-ws)."
)
METHODS: Final = "GET, HEAD, OPTIONS, POST"
# `application/json` answers them with 200: today's clients read no body of another status.
REQUEST_ERRORS: Final = frozenset(
    {
        "GRAPHQL_PARSE_FAILED",
        "GRAPHQL_VALIDATION_FAILED",
        "OPERATION_RESOLUTION_FAILURE",
        "VALIDATION_ERROR",
        "QUERY_TOO_COMPLEX",
    }
)
STATUSES: Final = {
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "DOCUMENT_NOT_TRUSTED": 403,
    "NOT_FOUND": 404,
    "METHOD_NOT_ALLOWED": 405,
    "NOT_ACCEPTABLE": 406,
    "GONE": 410,
    "PAYLOAD_TOO_LARGE": 413,
    "UNSUPPORTED_MEDIA_TYPE": 415,
    "RATE_LIMIT_EXCEEDED": 429,
    "INTERNAL_ERROR": 500,
    "SERVICE_UNAVAILABLE": 503,
    "TIMEOUT": 504,
}
# Refusals of nobody who signed in, and faults of ours.
UNCHARGED: Final = frozenset({"UNAUTHORIZED", "SERVICE_UNAVAILABLE", "INTERNAL_ERROR"})
HEADERS: Final = {"Vary": "Accept", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
# An answer depends on who asks: their own cache may keep it, and asks each time whether it is still so.
KEPT: Final = {
    "Vary": "Accept, Authorization",
    "Cache-Control": "private, no-cache",
    "X-Content-Type-Options": "nosniff",
}

AnyRequest: TypeAlias = Request[Any, Any, Any]
AnyResponse: TypeAlias = "Response[Any] | Answer"
Page: TypeAlias = Callable[[], AnyResponse]
Text: TypeAlias = Callable[[], str]


class Answer:
    """A response as the server takes it; HEAD is answered like GET, without the body.

    Litestar's own Response costs 50 us more for the same bytes.
    """

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, media_type: str, body: bytes, headers: Mapping[str, str]) -> None:
        self.status = status
        self.body = body
        of_body = (
            (b"content-type", media_type.encode()),
            (b"content-length", b"%d" % len(body)),
        )
        self.headers = [
            *(() if status == 304 else of_body),  # its body is what the client has
            *((name.lower().encode(), value.encode()) for name, value in headers.items()),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it (ASGI)."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        body = b"" if scope.get("method") == "HEAD" else self.body
        await send({"type": "http.response.body", "body": body, "more_body": False})


def http_routes(answering: Answering, graphiql_page: Page | None, sdl: Text) -> list[HTTPRouteHandler]:
    """The handlers of `/graphql` for HTTP, server-sent events included, and of `/graphql/schema`."""

    @route(
        PATH,
        http_method=list(HttpMethod),
        include_in_schema=False,
        name="graphql",
    )
    async def graphql(request: AnyRequest) -> ASGIApp:
        """Run one GraphQL operation."""
        response = await respond(request, answering, graphiql_page)
        return response if isinstance(response, Answer) else response.to_asgi_response(None, request)

    @get(f"{PATH}/schema", include_in_schema=False, name="graphql_schema")
    async def graphql_schema(request: AnyRequest) -> ASGIApp:
        """The schema in the schema definition language, for whom introspection is."""
        try:
            with refusing(request_id_of(request)):
                await _check_reader(request, answering)
        except Refusal as refusal:
            return _refuse(request, refusal, GRAPHQL)
        text = (await asyncio.to_thread(sdl)).encode()
        return _response(
            request, 200, "text/plain; charset=utf-8", text, {"X-Content-Type-Options": "nosniff"}
        )

    return [graphql, graphql_schema]


async def respond(request: AnyRequest, answering: Answering, graphiql_page: Page | None) -> AnyResponse:
    """The response to one request of /graphql; nothing is raised."""
    method = request.method
    has_page = graphiql_page is not None and method in ("GET", "HEAD")
    media_type = negotiation.preferred(request.headers.get("accept"), WITH_PAGE if has_page else WITHOUT_PAGE)
    if graphiql_page is not None and media_type == HTML:
        return graphiql_page()
    try:
        with refusing(request_id_of(request)):
            if method == "OPTIONS":
                return await _options(request, answering)
            if request.method == "POST" and negotiation.is_form(request.headers.get("content-type")):
                return await _operate_with_files(request, answering, media_type)
            # Read before anything is refused: a client that is still sending does not hear the answer.
            body = b"" if method in ("GET", "HEAD") else await _body(request)
            _check_form(request, media_type)
            return await _operate(request, body, answering, media_type or GRAPHQL)
    except Refusal as refusal:
        return _refuse(request, await _charged(request, answering, refusal), media_type or GRAPHQL)


async def _options(request: AnyRequest, answering: Answering) -> AnyResponse:
    with contextlib.suppress(Unauthorized):  # a bad token is nobody's
        await _charge_without_operation(request, answering)
    return Response(None, status_code=204, headers={"Allow": METHODS, **_own_headers(request)})


async def _check_reader(request: AnyRequest, answering: Answering) -> None:
    if answering.introspection != "everyone":
        caller = await answering.caller(request.app.state.helpdesk, request.headers.get("authorization"))
        check_introspection(answering.introspection, caller)
        await _charge_without_operation(request, answering)


def refusal_answer(request: AnyRequest, error: AnswerError) -> AnyResponse:
    """The response to a request that is refused before anybody looked into it."""
    accepted = negotiation.preferred(request.headers.get("accept"), WITHOUT_PAGE)
    refusal = refused("BAD_REQUEST", error.message) if error.status == 400 else refused_by(error)
    return _refuse(request, refusal, accepted or GRAPHQL)


def request_id_of(request: AnyRequest) -> str:
    """The id of this request: what the application put into `scope["state"]["request_id"]`, or a new one."""
    state: dict[str, Any] = request.scope["state"]
    if "request_id" not in state:
        state["request_id"] = state["graphql_request_id"] = uuid4().hex
    return str(state["request_id"])


def _check_form(request: AnyRequest, media_type: str | None) -> None:
    """Refuse what says before its body that it cannot be answered."""
    headers = request.headers
    if request.method not in ("GET", "HEAD", "POST"):
        raise refused("METHOD_NOT_ALLOWED", "Use POST, or GET for a query.")
    if media_type is None and not negotiation.takes_parts(headers.get("accept")):
        raise refused("NOT_ACCEPTABLE", f"Accept {GRAPHQL}, {JSON} or {EVENT_STREAM}.")
    if request.method != "POST":
        return
    if not negotiation.is_json(headers.get("content-type")):
        raise refused(
            "UNSUPPORTED_MEDIA_TYPE",
            "Send the body as application/json in UTF-8, files as multipart/form-data.",
        )
    _check_encoding(request)


def _check_encoding(request: AnyRequest) -> None:
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise refused("UNSUPPORTED_MEDIA_TYPE", "Send the body without a content encoding.")


async def _operate(request: AnyRequest, body: bytes, answering: Answering, media_type: str) -> AnyResponse:
    caller = await answering.caller(request.app.state.helpdesk, request.headers.get("authorization"))
    if request.method == "POST":
        asked = parameters.from_body(body)
    else:
        asked = parameters.from_query_string(request.scope["query_string"])
    return await _answer(request, asked, caller, answering, media_type)


async def _operate_with_files(
    request: AnyRequest, answering: Answering, media_type: str | None
) -> AnyResponse:
    """A multipart request: nobody who is not signed in sends us files."""
    chunks = _chunks(request)
    async with aclosing(chunks):
        with contextlib.ExitStack() as files:
            try:
                if media_type not in (GRAPHQL, JSON):
                    raise refused("NOT_ACCEPTABLE", f"Accept {GRAPHQL} or {JSON} with a multipart request.")
                uploads.check_preflight(request.headers)
                _check_encoding(request)
                caller = await answering.caller(
                    request.app.state.helpdesk, request.headers.get("authorization")
                )
                if caller is None:
                    raise Unauthorized
                asked = await uploads.from_form(chunks, request.headers["content-type"], files)
            finally:
                async for _ in chunks:  # a client that is still sending does not hear the answer
                    pass
            return await _answer(request, asked, caller, answering, media_type)


async def _answer(
    request: AnyRequest, asked: Parameters, caller: Caller | None, answering: Answering, media_type: str
) -> AnyResponse:
    helpdesk, request_id = request.app.state.helpdesk, request_id_of(request)
    try:
        prepared = answering.prepare(asked, caller)
    except Refusal as refusal:
        await _charge(request, answering, caller, 0)
        if media_type == EVENT_STREAM and refusal.code in REQUEST_ERRORS:
            request.scope["state"]["refused"] = refusal.kind
            return _stream(request, refused_stream(refusal))
        raise
    is_followed = prepared.operation.kind is OperationType.SUBSCRIPTION
    in_parts = is_followed and negotiation.takes_parts(request.headers.get("accept"))
    if is_followed and not in_parts and media_type != EVENT_STREAM:
        raise refused("NOT_ACCEPTABLE", STREAM_IT)
    if request.method != "POST" and prepared.operation.kind is OperationType.MUTATION:
        raise refused("METHOD_NOT_ALLOWED", "Use POST for a mutation.")
    if request.method != "POST" and not prepared.is_trusted and answering.trusted.mode != "off":
        raise refused("METHOD_NOT_ALLOWED", "Use POST, or name a registered document by its `documentId`.")
    charge = await _charge(request, answering, caller, prepared.points)
    visit = Visit(helpdesk, caller, request.client.host if request.client else "", request_id)
    if in_parts or media_type == EVENT_STREAM:
        seen = request.headers.get("last-event-id") or None
        authorization = request.headers.get("authorization")
        results = _noted(request, answering.results(visit, prepared, charge, authorization, seen))
        return (
            _stream(request, parts(results), PARTS) if in_parts else _stream(request, event_stream(results))
        )
    if request.method != "POST" and prepared.is_trusted:
        return _kept_response(request, media_type, *await answering.tagged(visit, prepared, charge))
    answer = await answering.answer(visit, prepared, charge)
    return _response(request, 200, f"{media_type}; charset=utf-8", answer, HEADERS)


async def _noted(request: AnyRequest, results: AsyncGenerator[Result, None]) -> AsyncGenerator[Result, None]:
    """The results; what they end with is counted as any refusal is."""
    async with aclosing(results):
        try:
            async for result in results:
                yield result
        except Refusal as refusal:
            request.scope["state"]["refused"] = refusal.kind
            raise


def _kept_response(request: AnyRequest, media_type: str, answer: bytes, tag: str | None) -> AnyResponse:
    """The answer for a cache that may have it already: 304 when it does (RFC 9110, 13.1.2 and 15.4.5)."""
    kind = f"{media_type}; charset=utf-8"
    if tag is None:
        return _response(request, 200, kind, answer, HEADERS | {"Vary": KEPT["Vary"]})
    had = [each.strip() for each in request.headers.get("if-none-match", "").split(",")]
    # compared weakly, as RFC 9110 says for If-None-Match
    is_had = "*" in had or tag.removeprefix("W/") in (each.removeprefix("W/") for each in had)
    return _response(request, 304 if is_had else 200, kind, b"" if is_had else answer, KEPT | {"ETag": tag})


async def _charge(
    request: AnyRequest, answering: Answering, caller: Caller | None, points: float
) -> Charge | None:
    """Charge the request, faulty ones too, and remember how that leaves the caller, for the headers.

    Raises:
        RateLimited: the limit is used up; nothing was charged.
    """
    charge = await answering.charge(request.app.state.helpdesk, caller, points)
    if charge is not None:
        request.scope["state"]["standing"] = charge.standing
        charge.standing.check()
    return charge


async def _charged(request: AnyRequest, answering: Answering, refusal: Refusal) -> Refusal:
    """The refusal, once whoever signed in is charged for it, too (D30); or that their limit is used up."""
    if "standing" in request.scope["state"] or refusal.code in UNCHARGED:
        return refusal
    # who has too many operations under way is told how they stand, and charged nothing
    units = 0 if refusal.code == "RATE_LIMIT_EXCEEDED" else 1
    try:
        with refusing(request_id_of(request)):
            await _charge_without_operation(request, answering, units)
    except Refusal as another:
        return another if another.code == "RATE_LIMIT_EXCEEDED" else refusal
    return refusal


async def _charge_without_operation(request: AnyRequest, answering: Answering, units: int = 1) -> None:
    """Charge whoever signed in for a request that runs no operation. Raises Unauthorized, RateLimited."""
    helpdesk = request.app.state.helpdesk
    caller = await answering.caller(helpdesk, request.headers.get("authorization"))
    standing = await answering.charge_without_operation(helpdesk, caller, units)
    if standing is not None:
        request.scope["state"]["standing"] = standing
        standing.check()


async def _body(request: AnyRequest) -> bytes:
    chunks: list[bytes] = []
    size = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(BODY_DEADLINE_S):
            while True:
                event: Any = await request.receive()
                if event["type"] == "http.disconnect":
                    break
                size += len(event["body"])
                if size > MAX_BODY:
                    raise refused("PAYLOAD_TOO_LARGE", f"The body is larger than {MAX_BODY:,} bytes.")
                chunks.append(event["body"])
                if not event.get("more_body", False):
                    return b"".join(chunks)
    raise refused("BAD_REQUEST", f"The body did not come to its end within {BODY_DEADLINE_S:g} seconds.")


async def _chunks(request: AnyRequest) -> AsyncGenerator[bytes, None]:
    """A form as it comes, for as long as something comes and it is not too much."""
    loop = asyncio.get_running_loop()
    end = loop.time() + FORM_DEADLINE_S
    size, more = 0, True
    while more:
        try:
            async with asyncio.timeout_at(min(loop.time() + BODY_DEADLINE_S, end)):
                event: Any = await request.receive()
        except TimeoutError:
            raise refused("BAD_REQUEST", "The body must not pause for long.") from None
        if event["type"] == "http.disconnect":
            raise refused("BAD_REQUEST", "The body must come to its end.")
        size += len(event["body"])
        if size > uploads.MAX_FORM:
            raise refused("PAYLOAD_TOO_LARGE", f"The body is larger than {uploads.MAX_FORM:,} bytes.")
        more = event.get("more_body", False)
        yield event["body"]


def _refuse(request: AnyRequest, refusal: Refusal, media_type: str) -> Answer:
    request.scope["state"]["refused"] = refusal.kind
    status = STATUSES.get(refusal.code, 400)
    if media_type == JSON and refusal.code in REQUEST_ERRORS:
        status = 200
    headers = dict(HEADERS)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status == 429:
        headers["Retry-After"] = str(refusal.errors[0]["extensions"]["retryAfter"])
    if status == 503 and "saved" not in refusal.errors[0]["extensions"]:
        headers["Retry-After"] = "1"  # who may have saved something would do it twice
    if status == 405:
        headers["Allow"] = "POST" if request.method in ("GET", "HEAD") else METHODS
    kind = GRAPHQL if media_type == EVENT_STREAM else media_type
    return _response(request, status, f"{kind}; charset=utf-8", encode_refusal(refusal), headers)


def _stream(request: AnyRequest, events: Any, media_type: str = EVENT_STREAM) -> AnyResponse:
    # Buffering by a proxy would hold the events back (the header is nginx's).
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", **_own_headers(request)}
    return Stream(events, status_code=200, media_type=media_type, headers=headers)


def _response(
    request: AnyRequest, status: int, media_type: str, body: bytes, headers: Mapping[str, str]
) -> Answer:
    return Answer(status, media_type, body, {**headers, **_own_headers(request)})


def _request_id_header(request: AnyRequest) -> dict[str, str]:
    """`X-Request-Id`, unless the application numbers its requests and says so itself."""
    request_id = request_id_of(request)
    return {"X-Request-Id": request_id} if "graphql_request_id" in request.scope["state"] else {}


def _own_headers(request: AnyRequest) -> dict[str, str]:
    """The id of the request and, when it was charged, the documented rate limit headers (D30)."""
    standing: Standing | None = request.scope["state"].get("standing")
    if standing is None:
        return _request_id_header(request)
    return _request_id_header(request) | {
        "X-RateLimit-Limit": str(standing.limit),
        "X-RateLimit-Remaining": str(standing.remaining),
        "X-RateLimit-Reset": str(standing.reset_at),
    }

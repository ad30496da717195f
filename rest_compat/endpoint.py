"""An endpoint: one documented call, declared where it is written, from which its route and its OpenAPI entry follow.

A handler reads the request, calls one resolver and returns one shape; the rest (who asks, the operation's context,
encoding) is the same for all and is here. The handler's docstring is its summary, a blank line, its description;
what it is annotated to return is what the OpenAPI document says it answers.
"""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias, get_type_hints

from litestar import HttpMethod
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from resolvers.context import Context
from resolvers.errors import RateLimited, Unauthorized
from resolvers.fields import Field
from rest_compat.bodies import LARGEST_BODY
from rest_compat.charging import caller_of, charge, charge_whoever_asks
from rest_compat.envelope import Answer, AnyRequest, encode
from rest_compat.forms import LARGEST_FORM
from rest_compat.parameters import Declared
from rest_compat.shapes import Shape

Handler: TypeAlias = Callable[[Context, AnyRequest], Awaitable[Shape]]
Respond: TypeAlias = Callable[[AnyRequest], Awaitable[Answer]]

_ALWAYS_POSSIBLE: Final = (404, 405, 429, 500, 503)


class Body(NamedTuple):
    """The JSON object a call takes: its name in the OpenAPI document, its fields, an example that can be sent.

    `is_update`: absent keeps, null clears (D19). `takes_unknown`: names it does not know are ignored, not refused.
    `is_form`: it is no JSON but a form with a file.
    """

    name: str
    fields: Mapping[str, Field]
    example: Mapping[str, Any] | None = None
    is_update: bool = False
    takes_unknown: bool = False
    is_form: bool = False

    @property
    def media_type(self) -> str:
        """How it is sent."""
        return "multipart/form-data" if self.is_form else "application/json"

    @property
    def largest(self) -> int:
        """Bytes of it that are listened to."""
        return LARGEST_FORM if self.is_form else LARGEST_BODY


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A documented call. `refusals` are the error statuses of its own; `also` are statuses with the same shape."""

    method: str
    path: str
    respond: Respond
    name: str
    text: str
    tag: str
    answers: Any
    status: int = 200
    query: Declared = field(default_factory=dict)
    body: Body | None = None
    refusals: tuple[int, ...] = ()
    also: tuple[int, ...] = ()
    needs_token: bool = True

    @property
    def summary(self) -> str:
        """The first sentence of its text."""
        return self.text.partition("\n\n")[0].rstrip(".")

    @property
    def description(self) -> str:
        """Its text without the summary; the summary when that is all there is."""
        summary, _, rest = self.text.partition("\n\n")
        return " ".join((rest or summary).split())

    @property
    def path_parameters(self) -> list[str]:
        """The names in its path, in order."""
        return re.findall(r"\{(\w+)\}", self.path)

    @property
    def errors(self) -> list[int]:
        """Every error status that it can answer with."""
        of_body = (400, 413, 415) if self.body is not None else ()
        of_query = (400,) if self.query else ()
        of_caller = (401,) if self.needs_token else ()
        found = {*_ALWAYS_POSSIBLE, *of_body, *of_query, *of_caller, *self.refusals}
        return sorted(found - set(self.also))


def endpoint(
    method: str,
    path: str,
    *,
    tag: str,
    status: int = 200,
    query: Declared | None = None,
    body: Body | None = None,
    refusals: tuple[int, ...] = (),
    needs_token: bool = True,
) -> Callable[[Handler], Endpoint]:
    """Declare the handler as the documented call `method path`."""

    def declare(handler: Handler) -> Endpoint:
        return Endpoint(
            method=method,
            path=path,
            respond=_respond(handler, status) if needs_token else _respond_to_anyone(handler, status),
            name=handler.__name__,
            text=inspect.getdoc(handler) or "",
            tag=tag,
            answers=get_type_hints(handler)["return"],
            status=status,
            query=query or {},
            body=body,
            refusals=refusals,
            needs_token=needs_token,
        )

    return declare


def _respond(handler: Handler, status: int) -> Respond:
    async def respond(request: AnyRequest) -> Answer:
        async with signed_in(request) as ctx:
            return Answer(request, status, encode(await handler(ctx, request)))

    return respond


@contextlib.asynccontextmanager
async def signed_in(request: AnyRequest) -> AsyncIterator[Context]:
    """The operation of whoever the request's token names, charged to their workspace, when it is their key's turn.

    Raises: Unauthorized, RateLimited.
    """
    caller = await caller_of(request)
    if caller is None:
        raise Unauthorized
    state = request.app.state
    try:
        state.turns.check(caller)
    except RateLimited:
        await charge(request, caller, 0)  # they are told how they stand, and charged nothing
        raise
    await charge(request, caller)
    turn = request.scope["state"]["turn"] = state.turns.turn(caller)
    async with turn, state.helpdesk.operation(caller) as ctx:
        yield ctx


def _respond_to_anyone(handler: Handler, status: int) -> Respond:
    async def respond(request: AnyRequest) -> Answer:
        address = request.client.host if request.client else ""
        async with request.app.state.helpdesk.operation(None, address=address) as ctx:
            return Answer(request, status, encode(await handler(ctx, request)))

    return respond


def routes(endpoints: Sequence[Endpoint]) -> list[HTTPRouteHandler]:
    """The Litestar handlers of the endpoints, and of OPTIONS for each of their paths."""
    methods: dict[str, list[str]] = {}
    for each in endpoints:
        methods.setdefault(route_path(each.path), []).extend(_methods(each))
    charged = {route_path(each.path) for each in endpoints if each.needs_token}
    # OPTIONS first: Litestar gives a path one of its own as soon as it meets it without
    return [
        *(
            _route(path, ["OPTIONS"], _options(allowed, is_charged=path in charged))
            for path, allowed in methods.items()
        ),
        *(
            _route(
                route_path(each.path),
                _methods(each),
                each.respond,
                each.body.largest if each.body is not None else LARGEST_BODY,
            )
            for each in endpoints
        ),
    ]


def extra_route(path: str, respond: Respond) -> list[HTTPRouteHandler]:
    """The handlers of a page that is no call of the API: for GET, HEAD and OPTIONS."""
    methods = ["GET", "HEAD"]
    return [_route(path, ["OPTIONS"], _options(methods, is_charged=False)), _route(path, methods, respond)]


def route_path(path: str) -> str:
    """The path as Litestar takes it. Ids are text here, so that a bad one is answered in our own words."""
    return re.sub(r"\{(\w+)\}", r"{\1:str}", path)


def _methods(each: Endpoint) -> list[str]:
    return ["GET", "HEAD"] if each.method == "GET" else [each.method]


def _route(
    path: str, methods: Sequence[str], respond: Respond, largest_body: int = LARGEST_BODY
) -> HTTPRouteHandler:
    async def handle(request: AnyRequest) -> ASGIApp:
        return await respond(request)

    return HTTPRouteHandler(
        path,
        http_method=[HttpMethod(method) for method in methods],
        status_code=200,
        include_in_schema=False,
        request_max_body_size=largest_body,
    )(handle)


def _options(allowed: Sequence[str], *, is_charged: bool) -> Respond:
    allow = ", ".join(sorted({*allowed, "OPTIONS"})).encode()

    async def respond(request: AnyRequest) -> Answer:
        if is_charged:
            await charge_whoever_asks(request)
        return Answer(request, 204, headers=((b"allow", allow),))

    return respond

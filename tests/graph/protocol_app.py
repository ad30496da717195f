"""A small graph behind the real handlers of /graphql, for what does not depend on the helpdesk's types."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Callable
from typing import Any

import strawberry
from litestar import Litestar, Response
from strawberry.scalars import JSON

from db.queries.api_keys import Holder
from gateway.graphql.answering import Answering
from gateway.graphql.http import http_routes
from gateway.graphql.trusted import Readers, TrustedDocuments
from gateway.graphql.websocket import websocket_route
from resolvers.context import Caller, Helpdesk
from resolvers.errors import Forbidden, NotFound, Unauthorized, Unavailable, ValidationError
from resolvers.rate_limits import Charge, Standing
from resolvers.tokens import SigningSecrets, TokenSigner
from schema.execution import Graph

CALLER = Caller(workspace_id=1, user_id=2, key_id=3, role="agent", tier="professional")
HOLDER = Holder(
    key_id=3,
    secret_hash=b"",
    user_id=2,
    role="agent",
    organization_id=None,
    workspace_id=1,
    tier="professional",
    customers_see_organization=False,
)
OPENED: list[object] = []
"""Every context that was opened, in order."""


@strawberry.type
class User:
    id: strawberry.ID
    name: str

    @strawberry.field
    def tickets(
        self, first: int | None = None, last: int | None = None, after: str | None = None
    ) -> "TicketConnection":
        return TicketConnection()


@strawberry.type
class Ticket:
    id: strawberry.ID
    subject: str

    @strawberry.field
    def requester(self) -> User | None:
        return User(id=strawberry.ID("usr_1"), name="Ada")

    @strawberry.field(metadata={"cost": 10})  # type: ignore[untyped-decorator]
    def history(self) -> User | None:
        return None

    @strawberry.field(metadata={"cost": 7})  # type: ignore[untyped-decorator]
    def summary(self) -> str:
        return "short"


def ticket() -> Ticket:
    return Ticket(id=strawberry.ID("tkt_1"), subject="Cannot log in")


@strawberry.type
class TicketEdge:
    cursor: str
    node: Ticket


@strawberry.type
class PageInfo:
    has_next_page: bool = False


@strawberry.type
class TicketConnection:
    total_count: int = 1

    @strawberry.field
    def nodes(self) -> list[Ticket]:
        return [ticket()]

    @strawberry.field
    def edges(self) -> list[TicketEdge]:
        return [TicketEdge(cursor="c", node=ticket())]

    @strawberry.field
    def page_info(self) -> PageInfo:
        return PageInfo()


@strawberry.input
class TicketInput:
    subject: strawberry.Maybe[str]
    note: strawberry.Maybe[str | None]
    parent: "TicketInput | None" = None


@strawberry.input(one_of=True)
class TicketChoice:
    id: strawberry.ID | None = strawberry.UNSET
    subject: str | None = strawberry.UNSET


@strawberry.type
class Query:
    @strawberry.field
    def tickets(
        self, first: int | None = None, last: int | None = None, after: str | None = None
    ) -> TicketConnection:
        return TicketConnection()

    @strawberry.field
    def nodes(self, ids: list[strawberry.ID]) -> list[Ticket | None]:
        return [None for _ in ids]

    @strawberry.field
    def echo(
        self,
        text: str = "",
        number: int = 0,
        ticket: TicketInput | None = None,
        choice: TicketChoice | None = None,
        anything: JSON | None = None,
    ) -> str:
        return text

    @strawberry.field
    async def waits(self) -> str:
        await asyncio.sleep(0)
        return "waited"

    @strawberry.field
    async def waits_long(self) -> str | None:
        await asyncio.sleep(30)
        return "never"

    @strawberry.field
    def role(self, info: strawberry.Info) -> str | None:
        return info.context.caller.role if info.context.caller else None

    @strawberry.field
    def boom(self) -> str | None:
        raise RuntimeError("dsn=postgres://secret")

    @strawberry.field
    def overflow(self) -> int | None:
        return 10**12

    @strawberry.field
    def forbidden(self) -> str | None:
        raise Forbidden

    @strawberry.field
    def missing(self) -> str:
        raise NotFound

    @strawberry.field
    def invalid(self) -> str | None:
        raise ValidationError.of({"subject": "is required"})

    @strawberry.field
    def large(self) -> str:
        return "x" * 5_000


@strawberry.type
class Mutation:
    @strawberry.mutation
    def touch(self, text: str = "touched") -> str:
        return text

    @strawberry.mutation
    def token_create(self) -> str:
        return "token"


schema = strawberry.Schema(Query, Mutation)


class SmallContext:
    def __init__(self, caller: Caller | None) -> None:
        self.caller = caller


class SmallHelpdesk:
    """What the handlers of /graphql need of a helpdesk."""

    def __init__(self, clock: Callable[[], dt.datetime]) -> None:
        self.clock = clock
        self.tokens = TokenSigner(lambda _now: SigningSecrets("s" * 40), "p" * 40, 3600)
        self.is_out = False

    @contextlib.asynccontextmanager
    async def operation(
        self, caller: Caller | None, *, address: str, charge: Charge | None
    ) -> AsyncIterator[SmallContext]:
        if self.is_out:
            raise Unavailable
        ctx = SmallContext(caller)
        OPENED.append(ctx)
        yield ctx

    def token(self, lifetime_s: int = 3600) -> str:
        signer = TokenSigner(lambda _now: SigningSecrets("s" * 40), "p" * 40, lifetime_s)
        return signer.sign(HOLDER, self.clock()).token


async def sign_in(helpdesk: Any, authorization: str | None) -> Caller | None:
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized
    helpdesk.tokens.verify(token, helpdesk.clock())
    return CALLER


def graphiql_page() -> Response[bytes]:
    return Response(b"<!doctype html><title>GraphiQL</title>", media_type="text/html")


class FreeOfCharge(Answering):
    """What operations cost is tested with the whole application, in tests/rules/test_rate_limits.py."""

    async def charge(self, helpdesk: Helpdesk, caller: Caller | None, points: float) -> Charge | None:
        return None

    async def charge_without_operation(
        self, helpdesk: Helpdesk, caller: Caller | None, units: int = 1
    ) -> Standing | None:
        return None


def small_app(
    trusted: TrustedDocuments = TrustedDocuments(),  # noqa: B008  # immutable
    introspection: Readers = "everyone",
    *,
    suggests: bool = True,
) -> Litestar:
    answering = FreeOfCharge(Graph(schema, suggests=suggests), sign_in, trusted, introspection)
    routes = [*http_routes(answering, graphiql_page, lambda: "type Query"), websocket_route(answering)]
    app = Litestar(routes, openapi_config=None)
    app.state.helpdesk = SmallHelpdesk(lambda: dt.datetime.now(dt.UTC))
    return app

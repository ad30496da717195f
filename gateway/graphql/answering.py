"""What HTTP, SSE and WebSocket share: who asks, whether they may, and the answer in a context of its own."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Final, NamedTuple

import msgspec
from graphql import OperationType

from db import rows
from gateway.graphql.parameters import Parameters
from gateway.graphql.trusted import INTROSPECTION, Readers, TrustedDocuments, check_introspection
from gateway.graphql.turns import Turns
from resolvers.context import Caller, Helpdesk
from resolvers.errors import Unauthorized
from resolvers.feed import Ended
from resolvers.rate_limits import Charge, Standing, units_for
from resolvers.subscriptions import Subscription, is_heard
from schema.errors import Refusal, plain_error, refusing
from schema.execution import Graph, Prepared

# What an operation may ask for without a token: the schema, unless the operator keeps it, and the token itself.
PUBLIC_FIELDS: Final = frozenset({"__typename", "__schema", "__type", "tokenCreate"})

LOOKS_AGAIN_AFTER_S: Final = 8.0
"""A subscriber to whom nothing happens is looked at so often: a revoked key ends within ten seconds (D31)."""
STOPS: Final = "The server stops. Subscribe again, with the last `sequence` as `after`"

SignIn = Callable[[Helpdesk, str | None], Awaitable[Caller | None]]

_encode = msgspec.json.Encoder().encode


class Visit(NamedTuple):
    """Who asks, from where, and the id by which the log knows the request."""

    helpdesk: Helpdesk
    caller: Caller | None
    address: str
    request_id: str


class Result(NamedTuple):
    """One answer of several, as JSON in UTF-8; `sequence` is that of the event it tells of. BEGUN and ALIVE are none."""

    body: bytes
    sequence: int | None = None


class Stopping(Refusal):
    """This process stops, and with it every subscription."""

    def __init__(self) -> None:
        super().__init__("SERVICE_UNAVAILABLE", [plain_error("SERVICE_UNAVAILABLE", STOPS)])


BEGUN: Final = Result(b"")
"""The subscription stands: what happens from now on is told."""
ALIVE: Final = Result(b"")
"""Nothing happened for a while, and the subscription goes on."""


class Answering:
    """Answers operations of one schema for whoever signs in.

    Its methods let rules and faults through: the caller holds them with `refusing`, once for a request.
    """

    def __init__(
        self,
        graph: Graph,
        sign_in: SignIn,
        trusted: TrustedDocuments = TrustedDocuments(),  # noqa: B008  # immutable
        introspection: Readers = "everyone",
    ) -> None:
        self.graph = graph
        self.caller = sign_in
        self.trusted = trusted
        self.introspection: Readers = introspection
        self.turns = Turns()
        self._telling: dict[tuple[Any, ...], asyncio.Task[Result | None]] = {}

    def prepare(self, parameters: Parameters, caller: Caller | None) -> Prepared:
        """The operation asked for, checked for size and for whether this caller may ask at all.

        Raises:
            Refusal: the request is wrong, or the schema is not for this caller.
            Unauthorized: it needs a token.
        """
        text, is_trusted = self.trusted.chosen(parameters)
        prepared = self.graph.prepare(text, parameters.operation_name, parameters.variables)
        if caller is None and not prepared.operation.root_fields <= PUBLIC_FIELDS:
            raise Unauthorized
        if not prepared.operation.root_fields.isdisjoint(INTROSPECTION):
            check_introspection(self.introspection, caller)
        return replace(prepared, is_trusted=True) if is_trusted else prepared

    async def charge(self, helpdesk: Helpdesk, caller: Caller | None, points: float) -> Charge | None:
        """What the operation is charged; None without a token. It is not refused yet: `standing.check()` does that.

        Raises:
            RateLimited: too many operations of the key are under way; nothing was charged.
        """
        if caller is None:
            return None
        self.turns.check(caller)
        units = units_for(points)
        return Charge(int(points), units, await helpdesk.limits.charge(caller, units, helpdesk.clock()))

    async def charge_without_operation(
        self, helpdesk: Helpdesk, caller: Caller | None, units: int = 1
    ) -> Standing | None:
        """How a request that runs no operation leaves whoever sent it; None without a token. `check()` it as well."""
        return None if caller is None else await helpdesk.limits.charge(caller, units, helpdesk.clock())

    async def answer(self, visit: Visit, prepared: Prepared, charge: Charge | None) -> bytes:
        """The answer to one operation, as JSON in UTF-8.

        Raises:
            Refusal: its variables do not fit, or it did not end in time.
            Unavailable: the database is out.
        """
        return _encode(await self._answer(visit, prepared, charge))

    async def tagged(
        self, visit: Visit, prepared: Prepared, charge: Charge | None
    ) -> tuple[bytes, str | None]:
        """The same, with its ETag (RFC 9110, 8.8.3); None when fields failed, and so may succeed the next time.

        It is a weak one, of `data` alone: `extensions` tell what is left of the limits, which is never the same.
        """
        answer = await self._answer(visit, prepared, charge)
        if "errors" in answer:
            return _encode(answer), None
        return _encode(answer), f'W/"{hashlib.sha256(_encode(answer["data"])).hexdigest()[:32]}"'

    async def _answer(self, visit: Visit, prepared: Prepared, charge: Charge | None) -> dict[str, Any]:
        helpdesk, caller, address, request_id = visit
        async with (
            self.turns.turn(caller),
            helpdesk.operation(caller, address=address, charge=charge) as ctx,
        ):
            answer = await self.graph.execute(prepared, ctx, request_id)
        if charge is not None:
            answer["extensions"] = {"cost": _told(charge)}
        return answer

    async def results(
        self,
        visit: Visit,
        prepared: Prepared,
        charge: Charge | None,
        authorization: str | None,
        seen: str | None = None,
    ) -> AsyncGenerator[Result, None]:
        """The answers to one operation in their order: one, or those of a subscription until it ends.

        `seen`: the event that a client which comes back has heard of last.

        Raises:
            Refusal: whatever went wrong.
        """
        with refusing(visit.request_id):
            if prepared.operation.kind is not OperationType.SUBSCRIPTION:
                yield Result(await self.answer(visit, prepared, charge))
                return
            if visit.caller is None:
                raise Unauthorized
            with self.turns.subscription(visit.caller):
                async with aclosing(self._told(visit, prepared, authorization, seen)) as told:
                    async for result in told:
                        yield result

    async def _told(
        self, visit: Visit, prepared: Prepared, authorization: str | None, seen: str | None
    ) -> AsyncGenerator[Result, None]:
        helpdesk, caller = visit.helpdesk, _signed_in(visit.caller)
        async with helpdesk.operation(caller, address=visit.address) as ctx:
            ctx.seen = seen
            following = await self.graph.followed(prepared, ctx)
        subscription = Subscription(helpdesk, caller, following)
        try:
            await subscription.begin()
            yield BEGUN
            while True:
                found = await _next(subscription)
                # signed in for every event: the key may have been revoked since the last
                subscription.caller = _signed_in(await self.caller(helpdesk, authorization))
                if not found:
                    yield ALIVE
                for event in found:
                    subscription.caller = _signed_in(await self.caller(helpdesk, authorization))
                    told = await self._told_of(visit._replace(caller=subscription.caller), prepared, event)
                    if told is not None:
                        yield told
                        if following.ends_with(event):
                            return
        except Ended:
            raise Stopping from None
        finally:
            subscription.end()

    async def _told_of(self, visit: Visit, prepared: Prepared, event: rows.FeedEvent) -> Result | None:
        """The answer of one event; None when the caller may not hear of it.

        Whoever asks the same of it as the same caller, while that is being answered, gets the same answer: a hundred
        windows of one frontend cost one.
        """
        key = (event.id, visit.caller, prepared.operation, _encode(prepared.variables))
        telling = self._telling.get(key)
        if telling is None:
            telling = self._telling[key] = asyncio.create_task(self._answer_of(visit, prepared, event))
            telling.add_done_callback(lambda _: self._telling.pop(key))
        return await asyncio.shield(telling)  # one who leaves does not stop it for the others

    async def _answer_of(self, visit: Visit, prepared: Prepared, event: rows.FeedEvent) -> Result | None:
        """The same, in a context of its own."""
        helpdesk, caller, address, request_id = visit
        async with self.turns.events, helpdesk.operation(caller, address=address) as ctx:
            if not await is_heard(ctx.reads, _signed_in(caller), event):
                return None
            answer = await self.graph.execute(prepared, ctx, request_id, root=event)
        return Result(_encode(answer), event.id)


async def _next(subscription: Subscription) -> Sequence[rows.FeedEvent]:
    """The next events, none when there were none for a while."""
    try:
        async with asyncio.timeout(LOOKS_AGAIN_AFTER_S):
            return await subscription.next()
    except TimeoutError:
        return ()


def _signed_in(caller: Caller | None) -> Caller:
    if caller is None:
        raise Unauthorized
    return caller


def _told(charge: Charge) -> dict[str, Any]:
    standing = charge.standing
    return {
        "requested": charge.points,
        "units": charge.units,
        "remaining": None if standing.is_unlimited else standing.remaining,
        "resetAt": None if standing.is_unlimited else dt.datetime.fromtimestamp(standing.reset_at, dt.UTC),
    }


def encode_refusal(refusal: Refusal) -> bytes:
    """The answer to a request that was refused before it ran: `errors`, and no `data`."""
    return _encode({"errors": refusal.errors})

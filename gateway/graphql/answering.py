"""What HTTP, SSE and WebSocket share: who asks, whether they may, and the answer in a context of its own."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from typing import Any, Final, NamedTuple

import msgspec

from gateway.graphql.parameters import Parameters
from gateway.graphql.trusted import INTROSPECTION, Readers, TrustedDocuments, check_introspection
from gateway.graphql.turns import Turns
from resolvers.context import Caller, Helpdesk
from resolvers.errors import Unauthorized
from resolvers.rate_limits import Charge, Standing, units_for
from schema.errors import Refusal, refusing
from schema.execution import Graph, Prepared

# What an operation may ask for without a token: the schema, unless the operator keeps it, and the token itself.
PUBLIC_FIELDS: Final = frozenset({"__typename", "__schema", "__type", "tokenCreate"})

SignIn = Callable[[Helpdesk, str | None], Awaitable[Caller | None]]

_encode = msgspec.json.Encoder().encode


class Visit(NamedTuple):
    """Who asks, from where, and the id by which the log knows the request."""

    helpdesk: Helpdesk
    caller: Caller | None
    address: str
    request_id: str


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
        self, visit: Visit, prepared: Prepared, charge: Charge | None
    ) -> AsyncGenerator[bytes, None]:
        """The answers to one operation in their order, as JSON in UTF-8: one, until there are subscriptions.

        Raises:
            Refusal: whatever went wrong.
        """
        with refusing(visit.request_id):
            yield await self.answer(visit, prepared, charge)


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

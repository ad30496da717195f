"""What HTTP, SSE and WebSocket share: who asks, whether they may, and the answer in a context of its own."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

import msgspec

from gateway.graphql.parameters import Parameters
from resolvers.context import Caller, Helpdesk
from resolvers.errors import Unauthorized
from schema.errors import Refusal, refusing
from schema.execution import Graph, Prepared

# What an operation may ask for without a token: the schema, which is public, and the token itself.
PUBLIC_FIELDS: Final = frozenset({"__typename", "__schema", "__type", "tokenCreate"})

SignIn = Callable[[Helpdesk, str | None], Awaitable[Caller | None]]

_encode = msgspec.json.Encoder().encode


class Answering:
    """Answers operations of one schema for whoever signs in.

    Its methods let rules and faults through: the caller holds them with `refusing`, once for a request.
    """

    def __init__(self, graph: Graph, sign_in: SignIn) -> None:
        self.graph = graph
        self.caller = sign_in

    def prepare(self, parameters: Parameters, caller: Caller | None) -> Prepared:
        """The operation asked for, checked for size and for whether this caller may ask at all.

        Raises:
            Refusal: the request is wrong.
            Unauthorized: it needs a token.
        """
        prepared = self.graph.prepare(*parameters)
        if caller is None and not prepared.operation.root_fields <= PUBLIC_FIELDS:
            raise Unauthorized
        return prepared

    async def answer(
        self, helpdesk: Helpdesk, caller: Caller | None, prepared: Prepared, request_id: str
    ) -> bytes:
        """The answer to one operation, as JSON in UTF-8.

        Raises:
            Refusal: its variables do not fit, or it did not end in time.
            Unavailable: the database is out.
        """
        async with helpdesk.operation(caller) as ctx:
            return _encode(await self.graph.execute(prepared, ctx, request_id))

    async def results(
        self, helpdesk: Helpdesk, caller: Caller | None, prepared: Prepared, request_id: str
    ) -> AsyncGenerator[bytes, None]:
        """The answers to one operation in their order, as JSON in UTF-8: one, until there are subscriptions.

        Raises:
            Refusal: whatever went wrong.
        """
        with refusing(request_id):
            yield await self.answer(helpdesk, caller, prepared, request_id)


def encode_refusal(refusal: Refusal) -> bytes:
    """The answer to a request that was refused before it ran: `errors`, and no `data`."""
    return _encode({"errors": refusal.errors})

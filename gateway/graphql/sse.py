"""GraphQL over server-sent events, "distinct connections mode" of graphql-sse: one stream each."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from gateway.graphql.answering import encode_refusal
from schema.errors import Refusal

# The empty `data` is what makes a browser's EventSource deliver the event.
COMPLETE: Final = b"event: complete\ndata:\n\n"


async def event_stream(results: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """Each encoded result as an event `next`, then the event `complete`; closing it closes the results.

    A refusal becomes the last result: the client has already been told that the stream is fine.
    """
    async with aclosing(results):
        try:
            async for result in results:
                yield _next(result)
        except Refusal as refusal:
            yield _next(encode_refusal(refusal))
    yield COMPLETE


async def refused_stream(refusal: Refusal) -> AsyncGenerator[bytes, None]:
    """The stream of an operation refused before it ran: the protocol wants its errors as an event."""
    yield _next(encode_refusal(refusal))
    yield COMPLETE


def _next(result: bytes) -> bytes:
    return b"event: next\ndata: " + result + b"\n\n"

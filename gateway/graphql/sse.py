"""GraphQL over server-sent events, "distinct connections mode" of graphql-sse: one stream each."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from gateway.graphql.answering import Result, encode_refusal
from schema.errors import Refusal

# The empty `data` is what makes a browser's EventSource deliver the event.
COMPLETE: Final = b"event: complete\ndata:\n\n"
# A comment keeps proxies from taking a quiet stream for a dead one.
COMMENT: Final = b":\n\n"


async def event_stream(results: AsyncGenerator[Result, None]) -> AsyncGenerator[bytes, None]:
    """Each result as an event `next`, then the event `complete`; closing it closes the results.

    A refusal becomes the last result: the client has already been told that the stream is fine.
    """
    async with aclosing(results):
        try:
            async for result in results:
                yield _next(result) if result.body else COMMENT
        except Refusal as refusal:
            yield _next(Result(encode_refusal(refusal)))
    yield COMPLETE


async def refused_stream(refusal: Refusal) -> AsyncGenerator[bytes, None]:
    """The stream of an operation refused before it ran: the protocol wants its errors as an event."""
    yield _next(Result(encode_refusal(refusal)))
    yield COMPLETE


def _next(result: Result) -> bytes:
    """The event; its id is what a browser that lost the stream comes back with, as `Last-Event-ID`."""
    id_ = b"" if result.sequence is None else b"id: %d\n" % result.sequence
    return id_ + b"event: next\ndata: " + result.body + b"\n\n"

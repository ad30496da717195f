"""Subscriptions over multipart HTTP, as Apollo's clients ask for them: `multipart/mixed; subscriptionSpec=1.0`.

Each part is a JSON object with the answer as `payload`, and `{}` is a sign of life; what ends the subscription comes
as `errors` beside a `payload` of null (Apollo Router, "Multipart HTTP protocol for GraphQL subscriptions").
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from gateway.graphql.answering import Result, encode_refusal
from schema.errors import Refusal

MEDIA_TYPE: Final = 'multipart/mixed;boundary="graphql";subscriptionSpec="1.0"'
# Apollo Client reads a part when the delimiter behind it has come: that is sent with the part, not with the next one.
_DELIMITER: Final = b"\r\n--graphql"
_END: Final = b"--\r\n"


async def parts(results: AsyncGenerator[Result, None]) -> AsyncGenerator[bytes, None]:
    """Each result as a part; closing it closes the results."""
    yield _DELIMITER
    async with aclosing(results):
        try:
            async for result in results:
                yield _part(b'{"payload":' + result.body + b"}" if result.body else b"{}")
        except Refusal as refusal:
            errors = encode_refusal(refusal)[1:]  # `"errors": […]}`
            yield _part(b'{"payload":null,' + errors)
    yield _END


def _part(body: bytes) -> bytes:
    return b"\r\nContent-Type: application/json\r\n\r\n" + body + _DELIMITER

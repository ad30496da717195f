"""Sending a delivery: one signed POST that cannot be steered at private addresses (D29).

A name is resolved once, every address it stands for is checked, and the connection goes to the checked address, so that
an answer of the DNS that changes in between is no use. Redirects are not followed and no proxy is taken from the
environment. Standard Webhooks is the specification: https://www.standardwebhooks.com
"""

import asyncio
import base64
import contextlib
import hmac
import ssl
import time
from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore2
from httpcore2 import AnyIOBackend, AsyncNetworkBackend, AsyncNetworkStream

from resolvers.addresses import addresses_of, is_public
from resolvers.context import Clock
from resolvers.deliveries import Message, Result

ANSWERS_WITHIN_S: Final = 15.0
CONNECTS_WITHIN_S: Final = 5.0
KEPT_BYTES: Final = 1024
"""Of an answer's body; the rest is never read."""
BODY_WITHIN_S: Final = 2.0
"""The status says whether it was taken; the body is only for people, so it is not waited for long."""
USER_AGENT: Final = b"Answer-Webhooks/1"


class PrivateAddress(httpcore2.ConnectError):
    """The host stands for an address that is not public."""


class GuardedBackend(AsyncNetworkBackend):
    """Connects to public addresses only; to any, when the operator allows it."""

    def __init__(self, *, allows_private: bool) -> None:
        self._allows_private = allows_private
        self._inner = AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # what a backend of httpcore2 is called with
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> AsyncNetworkStream:
        """A connection to the first address that answers. Raises PrivateAddress, httpcore2.ConnectError."""
        try:
            found = await addresses_of(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"{host} cannot be found") from error
        if not self._allows_private and not all(is_public(each) for each in found):
            raise PrivateAddress(f"{host} is a private address")
        refusal: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in found:
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                refusal = error
        raise refusal


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """One entry of `webhook-signature` (Standard Webhooks, signature scheme)."""
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


class Sender:
    """Sends deliveries over connections of its own; close it."""

    def __init__(self, *, allows_private: bool, clock: Clock) -> None:
        self._clock = clock
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=None,  # the worker has its own limit
            max_keepalive_connections=0,  # a delivery should not fail because a kept connection was closed meanwhile
            network_backend=GuardedBackend(allows_private=allows_private),
        )

    async def send(self, message: Message) -> Result:
        """What came of it; whatever goes wrong on the way is a result, too."""
        began = time.monotonic()
        status, answer, error = None, "", None
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                status, answer = await self._post(message)
        except TimeoutError:
            error = f"no answer within {ANSWERS_WITHIN_S:g} seconds"
        except httpcore2.TimeoutException:
            error = "the connection took too long"
        except (
            httpcore2.NetworkError,
            httpcore2.ProtocolError,
            httpcore2.UnsupportedProtocol,
            httpcore2.ProxyError,
            OSError,
            ValueError,
        ) as failure:
            error = str(failure)[:200] or type(failure).__name__
        return Result(status, answer, error, round((time.monotonic() - began) * 1000))

    async def _post(self, message: Message) -> tuple[int, str]:
        body = message.body.encode()
        timestamp = int(self._clock().timestamp())
        signatures = " ".join(signature(key, message.message_id, timestamp, body) for key in message.keys)
        headers = [
            (b"host", urlsplit(message.url).netloc.encode()),
            (b"content-type", b"application/json"),
            (b"user-agent", USER_AGENT),
            (b"accept-encoding", b"identity"),
            (b"webhook-id", message.message_id.encode()),
            (b"webhook-timestamp", str(timestamp).encode()),
            (b"webhook-signature", signatures.encode()),
        ]
        timeout = {"connect": CONNECTS_WITHIN_S, "pool": ANSWERS_WITHIN_S}
        async with self._pool.stream(
            "POST", message.url, headers=headers, content=body, extensions={"timeout": timeout}
        ) as response:
            return response.status, await _beginning(response)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.aclose()


async def _beginning(response: httpcore2.Response) -> str:
    """The first KEPT_BYTES of the body, as far as they come in time."""
    kept = b""
    with contextlib.suppress(TimeoutError, httpcore2.NetworkError, httpcore2.ProtocolError):
        async with asyncio.timeout(BODY_WITHIN_S):
            async for chunk in response.aiter_stream():
                kept += chunk
                if len(kept) >= KEPT_BYTES:
                    break
    # PostgreSQL keeps no NUL
    return kept[:KEPT_BYTES].decode("utf-8", "replace").replace("\x00", "\ufffd")

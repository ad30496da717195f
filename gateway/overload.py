"""The outermost layer: how much is taken on at once, and what is told to the rest.

A request counts while it is worked on, not while its client sends or reads, so that slow clients take the places of
nobody, neither of all requests nor of those of their key (gateway/graphql/turns.py); streams of events, which mostly
wait, have places of their own. One too many is refused at once with 503 and `Retry-After`, in the words of the door it
came to: a queue would only make everybody late. Whoever reads too slowly is cut off.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias

from litestar import Request
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from gateway.graphql.turns import Turn
from resolvers.errors import AnswerError, Overloaded, ValidationError

SLOW_AT_MOST: Final = 8
"""Times as many requests may wait for their clients as are worked on."""
WEBSOCKETS_AT_MOST: Final = 1024
PIECE: Final = 64 * 1024
"""Bytes of an answer that are sent at once."""
STREAMS_AT_MOST: Final = 1024
"""Further ones take the place of a request that waits for its client."""
_STREAMS: Final = (b"text/event-stream", b"multipart/mixed")
READS_WITHIN_S: Final = 30.0
"""For a client to take the next piece of an answer."""
HEARD_OUT_WITHIN_S: Final = 5.0
HEARD_OUT_AT_MOST: Final = 20 * 1024 * 1024
"""Bytes of a body, with what was read of it before: the largest form."""
PAUSES_AT_MOST_S: Final = 1.0
"""Of a body that nobody reads any more."""
ALWAYS_ANSWERED: Final = frozenset({"/health", "/metrics"})
"""Whoever watches over us asks these most of all when there is much to do."""
TRY_AGAIN_LATER: Final = 1013
"""The close code of a WebSocket that finds no place (IANA)."""
SERVER: Final = (b"server", b"answer")
"""Else granian names itself."""
HELD_AT_MOST: Final = 128 * 1024 * 1024
"""Bytes of bodies that are still coming, and of answers that are still taken, of all requests together."""
HELD_OF_ONE: Final = 1024 * 1024
"""What one request keeps in memory at most: files go to the disk as they come."""

Refuse: TypeAlias = Callable[[Request[Any, Any, Any], AnswerError], ASGIApp]


class ReadsTooSlowly(ConnectionError):
    """The client does not take its answer."""


class Gate:
    """Lets so many requests in at a time. `most`: of this process; `refuse` has the words for the others.

    `refusals` counts those that were refused, here or behind, by what their door calls it (`refused` in their state).
    """

    def __init__(self, app: ASGIApp, most: int, refuse: Refuse, refusals: Counter[str] | None = None) -> None:
        self._app = app
        self._most = most
        self._refuse = refuse
        self._open = 0
        self._working = 0
        self._held = 0
        self._websockets = 0
        self._refusals: Counter[str] = Counter() if refusals is None else refusals
        self._streams = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it in, or refuse it (ASGI)."""
        if scope["type"] == ScopeType.WEBSOCKET:
            await self._connect(scope, receive, send)
            return
        if scope.get("http_version") == "1.1" and not _names_one_host(scope):
            error: AnswerError | None = ValidationError("Send exactly one Host header")
        elif scope["path"] in ALWAYS_ANSWERED or self._has_room():
            error = None
        else:
            error = Overloaded()
        if error is None:
            await self._let_in(scope, receive, send)
        else:
            await self._refuse(Request(scope), error)(scope, receive, _after_the_body(scope, receive, send))
        if kind := scope.get("state", {}).get("refused"):
            self._refusals[kind] += 1

    def _has_room(self) -> bool:
        is_within = self._working < self._most and self._open < SLOW_AT_MOST * self._most
        return is_within and self._held <= HELD_AT_MOST

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_cut_off, is_stream, held = False, False, 0
        is_coming, came = _has_body(scope), 0

        async def received() -> Any:
            nonlocal held, is_coming, came
            message = await self._heard(scope, receive)
            is_coming = message.get("more_body", False)
            came += len(message.get("body", b""))
            more = min(came, HELD_OF_ONE) - held
            held += more
            self._held += more
            if self._held > HELD_AT_MOST and message.get("more_body"):
                raise Overloaded
            return message

        async def sent(message: Message) -> None:
            nonlocal is_cut_off, is_stream
            if message["type"] == "http.response.start":
                is_stream = self._has_moved(message["headers"])
                message["headers"] = [*message.get("headers", ()), SERVER]
                if is_coming:
                    await self._hear_out(scope, receive, message, came)
            try:
                await self._send(message, send)
            except ReadsTooSlowly:
                is_cut_off = True
                raise

        self._open += 1
        self._working += 1
        try:
            await self._app(scope, received, sent)
        except Exception:
            if not is_cut_off:
                raise
        finally:
            self._working -= 1
            self._streams -= is_stream
            self._open -= not is_stream
            self._held -= held

    async def _send(self, message: Any, send: Send) -> None:
        """Send it, a large answer in pieces, for which nobody works. Raises ReadsTooSlowly."""
        size = len(message.get("body", b""))
        if size <= PIECE and not message.get("more_body"):
            await send(message)
            return
        self._held += size
        self._working -= 1
        try:
            for piece in _pieces(message):
                async with asyncio.timeout(READS_WITHIN_S):
                    await send(piece)
        except TimeoutError:
            raise ReadsTooSlowly from None
        finally:
            self._working += 1
            self._held -= size

    async def _heard(self, scope: Scope, receive: Receive) -> Any:
        """What the client sends next; nobody works on its request meanwhile."""
        turn: Turn | None = scope["state"].get("turn")
        self._working -= 1
        try:
            if turn is None:
                return await receive()
            turn.leave()
            message = await receive()
            await turn.take()
            return message
        finally:
            self._working += 1

    async def _hear_out(self, scope: Scope, receive: Receive, answer: Any, came: int) -> None:
        """As `_hear_out` below; nobody works on the request meanwhile, and its turn is over: it is answered."""
        turn: Turn | None = scope["state"].get("turn")
        if turn is not None:
            turn.leave()
        self._working -= 1
        try:
            await _hear_out(scope, receive, answer, came)
        finally:
            self._working += 1

    def _has_moved(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether the answer that begins is a stream, which then has a place among those."""
        if self._streams >= STREAMS_AT_MOST:
            return False
        kinds = [value for name, value in headers if name.lower() == b"content-type"]
        if not any(kind.startswith(_STREAMS) for kind in kinds):
            return False
        self._streams += 1
        self._open -= 1
        return True

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._websockets >= WEBSOCKETS_AT_MOST:
            await receive()
            await send({"type": "websocket.close", "code": TRY_AGAIN_LATER, "reason": "Try again later"})
            return
        self._websockets += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._websockets -= 1


def _names_one_host(scope: Scope) -> bool:
    """RFC 9112, 3.2: of two, one proxy believes the first and another the second. For none, granian has an empty one."""
    # a list: a generator costs twice as much
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    return len(hosts) == 1 and hosts[0] != b""


def _pieces(message: Any) -> Iterator[Any]:
    """The body in pieces: what is sent at once the server keeps until the client takes it, however long that is."""
    body = memoryview(message["body"])
    for start in range(0, len(body) or 1, PIECE):
        is_last = start + PIECE >= len(body)
        more = message.get("more_body", False) or not is_last
        yield {"type": message["type"], "body": bytes(body[start : start + PIECE]), "more_body": more}


def _has_body(scope: Scope) -> bool:
    """Whether the client said that it sends one (RFC 9112, 6.3)."""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )


def _after_the_body(scope: Scope, receive: Receive, send: Send) -> Send:
    """`send` for an answer that was decided on before anything of the body was looked at."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), SERVER]
            if _has_body(scope):
                await _hear_out(scope, receive, message, 0)
        await send(message)

    return sent


async def _hear_out(scope: Scope, receive: Receive, answer: Any, came: int) -> None:
    """Let the client send what it has to send, for a while: while it is sending it does not hear the answer.

    `came` are the bytes of the body so far. Who has not done in time, or would not send before it is told to
    (`Expect`), is told that the connection ends with the answer. granian ends it in either case, and whatever came next
    on it would be lost without a word.
    """
    if not any(name == b"expect" for name, _ in scope["headers"]):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HEARD_OUT_WITHIN_S):
                while came < HEARD_OUT_AT_MOST:
                    message = await _next_piece(receive)
                    if not message.get("more_body"):
                        return
                    came += len(message["body"])
    answer["headers"].append((b"connection", b"close"))


async def _next_piece(receive: Receive) -> Any:
    """What comes next of a body. Raises TimeoutError."""
    async with asyncio.timeout(PAUSES_AT_MOST_S):
        return await receive()

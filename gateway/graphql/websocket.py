"""GraphQL over WebSocket: the `graphql-transport-ws` protocol, every operation in a context of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final, TypeAlias
from uuid import uuid4

import msgspec
from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.handlers import WebsocketRouteHandler

from gateway.graphql import parameters
from gateway.graphql.answering import ALIVE, Answering, Result, Stopping, Visit
from gateway.graphql.http import MAX_BODY, PATH
from resolvers.context import Helpdesk
from schema.errors import Refusal, plain_error, refusing

SUBPROTOCOL: Final = "graphql-transport-ws"
# The protocol's predecessor, which we do not offer. But our server writes header names in lower case, as HTTP allows,
# and the Python client `gql` 4 looks for `Sec-WebSocket-Protocol` by its capitals: not seeing what was chosen, it
# speaks the older one. To a client that offers both, its three words are understood.
PREDECESSOR: Final = "graphql-ws"
_OLDER_WORDS: Final = {"start": "subscribe", "stop": "complete"}
INIT_DEADLINE_S: Final = 10.0
MAX_OPERATIONS: Final = 20
SERVICE_RESTART: Final = 1012
"""The close code (IANA)."""

AnySocket: TypeAlias = WebSocket[Any, Any, Any]

_encode = msgspec.json.Encoder().encode


class _Close(Exception):
    """The conversation ends with this close code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def websocket_route(answering: Answering) -> WebsocketRouteHandler:
    """The handler of `/graphql` for WebSockets."""

    @websocket(PATH, name="graphql_websocket")
    async def graphql_websocket(socket: AnySocket) -> None:
        """Run GraphQL operations until one side has enough."""
        await Conversation(socket, answering, INIT_DEADLINE_S).hold()

    return graphql_websocket


class Conversation:
    """One WebSocket from its acceptance to its end.

    Only the task that reads closes the socket: granian would deliver a close from another task no sooner than
    the client speaks again.
    """

    def __init__(self, socket: AnySocket, answering: Answering, init_deadline_s: float) -> None:
        self._socket = socket
        self._answering = answering
        self._helpdesk: Helpdesk = socket.app.state.helpdesk
        self._authorization: str | None = None
        self._acknowledged = False
        self._deadline: float | None = asyncio.get_running_loop().time() + init_deadline_s
        self._patience: asyncio.Timeout | None = None
        """How long is waited for the client, while it is waited for."""
        self._end: _Close | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._offers_predecessor = False
        self._result_word = "next"

    async def hold(self) -> None:
        """Talk until the client leaves or breaks a rule of the protocol."""
        header = self._socket.headers.get("sec-websocket-protocol", "")
        offered = [name.strip() for name in header.split(",")]
        self._offers_predecessor = PREDECESSOR in offered
        if SUBPROTOCOL not in offered:
            await self._socket.accept()
            await self._socket.close(4406, "Subprotocol not acceptable")
            return
        await self._socket.accept(subprotocols=SUBPROTOCOL)
        try:
            while True:
                await self._take(await self._next_message())
        except _Close as close:
            await self._stop()
            await self._socket.close(close.code, close.reason)
        except WebSocketDisconnect:
            pass
        finally:
            await self._stop()

    async def _next_message(self) -> dict[str, Any]:
        if self._end is not None:
            raise self._end
        try:
            async with asyncio.timeout_at(self._deadline) as self._patience:
                event: Any = await self._socket.receive()
        except TimeoutError:
            if self._end is not None:
                raise self._end from None
            if self._acknowledged:
                raise _Close(4403, "Token expired") from None
            raise _Close(4408, "Connection initialisation timeout") from None
        finally:
            self._patience = None
        if event["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(detail="the client left")
        return _read(event.get("text"))

    def _restart(self) -> None:
        """Let the task that reads close the socket: clients connect again, to another process, and go on."""
        self._end = _Close(SERVICE_RESTART, "Service restart")
        if self._patience is not None:
            self._patience.reschedule(asyncio.get_running_loop().time())

    def _word(self, word: str) -> str:
        """The message's type in the protocol we speak."""
        if not self._offers_predecessor or word not in _OLDER_WORDS:
            return word
        self._result_word = "data"
        return _OLDER_WORDS[word]

    async def _take(self, message: dict[str, Any]) -> None:
        match self._word(message["type"]):
            case "connection_init":
                await self._initialise(message)
            case "ping":
                await self._send({"type": "pong"})
            case "pong":
                pass
            case "connection_terminate" if self._offers_predecessor:
                raise _Close(1000, "Terminated")
            case "subscribe":
                await self._subscribe(message)
            case "complete":
                self._complete(message)
            case _:
                raise _Close(4400, "Invalid message type")

    async def _initialise(self, message: dict[str, Any]) -> None:
        if self._acknowledged:
            raise _Close(4429, "Too many initialisation requests")
        payload = message.get("payload")
        if not isinstance(payload, dict | None):
            raise _Close(4400, "Invalid message: `payload` must be an object")
        self._authorization = _authorization_in(payload or {}) or self._socket.headers.get("authorization")
        try:
            with refusing(uuid4().hex):
                await self._answering.caller(self._helpdesk, self._authorization)
                self._deadline = self._end_of_token()
        except Refusal as refusal:
            self._answering.graph.served.refusals[refusal.kind] += 1
            if refusal.code == "UNAUTHORIZED":
                raise _Close(4403, "Forbidden") from None
            raise _Close(1011, "Internal server error") from None
        self._acknowledged = True
        await self._send({"type": "connection_ack"})

    def _end_of_token(self) -> float | None:
        """When the token that was just accepted expires, in the event loop's time; None without a token."""
        if self._authorization is None:
            return None
        now = self._helpdesk.clock()
        claims = self._helpdesk.tokens.verify(self._authorization.split()[-1], now)
        return asyncio.get_running_loop().time() + claims.expires_at - now.timestamp()

    async def _subscribe(self, message: dict[str, Any]) -> None:
        if not self._acknowledged:
            raise _Close(4401, "Unauthorized")
        name, payload = message.get("id"), message.get("payload")
        if not isinstance(name, str) or not name:
            raise _Close(4400, "Invalid message: `id` must be a string")
        if not isinstance(payload, dict) or not isinstance(payload.get("query", ""), str):
            raise _Close(4400, "Invalid message: `payload` must hold a `query`")
        if name in self._running:
            raise _Close(4409, f"Subscriber for {name[:100]} already exists")
        if len(self._running) >= MAX_OPERATIONS:
            why = f"At most {MAX_OPERATIONS} operations run at once on a connection: wait for one to end."
            errors = [plain_error("RATE_LIMIT_EXCEEDED", why)]
            await self._send({"id": name, "type": "error", "payload": errors})
            return
        self._running[name] = asyncio.create_task(self._operate(name, payload))

    def _complete(self, message: dict[str, Any]) -> None:
        name = message.get("id")
        if not isinstance(name, str):
            raise _Close(4400, "Invalid message: `id` must be a string")
        task = self._running.pop(name, None)
        if task is not None:
            task.cancel()

    async def _operate(self, name: str, payload: dict[str, Any]) -> None:
        """Run one operation and send what comes of it; its id is free before the client hears the end."""
        last: dict[str, Any]
        try:
            async with aclosing(self._results(payload)) as results:
                async for result in results:
                    if not result.body:
                        if result is ALIVE:
                            await self._send({"type": "ping"})
                        continue
                    told = msgspec.Raw(result.body)
                    await self._send({"id": name, "type": self._result_word, "payload": told})
            last = {"id": name, "type": "complete"}
        except Stopping:
            self._restart()
            return
        except Refusal as refusal:
            self._answering.graph.served.refusals[refusal.kind] += 1
            last = {"id": name, "type": "error", "payload": refusal.errors}
        except WebSocketDisconnect:
            return
        finally:
            self._running.pop(name, None)
        await self._send(last)

    async def _results(self, payload: dict[str, Any]) -> AsyncGenerator[Result, None]:
        request_id = uuid4().hex
        with refusing(request_id):
            # Signed in for every operation: the key may have been revoked since the last.
            caller = await self._answering.caller(self._helpdesk, self._authorization)
            try:
                prepared = self._answering.prepare(parameters.from_object(payload), caller)
            except Refusal:  # reading it is work, too
                standing = await self._answering.charge_without_operation(self._helpdesk, caller)
                if standing is not None:
                    standing.check()
                raise
            charge = await self._answering.charge(self._helpdesk, caller, prepared.points)
            if charge is not None:
                charge.standing.check()
        address = self._socket.client.host if self._socket.client else ""
        results = self._answering.results(
            Visit(self._helpdesk, caller, address, request_id), prepared, charge, self._authorization
        )
        async with aclosing(results):
            async for result in results:
                yield result

    async def _send(self, message: dict[str, Any]) -> None:
        await self._socket.send_text(_encode(message).decode())

    async def _stop(self) -> None:
        running = list(self._running.values())
        self._running.clear()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _read(text: str | None) -> dict[str, Any]:
    """One message of the protocol.

    Raises:
        _Close: it is binary, too large, not JSON, or no object with a `type`.
    """
    if text is None:
        raise _Close(4400, "Invalid message: send text")
    if len(text) > MAX_BODY:
        raise _Close(1009, "Message too large")
    try:
        message = parameters.read_json(text, "The message")
    except Refusal:
        raise _Close(4400, "Invalid message: not JSON") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise _Close(4400, "Invalid message: an object with a `type` is wanted")
    return message


def _authorization_in(payload: dict[str, Any]) -> str | None:
    """The Authorization header meant by a `connection_init`: clients put it under several names."""
    for name in ("Authorization", "authorization", "token"):
        value = payload.get(name)
        if isinstance(value, str) and value.strip():
            return value if " " in value.strip() else f"Bearer {value.strip()}"
    headers = payload.get("headers")
    return _authorization_in({**headers, "headers": None}) if isinstance(headers, dict) else None

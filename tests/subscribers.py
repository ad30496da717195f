"""Subscribers of the graph, in this process: what they are told, one event after the other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any, Final

import httpx
import msgspec
from litestar import Litestar

from gateway.graphql.answering import BEGUN, Answering, Result, Visit
from gateway.graphql.parameters import Parameters
from gateway.sign_in import sign_in
from schema.errors import Refusal, refusing
from tests.conftest import Person
from tests.graph.operations import operation

COMES_WITHIN_S: Final = 15.0
QUIET_FOR_S: Final = 0.4
TICKET_CHANGED, EVENTS = "TicketChanged", "Events"


class Told:
    """What one subscription is told."""

    def __init__(self, results: AsyncGenerator[Result, None]) -> None:
        self._results = results
        self._next: asyncio.Task[dict[str, Any]] | None = None

    async def next(self) -> dict[str, Any]:
        """The next event. Raises Refusal for the error that ends the subscription, StopAsyncIteration for its end."""
        found = await asyncio.wait_for(self._coming(), COMES_WITHIN_S)
        self._next = None
        return found

    async def some(self, count: int) -> list[dict[str, Any]]:
        """The next events."""
        return [await self.next() for _ in range(count)]

    async def refused(self) -> str:
        """The code of the error that ends it."""
        try:
            raise AssertionError(f"no refusal but {await self.next()}")
        except Refusal as refusal:
            return refusal.code

    async def is_quiet(self) -> bool:
        """Whether nothing comes for a moment; what comes all the same is still the next."""
        done, _ = await asyncio.wait({self._coming()}, timeout=QUIET_FOR_S)
        return not done

    def _coming(self) -> asyncio.Task[dict[str, Any]]:
        if self._next is None:
            self._next = asyncio.ensure_future(self._event())
        return self._next

    async def _event(self) -> dict[str, Any]:
        while True:
            try:
                result = await self._results.__anext__()
            except StopAsyncIteration:
                raise EOFError from None  # no task may raise the other
            if result.body:
                answer = msgspec.json.decode(result.body)
                assert "errors" not in answer, answer
                [event] = answer["data"].values()
                assert event.get("sequence", str(result.sequence)) == str(result.sequence)
                found: dict[str, Any] = event
                return found

    async def stop(self) -> None:
        """Leave it."""
        if self._next is not None:
            self._next.cancel()
            await asyncio.gather(self._next, return_exceptions=True)


@contextlib.asynccontextmanager
async def following(
    app: Litestar, who: Person, name: str = EVENTS, document: str | None = None, **variables: Any
) -> AsyncIterator[Told]:
    """A subscription of the frontend's by its name, or to another document, that has begun. Raises Refusal."""
    helpdesk = app.state.helpdesk
    answering: Answering = app.state.answering
    authorization = who.headers["Authorization"]
    with refusing("test"):
        caller = await sign_in(helpdesk, authorization)
        asked = Parameters(document or operation("subscriptions"), None if document else name, variables)
        prepared = answering.prepare(asked, caller)
    visit = Visit(helpdesk, caller, "", "test")
    async with aclosing(answering.results(visit, prepared, None, authorization)) as results:
        assert await results.__anext__() is BEGUN
        told = Told(results)
        try:
            yield told
        finally:
            await told.stop()


async def begun(
    http: httpx.AsyncClient, headers: Mapping[str, str], document: str, variables: Mapping[str, Any]
) -> dict[str, Any]:
    """What the graph says to a subscription: its errors, or an empty thing when it has begun. It is left at once."""
    app: Any = http._transport.app  # type: ignore[attr-defined]  # a stream without an end is nothing for httpx here
    helpdesk, answering = app.state.helpdesk, app.state.answering
    authorization = headers.get("Authorization")
    try:
        with refusing("test"):
            caller = await sign_in(helpdesk, authorization)
            prepared = answering.prepare(Parameters(document, None, dict(variables)), caller)
        visit = Visit(helpdesk, caller, "", "test")
        async with aclosing(answering.results(visit, prepared, None, authorization)) as results:
            assert await results.__anext__() is BEGUN
    except Refusal as found:
        return {"errors": found.errors}
    return {"data": {"begun": {}}}


async def refusal(app: Litestar, who: Person, name: str = EVENTS, **variables: Any) -> Refusal:
    """Why the subscription does not begin."""
    try:
        async with following(app, who, name, **variables):
            raise AssertionError("it began")
    except Refusal as found:
        return found

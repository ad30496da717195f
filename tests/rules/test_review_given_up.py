"""A request that is given up, or finds every connection taken, costs nobody else a connection."""

import asyncio
import time
from typing import Any

import httpx
import pytest

from db import drivers
from db.queries import workspaces
from resolvers.context import Helpdesk
from tests.conftest import Person
from tests.doors import RestDoor, opened

POOL = 4
"""Connections for reading, of the application under test."""
NESTED = """{ tickets { totalCount nodes { requester { organization { name } tickets(first: 2) { totalCount nodes {
    assignedTo { name } replies { nodes { author { organization { name } } } } } } } watchers { name }
    category { parent { name } } activity { nodes { user { name } } } } } }"""


async def take_every_connection(helpdesk: Helpdesk) -> list[Any]:
    """All of the pool; fails when one does not come."""
    async with asyncio.timeout(5):
        return [await helpdesk.db.readers.take() for _ in range(POOL)]


async def give_back(helpdesk: Helpdesk, taken: list[Any]) -> None:
    """Return what was taken."""
    for each in taken:
        await helpdesk.db.readers.give_back(each)


# graphql-core leaves the coroutines of fields that had not begun
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
async def test_an_operation_given_up_at_any_moment_keeps_no_connection(
    http: httpx.AsyncClient, helpdesk: Helpdesk, rest: RestDoor, agent: Person
) -> None:
    for number in range(5):
        await opened(rest, agent, requester_email=f"{number}@acme.test")
    for moment in range(40):
        asked = asyncio.create_task(http.post("/graphql", headers=agent.headers, json={"query": NESTED}))
        await asyncio.sleep(moment / 2000)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
    await give_back(helpdesk, await take_every_connection(helpdesk))


async def test_a_reader_that_was_closed_takes_no_connection_any_more(helpdesk: Helpdesk) -> None:
    reader = helpdesk.db.read()

    async def ask() -> None:
        await reader.first(workspaces.BY_ID, id=1)

    await ask()
    running = asyncio.create_task(ask())
    waiting = asyncio.create_task(ask())
    await asyncio.sleep(0)
    await reader.close()
    await asyncio.gather(running, waiting, return_exceptions=True)
    assert waiting.cancelled()
    await give_back(helpdesk, await take_every_connection(helpdesk))


async def test_whoever_finds_every_connection_taken_hears_so_after_one_wait(
    http: httpx.AsyncClient, helpdesk: Helpdesk, agent: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = await take_every_connection(helpdesk)
    monkeypatch.setattr(drivers, "WAIT_FOR_CONNECTION_S", 2)
    began = time.monotonic()
    answers = await asyncio.gather(*(http.get("/v1/tickets", headers=agent.headers) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {503}
    assert time.monotonic() - began < 3.8  # and not two
    await give_back(helpdesk, taken)
    assert (await http.get("/v1/tickets", headers=agent.headers)).status_code == 200

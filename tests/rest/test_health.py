"""GET /health says how things are, and never hangs with them (D32)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from litestar import Litestar

from db.database import Database
from db.files import Files, Place
from resolvers.context import Helpdesk
from resolvers.rate_limits import MemoryWindows, RateLimits
from resolvers.tokens import SigningSecrets, TokenSigner
from rest_compat import exception_handlers, health, rest_routes
from tests.rest.conftest import client_of


async def test_a_well_answer_is_healthy(http: httpx.AsyncClient) -> None:
    answer = await http.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "healthy",
        "timestamp": answer.json()["timestamp"],
        "version": "1.0.0",
        "services": {"database": "connected", "cache": "disabled", "queue": "disabled"},
    }
    assert answer.json()["timestamp"].endswith("Z")


@asynccontextmanager
async def over(address: str) -> AsyncIterator[httpx.AsyncClient]:
    """The door onto a helpdesk whose database is at the address."""
    database = Database(address)
    app = Litestar(
        rest_routes(), exception_handlers=exception_handlers(), openapi_config=None, logging_config=None
    )
    limits = RateLimits(MemoryWindows())
    signer = TokenSigner(lambda _now: SigningSecrets("s" * 48), "p" * 48, 3600)
    app.state.helpdesk = Helpdesk(database, signer, limits, Files(Place()))
    async with client_of(app) as client:
        yield client
    question = app.state.get("health_question")
    if question is not None:
        question.cancel()
        await asyncio.wait({question})
    await database.close()


def assert_unhealthy(answer: httpx.Response) -> None:
    assert answer.status_code == 503
    assert answer.json()["status"] == "unhealthy"
    assert answer.json()["services"]["database"] == "error"


async def test_a_database_that_is_merely_busy_is_well(http: httpx.AsyncClient, helpdesk: Helpdesk) -> None:
    readers = helpdesk.db.readers
    taken = [await readers.take() for _ in range(4)]  # tests/one_app.py opens no more
    answer = await http.get("/health")
    assert (answer.status_code, answer.json()["services"]["database"]) == (200, "connected")
    for connection in taken:
        await readers.give_back(connection)


async def test_a_database_that_is_down_is_told(unused_tcp_port: int) -> None:
    async with over(f"postgresql://nobody@127.0.0.1:{unused_tcp_port}/none") as client:
        assert_unhealthy(await client.get("/health"))
        answer = await client.post("/v1/auth/token", json={"api_key": "k", "api_secret": "s"})
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
        assert "127.0.0.1" not in answer.text
        assert answer.headers["retry-after"] == "1"


async def test_a_database_without_tables_is_told(tmp_path: object) -> None:
    async with over(f"sqlite:///{tmp_path}/empty.db") as client:
        assert_unhealthy(await client.get("/health"))


async def test_a_database_that_hangs_is_told_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "ANSWERS_WITHIN_S", 0.2)
    asked = 0
    gone = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        while await reader.read(1024):
            pass
        writer.close()
        gone.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with over(f"postgresql://nobody@127.0.0.1:{port}/none") as client:
        began = time.monotonic()
        for answer in await asyncio.gather(*(client.get("/health") for _ in range(5))):
            assert_unhealthy(answer)
        assert_unhealthy(await client.get("/health"))
        assert time.monotonic() - began < 2
    assert asked == 1, "Each look at a hanging database takes a connection more."
    await gone.wait()
    server.close()

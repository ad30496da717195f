"""A database that goes away under a running application: 503 meanwhile, and back without a restart of ours."""

import asyncio
import contextlib
import os
import signal
import sqlite3
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import asyncpg
import httpx
import pytest

from db import migrate
from db.database import Database
from db.errors import DatabaseUnavailable
from db.queries import workspaces
from gateway.app import create_app
from gateway.settings import Settings
from resolvers.tokens import create_token, make_key
from tests import services

TICKET = {"subject": "x", "content": "x", "requester_email": "ada@acme.test"}


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """A PostgreSQL of the test's own, since it will crash."""
    with services._folder("answer-pg-") as folder, services._started_postgres(folder) as port:
        server = f"postgresql://postgres@127.0.0.1:{port}"
        name = f"test_{uuid.uuid4().hex[:12]}"
        connection = await asyncpg.connect(f"{server}/postgres")
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        yield f"{server}/{name}"


async def _token(app: Any) -> dict[str, str]:
    made, _, _ = await make_key(app.state.helpdesk, "admin", workspace="default")
    async with app.state.helpdesk.operation(None) as ctx:
        given = {"api_key": made.row.api_key, "api_secret": made.api_secret}
        return {"Authorization": f"Bearer {(await create_token(ctx, given)).token}"}


@pytest.mark.postgres
async def test_a_crash_of_postgresql_is_a_503_until_it_is_back(address: str, tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path, database_url=address, database_pool=4))
    database: Database = app.state.helpdesk.db
    await migrate.migrate(database)
    headers = await _token(app)
    seen: Counter[int] = Counter()
    transport = httpx.ASGITransport(cast(Any, app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://answer.test", headers=headers) as http:

        async def keep_asking(ends_at: float, method: str, **body: Any) -> None:
            while time.monotonic() < ends_at:
                answer = await http.request(method, "/v1/tickets", **body)
                seen[answer.status_code] += 1
                await asyncio.sleep(0.01)

        for _ in range(2):
            ends_at = time.monotonic() + 1.5
            asking = [asyncio.create_task(keep_asking(ends_at, *each)) for each in (("GET",), ("GET",))] + [
                asyncio.create_task(keep_asking(ends_at, "POST", json=TICKET)) for _ in range(3)
            ]
            await asyncio.sleep(0.3)
            victim = await asyncpg.connect(address)
            # one backend killed, and the server throws everybody out and recovers
            os.kill(await victim.fetchval("SELECT pg_backend_pid()"), signal.SIGKILL)
            await asyncio.gather(*asking)
            victim.terminate()
        assert set(seen) <= {200, 201, 503}, seen
        async with asyncio.timeout(30):  # for as long as its recovery takes
            while (await http.get("/v1/tickets")).status_code == 503:  # noqa: ASYNC110  # no event
                await asyncio.sleep(0.1)
        assert (await http.get("/v1/tickets")).status_code == 200
        assert (await http.post("/v1/tickets", json=TICKET)).status_code == 201
    await database.close()


@contextlib.asynccontextmanager
async def passing_on(port: int) -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A port that passes everything on to another, while the event is set."""
    flows = asyncio.Event()
    flows.set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while some := await reader.read(65536):
                await flows.wait()
                writer.write(some)
        writer.close()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pass_on(reader, back), pass_on(there, writer))

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1], flows
    server.close()


@pytest.mark.postgres
async def test_a_database_that_hangs_is_a_503_at_both_doors_and_then_back(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.drivers.STATEMENT_TIMEOUT_S", 0.5)
    monkeypatch.setattr("db.drivers.WAIT_FOR_CONNECTION_S", 0.5)
    server, name = address.rsplit("/", 1)
    async with passing_on(int(server.rsplit(":", 1)[1])) as (port, flows):
        url = f"postgresql://postgres@127.0.0.1:{port}/{name}"
        app = create_app(Settings(data_dir=tmp_path, database_url=url, database_pool=2))
        await migrate.migrate(app.state.helpdesk.db)
        headers = await _token(app)
        transport = httpx.ASGITransport(cast(Any, app), raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://answer.test", headers=headers
        ) as http:

            async def ask() -> tuple[int, int, int, str | None]:
                """What a read and a write answer in REST and a query in the graph, and the code of its error."""
                read, write = await http.get("/v1/tickets"), await http.post("/v1/tickets", json=TICKET)
                graph = await http.post("/graphql", json={"query": "{ tickets { totalCount } }"})
                told = graph.json()
                code = told["errors"][0]["extensions"]["code"] if "errors" in told else None
                assert ("retry-after" in graph.headers) == (code is not None)
                return read.status_code, write.status_code, graph.status_code, code

            assert await ask() == (200, 201, 200, None)
            flows.clear()
            async with asyncio.timeout(30):
                assert await ask() == (503, 503, 503, "SERVICE_UNAVAILABLE")
                flows.set()
                while await ask() != (200, 201, 200, None):  # noqa: ASYNC110  # no event
                    await asyncio.sleep(0.1)
        await app.state.helpdesk.db.close()


async def test_writers_who_wait_for_a_locked_sqlite_file_hear_so_in_a_bounded_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.writers.WAIT_FOR_CONNECTION_S", 0.3)
    monkeypatch.setattr("db.writers.STATEMENT_TIMEOUT_S", 1)
    database = Database(f"sqlite:///{tmp_path / 'answer.db'}")
    await migrate.migrate(database)
    other = sqlite3.connect(tmp_path / "answer.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def write() -> None:
        with pytest.raises(DatabaseUnavailable):
            async with database.write() as tx:
                await tx.first(workspaces.BY_ID, id=0)

    began = time.monotonic()
    await asyncio.gather(*(write() for _ in range(5)))
    assert time.monotonic() - began < 3
    other.execute("ROLLBACK")
    other.close()
    async with database.write() as tx:
        await tx.first(workspaces.BY_ID, id=0)
    await database.close()

"""Workers beside each other and across crashes: nothing is lost, and what comes twice says that it is the same (D29)."""

import asyncio
import contextlib
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from litestar import Litestar

from db.database import Database
from db.queries.jobs import LAST_SEEN
from gateway.app import create_app
from gateway.helpdesk import open_helpdesk
from gateway.settings import Settings
from resolvers import webhooks
from resolvers.context import Caller, Context, Helpdesk
from resolvers.deliveries import test_webhook as send_test
from resolvers.tokens import make_key
from tests.receiver import Receiver, jobs_of, receiving

LEASE_S = 3.0
ROOT = Path(__file__).parents[2]


@pytest.fixture
def settings(address: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, database_url=address, sqlite_durable=False, webhook_allow_private=True)


@pytest.fixture
async def helpdesk(settings: Settings) -> AsyncIterator[Helpdesk]:
    """A helpdesk by the real clock, as the workers have."""
    found = open_helpdesk(settings)
    yield found
    await found.db.close()


@contextlib.asynccontextmanager
async def admin_of(helpdesk: Helpdesk) -> AsyncIterator[Context]:
    """An operation of an admin."""
    made, user, owner = await make_key(helpdesk, "admin", workspace="default")
    caller = Caller(owner.id, user.id, made.row.id, "admin", owner.tier)
    async with helpdesk.operation(caller) as ctx:
        yield ctx


async def queue(helpdesk: Helpdesk, receiver: Receiver, count: int) -> None:
    """Deliveries to five webhooks."""
    async with admin_of(helpdesk) as ctx:
        hooks = [
            (await webhooks.create_webhook(ctx, {"url": receiver.url(f"/{number}"), "events": ["*"]})).row.id
            for number in range(5)
        ]
        for number in range(count):
            await send_test(ctx, hooks[number % 5])


@contextlib.asynccontextmanager
async def started(address: str, tmp_path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker that is ready."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("work_once.py")),
        address,
        str(tmp_path),
        str(LEASE_S),
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout
    assert await process.stdout.readline() == b"ready\n"
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def all_done(db: Database, within_s: float = 60) -> list[dict[str, object]]:
    """The jobs, once none waits."""
    async with asyncio.timeout(within_s):
        while True:
            found = await jobs_of(db, "webhook")
            if all(job["done_at"] for job in found):
                return found
            await asyncio.sleep(0.1)


async def test_two_workers_lose_nothing_and_send_nothing_twice(
    helpdesk: Helpdesk, address: str, tmp_path: Path
) -> None:
    async with receiving() as receiver:
        await queue(helpdesk, receiver, 200)
        async with started(address, tmp_path), started(address, tmp_path):
            jobs = await all_done(helpdesk.db)
    assert {job["outcome"] for job in jobs} == {"delivered"}
    assert {job["attempts"] for job in jobs} == {1}
    assert set(Counter(hit.id for hit in receiver.hits).values()) == {1}
    assert len(receiver.hits) == 200


async def test_what_a_killed_worker_had_is_sent_again_under_the_same_id(
    helpdesk: Helpdesk, address: str, tmp_path: Path
) -> None:
    async with receiving() as receiver:
        for number in range(5):
            receiver.plan[f"/{number}"] = ["hang"]
        await queue(helpdesk, receiver, 20)
        async with started(address, tmp_path) as victim:
            await receiver.wait_for(20)
            victim.send_signal(signal.SIGKILL)
            await victim.wait()
        receiver.plan.clear()
        async with started(address, tmp_path):
            jobs = await all_done(helpdesk.db)
    assert {(job["outcome"], job["attempts"]) for job in jobs} == {("delivered", 2)}
    assert set(Counter(hit.id for hit in receiver.hits).values()) == {2}


async def test_the_server_delivers_by_itself_and_says_so(
    settings: Settings, helpdesk: Helpdesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.worker.LOOKS_EVERY_S", 3600.0)  # so it is woken by the write
    app: Litestar = create_app(settings)
    async with receiving() as receiver, app.lifespan():
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # Litestar's own words for ASGI
        async with httpx.AsyncClient(transport=transport, base_url="http://answer.test") as http:
            async with asyncio.timeout(30):
                while (await http.get("/health")).json()["services"]["queue"] != "connected":  # noqa: ASYNC110  # no event
                    await asyncio.sleep(0.02)
            async with admin_of(app.state.helpdesk) as ctx:
                given = {"url": receiver.url("/x"), "events": ["*"]}
                await send_test(ctx, (await webhooks.create_webhook(ctx, given)).row.id)
            await receiver.wait_for(1)
    async with helpdesk.db.read() as reads:
        assert await reads.rows(LAST_SEEN) == [], "It said goodbye."


async def test_health_tells_that_jobs_wait_and_nobody_does_them(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"worker_embedded": False}))
    helpdesk: Helpdesk = app.state.helpdesk
    async with receiving() as receiver, app.lifespan():
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # as above
        async with httpx.AsyncClient(transport=transport, base_url="http://answer.test") as http:
            assert (await http.get("/health")).json()["services"]["queue"] == "disabled"
            await queue(helpdesk, receiver, 1)
            answer = await http.get("/health")
    assert answer.status_code == 200
    assert (answer.json()["status"], answer.json()["services"]["queue"]) == ("degraded", "error")

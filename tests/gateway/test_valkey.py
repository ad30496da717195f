"""Rate limits on a real Valkey: one count for all processes, and none of its troubles for the requests."""

import asyncio
import contextlib
import json
import logging
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway.app import create_app
from gateway.settings import Settings
from gateway.valkey import TRIED_AGAIN_AFTER_S, ValkeyWindows
from resolvers.context import Caller
from resolvers.rate_limits import TIERS, RateLimits
from tests import services
from tests.conftest import Clock
from tests.processes import Installation, free_port

pytestmark = pytest.mark.valkey
CALLER = Caller(workspace_id=1, user_id=1, key_id=1, role="admin", tier="starter")

TAKE_FORTY_TIMES = """
import asyncio, json, sys
import gateway.valkey
from resolvers.rate_limits import Limit

gateway.valkey.ANSWERS_WITHIN_S = 30  # on a busy machine a slow answer is not a server that is out

async def main():
    windows = gateway.valkey.ValkeyWindows(sys.argv[1])
    asked = (windows.take("shared", [Limit(60, 3_600), Limit(1_000, 86_400)], 1, 0.0) for _ in range(40))
    taken = await asyncio.gather(*asked)
    await windows.close()
    print(json.dumps([each.is_granted for each in taken]))

asyncio.run(main())
"""


@pytest.fixture
async def windows(valkey_url: str) -> AsyncIterator[ValkeyWindows]:
    opened = ValkeyWindows(valkey_url)
    await opened._client.flushall()
    yield opened
    await opened.close()


async def test_four_processes_share_one_budget(windows: ValkeyWindows, valkey_url: str) -> None:
    command = [sys.executable, "-c", TAKE_FORTY_TIMES, valkey_url]
    root = Path(__file__).parents[2]
    running = [
        await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, cwd=root) for _ in range(4)
    ]
    answers = await asyncio.gather(*(process.communicate() for process in running))
    granted = [grant for answer, _ in answers for grant in json.loads(answer)]
    assert len(granted) == 160
    assert sum(granted) == 60


async def test_both_windows_or_none(windows: ValkeyWindows, clock: Clock) -> None:
    limits = RateLimits(windows)
    assert (await limits.charge(CALLER, 61, clock())).is_refused
    first = await limits.charge(CALLER, 60, clock())
    assert (first.is_refused, first.limit, first.remaining) == (False, 60, 0)
    refused = await limits.charge(CALLER, 1, clock())
    assert refused.is_refused
    assert 0 < refused.retry_after <= 60
    taken = await windows.take("workspace:1", TIERS["starter"], 0, 0.0)
    assert [used.units for used in taken.windows] == [60, 60]
    await windows.give_back("workspace:1", TIERS["starter"], 10)
    assert not (await limits.charge(CALLER, 10, clock())).is_refused


async def test_a_cache_that_is_out_fails_open_and_is_told_once(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with services.own_valkey() as url:
        limits = RateLimits(ValkeyWindows(url))
        assert (await limits.charge(CALLER, 60, clock())).remaining == 0
    caplog.set_level(logging.WARNING, "answer.cache")
    started = time.perf_counter()
    for _ in range(50):
        assert not (await limits.charge(CALLER, 1, clock())).is_refused
    assert time.perf_counter() - started < 2 * TRIED_AGAIN_AFTER_S
    assert await limits.windows.state() == "error"
    assert [record.message for record in caplog.records] == [
        "the cache is out, requests go on without rate limits: ConnectionError"
    ]
    await limits.windows.close()


async def test_a_cache_that_hangs_holds_nothing_up(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    async def hangs(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    caplog.set_level(logging.WARNING, "answer.cache")
    server = await asyncio.start_server(hangs, "127.0.0.1", 0)
    limits = RateLimits(ValkeyWindows(f"valkey://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"))
    async with asyncio.timeout(30):
        for _ in range(100):
            assert not (await limits.charge(CALLER, 1, clock())).is_refused
        assert await limits.windows.state() == "error"
    assert [record.message for record in caplog.records] == [
        "the cache is out, requests go on without rate limits: TimeoutError"
    ]
    await limits.windows.close()
    server.close()


@pytest.mark.parametrize("engine", ["postgres"])  # SQLite serves one process
def test_four_workers_count_together_and_go_on_when_the_cache_goes_and_comes(
    tmp_path: Path, address: str
) -> None:
    """The whole of it, by `answer serve`: one budget, none while the cache is out, one again when it is back."""
    helpdesk = Installation(tmp_path, address, ANSWER_WORKERS="4")

    def asked() -> httpx.Response:
        # a connection of its own: the next worker takes it
        return httpx.get(f"{helpdesk.base}/v1/categories", headers=headers, timeout=30)

    def cache() -> tuple[int, str, str]:
        answer = httpx.get(f"{helpdesk.base}/health", timeout=30)
        return answer.status_code, answer.json()["status"], answer.json()["services"]["cache"]

    port = free_port()
    with contextlib.ExitStack() as running:
        with services.own_valkey(port) as url:
            helpdesk.environment["ANSWER_CACHE_URL"] = url
            running.enter_context(helpdesk.serving())
            headers = {"Authorization": f"Bearer {helpdesk.token(helpdesk.key(tier='free'))}"}
            statuses = Counter(asked().status_code for _ in range(40))
            assert statuses == {200: 30, 429: 10}
            assert cache() == (200, "healthy", "connected")
        assert {asked().status_code for _ in range(40)} == {200}
        assert cache() == (200, "degraded", "error")
        assert "the cache is out, requests go on without rate limits" in helpdesk.said
        with services.own_valkey(port):
            deadline = time.monotonic() + 60
            while asked().status_code != 429:
                assert time.monotonic() < deadline, "It counts no more."
            assert cache() == (200, "healthy", "connected")
        assert "the cache is back, rate limits count again" in helpdesk.said


async def test_health_tells_of_the_cache(tmp_path: Path, sqlite_template: Path, valkey_url: str) -> None:
    address = f"sqlite:///{sqlite_template}"
    for cache_url, cache, status in (
        ("", "disabled", "healthy"),
        (valkey_url, "connected", "healthy"),
        ("valkey://127.0.0.1:1/0", "error", "degraded"),
    ):
        app = create_app(Settings(data_dir=tmp_path, database_url=address, cache_url=cache_url))
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]  # httpx types ASGI less closely than Litestar
        async with httpx.AsyncClient(transport=transport, base_url="http://answer.test") as client:
            answer = await client.get("/health")
        assert (answer.status_code, answer.json()["status"]) == (200, status)
        assert answer.json()["services"] == {"database": "connected", "cache": cache, "queue": "disabled"}
        await app.state.helpdesk.close()

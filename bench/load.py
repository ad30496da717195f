"""Load on a server by wrk, and what it cost: requests/s, percentiles, processor time of the server and of PostgreSQL."""

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from bench import processes
from bench.peers import Server
from bench.workloads import Request, as_lua

SCRIPT: Final = Path(__file__).parent / "wrk.lua"
MISSING: Final = "wrk is what makes the load, and it is not installed. On Debian: apt-get install wrk"


class LoadFailed(Exception):
    """Requests were refused or went unanswered: the figures would be of something else."""


LONGEST_S: Final = 16
SETTLES_WITHIN_S: Final = 15.0
LOOKS_EVERY_S: Final = 0.2
IDLE: Final = 0.15
"""Of one core: what servers that nobody asks take, the ticks of the clock included."""
ENOUGH: Final = 2
"""Answers of each connection in a round: those that are under way when it ends are not counted, which would otherwise
weigh on the slow."""


class Round(msgspec.Struct, frozen=True):
    """What one run of wrk saw. Times are milliseconds; `cpu_ms` are per request."""

    requests: int
    requests_per_s: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_ms: float
    database_cpu_ms: float | None
    """None: PostgreSQL is not a process of ours, or there is none."""


def is_installed() -> bool:
    """Whether there is wrk."""
    return shutil.which("wrk") is not None


def settle(pids: Sequence[int]) -> None:
    """Wait until none of the processes works any more: wrk goes away with a request under way on every connection, and
    those would be paid for by whoever is measured next.
    """
    deadline = time.monotonic() + SETTLES_WITHIN_S
    before = sum(map(processes.cpu_s, pids))
    while time.monotonic() < deadline:
        time.sleep(LOOKS_EVERY_S)
        now = sum(map(processes.cpu_s, pids))
        if now - before <= IDLE * LOOKS_EVERY_S:
            return
        before = now


def long_enough(
    server: Server,
    asked: Sequence[Request],
    *,
    seconds: int,
    connections: int,
    database_pid: int | None,
    working: Sequence[int],
) -> tuple[Round, int]:
    """A round of so many seconds, or of as many as it takes, and how many that was. Raises LoadFailed.

    It begins when none of the processes `working` does anything.
    """
    while True:
        settle(working)
        found = run(server, asked, seconds=seconds, connections=connections, database_pid=database_pid)
        if found.requests >= ENOUGH * connections or seconds >= LONGEST_S:
            return found, seconds
        seconds = min(2 * seconds, LONGEST_S)


def run(
    server: Server, asked: Sequence[Request], *, seconds: int, connections: int, database_pid: int | None
) -> Round:
    """One round of load. Raises LoadFailed."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(as_lua(asked, server.callers))
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s", str(SCRIPT)]
        before = _cpu(server.pid, database_pid)
        done = subprocess.run([*command, server.base, "--", file.name], capture_output=True, text=True)
        after = _cpu(server.pid, database_pid)
    if done.returncode:
        raise LoadFailed(done.stderr[-500:])
    seen = json.loads(done.stdout.splitlines()[-1])
    if seen["refused"] or seen["failed"] or (not seen["requests"] and seconds >= LONGEST_S):
        raise LoadFailed(f"{server.peer.title}, {asked[0].path}: {seen}")
    count = seen["requests"]
    spent = [1000 * (end - start) / max(count, 1) for start, end in zip(before, after, strict=True)]
    return Round(
        requests=count,
        requests_per_s=1e6 * count / seen["duration_us"],
        p50_ms=seen["p50_us"] / 1000,
        p95_ms=seen["p95_us"] / 1000,
        p99_ms=seen["p99_us"] / 1000,
        cpu_ms=spent[0],
        database_cpu_ms=spent[1] if database_pid is not None else None,
    )


def _cpu(pid: int, database_pid: int | None) -> tuple[float, float]:
    return processes.cpu_s(pid), processes.cpu_s(database_pid) if database_pid is not None else 0.0


def middle(rounds: Sequence[Round]) -> Round:
    """The median of each figure by itself, of all requests."""
    of_database = [each.database_cpu_ms for each in rounds if each.database_cpu_ms is not None]
    names = [name for name in Round.__struct_fields__ if name not in ("requests", "database_cpu_ms")]
    return Round(
        requests=sum(each.requests for each in rounds),
        **{name: median(getattr(each, name) for each in rounds) for name in names},
        database_cpu_ms=median(of_database) if of_database else None,
    )

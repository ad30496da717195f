"""The servers that are audited: `answer serve`, each on a fresh copy of one small helpdesk."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import httpx

from tests.processes import ANSWER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT: Final = Path(__file__).resolve().parents[2]
STARTS_WITHIN_S: Final = 60


class Audited(NamedTuple):
    """Where a server listens, and the token of an admin whose workspace has no limit."""

    base: str
    token: str


class Helpdesk(NamedTuple):
    """A filled data directory to copy, and the key of its admin."""

    folder: Path
    key: dict[str, str]


def filled(folder: Path) -> Helpdesk:
    """A helpdesk of 40 tickets in a folder that is not there yet."""
    _answer(folder, "demo", "--tickets", "40")
    made = json.loads(_answer(folder, "keys", "create", "--role", "admin", "--tier", "enterprise", "--json"))
    return Helpdesk(folder, {name: made[name] for name in ("api_key", "api_secret")})


@contextmanager
def served(helpdesk: Helpdesk, folder: Path, settings: Mapping[str, str]) -> Iterator[Audited]:
    """`answer serve` on a copy of the helpdesk in this folder. Raises RuntimeError when it does not start."""
    shutil.copytree(helpdesk.folder, folder)
    base = f"http://127.0.0.1:{_free_port()}"
    log = folder / "said"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*ANSWER, "serve", "--port", base.rpartition(":")[2]],
            env=_environment(folder) | dict(settings),
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_healthy(base, process, log)
        answer = httpx.post(f"{base}/v1/auth/token", json=helpdesk.key)
        yield Audited(base, answer.json()["token"])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _answer(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [*ANSWER, *arguments], env=_environment(folder), cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"answer {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def _environment(folder: Path) -> dict[str, str]:
    """What the commands see: this data directory, and no other setting of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSWER_")}
    return kept | {"ANSWER_DATA_DIR": str(folder), "ANSWER_SQLITE_DURABLE": "off"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(base: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{base}/health", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError(f"answer serve did not start:\n{log.read_text()}")

"""Starting the command as a process of its own."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx

ANSWER: Final = [sys.executable, "-c", "from oui_answer import main; main()"]
"""The command `answer` of this environment."""
ROOT: Final = Path(__file__).resolve().parents[1]
STARTS_WITHIN_S: Final = 60.0
STOPS_WITHIN_S: Final = 40.0
Thing = TypeVar("Thing")


def free_port() -> int:
    """A port of the loopback that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Installation:
    """One Answer with its data: `answer serve` and `answer worker` are started and ended as often as wanted.

    `settings` are further variables, `ANSWER_WORKERS` for example. What the processes say is kept in `log`. `program`
    is what is started as the command `answer`.
    """

    def __init__(
        self, folder: Path, database_url: str = "", program: Sequence[str] = ANSWER, **settings: str
    ) -> None:
        self._program = program
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.log = folder / "log"
        # PYTHONDONTWRITEBYTECODE: what is started again and again need not compile everything again
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("ANSWER_") and name != "PYTHONDONTWRITEBYTECODE"
        }
        self.environment = kept | {
            "ANSWER_DATA_DIR": str(folder / "data"),
            "ANSWER_DATABASE_URL": database_url,
            "ANSWER_PORT": str(self.port),
            "ANSWER_LOG_LEVEL": "warning",
            "PYTHONPATH": str(ROOT),
            **settings,
        }

    @property
    def said(self) -> str:
        """What the processes wrote so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def run(self, *command: str) -> str:
        """The output of a command that ends by itself. Raises CalledProcessError."""
        done = subprocess.run(
            [*ANSWER, *command], env=self.environment, cwd=ROOT, capture_output=True, text=True, check=True
        )
        return done.stdout

    def key(self, role: str = "admin", **options: str) -> dict[str, Any]:
        """A new API key, of a workspace without a limit unless `tier` says otherwise."""
        chosen = {"tier": "enterprise"} | options
        words = [word for name, value in chosen.items() for word in (f"--{name}", value)]
        made: dict[str, Any] = json.loads(self.run("keys", "create", "--role", role, *words, "--json"))
        return made

    def token(self, key: dict[str, Any]) -> str:
        """A token for the key, from the running server."""
        given = {name: key[name] for name in ("api_key", "api_secret")}
        token: str = httpx.post(f"{self.base}/v1/auth/token", json=given, timeout=30).json()["token"]
        return token

    @contextlib.contextmanager
    def serving(self) -> Iterator["Process"]:
        """A server that answers. Raises RuntimeError with its own words when it does not come up."""
        with self.started("serve") as process:
            deadline = time.monotonic() + STARTS_WITHIN_S
            while time.monotonic() < deadline and process.is_alive:
                with contextlib.suppress(httpx.TransportError):
                    if httpx.get(f"{self.base}/health", timeout=2).status_code == 200:
                        yield process
                        return
                time.sleep(0.05)
            raise RuntimeError(f"the server did not come up:\n{self.said[-4000:]}")

    @contextlib.contextmanager
    def started(self, *command: str) -> Iterator["Process"]:
        """A process of the command, ended with the block."""
        process = Process([*self._program, *command], self.environment, self.log)
        try:
            yield process
        finally:
            process.end()


@contextlib.asynccontextmanager
async def aside(manager: AbstractContextManager[Thing]) -> AsyncIterator[Thing]:
    """The same as `async with`: what it waits for at both ends, it waits for in a thread."""
    thing = await asyncio.to_thread(manager.__enter__)
    try:
        yield thing
    finally:
        await asyncio.to_thread(manager.__exit__, None, None, None)


class Process:
    """A process and its children, in a group of their own."""

    def __init__(self, command: Sequence[str], environment: dict[str, str], log: Path) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env=environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # so that its workers die with it
            )

    @property
    def pid(self) -> int:
        """Of the first process of the group."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End all of it this instant, by SIGKILL."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def end(self) -> None:
        """Ask it to end, and see that it does."""
        if self.is_alive:
            self._process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOPS_WITHIN_S)
        self.kill()

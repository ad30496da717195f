"""Secrets are in no log, error, metric, `repr` or list of processes, whatever goes wrong meanwhile."""

import os
import pty
import re
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.settings import Settings
from resolvers.context import Helpdesk
from tests.conftest import Person
from tests.processes import ANSWER

SECRETS = {
    "ANSWER_JWT_SECRET": "jwt-secret-" + "j" * 30,
    "ANSWER_JWT_SECRETS_ACCEPTED": "accepted-secret-" + "a" * 30,
    "ANSWER_KEY_PEPPER": "key-pepper-" + "p" * 30,
    "ANSWER_SMTP_URL": "smtp://postmaster:mail-password@127.0.0.1:9",
    "ANSWER_STORAGE_SECRET_ACCESS_KEY": "storage-secret-s",
    "ANSWER_STORAGE_SESSION_TOKEN": "storage-session-s",
}
TOLD = ("mail-password", "storage-secret-s", "storage-session-s")


class Served:
    """`answer serve` on a terminal, where logs are prettier and traces longer."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int, address: str) -> None:
        self.process, self.address = process, address
        self._terminal = terminal
        self._said: list[bytes] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        try:
            while chunk := os.read(self._terminal, 65_536):
                self._said.append(chunk)
        except OSError:  # how a terminal ends
            pass

    @property
    def said(self) -> str:
        """Everything that was printed, without colours and line breaks of the terminal's width."""
        text = re.sub(rb"\x1b\[[0-9;]*m", b"", b"".join(self._said)).decode(errors="replace")
        return re.sub(r"\s+", "", text)

    def close(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        self._reader.join(5)
        os.close(self._terminal)


@pytest.fixture
def key(environment: dict[str, str]) -> dict[str, str]:
    """An admin's key."""
    done = subprocess.run(
        [*ANSWER, "keys", "create", "--role", "admin", "--json"],
        env=environment | SECRETS,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return {name: re.findall(rf'"{name}": "(\S+)"', done.stdout)[0] for name in ("api_key", "api_secret")}


@pytest.fixture
def served(environment: dict[str, str], key: dict[str, str], port: int) -> Iterator[Served]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*ANSWER, "serve", "--port", str(port)],
        env=environment | SECRETS | {"ANSWER_LOG_LEVEL": "debug", "TERM": "xterm", "COLUMNS": "400"},
        stdout=theirs,
        stderr=theirs,
        stdin=theirs,
    )
    os.close(theirs)
    found = Served(process, ours, f"http://127.0.0.1:{port}")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{found.address}/health").status_code == 200:
                break
        except httpx.TransportError:
            time.sleep(0.1)
    yield found
    found.close()


def test_a_server_in_trouble_tells_no_secret(
    served: Served, key: dict[str, str], environment: dict[str, str]
) -> None:
    with httpx.Client(base_url=served.address) as http:
        _see_no_secret(served, http, key, Path(environment["ANSWER_DATA_DIR"]) / "answer.db")


def _see_no_secret(served: Served, http: httpx.Client, key: dict[str, str], file: Path) -> None:
    token = http.post("/v1/auth/token", json=key).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    sealed = {"url": "https://hooks.example.com/x", "events": ["*"], "secret": "webhook-secret-" + "w" * 20}
    http.post("/v1/webhooks", json=sealed, headers=headers)
    with closing(sqlite3.connect(file)) as database:
        for table in ("webhook", "api_key", "rating"):  # the fault that nobody foresees
            database.execute(f"ALTER TABLE {table} RENAME TO {table}_gone")
        database.commit()
    mutation = "mutation($k: String!, $s: String!) { tokenCreate(apiKey: $k, apiSecret: $s) { token } }"
    asked = {"query": mutation, "variables": {"k": key["api_key"], "s": key["api_secret"]}}
    webhook = "mutation($i: WebhookCreateInput!) { webhookCreate(input: $i) { webhook { id } userErrors { code } } }"
    given = {"url": sealed["url"], "events": ["*"], "secret": sealed["secret"]}
    answers = [
        http.post("/v1/auth/token", json=key),
        http.post("/graphql", json=asked),
        http.post("/v1/webhooks", json=sealed, headers=headers),
        http.post("/graphql", json={"query": webhook, "variables": {"i": given}}, headers=headers),
        http.get("/v1/tickets", headers={"Authorization": f"Bearer {token}x"}),
        http.get("/v1/tickets", params={"token": token}),
        http.post("/v1/auth/token", json=key | {"api_secret": [key["api_secret"]]}),
        http.get("/metrics"),
        http.get("/health"),
    ]
    answered = "".join(f"{each.headers}{each.text}" for each in answers)
    assert [each.status_code for each in answers[:4]] == [500, 200, 500, 200]
    assert "INTERNAL_ERROR" in answers[1].text
    assert "INTERNAL_ERROR" in answers[3].text
    commands = "".join(_command_lines(served.process.pid))
    time.sleep(0.5)
    assert served.said.count("Traceback(mostrecentcalllast)") >= 4
    secrets = (
        *(value for name, value in SECRETS.items() if name != "ANSWER_SMTP_URL"),
        *TOLD,
        key["api_secret"],
        token,
        sealed["secret"],
    )
    for where in (answered, served.said, commands):
        assert where
        assert [secret for secret in secrets if secret in where] == []


def _command_lines(pid: int) -> list[str]:
    """What `ps` shows of the process and of those that it started."""
    found = [Path(f"/proc/{pid}/cmdline").read_text()]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            found += _command_lines(int(child))
    return found


def test_no_repr_of_the_running_parts_tells_a_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, helpdesk: Helpdesk, admin: Person
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ANSWER_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ANSWER_DATABASE_URL", "postgresql://answer:database-password@127.0.0.1:9/x")
    monkeypatch.setenv("ANSWER_CACHE_URL", "valkey://:cache-password@127.0.0.1:9/0")
    settings = Settings.from_environment()
    signer = helpdesk.tokens
    holder: Any = type("Holder", (), {"user_id": 1, "workspace_id": 1, "role": "admin", "key_id": 1})
    token = signer.sign(holder, helpdesk.clock())
    told = repr((settings, settings.storage_credentials, settings.signing_secrets(helpdesk.clock())))
    told += str(settings) + repr((signer, helpdesk, token))
    secrets = (*SECRETS.values(), *TOLD, "database-password", "cache-password", token.token)
    assert [secret for secret in secrets if secret in told] == []

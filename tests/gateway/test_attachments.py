"""Files and the running server: real sockets that break off, the sweep, what `answer check` says of the store."""

import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from tests.gateway.test_cli import made_key, run


@pytest.fixture
def client(server: tuple[str, Path], environment: dict[str, str]) -> Iterator[httpx.Client]:
    """An agent of the running server."""
    address, _ = server
    made = made_key(environment, "--role", "agent")
    given = {name: made[name] for name in ("api_key", "api_secret")}
    token = httpx.post(f"{address}/v1/auth/token", json=given).json()["token"]
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, timeout=30) as opened:
        yield opened


def test_an_upload_that_breaks_off_leaves_nothing(client: httpx.Client, environment: dict[str, str]) -> None:
    opened = client.post(
        "/v1/tickets", json={"subject": "s", "content": "c", "requester_email": "a@b.example"}
    )
    path = f"/v1/tickets/{opened.json()['data']['id']}/attachments"
    for head in ("Content-Length: 5000000", "Transfer-Encoding: chunked"):
        break_off(client, path, head)
    made = client.post(path, files={"file": ("whole.bin", os.urandom(3_000_000))})
    assert made.status_code == 201
    after = client.get(f"/v1/tickets/{opened.json()['data']['id']}").json()["data"]
    assert [each["filename"] for each in after["attachments"]] == ["whole.bin"]
    assert after["version"] == 2
    folder = Path(environment["ANSWER_DATA_DIR"]) / "attachments"
    assert len([each for each in folder.rglob("*") if each.is_file()]) == 1


def break_off(client: httpx.Client, path: str, head: str) -> None:
    """Send half an upload, and be gone."""
    address = urlsplit(str(client.base_url))
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="half"\r\n\r\n' + bytes(200_000)
    body = part if "Length" in head else b"%x\r\n%b\r\n" % (len(part), part)
    lines = (
        f"POST {path} HTTP/1.1",
        f"Host: {address.netloc}",
        f"Authorization: {client.headers['Authorization']}",
        "Content-Type: multipart/form-data; boundary=b",
        head,
    )
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=5) as connection:
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        time.sleep(0.2)


def test_a_sweep_says_what_it_removed(environment: dict[str, str]) -> None:
    assert run(environment, "sweep").stdout == "0 files removed.\n"
    orphan = Path(environment["ANSWER_DATA_DIR"]) / "attachments" / "1" / "2" / ("a" * 32)
    orphan.parent.mkdir(parents=True, exist_ok=True)
    orphan.write_bytes(b"lost")
    assert run(environment, "sweep").stdout == "0 files removed.\n"
    os.utime(orphan, (0, 0))
    assert run(environment, "sweep").stdout == "1 files removed.\n"
    assert not orphan.exists()


def test_check_tries_the_store(environment: dict[str, str], tmp_path: Path) -> None:
    fine = run(environment, "check").stdout
    assert re.search(r"^ok    attachments +.*attachments$", fine, re.MULTILINE)
    (tmp_path / "file").write_text("no folder")
    for address in (str(tmp_path / "file" / "below"), "s3://answer?endpoint=http://127.0.0.1:1&region=eu"):
        secret = {"ANSWER_STORAGE_ACCESS_KEY_ID": "id", "ANSWER_STORAGE_SECRET_ACCESS_KEY": "hidden-word"}
        out = run(environment | {"ANSWER_STORAGE_URL": address} | secret, "check")
        assert out.returncode == 1
        assert re.search(r"^FAIL  attachments +.* cannot be used: ", out.stdout, re.MULTILINE), out.stdout
        assert "hidden-word" not in out.stdout + out.stderr
    wrong = run(environment | {"ANSWER_STORAGE_URL": "ftp://x"}, "check")
    assert "ANSWER_STORAGE_URL: " in wrong.stderr

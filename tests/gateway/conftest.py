"""A server of its own: `answer serve` on an empty data directory."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.processes import ANSWER


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """What the commands see: a data directory of the test's own, and no other setting of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSWER_")}
    return kept | {"ANSWER_DATA_DIR": str(tmp_path / "data"), "ANSWER_SQLITE_DURABLE": "off"}


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server(environment: dict[str, str], port: int, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """`answer serve` on an empty data directory: its address, and the file its standard output goes to."""
    said = tmp_path / "said"
    with said.open("wb") as output:
        process = subprocess.Popen(
            [*ANSWER, "serve", "--port", str(port)], env=environment, stdout=output, stderr=subprocess.STDOUT
        )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{address}/health").status_code == 200:
                    break
            except httpx.TransportError:
                assert process.poll() is None, said.read_text()
                time.sleep(0.1)
        yield address, said
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)

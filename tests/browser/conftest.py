"""A real `answer serve` with a sample helpdesk, and a headless Chromium that tells on the pages it shows."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from gateway.pages import BUILT

ANSWER = Path(sys.executable).with_name("answer")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A page cannot hide what its Content-Security-Policy refused: it becomes one more error on the console.
TELL_VIOLATIONS = """
addEventListener('securitypolicyviolation', (event) =>
  console.error(`Content-Security-Policy: ${event.violatedDirective} refused ${event.blockedURI}`));
"""
STARTS_WITHIN_S = 60


@dataclass(frozen=True)
class Served:
    """A running server, the key of an admin of its sample workspace, and which page assets it serves."""

    url: str
    api_key: str
    api_secret: str
    assets: str


@dataclass
class Visit:
    """One page in a browser of its own, and everything about it that should not have happened."""

    page: Page
    served: Served
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(self.served.url + path)

    def open_explorer(self) -> None:
        """Open GraphiQL and wait for its editor: it ignores its Run button until then."""
        self.open("/graphql")
        self.wait_for_editor()

    def wait_for_editor(self) -> None:
        expect(self.page.locator(".graphiql-query-editor")).to_contain_text("Inbox", timeout=20_000)

    def sign_in(self, api_secret: str = "") -> None:
        """Fill in the panel, which opens by itself on a first visit, and send it."""
        self.page.fill(".sign-in [name=apiKey]", self.served.api_key)
        self.page.fill(".sign-in [name=apiSecret]", api_secret or self.served.api_secret)
        self.page.click(".sign-in button[type=submit]")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: the browser tests were left out")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session", params=["built", "packaged"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`answer serve` on a free port and an own data directory, once for each kind of page assets."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: the browser tests were left out")
    assets: str = request.param
    if assets == "built" and not (BUILT / "graphiql.js").exists():
        pytest.skip("the pages are not built (make frontend): only the packaged ones were tested")
    folder = tmp_path_factory.mktemp(f"answer-{assets}")
    port = free_port()
    settings = os.environ | {
        "ANSWER_DATA_DIR": str(folder),
        "ANSWER_HOST": "127.0.0.1",
        "ANSWER_PORT": str(port),
        "ANSWER_GRAPHIQL_ASSETS": assets,
    }
    run("demo", "--tickets", "25", settings=settings)
    key = json.loads(run("keys", "create", "--role", "admin", "--json", settings=settings))
    log = folder / "serve.log"
    with log.open("w") as output:
        server = subprocess.Popen([ANSWER, "serve"], env=settings, stdout=output, stderr=subprocess.STDOUT)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_healthy(url, server, log)
        yield Served(url, key["api_key"], key["api_secret"], assets)
    finally:
        server.terminate()
        server.wait(timeout=20)


@pytest.fixture
def visit(chromium: Browser, served: Served) -> Iterator[Visit]:
    """A fresh browser profile. Fails the test when the page complained or looked beyond its own server."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800})
    visit = Visit(context.new_page(), served)

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            visit.complaints.append(f"console: {message.text}")

    def on_request(sent: Request) -> None:
        if not sent.url.startswith((served.url, "data:", "blob:")):
            visit.complaints.append(f"another host: {sent.url}")

    visit.page.add_init_script(TELL_VIOLATIONS)
    visit.page.on("console", on_console)
    visit.page.on("pageerror", lambda error: visit.complaints.append(f"uncaught: {error}"))
    visit.page.on("request", on_request)
    yield visit
    context.close()
    assert visit.complaints == []


def run(*arguments: str, settings: dict[str, str]) -> str:
    done = subprocess.run([ANSWER, *arguments], env=settings, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"answer {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_healthy(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline:
        assert server.poll() is None, f"answer serve ended:\n{log.read_text()}"
        try:
            httpx.get(f"{url}/health", timeout=2)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    pytest.fail(f"answer serve did not answer within {STARTS_WITHIN_S} s:\n{log.read_text()}")

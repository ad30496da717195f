"""Pages of other origins: none may ask, or exactly those that the settings name."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from gateway.app import create_app
from gateway.settings import Settings
from tests.conftest import Clock, Person

OURS = "https://app.example"
STRANGE = [
    "https://evil.example",
    "https://app.example.evil.example",
    "http://app.example",
    "https://app.example:8443",
    "https://APP.example",
    "https://xapp.example",
    "null",
    "",
]
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}
PATHS = ("/graphql", "/v1/tickets", "/v1/tickets/1", "/v1/nowhere", "/health")


@pytest.fixture
async def browser(address: str, clock: Clock, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that lets two origins in."""
    settings = Settings(
        data_dir=tmp_path,
        database_url=address,
        sqlite_durable=False,
        cors_origins=f"{OURS}, http://localhost:3000",
    )
    app = create_app(settings, clock)
    transport = httpx.ASGITransport(cast(Any, app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://answer.test") as client:
        yield client
    await app.state.helpdesk.close()


def told(answer: httpx.Response) -> dict[str, str]:
    """What an answer says to the browser about other origins."""
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


async def test_nobody_is_let_in_by_default(http: httpx.AsyncClient) -> None:
    for path, headers in itertools.product(PATHS, ({"Origin": OURS}, {"Origin": OURS} | PREFLIGHT)):
        assert told(await http.options(path, headers=headers)) == {}
        assert told(await http.get(path, headers=headers)) == {}


@pytest.mark.parametrize("path", PATHS)
async def test_an_origin_that_is_named_is_let_in_everywhere(browser: httpx.AsyncClient, path: str) -> None:
    allowed = await browser.options(path, headers={"Origin": OURS} | PREFLIGHT)
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == OURS
    assert {"POST", "PUT", "PATCH", "DELETE"} <= set(
        allowed.headers["access-control-allow-methods"].split(", ")
    )
    assert {"Authorization", "Content-Type", "GraphQL-Require-Preflight"} <= set(
        allowed.headers["access-control-allow-headers"].split(", ")
    )
    answer = await browser.get(path, headers={"Origin": OURS})
    assert answer.headers["access-control-allow-origin"] == OURS
    assert "Retry-After" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers
    assert "Origin" in answer.headers.get_list("vary", split_commas=True)


async def test_no_other_is(browser: httpx.AsyncClient) -> None:
    for path, origin, more in itertools.product(PATHS, STRANGE, ({}, PREFLIGHT)):
        headers = {"Origin": origin} | more
        for answer in (
            await browser.options(path, headers=headers),
            await browser.get(path, headers=headers),
        ):
            assert told(answer) == {}
            assert "Origin" in answer.headers.get_list("vary", split_commas=True)


async def test_a_page_works_with_a_token(browser: httpx.AsyncClient, admin: Person) -> None:
    headers = admin.headers | {"Origin": "http://localhost:3000"}
    answer = await browser.post("/graphql", json={"query": "{ viewer { id } }"}, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "http://localhost:3000"
    assert "X-Request-Id" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "text", ["*", "app.example", "https://app.example/", "https://App.example", "null", "https://*.example"]
)
def test_what_is_no_origin_stops_the_start(text: str) -> None:
    with pytest.raises(ValueError, match="no origin"):
        Settings(cors_origins=text)

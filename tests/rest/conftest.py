"""People who call the documented API, on each engine."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final, cast

import httpx
import pytest
from litestar import Litestar

from tests.conftest import Person
from tests.one_app import app, application

__all__ = ["app", "application"]

DOCUMENTED: Final = json.loads(Path(__file__).with_name("documented_examples.json").read_text())
"""Every example of the documentation, by call."""
JSON: Final = {"Content-Type": "application/json"}

Calls = Callable[[Person], httpx.AsyncClient]


@pytest.fixture
async def calls(app: Litestar) -> AsyncIterator[Calls]:
    """`calls(person)` is a client that sends their token."""
    async with AsyncExitStack() as stack:

        def client(person: Person) -> httpx.AsyncClient:
            opened = client_of(app, person.headers)
            stack.push_async_callback(opened.aclose)
            return opened

        yield client


@pytest.fixture
def as_admin(calls: Calls, admin: Person) -> httpx.AsyncClient:
    """An admin."""
    return calls(admin)


@pytest.fixture
def as_agent(calls: Calls, agent: Person) -> httpx.AsyncClient:
    """An agent."""
    return calls(agent)


@pytest.fixture
def as_customer(calls: Calls, customer: Person) -> httpx.AsyncClient:
    """A customer, `customer@default.example`."""
    return calls(customer)


def client_of(app: Litestar, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
    """Somebody who calls the application without a socket."""
    transport = httpx.ASGITransport(cast("Any", app), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://answer.test", headers=headers)


def refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The error of a refusal, which has the documented envelope and nothing else."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert len(answer.headers["x-request-id"]) == 32
    body = answer.json()
    assert body.keys() == {"success", "error"}
    assert body["success"] is False
    error: dict[str, Any] = body["error"]
    assert error["code"] == code
    assert error["message"]
    return error


async def created(client: httpx.AsyncClient, path: str, **fields: Any) -> dict[str, Any]:
    """What a POST created."""
    answer = await client.post(path, json=fields)
    assert answer.status_code == 201, answer.text
    data: dict[str, Any] = answer.json()["data"]
    return data


async def ticket(client: httpx.AsyncClient, **fields: Any) -> dict[str, Any]:
    """A new ticket."""
    usual = {"subject": "Cannot login", "content": "An error", "requester_email": "customer@default.example"}
    return await created(client, "/v1/tickets", **(usual | fields))

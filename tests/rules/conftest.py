"""The doors of the helpdesk as fixtures: a test that takes `door` runs through both."""

import functools
from collections.abc import AsyncIterator

import httpx
import pytest

from gateway.worker import Worker
from resolvers.context import Helpdesk
from tests.contents import Unchanged, unchanged_in
from tests.doors import Door, GraphqlDoor, RestDoor
from tests.one_app import address, app, application, postgres_database
from tests.receiver import Receiver, receiving, working

__all__ = ["address", "app", "application", "postgres_database"]


@pytest.fixture(params=[RestDoor, GraphqlDoor], ids=["rest", "graphql"])
def door(request: pytest.FixtureRequest, http: httpx.AsyncClient) -> Door:
    """The helpdesk through one of its doors."""
    found: Door = request.param(http)
    return found


@pytest.fixture
def rest(http: httpx.AsyncClient) -> RestDoor:
    """The documented API, for what only it has."""
    return RestDoor(http)


@pytest.fixture
def graph(http: httpx.AsyncClient) -> GraphqlDoor:
    """The graph, for what only it has."""
    return GraphqlDoor(http)


@pytest.fixture
async def receiver(helpdesk: Helpdesk) -> AsyncIterator[Receiver]:
    """Where webhooks of the test are sent, which the operator allows."""
    helpdesk.allows_private_addresses = True
    async with receiving() as found:
        yield found


@pytest.fixture
async def worker(helpdesk: Helpdesk) -> AsyncIterator[Worker]:
    """A worker that does nothing until it is told to `drain`."""
    async with working(helpdesk) as found:
        yield found


@pytest.fixture
def unchanged(helpdesk: Helpdesk) -> Unchanged:
    """`async with unchanged():` fails when the block changes anything that is stored."""
    return functools.partial(unchanged_in, helpdesk.db)

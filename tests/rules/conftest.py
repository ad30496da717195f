"""The doors of the helpdesk as fixtures: a test that takes `door` runs through both."""

import functools

import httpx
import pytest

from resolvers.context import Helpdesk
from tests.contents import Unchanged, unchanged_in
from tests.doors import Door, GraphqlDoor, RestDoor
from tests.one_app import address, app, application, postgres_database

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
def unchanged(helpdesk: Helpdesk) -> Unchanged:
    """`async with unchanged():` fails when the block changes anything that is stored."""
    return functools.partial(unchanged_in, helpdesk.db)

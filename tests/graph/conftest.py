"""The graph of a helpdesk of the test's own."""

import httpx
import pytest

from tests.doors import GraphqlDoor
from tests.one_app import address, app, application, postgres_database

__all__ = ["address", "app", "application", "postgres_database"]


@pytest.fixture
def graph(http: httpx.AsyncClient) -> GraphqlDoor:
    """The graph."""
    return GraphqlDoor(http)

"""Two full workspaces, and everybody who may stand before their doors."""

import httpx
import pytest

from resolvers.context import Helpdesk
from tests.conftest import Clock, Joins
from tests.one_app import address, app, application, postgres_database
from tests.permissions.world import World, built

__all__ = ["address", "app", "application", "postgres_database"]


@pytest.fixture
async def world(http: httpx.AsyncClient, helpdesk: Helpdesk, clock: Clock, join: Joins) -> World:
    """A workspace with one of everything, and another like it."""
    return await built(http, helpdesk, clock, join)

"""One application a process of tests, with a helpdesk of each test's own: its routes take longer to build than a test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from litestar import Litestar
from pydantic import SecretStr

from gateway.app import create_app
from gateway.helpdesk import open_helpdesk
from gateway.settings import Settings
from tests.conftest import Clock


@pytest.fixture(scope="session")
def application(tmp_path_factory: pytest.TempPathFactory) -> Litestar:
    """The application as `answer serve` builds it."""
    return create_app(Settings(data_dir=tmp_path_factory.mktemp("application")))


@pytest.fixture
async def app(application: Litestar, address: str, clock: Clock, tmp_path: Path) -> AsyncIterator[Litestar]:
    """The application on the test's database."""
    settings = Settings(
        data_dir=tmp_path,
        database_url=address,
        database_pool=4,
        sqlite_durable=False,  # the disk need not keep what is thrown away
        jwt_secret=SecretStr("j" * 32),
        key_pepper=SecretStr("p" * 32),
    )
    application.state.settings = settings
    application.state.helpdesk = open_helpdesk(settings, clock)
    yield application
    await application.state.helpdesk.close()

"""What tests stand on: a helpdesk of their own on each engine, a clock they hold, people with tokens.

Every test gets a copy of a migrated template: a file on SQLite, CREATE DATABASE … TEMPLATE on PostgreSQL. Commits are
real, nothing of ours is mocked.
"""

import asyncio
import datetime as dt
import shutil
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import asyncpg
import httpx
import pytest
from litestar import Litestar

from db import migrate, rows
from db.database import Database
from gateway.app import create_app
from gateway.settings import Settings
from resolvers.context import Helpdesk
from resolvers.tokens import create_token, make_key
from tests import services

ENGINES = ("sqlite", pytest.param("postgres", marks=pytest.mark.postgres))


class Clock:
    """A clock that a test moves; a look at it costs a millisecond, so that no two instants are the same."""

    def __init__(self) -> None:
        self.moment = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        self.moment += dt.timedelta(milliseconds=1)
        return self.moment

    def pass_(self, **span: float) -> None:
        """Let time pass: `clock.pass_(days=14)`."""
        self.moment += dt.timedelta(**span)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an API key and a token for it."""

    user: rows.User
    workspace: rows.Workspace
    api_key: str
    api_secret: str
    token: str

    @property
    def id(self) -> int:
        """The user's id."""
        return self.user.id

    @property
    def headers(self) -> dict[str, str]:
        """What signs their requests in."""
        return {"Authorization": f"Bearer {self.token}"}


@dataclass
class Sql:
    """The statements that ran since it was last cleared."""

    joins: bool
    """Whether those that are asked for at the same time are one, as they are on PostgreSQL."""
    statements: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.statements)

    def clear(self) -> None:
        """Forget what ran so far."""
        self.statements.clear()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL for this process of tests."""
    with services.postgres() as url:
        yield url


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A real Valkey for this process of tests."""
    with services.valkey() as url:
        yield url


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """A real S3 for this process of tests, with the bucket `answer`."""
    with services.s3() as url:
        yield url


def _in_a_thread(work: Callable[[], Any]) -> Any:
    """Run async set-up from a fixture that may itself be pulled from inside a running loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(lambda: asyncio.run(work())).result()


async def _migrated(address: str) -> None:
    database = Database(address)
    await migrate.migrate(database)
    await database.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "answer.db"
    _in_a_thread(lambda: _migrated(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> Iterator[str]:
    """The name of a migrated PostgreSQL database to copy."""
    name = f"template_{uuid.uuid4().hex[:12]}"
    _in_a_thread(lambda: _on_postgres(postgres_url, f"CREATE DATABASE {name}"))
    _in_a_thread(lambda: _migrated(_with_name(postgres_url, name)))
    yield name
    _in_a_thread(lambda: _on_postgres(postgres_url, f"DROP DATABASE {name} WITH (FORCE)"))


async def _on_postgres(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


def _with_name(url: str, name: str) -> str:
    return f"{url.rsplit('/', 1)[0]}/{name}"


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Which engine the test runs on; a test that takes it runs on both."""
    return str(request.param)


@pytest.fixture
async def address(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The address of a migrated, empty database of the test's own."""
    if engine == "sqlite":
        path = tmp_path / "answer.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    url, template = request.getfixturevalue("postgres_url"), request.getfixturevalue("postgres_template")
    name = f"test_{uuid.uuid4().hex[:12]}"
    await _on_postgres(url, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield _with_name(url, name)
    await _on_postgres(url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def clock() -> Clock:
    """The helpdesk's clock."""
    return Clock()


@pytest.fixture
async def app(address: str, clock: Clock, tmp_path: Path) -> AsyncIterator[Litestar]:
    """The application on the test's database."""
    application = create_app(
        Settings(data_dir=tmp_path, database_url=address, database_pool=4, sqlite_durable=False), clock
    )
    yield application
    await application.state.helpdesk.close()


@pytest.fixture
def helpdesk(app: Litestar) -> Helpdesk:
    """The helpdesk behind the application."""
    found: Helpdesk = app.state.helpdesk
    return found


@pytest.fixture
async def http(app: Litestar) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application."""
    transport = httpx.ASGITransport(cast(Any, app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://answer.test") as client:
        yield client


@pytest.fixture
def sql(helpdesk: Helpdesk) -> Sql:
    """What the database is asked, on both paths, reads and writes."""
    recorder = Sql(joins=not helpdesk.db.is_sqlite)
    helpdesk.db.on_statement = recorder.statements.append
    return recorder


Joins = Callable[..., Awaitable[Person]]


@pytest.fixture
def join(helpdesk: Helpdesk) -> Joins:
    """Make somebody: `await join("agent")`, `await join("customer", email=…, workspace=…)`."""

    async def joined(role: str, *, email: str | None = None, workspace: str = "default") -> Person:
        made, user, owner = await make_key(helpdesk, role, workspace=workspace, email=email)
        async with helpdesk.operation(None) as ctx:
            given = {"api_key": made.row.api_key, "api_secret": made.api_secret}
            token = await create_token(ctx, given)
        return Person(user, owner, made.row.api_key, made.api_secret, token.token)

    return joined


@pytest.fixture
async def admin(join: Joins) -> Person:
    """An admin of the default workspace."""
    return await join("admin")


@pytest.fixture
async def agent(join: Joins) -> Person:
    """An agent of the default workspace."""
    return await join("agent")


@pytest.fixture
async def customer(join: Joins) -> Person:
    """A customer of the default workspace."""
    return await join("customer")


@pytest.fixture
async def stranger(join: Joins) -> Person:
    """An admin of another workspace."""
    return await join("admin", workspace="elsewhere")

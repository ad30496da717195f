"""The engines for programs that start servers of their own, as `make crash` and `make soak` do."""

import contextlib
import uuid
from collections.abc import AsyncIterator
from typing import Any, Final

import asyncpg
import click

from tests import services

ENGINES: Final = ("sqlite", "postgresql")


@contextlib.asynccontextmanager
async def database_url(engine: str, name: str) -> AsyncIterator[str]:
    """The address of an empty database; empty for SQLite, which the server makes itself."""
    if engine == "sqlite":
        yield ""
        return
    with services.postgres() as server:
        database = f"{name}_{uuid.uuid4().hex[:12]}"
        await _on_server(server, f"CREATE DATABASE {database}")
        yield f"{server.rsplit('/', 1)[0]}/{database}"
        await _on_server(server, f"DROP DATABASE {database} WITH (FORCE)")


async def _on_server(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


def listed(_ctx: Any, _parameter: Any, value: str) -> tuple[str, ...]:
    """An option that names engines with commas. Raises click.BadParameter."""
    chosen = tuple(value.split(","))
    if strange := set(chosen) - set(ENGINES):
        raise click.BadParameter(f"{', '.join(sorted(strange))}; there are {', '.join(ENGINES)}")
    return chosen

"""The PostgreSQL that is measured: ANSWER_BENCH_POSTGRES, else one of our own whose data stays in bench/data."""

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import asyncpg
from sqlalchemy.engine import make_url

from tests.services import postgres_in

OPTIONS: Final = (
    "-cshared_preload_libraries=pg_stat_statements",  # counts the statements of every peer alike
    "-cpg_stat_statements.save=off",
    "-cshared_buffers=512MB",
    "-cmax_wal_size=4GB",  # a checkpoint within a round would fall on one peer and not on the other
)
"""All else, and what survives a power cut above all, is as PostgreSQL comes."""


class Server(NamedTuple):
    """The URL of a superuser, and the process when it runs here as ours."""

    url: str
    pid: int | None


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Server]:
    """A PostgreSQL while the block lasts."""
    if url := os.environ.get("ANSWER_BENCH_POSTGRES"):
        yield Server(url, None)
        return
    folder.mkdir(parents=True, exist_ok=True)
    with postgres_in(folder, OPTIONS) as port:
        pid = int((folder / "data" / "postmaster.pid").read_text().split()[0])
        yield Server(f"postgresql://postgres@127.0.0.1:{port}/postgres", pid)


def with_database(url: str, name: str) -> str:
    """The same server, another database."""
    return make_url(url).set(database=name).render_as_string(hide_password=False)


async def create_database(url: str, name: str, template: str = "template0") -> None:
    """An empty database, or a copy of another; one of the name is dropped first."""
    await drop_database(url, name)
    # FILE_COPY: the log of writes would otherwise hold the whole copy
    await _execute(url, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')


async def drop_database(url: str, name: str) -> None:
    """Drop the database when it is there, whoever is connected."""
    await _execute(url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def tidy(address: str) -> None:
    """What PostgreSQL does by itself within minutes, done before anything is measured."""
    await _execute(address, "VACUUM (ANALYZE)")


async def is_there(address: str) -> bool:
    """Whether the server has the database."""
    try:
        connection = await asyncpg.connect(address)
    except asyncpg.InvalidCatalogNameError:
        return False
    await connection.close()
    return True


class StatementCount:
    """Counts the statements that anybody runs in a database, BEGIN and COMMIT included, by pg_stat_statements."""

    def __init__(self, address: str) -> None:
        self._address = address

    def so_far(self) -> int | None:
        """How many there were; None where the extension is not to be had."""
        return asyncio.run(self._asked())

    async def _asked(self) -> int | None:
        connection = await asyncpg.connect(self._address)
        try:
            await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            found: int = await connection.fetchval(_CALLS)
        except asyncpg.PostgresError:
            return None
        else:
            return found
        finally:
            await connection.close()


_CALLS: Final = """
    SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements
    WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND query NOT LIKE '%pg_stat_statements%' AND query NOT LIKE '%pg_catalog%' AND query NOT LIKE '%FROM job%'
"""
"""Without our own questions, what drivers ask about types when they connect, and the worker's look for jobs."""


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()

"""The helpdesks that are measured: filled once by `answer demo`, kept in bench/data, copied for every run.

A run writes into its copy alone, so that the next one meets the same rows.
"""

import asyncio
import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text

from bench import postgres
from db.database import Database
from gateway.helpdesk import open_helpdesk
from gateway.settings import Settings
from resolvers.tokens import make_key
from tests.processes import ANSWER

ROOT: Final = Path(__file__).resolve().parents[1]
DATA: Final = ROOT / "bench" / "data"
ENGINES: Final = ("postgresql", "sqlite")
KEYS: Final = 16
"""Sign-ins of one key that are under way together are limited, so that `token` takes turns with several."""
SAMPLED_TICKETS: Final = 200
SAMPLED_ORGANIZATIONS: Final = 20


@dataclass(frozen=True, slots=True)
class Sample:
    """A helpdesk and which of its rows are asked for. `keys` are (api_key, api_secret) of an agent, tier enterprise."""

    engine: str
    tickets: int
    address: str
    data_dir: str
    """Where its secrets are kept."""
    keys: list[tuple[str, str]]
    ticket_ids: list[int]
    organization_ids: list[int]
    category_ids: list[int]
    customers: list[str]
    """E-mail addresses."""

    @property
    def environment(self) -> dict[str, str]:
        """What a process of ours, or a peer in Python, must see to serve it."""
        return environment(self.address, Path(self.data_dir))


def environment(address: str, data_dir: Path) -> dict[str, str]:
    """The variables of this process without its own settings of Answer, with these."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ANSWER_")}
    return kept | {
        "ANSWER_DATABASE_URL": address,
        "ANSWER_DATA_DIR": str(data_dir),
        "ANSWER_TOKEN_TTL": "86400",
        "ANSWER_LOG_LEVEL": "warning",
        "PYTHONPATH": str(ROOT),
    }


def filled(engine: str, tickets: int, server: str | None) -> Sample:
    """The helpdesk of this size, made when it is not there. `server` is the URL of PostgreSQL's superuser."""
    folder = DATA / f"{engine}-{tickets}"
    note = folder / "sample.json"
    address = _address(engine, f"bench_{tickets}", folder / "answer.db", server)
    if note.exists() and _is_there(address):
        _answer(address, folder, "migrate")
        # targets have lapsed since it was filled: all at once, they would be noted while others are measured
        _answer(address, folder, "worker", "--once")
        if server is not None:
            asyncio.run(postgres.tidy(address))
        return _read(note, address)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if server is not None:
        asyncio.run(postgres.create_database(server, f"bench_{tickets}"))
    print(f"Filling a helpdesk of {tickets:,} tickets on {engine} ...", flush=True)
    _answer(address, folder, "demo", "--tickets", str(tickets))
    sample = asyncio.run(_sampled(engine, tickets, address, folder))
    note.write_text(json.dumps(asdict(sample)))
    return sample


def _answer(address: str, folder: Path, *command: str) -> None:
    subprocess.run(
        [*ANSWER, *command],
        env=environment(address, folder),
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )


@contextlib.contextmanager
def copied(sample: Sample, server: str | None) -> Iterator[Sample]:
    """The same helpdesk in a database that is thrown away in the end."""
    if server is not None:
        name = f"bench_run_{sample.tickets}"  # what a run that was cut off left behind is dropped first
        asyncio.run(postgres.create_database(server, name, template=f"bench_{sample.tickets}"))
        try:
            yield replace(sample, address=_address("postgresql", name, Path(), server))
        finally:
            with contextlib.suppress(OSError):  # an interrupt ends PostgreSQL as well
                asyncio.run(postgres.drop_database(server, name))
        return
    file = Path(sample.data_dir) / "run.db"
    try:
        with contextlib.closing(sqlite3.connect(Path(sample.data_dir) / "answer.db")) as connection:
            connection.execute(
                "PRAGMA wal_checkpoint(TRUNCATE)"
            )  # all of it is in the one file that is copied
        shutil.copyfile(Path(sample.data_dir) / "answer.db", file)
        yield replace(sample, address=_address("sqlite", "", file, None))
    finally:
        for each in file.parent.glob(f"{file.name}*"):
            each.unlink()


def _address(engine: str, name: str, file: Path, server: str | None) -> str:
    return f"sqlite:///{file}" if engine == "sqlite" else postgres.with_database(str(server), name)


def _read(note: Path, address: str) -> Sample:
    kept: dict[str, Any] = json.loads(note.read_text())
    kept["keys"] = [(key, secret) for key, secret in kept["keys"]]
    return replace(Sample(**kept), address=address)


def _is_there(address: str) -> bool:
    if address.startswith("sqlite"):
        return Path(address.removeprefix("sqlite:///")).exists()
    return asyncio.run(postgres.is_there(address))


@contextlib.asynccontextmanager
async def _opened(address: str, folder: Path) -> AsyncIterator[Any]:
    helpdesk = open_helpdesk(Settings(database_url=address, data_dir=folder))
    try:
        yield helpdesk
    finally:
        await helpdesk.close()


async def _sampled(engine: str, tickets: int, address: str, folder: Path) -> Sample:
    async with _opened(address, folder) as helpdesk:
        made = [
            (await make_key(helpdesk, "agent", workspace="default", tier="enterprise"))[0]
            for _ in range(KEYS)
        ]
        return Sample(
            engine,
            tickets,
            address,
            str(folder),
            [(key.row.api_key, key.api_secret) for key in made],
            await _every_nth(helpdesk.db, "SELECT id FROM ticket ORDER BY id", SAMPLED_TICKETS),
            await _every_nth(
                helpdesk.db,
                "SELECT id FROM organization WHERE user_count > 10 ORDER BY id",
                SAMPLED_ORGANIZATIONS,
            ),
            await _column(helpdesk.db, "SELECT id FROM category ORDER BY id"),
            await _column(
                helpdesk.db, "SELECT email FROM \"user\" WHERE type = 'customer' ORDER BY id LIMIT 500"
            ),
        )


async def _every_nth(database: Database, query: str, count: int) -> list[Any]:
    """About `count` values, evenly from the whole of the answer."""
    found = await _column(database, query)
    return found[:: max(1, len(found) // count)][:count]


async def _column(database: Database, query: str) -> list[Any]:
    async with database.engine.connect() as connection:
        return list((await connection.execute(text(query))).scalars())

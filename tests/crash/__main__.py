"""`python -m tests.crash`: what `make crash` runs.

Server and worker are killed at random moments while clients write through both doors, and started again. Every write
that was acknowledged must be there, none may be half there or there twice, and counters, totals, search, statistics
and deliveries must agree with the rows.
"""

import asyncio
import contextlib
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Final

import click
import httpx
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from db.database import Database
from gateway.progress import Report, progress_bars
from tests.agreement import scalar, wrong
from tests.crash import checks
from tests.crash.clients import CLIENTS, Client, World, write_until_lost
from tests.crash.stories import Pile
from tests.doors import RestDoor
from tests.on_engines import ENGINES, database_url, listed
from tests.processes import Installation, aside
from tests.receiver import Receiver, receiving

CATEGORIES: Final = 3
WRITES_BETWEEN: Final = (5, 200)
"""After so many more acknowledged writes a process is killed."""
WRITES_FOR_AT_MOST_S: Final = 15.0
DELIVERED_WITHIN_S: Final = 120.0
HOOKS: Final = ("/first", "/second")
SHOWN: Final = 40
"""Findings that are printed."""


@dataclass
class Outcome:
    """What a run on one engine saw."""

    engine: str
    kills: int = 0
    acknowledged: int = 0
    deliveries: int = 0
    repeated: int = 0
    """Deliveries that came once more under their id."""
    findings: list[str] = field(default_factory=list)


@dataclass
class Run:
    """One helpdesk through all its crashes."""

    installation: Installation
    database: Database
    receiver: Receiver
    rng: Random
    outcome: Outcome
    world: World
    signing: dict[str, str]
    """The secret of each webhook, by its path."""
    clients: list[Client]

    async def crash(self, *, is_embedded: bool) -> None:
        """Start, look, write, kill. `is_embedded`: the server delivers; else a worker does, which dies first."""
        self.installation.environment["ANSWER_WORKER_EMBEDDED"] = "on" if is_embedded else "off"
        async with contextlib.AsyncExitStack() as stack:
            victims = [await stack.enter_async_context(aside(self.installation.serving()))]
            if not is_embedded:
                victims.append(await stack.enter_async_context(aside(self.installation.started("worker"))))
            await self.look()
            writing = asyncio.create_task(write_until_lost(self.clients))
            for victim in reversed(victims):
                await self._wait()
                victim.kill()
                self.outcome.kills += 1
            await writing

    async def _wait(self) -> None:
        """Until a random number of further writes was acknowledged, and then a random moment more."""
        enough = self.world.acknowledged + self.rng.randint(*WRITES_BETWEEN)
        deadline = time.monotonic() + WRITES_FOR_AT_MOST_S
        while self.world.acknowledged < enough and time.monotonic() < deadline:  # noqa: ASYNC110  # no event
            await asyncio.sleep(0.005)
        await asyncio.sleep(self.rng.uniform(0, 0.03))

    async def look(self) -> None:
        """Note whatever is not as it was acknowledged since the last look."""
        findings = self.outcome.findings
        stories = [story for client in self.clients for story in client.stories]
        fresh = [story for story in stories if story.is_fresh]
        findings += checks.check_stories(fresh, await checks.held_tickets(self.database))
        findings += await checks.check_piles(self.database, self.world.piles)
        findings += await checks.check_doors(self.world, self.database, fresh, self.rng)
        findings += [f"refused: {each} ({count} times)" for each, count in self.world.refused.items()]
        self.world.refused.clear()

    async def settle(self) -> None:
        """Let everything be delivered and folded, then look at all of it."""
        async with self.database.engine.begin() as connection:
            # whoever held these is dead; their leases would end by themselves within a minute
            await connection.execute(text("UPDATE job SET leased_until = NULL WHERE done_at IS NULL"))
        self.installation.environment["ANSWER_WORKER_EMBEDDED"] = "on"
        async with aside(self.installation.serving()):
            await self.look()
            await self._all_delivered()
        findings = self.outcome.findings
        findings += await checks.check_deliveries(self.database, self.receiver.hits, self.signing)
        findings += [f"{what}: {count} wrong" for what, count in (await wrong(self.database)).items()]
        if (
            self.database.is_sqlite
            and (said := await scalar(self.database, "PRAGMA integrity_check")) != "ok"
        ):
            findings.append(f"integrity_check: {said}")
        self.outcome.acknowledged = self.world.acknowledged
        self.outcome.deliveries = len({(hit.path, hit.id) for hit in self.receiver.hits})
        self.outcome.repeated = len(self.receiver.hits) - self.outcome.deliveries

    async def _all_delivered(self) -> None:
        left = "SELECT (SELECT count(*) FROM job WHERE done_at IS NULL) + (SELECT count(*) FROM ticket_tally_change)"
        deadline = time.monotonic() + DELIVERED_WITHIN_S
        while await scalar(self.database, left) and time.monotonic() < deadline:  # noqa: ASYNC110  # no event
            await asyncio.sleep(0.2)


@contextlib.asynccontextmanager
async def begun(engine: str, seed: int) -> AsyncIterator[Run]:
    """A helpdesk with an admin, two webhooks and a ticket that everybody replies on."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="answer-crash-")))
        url = await stack.enter_async_context(database_url(engine, "crash"))
        installation = Installation(
            folder,
            url,
            ANSWER_WEBHOOK_ALLOW_PRIVATE="on",
            ANSWER_WORKERS="1" if engine == "sqlite" else "2",
            ANSWER_TOKEN_TTL="86400",
        )
        key = installation.key()
        database = Database(url or f"sqlite:///{folder / 'data' / 'answer.db'}", readers=2, writers=1)
        stack.push_async_callback(database.close)
        receiver = await stack.enter_async_context(receiving())
        with installation.serving():
            world, signing = await _furnished(installation, key, receiver, seed)
        clients = [Client(number, world) for number in range(CLIENTS)]
        rng = Random(seed)  # noqa: S311  # a run can be repeated
        yield Run(installation, database, receiver, rng, Outcome(engine), world, signing, clients)


async def _furnished(
    installation: Installation, key: dict[str, Any], receiver: Receiver, seed: int
) -> tuple[World, dict[str, str]]:
    token = installation.token(key)
    async with httpx.AsyncClient(base_url=installation.base, timeout=60) as http:
        door = RestDoor(http)
        signing = {
            path: (await door.create(token, "webhook", url=receiver.url(path), events=["*"])).done()["secret"]
            for path in HOOKS
        }
        categories = [
            (await door.create(token, "category", name=f"Category {number}")).done()["id"]
            for number in range(CATEGORIES)
        ]
        await door.create(token, "organization", name="Crash", domain="crash.example")
        hub = (
            await door.open_ticket(token, subject="hub", content="x", requester_email="hub@crash.example")
        ).done()
    replies = Pile("reply", f"SELECT content FROM reply WHERE ticket_id = {hub['id']}")  # noqa: S608
    users = Pile("user", "SELECT email FROM \"user\" WHERE email LIKE 'user%@crash.example'")
    world = World(installation.base, token, key["user_id"], hub["id"], categories, replies, users, seed)
    return world, signing


async def run(engine: str, rounds: int, seed: int, report: Report) -> Outcome:
    """All rounds on one engine."""
    async with begun(engine, seed) as crashing:
        for number in range(rounds):
            report(f"{engine}: crashes", number, rounds)
            await crashing.crash(is_embedded=number % 2 == 1)
        report(f"{engine}: crashes", rounds, rounds)
        await crashing.settle()
        return crashing.outcome


def table(outcomes: Sequence[Outcome]) -> Table:
    """What was seen, a row an engine."""
    shown = Table("engine", "crashes", "acknowledged writes", "deliveries", "sent again", "wrong")
    for each in outcomes:
        figures = (each.kills, each.acknowledged, each.deliveries, each.repeated, len(each.findings))
        shown.add_row(each.engine, *(f"{figure:,}" for figure in figures))
    return shown


@click.command(context_settings={"show_default": True, "help_option_names": ["-h", "--help"]})
@click.option("--engines", callback=listed, default=",".join(ENGINES))
@click.option("--rounds", type=click.IntRange(1), default=20, help="Crashes of the server, on each engine.")
@click.option("--seed", type=int, help="Of what clients do and when they are cut off; a new one when absent.")
def main(engines: tuple[str, ...], rounds: int, seed: int | None) -> None:
    """Kill the server under writes, again and again, and see that nothing acknowledged is lost."""
    chosen = secrets.randbelow(1_000_000) if seed is None else seed
    print(f"seed {chosen}", flush=True)
    with progress_bars() as report:
        outcomes = [asyncio.run(run(engine, rounds, chosen, report)) for engine in engines]
    Console().print(table(outcomes))
    findings = [f"{each.engine}: {finding}" for each in outcomes for finding in each.findings]
    for finding in findings[:SHOWN]:
        print(finding)
    sys.exit(bool(findings))


if __name__ == "__main__":
    main()

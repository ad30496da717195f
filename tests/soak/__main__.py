"""`python -m tests.soak`: what `make soak` runs.

Reads, writes and uploads, at first few, then more than the server can take, then few again. While there is too much,
memory must stay flat, whoever is refused must be told so, and whoever is accepted must be answered in bounded time;
afterwards it must be as before, and everything that was accepted must be there.
"""

import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

import click
import httpx
from rich.console import Console
from rich.table import Table

from bench import processes
from db.database import Database
from gateway.progress import Report, progress_bars
from tests.agreement import scalar, wrong
from tests.on_engines import ENGINES, database_url, listed
from tests.processes import Installation, aside
from tests.soak.clients import Mixture, Seen, keep_asking

FEW: Final = 4
KEYS: Final = 4
"""Each for as many of the clients: one key alone meets its own bound, all together that of the server."""
CALM_S: Final = 10
LOOKS_EVERY_S: Final = 0.5
DONE_WITHIN_S: Final = 120.0
ANSWERED_WITHIN_S: Final = 15.0
"""The longest that 99 of 100 accepted requests may take under load."""
GROWTH: Final = 1.15
"""Of memory, from the second third of the load to its last: what grows without end grows more."""
AS_BEFORE: Final = 3.0
"""Times the median of before: other work on the machine weighs on it."""


@dataclass
class Phase:
    """A stretch of time: what clients saw, and the memory of the largest process, as it was looked at."""

    name: str
    clients: int
    seconds: int
    seen: Seen = field(default_factory=Seen)
    memory_mb: list[float] = field(default_factory=list)

    def third(self, number: int) -> float:
        """The largest memory in a third of the phase: 0, 1, 2."""
        size = max(1, len(self.memory_mb) // 3)
        return max(self.memory_mb[number * size : (number + 1) * size] or [0.0])


@dataclass
class Outcome:
    """What a run on one engine saw."""

    engine: str
    phases: list[Phase]
    findings: list[str]


async def watched(phase: Phase, pid: int, ends_at: float, report: Report) -> None:
    """Look at the memory until the phase ends."""
    while (left := ends_at - time.monotonic()) > 0:
        phase.memory_mb.append(processes.largest_mb(pid))
        report(phase.name, phase.seconds - int(left), phase.seconds)
        await asyncio.sleep(LOOKS_EVERY_S)
    report(phase.name, phase.seconds, phase.seconds)


async def passed(
    phase: Phase, installation: Installation, tokens: Sequence[str], pid: int, report: Report
) -> None:
    """Let the phase pass."""
    ends_at = time.monotonic() + phase.seconds
    mixtures = [
        Mixture(tokens[number % KEYS], Random(number))  # noqa: S311  # only a mixture
        for number in range(phase.clients)
    ]
    await asyncio.gather(
        watched(phase, pid, ends_at, report),
        *(keep_asking(installation.port, mixture, phase.seen, ends_at) for mixture in mixtures),
    )


async def soak(engine: str, clients: int, seconds: int, report: Report) -> Outcome:
    """All phases on one engine."""
    async with begun(engine) as (installation, database):
        keys = [installation.key(email=f"soak{number}@default.example") for number in range(KEYS)]
        async with aside(installation.serving()) as server:
            tokens = [installation.token(key) for key in keys]
            before = Phase(f"{engine}: before", FEW, CALM_S)
            load = Phase(f"{engine}: too much", clients, seconds)
            after = Phase(f"{engine}: after", FEW, CALM_S)
            await passed(before, installation, tokens, server.pid, report)
            await passed(load, installation, tokens, server.pid, report)
            await _all_done(database)  # e-mail and totals are still worked on
            await passed(after, installation, tokens, server.pid, report)
            phases = [before, load, after]
            findings = judged(phases)
            findings += await disagreements(installation, database, tokens[0], phases)
        if "Traceback" in installation.said:
            findings.append(f"the log holds a trace: {installation.said.partition(chr(10))[2][-3000:]}")
    return Outcome(engine, phases, findings)


@contextlib.asynccontextmanager
async def begun(engine: str) -> AsyncIterator[tuple[Installation, Database]]:
    """A sample helpdesk without a limit."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="answer-soak-")))
        url = await stack.enter_async_context(database_url(engine, "soak"))
        installation = Installation(folder, url)
        installation.run("demo", "--tickets", "300")
        database = Database(url or f"sqlite:///{folder / 'data' / 'answer.db'}", readers=1, writers=1)
        stack.push_async_callback(database.close)
        yield installation, database


def judged(phases: Sequence[Phase]) -> list[str]:
    """What should not have been."""
    before, load, after = phases
    findings = [
        f"{phase.name}: {what} ({count} times)"
        for phase in phases
        for what, count in phase.seen.wrong.items()
    ]
    if not load.seen.refused:
        findings.append("nobody was refused: that was not too much (--clients)")
    if (slow := load.seen.percentile(0.99)) > ANSWERED_WITHIN_S:
        findings.append(f"of 100 accepted requests one took {slow:.1f} s under load")
    if load.third(2) > GROWTH * load.third(1):
        findings.append(f"memory grew under load from {load.third(1):.0f} to {load.third(2):.0f} MB")
    if after.seen.percentile(0.5) > AS_BEFORE * before.seen.percentile(0.5):
        findings.append(
            f"the median was {1000 * before.seen.percentile(0.5):.0f} ms before and "
            f"{1000 * after.seen.percentile(0.5):.0f} ms after"
        )
    return findings + (["somebody was refused after the load"] if after.seen.refused else [])


async def disagreements(
    installation: Installation, database: Database, token: str, phases: Sequence[Phase]
) -> list[str]:
    """Whether everything accepted is there and is counted, once all is done."""
    deadline = time.monotonic() + 60
    left = (
        "SELECT (SELECT count(*) FROM job WHERE done_at IS NULL) + (SELECT count(*) FROM ticket_tally_change)"
    )
    while await scalar(database, left) and time.monotonic() < deadline:  # noqa: ASYNC110  # no event
        await asyncio.sleep(0.5)
    added = 300 + sum(phase.seen.added for phase in phases)
    there = await scalar(database, "SELECT count(*) FROM ticket")
    async with httpx.AsyncClient(
        base_url=installation.base, headers={"Authorization": f"Bearer {token}"}
    ) as http:
        told = (await http.get("/v1/tickets")).json()["pagination"]["total"]
    findings = [f"{what}: {count} wrong" for what, count in (await wrong(database)).items()]
    if not there == told == added:
        findings.append(f"{added} tickets were accepted, {there} are there, {told} are told")
    return findings


async def _all_done(database: Database) -> None:
    """Wait until the worker has nothing left to do, for a while."""
    deadline = time.monotonic() + DONE_WITHIN_S
    left = (
        "SELECT (SELECT count(*) FROM job WHERE done_at IS NULL) + (SELECT count(*) FROM ticket_tally_change)"
    )
    while await scalar(database, left) and time.monotonic() < deadline:  # noqa: ASYNC110  # no event
        await asyncio.sleep(0.5)


def table(outcomes: Sequence[Outcome]) -> Table:
    """What was seen, a row a phase."""
    names = ("phase", "clients", "accepted/s", "503", "429", "p50 ms", "p99 ms", "max ms", "MB")
    shown = Table(*names)
    for phase in (phase for each in outcomes for phase in each.phases):
        seen = phase.seen
        shown.add_row(
            phase.name,
            str(phase.clients),
            f"{seen.accepted / phase.seconds:,.0f}",
            f"{seen.refused[503]:,}",
            f"{seen.refused[429]:,}",
            *(f"{1000 * seen.percentile(part):,.0f}" for part in (0.5, 0.99, 1.0)),
            " ".join(f"{phase.third(number):.0f}" for number in range(3)),
        )
    return shown


@click.command(context_settings={"show_default": True, "help_option_names": ["-h", "--help"]})
@click.option("--engines", callback=listed, default=",".join(ENGINES))
@click.option("--seconds", type=click.IntRange(10), default=60, help="Of too much, on each engine.")
@click.option(
    "--clients", type=click.IntRange(1), default=400, help="Each asks again as soon as it is answered."
)
def main(engines: tuple[str, ...], seconds: int, clients: int) -> None:
    """Ask more of the server than it can do, and see that it stays itself."""
    with progress_bars() as report:
        outcomes = [asyncio.run(soak(engine, clients, seconds, report)) for engine in engines]
    Console().print(table(outcomes))
    findings = [f"{each.engine}: {finding}" for each in outcomes for finding in each.findings]
    for finding in findings:
        print(finding)
    sys.exit(bool(findings))


if __name__ == "__main__":
    main()

"""One run: every peer up on one copy of the helpdesk, seen to agree, then measured in turns."""

import contextlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from bench import agreement, helpdesks, load, peers, postgres
from bench.counting import sqlite_statements
from bench.helpdesks import Sample
from bench.load import Round
from bench.peers import Server
from bench.workloads import WRITES, requests

COUNTED: Final = 20
"""Requests by which statements are counted."""
Say = Callable[[str], None]


class Plan(msgspec.Struct, frozen=True):
    """What to measure and for how long."""

    engines: tuple[str, ...]
    sizes: tuple[int, ...]
    """Tickets."""
    workloads: tuple[str, ...]
    peers: tuple[str, ...]
    rounds: int
    seconds: int
    connections: int


class Figure(msgspec.Struct, frozen=True):
    """One workload of one peer: the medians of its rounds."""

    engine: str
    tickets: int
    workload: str
    peer: str
    median: Round
    statements: float | None
    """A request, BEGIN and COMMIT included."""
    bytes: int
    rounds: list[Round]


class Start(msgspec.Struct, frozen=True):
    """What a peer costs before anybody asks it anything."""

    engine: str
    tickets: int
    peer: str
    start_s: float
    idle_mb: float


class Results(msgspec.Struct):
    """All of a run. `left_out` says which peers did not take part, and why."""

    figures: list[Figure]
    starts: list[Start]
    left_out: list[str]


def measure(plan: Plan, say: Say) -> Results:
    """Run the plan. Raises Disagreement, LoadFailed, RuntimeError when a server does not start."""
    results = Results([], [], [])
    for engine in plan.engines:
        with contextlib.ExitStack() as stack:
            server = (
                stack.enter_context(postgres.running(helpdesks.DATA / "postgresql"))
                if engine == "postgresql"
                else None
            )
            for tickets in plan.sizes:
                _measure_one(plan, engine, tickets, server, results, say)
    return results


def _measure_one(
    plan: Plan, engine: str, tickets: int, database: postgres.Server | None, results: Results, say: Say
) -> None:
    url = database.url if database else None
    filled = helpdesks.filled(engine, tickets, url)
    with contextlib.ExitStack() as stack:
        sample = stack.enter_context(helpdesks.copied(filled, url))
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = []
        for peer in peers.PEERS:
            if peer.name not in plan.peers or not set(peer.workloads) & set(plan.workloads):
                continue
            if why := peers.missing(peer, engine):
                results.left_out.append(f"{engine}: {why}.")
                say(f"Left out: {why}.")
                continue
            server = stack.enter_context(peers.running(peer, sample, logs / peer.name))
            say(f"{engine}, {tickets:,} tickets: {peer.title} is up after {server.start_s:.1f} s")
            servers.append(server)
            results.starts.append(Start(engine, tickets, peer.name, server.start_s, server.idle_mb))
        reads = [each for each in plan.workloads if each not in WRITES]
        writes = [each for each in plan.workloads if each in WRITES]
        # everything is read before anything is written: until then all peers agree on what there is
        for workloads in filter(None, (reads, writes)):
            counts = _all_statements(workloads, sample, servers, say)
            for workload in workloads:
                ask = [server for server in servers if workload in server.peer.workloads]
                results.figures += _measure_workload(plan, workload, sample, ask, database, counts, say)


def _all_statements(
    workloads: Sequence[str], sample: Sample, servers: Sequence[Server], say: Say
) -> dict[tuple[str, str], float | None]:
    """The statements of a request by peer and workload, counted before there is any load to count along."""
    say("Counting statements ...")
    counts: dict[tuple[str, str], float | None] = {}
    for server in servers:
        name, known = server.peer.name, [each for each in workloads if each in server.peer.workloads]
        if sample.engine == "sqlite":
            found = sqlite_statements(server.peer, sample, known)
            counts |= {(name, workload): found[workload] for workload in known}
        else:
            counts |= {(name, workload): _statements(workload, sample, server) for workload in known}
    return counts


def _measure_workload(
    plan: Plan,
    workload: str,
    sample: Sample,
    servers: Sequence[Server],
    database: postgres.Server | None,
    statements: Mapping[tuple[str, str], float | None],
    say: Say,
) -> list[Figure]:
    """The figures of one workload, its peers taking turns."""
    sizes = agreement.check(workload, sample, servers)
    seen: dict[str, list[Round]] = {each.peer.name: [] for each in servers}
    lengths = dict.fromkeys(seen, plan.seconds)
    working = [each.pid for each in servers] + ([database.pid] if database and database.pid else [])
    for turn in range(plan.rounds):
        # each is the first as often as any other
        for server in [*servers[turn % len(servers) :], *servers[: turn % len(servers)]]:
            name = server.peer.name
            found, lengths[name] = load.long_enough(
                server,
                requests(workload, server.peer.dialect(workload), sample),
                seconds=lengths[name],
                connections=plan.connections,
                database_pid=database.pid if database else None,
                working=working,
            )
            seen[name].append(found)
    figures = []
    for name, rounds in seen.items():
        middle = load.middle(rounds)
        figures.append(
            Figure(
                sample.engine,
                sample.tickets,
                workload,
                name,
                middle,
                statements[name, workload],
                sizes[name],
                rounds,
            )
        )
        say(f"  {workload:15} {name:13} {middle.requests_per_s:8.0f}/s  {middle.cpu_ms:7.2f} ms CPU")
    return figures


def _statements(workload: str, sample: Sample, server: Server) -> float | None:
    """Statements a request, asked one after the other by one client."""
    asked = requests(workload, server.peer.dialect(workload), sample)
    count = postgres.StatementCount(sample.address)
    agreement.answer(server, asked[0])  # the first one opens connections
    before = count.so_far()
    for place in range(COUNTED):
        agreement.answer(server, asked[place % len(asked)])
    after = count.so_far()
    return None if before is None or after is None else (after - before) / COUNTED

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
from bench.peers import OURS, Server
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
    """All of a run. `left_out` says which peers did not take part, and why.

    `growth` are figures of Answer alone, helpdesks of all sizes in turns: what a size costs beside another is not to
    depend on who else used the machine a quarter of an hour later.
    """

    figures: list[Figure]
    starts: list[Start]
    left_out: list[str]
    growth: list[Figure] = msgspec.field(default_factory=list)


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
            url = server.url if server else None
            filled = [helpdesks.filled(engine, tickets, url) for tickets in plan.sizes]
            samples = [stack.enter_context(helpdesks.copied(each, url)) for each in filled]
            for sample in samples:
                _measure_one(plan, sample, server, results, say)
            if len(samples) > 1 and OURS in plan.peers:
                results.growth += _measure_growth(plan, samples, server, say)
    return results


def _measure_one(
    plan: Plan, sample: Sample, database: postgres.Server | None, results: Results, say: Say
) -> None:
    engine, tickets = sample.engine, sample.tickets
    with contextlib.ExitStack() as stack:
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
    rounds_of = _in_turns(plan, workload, [(server, sample) for server in servers], database)
    figures = []
    for server, rounds in zip(servers, rounds_of, strict=True):
        name = server.peer.name
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


def _measure_growth(
    plan: Plan, samples: Sequence[Sample], database: postgres.Server | None, say: Say
) -> list[Figure]:
    """The figures of Answer for every workload, the sizes taking turns."""
    [ours] = [each for each in peers.PEERS if each.name == OURS]
    figures = []
    say("Growth, all sizes in turns ...")
    with contextlib.ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = [
            (stack.enter_context(peers.running(ours, sample, logs / str(sample.tickets))), sample)
            for sample in samples
        ]
        for workload in plan.workloads:
            for (server, sample), rounds in zip(
                servers, _in_turns(plan, workload, servers, database), strict=True
            ):
                size = len(
                    agreement.answer(server, requests(workload, ours.dialect(workload), sample)[0]).content
                )
                middle = load.middle(rounds)
                figures.append(
                    Figure(sample.engine, sample.tickets, workload, OURS, middle, None, size, rounds)
                )
                say(f"  {workload:15} {sample.tickets:9,} {middle.cpu_ms:7.2f} ms CPU")
    return figures


def _in_turns(
    plan: Plan, workload: str, asked: Sequence[tuple[Server, Sample]], database: postgres.Server | None
) -> list[list[Round]]:
    """The rounds of each server, each being the first as often as any other."""
    seen: list[list[Round]] = [[] for _ in asked]
    lengths = [plan.seconds for _ in asked]
    working = [server.pid for server, _ in asked] + ([database.pid] if database and database.pid else [])
    for turn in range(plan.rounds):
        for step in range(len(asked)):
            place = (turn + step) % len(asked)
            server, sample = asked[place]
            found, lengths[place] = load.long_enough(
                server,
                requests(workload, server.peer.dialect(workload), sample),
                seconds=lengths[place],
                connections=plan.connections,
                database_pid=database.pid if database else None,
                working=working,
            )
            seen[place].append(found)
    return seen


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

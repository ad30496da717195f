"""The results as a Markdown table, with the machine they were measured on."""

import os
import platform
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from bench.load import Round
from bench.peers import LIMIT, OURS, PEERS
from bench.run import Figure, Plan, Results
from bench.workloads import GRAPH

ENGINE_NAMES: Final = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}
TITLES: Final = {peer.name: peer.title for peer in PEERS}
COMPARED: Final = ("stock", "postgraphile", LIMIT)
"""Whom the short table and the goals compare Answer with."""
COLUMNS: Final = (
    "workload",
    "peer",
    "requests/s",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "CPU ms",
    "database CPU ms",
    "statements",
    "bytes",
    "Answer's requests/s to it",
    "Answer's per CPU s to it",
)


class Machine(msgspec.Struct, frozen=True):
    """Where a run took place."""

    processor: str
    cores: int
    memory_gb: float
    system: str
    python: str
    load: float
    """The load average when the run began: what others were doing."""


def machine() -> Machine:
    """This one."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return Machine(
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)),
        memory_gb=round(memory, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        load=round(os.getloadavg()[0], 1),
    )


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def revision() -> str:
    """The commit that was measured; empty where git cannot say."""
    said = subprocess.run(
        ["git", "-c", "safe.directory=*", "describe", "--always", "--dirty"], capture_output=True, text=True
    )
    return said.stdout.strip()


def markdown(plan: Plan, results: Results, where: Machine, commit: str) -> str:
    """The whole report."""
    parts = ["# What `make bench` printed\n", _machine(where, commit), _method(plan), short(results)]
    for engine in plan.engines:
        for tickets in plan.sizes:
            found = [each for each in results.figures if (each.engine, each.tickets) == (engine, tickets)]
            parts += [f"## {ENGINE_NAMES[engine]}, {tickets:,} tickets\n", _figures(found)]
            parts.append(_starts(results, engine, tickets))
    if results.growth:
        parts.append(_growth(results))
    parts.append(goals_table(results))
    if results.left_out:
        parts.append("Left out: " + " ".join(dict.fromkeys(results.left_out)) + "\n")
    return "\n".join(parts)


def _machine(where: Machine, commit: str) -> str:
    return (
        f"{where.cores} cores of {where.processor}, {where.memory_gb:g} GB, {where.system}, Python {where.python}; "
        f"commit {commit or 'unknown'}; load average {where.load:g} when it began.\n"
    )


def _method(plan: Plan) -> str:
    return (
        f"Medians of {plan.rounds} rounds of {plan.seconds} s, peers in turns; one server process each, "
        f"{plan.connections} connections. Ratios mean something, figures alone only on this machine.\n"
    )


def short(results: Results) -> str:
    """What Answer reached on the smallest helpdesk, and what became of it on the largest: the README's table."""
    heads = ["database", "workload", "requests/s", "statements"]
    heads += (f"to {'the ' * (name == 'stock')}{TITLES[name]}" for name in COMPARED)
    sizes = sorted({each.tickets for each in results.figures})
    mine = [
        (ours, of)
        for (_, tickets), of in _by_database(results).items()
        for (_, peer), ours in of.items()
        if peer == OURS and tickets == sizes[0]
    ]
    lines = [_short_line(ours, of) for ours, of in mine]
    if results.growth:
        heads.append(f"at {sizes[-1]:,} tickets, times the processor time")
        grown = {
            (engine, name): f"{times:.2f}"
            for engine, name, size, times in _costs(results)
            if size == sizes[-1]
        }
        for line, (ours, _) in zip(lines, mine, strict=True):
            line.append(grown.get((ours.engine, ours.workload), ""))
    return table(heads, lines)


def _short_line(ours: Figure, of: Mapping[tuple[str, str], Figure]) -> list[str]:
    rate = ours.median.requests_per_s
    line = [
        ENGINE_NAMES[ours.engine],
        f"`{ours.workload}`",
        f"{rate:,.0f}",
        "-" if ours.statements is None else f"{ours.statements:.3g}",
    ]
    for peer in COMPARED:
        theirs = of.get((ours.workload, peer))
        line.append("" if theirs is None else f"{rate / theirs.median.requests_per_s:.2f}")
    return line


def _figures(figures: list[Figure]) -> str:
    ours = {each.workload: each for each in figures if each.peer == OURS}
    return table(COLUMNS, (_line(each, ours.get(each.workload)) for each in figures))


def _line(each: Figure, ours: Figure | None) -> list[str]:
    found = each.median
    ratios = ["", ""]
    if ours is not None and ours is not each:
        ratios = [
            f"{ours.median.requests_per_s / found.requests_per_s:.2f}",
            f"{found.cpu_ms / ours.median.cpu_ms:.2f}" if ours.median.cpu_ms else "",
        ]
    return [
        each.workload,
        TITLES[each.peer],
        f"{found.requests_per_s:,.0f}",
        *(f"{value:.1f}" for value in (found.p50_ms, found.p95_ms, found.p99_ms)),
        f"{found.cpu_ms:.2f}",
        "-" if found.database_cpu_ms is None else f"{found.database_cpu_ms:.2f}",
        "-" if each.statements is None else f"{each.statements:.3g}",
        f"{each.bytes:,}",
        *ratios,
    ]


def _starts(results: Results, engine: str, tickets: int) -> str:
    lines = [
        [TITLES[each.peer], f"{each.start_s:.1f}", f"{each.idle_mb:.0f}"]
        for each in results.starts
        if (each.engine, each.tickets) == (engine, tickets)
    ]
    return table(("peer", "start to first answer, s", "idle worker, MB"), lines)


def _growth(results: Results) -> str:
    """How many times as much processor time a request takes as at the smallest size, the database's with it."""
    smallest = min(each.tickets for each in results.growth)
    lines = [
        [ENGINE_NAMES[engine], workload, f"{tickets:,}", f"{times:.2f}"]
        for engine, workload, tickets, times in _costs(results)
    ]
    heads = ("engine", "workload", "tickets", "processor time, times")
    return f"## Growth of Answer, from {smallest:,} tickets, all sizes in turns\n\n" + table(heads, lines)


def _costs(results: Results) -> list[tuple[str, str, int, float]]:
    """By engine, workload and tickets: processor time of a request, times that of the same at the smallest size.

    It is the median over the rounds, in each of which the sizes follow one another.
    """
    smallest = min((each.tickets for each in results.growth), default=0)
    first = {(each.engine, each.workload): each for each in results.growth if each.tickets == smallest}
    found = []
    for each in results.growth:
        if each.tickets != smallest:
            pairs = zip(each.rounds, first[each.engine, each.workload].rounds, strict=True)
            times = median(_cost(later) / _cost(before) for later, before in pairs)
            found.append((each.engine, each.workload, each.tickets, times))
    return found


def _cost(each: Round) -> float:
    return each.cpu_ms + (each.database_cpu_ms or 0)


def table(heads: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """A table in Markdown; all but the first columns of words stand to the right."""
    heads = list(heads)
    rows = [list(line) for line in lines]
    rule = ["---" if any(_is_word(row[place]) for row in rows) else "---:" for place in range(len(heads))]
    return "".join(f"| {' | '.join(row)} |\n" for row in (heads, rule, *rows))


def _is_word(text: str) -> bool:
    return text[:1].isalpha()


def goals(results: Results) -> list[tuple[str, float, float]]:
    """The goals that ratios of this run can be held against: what, what was reached, what is wanted."""
    found = []
    for (engine, tickets), of in _by_database(results).items():
        place = f"{ENGINE_NAMES[engine]}, {tickets:,}"
        for workload in (*GRAPH, "rest_list", "rest_detail"):
            for peer, least in (("stock", 10.0), ("postgraphile", 1.2), (LIMIT, 0.6)):
                ours, theirs = of.get((workload, OURS)), of.get((workload, peer))
                if ours and theirs:
                    ratio = ours.median.requests_per_s / theirs.median.requests_per_s
                    found.append((f"{place}: {workload} to {TITLES[peer]}", ratio, least))
    return found


def _by_database(results: Results) -> Mapping[tuple[str, int], dict[tuple[str, str], Figure]]:
    found: dict[tuple[str, int], dict[tuple[str, str], Figure]] = {}
    for each in results.figures:
        found.setdefault((each.engine, each.tickets), {})[each.workload, each.peer] = each
    return found


def goals_table(results: Results) -> str:
    """The goals beside what was reached."""
    lines = [
        [what, f"{reached:.2f}", f"{wanted:g}", "yes" if reached >= wanted else "no"]
        for what, reached, wanted in goals(results)
    ]
    return "## Goals\n\n" + table(("requests/s of Answer", "reached", "wanted", "met"), lines)


def as_json(plan: Plan, results: Results, where: Machine, commit: str) -> bytes:
    """Everything, every round too."""
    body = {"commit": commit, "machine": where, "plan": plan, "results": results}
    return msgspec.json.format(msgspec.json.encode(body), indent=1)

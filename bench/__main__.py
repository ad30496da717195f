"""`python -m bench`: what `make bench` and `make bench-quick` run."""

import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import click

from bench import chart, load, report
from bench.agreement import Disagreement
from bench.helpdesks import ENGINES, ROOT
from bench.peers import PEERS
from bench.run import Plan, measure
from bench.workloads import NAMES

RESULTS = ROOT / "bench" / "results"
LEFT_OUT_WHEN_QUICK = ("answer-core", "stock-caches")


def _listed(known: tuple[str, ...]) -> Callable[..., tuple[str, ...]]:
    def read(_ctx: Any, _parameter: Any, value: str | None) -> tuple[str, ...]:
        chosen = value.split(",") if value else []
        if strange := [each for each in chosen if each not in known]:
            raise click.BadParameter(f"{', '.join(strange)}; there are {', '.join(known)}")
        return tuple(each for each in known if each in chosen)

    return read


@click.command(context_settings={"show_default": True, "help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help="Short rounds and fewer peers: two or three minutes.")
@click.option("--engines", callback=_listed(ENGINES), default=",".join(ENGINES))
@click.option("--tickets", default="10000", help="One size or several: 10000,100000,1000000.")
@click.option("--workloads", callback=_listed(NAMES), help=f"Some of {','.join(NAMES)}; all when absent.")
@click.option("--peers", callback=_listed(tuple(each.name for each in PEERS)), help="Some; all when absent.")
@click.option("--rounds", type=click.IntRange(1), help="Of each peer, in turns.  [5; quick: 3]")
@click.option("--seconds", type=click.IntRange(1), help="Of a round.  [5; quick: 1]")
@click.option("--connections", type=click.IntRange(1), default=32)
@click.option("--name", help="Of the files in bench/results.  [full; quick: quick]")
def main(
    quick: bool,
    engines: tuple[str, ...],
    tickets: str,
    workloads: tuple[str, ...],
    peers: tuple[str, ...],
    rounds: int | None,
    seconds: int | None,
    connections: int,
    name: str | None,
) -> None:
    """Measure Answer beside its peers (bench/README.md)."""
    if not load.is_installed():
        raise click.ClickException(load.MISSING)
    everybody = tuple(each.name for each in PEERS if not quick or each.name not in LEFT_OUT_WHEN_QUICK)
    plan = Plan(
        engines=engines,
        sizes=tuple(int(each) for each in tickets.split(",")),
        workloads=workloads or NAMES,
        peers=peers or everybody,
        rounds=rounds or (3 if quick else 5),
        seconds=seconds or (1 if quick else 5),
        connections=connections,
    )
    where, commit = report.machine(), report.revision()
    try:
        results = measure(plan, lambda text: print(text, flush=True))
    except (Disagreement, load.LoadFailed, RuntimeError) as error:
        raise click.ClickException(str(error)) from None
    RESULTS.mkdir(exist_ok=True)
    file = name or ("quick" if quick else "full")
    text = report.markdown(plan, results, where, commit)
    (RESULTS / f"{file}.md").write_text(text)
    (RESULTS / f"{file}.json").write_bytes(report.as_json(plan, results, where, commit))
    (RESULTS / f"{file}.svg").write_text(chart.svg(results.figures))
    print(f"\n{text}\nbench/results/{file}.md, .json and .svg have it.")


def _stop(_number: int, _frame: FrameType | None) -> None:
    """End as an interrupt does, so that every server that was started is stopped."""
    sys.exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _stop)
    main()

"""`python -m tests.audits`: what `make audit` runs. Exits 1 for anything that nobody expected."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Final

import click

from tests.audits import clients, findings
from tests.audits.faults import served_behind_faults
from tests.audits.helpdesk import ROOT, Audited, Helpdesk, filled, served
from tests.audits.suites import SUITES, Suite

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_RUN_S: Final = 1200


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--fast", is_flag=True, help="Those that take seconds.")
@click.option("--slow", is_flag=True, help="Also those that wait for minutes.")
@click.option("--install", "only_install", is_flag=True, help="Nothing but install what they need.")
@click.option("--only", help=f"Some of: {', '.join(each.name for each in SUITES)}.")
def main(fast: bool, slow: bool, only_install: bool, only: str | None) -> None:
    """Point suites that nobody here wrote at a running Answer (tests/audits/README.md)."""
    chosen = _chosen(fast, slow, only)
    clients.install()
    if only_install:
        return
    found: dict[str, findings.Findings] = {}
    with tempfile.TemporaryDirectory() as scratch:
        helpdesk = filled(Path(scratch) / "helpdesk")
        for number, suite in enumerate(chosen, 1):
            click.echo(f"[{number}/{len(chosen)}] {suite.name}")
            found[suite.name] = _audited(suite, helpdesk, Path(scratch) / str(number))
    click.echo(f"\n{findings.table(found)}")
    wrong = [f"{name}: {each}" for name, one in found.items() for each in one.unexpected]
    click.echo("\n" + ("\n".join(wrong) or "Nothing unexpected."))
    sys.exit(bool(wrong))


def _chosen(fast: bool, slow: bool, only: str | None) -> list[Suite]:
    if only:
        names = only.split(",")
        if strange := set(names) - {each.name for each in SUITES}:
            raise click.BadParameter(f"there is no {', '.join(strange)}")
        return [each for each in SUITES if each.name in names]
    return [each for each in SUITES if (each.is_fast or not fast) and (slow or not each.is_slow)]


def _audited(suite: Suite, helpdesk: Helpdesk, folder: Path) -> findings.Findings:
    began = time.monotonic()
    if suite.has_faults:
        with served_behind_faults(folder) as (server, control):
            found = findings.read(_lines(suite, server, control), suite.expected)
    else:
        with served(helpdesk, folder, suite.settings) as server:
            found = findings.read(_lines(suite, server), suite.expected)
    click.echo(f"      {found.passed} passed, {found.failed} failed, {time.monotonic() - began:.0f} s")
    return found


def _lines(suite: Suite, server: Audited, control: str = "") -> Iterator[str]:
    """The runner's lines as they come; what is not well is shown at once."""
    sdl = str(ROOT / "schema.graphql")
    stands_for = {"BASE": server.base, "TOKEN": server.token, "SDL": sdl, "CONTROL": control}
    command = [*clients.command(suite.runner), *(stands_for.get(each, each) for each in suite.arguments)]
    process = subprocess.Popen(
        command,
        cwd=clients.RUNNERS,
        env=os.environ | {"PYBIN": str(clients.VENV / "bin"), "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # a shell script's own children end with it
    )
    too_long = Timer(LONGEST_RUN_S, os.killpg, (process.pid, signal.SIGKILL))
    too_long.start()
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if not line.startswith(("ok ", "skip ")) and not findings.TOTAL.match(line):
                click.echo(f"      {line.rstrip()[:300]}")
            yield line.rstrip("\n")
    finally:
        too_long.cancel()
        process.wait()


main()

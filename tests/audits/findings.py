"""What a runner found: its lines, held against what is known to be missing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CASE: Final = re.compile(r"^(?P<mark>ok|FAIL) +(?P<name>.*?)(?:  -- .*)?$")
TOTAL: Final = re.compile(r"^(\d+) passed, (\d+) failed(?:, \d+ skipped)?$")


class Findings(NamedTuple):
    """Of one suite."""

    passed: int
    failed: int
    """The expected failures included."""
    expected: dict[str, str]
    """The cases that failed as expected, each with the reason."""
    unexpected: list[str]
    """Why the audit fails; empty when all is well."""


def read(lines: Iterable[str], expected: Mapping[str, str]) -> Findings:
    """What the output of a runner says."""
    passed: list[str] = []
    failed: list[str] = []
    total = None
    for line in lines:
        if case := CASE.match(line):
            (passed if case["mark"] == "ok" else failed).append(case["name"])
        elif match := TOTAL.match(line):
            total = (int(match[1]), int(match[2]))
    unexpected = [f"failed: {name}" for name in failed if name not in expected]
    unexpected += [
        f"no longer fails, take it off the list: {name}" for name in expected if name not in failed
    ]
    if total != (len(passed), len(failed)):
        unexpected.append(f"it ended with {total}, and showed {len(passed)} passed and {len(failed)} failed")
    if not passed:
        unexpected.append("nothing passed")
    known = {name: reason for name, reason in expected.items() if name in failed}
    return Findings(len(passed), len(failed), known, unexpected)


def table(found: Mapping[str, Findings]) -> str:
    """One line a suite, in the order of the runs."""
    rows = [("suite", "passed", "failed", "expected failures")]
    rows += [(name, str(each.passed), str(each.failed), _known(each)) for name, each in found.items()]
    rows.append(
        (
            "all",
            str(sum(each.passed for each in found.values())),
            str(sum(each.failed for each in found.values())),
            "",
        )
    )
    width = max(len(row[0]) for row in rows)
    lines = [
        f"{name:{width}}  {passed:>6}  {failed:>6}  {known}".rstrip() for name, passed, failed, known in rows
    ]
    return "\n".join((lines[0], "-" * len(lines[0]), *lines[1:]))


def _known(findings: Findings) -> str:
    reasons = list(dict.fromkeys(findings.expected.values()))
    counts = [sum(each == reason for each in findings.expected.values()) for reason in reasons]
    return "; ".join(f"{count}: {reason}" for count, reason in zip(counts, reasons, strict=True))

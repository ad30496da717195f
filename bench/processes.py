"""What Linux counts of a process and its descendants: processor time and memory, read from /proc."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
PROC: Final = Path("/proc")


def cpu_s(root: int) -> float:
    """Seconds of processor time that the process and its descendants have used, those that have ended included."""
    return sum(sum(_times(pid)) for pid in tree(root)) / TICKS_A_SECOND


def largest_mb(root: int) -> float:
    """Resident megabytes of the largest process of the tree: of a server with one worker, the worker."""
    return max((_resident_kb(pid) for pid in tree(root)), default=0) / 1024


def tree(root: int) -> Iterator[int]:
    """The process and all its descendants that are there now."""
    yield root
    for task in (PROC / str(root) / "task").glob("*/children"):
        try:
            children = task.read_text().split()
        except OSError:  # it ended while we looked
            continue
        for child in children:
            yield from tree(int(child))


def _times(pid: int) -> list[int]:
    """Ticks in user and system mode, its own and of children that have ended (proc(5), fields 14 to 17 of stat)."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return [0]
    return [int(field) for field in text.rpartition(") ")[2].split()[11:15]]


def _resident_kb(pid: int) -> int:
    try:
        lines = (PROC / str(pid) / "status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)

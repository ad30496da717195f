"""The files of the repository, as the structure tests read them."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gateway", "schema", "rest_compat", "resolvers", "db")


def repository_files() -> list[Path]:
    """Every text file that is committed, or would be by `git add .`. Skips the test where git cannot say."""
    # safe.directory: a checkout may belong to another user than the one who runs the tests
    command = [
        "git",
        "-c",
        "safe.directory=*",
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [path for name in listed.decode().split("\0") if name and _is_text(path := ROOT / name)]


def modules(*packages: str) -> Iterator[tuple[str, ast.Module]]:
    """The parsed Python files of these packages, each with its path from the top of the repository."""
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def _is_text(path: Path) -> bool:
    return path.is_file() and b"\0" not in path.read_bytes()[:8192]

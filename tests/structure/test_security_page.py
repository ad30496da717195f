"""docs/security.md claims what tests hold: each one that it names is there, and every threat names one."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import Final

from tests.structure.sources import ROOT

PAGE: Final = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED: Final = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
THREATS: Final = "| what could happen | how it is held | test |"


def test_every_named_test_is_there() -> None:
    named = NAMED.findall(PAGE)
    assert len(named) > 40
    missing = [f"{path}::{name}" for path, name in named if name not in functions_of(path)]
    assert not missing, f"docs/security.md names {missing}: name the test that holds it now."


def test_every_threat_names_a_test() -> None:
    bare = [row for row in threats() if not NAMED.search(row.rsplit("|", 2)[1])]
    assert threats()
    assert not bare, f"What holds {bare}? Name the test in docs/security.md."


def test_the_way_to_report_leads_there() -> None:
    assert "(docs/security.md)" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")


@cache
def functions_of(path: str) -> frozenset[str]:
    """The names of the test functions of a file below tests/; none when there is no such file."""
    file = ROOT / "tests" / path
    if not file.is_file():
        return frozenset()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, functions))


def threats() -> list[str]:
    """The rows of the tables of threats."""
    tables = [part.split("\n\n")[0] for part in PAGE.split(f"{THREATS}\n|---|---|---|\n")[1:]]
    return [row for table in tables for row in table.splitlines()]

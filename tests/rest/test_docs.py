"""docs/rest.md has a row for every call and every error code, and the tests it names are there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from rest_compat.errors import KINDS
from rest_compat.routes import ENDPOINTS

ROOT: Final = Path(__file__).resolve().parents[2]
TEXT: Final = (ROOT / "docs" / "rest.md").read_text(encoding="utf-8")
ROWS: Final = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("| `")
]


def test_every_call_has_a_row() -> None:
    calls = [row[0].strip("`") for row in ROWS if "/" in row[0]]
    assert calls == [f"{each.method} {each.path}" for each in ENDPOINTS]


def test_every_graph_twin_is_in_the_graph() -> None:
    sdl = (ROOT / "schema.graphql").read_text(encoding="utf-8")
    twins = {name for row in ROWS if "/" in row[0] for name in re.findall(r"`(\w+)", row[1])}
    assert {name for name in twins if not re.search(rf"^  {name}\b", sdl, re.MULTILINE)} == set()


def test_every_test_is_there() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "rest").glob("test_*.py"))
    named = {name for row in ROWS if "/" in row[0] for name in re.findall(r"`(test_\w+)`", row[2])}
    assert {name for name in named if f"def {name}(" not in tests} == set()
    assert all("`test_" in row[2] for row in ROWS if "/" in row[0])


def test_every_error_code_has_a_row() -> None:
    codes = {(row[0].strip("`"), row[1]) for row in ROWS if "/" not in row[0] and row[0].strip("`").isupper()}
    assert codes == {(kind.code, str(status)) for status, kind in KINDS.items()}

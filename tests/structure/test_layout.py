"""Rules of the house that no linter knows: each failure says what to do instead."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.structure.sources import PACKAGES, ROOT, modules

READS_THE_ENVIRONMENT = {"environ", "environb", "getenv", "getenvb", "pydantic_settings", "dotenv"}
READS_THE_CLOCK = {"now", "utcnow", "today"}
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "service", "base", "misc"}


def test_only_gateway_reads_the_environment() -> None:
    inner = [name for name in PACKAGES if name != "gateway"]
    found = [f"{path}:{line}" for path, tree in modules(*inner) for line in environment_reads(tree)]
    assert not found, (
        f"{found} read the environment. Add a setting to gateway/settings.py and hand its value down."
    )


def test_the_clock_is_read_in_one_place() -> None:
    found = [f"{path}:{line}" for path, tree in modules(*PACKAGES) for line in clock_reads(tree)]
    allowed = [place for place in found if place.startswith(("resolvers/context.py:", "gateway/"))]
    assert found == allowed, (
        f"{found} ask the machine for the time. Use the clock of the context: tests set it."
    )
    assert len(found) <= 1, (
        f"{found} ask the machine for the time. Keep one and hand its clock to the others."
    )


def test_names_say_something() -> None:
    found = [path for path, _ in modules(*PACKAGES) if SAYS_NOTHING & {*path.removesuffix(".py").split("/")}]
    assert not found, (
        f"{found}: name a file after what it is about, a word of the helpdesk or of the protocol."
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_the_folder_is_the_package_that_is_imported(package: str) -> None:
    module = __import__(package)
    assert module.__path__[0] == str(ROOT / package), "A published package of this name is first on the path."


def environment_reads(tree: ast.Module) -> Iterator[int]:
    """The lines that read environment variables, or import what reads them."""
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr=name) if name in READS_THE_ENVIRONMENT:
                yield node.lineno
            case ast.Import(names=names) if READS_THE_ENVIRONMENT & {top(alias.name) for alias in names}:
                yield node.lineno
            case ast.ImportFrom(module=str(module), names=names):
                if READS_THE_ENVIRONMENT & {top(module), *(alias.name for alias in names if module == "os")}:
                    yield node.lineno


def clock_reads(tree: ast.Module) -> Iterator[int]:
    """The lines that name the wall clock (`datetime.now`, `date.today`, `time.time`), called or handed on."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        owner = ast.unparse(node.value).rsplit(".", 1)[-1]
        if (owner in {"datetime", "date"} and node.attr in READS_THE_CLOCK) or ast.unparse(
            node
        ) == "time.time":
            yield node.lineno


def top(module: str) -> str:
    return module.partition(".")[0]


@pytest.mark.parametrize(
    "line",
    [
        "import os\nos.environ['A']",
        "import os\nos.getenv('A')",
        "from os import environ",
        "from os import path, getenv",
        "import pydantic_settings.main",
        "from pydantic_settings import BaseSettings",
    ],
)
def test_a_read_of_the_environment_is_found(line: str) -> None:
    assert list(environment_reads(ast.parse(line)))


@pytest.mark.parametrize(
    "line",
    [
        "datetime.now(UTC)",
        "dt.datetime.now(dt.UTC)",
        "datetime.datetime.utcnow()",
        "date.today()",
        "clock = datetime.now",
        "time.time()",
    ],
)
def test_a_read_of_the_clock_is_found(line: str) -> None:
    assert list(clock_reads(ast.parse(line)))


@pytest.mark.parametrize("line", ["ctx.now()", "clock.now()", "time.monotonic()", "from os import path"])
def test_nothing_else_is(line: str) -> None:
    tree = ast.parse(line)
    assert not [*clock_reads(tree), *environment_reads(tree)]

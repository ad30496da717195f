"""What is committed must mean the same on every machine: no paths of one, no addresses of a registry."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.structure.sources import ROOT, repository_files

LOCKS = (
    "requirements.lock",
    "requirements-dev.lock",
    "frontend/package-lock.json",
    "bench/postgraphile/package-lock.json",
)
# Put together here, so that this file passes its own test.
OUTSIDE = re.compile(r"\.\./(shared|\.library)\b")
ONE_MACHINE = re.compile(r"(?<![\w.])/(tmp|work|root|home/[a-z]+|Users/[A-Za-z]+)/[\w.-]+")
REGISTRY = re.compile(
    r"\b(pypi|pythonhosted|npmjs|yarnpkg|crates|rubygems|jsdelivr|unpkg)\.(org|com|io|net)\b"
)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address(lock: str) -> None:
    found = [line for line in (ROOT / lock).read_text().splitlines() if "://" in line]
    assert not found, f"{lock}: {found[:3]}. Lock again (CONTRIBUTING.md): people use mirrors."


def test_every_dependency_is_locked_with_its_hashes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {name_of(line) for line in project["project"]["dependencies"]}
    assert wanted <= locked("requirements.lock"), "Run `make lock`."
    groups = {name_of(line) for group in project["dependency-groups"].values() for line in group}
    assert wanted | groups <= locked("requirements-dev.lock"), "Run `make lock`."


def test_no_file_leads_out_of_the_repository() -> None:
    assert not (found := matches(OUTSIDE)), f"{found}: copy what is needed into the repository."


def test_no_file_names_a_path_of_one_machine() -> None:
    assert not (found := matches(ONE_MACHINE)), f"{found}: use a temporary folder, or a path from the top."


def test_no_file_names_a_registry() -> None:
    assert not (found := matches(REGISTRY)), f"{found}: name the package; where it comes from is local."


def test_every_documented_make_command_is_there() -> None:
    told = {
        target
        for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
        for target in re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8"))
    }
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert told <= targets, f"The Makefile has no {sorted(told - targets)}."


def matches(pattern: re.Pattern[str]) -> list[str]:
    """`file:line: text` of each place, lock files aside: they have a test of their own."""
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in repository_files()
        if path.relative_to(ROOT).as_posix() not in LOCKS
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]


def name_of(requirement: str) -> str:
    """`sqlalchemy[asyncio]>=2.1` is `sqlalchemy`."""
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower()


def locked(lock: str) -> set[str]:
    """The packages of a lock file that come with at least one hash."""
    return set(re.findall(r"^([\w.-]+)==[^\n]*\\\n +--hash=sha256:", (ROOT / lock).read_text(), re.MULTILINE))


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (OUTSIDE, "see .." + "/shared/notes.md"),
        (ONE_MACHINE, 'Path("' + "/t" + 'mp/answer")'),
        (ONE_MACHINE, "cd " + "/home/ann" + "/answer"),
        (REGISTRY, "https://" + "registry.npmjs" + ".org/x"),
    ],
)
def test_what_must_not_be_there_would_be_found(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(text)

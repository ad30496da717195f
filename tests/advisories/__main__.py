"""`python -m tests.advisories FOLDER`: holds the locks against a folder of advisories; what `make advisories` runs.

The folder has advisories as OSV writes them, one JSON file each, in folders or zip files, as its exports for the
ecosystems `PyPI` and `npm` come. Nothing is asked of anybody.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ROOT: Final = Path(__file__).resolve().parents[2]
PYTHON_LOCKS: Final = ("requirements.lock", "requirements-dev.lock")
NPM_LOCK: Final = "frontend/package-lock.json"
OLD_AFTER: Final = dt.timedelta(days=30)
_PIN: Final = re.compile(r"^([\w.-]+)==([^\s;\\]+)", re.MULTILINE)


class Package(NamedTuple):
    """One that is locked."""

    ecosystem: str
    name: str
    version: str


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
def main(folder: Path) -> None:
    """Hold requirements.lock, requirements-dev.lock and frontend/package-lock.json against the advisories in FOLDER."""
    advisories = list(read(folder))
    if not advisories:
        raise click.ClickException(
            f"{folder} holds no advisory: give the folder with OSV's files for PyPI and npm"
        )
    packages = locked(ROOT)
    found = sorted(
        f"{package.name} {package.version}: {told}" for package, told in matches(packages, advisories)
    )
    newest = max(str(each.get("modified", "")) for each in advisories)[:10]
    click.echo(f"{len(packages)} packages, {len(advisories)} advisories, the newest of {newest}.")
    if newest < (dt.datetime.now(dt.UTC) - OLD_AFTER).date().isoformat():
        click.echo("That is old: what became known since is not in it.")
    click.echo("\n".join(found) or "None of them is about what is locked.")
    sys.exit(bool(found))


def locked(root: Path) -> set[Package]:
    """Every package that the locks name."""
    python = {
        Package("PyPI", canonicalize_name(name), version)
        for lock in PYTHON_LOCKS
        for name, version in _PIN.findall((root / lock).read_text(encoding="utf-8"))
    }
    packages = json.loads((root / NPM_LOCK).read_text(encoding="utf-8"))["packages"]
    npm = {
        Package("npm", each.get("name") or place.rpartition("node_modules/")[2], each["version"])
        for place, each in packages.items()
        if place and "version" in each
    }
    return python | npm


def read(folder: Path) -> Iterator[dict[str, Any]]:
    """The advisories in the folder, those of zip files too; withdrawn ones are left out."""
    for text in _texts(folder):
        advisory = json.loads(text)
        if isinstance(advisory, dict) and "affected" in advisory and "withdrawn" not in advisory:
            yield advisory


def _texts(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.rglob("*.json")):
        yield path.read_bytes()
    for path in sorted(folder.rglob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            yield from (archive.read(name) for name in archive.namelist() if name.endswith(".json"))


def matches(
    packages: Iterable[Package], advisories: Iterable[Mapping[str, Any]]
) -> Iterator[tuple[Package, str]]:
    """Each package with what an advisory says of its version."""
    by_name: dict[tuple[str, str], list[Package]] = {}
    for package in packages:
        by_name.setdefault(package[:2], []).append(package)
    for advisory in advisories:
        for affected in advisory["affected"]:
            about = affected.get("package", {})
            name, ecosystem = str(about.get("name", "")), str(about.get("ecosystem", ""))
            name = canonicalize_name(name) if ecosystem == "PyPI" else name
            for package in by_name.get((ecosystem, name), ()):
                if is_affected(package.version, affected):
                    yield package, f"{advisory['id']} {advisory.get('summary', '')}".rstrip()


def is_affected(version: str, affected: Mapping[str, Any]) -> bool:
    """Whether the version is listed, or lies in a range (the OSV schema, "Evaluation")."""
    if version in affected.get("versions", ()):
        return True
    ranges = (each for each in affected.get("ranges", ()) if each.get("type") in ("ECOSYSTEM", "SEMVER"))
    return any(_is_within(version, each.get("events", ())) for each in ranges)


def _is_within(version: str, events: Iterable[Mapping[str, str]]) -> bool:
    """The last event up to the version says it: `introduced`, or `fixed`, or past what was `last_affected`."""
    ours, is_within = _ordered(version), False
    steps = sorted((_ordered(at), kind) for event in events for kind, at in event.items() if kind != "limit")
    for at, kind in steps:
        if kind == "last_affected":
            is_within = is_within and ours <= at
        elif at <= ours:
            is_within = kind == "introduced"
    return is_within


def _ordered(version: str) -> tuple[Version, str]:
    """As it sorts; npm's pre-releases, which Python's rules do not know, by their text."""
    release, _, rest = version.partition("+")[0].partition("-")
    try:
        return Version(version), ""
    except InvalidVersion:
        numbers = re.match(r"\d+(\.\d+)*", release)
        return Version(f"{numbers[0] if numbers else '0'}.dev0"), rest


if __name__ == "__main__":
    main()

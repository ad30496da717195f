"""The locks are held against advisories by the rules of the OSV schema: a made-up list."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from tests.advisories.__main__ import Package, is_affected, locked, main, matches, read
from tests.structure.sources import ROOT

if TYPE_CHECKING:
    from pathlib import Path


def advisory(name: str, *events: dict[str, str], ecosystem: str = "PyPI", **more: Any) -> dict[str, Any]:
    """One about these versions of a package."""
    affected = {
        "package": {"ecosystem": ecosystem, "name": name},
        "ranges": [{"type": "ECOSYSTEM", "events": list(events)}],
    }
    return {"id": "X-1", "summary": "It leaks", "modified": "2026-01-01", "affected": [affected], **more}


@pytest.mark.parametrize(
    ("events", "inside", "outside"),
    [
        ([{"introduced": "0"}], ["0.1", "99"], []),
        ([{"introduced": "0"}, {"fixed": "1.10"}], ["1.9", "1.10rc1"], ["1.10", "1.10.0", "2"]),
        ([{"introduced": "1.2"}, {"last_affected": "1.4"}], ["1.2", "1.4"], ["1.1", "1.4.1"]),
        (
            [{"introduced": "1"}, {"fixed": "1.5"}, {"introduced": "2"}, {"fixed": "2.1"}],
            ["1.4.9", "2.0.9"],
            ["0.9", "1.5", "1.9", "2.1"],
        ),
        ([{"introduced": "2.0.0-beta.2"}, {"fixed": "2.0.0"}], ["2.0.0-beta.3"], ["1.9.9", "2.0.0"]),
    ],
)
def test_a_version_lies_in_a_range_or_not(
    events: list[dict[str, str]], inside: list[str], outside: list[str]
) -> None:
    [affected] = advisory("x", *events)["affected"]
    assert [each for each in inside if not is_affected(each, affected)] == []
    assert [each for each in outside if is_affected(each, affected)] == []


def test_a_listed_version_is_affected() -> None:
    assert is_affected("1.0", {"versions": ["1.0"]})
    assert not is_affected("1.1", {"versions": ["1.0"]})


def test_names_are_told_apart_by_ecosystem_and_together_by_spelling() -> None:
    packages = [Package("PyPI", "a-b", "1"), Package("npm", "a-b", "1")]
    about = advisory("A.b", {"introduced": "0"})
    assert [package for package, _ in matches(packages, [about])] == [packages[0]]


def test_every_lock_is_looked_at() -> None:
    found = {(package.ecosystem, package.name) for package in locked(ROOT)}
    assert {("PyPI", "litestar"), ("PyPI", "pytest"), ("npm", "graphiql")} <= found


def test_withdrawn_advisories_are_left_out_and_zip_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(advisory("a", withdrawn="2026-01-02")))
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("b.json", json.dumps(advisory("b")))
    assert [each["affected"][0]["package"]["name"] for each in read(tmp_path)] == ["b"]


def test_what_is_locked_and_affected_fails_and_an_old_list_says_so(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text(json.dumps(advisory("not-ours", {"introduced": "0"})))
    done = CliRunner().invoke(main, [str(tmp_path)])
    assert (done.exit_code, "None of them is about what is locked." in done.output) == (0, True)
    assert "the newest of 2026-01-01.\nThat is old" in done.output
    (tmp_path / "ours.json").write_text(json.dumps(advisory("Litestar", {"introduced": "0"})))
    done = CliRunner().invoke(main, [str(tmp_path)])
    assert done.exit_code == 1
    assert "litestar 2." in done.output
    assert ": X-1 It leaks" in done.output


def test_an_empty_folder_is_no_good_news(tmp_path: Path) -> None:
    assert CliRunner().invoke(main, [str(tmp_path)]).exit_code == 1

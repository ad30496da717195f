"""A run of the audits is judged by what its runners say, line by line."""

from __future__ import annotations

from tests.audits.findings import read, table

WHY = "there is none yet"


def test_all_well() -> None:
    found = read(
        ["ok   a", "# a remark", "skip c  -- no data", "ok   b  -- 3 of 3", "2 passed, 0 failed"], {}
    )
    assert (found.passed, found.failed, found.unexpected) == (2, 0, [])


def test_a_failure_is_unexpected_unless_it_is_listed() -> None:
    lines = ["ok   a", "FAIL b: c  -- timeout", "1 passed, 1 failed, 2 skipped"]
    assert read(lines, {}).unexpected == ["failed: b: c"]
    assert read(lines, {"b: c": WHY}).unexpected == []
    assert read(lines, {"b: c": WHY}).expected == {"b: c": WHY}


def test_a_listed_case_that_passes_is_unexpected() -> None:
    found = read(["ok   a", "1 passed, 0 failed"], {"a": WHY})
    assert found.unexpected == ["no longer fails, take it off the list: a"]


def test_a_runner_that_stops_early_is_unexpected() -> None:
    assert read(["ok   a", "Traceback (most recent call last):"], {}).unexpected == [
        "it ended with None, and showed 1 passed and 0 failed"
    ]
    assert read(["ok   a", "3 passed, 0 failed"], {}).unexpected
    assert read(["0 passed, 0 failed"], {}).unexpected == ["nothing passed"]


def test_the_table_has_a_line_for_each_suite() -> None:
    found = {
        "clients": read(["ok   a", "FAIL b", "1 passed, 1 failed"], {"b": WHY}),
        "lint": read(["ok   a", "1 passed, 0 failed"], {}),
    }
    assert table(found).splitlines() == [
        "suite    passed  failed  expected failures",
        "------------------------------------------",
        "clients       1       1  1: there is none yet",
        "lint          1       0",
        "all           2       1",
    ]

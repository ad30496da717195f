"""The benchmarks' own parts, without measuring anything: what wrk is sent, what is compared, what is printed."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import msgspec
import pytest
from graphql import build_schema, parse, validate
from graphql.language import OperationDefinitionNode

from bench import agreement, chart, limit_sql, report, workloads
from bench.helpdesks import Sample
from bench.load import Round, middle
from bench.peers import PEERS
from bench.run import Figure, Plan, Results, Start
from tests.structure.sources import ROOT

SAMPLE = Sample(
    "sqlite", 10, "sqlite:///x.db", "x", [("ak_1", "as_1")], [1, 2], [3], [4], ["ann@acme.example"]
)
ROUND = Round(300, 100.0, 1.0, 2.0, 3.0, 4.0, 5.0)


@pytest.mark.parametrize("workload", workloads.NAMES)
def test_every_peer_is_asked_every_workload_it_knows(workload: str) -> None:
    for peer in PEERS:
        if workload in peer.workloads:
            asked = workloads.requests(workload, peer.dialect(workload), SAMPLE)
            assert asked
            assert asked == workloads.requests(workload, peer.dialect(workload), SAMPLE)


@pytest.mark.parametrize("workload", workloads.GRAPH)
def test_the_operations_fit_our_schema(workload: str) -> None:
    schema = build_schema((ROOT / "schema.graphql").read_text())
    [request, *_] = workloads.requests(workload, "graphql", SAMPLE)
    document = parse(request.body["query"])
    assert not validate(schema, document)
    [operation] = document.definitions
    assert isinstance(operation, OperationDefinitionNode)
    known = {each.variable.name.value for each in operation.variable_definitions or ()}
    assert request.body["variables"].keys() <= known


def test_lua_reads_what_was_meant() -> None:
    assert workloads.lua_text('a "b"\n\\n') == '"a \\"b\\"\\n\\\\n"'
    callers = [{"Authorization": "Bearer t"}, {"Authorization": "Bearer u"}]
    text = workloads.as_lua([workloads.Request("POST", "/x", {"a": 1})], callers)
    line = (
        '  {{method="POST", path="/x", headers={{["Authorization"]="Bearer {}", '
        '["content-type"]="application/json"}}, body="{{\\"a\\": 1}}"}},\n'
    )
    assert text == "return {\n" + line.format("t") + line.format("u") + "}\n"


OURS = {
    "data": {"id": "tkt_7", "databaseId": 7, "status": "OPEN", "at": "2026-01-02T03:04:05Z", "replyCount": 3}
}
THEIRS = {
    "data": {
        "id": "7",
        "status": "open",
        "at": "2026-01-02T03:04:05+00:00",
        "replyCount": 2,
        "internalNoteCount": 1,
    }
}


def test_answers_that_mean_the_same_agree() -> None:
    assert agreement.first_difference(agreement.alike(OURS), agreement.alike(THEIRS)) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"replyCount": 4}, ".data.replyCount: 3 is not 5"),
        ({"extra": 1}, ".data: ['extra'] are only in one of them"),
    ],
)
def test_a_peer_that_answers_something_else_is_caught(change: dict[str, Any], said: str) -> None:
    theirs = {"data": THEIRS["data"] | change}
    assert agreement.first_difference(agreement.alike(OURS), agreement.alike(theirs)) == said


def test_the_fixed_sql_is_written_for_both_engines() -> None:
    statement = "SELECT {at:t.a} FROM t WHERE id {ids} AND b = $2"
    assert limit_sql.for_engine(statement, is_sqlite=False) == (
        "SELECT t.a FROM t WHERE id = ANY ($1::bigint[]) AND b = $2"
    )
    assert limit_sql.for_engine(statement, is_sqlite=True) == (
        "SELECT replace(t.a, ' ', 'T') || 'Z' FROM t WHERE id IN (SELECT value FROM json_each(?)) AND b = ?"
    )


def test_the_report_and_the_chart() -> None:
    slower = middle([ROUND, ROUND, Round(100, 50.0, 2.0, 3.0, 4.0, 8.0, 5.0)])
    assert slower == Round(700, 100.0, 1.0, 2.0, 3.0, 4.0, 5.0)
    figures = [
        Figure("sqlite", 10, "inbox", "answer", Round(600, 200.0, 1.0, 2.0, 3.0, 2.0, None), 6.0, 1000, []),
        Figure("sqlite", 10, "inbox", "stock", ROUND, None, 1200, []),
    ]
    plan = Plan(("sqlite",), (10,), ("inbox",), ("answer", "stock"), 3, 1, 32)
    results = Results(
        figures, [Start("sqlite", 10, "answer", 1.25, 99.6)], ["PostGraphile does not speak sqlite"]
    )
    text = report.markdown(plan, results, report.machine(), "abc")
    assert "| inbox | Answer | 200 | 1.0 | 2.0 | 3.0 | 2.00 | - | 6 | 1,000 |  |  |\n" in text
    assert "| inbox | stock stack | 100 | 1.0 | 2.0 | 3.0 | 4.00 | 5.00 | - | 1,200 | 2.00 | 2.00 |\n" in text
    assert "| SQLite, 10: inbox to stock stack | 2.00 | 10 | no |\n" in text
    assert "| SQLite | `inbox` | 200 | 6 | 2.00 |  |  |\n" in text
    rounds = [
        [msgspec.structs.replace(ROUND, cpu_ms=cost) for cost in costs] for costs in ((1, 2, 4), (2, 3, 4))
    ]
    results.growth = [
        Figure("sqlite", size, "inbox", "answer", ROUND, None, 1, costs)
        for size, costs in zip((10, 100), rounds, strict=True)
    ]
    text = report.markdown(plan, results, report.machine(), "abc")
    # with the 5 ms of the database: 7 of 6, 8 of 7, 9 of 9
    assert "| SQLite | inbox | 100 | 1.14 |\n" in text
    drawing = ET.fromstring(chart.svg(figures))  # noqa: S314  # our own
    assert sum(each.tag.endswith("rect") for each in drawing.iter()) == 1 + 2 + 2


def test_the_readme_has_the_figures_that_were_printed() -> None:
    """Under "How fast": the short table of the run that is kept."""
    told = (ROOT / "README.md").read_text().partition("## How fast")[2].partition("\n## ")[0]
    lines = [line for line in told.splitlines() if line.startswith("|")]
    assert lines
    assert "\n".join(lines) in (ROOT / "bench" / "results" / "full.md").read_text()

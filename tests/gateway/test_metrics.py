"""/metrics: what Prometheus reads."""

import re
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import Person
from tests.doors import GraphqlDoor

ROOT = Path(__file__).parents[2]
SETTINGS = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")


async def test_operations_are_counted_by_executor_and_fallbacks_by_reason(
    http: httpx.AsyncClient, agent: Person
) -> None:
    door = GraphqlDoor(http)

    async def counted() -> dict[tuple[str, str], float]:
        answer = await http.get("/metrics")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=1.0.0")
        families = {each.name: each for each in text_string_to_metric_families(answer.text)}
        assert families["process_resident_memory_bytes"].samples[0].value > 0
        return {
            (family, sample.labels.get("executor") or sample.labels["reason"]): sample.value
            for family in ("answer_graphql_operations", "answer_graphql_fallbacks")
            for sample in families[family].samples
        }

    before = await counted()
    await door.ask(agent, "{ viewer { id } }")
    await door.ask(agent, '{ __type(name: "User") { name } }')
    after = await counted()
    more = {name: count - before.get(name, 0) for name, count in after.items() if count != before.get(name)}
    assert more == {
        ("answer_graphql_operations", "levels"): 1,
        ("answer_graphql_operations", "graphql-core"): 1,
        ("answer_graphql_fallbacks", "introspection"): 1,
    }


async def test_every_metric_of_ours_is_documented(http: httpx.AsyncClient) -> None:
    told = set(re.findall(r"^# TYPE (answer_\w+) ", (await http.get("/metrics")).text, re.MULTILINE))
    documented = set(re.findall(r"`(answer_\w+)_total`", SETTINGS))
    assert {name.removesuffix("_total") for name in told} == documented

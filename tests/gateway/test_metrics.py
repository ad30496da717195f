"""/metrics: what Prometheus reads."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
from litestar import Litestar
from prometheus_client.parser import text_string_to_metric_families

from resolvers.tokens import make_key
from tests.conftest import Joins, Person
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


async def refusals(http: httpx.AsyncClient) -> Counter[str]:
    """How many there were so far, by kind."""
    text = (await http.get("/metrics")).text
    [family] = [each for each in text_string_to_metric_families(text) if each.name == "answer_refusals"]
    return Counter({each.labels["kind"]: int(each.value) for each in family.samples})


async def test_refusals_are_counted_by_kind_through_both_doors(
    app: Litestar, http: httpx.AsyncClient, agent: Person, join: Joins
) -> None:
    before = await refusals(http)
    wrong = {"api_key": agent.api_key, "api_secret": "wrong"}
    sign_in = 'mutation($key: String!) { tokenCreate(apiKey: $key, apiSecret: "wrong") { token } }'
    too_many = "{ " + " ".join(f"a{number}: __typename" for number in range(40)) + " }"
    assert (await http.post("/v1/auth/token", json=wrong)).status_code == 401
    await http.post("/graphql", json={"query": sign_in, "variables": {"key": agent.api_key}})
    assert (await http.get("/v1/tickets", headers={"Authorization": "Bearer x"})).status_code == 401
    assert (await http.post("/graphql", json={"query": "{ viewer { id } }"})).status_code == 401
    await http.post("/graphql", json={"query": too_many}, headers=agent.headers)
    assert (await http.get("/v1/tickets/99", headers=agent.headers)).status_code == 404
    assert (await http.get("/nowhere")).status_code == 404
    monkey: Any = app.asgi_handler
    most, monkey._most = monkey._most, 0
    assert (await http.get("/v1/tickets", headers=agent.headers)).status_code == 503
    assert (await http.post("/graphql", json={"query": "{ viewer { id } }"})).status_code == 503
    monkey._most = most
    await make_key(app.state.helpdesk, "agent", workspace="elsewhere", tier="free")
    free = await join("agent", workspace="elsewhere")
    answers = [await http.get("/v1/tickets", headers=free.headers) for _ in range(31)]
    assert [each.status_code for each in answers] == [200] * 30 + [429]
    assert await refusals(http) - before == Counter(
        wrong_credentials=2,
        unauthorized=2,
        query_too_complex=1,
        not_found=2,
        overload=2,
        rate_limit_exceeded=1,
    )


async def test_every_metric_of_ours_is_documented(http: httpx.AsyncClient) -> None:
    told = set(re.findall(r"^# TYPE (answer_\w+) ", (await http.get("/metrics")).text, re.MULTILINE))
    documented = set(re.findall(r"`(answer_\w+)_total`", SETTINGS))
    assert {name.removesuffix("_total") for name in told} == documented

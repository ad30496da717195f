"""GraphQL over server-sent events: the distinct connections mode of the graphql-sse protocol."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from tests.graph import protocol_app
from tests.graph.protocol_app import small_app

STREAM = {"accept": "text/event-stream"}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Any]]:
    with TestClient(small_app()) as client:
        client.headers["authorization"] = f"Bearer {client.app.state.helpdesk.token()}"
        yield client


def post(client: TestClient[Any], query: str, **headers: str) -> Any:
    return client.post("/graphql", json={"query": query}, headers={**STREAM, **headers})


def events(response: Any) -> list[tuple[str, Any]]:
    """The events of a stream by name, with their data."""
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    found = []
    for block in response.text.removesuffix("\n\n").split("\n\n"):
        name, data = block.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data:") or "null")))
    return found


def test_a_query_is_one_event_and_the_end(client: TestClient[Any]) -> None:
    assert events(post(client, "{role}")) == [("next", {"data": {"role": "agent"}}), ("complete", None)]


def test_the_bytes_are_those_of_the_protocol(client: TestClient[Any]) -> None:
    assert post(client, "{waits}").text == (
        'event: next\ndata: {"data":{"waits":"waited"}}\n\nevent: complete\ndata:\n\n'
    )


def test_a_mutation_works_by_post(client: TestClient[Any]) -> None:
    assert events(post(client, "mutation{touch}"))[0] == ("next", {"data": {"touch": "touched"}})


def test_a_query_works_by_get(client: TestClient[Any]) -> None:
    response = client.get("/graphql", params={"query": "{role}"}, headers=STREAM)
    assert events(response)[0] == ("next", {"data": {"role": "agent"}})


def test_a_mutation_by_get_is_405(client: TestClient[Any]) -> None:
    response = client.get("/graphql", params={"query": "mutation{touch}"}, headers=STREAM)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{nope}", "GRAPHQL_VALIDATION_FAILED"),
        ("query($n:Int!){echo(number:$n)}", "VALIDATION_ERROR"),
        ("{" + "role " * 21 + "}", "QUERY_TOO_COMPLEX"),
    ],
)
def test_request_errors_come_as_an_event(client: TestClient[Any], query: str, code: str) -> None:
    (name, result), end = events(post(client, query))
    assert (name, end) == ("next", ("complete", None))
    assert list(result) == ["errors"]
    assert [error["extensions"]["code"] for error in result["errors"]] == [code]


def test_a_fault_of_ours_comes_as_an_event_with_its_request_id(client: TestClient[Any]) -> None:
    response = post(client, "{boom}")
    (_, result), _ = events(response)
    assert result["errors"][0]["message"] == "Internal server error"
    assert result["errors"][0]["extensions"] == {
        "code": "INTERNAL_ERROR",
        "requestId": response.headers["x-request-id"],
    }


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"authorization": "Bearer x"}, 401), ({"content-type": "text/plain"}, 415)],
)
def test_what_is_wrong_with_the_request_itself_is_a_status(
    client: TestClient[Any], headers: dict[str, str], status: int
) -> None:
    response = post(client, "{role}", **headers)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/graphql-response+json; charset=utf-8"
    assert list(response.json()) == ["errors"]


def test_no_proxy_keeps_or_buffers_a_stream(client: TestClient[Any]) -> None:
    response = post(client, "{large}")
    assert (response.headers["cache-control"], response.headers["x-accel-buffering"]) == ("no-store", "no")


def test_json_asked_for_with_more_weight_is_no_stream(client: TestClient[Any]) -> None:
    response = post(client, "{role}", accept="text/event-stream;q=0.5, application/json")
    assert response.json() == {"data": {"role": "agent"}}


def test_every_stream_has_a_context_of_its_own(client: TestClient[Any]) -> None:
    before = len(protocol_app.OPENED)
    post(client, "{role}")
    post(client, "{role}")
    assert len(set(map(id, protocol_app.OPENED[before:]))) == 2

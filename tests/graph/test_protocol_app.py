"""The door of the real graph: who may ask, what a browser and a tool get, and what a database never sees."""

import asyncio
import gzip
from typing import Any

import httpx
import pytest
from graphql import get_introspection_query
from litestar import Litestar

from tests.conftest import Clock, Person, Sql

GRAPHQL = {"accept": "application/graphql-response+json"}


async def ask(http: httpx.AsyncClient, person: Person | None, query: str, **variables: Any) -> httpx.Response:
    headers = GRAPHQL | (person.headers if person else {})
    return await http.post("/graphql", json={"query": query, "variables": variables}, headers=headers)


async def test_a_token_signs_in(http: httpx.AsyncClient, agent: Person) -> None:
    response = await ask(http, agent, "{viewer{databaseId}}")
    assert (response.status_code, response.json()["data"]) == (200, {"viewer": {"databaseId": agent.id}})


async def test_without_a_token_everything_but_the_schema_is_401(http: httpx.AsyncClient) -> None:
    response = await ask(http, None, "{viewer{id}}")
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.json() == {
        "errors": [
            {
                "message": "Invalid or missing authentication token",
                "extensions": {"code": "UNAUTHORIZED"},
            }
        ]
    }


async def test_a_token_can_be_had_without_one(http: httpx.AsyncClient, agent: Person) -> None:
    query = "mutation($k:String!,$s:String!){tokenCreate(apiKey:$k,apiSecret:$s){token tokenType}}"
    response = await ask(http, None, query, k=agent.api_key, s=agent.api_secret)
    created = response.json()["data"]["tokenCreate"]
    assert created["tokenType"] == "Bearer"
    again = await http.post(
        "/graphql",
        json={"query": "{viewer{databaseId}}"},
        headers={"authorization": f"Bearer {created['token']}"},
    )
    assert again.json()["data"] == {"viewer": {"databaseId": agent.id}}


async def test_an_expired_token_is_401(http: httpx.AsyncClient, agent: Person, clock: Clock) -> None:
    clock.pass_(days=2)
    response = await ask(http, agent, "{__typename}")
    assert response.status_code == 401
    assert response.json()["errors"][0]["extensions"] == {"code": "UNAUTHORIZED"}


async def test_a_refused_request_asks_the_database_nothing(
    http: httpx.AsyncClient, agent: Person, sql: Sql
) -> None:
    await ask(http, agent, "{__typename}")
    sql.clear()
    for query in ("{", "{nope}", "{tickets{}}", "query($n:Int!){tickets(first:$n){totalCount}}"):
        assert (await ask(http, agent, query)).status_code == 400
    assert sql.statements == []


async def test_a_role_that_may_not_is_a_field_error(http: httpx.AsyncClient, customer: Person) -> None:
    query = 'mutation{categoryCreate(input:{name:"x",slug:"x"}){category{id}}}'
    response = await ask(http, customer, query)
    assert response.status_code == 200
    assert [error["extensions"] for error in response.json()["errors"]] == [{"code": "FORBIDDEN"}]


@pytest.mark.parametrize("text", ["a\x00b", "\x00"])
async def test_nul_reaches_no_database(http: httpx.AsyncClient, agent: Person, sql: Sql, text: str) -> None:
    await ask(http, agent, "{__typename}")
    sql.clear()
    query = "query($t:String!){tickets(filter:{search:$t}){totalCount}}"
    response = await ask(http, agent, query, t=text)
    assert response.status_code == 400
    assert response.json()["errors"] == [
        {
            "message": "Variable '$t' must not hold the character U+0000.",
            "extensions": {"code": "VALIDATION_ERROR"},
        }
    ]
    assert sql.statements == []


async def test_tools_can_read_the_schema(http: httpx.AsyncClient, agent: Person) -> None:
    asked = get_introspection_query(
        specified_by_url=True, schema_description=True, input_value_deprecation=True
    )
    response = await ask(http, agent, asked)
    assert response.status_code == 200
    assert "errors" not in response.json()
    assert response.json()["data"]["__schema"]["queryType"] == {"name": "Query", "kind": "OBJECT"}


async def test_a_large_answer_is_compressed_once(http: httpx.AsyncClient, agent: Person) -> None:
    request = http.build_request(
        "POST",
        "/graphql",
        json={"query": get_introspection_query()},
        headers=agent.headers | {"accept-encoding": "gzip"},
    )
    response = await http.send(request, stream=True)
    sent = b"".join([chunk async for chunk in response.aiter_raw()])
    await response.aclose()
    assert response.headers["content-encoding"] == "gzip"
    assert gzip.decompress(sent).startswith(b'{"data":{"__schema":')


async def test_a_stream_is_not_compressed_and_holds_no_event_back(app: Litestar, agent: Person) -> None:
    """Told by the ASGI messages themselves: httpx joins the chunks of an answer."""
    body = b'{"query":"{__typename}"}'
    headers = {"accept": "text/event-stream", "accept-encoding": "gzip", "content-type": "application/json"}
    sent: list[Any] = []
    ended = asyncio.Event()
    received = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        if received:
            return received.pop()
        await ended.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message["more_body"]:
            ended.set()

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "query_string": b"",
        "root_path": "",
        "headers": [(k.lower().encode(), v.encode()) for k, v in (headers | agent.headers).items()],
    }
    await app(scope, receive, send)  # type: ignore[arg-type]
    assert b"content-encoding" not in dict(sent[0]["headers"])
    answer, *rest = [message["body"] for message in sent[1:] if message["body"]]
    assert answer.startswith(b'event: next\ndata: {"data":{"__typename":"Query"},')
    assert rest == [
        b"event: complete\ndata:\n\n",
    ]


async def test_a_browser_gets_the_explorer(http: httpx.AsyncClient) -> None:
    response = await http.get("/graphql", headers={"accept": "text/html,*/*;q=0.8"})
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"


async def test_the_schema_is_served_as_it_is_committed(http: httpx.AsyncClient) -> None:
    response = await http.get("/graphql/schema")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert "\ntype Ticket implements Node {" in response.text

"""Trusted documents, and who may learn the schema: every transport of /graphql under each setting."""

import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import get_introspection_query
from litestar import Litestar
from litestar.testing import TestClient

from gateway.app import create_app
from gateway.graphql.trusted import Readers, TrustedDocuments
from gateway.settings import Settings
from tests.conftest import Clock, Person
from tests.doors import NEW_TICKET
from tests.graph import protocol_app
from tests.graph.protocol_app import small_app

GRAPHQL = {"accept": "application/graphql-response+json"}
STREAM = {"accept": "text/event-stream"}
ROLE = "query Role { role }"
TOUCH = "mutation Touch($t: String!) { touch(text: $t) }"
BOOM = "{ boom }"
TEXTS = {"role": ROLE, "touch": TOUCH, "boom": BOOM, hashlib.sha256(ROLE.encode()).hexdigest(): ROLE}
HASH = hashlib.sha256(ROLE.encode()).hexdigest()
ANSWER = {"data": {"role": "agent"}}
FREE = "{ __typename }"
UNTRUSTED = (
    403,
    "DOCUMENT_NOT_TRUSTED",
    "Only documents that were registered run on this server: name one by its `documentId`.",
)


def client_of(app: Litestar) -> Iterator[TestClient[Any]]:
    with TestClient(app) as client:
        client.headers["authorization"] = f"Bearer {client.app.state.helpdesk.token()}"
        yield client


@pytest.fixture(scope="module")
def allow() -> Iterator[TestClient[Any]]:
    yield from client_of(small_app(TrustedDocuments("allow", TEXTS)))


@pytest.fixture(scope="module")
def only() -> Iterator[TestClient[Any]]:
    yield from client_of(small_app(TrustedDocuments("only", TEXTS)))


@pytest.fixture(params=["allow", "only"])
def either(request: pytest.FixtureRequest) -> TestClient[Any]:
    found: TestClient[Any] = request.getfixturevalue(request.param)
    return found


def post(client: TestClient[Any], **members: Any) -> Any:
    return client.post("/graphql", json=members, headers=GRAPHQL)


def get(client: TestClient[Any], headers: dict[str, str] = GRAPHQL, **members: str) -> Any:
    return client.get("/graphql", params=members, headers=headers)


def apollo(hash_: Any) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": hash_}}


def error(response: Any) -> tuple[int, str, str]:
    [told] = response.json()["errors"]
    return response.status_code, told["extensions"]["code"], told["message"]


class TestNaming:
    def test_a_registered_document_is_named_instead_of_sent(self, either: TestClient[Any]) -> None:
        assert post(either, documentId="role").json() == ANSWER
        assert post(either, documentId="role", query=ROLE).json() == ANSWER
        assert post(either, extensions=apollo(HASH)).json() == ANSWER
        assert post(either, extensions=apollo(HASH), query=ROLE).json() == ANSWER
        assert get(either, documentId="role").json() == ANSWER
        assert get(either, extensions=json.dumps(apollo(HASH))).json() == ANSWER
        touched = post(either, documentId="touch", variables={"t": "x"}, operationName="Touch")
        assert touched.json() == {"data": {"touch": "x"}}

    def test_a_name_beside_another_document_is_refused(self, either: TestClient[Any]) -> None:
        message = "`query` is another document than the one named: send the name alone."
        assert error(post(either, documentId="role", query=FREE)) == (400, "BAD_REQUEST", message)
        assert error(post(either, extensions=apollo(HASH), query=FREE)) == (400, "BAD_REQUEST", message)

    @pytest.mark.parametrize("name", ["", "nobody", "../role", "x" * 10_000])
    def test_an_unknown_name_is_not_found(self, either: TestClient[Any], name: str) -> None:
        assert error(post(either, documentId=name))[:2] == (404, "NOT_FOUND")
        assert error(post(either, documentId=name, query=ROLE))[:2] == (404, "NOT_FOUND")

    def test_apollo_is_told_to_send_the_text(self, either: TestClient[Any]) -> None:
        for unknown in (apollo("0" * 64), apollo(None), {"persistedQuery": 5}):
            assert error(post(either, extensions=unknown)) == (404, "NOT_FOUND", "PersistedQueryNotFound")

    def test_a_name_that_is_no_text_is_400(self, either: TestClient[Any]) -> None:
        for wrong in (5, ["role"], {"id": "role"}):
            assert error(post(either, documentId=wrong))[:2] == (400, "BAD_REQUEST")

    def test_what_is_registered_still_has_to_fit(self, either: TestClient[Any]) -> None:
        assert error(post(either, documentId="touch"))[:2] == (400, "VALIDATION_ERROR")
        unknown = post(either, documentId="role", operationName="Other")
        assert error(unknown)[:2] == (400, "OPERATION_RESOLUTION_FAILURE")


class TestAllow:
    def test_other_documents_run_by_post(self, allow: TestClient[Any]) -> None:
        assert post(allow, query=FREE).json() == {"data": {"__typename": "Query"}}
        assert post(allow, query=FREE, extensions=apollo("0" * 64)).status_code == 200

    def test_get_is_for_registered_ones(self, allow: TestClient[Any]) -> None:
        refused = get(allow, query=FREE)
        message = "Use POST, or name a registered document by its `documentId`."
        assert error(refused) == (405, "METHOD_NOT_ALLOWED", message)
        assert refused.headers["allow"] == "POST"


class TestOnly:
    def test_nothing_else_runs_by_http(self, only: TestClient[Any]) -> None:
        for refused in (
            post(only, query=FREE),
            post(only, query=ROLE),  # even a registered one is named
            post(only, query=get_introspection_query()),
            post(only, query="{"),
            post(only, query=FREE, extensions=apollo("0" * 64)),
            get(only, query=FREE),
            only.post("/graphql", json={"query": FREE}),  # application/json
            only.post("/graphql", json={"query": FREE}, headers=STREAM),
            get(only, STREAM, query=FREE),
        ):
            assert error(refused) == UNTRUSTED

    def test_nothing_else_runs_by_a_form(self, only: TestClient[Any]) -> None:
        form = {"operations": (None, json.dumps({"query": FREE})), "map": (None, "{}")}
        refused = only.post("/graphql", files=form, headers=GRAPHQL | {"graphql-require-preflight": "1"})
        assert error(refused) == UNTRUSTED

    def test_nothing_else_runs_by_websocket(self, only: TestClient[Any]) -> None:
        with only.websocket_connect("/graphql", subprotocols=["graphql-transport-ws"]) as ws:
            ws.send_json({"type": "connection_init", "payload": {"token": only.headers["authorization"]}})
            assert ws.receive_json() == {"type": "connection_ack"}
            ws.send_json({"id": "1", "type": "subscribe", "payload": {"query": FREE}})
            told = ws.receive_json()
            assert (told["type"], told["payload"][0]["extensions"]["code"]) == (
                "error",
                "DOCUMENT_NOT_TRUSTED",
            )
            ws.send_json({"id": "2", "type": "subscribe", "payload": {"documentId": "role"}})
            assert ws.receive_json() == {"id": "2", "type": "next", "payload": ANSWER}

    def test_a_stream_of_a_registered_one(self, only: TestClient[Any]) -> None:
        assert get(only, STREAM, documentId="role").text.startswith('event: next\ndata: {"data":{"role"')


class TestCaching:
    def test_an_answer_by_get_may_be_kept_and_asked_after(self, either: TestClient[Any]) -> None:
        first = get(either, documentId="role")
        assert first.headers["cache-control"] == "private, no-cache"
        assert first.headers["vary"] == "Accept, Authorization"
        tag = first.headers["etag"]
        assert tag.startswith('W/"')
        for had in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
            again = get(either, GRAPHQL | {"if-none-match": had}, documentId="role")
            assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
            assert (again.headers["vary"], again.headers["cache-control"]) == (
                "Accept, Authorization",
                "private, no-cache",
            )
        other = get(either, GRAPHQL | {"if-none-match": '"x"'}, documentId="role")
        assert (other.status_code, other.json()) == (200, ANSWER)
        assert either.head("/graphql", params={"documentId": "role"}, headers=GRAPHQL).headers["etag"] == tag

    def test_what_failed_is_not_kept(self, either: TestClient[Any]) -> None:
        failed = get(either, documentId="boom")
        assert failed.json()["data"] == {"boom": None}
        assert failed.headers["cache-control"] == "no-store"
        assert "etag" not in failed.headers
        assert get(either, documentId="nobody").headers["cache-control"] == "no-store"

    def test_by_post_and_for_other_documents_nothing_is_kept(self, either: TestClient[Any]) -> None:
        answered = post(either, documentId="role")
        assert answered.headers["cache-control"] == "no-store"
        assert "etag" not in answered.headers

    def test_a_mutation_by_get_is_405(self, either: TestClient[Any]) -> None:
        refused = get(either, documentId="touch", variables='{"t": "x"}')
        assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


class TestIntrospection:
    def asked(self, readers: Readers, role: str | None) -> list[int]:
        app = small_app(introspection=readers)
        with TestClient(app) as client:
            headers = dict(GRAPHQL)
            if role is not None:
                headers["authorization"] = f"Bearer {client.app.state.helpdesk.token()}"
            return [
                *(
                    client.post("/graphql", json={"query": query}, headers=headers).status_code
                    for query in (
                        "{ __typename }",
                        "{ __schema { queryType { name } } }",
                        'fragment F on Query { t: __type(name: "Query") { name } } { ...F }',
                    )
                ),
                client.get("/graphql/schema", headers=headers).status_code,
            ]

    @pytest.mark.parametrize(
        ("readers", "role", "status"),
        [
            ("everyone", None, 200),
            ("signed-in", None, 401),
            ("signed-in", "customer", 200),
            ("staff", None, 401),
            ("staff", "customer", 403),
            ("staff", "agent", 200),
            ("staff", "admin", 200),
            ("nobody", None, 403),
            ("nobody", "admin", 403),
        ],
    )
    def test_is_for_whom_the_setting_says(
        self, monkeypatch: pytest.MonkeyPatch, readers: Readers, role: str | None, status: int
    ) -> None:
        if role is not None:
            monkeypatch.setattr(protocol_app, "CALLER", replace(protocol_app.CALLER, role=role))
        assert self.asked(readers, role) == [200, status, status, status]


def test_nothing_is_suggested_when_switched_off() -> None:
    asked = {
        "{ rol }": None,
        "{ echo(txt: 1) }": None,
        "query($t: TicketInput) { echo(ticket: $t) }": {"t": {"subjec": "x"}},
        "query($t: TicketInputs) { echo(ticket: $t) }": {},
        "{ echo(ticket: {subjec: 1}) }": None,
    }
    told = {}
    for suggests in (True, False):
        with TestClient(small_app(suggests=suggests)) as client:
            client.headers["authorization"] = f"Bearer {client.app.state.helpdesk.token()}"
            told[suggests] = [
                post(client, query=query, variables=variables).text for query, variables in asked.items()
            ]
    assert all("Did you mean" in text for text in told[True]), told[True]
    assert not any("Did you mean" in text for text in told[False])
    assert all('"errors"' in text for text in told[False])


INBOX = "query Inbox { tickets { totalCount nodes { databaseId subject } } }"


class TestOfTheHelpdesk:
    @pytest.fixture
    async def app(self, address: str, clock: Clock, tmp_path: Path) -> AsyncIterator[Litestar]:
        """The application, which runs one document and no other."""
        (tmp_path / "documents").mkdir()
        (tmp_path / "documents" / "inbox.graphql").write_text(INBOX)
        settings = Settings(
            data_dir=tmp_path,
            database_url=address,
            database_pool=4,
            sqlite_durable=False,
            trusted_documents="only",
            trusted_documents_path=tmp_path / "documents",
        )
        application = create_app(settings, clock)
        yield application
        await application.state.helpdesk.close()

    async def test_an_answer_is_the_callers_own(
        self, http: httpx.AsyncClient, agent: Person, customer: Person
    ) -> None:
        asked = {"documentId": f"sha256:{hashlib.sha256(INBOX.encode()).hexdigest()}"}

        async def tag(who: Person, had: str = "") -> tuple[int, str]:
            headers = GRAPHQL | who.headers | {"if-none-match": had}
            answered = await http.get("/graphql", params=asked, headers=headers)
            assert "x-ratelimit-remaining" in answered.headers
            return answered.status_code, answered.headers["etag"]

        _, before = await tag(agent)
        assert await tag(agent, before) == (304, before)
        await http.post("/v1/tickets", json=NEW_TICKET, headers=agent.headers)
        status, after = await tag(agent, before)
        assert (status, after != before) == (200, True)
        assert (await tag(customer, after))[0] == 200
        assert (await http.get("/graphql", params=asked, headers=GRAPHQL)).status_code == 401
        free = await http.post("/graphql", json={"query": INBOX}, headers=GRAPHQL | agent.headers)
        assert error(free) == UNTRUSTED

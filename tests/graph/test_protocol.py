"""GraphQL over HTTP: statuses, media types, methods and bodies of /graphql."""

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from litestar.testing import TestClient

from tests.graph import protocol_app
from tests.graph.protocol_app import small_app

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
TYPENAME = {"data": {"__typename": "Query"}}


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Any]]:
    with TestClient(small_app()) as client:
        client.headers["authorization"] = f"Bearer {client.app.state.helpdesk.token()}"
        yield client


@pytest.fixture
def anonymous(client: TestClient[Any]) -> Iterator[TestClient[Any]]:
    signed_in = client.headers.pop("authorization")
    yield client
    client.headers["authorization"] = signed_in


def post(client: TestClient[Any], query: str, accept: str = GRAPHQL, **members: Any) -> Any:
    return client.post("/graphql", json={"query": query, **members}, headers={"accept": accept})


def error(response: Any) -> tuple[int, str, str]:
    """Status, code and message of an answer that has one error and no data."""
    body = response.json()
    assert list(body) == ["errors"]
    assert len(body["errors"]) == 1
    return response.status_code, body["errors"][0]["extensions"]["code"], body["errors"][0]["message"]


class TestMediaTypes:
    @pytest.mark.parametrize(
        ("accept", "answered"),
        [
            (GRAPHQL, GRAPHQL),
            (JSON, JSON),
            ("*/*", JSON),
            ("application/*", JSON),
            (f"{JSON};q=0.5, {GRAPHQL};q=0.9", GRAPHQL),
            (f"{GRAPHQL};q=0.5, {JSON};q=0.9", JSON),
            (f"{GRAPHQL};q=0, {JSON}", JSON),
            (f"{GRAPHQL}, {JSON}", GRAPHQL),
            (f"{JSON}, {GRAPHQL}", GRAPHQL),
            (f"multipart/mixed;deferSpec=20220824,{GRAPHQL},{JSON};q=0.9", GRAPHQL),
            (f"{GRAPHQL};q=0.1, */*", JSON),
            (f"{JSON};q=0.2, */*;q=0.9", GRAPHQL),
            ("Application/JSON ; Q=1.0", JSON),
            ("text/html, */*;q=0.8", JSON),
            ("", JSON),
        ],
    )
    def test_the_preferred_of_both_is_answered(
        self, client: TestClient[Any], accept: str, answered: str
    ) -> None:
        response = post(client, "{__typename}", accept)
        assert response.status_code == 200
        assert response.headers["content-type"] == f"{answered}; charset=utf-8"
        assert response.json() == TYPENAME

    def test_without_accept_it_is_json(self, client: TestClient[Any]) -> None:
        request = client.build_request("POST", "/graphql", json={"query": "{__typename}"})
        del request.headers["accept"]
        assert client.send(request).headers["content-type"] == f"{JSON}; charset=utf-8"

    @pytest.mark.parametrize("accept", ["image/png", f"{GRAPHQL};q=0, {JSON};q=0", "text/html", "text/*"])
    def test_neither_acceptable_is_406(self, client: TestClient[Any], accept: str) -> None:
        assert error(post(client, "{__typename}", accept)) == (
            406,
            "NOT_ACCEPTABLE",
            "Accept application/graphql-response+json, application/json or text/event-stream.",
        )


REQUEST_ERRORS = {
    "syntax": ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
    "empty": ({"query": ""}, "GRAPHQL_PARSE_FAILED"),
    "comment": ({"query": "# nothing"}, "GRAPHQL_PARSE_FAILED"),
    "unknown field": ({"query": "{nope}"}, "GRAPHQL_VALIDATION_FAILED"),
    "only a fragment": ({"query": "fragment F on Query{__typename}"}, "GRAPHQL_VALIDATION_FAILED"),
    "unknown operation": (
        {"query": "query A{__typename}", "operationName": "B"},
        "OPERATION_RESOLUTION_FAILURE",
    ),
    "ambiguous operation": (
        {"query": "query A{__typename} query B{__typename}"},
        "OPERATION_RESOLUTION_FAILURE",
    ),
    "wrong variable": (
        {"query": "query($n:Int!){echo(number:$n)}", "variables": {"n": "x"}},
        "VALIDATION_ERROR",
    ),
    "missing variable": ({"query": "query($n:Int!){echo(number:$n)}"}, "VALIDATION_ERROR"),
    "wrong literal": ({"query": '{echo(number:"x")}'}, "VALIDATION_ERROR"),
    "too complex": (
        {"query": "{" + " ".join(f"a{i}:echo" for i in range(31)) + "}"},
        "QUERY_TOO_COMPLEX",
    ),
}


class TestRequestErrors:
    @pytest.mark.parametrize("name", REQUEST_ERRORS)
    @pytest.mark.parametrize(("accept", "status"), [(GRAPHQL, 400), (JSON, 200)])
    def test_they_are_400_without_data_and_200_for_application_json(
        self, client: TestClient[Any], name: str, accept: str, status: int
    ) -> None:
        body, code = REQUEST_ERRORS[name]
        response = client.post("/graphql", json=body, headers={"accept": accept})
        assert response.status_code == status
        assert response.headers["content-type"] == f"{accept}; charset=utf-8"
        assert list(response.json()) == ["errors"]
        assert {each["extensions"]["code"] for each in response.json()["errors"]} == {code}

    def test_an_unknown_field_has_its_place_and_the_nearest_name(self, client: TestClient[Any]) -> None:
        assert post(client, "{ ticket { id } }").json() == {
            "errors": [
                {
                    "message": "Cannot query field 'ticket' on type 'Query'. Did you mean 'tickets'?",
                    "locations": [{"line": 1, "column": 3}],
                    "extensions": {"code": "GRAPHQL_VALIDATION_FAILED"},
                }
            ]
        }

    @pytest.mark.parametrize("directive", ["defer", "stream"])
    def test_incremental_delivery_is_refused_by_name(self, client: TestClient[Any], directive: str) -> None:
        errors = post(client, f"{{__typename ... @{directive} {{__typename}}}}").json()["errors"]
        told = f"Incremental delivery is not supported: leave out '@{directive}'."
        assert told in [each["message"] for each in errors]


class TestBodies:
    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b"", "The body is not valid JSON: Input data was truncated."),
            (b"{", "The body is not valid JSON: Input data was truncated."),
            (b"null", "Send one object with `query`; a list of operations is not supported."),
            (b"1", "Send one object with `query`; a list of operations is not supported."),
            (b'"x"', "Send one object with `query`; a list of operations is not supported."),
            (b"[]", "Send one object with `query`; a list of operations is not supported."),
            (
                b'[{"query":"{__typename}"}]',
                "Send one object with `query`; a list of operations is not supported.",
            ),
            (b"{}", "`query` must be a string that holds a GraphQL document."),
            (b'{"qeury":"{__typename}"}', "`query` must be a string that holds a GraphQL document."),
            (b'{"query":1}', "`query` must be a string that holds a GraphQL document."),
            (b'{"query":null}', "`query` must be a string that holds a GraphQL document."),
            (b'{"query":"{a}","operationName":1}', "`operationName` must be a string."),
            (b'{"query":"{a}","variables":[7]}', "`variables` must be an object."),
            (b'{"query":"{a}","variables":"{}"}', "`variables` must be an object."),
            (b'{"query":"{a}","extensions":[]}', "`extensions` must be an object."),
            (b'{"query":"\xff"}', "The body is not valid UTF-8."),
            (b"[" * 20_000, "The body is nested too deeply."),
            (b'{"a":' * 20_000, "The body is nested too deeply."),
            (b'{"query":"{__typename}","variables":{"n":' + b"9" * 5_000 + b"}}", None),
            (b'{"query":"{__typename}","variables":{"n":"\\ud800"}}', None),
            (b'{"query":"{__typename}","variables":{"n":NaN}}', None),
        ],
    )
    @pytest.mark.parametrize("accept", [GRAPHQL, JSON])
    def test_a_malformed_body_is_400(
        self, client: TestClient[Any], body: bytes, message: str | None, accept: str
    ) -> None:
        response = client.post("/graphql", content=body, headers={"content-type": JSON, "accept": accept})
        status, code, told = error(response)
        assert (status, code) == (400, "BAD_REQUEST")
        if message is None:
            assert told.startswith("The body is not valid JSON: ")
        else:
            assert told == message

    def test_unknown_members_are_ignored(self, client: TestClient[Any]) -> None:
        assert post(client, "{__typename}", zz=1, foo={"a": 1}).json() == TYPENAME

    def test_null_members_are_absent(self, client: TestClient[Any]) -> None:
        answer = post(client, "{__typename}", variables=None, operationName=None, extensions=None)
        assert answer.json() == TYPENAME

    @pytest.mark.parametrize(
        "content_type",
        [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/graphql",
            "application/json-but-not",
            "application/json; charset=latin-1",
            "",
        ],
    )
    def test_another_content_type_is_415(self, client: TestClient[Any], content_type: str) -> None:
        response = client.post(
            "/graphql",
            content=b'{"query":"{__typename}"}',
            headers={"content-type": content_type, "accept": GRAPHQL},
        )
        assert error(response) == (
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "Send the body as application/json in UTF-8, files as multipart/form-data.",
        )

    @pytest.mark.parametrize(
        "content_type", ["application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"']
    )
    def test_a_charset_of_utf_8_is_taken(self, client: TestClient[Any], content_type: str) -> None:
        response = client.post(
            "/graphql", content=b'{"query":"{__typename}"}', headers={"content-type": content_type}
        )
        assert response.json() == TYPENAME

    def test_a_compressed_body_is_415(self, client: TestClient[Any]) -> None:
        response = client.post(
            "/graphql",
            content=gzip.compress(b'{"query":"{__typename}"}'),
            headers={"content-type": JSON, "content-encoding": "gzip"},
        )
        assert error(response) == (
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            "Send the body without a content encoding.",
        )

    def test_a_body_of_more_than_a_mebibyte_is_413(self, client: TestClient[Any]) -> None:
        response = post(client, "{__typename}", junk="x" * (1 << 20))
        assert error(response) == (
            413,
            "PAYLOAD_TOO_LARGE",
            "The body is larger than 1,048,576 bytes.",
        )

    def test_a_body_is_counted_while_it_comes(self, client: TestClient[Any]) -> None:
        chunks = (b"x" * (1 << 16) for _ in range(64))
        response = client.post("/graphql", content=chunks, headers={"content-type": JSON})
        assert error(response)[:2] == (413, "PAYLOAD_TOO_LARGE")

    def test_a_stored_document_is_not_known(self, client: TestClient[Any]) -> None:
        for members in ({"documentId": "sha256:0"}, {"documentId": "x", "query": "{__typename}"}):
            assert error(client.post("/graphql", json=members)) == (
                404,
                "NOT_FOUND",
                "No document of this `documentId` is known: send its text as `query`.",
            )

    def test_a_persisted_query_of_apollo_is_told_to_send_the_text(self, client: TestClient[Any]) -> None:
        hashed = {"persistedQuery": {"version": 1, "sha256Hash": "0"}}
        assert error(client.post("/graphql", json={"extensions": hashed})) == (
            404,
            "NOT_FOUND",
            "PersistedQueryNotSupported",
        )
        assert post(client, "{__typename}", extensions=hashed).json() == TYPENAME


class TestMethods:
    def test_a_query_by_get(self, client: TestClient[Any]) -> None:
        asked = {
            "query": "query A{__typename} query B($n:Int!){echo(number:$n)}",
            "operationName": "B",
            "variables": json.dumps({"n": 3}),
        }
        response = client.get("/graphql", params=asked, headers={"accept": GRAPHQL})
        assert (response.status_code, response.json()) == (200, {"data": {"echo": ""}})

    def test_empty_parameters_are_absent(self, client: TestClient[Any]) -> None:
        asked = {"query": "{__typename}", "operationName": "", "variables": "", "extensions": ""}
        assert client.get("/graphql", params=asked, headers={"accept": JSON}).json() == TYPENAME

    def test_an_operation_may_be_named_null(self, client: TestClient[Any]) -> None:
        asked = {"query": "query null{__typename}", "operationName": "null"}
        assert client.get("/graphql", params=asked, headers={"accept": JSON}).json() == TYPENAME

    @pytest.mark.parametrize(
        ("query_string", "status", "code"),
        [
            ("", 400, "BAD_REQUEST"),
            ("query=%7B__typename%7D&variables=%7B", 400, "BAD_REQUEST"),
            ("query=%7B__typename%7D&variables=7", 400, "BAD_REQUEST"),
            ("query=%FF", 400, "BAD_REQUEST"),
            ("query=%7B__typename%7D&query=%7Brole%7D", 400, "BAD_REQUEST"),
            ("&".join(f"a{i}=1" for i in range(30)), 400, "BAD_REQUEST"),
            ("documentId=abc", 404, "NOT_FOUND"),
            ("query=%7B__typename%7D%20%23" + "x" * 60_000, 413, "PAYLOAD_TOO_LARGE"),
        ],
    )
    def test_a_faulty_query_string(
        self, client: TestClient[Any], query_string: str, status: int, code: str
    ) -> None:
        response = client.get(f"/graphql?{query_string}", headers={"accept": JSON})
        assert error(response)[:2] == (status, code)

    @pytest.mark.parametrize(
        "asked",
        [
            {"query": "mutation{touch}"},
            {"query": "query A{__typename} mutation B{touch}", "operationName": "B"},
        ],
    )
    def test_a_mutation_by_get_is_405(self, client: TestClient[Any], asked: dict[str, str]) -> None:
        response = client.get("/graphql", params=asked, headers={"accept": GRAPHQL})
        assert error(response) == (405, "METHOD_NOT_ALLOWED", "Use POST for a mutation.")
        assert response.headers["allow"] == "POST"

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
    def test_other_methods_are_405(self, client: TestClient[Any], method: str) -> None:
        response = client.request(method, "/graphql", json={"query": "{__typename}"})
        assert error(response) == (405, "METHOD_NOT_ALLOWED", "Use POST, or GET for a query.")
        assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"

    def test_options_names_the_methods_and_allows_no_other_origin(self, client: TestClient[Any]) -> None:
        asked = {"origin": "http://evil.example", "access-control-request-method": "POST"}
        response = client.options("/graphql", headers=asked)
        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"
        assert "access-control-allow-origin" not in response.headers

    def test_head_is_a_get_without_its_body(self, client: TestClient[Any]) -> None:
        response = client.head("/graphql?query=%7B__typename%7D")
        assert (response.status_code, response.content) == (200, b"")
        assert response.headers["content-length"] == str(len(b'{"data":{"__typename":"Query"}}'))

    def test_a_browser_gets_graphiql(self, client: TestClient[Any]) -> None:
        browser = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
        response = client.get("/graphql", headers=browser)
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert response.text == "<!doctype html><title>GraphiQL</title>"

    def test_the_schema_is_served_as_text(self, client: TestClient[Any]) -> None:
        response = client.get("/graphql/schema")
        assert (response.status_code, response.text) == (200, "type Query")
        assert response.headers["content-type"] == "text/plain; charset=utf-8"


class TestSignIn:
    def test_the_caller_is_in_the_context(self, client: TestClient[Any]) -> None:
        assert post(client, "{role}").json() == {"data": {"role": "agent"}}

    @pytest.mark.parametrize("accept", [GRAPHQL, JSON])
    @pytest.mark.parametrize(
        "query",
        ["{role}", "{__typename role}", "mutation{touch}", "{...F} fragment F on Query{role}", "{...{role}}"],
    )
    def test_without_a_token_it_is_401(self, anonymous: TestClient[Any], query: str, accept: str) -> None:
        response = post(anonymous, query, accept)
        assert error(response) == (401, "UNAUTHORIZED", "Invalid or missing authentication token")
        assert response.headers["www-authenticate"] == "Bearer"
        assert response.headers["content-type"] == f"{accept}; charset=utf-8"

    def test_the_schema_and_the_token_itself_need_none(self, anonymous: TestClient[Any]) -> None:
        assert post(anonymous, "{__typename}").json() == TYPENAME
        assert post(anonymous, "{__schema{queryType{name}}}").status_code == 200
        assert post(anonymous, '{__type(name:"User"){name}}').json() == {"data": {"__type": {"name": "User"}}}
        assert post(anonymous, "mutation{tokenCreate}").json() == {"data": {"tokenCreate": "token"}}

    @pytest.mark.parametrize("authorization", ["Bearer nonsense", "Basic abc", "Bearer"])
    def test_a_bad_token_is_401_whatever_is_asked(
        self, anonymous: TestClient[Any], authorization: str
    ) -> None:
        response = anonymous.post(
            "/graphql", json={"query": "{__typename}"}, headers={"authorization": authorization}
        )
        assert error(response)[:2] == (401, "UNAUTHORIZED")
        assert response.headers["www-authenticate"] == "Bearer"

    def test_nothing_is_opened_for_a_refused_caller(self, anonymous: TestClient[Any]) -> None:
        before = len(protocol_app.OPENED)
        post(anonymous, "{role}")
        assert len(protocol_app.OPENED) == before

    def test_an_absent_database_is_503(self, client: TestClient[Any]) -> None:
        client.app.state.helpdesk.is_out = True
        try:
            status, code, _ = error(post(client, "{role}"))
        finally:
            client.app.state.helpdesk.is_out = False
        assert (status, code) == (503, "SERVICE_UNAVAILABLE")


class TestAnswers:
    def test_every_operation_has_a_context_of_its_own(self, client: TestClient[Any]) -> None:
        before = len(protocol_app.OPENED)
        post(client, "{role}")
        post(client, "{role}")
        assert len(set(map(id, protocol_app.OPENED[before:]))) == 2

    def test_an_operation_without_variables_may_be_sent_thousands_of_them(
        self, client: TestClient[Any]
    ) -> None:
        assert post(client, "{waits}", variables={f"v{i}": i for i in range(1_000)}).json() == {
            "data": {"waits": "waited"}
        }

    def test_a_rule_of_a_field_is_200_with_its_code(self, client: TestClient[Any]) -> None:
        response = post(client, "{forbidden role invalid}")
        assert response.status_code == 200
        assert response.json() == {
            "data": {"forbidden": None, "role": "agent", "invalid": None},
            "errors": [
                {
                    "message": "Insufficient permissions for this action",
                    "locations": [{"line": 1, "column": 2}],
                    "path": ["forbidden"],
                    "extensions": {"code": "FORBIDDEN"},
                },
                {
                    "message": "The subject field is required",
                    "locations": [{"line": 1, "column": 17}],
                    "path": ["invalid"],
                    "extensions": {
                        "code": "VALIDATION_ERROR",
                        "details": {"subject": ["This field is required"]},
                    },
                },
            ],
        }

    def test_an_error_that_takes_all_data_along_is_still_an_answer(self, client: TestClient[Any]) -> None:
        response = post(client, "{missing}")
        assert response.status_code == 200
        assert response.json()["data"] is None
        assert response.json()["errors"][0]["extensions"] == {"code": "NOT_FOUND"}

    @pytest.mark.parametrize("field", ["boom", "overflow"])
    def test_a_fault_of_ours_is_told_by_the_request_id_and_logged_once(
        self, client: TestClient[Any], caplog: pytest.LogCaptureFixture, field: str
    ) -> None:
        response = post(client, f"{{{field}}}")
        request_id = response.headers["x-request-id"]
        assert response.json() == {
            "data": {field: None},
            "errors": [
                {
                    "message": "Internal server error",
                    "locations": [{"line": 1, "column": 2}],
                    "path": [field],
                    "extensions": {"code": "INTERNAL_ERROR", "requestId": request_id},
                }
            ],
        }
        faults = [record for record in caplog.records if record.levelname == "ERROR"]
        assert [record.getMessage() for record in faults] == [f"internal error in request {request_id}"]
        assert faults[0].exc_info is not None

    def test_a_typo_of_the_client_is_not_logged(
        self, client: TestClient[Any], caplog: pytest.LogCaptureFixture
    ) -> None:
        for query in ("{", "{nope}", '{echo(number:"x")}', "{forbidden}"):
            post(client, query)
        assert [record for record in caplog.records if record.name.startswith("answer")] == []

    def test_every_answer_has_an_id_of_its_own(self, client: TestClient[Any]) -> None:
        ids = {post(client, "{__typename}").headers["x-request-id"] for _ in range(3)}
        assert len(ids) == 3

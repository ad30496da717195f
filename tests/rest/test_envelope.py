"""Whatever happens, a caller gets the documented envelope, an id to ask about, and nothing of our insides (D33)."""

from __future__ import annotations

import logging
import re

import httpx
import pytest
from litestar import Litestar, get

from rest_compat import exception_handlers
from rest_compat.routes import ENDPOINTS
from tests.rest.conftest import JSON, client_of, refused, ticket


@pytest.fixture
def engine() -> str:
    """One is enough: nothing here depends on what stands behind the door."""
    return "sqlite"


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/nope", "/v1/tickets/1/nope", "/nope", "/v1/tickets//1/x"])
async def test_an_unknown_path_is_not_found(path: str, http: httpx.AsyncClient) -> None:
    refused(await http.get(path), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/v1/tickets", "GET, HEAD, OPTIONS, POST"),
        ("POST", "/v1/tickets/1", "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"),
        ("GET", "/v1/auth/token", "OPTIONS, POST"),
        ("POST", "/health", "GET, HEAD, OPTIONS"),
        ("TRACE", "/v1/users", "GET, HEAD, OPTIONS, POST"),
        ("BREW", "/v1/users", "GET, HEAD, OPTIONS, POST"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(
    method: str, path: str, allowed: str, http: httpx.AsyncClient
) -> None:
    answer = await http.request(method, path)
    refused(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == allowed


async def test_options_names_the_methods(http: httpx.AsyncClient) -> None:
    answer = await http.options("/v1/tickets/1")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"
    assert answer.headers["x-request-id"]


async def test_head_answers_like_get_without_the_body(as_admin: httpx.AsyncClient) -> None:
    await ticket(as_admin)
    for path in ("/v1/tickets", "/v1/tickets/1", "/health", "/v1/openapi.json", "/v1/tickets/99"):
        whole = await as_admin.get(path, headers={"Accept-Encoding": "identity"})
        head = await as_admin.head(path, headers={"Accept-Encoding": "identity"})
        assert head.content == b""
        kept = ("content-type", "content-length")
        assert [head.headers[name] for name in kept] == [whole.headers[name] for name in kept]
        assert head.status_code == whole.status_code


async def test_a_trailing_slash_makes_no_difference(as_admin: httpx.AsyncClient) -> None:
    assert (await as_admin.get("/v1/tickets/")).status_code == 200


async def test_every_answer_has_an_id_of_its_own(as_admin: httpx.AsyncClient) -> None:
    answers = [await as_admin.get(path) for path in ("/v1/tickets", "/v1/tickets", "/health", "/v1/nope")]
    assert len({answer.headers["x-request-id"] for answer in answers}) == 4
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("HEAD", 200), ("OPTIONS", 204), ("PUT", 405)])
async def test_the_pages_too_answer_as_everything_under_v1(
    http: httpx.AsyncClient, method: str, status: int
) -> None:
    answer = await http.request(method, "/v1/docs")
    assert (answer.status_code, len(answer.headers["x-request-id"])) == (status, 32)
    assert bool(answer.content) == (method in ("GET", "PUT"))
    if status in (204, 405):
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_nothing_is_answered_without_a_token(http: httpx.AsyncClient) -> None:
    needing = [each for each in ENDPOINTS if each.needs_token]
    assert {each.path for each in ENDPOINTS if not each.needs_token} == {"/health", "/v1/auth/token"}
    for each in needing:
        path = re.sub(r"\{\w+\}", "1", each.path)
        answer = await http.request(each.method, path, content=b"not even looked at")
        error = refused(answer, 401, "UNAUTHORIZED")
        assert error == {"code": "UNAUTHORIZED", "message": "Invalid or missing authentication token"}
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("sent", ["Bearer nonsense", "Basic YTpi", "Bearer", "", "Bearer \xff"])
async def test_a_wrong_token_is_refused(sent: str, http: httpx.AsyncClient) -> None:
    answer = await http.get("/v1/tickets", headers={b"Authorization": sent.encode("latin-1")})
    refused(answer, 401, "UNAUTHORIZED")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_wrong_credentials_are_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/auth/token", json={"api_key": "x", "api_secret": "y"})
    refused(answer, 401, "UNAUTHORIZED")
    assert answer.headers["www-authenticate"] == "Bearer"
    error = refused(await http.post("/v1/auth/token", json={}), 400, "VALIDATION_ERROR")
    assert error["details"].keys() == {"api_key", "api_secret"}


@pytest.mark.parametrize(
    "path",
    [
        "/v1/tickets/{}",
        "/v1/tickets/{}/replies",
        "/v1/users/{}",
        "/v1/organizations/{}",
        "/v1/categories/{}",
    ],
)
async def test_an_id_that_no_row_has_is_not_found(path: str, as_admin: httpx.AsyncClient) -> None:
    for given in ("0", "-1", "999999999", str(2**63 - 1), str(2**63), "9" * 23, "9" * 5000):
        refused(await as_admin.get(path.format(given)), 404, "NOT_FOUND")
    for given in ("abc", "1.0", "1%00", "%ff", "٣", "null", "1%20OR%201=1"):
        refused(await as_admin.get(path.format(given)), 404, "NOT_FOUND")


async def test_everything_wrong_is_named_at_once(as_admin: httpx.AsyncClient) -> None:
    sent = {"subject": "x" * 256, "requester_email": "nope", "priority": "critical", "zzz": 1}
    error = refused(await as_admin.post("/v1/tickets", json=sent), 400, "VALIDATION_ERROR")
    assert error == {
        "code": "VALIDATION_ERROR",
        "message": "The subject field must be at most 255 characters",
        "details": {
            "subject": ["This field must be at most 255 characters"],
            "content": ["This field is required"],
            "requester_email": ["This field must be a valid email address"],
            "priority": ["This field must be one of: low, medium, high, urgent"],
            "zzz": ["This field is unknown"],
        },
    }


async def test_what_a_role_may_not_do_is_forbidden(as_customer: httpx.AsyncClient) -> None:
    assert refused(await as_customer.get("/v1/users"), 403, "FORBIDDEN") == {
        "code": "FORBIDDEN",
        "message": "Insufficient permissions for this action",
    }
    sent = {"name": "n", "email": "n@example.com"}
    refused(await as_customer.post("/v1/users", json=sent), 403, "FORBIDDEN")


async def test_what_contradicts_the_present_is_a_conflict(as_admin: httpx.AsyncClient) -> None:
    own = (await as_admin.get("/v1/users", params={"type": "admin"})).json()["data"][0]["id"]
    error = refused(await as_admin.delete(f"/v1/users/{own}"), 409, "CONFLICT")
    assert error["message"] == "You cannot delete yourself"


NO_OBJECTS = (
    b"",
    b"hello",
    b"null",
    b"[]",
    b'"x"',
    b"1",
    b"true",
    b'{"subject":"a"',
    b'{"subject":NaN}',
    b'{"category_id":1e400}',
    b'{"category_id":' + b"9" * 5000 + b"}",
    b"[" * 100_000,
    b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    b'{"subject":"\xff\xfe"}',
    b'{"subject":"\\ud800"}',
    '{"subject":"s"}'.encode("utf-16"),
)


async def test_a_body_that_is_no_object_is_refused(as_admin: httpx.AsyncClient) -> None:
    for body in NO_OBJECTS:
        answer = await as_admin.post("/v1/tickets", content=body, headers=JSON)
        error = refused(answer, 400, "VALIDATION_ERROR")
        assert error["details"] == {"body": [error["message"]]}
        assert error["message"].startswith("The body must")
        for inner in ("codec", "Traceback", "recursion", "msgspec", "$["):
            assert inner not in answer.text


async def test_of_a_key_given_twice_the_last_counts(as_admin: httpx.AsyncClient) -> None:
    body = b'{"subject":1,"subject":"last","content":"c","requester_email":"a@b.co"}'
    answer = await as_admin.post("/v1/tickets", content=body, headers=JSON)
    assert answer.json()["data"]["subject"] == "last"


async def test_an_integer_may_be_spelt_as_json_spells_it(as_admin: httpx.AsyncClient) -> None:
    """2.0 is an integer (JSON Schema); what is kept as it is sent stays a fraction."""
    one = await ticket(as_admin, metadata={"share": 2.0})
    answer = await as_admin.put(f"/v1/tickets/{one['id']}", content=b'{"assigned_to":1.0}', headers=JSON)
    assert answer.json()["data"]["assigned_to"]["id"] == 1
    assert '"share":2.0' in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {},
    ],
)
async def test_another_form_of_body_is_unsupported(
    headers: dict[str, str], as_admin: httpx.AsyncClient
) -> None:
    answer = await as_admin.post("/v1/tickets", content=b"{}", headers=headers)
    error = refused(answer, 415, "UNSUPPORTED_MEDIA_TYPE")
    assert error["message"].startswith("Send the body")


@pytest.mark.parametrize("kind", ["Application/JSON; charset=UTF-8", "application/merge-patch+json"])
async def test_every_spelling_of_json_is_taken(kind: str, as_admin: httpx.AsyncClient) -> None:
    one = await ticket(as_admin)
    answer = await as_admin.patch(
        f"/v1/tickets/{one['id']}", content=b'{"priority":"low"}', headers={"Content-Type": kind}
    )
    assert answer.json()["data"]["priority"] == "low"


async def test_a_body_over_the_limit_is_too_large(as_admin: httpx.AsyncClient) -> None:
    body = b'{"content":"%s"}' % (b"x" * (1 << 20))
    error = refused(await as_admin.post("/v1/tickets", content=body, headers=JSON), 413, "PAYLOAD_TOO_LARGE")
    assert error["message"] == "The body must be at most 1,048,576 bytes"


async def test_what_nobody_foresaw_is_logged_once_and_told_by_its_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @get("/v1/broken", sync_to_thread=False)
    def broken() -> None:
        raise RuntimeError("the password is swordfish")

    app = Litestar(
        [broken], exception_handlers=exception_handlers(), openapi_config=None, logging_config=None
    )
    with caplog.at_level(logging.ERROR):
        async with client_of(app) as client:
            answer = await client.get("/v1/broken")
    request_id = answer.headers["x-request-id"]
    assert refused(answer, 500, "INTERNAL_ERROR") == {
        "code": "INTERNAL_ERROR",
        "message": "Internal server error",
        "request_id": request_id,
    }
    assert "swordfish" not in answer.text
    [logged] = caplog.records
    assert logged.request_id == request_id  # type: ignore[attr-defined]  # given as `extra`
    assert logged.exc_info is not None
    assert "swordfish" in str(logged.exc_info[1])


async def test_a_host_that_is_none_is_refused_in_the_envelope(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v1/tickets", headers={"Host": "a b/c"})
    assert refused(answer, 400, "VALIDATION_ERROR")["details"] == {"request": ["Invalid host header"]}

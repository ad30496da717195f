"""The OpenAPI document is valid and says what the server does."""

from __future__ import annotations

import re
from typing import Any, Final

import httpx
import pytest
from litestar import Litestar
from openapi_spec_validator import OpenAPIV31SpecValidator

from resolvers import fields
from resolvers.fields import Field
from rest_compat.body_schemas import ABOUT, schema_of
from rest_compat.endpoint import Body, route_path
from rest_compat.openapi import document
from rest_compat.routes import ENDPOINTS
from tests.rest.conftest import refused

DOCUMENT: Final = document(ENDPOINTS)
BODIES: Final = {each.body.name: each for each in ENDPOINTS if each.body is not None}


@pytest.fixture
def engine() -> str:
    """One is enough: nothing here depends on what stands behind the door."""
    return "sqlite"


def test_it_is_valid() -> None:
    assert [error.message for error in OpenAPIV31SpecValidator(DOCUMENT).iter_errors()] == []


async def test_it_is_served_to_everybody(http: httpx.AsyncClient) -> None:
    answer = await http.get("/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == DOCUMENT


def test_it_has_every_route_and_no_other(app: Litestar) -> None:
    served = {
        (method, route.path)
        for route in app.routes
        for method in getattr(route, "http_methods", route.methods if hasattr(route, "methods") else ())
        if route.path.startswith(("/v1/", "/health")) and route.path not in ("/v1/openapi.json", "/v1/docs")
    }
    described = {
        (method.upper(), route_path(path)) for path, item in DOCUMENT["paths"].items() for method in item
    }
    assert {(method, path) for method, path in served if method not in ("HEAD", "OPTIONS")} == described


def test_every_operation_is_told_apart_and_explained() -> None:
    operations = [operation for item in DOCUMENT["paths"].values() for operation in item.values()]
    assert len({each["operationId"] for each in operations}) == len(operations) == len(ENDPOINTS)
    for each in operations:
        assert each["summary"]
        assert each["description"]
        assert {"404", "405", "429", "500", "503"} <= each["responses"].keys()
        assert ("401" in each["responses"]) or each["operationId"] == "getHealth"
        assert ("requestBody" in each) == ("413" in each["responses"]) == ("415" in each["responses"])


def test_documented_headers_are_described() -> None:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            needs_token = "security" not in operation
            for status, answer in operation["responses"].items():
                if "headers" in answer:
                    assert ("X-RateLimit-Remaining" in answer["headers"]) == needs_token, (
                        path,
                        method,
                        status,
                    )
    refused = DOCUMENT["components"]["responses"]["TooManyRequests"]["headers"]
    assert {
        "Retry-After",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
    } <= refused.keys()


def test_an_empty_parameter_may_be_sent() -> None:
    queries = [
        each
        for item in DOCUMENT["paths"].values()
        for operation in item.values()
        for each in operation.get("parameters", ())
        if each["in"] == "query"
    ]
    assert queries
    assert all(each["allowEmptyValue"] for each in queries)


def test_every_field_of_a_body_is_explained() -> None:
    used = {name for each in BODIES.values() for name in each.body.fields}  # type: ignore[union-attr]
    assert used == ABOUT.keys()


def test_a_check_that_nobody_described_is_noticed() -> None:
    with pytest.raises(KeyError):
        schema_of(Body("New", {"name": Field(str.upper)}))


def unfit(schema: dict[str, Any]) -> list[Any]:
    """Values that the schema refuses, one beyond each of its limits."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    found: list[Any] = [] if "null" in kinds else [None]
    found += {"string": [1, ["a"]], "integer": ["1", 1.5, True], "boolean": ["true", 1]}.get(
        kinds[0], [1, "a"]
    )
    if "maxLength" in schema:
        found.append("a" * (schema["maxLength"] + 1))
    if "minLength" in schema:
        found += ["", "   "]
    if "enum" in schema or "format" in schema:
        found.append("nonsense")
    if "pattern" in schema:
        found.append("a\x00")
    if kinds[0] == "integer":
        found += [0, -1, 2**63]
    if kinds[0] == "array":
        found += [
            ["a"] * 2 + [1],
            [str(number) for number in range(schema["maxItems"] + 1)],
            [""],
            ["a" * 65],
        ]
    if "maxProperties" in schema:
        found.append({str(number): 1 for number in range(schema["maxProperties"] + 1)})
    return found


JSON_BODIES: Final = [name for name, each in BODIES.items() if each.body and not each.body.is_form]


@pytest.mark.parametrize("name", JSON_BODIES)
async def test_what_the_document_refuses_the_server_refuses(name: str, as_admin: httpx.AsyncClient) -> None:
    each = BODIES[name]
    hook = {"url": "https://hooks.acme.example/answer", "events": ["*"]}
    assert (await as_admin.post("/v1/webhooks", json=hook)).status_code == 201
    for kind in ("tickets", "categories", "organizations"):
        sent = (
            {"subject": "s", "content": "c", "requester_email": "a@b.co"}
            if kind == "tickets"
            else {"name": "n"}
        )
        await as_admin.post(f"/v1/{kind}", json=sent)
    path = each.path.replace("{id}", "1").replace("{ticket_id}", "1")
    for field, schema in DOCUMENT["components"]["schemas"][name]["properties"].items():
        for value in unfit(schema):
            answer = await as_admin.request(each.method, path, json={field: value})
            error = refused(answer, 400, "VALIDATION_ERROR")
            assert field in error["details"], (field, value)
    unknown = await as_admin.request(each.method, path, json={"zzz": 1})
    is_named = "zzz" in unknown.json().get("error", {}).get("details", {})
    assert is_named != DOCUMENT["components"]["schemas"][name]["additionalProperties"]


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.acme.example",
        "HTTP://hooks.acme.example:1/x",
        "https://hooks.acme.example:65535?a=1",
        "https://hooks.acme.example:18931/a/b?c#d",
    ],
)
async def test_addresses_that_the_server_takes_the_document_takes(
    url: str, as_admin: httpx.AsyncClient
) -> None:
    schema = DOCUMENT["components"]["schemas"]["WebhookCreate"]["properties"]["url"]
    assert re.search(schema["pattern"], url)
    assert (await as_admin.post("/v1/webhooks", json={"url": url, "events": ["*"]})).status_code == 201


def test_limits_are_the_resolvers_own() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    ticket = schemas["TicketCreate"]
    assert ticket["required"] == ["subject", "content", "requester_email"]
    assert ticket["properties"]["subject"]["maxLength"] == 255
    assert ticket["properties"]["content"]["maxLength"] == fields.LONGEST_CONTENT
    assert ticket["properties"]["priority"]["default"] == "medium"
    assert ticket["properties"]["tags"]["maxItems"] == fields.MOST_TAGS
    assert "required" not in schemas["TicketUpdate"]
    assert schemas["TicketUpdate"]["properties"]["assigned_to"]["type"] == ["integer", "null"]
    assert schemas["TicketUpdate"]["properties"]["status"]["type"] == "string"
    assert schemas["CategoryCreate"]["properties"]["slug"]["maxLength"] == fields.LONGEST_SLUG

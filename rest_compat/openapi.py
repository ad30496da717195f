"""The OpenAPI 3.1 document, put together from what the endpoints declare: it cannot say what the server does not do."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import msgspec

from rest_compat.body_schemas import schema_of
from rest_compat.endpoint import Endpoint
from rest_compat.errors import KINDS
from rest_compat.health import VERSION
from rest_compat.parameters import Parameter
from rest_compat.shapes import Failure

Json = dict[str, Any]

_SCHEMA_REF: Final = "#/components/schemas/"
_JSON: Final = "application/json"
_FILE: Final = {"schema": {"type": "string", "format": "binary"}}
_TAGS: Final = {
    "Health": "Whether the service is well.",
    "Authentication": "Exchange an API key for a token.",
    "Tickets": "Support tickets: create, read, update, delete, with status, priority and assignment.",
    "Replies": "Customer-facing responses and internal notes.",
    "Attachments": "Files of tickets and replies.",
    "Watchers": "Who follows a ticket.",
    "Ratings": "What requesters think of how their tickets went.",
    "Users": "Customers and support agents.",
    "Organizations": "Customer organizations, for grouping and reporting.",
    "Categories": "Ticket categories, for organization and routing.",
    "Statistics": "How many tickets, how fast, how well, and who did what.",
    "Webhooks": "Real-time notifications, and what became of them.",
    "API keys": "What programs sign in with, kept by admins.",
}
_DESCRIPTION: Final = """The documented REST API of Answer, a helpdesk and ticketing system.

Exchange an API key for a token at `POST /v1/auth/token` and send it as `Authorization: Bearer …`. Every answer has
`success`; an error has `error.code`, one of the documented codes, `error.message`, and for VALIDATION_ERROR
`error.details` with everything that is wrong. Instants are RFC 3339 in UTC. The same helpdesk is one connected graph
at `/graphql`."""
_ID_ABOUT: Final = {"id": "ID", "ticket_id": "Ticket ID", "user_id": "User ID", "delivery_id": "Delivery ID"}
_REQUEST_ID: Final = {
    "X-Request-Id": {
        "description": "Names this request in the log of the server",
        "schema": {"type": "string"},
    }
}
_RATE_LIMIT: Final = {
    f"X-RateLimit-{name}": {"description": about, "schema": {"type": "integer", "minimum": 0}}
    for name, about in {
        "Limit": "Requests that the window takes which would refuse first: the minute or the day",
        "Remaining": "How many of them are left",
        "Reset": "When it is over, in epoch seconds",
    }.items()
}
_RETRY_AFTER: Final = {
    "Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 0}}
}


def document(endpoints: Sequence[Endpoint]) -> Json:
    """The document for these endpoints."""
    paths: dict[str, Json] = {}
    for each in endpoints:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Answer API",
            "version": VERSION,
            "summary": "Helpdesk and ticketing system API for customer support management",
            "description": _DESCRIPTION,
            "contact": {"name": "Whoever runs this Answer"},
            "license": {"name": "Oui Answer licence", "identifier": "LicenseRef-Oui-Answer"},
        },
        "servers": [{"url": "/", "description": "This Answer"}],
        "security": [{"bearer": []}],
        "tags": [
            {"name": name, "description": about}
            for name, about in _TAGS.items()
            if any(each.tag == name for each in endpoints)
        ],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The token that `POST /v1/auth/token` gives",
                }
            },
            "responses": {_response_name(status): _failure(status) for status in KINDS},
            "schemas": _schemas(endpoints),
        },
    }


def _operation(each: Endpoint) -> Json:
    operation: Json = {
        "operationId": _camel(each.name),
        "summary": each.summary,
        "description": each.description,
        "tags": [each.tag],
    }
    parameters = [
        *(_path_parameter(name) for name in each.path_parameters),
        *(_query_parameter(name, parameter) for name, parameter in each.query.items()),
    ]
    if parameters:
        operation["parameters"] = parameters
    if each.body is not None:
        example = {"example": each.body.example} if each.body.example else {}
        operation["requestBody"] = {
            "required": True,
            "content": {each.body.media_type: {"schema": {"$ref": _SCHEMA_REF + each.body.name}} | example},
        }
    operation["responses"] = _responses(each)
    if not each.needs_token:
        operation["security"] = []
    return operation


def _responses(each: Endpoint) -> Json:
    if each.answers is bytes:
        return _file_responses(each)
    shape = {"$ref": _SCHEMA_REF + _component_name(each.answers)}
    found = {
        str(status): {
            "description": HTTPStatus(status).phrase,
            "headers": _headers(each),
            "content": {_JSON: {"schema": shape}},
        }
        for status in (each.status, *each.also)
    }
    return dict(sorted((found | _failures(each)).items()))


def _file_responses(each: Endpoint) -> Json:
    """A file whole, a range of it, or nothing because the client has it already."""
    # of any kind; generators of clients know the first
    content = {"application/octet-stream": _FILE, "*/*": _FILE}
    found: Json = {
        str(status): {"description": HTTPStatus(status).phrase, "headers": _headers(each), "content": content}
        for status in (200, 206)
    }
    found["304"] = {"description": HTTPStatus(304).phrase, "headers": _headers(each)}
    return dict(sorted((found | _failures(each)).items()))


def _headers(each: Endpoint) -> Json:
    return _REQUEST_ID | _RATE_LIMIT if each.needs_token else _REQUEST_ID


def _failures(each: Endpoint) -> Json:
    return {
        str(status): {"$ref": "#/components/responses/" + _response_name(status)} for status in each.errors
    }


def _path_parameter(name: str) -> Json:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": _ID_ABOUT[name],
        "schema": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
    }


def _query_parameter(name: str, parameter: Parameter) -> Json:
    return {
        "name": name,
        "in": "query",
        "description": parameter.about,
        "allowEmptyValue": True,  # an empty value is an absent one
        "schema": parameter.schema,
    }


def _failure(status: int) -> Json:
    code, message = KINDS[status]
    error: Json = {"code": code, "message": message}
    if status == 400:
        error = {
            "code": code,
            "message": "The subject field is required",
            "details": {"subject": ["This field is required"]},
        }
    headers: Json = dict(_REQUEST_ID)
    if status == 405:
        headers["Allow"] = {"description": "The methods of this path", "schema": {"type": "string"}}
    if status == 429:
        headers |= _RATE_LIMIT
    if status in (429, 503):
        headers |= _RETRY_AFTER
    return {
        "description": message,
        "headers": headers,
        "content": {
            _JSON: {
                "schema": {"$ref": _SCHEMA_REF + "Failure"},
                "example": {"success": False, "error": error},
            }
        },
    }


def _schemas(endpoints: Sequence[Endpoint]) -> Json:
    shapes = {each.answers for each in endpoints} - {bytes} | {Failure}
    _, found = msgspec.json.schema_components(sorted(shapes, key=str), ref_template=_SCHEMA_REF + "{name}")
    schemas: Json = {_plain(name): _renamed(schema) for name, schema in found.items()}
    bodies = {each.body.name: schema_of(each.body) for each in endpoints if each.body is not None}
    return dict(sorted((schemas | bodies).items()))


def _renamed(schema: Any) -> Any:
    """The schema with plain names in its references, and titles that make a class name."""
    if isinstance(schema, list):
        return [_renamed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _renamed(value) for name, value in schema.items()}
    if isinstance(found.get("$ref"), str):
        found["$ref"] = _SCHEMA_REF + _plain(found["$ref"].removeprefix(_SCHEMA_REF))
    if isinstance(found.get("title"), str):
        found["title"] = _plain(found["title"])
    return found


def _component_name(shape: Any) -> str:
    [reference], _ = msgspec.json.schema_components([shape], ref_template="{name}")
    return _plain(reference["$ref"])


def _plain(name: str) -> str:
    """`Listed_Ticket_`, `Listed[Ticket]` -> `ListedTicket`."""
    return "".join(letter for letter in name if letter.isalnum())


def _response_name(status: int) -> str:
    return HTTPStatus(status).phrase.replace(" ", "")


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)

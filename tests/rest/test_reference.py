"""The tables of the documentation, line by line: parameters, fields, tiers, errors. Examples: test_documented."""

from __future__ import annotations

from typing import Any, Final

import httpx
import pytest

from resolvers import rate_limits
from resolvers.context import Helpdesk
from resolvers.tokens import make_key
from rest_compat.errors import KINDS
from rest_compat.openapi import document
from rest_compat.routes import ENDPOINTS
from tests.conftest import Clock
from tests.rest.conftest import created, refused, ticket

PATHS: Final = document(ENDPOINTS)["paths"]
SCHEMAS: Final = document(ENDPOINTS)["components"]["schemas"]

PARAMETERS: Final[dict[str, dict[str, dict[str, Any]]]] = {
    "/v1/tickets": {
        "page": {"type": "integer", "default": 1},
        "per_page": {"type": "integer", "default": 20, "maximum": 100},
        "status": {"type": "string", "enum": ["open", "pending", "resolved", "closed"]},
        "priority": {"type": "string", "enum": ["low", "medium", "high", "urgent"]},
        "assigned_to": {},  # the id of an agent, or a word besides
        "category_id": {"type": "integer"},
        "search": {"type": "string"},
        "sort": {"type": "string", "enum": ["created_at", "updated_at", "priority"]},
        "order": {"type": "string", "enum": ["asc", "desc"], "default": "desc"},
    },
    "/v1/tickets/{ticket_id}/replies": {"include_internal": {"type": "boolean", "default": True}},
    "/v1/users": {
        "type": {"type": "string", "enum": ["customer", "agent", "admin"]},
        "search": {"type": "string"},
        "organization_id": {"type": "integer"},
    },
    "/v1/stats/overview": {
        "from_date": {"type": "string", "format": "date"},
        "to_date": {"type": "string", "format": "date"},
    },
}
FIELDS: Final[dict[str, dict[str, Any]]] = {
    "subject": {"type": "string", "maxLength": 255},
    "content": {"type": "string"},
    "requester_email": {"type": "string"},
    "requester_name": {"type": ["string", "null"]},
    "priority": {"enum": ["low", "medium", "high", "urgent", None], "default": "medium"},
    "category_id": {"type": ["integer", "null"]},
    "assigned_to": {"type": ["integer", "null"]},
    "tags": {"type": ["array", "null"]},
    "metadata": {"type": ["object", "null"]},
}
"""Of a new ticket."""
ERRORS: Final = {
    "UNAUTHORIZED": (401, "Invalid or missing authentication token"),
    "FORBIDDEN": (403, "Insufficient permissions for this action"),
    "NOT_FOUND": (404, "Resource not found"),
    "VALIDATION_ERROR": (400, "Request validation failed"),
    "RATE_LIMIT_EXCEEDED": (429, "Too many requests"),
    "INTERNAL_ERROR": (500, "Internal server error"),
}
TIERS: Final = {"free": (30, 1_000), "starter": (60, 10_000), "professional": (120, 100_000)}
"""Requests a minute and a day; enterprise has no limit."""


@pytest.fixture
def engine() -> str:
    """One is enough: nothing here depends on what stands behind the door."""
    return "sqlite"


@pytest.mark.parametrize("path", PARAMETERS)
def test_every_documented_parameter_is_taken_as_described(path: str) -> None:
    taken = {each["name"]: each["schema"] for each in PATHS[path]["get"]["parameters"]}
    for name, documented in PARAMETERS[path].items():
        assert {key: taken[name].get(key) for key in documented} == documented, name


def test_every_documented_field_of_a_new_ticket_is_taken_as_described() -> None:
    taken = SCHEMAS["TicketCreate"]
    assert taken["required"] == ["subject", "content", "requester_email"]
    for name, documented in FIELDS.items():
        assert {key: taken["properties"][name].get(key) for key in documented} == documented, name


def test_every_documented_error_has_its_status_and_words() -> None:
    ours = {kind.code: (status, kind.message) for status, kind in KINDS.items()}
    for code, (status, words) in ERRORS.items():
        assert ours[code][0] == status
        assert ours[code][1].startswith(words)


@pytest.mark.parametrize("tier", TIERS)
async def test_every_tier_has_its_documented_limits(
    tier: str, helpdesk: Helpdesk, http: httpx.AsyncClient, clock: Clock
) -> None:
    made, _, _ = await make_key(helpdesk, "admin", workspace=tier, tier=tier)
    given = {"api_key": made.row.api_key, "api_secret": made.api_secret}
    token = (await http.post("/v1/auth/token", json=given)).json()["token"]
    answer = await http.get("/v1/categories", headers={"Authorization": f"Bearer {token}"})
    a_minute, a_day = TIERS[tier]
    assert int(answer.headers["x-ratelimit-limit"]) == a_minute
    assert int(answer.headers["x-ratelimit-remaining"]) == a_minute - 1
    assert 0 < int(answer.headers["x-ratelimit-reset"]) - clock.moment.timestamp() <= 61
    assert [limit.amount for limit in rate_limits.TIERS[tier]] == [a_minute, a_day]


async def test_users_are_searched_by_name_and_by_email(as_admin: httpx.AsyncClient) -> None:
    jane = await created(as_admin, "/v1/users", name="Jane Smith", email="mail@techsolutions.com")
    for sought in ("Smith", "techsolutions"):
        found = (await as_admin.get("/v1/users", params={"search": sought})).json()["data"]
        assert [each["id"] for each in found] == [jane["id"]]


async def test_tickets_are_searched_in_subject_and_content(as_admin: httpx.AsyncClient) -> None:
    one = await ticket(as_admin, subject="Invoice missing", content="It never came")
    await ticket(as_admin)
    for sought in ("invoice", "never"):
        found = (await as_admin.get("/v1/tickets", params={"search": sought})).json()["data"]
        assert [each["id"] for each in found] == [one["id"]]


async def test_a_ticket_goes_with_its_replies_and_attachments(as_admin: httpx.AsyncClient) -> None:
    path = f"/v1/tickets/{(await ticket(as_admin))['id']}"
    await created(as_admin, f"{path}/replies", content="c")
    file = (await as_admin.post(f"{path}/attachments", files={"file": ("a.txt", b"a")})).json()["data"]
    assert (await as_admin.get(file["url"])).content == b"a"
    assert (await as_admin.delete(path)).json() == {"success": True, "message": "Ticket deleted successfully"}
    for gone in (path, f"{path}/replies", file["url"]):
        refused(await as_admin.get(gone), 404, "NOT_FOUND")


async def test_the_first_answer_moves_a_ticket_from_new_to_open(
    as_admin: httpx.AsyncClient, as_agent: httpx.AsyncClient
) -> None:
    """The documented log line: `status_changed` from `new` to `open` by whoever answered."""
    path = f"/v1/tickets/{(await ticket(as_admin))['id']}"
    reply = await created(as_agent, f"{path}/replies", content="Thank you for contacting us...")
    whole = (await as_admin.get(path)).json()["data"]
    [line] = [each for each in whole["activity_log"] if each["action"] == "status_changed"]
    assert (line["from"], line["to"], line["user"]["name"]) == ("new", "open", reply["author"]["name"])
    assert (whole["status"], whole["first_response_at"]) == ("open", reply["created_at"])

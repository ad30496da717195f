"""Every documented example of a call that is served: no field is missing, none has another type."""

from __future__ import annotations

from typing import Any, Final

import httpx
import pytest
from openapi_schema_validator import OAS31Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from rest_compat.openapi import document
from rest_compat.routes import ENDPOINTS
from tests.conftest import Person
from tests.rest.conftest import DOCUMENTED, created, ticket

SERVED: Final = {f"{each.method} {each.path}": each for each in ENDPOINTS}
OPENAPI: Final = document(ENDPOINTS)


def test_every_documented_call_is_served() -> None:
    assert {call for call in DOCUMENTED if call != "error"} <= SERVED.keys()


class World:
    """The helpdesk of the examples, as far as its own numbers allow."""

    def __init__(self, admin: httpx.AsyncClient) -> None:
        self.admin = admin
        self.ids: dict[str, int] = {}

    async def fill(self, agent: httpx.AsyncClient) -> World:
        place = await created(self.admin, "/v1/organizations", name="Acme Corp", domain="acme.com")
        await created(self.admin, "/v1/categories", name="General Inquiry", slug="general", color="#3b82f6")
        filed = await created(self.admin, "/v1/categories", name="Account Issues", color="#ff5722")
        manager = await created(self.admin, "/v1/users", name="Manager", email="m@default.example")
        asked = await ticket(
            self.admin,
            content="I've been trying to login but keep getting an error...",
            requester_email="john@acme.com",
            requester_name="John Doe",
            category_id=filed["id"],
            tags=["login", "authentication"],
            metadata={},
        )
        [who] = (await self.admin.get("/v1/users", params={"type": "agent"})).json()["data"]
        path = f"/v1/tickets/{asked['id']}"
        await created(self.admin, f"{path}/watchers", user_id=manager["id"])
        await created(agent, f"{path}/replies", content="Thank you for contacting us...")
        await created(agent, f"{path}/replies", content="[Internal] Escalating", is_internal=True)
        await self.admin.post(f"{path}/attachments", files={"file": ("screenshot.png", b"\x89PNG\r\n\x1a\n")})
        await self.admin.put(path, json={"assigned_to": who["id"]})
        await self._solve(agent, who["id"])
        await created(self.admin, "/v1/webhooks", url="https://hooks.acme.example", events=["*"])
        self.ids = {"ticket": asked["id"], "organization": place["id"]}
        return self

    async def _solve(self, agent: httpx.AsyncClient, agent_id: int) -> None:
        """Something for the statistics to say: a ticket that was answered, resolved and rated."""
        mine = await ticket(self.admin, requester_email="admin@default.example", assigned_to=agent_id)
        path = f"/v1/tickets/{mine['id']}"
        await created(agent, f"{path}/replies", content="Done", update_status="resolved")
        await created(self.admin, f"{path}/rating", rating=5)

    def path(self, documented: str) -> str:
        return documented.replace("{id}", str(self.ids["ticket"])).replace(
            "{ticket_id}", str(self.ids["ticket"])
        )


@pytest.fixture
async def world(as_admin: httpx.AsyncClient, as_agent: httpx.AsyncClient) -> World:
    return await World(as_admin).fill(as_agent)


async def test_every_read_answers_as_documented(world: World) -> None:
    """The documentation abbreviates the pagination of users, and leaves out that of other lists (D20)."""
    pagination = DOCUMENTED["GET /v1/tickets"]["response"]["pagination"]
    bytes_ = "GET /v1/attachments/{id}/download"
    for call in (call for call in DOCUMENTED if call.startswith("GET") and call != bytes_):
        answer = await world.admin.get(world.path(call.partition(" ")[2]))
        assert answer.status_code == 200
        assert differences(DOCUMENTED[call]["response"], answer.json()) == []
        if isinstance(answer.json().get("data"), list):
            assert differences(pagination, answer.json()["pagination"]) == []
        assert_described(call, answer)


async def test_an_update_answers_as_documented(world: World) -> None:
    call = "PUT /v1/tickets/{id}"
    answer = await world.admin.put(
        world.path("/v1/tickets/{id}"), json={"status": "pending", "priority": "urgent"}
    )
    documented = DOCUMENTED[call]["response"]
    assert differences(documented, answer.json()) == []
    assert answer.json()["message"] == documented["message"]
    assert (answer.json()["data"]["status"], answer.json()["data"]["priority"]) == ("pending", "urgent")
    assert_described(call, answer)


async def test_a_deletion_answers_as_documented(world: World) -> None:
    answer = await world.admin.delete(world.path("/v1/tickets/{id}"))
    assert answer.status_code == 200
    assert answer.json() == DOCUMENTED["DELETE /v1/tickets/{id}"]["response"]
    assert (await world.admin.get(world.path("/v1/tickets/{id}"))).status_code == 404


async def test_a_token_is_given_as_documented(admin: Person, http: httpx.AsyncClient) -> None:
    call = "POST /v1/auth/token"
    sent = {"api_key": admin.api_key, "api_secret": admin.api_secret}
    assert sent.keys() == DOCUMENTED[call]["request"].keys()
    answer = await http.post("/v1/auth/token", json=sent)
    assert answer.status_code == 200
    assert differences(DOCUMENTED[call]["response"], answer.json()) == []
    assert (answer.json()["expires_in"], answer.json()["token_type"]) == (3600, "Bearer")
    assert_described(call, answer)


async def test_a_documented_reply_is_taken(world: World) -> None:
    sent = DOCUMENTED["POST /v1/tickets/{ticket_id}/replies"]["request"]
    answer = await world.admin.post(world.path("/v1/tickets/{ticket_id}/replies"), json=sent)
    assert answer.status_code == 201
    assert answer.json()["message"] == "Reply created successfully"
    assert answer.json()["data"]["content"] == sent["content"]
    assert_described("POST /v1/tickets/{ticket_id}/replies", answer)
    after = await world.admin.get(world.path("/v1/tickets/{id}"))
    assert after.json()["data"]["status"] == "resolved"


async def test_a_documented_upload_is_taken(world: World) -> None:
    call = "POST /v1/tickets/{ticket_id}/attachments"
    answer = await world.admin.post(
        world.path("/v1/tickets/{ticket_id}/attachments"), files={"file": ("error-log.txt", b"x" * 2048)}
    )
    assert answer.status_code == 201
    documented = DOCUMENTED[call]["response"]
    assert differences(documented, answer.json()) == []
    data = answer.json()["data"]
    own = {
        "id": data["id"],
        "ticket_id": world.ids["ticket"],
        "url": f"/v1/attachments/{data['id']}/download",
    }
    assert {name: data[name] for name in documented["data"]} == documented["data"] | own
    assert_described(call, answer)
    again = await world.admin.get(f"/v1/attachments/{data['id']}")
    assert again.json() == {"success": True, "data": data}
    assert_described("GET /v1/attachments/{id}", again)
    bytes_ = await world.admin.get(data["url"])
    assert (bytes_.status_code, bytes_.content) == (200, b"x" * 2048)


async def test_every_documented_body_is_taken(world: World) -> None:
    for noun in ("user", "organization", "category"):
        path = {"category": "/v1/categories"}.get(noun, f"/v1/{noun}s")
        sent = dict(DOCUMENTED[f"POST {path}"]["request"])
        if noun == "user":
            sent["organization_id"] = world.ids["organization"]
        answer = await world.admin.post(path, json=sent)
        assert answer.status_code == 201, answer.text
        assert answer.json()["message"] == f"{noun.title()} created successfully"
        data = answer.json()["data"]
        if noun == "user":
            assert data["organization"] == {"id": sent.pop("organization_id"), "name": "Acme Corp"}
        assert {name: data[name] for name in sent} == sent
        assert_described(f"POST {path}", answer)
        again = await world.admin.get(f"{path}/{data['id']}")
        assert again.json() == {"success": True, "data": data}
        assert_described(f"GET {path}/{{id}}", again)


async def test_a_documented_webhook_is_taken(world: World) -> None:
    call = "POST /v1/webhooks"
    sent = DOCUMENTED[call]["request"]
    answer = await world.admin.post("/v1/webhooks", json=sent)
    assert answer.status_code == 201
    assert answer.json()["message"] == "Webhook created successfully"
    data = answer.json()["data"]
    assert {name: data[name] for name in sent} == sent
    assert_described(call, answer)
    again = await world.admin.get(f"/v1/webhooks/{data['id']}")
    assert again.json()["data"] == data | {"secret": "whsec_****"}
    listed = (await world.admin.get("/v1/webhooks")).json()["data"]
    assert {each["secret"] for each in listed} == {"whsec_****"}


async def test_everything_about_a_webhook_answers_as_described(world: World) -> None:
    """Beyond what is documented: the OpenAPI document says what comes back."""
    [webhook] = (await world.admin.get("/v1/webhooks")).json()["data"]
    path = "/v1/webhooks/{id}"
    here = f"/v1/webhooks/{webhook['id']}"
    assert_described(f"PUT {path}", await world.admin.put(here, json={"events": ["ticket.*"]}))
    assert_described(f"PATCH {path}", await world.admin.patch(here, json={"is_active": True}))
    rotated = await world.admin.post(f"{here}/rotate-secret")
    assert rotated.json()["message"] == "Webhook secret rotated successfully"
    assert rotated.json()["data"]["secret"].startswith("whsec_")
    assert_described(f"POST {path}/rotate-secret", rotated)
    tested = await world.admin.post(f"{here}/test")
    assert tested.status_code == 201
    assert_described(f"POST {path}/test", tested)
    assert_described(f"GET {path}/deliveries", await world.admin.get(f"{here}/deliveries"))
    again = await world.admin.post(f"{here}/deliveries/{tested.json()['data']['id']}/redeliver")
    assert_described(f"POST {path}/deliveries/{{delivery_id}}/redeliver", again)
    gone = await world.admin.delete(here)
    assert gone.json() == {"success": True, "message": "Webhook deleted successfully"}


async def test_the_documented_fields_of_a_ticket_are_taken(world: World) -> None:
    """The table of POST /v1/tickets."""
    [who] = (await world.admin.get("/v1/users", params={"type": "agent"})).json()["data"]
    [filed, *_] = (await world.admin.get("/v1/categories")).json()["data"]
    sent = {
        "subject": "x" * 255,
        "content": "Help",
        "requester_email": "new@acme.com",
        "requester_name": "New",
        "priority": "urgent",
        "category_id": filed["id"],
        "assigned_to": who["id"],
        "tags": ["a", "b"],
        "metadata": {"plan": {"seats": 3}},
    }
    answer = await world.admin.post("/v1/tickets", json=sent)
    assert answer.status_code == 201
    assert answer.json()["message"] == "Ticket created successfully"
    data = answer.json()["data"]
    assert [data[name] for name in ("subject", "content", "priority", "tags", "metadata")] == [
        sent[name] for name in ("subject", "content", "priority", "tags", "metadata")
    ]
    assert data["requester"] | {"id": 0} == {
        "id": 0,
        "name": "New",
        "email": "new@acme.com",
        "avatar_url": None,
    }
    assert (data["assigned_to"]["id"], data["category"]["id"]) == (who["id"], filed["id"])
    assert_described("POST /v1/tickets", answer)


async def test_the_documented_error_word_by_word(as_admin: httpx.AsyncClient) -> None:
    answer = await as_admin.post("/v1/tickets", json={"content": "c", "requester_email": "a@b.co"})
    assert answer.status_code == 400
    assert answer.json() == DOCUMENTED["error"]["response"]


def differences(documented: Any, actual: Any, at: str = "") -> list[str]:
    """What is documented and not there, or there as something else. Null is documented where a value may be."""
    if documented is None:
        return []
    if isinstance(documented, dict):
        if not isinstance(actual, dict):
            return [f"{at}: {actual!r} is no object"]
        missing = [f"{at}.{name} is missing" for name in documented if name not in actual]
        return missing + [
            each
            for name, value in documented.items()
            if name in actual
            for each in differences(value, actual[name], f"{at}.{name}")
        ]
    if isinstance(documented, list):
        return _differences_of_lists(documented, actual, at)
    is_same = type(documented) is type(actual) or {type(documented), type(actual)} == {int, float}
    return [] if is_same else [f"{at}: {actual!r} is documented as {documented!r}"]


def _differences_of_lists(documented: list[Any], actual: Any, at: str) -> list[str]:
    """Every item has every field; at least one has values where the documented one has."""
    if not isinstance(actual, list):
        return [f"{at}: {actual!r} is no list"]
    if not documented:
        return []
    if not actual:
        return [f"{at} is empty"]
    of_each = [differences(documented[0], each, f"{at}[]") for each in actual]
    missing = [each for found in of_each for each in found if each.endswith("is missing")]
    return missing or min(of_each, key=len)


def assert_described(call: str, answer: httpx.Response) -> None:
    """The OpenAPI document says of this answer what it is."""
    [media] = OPENAPI["paths"][SERVED[call].path][SERVED[call].method.lower()]["responses"][
        str(answer.status_code)
    ]["content"].values()
    resource = Resource.from_contents(OPENAPI, default_specification=DRAFT202012)
    reference = "urn:answer" + media["schema"]["$ref"]
    validator = OAS31Validator({"$ref": reference}, registry=Registry().with_resource("urn:answer", resource))
    assert [error.message for error in validator.iter_errors(answer.json())] == []


@pytest.mark.parametrize(
    ("documented", "actual", "found"),
    [
        ({"a": 1}, {}, [".a is missing"]),
        ({"a": 1}, {"a": "1"}, [".a: '1' is documented as 1"]),
        ({"a": True}, {"a": 1}, [".a: 1 is documented as True"]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1}, {}]}, [".a[].b is missing"]),
        ({"a": {"b": 1}}, {"a": None}, [".a: None is no object"]),
        ({"a": [1]}, {"a": []}, [".a is empty"]),
        ({"a": 1}, {"a": 1, "b": 2}, []),
    ],
)
def test_what_differs_would_be_found(documented: Any, actual: Any, found: list[str]) -> None:
    assert differences(documented, actual) == found

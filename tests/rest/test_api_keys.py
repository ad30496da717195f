"""/v1/api-keys answers in the envelopes of the documented calls (D20, D37)."""

from __future__ import annotations

import httpx

from rest_compat.shapes import NewApiKey
from tests.conftest import Person

SHOWN = {"id", "api_key", "secret_ending", "user", "is_active", "created_at", "revoked_at"}


async def test_a_new_key_is_shown_with_its_secret(as_admin: httpx.AsyncClient, admin: Person) -> None:
    answer = await as_admin.post("/v1/api-keys", json={"user_id": admin.id})
    assert answer.status_code == 201
    body = answer.json()
    assert body.keys() == {"success", "data", "message"}
    assert body["message"] == "API key created successfully"
    assert body["data"].keys() == SHOWN | {"api_secret"}
    one = await as_admin.get(f"/v1/api-keys/{body['data']['id']}")
    assert one.status_code == 200
    api_secret = body["data"].pop("api_secret")
    assert api_secret not in repr(NewApiKey(**body["data"], api_secret=api_secret))
    assert one.json() == {"success": True, "data": body["data"]}


async def test_a_list_of_keys_has_pages(as_admin: httpx.AsyncClient, admin: Person) -> None:
    await as_admin.post("/v1/api-keys", json={"user_id": admin.id})
    answer = (await as_admin.get("/v1/api-keys", params={"page": 2, "per_page": 1})).json()
    assert answer["pagination"] == {"page": 2, "per_page": 1, "total": 2, "total_pages": 2}
    assert [each.keys() for each in answer["data"]] == [SHOWN]


async def test_a_revocation_answers_like_a_deletion(as_admin: httpx.AsyncClient, admin: Person) -> None:
    made = (await as_admin.post("/v1/api-keys", json={"user_id": admin.id})).json()["data"]
    for _ in range(2):
        answer = await as_admin.delete(f"/v1/api-keys/{made['id']}")
        assert answer.status_code == 200
        assert answer.json() == {"success": True, "message": "API key revoked successfully"}

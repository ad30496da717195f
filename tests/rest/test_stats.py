"""Statistics and ratings as REST writes them."""

from __future__ import annotations

import httpx

from tests.conftest import Person
from tests.rest.conftest import created, refused, ticket
from tests.rest.test_documented import assert_described


async def test_a_rating_is_given_and_read(
    as_agent: httpx.AsyncClient, as_customer: httpx.AsyncClient, agent: Person, customer: Person
) -> None:
    asked = await ticket(as_agent, assigned_to=agent.id)
    path = f"/v1/tickets/{asked['id']}/rating"
    refused(await as_customer.get(path), 404, "NOT_FOUND")
    refused(await as_customer.post(path, json={"rating": 5}), 409, "CONFLICT")
    await as_agent.put(f"/v1/tickets/{asked['id']}", json={"status": "resolved"})
    answer = await as_customer.post(path, json={"rating": 5, "comment": "Quick and kind"})
    assert answer.status_code == 201
    assert_described("POST /v1/tickets/{ticket_id}/rating", answer)
    body = answer.json()
    assert body["message"] == "Rating created successfully"
    assert body["data"] | {"created_at": 0} == {
        "id": 1,
        "ticket_id": asked["id"],
        "rating": 5,
        "comment": "Quick and kind",
        "requester": {"id": customer.id, "name": "Customer"},
        "assigned_to": {"id": agent.id, "name": "Agent"},
        "created_at": 0,
    }
    read = await as_agent.get(path)
    assert read.json() == {"success": True, "data": body["data"]}
    assert_described("GET /v1/tickets/{ticket_id}/rating", read)
    error = refused(await as_customer.post(path, json={"rating": 6, "stars": 5}), 400, "VALIDATION_ERROR")
    assert error["message"] == "The rating field must be between 1 and 5"
    assert error["details"].keys() == {"rating", "stars"}
    refused(await as_agent.post(path, json={"rating": 5}), 403, "FORBIDDEN")
    assert (await as_customer.post(path, json={"rating": 2.0})).status_code == 201


async def test_the_window_of_statistics(as_agent: httpx.AsyncClient, as_customer: httpx.AsyncClient) -> None:
    await created(as_agent, "/v1/tickets", subject="s", content="c", requester_email="a@b.co")
    for path in ("/v1/stats/overview", "/v1/stats/agents"):
        after = {"from_date": "2026-02-01", "to_date": "2026-01-01"}
        error = refused(await as_agent.get(path, params=after), 400, "VALIDATION_ERROR")
        assert error["details"] == {"from_date": ["This field must not be after to_date"]}
        assert error["message"] == "The from_date field must not be after to_date"
        error = refused(await as_agent.get(path, params={"to_date": "2026-02-30"}), 400, "VALIDATION_ERROR")
        assert error["details"] == {"to_date": ["This field must be a date such as 2024-01-31"]}
        empty = await as_agent.get(path, params={"from_date": "", "to_date": ""})
        assert empty.json() == (await as_agent.get(path)).json()
        assert_described(f"GET {path}", empty)
        refused(await as_customer.get(path), 403, "FORBIDDEN")
    [day] = (await as_agent.get("/v1/stats/overview")).json()["data"]["trends"]["daily_created"]
    assert day == {"date": "2026-03-02", "count": 1}

"""What is deleted while a call reads it is not there: never an error of ours."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from db.database import Database
from db.queries import tickets, users
from resolvers.context import Helpdesk
from tests.conftest import Joins, Person, Sql, _in_a_thread
from tests.rest.conftest import Calls, created, ticket

Deletion = Callable[[], None]
MOST_STATEMENTS = 12


def deletion(address: str, ticket_id: int, user_ids: list[int]) -> Deletion:
    """Deletes the ticket and then these users, from elsewhere; a statement of ours can wait for it."""

    async def work() -> None:
        database = Database(address)
        async with database.write() as tx:
            held = await tickets.LISTING.find(tx, (("id", ticket_id),), held=True)
            if held is not None:
                await tickets.remove(tx, held)
            for user_id in user_ids:
                await users.remove(tx, user_id)
        await database.close()

    return lambda: _in_a_thread(work)


def before_statement(helpdesk: Helpdesk, number: int, delete: Deletion) -> Sql:
    """Let the deletion happen before statement `number` from now on, counted from 0."""
    seen = Sql(joins=not helpdesk.db.is_sqlite)

    def on_statement(sql: str) -> None:
        if len(seen) == number:
            delete()
        seen.statements.append(sql)

    helpdesk.db.on_statement = on_statement
    return seen


@pytest.mark.parametrize("path", ["/v1/tickets", "/v1/tickets/{id}", "/v1/tickets/{id}/replies"])
async def test_a_ticket_and_its_people_go_between_two_reads(
    path: str, address: str, helpdesk: Helpdesk, calls: Calls, admin: Person, join: Joins
) -> None:
    as_admin = calls(admin)
    statuses = set()
    for number in range(MOST_STATEMENTS):
        asked = await ticket(as_admin, requester_email=f"eve{number}@x.test")
        author = await join("agent", email=f"author{number}@x.test")
        await created(calls(author), f"/v1/tickets/{asked['id']}/replies", content="An answer")
        people = [asked["requester"]["id"], author.id]
        delete = deletion(address, asked["id"], people)
        seen = before_statement(helpdesk, number, delete)
        answer = await as_admin.get(path.format(id=asked["id"]))
        helpdesk.db.on_statement = None
        assert answer.status_code in (200, 404), (number, answer.text, seen.statements)
        statuses.add(answer.status_code)
        if len(seen) <= number:
            break  # it came to its end before
    else:
        pytest.fail("MOST_STATEMENTS is too few")
    assert statuses == ({200} if path == "/v1/tickets" else {200, 404})


async def test_a_key_and_its_user_go_between_two_reads(
    address: str, helpdesk: Helpdesk, as_admin: httpx.AsyncClient, join: Joins
) -> None:
    for path in ("/v1/api-keys", "/v1/api-keys/{id}"):
        for number in range(4):
            agent = await join("agent", email="agent@x.test")
            [*_, key] = (await as_admin.get("/v1/api-keys")).json()["data"]
            before_statement(helpdesk, number, deletion(address, 0, [agent.id]))
            answer = await as_admin.get(path.format(id=key["id"]))
            helpdesk.db.on_statement = None
            assert answer.status_code in (200, 404), (path, number, answer.text)

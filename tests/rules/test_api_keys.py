"""API keys as admins keep them: listed, made, revoked (D31, D34, D36)."""

import asyncio
import logging
from typing import Any

import pytest

from resolvers.context import Helpdesk
from resolvers.tokens import NewKey, make_key
from tests.conftest import Clock, Joins, Person, Sql
from tests.contents import Unchanged, contents
from tests.doors import Door, GraphqlDoor, Row


async def made(door: Door, who: Person, user_id: int) -> Row:
    """A new key for the user, as the answer that makes it shows it."""
    found: Row = (await door.make_key(who, user_id=user_id)).done()
    return found


async def token_of(door: Door, key: Row) -> str:
    token: str = (await door.sign_in(key["api_key"], key["api_secret"])).done()["token"]
    return token


async def test_a_new_key_acts_as_its_user(door: Door, admin: Person, agent: Person) -> None:
    key = await made(door, admin, agent.id)
    assert key == {
        "id": key["id"],
        "api_key": key["api_key"],
        "api_secret": key["api_secret"],
        "secret_ending": key["api_secret"][-4:],
        "user": {"id": agent.id, "name": agent.user.name, "email": agent.user.email, "type": "agent"},
        "is_active": True,
        "created_at": key["created_at"],
        "revoked_at": None,
    }
    token = await token_of(door, key)
    ticket = await door.open_ticket(token, subject="s", content="c", requester_email="eve@x.test")
    assert ticket.done()["activity_log"][0]["user"]["id"] == agent.id
    assert (await door.list(token, "api_key")).code == "FORBIDDEN"


async def test_the_secret_is_shown_once_and_kept_nowhere(
    door: Door, helpdesk: Helpdesk, admin: Person, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    key = await made(door, admin, admin.id)
    shown = {name: value for name, value in key.items() if name != "api_secret"}
    assert (await door.one(admin, "api_key", key["id"])).done() == shown
    assert (await door.list(admin, "api_key")).done()[-1] == shown
    assert (await door.revoke_key(admin, key["id"])).ok
    assert key["api_secret"] not in str(await contents(helpdesk.db))
    assert key["api_secret"] not in caplog.text


async def test_a_key_at_hand_does_not_tell_its_secret(helpdesk: Helpdesk) -> None:
    key: NewKey = (await make_key(helpdesk, "agent", workspace="default"))[0]
    assert key.api_secret not in f"{key} {key!r} {key.row!r}"


async def test_keys_are_listed_oldest_first_and_by_page(
    door: Door, admin: Person, agent: Person, stranger: Person
) -> None:
    theirs = (await door.list(stranger, "api_key")).ids
    ids = [(await made(door, admin, each.id))["id"] for each in (admin, agent, admin)]
    whole = await door.list(admin, "api_key")
    assert whole.ids[2:] == ids
    assert [each["user"]["id"] for each in whole.data] == [
        admin.id, agent.id, admin.id, agent.id, admin.id
    ]  # fmt: skip
    assert not set(whole.ids) & set(theirs)
    second = await door.list(admin, "api_key", page=2, per_page=2)
    assert (second.data, second.total) == (whole.data[2:4], 5)
    assert set((await door.list(admin, "api_key", per_page=101)).wrong) == {"per_page"}


async def test_a_key_is_active_while_its_user_is(
    door: Door, admin: Person, agent: Person, unchanged: Unchanged
) -> None:
    key = await made(door, admin, agent.id)
    await door.change(admin, "user", agent.id, is_active=False)
    seen = (await door.one(admin, "api_key", key["id"])).done()
    assert (seen["is_active"], seen["revoked_at"]) == (False, None)
    async with unchanged():
        refused = await door.make_key(admin, user_id=agent.id)
    assert (refused.code, refused.wrong) == ("VALIDATION_ERROR", {"user_id": "must be an active user"})
    await door.change(admin, "user", agent.id, is_active=True)
    assert (await door.one(admin, "api_key", key["id"])).done()["is_active"]
    assert (await door.sign_in(key["api_key"], key["api_secret"])).ok


async def test_its_role_follows_its_user(door: Door, clock: Clock, admin: Person, agent: Person) -> None:
    key = await made(door, admin, agent.id)
    token = await token_of(door, key)
    assert (await door.list(token, "api_key")).code == "FORBIDDEN"
    await door.change(admin, "user", agent.id, type="admin")
    clock.pass_(seconds=9.9)
    assert (await door.list(token, "api_key")).data[-1]["user"]["type"] == "admin"
    await door.change(admin, "user", agent.id, type="customer")
    clock.pass_(seconds=9.9)
    assert (await door.make_key(token, user_id=agent.id)).code == "FORBIDDEN"


async def test_a_user_who_is_not_there_gets_no_key(
    door: Door, admin: Person, stranger: Person, unchanged: Unchanged
) -> None:
    async with unchanged():
        for nobody in (stranger.id, 999_999, 0, -1):
            refused = await door.make_key(admin, user_id=nobody)
            assert (refused.code, refused.wrong) == ("VALIDATION_ERROR", {"user_id": "does not exist"}), (
                nobody
            )
        assert (await door.make_key(admin)).wrong == {"user_id": "is required"}
        assert set((await door.make_key(admin, user_id=admin.id, name="CI")).wrong) == {"name"}
        wrong: tuple[Any, ...] = (True, [], {}, 1.5)
        for bad in wrong:
            refused = await door.make_key(admin, user_id=bad)
            assert (refused.code, set(refused.wrong)) == ("VALIDATION_ERROR", {"user_id"}), bad


async def test_only_admins_touch_keys(
    door: Door, admin: Person, agent: Person, customer: Person, unchanged: Unchanged
) -> None:
    key = await made(door, admin, agent.id)
    async with unchanged():
        for who, code in ((agent, "FORBIDDEN"), (customer, "FORBIDDEN"), (None, "UNAUTHORIZED")):
            assert (await door.list(who, "api_key")).code == code
            assert (await door.one(who, "api_key", key["id"])).code == code
            assert (await door.make_key(who, user_id=agent.id)).code == code
            assert (await door.revoke_key(who, key["id"])).code == code


async def test_keys_of_another_workspace_are_not_there(
    door: Door, admin: Person, stranger: Person, unchanged: Unchanged
) -> None:
    [theirs] = (await door.list(stranger, "api_key")).ids
    async with unchanged():
        for nothing in (theirs, 999_999, 0, -1, "abc", "9" * 23):
            assert (await door.one(admin, "api_key", nothing)).code == "NOT_FOUND"
            assert (await door.revoke_key(admin, nothing)).code == "NOT_FOUND"
    assert (await door.list(stranger, "user")).ok


async def test_a_revoked_key_stops_and_stays_listed(
    door: Door, clock: Clock, admin: Person, agent: Person, unchanged: Unchanged
) -> None:
    key = await made(door, admin, agent.id)
    token = await token_of(door, key)
    assert (await door.tickets(token)).ok
    assert (await door.revoke_key(admin, key["id"])).ok
    assert (await door.sign_in(key["api_key"], key["api_secret"])).code == "UNAUTHORIZED"
    refused = await door.tickets(token)
    assert (refused.code, refused.message) == ("UNAUTHORIZED", "The API key of this token has been revoked")
    seen = (await door.one(admin, "api_key", key["id"])).done()
    assert not seen["is_active"]
    assert seen["revoked_at"] > seen["created_at"]
    async with unchanged():
        clock.pass_(minutes=1)
        assert (await door.revoke_key(admin, key["id"])).ok
    assert (await door.list(admin, "api_key")).data[-1] == seen
    assert (await door.tickets(agent)).ok  # their other key


async def test_two_who_revoke_at_once_revoke_it_once(
    door: Door, helpdesk: Helpdesk, admin: Person, agent: Person
) -> None:
    key = await made(door, admin, agent.id)
    for outcome in await asyncio.gather(*(door.revoke_key(admin, key["id"]) for _ in range(2))):
        assert outcome.ok
    seen = (await door.one(admin, "api_key", key["id"])).done()
    assert (await door.revoke_key(admin, key["id"])).ok
    assert (await door.one(admin, "api_key", key["id"])).done() == seen


async def test_an_admin_revokes_the_key_they_are_using(door: Door, admin: Person) -> None:
    other = await made(door, admin, admin.id)
    [own] = [each for each in (await door.list(admin, "api_key")).data if each["api_key"] == admin.api_key]
    assert (await door.revoke_key(admin, own["id"])).ok
    assert (await door.list(admin, "api_key")).code == "UNAUTHORIZED"
    assert (await door.revoke_key(admin, own["id"])).code == "UNAUTHORIZED"
    assert (await door.list(await token_of(door, other), "api_key")).ok


async def test_keys_go_with_their_user(door: Door, admin: Person, agent: Person) -> None:
    key = await made(door, admin, agent.id)
    assert (await door.delete(admin, "user", agent.id)).ok
    assert (await door.one(admin, "api_key", key["id"])).code == "NOT_FOUND"
    assert (await door.list(admin, "api_key")).total == 1


async def test_a_key_for_somebody_who_is_being_deleted_is_refused(
    door: Door, helpdesk: Helpdesk, admin: Person, agent: Person
) -> None:
    deleted, made_key = await asyncio.gather(
        door.delete(admin, "user", agent.id), door.make_key(admin, user_id=agent.id)
    )
    assert deleted.ok
    assert made_key.ok or made_key.wrong == {"user_id": "does not exist"}
    assert (await door.list(admin, "api_key")).total == 1


async def test_fifteen_keys_cost_as_many_statements_as_one(
    door: Door, admin: Person, join: Joins, sql: Sql
) -> None:
    counts = []
    for first, last in ((1, 1), (1, 15)):
        for number in range(first, last):
            await join("agent", email=f"agent{number}@x.test")
        await door.list(admin, "api_key")  # whoever was not seen for a while is looked up again
        sql.clear()
        assert len((await door.list(admin, "api_key")).done()) == last
        counts.append(len(sql))
    assert counts[0] == counts[1] <= 4, counts


async def test_a_key_is_a_node_for_admins(
    graph: GraphqlDoor, admin: Person, agent: Person, stranger: Person
) -> None:
    key = await made(graph, admin, agent.id)
    asked = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
    ids = [f"key_{key['id']}", f"usr_{agent.id}"]
    [node, user] = (await graph.ask(admin, asked, ids=ids))["data"]["nodes"]
    assert node == {"__typename": "ApiKey", "id": ids[0]}
    for who, seen in ((agent, user), (stranger, None)):
        body = await graph.ask(who, asked, ids=ids)
        assert body == {"data": {"nodes": [None, seen]}, "extensions": body["extensions"]}

"""Users: made, changed, deleted (D16, D17, D36)."""

from tests.conftest import Person
from tests.contents import Unchanged
from tests.doors import Door, opened


async def test_a_new_user_is_an_active_customer(door: Door, agent: Person) -> None:
    made = await door.create(agent, "user", name=" Jane Smith ", email=" Jane@Acme.test ")
    user = made.done()
    assert user == {
        "id": user["id"],
        "name": "Jane Smith",
        "email": "Jane@Acme.test",
        "type": "customer",
        "organization": None,
        "ticket_count": 0,
        "phone": None,
        "avatar_url": None,
        "metadata": {},
        "is_active": True,
        "created_at": user["created_at"],
        "updated_at": user["created_at"],
    }
    if door.name == "rest":
        assert made.message == "User created successfully"
    assert (await door.one(agent, "user", user["id"])).data == user


async def test_everything_given_is_kept(door: Door, admin: Person) -> None:
    acme = (await door.create(admin, "organization", name="Acme")).done()
    given = {
        "name": "Jane",
        "email": "jane@acme.test",
        "type": "agent",
        "phone": "+1234567890",
        "avatar_url": "https://acme.test/jane.png",
        "metadata": {"company_size": "50-100"},
        "is_active": False,
    }
    user = (await door.create(admin, "user", **given, organization_id=acme["id"])).done()
    assert {name: user[name] for name in given} == given
    assert user["organization"] == {"id": acme["id"], "name": "Acme"}


async def test_everything_wrong_is_named_at_once(
    door: Door, agent: Person, customer: Person, stranger: Person, unchanged: Unchanged
) -> None:
    theirs = (await door.create(stranger, "organization", name="Theirs")).done()["id"]
    async with unchanged():
        missing = await door.create(agent, "user")
        assert missing.wrong == {"name": "is required", "email": "is required"}
        refused = await door.create(
            agent,
            "user",
            name=" ",
            email=f" {customer.user.email.upper()} ",
            organization_id=theirs,
            phone="1" * 51,
            avatar_url="javascript:alert(1)",
            metadata=[],
        )
        assert refused.message == "The name field is required"
        assert refused.wrong == {
            "name": "is required",
            "email": "has already been taken",
            "organization_id": "does not exist",
            "phone": "must be at most 50 characters",
            "avatar_url": "must be an http or https address",
            "metadata": "must be an object",
        }
        given = {"name": 5, "email": ["x"], "type": "robot", "is_active": "yes", "age": 1}
        assert set((await door.create(agent, "user", **given)).wrong) == set(given)


async def test_an_e_mail_is_one_address(door: Door, agent: Person, unchanged: Unchanged) -> None:
    async with unchanged():
        for bad in (
            "plain", "a@b", "@acme.test", "a@", "a b@acme.test", "a@acme.test,b@acme.test", "A <a@acme.test>",
            "a@b@acme.test", f"{'a' * 250}@b.cd", "a@acme..", "a\n@acme.test", "a@acme.test\u200b",
        ):  # fmt: skip
            refused = await door.create(agent, "user", name="x", email=bad)
            assert refused.wrong == {"email": "must be a valid email address"}, bad
    for good in ("o'hara+tag@sub.acme.test", "élise@société.test", "UPPER@ACME.TEST"):
        assert (await door.create(agent, "user", name="x", email=good)).ok, good


async def test_an_update_keeps_what_is_absent_and_clears_what_is_null(door: Door, agent: Person) -> None:
    acme = (await door.create(agent, "organization", name="Acme")).done()
    user = (
        await door.create(agent, "user", name="J", email="j@x.test", phone="1", organization_id=acme["id"])
    ).done()
    after = (await door.change(agent, "user", user["id"], phone=None, organization_id=None, name="K")).done()
    assert after == user | {
        "name": "K",
        "phone": None,
        "organization": None,
        "updated_at": after["updated_at"],
    }
    assert after["updated_at"] > user["updated_at"]
    again = (await door.change(agent, "user", user["id"], email="J@X.test")).done()
    assert again["email"] == "J@X.test"
    assert (await door.list(agent, "user", search="j@x.test")).ids == [user["id"]]
    renamed = (await door.change(agent, "user", user["id"], name="Zoë")).done()
    assert (await door.list(agent, "user", search="zoe")).data == [renamed]


async def test_an_update_refuses_everything_wrong_at_once(
    door: Door, agent: Person, customer: Person, unchanged: Unchanged
) -> None:
    user = (await door.create(agent, "user", name="J", email="j@x.test")).done()
    async with unchanged():
        assert (await door.change(agent, "user", user["id"])).data == user
        refused = await door.change(
            agent, "user", user["id"], name=" ", email=customer.user.email.upper(), organization_id=999_999
        )
        assert refused.wrong == {
            "name": "is required",
            "email": "has already been taken",
            "organization_id": "does not exist",
        }
        empty = await door.change(agent, "user", user["id"], name=None, email=None)
        assert (empty.code, empty.wrong) == (
            "VALIDATION_ERROR",
            {"name": "is required", "email": "is required"},
        )
        assert (await door.change(agent, "user", user["id"], ticket_count=5)).wrong == {
            "ticket_count": "is unknown"
        }
        for nothing in ("9" * 23, 0, -1, 999_999, "abc"):
            assert (await door.change(agent, "user", nothing, name="x")).code == "NOT_FOUND"
            assert (await door.one(agent, "user", nothing)).code == "NOT_FOUND"


async def test_nobody_demotes_switches_off_or_deletes_themselves(
    door: Door, admin: Person, unchanged: Unchanged
) -> None:
    async with unchanged():
        refused = await door.change(admin, "user", admin.id, type="agent", is_active=False)
        assert refused.wrong == {
            "type": "must not be changed by yourself",
            "is_active": "must not be switched off by yourself",
        }
        assert (await door.delete(admin, "user", admin.id)).code == "CONFLICT"
    assert (await door.change(admin, "user", admin.id, type="admin", is_active=True, name="Me")).ok


async def test_only_who_left_no_trace_is_deleted(
    door: Door, admin: Person, agent: Person, customer: Person, unchanged: Unchanged
) -> None:
    acme = (await door.create(admin, "organization", name="Acme")).done()["id"]
    await door.change(admin, "user", customer.id, organization_id=acme)
    ticket = await opened(door, admin, assigned_to=agent.id, requester_email="eve@x.test")
    await door.watch(admin, ticket["id"], customer.id)
    async with unchanged():
        for nobody in (ticket["requester"]["id"], agent.id):
            assert (await door.delete(admin, "user", nobody)).code == "CONFLICT"
    await door.reply(agent, ticket["id"], content="x")
    await door.change_ticket(admin, ticket["id"], assigned_to=None)
    async with unchanged():
        assert (await door.delete(admin, "user", agent.id)).code == "CONFLICT"
    assert (await door.delete(admin, "user", customer.id)).ok
    assert (await door.one(admin, "user", customer.id)).code == "NOT_FOUND"
    assert (await door.delete(admin, "user", customer.id)).code == "NOT_FOUND"
    assert (await door.one(admin, "organization", acme)).data["user_count"] == 0
    after = (await door.ticket(admin, ticket["id"])).done()
    assert after["watchers"] == []


async def test_the_log_outlives_who_is_deleted(door: Door, admin: Person, agent: Person) -> None:
    ticket = await opened(door, agent)
    assert (await door.delete(admin, "user", agent.id)).ok
    assert (await door.ticket(admin, ticket["id"])).data["activity_log"][0]["user"] is None

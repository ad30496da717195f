"""Tickets: opened, changed, deleted (D5, D17 to D19, D23, D24)."""

from typing import Any

from tests.conftest import Joins, Person
from tests.contents import Unchanged
from tests.doors import NEW_TICKET, Door, GraphqlDoor, RestDoor, opened

NO_SUCH_ID = ("9" * 23, 0, -1, 999_999, "abc", "1.5", "%20")
"""Ids of nothing: too long, out of range, not there, not numbers."""
OF_ONE_DOOR = ("attachments", "has_more_replies", "is_untouched")
"""What a ticket has at only one of the doors."""


async def test_a_new_ticket_has_the_documented_defaults(door: Door, agent: Person) -> None:
    ticket = await opened(door, agent)
    assert (await door.ticket(agent, ticket["id"])).data == ticket
    requester_id, moment = ticket["requester"]["id"], ticket["created_at"]
    assert {name: value for name, value in ticket.items() if name not in OF_ONE_DOOR} == {
        "id": ticket["id"],
        "subject": NEW_TICKET["subject"],
        "content": NEW_TICKET["content"],
        "content_html": "<p>I keep getting an <em>error</em></p>",
        "status": "open",
        "priority": "medium",
        "category": None,
        "requester": {"id": requester_id, "name": "ada", "email": "ada@acme.test", "avatar_url": None},
        "assigned_to": None,
        "watchers": [],
        "tags": [],
        "metadata": {},
        "reply_count": 0,
        "replies": [],
        "activity_log": [_entry("created", agent, ticket["activity_log"][0]["timestamp"])],
        "version": 1,
        "created_at": moment,
        "updated_at": moment,
        "first_response_at": None,
        "first_resolved_at": None,
        "resolved_at": None,
        "closed_at": None,
        "reopen_count": 0,
    }
    assert moment == ticket["activity_log"][0]["timestamp"]
    assert moment.startswith("2026-03-02T09:00:00.")
    assert moment.endswith("Z")


def _entry(action: str, by: Person, moment: str) -> dict[str, Any]:
    user = {"id": by.id, "name": by.user.name}
    return {"action": action, "from": None, "to": None, "user": user, "timestamp": moment}


async def test_both_doors_show_the_same_ticket(rest: RestDoor, graph: GraphqlDoor, agent: Person) -> None:
    category = (await rest.create(agent, "category", name="Account Issues", color="#ff5722")).done()
    made = await opened(
        graph,
        agent,
        category_id=category["id"],
        assigned_to=agent.id,
        tags=["login", "Élan"],
        metadata={"plan": {"seats": [1, None, 1e300]}},
        priority="urgent",
    )
    await rest.reply(agent, made["id"], content="On it", update_status="pending")
    await graph.reply(agent, made["id"], content="Escalate", is_internal=True)
    await rest.watch(agent, made["id"], agent.id)
    seen = [(await door.ticket(agent, made["id"])).done() for door in (rest, graph)]
    for ticket in seen:
        for name in OF_ONE_DOOR:
            ticket.pop(name, None)
        for reply in ticket["replies"]:
            reply.pop("attachments", None)
    assert seen[0] == seen[1]
    assert (await rest.tickets(agent)).data == (await graph.tickets(agent)).data
    with_attachments = [
        reply | {"attachments": []} for reply in (await graph.replies(agent, made["id"])).data
    ]
    assert (await rest.replies(agent, made["id"])).data == with_attachments


async def test_everything_wrong_is_named_at_once(door: Door, agent: Person, unchanged: Unchanged) -> None:
    async with unchanged():
        refused = await door.open_ticket(
            agent,
            subject=" \t ",
            content="x" * 65_537,
            requester_email="nobody",
            requester_name="n" * 256,
            tags=["x" * 65],
            metadata=dict.fromkeys(map(str, range(51)), 1),
            category_id=999_999,
            assigned_to=999_999,
        )
    assert refused.code == "VALIDATION_ERROR"
    assert refused.message == "The subject field is required"
    assert refused.wrong == {
        "subject": "is required",
        "content": "must be at most 65536 characters",
        "requester_email": "must be a valid email address",
        "requester_name": "must be at most 255 characters",
        "tags": "must contain tags of at most 64 characters",
        "metadata": "must contain at most 50 keys",
        "category_id": "does not exist",
        "assigned_to": "must be an active agent or admin",
    }


async def test_fields_that_are_missing_unknown_or_of_another_type_are_named_at_once(
    door: Door, agent: Person, unchanged: Unchanged
) -> None:
    async with unchanged():
        nothing = await door.open_ticket(agent)
        assert nothing.code == "VALIDATION_ERROR"
        assert nothing.wrong == dict.fromkeys(("subject", "content", "requester_email"), "is required")
        given = {
            "subject": 5,
            "content": ["x"],
            "requester_email": {"a": 1},
            "priority": "bogus",
            "assigned_to": 1.5,
            "colour": "red",
        }
        unfit = await door.open_ticket(agent, **given)
        assert unfit.code == "VALIDATION_ERROR"
        assert set(unfit.wrong) == set(given)
        assert unfit.wrong["colour"] == "is unknown"
        rendered = await door.open_ticket(agent, **NEW_TICKET, content_html="<b>hi</b>")
        assert rendered.wrong == {"content_html": "is unknown"}  # D23


async def test_text_that_cannot_be_stored_is_refused(door: Door, agent: Person, unchanged: Unchanged) -> None:
    ticket = await opened(door, agent)
    texts = ("subject", "content", "requester_email", "requester_name", "tags", "metadata")
    async with unchanged():
        for name in texts:
            value = {"tags": ["a\x00b"], "metadata": {"key": "a\x00b"}}.get(name, "a\x00b@c.de")
            refused = await door.open_ticket(agent, **(NEW_TICKET | {name: value}))
            assert (refused.code, set(refused.wrong)) == ("VALIDATION_ERROR", {name})
        for bad in ("a\x00b", "half a pair: \ud83d"):
            for refused in (
                await door.open_ticket(agent, **NEW_TICKET, metadata={bad: 1}),
                await door.change_ticket(agent, ticket["id"], subject=bad),
                await door.reply(agent, ticket["id"], content=bad),
            ):
                # half a pair is no JSON, and so no field's fault
                assert refused.code in ("VALIDATION_ERROR", "BAD_REQUEST")


async def test_metadata_has_limits(door: Door, agent: Person, unchanged: Unchanged) -> None:
    five_deep: dict[str, Any] = {"a": {"b": [{"c": {"d": 1}}]}}
    at_the_limits: list[dict[str, Any]] = [
        five_deep | {"e": None},
        dict.fromkeys(map(str, range(50)), True),
        {"k": "é" * 8_188},
    ]
    for metadata in at_the_limits:
        assert (await opened(door, agent, metadata=metadata))["metadata"] == metadata
    beyond: list[tuple[Any, str]] = [
        ({"x": five_deep}, "must be at most 5 levels deep"),
        ({"x": dict.fromkeys(map(str, range(50)), 1)}, "must contain at most 50 keys"),
        ({"k": "é" * 8_189}, "must be at most 16 KiB"),
        ([1], "must be an object"),
        ("text", "must be an object"),
    ]
    async with unchanged():
        for metadata, told in beyond:
            refused = await door.open_ticket(agent, **NEW_TICKET, metadata=metadata)
            assert refused.wrong == {"metadata": told}


async def test_tags_are_trimmed_and_kept_once_in_the_order_given(door: Door, agent: Person) -> None:
    ticket = await opened(door, agent, tags=[" login ", "b", "login", "B"])
    assert ticket["tags"] == ["login", "b", "B"]
    changed = (await door.change_ticket(agent, ticket["id"], tags=["b", "a"])).done()
    assert changed["tags"] == ["b", "a"]
    many = [str(number) for number in range(51)]
    for tags, told in ((many, "must contain at most 50 tags"), ([""], "must not contain blank tags")):
        assert (await door.change_ticket(agent, ticket["id"], tags=tags)).wrong == {"tags": told}
    assert (await door.change_ticket(agent, ticket["id"], tags=[])).done()["tags"] == []


async def test_content_is_rendered_and_sanitised(door: Door, agent: Person) -> None:
    source = (
        "**Hi** <script>alert(1)</script>\n\n[a](javascript:alert(1)) ![i](http://tracker.test/1.png)\n\n"
        "<a href='x' onclick='y'>b</a> https://acme.test/?a=1"
    )
    ticket = await opened(door, agent, content=source)
    assert ticket["content"] == source
    html = ticket["content_html"]
    assert html.startswith("<p><strong>Hi</strong> &lt;script&gt;alert(1)&lt;/script&gt;</p>")
    for never in ("<script", "<img", "<a href='x'", 'href="javascript'):
        assert never not in html
    assert '<a href="https://acme.test/?a=1" rel="noopener noreferrer nofollow">' in html
    changed = (await door.change_ticket(agent, ticket["id"], content="*new*")).done()
    assert changed["content_html"] == "<p><em>new</em></p>"


class TestRequester:
    """D17."""

    async def test_is_found_by_e_mail_in_any_case_and_keeps_their_name(
        self, door: Door, agent: Person
    ) -> None:
        first = await opened(door, agent, requester_email="  Ada@Acme.test ", requester_name=" Ada L. ")
        again = await opened(door, agent, requester_email="aDA@ACME.TEST", requester_name="Somebody else")
        assert first["requester"]["email"] == "Ada@Acme.test"
        assert again["requester"] == first["requester"]
        user = (await door.one(agent, "user", first["requester"]["id"])).done()
        assert (user["name"], user["type"], user["ticket_count"]) == ("Ada L.", "customer", 2)

    async def test_who_is_new_is_placed_in_the_organization_of_their_domain(
        self, door: Door, agent: Person
    ) -> None:
        acme = (await door.create(agent, "organization", name="Acme", domain="ACME.test")).done()
        ticket = await opened(door, agent, requester_email="eve@Acme.Test")
        other = await opened(door, agent, requester_email="eve@sub.acme.test")
        user = (await door.one(agent, "user", ticket["requester"]["id"])).done()
        assert user["organization"] == {"id": acme["id"], "name": "Acme"}
        assert (await door.one(agent, "user", other["requester"]["id"])).data["organization"] is None
        counted = (await door.one(agent, "organization", acme["id"])).done()
        assert (counted["user_count"], counted["ticket_count"]) == (1, 1)

    async def test_may_be_staff(self, door: Door, agent: Person, admin: Person) -> None:
        ticket = await opened(door, agent, requester_email=admin.user.email)
        assert ticket["requester"]["id"] == admin.id

    async def test_of_another_workspace_is_nobody_here(
        self, door: Door, agent: Person, stranger: Person
    ) -> None:
        ticket = await opened(door, agent, requester_email=stranger.user.email)
        assert ticket["requester"]["id"] != stranger.id


class TestReferences:
    """D18."""

    async def test_assignees_are_active_staff_of_the_workspace(
        self,
        door: Door,
        agent: Person,
        admin: Person,
        customer: Person,
        stranger: Person,
        unchanged: Unchanged,
    ) -> None:
        gone = (
            await door.create(
                admin, "user", name="Gone", email="gone@default.test", type="agent", is_active=False
            )
        ).done()
        assert (await opened(door, agent, assigned_to=admin.id))["assigned_to"]["id"] == admin.id
        ticket = await opened(door, agent)
        async with unchanged():
            for nobody in (customer.id, stranger.id, gone["id"], 999_999):
                told = {"assigned_to": "must be an active agent or admin"}
                assert (await door.open_ticket(agent, **NEW_TICKET, assigned_to=nobody)).wrong == told
                assert (await door.change_ticket(agent, ticket["id"], assigned_to=nobody)).wrong == told
            for nothing in (0, -1, 10**22):
                refused = await door.change_ticket(agent, ticket["id"], assigned_to=nothing)
                assert refused.wrong == {"assigned_to": "does not exist"}

    async def test_an_assignee_who_became_inactive_may_stay(
        self, door: Door, admin: Person, agent: Person
    ) -> None:
        ticket = await opened(door, admin, assigned_to=agent.id)
        await door.change(admin, "user", agent.id, is_active=False)
        changed = (await door.change_ticket(admin, ticket["id"], assigned_to=agent.id, priority="low")).done()
        assert (changed["assigned_to"]["id"], changed["priority"]) == (agent.id, "low")

    async def test_categories_are_of_the_workspace(
        self, door: Door, agent: Person, stranger: Person, unchanged: Unchanged
    ) -> None:
        theirs = (await door.create(stranger, "category", name="Theirs")).done()["id"]
        async with unchanged():
            for nothing in (theirs, 0, -1, 999_999, 10**22):
                refused = await door.open_ticket(agent, **NEW_TICKET, category_id=nothing)
                assert refused.wrong == {"category_id": "does not exist"}


class TestUpdate:
    """D19, D5."""

    async def test_keeps_what_is_absent_and_clears_what_is_null(self, door: Door, agent: Person) -> None:
        category = (await door.create(agent, "category", name="Account")).done()
        ticket = await opened(
            door, agent, category_id=category["id"], assigned_to=agent.id, tags=["a"], metadata={"b": 1}
        )
        changed = await door.change_ticket(agent, ticket["id"], category_id=None, subject=" Still cannot ")
        after = changed.done()
        if door.name == "rest":
            assert changed.message == "Ticket updated successfully"
        moved = {"subject", "category", "version", "updated_at", "activity_log"}
        assert {name for name in ticket if ticket[name] != after[name]} == moved
        assert (after["subject"], after["category"]) == ("Still cannot", None)
        cleared = (await door.change_ticket(agent, ticket["id"], assigned_to=None)).done()
        assert cleared["assigned_to"] is None
        assert (await door.ticket(agent, ticket["id"])).data == cleared

    async def test_moves_version_and_updated_at_only_when_something_changes(
        self, door: Door, agent: Person, unchanged: Unchanged
    ) -> None:
        ticket = await opened(door, agent, assigned_to=agent.id, tags=["a"])
        same = {
            name: ticket[name] for name in ("subject", "content", "status", "priority", "tags", "metadata")
        }
        async with unchanged():
            assert (await door.change_ticket(agent, ticket["id"])).data == ticket
            assert (await door.change_ticket(agent, ticket["id"], **same)).data == ticket
        changes = ({"priority": "low"}, {"metadata": {"a": 1}}, {"tags": ["b"]}, {"status": "closed"})
        seen = [ticket] + [
            (await door.change_ticket(agent, ticket["id"], **change)).done() for change in changes
        ]
        assert [each["version"] for each in seen] == [1, 2, 3, 4, 5]
        moments = [each["updated_at"] for each in seen]
        assert moments == sorted(set(moments))

    async def test_refuses_everything_wrong_at_once(
        self, door: Door, agent: Person, unchanged: Unchanged
    ) -> None:
        ticket = await opened(door, agent)
        async with unchanged():
            refused = await door.change_ticket(
                agent,
                ticket["id"],
                subject="x" * 256,
                content=" ",
                tags=["a", " "],
                metadata={"a": {"b": {"c": {"d": {"e": {}}}}}},
                category_id=999_999,
                assigned_to=999_999,
            )
            assert refused.code == "VALIDATION_ERROR"
            assert refused.wrong == {
                "subject": "must be at most 255 characters",
                "content": "is required",
                "tags": "must not contain blank tags",
                "metadata": "must be at most 5 levels deep",
                "category_id": "does not exist",
                "assigned_to": "must be an active agent or admin",
            }
            for fixed in ("requester_email", "content_html", "resolved_at", "id"):
                refused = await door.change_ticket(agent, ticket["id"], **{fixed: "x"})
                assert (refused.code, refused.wrong) == ("VALIDATION_ERROR", {fixed: "is unknown"})
            for name in ("subject", "content", "status", "priority", "tags", "metadata"):
                refused = await door.change_ticket(agent, ticket["id"], **{name: None})
                assert refused.code == "VALIDATION_ERROR"
                assert door.name == "graphql" or refused.wrong == {name: "is required"}


async def test_a_ticket_that_is_not_there_is_not_found(
    door: Door, agent: Person, stranger: Person, unchanged: Unchanged
) -> None:
    theirs = await opened(door, stranger)
    async with unchanged():
        for nothing in (*NO_SUCH_ID, theirs["id"]):
            assert (await door.ticket(agent, nothing)).code == "NOT_FOUND"
            assert (await door.change_ticket(agent, nothing, priority="low")).code == "NOT_FOUND"
            assert (await door.delete_ticket(agent, nothing)).code == "NOT_FOUND"
            assert (await door.reply(agent, nothing, content="x")).code == "NOT_FOUND"
            assert (await door.replies(agent, nothing)).code == "NOT_FOUND"
            assert (await door.watch(agent, nothing, agent.id)).code == "NOT_FOUND"
            assert (await door.unwatch(agent, nothing, agent.id)).code == "NOT_FOUND"


async def test_deleting_takes_everything_of_the_ticket_and_its_id_is_never_given_again(
    door: Door, join: Joins, agent: Person, customer: Person, unchanged: Unchanged
) -> None:
    before = await opened(door, agent, requester_email=customer.user.email)
    async with unchanged():
        assert (await door.delete_ticket(customer, before["id"])).code == "FORBIDDEN"
    kept = (await door.one(agent, "user", customer.id)).done()
    ticket = await opened(door, agent, requester_email=customer.user.email, tags=["a"])
    await door.reply(agent, ticket["id"], content="An answer")
    await door.watch(agent, ticket["id"], agent.id)
    gone = await door.delete_ticket(agent, ticket["id"])
    assert gone.ok
    if door.name == "rest":
        assert gone.message == "Ticket deleted successfully"
    assert (await door.ticket(agent, ticket["id"])).code == "NOT_FOUND"
    assert (await door.delete_ticket(agent, ticket["id"])).code == "NOT_FOUND"
    assert (await door.tickets(agent)).ids == [before["id"]]
    assert (await door.one(agent, "user", customer.id)).data["ticket_count"] == kept["ticket_count"]
    assert (await opened(door, agent))["id"] > ticket["id"]

"""Replies and internal notes: written and listed (D16, D23, D25, D26)."""

from tests.conftest import Person
from tests.contents import Unchanged
from tests.doors import Door, opened


async def test_a_new_reply_is_public_and_shows_its_author(door: Door, agent: Person) -> None:
    ticket = await opened(door, agent)
    made = await door.reply(agent, ticket["id"], content="  *Hello*\n")
    reply = made.done()
    reply.pop("attachments", None)
    assert reply == {
        "id": reply["id"],
        "ticket_id": ticket["id"],
        "content": "  *Hello*\n",
        "content_html": "<p><em>Hello</em></p>",
        "is_internal": False,
        "author": {"id": agent.id, "name": agent.user.name, "type": "agent"},
        "created_at": reply["created_at"],
    }
    if door.name == "rest":
        assert made.message == "Reply created successfully"
    after = (await door.ticket(agent, ticket["id"])).done()
    assert [each["id"] for each in after["replies"]] == [reply["id"]]
    assert (after["reply_count"], after["updated_at"]) == (1, reply["created_at"])


async def test_everything_wrong_is_named_at_once(door: Door, agent: Person, unchanged: Unchanged) -> None:
    ticket = await opened(door, agent)
    async with unchanged():
        assert (await door.reply(agent, ticket["id"])).wrong == {"content": "is required"}
        for content, told in (("", "is required"), (" \n", "is required"), ("x" * 65_537, "must be at most")):
            refused = await door.reply(agent, ticket["id"], content=content)
            assert refused.code == "VALIDATION_ERROR"
            assert refused.wrong["content"].startswith(told)
        assert (await door.reply(agent, ticket["id"], content="")).message == "The content field is required"
        given = {
            "content": 5,
            "is_internal": "maybe",
            "notify_requester": 2,
            "update_status": "new",
            "author_id": 1,
        }
        refused = await door.reply(agent, ticket["id"], **given)
        assert (refused.code, set(refused.wrong)) == ("VALIDATION_ERROR", set(given))


async def test_notify_requester_is_taken_with_notes_too(door: Door, agent: Person) -> None:
    """D26."""
    ticket = await opened(door, agent)
    for notify in (True, False, None):
        given = {"content": "A note", "is_internal": True, "notify_requester": notify}
        assert (await door.reply(agent, ticket["id"], **given)).done()["is_internal"] is True


async def test_are_listed_oldest_first_by_page_with_notes_unless_left_out(door: Door, agent: Person) -> None:
    """D16, D25."""
    ticket = await opened(door, agent)
    kinds = (False, True, False, True, False)
    made = [
        (await door.reply(agent, ticket["id"], content=f"{number}", is_internal=kind)).done()
        for number, kind in enumerate(kinds)
    ]
    ids = [each["id"] for each in made]
    whole = await door.replies(agent, ticket["id"])
    assert (whole.ids, whole.total) == (ids, 5)
    public = await door.replies(agent, ticket["id"], include_internal=False)
    assert (public.ids, public.total) == (ids[::2], 3)
    second = await door.replies(agent, ticket["id"], page=2, per_page=2)
    assert (second.ids, second.total) == (ids[2:4], 5)
    assert (await door.replies(agent, ticket["id"], page=4, per_page=2)).ids == []
    assert (await door.ticket(agent, ticket["id"])).data["reply_count"] == 5


async def test_customers_reply_to_their_own_tickets_and_write_no_notes(
    door: Door, agent: Person, customer: Person, unchanged: Unchanged
) -> None:
    own = await opened(door, agent, requester_email=customer.user.email)
    other = await opened(door, agent)
    async with unchanged():
        assert (await door.reply(customer, other["id"], content="x")).code == "NOT_FOUND"
        assert (await door.reply(customer, own["id"], content="x", is_internal=True)).code == "FORBIDDEN"
    reply = (await door.reply(customer, own["id"], content="Mine")).done()
    assert reply["author"] == {"id": customer.id, "name": customer.user.name, "type": "customer"}

"""The log of a ticket: every action of D35, oldest first, with who and what."""

from tests.conftest import Person
from tests.doors import Door, Row, opened


def said(ticket: Row) -> list[tuple[str, str | None, str | None]]:
    return [(entry["action"], entry["from"], entry["to"]) for entry in ticket["activity_log"]]


async def test_every_change_is_logged_with_what_it_was_and_became(door: Door, agent: Person) -> None:
    first, second = [(await door.create(agent, "category", name=name)).done()["id"] for name in ("A", "B")]
    ticket = await opened(door, agent, category_id=first, tags=["a"])
    steps = (
        {"status": "pending"},
        {"priority": "urgent"},
        {"assigned_to": agent.id},
        {"assigned_to": None},
        {"category_id": second},
        {"tags": ["a", "b"]},
        {"subject": "Another"},
        {"content": "Another"},
        {"metadata": {"not": "logged"}},
    )
    for step in steps:
        await door.change_ticket(agent, ticket["id"], **step)
    await door.watch(agent, ticket["id"], agent.id)
    await door.unwatch(agent, ticket["id"], agent.id)
    await door.delete(agent, "category", second)
    after = (await door.ticket(agent, ticket["id"])).done()
    own = str(agent.id)
    assert said(after) == [
        ("created", None, None),
        ("status_changed", "new", "pending"),
        ("priority_changed", "medium", "urgent"),
        ("assigned", None, own),
        ("unassigned", own, None),
        ("category_changed", str(first), str(second)),
        ("tags_changed", "a", "a, b"),
        ("subject_changed", ticket["subject"], "Another"),
        ("content_changed", None, None),
        ("watcher_added", None, own),
        ("watcher_removed", own, None),
        ("category_changed", str(second), None),
    ]
    log = after["activity_log"]
    assert all(entry["user"] == {"id": agent.id, "name": agent.user.name} for entry in log)
    moments = [entry["timestamp"] for entry in log]
    assert moments == sorted(set(moments))


async def test_one_update_writes_its_lines_in_order_at_rising_instants(
    door: Door, agent: Person, admin: Person
) -> None:
    ticket = await opened(door, agent)
    after = (
        await door.change_ticket(
            admin,
            ticket["id"],
            subject="New",
            priority="low",
            assigned_to=agent.id,
            status="pending",
            tags=["x"],
        )
    ).done()
    assert [action for action, *_ in said(after)] == [
        "created",
        "status_changed",
        "assigned",
        "priority_changed",
        "subject_changed",
        "tags_changed",
    ]
    assert {entry["user"]["id"] for entry in after["activity_log"][1:]} == {admin.id}
    moments = [entry["timestamp"] for entry in after["activity_log"]]
    assert moments == sorted(set(moments))
    assert (after["updated_at"], after["version"]) == (moments[-1], 2)

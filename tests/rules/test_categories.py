"""Categories: their slugs, their tree, their tickets (D16, D22)."""

from tests.conftest import Person
from tests.contents import Unchanged
from tests.doors import Door, opened

NOT_A_SLUG = "must be lower-case letters, digits and single hyphens, at most 64 characters"


async def test_a_new_category_has_a_slug_made_from_its_name(door: Door, agent: Person) -> None:
    made = await door.create(agent, "category", name=" Account Issues ", color="#ff5722", description=" x ")
    category = made.done()
    assert category == {
        "id": category["id"],
        "name": "Account Issues",
        "slug": "account-issues",
        "color": "#ff5722",
        "parent_id": None,
        "ticket_count": 0,
        "description": "x",
        "created_at": category["created_at"],
        "updated_at": category["created_at"],
    }
    if door.name == "rest":
        assert made.message == "Category created successfully"
    names = ("Account issues", "account, ISSUES!", "Crème Brûlée", "東京", "!!", "a" * 200)
    slugs = [(await door.create(agent, "category", name=name)).done()["slug"] for name in names]
    made_of_nothing = ["category", "category-2"]
    assert slugs == ["account-issues-2", "account-issues-3", "creme-brulee", *made_of_nothing, "a" * 58]


async def test_everything_wrong_is_named_at_once(
    door: Door, agent: Person, stranger: Person, unchanged: Unchanged
) -> None:
    billing = (await door.create(agent, "category", name="Billing", slug="billing")).done()
    other = (await door.create(agent, "category", name="Other")).done()
    theirs = (await door.create(stranger, "category", name="Theirs")).done()["id"]
    async with unchanged():
        assert (await door.create(agent, "category")).wrong == {"name": "is required"}
        for bad in ("Billing", "a--b", "-a", "a-", "a b", "é", "", "a" * 65, "a_b"):
            refused = await door.create(
                agent, "category", name=" ", slug=bad, color="red", parent_id=theirs, description="d" * 2001
            )
            assert refused.wrong == {
                "name": "is required",
                "slug": NOT_A_SLUG,
                "color": "must be a color such as #f52 or #ff5722",
                "parent_id": "does not exist",
                "description": "must be at most 2000 characters",
            }
        for bad in ("#ff572", "ff5722", "#gggggg", "#ff5722 ", ""):
            assert set((await door.create(agent, "category", name="x", color=bad)).wrong) == {"color"}
        taken = {"slug": "has already been taken"}
        assert (await door.create(agent, "category", name="x", slug="billing")).wrong == taken
        assert (await door.change(agent, "category", other["id"], slug="billing")).wrong == taken
        assert (await door.change(agent, "category", billing["id"], slug="billing")).data == billing
        for nowhere in (999_999, 0, -1, 10**22):
            refused = await door.create(agent, "category", name="x", parent_id=nowhere)
            assert refused.wrong == {"parent_id": "does not exist"}
        for nothing in ("9" * 23, 0, -1, 999_999, "abc"):
            assert (await door.change(agent, "category", nothing, name="x")).code == "NOT_FOUND"
            assert (await door.delete(agent, "category", nothing)).code == "NOT_FOUND"
            assert (await door.one(agent, "category", nothing)).code == "NOT_FOUND"
        given = {"name": 5, "slug": ["x"], "color": {}, "tickets": 1}
        assert set((await door.create(agent, "category", **given)).wrong) == set(given)


async def test_a_tree_has_no_circles(door: Door, agent: Person, unchanged: Unchanged) -> None:
    top = (await door.create(agent, "category", name="Top")).done()["id"]
    middle = (await door.create(agent, "category", name="Middle", parent_id=top)).done()["id"]
    leaf = (await door.create(agent, "category", name="Leaf", parent_id=middle)).done()["id"]
    async with unchanged():
        for below in (top, middle, leaf):
            refused = await door.change(agent, "category", top, parent_id=below)
            assert refused.wrong == {"parent_id": "must not be the category itself or one below it"}
    assert (await door.change(agent, "category", leaf, parent_id=top)).done()["parent_id"] == top
    assert (await door.change(agent, "category", leaf, parent_id=middle)).ok
    assert (await door.delete(agent, "category", middle)).ok
    assert (await door.one(agent, "category", leaf)).done()["parent_id"] == top
    after = (await door.change(agent, "category", leaf, parent_id=None, color=None, name="Root")).done()
    assert (after["parent_id"], after["slug"], after["name"]) == (None, "leaf", "Root")


async def test_its_tickets_are_counted_and_outlive_it(door: Door, agent: Person) -> None:
    top = (await door.create(agent, "category", name="Top")).done()["id"]
    below = (await door.create(agent, "category", name="Below", parent_id=top)).done()["id"]
    ticket = await opened(door, agent, category_id=below)
    await opened(door, agent, category_id=below)

    async def counts() -> dict[int, int]:
        return {row["id"]: row["ticket_count"] for row in (await door.list(agent, "category")).done()}

    assert await counts() == {top: 0, below: 2}  # directly in it
    await door.change_ticket(agent, ticket["id"], category_id=top)
    assert await counts() == {top: 1, below: 1}
    await door.delete_ticket(agent, ticket["id"])
    assert await counts() == {top: 0, below: 1}
    assert (await door.delete(agent, "category", below)).ok
    assert await counts() == {top: 0}
    [left] = (await door.tickets(agent)).done()
    assert left["category"] is None

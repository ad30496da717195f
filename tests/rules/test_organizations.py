"""Organizations: made, changed, deleted, and who is in them (D16, D17)."""

from tests.conftest import Person
from tests.contents import Unchanged
from tests.doors import Door, opened


async def test_a_new_organization_is_empty(door: Door, agent: Person) -> None:
    made = await door.create(
        agent, "organization", name=" Acme ", domain=" ACME.Test. ", notes="VIP", metadata={"a": 1}
    )
    organization = made.done()
    assert organization == {
        "id": organization["id"],
        "name": "Acme",
        "domain": "acme.test",
        "notes": "VIP",
        "metadata": {"a": 1},
        "user_count": 0,
        "ticket_count": 0,
        "created_at": organization["created_at"],
        "updated_at": organization["created_at"],
    }
    if door.name == "rest":
        assert made.message == "Organization created successfully"
    assert (await door.one(agent, "organization", organization["id"])).data == organization
    for _ in range(2):  # only domains are unique
        assert (await door.create(agent, "organization", name="Acme", domain="")).done()["domain"] is None


async def test_everything_wrong_is_named_at_once(door: Door, agent: Person, unchanged: Unchanged) -> None:
    acme = (await door.create(agent, "organization", name="Acme", domain="acme.test")).done()
    other = (await door.create(agent, "organization", name="Other", domain="other.test")).done()
    async with unchanged():
        assert (await door.create(agent, "organization")).wrong == {"name": "is required"}
        for bad in (
            "acme",
            "http://acme.test",
            "a@acme.test",
            "-acme.test",
            "acme..test",
            "a" * 64 + ".test",
            "ü" * 100_000,
        ):
            refused = await door.create(
                agent, "organization", name="x" * 256, domain=bad, metadata=1, notes="n" * 65_537
            )
            assert refused.wrong == {
                "name": "must be at most 255 characters",
                "domain": "must be a domain name such as acme.com",
                "notes": "must be at most 65536 characters",
                "metadata": "must be an object",
            }
        given = {"name": 5, "domain": ["x"], "notes": {}, "user_count": 3}
        assert set((await door.create(agent, "organization", **given)).wrong) == set(given)
        taken = {"domain": "has already been taken"}
        assert (await door.create(agent, "organization", name="x", domain="ACME.test")).wrong == taken
        assert (await door.change(agent, "organization", other["id"], domain="Acme.Test")).wrong == taken
        assert (await door.change(agent, "organization", acme["id"], domain="ACME.test")).data == acme
        assert (await door.change(agent, "organization", acme["id"], name="")).wrong == {
            "name": "is required"
        }
        for nothing in ("9" * 23, 0, -1, 999_999, "abc"):
            assert (await door.change(agent, "organization", nothing, name="x")).code == "NOT_FOUND"
            assert (await door.delete(agent, "organization", nothing)).code == "NOT_FOUND"
            assert (await door.one(agent, "organization", nothing)).code == "NOT_FOUND"


async def test_an_update_keeps_what_is_absent_and_clears_what_is_null(door: Door, agent: Person) -> None:
    acme = (await door.create(agent, "organization", name="Acme", domain="acme.test", notes="VIP")).done()
    after = (await door.change(agent, "organization", acme["id"], domain=None, notes=None)).done()
    assert after == acme | {"domain": None, "notes": None, "updated_at": after["updated_at"]}
    ticket = await opened(door, agent, requester_email="eve@acme.test")
    user = (await door.one(agent, "user", ticket["requester"]["id"])).done()
    assert user["organization"] is None


async def test_a_domain_is_one_however_it_is_spelled(door: Door, agent: Person, unchanged: Unchanged) -> None:
    """D17: mail comes from `bücher.de` or from `xn--bcher-kva.de`, as the sender's program likes."""
    for spelled, read in (
        ("Bücher.de", "bücher.de"),
        ("xn--mnchen-3ya.DE", "münchen.de"),
        ("straße.de", "straße.de"),
        ("strasse.de", "strasse.de"),  # somebody else's
        ("i❤.ws", "i❤.ws"),
    ):
        made = await door.create(agent, "organization", name=read, domain=spelled)
        assert made.done()["domain"] == read
    for address, place in (
        ("a@bücher.de", "bücher.de"),
        ("b@XN--Bcher-Kva.de", "bücher.de"),
        ("c@münchen.de", "münchen.de"),
        ("d@xn--mnchen-3ya.de", "münchen.de"),
        ("e@xn--strae-oqa.de", "straße.de"),
        ("f@STRASSE.de", "strasse.de"),
        ("g@i❤.ws", "i❤.ws"),
        ("h@post.bücher.de", None),
        ("i@foo_bar.de", None),
    ):
        ticket = await opened(door, agent, requester_email=address)
        user = (await door.one(agent, "user", ticket["requester"]["id"])).done()
        assert user["email"] == address
        assert (user["organization"] or {}).get("name") == place, address
    async with unchanged():
        for again in ("xn--bcher-kva.de", "BÜCHER.DE.", "münchen.de"):
            refused = await door.create(agent, "organization", name="x", domain=again)
            assert refused.wrong == {"domain": "has already been taken"}, again


async def test_people_and_their_tickets_follow_and_outlive_it(door: Door, agent: Person) -> None:
    """D16: the tickets of an organization are those of its users now."""
    first = (await door.create(agent, "organization", name="First", domain="acme.test")).done()["id"]
    second = (await door.create(agent, "organization", name="Second")).done()["id"]
    ticket = await opened(door, agent)
    await opened(door, agent)
    eve = ticket["requester"]["id"]

    async def counts() -> list[tuple[int, int]]:
        seen = [(await door.one(agent, "organization", each)).done() for each in (first, second)]
        return [(each["user_count"], each["ticket_count"]) for each in seen]

    assert await counts() == [(1, 2), (0, 0)]
    await door.change(agent, "user", eve, organization_id=second)
    assert await counts() == [(0, 0), (1, 2)]
    await door.delete_ticket(agent, ticket["id"])
    assert await counts() == [(0, 0), (1, 1)]
    assert (await door.delete(agent, "organization", second)).ok
    user = (await door.one(agent, "user", eve)).done()
    assert (user["organization"], user["ticket_count"]) == (None, 1)
    assert len((await door.tickets(agent)).ids) == 1
    assert (await door.delete(agent, "organization", second)).code == "NOT_FOUND"

"""Totals come from tallies, and are what counting gives: whatever was done, folded or not, and at once (D16)."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from db.conditions import Condition
from db.queries import tallies, tickets
from db.tables import PRIORITIES, STATUSES
from gateway.worker import Worker
from resolvers import tickets as rules
from resolvers.context import Caller, Helpdesk
from tests.conftest import Person, Sql
from tests.contents import assert_counted, folded
from tests.doors import NEW_TICKET, Door, Outcome, RestDoor, opened

AT_ONCE = 50
STEPS = 40


async def places(door: Door, admin: Person, count: int = 2) -> tuple[list[int], list[int]]:
    """Categories and organizations."""
    made: dict[str, list[int]] = {"category": [], "organization": []}
    for noun, number in ((noun, number) for noun in made for number in range(count)):
        given = {"domain": f"o{number}.test"} if noun == "organization" else {}
        made[noun].append((await door.create(admin, noun, name=f"{noun} {number}", **given)).done()["id"])
    return made["category"], made["organization"]


class Desk:
    """Somebody who does anything at all, by chance; what is refused is refused."""

    def __init__(self, door: Door, admin: Person, customer: Person, seed: int) -> None:
        self.door, self.admin, self.customer = door, admin, customer
        self.chance = random.Random(seed)  # noqa: S311  # the same every time
        self.categories: list[int] = []
        self.organizations: list[int] = []

    async def settle(self) -> None:
        self.categories, self.organizations = await places(self.door, self.admin)

    async def any_ticket(self) -> int:
        found = (await self.door.tickets(self.admin, per_page=100)).ids
        return self.chance.choice(found or [999])

    async def any_user(self) -> int:
        return self.chance.choice((await self.door.list(self.admin, "user", per_page=100)).ids)

    async def open(self) -> Outcome:
        emails = ["ada@o0.test", "eve@o1.test", "bob@nowhere.test", self.customer.user.email]
        return await self.door.open_ticket(
            self.admin,
            **(NEW_TICKET | {"requester_email": self.chance.choice(emails)}),
            priority=self.chance.choice(PRIORITIES),
            category_id=self.chance.choice([*self.categories, None]),
            assigned_to=self.chance.choice([self.admin.id, None]),
        )

    async def change(self) -> Outcome:
        given = {
            "status": self.chance.choice(STATUSES),
            "priority": self.chance.choice(PRIORITIES),
            "category_id": self.chance.choice([*self.categories, None]),
            "assigned_to": self.chance.choice([self.admin.id, None]),
        }
        some = self.chance.sample(sorted(given), self.chance.randint(1, 4))
        return await self.door.change_ticket(
            self.admin, await self.any_ticket(), **{name: given[name] for name in some}
        )

    async def answer(self) -> Outcome:
        return await self.door.reply(
            self.admin, await self.any_ticket(), content="x", update_status=self.chance.choice(STATUSES)
        )

    async def ask_again(self) -> Outcome:
        return await self.door.reply(self.customer, await self.any_ticket(), content="x")

    async def remove(self) -> Outcome:
        return await self.door.delete_ticket(self.admin, await self.any_ticket())

    async def move_user(self) -> Outcome:
        place = self.chance.choice([*self.organizations, None])
        return await self.door.change(self.admin, "user", await self.any_user(), organization_id=place)

    async def remove_user(self) -> Outcome:
        return await self.door.delete(self.admin, "user", await self.any_user())

    async def remove_category(self) -> Outcome:
        return await self.door.delete(self.admin, "category", self.chance.choice(self.categories))

    async def remove_organization(self) -> Outcome:
        return await self.door.delete(self.admin, "organization", self.chance.choice(self.organizations))

    def next(self) -> Callable[[], Awaitable[Outcome]]:
        """Rare deeds are rare, or there would soon be nothing to move."""
        often = [self.open, self.open, self.change, self.change, self.answer, self.ask_again, self.move_user]
        rare = [self.remove, self.remove_user, self.remove_category, self.remove_organization]
        return self.chance.choice(often * 3 + rare)


@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_is_done_in_whatever_order(
    door: Door, helpdesk: Helpdesk, admin: Person, customer: Person, seed: int
) -> None:
    desk = Desk(door, admin, customer, seed)
    await desk.settle()
    codes: Counter[str | None] = Counter()
    for step in range(STEPS):
        codes[(await desk.next()()).code] += 1
        if step % 7 == 3:
            await folded(helpdesk.db, 4)
        if step % 20 == 19:
            await assert_counted(helpdesk.db)
            await lists_agree(door, helpdesk, admin, desk)
    assert codes[None] > STEPS / 2
    # what was removed before cannot be chosen any more
    assert set(codes) <= {None, "CONFLICT", "NOT_FOUND", "FORBIDDEN", "VALIDATION_ERROR"}


async def lists_agree(door: Door, helpdesk: Helpdesk, admin: Person, desk: Desk) -> None:
    """The total of a list is the number of its rows, and the count of a category that of its tickets."""
    every = (await door.tickets(admin, per_page=100)).done()
    asked: list[dict[str, Any]] = [{}, {"status": "open"}, {"priority": "high", "status": "resolved"}]
    asked += [{"category_id": place} for place in desk.categories] + [{"assigned_to": admin.id}]
    for filter_ in asked:
        listed = await door.tickets(admin, per_page=100, **filter_)
        assert listed.total == len(listed.done()), filter_
    filed = Counter(each["category"]["id"] for each in every if each["category"])
    for row in (await door.list(admin, "category")).done():
        assert row["ticket_count"] == filed[row["id"]]
    async with helpdesk.db.read() as reads:
        held = await tickets.LISTING.every(reads, (("workspace", admin.workspace.id),))
    placed = Counter(row.organization_id for row in held)
    for row in (await door.list(admin, "organization")).done():
        assert row["ticket_count"] == placed[row["id"]]


CONDITIONS: list[tuple[Condition, ...]] = [
    (),
    (("status", ("open", "closed")),),
    (("status", ()),),
    (("category", (1,)), ("status", ("open",))),
    (("category", (0,)),),
    (("category", ()),),
    (("not", (("category", (1, 0)),)),),
    (("organization", (1, 2)), ("priority", ("low", "high"))),
    (("unassigned", True),),
    (("or", ((("assigned_to", (1,)),), (("unassigned", True),))),),
    (("not", (("unassigned", True), ("status", ("open",)))),),
    (("or", ((("status", ("open",)),), (("priority", ("low",)), ("category", (2,))))),),
    (("and", ((("not", (("status", ("open",)),)),), ())),),
]
"""What tallies answer for."""
OTHERS: list[tuple[Condition, ...]] = [
    (("category", (1,)), ("unassigned", True)),
    (("requester", (1,)),),
    (("tagged", ("a",)),),
    (("not", (("or", ((("category", (1,)),), (("organization", (1,)),))),)),),
]
"""What is counted."""


async def test_every_filter_is_answered_as_by_counting(
    rest: RestDoor, helpdesk: Helpdesk, admin: Person, sql: Sql
) -> None:
    categories, organizations = await places(rest, admin)
    chance = random.Random(3)  # noqa: S311
    for number in range(24):
        made = await opened(
            rest,
            admin,
            requester_email=f"x@{chance.choice(['o0', 'o1', 'else'])}.test",
            category_id=chance.choice([*categories, None]),
            assigned_to=chance.choice([admin.id, None]),
            priority=chance.choice(PRIORITIES),
            tags=["a"] if number % 2 else [],
        )
        await rest.change_ticket(admin, made["id"], status=chance.choice(STATUSES))
        if number == 12:
            await folded(helpdesk.db, 1_000)
    await opened(rest, admin)
    known = {1: categories[0], 2: categories[1], 0: 0}
    assert known == {1: 1, 2: 2, 0: 0}
    seen = ("workspace", admin.workspace.id)
    async with helpdesk.db.read() as reads:
        for conditions in CONDITIONS + OTHERS:
            asked = (seen, *conditions)
            rows = await tickets.LISTING.every(reads, asked)
            sql.clear()
            assert await tickets.LISTING.count(reads, asked) == len(rows), conditions
            [statement] = sql.statements
            assert ("FROM ticket_tally" in statement) == (conditions in CONDITIONS), statement
            for parent in ("category_id", "organization_id"):
                below = await tickets.LISTING.counts(reads, parent, [1, 2, 3], asked)
                counted = Counter(getattr(row, parent) for row in rows)
                assert below == {key: counted[key] for key in (1, 2, 3)}, (conditions, parent)
    assert organizations == [1, 2]


async def test_another_workspace_is_not_counted(door: Door, admin: Person, stranger: Person) -> None:
    await opened(door, admin)
    assert (await door.tickets(admin)).total == 1
    assert (await door.tickets(stranger)).total == 0


async def test_writers_of_one_category_and_organization_at_once(
    helpdesk: Helpdesk, door: Door, admin: Person, worker: Worker
) -> None:
    """Fifty create, move and close tickets of the same two categories while somebody folds: nothing is in a circle."""
    categories, _ = await places(door, admin)
    caller = Caller(admin.workspace.id, admin.id, 0, "admin", "enterprise")
    done = asyncio.Event()

    async def write(number: int) -> None:
        async with helpdesk.operation(caller) as ctx:
            given = NEW_TICKET | {"requester_email": f"p{number % 7}@o{number % 2}.test"}
            there, back = categories[number % 2], categories[1 - number % 2]
            made = await rules.create_ticket(ctx, given | {"category_id": there})
            await rules.update_ticket(ctx, made.id, {"category_id": back, "status": "pending"})
            if number % 5 == 0:
                await rules.delete_ticket(ctx, made.id)

    async def fold() -> None:
        while not done.is_set():
            await folded(helpdesk.db, 5)
            await asyncio.sleep(0)

    folding = [asyncio.create_task(fold()) for _ in range(2)]
    await asyncio.gather(*(write(number) for number in range(AT_ONCE)))
    done.set()
    await asyncio.gather(*folding)
    await assert_counted(helpdesk.db)
    rows = (await door.list(admin, "category")).done()
    assert sum(row["ticket_count"] for row in rows) == (await door.tickets(admin)).total == AT_ONCE - 10


@pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)])
async def test_a_write_of_tickets_waits_for_no_other_of_the_category(
    helpdesk: Helpdesk, door: Door, admin: Person, engine: str
) -> None:
    """One transaction stays open, another of the same category and organization is done meanwhile.

    SQLite has one writer.
    """
    [category, _], _ = await places(door, admin)
    first = await opened(door, admin, requester_email="a@o0.test", category_id=category)
    await opened(door, admin, requester_email="b@o0.test")
    async with helpdesk.db.write() as tx:
        held = await tickets.LISTING.find(tx, (("id", first["id"]),), held=True)
        assert held is not None
        await tickets.change(tx, held, {"status": "closed"})
        async with asyncio.timeout(5):
            await opened(door, admin, requester_email="b@o0.test", category_id=category)
        assert (await door.one(admin, "category", category)).data["ticket_count"] == 2


async def test_a_worker_folds(helpdesk: Helpdesk, door: Door, admin: Person, worker: Worker) -> None:
    await opened(door, admin)
    async with helpdesk.db.read() as reads:
        assert len(await reads.rows(tallies.WAITING, most=10)) == 1
        await worker._report()
        await reads.rest()
        assert await reads.rows(tallies.WAITING, most=10) == []
    assert (await door.tickets(admin)).total == 1


async def test_what_is_due_is_also_what_was_not_folded(
    helpdesk: Helpdesk, door: Door, admin: Person, worker: Worker
) -> None:
    await opened(door, admin)
    await worker.drain()  # `answer worker --once`
    async with helpdesk.db.read() as reads:
        assert await reads.rows(tallies.WAITING, most=10) == []
    assert (await door.tickets(admin)).total == 1

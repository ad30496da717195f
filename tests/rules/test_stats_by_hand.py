"""Whatever happens, every figure of the statistics is the one that counting by hand gives (D8 to D15)."""

import contextlib
import datetime as dt
import itertools
from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import rows
from db.queries import sla
from resolvers import ratings, replies, stats, tallies, tickets
from resolvers.categories import create_category, delete_category
from resolvers.context import Caller, Context, Helpdesk
from resolvers.errors import AnswerError
from resolvers.users import add_user
from resolvers.workspaces import workspace_named
from rest_compat.stats import agent_shape, overview_shape
from tests.conftest import Clock
from tests.contents import folded
from tests.doors import Row
from tests.statistics_reference import Reference, Told, told

BEGIN = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
AGENTS, CUSTOMERS, CATEGORIES = 3, 2, 2
WHO = st.sampled_from(["agent", "agent", "customer"])
STATUSES = st.sampled_from(["open", "pending", "pending", "resolved", "closed"])
PRIORITIES = st.sampled_from(["low", "medium", "high", "urgent"])
WHICH = st.sampled_from([0, 0, 0, 0, 1, 1, 2])
"""A ticket; few, so that a lot happens to each."""
BY = st.integers(0, 5)
GAPS = st.one_of(
    st.sampled_from([0, 0, 0, 0.5, 1.5, 3, 5, 9, 25, 70]), st.integers(1, 200_000).map(lambda s: s / 3600)
)
"""Hours that pass before a deed: some are about as long as what is promised."""
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "status": STATUSES,
        "priority": PRIORITIES,
        "assigned_to": st.none() | st.integers(0, AGENTS - 1),
        "category_id": st.none() | st.integers(0, CATEGORIES - 1),
    },
)
REPLIES = (
    st.tuples(st.just("reply"), WHICH, WHO, BY, st.just(False), st.none()),
    st.tuples(st.just("reply"), WHICH, WHO, BY, st.booleans(), STATUSES),
)
UPDATES = (
    st.tuples(st.just("update"), WHICH, BY, CHANGES),
    st.tuples(st.just("update"), WHICH, BY, st.fixed_dictionaries({"status": STATUSES})),
    st.tuples(st.just("update"), WHICH, BY, st.fixed_dictionaries({"status": STATUSES})),
    st.tuples(st.just("update"), WHICH, BY, st.fixed_dictionaries({"priority": PRIORITIES})),
)
FOLDS = (st.tuples(st.just("fold"), st.sampled_from([1, 3, 1_000])), st.tuples(st.just("note_lapsed")))
OTHERS = (
    st.tuples(st.just("open"), BY, PRIORITIES, st.none() | st.integers(0, AGENTS - 1)),
    st.tuples(st.just("rate"), WHICH, st.integers(1, 5)),
    st.tuples(st.just("rate"), WHICH, st.integers(1, 5)),
)
GONE = (st.tuples(st.just("delete"), BY), st.tuples(st.just("delete_category"), BY))
DEEDS = st.one_of(*REPLIES, *UPDATES, *OTHERS, *FOLDS, *REPLIES, *UPDATES, *GONE)
Days = tuple[int | None, int | None]


def _is_window(days: Days) -> bool:
    first, last = days
    return first is None or last is None or first <= last


_DAY = st.none() | st.integers(-1, 12) | st.integers(-40, 70)
WINDOWS: st.SearchStrategy[Days] = st.tuples(_DAY, _DAY).filter(_is_window)


class World:
    """A workspace of its own in which deeds are done through the resolvers."""

    def __init__(self, helpdesk: Helpdesk, clock: Clock, workspace_id: int) -> None:
        self.helpdesk = helpdesk
        self.clock = clock
        self.workspace_id = workspace_id
        self.agents: list[rows.User] = []
        self.customers: list[rows.User] = []
        self.categories: list[int] = []
        self.tickets: list[int] = []

    def caller(self, person: rows.User) -> Caller:
        return Caller(self.workspace_id, person.id, 0, person.type, "enterprise")

    async def do(self, deed: Sequence[Any]) -> None:
        """Do it, or be refused."""
        kind, *given = deed
        with contextlib.suppress(AnswerError):
            await getattr(self, kind)(*given)

    def ticket(self, which: int) -> int:
        return self.tickets[which % len(self.tickets)] if self.tickets else 0

    async def open(self, which: int, priority: str, assigned_to: int | None) -> None:
        asks = (self.customers + self.agents[:1])[which % (CUSTOMERS + 1)]
        given = {
            "subject": "s",
            "content": "c",
            "requester_email": asks.email,
            "priority": priority,
            "category_id": self.categories[which % len(self.categories)],
            "assigned_to": None if assigned_to is None else self.agents[assigned_to].id,
        }
        async with self.helpdesk.operation(self.caller(self.agents[0])) as ctx:
            self.tickets.append((await tickets.create_ticket(ctx, given)).id)

    async def update(self, which: int, by: int, changes: dict[str, Any]) -> None:
        given = dict(changes)
        if given.get("assigned_to") is not None:
            given["assigned_to"] = self.agents[given["assigned_to"]].id
        if given.get("category_id") is not None:
            given["category_id"] = self.categories[given["category_id"] % len(self.categories)]
        async with self.helpdesk.operation(self.caller(self.agents[by % AGENTS])) as ctx:
            await tickets.update_ticket(ctx, self.ticket(which), given)

    async def reply(self, which: int, who: str, by: int, is_internal: bool, status: str | None) -> None:
        people = self.agents if who == "agent" else self.customers
        given = {"content": "c", "is_internal": is_internal} | ({"update_status": status} if status else {})
        async with self.helpdesk.operation(self.caller(people[by % len(people)])) as ctx:
            await replies.create_reply(ctx, self.ticket(which), given)

    async def rate(self, which: int, rating: int) -> None:
        for person in (*self.customers, self.agents[0]):
            try:
                async with self.helpdesk.operation(self.caller(person)) as ctx:
                    await ratings.rate_ticket(ctx, self.ticket(which), {"rating": rating})
            except AnswerError:
                continue

    async def delete(self, which: int) -> None:
        if ticket_id := self.ticket(which):
            self.tickets.remove(ticket_id)
            async with self.helpdesk.operation(self.caller(self.agents[0])) as ctx:
                await tickets.delete_ticket(ctx, ticket_id)

    async def delete_category(self, which: int) -> None:
        if len(self.categories) > 1:
            gone = self.categories.pop(which % len(self.categories))
            async with self.helpdesk.operation(self.caller(self.agents[0])) as ctx:
                await delete_category(ctx, gone)

    async def fold(self, most: int) -> None:
        await folded(self.helpdesk.db, most)

    async def note_lapsed(self) -> None:
        async with self.helpdesk.db.write() as tx:
            await sla.lapse(tx, self.clock.moment, 2)


async def world_of(helpdesk: Helpdesk, clock: Clock, name: str) -> World:
    """A new workspace with its people and categories, at the beginning of time."""
    clock.moment = BEGIN
    async with helpdesk.db.write() as tx:
        home = await workspace_named(tx, name, None, BEGIN)
        world = World(helpdesk, clock, home.id)
        for role, people, count in (
            ("agent", world.agents, AGENTS),
            ("customer", world.customers, CUSTOMERS),
        ):
            for number in range(count):
                given = {"name": f"{role} {number}", "email": f"{role}{number}@x.test", "type": role}
                added = await add_user(tx, home.id, given, BEGIN)
                assert added is not None
                people.append(added)
    for number in range(CATEGORIES):
        async with helpdesk.operation(world.caller(world.agents[0])) as ctx:
            world.categories.append((await create_category(ctx, {"name": f"c{number}"})).id)
    return world


async def shown(ctx: Context, asked: stats.Stats) -> tuple[Row, list[Row]]:
    """Both answers as REST writes them."""
    found = (await overview_shape(ctx, asked), [agent_shape(each) for each in await stats.agents(ctx, asked)])
    overview, agents = msgspec.json.decode(msgspec.json.encode(found))
    return overview, agents


_NUMBERS = itertools.count(1)


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    deeds=st.lists(st.tuples(GAPS, DEEDS), min_size=6, max_size=36),
    windows=st.lists(WINDOWS, min_size=1, max_size=3),
)
async def test_whatever_happens_every_figure_is_the_one_that_counting_gives(
    helpdesk: Helpdesk,
    clock: Clock,
    deeds: list[tuple[float, Any]],
    windows: list[Days],
) -> None:
    # one database for all examples, a workspace for each
    world = await world_of(helpdesk, clock, f"world {next(_NUMBERS)}")
    await world.do(("open", 0, "urgent", 0))
    await world.do(("open", 1, "high", None))
    for hours, deed in deeds:
        clock.pass_(hours=hours)
        await world.do(deed)
    everything = await told(helpdesk.db, world.workspace_id)
    await _is_as_by_hand(world, everything, windows)
    await tallies.fold(helpdesk)
    await _is_as_by_hand(world, everything, windows)


async def _is_as_by_hand(world: World, everything: Told, windows: list[Days]) -> None:
    for first, last in [(None, None), *windows]:
        days = [None if each is None else BEGIN.date() + dt.timedelta(days=each) for each in (first, last)]
        async with world.helpdesk.operation(world.caller(world.agents[1])) as ctx:
            asked = await stats.stats(ctx, *days)
            overview, agents = await shown(ctx, asked)
        by_hand = Reference(everything, days[0], days[1], asked.window.now)
        assert overview == by_hand.overview()
        assert agents == by_hand.agents()
        _holds(overview, agents)


def _holds(overview: Row, agents: list[Row]) -> None:
    """D13, D14."""
    counts = dict(overview["tickets"])
    total = counts.pop("total")
    assert total == sum(counts.values()) == sum(overview["by_priority"].values())
    for each in agents:
        metrics = each["metrics"]
        assert metrics["tickets_assigned"] == metrics["tickets_resolved"] + metrics["tickets_open"]
    assert sum(each["metrics"]["tickets_assigned"] for each in agents) <= total
    assert sum(each["count"] for each in overview["by_category"]) <= total

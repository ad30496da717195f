"""Lists: whatever the order, the size of a page and the conditions, a walk is the full sort, on both engines."""

import datetime as dt
import sqlite3
from contextlib import closing
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateTable

from db import rows
from db.conditions import Condition, shape_of, values_of
from db.database import Database, Reader
from db.listing import Window
from db.queries import tickets
from db.tables import PRIORITIES, PRIORITY_RANK, STATUSES
from tests.db.corpus import MOMENT, replace_tickets

LISTING = tickets.LISTING
TICKET = st.fixed_dictionaries(
    {
        # few values: ties are what breaks keyset paging
        "created_at": st.integers(0, 3).map(lambda number: MOMENT + dt.timedelta(microseconds=number)),
        "updated_at": st.sampled_from([MOMENT, MOMENT + dt.timedelta(days=1, microseconds=500_000)]),
        "priority": st.sampled_from(PRIORITIES),
        "status": st.sampled_from(STATUSES),
        "assigned_to_id": st.sampled_from([None, 1]),
    }
)
LEAF: st.SearchStrategy[Condition] = st.one_of(
    st.lists(st.sampled_from(STATUSES), max_size=2).map(lambda words: ("status", tuple(words))),
    st.lists(st.sampled_from(PRIORITIES), max_size=2).map(lambda words: ("priority", tuple(words))),
    st.just(("unassigned", True)),
    st.just(("assigned_to", (1,))),
    st.integers(0, 3).map(lambda number: ("created_lt", MOMENT + dt.timedelta(microseconds=number))),
    st.integers(0, 3).map(lambda number: ("created_gte", MOMENT + dt.timedelta(microseconds=number))),
)
GROUP = st.lists(LEAF, max_size=2).map(tuple)
CONDITIONS: st.SearchStrategy[list[Condition]] = st.lists(
    LEAF
    | st.tuples(st.sampled_from(["and", "or"]), st.lists(GROUP, max_size=3).map(tuple))
    | st.tuples(st.just("not"), GROUP | GROUP.map(lambda group: (("or", (group, group)),))),
    max_size=2,
)


def meets(row: rows.Ticket, condition: Condition) -> bool:
    """What a condition says, without SQL."""
    kind, value = condition
    if kind in ("and", "or"):
        groups = [all(meets(row, each) for each in group) for group in value]
        return all(groups) if kind == "and" else any(groups)
    if kind == "not":
        return not all(meets(row, each) for each in value)
    leaves: dict[str, bool] = {
        "unassigned": row.assigned_to_id is None,
        "assigned_to": row.assigned_to_id == 1,
        "created_lt": kind == "created_lt" and row.created_at < value,
        "created_gte": kind == "created_gte" and row.created_at >= value,
        "status": kind == "status" and row.status in value,
        "priority": kind == "priority" and row.priority in value,
    }
    return leaves[kind]


def key(row: rows.Ticket, order: str) -> tuple[Any, int]:
    return (PRIORITY_RANK[row.priority] if order == "priority" else getattr(row, order), row.id)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    made=st.lists(TICKET, max_size=9),
    order=st.sampled_from(["created_at", "updated_at", "priority"]),
    descending=st.booleans(),
    size=st.integers(1, 4),
    conditions=CONDITIONS,
)
async def test_a_walk_is_the_full_sort(
    both: list[Database],
    made: list[Any],
    order: str,
    descending: bool,
    size: int,
    conditions: list[Condition],
) -> None:
    seen = []
    for database in both:
        await replace_tickets(database, made)
        async with database.read() as reads:
            held = await LISTING.every(reads, [("workspace", 1)])
            assert len(held) == len(made)
            expected = sorted(
                (row for row in held if all(meets(row, each) for each in conditions)),
                key=lambda row: key(row, order),
                reverse=descending,
            )
            window = Window(order, descending, size)
            assert await _walked(reads, conditions, window) == expected
            assert await _walked_back(reads, conditions, window) == expected
            assert await _numbered(reads, conditions, window) == expected
            assert await LISTING.count(reads, conditions) == len(expected)
            keys = [1, 2]
            below = await LISTING.pages(reads, "requester_id", keys, conditions, window)
            assert below == {1: expected[:size], 2: []}
            assert await LISTING.counts(reads, "requester_id", keys, conditions) == {1: len(expected), 2: 0}
            seen.append(expected)
    assert seen[0] == seen[1]


async def _walked(reads: Reader, conditions: list[Condition], window: Window) -> list[rows.Ticket]:
    found: list[rows.Ticket] = []
    while page := await LISTING.page(reads, conditions, window):
        found += page
        window = window._replace(after=key(page[-1], window.order))
    return found


async def _walked_back(reads: Reader, conditions: list[Condition], window: Window) -> list[rows.Ticket]:
    found: list[rows.Ticket] = []
    window = window._replace(from_end=True)
    while page := await LISTING.page(reads, conditions, window):
        found = page + found
        window = window._replace(before=key(page[0], window.order))
    return found


async def _numbered(reads: Reader, conditions: list[Condition], window: Window) -> list[rows.Ticket]:
    found: list[rows.Ticket] = []
    while page := await LISTING.page(reads, conditions, window._replace(offset=len(found))):
        found += page
    return found


def test_lists_of_the_same_kinds_share_a_shape() -> None:
    """One compiled statement serves both."""
    first: list[Condition] = [
        ("status", ("open",)),
        ("or", ((("priority", ("low",)),), ())),
        ("not", (("id", 1),)),
    ]
    second: list[Condition] = [("status", ()), ("or", ((("priority", ()),), ())), ("not", (("id", 9),))]
    assert shape_of(first) == shape_of(second)
    assert values_of(first) == {"condition_0": ("open",), "condition_1": ("low",), "condition_2": 1}


def test_a_list_of_keys_finds_its_index_on_sqlite() -> None:
    """SQLAlchemy would write `id IN (…) = 1`, which reads the whole table."""
    compiled = tickets.BY_IDS.compiled(sqlite.dialect(paramstyle="qmark"))
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(str(CreateTable(LISTING.table).compile(dialect=sqlite.dialect())))
        plan = connection.execute(f"EXPLAIN QUERY PLAN {compiled.sql}", ("[1, 2]", 1)).fetchall()
    assert plan[0][3] == "SEARCH ticket USING INTEGER PRIMARY KEY (rowid=?)"

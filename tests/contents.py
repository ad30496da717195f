"""What the database holds, whole: a refusal is shown to have changed nothing."""

import contextlib
import datetime as dt
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

from sqlalchemy import Table, text

from db.database import Database
from db.queries import figures, tallies
from db.tables import metadata

_US = dt.timedelta(microseconds=1)
Tables = dict[str, list[dict[str, Any]]]
Contents = dict[str, list[tuple[Any, ...]]]
Unchanged = Callable[[], AbstractAsyncContextManager[None]]


async def contents(db: Database) -> Contents:
    """Every row of every table, and every entry of the search indexes."""
    found: Contents = {}
    async with db.engine.connect() as connection:
        for table in metadata.sorted_tables:
            rows = await connection.execute(table.select().order_by(*table.primary_key.columns))
            found[table.name] = [tuple(row) for row in rows]
        for entries in ("SELECT * FROM ticket_search", "SELECT * FROM user_search"):
            found[entries] = [tuple(row) for row in await connection.execute(text(entries))]
    return found


@contextlib.asynccontextmanager
async def unchanged_in(db: Database) -> AsyncIterator[None]:
    """Fails when the block leaves the database other than it found it."""
    before = await contents(db)
    yield
    assert await contents(db) == before


async def assert_counted(db: Database) -> None:
    """Every stored figure is what counting gives, and what is stored twice is the same twice (D16)."""
    held = await contents(db)
    tables = _by_column(held)
    people = {row["id"]: row for row in tables["user"]}
    tags = Counter((row["ticket_id"], row["name"]) for row in tables["tag"])
    requested = Counter(row["requester_id"] for row in tables["ticket"])
    members = Counter(row["organization_id"] for row in tables["user"])
    written = Counter((row["ticket_id"], row["is_internal"]) for row in tables["reply"])
    for row in tables["ticket"]:
        assert row["organization_id"] == people[row["requester_id"]]["organization_id"], row
        assert row["public_reply_count"] == written[row["id"], False], row
        assert row["internal_note_count"] == written[row["id"], True], row
        assert all(tags[row["id"], tag] == 1 for tag in row["tags"]), row
    assert tags.total() == sum(len(row["tags"]) for row in tables["ticket"])
    for row in tables["user"]:
        assert row["ticket_count"] == requested[row["id"]], row
    for row in tables["organization"]:
        assert row["user_count"] == members[row["id"]], row
    assert_tallied(tables)
    assert_added_up(tables)
    for most in (3, 10_000):
        await folded(db, most)
        held = await contents(db)
        tables = _by_column(held)
        assert_tallied(tables)
        assert_added_up(tables)
    assert held["ticket_tally_change"] == held["work_change"] == []
    assert len(held["SELECT * FROM ticket_search"]) == len(tables["ticket"])
    assert len(held["SELECT * FROM user_search"]) == len(tables["user"])


async def folded(db: Database, most: int) -> int:
    """Fold at most so many changes of each kind into the tallies and the figures; how many there were."""
    async with db.write() as tx:
        return await tallies.fold(tx, most) + await figures.fold_work(tx, most)


def assert_tallied(tables: Tables) -> None:
    """In every facet the tallies and the changes that are not folded add up to what counting gives."""
    facets = {
        "all": None,
        "category": "category_id",
        "organization": "organization_id",
        "assignee": "assigned_to_id",
    }
    for facet, column in facets.items():
        counted = Counter(_cell(row, row[column] or 0 if column else 0) for row in tables["ticket"])
        summed: Counter[Any] = Counter()
        for row in tables["ticket_tally"]:
            if row["facet"] == facet:
                summed[_cell(row, row["facet_id"])] += row["amount"]
        for row in tables["ticket_tally_change"]:
            if column is None or row[column] is not None:
                summed[_cell(row, row[column] if column else 0)] += row["amount"]
        assert {cell: amount for cell, amount in summed.items() if amount} == counted, facet


def assert_added_up(tables: Tables) -> None:
    """In every facet the figures of days, and of months, and the changes that are not folded are what counting gives."""
    counted, held = _counted_figures(tables), _fresh_figures(tables)
    people = {row["id"] for row in tables["user"]} | {0}
    for span in ("day", "month"):
        summed = Counter(held)
        for row in tables["figure"]:
            if row["span"] == span:
                for name in figures.MEASURES:
                    day = row["day"] if span == "day" else row["day"].replace(day=1)
                    summed[row["workspace_id"], row["facet"], day, row["facet_id"], name] += row[name]
        found, expected = (
            # who was deleted keeps figures that nobody asks for
            _of_span({cell: n for cell, n in each.items() if cell[1] != "agent" or cell[3] in people}, span)
            for each in (summed, counted)
        )
        assert found == expected, span


def _of_span(numbers: dict[Any, int], span: str) -> dict[Any, int]:
    found: Counter[Any] = Counter()
    for (workspace_id, facet, day, *rest), amount in numbers.items():
        found[workspace_id, facet, day if span == "day" else day.replace(day=1), *rest] += amount
    return {cell: amount for cell, amount in found.items() if amount}


def _fresh_figures(tables: Tables) -> Counter[Any]:
    """What is not folded yet."""
    found: Counter[Any] = Counter()
    for row in tables["ticket_tally_change"]:
        place = tallies.Place(*(row[name] for name in tallies.Place._fields))
        for cell, amount in figures.cells(place):
            found[cell] += row["amount"] * amount
    for row in tables["work_change"]:
        for name in figures.DONE:
            found[row["workspace_id"], "agent", row["day"], row["agent_id"], name] += row[name]
    return found


def _counted_figures(tables: Tables) -> Counter[Any]:
    """Every figure from the rows themselves; a deadline that nobody met in time counts once it is noted."""
    found: Counter[Any] = Counter()
    for table, figures_of in (
        ("ticket", _of_ticket),
        ("reply", _of_reply),
        ("activity", _of_line),
        ("rating", _of_rating),
    ):
        for row in tables[table]:
            for facet, moment, facet_id, measures in figures_of(row):
                for name, amount in measures.items():
                    day = moment.astimezone(dt.UTC).date()
                    found[row["workspace_id"], facet, day, facet_id, name] += amount
    return found


Counted = Iterator[tuple[str, dt.datetime, int, dict[str, int]]]


def _of_ticket(row: dict[str, Any]) -> Counted:
    created, resolved, answered = row["created_at"], row["resolved_at"], row["first_response_at"]
    agent = row["assigned_to_id"] or 0
    for facet in ("all", row["status"], row["priority"]):
        yield facet, created, 0, {"tickets": 1}
    yield "category", created, row["category_id"] or 0, {"tickets": 1}
    yield "agent", created, agent, {"tickets": 1, "resolved": int(row["status"] in ("resolved", "closed"))}
    if resolved:
        yield "all", resolved, 0, {"resolutions": 1}
        yield "agent", resolved, agent, {"resolutions": 1, "resolution_us": (resolved - created) // _US}
    if answered:
        yield "agent", answered, agent, {"responses": 1, "response_us": (answered - created) // _US}
    yield from _of_target(agent, answered, row["first_response_due_at"], row["is_response_lapsed"])
    yield from _of_target(
        agent, row["first_resolved_at"], row["resolution_due_at"], row["is_resolution_lapsed"]
    )


def _of_target(agent: int, met: dt.datetime | None, due: dt.datetime | None, is_lapsed: bool) -> Counted:
    if due and met and met <= due:
        yield "agent", met, agent, {"kept": 1}
    elif due and (met or is_lapsed):
        yield "agent", due, agent, {"missed": 1}


def _of_reply(row: dict[str, Any]) -> Counted:
    if row["is_by_staff"]:
        moment, since, is_note = row["created_at"], row["waiting_since"], row["is_internal"]
        wrote = {"replies": int(not is_note), "notes": int(is_note), "waits": int(bool(since))}
        yield "agent", moment, row["author_id"], wrote | {"waited_us": (moment - (since or moment)) // _US}


def _of_line(row: dict[str, Any]) -> Counted:
    if row["action"] == "assigned" and row["from_value"]:
        yield "agent", row["created_at"], int(row["from_value"]), {"reassigned": 1}


def _of_rating(row: dict[str, Any]) -> Counted:
    if row["is_latest"] and row["assigned_to_id"]:
        yield "agent", row["created_at"], row["assigned_to_id"], {"ratings": 1, "stars": row["rating"]}


def _cell(row: dict[str, Any], facet_id: int) -> tuple[Any, ...]:
    return (row["workspace_id"], facet_id, row["status"], row["priority"])


def _named(table: Table, rows: list[tuple[Any, ...]]) -> list[dict[str, Any]]:
    return [dict(zip(table.columns.keys(), row, strict=True)) for row in rows]


async def tables_of(db: Database) -> Tables:
    """Every row of every table, by column."""
    return _by_column(await contents(db))


def _by_column(held: Contents) -> Tables:
    return {name: _named(metadata.tables[name], held[name]) for name in metadata.tables}

"""Tallies: how many tickets there are, kept so that nobody has to count them and no writer waits for another.

A write only adds rows to `ticket_tally_change`; now and then they are folded into `ticket_tally`, and into the figures
of statistics. A reader sums both in one statement, which sees one moment, so the sum is exact whether something was
folded or not (docs/decisions/0010-tallies.md).
"""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    func,
    insert,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite

from db import rows, tables
from db.conditions import Kind, Shape, clauses, kinds_of
from db.database import Tx
from db.queries import figures
from db.queries.piles import Pile
from db.statements import Statement, table_of
from db.types import ListOf, any_key, any_of

tally = table_of(tables.TicketTally)
change = table_of(tables.TicketTallyChange)

NONE: Final = 0
"""The id of no category, of no organization, of nobody."""
ALL: Final = "all"
FACETS: Final = {"category_id": "category", "organization_id": "organization", "assigned_to_id": "assignee"}
"""The facet that is counted by each column."""
_FACET_COLUMN: Final = {
    "category": "category_id",
    "organization": "organization_id",
    "assigned_to": "assigned_to_id",
    "unassigned": "assigned_to_id",
}
"""The column that each kind of condition on tickets looks at."""
_US: Final = dt.timedelta(microseconds=1)
_IN_EVERY_FACET: Final = frozenset({"workspace", "status", "priority"})


class Place(NamedTuple):
    """Where a ticket counts. An id of 0 is none; None: in this facet nothing changes.

    Days are those on which statistics count it: it was created, first answered, resolved, and its targets were kept or
    missed (D10); None: it is in none of these figures. Times are microseconds.
    """

    workspace_id: int
    status: str
    priority: str
    category_id: int | None = None
    organization_id: int | None = None
    assigned_to_id: int | None = None
    created_day: dt.date | None = None
    response_day: dt.date | None = None
    response_us: int | None = None
    resolved_day: dt.date | None = None
    resolution_us: int | None = None
    response_kept_day: dt.date | None = None
    response_missed_day: dt.date | None = None
    resolution_kept_day: dt.date | None = None
    resolution_missed_day: dt.date | None = None


State = tuple[str, str, dt.date | None]
"""A status, a priority, and the day on which the ticket was created; None: statistics do not notice the move."""


def place_of(row: rows.Ticket) -> Place:
    """Where the ticket counts now."""
    answered, resolved = row.first_response_at, row.resolved_at
    due = row.resolution_due_at
    return Place(
        row.workspace_id,
        row.status,
        row.priority,
        row.category_id or NONE,
        row.organization_id or NONE,
        row.assigned_to_id or NONE,
        row.created_at.date(),
        *_event(row.created_at, answered),
        *_event(row.created_at, resolved),
        *_verdict(answered, row.first_response_due_at, is_lapsed=row.is_response_lapsed),
        *_verdict(row.first_resolved_at, due, is_lapsed=row.is_resolution_lapsed and row.paused_at is None),
    )


def _event(created_at: dt.datetime, moment: dt.datetime | None) -> tuple[dt.date | None, int | None]:
    """The day of what happened to a ticket, and how long it took; None for both when it did not."""
    return (None, None) if moment is None else (moment.date(), (moment - created_at) // _US)


def _verdict(
    met: dt.datetime | None, due: dt.datetime | None, *, is_lapsed: bool
) -> tuple[dt.date | None, dt.date | None]:
    """The day on which a target was kept, and the one on which it was missed: None for both while it runs (D10)."""
    if due is None or (met is None and not is_lapsed):
        return None, None
    return (met.date(), None) if met is not None and met <= due else (None, due.date())


# --- how many, without counting -------------------------------------------------------------------------------


def summed(shape: Shape, parent: str | None = None) -> Statement[Any] | None:
    """How many tickets meet conditions of this shape; None when tallies do not tell, as of words or dates.

    With a `parent`, the referring column: by each of the `keys` that has any, as `(key, count)`.
    """
    columns = {_FACET_COLUMN.get(kind, kind) for kind in set(kinds_of(shape)) - _IN_EVERY_FACET}
    columns |= {parent} if parent else set()
    if "workspace" not in shape or len(columns) > 1 or not columns <= FACETS.keys():
        return None
    column = columns.pop() if columns else None
    return _counts(shape, column) if parent and column else _count(shape, column)


def _count(shape: Shape, column: str | None) -> Statement[int]:
    amounts = union_all(*_amounts(shape, column)).subquery("amounts")
    return Statement(select(cast(func.coalesce(func.sum(amounts.c.amount), 0), BigInteger)), int)


def _counts(shape: Shape, column: str) -> Statement[tuple[int, int]]:
    keys = bindparam("keys", type_=ListOf(BigInteger()))
    places = (tally.c.facet_id, change.c[column])
    found = [
        statement.add_columns(place.label("place")).where(any_key(place, keys))
        for statement, place in zip(_amounts(shape, column), places, strict=True)
    ]
    amounts = union_all(*found).subquery("amounts")
    statement = select(amounts.c.place, cast(func.sum(amounts.c.amount), BigInteger)).group_by(
        amounts.c.place
    )
    return Statement(statement, lambda key, count: (key, count))


def _amounts(shape: Shape, column: str | None) -> tuple[Select[Any], Select[Any]]:
    """The amounts that meet the shape: of the tallies, and of what is not folded yet."""
    facet = FACETS[column] if column else ALL
    folded = select(tally.c.amount).where(
        # written out: a parameter would not tell the planner which corner of the index this is
        tally.c.facet == literal_column(f"'{facet}'"),
        *clauses(_kinds_of(tally, tally.c.facet_id), shape),
    )
    if column is None:
        return folded, select(change.c.amount).where(*clauses(_kinds_of(change, change.c.id), shape))
    place = change.c[column]
    fresh = select(change.c.amount).where(place.is_not(None), *clauses(_kinds_of(change, place), shape))
    return folded, fresh


def _kinds_of(table: Any, place: ColumnElement[Any]) -> dict[str, Kind]:
    """The conditions on tickets, as said of rows that count them; `place` is the id in the facet."""
    words, ids = ListOf(Text()), ListOf(BigInteger())
    # nothing has the id 0, whatever a client asks for
    is_one_of = Kind(ids, lambda value: and_(place != NONE, any_of(place, value)))
    return {
        "workspace": Kind(BigInteger(), lambda value: table.c.workspace_id == value),
        "status": Kind(words, lambda value: any_of(table.c.status, value)),
        "priority": Kind(words, lambda value: any_of(table.c.priority, value)),
        "category": is_one_of,
        "organization": is_one_of,
        "assigned_to": is_one_of,
        "unassigned": Kind(None, lambda _: place == NONE),
    }


# --- what a write adds ----------------------------------------------------------------------------------------

_ADD = insert(change)


async def note(tx: Tx, amounts: Mapping[Place, int]) -> None:
    """Note that so many tickets came to a place, or left it; one statement, and none when nothing changed."""
    noted = [place._asdict() | {"amount": amount} for place, amount in amounts.items() if amount]
    if noted:
        await tx.change(_ADD, noted)


async def note_move(tx: Tx, before: rows.Ticket, after: rows.Ticket) -> None:
    """Note that a ticket changed; nothing unless it counts elsewhere now."""
    await note_all(tx, [(before, after)])


async def note_all(tx: Tx, moves: Iterable[tuple[rows.Ticket, rows.Ticket]]) -> None:
    """Note that tickets changed, each as it was and as it is."""
    amounts: Counter[Place] = Counter()
    for before, after in moves:
        amounts[place_of(before)] -= 1
        amounts[place_of(after)] += 1
    await note(tx, amounts)


async def note_moves(
    tx: Tx, workspace_id: int, states: Iterable[State], before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    """Note that tickets of these states moved from one id of a facet to another, as `{"category_id": 7}` says it."""
    amounts: Counter[Place] = Counter()
    for (status, priority, day), count in Counter(states).items():
        place = Place(workspace_id, status, priority, created_day=day)
        amounts[place._replace(**before)] -= count
        amounts[place._replace(**after)] += count
    await note(tx, amounts)


# --- folding --------------------------------------------------------------------------------------------------

Cell = tuple[int, str, int, str, str]
"""The key of a tally: workspace, facet, id in it, status, priority."""


def _taken(*values: Any) -> tuple[Place, int]:
    *place, amount = values
    return Place(*place), amount


CHANGES: Final = Pile(change, (*Place._fields, "amount"), _taken)
WAITING: Final = CHANGES.waiting
_CELL = tuple(column.name for column in tally.primary_key.columns)
_FOLD = {
    is_sqlite: added.on_conflict_do_update(
        index_elements=_CELL, set_={"amount": tally.c.amount + added.excluded.amount}
    )
    for is_sqlite, added in ((True, sqlite.insert(tally)), (False, postgresql.insert(tally)))
}


async def fold(tx: Tx, most: int) -> int:
    """Move at most so many changes into the tallies and the figures, none that another is moving; how many that were."""
    taken = await CHANGES.take(tx, most)
    amounts: Counter[Cell] = Counter()
    counted: Counter[figures.Cell] = Counter()
    for place, amount in taken:
        for cell in cells(place):
            amounts[cell] += amount
        for number, part in figures.cells(place):
            counted[number] += amount * part
    await add(tx, amounts)
    await figures.add(tx, counted)
    return len(taken)


async def add(tx: Tx, amounts: Mapping[Cell, int]) -> None:
    """Add to the tallies at once: for who folds, or writes so much that nobody should have to fold it."""
    added = rows_of(amounts)
    if added:
        await tx.change(_FOLD[tx.is_sqlite], added)


def rows_of(amounts: Mapping[Cell, int]) -> list[dict[str, Any]]:
    """The amounts by column, always in one order: two that fold at once must not wait for each other in a circle."""
    return [
        dict(zip(_CELL, cell, strict=True)) | {"amount": amount}
        for cell, amount in sorted(amounts.items())
        if amount
    ]


def cells(place: Place) -> Iterator[Cell]:
    """The tallies in which a ticket of this place counts."""
    workspace_id, status, priority = place[:3]
    yield (workspace_id, ALL, NONE, status, priority)
    for column, facet in FACETS.items():
        facet_id = getattr(place, column)
        if facet_id is not None:
            yield (workspace_id, facet, facet_id, status, priority)

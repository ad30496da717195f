"""What statistics read, over a window of days (D8 to D15): sums of `figure` and of what is not folded yet.

Every statement takes `workspace_id`, the window (`first` to `last`, both included) and, as `spans` says it, its whole
months and the days before and after them. What is summed are rows for days and months, however many tickets there are.
"""

import datetime as dt
from typing import Any, Final

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Double,
    Select,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
    text,
    type_coerce,
    union_all,
)
from sqlalchemy.types import NullType

from db import tables
from db.queries import figures
from db.queries.figures import AGENT, ALL, CATEGORY, DAY, MEASURES, MONTH, NOBODY
from db.queries.tallies import change
from db.statements import Statement, table_of
from db.types import ListOf, UtcDateTime, any_of

figure, work_change = figures.figure, figures.work_change
ticket = table_of(tables.Ticket)
reply = table_of(tables.Reply)

_WORKSPACE = bindparam("workspace_id", type_=BigInteger())
_FIRST, _LAST = bindparam("first", type_=Date()), bindparam("last", type_=Date())
_SINCE, _UNTIL = bindparam("since", type_=UtcDateTime()), bindparam("until", type_=UtcDateTime())
_NOW = bindparam("now", type_=UtcDateTime())
_AGENTS = bindparam("agents", type_=ListOf(BigInteger()))
_SPANS: Final = ((DAY, "days_before"), (MONTH, "months"), (DAY, "days_after"))
"""The parts that a window is made of, each with the name of its first and last day."""
_ONE_DAY: Final = dt.timedelta(days=1)
_NEVER: Final = (dt.date.max, dt.date.min)
_ID = BigInteger()


def spans(first: dt.date, last: dt.date) -> dict[str, dt.date]:
    """The parts of a window as the statements are given them; a part that it has not holds no day."""
    begin = first if first.day == 1 else _next_month(first)
    # exclusive, but for the end of all time
    end = last if last == dt.date.max else (last + _ONE_DAY).replace(day=1)
    if begin is None or begin >= end:
        parts = ((first, last), _NEVER, _NEVER)
    else:
        before = _NEVER if begin == first else (first, begin - _ONE_DAY)
        after = _NEVER if last == dt.date.max else (end, last)
        parts = (before, (begin, end if last == dt.date.max else end - _ONE_DAY), after)
    return {
        f"{name}_{which}": day
        for (_, name), days in zip(_SPANS, parts, strict=True)
        for which, day in zip(("first", "last"), days, strict=True)
    }


def _next_month(day: dt.date) -> dt.date | None:
    """The first day of the month after; None when time is at its end."""
    if (day.year, day.month) == (dt.date.max.year, 12):
        return None
    return (day.replace(day=1) + 31 * _ONE_DAY).replace(day=1)


def _folded(facets: ColumnElement[bool], *found: ColumnElement[Any]) -> list[Select[Any]]:
    """What the figures of the facets hold of the window: a piece of the primary key for each part."""
    return [
        select(*found).where(
            figure.c.workspace_id == _WORKSPACE,
            facets,
            figure.c.span == literal_column(f"'{span}'"),
            figure.c.day >= bindparam(f"{name}_first", type_=Date()),
            figure.c.day <= bindparam(f"{name}_last", type_=Date()),
        )
        for span, name in _SPANS
    ]


def _within(day: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(day >= _FIRST, day <= _LAST)


def _words(*facets: str) -> ColumnElement[bool]:
    # written out: a parameter would not tell the planner which piece of the key this is
    return figure.c.facet.in_([literal_column(f"'{facet}'") for facet in facets])


# --- tickets created in the window ------------------------------------------------------------------------------

_STATES = (*tables.STATUSES, *tables.PRIORITIES)


def _counts() -> Select[Any]:
    fresh = (change.c.workspace_id == _WORKSPACE, _within(change.c.created_day))
    nobody = cast(literal_column(str(NOBODY)), _ID)
    parts = union_all(
        *_folded(_words(*_STATES, CATEGORY), figure.c.facet, figure.c.facet_id, figure.c.tickets),
        select(change.c.status, nobody, change.c.amount).where(*fresh),
        select(change.c.priority, nobody, change.c.amount).where(*fresh),
        select(literal_column(f"'{CATEGORY}'"), change.c.category_id, change.c.amount).where(
            *fresh, change.c.category_id.is_not(None)
        ),
    ).subquery("parts")
    total = cast(func.sum(parts.c.tickets), _ID)
    return (
        select(parts.c.facet, parts.c.facet_id, total)
        .group_by(parts.c.facet, parts.c.facet_id)
        .having(total != 0)
    )


COUNTS: Statement[tuple[str, int, int]] = Statement(_counts(), lambda *found: found)
"""How many there are by status, by priority and by category now: facet, id in it, count; none are left out (D13)."""


def _by_day() -> Select[Any]:
    """Created and resolved on each day; the folded days are the window's own, whatever its months."""
    folded = select(figure.c.day, figure.c.tickets, figure.c.resolutions).where(
        figure.c.workspace_id == _WORKSPACE,
        _words(ALL),
        figure.c.span == literal_column(f"'{DAY}'"),
        _within(figure.c.day),
    )
    none = cast(literal_column("0"), _ID)
    parts = union_all(
        folded,
        select(change.c.created_day, change.c.amount, none).where(
            change.c.workspace_id == _WORKSPACE, _within(change.c.created_day)
        ),
        select(change.c.resolved_day, none, change.c.amount).where(
            change.c.workspace_id == _WORKSPACE, _within(change.c.resolved_day)
        ),
    ).subquery("parts")
    return select(
        parts.c.day,
        cast(func.sum(parts.c.tickets), _ID),
        cast(func.sum(parts.c.resolutions), _ID),
    ).group_by(parts.c.day)


BY_DAY: Statement[tuple[dt.date, int, int]] = Statement(_by_day(), lambda *found: found)
"""Tickets created and tickets resolved, by the day; days without any may be left out (D12)."""

OLDEST: Statement[dt.datetime] = Statement(
    select(ticket.c.created_at)
    .where(ticket.c.workspace_id == _WORKSPACE)
    .order_by(ticket.c.created_at)
    .limit(1),
    lambda moment: moment,
)
"""When the first ticket of all was created."""


# --- what agents do ---------------------------------------------------------------------------------------------


class Figures(msgspec.Struct, frozen=True):
    """The figures of one agent, or of nobody, named after the columns; times are microseconds in all, as floats.

    Whole numbers of them are exact up to 285 years, and no sum can overflow.
    """

    agent_id: int
    tickets: int = 0
    resolved: int = 0
    responses: int = 0
    response_us: float = 0.0
    resolutions: int = 0
    resolution_us: float = 0.0
    kept: int = 0
    missed: int = 0
    replies: int = 0
    notes: int = 0
    waits: int = 0
    waited_us: float = 0.0
    reassigned: int = 0
    ratings: int = 0
    stars: int = 0


_ZERO = cast(literal_column("0"), _ID)


def _fresh() -> Select[Any]:
    """Of tickets that changed a moment ago."""

    def on(day: ColumnElement[Any], times: Any = 1) -> ColumnElement[Any]:
        return case((_within(day), change.c.amount * times), else_=0)

    c = change.c
    held = {
        "tickets": on(c.created_day),
        "resolved": case((and_(_within(c.created_day), c.resolved_day.is_not(None)), c.amount), else_=0),
        "responses": on(c.response_day),
        "response_us": on(c.response_day, c.response_us),
        "resolutions": on(c.resolved_day),
        "resolution_us": on(c.resolved_day, c.resolution_us),
        "kept": on(c.response_kept_day) + on(c.resolution_kept_day),
        "missed": on(c.response_missed_day) + on(c.resolution_missed_day),
    }
    return select(c.assigned_to_id, *_every(held)).where(
        c.workspace_id == _WORKSPACE, c.assigned_to_id.is_not(None), c.created_day.is_not(None)
    )


def _overdue(runs: str, due: ColumnElement[Any]) -> Select[Any]:
    """Targets that ran out by now and that nobody has noted yet (D10)."""
    return select(func.coalesce(ticket.c.assigned_to_id, NOBODY), *_every({"missed": literal(1, _ID)})).where(
        # as the index has it: the planner compares words
        text(runs),
        ticket.c.workspace_id == _WORKSPACE,
        due >= _SINCE,
        due < _UNTIL,
        due < _NOW,
    )


def _every(held: dict[str, Any]) -> list[ColumnElement[Any]]:
    return [held.get(name, _ZERO) for name in MEASURES]


def _by_agent() -> Select[Any]:
    worked = {name: work_change.c[name] for name in figures.DONE}
    parts = union_all(
        *_folded(_words(AGENT), figure.c.facet_id, *(figure.c[name] for name in MEASURES)),
        _fresh(),
        select(work_change.c.agent_id, *_every(worked)).where(
            work_change.c.workspace_id == _WORKSPACE, _within(work_change.c.day)
        ),
        _overdue(tables.RESPONSE_RUNS, ticket.c.first_response_due_at),
        _overdue(tables.RESOLUTION_RUNS, ticket.c.resolution_due_at),
    ).subquery("parts")
    return select(parts.c.facet_id, *(_sum(parts.c[name]) for name in MEASURES)).group_by(parts.c.facet_id)


def _sum(column: ColumnElement[Any]) -> ColumnElement[Any]:
    if column.name.endswith("_us"):
        # untyped: SQLAlchemy's Float wants to know more of a column than our readers ask the driver
        return type_coerce(func.sum(cast(column, Double)), NullType())
    return cast(func.sum(column), _ID)


BY_AGENT: Statement[Figures] = Statement(_by_agent(), Figures)
"""D8 to D11, D14, D15; `now` decides which targets are still running. Of nobody under the id 0."""

AS_CUSTOMER: Statement[tuple[int, int]] = Statement(
    select(reply.c.author_id, func.count())
    .where(
        any_of(reply.c.author_id, _AGENTS),
        reply.c.is_by_staff.is_(False),
        reply.c.created_at >= _SINCE,
        reply.c.created_at < _UNTIL,
    )
    .group_by(reply.c.author_id),
    lambda *found: found,
)
"""Replies of these `agents` from when they were customers: few, and in no figure (D15)."""

"""What statistics count and add up, over a window of time (D8 to D15): a statement for each table, whatever it holds.

Every statement takes `workspace_id`, `since` and `until` (exclusive). Sums of time are floats of microseconds: whole
numbers are exact up to 285 years, and no sum can overflow.
"""

import datetime as dt
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    and_,
    bindparam,
    func,
    literal_column,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from db import rows, tables
from db.statements import Statement, columns, table_of
from db.types import ListOf, UtcDateTime, any_of

ticket = table_of(tables.Ticket)
category = table_of(tables.Category)
reply = table_of(tables.Reply)
rating = table_of(tables.Rating)
activity = table_of(tables.Activity)

_WORKSPACE = bindparam("workspace_id", type_=BigInteger())
_SINCE = bindparam("since", type_=UtcDateTime())
_UNTIL = bindparam("until", type_=UtcDateTime())
_NOW = bindparam("now", type_=UtcDateTime())
_AGENTS = bindparam("agents", type_=ListOf(BigInteger()))


class elapsed_us(FunctionElement[float]):  # noqa: N801  # reads as the SQL function it is
    """The microseconds from one instant to another, as a float."""

    inherit_cache = True


@compiles(elapsed_us, "postgresql")
def _elapsed_us_postgresql(element: elapsed_us, compiler: SQLCompiler, **kw: Any) -> str:
    start, end = (compiler.process(each, **kw) for each in element.clauses)
    return f"CAST(extract(epoch FROM {end} - {start}) * 1000000 AS double precision)"


@compiles(elapsed_us, "sqlite")
def _elapsed_us_sqlite(element: elapsed_us, compiler: SQLCompiler, **kw: Any) -> str:
    # SQLite's own instants are milliseconds; the text we store always has six digits of a second
    start, end = (compiler.process(each, **kw) for each in element.clauses)
    seconds = f"strftime('%s', {end}) - strftime('%s', {start})"
    return f"(({seconds}) * 1000000.0 + substr({end}, 21, 6) - substr({start}, 21, 6))"


class utc_day(FunctionElement[dt.date]):  # noqa: N801  # as above
    """The day of an instant, in UTC."""

    type = Date()
    inherit_cache = True


@compiles(utc_day, "postgresql")
def _utc_day_postgresql(element: utc_day, compiler: SQLCompiler, **kw: Any) -> str:
    [column] = element.clauses
    return f"CAST({compiler.process(column, **kw)} AT TIME ZONE 'UTC' AS date)"


@compiles(utc_day, "sqlite")
def _utc_day_sqlite(element: utc_day, compiler: SQLCompiler, **kw: Any) -> str:
    [column] = element.clauses
    return f"substr({compiler.process(column, **kw)}, 1, 10)"


def _within(column: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(column >= _SINCE, column < _UNTIL)


def _elapsed(start: ColumnElement[Any], end: ColumnElement[Any]) -> ColumnElement[float]:
    """The time from one to the other in all; 0 when none ended in the window."""
    # untyped: SQLAlchemy's Float wants to know more of a column than our readers ask the driver
    return func.coalesce(func.sum(elapsed_us(start, end)).filter(_within(end)), literal_column("0.0"))


# --- tickets ---------------------------------------------------------------------------------------------------

_BEGUN: tuple[ColumnElement[bool], ...] = (
    ticket.c.workspace_id == _WORKSPACE,
    ticket.c.created_at < _UNTIL,
)
"""Nothing of a ticket can lie in a window that ends before it."""

BY_STATE: Statement[tuple[str, str, int]] = Statement(
    select(ticket.c.status, ticket.c.priority, func.count())
    .where(ticket.c.workspace_id == _WORKSPACE, _within(ticket.c.created_at))
    .group_by(ticket.c.status, ticket.c.priority),
    lambda *found: found,
)
"""Tickets created in the window, by their status and priority now (D13)."""

_FILED = (
    select(ticket.c.category_id, func.count().label("tickets"))
    .where(ticket.c.workspace_id == _WORKSPACE, _within(ticket.c.created_at))
    .group_by(ticket.c.category_id)
    .subquery("filed")
)
BY_CATEGORY: Statement[tuple[int, rows.Category]] = Statement(
    select(_FILED.c.tickets, *columns(category, rows.Category))
    .join(category, category.c.id == _FILED.c.category_id)
    .order_by(_FILED.c.tickets.desc(), category.c.id),
    lambda count, *values: (count, rows.Category(*values)),
)
"""Tickets created in the window, by their category now, most first; the uncategorised are left out (D13)."""


def _achieved(met_at: ColumnElement[Any], due_at: ColumnElement[Any]) -> ColumnElement[bool]:
    return and_(_within(met_at), met_at <= due_at)


def _breached(
    met_at: ColumnElement[Any], due_at: ColumnElement[Any], *runs: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Missed at the instant of the deadline, whether it was met later or never (D10)."""
    return and_(_within(due_at), due_at < func.coalesce(met_at, _NOW), *runs)


_RESPONSE = (ticket.c.first_response_at, ticket.c.first_response_due_at)
_RESOLUTION = (ticket.c.first_resolved_at, ticket.c.resolution_due_at)
_CREATED_IN_WINDOW = ticket.c.created_at >= _SINCE


class Handled(msgspec.Struct, frozen=True):
    """The tickets that are assigned to one agent now, or to nobody; times are microseconds in all."""

    agent_id: int | None
    assigned: int
    resolved: int
    responses: int
    response_us: float
    resolutions: int
    resolution_us: float
    achieved: int
    breached: int
    since: dt.datetime
    """When the first of them was created, in the window or before it."""


BY_ASSIGNEE: Statement[Handled] = Statement(
    select(
        ticket.c.assigned_to_id,
        func.count().filter(_CREATED_IN_WINDOW),
        func.count().filter(_CREATED_IN_WINDOW, ticket.c.resolved_at.is_not(None)),
        func.count().filter(_within(ticket.c.first_response_at)),
        _elapsed(ticket.c.created_at, ticket.c.first_response_at),
        func.count().filter(_within(ticket.c.resolved_at)),
        _elapsed(ticket.c.created_at, ticket.c.resolved_at),
        func.count().filter(_achieved(*_RESPONSE)) + func.count().filter(_achieved(*_RESOLUTION)),
        func.count().filter(_breached(*_RESPONSE))
        + func.count().filter(_breached(*_RESOLUTION, ticket.c.paused_at.is_(None))),
        func.min(ticket.c.created_at),
    )
    .where(*_BEGUN)
    .group_by(ticket.c.assigned_to_id),
    Handled,
)
"""D8, D10, D14; `now` decides which targets are still running."""

_DAY_CREATED: Any = utc_day(ticket.c.created_at)
_DAY_RESOLVED: Any = utc_day(ticket.c.resolved_at)
CREATED_BY_DAY: Statement[tuple[dt.date, int]] = Statement(
    select(_DAY_CREATED, func.count())
    .where(ticket.c.workspace_id == _WORKSPACE, _within(ticket.c.created_at))
    .group_by(_DAY_CREATED),
    lambda *found: found,
)
RESOLVED_BY_DAY: Statement[tuple[dt.date, int]] = Statement(
    select(_DAY_RESOLVED, func.count()).where(*_BEGUN, _within(ticket.c.resolved_at)).group_by(_DAY_RESOLVED),
    lambda *found: found,
)
"""Days without any are left out."""


# --- what agents do ----------------------------------------------------------------------------------------------


class Written(msgspec.Struct, frozen=True):
    """What one agent wrote; `waits` are the replies that somebody had waited for, `waited_us` how long in all."""

    agent_id: int
    public: int
    notes: int
    waits: int
    waited_us: float


BY_AUTHOR: Statement[Written] = Statement(
    select(
        reply.c.author_id,
        func.count().filter(reply.c.is_internal.is_(False)),
        func.count().filter(reply.c.is_internal),
        func.count(reply.c.waiting_since),
        _elapsed(reply.c.waiting_since, reply.c.created_at),
    )
    .where(any_of(reply.c.author_id, _AGENTS), _within(reply.c.created_at))
    .group_by(reply.c.author_id),
    Written,
)
"""Replies and notes of these `agents` in the window (D9, D15)."""

REASSIGNED: Statement[tuple[str, int]] = Statement(
    select(activity.c.from_value, func.count())
    .where(
        activity.c.workspace_id == _WORKSPACE,
        # as the index has it: a parameter would not tell the planner that the index will do
        activity.c.action == literal_column("'assigned'"),
        activity.c.from_value.is_not(None),
        _within(activity.c.created_at),
    )
    .group_by(activity.c.from_value),
    lambda agent_id, count: (agent_id, count),
)
"""How often a ticket went in the window from the agent of this id to another one (D15)."""

RATED: Statement[tuple[int | None, int, int]] = Statement(
    select(rating.c.assigned_to_id, func.count(), func.sum(rating.c.rating))
    .where(rating.c.workspace_id == _WORKSPACE, rating.c.is_latest, _within(rating.c.created_at))
    .group_by(rating.c.assigned_to_id),
    lambda *found: found,
)
"""Ratings that count and were given in the window: by who was assigned then, how many and their sum (D11)."""

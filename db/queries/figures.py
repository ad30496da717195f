"""Figures: what statistics add up for each day and each month, kept so that nobody has to look at every ticket.

A write only adds rows: where a ticket counts (`tallies.Place`), and what somebody of the staff did (`Work`). Now and
then they are folded into `figure`; a reader sums all of it in one statement (db/queries/stats.py), as with tallies
(docs/decisions/0011-figures.md).
"""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import BigInteger, Boolean, Integer, Select, bindparam, cast, insert, null, select, union_all
from sqlalchemy.dialects import postgresql, sqlite

from db import tables
from db.database import Tx
from db.queries.piles import Pile
from db.statements import Statement, table_of
from db.types import UtcDateTime

if TYPE_CHECKING:
    from db.queries.tallies import Place

figure = table_of(tables.Figure)
work_change = table_of(tables.WorkChange)
_reply, _activity, _rating = (table_of(each) for each in (tables.Reply, tables.Activity, tables.Rating))

ALL: Final = "all"
CATEGORY: Final = "category"
AGENT: Final = "agent"
DAY, MONTH = tables.SPANS
NOBODY: Final = 0
"""The id of a facet that has but one, of no category, of nobody."""
_US: Final = dt.timedelta(microseconds=1)
_KEY: Final = tuple(column.name for column in figure.primary_key.columns)
MEASURES: Final = tuple(column.name for column in figure.columns if not column.primary_key)
_NOTHING: Final = dict.fromkeys(MEASURES, 0)


Cell = tuple[int, str, dt.date, int, str]
"""The place of one number: workspace, facet, day, id in the facet, measure."""


def cells(place: "Place") -> Iterator[tuple[Cell, int]]:
    """The numbers that a ticket of this place is part of, and how much of each it is."""
    if place.created_day is None:
        return
    yield from _of_all(place)
    if place.assigned_to_id is not None:
        yield from _of_agent(place, place.assigned_to_id)


def _of_all(place: "Place") -> Iterator[tuple[Cell, int]]:
    workspace_id, day = place.workspace_id, place.created_day
    if day is not None:
        for facet in (ALL, place.status, place.priority):
            yield (workspace_id, facet, day, NOBODY, "tickets"), 1
        if place.category_id is not None:
            yield (workspace_id, CATEGORY, day, place.category_id, "tickets"), 1
    if place.resolved_day is not None:
        yield (workspace_id, ALL, place.resolved_day, NOBODY, "resolutions"), 1


def _of_agent(place: "Place", agent_id: int) -> Iterator[tuple[Cell, int]]:
    for day, measure, amount in (
        (place.created_day, "tickets", 1),
        (place.created_day, "resolved", int(place.resolved_day is not None)),
        (place.response_day, "responses", 1),
        (place.response_day, "response_us", place.response_us or 0),
        (place.resolved_day, "resolutions", 1),
        (place.resolved_day, "resolution_us", place.resolution_us or 0),
        (place.response_kept_day, "kept", 1),
        (place.resolution_kept_day, "kept", 1),
        (place.response_missed_day, "missed", 1),
        (place.resolution_missed_day, "missed", 1),
    ):
        if day is not None and amount:
            yield (place.workspace_id, AGENT, day, agent_id, measure), amount


# --- what the staff does --------------------------------------------------------------------------------------


class Work(msgspec.Struct, frozen=True):
    """What somebody of the staff did on a day, named after the columns."""

    workspace_id: int
    agent_id: int
    day: dt.date
    replies: int = 0
    notes: int = 0
    waits: int = 0
    waited_us: int = 0
    reassigned: int = 0
    ratings: int = 0
    stars: int = 0


DONE: Final = Work.__struct_fields__[3:]
"""What there is to do: measures of agents."""


def wrote(
    workspace_id: int,
    author_id: int,
    moment: dt.datetime,
    waiting_since: dt.datetime | None,
    *,
    is_internal: bool,
) -> Work:
    """A reply or a note of the staff (D15); `waiting_since`: when somebody began to wait for it (D9)."""
    waited = 0 if waiting_since is None else (moment - waiting_since) // _US
    return Work(
        workspace_id,
        author_id,
        moment.date(),
        replies=int(not is_internal),
        notes=int(is_internal),
        waits=int(waiting_since is not None),
        waited_us=waited,
    )


def handed_over(workspace_id: int, agent_id: int, moment: dt.datetime) -> Work:
    """A ticket that went from the agent to another one (D15)."""
    return Work(workspace_id, agent_id, moment.date(), reassigned=1)


def rated(workspace_id: int, agent_id: int, moment: dt.datetime, stars: int) -> Work:
    """A rating that counts, of a ticket that was the agent's (D11)."""
    return Work(workspace_id, agent_id, moment.date(), ratings=1, stars=stars)


_ADD_WORK = insert(work_change)


async def note(tx: Tx, done: Iterable[Work], times: int = 1) -> None:
    """Note what was done; -1 times: that it no longer counts. One statement, and none for nothing."""
    noted = [_row(work, times) for work in done]
    if noted:
        await tx.change(_ADD_WORK, noted)


def _row(work: Work, times: int) -> dict[str, Any]:
    row = msgspec.structs.asdict(work)
    return row | {name: times * row[name] for name in DONE}


async def note_gone(tx: Tx, workspace_id: int, ticket_id: int) -> None:
    """Note that what was done on the ticket no longer counts: call it before its replies, log and ratings go."""
    found = await tx.rows(_DONE_ON, ticket_id=ticket_id)
    await note(tx, (_work(workspace_id, *each) for each in found), -1)


def _work(
    workspace_id: int,
    agent_id: int,
    moment: dt.datetime,
    waiting_since: dt.datetime | None,
    is_internal: bool | None,
    stars: int | None,
) -> Work:
    if stars is not None:
        return rated(workspace_id, agent_id, moment, stars)
    if is_internal is None:
        return handed_over(workspace_id, agent_id, moment)
    return wrote(workspace_id, agent_id, moment, waiting_since, is_internal=is_internal)


def _done_on() -> Select[Any]:
    """Who did something, when, and what is to be known of it; NULL is what the others have."""
    ticket_id = bindparam("ticket_id", type_=BigInteger())
    never, neither, none = cast(null(), UtcDateTime), cast(null(), Boolean), cast(null(), Integer)
    reply, line, rating = _reply.c, _activity.c, _rating.c
    found = union_all(
        select(
            reply.author_id.label("agent_id"),
            reply.created_at.label("moment"),
            reply.waiting_since.label("waiting_since"),
            reply.is_internal.label("is_internal"),
            none.label("stars"),
        ).where(reply.ticket_id == ticket_id, reply.is_by_staff),
        select(cast(line.from_value, BigInteger), line.created_at, never, neither, none).where(
            line.ticket_id == ticket_id, line.action == "assigned", line.from_value.is_not(None)
        ),
        select(rating.assigned_to_id, rating.created_at, never, neither, rating.rating).where(
            rating.ticket_id == ticket_id, rating.is_latest, rating.assigned_to_id.is_not(None)
        ),
    ).subquery("found")
    return select(*found.c)


_DONE_ON: Statement[tuple[Any, ...]] = Statement(_done_on(), lambda *found: found)


# --- folding --------------------------------------------------------------------------------------------------

WORK: Final = Pile(work_change, Work.__struct_fields__, Work)
WAITING: Final = WORK.waiting


async def fold_work(tx: Tx, most: int) -> int:
    """Move at most so many changes of what the staff did into the figures; how many that were."""
    taken = await WORK.take(tx, most)
    amounts: Counter[Cell] = Counter()
    for work in taken:
        count_work(amounts, work)
    await add(tx, amounts)
    return len(taken)


def count_work(amounts: Counter[Cell], work: Work) -> None:
    """Count what was done among the amounts."""
    workspace_id, agent_id, day, *done = msgspec.structs.astuple(work)
    for measure, amount in zip(DONE, done, strict=True):
        if amount:
            amounts[workspace_id, AGENT, day, agent_id, measure] += amount


_FOLD = {
    is_sqlite: added.on_conflict_do_update(
        index_elements=_KEY, set_={name: figure.c[name] + added.excluded[name] for name in MEASURES}
    )
    for is_sqlite, added in ((True, sqlite.insert(figure)), (False, postgresql.insert(figure)))
}


async def add(tx: Tx, amounts: Mapping[Cell, int]) -> None:
    """Add to the figures of the days and of their months: for who folds, or writes what nobody should have to fold."""
    added = rows_of(amounts)
    if added:
        await tx.change(_FOLD[tx.is_sqlite], added)


def rows_of(amounts: Mapping[Cell, int]) -> Sequence[dict[str, Any]]:
    """The amounts by column, of the days and of their months.

    Always in one order: two that fold at once must not wait for each other in a circle.
    """
    held: defaultdict[tuple[Any, ...], dict[str, int]] = defaultdict(_NOTHING.copy)
    for (workspace_id, facet, day, facet_id, measure), amount in amounts.items():
        held[workspace_id, facet, DAY, day, facet_id][measure] += amount
        held[workspace_id, facet, MONTH, day.replace(day=1), facet_id][measure] += amount
    return [
        dict(zip(_KEY, key, strict=True)) | found
        for key, found in sorted(held.items())
        if any(found.values())
    ]

"""Pages, counts and whole levels of one table: every list in Answer is one of these statements."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    column,
    func,
    select,
    true,
    tuple_,
)
from sqlmodel import SQLModel

from db.conditions import Condition, Kind, Shape, clauses, shape_of, values_of
from db.statements import Reads, Statement, columns, table_of
from db.types import ListOf, any_of

STATEMENTS_KEPT = 512
"""Of each sort, by shape. A filter has many shapes, and a statement of fifty conditions is 100 kB."""

Row = TypeVar("Row")
Key = tuple[Any, ...]
"""Where a row stands in an order: the sort value (if the order has one) and the id."""


class Window(NamedTuple):
    """Which part of a list, in which order.

    `order` names one of the listing's orders; `limit` rows at most; `offset` for numbered pages; `after` and
    `before` are keys of an order, exclusive; `from_end` takes the last rows instead of the first.
    """

    order: str
    descending: bool
    limit: int
    offset: int = 0
    after: Key | None = None
    before: Key | None = None
    from_end: bool = False


class Listing(Generic[Row]):
    """The lists of one table: its row, the kinds of condition it knows, the orders it can be read in.

    `orders` maps a name to the column sorted by; None sorts by id alone. Ties are broken by id (D20).
    `summed` gives a statement that knows a count without counting, by the shape and the parent; None when there is none.
    """

    def __init__(
        self,
        model: type[SQLModel],
        row: type[Row],
        kinds: Mapping[str, Kind],
        orders: Mapping[str, ColumnElement[Any] | None],
        summed: Callable[[Shape, str | None], Statement[Any] | None] = lambda _shape, _parent: None,
    ) -> None:
        self.table = table_of(model)
        self.row = row
        self.kinds = kinds
        self.orders = orders
        self.summed = summed

    async def page(self, db: Reads, conditions: Sequence[Condition], window: Window) -> list[Row]:
        """The window's rows, in its order."""
        statement = _page(self, shape_of(conditions), _shape_of_window(window))
        found: list[Row] = await db.rows(statement, **values_of(conditions), **_values_of_window(window))
        return found[::-1] if window.from_end else found

    async def find(self, db: Reads, conditions: Sequence[Condition], *, held: bool = False) -> Row | None:
        """The one row that meets the conditions; `held`: nobody else changes it before our transaction ends."""
        found: Row | None = await db.first(_find(self, shape_of(conditions), held), **values_of(conditions))
        return found

    async def every(self, db: Reads, conditions: Sequence[Condition]) -> list[Row]:
        """All rows that meet the conditions, in no particular order: for conditions that name ids."""
        found: list[Row] = await db.rows(_find(self, shape_of(conditions), False), **values_of(conditions))
        return found

    async def pages(
        self, db: Reads, parent: str, keys: Sequence[int], conditions: Sequence[Condition], window: Window
    ) -> dict[int, list[Row]]:
        """The same window below each of many parents, in one statement. `parent` is the referring column."""
        statement = _pages(self, parent, shape_of(conditions), _shape_of_window(window))
        values = values_of(conditions) | _values_of_window(window)
        found: dict[int, list[Row]] = {key: [] for key in keys}
        for key, row in await db.rows(statement, keys=list(found), **values):
            found[key].append(row)
        if window.from_end:
            found = {key: rows[::-1] for key, rows in found.items()}
        return found

    async def count(self, db: Reads, conditions: Sequence[Condition]) -> int:
        """How many rows meet the conditions."""
        found = await db.first(_count(self, shape_of(conditions)), **values_of(conditions))
        return found or 0

    async def counts(
        self, db: Reads, parent: str, keys: Sequence[int], conditions: Sequence[Condition]
    ) -> dict[int, int]:
        """The same count below each of many parents, in one statement; 0 for a parent without any."""
        statement = _counts(self, parent, shape_of(conditions))
        found = dict(await db.rows(statement, keys=list(keys), **values_of(conditions)))
        return {key: found.get(key, 0) for key in keys}


def by_ids(model: type[SQLModel], row: type[Row]) -> Statement[Row]:
    """Rows of one workspace by their ids, in no particular order. Parameters `workspace_id`, `ids`."""
    table = table_of(model)
    return Statement(
        select(*columns(table, row)).where(
            any_of(table.c.id, bindparam("ids", type_=ListOf(BigInteger()))),
            table.c.workspace_id == bindparam("workspace_id", type_=BigInteger()),
        ),
        row,
    )


def _shape_of_window(window: Window) -> tuple[Any, ...]:
    reads_down = window.descending != window.from_end
    return (
        window.order,
        window.descending,
        reads_down,
        *(key is not None for key in (window.after, window.before)),
        window.offset > 0,
    )


def _values_of_window(window: Window) -> dict[str, Any]:
    values: dict[str, Any] = {"limit": window.limit, "offset": window.offset}
    for name, key in (("after", window.after), ("before", window.before)):
        if key is not None:
            values |= {f"{name}_{place}": part for place, part in enumerate(key)}
    return values


def _order_columns(listing: Listing[Any], order: str, source: Any) -> list[Any]:
    column: Any = listing.orders[order]
    return [source.c.id] if column is None else [source.c[column.name], source.c.id]


def _beyond(listing: Listing[Any], order: str, name: str, *, greater: bool) -> ColumnElement[bool]:
    sort = _order_columns(listing, order, listing.table)
    bounds = [bindparam(f"{name}_{place}", type_=column.type) for place, column in enumerate(sort)]
    left: Any = tuple_(*sort) if len(sort) > 1 else sort[0]
    right: Any = tuple_(*bounds) if len(sort) > 1 else bounds[0]
    beyond: ColumnElement[bool] = left > right if greater else left < right
    return beyond


def _narrowed(listing: Listing[Any], shape: Shape, window: tuple[Any, ...]) -> ColumnElement[bool]:
    order, descending, _, has_after, has_before, _ = window
    bounds = []
    if has_after:
        bounds.append(_beyond(listing, order, "after", greater=not descending))
    if has_before:
        bounds.append(_beyond(listing, order, "before", greater=descending))
    return and_(true(), *clauses(listing.kinds, shape), *bounds)


def _sorted(sort: list[Any], *, down: bool) -> list[Any]:
    return [column.desc() if down else column.asc() for column in sort]


@lru_cache(maxsize=STATEMENTS_KEPT)
def _page(listing: Listing[Row], shape: Shape, window: tuple[Any, ...]) -> Statement[Row]:
    order, _, down, *_, is_deep = window
    row: Any = listing.row
    sort = _sorted(_order_columns(listing, order, listing.table), down=down)

    def windowed(*selected: Any) -> Select[Any]:
        return (
            select(*selected)
            .where(_narrowed(listing, shape, window))
            .order_by(*sort)
            .limit(bindparam("limit", type_=BigInteger()))
            .offset(bindparam("offset", type_=BigInteger()))
        )

    if not is_deep:
        return Statement(windowed(*columns(listing.table, row)), listing.row)
    # what is passed over is passed over in the index, and only the page's own rows are fetched
    ids = windowed(listing.table.c.id).subquery("ids")
    found = select(*columns(listing.table, row)).join(ids, ids.c.id == listing.table.c.id).order_by(*sort)
    return Statement(found, listing.row)


@lru_cache(maxsize=STATEMENTS_KEPT)
def _find(listing: Listing[Row], shape: Shape, held: bool) -> Statement[Row]:
    statement = select(*columns(listing.table, listing.row)).where(*clauses(listing.kinds, shape))
    # the key stays free: rows that refer to this one can still be added meanwhile
    return Statement(statement.with_for_update(key_share=True) if held else statement, listing.row)


@lru_cache(maxsize=STATEMENTS_KEPT)
def _pages(
    listing: Listing[Row], parent: str, shape: Shape, window: tuple[Any, ...]
) -> Statement[tuple[int, Row]]:
    """For each key the first rows along an index: what a parent has beyond its page is not looked at.

    Numbering the rows (`row_number() OVER (PARTITION BY …)`) reads and sorts all of them, at 250 tickets of an
    organization 20 times slower, and ever slower as they grow.
    """
    keys = bindparam("keys", type_=ListOf(BigInteger()))
    return Statement(
        _pages_by_lateral(listing, parent, shape, window, keys),
        lambda key, *values: (key, listing.row(*values)),
        on_sqlite=_pages_by_ids(listing, parent, shape, window, keys),
    )


def _pages_by_lateral(
    listing: Listing[Any], parent: str, shape: Shape, window: tuple[Any, ...], keys: BindParameter[Any]
) -> Select[Any]:
    parents = func.unnest(keys).table_valued(column("key", BigInteger())).render_derived(name="parent")
    page = _first_below(listing, parent, shape, window, parents.c.key, listing.row.__struct_fields__)
    found = page.correlate(parents).lateral("page")
    return (
        select(parents.c.key.label("parent_key"), *columns(found, listing.row))
        .select_from(parents.join(found, true()))
        .order_by(parents.c.key, *_sorted(_order_columns(listing, window[0], found), down=window[2]))
    )


def _pages_by_ids(
    listing: Listing[Any], parent: str, shape: Shape, window: tuple[Any, ...], keys: BindParameter[Any]
) -> Select[Any]:
    """SQLite has no LATERAL, but its IN may name the parent."""
    parents = func.json_each(keys).table_valued(column("value", BigInteger()), name="parent")
    page = _first_below(listing, parent, shape, window, parents.c.value, ("id",))
    found = listing.table.alias("page")
    return (
        select(parents.c.value.label("parent_key"), *columns(found, listing.row))
        .select_from(parents.join(found, found.c.id.in_(page.correlate(parents))))
        .order_by(parents.c.value, *_sorted(_order_columns(listing, window[0], found), down=window[2]))
    )


def _first_below(
    listing: Listing[Any],
    parent: str,
    shape: Shape,
    window: tuple[Any, ...],
    key: ColumnElement[Any],
    names: Sequence[str],
) -> Select[Any]:
    """The window below the parent of this key; with the columns it is sorted by, which a row may not have."""
    order, _, down, *_ = window
    table = listing.table
    sort = _order_columns(listing, order, table)
    wanted = [table.c[name] for name in names]
    missing = [each for each in sort if each.name not in names] if len(names) > 1 else []
    return (
        select(*wanted, *missing)
        .where(table.c[parent] == key, _narrowed(listing, shape, window))
        .order_by(*_sorted(sort, down=down))
        .limit(bindparam("limit", type_=BigInteger()))
        .offset(bindparam("offset", type_=BigInteger()))
    )


@lru_cache(maxsize=STATEMENTS_KEPT)
def _count(listing: Listing[Any], shape: Shape) -> Statement[int]:
    if (summed := listing.summed(shape, None)) is not None:
        return summed
    statement = select(func.count()).select_from(listing.table).where(*clauses(listing.kinds, shape))
    return Statement(statement, int)


@lru_cache(maxsize=STATEMENTS_KEPT)
def _counts(listing: Listing[Any], parent: str, shape: Shape) -> Statement[tuple[int, int]]:
    if (summed := listing.summed(shape, parent)) is not None:
        return summed
    key = listing.table.c[parent]
    statement = (
        select(key, func.count())
        .where(any_of(key, bindparam("keys", type_=ListOf(BigInteger()))), *clauses(listing.kinds, shape))
        .group_by(key)
    )
    return Statement(statement, lambda parent_key, count: (parent_key, count))

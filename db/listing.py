"""Pages, counts and whole levels of one table: every list in Answer is one of these statements."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final, Generic, NamedTuple, TypeVar

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    column,
    func,
    literal_column,
    select,
    true,
    tuple_,
)
from sqlmodel import SQLModel

from db.conditions import Condition, Kind, Shape, clauses, kinds_of, shape_of, values_of
from db.statements import Joined, Part, Reads, Statement, columns, table_of
from db.types import ListOf, any_key, any_of

STATEMENTS_KEPT = 512
"""Of each sort, by shape. A filter has many shapes, and a statement of fifty conditions is 100 kB."""

Row = TypeVar("Row")
Asking = TypeVar("Asking", bound=Statement[Any])
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


class Noun(NamedTuple):
    """A table that others refer to, and the row it is read as, which begins with its id."""

    model: type[SQLModel]
    row: type[Any]


class Reference(NamedTuple):
    """The row of a noun that a row's column `key` names, of its columns `names`, and what that row refers to in turn."""

    key: str
    noun: Noun
    names: tuple[str, ...]
    beyond: "tuple[Reference, ...]" = ()


class Along(NamedTuple):
    """Which columns of its rows a list is read with, and what is read along with them: rows that they refer to.

    `names` are columns: the id and all by which the rows refer, at least. `take` is given the rows that are read along,
    for each reference as many as the list has, None where a row refers to nothing; those of a reference come before
    those beyond it.
    """

    names: tuple[str, ...]
    references: tuple[Reference, ...]
    take: Callable[[list[list[Any]]], None]


def _nothing_along(row: Any) -> Along:
    return Along(row.__struct_fields__, (), lambda _: None)


class Listing(Generic[Row]):
    """The lists of one table: its row, the kinds of condition it knows, the orders it can be read in.

    `orders` maps a name to the column sorted by; None sorts by id alone. Ties are broken by id (D20).
    `summed` gives a statement that knows a count without reading the rows, by the shape and the parent, or None.
    `varying` are kinds for which no plan is good whatever the value: PostgreSQL looks at the values each time, as it
    does for groups of conditions, unless they are all of the `scopes` in which callers see rows at all.
    """

    def __init__(
        self,
        model: type[SQLModel],
        row: type[Row],
        kinds: Mapping[str, Kind],
        orders: Mapping[str, ColumnElement[Any] | None],
        summed: Callable[[Shape, str | None], Statement[Any] | None] = lambda _shape, _parent: None,
        varying: Iterable[str] = (),
        scopes: Iterable[str] = (),
    ) -> None:
        self.table = table_of(model)
        self.row = row
        self.kinds = kinds
        self.orders = orders
        self.summed = summed
        self._varying = frozenset(varying)
        self._scopes = frozenset(scopes)

    def planned(self, statement: Asking, shape: Shape) -> Asking:
        """The statement for conditions of this shape, planned anew each time when the best plan depends on them."""
        statement.is_planned_anew = bool(self._varying) and any(
            part in self._varying if isinstance(part, str) else not self._scopes.issuperset(kinds_of((part,)))
            for part in shape
        )
        return statement

    async def page(
        self, db: Reads, conditions: Sequence[Condition], window: Window, along: Along | None = None
    ) -> list[Row]:
        """The window's rows, in its order."""
        shape = shape_of(conditions), _shape_of_window(window)
        values = values_of(conditions) | _values_of_window(window)
        if along is None:
            found: list[Row] = await db.rows(_page(self, *shape), **values)
        else:
            found, *others = await db.rows(_page_along(self, *shape, along.names, along.references), **values)
            along.take(others)
        return found[::-1] if window.from_end else found

    async def find(self, db: Reads, conditions: Sequence[Condition], *, held: bool = False) -> Row | None:
        """The one row that meets the conditions; `held`: nobody else changes it before our transaction ends."""
        found: Row | None = await db.first(_find(self, shape_of(conditions), held), **values_of(conditions))
        return found

    async def every(
        self, db: Reads, conditions: Sequence[Condition], along: Along | None = None
    ) -> list[Row]:
        """All rows that meet the conditions, in no particular order: for conditions that name ids."""
        shape, values = shape_of(conditions), values_of(conditions)
        if along is None:
            found: list[Row] = await db.rows(_find(self, shape, False), **values)
        else:
            found, *others = await db.rows(_every_along(self, shape, along.names, along.references), **values)
            along.take(others)
        return found

    async def pages(
        self,
        db: Reads,
        parent: str,
        keys: Sequence[int],
        conditions: Sequence[Condition],
        window: Window,
        along: Along | None = None,
    ) -> dict[int, list[Row]]:
        """The same window below each of many parents, in one statement. `parent` is the referring column."""
        shape = shape_of(conditions), _shape_of_window(window)
        along = along or _nothing_along(self.row)
        statement = _pages(self, parent, *shape, along.names, along.references)
        values = values_of(conditions) | _values_of_window(window)
        found: dict[int, list[Row]] = {key: [] for key in keys}
        below, rows, *others = await db.rows(statement, keys=list(found), **values)
        for key, row in zip(below, rows, strict=True):
            found[key].append(row)
        along.take(others)
        if window.from_end:
            found = {key: rows[::-1] for key, rows in found.items()}
        return found

    async def count(self, db: Reads, conditions: Sequence[Condition]) -> int:
        """How many rows meet the conditions."""
        found = await db.first(_count(self, shape_of(conditions)), **values_of(conditions))
        return found or 0

    def is_summed(self, conditions: Sequence[Condition]) -> bool:
        """Whether the count is known without reading the rows."""
        return _summed(self, shape_of(conditions)) is not None

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
            any_key(table.c.id, bindparam("ids", type_=ListOf(BigInteger()))),
            table.c.workspace_id == bindparam("workspace_id", type_=BigInteger()),
        ),
        row,
    )


class WindowShape(NamedTuple):
    """What the SQL of a window depends on. `down`: it is read from the end of its order; `limit` None: as given."""

    order: str
    descending: bool
    down: bool
    has_after: bool
    has_before: bool
    is_deep: bool
    limit: int | None


# PostgreSQL takes an unknown LIMIT for a tenth of the table, and then plans every run of the statement anew: the sizes
# that are asked for day by day, with the one row more that a connection reads, are part of the text.
_USUAL_LIMITS: Final = frozenset(
    size + more for size in (1, 2, 3, 5, 10, 20, 25, 30, 50, 100) for more in (0, 1)
)


def _shape_of_window(window: Window) -> WindowShape:
    return WindowShape(
        window.order,
        window.descending,
        window.descending != window.from_end,
        window.after is not None,
        window.before is not None,
        window.offset > 0,
        window.limit if window.limit in _USUAL_LIMITS else None,
    )


def _cut(statement: Select[Any], window: WindowShape, *, is_whole: bool = False) -> Select[Any]:
    """The statement with the LIMIT and OFFSET of the window.

    `is_whole`: of all that a workspace has, which is read along the index of its order and in no other way. An OFFSET
    that PostgreSQL sees, and that is far from the tenth of the table it guesses, makes it plan every run anew.
    """
    if window.is_deep:
        offset: Any = bindparam("offset", type_=BigInteger())
        statement = statement.offset(select(offset).scalar_subquery() if is_whole else offset)
    limit: Any = bindparam("limit", type_=BigInteger())
    return statement.limit(limit if window.limit is None else literal_column(str(window.limit)))


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


def _narrowed(listing: Listing[Any], shape: Shape, window: WindowShape) -> ColumnElement[bool]:
    bounds = []
    if window.has_after:
        bounds.append(_beyond(listing, window.order, "after", greater=not window.descending))
    if window.has_before:
        bounds.append(_beyond(listing, window.order, "before", greater=window.descending))
    return and_(true(), *clauses(listing.kinds, shape), *bounds)


def _sorted(sort: list[Any], *, down: bool) -> list[Any]:
    return [column.desc() if down else column.asc() for column in sort]


@lru_cache(maxsize=STATEMENTS_KEPT)
def _page(listing: Listing[Row], shape: Shape, window: WindowShape) -> Statement[Row]:
    page = _page_of(listing, shape, window, columns(listing.table, listing.row))
    return listing.planned(Statement(page, listing.row), shape)


def _page_of(listing: Listing[Any], shape: Shape, window: WindowShape, wanted: Sequence[Any]) -> Select[Any]:
    sort = _sorted(_order_columns(listing, window.order, listing.table), down=window.down)

    def windowed(*selected: Any) -> Select[Any]:
        narrowed = select(*selected).where(_narrowed(listing, shape, window))
        return _cut(narrowed.order_by(*sort), window, is_whole=len(shape) == 1)

    if not window.is_deep:
        return windowed(*wanted)
    # what is passed over is passed over in the index, and only the page's own rows are fetched
    ids = windowed(listing.table.c.id).subquery("ids")
    return select(*wanted).join(ids, ids.c.id == listing.table.c.id).order_by(*sort)


@lru_cache(maxsize=STATEMENTS_KEPT)
def _page_along(
    listing: Listing[Any],
    shape: Shape,
    window: WindowShape,
    names: tuple[str, ...],
    references: tuple[Reference, ...],
) -> Joined:
    """The page first, so that nothing is joined to what is passed over."""
    if not references:
        wanted = _named(listing.table, names)
        alone = Joined(_page_of(listing, shape, window, wanted), [Part(listing.row, names)])
        return listing.planned(alone, shape)
    needed = _named(listing.table, _needed(listing, names, references, window.order))
    page = _page_of(listing, shape, window, needed).subquery("page")
    sort = _sorted(_order_columns(listing, window.order, page), down=window.down)
    return listing.planned(_along(page, Part(listing.row, names), references, sort), shape)


@lru_cache(maxsize=STATEMENTS_KEPT)
def _every_along(
    listing: Listing[Any], shape: Shape, names: tuple[str, ...], references: tuple[Reference, ...]
) -> Joined:
    needed = _named(listing.table, _needed(listing, names, references))
    found = select(*needed).where(*clauses(listing.kinds, shape))
    if not references:
        return Joined(found, [Part(listing.row, names)])
    return _along(found.subquery("found"), Part(listing.row, names), references)


def _needed(
    listing: Listing[Any], names: Sequence[str], references: tuple[Reference, ...], order: str | None = None
) -> list[str]:
    """The columns that are read, and those that only the statement looks at: to sort by, and to join with."""
    sort = [] if order is None else [each.name for each in _order_columns(listing, order, listing.table)]
    return list(dict.fromkeys([*names, *sort, *(["workspace_id"] if references else ())]))


def _along(found: Any, part: Part, references: tuple[Reference, ...], sort: Sequence[Any] = ()) -> Joined:
    source, others = _referred(found, found, references)
    statement = select(*_named(found, part.names), *_columns_of(others)).select_from(source)
    return Joined(statement.order_by(*sort), [part, *(other for other, _ in others)])


def _named(source: Any, names: Sequence[str]) -> list[Any]:
    return [source.c[name] for name in names]


_Other = tuple[Part, list[Any]]
"""A row that is read along, and its columns."""


def _referred(source: Any, owner: Any, references: tuple[Reference, ...]) -> tuple[Any, list[_Other]]:
    """The source joined to what the owner's rows refer to: rows of the same workspace, if there are any."""
    others: list[_Other] = []
    for key, noun, names, beyond in references:
        other = table_of(noun.model).alias(f"{owner.name}_{key}")
        is_it = and_(other.c.id == owner.c[key], other.c.workspace_id == owner.c.workspace_id)
        others.append((Part(noun.row, names), _named(other, names)))
        source, further = _referred(source.outerjoin(other, is_it), other, beyond)
        others += further
    return source, others


def _columns_of(others: list[_Other]) -> Iterator[Any]:
    return chain.from_iterable(read for _, read in others)


@lru_cache(maxsize=STATEMENTS_KEPT)
def _find(listing: Listing[Row], shape: Shape, held: bool) -> Statement[Row]:
    statement = select(*columns(listing.table, listing.row)).where(*clauses(listing.kinds, shape))
    # the key stays free: rows that refer to this one can still be added meanwhile
    return Statement(statement.with_for_update(key_share=True) if held else statement, listing.row)


@lru_cache(maxsize=STATEMENTS_KEPT)
def _pages(
    listing: Listing[Any],
    parent: str,
    shape: Shape,
    window: WindowShape,
    names: tuple[str, ...],
    references: tuple[Reference, ...],
) -> Joined:
    """For each key the first rows along an index: what a parent has beyond its page is not looked at.

    Numbering the rows (`row_number() OVER (PARTITION BY …)`) reads and sorts all of them, at 250 tickets of an
    organization 20 times slower, and ever slower as they grow.
    """
    keys = bindparam("keys", type_=ListOf(BigInteger()))
    part = Part(listing.row, names)
    needed = _needed(listing, names, references, window.order)
    by_lateral = _pages_by_lateral(listing, parent, shape, window, keys, needed)
    statement, others = _below(listing, by_lateral, window, part, references)
    by_ids = _pages_by_ids(listing, parent, shape, window, keys)
    on_sqlite, _ = _below(listing, by_ids, window, part, references)
    parts = [Part(None, ("key",)), part, *(other for other, _ in others)]
    return listing.planned(Joined(statement, parts, on_sqlite), shape)


class _Below(NamedTuple):
    """The keys of the parents, the rows found below them, and both joined."""

    key: Any
    found: Any
    source: Any


def _below(
    listing: Listing[Any],
    below: _Below,
    window: WindowShape,
    part: Part,
    references: tuple[Reference, ...],
) -> tuple[Select[Any], list[_Other]]:
    key, found, source = below
    source, others = _referred(source, found, references)
    statement = (
        select(key.label("parent_key"), *_named(found, part.names), *_columns_of(others))
        .select_from(source)
        .order_by(key, *_sorted(_order_columns(listing, window.order, found), down=window.down))
    )
    return statement, others


def _pages_by_lateral(
    listing: Listing[Any],
    parent: str,
    shape: Shape,
    window: WindowShape,
    keys: BindParameter[Any],
    names: Sequence[str],
) -> _Below:
    hidden = select(keys).scalar_subquery()  # see any_key
    parents = func.unnest(hidden).table_valued(column("key", BigInteger())).render_derived(name="parent")
    page = _first_below(listing, parent, shape, window, parents.c.key, names)
    found = page.correlate(parents).lateral("page")
    return _Below(parents.c.key, found, parents.join(found, true()))


def _pages_by_ids(
    listing: Listing[Any], parent: str, shape: Shape, window: WindowShape, keys: BindParameter[Any]
) -> _Below:
    """SQLite has no LATERAL, but its IN may name the parent."""
    parents = func.json_each(keys).table_valued(column("value", BigInteger()), name="parent")
    page = _first_below(listing, parent, shape, window, parents.c.value, ("id",))
    found = listing.table.alias("page")
    return _Below(parents.c.value, found, parents.join(found, found.c.id.in_(page.correlate(parents))))


def _first_below(
    listing: Listing[Any],
    parent: str,
    shape: Shape,
    window: WindowShape,
    key: ColumnElement[Any],
    names: Sequence[str],
) -> Select[Any]:
    """The window below the parent of this key."""
    table = listing.table
    below = select(*_named(table, names)).where(table.c[parent] == key, _narrowed(listing, shape, window))
    return _cut(
        below.order_by(*_sorted(_order_columns(listing, window.order, table), down=window.down)), window
    )


@lru_cache(maxsize=STATEMENTS_KEPT)
def _summed(listing: Listing[Any], shape: Shape) -> Statement[int] | None:
    return listing.summed(shape, None)


@lru_cache(maxsize=STATEMENTS_KEPT)
def _count(listing: Listing[Any], shape: Shape) -> Statement[int]:
    if (summed := _summed(listing, shape)) is not None:
        return summed
    statement = select(func.count()).select_from(listing.table).where(*clauses(listing.kinds, shape))
    return listing.planned(Statement(statement, int), shape)


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
    return listing.planned(Statement(statement, lambda parent_key, count: (parent_key, count)), shape)

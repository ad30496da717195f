"""A statement is written once with SQLAlchemy, compiled once per engine, and run by the driver.

SQLAlchemy's own execution costs more than the query (docs/decisions/0003-reads.md), so a reader asks a `Statement`, and
a writer `compiled_change`, for its text, the order of its parameters and the decoders of its columns, and does the
rest itself.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any, Final, Generic, NamedTuple, Protocol, TypeVar

import msgspec
from sqlalchemy import JSON, Delete, Dialect, Insert, Select, Table, TextClause, Update, select
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

Row = TypeVar("Row")
Decoder = Callable[[Any], Any]
Change = Insert | Update | Delete | TextClause
CHANGES_KEPT: Final = 2_000
"""Compiled changes: each with every set of columns that it was given."""


class Compiled(msgspec.Struct, frozen=True, eq=False):
    """What a driver needs: the text, the parameters in order with their encoders, decoders by their column's place."""

    sql: str
    parameters: tuple[tuple[str, Callable[[Any], Any] | None], ...]
    decoders: tuple[tuple[int, Decoder], ...]
    constants: dict[str, Any]
    """Values that were written into the statement itself, as the 1 of `LIMIT 1`."""
    width: int
    """Columns of its records."""
    is_planned_anew: bool = False
    """See `Statement`."""

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        """The values in the order of the placeholders, as the driver takes them."""
        known = {**self.constants, **values} if self.constants else values
        return [known[name] if encode is None else encode(known[name]) for name, encode in self.parameters]


class Statement(Generic[Row]):
    """A SELECT and what its rows become: `make_row` is called with the columns in order.

    `on_sqlite` asks the same of SQLite where it does not know what PostgreSQL is asked with. `is_planned_anew`: what is
    the best way to its rows depends on the values it is given, so PostgreSQL is to look at them each time.
    """

    __slots__ = ("_compiled", "is_planned_anew", "make_row", "on_sqlite", "select")

    def __init__(
        self, statement: Select[Any], make_row: Callable[..., Row], on_sqlite: Select[Any] | None = None
    ) -> None:
        self.select = statement
        self.on_sqlite = on_sqlite
        self.make_row = make_row
        self.is_planned_anew = False
        self._compiled: dict[str, Compiled] = {}

    def compiled(self, dialect: Dialect) -> Compiled:
        """The statement for this engine, compiled the first time it is asked for."""
        found = self._compiled.get(dialect.name)
        if found is None:
            on_sqlite = self.on_sqlite if dialect.name == "sqlite" else None
            statement = self.select if on_sqlite is None else on_sqlite
            found = _compile(statement, dialect)
            if self.is_planned_anew:
                found = msgspec.structs.replace(found, is_planned_anew=True)
            self._compiled[dialect.name] = found
        return found

    def decode(self, records: Sequence[Sequence[Any]], compiled: Compiled) -> list[Row]:
        """The driver's records as rows."""
        return decoded(records, compiled, self.make_row)


class Unread:
    """What stands in a row for a column that was not read: whoever looks at it is told so by a TypeError."""

    __slots__ = ()

    def _refuse(self, *_: object) -> Any:
        raise TypeError("this column was not read: say that it is needed where the field is declared")

    __bool__ = __eq__ = __hash__ = __lt__ = __le__ = __gt__ = __ge__ = __str__ = __len__ = __iter__ = _refuse
    __add__ = __radd__ = _refuse


_UNREAD: Final = repeat(Unread())


class Part(NamedTuple):
    """A row within records: its class, and which of its columns are there, in its order. A row of None is a column."""

    row: type[Any] | None
    names: tuple[str, ...]

    def made(self, values: list[Sequence[Any]]) -> list[Any]:
        """The rows from their columns; None where the first column, the key, is NULL."""
        keys = values[0]
        if self.row is None:
            return list(keys)
        read = dict(zip(self.names, values, strict=True))
        whole = [read.get(name, _UNREAD) for name in self.row.__struct_fields__]
        if None not in keys:
            return list(map(self.row, *whole))
        rows = map(self.row, *whole)  # those without a key are made too, of NULLs, and let go
        return [None if key is None else row for key, row in zip(keys, rows, strict=False)]


class Joined(Statement[list[Any]]):
    """A SELECT whose records hold several rows side by side, or only some columns of a row.

    It is read as one list for each part, all as long as there are records.
    """

    __slots__ = ("parts",)

    def __init__(
        self,
        statement: Select[Any],
        parts: Sequence[Part],
        on_sqlite: Select[Any] | None = None,
    ) -> None:
        super().__init__(statement, list, on_sqlite)
        self.parts = parts

    def decode(self, records: Sequence[Sequence[Any]], compiled: Compiled) -> list[list[Any]]:
        """The driver's records as a list for each part."""
        if not records:
            return [[] for _ in self.parts]
        read: list[list[Any]] = []
        values = _columns(records, compiled)
        start = 0
        for part in self.parts:
            end = start + len(part.names)
            read.append(part.made(values[start:end]))
            start = end
        return read


def _columns(records: Sequence[Sequence[Any]], compiled: Compiled) -> list[Sequence[Any]]:
    """The records by column, decoded: most columns need no decoding."""
    values: list[Sequence[Any]] = list(zip(*records, strict=True))
    for place, decode in compiled.decoders:
        values[place] = [None if value is None else decode(value) for value in values[place]]
    return values


def decoded(records: Sequence[Sequence[Any]], compiled: Compiled, make_row: Callable[..., Row]) -> list[Row]:
    """The driver's records as rows. `make_row` is called with the columns in order."""
    if not records or not compiled.decoders:
        return [make_row(*record) for record in records]
    return list(map(make_row, *_columns(records, compiled)))


class Reads(Protocol):
    """Whatever can run a statement: a reader (one connection held for an operation) or a write transaction."""

    async def rows(self, statement: Statement[Row], /, **values: Any) -> list[Row]:
        """Every row, in the statement's order."""

    async def first(self, statement: Statement[Row], /, **values: Any) -> Row | None:
        """The first row, or None."""


def table_of(model: type[SQLModel]) -> Table:
    """The Core table behind a model."""
    table: Table = model.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it
    return table


def columns(table: Any, row: Any) -> list[Any]:
    """The table's columns that the row has, in the row's order."""
    return [table.c[name] for name in row.__struct_fields__]


def select_rows(model: type[SQLModel], row: type[Row]) -> Select[Any]:
    """`SELECT` of exactly the row's fields."""
    return select(*columns(table_of(model), row))


def _compile(statement: Select[Any], dialect: Dialect) -> Compiled:
    return _described(statement.compile(dialect=dialect), statement.selected_columns, dialect)


@lru_cache(maxsize=CHANGES_KEPT)
def compiled_change(change: Change, names: tuple[str, ...], dialect: Dialect) -> Compiled:
    """A change that is given values of these names: columns that it sets, and its own parameters."""
    compiled = change.compile(dialect=dialect, column_keys=list(names))
    returned = () if isinstance(change, TextClause) else change.exported_columns
    return _described(compiled, returned, dialect)


def _described(compiled: Any, returned: Iterable[Any], dialect: Dialect) -> Compiled:
    if "POSTCOMPILE" in compiled.string:
        raise TypeError("Use any_of: the text of a statement does not depend on how many values it is given.")
    order = compiled.positiontup or []  # both drivers take parameters by position
    binds = compiled.binds
    decoders = [_decoder(column.type, dialect) for column in returned]
    return Compiled(
        sql=str(compiled),
        parameters=tuple((name, _encoder(binds[name].type, dialect)) for name in order),
        decoders=tuple((place, decode) for place, decode in enumerate(decoders) if decode is not None),
        constants={name: bind.value for name, bind in binds.items() if not bind.required}
        | {column.name: column.default.arg for column in getattr(compiled, "insert_prefetch", ())},
        width=len(decoders),
    )


def _encoder(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    return kind.dialect_impl(dialect).bind_processor(dialect)


def _decoder(kind: TypeEngine[Any], dialect: Dialect) -> Decoder | None:
    if isinstance(kind.dialect_impl(dialect), JSON):
        return msgspec.json.decode
    return kind.dialect_impl(dialect).result_processor(dialect, None)

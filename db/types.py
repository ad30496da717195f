"""Column types that mean the same on SQLite and PostgreSQL."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import JSON, BigInteger, Boolean, Dialect, Integer, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import DateTime, TypeDecorator, TypeEngine

BigId = BigInteger().with_variant(Integer(), "sqlite")
"""A row's id. SQLite only counts up by itself in a column it calls INTEGER."""

JsonValue = JSON()
"""Kept as it was sent on both engines: JSONB would reorder keys and turn 1e300 into 301 digits."""


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware UTC instant in microseconds: timestamptz on PostgreSQL, sortable text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Refuse a naive datetime; SQLite's text form carries no zone, so it is always UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored instant needs a time zone")
        value = value.astimezone(dt.UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """Instants come aware from asyncpg; SQLite's text is read here, several times for each row of a list."""
        return _instant if dialect.name == "sqlite" else None


def _instant(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(f"{text}+00:00")


class ListOf(TypeDecorator[list[Any]]):
    """A list as ONE parameter, so that a statement's text is the same for 1 key and for 500.

    An array on PostgreSQL; JSON text for `json_each` on SQLite.
    """

    impl = Text
    cache_ok = True

    def __init__(self, item: TypeEngine[Any]) -> None:
        super().__init__()
        self.item = item

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Array or text."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(ARRAY(self.item))
        return dialect.type_descriptor(Text())

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any] | None:
        """The list itself, or its JSON; every statement by ids has one."""
        if dialect.name == "sqlite":
            return _json
        is_plain = self.item.dialect_impl(dialect).bind_processor(dialect) is None
        return None if is_plain else super().bind_processor(dialect)


def _json(values: list[Any] | None) -> str | None:
    return None if values is None else msgspec.json.encode(values).decode()


class any_of(FunctionElement[bool]):  # noqa: N801  # reads as the SQL function it is
    """`any_of(column, bindparam(type_=ListOf(…)))`: the column equals one of the listed values."""

    type = Boolean()
    inherit_cache = True
    name = "any_of"
    # or SQLAlchemy writes `… IN (…) = 1` for SQLite, which then looks into no index
    _is_implicitly_boolean = True


@compiles(any_of, "postgresql")
def _any_of_postgresql(element: any_of, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = element.clauses
    return f"{compiler.process(column, **kw)} = ANY ({compiler.process(values, **kw)})"


@compiles(any_of, "sqlite")
def _any_of_sqlite(element: any_of, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = element.clauses
    return (
        f"{compiler.process(column, **kw)} IN (SELECT value FROM json_each({compiler.process(values, **kw)}))"
    )


class any_key(any_of):  # noqa: N801  # as above
    """The same for keys that rows are looked up by, one or hundreds.

    PostgreSQL is not shown how many: it would plan every run of the statement anew, at three times the cost of the run,
    because for one key it hopes to do better than for the ten that it expects of an unknown list.
    """

    inherit_cache = True
    name = "any_key"


@compiles(any_key, "postgresql")
def _any_key_postgresql(element: any_key, compiler: SQLCompiler, **kw: Any) -> str:
    column, values = element.clauses
    kind = values.type.dialect_impl(compiler.dialect).compile(compiler.dialect)
    return f"{compiler.process(column, **kw)} = ANY ((SELECT {compiler.process(values, **kw)})::{kind})"

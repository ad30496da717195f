"""How the values of a scalar or an enum are written: all values of a level at once, as graphql-core writes each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLString,
    Undefined,
)

from schema.levels.unserved import Unserved
from schema.scalars import MOMENT

Write = Callable[[list[Any]], list[Any]]
"""From the values of a leaf to what JSON is made of. Raises whatever a faulty value raises."""

_INTS: Final = range(-(2**31), 2**31)
# Values of exactly this type graphql-core writes as they are.
_AS_THEY_ARE: Final[dict[GraphQLLeafType, type]] = {
    GraphQLString: str,
    GraphQLID: str,
    GraphQLBoolean: bool,
}
NAMES: Final[Mapping[str, Any]] = {"datetime": dt.datetime, "UTC": dt.UTC}
"""What the expressions of writers name, besides what is built in."""


class Writer(NamedTuple):
    """How values of a leaf are written: `write` all of a level, or one by one as `schema/levels/assembly.py` does.

    `is_plain` is an expression that tells of a `{value}` which is not None whether it is written as it is, `are_plain`
    the same of a list of them; None where there is none. `known`: what some values are written as.
    """

    write: Write
    is_plain: str | None = None
    are_plain: str | None = None
    known: dict[Any, Any] | None = None


def writer(leaf: GraphQLLeafType, *, required: bool) -> Writer:
    """How values of this leaf are written; None stays None, or is refused where a value is required.

    What comes back may be the same list.
    """
    each = _each(leaf, required=required)
    if (kind := _AS_THEY_ARE.get(leaf)) is not None:
        are_plain = f"{{{{{kind.__name__}}}}}.issuperset(map(type, {{value}}))"
        write = _as_they_are(_allowed(kind, required=required), each)
        return Writer(write, f"type({{value}}) is {kind.__name__}", are_plain)
    if leaf is GraphQLInt:
        return Writer(_ints(each), f"type({{value}}) is int and {_INTS[0]} <= {{value}} <= {_INTS[-1]}")
    if isinstance(leaf, GraphQLEnumType):
        known: dict[Any, Any] = {} if required else {None: None}
        return Writer(_names(each, known), known=known)
    if leaf.extensions.get("strawberry-definition") is MOMENT:
        is_plain = "type({value}) is datetime and {value}.tzinfo is UTC"
        return Writer(_moments(_allowed(dt.datetime, required=required), each), is_plain)
    return Writer(each)


def _allowed(kind: type, *, required: bool) -> frozenset[type]:
    return frozenset({kind} if required else {kind, type(None)})


def _each(leaf: GraphQLLeafType, *, required: bool) -> Write:
    """One value after the other, by graphql-core."""

    def write(values: list[Any]) -> list[Any]:
        if required and None in values:
            raise Unserved("null")
        return [None if value is None else _written(leaf, value) for value in values]

    return write


def _written(leaf: GraphQLLeafType, value: Any) -> Any:
    if isinstance(value, Exception) or value is Undefined:
        raise Unserved("value")
    written = leaf.coerce_output_value(value)
    if written is None or written is Undefined:
        raise Unserved("value")
    return written


def _as_they_are(types: frozenset[type], each: Write) -> Write:
    def write(values: list[Any]) -> list[Any]:
        return values if types.issuperset(map(type, values)) else each(values)

    return write


def _ints(each: Write) -> Write:
    def write(values: list[Any]) -> list[Any]:
        if {int}.issuperset(map(type, values)) and (
            not values or (min(values) in _INTS and max(values) in _INTS)
        ):
            return values
        return each(values)

    return write


def _names(each: Write, known: dict[Any, Any]) -> Write:
    def write(values: list[Any]) -> list[Any]:
        try:
            return [known[value] for value in values]
        except (KeyError, TypeError):  # TypeError: what cannot be hashed is no value of an enum
            names = each(values)
            known.update(zip(values, names, strict=True))
            return names

    return write


def _moments(types: frozenset[type], each: Write) -> Write:
    """Instants in UTC stay what they are: msgspec writes them as MOMENT does, in a tenth of the time."""

    def write(values: list[Any]) -> list[Any]:
        is_plain = types.issuperset(map(type, values))
        if is_plain and all(value is None or value.tzinfo is dt.UTC for value in values):
            return values
        return each(values)

    return write

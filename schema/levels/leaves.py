"""How the values of a scalar or an enum are written: all values of a level at once, as graphql-core writes each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

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
"""From the values of a leaf to what JSON is made of; None stays None. Raises whatever a faulty value raises."""

_NONE: Final = type(None)
_INTS: Final = range(-(2**31), 2**31)
# Values of exactly these types graphql-core writes as they are.
_AS_THEY_ARE: Final[dict[GraphQLLeafType, frozenset[type]]] = {
    GraphQLString: frozenset({str, _NONE}),
    GraphQLID: frozenset({str, _NONE}),
    GraphQLBoolean: frozenset({bool, _NONE}),
}


def writer(leaf: GraphQLLeafType) -> Write:
    """How values of this leaf are written. What comes back may be the same list."""
    if leaf in _AS_THEY_ARE:
        return _as_they_are(leaf, _AS_THEY_ARE[leaf])
    if leaf is GraphQLInt:
        return _ints(leaf)
    if isinstance(leaf, GraphQLEnumType):
        return _names(leaf)
    if leaf.extensions.get("strawberry-definition") is MOMENT:
        return _moments(leaf)
    return lambda values: _each(leaf, values)


def _each(leaf: GraphQLLeafType, values: list[Any]) -> list[Any]:
    return [None if value is None else _written(leaf, value) for value in values]


def _written(leaf: GraphQLLeafType, value: Any) -> Any:
    if isinstance(value, Exception) or value is Undefined:
        raise Unserved("value")
    written = leaf.coerce_output_value(value)
    if written is None or written is Undefined:
        raise Unserved("value")
    return written


def _as_they_are(leaf: GraphQLLeafType, types: frozenset[type]) -> Write:
    def write(values: list[Any]) -> list[Any]:
        return values if types.issuperset(map(type, values)) else _each(leaf, values)

    return write


def _ints(leaf: GraphQLLeafType) -> Write:
    def write(values: list[Any]) -> list[Any]:
        if {int}.issuperset(map(type, values)) and (
            not values or (min(values) in _INTS and max(values) in _INTS)
        ):
            return values
        return _each(leaf, values)

    return write


def _names(leaf: GraphQLEnumType) -> Write:
    known: dict[Any, Any] = {None: None}

    def write(values: list[Any]) -> list[Any]:
        try:
            return [known[value] for value in values]
        except (KeyError, TypeError):  # TypeError: a value that cannot be hashed is no value of an enum either
            known.update({value: _written(leaf, value) for value in values if value is not None})
            return [known[value] for value in values]

    return write


def _moments(leaf: GraphQLLeafType) -> Write:
    """Instants in UTC stay what they are: msgspec writes them as MOMENT does, in a tenth of the time."""

    def write(values: list[Any]) -> list[Any]:
        if all(value is None or (type(value) is dt.datetime and value.tzinfo is dt.UTC) for value in values):
            return values
        return _each(leaf, values)

    return write

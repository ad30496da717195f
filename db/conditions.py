"""What a list is narrowed by, as data: a rule says *what*, this module writes the SQL, once per shape.

A condition is `(kind, value)`, for example `("status", ["open"])`; `("and" | "or", (conditions, …))` and
`("not", conditions)` combine them. Two lists of the same kinds share one compiled statement.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, ColumnElement, and_, bindparam, false, func, not_, or_, true
from sqlalchemy.types import TypeEngine

Condition = tuple[str, Any]
Shape = tuple[Any, ...]


class Kind(NamedTuple):
    """One kind of condition: the type of its value, and its SQL. `type` None: it takes no value."""

    type: TypeEngine[Any] | None
    clause: Callable[[BindParameter[Any]], ColumnElement[bool]]


def shape_of(conditions: Sequence[Condition]) -> Shape:
    """The kinds alone: what the SQL depends on."""
    return tuple(
        (kind, tuple(shape_of(group) for group in value))
        if kind in ("and", "or")
        else (kind, shape_of(value))
        if kind == "not"
        else kind
        for kind, value in conditions
    )


def values_of(conditions: Sequence[Condition]) -> dict[str, Any]:
    """The values by parameter name, numbered in the order in which `clauses` meets the kinds."""
    return {f"condition_{number}": value for number, value in enumerate(_leaves(conditions))}


def _leaves(conditions: Sequence[Condition]) -> Iterator[Any]:
    for kind, value in conditions:
        if kind in ("and", "or"):
            for group in value:
                yield from _leaves(group)
        elif kind == "not":
            yield from _leaves(value)
        else:
            yield value


def kinds_of(shape: Shape) -> Iterator[str]:
    """Every kind in a shape, those within its groups too."""
    for part in shape:
        if isinstance(part, str):
            yield part
        elif part[0] == "not":
            yield from kinds_of(part[1])
        else:
            for group in part[1]:
                yield from kinds_of(group)


def clauses(kinds: Mapping[str, Kind], shape: Shape) -> list[ColumnElement[bool]]:
    """The WHERE of a shape, with parameters named as in `values_of`."""
    numbers = iter(range(1_000_000))
    return [_clause(kinds, part, numbers) for part in shape]


def _clause(kinds: Mapping[str, Kind], part: Any, numbers: Iterator[int]) -> ColumnElement[bool]:
    if isinstance(part, str):
        kind, name = kinds[part], f"condition_{next(numbers)}"
        return kind.clause(bindparam(name, type_=kind.type))
    word, inner = part
    if word == "not":
        met = and_(true(), *(_clause(kinds, each, numbers) for each in inner))
        # of a column without a value SQL knows neither yes nor no; a ticket of nobody is not one of mine
        return not_(func.coalesce(met, false()))
    groups = [and_(true(), *(_clause(kinds, each, numbers) for each in group)) for group in inner]
    return or_(false(), *groups) if word == "or" else and_(true(), *groups)

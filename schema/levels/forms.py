"""What becomes of the values of a field: its type, worked out for all values of a level at once.

A form takes values and gives back their column in the answer: at once for leaves, and as a promise for objects, which
are put together when the levels below them are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, Protocol

from schema.levels.leaves import Writer
from schema.levels.unserved import Unserved

if TYPE_CHECKING:
    from schema.levels.plan import Selection
    from schema.levels.run import Run

Column = list[Any] | Callable[[], list[Any]]
_LISTS: Final = frozenset({list, tuple, type(None)})


class Form(Protocol):
    """A type of the graph as it is answered."""

    def take(self, values: list[Any], run: Run) -> Column:
        """The column of these values, or a promise of it. Raises whatever a faulty value raises."""


def column_of(taken: Column) -> list[Any]:
    """The column, once everything below it is there."""
    return taken() if callable(taken) else taken


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar or an enum."""

    writer: Writer
    is_required: bool

    def take(self, values: list[Any], run: Run) -> Column:
        """The values as they are written."""
        return self.writer.write(values)


@dataclass(frozen=True, slots=True)
class NonNull:
    """A value that must be there: graphql-core tells what is null instead, and how far up."""

    of: Form

    def take(self, values: list[Any], run: Run) -> Column:
        """The values' column; none of them is None."""
        if None in values:
            raise Unserved("null")
        return self.of.take(values, run)


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists of something: their items are taken together, and dealt out again."""

    of: Form

    def take(self, values: list[Any], run: Run) -> Column:
        """The lists' column."""
        if not _LISTS.issuperset(map(type, values)):
            raise Unserved("value")
        items = list(chain.from_iterable(value for value in values if value is not None))
        taken = self.of.take(items, run)
        if taken is items:  # nothing about them had to change
            return values
        return lambda: _dealt(values, column_of(taken))


def _dealt(lists: list[Any], items: list[Any]) -> list[Any]:
    each = iter(items)
    return [None if one is None else list(islice(each, len(one))) for one in lists]


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects of one type: they are the next level."""

    selection: Selection

    def take(self, values: list[Any], run: Run) -> Column:
        """A promise of the objects, in the order of the values."""
        rows = [value for value in values if value is not None] if None in values else values
        level = run.open(self.selection, rows)
        if rows is values:
            return lambda: level.objects
        return lambda: _with_nulls(values, level.objects)


def _with_nulls(values: list[Any], objects: list[Any]) -> list[Any]:
    each = iter(objects)
    return [None if value is None else next(each) for value in values]


@dataclass(frozen=True, slots=True)
class Interface:
    """Objects of several types: each type is a level of its own. `selections` has them by the type's name."""

    selections: Mapping[str, Selection]

    def take(self, values: list[Any], run: Run) -> Column:
        """A promise of the objects, in the order of the values."""
        names = [None if value is None else self._name_of(value) for value in values]
        taken = {
            name: self._of_type(name, names, values, run) for name in dict.fromkeys(names) if name is not None
        }

        def column() -> list[Any]:
            each = {name: iter(column_of(objects)) for name, objects in taken.items()}
            return [None if name is None else next(each[name]) for name in names]

        return column

    def _name_of(self, row: Any) -> str:
        for name, selection in self.selections.items():
            if selection.is_one is not None and selection.is_one(row):
                return name
        raise Unserved("value")

    def _of_type(self, name: str, names: list[Any], values: list[Any], run: Run) -> Column:
        rows = [value for value, its_name in zip(values, names, strict=True) if its_name == name]
        return Objects(self.selections[name]).take(rows, run)

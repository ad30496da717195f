"""What becomes of the values of a field: its type.

A form leads from values to the rows of the levels below them, whose edges are loaded for all at once, and it gives the
function that makes the answer of one value when everything is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Protocol

from schema.levels.leaves import Writer
from schema.levels.unserved import Unserved

if TYPE_CHECKING:
    from schema.levels.plan import Selection
    from schema.levels.run import Run

Make = Callable[[Any, "Run"], Any]
"""From a value to what JSON is made of. Raises whatever a faulty value raises."""
_LISTS: Final = frozenset({list, tuple, type(None)})


class Form(Protocol):
    """A type of the graph as it is answered."""

    @property
    def is_deep(self) -> bool:
        """Whether anything is loaded for what is selected of it."""

    def descend(self, values: list[Any], run: Run) -> None:
        """Open the levels of the rows that these values are, or hold."""

    def maker(self, *, required: bool = False) -> Make:
        """What makes the answer of one value; where it is required, None is `Unserved`."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar or an enum."""

    writer: Writer
    is_required: bool

    @property
    def is_deep(self) -> bool:
        """Leaves lead nowhere."""
        return False

    def descend(self, values: list[Any], run: Run) -> None:
        """Nowhere."""

    def maker(self, *, required: bool = False) -> Make:
        """The value as it is written."""
        write = self.writer.write
        return lambda value, _: write([value])[0]


@dataclass(frozen=True, slots=True)
class NonNull:
    """A value that must be there: graphql-core tells what is null instead, and how far up."""

    of: Form

    @property
    def is_deep(self) -> bool:
        """Whether what must be there is."""
        return self.of.is_deep

    def descend(self, values: list[Any], run: Run) -> None:
        """As what must be there does."""
        self.of.descend(values, run)

    def maker(self, *, required: bool = True) -> Make:
        """The same, where it is required."""
        return self.of.maker(required=True)


@dataclass(frozen=True, slots=True)
class Lists:
    """Lists of something."""

    of: Form

    @property
    def is_deep(self) -> bool:
        """Whether their items are."""
        return self.of.is_deep

    def descend(self, values: list[Any], run: Run) -> None:
        """The items of all of them together."""
        _check_lists(values)
        self.of.descend(list(chain.from_iterable(value for value in values if value is not None)), run)

    def maker(self, *, required: bool = False) -> Make:
        """A list of what becomes of the items."""
        make = self.of.maker()

        def made(value: Any, run: Run) -> Any:
            if type(value) is not list:
                if value is None:
                    return _nothing(required=required)
                _check_lists([value])
            return [make(item, run) for item in value]

        return made


def _nothing(*, required: bool) -> None:
    if required:
        raise Unserved("null")


def _check_lists(values: list[Any]) -> None:
    if not _LISTS.issuperset(map(type, values)):
        raise Unserved("value")


@dataclass(frozen=True, slots=True)
class Objects:
    """Objects of one type: they are the next level."""

    selection: Selection

    @property
    def is_deep(self) -> bool:
        """Whether anything of them does not come with their rows."""
        return bool(self.selection.sources)

    def descend(self, values: list[Any], run: Run) -> None:
        """To the rows that there are."""
        if self.selection.sources:
            run.open(self.selection, [value for value in values if value is not None])

    def maker(self, *, required: bool = False) -> Make:
        """An object of a row."""
        selection = self.selection
        assemble, known = selection.assemble, selection.known

        def made(row: Any, run: Run) -> Any:
            if type(row) not in known:
                if row is None:
                    return _nothing(required=required)
                selection.check([row])
            return assemble(row, run)

        return made


@dataclass(frozen=True, slots=True)
class Interface:
    """Objects of several types: each type is a level of its own. `selections` has them by the type's name."""

    selections: Mapping[str, Selection]

    @property
    def is_deep(self) -> bool:
        """Whether those of any type are."""
        return any(selection.sources for selection in self.selections.values())

    def descend(self, values: list[Any], run: Run) -> None:
        """To the rows of each type."""
        rows: dict[str, list[Any]] = {}
        for value in values:
            if value is not None:
                rows.setdefault(self._name_of(value), []).append(value)
        for name, of_type in rows.items():
            Objects(self.selections[name]).descend(of_type, run)

    def maker(self, *, required: bool = False) -> Make:
        """An object of a row, by its type."""
        makers = {name: Objects(selection).maker() for name, selection in self.selections.items()}

        def made(row: Any, run: Run) -> Any:
            return _nothing(required=required) if row is None else makers[self._name_of(row)](row, run)

        return made

    def _name_of(self, row: Any) -> str:
        for name, selection in self.selections.items():
            if selection.is_one is not None and selection.is_one(row):
                return name
        raise Unserved("value")

"""How the objects of a level are put together: by a function that is written out for each selection.

What is at hand with a row (its attributes, what a resolver makes of them) is taken when its object is made. Going
through columns field by field costs a dozen calls of Python for each, whatever it does, so the steps of all fields are
lines of one function, as `dataclasses` writes an `__init__`. For `{ id subject category { name } }` that is

    def assemble(rows, info, column_2):
        objects = []
        for row, value_2 in zip(rows, column_2, strict=True):
            value_0 = f"tkt_{row.id}"
            if not (type(value_0) is str):
                value_0 = otherwise_0(value_0)
            value_1 = row.subject
            if not (type(value_1) is str):
                value_1 = otherwise_1(value_1)
            objects.append(make(value_0, value_1, value_2))
        return objects

Nothing in it comes from a client: the names are those of attributes and parameters of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from types import CodeType
from typing import Any, Final, Protocol

from schema.levels.fields import AtHand
from schema.levels.forms import Form, Leaf, Lists, NonNull, column_of
from schema.levels.leaves import NAMES

KEPT: Final = 1_000
"""Texts that are kept compiled: what differs in its literals alone is a document of its own with the same selections."""
LONGEST_KEPT: Final = 4_000
"""Characters."""
_AT_THE_END: Final = "        objects.append(make({values}))\n    return objects"


class Assemble(Protocol):
    """Makes the objects of rows. `columns`: the values that are not at hand with a row, one list a field."""

    def __call__(self, rows: list[Any], info: Any, /, *columns: list[Any]) -> list[Any]:
        """The objects, one for each row. Raises whatever a faulty value raises."""


def is_of_leaves(form: Form) -> bool:
    """Whether there are no objects in it, so that nothing is loaded for it."""
    while isinstance(form, NonNull | Lists):
        form = form.of
    return isinstance(form, Leaf)


def assembler(fields: Sequence[tuple[AtHand | None, Form]], make: Callable[..., Any]) -> Assemble:
    """The function that makes the objects of a selection; None for a field whose values come as a column."""
    names: dict[str, Any] = {**NAMES, "make": make}
    lines: list[str] = []
    columns: list[int] = []
    for place, (at_hand, form) in enumerate(fields):
        if at_hand is None:
            columns.append(place)
            continue
        names |= {f"take_{place}": at_hand.take, f"otherwise_{place}": _one_by(form)}
        value = f"value_{place}"
        lines.append(f"{value} = " + at_hand.expression.replace("{take}", f"take_{place}"))
        lines += _written(form, value, place, names)
    text = _function(lines, columns, len(fields))
    exec(_compiled(text) if len(text) <= LONGEST_KEPT else text, names)  # noqa: S102  # see above
    assemble: Assemble = names["assemble"]
    assemble.__doc__ = text
    return assemble


@lru_cache(maxsize=KEPT)
def _compiled(text: str) -> CodeType:
    return compile(text, "<assemble>", "exec")


def _function(lines: Iterable[str], columns: Sequence[int], fields: int) -> str:
    given = "".join(f", column_{place}" for place in columns)
    values = "".join(f", value_{place}" for place in columns)
    each = f"row{values} in zip(rows{given}, strict=True)" if columns else "row in rows"
    body = "".join(f"        {line}\n" for line in lines)
    made = _AT_THE_END.format(values=", ".join(f"value_{place}" for place in range(fields)))
    return f"def assemble(rows, info{given}):\n    objects = []\n    for {each}:\n{body}{made}"


def _written(form: Form, value: str, place: int, names: dict[str, Any]) -> list[str]:
    """The lines after which the value is as it is written: most are from the beginning."""
    otherwise = f"{value} = otherwise_{place}({value})"
    if isinstance(form, Leaf) and form.writer.known is not None:
        names[f"known_{place}"] = form.writer.known
        otherwise = f"{value} = known_{place}.get({value}) or otherwise_{place}({value})"
        return [otherwise if form.is_required else f"if {value} is not None: {otherwise}"]
    is_plain = _is_plain(form)
    if is_plain is None:
        return [otherwise]
    return [f"if not ({is_plain.format(value=value)}): {otherwise}"]


def _is_plain(form: Form) -> str | None:
    """The expression that tells of a `{value}` whether it is written as it is; None when that takes more than one."""
    if isinstance(form, NonNull):
        return _is_plain(form.of)
    if isinstance(form, Leaf):
        is_plain = form.writer.is_plain
        return is_plain if is_plain is None or form.is_required else f"{{value}} is None or {is_plain}"
    if isinstance(form, Lists) and isinstance(form.of, Leaf) and form.of.is_required:
        are_plain = form.of.writer.are_plain
        return None if are_plain is None else f"type({{value}}) is list and {are_plain}"
    return None


def _one_by(form: Form) -> Callable[[Any], Any]:
    """What becomes of one value of leaves, whatever it is."""

    def otherwise(value: Any) -> Any:
        run: Any = None  # leaves ask for nothing
        return column_of(form.take([value], run))[0]

    return otherwise

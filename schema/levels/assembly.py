"""How an object is put together from its row: by a function that is written out for each selection.

Whatever a field takes, an attribute, what a resolver makes of the row, what was loaded, costs several calls of Python
when a loop goes through the fields, so the steps of all fields are lines of one function, as `dataclasses` writes an
`__init__`. For `{ id subject category { name } }` that is

    def assemble(row, run):
        value_0 = f"tkt_{row.id}"
        if not (type(value_0) is str):
            value_0 = make_0(value_0, run)
        value_1 = row.subject
        if not (type(value_1) is str):
            value_1 = make_1(value_1, run)
        value_2 = run.made[take_2].get(row.category_id) or take_2.follow(row.category_id, run)
        return make(value_0, value_1, value_2)

where `take_2` is the edge, and `make_1` what graphql-core does with a value that is no text. Nothing in it comes from a
client: the names are those of attributes and parameters of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from types import CodeType
from typing import TYPE_CHECKING, Any, Final

from schema.levels.fields import AtHand
from schema.levels.forms import Form, Leaf, Lists, NonNull
from schema.levels.leaves import NAMES

if TYPE_CHECKING:
    from schema.levels.run import Run

KEPT: Final = 1_000
"""Texts that are kept compiled: what differs in its literals alone is a document of its own with the same selections."""
LONGEST_KEPT: Final = 4_000
"""Characters."""

Assemble = Callable[[Any, "Run"], Any]
"""Makes the object of a row, once everything below it is loaded. Raises whatever a faulty value raises."""


def assembler(fields: Sequence[tuple[AtHand, Form]], make: Callable[..., Any]) -> Assemble:
    """The function that makes the objects of a selection."""
    names: dict[str, Any] = {**NAMES, "make": make}
    lines: list[str] = []
    for place, (at_hand, form) in enumerate(fields):
        names |= {f"take_{place}": at_hand.take, f"make_{place}": form.maker()}
        value = f"value_{place}"
        lines.append(f"{value} = " + at_hand.expression.replace("{take}", f"take_{place}"))
        if not at_hand.is_answer:
            lines += _written(form, value, place, names)
    values = ", ".join(f"value_{place}" for place in range(len(fields)))
    body = "".join(f"    {line}\n" for line in [*lines, f"return make({values})"])
    text = f"def assemble(row, run):\n{body}"
    exec(_compiled(text) if len(text) <= LONGEST_KEPT else text, names)  # noqa: S102  # see above
    assemble: Assemble = names["assemble"]
    assemble.__doc__ = text
    return assemble


@lru_cache(maxsize=KEPT)
def _compiled(text: str) -> CodeType:
    return compile(text, "<assemble>", "exec")


def _written(form: Form, value: str, place: int, names: dict[str, Any]) -> list[str]:
    """The lines after which the value is as it is answered: most leaves are from the beginning."""
    otherwise = f"{value} = make_{place}({value}, run)"
    if isinstance(form, Leaf) and form.writer.known is not None:
        names[f"known_{place}"] = form.writer.known
        otherwise = f"{value} = known_{place}.get({value}) or make_{place}({value}, run)"
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

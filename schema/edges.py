"""Edges: fields that lead from one noun to another, each declared once with its loader and its key.

The declaration is kept in the field's metadata, so that a whole level of the graph can be loaded with one call:
`edge.loader.load(ctx, [key of each row], edge.arguments(…))`.
"""

import inspect
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

import strawberry
from strawberry import Info, Parent

from resolvers.context import Context
from resolvers.loaders import Loader

_AnyRow: TypeAlias = Parent[Any]
Ctx: TypeAlias = Info[Context, None]


@dataclass(frozen=True, slots=True)
class Edge:
    """What an edge is loaded with: `loader`, by the row's attribute `key`; `arguments` makes the loader's args."""

    loader: Loader[Any]
    key: str
    arguments: Callable[..., Hashable] | None
    within: "Within | None" = None


class Within(NamedTuple):
    """A list that is divided among rows: what `loader` finds for the row's attribute `key`, by its own attribute `by`.

    Whoever asked for the whole need not ask for the parts.
    """

    loader: Loader[Any]
    key: str
    by: str


class Reads(NamedTuple):
    """The columns that a field's resolver looks at: of its own row, and of others by the name of their type.

    Kept in the field's metadata as `reads`. Where it says nothing, all columns are read.
    """

    own: tuple[str, ...]
    others: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    is_all: bool = True
    """Whether it needs nothing else; if not, it may answer with what a loader will find."""


def reads(*own: str, **others: tuple[str, ...]) -> dict[str, Reads]:
    """The metadata of a field whose resolver looks at these columns alone."""
    return {"reads": Reads(own, others)}


def shows(column: str) -> dict[str, Any]:
    """The metadata of a field whose resolver answers with this attribute of the row, as it is."""
    return reads(column) | {"shows": column}


def loads(*own: str) -> dict[str, Reads]:
    """The metadata of a field whose resolver looks at these columns alone, and may answer with `ctx.later(…)`."""
    return {"reads": Reads(own, is_all=False)}


def _no_arguments(info: Ctx) -> None:
    """The arguments of an edge that has none."""


def edge(
    loader: Loader[Any],
    key: str,
    description: str,
    arguments: Callable[..., Hashable] | None = None,
    within: Within | None = None,
) -> Any:
    """A field that leads to what the loader finds for the row's `key`; null where the row has none.

    `arguments(info, …)` is a function of the field's arguments: its other parameters are the field's, its result is
    what the loader is given besides the key. `within`: where else what the loader finds may be known from.
    """

    def resolve(root: Any, info: Ctx, **given: Any) -> Any:
        value = getattr(root, key)
        if value is None:
            return None
        return info.context.load(loader, value, arguments(info, **given) if arguments else None)

    root = inspect.Parameter("root", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=_AnyRow)
    asked = inspect.signature(arguments or _no_arguments).parameters.values()
    # Strawberry reads the arguments of a field off its resolver's signature
    resolve.__signature__ = inspect.Signature([root, *asked])  # type: ignore[attr-defined]
    if arguments is not None:
        resolve.__module__ = arguments.__module__
    return strawberry.field(
        resolver=resolve, description=description, metadata={"edge": Edge(loader, key, arguments, within)}
    )

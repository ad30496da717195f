"""Loaders: everything one noun needs of another, asked for one by one and fetched together.

A loader is a name and a function from many keys to what was found; the function is what a whole level of the graph
can be loaded with in one call. DataLoader collects the keys that are asked for in one tick.
"""

from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, Final, Generic, NamedTuple, TypeVar

from strawberry.dataloader import DataLoader

from db.listing import Along, Listing, Noun, Reference
from resolvers.context import MOST_KEYS_A_STATEMENT, Context

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Loader(Generic[V]):
    """`load(ctx, keys, args)` finds what it can; a key that is missing from its answer loads as None.

    `noun`: it finds rows of that table by id, all that are in the workspace, so that they may as well be read along
    with the rows that refer to them; `noun_is_for_staff`: customers do not find them all.
    """

    name: str
    load: Callable[[Context, list[Any], Any], Awaitable[Mapping[Any, V]]]
    noun: Noun | None = None
    noun_is_for_staff: bool = False

    def start(self, ctx: Context, args: Hashable) -> DataLoader[Any, V | None]:
        """A DataLoader for one operation. `args` (a page, a filter) are part of which loader it is."""

        async def batch(keys: list[Any]) -> list[V | None]:
            found = await ctx.load_all(self, keys, args)
            return [found[key] for key in keys]

        return DataLoader(load_fn=batch, max_batch_size=MOST_KEYS_A_STATEMENT)


class Referred(NamedTuple):
    """What a row refers to by its column `key`, found by `loader`, and what that refers to in turn."""

    key: str
    loader: Loader[Any]
    beyond: "tuple[Referred, ...]" = ()


def merged(*several: tuple[Referred, ...]) -> tuple[Referred, ...]:
    """All of them, each column once."""
    found: dict[str, Referred] = {}
    for each in chain.from_iterable(several):
        known = found.get(each.key)
        found[each.key] = each if known is None else each._replace(beyond=merged(known.beyond, each.beyond))
    return tuple(found.values())


class Columns:
    """Which columns of which rows an operation looks at; rows that it does not name are read whole."""

    __slots__ = ("_names",)

    def __init__(self, looked_at: Mapping[type[Any], Collection[str]]) -> None:
        self._names = {
            row: tuple(name for name in row.__struct_fields__ if name in names or _is_always_read(name))
            for row, names in looked_at.items()
        }

    def names(self, row: type[Any]) -> tuple[str, ...]:
        """The columns to read of such a row, in its order."""
        found: tuple[str, ...] | None = self._names.get(row)
        return row.__struct_fields__ if found is None else found


WHOLE: Final = Columns({})
_SORTED_BY: Final = frozenset({"id", "created_at", "updated_at", "priority"})


def _is_always_read(name: str) -> bool:
    """What rows are found, followed and sorted by."""
    return name in _SORTED_BY or name.endswith("_id")


def along(ctx: Context, listing: Listing[Any]) -> Along | None:
    """With which columns a list is read and what is read along with it, in one statement; the loaders then know that.

    None: its rows are read whole, and nothing else.
    """
    if not ctx.referred and ctx.columns is None:
        return None
    columns = ctx.columns or WHOLE
    row: Any = listing.row
    names, references, loaders = _read(row, ctx.referred, columns, is_staff=ctx.caller.is_staff)

    def take(found: list[list[Any]]) -> None:
        for loader, others in zip(loaders, found, strict=True):
            ctx.know(loader, {row.id: row for row in others if row is not None})

    return Along(names, references, take)


_Read = tuple[tuple[str, ...], tuple[Reference, ...], tuple[Loader[Any], ...]]


@lru_cache(maxsize=1_000)
def _read(row: Any, referred: tuple[Referred, ...], columns: Columns, *, is_staff: bool) -> _Read:
    """The columns, the references that this caller may follow, and their loaders in the order of what is taken."""
    names = columns.names(row)
    references: list[Reference] = []
    loaders: list[Loader[Any]] = []
    for key, loader, beyond in referred:
        noun = loader.noun
        if noun is None or key not in names or (loader.noun_is_for_staff and not is_staff):
            continue
        their_row: Any = noun.row
        their_names, further, their_loaders = _read(their_row, beyond, columns, is_staff=is_staff)
        references.append(Reference(key, noun, their_names, further))
        loaders += [loader, *their_loaders]
    return names, tuple(references), tuple(loaders)

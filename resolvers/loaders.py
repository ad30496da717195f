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


@dataclass(frozen=True, slots=True, eq=False)
class Loader(Generic[V]):
    """`load(ctx, keys, args)` finds what it can; a key that is missing from its answer loads as None.

    `noun`: it finds rows of that table by id, all that are in the workspace, so that they may as well be read along
    with the rows that refer to them; `noun_is_for_staff`: customers do not find them all. `is_by_id`: a row that it
    finds has its key for an id, so that what leads on from the row may be asked for at the same time.
    """

    name: str
    load: Callable[[Context, list[Any], Any], Awaitable[Mapping[Any, V]]]
    noun: Noun | None = None
    noun_is_for_staff: bool = False
    is_by_id: bool = False

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
    """Which columns of which rows an operation looks at; rows that it does not name are read whole.

    `shows_places`: it tells where rows stand in their lists, so that what those are sorted by is looked at, too.
    """

    __slots__ = ("_looked_at", "_of_lists")

    def __init__(self, looked_at: Mapping[type[Any], Collection[str]], *, shows_places: bool = False) -> None:
        self._looked_at = looked_at
        self._of_lists = _SORTED_BY if shows_places else _KEY

    def listed(self, row: type[Any]) -> tuple[str, ...]:
        """The columns to read of the rows of a list, in their order."""
        return self._names(row, self._of_lists)

    def referred(self, row: type[Any]) -> tuple[str, ...]:
        """The columns to read of a row that others refer to, in its order."""
        return self._names(row, _KEY)

    def _names(self, row: Any, needed: Collection[str]) -> tuple[str, ...]:
        looked_at = self._looked_at.get(row, row.__struct_fields__)
        return tuple(name for name in row.__struct_fields__ if name in looked_at or name in needed)


_KEY: Final = frozenset({"id"})
_SORTED_BY: Final = _KEY | {"created_at", "updated_at", "priority"}
WHOLE: Final = Columns({})


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
    references, loaders = _followed(columns.listed(row), referred, columns, is_staff=is_staff)
    return columns.listed(row), references, loaders


def _followed(
    names: tuple[str, ...], referred: tuple[Referred, ...], columns: Columns, *, is_staff: bool
) -> tuple[tuple[Reference, ...], tuple[Loader[Any], ...]]:
    """From a row that has these columns."""
    references: list[Reference] = []
    loaders: list[Loader[Any]] = []
    for key, loader, beyond in referred:
        noun = loader.noun
        if noun is None or key not in names or (loader.noun_is_for_staff and not is_staff):
            continue
        theirs = columns.referred(noun.row)
        further, their_loaders = _followed(theirs, beyond, columns, is_staff=is_staff)
        references.append(Reference(key, noun, theirs, further))
        loaders += [loader, *their_loaders]
    return tuple(references), tuple(loaders)

"""Loaders: everything one noun needs of another, asked for one by one and fetched together.

A loader is a name and a function from many keys to what was found; the function is what a whole level of the graph
can be loaded with in one call. DataLoader collects the keys that are asked for in one tick.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any, Generic, NamedTuple, TypeVar, cast

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


def along(ctx: Context, listing: Listing[Any]) -> Along | None:
    """What the rows of a list are read along with, in one statement; the loaders then know it. None: nothing."""
    referred = (
        _of(ctx.referred, listing.row.__struct_fields__, is_staff=ctx.caller.is_staff) if ctx.referred else ()
    )
    if not referred:
        return None
    references, loaders = _flat(referred)

    def take(found: list[list[Any]]) -> None:
        for loader, others in zip(loaders, found, strict=True):
            ctx.know(loader, {row.id: row for row in others if row is not None})

    return Along(references, take)


@lru_cache(maxsize=1_000)
def _of(referred: tuple[Referred, ...], columns: tuple[str, ...], *, is_staff: bool) -> tuple[Referred, ...]:
    """What this caller may follow from rows that have these columns."""
    return tuple(
        Referred(key, loader, _of(beyond, loader.noun.row.__struct_fields__, is_staff=is_staff))
        for key, loader, beyond in referred
        if loader.noun and key in columns and (is_staff or not loader.noun_is_for_staff)
    )


@lru_cache(maxsize=1_000)
def _flat(referred: tuple[Referred, ...]) -> tuple[tuple[Reference, ...], list[Loader[Any]]]:
    """The references, and their loaders in the order in which what they find is taken."""
    references, loaders = [], []
    for key, loader, beyond in referred:
        further, their_loaders = _flat(beyond)
        references.append(Reference(key, cast("Noun", loader.noun), further))
        loaders += [loader, *their_loaders]
    return tuple(references), loaders

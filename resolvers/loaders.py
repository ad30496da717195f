"""Loaders: everything one noun needs of another, asked for one by one and fetched together.

A loader is a name and a function from many keys to what was found; the function is what a whole level of the graph
can be loaded with in one call. DataLoader collects the keys that are asked for in one tick.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from strawberry.dataloader import DataLoader

from resolvers.context import MOST_KEYS_A_STATEMENT, Context

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Loader(Generic[V]):
    """`load(ctx, keys, args)` finds what it can; a key that is missing from its answer loads as None."""

    name: str
    load: Callable[[Context, list[Any], Any], Awaitable[Mapping[Any, V]]]

    def start(self, ctx: Context, args: Hashable) -> DataLoader[Any, V | None]:
        """A DataLoader for one operation. `args` (a page, a filter) are part of which loader it is."""

        async def batch(keys: list[Any]) -> list[V | None]:
            found = await ctx.load_all(self, keys, args)
            return [found[key] for key in keys]

        return DataLoader(load_fn=batch, max_batch_size=MOST_KEYS_A_STATEMENT)

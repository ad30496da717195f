"""One run of a plan: levels are begun and their edges loaded, wave by wave, then the answer is put together."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
from collections import deque
from collections.abc import Awaitable, Hashable, Iterable, KeysView, Mapping
from itertools import chain
from operator import attrgetter
from typing import Any, Final, NamedTuple

from resolvers.context import Context, Later, all_of
from resolvers.errors import AnswerError, answer_error
from resolvers.loaders import Loader, Referred, merged
from schema.documents import Operation, Variables
from schema.edges import Within
from schema.levels.fields import Info, Link, Resolver
from schema.levels.plan import Plans, Selection
from schema.levels.unserved import Unserved

# What no resolver means to be awaited, and most answer.
_PLAIN: Final = frozenset({type(None), bool, int, float, str, list, dict, dt.datetime})


class _Unsettled(NamedTuple):
    """What a resolver answered for rows, some of which must be awaited."""

    resolver: Resolver
    rows: list[Any]
    values: list[Any]


class _Asked(NamedTuple):
    """Keys that a link leads from, which its loader has not found yet; `leads_on` when there are rows that have them."""

    link: Link
    keys: Iterable[Any]
    leads_on: bool


_Group = tuple[Loader[Any], Hashable]
"""A loader and its arguments: what is loaded with one call."""


class _Wanted(NamedTuple):
    """The keys that a loader is asked for, and what will be followed from what it finds.

    `is_certain` when anybody has those keys; else it may as well fail.
    """

    keys: dict[Any, None]
    referred: tuple[Referred, ...]
    is_certain: bool = True


class Run:
    """What one run knows: who asks, with which variables, and what is still to be done."""

    def __init__(self, ctx: Any, variables: Variables) -> None:
        self.info: Any = Info(ctx)
        self.variables = variables
        self.found: dict[Link | Resolver, dict[Any, Any]] = {}
        """By a link what its keys lead to, by a resolver what it answered, for the `id` of each row."""
        self.made: dict[Link, dict[Any, Any]] = {}
        """By a link and its keys the objects that are made."""
        self._ctx = ctx
        self._opened: deque[tuple[Selection, list[Any]]] = deque()
        self._asked: dict[_Group, list[_Asked]] = {}
        self._unsettled: list[_Unsettled] = []
        self._held: list[list[Any]] = []

    def expecting(self, referred: tuple[Referred, ...]) -> Any:
        """The context for reading rows of which these references will be followed."""
        return self._ctx.expecting(referred) if referred else self._ctx

    def open(self, selection: Selection, rows: list[Any]) -> None:
        """Have a level begun for these rows."""
        if rows:
            self._opened.append((selection, rows))

    def ask(self, link: Link, args: Hashable, keys: KeysView[Any], *, leads_on: bool = True) -> None:
        """Lead on from what the keys lead to: now, when it is known already, or when it is loaded with this wave."""
        loader = link.edge.loader
        known = self.found[link] = self._ctx.known(loader, args)
        self.made.setdefault(link, {})
        if not known.keys() >= keys:
            self._asked.setdefault((loader, args), []).append(_Asked(link, keys, leads_on))
        elif leads_on:
            link.descend(keys, self)

    def divide(self, within: Within, loader: Loader[Any], rows: list[Any], keys: Iterable[Any]) -> None:
        """Let the loader know the rows' parts of what is known as a whole."""
        wholes = self._ctx.known(within.loader)
        of = set(map(attrgetter(within.key), rows)) if wholes else ()
        if not of or not wholes.keys() >= of:
            return
        parts: dict[Any, list[Any]] = {key: [] for key in keys}
        for each in chain.from_iterable(wholes[key] or () for key in of):
            if (key := getattr(each, within.by)) in parts:
                parts[key].append(each)
        self._ctx.know(loader, parts)

    def settle(self, resolver: Resolver, rows: list[Any], values: list[Any]) -> None:
        """Have the resolver keep the values: now, or when those that are awaitable have come with this wave."""
        if not _PLAIN.issuperset(map(type, values)) and any(
            hasattr(kind, "__await__") for kind in set(map(type, values))
        ):
            self._unsettled.append(_Unsettled(resolver, rows, values))
            resolver.look_ahead(values, self)
        else:
            resolver.keep(rows, values, self)

    def keep(self, resolver: Resolver, rows: list[Any], values: list[Any]) -> None:
        """What the resolver answered for each of the rows, which are held: an `id` is of what exists."""
        self._held.append(rows)
        self.found.setdefault(resolver, {}).update(zip(map(id, rows), values, strict=True))

    async def answer(self, selection: Selection, of: Any = None) -> Any:
        """The object that the selection makes of the root. Raises whatever went wrong."""
        self.open(selection, [of])
        try:
            while self._opened or self._asked or self._unsettled:
                while self._opened:
                    self._begin(*self._opened.popleft())
                if self._asked or self._unsettled:
                    await self._wave()
        finally:
            self._let_go()
        return selection.assemble(of, self)

    def _begin(self, selection: Selection, rows: list[Any]) -> None:
        selection.check(rows)
        for source in selection.sources:
            source.begin(rows, self)

    async def _wave(self) -> None:
        """Await and load what the levels wait for, all at once, and lead on from there."""
        unsettled, self._unsettled = self._unsettled, []
        asked, self._asked = self._asked, {}
        running = [value for each in unsettled for value in each.values if _is_running(value)]
        found, loading = self._looked_up(_wanted(unsettled, asked))
        come = iter(await self._all_of([*running, *loading]))
        for resolver, rows, values in unsettled:
            settled = [next(come) if _is_running(value) else _settled(value, found) for value in values]
            resolver.keep(rows, settled, self)
        for link, keys, leads_on in chain.from_iterable(asked.values()):
            if leads_on:
                link.descend(keys, self)

    def _looked_up(self, wanted: Mapping[_Group, _Wanted]) -> tuple[dict[_Group, Any], list[Awaitable[Any]]]:
        """Where what the loaders find will be, and what must be awaited for that: nothing where all is known."""
        found: dict[_Group, Any] = {}
        loading: list[Awaitable[Any]] = []
        for (loader, args), (keys, referred, is_certain) in wanted.items():
            known = found[loader, args] = self._ctx.known(loader, args)
            if not known.keys() >= keys.keys():
                load = self.expecting(referred).load_all(loader, keys, args)
                loading.append(load if is_certain else _if_it_can(load))
        return found, loading

    async def _all_of(self, reading: list[Awaitable[Any]]) -> list[Any]:
        if not reading:
            return []
        if len(reading) == 1:
            return [await reading[0]]
        # a schema of another sort has a context of its own
        return await (self._ctx.together(*reading) if isinstance(self._ctx, Context) else all_of(reading))

    def _let_go(self) -> None:
        """Coroutines of a run that failed are not left waiting: Python would complain of each."""
        for unsettled in self._unsettled:
            for value in unsettled.values:
                if asyncio.iscoroutine(value):
                    value.close()


def _is_running(value: Any) -> bool:
    return type(value) is not Later and hasattr(value, "__await__")


def _settled(value: Any, found: Mapping[_Group, Any]) -> Any:
    return found[value.loader, value.args][value.key] if type(value) is Later else value


async def _if_it_can(load: Awaitable[Any]) -> None:
    """Whoever turns out to have these keys asks once more, and is told what is wrong."""
    with contextlib.suppress(AnswerError):
        await load


def _wanted(unsettled: list[_Unsettled], asked: Mapping[_Group, list[_Asked]]) -> dict[_Group, _Wanted]:
    """What each loader is to find for a wave: each key once, whoever waits for it."""
    wanted: dict[_Group, _Wanted] = {}
    for group, places in asked.items():
        keys = dict.fromkeys(chain.from_iterable(each.keys for each in places))
        referred = merged(*(each.link.referred for each in places))
        wanted[group] = _Wanted(keys, referred, any(each.leads_on for each in places))
    for each in unsettled:
        for value in each.values:
            if type(value) is Later:
                group = value.loader, value.args
                wanted.setdefault(group, _Wanted({}, value.ctx.referred)).keys[value.key] = None
    return wanted


async def run(plans: Plans, operation: Operation, ctx: Any, variables: Variables, root: Any = None) -> Any:
    """The data of an operation, as msgspec writes JSON from it. `root`: the event that a subscription tells of.

    Raises:
        Unserved: graphql-core's executor has to answer, with a context that has loaded nothing.
    """
    try:
        plan = plans.get(operation, variables.values)
        if isinstance(ctx, Context):  # a schema of another sort has a context of its own
            ctx = ctx.expecting((), plan.columns)
        return await Run(ctx, variables).answer(plan.root, root)
    except Unserved:
        raise
    except Exception as error:  # whatever it is, graphql-core's executor tells it
        raise Unserved("fault" if answer_error(error) is None else "error") from error

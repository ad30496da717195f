"""One run of a plan: levels are begun, their edges loaded in waves, and their objects put together from below."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import deque
from collections.abc import Awaitable, Hashable, Mapping
from itertools import chain
from operator import attrgetter
from typing import Any, Final, NamedTuple

from resolvers.context import Context, Later, all_of
from resolvers.errors import answer_error
from resolvers.loaders import Loader, Referred, merged
from schema.documents import Operation, Variables
from schema.edges import Within
from schema.levels.fields import Asked, Info
from schema.levels.forms import Column, Form, NonNull, column_of
from schema.levels.plan import Plans, Selection
from schema.levels.unserved import Unserved

# What no resolver means to be awaited, and most answer.
_PLAIN: Final = frozenset({type(None), bool, int, float, str, list, dict, dt.datetime})


_NOTHING: Final = frozenset({None})
"""Where no key leads."""


class Level:
    """Rows of one type at one place of the query: columns of what leads on from them, and at last the objects."""

    __slots__ = ("columns", "objects", "rows", "selection")

    def __init__(self, selection: Selection, rows: list[Any]) -> None:
        self.selection = selection
        self.rows = rows
        self.columns: list[Column] = [[]] * len(selection.columns)
        self.objects: list[Any] = []

    def begin(self, run: Run) -> None:
        """Ask for what is not at hand with the rows."""
        self.selection.check(self.rows)
        for place, (source, form) in enumerate(self.selection.columns):
            source.begin(self, place, form, run)

    def assemble(self, run: Run) -> None:
        """Make the objects; everything below is made already."""
        self.objects = self.selection.assemble(self.rows, run.info, *map(column_of, self.columns))


class _Unsettled(NamedTuple):
    """Values of a level, some of which must be awaited."""

    values: list[Any]
    level: Level
    place: int
    form: Form


_Group = tuple[Loader[Any], Hashable]
"""A loader and its arguments: what is loaded with one call."""


class _Wanted(NamedTuple):
    """The keys that a loader is asked for, and what will be followed from what it finds."""

    keys: dict[Any, None]
    referred: tuple[Referred, ...]


class Run:
    """What one run knows: who asks, with which variables, and what is still to be done."""

    def __init__(self, ctx: Any, variables: Variables) -> None:
        self.info: Any = Info(ctx)
        self.variables = variables
        self._ctx = ctx
        self._levels: list[Level] = []
        self._opened: deque[Level] = deque()
        self._asked: dict[_Group, list[Asked]] = {}
        self._unsettled: list[_Unsettled] = []

    def expecting(self, referred: tuple[Referred, ...]) -> Any:
        """The context for reading rows of which these references will be followed."""
        return self._ctx.expecting(referred) if referred else self._ctx

    def open(self, selection: Selection, rows: list[Any]) -> Level:
        """A level for these rows; levels come after those above them."""
        level = Level(selection, rows)
        self._levels.append(level)
        if rows:
            self._opened.append(level)
        return level

    def ask(self, loader: Loader[Any], args: Hashable, asked: Asked) -> None:
        """Put what the keys lead to in its place: now, when it is known already, or loaded with this wave."""
        known = self._ctx.known(loader, args)
        if known and known.keys() >= {*asked.keys} - _NOTHING:
            self._place(asked, known)
        else:
            self._asked.setdefault((loader, args), []).append(asked)

    def divide(self, within: Within, loader: Loader[Any], rows: list[Any], keys: list[Any]) -> None:
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

    def settle(self, values: list[Any], level: Level, place: int, form: Form) -> None:
        """Put the values in their place: now, or when those that are awaitable have come with this wave."""
        if not _PLAIN.issuperset(map(type, values)) and any(
            hasattr(kind, "__await__") for kind in set(map(type, values))
        ):
            self._unsettled.append(_Unsettled(values, level, place, form))
        else:
            level.columns[place] = form.take(values, self)

    async def answer(self, selection: Selection, of: Any = None) -> Any:
        """The object that the selection makes of the root. Raises whatever went wrong."""
        root = self.open(selection, [of])
        try:
            while self._opened or self._asked or self._unsettled:
                while self._opened:
                    self._opened.popleft().begin(self)
                await self._wave()
        finally:
            self._let_go()
        for level in reversed(self._levels):
            level.assemble(self)
        return root.objects[0]

    async def _wave(self) -> None:
        """Await and load what the levels wait for, all at once, and put it in its place."""
        unsettled, self._unsettled = self._unsettled, []
        asked, self._asked = self._asked, {}
        running = [value for each in unsettled for value in each.values if _is_running(value)]
        found, loading = self._looked_up(_wanted(unsettled, asked))
        come = iter(await self._all_of([*running, *loading]))
        for values, level, place, form in unsettled:
            settled = [next(come) if _is_running(value) else _settled(value, found) for value in values]
            level.columns[place] = form.take(settled, self)
        for group, places in asked.items():
            for each in places:
                self._place(each, found[group])

    def _looked_up(self, wanted: Mapping[_Group, _Wanted]) -> tuple[dict[_Group, Any], list[Awaitable[Any]]]:
        """Where what the loaders find will be, and what must be awaited for that: nothing where all is known."""
        found: dict[_Group, Any] = {}
        loading: list[Awaitable[Any]] = []
        for (loader, args), (keys, referred) in wanted.items():
            known = found[loader, args] = self._ctx.known(loader, args)
            if not known.keys() >= keys.keys():
                loading.append(self.expecting(referred).load_all(loader, keys, args))
        return found, loading

    async def _all_of(self, reading: list[Awaitable[Any]]) -> list[Any]:
        if not reading:
            return []
        if len(reading) == 1:
            return [await reading[0]]
        # a schema of another sort has a context of its own
        return await (self._ctx.together(*reading) if isinstance(self._ctx, Context) else all_of(reading))

    def _place(self, asked: Asked, found: Any) -> None:
        """Each distinct thing is taken once, however many rows lead to it."""
        keys, _, level, place, form = asked
        distinct = dict.fromkeys(keys)
        if None in distinct:
            del distinct[None]
            if isinstance(form, NonNull):
                raise Unserved("null")
        taken = form.take([found[key] for key in distinct], self)
        level.columns[place] = lambda: list(map(dict(zip(distinct, column_of(taken), strict=True)).get, keys))

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


def _wanted(unsettled: list[_Unsettled], asked: Mapping[_Group, list[Asked]]) -> dict[_Group, _Wanted]:
    """What each loader is to find for a wave: each key once, whoever waits for it."""
    wanted: dict[_Group, _Wanted] = {}
    for group, places in asked.items():
        keys = dict.fromkeys(key for each in places for key in each.keys if key is not None)
        wanted[group] = _Wanted(keys, merged(*(each.referred for each in places)))
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

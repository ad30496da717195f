"""Several statements at the cost of one: what is asked for in the same turn of the loop goes to the database together.

A statement costs the driver of PostgreSQL and the server a tenth of a millisecond each before it has read anything, and
a round trip; with SQLite it is a hop to another thread and back (docs/decisions/0014-joint-statements.md).
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from db.statements import Compiled

LONGEST: Final = 12_000
"""Characters of several statements: asyncpg keeps none prepared that is longer than 15,360."""
KEPT: Final = 512
"""Texts."""
Records: TypeAlias = Sequence[Sequence[Any]]
_PARAMETER: Final = re.compile(r"\$(\d+)")


class Asked(NamedTuple):
    """A statement that is to be run."""

    compiled: Compiled
    arguments: list[Any]


class Joint:
    """Asks for one reader. `run` runs several statements, and gives the records of each."""

    def __init__(self, run: Callable[[Sequence[Asked]], Awaitable[Sequence[Records]]]) -> None:
        self._run = run
        self._asked: list[tuple[Asked, asyncio.Future[Records]]] = []
        self._length = 0

    async def records(self, asked: Asked) -> Records:
        """The records of the statement. Whoever is the first asks for all who ask before it is its turn again."""
        come: asyncio.Future[Records] = asyncio.get_running_loop().create_future()
        is_first = not self._asked or self._length + len(asked.compiled.sql) > LONGEST
        if is_first:
            self._asked, self._length = [], 0
        together = self._asked
        together.append((asked, come))
        self._length += len(asked.compiled.sql)
        if is_first:
            await asyncio.sleep(0)
            if self._asked is together:
                self._asked = []
            await self._ask(together)
        return await come

    async def _ask(self, together: list[tuple[Asked, "asyncio.Future[Records]"]]) -> None:
        try:
            found = await self._run([asked for asked, _ in together])
        except BaseException as error:
            for _, come in together[1:]:
                _fail(come, error)
            raise
        for (_, come), records in zip(together, found, strict=True):
            if not come.done():  # nobody waits for it any more
                come.set_result(records)


def _fail(come: "asyncio.Future[Records]", error: BaseException) -> None:
    if isinstance(error, asyncio.CancelledError):
        come.cancel()
    elif not come.done():
        come.set_exception(error)


@lru_cache(maxsize=KEPT)
def joined(several: tuple[Compiled, ...]) -> str:
    """A statement of PostgreSQL whose one record has the records of each, in their order, as an array.

    Their parameters follow one another.
    """
    arrays, before = [], 0
    for place, each in enumerate(several):
        names = [f"c{column}" for column in range(each.width)]
        sql = _PARAMETER.sub(lambda found, before=before: f"${int(found[1]) + before}", each.sql)  # type: ignore[misc]
        row = ", ".join(f"s{place}.{name}" for name in names)
        arrays.append(f"ARRAY(SELECT ROW({row}) FROM ({sql}) AS s{place}({', '.join(names)}))")
        before += len(each.parameters)
    return f"SELECT {', '.join(arrays)}"

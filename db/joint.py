"""Several statements as one: what is asked for in the same turn of the loop goes to PostgreSQL together.

A statement costs the driver and the server a tenth of a millisecond each before it has read anything, and a round trip
(docs/decisions/0014-joint-statements.md).
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final, NamedTuple

from db.statements import Compiled

LONGEST: Final = 12_000
"""Characters of several statements: asyncpg keeps none prepared that is longer than 15,360."""
KEPT: Final = 512
"""Texts."""
Records = Sequence[Sequence[Any]]
_PARAMETER: Final = re.compile(r"\$(\d+)")


class _Asked(NamedTuple):
    """A statement that waits for others, and its records when they have come."""

    compiled: Compiled
    arguments: list[Any]
    come: "asyncio.Future[Records]"


class Joint:
    """Asks for one reader. `run` sends a text with its arguments, and gives the records."""

    def __init__(self, run: Callable[[str, list[Any]], Awaitable[Records]]) -> None:
        self._run = run
        self._asked: list[_Asked] = []
        self._length = 0

    async def records(self, compiled: Compiled, arguments: list[Any]) -> Records:
        """The records of the statement. Whoever is the first asks for all who ask before it is its turn again."""
        come: asyncio.Future[Records] = asyncio.get_running_loop().create_future()
        is_first = not self._asked or self._length + len(compiled.sql) > LONGEST
        if is_first:
            self._asked, self._length = [], 0
        asked = self._asked
        asked.append(_Asked(compiled, arguments, come))
        self._length += len(compiled.sql)
        if is_first:
            await asyncio.sleep(0)
            if self._asked is asked:
                self._asked = []
            await self._ask(asked)
        return await come

    async def _ask(self, asked: list[_Asked]) -> None:
        try:
            found = await self._found(asked)
        except BaseException as error:
            for each in asked[1:]:
                _fail(each.come, error)
            raise
        for each, records in zip(asked, found, strict=True):
            if not each.come.done():  # nobody waits for it any more
                each.come.set_result(records)

    async def _found(self, asked: list[_Asked]) -> Sequence[Records]:
        if len(asked) == 1:
            return [await self._run(asked[0].compiled.sql, asked[0].arguments)]
        sql = joined(tuple(each.compiled for each in asked))
        [found] = await self._run(sql, list(chain.from_iterable(each.arguments for each in asked)))
        return found


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

"""PostgreSQL looks at the values where no plan is good whatever they are, and keeps its plan where one is."""

import asyncio
from collections.abc import Sequence

import pytest

from db.conditions import Condition
from db.database import Database
from db.joint import Asked
from db.listing import Window
from db.queries import tickets
from db.statements import Compiled

RUNS = 9
"""PostgreSQL looks at the first five in any case."""
MINE: Condition = ("or", ((("requester", (1,)),), (("organization", (1,)),)))


async def plans(database: Database, conditions: Sequence[Condition]) -> tuple[int, int]:
    """How many runs of a page of these tickets followed the plan that is kept, and how many had one of their own."""
    window = Window("created_at", descending=True, limit=20)
    for _ in range(RUNS):
        async with database.read() as reads:
            await tickets.LISTING.page(reads, (("workspace", 1), *conditions), window)
    connection = await database.readers.take()
    sql = "SELECT sum(generic_plans), sum(custom_plans) FROM pg_prepared_statements WHERE statement LIKE $1"
    [[[kept, own]]] = await database.readers.fetch(
        connection, [Asked(Compiled(sql, (), (), {}, 2), ["SELECT ticket.%"])]
    )
    await database.readers.give_back(connection)
    return int(kept), int(own)


@pytest.mark.parametrize(
    ("conditions", "is_planned_anew"),
    [
        ((), False),
        ((("status", ("open",)),), False),
        ((("requester", (1,)),), False),
        ((MINE,), False),
        ((("search", "refund"),), True),
        ((("status", ("open",)), ("category", (1,))), True),
        ((MINE, ("tagged", ("a",))), True),
        ((("or", ((("status", ("open",)),), (("requester", (1,)),))),), True),
        ((("not", (("status", ("open",)),)),), True),
    ],
)
@pytest.mark.postgres
async def test_lists(both: list[Database], conditions: tuple[Condition, ...], is_planned_anew: bool) -> None:
    database = next(each for each in both if not each.is_sqlite)
    kept, own = await plans(database, conditions)
    assert kept + own == RUNS
    assert (kept == 0) == is_planned_anew


@pytest.mark.postgres
async def test_a_connection_goes_back_and_forth(both: list[Database]) -> None:
    """Whoever reads next is not planned as the last one was, not even when that one gave up half way."""
    database = next(each for each in both if not each.is_sqlite)
    window = Window("created_at", descending=True, limit=20)
    sought: Sequence[Condition] = (("workspace", 1), ("search", "refund"))

    async def mode() -> str:
        connection = await database.readers.take()
        sql = "SELECT current_setting('plan_cache_mode')"
        asked = Compiled(sql, (), (), {}, 1)
        [[[found]]] = await database.readers.fetch(connection, [Asked(asked, [])])
        await database.readers.give_back(connection)
        return str(found)

    for gives_up in (False, True, False):
        async with database.read() as reads:
            asking = asyncio.create_task(tickets.LISTING.page(reads, sought, window))
            if gives_up:
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        assert await mode() == "auto"

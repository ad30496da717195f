"""Connections for reading that nobody uses wait for the next one who does, whatever the last one did with them."""

import asyncio
import contextlib
import threading

import pytest

from db.database import Database
from db.joint import Asked
from db.statements import Compiled

SLOW = {
    True: "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000000) SELECT max(i) FROM n",
    False: "SELECT pg_sleep(5)",
}


def asked(sql: str) -> Asked:
    """A statement without parameters."""
    return Asked(Compiled(sql, (), (), {}, 1), [])


async def test_the_next_one_gets_the_same_connection(both: list[Database]) -> None:
    for database in both:
        first = await database.readers.take()
        await database.readers.give_back(first)
        second = await database.readers.take()
        assert second is first
        await database.readers.give_back(second)


async def test_a_statement_that_was_given_up_leaves_its_connection_fit(both: list[Database]) -> None:
    """Nobody gets the answer to what somebody else has asked."""
    for database in both:
        connection = await database.readers.take()
        asking = asyncio.create_task(database.readers.fetch(connection, [asked(SLOW[database.is_sqlite])]))
        await asyncio.sleep(0.1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await database.readers.give_back(connection)
        for number in (1, 2):
            again = await database.readers.take()
            async with asyncio.timeout(4):
                [records] = await database.readers.fetch(again, [asked(f"SELECT {number}")])
            assert [tuple(each) for each in records] == [(number,)]
            await database.readers.give_back(again)


async def test_several_statements_give_the_records_of_each(both: list[Database]) -> None:
    for database in both:
        connection = await database.readers.take()
        one, two = await database.readers.fetch(
            connection, [asked("SELECT 1 AS n"), asked("SELECT 2 AS n UNION ALL SELECT 3")]
        )
        assert ([tuple(each) for each in one], sorted(tuple(each) for each in two)) == ([(1,)], [(2,), (3,)])
        await database.readers.give_back(connection)


async def test_one_that_died_is_replaced(both: list[Database]) -> None:
    database = next(each for each in both if not each.is_sqlite)
    taken = [await database.readers.take() for _ in range(2)]
    for connection in taken:
        await database.readers.give_back(connection)
    for connection in taken:
        with contextlib.suppress(Exception):
            connection.terminate()
    for _ in range(2):
        connection = await database.readers.take()
        assert connection not in taken
        [[record]] = await database.readers.fetch(connection, [asked("SELECT 1")])
        assert tuple(record) == (1,)
        await database.readers.give_back(connection)


async def test_no_thread_of_sqlite_outlives_its_database(both: list[Database]) -> None:
    """One whose statement was given up, and which was thrown away, is waited for when the database closes."""
    database = next(each for each in both if each.is_sqlite)
    connection = await database.readers.take()
    at_it = threading.Event()
    asking = asyncio.create_task(connection._execute(at_it.wait, 0.5))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    await database.readers.give_back(connection, broken=True)
    assert connection._thread.is_alive()
    await database.close()
    at_it.set()  # too late, if it is still waiting
    assert connection._tx.empty()

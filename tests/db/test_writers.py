"""Transactions that wait for each other on SQLite share a commit, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiosqlite import Connection
from sqlalchemy import text

from db.database import Database, Tx
from db.writers import MOST_TOGETHER

ADD = text("INSERT INTO note (body) VALUES (:body)")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """A table to write to."""
    found = Database(f"sqlite:///{tmp_path}/notes.db")
    async with found.write() as tx:
        await tx.change(text("CREATE TABLE note (id INTEGER PRIMARY KEY, body TEXT NOT NULL UNIQUE)"))
    yield found
    await found.close()


@pytest.fixture
async def commits(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each commit."""
    found: list[str] = []

    async def seen(self: Connection, sql: str, *arguments: Any) -> Any:
        if sql == "COMMIT":
            found.append(sql)
        return await run(self, sql, *arguments)

    run = Connection.execute_fetchall
    monkeypatch.setattr(Connection, "execute_fetchall", seen)
    return found


async def write(database: Database, *bodies: str, pause_s: float = 0) -> None:
    """One transaction."""
    async with database.write() as tx:
        for body in bodies:
            await tx.change(ADD, {"body": body})
            await asyncio.sleep(pause_s)


async def stored(database: Database) -> set[str]:
    """What a reader sees."""
    async with database.engine.connect() as connection:
        return {body for (body,) in await connection.execute(text("SELECT body FROM note"))}


async def together(*writing: Any) -> list[str]:
    """How each of them ended, by the name of its error."""
    ended = await asyncio.gather(*writing, return_exceptions=True)
    return [type(each).__name__ for each in ended]


async def test_one_alone_commits_by_itself(database: Database, commits: list[str]) -> None:
    for body in "abc":
        await write(database, body)
        assert body in await stored(database)
    assert len(commits) == 3


async def test_those_who_wait_share_a_commit(database: Database, commits: list[str]) -> None:
    bodies = {f"note {number}" for number in range(3 * MOST_TOGETHER)}
    await asyncio.gather(*(write(database, body) for body in bodies))
    assert await stored(database) == bodies
    assert 3 <= len(commits) <= 5


async def test_what_fails_takes_nobody_along(database: Database) -> None:
    ended = await together(
        write(database, "a"), write(database, "b", "a"), write(database, "c"), write(database, "d", "c")
    )
    assert ended == ["NoneType", "WriteRaced", "NoneType", "WriteRaced"]
    assert await stored(database) == {"a", "c"}


async def test_the_first_may_fail_too(database: Database) -> None:
    assert await together(write(database, "a", "a"), write(database, "b")) == ["WriteRaced", "NoneType"]
    assert await stored(database) == {"b"}


@pytest.mark.parametrize("given_up", range(4))
async def test_what_is_given_up_takes_nobody_along(database: Database, given_up: int) -> None:
    tasks = [
        asyncio.create_task(write(database, f"{number}", f"{number}!", pause_s=0.01)) for number in range(4)
    ]
    await asyncio.sleep(0.005 + 0.02 * given_up)
    tasks[given_up].cancel()
    ended = await together(*tasks)
    kept = {f"{number}{mark}" for number in range(4) for mark in ("", "!") if ended[number] == "NoneType"}
    assert ended.count("CancelledError") <= 1
    assert await stored(database) - kept <= {f"{given_up}", f"{given_up}!"}  # given up after it was written
    assert kept <= await stored(database)
    await write(database, "afterwards")


async def test_a_transaction_that_is_lost_is_told_to_all_who_shared_it(database: Database) -> None:
    async def lose(tx: Tx) -> None:
        # what SQLite does by itself when the disk is full
        await tx.connection.execute_fetchall("ROLLBACK")
        raise OSError("the disk is full")

    async def writes_and_loses() -> None:
        async with database.write() as tx:
            await lose(tx)

    ended = await together(
        write(database, "a"), write(database, "b"), writes_and_loses(), write(database, "c")
    )
    assert ended == ["DatabaseUnavailable", "DatabaseUnavailable", "OSError", "NoneType"]
    assert await stored(database) == {"c"}
    with pytest.raises(OSError, match="disk"):
        await writes_and_loses()
    await write(database, "afterwards")
    assert await stored(database) == {"c", "afterwards"}


async def test_sqlite_studies_what_has_grown(database: Database) -> None:
    await write(database, *(f"note {number}" for number in range(200)))
    await database.study()
    async with database.engine.connect() as connection:
        found = await connection.execute(text("SELECT stat FROM sqlite_stat1 WHERE tbl = 'note'"))
        assert [stat for (stat,) in found] == ["200 1"]

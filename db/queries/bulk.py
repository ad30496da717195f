"""Rows by the hundred thousand, for `answer demo`: COPY on PostgreSQL, one prepared INSERT on SQLite.

What is written comes from db/queries/loads.py; it is the caller's to be right about counters.
The driver is spoken to directly, inside the transaction: SQLAlchemy's own inserts take five times as long.
"""

import contextlib
import io
import json
import sqlite3
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import asyncpg
from sqlalchemy import BigInteger, Dialect, Table, bindparam, func, select
from sqlalchemy.dialects import postgresql

from db import rows, tables
from db.database import Database, Tx
from db.errors import DatabaseUnavailable, WriteRaced
from db.queries import activity, figures, ratings, replies, tallies
from db.queries.figures import Work, handed_over
from db.queries.loads import Load, Model
from db.statements import Statement, table_of

_TIMEOUT_S: Final = 3600.0
"""Of one COPY or one index: the connection's own limit is made for the statements of a request."""
_SQLITE_CACHE_KIB: Final = 128 * 1024
_SORTING_MIB: Final = 256
"""Memory of PostgreSQL while it makes an index."""
_MANY_TICKETS: Final = 5_000
_FILLED: Final = (
    "organization", '"user"', "user_search", "category", "ticket", "ticket_search", "tag", "watcher", "reply", "activity",
    "rating", "ticket_tally", "figure",
)  # fmt: skip
_DEFINITIONS: Final = """
    WITH filled AS (SELECT oid::regclass AS name FROM pg_class WHERE oid = ANY ($1::text[]::regclass[]))
    SELECT drop, make FROM (
        SELECT 1 AS turn, name, format('ALTER TABLE %s DROP CONSTRAINT %I', name, conname) AS drop,
               format('ALTER TABLE %s ADD CONSTRAINT %I %s', name, conname, pg_get_constraintdef(pg_constraint.oid))
                   AS make
        FROM filled JOIN pg_constraint ON conrelid = name WHERE contype = 'f'
        UNION ALL
        SELECT 0, name, format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
        FROM filled JOIN pg_index ON indrelid = name WHERE NOT indisprimary AND NOT indisunique
    ) AS parts ORDER BY turn, name::text, drop
"""
"""Statements that drop and make again each index (first) and each foreign key of the tables."""

_POSTGRESQL: Final[Dialect] = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy left it out


# --- what is there already ------------------------------------------------------------------------------------

_user, _organization = table_of(tables.User), table_of(tables.Organization)
_category, _ticket = table_of(tables.Category), table_of(tables.Ticket)
_WORKSPACE = bindparam("workspace_id", type_=BigInteger())

ACTIVE_STAFF: Statement[tuple[str, int]] = Statement(
    select(_user.c.email_key, _user.c.id).where(
        _user.c.workspace_id == _WORKSPACE, _user.c.is_active, _user.c.type != "customer"
    ),
    lambda *found: found,
)
"""(e-mail as compared, id) of the agents and admins who may work."""
ADDRESSES: Statement[str] = Statement(
    select(_user.c.email_key).where(_user.c.workspace_id == _WORKSPACE), str
)
"""Every e-mail address of the workspace, as compared."""
ORGANIZATIONS_BY_DOMAIN: Statement[tuple[str, int]] = Statement(
    select(_organization.c.domain, _organization.c.id).where(
        _organization.c.workspace_id == _WORKSPACE, _organization.c.domain.is_not(None)
    ),
    lambda *found: found,
)
CATEGORIES_BY_SLUG: Statement[tuple[str, int]] = Statement(
    select(_category.c.slug, _category.c.id).where(_category.c.workspace_id == _WORKSPACE),
    lambda *found: found,
)
TICKET_COUNT: Statement[int] = Statement(
    select(func.count()).select_from(_ticket).where(_ticket.c.workspace_id == _WORKSPACE), int
)


async def new_ids(tx: Tx, model: Model, count: int) -> Sequence[int]:
    """Ids for that many new rows, ascending. They are taken for good, even when the transaction fails."""
    table = table_of(model).name
    driver = tx.connection
    if tx.is_sqlite:
        # nobody else writes until this transaction ends, and AUTOINCREMENT learns of explicit ids by itself
        [(last,)] = await driver.execute_fetchall(
            f'SELECT max(coalesce((SELECT max(id) FROM "{table}"), 0), '
            "coalesce((SELECT max(seq) FROM sqlite_sequence WHERE name = ?), 0))",
            (table,),
        )
        return range(last + 1, last + 1 + count)
    found = await driver.fetchval(
        f"SELECT array_agg(nextval(pg_get_serial_sequence('\"{table}\"', 'id'))) FROM generate_series(1, $1)",
        count,
        timeout=_TIMEOUT_S,
    )
    return found or []


# --- adding ---------------------------------------------------------------------------------------------------


async def add(tx: Tx, loads: Iterable[Load]) -> None:
    """Add the rows, one load after the other."""
    driver = tx.connection
    for table, names, body, is_text in loads:
        if not body:
            continue
        with _as_ours():
            if isinstance(body, bytes):
                await driver.copy_to_table(
                    table,
                    source=io.BytesIO(body),
                    columns=names,
                    format="text" if is_text else "binary",
                    timeout=_TIMEOUT_S,
                )
            else:
                listed, marks = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
                await driver.executemany(f'INSERT INTO "{table}" ({listed}) VALUES ({marks})', body)


async def add_up(tx: Tx, counted: Mapping[tallies.Cell, int], added_up: Mapping[figures.Cell, int]) -> None:
    """Add to the tallies and the figures at once; on PostgreSQL all of each in one statement."""
    if tx.is_sqlite:
        await tallies.add(tx, counted)
        await figures.add(tx, added_up)
        return
    for table, added in (
        (tallies.tally, tallies.rows_of(counted)),
        (figures.figure, figures.rows_of(added_up)),
    ):
        if added:
            columns = [[row[column.name] for row in added] for column in table.columns]
            with _as_ours():
                await tx.connection.execute(_sum_up(table), *columns, timeout=_TIMEOUT_S)


def _sum_up(table: Table) -> str:
    """A statement that takes a list for each column, adds the rows, and adds to the amounts of those that are there."""
    names = ", ".join(table.columns.keys())
    key = ", ".join(table.primary_key.columns.keys())
    lists = ", ".join(
        f"${number}::{column.type.compile(_POSTGRESQL)}[]"
        for number, column in enumerate(table.columns, start=1)
    )
    sums = ", ".join(
        f"{name} = {table.name}.{name} + excluded.{name}"
        for name, column in table.columns.items()
        if not column.primary_key
    )
    return (
        f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({lists}) "  # names of ours
        f"ON CONFLICT ({key}) DO UPDATE SET {sums}"
    )


def work_in(
    written: Iterable[rows.Reply], log: Iterable[rows.Activity], rated: Iterable[rows.Rating]
) -> Iterator[Work]:
    """What statistics count of all this."""
    yield from (replies.work_of(row) for row in written if row.is_by_staff)
    for line in log:
        if line.from_value is not None and activity.is_handed_over(line.action, line.from_value):
            yield handed_over(line.workspace_id, int(line.from_value), line.created_at)
    yield from ratings.work_of(rated)


# --- around it ------------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def loading(tx: Tx, tickets: int) -> AsyncIterator[list[str]]:
    """Make the engine ready for many rows, and afterwards as it was. Only for `add` and `add_up` of one transaction.

    Yields statements that were put off: the block has to `run` all of them, in their order, when the rows are there.

    When no workspace has a ticket yet and there will be many, indexes are made after the rows, and on PostgreSQL
    foreign keys, too, which takes a third of the time. Until the transaction ends nobody else can use the tables there.
    """
    driver = tx.connection
    if tx.is_sqlite:
        [(before,)] = await driver.execute_fetchall("PRAGMA cache_size")
        await driver.execute(f"PRAGMA cache_size=-{_SQLITE_CACHE_KIB}")
        # a failure may have closed the connection: then there is nothing to set back
        yield await _put_indexes_off(driver) if tickets >= _MANY_TICKETS else []
        await driver.execute(f"PRAGMA cache_size={before}")
        return
    yield await _put_off(driver) if tickets >= _MANY_TICKETS else []


async def run(tx: Tx, statement: str) -> None:
    """Run one of the statements that were put off."""
    with _as_ours():
        if tx.is_sqlite:
            await tx.connection.execute_fetchall(statement)
        else:
            await tx.connection.execute(statement, timeout=_TIMEOUT_S)


async def _put_indexes_off(driver: Any) -> list[str]:
    """SQLite: drop secondary indexes of empty tables; the statements that make them again."""
    [(is_there,)] = await driver.execute_fetchall("SELECT EXISTS (SELECT 1 FROM ticket)")
    if is_there:
        return []
    names = [name.strip('"') for name in _FILLED]
    found = await driver.execute_fetchall(
        # those without a text belong to a constraint
        "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL "
        "AND tbl_name IN (SELECT value FROM json_each(?)) ORDER BY tbl_name, name",
        (json.dumps(names),),
    )
    for name, _ in found:
        await driver.execute(f'DROP INDEX "{name}"')
    return [make for _, make in found]


async def _put_off(driver: Any) -> list[str]:
    """Drop secondary indexes and foreign keys of empty tables; the statements that make them again."""
    try:
        async with driver.transaction():  # a savepoint: whoever uses the tables now need not be waited for
            await driver.execute(f"LOCK TABLE {', '.join(_FILLED)} IN ACCESS EXCLUSIVE MODE NOWAIT")
    except asyncpg.LockNotAvailableError:
        return []
    if await driver.fetchval("SELECT EXISTS (SELECT FROM ticket)"):
        return []
    found = await driver.fetch(_DEFINITIONS, list(_FILLED))
    for drop, _ in found:
        await driver.execute(drop)
    await driver.execute(f"SET LOCAL maintenance_work_mem = '{_SORTING_MIB}MB'")
    return [make for _, make in found]


async def tidy(database: Database) -> None:
    """After the commit: statistics on both, visibility on PostgreSQL, an empty log on SQLite.

    Both would come by themselves one day; until then the first queries would be slow.
    """
    async with database.engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        with _as_ours():
            if database.is_sqlite:
                # a reader may hold the log: then it stays until the next time
                await driver.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
                await driver.execute_fetchall("PRAGMA analysis_limit=1000")
                await driver.execute_fetchall("ANALYZE")
            else:
                await driver.execute(f"VACUUM (ANALYZE) {', '.join(_FILLED)}", timeout=_TIMEOUT_S)


# --- how ------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _as_ours() -> Iterator[None]:
    """What the drivers raise, as `Database.write` would have put it."""
    try:
        yield
    except (asyncpg.IntegrityConstraintViolationError, sqlite3.IntegrityError) as error:
        raise WriteRaced(type(error).__name__) from error
    except (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError, OSError) as error:
        raise DatabaseUnavailable(type(error).__name__) from error

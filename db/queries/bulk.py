"""Rows by the hundred thousand, for `answer demo`: COPY on PostgreSQL, one prepared INSERT on SQLite.

What is written is what the other queries would have written, row by row; it is the caller's to be right about counters.
The driver is spoken to directly, inside the transaction: SQLAlchemy's own inserts take five times as long.
"""

import contextlib
import datetime as dt
import io
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any, Final

import asyncpg
import msgspec
from sqlalchemy import JSON, BigInteger, Dialect, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import SQLModel

from db import rows, tables
from db.database import Database, Tx
from db.errors import DatabaseUnavailable, WriteRaced
from db.queries import activity, ratings, replies
from db.queries.figures import Work, handed_over
from db.queries.indexes import TICKETS, USERS
from db.queries.tickets import words as ticket_words
from db.queries.users import words as user_words
from db.search import IndexedWords
from db.statements import Statement, table_of
from db.types import UtcDateTime

_TIMEOUT_S: Final = 3600.0
"""Of one COPY or one index: the connection's own limit is made for the statements of a request."""
_SQLITE_CACHE_KIB: Final = 128 * 1024
_SORTING_MIB: Final = 256
"""Memory of PostgreSQL while it makes an index."""
_MANY_TICKETS: Final = 5_000
_FILLED: Final = (
    "organization", '"user"', "user_search", "category", "ticket", "ticket_search", "tag", "watcher", "reply", "activity",
    "rating",
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

_SQLITE: Final[Dialect] = sqlite.dialect()
_POSTGRESQL: Final[Dialect] = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy left it out

Model = type[SQLModel]
Record = Sequence[Any]
Encoder = Callable[[Any], Any]


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
    found = await driver.fetch(
        f"SELECT nextval(pg_get_serial_sequence('\"{table}\"', 'id')) FROM generate_series(1, $1)",
        count,
        timeout=_TIMEOUT_S,
    )
    return [record[0] for record in found]


# --- adding ---------------------------------------------------------------------------------------------------


async def add_organizations(tx: Tx, added: Sequence[rows.Organization]) -> None:
    """New organizations with the ids and counts they carry."""
    await _insert(tx, tables.Organization, rows.Organization.__struct_fields__, added)


async def add_categories(tx: Tx, added: Sequence[rows.Category]) -> None:
    """New categories with the ids and counts they carry, parents before their children."""
    await _insert(tx, tables.Category, rows.Category.__struct_fields__, added)


async def add_users(tx: Tx, added: Sequence[rows.User], email_key: Callable[[str], str]) -> None:
    """New users with the ids and counts they carry, and their search entries."""
    names = rows.User.__struct_fields__
    records = _columns(tx, tables.User, names, added)
    keys = [email_key(person.email) for person in added]
    await _insert_columns(tx, "user", (*names, "email_key"), [*records, keys])
    await _remember(tx, USERS, ((person.id, user_words(person)) for person in added))


async def add_tickets(tx: Tx, added: Sequence[rows.Ticket]) -> None:
    """New tickets with the ids they carry, their tags and search entries."""
    await _insert(tx, tables.Ticket, rows.Ticket.__struct_fields__, added)
    tagged = [(row.id, name, row.workspace_id) for row in added for name in row.tags]
    await _insert_records(tx, "tag", ("ticket_id", "name", "workspace_id"), tagged)
    await _remember(tx, TICKETS, ((row.id, ticket_words(row)) for row in added))


async def add_replies(tx: Tx, added: Sequence[rows.Reply]) -> None:
    """New replies; they get their ids here, in the order given."""
    await _insert(tx, tables.Reply, rows.Reply.__struct_fields__[1:], added)


async def add_activity(tx: Tx, added: Sequence[rows.Activity]) -> None:
    """New log lines; they get their ids here, in the order given."""
    await _insert(tx, tables.Activity, rows.Activity.__struct_fields__[1:], added)


async def add_ratings(tx: Tx, added: Sequence[rows.Rating]) -> None:
    """New ratings; they get their ids here, in the order given."""
    await _insert(tx, tables.Rating, rows.Rating.__struct_fields__[1:], added)


async def add_watchers(tx: Tx, workspace_id: int, added: Iterable[tuple[int, int, dt.datetime]]) -> None:
    """New watchers: ticket, user, since when."""
    names = ("ticket_id", "user_id", "created_at", "workspace_id")
    when = _encoder(tx, tables.Watcher, "created_at")
    records = [
        (ticket_id, user_id, when(since) if when else since, workspace_id)
        for ticket_id, user_id, since in added
    ]
    await _insert_records(tx, "watcher", names, records)


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
async def loading(tx: Tx, tickets: int) -> AsyncIterator[None]:
    """Make the engine ready for many rows, and afterwards as it was. Only for `add_…` calls of one transaction.

    PostgreSQL: when no workspace has a ticket yet and there will be many, indexes and foreign keys are made after
    the rows, which takes a third of the time. Until the transaction ends nobody else can use the tables then.
    """
    driver = tx.connection
    if tx.is_sqlite:
        [(before,)] = await driver.execute_fetchall("PRAGMA cache_size")
        await driver.execute(f"PRAGMA cache_size=-{_SQLITE_CACHE_KIB}")
        yield  # a failure may have closed the connection: then there is nothing to set back
        await driver.execute(f"PRAGMA cache_size={before}")
        return
    later = await _put_off(driver) if tickets >= _MANY_TICKETS else []
    yield
    for statement in later:
        with _as_ours():
            await driver.execute(statement, timeout=_TIMEOUT_S)


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
                await driver.execute(
                    f"VACUUM (ANALYZE) {', '.join(_FILLED)}, ticket_tally, figure", timeout=_TIMEOUT_S
                )


# --- how ------------------------------------------------------------------------------------------------------


async def _insert(tx: Tx, model: Model, names: tuple[str, ...], added: Sequence[Any]) -> None:
    await _insert_columns(tx, table_of(model).name, names, _columns(tx, model, names, added))


async def _insert_columns(tx: Tx, table: str, names: tuple[str, ...], columns: list[Iterable[Any]]) -> None:
    await _insert_records(tx, table, names, list(zip(*columns, strict=True)))


async def _insert_records(tx: Tx, table: str, names: tuple[str, ...], records: Sequence[Record]) -> None:
    if not records:
        return
    driver = tx.connection
    with _as_ours():
        if tx.is_sqlite:
            listed, marks = ", ".join(f'"{name}"' for name in names), ", ".join("?" * len(names))
            await driver.executemany(f'INSERT INTO "{table}" ({listed}) VALUES ({marks})', records)
        else:
            await driver.copy_records_to_table(table, records=records, columns=names, timeout=_TIMEOUT_S)


async def _remember(tx: Tx, index: str, entries: Iterable[tuple[int, str]]) -> None:
    """Search entries. COPY takes a tsvector as text only; our words hold nothing that it would want escaped."""
    encode = IndexedWords().process_bind_param
    driver = tx.connection
    dialect = _SQLITE if tx.is_sqlite else _POSTGRESQL
    with _as_ours():
        if tx.is_sqlite:
            records = [(row_id, encode(text, dialect)) for row_id, text in entries]
            await driver.executemany(f"INSERT INTO {index} (rowid, words) VALUES (?, ?)", records)
            return
        lines = "".join([f"{row_id}\t{encode(text, dialect)}\n" for row_id, text in entries])
        await driver.copy_to_table(
            index,
            source=io.BytesIO(lines.encode()),
            columns=("row_id", "words"),
            format="text",
            timeout=_TIMEOUT_S,
        )


def _columns(tx: Tx, model: Model, names: tuple[str, ...], added: Sequence[Any]) -> list[Iterable[Any]]:
    """The values column by column, as the driver takes them."""
    found: list[Iterable[Any]] = []
    for name in names:
        values = map(attrgetter(name), added)
        encode = _encoder(tx, model, name)
        found.append(values if encode is None else map(encode, values))
    return found


def _encoder(tx: Tx, model: Model, name: str) -> Encoder | None:
    kind = table_of(model).c[name].type
    if isinstance(kind, JSON):
        return _json
    return _sqlite_instant if tx.is_sqlite and isinstance(kind, UtcDateTime) else None


def _json(value: Any) -> str:
    """As compact text: PostgreSQL keeps JSON as it was sent, and readers parse it."""
    return msgspec.json.encode(value).decode()


def _sqlite_instant(value: dt.datetime | None) -> str | None:
    """The text that SQLAlchemy stores for an instant in UTC: without the zone, always six digits of a second."""
    return None if value is None else value.isoformat(" ", "microseconds")[:26]


@contextlib.contextmanager
def _as_ours() -> Iterator[None]:
    """What the drivers raise, as `Database.write` would have put it."""
    try:
        yield
    except (asyncpg.IntegrityConstraintViolationError, sqlite3.IntegrityError) as error:
        raise WriteRaced(type(error).__name__) from error
    except (asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError, OSError) as error:
        raise DatabaseUnavailable(type(error).__name__) from error

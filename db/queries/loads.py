"""Rows by the thousand on their way into the database, in the form in which its driver takes them (db/queries/bulk.py).

They can be made anywhere, in another process too: bytes for PostgreSQL's COPY, the values of an INSERT for SQLite. What
is stored is what the other queries would have stored, row by row; it is the caller's to be right about counters.
"""

import datetime as dt
import functools
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import JSON, BigInteger, Boolean, Dialect, Integer
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

from db import rows, tables
from db.queries.indexes import TICKETS, USERS
from db.queries.tickets import words as ticket_words
from db.queries.users import words as user_words
from db.search import MOST_POSITIONS, IndexedWords, words_of
from db.statements import table_of
from db.types import UtcDateTime

_SQLITE: Final[Dialect] = sqlite.dialect()
_BEGIN: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END: Final = b"\xff\xff"
_NULL: Final = b"\xff\xff\xff\xff"
_LENGTH: Final = struct.Struct(">i").pack
_SMALL: Final = functools.partial(struct.Struct(">ii").pack, 4)
_LARGE: Final = functools.partial(struct.Struct(">iq").pack, 8)
_BOOLEAN: Final = (b"\0\0\0\1\0", b"\0\0\0\1\1")
_EPOCH: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
"""From where PostgreSQL counts."""
_US: Final = dt.timedelta(microseconds=1)

Model = type[SQLModel]
Record = Sequence[Any]
Encoder = Callable[[Any], Any]


class Load(NamedTuple):
    """Rows of one table: as COPY reads them, in binary or as text, or as the records of an INSERT."""

    table: str
    names: tuple[str, ...]
    body: bytes | list[Record]
    is_text: bool = False


# --- what is loaded -------------------------------------------------------------------------------------------


class Packer:
    """Makes loads for one of the engines."""

    def __init__(self, *, for_sqlite: bool) -> None:
        self._for_sqlite = for_sqlite

    def organizations(self, added: Sequence[rows.Organization]) -> list[Load]:
        """New organizations with the ids and counts they carry."""
        return [self._rows(tables.Organization, rows.Organization.__struct_fields__, added)]

    def categories(self, added: Sequence[rows.Category]) -> list[Load]:
        """New categories with the ids they carry, parents before their children."""
        return [self._rows(tables.Category, rows.Category.__struct_fields__, added)]

    def users(self, added: Sequence[rows.User], email_key: Callable[[str], str]) -> list[Load]:
        """New users with the ids and counts they carry, and their search entries."""
        names = rows.User.__struct_fields__
        keys = [email_key(person.email) for person in added]
        people = self._load(tables.User, (*names, "email_key"), [*_columns(names, added), keys])
        return [
            people,
            self._entries(USERS, ((person.workspace_id, person.id, user_words(person)) for person in added)),
        ]

    def tickets(self, added: Sequence[rows.Ticket]) -> list[Load]:
        """New tickets with the ids they carry, their tags and search entries."""
        names = ("ticket_id", "name", "workspace_id")
        tagged = [(row.id, name, row.workspace_id) for row in added for name in row.tags]
        return [
            self._rows(tables.Ticket, rows.Ticket.__struct_fields__, added),
            self._load(tables.Tag, names, _turned(names, tagged)),
            self._entries(TICKETS, ((row.workspace_id, row.id, ticket_words(row)) for row in added)),
        ]

    def replies(self, added: Sequence[rows.Reply]) -> list[Load]:
        """New replies; the database gives them ids, in the order given."""
        return [self._rows(tables.Reply, rows.Reply.__struct_fields__[1:], added)]

    def activity(self, added: Sequence[rows.Activity]) -> list[Load]:
        """New log lines; the database gives them ids, in the order given."""
        return [self._rows(tables.Activity, rows.Activity.__struct_fields__[1:], added)]

    def ratings(self, added: Sequence[rows.Rating]) -> list[Load]:
        """New ratings; the database gives them ids, in the order given."""
        return [self._rows(tables.Rating, rows.Rating.__struct_fields__[1:], added)]

    def watchers(self, workspace_id: int, added: Sequence[tuple[int, int, dt.datetime]]) -> list[Load]:
        """New watchers: ticket, user, since when."""
        names = ("ticket_id", "user_id", "created_at", "workspace_id")
        return [self._load(tables.Watcher, names, _turned(names, [(*each, workspace_id) for each in added]))]

    # --- how --------------------------------------------------------------------------------------------------

    def _rows(self, model: Model, names: tuple[str, ...], added: Sequence[Any]) -> Load:
        return self._load(model, names, _columns(names, added))

    def _load(self, model: Model, names: tuple[str, ...], columns: list[Iterable[Any]]) -> Load:
        table = table_of(model)
        encoded = _for_sqlite if self._for_sqlite else _binary
        found = [
            encoded(table.c[name].type, values, is_nullable=bool(table.c[name].nullable))
            for name, values in zip(names, columns, strict=True)
        ]
        if self._for_sqlite:
            return Load(table.name, names, list(zip(*found, strict=True)))
        # each record begins with the number of its columns
        found[0] = map(struct.pack(">h", len(names)).__add__, found[0])
        records = chain.from_iterable(zip(*found, strict=True))
        return Load(table.name, names, b"".join(chain((_BEGIN,), records, (_END,))))

    def _entries(self, index: str, entries: Iterable[tuple[int, int, str]]) -> Load:
        """Search entries. COPY takes a tsvector as text only; words hold nothing that it would want escaped."""
        if self._for_sqlite:
            encode = IndexedWords().process_bind_param
            return Load(
                index, ("rowid", "words"), [(row_id, encode(text, _SQLITE)) for _, row_id, text in entries]
            )
        lines = "".join(
            [f"{row_id}\t{whose}\t{_placed(words_of(text))}\n" for whose, row_id, text in entries]
        )
        return Load(index, ("row_id", "workspace_id", "words"), lines.encode(), is_text=True)


def _columns(names: Iterable[str], added: Sequence[Any]) -> list[Iterable[Any]]:
    """The values of rows, column by column."""
    return [map(attrgetter(name), added) for name in names]


def _turned(names: Sequence[str], records: Sequence[Record]) -> list[Iterable[Any]]:
    """The values of records, column by column, of none, too."""
    return list(zip(*records, strict=True)) or [()] * len(names)


def _placed(words: Sequence[str]) -> str:
    """What `IndexedWords` makes of so few words as a sample has: PostgreSQL puts those that are the same together."""
    return _places(len(words)) % tuple(words)


@functools.lru_cache(maxsize=1000)
def _places(count: int) -> str:
    return " ".join(f"'%s':{min(place, MOST_POSITIONS)}" for place in range(1, count + 1))


# --- SQLite ---------------------------------------------------------------------------------------------------


def _for_sqlite(kind: TypeEngine[Any], values: Iterable[Any], *, is_nullable: bool) -> Iterable[Any]:
    if isinstance(kind, JSON):
        return map(_json_text, values)
    if isinstance(kind, UtcDateTime):
        return _encoded(_instant_text, values, None, is_nullable=is_nullable)
    return values


def _json_text(value: Any) -> str:
    """Compact: readers parse what is stored."""
    return msgspec.json.encode(value).decode()


def _instant_text(value: dt.datetime) -> str:
    """The text that SQLAlchemy stores for an instant in UTC: without the zone, always six digits of a second."""
    return value.isoformat(" ", "microseconds")[:26]


# --- PostgreSQL's binary COPY: each value behind its length ---------------------------------------------------


def _binary(kind: TypeEngine[Any], values: Iterable[Any], *, is_nullable: bool) -> Iterable[bytes]:
    return _encoded(_binary_encoder(kind), values, _NULL, is_nullable=is_nullable)


def _binary_encoder(kind: TypeEngine[Any]) -> Encoder:
    if isinstance(kind, JSON):
        return _json_bytes
    if isinstance(kind, UtcDateTime):
        return _instant_bytes
    if isinstance(kind, Boolean):
        return _BOOLEAN.__getitem__
    if isinstance(kind, BigInteger):
        return _LARGE
    return _SMALL if isinstance(kind, Integer) else _text_bytes


def _text_bytes(value: str) -> bytes:
    text = value.encode()
    return _LENGTH(len(text)) + text


def _json_bytes(value: Any) -> bytes:
    text = msgspec.json.encode(value)
    return _LENGTH(len(text)) + text


def _instant_bytes(value: dt.datetime) -> bytes:
    return _LARGE((value - _EPOCH) // _US)


def _encoded(encode: Encoder, values: Iterable[Any], nothing: Any, *, is_nullable: bool) -> Iterator[Any]:
    if is_nullable:
        return (nothing if value is None else encode(value) for value in values)
    return map(encode, values)

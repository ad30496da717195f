"""Full-text search behind one function, the same words on both engines (D21).

Words are found here, not by the engines: both index exactly the words `words_of` gives, so accents, case and scripts
behave alike on SQLite (FTS5, whose `ascii` tokenizer only splits at our blanks) and PostgreSQL (a tsvector built by us).
"""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Boolean, Dialect, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

LONGEST_WORD = 64
"""Characters of a word that are indexed and compared: PostgreSQL refuses lexemes over 2,046 bytes."""
MOST_POSITIONS = 16_383
"""PostgreSQL keeps no positions beyond this; words behind it are still found, only phrases are not."""
MOST_SOUGHT_WORDS = 32
"""Words of a query that are looked at: a pasted page is no reason for a thousand index look-ups."""

# scripts written without blanks: each character is a word, and neighbours are sought as a phrase
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")
_PART = re.compile(r'"([^"]*)"|(\S+)')


class Phrase(NamedTuple):
    """Words that must follow one another; the last may be the start of a longer word."""

    words: list[str]
    is_prefix: bool


def words_of(text: str) -> list[str]:
    """The words of a text as they are indexed: folded, in order, accents and case gone."""
    return [word[:LONGEST_WORD] for word in _WORD.findall(_folded(text))]


def _folded(text: str) -> str:
    plain = text.casefold()
    if plain.isascii():
        return plain
    letters = unicodedata.normalize("NFKD", plain)
    # nothing below U+0300 combines, and most letters are below
    return "".join(
        [each for each in letters if each < "\u0300" or not unicodedata.combining(each)]
    ).casefold()


def sought(text: str) -> list[Phrase]:
    """What a person's search asks for: every phrase must be there. Empty when the text holds no word.

    "quoted words" are a phrase; the last word, unless quoted, is also taken as a prefix. Nothing else has a
    meaning: operators of either engine are only words or nothing.
    """
    phrases = []
    left = MOST_SOUGHT_WORDS
    for words, is_quoted, is_last in _parts(text):
        if words and left > 0:
            phrases.append(Phrase(words[:left], is_prefix=is_last and not is_quoted))
            left -= len(words)
    return phrases


def _parts(text: str) -> Iterator[tuple[list[str], bool, bool]]:
    parts = list(_PART.finditer(text))
    for part in parts:
        is_quoted = part.group(1) is not None
        yield words_of(part.group(1) if is_quoted else part.group(2)), is_quoted, part is parts[-1]


class IndexedWords(TypeDecorator[str]):
    """A text on its way into the index."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str:
        """Blank-separated words for FTS5, `'word':position` for PostgreSQL."""
        words = words_of(value or "")
        if dialect.name == "sqlite":
            return " ".join(words)
        positions: dict[str, list[int]] = {}
        for position, word in enumerate(words, start=1):
            # a word keeps at most 256 positions in PostgreSQL, which is also why repeating one is cheap
            positions.setdefault(word, []).append(min(position, MOST_POSITIONS))
        return " ".join(f"'{word}':{','.join(map(str, at[:255]))}" for word, at in positions.items())


class SoughtWords(TypeDecorator[str]):
    """A person's search on its way to the engine."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str:
        """An FTS5 query or a tsquery. Words hold only letters and digits, so quoting them is safe."""
        phrases = sought(value or "")
        if dialect.name == "sqlite":
            # no phrase at all: a word that no index holds, as FTS5 refuses an empty query
            return " AND ".join(map(_fts5, phrases)) or '"\x01"'
        return " & ".join(map(_tsquery, phrases))


def _fts5(phrase: Phrase) -> str:
    return f'"{" ".join(phrase.words)}"' + (" *" if phrase.is_prefix else "")


def _tsquery(phrase: Phrase) -> str:
    return "(" + " <-> ".join(f"'{word}'" for word in phrase.words) + (":*" if phrase.is_prefix else "") + ")"


class matching(FunctionElement[bool]):  # noqa: N801  # reads as the SQL function it is
    """`matching(id, 'ticket_search', bindparam(type_=SoughtWords()))`: the row's index entry has the words."""

    type = Boolean()
    inherit_cache = True
    name = "matching"
    _is_implicitly_boolean = True  # as `any_of` is, and for the same reason

    def __init__(self, row_id: Any, index: Any, query: Any) -> None:
        super().__init__(row_id, index, query)


@compiles(matching, "postgresql")
def _matching_postgresql(element: matching, compiler: SQLCompiler, **kw: Any) -> str:
    row_id, index, query = (compiler.process(part, **kw) for part in element.clauses)
    return f"{row_id} IN (SELECT row_id FROM {index} WHERE words @@ CAST({query} AS tsquery))"


@compiles(matching, "sqlite")
def _matching_sqlite(element: matching, compiler: SQLCompiler, **kw: Any) -> str:
    row_id, index, query = (compiler.process(part, **kw) for part in element.clauses)
    return f"{row_id} IN (SELECT rowid FROM {index} WHERE {index} MATCH {query})"

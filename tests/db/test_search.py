"""Search gives the same on both engines, and what D21 says: checked against a search in ten lines of Python."""

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.database import Database, Tx
from db.queries import indexes, tickets
from db.search import LONGEST_WORD, words_of
from tests.db.corpus import replace_tickets

# few words with much in common, so that most searches find something
WORDS = [
    "log",
    "login",
    "Logins",
    "élan",
    "ELAN",
    "e\u0301lan",
    "straße",
    "STRASSE",
    "東京",
    "京都",
    "x1",
    "ﬁle",
    "a",
]
TEXTS = st.lists(st.sampled_from([*WORDS, "-", "_", "'", '"', "\\", ":", "&", "*", "\n", "💥"]), max_size=8)
CORPUS = st.lists(TEXTS.map(" ".join) | st.text(max_size=12), min_size=1, max_size=6)
QUERIES = st.lists(
    TEXTS.map(" ".join)
    | TEXTS.map("".join)
    | st.text(max_size=8)
    | TEXTS.map(lambda words: f'"{" ".join(words)}"'),
    min_size=1,
    max_size=8,
)


def is_found(text: str, query: str) -> bool:
    """D21, without an index."""
    held = words_of(text)
    parts = list(re.finditer(r'"([^"]*)"|(\S+)', query))
    phrases = [(words_of(part[1] or part[2] or ""), part is parts[-1] and part[1] is None) for part in parts]
    return any(words for words, _ in phrases) and all(
        not words or _stands_in(held, words, is_prefix) for words, is_prefix in phrases
    )


def _stands_in(held: list[str], words: list[str], is_prefix: bool) -> bool:
    for place in range(len(held) - len(words) + 1):
        there = held[place : place + len(words)]
        last_fits = there[-1].startswith(words[-1]) if is_prefix else there[-1] == words[-1]
        if there[:-1] == words[:-1] and last_fits:
            return True
    return False


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(corpus=CORPUS, queries=QUERIES)
async def test_both_engines_find_the_same(
    both: list[Database], corpus: list[str], queries: list[str]
) -> None:
    texts = [text.replace("\x00", " ") for text in corpus]
    expected = [
        [number for number, text in enumerate(texts, start=1) if is_found(text, query)] for query in queries
    ]
    for database in both:
        await _hold(database, texts)
        async with database.read() as reads:
            for query, ids in zip(queries, expected, strict=True):
                found = await tickets.LISTING.every(reads, [("search", query.replace("\x00", " "))])
                assert sorted(row.id for row in found) == ids, (database.engine.name, query)
                for workspace_id, there in ((1, len(ids)), (2, 0)):
                    conditions = [("workspace", workspace_id), ("search", query.replace("\x00", " "))]
                    assert await tickets.LISTING.count(reads, conditions) == there, (
                        database.engine.name,
                        query,
                    )


async def _hold(database: Database, texts: list[str]) -> None:
    """Let these be all the tickets, findable by their content."""
    await replace_tickets(database, [{"content": text, "subject": ""} for text in texts])
    async with database.write() as tx:
        await _forget_everything(tx, len(texts))
        for number, text in enumerate(texts, start=1):
            await indexes.remember(tx, indexes.TICKETS, 1, number, text)


async def _forget_everything(tx: Tx, number: int) -> None:
    for row_id in range(1, max(number, 6) + 1):
        await indexes.forget(tx, indexes.TICKETS, row_id)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=40))
def test_words_are_folded_once_and_for_all(text: str) -> None:
    words = words_of(text)
    assert words_of(" ".join(words)) == words
    assert all(
        0 < len(word) <= LONGEST_WORD and not re.search(r"[\s_'\"\\&|!:*()<>-]", word) for word in words
    )
    assert words_of(text.upper()) == words_of(text.upper().lower().upper())

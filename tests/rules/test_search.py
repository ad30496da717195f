"""Search of tickets (D21): words, the last also as a beginning, quoted phrases, case and accents blind."""

import pytest

from tests.conftest import Person
from tests.doors import Door, opened

SYNTAX = (
    '"unclosed', '"', '""', "*", "a OR", "OR", "NEAR(", "NEAR(a b, 2)", "a AND NOT b", "subject:login", "-login",
    "^login", "(login", "login)", "lo*gin", "{a b}", "a + b", "'; DROP TABLE ticket; --", "\\", "%", "_", "!", "&|!",
    "<->", "a:*", "a\tb", "\u200b", "🙂", "<b>", "a" * 500, "é " * 250, "x\u0301", "1 2 3 " * 80,
)  # fmt: skip


async def test_finds_words_of_subject_and_content_in_any_case_and_accent(door: Door, agent: Person) -> None:
    login = (await opened(door, agent, subject="Cannot log in to my Account", content="Élan vital"))["id"]
    other = (await opened(door, agent, subject="Printer", content="The account manager cannot print; naïve"))[
        "id"
    ]
    for sought, expected in (
        ("account", [other, login]),
        ("ACCOUNT cannot", [other, login]),
        ("cannot account", [other, login]),
        ("account log", [login]),
        ("elan", [login]),
        ("ÉLAN", [login]),
        ("e\u0301lan", [login]),
        ("NAIVE", [other]),
        ("acc", [other, login]),
        ("manager acc", [other]),
        ("acc manager", []),  # only the last word may be unfinished
        ("print", [other]),
        ('"account manager"', [other]),
        ('"manager account"', []),
        ('"my account" vital', [login]),
        ('"account man"', []),  # nothing in quotes is unfinished
        ('"log in" acc', [login]),
        ("to-my", [login]),
        ("account, cannot!", [other, login]),
        ("ccount", []),
        ("nothing", []),
        ("   ", [other, login]),
    ):
        found = await door.tickets(agent, search=sought)
        assert (found.ids, found.total) == (expected, len(expected)), sought


async def test_follows_every_write_at_once(door: Door, agent: Person) -> None:
    ticket = await opened(door, agent, subject="Alpha", content="Beta")
    await door.change_ticket(agent, ticket["id"], subject="Gamma")
    assert (await door.tickets(agent, search="alpha")).ids == []
    assert (await door.tickets(agent, search="gamma beta")).ids == [ticket["id"]]
    await door.change_ticket(agent, ticket["id"], content="Delta")
    assert (await door.tickets(agent, search="beta")).ids == []
    await door.delete_ticket(agent, ticket["id"])
    assert (await door.tickets(agent, search="delta")).ids == []


async def test_no_syntax_of_an_engine_means_anything(door: Door, agent: Person) -> None:
    ticket = await opened(door, agent, subject="login OR near", content="unclosed a b")
    for sought in SYNTAX:
        assert (await door.tickets(agent, search=sought)).ok, sought
        assert (await door.list(agent, "user", search=sought)).ok, sought
    for sought, is_found in (('"unclosed', True), ("login OR", True), ("subject:login", False), ("*", False)):
        assert ((await door.tickets(agent, search=sought)).ids == [ticket["id"]]) is is_found, sought
    assert (await door.tickets(agent, search="x" * 501)).wrong == {"search": "must be at most 500 characters"}


@pytest.mark.parametrize(
    ("text", "sought"),
    [
        ("東京都に住む", "京都"),
        ("東京都に住む", "東京 住"),
        ("Straße", "STRASSE"),
        ("ﬁle №5", "file no5"),
        ("Ωμέγα", "ωμεγα"),
        ("Привет мир", "ПРИВЕТ м"),
        ("مرحبا بالعالم", "بالعا"),
        ("ok🙂done", "done"),
        ("x" * 300, "x" * 300),
        ("a " * 20_000 + "end", "end"),
    ],
)
async def test_any_script_is_found(door: Door, agent: Person, text: str, sought: str) -> None:
    ticket = await opened(door, agent, subject="s", content=text)
    await opened(door, agent, subject="s", content="something else")
    assert (await door.tickets(agent, search=sought)).ids == [ticket["id"]]

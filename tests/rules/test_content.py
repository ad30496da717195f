"""What people write is shown as text with links and lists, and never runs (D23): tests/hostile.py, line by line."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Final

import pytest
from markdown_it import MarkdownIt

from resolvers import content
from resolvers.content import TAGS, content_html
from tests.doors import opened
from tests.hostile import MARKUP, VECTORS

if TYPE_CHECKING:
    from tests.conftest import Person
    from tests.doors import Door

ATTRIBUTES: Final = {"a": {"href", "title", "rel"}, "ol": {"start"}}
SCHEMES: Final = {"http", "https", "mailto", "tel"}
SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)


class Shown(HTMLParser):
    """What a parser finds in HTML that should not be there; `found` says what and where."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.found.append(f"<{tag}>")
        self.found += [
            f"<{tag} {name}={value!r}>" for name, value in attrs if not is_harmless(tag, name, value or "")
        ]

    def handle_comment(self, data: str) -> None:
        self.found.append(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        self.found.append(f"<!{decl}>")

    def handle_pi(self, data: str) -> None:
        self.found.append(f"<?{data}>")

    def unknown_decl(self, data: str) -> None:
        self.found.append(f"<![{data}]>")


def is_harmless(tag: str, name: str, value: str) -> bool:
    if name not in ATTRIBUTES.get(tag, ()):
        return False
    return name != "href" or scheme_of(value) in SCHEMES | {""}


def scheme_of(address: str) -> str:
    """As browsers read it: controls and spaces around it, tabs and line breaks inside it do not count (WHATWG URL)."""
    seen = re.sub(r"[\t\n\r]", "", address.strip("".join(map(chr, range(33)))))
    scheme = SCHEME.match(seen)
    return scheme[1].lower() if scheme else ""


def test_there_are_enough_vectors_and_none_twice() -> None:
    assert len(VECTORS) == len(set(VECTORS)) >= 200


@pytest.mark.parametrize("group", MARKUP)
def test_what_is_written_never_runs(group: str) -> None:
    wrong = {vector: found for vector in MARKUP[group] if (found := Shown(content_html(vector)).found)}
    assert wrong == {}


@pytest.mark.parametrize("group", MARKUP)
def test_nor_does_it_inside_other_text(group: str) -> None:
    around = ("# {}\n", "> - {}\n", "| a |\n|---|\n| {} |\n", "*{}*", "[{}](https://a.test)", "`{}` {}")
    wrong = {
        place.format(vector, vector): found
        for vector in MARKUP[group]
        for place in around
        if (found := Shown(content_html(place.replace("{}", vector))).found)
    }
    assert wrong == {}


@pytest.mark.parametrize("group", MARKUP)
def test_the_second_wall_holds_alone(group: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if raw HTML and every address were let through Markdown."""
    lenient = MarkdownIt("commonmark", {"html": True, "linkify": True}).enable(["table", "linkify"])
    monkeypatch.setattr(lenient, "validateLink", lambda _address: True)
    monkeypatch.setattr(content, "_MARKDOWN", lenient)
    wrong = {vector: found for vector in MARKUP[group] if (found := Shown(content_html(vector)).found)}
    assert wrong == {}


def test_a_picture_is_never_fetched() -> None:
    """It would tell its owner who reads the ticket."""
    assert content_html("Look: ![a cat](https://elsewhere.test/seen.png)") == "<p>Look: </p>"


def test_text_stays_readable() -> None:
    assert content_html("Is <b> 1 < 2 & 3 > 2?") == "<p>Is &lt;b&gt; 1 &lt; 2 &amp; 3 &gt; 2?</p>"


async def test_through_the_doors_it_is_the_same(door: Door, agent: Person) -> None:
    ticket = await opened(door, agent, content=VECTORS[0])
    assert ticket["content"] == VECTORS[0]
    assert Shown(ticket["content_html"]).found == []
    for group in MARKUP.values():
        written = "\n\n".join(each for each in group if "\x00" not in each)
        reply = (await door.reply(agent, ticket["id"], content=written)).done()
        assert reply["content"] == written  # nobody's words are changed, only how they are shown
        assert reply["content_html"] == content_html(written)
        assert Shown(reply["content_html"]).found == []


@pytest.mark.parametrize(
    "html",
    [
        "<script>",
        "<p onclick=x>",
        "<a href='javascript:x'>",
        "<a href='java\tscript:x'>",
        "<a href='\x01 javascript:x'>",
        "<a href='&#106;avascript:x'>",
        "<a href='data:x'>",
        "<img src=x>",
        "<ol onstart=1>",
        "<!-- x -->",
        "<!DOCTYPE html>",
        "<?php x ?>",
        "<![CDATA[x]]>",
    ],
)
def test_what_must_not_be_there_would_be_found(html: str) -> None:
    assert Shown(html).found

"""What tickets are about: topics, read from texts/, with every template rendered to HTML once.

A template is text with `{slots}`. It is kept as two `%`-formats, one of its text and one of its HTML: filling both with
the same values gives a text and exactly what `content_html` makes of it, a hundred times as fast. That holds as long
as the values mean nothing in markdown; tests/gateway/test_demo.py compares.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final, NamedTuple

from gateway.demo.texts import SUBJECTS, read
from resolvers.content import content_html

_SLOT = re.compile(r"\{([A-Za-z]\w*)\}")
_PLACE = re.compile(r"slot0(\w+?)0slot")


class Text(NamedTuple):
    """A text and its HTML; as a template, `%`-formats."""

    content: str
    html: str

    def filled(self, values: Mapping[str, str]) -> "Text":
        """With the slots filled."""
        return Text(self.content % values, self.html % values)


NOTHING: Final = Text("", "")


def letter(greeting: Text, body: Text, closing: Text) -> Text:
    """The parts, one below the other; empty ones are left out."""
    content, html = body
    if greeting.content:
        content, html = f"{greeting.content}\n\n{content}", f"{greeting.html}\n{html}"
    if closing.content:
        content, html = f"{content}\n\n{closing.content}", f"{html}\n{closing.html}"
    return Text(content, html)


class Case(NamedTuple):
    """One first message, and what may follow on it. Without `asks` nobody has to ask anything."""

    subjects: list[str]
    open: Text
    asks: list[Text]
    gives: list[Text]
    fixes: list[Text]


@dataclass(frozen=True, slots=True)
class Topic:
    """What several tickets are about."""

    category: str
    priority: str
    tags: tuple[str, ...]
    language: str
    cases: list[Case]
    notes: list[Text]
    thanks: list[Text]
    again: list[Text]


@dataclass(frozen=True, slots=True)
class Library:
    """All there is to say. `reach` are the running sums of the topics' weights."""

    topics: list[Topic]
    reach: list[int]
    foreign: dict[str, Topic]
    """The one topic of each language but English."""
    customer: dict[str, list[Text]]
    agent: dict[str, list[Text]]
    slots: dict[str, list[str]]
    categories: dict[str, list[str]]


def library() -> Library:
    """The library, read and rendered: about a tenth of a second."""
    shared = read("shared")
    customer = {name: _templates(found) for name, found in shared["customer"].items()}
    agent = {name: _templates(found) for name, found in shared["agent"].items()}
    found = [topic for name in SUBJECTS for topic in read(name)["topic"]]
    english = [each for each in found if "language" not in each]
    topics = [_topic(each, customer) for each in english]
    foreign = {each["language"]: _topic(each, customer) for each in found if each not in english}
    reach = list(accumulate(each["weight"] for each in english))
    return Library(topics, reach, foreign, customer, agent, shared["slots"], shared["categories"])


def _topic(found: Mapping[str, Any], customer: Mapping[str, list[Text]]) -> Topic:
    return Topic(
        category=found["category"],
        priority=found["priority"],
        tags=tuple(found["tags"]),
        language=found.get("language", "en"),
        cases=_cases(found),
        notes=_templates(found["note"]),
        thanks=_templates(found["thanks"]) if "thanks" in found else customer["thanks"],
        again=_templates(found["again"]) if "again" in found else customer["again"],
    )


def _cases(found: Mapping[str, Any]) -> list[Case]:
    subjects = [_percent(subject) for subject in found["subjects"]]
    asks, gives, fixes = (_templates(found[name]) for name in ("ask", "give", "fix"))
    fits = found.get("fits") or ["* * * *"] * len(found["open"])
    return [
        Case(
            _picked(subjects, which[0]),
            template(opening),
            _picked(asks, which[1]),
            _picked(gives, which[2]),
            _picked(fixes, which[3]),
        )
        for opening, which in zip(found["open"], map(str.split, fits), strict=True)
    ]


def _picked(among: list[Any], which: str) -> list[Any]:
    """Those at the places that the digits name; all for `*`, none for `-`."""
    if which == "*":
        return among
    return [among[int(place)] for place in which if place != "-"]


def _templates(sources: list[str]) -> list[Text]:
    return [template(source) for source in sources]


def template(source: str) -> Text:
    """Both formats of a text with `{slots}`."""
    marked = _SLOT.sub(r"slot0\g<1>0slot", source)
    html = _PLACE.sub(r"%(\g<1>)s", content_html(marked).replace("%", "%%"))
    return Text(_percent(source), html)


def _percent(source: str) -> str:
    return _SLOT.sub(r"%(\g<1>)s", source.replace("%", "%%"))

"""Query parameters and the ids in paths: each declared once, with its check and with what OpenAPI says of it.

An empty value is an absent one; parameters nobody declared are ignored; of those declared, everything wrong is named
at once.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

from resolvers import paging
from resolvers.errors import NotFound
from resolvers.fields import LARGEST_ID, LONGEST_SEARCH, Field, Refused, Wrong, clean, refuse, storable
from rest_compat.envelope import AnyRequest

MOST_PARAMETERS: Final = 1_000
_INTEGER = re.compile(r"-?[0-9]+", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MOST_DIGITS: Final = 20


class Parameter(NamedTuple):
    """A query parameter. `schema` is its JSON Schema; `default` what stands for an absent one."""

    about: str
    check: Callable[[str], Any]
    schema: dict[str, Any]
    default: Any = None


Declared = Mapping[str, Parameter]


def read(declared: Declared, request: AnyRequest) -> dict[str, Any]:
    """The value of every declared parameter. Raises ValidationError naming every wrong one."""
    given, wrong = _given(declared, request.scope["query_string"])
    fields = {name: Field(parameter.check) for name, parameter in declared.items()}
    values, unfit = clean(fields, given)
    refuse(wrong | unfit)
    return {name: values.get(name, parameter.default) for name, parameter in declared.items()}


def path_id(request: AnyRequest, name: str = "id") -> int:
    """The id in the path. Raises NotFound for anything that no row could have as its id."""
    text = request.scope["path_params"][name]
    if not _INTEGER.fullmatch(text) or len(text) > _MOST_DIGITS or not 0 < int(text) <= LARGEST_ID:
        raise NotFound
    return int(text)


def _given(declared: Declared, query_string: bytes) -> tuple[dict[str, str], Wrong]:
    """The declared parameters that have a value, and those that have two."""
    text = query_string.decode("utf-8", "surrogateescape")
    try:
        pairs = parse_qsl(text, errors="surrogateescape", max_num_fields=MOST_PARAMETERS)
    except ValueError:
        return {}, {"query": f"must have at most {MOST_PARAMETERS} parameters"}
    given: dict[str, str] = {}
    wrong: Wrong = {}
    for name, value in pairs:
        if name in given:
            wrong[name] = "must be given once"
        elif name in declared:
            given[name] = value
    return given, wrong


def integer(text: str) -> int:
    """The number. Raises Refused."""
    if not _INTEGER.fullmatch(text):
        raise Refused("must be an integer")
    # Python refuses to read thousands of digits; whoever sends more than an id has is out of any range
    return int(text[: _MOST_DIGITS + 1])


def number(about: str, smallest: int, largest: int, default: int | None = None) -> Parameter:
    """An integer of a range, ends included."""

    def check(text: str) -> int:
        found = integer(text)
        if not smallest <= found <= largest:
            raise Refused(f"must be between {smallest} and {largest}")
        return found

    schema: dict[str, Any] = {"type": "integer", "minimum": smallest, "maximum": largest}
    return Parameter(about, check, schema | ({} if default is None else {"default": default}), default)


def row_id(about: str) -> Parameter:
    """The id of a row, which may or may not exist."""
    return number(about, 1, LARGEST_ID)


def word(about: str, words: tuple[str, ...], default: str | None = None) -> Parameter:
    """One of the words."""
    listed = ", ".join(words)

    def check(text: str) -> str:
        if text not in words:
            raise Refused(f"must be one of: {listed}")
        return text

    schema: dict[str, Any] = {"type": "string", "enum": list(words)}
    return Parameter(about, check, schema | ({} if default is None else {"default": default}), default)


def flag(about: str, *, default: bool) -> Parameter:
    """`true` or `false`, in any case: several languages print theirs with a capital."""

    def check(text: str) -> bool:
        if text.lower() not in ("true", "false"):
            raise Refused("must be true or false")
        return text.lower() == "true"

    return Parameter(about, check, {"type": "boolean", "default": default}, default)


def date(about: str) -> Parameter:
    """A day, as YYYY-MM-DD."""

    def check(text: str) -> dt.date:
        try:
            if _DATE.fullmatch(text):
                return dt.date.fromisoformat(text)
        except ValueError:
            pass
        raise Refused("must be a date such as 2024-01-31")

    return Parameter(about, check, {"type": "string", "format": "date"})


def words_sought(about: str) -> Parameter:
    """What a person seeks."""

    def check(text: str) -> str:
        if len(text) > LONGEST_SEARCH:
            raise Refused(f"must be at most {LONGEST_SEARCH} characters")
        return _unicode(text)

    return Parameter(about, check, {"type": "string", "maxLength": LONGEST_SEARCH})


def assignee(about: str) -> Parameter:
    """The id of an agent, `me`, or `none`."""
    of_agent = row_id(about)

    def check(text: str) -> int | str:
        if text in ("me", "none"):
            return text
        try:
            return int(of_agent.check(text))
        except Refused:
            raise Refused("must be the id of an agent, me or none") from None

    anybody = {"type": "string", "enum": ["me", "none"]}
    return Parameter(about, check, {"anyOf": [of_agent.schema, anybody]})


def _unicode(text: str) -> str:
    """The text without NUL characters, which no word holds. Raises Refused for bytes that were not UTF-8."""
    return storable(text.replace("\x00", " "))


PAGES: Final[dict[str, Parameter]] = {
    "page": number("Page number", 1, paging.LARGEST_PAGE_NUMBER, 1),
    "per_page": number("Results per page", 1, paging.LARGEST_PAGE, paging.DEFAULT_PAGE),
}
"""What every list takes (D20)."""

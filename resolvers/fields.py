"""What a field may hold: one declaration serves both doors, and finds everything wrong at once.

A resolver declares its input as `{name: Field}`; `clean` gives the values as they will be stored, or collects
for each wrong field what is wrong with it. Absent and null are different things (D19).
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import idna

from resolvers.errors import ValidationError

Given = Mapping[str, Any]
Wrong = dict[str, str]
"""Field name -> what is wrong, as `is required`."""

IS_REQUIRED: Final = "is required"
DOES_NOT_EXIST: Final = "does not exist"
LONGEST_CONTENT: Final = 65_536
"""Characters of a ticket's or reply's content."""
LARGEST_ID: Final = 2**63 - 1


class Refused(Exception):
    """What is wrong with a value, as `must be at most 255 characters`."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field: how its value is checked, whether it must be there, what it is when it is not.

    `is_nullable` lets an explicit null through (it clears, D19); otherwise null counts as absent when the field is
    optional, and as missing when it is required.
    """

    check: Callable[[Any], Any]
    is_required: bool = False
    is_nullable: bool = False
    default: Any = field(default=None)


def clean(fields: Mapping[str, Field], given: Given) -> tuple[dict[str, Any], Wrong]:
    """The values of the fields that were given, and what is wrong. Unknown names are wrong too."""
    values: dict[str, Any] = {}
    wrong: Wrong = {}
    for name, declared in fields.items():
        if name not in given or (given[name] is None and not declared.is_nullable):
            if declared.is_required:
                wrong[name] = IS_REQUIRED
            continue
        value = given[name]
        try:
            values[name] = None if value is None else declared.check(value)
        except Refused as refusal:
            wrong[name] = str(refusal)
    wrong |= {_speakable(name): "is unknown" for name in given if name not in fields}
    return values, wrong


def cleaned(fields: Mapping[str, Field], given: Given) -> dict[str, Any]:
    """The values with defaults filled in. Raises ValidationError naming every wrong field."""
    values, wrong = clean(fields, given)
    refuse(wrong)
    return with_defaults(fields, values)


def with_defaults(fields: Mapping[str, Field], values: Mapping[str, Any]) -> dict[str, Any]:
    """The values, and the default of every field that was not given."""
    return {name: declared.default for name, declared in fields.items()} | dict(values)


def clean_update(fields: Mapping[str, Field], given: Given) -> tuple[dict[str, Any], Wrong]:
    """As `clean`, for a partial update (D19): absent keeps, null clears where the field may be null."""
    values, wrong = clean({name: _kept(declared) for name, declared in fields.items()}, given)
    for name, declared in fields.items():
        if name in values and values[name] is None and not declared.is_nullable:
            del values[name]
            wrong[name] = IS_REQUIRED
    return values, wrong


def changed(before: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values that differ from what the row has."""
    return {name: value for name, value in values.items() if not is_same(getattr(before, name), value)}


def is_same(before: Any, after: Any) -> bool:
    """Whether both are the same JSON: for Python `1`, `1.0` and `true` are equal, for whoever sent one they are not."""
    if not isinstance(before, dict):
        return bool(before == after)
    return json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)


def refuse(wrong: Wrong) -> None:
    """Raise ValidationError when anything is wrong."""
    if wrong:
        raise ValidationError.of(wrong)


def _kept(declared: Field) -> Field:
    return Field(declared.check, is_nullable=True)


def _speakable(name: Any) -> str:
    """A name from outside, as it can be said back: never half a surrogate pair, never a page long."""
    return str(name).encode("utf-8", "replace").decode()[:100]


def storable(value: str) -> str:
    """The text, when both engines can store it. Raises Refused."""
    if "\x00" in value:
        raise Refused("must not contain NUL characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Refused("must be valid Unicode") from None
    return value


def text(longest: int, *, strip: bool = True) -> Callable[[Any], str]:
    """Text of 1 to `longest` characters; blank counts as missing."""

    def check(value: Any) -> str:
        if not isinstance(value, str):
            raise Refused("must be a string")
        storable(value)
        if not value.strip():
            raise Refused(IS_REQUIRED)
        kept = value.strip() if strip else value
        if len(kept) > longest:
            raise Refused(f"must be at most {longest} characters")
        return kept

    return check


def optional_text(longest: int) -> Callable[[Any], str | None]:
    """Text as above, where blank means none."""
    filled = text(longest)

    def check(value: Any) -> str | None:
        return None if isinstance(value, str) and not value.strip() else filled(value)

    return check


def one_of(*words: str) -> Callable[[Any], str]:
    """One of the words, exactly."""
    listed = ", ".join(words)

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in words:
            raise Refused(f"must be one of: {listed}")
        return value

    return check


def boolean(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise Refused("must be true or false")
    return value


def whole_number(smallest: int, largest: int) -> Callable[[Any], int]:
    """A whole number of a range, ends included."""

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Refused("must be an integer")
        if not smallest <= value <= largest:
            raise Refused(f"must be between {smallest} and {largest}")
        return value

    return check


def row_id(value: Any) -> int:
    """The id of a row, which may or may not exist."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused("must be an integer")
    if not 0 < value <= LARGEST_ID:
        raise Refused(DOES_NOT_EXIST)
    return value


MOST_IDS: Final = 20


def row_ids(value: Any) -> list[int]:
    """Ids of rows, each once, which may or may not exist."""
    if not isinstance(value, list) or any(type(each) is not int for each in value):
        raise Refused("must be an array of integers")
    if len(value) > MOST_IDS:
        raise Refused(f"must list at most {MOST_IDS} ids")
    return list(dict.fromkeys(row_id(each) for each in value))


_EMAIL = re.compile(r"[^\s@<>()\[\],;:\\\"]+@[^\s@<>()\[\],;:\\\"]+\.[^\s@<>()\[\],;:\\\".]{2,}")
LONGEST_EMAIL: Final = 254


def email(value: Any) -> str:
    """An e-mail address, trimmed (D17)."""
    if not isinstance(value, str):
        raise Refused("must be a string")
    storable(value)
    trimmed = value.strip()
    if not trimmed:
        raise Refused(IS_REQUIRED)
    if len(trimmed) > LONGEST_EMAIL or not _EMAIL.fullmatch(trimmed) or not trimmed.isprintable():
        raise Refused("must be a valid email address")
    return trimmed


def email_key(address: str) -> str:
    """The address as it is compared: case-insensitively (D17)."""
    return address.strip().casefold()


_DOMAIN = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")


LONGEST_DOMAIN: Final = 253


def domain(value: Any) -> str | None:
    """A domain name as it is compared, as `acme.com`; blank means none."""
    if not isinstance(value, str):
        raise Refused("must be a string")
    trimmed = storable(value).strip()
    if not trimmed:
        return None
    key = domain_key(trimmed)
    # its length first: Python's codec takes seconds for a million letters
    if len(key) > LONGEST_DOMAIN or not _DOMAIN.fullmatch(_ascii_domain(key)):
        raise Refused("must be a domain name such as acme.com")
    return key


def domain_key(name: str) -> str:
    """The domain as it is compared (D17): in lower case, and `xn--bcher-kva.de` as what it stands for, `bücher.de`.

    By IDNA 2008 with the mapping of UTS 46, as browsers and mail programs read it.
    """
    lower = name.lower().rstrip(".")
    try:
        return idna.decode(lower, uts46=True) if len(lower) <= LONGEST_DOMAIN else lower
    except idna.IDNAError:
        return lower  # with an underscore or a heart: no name of IDNA 2008, and mail comes from there all the same


def _ascii_domain(name: str) -> str:
    try:
        return name.encode("idna").decode()
    except UnicodeError:
        return ""


_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_SLUG: Final = 64


def slug(value: Any) -> str:
    """A slug (D22)."""
    if not isinstance(value, str) or len(value) > LONGEST_SLUG or not _SLUG.fullmatch(value):
        raise Refused(
            f"must be lower-case letters, digits and single hyphens, at most {LONGEST_SLUG} characters"
        )
    return value


_COLOR = re.compile(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


def color(value: Any) -> str:
    """`#rgb` or `#rrggbb` (D22)."""
    if not isinstance(value, str) or not _COLOR.fullmatch(value):
        raise Refused("must be a color such as #f52 or #ff5722")
    return value


def web_address(value: Any) -> str:
    """An http or https address of at most 2,048 characters."""
    kept = text(2048)(value)
    try:
        parts = urlsplit(kept)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and kept.isprintable()
    except ValueError:
        is_good = False
    if not is_good or " " in kept:
        raise Refused("must be an http or https address")
    return kept


MOST_TAGS: Final = 50
LONGEST_TAG: Final = 64


def tags(value: Any) -> list[str]:
    """Tags in the order given, each trimmed, once."""
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        raise Refused("must be an array of strings")
    trimmed = [storable(tag).strip() for tag in value]
    if not all(trimmed):
        raise Refused("must not contain blank tags")
    if any(len(tag) > LONGEST_TAG for tag in trimmed):
        raise Refused(f"must contain tags of at most {LONGEST_TAG} characters")
    kept = list(dict.fromkeys(trimmed))
    if len(kept) > MOST_TAGS:
        raise Refused(f"must contain at most {MOST_TAGS} tags")
    return kept


METADATA_BYTES: Final = 16 * 1024
METADATA_KEYS: Final = 50
METADATA_DEPTH: Final = 5


def metadata(value: Any) -> dict[str, Any]:
    """A JSON object within the limits of D24."""
    if not isinstance(value, dict):
        raise Refused("must be an object")
    keys, depth = _measure(value)
    if depth > METADATA_DEPTH:
        raise Refused(f"must be at most {METADATA_DEPTH} levels deep")
    if keys > METADATA_KEYS:
        raise Refused(f"must contain at most {METADATA_KEYS} keys")
    if len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()) > METADATA_BYTES:
        raise Refused(f"must be at most {METADATA_BYTES // 1024} KiB")
    return value


def _measure(value: dict[str, Any]) -> tuple[int, int]:
    """Keys in all and levels; without recursion, as the depth is the client's. Raises Refused on a bad leaf."""
    keys, depth = 0, 0
    level: list[Any] = [value]
    while level:
        depth += 1
        if depth > METADATA_DEPTH:
            return keys, depth
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                keys += len(each)
                for key in each:
                    storable(key)
                inner = list(each.values())
            else:
                inner = each
            below += [child for child in inner if _is_container(child)]
        level = below
    return keys, depth


def _is_container(value: Any) -> bool:
    if isinstance(value, dict | list):
        return True
    if isinstance(value, str):
        storable(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise Refused("must not contain numbers beyond the range of a double")
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise Refused("must not contain integers beyond 64 bits")
    return False


LONGEST_SEARCH: Final = 500


def search_text(value: str) -> str:
    """What a person seeks, at most LONGEST_SEARCH characters. Raises ValidationError on `search`."""
    if len(value) > LONGEST_SEARCH:
        raise refused("search", f"must be at most {LONGEST_SEARCH} characters")
    return value


def refused(name: str, predicate: str) -> ValidationError:
    """The error for one wrong field, for callers that found it late."""
    return ValidationError.of({name: predicate})

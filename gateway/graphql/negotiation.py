"""Content negotiation: what a request may send, and in which form it wants its answer (RFC 9110, 12.5.1)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

GRAPHQL: Final = "application/graphql-response+json"
JSON: Final = "application/json"
EVENT_STREAM: Final = "text/event-stream"
PARTS: Final = "multipart/mixed"
HTML: Final = "text/html"

# A wildcard means what today's clients expect; a page or a stream has to be asked for by name.
_MEANT_BY_WILDCARD: Final = frozenset({JSON, GRAPHQL})


class MediaRange(NamedTuple):
    """One range of an Accept header."""

    kind: str
    quality: float

    @property
    def precision(self) -> int:
        """2 for a whole name, 1 for `type/*`, 0 for `*/*`: the most precise range speaks for a media type."""
        return 0 if self.kind == "*/*" else 1 if self.kind.endswith("/*") else 2

    def covers(self, media_type: str) -> bool:
        """Whether the range names the media type, or a wildcard that may stand for it."""
        if self.precision == 2:
            return self.kind == media_type
        wildcard = self.precision == 0 or media_type.startswith(self.kind[:-1])
        return wildcard and media_type in _MEANT_BY_WILDCARD


@lru_cache(maxsize=256)
def preferred(accept: str | None, offered: Sequence[str]) -> str | None:
    """The offered media type that the client likes best, None when it takes none of them.

    Between equals the more precise range wins, then the order of the offer; a wildcard means JSON.
    """
    ranges = _ranges(accept) if accept and accept.strip() else [MediaRange("*/*", 1.0)]
    best: tuple[float, int, int] | None = None
    choice = None
    for place, media_type in enumerate(offered):
        covering = [range_ for range_ in ranges if range_.covers(media_type)]
        if not covering:
            continue
        closest = max(covering, key=lambda range_: range_.precision)
        by_wildcard = closest.precision < 2
        rank = (closest.quality, closest.precision, 1 if by_wildcard and media_type == JSON else -place)
        if closest.quality > 0 and (best is None or rank > best):
            best, choice = rank, media_type
    return choice


@lru_cache(maxsize=256)
def takes_parts(accept: str | None) -> bool:
    """Whether the client takes subscriptions in parts, and does not like a stream of events better."""
    if accept is None or "multipart/mixed" not in accept.lower():
        return False
    parsed = [_parse(part) for part in accept.split(",")[:50]]
    weights = {
        kind: _quality(parameters)
        for kind, parameters in parsed
        if kind == EVENT_STREAM or (kind == PARTS and parameters.get("subscriptionspec") == "1.0")
    }
    return weights.get(PARTS, 0.0) > weights.get(EVENT_STREAM, 0.0)


@lru_cache(maxsize=256)
def is_json(content_type: str | None) -> bool:
    """Whether a Content-Type says JSON in UTF-8, the only form a request may have."""
    kind, parameters = _parse(content_type or "")
    return kind == JSON and parameters.get("charset", "utf-8").lower() in ("utf-8", "utf8")


def is_form(content_type: str | None) -> bool:
    """Whether a Content-Type says multipart/form-data: a request with files."""
    return (content_type or "").partition(";")[0].strip().lower() == "multipart/form-data"


def _ranges(accept: str) -> list[MediaRange]:
    parsed = (_parse(part) for part in accept.split(",")[:50])
    return [MediaRange(kind, _quality(parameters)) for kind, parameters in parsed if kind]


def _quality(parameters: dict[str, str]) -> float:
    try:
        return min(max(float(parameters.get("q", "1")), 0.0), 1.0)
    except ValueError:
        return 1.0


def _parse(value: str) -> tuple[str, dict[str, str]]:
    kind, *rest = value.split(";")
    pairs = (part.partition("=") for part in rest)
    return kind.strip().lower(), {name.strip().lower(): text.strip().strip('"') for name, _, text in pairs}

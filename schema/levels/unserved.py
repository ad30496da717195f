"""How this executor says that graphql-core's has to answer."""

from __future__ import annotations


class Unserved(Exception):
    """An operation that graphql-core's executor has to answer; `reason` is a word to count it by."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

"""Which documents may run: any that a client sends, or those the operator registered, named by an id.

The names are `documentId` (GraphQL over HTTP, appendix "Persisted Documents") and Apollo's
`extensions.persistedQuery.sha256Hash`. Who may learn the schema is decided here, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from gateway.graphql.parameters import Parameters
from resolvers.context import Caller
from resolvers.errors import Unauthorized
from schema.errors import Refusal, refused

Mode: TypeAlias = Literal["off", "allow", "only"]
Readers: TypeAlias = Literal["everyone", "signed-in", "staff", "nobody"]

INTROSPECTION: Final = frozenset({"__schema", "__type"})


@dataclass(frozen=True, slots=True)
class TrustedDocuments:
    """The registered documents by their ids; in mode `off` there are none."""

    mode: Mode = "off"
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)

    def chosen(self, asked: Parameters) -> tuple[str, bool]:
        """The text to run, and whether it is a registered one.

        Raises:
            Refusal: the name is not known (NOT_FOUND), is another document's than the text beside it (BAD_REQUEST), or
                only registered documents run and this is none (DOCUMENT_NOT_TRUSTED).
        """
        name = asked.document_id or asked.query_hash
        known = None if name is None else self.texts.get(name)
        if known is not None:
            if asked.query not in (None, known):
                raise refused(
                    "BAD_REQUEST", "`query` is another document than the one named: send the name alone."
                )
            return known, True
        if asked.document_id is not None:
            raise refused("NOT_FOUND", f"No document of this `documentId` is known: {self._instead}.")
        if asked.query is None:
            # The words by which Apollo Client learns to send the text, and in the first case not to ask again.
            raise refused(
                "NOT_FOUND", f"PersistedQuery{'NotSupported' if self.mode == 'off' else 'NotFound'}"
            )
        if self.mode == "only":
            raise _untrusted()
        return asked.query, False

    @property
    def _instead(self) -> str:
        return "register it with the server" if self.mode == "only" else "send its text as `query`"


def _untrusted() -> Refusal:
    return refused(
        "DOCUMENT_NOT_TRUSTED",
        "Only documents that were registered run on this server: name one by its `documentId`.",
    )


def check_introspection(readers: Readers, caller: Caller | None) -> None:
    """See that the caller may learn the schema. Raises Unauthorized, Refusal (FORBIDDEN)."""
    if readers == "everyone":
        return
    if readers == "nobody":
        raise refused("FORBIDDEN", "Introspection is switched off on this server.")
    if caller is None:
        raise Unauthorized
    if readers == "staff" and caller.role == "customer":
        raise refused("FORBIDDEN", "Introspection is for agents and admins on this server.")

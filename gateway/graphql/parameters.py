"""The parameters of a GraphQL request, read from a JSON body, a query string or a WebSocket message."""

from __future__ import annotations

from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

import msgspec

from schema.errors import Refusal, refused

# Longer than any document that is allowed, percent-encoded, with its variables.
MAX_QUERY_STRING: Final = 50_000

_decode = msgspec.json.Decoder().decode


class Parameters(NamedTuple):
    """What a client asks for: a document or the name of a registered one, which operation of it, with which variables."""

    query: str | None
    operation_name: str | None
    variables: dict[str, Any] | None
    document_id: str | None = None
    query_hash: str | None = None
    """Apollo's name for a document: the SHA-256 of its text."""


def from_body(body: bytes) -> Parameters:
    """The parameters in a JSON body.

    Raises:
        Refusal: the body is not JSON, not an object, or its members are of wrong types (BAD_REQUEST).
    """
    return from_object(read_json(body, "The body"))


def from_query_string(raw: bytes) -> Parameters:
    """The parameters in the query string of a GET; an empty one counts as absent.

    Raises:
        Refusal: it is too long (PAYLOAD_TOO_LARGE), or a parameter cannot be read (BAD_REQUEST).
    """
    if len(raw) > MAX_QUERY_STRING:
        raise refused(
            "PAYLOAD_TOO_LARGE", f"The query string is longer than {MAX_QUERY_STRING:,} bytes: use POST."
        )
    given = _query_parameters(raw)
    members: dict[str, Any] = {name: value for name, value in given.items() if value}
    for name in ("variables", "extensions"):
        if name in members:
            members[name] = read_json(members[name].encode(), f"`{name}`")
    return from_object(members)


def from_object(members: object) -> Parameters:
    """The parameters in a decoded object; members it does not know are ignored (GraphQL over HTTP).

    Raises:
        Refusal: a member is of a wrong type, or neither a document nor a name of one is there (BAD_REQUEST).
    """
    if not isinstance(members, dict):
        raise _bad("Send one object with `query`; a list of operations is not supported.")
    query, variables = members.get("query"), members.get("variables")
    operation_name, extensions = members.get("operationName"), members.get("extensions")
    document_id = members.get("documentId")
    if not (extensions is None or isinstance(extensions, dict)):
        raise _bad("`extensions` must be an object.")
    if not (document_id is None or isinstance(document_id, str)):
        raise _bad("`documentId` must be a string.")
    query_hash = _hash_in(extensions)
    if not (
        isinstance(query, str) or (query is None and (document_id is not None or query_hash is not None))
    ):
        raise _bad("`query` must be a string that holds a GraphQL document.")
    if not (operation_name is None or isinstance(operation_name, str)):
        raise _bad("`operationName` must be a string.")
    if not (variables is None or isinstance(variables, dict)):
        raise _bad("`variables` must be an object.")
    return Parameters(query, operation_name or None, variables, document_id, query_hash)


def read_json(raw: bytes | str, what: str) -> Any:
    """The value of a JSON text.

    Raises:
        Refusal: it is not JSON in UTF-8, is nested endlessly, or has numbers out of range (BAD_REQUEST).
    """
    try:
        return _decode(raw)
    except msgspec.DecodeError as error:  # `msgspec.ValidationError` too: "Integer value out of range"
        raise _bad(f"{what} is not valid JSON: {error}.") from None
    except UnicodeError:
        raise _bad(f"{what} is not valid UTF-8.") from None
    except RecursionError:
        raise _bad(f"{what} is nested too deeply.") from None


def _query_parameters(raw: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=20)
    except UnicodeError:
        raise _bad("The query string is not percent-encoded UTF-8.") from None
    except ValueError:
        raise _bad("The query string has more than 20 parameters.") from None
    given = dict(pairs)
    if len(given) < len(pairs):
        raise _bad("A parameter of the query string is given twice.")
    return given


def _hash_in(extensions: dict[str, Any] | None) -> str | None:
    """The hash of Apollo's `persistedQuery`; one that nobody has when it is there and says none."""
    if not extensions or "persistedQuery" not in extensions:
        return None
    told = extensions["persistedQuery"]
    found = told.get("sha256Hash") if isinstance(told, dict) else None
    return found if isinstance(found, str) else ""


def _bad(message: str) -> Refusal:
    return refused("BAD_REQUEST", message)

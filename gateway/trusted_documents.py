"""Reading the documents that an operator trusts, and seeing before the start that each of them can run.

They come as a folder of `.graphql` files, or as one JSON file: an object of ids and texts (Relay's persisted queries), or
the manifest that Apollo's tools write (`apollo-persisted-query-manifest`, version 1).
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from gateway.graphql import TrustedDocuments
from gateway.settings import Settings, SettingsError
from schema.documents import Documents
from schema.errors import Refusal

LONGEST_ID: Final = 200
APOLLO_FORMAT: Final = "apollo-persisted-query-manifest"


class Registered(NamedTuple):
    """One document: where it stands, what names it, and its text, byte for byte."""

    place: str
    ids: tuple[str, ...]
    text: str


class Finding(NamedTuple):
    """A document, why it cannot run (None: it can), and what its operations cost by their names."""

    document: Registered
    fault: str | None
    costs: dict[str | None, float]


def trusted_documents(settings: Settings, documents: Documents) -> TrustedDocuments:
    """The documents of these settings, each of which can run. Raises SettingsError, naming each that cannot."""
    if settings.trusted_documents == "off":
        return TrustedDocuments()
    found = findings(settings.trusted_documents_path, documents)
    wrong = [f"  {each.document.place}: {each.fault}" for each in found if each.fault]
    if wrong:
        raise SettingsError("\n".join(["ANSWER_TRUSTED_DOCUMENTS_PATH: some cannot run here:", *wrong]))
    return TrustedDocuments(settings.trusted_documents, _by_id([each.document for each in found]))


def findings(path: Path | None, documents: Documents) -> list[Finding]:
    """What is to be said of each document there, in the order of their places. Raises SettingsError."""
    return [_finding(each, documents) for each in registered(path)]


def registered(path: Path | None) -> list[Registered]:
    """The documents there, in the order of their places. Raises SettingsError when there are none to be read."""
    if path is None:
        raise _trouble(
            "say where the documents are: a folder of .graphql files, or a JSON file of ids and texts"
        )
    try:
        found = list(_of_folder(path) if path.is_dir() else _of_file(path))
    except OSError as error:
        raise _trouble(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise _trouble(f"{path} is not UTF-8") from None
    if not found:
        raise _trouble(f"{path} holds no document")
    _by_id(found)
    return found


def _finding(document: Registered, documents: Documents) -> Finding:
    """Measured with the pages that variables stand for as long as they are by default."""
    read = documents.get(document.text)
    try:
        costs = {name: read.operation(name).measure({}).cost for name in read.operations or [None]}
    except Refusal as refusal:
        return Finding(document, "; ".join(map(_told, refusal.errors)), {})
    return Finding(document, None, costs)


def _told(error: dict[str, Any]) -> str:
    places = error.get("locations") or ()
    return " ".join((error["message"], *(f"(line {place['line']})" for place in places[:1])))


def _of_folder(folder: Path) -> Iterator[Registered]:
    for path in sorted((*folder.rglob("*.graphql"), *folder.rglob("*.gql"))):
        text = path.read_bytes().decode()
        yield Registered(str(path.relative_to(folder)), _hashes(text), text)


def _of_file(path: Path) -> Iterator[Registered]:
    try:
        told = json.loads(path.read_bytes())
    except json.JSONDecodeError as error:
        raise _trouble(f"{path} is not JSON: {error}") from None
    for name, text in _pairs(told, path):
        if not (isinstance(name, str) and isinstance(text, str)) or not 0 < len(name) <= LONGEST_ID:
            raise _trouble(
                f"{path}: an id and a document are texts, an id of at most {LONGEST_ID} characters"
            )
        hashes = _hashes(text)
        if name.startswith("sha256:") and name not in hashes:
            raise _trouble(f"{path}: {name} is not the SHA-256 of its document, {hashes[1]} is")
        yield Registered(name, tuple(dict.fromkeys((name, *hashes))), text)


def _pairs(told: Any, path: Path) -> list[tuple[Any, Any]]:
    if not isinstance(told, dict):
        raise _trouble(f"{path} holds no object of ids and texts")
    if "format" not in told:
        return list(told.items())
    operations = told.get("operations")
    is_known = told["format"] == APOLLO_FORMAT and told.get("version") == 1 and isinstance(operations, list)
    if not is_known or not all(isinstance(each, dict) for each in operations or ()):
        raise _trouble(f"{path} is not an {APOLLO_FORMAT} of version 1")
    return [(each.get("id"), each.get("body")) for each in operations or ()]


def _hashes(text: str) -> tuple[str, str]:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return digest, f"sha256:{digest}"


def _by_id(found: list[Registered]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for document in found:
        for name in document.ids:
            if texts.setdefault(name, document.text) != document.text:
                raise _trouble(f"two documents have the id {name}")
    return texts


def _trouble(text: str) -> SettingsError:
    return SettingsError(f"ANSWER_TRUSTED_DOCUMENTS_PATH: {text}")

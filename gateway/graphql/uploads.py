"""Files in GraphQL: the multipart request specification (jaydenseric's, version 2), held to its order.

`operations` comes first, `map` second, then the files that the map names. A file waits in a temporary one until the
operation has ended. Plain HTML forms can send multipart across origins, so a header is asked for that they cannot.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import Any, Final

from gateway.graphql.parameters import Parameters, from_object, read_json
from resolvers import forms
from resolvers.forms import Malformed, Part
from resolvers.uploads import LARGEST_FILE, Upload, check_size
from schema.errors import Refusal, refused
from schema.limits import MAX_MUTATIONS

MULTIPART: Final = "multipart/form-data"
PREFLIGHT: Final = ("graphql-require-preflight", "apollo-require-preflight", "x-apollo-operation-name")
MAX_OPERATIONS_BYTES: Final = 1024 * 1024
MAX_MAP_BYTES: Final = 64 * 1024
MAX_FILES: Final = MAX_MUTATIONS
# Each mutation takes one file; the rest is `operations`, `map` and the lines between.
MAX_FORM: Final = MAX_FILES * LARGEST_FILE + 2 * MAX_OPERATIONS_BYTES
_MAX_PATHS: Final = 100
_MAX_PATH: Final = 500


def check_preflight(headers: Mapping[str, str]) -> None:
    """Refuse a form that a page of another origin could have sent.

    Raises:
        Refusal: none of the headers is there (BAD_REQUEST).
    """
    if not any(headers.get(name) for name in PREFLIGHT):
        raise refused("BAD_REQUEST", "Send the header GraphQL-Require-Preflight with a multipart request.")


async def from_form(
    chunks: AsyncIterator[bytes], content_type: str, files: contextlib.ExitStack
) -> Parameters:
    """The parameters in a multipart body, their files in place; `files` closes them.

    Raises:
        Refusal: the form does not follow the specification (BAD_REQUEST).
        ValidationError: a file is too large; no operation runs for it, as none does for too large a body.
    """
    form = _Form(files)
    try:
        async with aclosing(forms.parts(chunks, content_type, MAX_FILES + 2)) as events:
            await form.read(events)
    except Malformed as malformed:
        raise _bad(f"The body {malformed}.") from None
    return form.parameters()


class _Form:
    """What was read of a form so far."""

    def __init__(self, files: contextlib.ExitStack) -> None:
        self._files = files
        self._texts: dict[str, bytearray] = {}
        self._uploads: dict[str, Upload] = {}
        self._operations: Any = None
        self._paths: dict[str, list[list[str]]] = {}

    async def read(self, events: AsyncGenerator[Part | bytes, None]) -> None:
        """Take every part.

        Raises:
            Refusal: a part is not the one that is due, or not what it must be (BAD_REQUEST).
            ValidationError: a file is too large.
        """
        taking: bytearray | Upload = bytearray()
        async for event in events:
            if isinstance(event, Part):
                taking = self._begin(event)
            elif isinstance(taking, Upload):
                taking.write(event)
                check_size(taking)
            else:
                taking += event
                self._check_length()

    def _begin(self, part: Part) -> bytearray | Upload:
        due = ("operations", "map")[len(self._texts)] if len(self._texts) < 2 else None
        if due is not None:
            if part.name != due:
                raise _bad(
                    f"The part {_said(part.name)} comes too early: `operations`, then `map`, then the files."
                )
            return self._texts.setdefault(due, bytearray())
        if not self._uploads:
            self._read_texts()
        if part.name not in self._paths or part.name in self._uploads:
            raise _bad(f"The part {_said(part.name)} must be named once in `map`, and come once.")
        upload = self._uploads[part.name] = self._files.enter_context(Upload(part.filename or ""))
        return upload

    def _check_length(self) -> None:
        for name, most in (("operations", MAX_OPERATIONS_BYTES), ("map", MAX_MAP_BYTES)):
            if len(self._texts.get(name, b"")) > most:
                raise refused("PAYLOAD_TOO_LARGE", f"The part `{name}` is larger than {most:,} bytes.")

    def _read_texts(self) -> None:
        self._operations = read_json(bytes(self._texts["operations"]), "The part `operations`")
        if not isinstance(self._operations, dict):
            raise _bad("The part `operations` must be one object; a list of operations is not supported.")
        self._paths = _paths(read_json(bytes(self._texts["map"]), "The part `map`"))

    def parameters(self) -> Parameters:
        """The operation with its files where the map wants them.

        Raises:
            Refusal: a part is missing, or a path leads nowhere (BAD_REQUEST).
        """
        for name in ("operations", "map"):
            if name not in self._texts:
                raise _bad(f"The part `{name}` is missing.")
        if not self._uploads:
            self._read_texts()
        for name, paths in self._paths.items():
            if name not in self._uploads:
                raise _bad(f"The file {_said(name)} that `map` names is missing.")
            for path in paths:
                _put(self._operations, path, self._uploads[name])
        return from_object(self._operations)


def _paths(map_: Any) -> dict[str, list[list[str]]]:
    """For each file the places it goes to, as steps from the top of `operations`."""
    if not isinstance(map_, dict):
        raise _bad("The part `map` must be an object.")
    found: dict[str, list[list[str]]] = {}
    for name, paths in map_.items():
        if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
            raise _bad(f"In `map`, {_said(name)} must be a list of paths.")
        found[name] = [path.split(".") for path in paths if len(path) <= _MAX_PATH]
        if len(found[name]) < len(paths):
            raise _bad(f"In `map`, a path of {_said(name)} is longer than {_MAX_PATH} characters.")
    if sum(map(len, found.values())) > _MAX_PATHS or len(found) > MAX_FILES:
        raise _bad(f"The part `map` may name at most {MAX_FILES} files and {_MAX_PATHS} paths.")
    return found


def _put(operations: dict[str, Any], path: list[str], file: Upload) -> None:
    """Put the file where the path leads: to a null among the variables, as the specification wants it."""
    place: Any = operations
    if path[0] != "variables" or len(path) < 2:
        raise _nowhere(path)
    for step in path[:-1]:
        place = _below(place, step, path)
    if _below(place, path[-1], path) is not None:
        raise _nowhere(path)
    place[int(path[-1]) if isinstance(place, list) else path[-1]] = file


def _below(place: Any, step: str, path: list[str]) -> Any:
    if isinstance(place, dict) and step in place:
        return place[step]
    if (
        isinstance(place, list)
        and step.isascii()
        and step.isdigit()
        and len(step) < 5
        and int(step) < len(place)
    ):
        return place[int(step)]
    raise _nowhere(path)


def _nowhere(path: list[str]) -> Refusal:
    return _bad(f"In `map`, {_said('.'.join(path))} must lead to a null among the variables.")


def _said(name: str) -> str:
    """A name from outside, as it can be said back."""
    return f"'{name.encode('utf-8', 'replace').decode()[:100]}'"


def _bad(message: str) -> Refusal:
    return refused("BAD_REQUEST", message)

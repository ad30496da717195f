"""A form with a file: read part by part, refused in the words of the other bodies."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, Final

from litestar.exceptions import HTTPException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from resolvers import forms
from resolvers.errors import AnswerError, UnsupportedMediaType, ValidationError
from resolvers.fields import refused
from resolvers.forms import Malformed, Part
from resolvers.uploads import LARGEST_FILE, Upload
from rest_compat.envelope import AnyRequest

LARGEST_FORM: Final = 2 * LARGEST_FILE
"""Bytes that are listened to: who is cut off while sending never reads why (nginx calls it lingering)."""
LONGEST_FIELD: Final = 1024
MOST_PARTS: Final = 10
SILENCE_S: Final = 20.0
"""How long nothing may come."""
DEADLINE_S: Final = 600.0


@contextlib.asynccontextmanager
async def form_with_file(request: AnyRequest) -> AsyncIterator[dict[str, Any]]:
    """What the form holds: `file` as an Upload, everything else as text, or as a number where it is one.

    Raises UnsupportedMediaType, ValidationError.
    """
    with contextlib.ExitStack() as files:
        chunks = _chunks(request)
        async with aclosing(chunks):
            try:
                given = await _read(request, chunks, files)
            except AnswerError:
                await _hear_out(chunks)
                raise
        yield given


async def _read(
    request: AnyRequest, chunks: AsyncGenerator[bytes, None], files: contextlib.ExitStack
) -> dict[str, Any]:
    if request.content_type[0].lower() != "multipart/form-data":
        raise UnsupportedMediaType("Send the file as multipart/form-data")
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType("Send the body without a content encoding")
    given: dict[str, Any] = {}
    name = ""
    try:
        async with aclosing(forms.parts(chunks, request.headers["content-type"], MOST_PARTS)) as events:
            async for event in events:
                if isinstance(event, Part):
                    name = event.name
                    _begin(given, event, files)
                elif isinstance(given[name], Upload):
                    given[name].write(event)
                else:
                    _lengthen(given, name, event)
    except Malformed as malformed:
        raise _wrong(str(malformed)) from None
    # a page's form sends its empty fields too
    filled = {name: value for name, value in given.items() if value != b""}
    return {name: value if isinstance(value, Upload) else _value(value) for name, value in filled.items()}


def _begin(given: dict[str, Any], part: Part, files: contextlib.ExitStack) -> None:
    if part.name in given:
        raise refused(part.name, "must be given once")
    is_file = part.filename is not None
    given[part.name] = files.enter_context(Upload(part.filename or "")) if is_file else b""


def _lengthen(given: dict[str, Any], name: str, chunk: bytes) -> None:
    given[name] += chunk
    if len(given[name]) > LONGEST_FIELD:
        raise refused(name, f"must be at most {LONGEST_FIELD} bytes")


def _value(raw: bytes) -> str | int:
    """Text is all that a form has: what reads as a whole number is meant as one."""
    text = raw.decode(errors="replace").strip()
    is_number = text.isascii() and text.isdigit() and len(text) < 20
    return int(text) if is_number else text


async def _chunks(request: AnyRequest) -> AsyncGenerator[bytes, None]:
    """The body as it comes, as long as something comes."""
    loop = asyncio.get_running_loop()
    end = loop.time() + DEADLINE_S
    stream = request.stream()
    try:
        async with aclosing(stream):
            while True:
                async with asyncio.timeout_at(min(loop.time() + SILENCE_S, end)):
                    chunk = await anext(stream, None)
                if chunk is None:
                    return
                yield chunk
    except RequestEntityTooLarge:
        raise refused("file", f"must be at most {LARGEST_FILE // 2**20} MiB") from None
    except TimeoutError:
        raise _wrong("must not pause for long") from None
    except HTTPException:
        raise _wrong("must come to its end") from None


async def _hear_out(chunks: AsyncGenerator[bytes, None]) -> None:
    """Take what still comes, so that the client hears the answer."""
    with contextlib.suppress(AnswerError):
        async for _ in chunks:
            pass


def _wrong(predicate: str) -> ValidationError:
    return ValidationError(f"The body {predicate}", {"body": [f"The body {predicate}"]})

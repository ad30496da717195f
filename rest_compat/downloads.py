"""The bytes of a file as HTTP gives them: whole or a range, and nothing when the client has them already (RFC 9110)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import quote

from litestar.types import Receive, Scope, Send

from db import rows
from rest_compat.envelope import Answer, AnyRequest, Header, request_id_header, standing_headers
from rest_compat.errors import RangeNotSatisfiable

Content: TypeAlias = Callable[[int, int], Awaitable[AsyncIterator[bytes]]]
"""From `start` up to, not including, `end`."""

_RANGE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.ASCII)
_ALWAYS: Final[tuple[Header, ...]] = (
    (b"accept-ranges", b"bytes"),
    # a file is somebody's: kept by their browser alone, and asked about every time, as the right to it may end
    (b"cache-control", b"private, no-cache"),
    # whatever the bytes pretend to be, a browser neither guesses nor runs them
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


class Span(NamedTuple):
    """Which bytes: from `start` up to, not including, `end`."""

    start: int
    end: int
    is_part: bool


class FileAnswer(Answer):
    """A file, sent chunk by chunk; `chunks` is None where only the headers are wanted."""

    __slots__ = ("chunks",)

    def __init__(
        self, request: AnyRequest, status: int, headers: list[Header], chunks: AsyncIterator[bytes] | None
    ) -> None:
        self.status = status
        self.headers = [*headers, *_ALWAYS, *request_id_header(request), *standing_headers(request)]
        self.chunks = chunks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it (ASGI)."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        if self.chunks is not None:
            async for chunk in self.chunks:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def file_answer(request: AnyRequest, row: rows.Attachment, content: Content) -> FileAnswer:
    """The answer to a request for the file: 200, 206 for a range, 304 when the client has it.

    Raises RangeNotSatisfiable, and what `content` raises.
    """
    etag = f'"{row.sha256}"'
    entity = [(b"etag", etag.encode())]
    if _has(request.headers.get("if-none-match"), etag):
        return FileAnswer(request, 304, entity, None)
    span = _span(request, etag, row.file_size)
    is_asked = request.method != "HEAD" and span.end > span.start
    chunks = await content(span.start, span.end) if is_asked else None
    headers = [*entity, *_describing(row, span)]
    return FileAnswer(request, 206 if span.is_part else 200, headers, chunks)


def _has(if_none_match: str | None, etag: str) -> bool:
    """Whether one of the listed tags is this one; weak ones count, as ours never changes (RFC 9110, 13.1.2)."""
    listed = (if_none_match or "").split(",")
    return any(each.strip().removeprefix("W/") in (etag, "*") for each in listed)


def _span(request: AnyRequest, etag: str, size: int) -> Span:
    """The bytes asked for: everything, unless one good range is (several at once may be ignored: RFC 9110, 14.2).

    Raises RangeNotSatisfiable.
    """
    whole = Span(0, size, False)
    asked = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if asked is None or request.headers.get("if-range", etag).strip() != etag:
        return whole
    first, last = asked.groups()
    if not first and not last:
        return whole
    if first and last and int(last) < int(first):
        return whole
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last) + 1, size) if first and last else size
    if start >= size or (not first and int(last) == 0):
        raise RangeNotSatisfiable(size)
    return Span(start, end, True)


def _describing(row: rows.Attachment, span: Span) -> list[Header]:
    headers = [
        (b"content-type", row.mime_type.encode()),
        (b"content-length", b"%d" % (span.end - span.start)),
        (b"content-disposition", _disposition(row.filename)),
    ]
    if span.is_part:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (span.start, span.end - 1, row.file_size)))
    return headers


def _disposition(filename: str) -> bytes:
    """`attachment`, with the name for clients of any age (RFC 6266, appendix D)."""
    plain = "".join(each if " " <= each <= "~" and each not in '"\\%' else "_" for each in filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}".encode()

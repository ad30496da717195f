"""multipart/form-data (RFC 7578), part by part as it comes: both doors take files in it."""

import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

from multipart import (
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

LONGEST_HEADER: Final = 16 * 1024
"""Bytes of one header of a part: a file name stands in it."""
LONGEST_BOUNDARY: Final = 200
_EXTENDED_NAME: Final = re.compile(r"filename\*\s*=\s*utf-8'[^']*'([^;\s]+)", re.IGNORECASE)


class Malformed(Exception):
    """What is wrong with a form, as `must come to its end`."""


@dataclass(frozen=True, slots=True)
class Part:
    """The head of a part; it is a file when it has a file name, be it an empty one."""

    name: str
    filename: str | None


async def parts(
    chunks: AsyncIterator[bytes], content_type: str, most: int
) -> AsyncGenerator[Part | bytes, None]:
    """The head of each part, followed by its bytes as they come. `most`: how many parts it may have.

    Raises Malformed.
    """
    try:
        with PushMultipartParser(
            _boundary(content_type), max_header_size=LONGEST_HEADER, max_segment_count=most
        ) as parser:
            async for chunk in chunks:
                for event in parser.parse(chunk) if chunk and not parser.closed else ():
                    if isinstance(event, MultipartSegment):
                        yield Part(event.name or "", _filename(event))
                    elif event is not None:
                        yield bytes(event)
    except ParserLimitReached:
        raise Malformed(
            f"must have at most {most} parts, with headers of at most {LONGEST_HEADER:,} bytes"
        ) from None
    except MultipartError as error:
        if "Unexpected end" in str(error):
            raise Malformed("must come to its end") from None
        raise Malformed(f"must be multipart/form-data: {str(error).splitlines()[0]}") from None


def _boundary(content_type: str) -> str:
    _, options = parse_options_header(content_type)
    boundary = str(options.get("boundary", ""))
    if (
        not boundary
        or len(boundary) > LONGEST_BOUNDARY
        or not boundary.isascii()
        or not boundary.isprintable()
    ):
        raise Malformed("must have a boundary in its Content-Type")
    return boundary


def _filename(segment: MultipartSegment) -> str | None:
    """The file's name; `filename*` where it is the only one, which RFC 7578 forbids and clients send."""
    if segment.filename is not None:
        return str(segment.filename)
    found = _EXTENDED_NAME.search(segment.header("Content-Disposition", ""))
    return unquote(found[1], errors="replace") if found else None

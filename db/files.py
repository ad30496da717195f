"""The bytes of attachments: a local directory or a bucket of S3, behind the same few calls.

Keys are ours (`key_of`), never a client's file name. What is written is whole and on the disk when `put` returns, so
a row that is written afterwards never lacks its bytes; bytes whose row was never written are what `unclaimed` finds.
"""

import asyncio
import contextlib
import datetime as dt
import logging
import os
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from db.errors import FileMissing, FilesUnavailable

logger = logging.getLogger("answer.files")

SMALLEST_PART: Final = 5 * 1024 * 1024
"""Bytes of one part of a multipart upload, of which S3 takes no smaller ones; less is one request."""
WRITTEN_AT_ONCE: Final = 512 * 1024
"""Bytes that wait in memory on their way into a folder."""
READ_AT_ONCE: Final = 64 * 1024
LISTED_AT_ONCE: Final = 500
COMES_TO_REST_S: Final = 0.05
_OURS: Final = re.compile(r"[0-9]+/[0-9]+/[0-9a-f]{32}")
_UNFINISHED: Final = re.compile(r"[0-9a-f]{32}#[0-9]+")
"""How a local file is called while it is being written; what a crash leaves of it has no other name."""
# a caller waits for the store, at most the ten seconds of an operation
_PATIENCE: Final[dict[str, Any]] = {
    "client_options": {"connect_timeout": "3s", "timeout": "8s"},
    "retry_config": {"max_retries": 2, "retry_timeout": dt.timedelta(seconds=8)},
}


class Credentials(NamedTuple):
    """What signs requests to S3; all empty: what the machine itself is given (its role, `AWS_*`)."""

    access_key_id: str = ""
    secret_access_key: str = ""
    session_token: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.access_key_id!r})"


class Place(NamedTuple):
    """Where files are kept: a local folder, or a bucket with a prefix, an endpoint and a region."""

    folder: Path | None = None
    bucket: str = ""
    prefix: str = ""
    endpoint: str = ""
    region: str = ""

    def __str__(self) -> str:
        return str(self.folder) if self.folder else f"s3://{'/'.join(filter(None, self[1:3]))}"


def place_of(address: str) -> Place:
    """A folder's path, `file:///folder` or `s3://bucket/prefix?endpoint=http://…&region=…`.

    Raises ValueError for any other address.
    """
    if not address.startswith("s3://"):
        if "://" in address and not address.startswith("file:///"):
            raise ValueError(
                "files are kept in a folder (its path) or in S3 (s3://bucket?endpoint=https://…)"
            )
        return Place(folder=Path(address.removeprefix("file://")).absolute())
    parts = urlsplit(address)
    asked = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = asked.keys() - {"endpoint", "region"}
    if unknown or not parts.netloc or "@" in parts.netloc:
        raise ValueError(
            "S3 is written s3://bucket/prefix?endpoint=https://…&region=…, its keys are settings of their own"
        )
    endpoint = asked.get("endpoint", "").rstrip("/")
    if endpoint and urlsplit(endpoint).scheme not in ("http", "https"):
        raise ValueError("the endpoint of S3 must be an http or https address")
    return Place(None, parts.netloc, parts.path.strip("/"), endpoint, asked.get("region", ""))


def key_of(workspace_id: int, ticket_id: int) -> str:
    """A new key for a file of the ticket."""
    return f"{workspace_id}/{ticket_id}/{uuid4().hex}"


class Files:
    """Where the bytes are. Nothing is opened before the first call, so a command that needs no file makes no folder."""

    def __init__(self, place: Place, credentials: Credentials = Credentials()) -> None:  # noqa: B008  # immutable
        self.place = place
        self._credentials = credentials

    @cached_property
    def _store(self) -> LocalStore | S3Store:
        if self.place.folder is not None:
            # nobody else on the machine reads what customers send
            self.place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return LocalStore(self.place.folder, automatic_cleanup=True)
        return _bucket(self.place, self._credentials)

    async def put(self, key: str, chunks: AsyncIterator[bytes], size: int) -> None:
        """Keep these bytes under the key: all of them, on the disk, or none. Raises FilesUnavailable."""
        part = SMALLEST_PART if self.place.folder is None else WRITTEN_AT_ONCE
        with _telling():
            await obstore.put_async(
                self._store, key, chunks, use_multipart=size > part, chunk_size=part, max_concurrency=1
            )
            if self.place.folder is not None:
                await asyncio.to_thread(_onto_the_disk, self.place.folder / key)

    async def read(self, key: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `start` up to, not including, `end`, chunk by chunk; at least one of them.

        Raises FilesUnavailable, FileMissing, before the first chunk.
        """
        with _telling():
            try:
                found = await obstore.get_async(self._store, key, options={"range": (start, end)})
            except FileNotFoundError:
                raise FileMissing(key) from None
        return _chunks(found)

    async def remove(self, keys: Sequence[str]) -> None:
        """Remove the files that are there. Raises FilesUnavailable."""
        await asyncio.gather(*(self._remove(key) for key in keys))

    async def _remove(self, key: str) -> None:
        with _telling(), contextlib.suppress(FileNotFoundError):
            await obstore.delete_async(self._store, key)

    async def older(self, moment: dt.datetime) -> AsyncIterator[list[str]]:
        """Keys of files that were written before the moment, in batches; of ours only, whatever else is there.

        Raises FilesUnavailable.
        """
        with _telling():
            async for batch in obstore.list(self._store, chunk_size=LISTED_AT_ONCE):
                yield [
                    each["path"]
                    for each in batch
                    if each["last_modified"] < moment and _OURS.fullmatch(each["path"])
                ]

    async def forget_unfinished(self, moment: dt.datetime) -> int:
        """Remove what crashes before the moment left half-written in a local folder; how many.

        A bucket does this itself, by a lifecycle rule for incomplete multipart uploads.
        """
        folder = self.place.folder
        return 0 if folder is None else await asyncio.to_thread(_forget_unfinished, folder, moment)

    async def check(self) -> None:
        """Write, read and remove a small file. Raises FilesUnavailable."""
        key = f"0/0/{uuid4().hex}"
        await self.put(key, _once(b"answer"), 6)
        with _telling():
            await obstore.get_async(self._store, key)
        await self.remove([key])

    async def close(self) -> None:
        """Let the store's threads come to rest.

        They let go of what Python gave them a moment after they have answered; a process that has ended by then
        aborts (seen in one run of six, with obstore 0.12).
        """
        if "_store" in self.__dict__:
            await asyncio.sleep(COMES_TO_REST_S)


def _bucket(place: Place, credentials: Credentials) -> S3Store:
    named = {name: value for name, value in credentials._asdict().items() if value}
    if place.region:
        named["region"] = place.region
    options = {**_PATIENCE["client_options"], "allow_http": place.endpoint.startswith("http://")}
    if place.endpoint:
        named["endpoint"] = place.endpoint
    settings: Any = {**named, **_PATIENCE, "client_options": options}
    return S3Store(
        place.bucket,
        prefix=place.prefix or None,
        virtual_hosted_style_request=not place.endpoint,
        **settings,
    )


@contextlib.contextmanager
def _telling() -> Iterator[None]:
    """Turns what the store fails with into FilesUnavailable; the operator finds the reason in the log."""
    try:
        yield
    except (BaseError, OSError) as error:
        reason = str(error).partition("\n")[0]
        logger.warning("the file store failed: %s", reason)
        raise FilesUnavailable(reason) from error


async def _chunks(found: Any) -> AsyncIterator[bytes]:
    with _telling():
        async for chunk in found.stream(min_chunk_size=READ_AT_ONCE):
            yield bytes(chunk)


async def _once(chunk: bytes) -> AsyncIterator[bytes]:
    yield chunk


def _onto_the_disk(path: Path) -> None:
    """What was acknowledged survives a power cut: the file, and the folders that name it."""
    for each in (path, path.parent, path.parent.parent):
        handle = os.open(each, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _forget_unfinished(folder: Path, moment: dt.datetime) -> int:
    found = [
        path
        for path in folder.glob("*/*/*")
        if _UNFINISHED.fullmatch(path.name) and path.stat().st_mtime < moment.timestamp()
    ]
    for path in found:
        path.unlink(missing_ok=True)
    return len(found)

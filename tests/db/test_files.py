"""Where bytes are kept: a folder and a real S3, the same calls and the same answers."""

import datetime as dt
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from db.errors import FileMissing, FilesUnavailable
from db.files import Credentials, Files, Place, key_of, place_of
from tests.services import S3_KEYS

DATA = os.urandom(6 * 2**20)


@pytest.fixture(params=["folder", "s3"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    """An empty store."""
    if request.param == "folder":
        return Files(place_of(str(tmp_path / "attachments")))
    url = request.getfixturevalue("s3_url")
    place = place_of(f"s3://answer/{tmp_path.name}/deep?endpoint={url}&region=us-east-1")
    return Files(place, Credentials(*S3_KEYS))


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 65_536):
        yield data[start : start + 65_536]


async def read(files: Files, key: str, start: int, end: int) -> bytes:
    return b"".join([chunk async for chunk in await files.read(key, start, end)])


async def keys(files: Files, moment: dt.datetime) -> set[str]:
    return {key async for batch in files.older(moment) for key in batch}


@pytest.mark.parametrize("size", [0, 1, 100_000, len(DATA)])
async def test_what_was_put_is_read_whole_and_in_parts(files: Files, size: int) -> None:
    key, data = key_of(1, 2), DATA[:size]
    await files.put(key, pieces(data), size)
    if size:
        assert await read(files, key, 0, size) == data
        assert await read(files, key, size // 2, size) == data[size // 2 :]
        assert await read(files, key, 0, 1) == data[:1]
    await files.remove([key, key_of(1, 2)])
    with pytest.raises(FileMissing):
        await read(files, key, 0, 1)


async def test_the_old_ones_are_listed_and_only_those(files: Files) -> None:
    now = dt.datetime.now(dt.UTC)
    made = {key_of(1, number) for number in range(5)}
    for key in [*made, "1/2/not-ours"]:
        await files.put(key, pieces(b"x"), 1)
    assert await keys(files, now - dt.timedelta(hours=1)) == set()
    assert await keys(files, now + dt.timedelta(hours=1)) == made


async def test_a_transfer_that_breaks_off_leaves_nothing(files: Files) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield DATA
        raise RuntimeError("cut off")

    key = key_of(1, 2)
    with pytest.raises(RuntimeError, match="cut off"):
        await files.put(key, broken(), 2 * len(DATA))
    assert await keys(files, dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)) == set()
    with pytest.raises(FileMissing):
        await read(files, key, 0, 1)


async def test_a_check_leaves_nothing_behind(files: Files) -> None:
    await files.check()
    assert await keys(files, dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)) == set()


async def test_a_wrong_secret_is_refused(s3_url: str) -> None:
    files = Files(place_of(f"s3://answer?endpoint={s3_url}&region=us-east-1"), Credentials(S3_KEYS[0], "no"))
    with pytest.raises(FilesUnavailable):
        await files.check()


async def test_a_store_that_is_down_is_told_in_time(unused_tcp_port: int) -> None:
    files = Files(
        place_of(f"s3://answer?endpoint=http://127.0.0.1:{unused_tcp_port}&region=us-east-1"),
        Credentials(*S3_KEYS),
    )
    before = dt.datetime.now(dt.UTC)
    with pytest.raises(FilesUnavailable):
        await files.put(key_of(1, 2), pieces(b"x"), 1)
    assert dt.datetime.now(dt.UTC) - before < dt.timedelta(seconds=10)


async def test_a_folder_is_its_owners_alone(tmp_path: Path) -> None:
    files = Files(Place(folder=tmp_path / "attachments"))
    assert not (tmp_path / "attachments").exists()  # a command that needs no file makes no folder
    await files.put(key_of(1, 2), pieces(b"x"), 1)
    assert (tmp_path / "attachments").stat().st_mode & 0o777 == 0o700


def test_an_address_is_read() -> None:
    assert place_of("/srv/files").folder == Path("/srv/files")
    assert place_of("file:///srv/files").folder == Path("/srv/files")
    assert place_of("s3://b") == Place(bucket="b")
    s3 = place_of("s3://b/c/d?endpoint=https://s3.test/&region=eu")
    assert s3 == Place(bucket="b", prefix="c/d", endpoint="https://s3.test", region="eu")
    assert str(s3) == "s3://b/c/d"


@pytest.mark.parametrize(
    "address",
    [
        "s3://",
        "s3:///x",
        "s3://key:secret@b",
        "s3://b?secret=x",
        "s3://b?endpoint=ftp://x",
        "gs://b",
        "file://host/x",
    ],
)
def test_any_other_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=re.compile("S3")):
        place_of(address)

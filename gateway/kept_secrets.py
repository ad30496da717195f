"""Secrets that were generated once and lie in the data directory, a file each, for their owner alone.

The first line is the secret. Behind the one that signs tokens may follow former ones, a line each: the secret, and the
instant until which its tokens are taken (`answer secrets rotate`).
"""

import contextlib
import datetime as dt
import fcntl
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from resolvers.tokens import SigningSecrets


class Former(NamedTuple):
    """A secret that signs no more, and when its last token will have ended."""

    secret: str
    until: dt.datetime

    def __repr__(self) -> str:
        return f"Former(until={self.until})"


@dataclass(frozen=True, slots=True)
class Kept:
    """What a file holds: the secret, and the former ones, latest first. No `repr` tells them."""

    secret: str = field(repr=False)
    former: tuple[Former, ...] = ()

    def good(self, now: dt.datetime) -> tuple[Former, ...]:
        """The former ones whose tokens are still taken."""
        return tuple(former for former in self.former if former.until > now)


def kept(path: Path) -> Kept:
    """What the file holds; a secret is generated when there is no file. Raises OSError."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with _written(path, secrets.token_urlsafe(48)) as fresh, contextlib.suppress(FileExistsError):
            # a link is made whole or not at all: of two workers that start at once, one wins and both read the same
            path.hardlink_to(fresh)
    return _read(path)


def rotate(path: Path, now: dt.datetime, overlap: dt.timedelta | None) -> Kept:
    """A new secret in the file. Tokens of the former ones are taken for `overlap`; None: no longer at all.

    Raises OSError.
    """
    before = kept(path)
    with _alone(path.parent):
        before = _read(path)
        former = () if overlap is None else (Former(before.secret, now + overlap), *before.good(now))
        after = Kept(secrets.token_urlsafe(48), former)
        lines = [after.secret, *(f"{each.secret} {each.until.isoformat()}" for each in after.former)]
        with _written(path, "\n".join(lines)) as fresh:
            fresh.replace(path)
    return after


class WatchedSecrets:
    """The secrets of a file as they are now: it is read again when it was changed, so a rotation needs no restart."""

    def __init__(self, path: Path, accepted: tuple[str, ...] = ()) -> None:
        self._path = path
        self._accepted = accepted
        self._kept = kept(path)
        self._seen = _mark(path)

    def __call__(self, now: dt.datetime) -> SigningSecrets:
        """What signs now, and what else is taken. A file that went away changes nothing for who has read it."""
        with contextlib.suppress(OSError):
            mark = _mark(self._path)
            if mark != self._seen:
                self._kept, self._seen = _read(self._path), mark
        former = tuple(each.secret for each in self._kept.good(now))
        return SigningSecrets(self._kept.secret, (*former, *self._accepted))


def _mark(path: Path) -> tuple[int, int]:
    # a rotation puts a new file there, so its number alone tells; the time is for those who copy one over it
    found = path.stat()
    return found.st_ino, found.st_mtime_ns


def _read(path: Path) -> Kept:
    first, *rest = path.read_text().strip().splitlines()
    pairs = (line.rpartition(" ") for line in rest)
    return Kept(first, tuple(Former(secret, dt.datetime.fromisoformat(until)) for secret, _, until in pairs))


@contextlib.contextmanager
def _written(path: Path, text: str) -> Iterator[Path]:
    """A file beside the path that holds the text, for its owner alone; it is gone in the end, unless it was moved."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    fresh.touch(mode=0o600)
    try:
        with fresh.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield fresh
    finally:
        fresh.unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One rotation after the other, so that none loses the secret that another has just made."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)

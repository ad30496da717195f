"""A file on its way in: counted and hashed as it comes, named safely, its kind told from its bytes (D27).

It waits in a temporary file until it is whole: a client that is slow or goes away costs nobody a connection to the
store, and what is too large is never stored.
"""

import codecs
import hashlib
import re
import unicodedata
from collections.abc import AsyncIterator
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Final, Self

import puremagic

from resolvers.fields import Refused, refused, storable

LARGEST_FILE: Final = 10 * 1024 * 1024
"""Bytes (D27)."""
LONGEST_NAME: Final = 1_000
"""Characters of a name as it was sent; what is stored as `filename` is shorter."""
KEPT_IN_MEMORY: Final = 256 * 1024
_TOO_LARGE: Final = f"must be at most {LARGEST_FILE // 2**20} MiB"
_HEAD: Final = 64 * 1024
_CHUNK: Final = 64 * 1024


class Upload:
    """A file as it was sent. Write it, hand it to a resolver, close it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.size = 0
        self._hash = hashlib.sha256()
        self._file = SpooledTemporaryFile(max_size=KEPT_IN_MEMORY)  # noqa: SIM115  # closed by `close`

    def write(self, chunk: bytes) -> None:
        """Take the next bytes; once they are too many they are only counted, and the file is refused by `upload`."""
        self.size += len(chunk)
        if self.is_too_large:
            self.close()
            return
        self._hash.update(chunk)
        self._file.write(chunk)

    @property
    def is_too_large(self) -> bool:
        """Whether more was sent than is taken; its bytes are gone then."""
        return self.size > LARGEST_FILE

    @property
    def sha256(self) -> str:
        """Of all that was written, in hexadecimal."""
        return self._hash.hexdigest()

    def mime_type(self) -> str:
        """What the bytes are; the name only decides between kinds that begin alike, as zip and docx."""
        self._file.seek(0)
        return sniffed(self._file.read(_HEAD), self.name)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes from the start."""
        self._file.seek(0)
        while chunk := self._file.read(_CHUNK):
            yield chunk

    def close(self) -> None:
        """Forget the bytes."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()


def upload(value: object) -> Upload:
    """The check of a field that holds a file. Raises Refused."""
    if not isinstance(value, Upload):
        raise Refused("must be a file")
    if value.is_too_large:
        raise Refused(_TOO_LARGE)
    if len(value.name) > LONGEST_NAME:
        raise Refused(f"must have a name of at most {LONGEST_NAME} characters")
    try:
        storable(value.name)
    except Refused as refusal:
        raise Refused(f"{refusal} in its name") from None
    return value


def check_size(file: Upload) -> None:
    """Refuse a file while it comes. Raises ValidationError on `file` once more was sent than is taken."""
    if file.is_too_large:
        raise refused("file", _TOO_LARGE)


_MEDIA_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,100}")
# kinds that are written in words; a text that merely begins like a picture ("BM…") is none
_OF_WORDS: Final = re.compile(r"(text|message)/.*|.*(json|xml|pdf|rtf|postscript)")
_CONTROLS: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def sniffed(head: bytes, name: str = "") -> str:
    """The media type of a file that begins like this; `text/plain` or `application/octet-stream` when unknown."""
    is_text = _is_text(head)
    try:
        found = puremagic.from_string(head, mime=True, filename=name or None).lower()
    except (puremagic.PureError, ValueError):
        found = ""
    if not _MEDIA_TYPE.fullmatch(found) or (is_text and not _OF_WORDS.fullmatch(found)):
        return "text/plain" if is_text else "application/octet-stream"
    return found


def _is_text(head: bytes) -> bool:
    try:
        # a letter may be cut in two where the head ends
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return not _CONTROLS.search(head)


LONGEST_SAFE_NAME: Final = 255
"""Bytes in UTF-8: what file systems take."""
_NAMELESS: Final = "file"
_SEPARATORS: Final = re.compile(r"[/\\]")
_TROUBLE: Final = re.compile(r'[<>:"|?*]')
_DEVICES: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


def safe_name(name: str) -> str:
    """The name as a file may be called on any system: no folders, no invisible letters, no devices of Windows."""
    last = _SEPARATORS.split(unicodedata.normalize("NFC", name))[-1]
    # category C: control and format characters (a right-to-left override turns exe into png), half surrogates
    visible = "".join(letter for letter in last if not unicodedata.category(letter).startswith("C"))
    kept = " ".join(_TROUBLE.sub("_", visible).split()).strip(" .")
    if _DEVICES.fullmatch(kept):
        kept = f"_{kept}"
    return _shortened(kept) or _NAMELESS


def _shortened(name: str) -> str:
    """At most LONGEST_SAFE_NAME bytes, the ending kept."""
    if len(name.encode()) <= LONGEST_SAFE_NAME:
        return name
    stem, dot, ending = name.rpartition(".")
    tail = f"{dot}{ending}".encode() if stem and len(ending) <= 16 else b""
    head = (stem if tail else name).encode()[: LONGEST_SAFE_NAME - len(tail)]
    return (head.decode(errors="ignore").rstrip(" .")) + tail.decode()

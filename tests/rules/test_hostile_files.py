"""Files that pretend to be something else: named safely, never shown inline, never unpacked (D27)."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
import zlib
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.doors import opened
from tests.hostile import NAMES, PRETENDERS

if TYPE_CHECKING:
    from tests.conftest import Person
    from tests.contents import Unchanged
    from tests.doors import Door, Row

ONLY_SAVED: Final = {
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
    "content-encoding": None,
}
ZEROS: Final = bytes(9 * 2**20)


def zipped() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(20):
            archive.writestr(f"../{number}", ZEROS)
    return held.getvalue()


BOMBS: Final = {"bomb.zip": zipped(), "bomb.gz": gzip.compress(ZEROS), "bomb.zz": zlib.compress(ZEROS)}


async def read(http: httpx.AsyncClient, who: Person, file: Row) -> httpx.Response:
    """The bytes as a browser gets them, which would unpack what says that it is packed."""
    return await http.get(file["url"], headers=who.headers | {"Accept-Encoding": "gzip, deflate"})


async def test_a_hostile_name_is_harmless_when_it_is_stored(
    door: Door, http: httpx.AsyncClient, agent: Person
) -> None:
    ticket = await opened(door, agent)
    for name in NAMES:
        file = (await door.attach(agent, ticket["id"], name, b"hello")).done()
        assert is_harmless(file["filename"]), (name, file["filename"])
        answer = await read(http, agent, file)
        assert answer.content == b"hello"
        told = answer.headers["content-disposition"]
        assert (told.startswith('attachment; filename="'), told.count('"')) == (True, 2), told
        assert (await door.detach(agent, file["id"])).ok


def is_harmless(name: str) -> bool:
    """Whether it is one name, in any folder of any system, and shows all of itself."""
    is_one_name = not set(name) & set('/\\<>:"|?*') and name not in ("", ".", "..")
    return is_one_name and name.isprintable() and name.strip(" .") == name and len(name.encode()) <= 255


@pytest.mark.parametrize("asking", [{}, {"Accept": "text/html"}, {"Sec-Fetch-Dest": "iframe"}])
async def test_what_browsers_would_run_is_only_saved(
    door: Door, http: httpx.AsyncClient, agent: Person, asking: dict[str, str]
) -> None:
    ticket = await opened(door, agent)
    for name, data in PRETENDERS.items():
        file = (await door.attach(agent, ticket["id"], name, data)).done()
        answer = await http.get(file["url"], headers=agent.headers | asking)
        assert answer.content == data
        assert answer.headers["content-type"] == file["mime_type"], name
        assert {header: answer.headers.get(header) for header in ONLY_SAVED} == ONLY_SAVED
        assert answer.headers["content-disposition"].startswith("attachment;")


async def test_what_is_packed_stays_packed(door: Door, http: httpx.AsyncClient, agent: Person) -> None:
    ticket = await opened(door, agent)
    for name, data in BOMBS.items():
        file = (await door.attach(agent, ticket["id"], name, data)).done()
        assert (file["file_size"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        answer = await read(http, agent, file)
        assert "content-encoding" not in answer.headers
        assert answer.content == data


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x-gzip"])
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/tickets", "application/json"),
        ("/v1/tickets/{id}/attachments", "multipart/form-data; boundary=x"),
        ("/graphql", "application/json"),
        ("/graphql", "multipart/form-data; boundary=x"),
    ],
)
async def test_a_packed_body_is_refused_unread(
    http: httpx.AsyncClient,
    rest: Door,
    agent: Person,
    unchanged: Unchanged,
    path: str,
    kind: str,
    encoding: str,
) -> None:
    ticket = await opened(rest, agent)
    headers: dict[str, Any] = {"Content-Type": kind, "Content-Encoding": encoding}
    headers |= {"GraphQL-Require-Preflight": "1"}
    async with unchanged():
        answer = await http.post(
            path.format(id=ticket["id"]), content=gzip.compress(ZEROS), headers=agent.headers | headers
        )
    assert answer.status_code in (400, 415)
    assert answer.headers["content-type"].startswith(
        ("application/json", "application/graphql-response+json")
    )

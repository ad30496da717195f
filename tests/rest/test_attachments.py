"""Forms with a file, and files as HTTP gives them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Any, Final

import httpx
import pytest

from resolvers.uploads import LARGEST_FILE
from rest_compat import forms
from tests.conftest import Person
from tests.contents import Unchanged, unchanged_in
from tests.rest.conftest import refused, ticket

DATA: Final = bytes(range(256)) * 8
BOUNDARY: Final = "an-audit-of-boundaries"
FORM: Final = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
FILE: Final = ('form-data; name="file"; filename="a.txt"', b"hello")


def form(*parts: tuple[str, bytes], end: str = "--\r\n") -> bytes:
    """A body of these parts; each is its Content-Disposition and its bytes."""
    heads = (
        f"--{BOUNDARY}\r\nContent-Disposition: ".encode() + head.encode() + b"\r\n\r\n" + data + b"\r\n"
        for head, data in parts
    )
    return b"".join(heads) + f"--{BOUNDARY}{end}".encode()


@pytest.fixture
async def path(as_agent: httpx.AsyncClient) -> str:
    """Where files go."""
    return f"/v1/tickets/{(await ticket(as_agent))['id']}/attachments"


@pytest.fixture
def unchanged(app: Any) -> Unchanged:
    """`async with unchanged():` fails when the block changes anything that is stored."""
    return lambda: unchanged_in(app.state.helpdesk.db)


async def uploaded(client: httpx.AsyncClient, path: str, name: str = "a b.bin", data: bytes = DATA) -> Any:
    answer = await client.post(path, files={"file": (name, data)})
    assert answer.status_code == 201, answer.text
    return answer.json()["data"]


async def test_a_file_comes_back_as_it_went(as_agent: httpx.AsyncClient, path: str) -> None:
    file = await uploaded(as_agent, path, "résumé 報告.bin")
    answer = await as_agent.get(file["url"], headers={"Accept-Encoding": "gzip"})
    assert (answer.status_code, answer.content) == (200, DATA)
    headers = answer.headers
    assert headers["content-type"] == "application/octet-stream"
    assert headers["content-length"] == str(len(DATA))
    assert headers["content-disposition"] == (
        "attachment; filename=\"r_sum_ __.bin\"; filename*=UTF-8''r%C3%A9sum%C3%A9%20%E5%A0%B1%E5%91%8A.bin"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert headers["cache-control"] == "private, no-cache"
    assert headers["accept-ranges"] == "bytes"
    assert headers["etag"] == f'"{hashlib.sha256(DATA).hexdigest()}"'
    assert "content-encoding" not in headers
    assert len(headers["x-request-id"]) == 32
    head = await as_agent.head(file["url"])
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(DATA)))


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=2000-", 2000, 2048),
        ("bytes=-5", 2043, 2048),
        ("bytes=-99999", 0, 2048),
        ("bytes=2000-99999", 2000, 2048),
    ],
)
async def test_a_range_is_answered_as_http_wants_it(
    as_agent: httpx.AsyncClient, path: str, asked: str, start: int, end: int
) -> None:
    file = await uploaded(as_agent, path)
    answer = await as_agent.get(file["url"], headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, DATA[start:end])
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/2048"
    assert answer.headers["content-length"] == str(end - start)


@pytest.mark.parametrize(
    "asked", ["bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=0-1,5-6", "bytes=0" * 500]
)
async def test_what_is_no_single_range_is_ignored(as_agent: httpx.AsyncClient, path: str, asked: str) -> None:
    file = await uploaded(as_agent, path)
    answer = await as_agent.get(file["url"], headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, DATA)


@pytest.mark.parametrize("asked", ["bytes=2048-", "bytes=99999999999-", "bytes=-0"])
async def test_a_range_beyond_the_end_is_told_the_size(
    as_agent: httpx.AsyncClient, path: str, asked: str
) -> None:
    file = await uploaded(as_agent, path)
    answer = await as_agent.get(file["url"], headers={"Range": asked})
    refused(answer, 416, "RANGE_NOT_SATISFIABLE")
    assert answer.headers["content-range"] == "bytes */2048"


async def test_tags_spare_a_transfer(as_agent: httpx.AsyncClient, path: str) -> None:
    file = await uploaded(as_agent, path)
    etag = (await as_agent.head(file["url"])).headers["etag"]
    for has in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = await as_agent.get(file["url"], headers={"If-None-Match": has})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", etag)
    assert (await as_agent.get(file["url"], headers={"If-None-Match": '"other"'})).status_code == 200
    part = {"Range": "bytes=0-1"}
    assert (await as_agent.get(file["url"], headers=part | {"If-Range": etag})).status_code == 206
    for other in ('"other"', "Mon, 02 Mar 2026 09:00:00 GMT"):
        assert (await as_agent.get(file["url"], headers=part | {"If-Range": other})).status_code == 200


async def test_no_kind_of_file_is_run_by_a_browser(as_agent: httpx.AsyncClient, path: str) -> None:
    page = b"<html><script>alert(1)</script></html>"
    answer = await as_agent.post(path, files={"file": ("x.png", page, "image/png")})
    assert answer.json()["data"]["mime_type"] == "text/html"
    read = await as_agent.get(answer.json()["data"]["url"])
    assert read.headers["content-disposition"].startswith("attachment;")
    assert read.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in read.headers["content-security-policy"]


async def test_a_deleted_file_is_gone(as_agent: httpx.AsyncClient, path: str) -> None:
    file = await uploaded(as_agent, path)
    answer = await as_agent.delete(f"/v1/attachments/{file['id']}")
    assert answer.json() == {"success": True, "message": "Attachment deleted successfully"}
    for address in (f"/v1/attachments/{file['id']}", file["url"]):
        refused(await as_agent.get(address), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        (form(), {"file"}),
        (form(('form-data; name="reply_id"', b"1")), {"file"}),
        (form(('form-data; name="file"', b"just text")), {"file"}),
        (form(FILE, FILE), {"file"}),
        (form(FILE, ('form-data; name="another"; filename="b"', b"x")), {"another"}),
        (form(FILE, ('form-data; name="another"', b"x")), {"another"}),
        (form(FILE, ('form-data; name="reply_id"', b"abc")), {"reply_id"}),
        (form(FILE, ('form-data; name="reply_id"', b"0")), {"reply_id"}),
        (form(FILE, ('form-data; name="reply_id"', b"9" * 30)), {"reply_id"}),
        (form(FILE, ('form-data; name="reply_id"', b"1" * 5000)), {"reply_id"}),
        (
            form(FILE, ('form-data; name="reply_id"', b"1"), ('form-data; name="reply_id"', b"1")),
            {"reply_id"},
        ),
        (form(('form-data; name="file"; filename="a\x00b"', b"x")), {"file"}),
        (form(FILE)[:-20], {"body"}),
        (form(FILE, end=""), {"body"}),
        (form(FILE).replace(BOUNDARY.encode(), b"another"), {"body"}),
        (b"", {"body"}),
        (b"nonsense", {"body"}),
        (f"--{BOUNDARY}\r\n\r\nx\r\n--{BOUNDARY}--\r\n".encode(), {"body"}),
        (form(*[(f'form-data; name="x{number}"', b"") for number in range(5000)]), {"body"}),
        (form((f'form-data; name="file"; filename="{"a" * 100_000}"', b"x")), {"body"}),
        (form(("attachment; filename=a", b"x")), {"body"}),
    ],
)
async def test_a_form_that_is_wrong_is_refused(
    as_agent: httpx.AsyncClient, path: str, unchanged: Unchanged, sent: bytes, wrong: set[str]
) -> None:
    async with unchanged():
        answer = await as_agent.post(path, content=sent, headers=FORM)
        assert set(refused(answer, 400, "VALIDATION_ERROR")["details"]) == wrong


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "multipart/form-data"}, 400),
        ({"Content-Type": "multipart/form-data; boundary="}, 400),
        ({"Content-Type": f"multipart/form-data; boundary={'b' * 500}"}, 400),
        ({"Content-Type": "application/json"}, 415),
        ({"Content-Type": "multipart/mixed; boundary=x"}, 415),
        ({}, 415),
        (FORM | {"Content-Encoding": "gzip"}, 415),
    ],
)
async def test_a_body_of_another_kind_is_refused(
    as_agent: httpx.AsyncClient, path: str, headers: dict[str, str], status: int
) -> None:
    answer = await as_agent.post(path, content=form(FILE), headers=headers)
    refused(answer, status, "VALIDATION_ERROR" if status == 400 else "UNSUPPORTED_MEDIA_TYPE")


async def test_a_name_comes_in_the_forms_that_clients_send(as_agent: httpx.AsyncClient, path: str) -> None:
    for head, name in (
        ('form-data; name="file"; filename="a.txt"; filename*=UTF-8\'\'%e2%82%ac.txt', "a.txt"),
        ("form-data; name=file; filename*=UTF-8''%e2%82%ac.txt", "€.txt"),
        ('form-data; name="file"; filename=""', ""),
        ("form-data; name=file; filename=plain.txt", "plain.txt"),
    ):
        answer = await as_agent.post(path, content=form((head, b"x")), headers=FORM)
        assert answer.status_code == 201, answer.text
        data = answer.json()["data"]
        assert (data["original_filename"], data["filename"]) == (name, name or "file")


async def test_an_empty_field_is_an_absent_one(as_agent: httpx.AsyncClient, path: str) -> None:
    answer = await as_agent.post(path, content=form(FILE, ('form-data; name="reply_id"', b"")), headers=FORM)
    assert answer.json()["data"]["reply_id"] is None


async def test_ids_in_a_list_are_integers_however_they_are_written(
    as_agent: httpx.AsyncClient, path: str
) -> None:
    file = await uploaded(as_agent, path)
    sent = {"content": "x", "attachment_ids": [float(file["id"])]}
    answer = await as_agent.post(path.replace("attachments", "replies"), json=sent)
    assert [each["id"] for each in answer.json()["data"]["attachments"]] == [file["id"]]


async def test_an_endless_body_is_not_listened_to(as_agent: httpx.AsyncClient, path: str) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield form(FILE, end="")[: -len(BOUNDARY) - 4]
        while True:
            sent += 2**20
            yield bytes(2**20)

    answer = await as_agent.post(path, content=endless(), headers=FORM)
    error = refused(answer, 400, "VALIDATION_ERROR")
    assert error["details"] == {"file": ["This field must be at most 10 MiB"]}
    assert sent <= forms.LARGEST_FORM + 2 * 2**20


async def test_a_client_that_falls_silent_is_let_go(
    as_agent: httpx.AsyncClient, path: str, unchanged: Unchanged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "SILENCE_S", 0.1)

    async def half() -> AsyncIterator[bytes]:
        yield form(FILE)[:60]
        await asyncio.sleep(5)

    async with unchanged():
        answer = await as_agent.post(path, content=half(), headers=FORM)
        assert set(refused(answer, 400, "VALIDATION_ERROR")["details"]) == {"body"}


async def test_a_file_in_many_small_pieces_is_whole(as_agent: httpx.AsyncClient, path: str) -> None:
    whole = form(('form-data; name="file"; filename="a"', DATA))

    async def pieces() -> AsyncIterator[bytes]:
        for place in range(0, len(whole), 7):
            yield whole[place : place + 7]

    answer = await as_agent.post(path, content=pieces(), headers=FORM)
    assert answer.json()["data"]["sha256"] == hashlib.sha256(DATA).hexdigest()


async def test_a_file_just_over_the_limit_hears_why(as_agent: httpx.AsyncClient, path: str) -> None:
    answer = await as_agent.post(path, files={"file": ("a", bytes(LARGEST_FILE + 1))})
    assert refused(answer, 400, "VALIDATION_ERROR")["message"] == "The file field must be at most 10 MiB"


async def test_the_file_of_a_foreign_ticket_is_not_there(
    calls: Callable[[Person], httpx.AsyncClient], as_agent: httpx.AsyncClient, stranger: Person, path: str
) -> None:
    file = await uploaded(as_agent, path)
    theirs = calls(stranger)
    for method, address in (
        ("GET", file["url"]),
        ("HEAD", file["url"]),
        ("GET", f"/v1/attachments/{file['id']}"),
        ("DELETE", f"/v1/attachments/{file['id']}"),
    ):
        assert (await theirs.request(method, address)).status_code == 404
    assert (await theirs.post(path, files={"file": ("a", b"a")})).status_code == 404

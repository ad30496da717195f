"""Files of tickets and replies: added, seen, downloaded, deleted (D25, D27, D34, D35)."""

import asyncio
import datetime as dt
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from db.errors import FilesUnavailable
from db.files import Credentials, Files, key_of, place_of
from gateway.worker import Worker
from resolvers import files as swept_files
from resolvers.context import Helpdesk
from resolvers.uploads import LARGEST_FILE, LONGEST_NAME
from tests.conftest import Clock, Joins, Person, Sql
from tests.contents import Unchanged
from tests.doors import Door, GraphqlDoor, Row, opened
from tests.services import S3_KEYS

LOG = b"2026-03-02 09:00:00 ERROR something broke\n" * 40
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


def kept(helpdesk: Helpdesk) -> list[Path]:
    """The files in the store."""
    folder = helpdesk.files.place.folder
    assert folder is not None
    return sorted(path for path in folder.rglob("*") if path.is_file())


async def bytes_of(http: httpx.AsyncClient, who: Person, file: Row, **headers: str) -> httpx.Response:
    return await http.get(file["url"], headers=who.headers | headers)


async def test_a_file_is_kept_as_it_was_sent(
    door: Door, agent: Person, helpdesk: Helpdesk, http: httpx.AsyncClient
) -> None:
    ticket = await opened(door, agent)
    made = await door.attach(agent, ticket["id"], "error-log.txt", LOG)
    file = made.done()
    assert file == {
        "id": file["id"],
        "ticket_id": ticket["id"],
        "reply_id": None,
        "filename": "error-log.txt",
        "original_filename": "error-log.txt",
        "file_size": len(LOG),
        "mime_type": "text/plain",
        "sha256": hashlib.sha256(LOG).hexdigest(),
        "is_internal": False,
        "url": f"/v1/attachments/{file['id']}/download",
        "created_at": file["created_at"],
    }
    if door.name == "rest":
        assert made.message == "Attachment created successfully"
    assert (await door.attachment(agent, file["id"])).data == file
    [path] = kept(helpdesk)
    assert path.read_bytes() == LOG
    assert path.parent.name == str(ticket["id"])
    assert "error" not in path.name
    assert (await bytes_of(http, agent, file)).content == LOG


async def test_a_file_changes_its_ticket_and_is_in_the_log(door: Door, agent: Person) -> None:
    """D5, D35. It is no action that ends the untouched state (D2)."""
    before = await opened(door, agent)
    file = (await door.attach(agent, before["id"], "a.txt", b"a")).done()
    after = (await door.ticket(agent, before["id"])).done()
    assert after["version"] == before["version"] + 1
    assert after["updated_at"] > before["updated_at"]
    assert after["is_untouched"] is True
    [_, entry] = after["activity_log"]
    assert (entry["action"], entry["from"], entry["to"]) == ("attachment_added", None, str(file["id"]))
    assert entry["user"] == {"id": agent.id, "name": agent.user.name}
    assert entry["timestamp"] == after["updated_at"]


async def test_a_ticket_and_its_replies_show_their_files(door: Door, agent: Person) -> None:
    ticket = await opened(door, agent)
    loose = (await door.attach(agent, ticket["id"], "loose.txt", b"a")).done()
    early = (await door.attach(agent, ticket["id"], "early.txt", b"b")).done()
    reply = (await door.reply(agent, ticket["id"], content="See", attachment_ids=[early["id"]])).done()
    late = (await door.attach(agent, ticket["id"], "late.png", PNG, reply_id=reply["id"])).done()
    assert [each["id"] for each in reply["attachments"]] == [early["id"]]
    assert late["reply_id"] == reply["id"]
    seen = (await door.ticket(agent, ticket["id"])).done()
    assert [each["id"] for each in seen["attachments"]] == [loose["id"], early["id"], late["id"]]
    assert [each["reply_id"] for each in seen["attachments"]] == [None, reply["id"], reply["id"]]
    assert seen["attachments"][2] == {
        "id": late["id"],
        "filename": "late.png",
        "original_filename": "late.png",
        "file_size": len(PNG),
        "mime_type": "image/png",
        "url": late["url"],
        "reply_id": reply["id"],
    }
    [shown] = (await door.replies(agent, ticket["id"])).done()
    assert shown["attachments"] == seen["attachments"][1:]
    assert seen["replies"][0]["attachments"] == seen["attachments"][1:]


async def test_only_free_files_of_ones_own_on_that_ticket_go_with_a_reply(
    door: Door, agent: Person, admin: Person, unchanged: Unchanged
) -> None:
    ticket, other = await opened(door, agent), await opened(door, agent)
    own = (await door.attach(agent, ticket["id"], "a", b"a")).done()["id"]
    theirs = (await door.attach(admin, ticket["id"], "a", b"a")).done()["id"]
    elsewhere = (await door.attach(agent, other["id"], "a", b"a")).done()["id"]
    taken = (await door.attach(agent, ticket["id"], "a", b"a")).done()["id"]
    assert (await door.reply(agent, ticket["id"], content="x", attachment_ids=[taken])).ok
    async with unchanged():
        for ids in ([theirs], [elsewhere], [taken], [own, 10**9], [own, theirs]):
            refused = await door.reply(agent, ticket["id"], content="x", attachment_ids=ids)
            assert refused.code == "VALIDATION_ERROR"
            assert set(refused.wrong) == {"attachment_ids"}
        refused = await door.reply(agent, ticket["id"], content="", attachment_ids=[theirs])
        assert set(refused.wrong) == {"content", "attachment_ids"}
        refused = await door.reply(agent, ticket["id"], content="x", attachment_ids=list(range(1, 22)))
        assert refused.wrong == {"attachment_ids": "must list at most 20 ids"}
    done = await door.reply(agent, ticket["id"], content="x", attachment_ids=[own, own])
    assert [each["id"] for each in done.done()["attachments"]] == [own]
    assert (await door.reply(agent, ticket["id"], content="x", attachment_ids=[])).ok
    assert (await door.reply(agent, ticket["id"], content="x", attachment_ids=None)).ok


class TestFilesOfNotes:
    """A customer gets them by no path (D25)."""

    @pytest.mark.parametrize("is_named_afterwards", [False, True])
    async def test_are_the_staffs(
        self,
        door: Door,
        graph: GraphqlDoor,
        http: httpx.AsyncClient,
        agent: Person,
        customer: Person,
        unchanged: Unchanged,
        is_named_afterwards: bool,
    ) -> None:
        ticket = await opened(door, agent, requester_email=customer.user.email)
        public = (await door.attach(agent, ticket["id"], "public.txt", b"a")).done()
        if is_named_afterwards:
            secret = (await door.attach(agent, ticket["id"], "secret.txt", b"s")).done()
            note = await door.reply(
                agent, ticket["id"], content="n", is_internal=True, attachment_ids=[secret["id"]]
            )
        else:
            note = await door.reply(agent, ticket["id"], content="n", is_internal=True)
            secret = (
                await door.attach(agent, ticket["id"], "secret.txt", b"s", reply_id=note.done()["id"])
            ).done()
        assert (await door.attachment(agent, secret["id"])).data["is_internal"] is True
        assert (await bytes_of(http, agent, secret)).content == b"s"
        async with unchanged():
            seen = (await door.ticket(customer, ticket["id"])).done()
            assert [each["id"] for each in seen["attachments"]] == [public["id"]]
            lines = [entry["to"] for entry in seen["activity_log"] if entry["action"] == "attachment_added"]
            assert lines == [str(public["id"])]
            assert (await door.attachment(customer, secret["id"])).code == "NOT_FOUND"
            assert (await bytes_of(http, customer, secret)).status_code == 404
            assert (await bytes_of(http, customer, public)).status_code == 200
            assert (await door.detach(customer, secret["id"])).code == "NOT_FOUND"
            onto_note = await door.attach(customer, ticket["id"], "x", b"x", reply_id=note.data["id"])
            assert onto_note.wrong == {"reply_id": "does not exist"}
            body = await graph.ask(
                customer,
                "query($ids: [ID!]!) { nodes(ids: $ids) { id } }",
                ids=[f"att_{secret['id']}", f"rpl_{note.data['id']}", f"att_{public['id']}"],
            )
            assert body["data"]["nodes"] == [None, None, {"id": f"att_{public['id']}"}]


async def test_the_right_to_see_the_ticket_is_asked(
    door: Door,
    http: httpx.AsyncClient,
    agent: Person,
    customer: Person,
    stranger: Person,
    join: Joins,
    unchanged: Unchanged,
) -> None:
    """D34."""
    ticket = await opened(door, agent, requester_email=customer.user.email)
    file = (await door.attach(customer, ticket["id"], "mine.txt", b"mine")).done()
    another = await join("customer", email="another@default.example")
    assert (await bytes_of(http, customer, file)).content == b"mine"
    async with unchanged():
        for who in (another, stranger):
            assert (await door.attachment(who, file["id"])).code == "NOT_FOUND"
            assert (await bytes_of(http, who, file)).status_code == 404
            assert (await door.attach(who, ticket["id"], "x", b"x")).code == "NOT_FOUND"
            assert (await door.detach(who, file["id"])).code == "NOT_FOUND"
        assert (await http.get(file["url"])).status_code == 401
        assert (await door.attach(None, ticket["id"], "x", b"x")).code == "UNAUTHORIZED"
        assert (await door.attach("nonsense", ticket["id"], "x", b"x")).code == "UNAUTHORIZED"


async def test_customers_add_to_their_own_replies_and_agents_to_any(
    door: Door, agent: Person, customer: Person, unchanged: Unchanged
) -> None:
    ticket = await opened(door, agent, requester_email=customer.user.email)
    of_agent = (await door.reply(agent, ticket["id"], content="x")).done()["id"]
    of_customer = (await door.reply(customer, ticket["id"], content="x")).done()["id"]
    other = await opened(door, agent)
    async with unchanged():
        refused = await door.attach(customer, ticket["id"], "a", b"a", reply_id=of_agent)
        assert refused.wrong == {"reply_id": "must be a reply of your own"}
        for reply_id in (10**9, of_agent):
            refused = await door.attach(agent, other["id"], "a", b"a", reply_id=reply_id)
            assert refused.wrong == {"reply_id": "does not exist"}
    assert (await door.attach(customer, ticket["id"], "a", b"a", reply_id=of_customer)).ok
    assert (await door.attach(agent, ticket["id"], "a", b"a", reply_id=of_customer)).ok


class TestSizes:
    """D27: at most 10 * 1024 * 1024 bytes."""

    async def test_the_largest_is_taken_and_comes_back(
        self, door: Door, http: httpx.AsyncClient, agent: Person
    ) -> None:
        ticket, data = await opened(door, agent), os.urandom(LARGEST_FILE)
        file = (await door.attach(agent, ticket["id"], "large.bin", data)).done()
        assert (file["file_size"], file["mime_type"]) == (LARGEST_FILE, "application/octet-stream")
        assert (await bytes_of(http, agent, file)).content == data

    async def test_a_byte_more_is_refused(
        self, door: Door, agent: Person, helpdesk: Helpdesk, unchanged: Unchanged
    ) -> None:
        ticket = await opened(door, agent)
        async with unchanged():
            refused = await door.attach(agent, ticket["id"], "large.bin", bytes(LARGEST_FILE + 1))
            assert (refused.code, refused.wrong) == ("VALIDATION_ERROR", {"file": "must be at most 10 MiB"})
        assert kept(helpdesk) == []

    async def test_an_empty_file_is_one(self, door: Door, http: httpx.AsyncClient, agent: Person) -> None:
        ticket = await opened(door, agent)
        file = (await door.attach(agent, ticket["id"], "empty.txt", b"")).done()
        assert (file["file_size"], file["mime_type"]) == (0, "text/plain")
        answer = await bytes_of(http, agent, file)
        assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\win.ini", "win.ini"),
        ("C:\\boot.ini", "boot.ini"),
        ("..", "file"),
        (".htaccess", "htaccess"),
        ("line\nbreak\r.txt", "linebreak.txt"),
        ("a.txt\u202egnp.exe", "a.txtgnp.exe"),
        ("con.txt", "_con.txt"),
        ("<script>.html", "_script_.html"),
        ("отчёт 報告 😀.txt", "отчёт 報告 😀.txt"),
        ("x" * 300 + ".txt", "x" * 251 + ".txt"),
        ("é" * 300 + ".txt", "é" * 125 + ".txt"),
        ('quo"te.txt', "quo_te.txt"),
    ],
)
async def test_a_name_is_kept_as_sent_and_stored_safely(
    door: Door, http: httpx.AsyncClient, agent: Person, sent: str, stored: str
) -> None:
    ticket = await opened(door, agent)
    file = (await door.attach(agent, ticket["id"], sent, b"hello")).done()
    assert file["filename"] == stored
    # clients double a backslash, and the path of a Windows name is taken off, as old browsers sent it
    assert file["original_filename"].replace("\\\\", "\\") in (sent, sent.rpartition("\\")[2])
    answer = await bytes_of(http, agent, file)
    assert answer.content == b"hello"
    assert answer.headers["content-disposition"].startswith("attachment; filename=")


async def test_a_name_that_cannot_be_kept_is_refused(
    door: Door, agent: Person, helpdesk: Helpdesk, unchanged: Unchanged
) -> None:
    ticket = await opened(door, agent)
    async with unchanged():
        refused = await door.attach(agent, ticket["id"], "x" * 5_000, b"a")
        assert refused.wrong == {"file": f"must have a name of at most {LONGEST_NAME} characters"}
    assert kept(helpdesk) == []


async def test_a_ticket_takes_so_many_files(
    door: Door, agent: Person, helpdesk: Helpdesk, unchanged: Unchanged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.attachments.MOST_ON_A_TICKET", 1)
    ticket = await opened(door, agent)
    assert (await door.attach(agent, ticket["id"], "a", b"a")).ok
    async with unchanged():
        assert (await door.attach(agent, ticket["id"], "a", b"a")).code == "CONFLICT"
    assert len(kept(helpdesk)) == 1


class TestDeletion:
    async def test_of_a_file_takes_its_bytes_along(
        self, door: Door, agent: Person, customer: Person, helpdesk: Helpdesk, unchanged: Unchanged
    ) -> None:
        ticket = await opened(door, agent, requester_email=customer.user.email)
        of_agent = (await door.attach(agent, ticket["id"], "a", b"a")).done()
        own = (await door.attach(customer, ticket["id"], "a", b"a")).done()
        async with unchanged():
            assert (await door.detach(customer, of_agent["id"])).code == "FORBIDDEN"
        before = (await door.ticket(agent, ticket["id"])).done()
        assert (await door.detach(customer, own["id"])).ok
        assert (await door.detach(customer, own["id"])).code == "NOT_FOUND"
        after = (await door.ticket(agent, ticket["id"])).done()
        assert after["version"] == before["version"] + 1
        assert (await door.detach(agent, of_agent["id"])).ok
        assert kept(helpdesk) == []

    async def test_of_a_ticket_takes_all_bytes_along(
        self, door: Door, agent: Person, http: httpx.AsyncClient, helpdesk: Helpdesk
    ) -> None:
        ticket, other = await opened(door, agent), await opened(door, agent)
        files = [(await door.attach(agent, ticket["id"], "a", b"a")).done() for _ in range(3)]
        stays = (await door.attach(agent, other["id"], "a", b"a")).done()
        assert (await door.delete_ticket(agent, ticket["id"])).ok
        assert len(kept(helpdesk)) == 1
        assert (await bytes_of(http, agent, files[0])).status_code == 404
        assert (await bytes_of(http, agent, stays)).status_code == 200

    async def test_of_who_uploaded_it_leaves_the_file(self, door: Door, admin: Person, join: Joins) -> None:
        ticket = await opened(door, admin)
        gone = await join("agent", email="gone@default.example")
        file = (await door.attach(gone, ticket["id"], "a", b"a")).done()
        assert (await door.delete(admin, "user", gone.id)).ok
        assert (await door.attachment(admin, file["id"])).ok


async def test_files_are_kept_in_s3_just_as_well(
    door: Door,
    agent: Person,
    helpdesk: Helpdesk,
    http: httpx.AsyncClient,
    clock: Clock,
    s3_url: str,
    tmp_path: Path,
) -> None:
    place = place_of(f"s3://answer/{tmp_path.name}?endpoint={s3_url}&region=us-east-1")
    helpdesk.files = Files(place, Credentials(*S3_KEYS))
    ticket, data = await opened(door, agent), os.urandom(LARGEST_FILE)
    small = (await door.attach(agent, ticket["id"], "small.txt", LOG)).done()
    large = (await door.attach(agent, ticket["id"], "../large", data)).done()
    assert (await bytes_of(http, agent, small)).content == LOG
    assert (await bytes_of(http, agent, large)).content == data
    part = await bytes_of(http, agent, large, Range="bytes=5000000-5000009")
    assert (part.status_code, part.content) == (206, data[5_000_000:5_000_010])
    refused = await door.attach(agent, ticket["id"], "large", bytes(LARGEST_FILE + 1))
    assert refused.wrong == {"file": "must be at most 10 MiB"}
    assert await in_store(helpdesk) == 2
    await helpdesk.files.put(key_of(1, 2), _orphan(), 6)
    helpdesk.clock = lambda: dt.datetime.now(dt.UTC) + dt.timedelta(hours=23)
    assert await swept_files.sweep(helpdesk) == 0
    helpdesk.clock = lambda: dt.datetime.now(dt.UTC) + dt.timedelta(hours=25)
    assert await swept_files.sweep(helpdesk) == 1
    helpdesk.clock = clock
    assert await in_store(helpdesk) == 2
    assert (await door.delete_ticket(agent, ticket["id"])).ok
    assert await in_store(helpdesk) == 0


async def in_store(helpdesk: Helpdesk) -> int:
    """How many files there are."""
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    return sum([len(batch) async for batch in helpdesk.files.older(later)])


async def _orphan() -> AsyncIterator[bytes]:
    yield b"orphan"


class Broken(Files):
    """A store that fails where a test says."""

    def __init__(self, files: Files, *calls: str) -> None:
        super().__init__(files.place)
        self.calls = calls

    async def put(self, *arguments: Any) -> None:
        if "put" in self.calls:
            raise FilesUnavailable("out")
        await super().put(*arguments)

    async def remove(self, *arguments: Any) -> None:
        if "remove" in self.calls:
            raise FilesUnavailable("out")
        await super().remove(*arguments)


class TestFailures:
    """No row without bytes; bytes without a row are swept a day later."""

    async def test_of_the_store_write_nothing(
        self, door: Door, agent: Person, helpdesk: Helpdesk, unchanged: Unchanged
    ) -> None:
        ticket = await opened(door, agent)
        helpdesk.files = Broken(helpdesk.files, "put")
        async with unchanged():
            assert (await door.attach(agent, ticket["id"], "a", b"a")).code == "SERVICE_UNAVAILABLE"

    async def test_of_the_store_do_not_stop_a_deletion(
        self, door: Door, agent: Person, helpdesk: Helpdesk, clock: Clock
    ) -> None:
        ticket = await opened(door, agent)
        await door.attach(agent, ticket["id"], "a", b"a")
        whole = helpdesk.files
        helpdesk.files = Broken(whole, "remove")
        assert (await door.delete_ticket(agent, ticket["id"])).ok
        assert len(kept(helpdesk)) == 1
        helpdesk.files = whole
        await self.sweep_after_a_day(helpdesk, clock, removed=1)

    async def test_between_the_bytes_and_the_row_leave_bytes_to_the_sweep(
        self,
        door: Door,
        agent: Person,
        helpdesk: Helpdesk,
        clock: Clock,
        unchanged: Unchanged,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        ticket = await opened(door, agent)
        assert (await door.attach(agent, ticket["id"], "a", b"stays")).ok

        async def crashes(*_: Any) -> None:
            raise RuntimeError("the power went")

        async with unchanged():
            with monkeypatch.context() as patched:
                patched.setattr("resolvers.attachments._add", crashes)
                assert (await door.attach(agent, ticket["id"], "a", b"lost")).code == "INTERNAL_ERROR"
        assert len(kept(helpdesk)) == 2
        assert await swept_files.sweep(helpdesk) == 0  # an upload may be on its way
        await self.sweep_after_a_day(helpdesk, clock, removed=1)
        assert [path.read_bytes() for path in kept(helpdesk)] == [b"stays"]

    async def test_the_worker_sweeps(
        self, helpdesk: Helpdesk, worker: Worker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("gateway.worker.SWEEPS_EVERY_S", float("-inf"))
        await helpdesk.files.put(key_of(1, 2), _orphan(), 6)
        helpdesk.clock = lambda: dt.datetime.now(dt.UTC) + dt.timedelta(hours=25)
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            tasks.create_task(worker.run())
            while kept(helpdesk):  # noqa: ASYNC110  # a folder tells nobody that it is empty
                await asyncio.sleep(0.01)
            worker.stop()

    async def test_leave_alone_what_is_not_ours(self, helpdesk: Helpdesk, clock: Clock) -> None:
        folder = helpdesk.files.place.folder
        assert folder is not None
        (folder / "1" / "2").mkdir(parents=True)
        (folder / "notes.txt").write_text("of the operator")
        (folder / "1" / "2" / "backup.tar").write_text("of the operator")
        (folder / "1" / "2" / ("a" * 32 + "#1")).write_text("half a file")
        await self.sweep_after_a_day(helpdesk, clock, removed=1)
        assert {path.name for path in kept(helpdesk)} == {"notes.txt", "backup.tar"}

    @staticmethod
    async def sweep_after_a_day(helpdesk: Helpdesk, clock: Clock, *, removed: int) -> None:
        now = clock.moment
        for path in kept(helpdesk):
            os.utime(path, (now.timestamp(), now.timestamp()))
        clock.pass_(hours=23)
        assert await swept_files.sweep(helpdesk) == 0
        clock.pass_(hours=2)
        assert await swept_files.sweep(helpdesk) == removed


async def test_a_deletion_and_an_upload_that_race_leave_nothing_behind(
    door: Door, agent: Person, helpdesk: Helpdesk
) -> None:
    for _ in range(3):
        ticket = await opened(door, agent)
        _, added = await asyncio.gather(
            door.delete_ticket(agent, ticket["id"]), door.attach(agent, ticket["id"], "a", b"a")
        )
        assert added.ok or added.code in ("NOT_FOUND", "CONFLICT")
        assert (await door.ticket(agent, ticket["id"])).code == "NOT_FOUND"
    assert kept(helpdesk) == []


async def test_statements_do_not_grow_with_the_files(door: Door, agent: Person, sql: Sql) -> None:
    asked: list[int] = []
    for number in (1, 15):
        ticket = await opened(door, agent)
        for _ in range(number):
            await door.attach(agent, ticket["id"], "a", b"a")
        for _ in range(number):
            reply = (await door.reply(agent, ticket["id"], content="x")).done()
            await door.attach(agent, ticket["id"], "b", b"b", reply_id=reply["id"])
        sql.clear()
        assert len((await door.ticket(agent, ticket["id"])).data["attachments"]) == 2 * number
        assert len((await door.replies(agent, ticket["id"])).data) == number
        asked.append(len(sql))
    assert asked[0] == asked[1]

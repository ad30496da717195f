"""A real HTTP receiver of webhooks, and a worker to feed it."""

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook

from db.database import Database
from gateway.delivery import Sender
from gateway.mail import Mailer
from gateway.worker import Worker
from resolvers.context import Helpdesk

_ENDLESS = {
    "drip": (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: x\r\n" * 1000),
    "hints": (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100),
    "drip of a body": (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
}
"""Answers that never end: what comes first, and what comes again and again; a single byte comes slowly."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A request that came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The message it says it is."""
        return self.headers["webhook-id"]

    @property
    def told(self) -> dict[str, Any]:
        """What it says."""
        found: dict[str, Any] = json.loads(self.body)
        return found

    def verified(self, secret: str | bytes) -> Any:
        """What it says, when the library of Standard Webhooks believes the signature. Raises WebhookVerificationError."""
        return Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    """Answers each path as planned: a status, or a word for something worse. The last of a plan stays."""

    port: int = 0
    hits: list[Hit] = field(default_factory=list)
    plan: dict[str, list[int | str]] = field(default_factory=lambda: defaultdict(lambda: [200]))
    sent_bytes: int = 0
    came: asyncio.Condition = field(default_factory=asyncio.Condition)
    under_way: set[asyncio.Task[Any]] = field(default_factory=set)

    def url(self, path: str) -> str:
        """The address of the path here."""
        return f"http://127.0.0.1:{self.port}{path}"

    def at(self, path: str) -> list[Hit]:
        """What came to the path."""
        return [hit for hit in self.hits if hit.path == path]

    async def wait_for(self, count: int, within_s: float = 20) -> None:
        """Wait until so many requests came."""
        async with asyncio.timeout(within_s), self.came:
            await self.came.wait_for(lambda: len(self.hits) >= count)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request."""
        task = asyncio.current_task()
        assert task is not None
        self.under_way.add(task)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._take(reader, writer)
        finally:
            self.under_way.discard(task)
            writer.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)
        }
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        path = head[0].split()[1]
        async with self.came:
            self.hits.append(Hit(path, headers, body))
            self.came.notify_all()
        planned = self.plan[path]
        await self._reply(planned.pop(0) if len(planned) > 1 else planned[0], reader, writer)

    async def _reply(
        self, how: int | str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if how == "hang":
            await reader.read()  # until the other side gives up
            return
        if how == "garbage":
            writer.write(b"good day\r\n\r\n")
            return
        if how in _ENDLESS:
            beginning, again = _ENDLESS[str(how)]
            writer.write(beginning)
            while not writer.is_closing():
                writer.write(again)
                self.sent_bytes += len(again)
                await writer.drain()
                await asyncio.sleep(0.001 if len(again) > 1 else 0.02)
            return
        if how == "endless":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                writer.write(b"\x00\xffx" * 8_192)
                self.sent_bytes += 24_576
                await writer.drain()
        where = "Location: /redirected\r\n" if str(how).startswith("3") else ""
        writer.write(f"HTTP/1.1 {how} Planned\r\n{where}Content-Length: 5\r\n\r\nplain".encode())
        await writer.drain()


@contextlib.asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver that listens on a free port of the loopback."""
    receiver = Receiver()
    server = await asyncio.start_server(receiver.answer, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in receiver.under_way:
            task.cancel()
        if receiver.under_way:
            await asyncio.wait(set(receiver.under_way))


@contextlib.asynccontextmanager
async def working(
    helpdesk: Helpdesk, mailer: Mailer | None = None, *, allows_private: bool = True, lease_s: float = 60.0
) -> AsyncIterator[Worker]:
    """A worker in this process, which a test tells to `drain`."""
    sender = Sender(allows_private=allows_private, clock=helpdesk.clock)
    yield Worker(helpdesk, sender, mailer, lease_s=lease_s)
    await sender.close()


async def jobs_of(db: Database, kind: str) -> list[dict[str, Any]]:
    """Every job of the kind as it is stored, oldest first."""
    from sqlalchemy import text  # noqa: PLC0415  # only what looks inside needs it

    async with db.engine.connect() as connection:
        found = await connection.execute(
            text("SELECT * FROM job WHERE kind = :kind ORDER BY id"), {"kind": kind}
        )
        return [dict(row._mapping) for row in found]

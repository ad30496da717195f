"""Clients that ask as fast as they are answered, over raw connections: a library would cost more than the server."""

import asyncio
import contextlib
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

ANSWERED_WITHIN_S: Final = 60.0
BOUNDARY: Final = "soak-soak-soak"
INBOX: Final = """query { tickets(first: 20, filter: { status: [OPEN, PENDING] }) { totalCount
    nodes { subject status tags requester { name email } replies(last: 2) { nodes { content author { name } } } } } }"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Request:
    """Something to ask: what it is called in the table, and its bytes. `adds`: one more ticket, when it is accepted."""

    name: str
    sent: bytes
    adds: bool = False


@dataclass
class Seen:
    """What all clients saw in one phase."""

    latencies: dict[str, list[float]] = field(default_factory=dict)
    """Seconds, of accepted requests, by their name."""
    refused: Counter[int] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    """What should not have come: other statuses, refusals without a word, requests that were never answered."""
    added: int = 0

    @property
    def accepted(self) -> int:
        """How many requests were done."""
        return sum(map(len, self.latencies.values()))

    def percentile(self, part: float) -> float:
        """Seconds that this part of all accepted requests took at most; 0 for none."""
        ordered = sorted(each for of_one in self.latencies.values() for each in of_one)
        return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


class Mixture:
    """Draws what a client asks next: mostly reads, some writes, some files."""

    def __init__(self, token: str, rng: Random) -> None:
        self._head = f"Host: soak\r\nAuthorization: Bearer {token}\r\n"
        self._rng = rng

    def draw(self) -> Request:
        """The next request."""
        kinds = (self._inbox, self._list, self._detail, self._ticket, self._reply, self._upload)
        [kind] = self._rng.choices(kinds, weights=(6, 4, 3, 3, 3, 1))
        return kind()

    def _inbox(self) -> Request:
        return self._json("inbox", "/graphql", {"query": INBOX})

    def _list(self) -> Request:
        return self._get("list", "/v1/tickets?status=open")

    def _detail(self) -> Request:
        return self._get("detail", f"/v1/tickets/{self._rng.randint(1, 50)}")

    def _ticket(self) -> Request:
        email = f"customer{self._rng.randrange(200)}@soak.example"
        given = {"subject": "Soak", "content": "It is wet", "requester_email": email}
        return self._json("create", "/v1/tickets", given, adds=True)

    def _reply(self) -> Request:
        path = f"/v1/tickets/{self._rng.randint(1, 50)}/replies"
        return self._json("reply", path, {"content": "Indeed"})

    def _upload(self) -> Request:
        part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
        data = self._rng.randbytes(self._rng.choice((1_000, 300_000)))
        content = part.encode() + data + f"\r\n--{BOUNDARY}--\r\n".encode()
        path = f"/v1/tickets/{self._rng.randint(51, 300)}/attachments"  # a ticket takes so many files
        return self._post("upload", path, content, f"multipart/form-data; boundary={BOUNDARY}")

    def _get(self, name: str, path: str) -> Request:
        return Request(name, f"GET {path} HTTP/1.1\r\n{self._head}\r\n".encode())

    def _json(self, name: str, path: str, given: Any, *, adds: bool = False) -> Request:
        return self._post(name, path, json.dumps(given).encode(), "application/json", adds=adds)

    def _post(self, name: str, path: str, content: bytes, media_type: str, *, adds: bool = False) -> Request:
        kind = f"Content-Type: {media_type}\r\nContent-Length: {len(content)}\r\n\r\n"
        return Request(name, f"POST {path} HTTP/1.1\r\n{self._head}{kind}".encode() + content, adds)


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> Answer:
    """Send a request and read its answer."""
    writer.write(sent)
    await writer.drain()
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
    body = await reader.readexactly(int(headers["content-length"]))
    return Answer(int(lines[0].split()[1]), headers, body)


async def keep_asking(port: int, mixture: Mixture, seen: Seen, ends_at: float) -> None:
    """One client: ask, take down what came, come again when told to."""
    while time.monotonic() < ends_at:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                await _ask_on(reader, writer, mixture, seen, ends_at)
            finally:
                writer.close()


async def _ask_on(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    mixture: Mixture,
    seen: Seen,
    ends_at: float,
) -> None:
    while time.monotonic() < ends_at:
        request = mixture.draw()
        began = time.monotonic()
        try:
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                answer = await ask(reader, writer, request.sent)
        except (OSError, asyncio.IncompleteReadError) as error:
            seen.wrong[f"{request.name}: {type(error).__name__}"] += 1
            return
        if answer.status in (429, 503):
            note_refusal(seen, request, answer)
            await asyncio.sleep(min(float(answer.headers.get("retry-after", 1)), 2.0))
        else:
            note(seen, request, answer, time.monotonic() - began)
        if answer.headers.get("connection") == "close":
            return


def note_refusal(seen: Seen, request: Request, answer: Answer) -> None:
    """Take down a refusal, which must say when to come again and what it is, in the words of its door."""
    seen.refused[answer.status] += 1
    code = {429: "RATE_LIMIT_EXCEEDED", 503: "SERVICE_UNAVAILABLE"}[answer.status]
    if "retry-after" not in answer.headers or code.encode() not in answer.body:
        seen.wrong[f"{request.name}: {answer.status} without a word: {answer.body[:100]!r}"] += 1


def note(seen: Seen, request: Request, answer: Answer, took: float) -> None:
    """Take down an answer."""
    if answer.status not in (200, 201) or b'"errors"' in answer.body:
        seen.wrong[f"{request.name}: {answer.status} {answer.body[:200]!r}"] += 1
        return
    seen.latencies.setdefault(request.name, []).append(took)
    seen.added += request.adds

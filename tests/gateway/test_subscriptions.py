"""Subscriptions of running servers: two processes, lost connections, many writers, slow readers, the end of a server."""

import asyncio
import contextlib
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.processes import Installation, Process, aside

SUBSCRIPTION = """subscription($after: String) {
    events(types: ["ticket.*"], after: $after) { sequence type ticket { id } }
}"""
COMES_WITHIN_S = 30.0


class Server:
    """A running server, a token for it, and its clients."""

    def __init__(self, installation: Installation, process: Process, token: str, address: str) -> None:
        self.installation = installation
        self.process = process
        self.headers = {"Authorization": f"Bearer {token}"}
        self.address = address
        self.http = httpx.AsyncClient(base_url=installation.base, headers=self.headers, timeout=60)

    async def opens_ticket(self, subject: str = "x", headers: dict[str, str] | None = None) -> str:
        """The id of a new ticket; `headers` for somebody else to open it."""
        given = {"subject": subject, "content": "x", "requester_email": f"ada{subject}@acme.test"}
        answer = await self.http.post("/v1/tickets", json=given, headers=headers)
        assert answer.status_code == 201, answer.text
        return f"tkt_{answer.json()['data']['id']}"

    @contextlib.asynccontextmanager
    async def socket(self) -> AsyncIterator[ClientConnection]:
        """A WebSocket that has signed in."""
        url = self.installation.base.replace("http", "ws", 1) + "/graphql"
        async with connect(url, subprotocols=["graphql-transport-ws"]) as ws:  # type: ignore[list-item]
            await ws.send(json.dumps({"type": "connection_init", "payload": self.headers}))
            assert json.loads(await ws.recv())["type"] == "connection_ack"
            yield ws

    @contextlib.asynccontextmanager
    async def following(self, after: str | None = None) -> AsyncIterator[ClientConnection]:
        """A WebSocket that follows tickets, and will hear of what happens from now on."""
        async with self.socket() as ws:
            payload = {"query": SUBSCRIPTION, "variables": {"after": after}}
            await ws.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            await asyncio.sleep(1.0)  # nobody tells when it has begun
            yield ws


async def told(ws: ClientConnection) -> dict[str, Any]:
    """The next event."""
    while True:
        message = json.loads(await asyncio.wait_for(ws.recv(), COMES_WITHIN_S))
        if message["type"] == "next":
            event: dict[str, Any] = message["payload"]["data"]["events"]
            return event
        assert message["type"] == "ping", message


@pytest.fixture
async def server(address: str, engine: str, tmp_path: Path) -> AsyncIterator[Server]:
    """`answer serve` on each engine."""
    installation = Installation(tmp_path, address, ANSWER_SQLITE_DURABLE="off")
    key = await asyncio.to_thread(installation.key)
    async with aside(installation.serving()) as process:
        token = await asyncio.to_thread(installation.token, key)
        server = Server(installation, process, token, address)
        try:
            yield server
        finally:
            await server.http.aclose()


async def test_nothing_is_missed_while_fifty_write_at_once(server: Server) -> None:
    """Who comes back again and again with what was seen last hears of every ticket, once, in order."""
    tickets, sequences = 150, [0]
    heard: list[str] = []
    places = asyncio.Semaphore(50)
    # one key has 20 turns and 20 places in its line
    other = await asyncio.to_thread(lambda: server.installation.token(server.installation.key()))
    writers = [server.headers, {"Authorization": f"Bearer {other}"}]

    async def writes(number: int) -> str:
        async with places:
            return await server.opens_ticket(f"{number}", writers[number % 2])

    async with server.following() as ws:
        await server.opens_ticket()
        last = (await told(ws))["sequence"]
    writing = [asyncio.create_task(writes(number)) for number in range(tickets)]
    while len(heard) < tickets:
        async with server.socket() as ws:
            payload = {"query": SUBSCRIPTION, "variables": {"after": last}}
            await ws.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            for _ in range(min(40, tickets - len(heard))):
                event = await told(ws)
                last = event["sequence"]
                sequences.append(int(last))
                heard.append(event["ticket"]["id"])
    assert sequences == sorted(set(sequences))
    assert sorted(heard) == sorted(await asyncio.gather(*writing))


async def test_another_process_is_heard(server: Server) -> None:
    other = Installation(server.installation.log.parent, server.address, ANSWER_SQLITE_DURABLE="off")
    async with (
        server.following() as ws,
        aside(other.serving()),
        httpx.AsyncClient(base_url=other.base, headers=server.headers, timeout=60) as http,
    ):
        given = {"subject": "x", "content": "x", "requester_email": "ada@acme.test"}
        assert (await http.post("/v1/tickets", json=given)).status_code == 201
        assert (await told(ws))["type"] == "ticket.created"


@pytest.mark.parametrize("engine", [pytest.param("postgres", marks=pytest.mark.postgres)])
async def test_a_lost_bell_loses_nothing(server: Server) -> None:
    connection = await asyncpg.connect(server.address)
    try:
        async with server.following() as ws:
            for _ in range(3):
                ended = await connection.fetch(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'answer bell' AND datname = current_database()"
                )
                assert len(ended) == 1
                ticket = await server.opens_ticket()
                assert (await told(ws))["ticket"]["id"] == ticket
                await asyncio.sleep(0.5)
    finally:
        await connection.close()


async def test_who_reads_slowly_hears_everything(server: Server) -> None:
    """More happens than anybody keeps for one who does not read."""
    async with server.following() as ws:
        opened = [await server.opens_ticket() for _ in range(5)]
        await asyncio.gather(*(server.opens_ticket() for _ in range(30)))
        heard = []
        for _ in range(35):
            heard.append((await told(ws))["ticket"]["id"])
            await asyncio.sleep(0.01)
        assert heard[:5] == opened
        assert len(set(heard)) == 35


async def test_complete_ends_it_and_frees_its_id(server: Server) -> None:
    async with server.following() as ws:
        await ws.send(json.dumps({"id": "1", "type": "complete"}))
        await server.opens_ticket()
        payload = {"query": SUBSCRIPTION}
        await ws.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
        await asyncio.sleep(1.0)
        ticket = await server.opens_ticket()
        assert (await told(ws))["ticket"]["id"] == ticket


async def test_a_stream_is_told_with_ids(server: Server) -> None:
    headers = {"Accept": "text/event-stream"}
    async with server.http.stream(
        "POST", "/graphql", json={"query": SUBSCRIPTION}, headers=headers
    ) as answer:
        chunks = answer.aiter_text()
        assert await anext(chunks) == ":\n\n"
        ticket = await server.opens_ticket()
        event = ""
        while not event.endswith("\n\n") or event == ":\n\n":
            event = (event if event != ":\n\n" else "") + await asyncio.wait_for(
                anext(chunks), COMES_WITHIN_S
            )
        id_, name, data = event.strip().split("\n")
        answered = json.loads(data.removeprefix("data: "))["data"]["events"]
        assert (id_, name) == (f"id: {answered['sequence']}", "event: next")
        assert answered["ticket"]["id"] == ticket


async def test_a_stream_that_was_lost_goes_on_where_it_was(server: Server) -> None:
    headers = {"Accept": "text/event-stream"}
    first, *missed = [await server.opens_ticket() for _ in range(3)]

    async def heard(begins_after: str | None, lost_at: str | None, count: int) -> list[dict[str, Any]]:
        document = {"query": SUBSCRIPTION, "variables": {"after": begins_after}}
        came_back = {} if lost_at is None else {"Last-Event-ID": lost_at}
        async with server.http.stream(
            "POST", "/graphql", json=document, headers=headers | came_back
        ) as answer:
            text = ""
            async with asyncio.timeout(COMES_WITHIN_S):
                async for chunk in answer.aiter_text():
                    text += chunk
                    if text.count("event: ") >= count:
                        break
        told = [line.removeprefix("data: ") for line in text.split("\n") if line.startswith("data: ")]
        return [json.loads(each) for each in told]

    [seen, *_] = await heard("0", None, 3)
    assert seen["data"]["events"]["ticket"]["id"] == first
    # a browser asks again with the same `after`, and says how far it had come
    again = await heard("0", seen["data"]["events"]["sequence"], 2)
    assert [each["data"]["events"]["ticket"]["id"] for each in again] == missed
    [refused, *_] = await heard(None, "nonsense", 2)
    assert refused["errors"][0]["extensions"]["code"] == "VALIDATION_ERROR"


async def test_what_is_refused_on_sockets_and_streams_is_counted(server: Server) -> None:
    async def counted() -> Counter[str]:
        text = (await server.http.get("/metrics")).text
        found = re.findall(r'^answer_refusals_total{kind="(\w+)".*} (\d+)', text, re.MULTILINE)
        return Counter({kind: int(count) for kind, count in found})

    before = await counted()
    from_the_future = {"query": SUBSCRIPTION, "variables": {"after": "999999999"}}
    async with server.following() as ws:
        for number, payload in enumerate(({"query": "{ nothing }"}, from_the_future)):
            await ws.send(json.dumps({"id": f"refused {number}", "type": "subscribe", "payload": payload}))
            assert json.loads(await ws.recv())["type"] == "error"
    for body in ({"query": "{ nothing }"}, from_the_future):
        answer = await server.http.post("/graphql", json=body, headers={"Accept": "text/event-stream"})
        assert "errors" in answer.text
    assert await counted() - before == Counter(graphql_validation_failed=2, validation_error=2)


async def test_a_server_that_stops_tells_and_does_not_wait(server: Server) -> None:
    headers = {"Accept": "text/event-stream"}
    async with (
        server.following() as ws,
        server.http.stream("POST", "/graphql", json={"query": SUBSCRIPTION}, headers=headers) as answer,
    ):
        chunks = answer.aiter_text()
        assert await anext(chunks) == ":\n\n"
        await asyncio.to_thread(server.process.end)  # which kills it when it does not end by itself
        with pytest.raises(ConnectionClosed) as closed:
            await told(ws)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
        rest = "".join([chunk async for chunk in chunks])
        assert "SERVICE_UNAVAILABLE" in rest
        assert rest.endswith("event: complete\ndata:\n\n")

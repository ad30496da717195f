"""What is cut short: the answer says whether anything was saved, and whether to send it again, and it is so."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiosqlite
import asyncpg
import httpx
import pytest
from litestar import Litestar

from db.database import Reader
from db.errors import DatabaseUnavailable
from resolvers.context import Helpdesk
from schema.execution import Graph
from tests.conftest import Person

TICKET = {"subject": "x", "content": "x", "requester_email": "ada@acme.test"}
CREATE = (
    'ticketCreate(input: {subject: "x", content: "x", requesterEmail: "ada@acme.test"}) { ticket { id } }'
)
ONE = f"mutation {{ {CREATE} }}"
TWO = f"mutation {{ a: {CREATE} b: {CREATE} }}"
ON_COMMIT = """
CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM %s; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON ticket DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION at_commit()
"""
"""What PostgreSQL does while it commits a new ticket."""


@pytest.fixture(autouse=True)
async def signed_in(http: httpx.AsyncClient, admin: Person) -> None:
    """Every request is the admin's, who is known by now."""
    http.headers.update(admin.headers)
    assert (await http.get("/v1/tickets")).status_code == 200


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operations of the graph are stopped after half a second."""
    monkeypatch.setattr(Graph.execute, "__defaults__", (0.5,))


@contextlib.asynccontextmanager
async def no_writes(helpdesk: Helpdesk) -> AsyncIterator[None]:
    """While the block lasts, every write waits."""
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(1 if helpdesk.db.is_sqlite else 4):
            await stack.enter_async_context(helpdesk.db.write())
        yield


@pytest.fixture
async def slow_commits(address: str, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit takes a second."""
    if engine == "postgres":
        await _on_commit(address, "pg_sleep(1)")
        return
    run = aiosqlite.Connection.execute_fetchall

    async def slowly(self: aiosqlite.Connection, sql: str, *arguments: Any) -> Any:
        if sql == "COMMIT":
            await asyncio.sleep(1)
        return await run(self, sql, *arguments)

    monkeypatch.setattr(aiosqlite.Connection, "execute_fetchall", slowly)


async def _on_commit(address: str, does: str) -> None:
    connection = await asyncpg.connect(address)
    await connection.execute(ON_COMMIT % does)
    await connection.close()


async def stopped(http: httpx.AsyncClient, document: str) -> tuple[bool | None, str]:
    """What the answer to a mutation that was stopped says of what was saved, and its words."""
    answer = await http.post("/graphql", json={"query": document})
    assert answer.status_code == 504, answer.text
    assert "data" not in answer.json()
    [error] = answer.json()["errors"]
    assert error["extensions"].pop("code") == "TIMEOUT"
    [(name, saved)] = error["extensions"].items()
    assert name == "saved"
    return saved, error["message"]


async def count(http: httpx.AsyncClient) -> int:
    """How many tickets there are."""
    total: int = (await http.get("/v1/tickets")).json()["pagination"]["total"]
    return total


@pytest.mark.usefixtures("impatient")
class TestAMutationThatIsStopped:
    async def test_before_its_commit_has_saved_nothing(
        self, http: httpx.AsyncClient, helpdesk: Helpdesk
    ) -> None:
        async with no_writes(helpdesk):
            saved, message = await stopped(http, ONE)
        assert saved is False
        assert message.endswith("was stopped. Nothing was saved: send it again.")
        await asyncio.sleep(0.3)  # and nothing comes after the answer
        assert await count(http) == 0

    @pytest.mark.usefixtures("slow_commits")
    async def test_at_its_commit_is_told_what_became_of_it(self, http: httpx.AsyncClient) -> None:
        saved, message = await stopped(http, ONE)
        assert saved is True
        assert message.endswith("look what is there before you send any of it again.")
        assert await count(http) == 1
        # the connection is none the worse
        assert (await http.post("/v1/tickets", json=TICKET)).status_code == 201

    @pytest.mark.parametrize("engine", ["postgres"], indirect=True)
    @pytest.mark.postgres
    @pytest.mark.usefixtures("slow_commits")
    async def test_at_a_commit_that_does_not_end_is_told_that_nobody_knows(
        self, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("db.writers.SETTLES_WITHIN_S", 0.05)
        saved, message = await stopped(http, ONE)
        assert saved is None
        assert message.endswith("which may be there or not: look before you send it again.")
        await asyncio.sleep(1.2)
        assert await count(http) in (0, 1)
        assert (await http.post("/v1/tickets", json=TICKET)).status_code == 201

    async def test_after_the_first_of_its_fields_has_saved_something(
        self, http: httpx.AsyncClient, slow_commits: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Graph.execute, "__defaults__", (1.5,))
        monkeypatch.setattr("db.writers.SETTLES_WITHIN_S", 0.05)
        saved, _ = await stopped(http, TWO)
        assert saved is True
        await asyncio.sleep(1.2)
        assert await count(http) in (1, 2)

    async def test_a_query_that_is_stopped_says_nothing_of_it(
        self, http: httpx.AsyncClient, helpdesk: Helpdesk
    ) -> None:
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(4):
                reads = await stack.enter_async_context(helpdesk.db.read())
                reads._connection = await helpdesk.db.readers.take()
            answer = await http.post("/graphql", json={"query": "{ tickets { totalCount } }"})
        assert answer.status_code == 504
        assert answer.json()["errors"][0]["extensions"] == {"code": "TIMEOUT"}


async def refused_through_both(http: httpx.AsyncClient, document: str = ONE) -> list[tuple[str, Any]]:
    """The words of both doors for a write that met a database that is out, and what the graph says was saved."""
    rest = await http.post("/v1/tickets", json=TICKET)
    graph = await http.post("/graphql", json={"query": document})
    assert (rest.status_code, graph.status_code) == (503, 503), (rest.text, graph.text)
    assert rest.json()["error"]["code"] == "SERVICE_UNAVAILABLE"
    assert "data" not in graph.json()
    [error] = graph.json()["errors"]
    assert error["extensions"]["code"] == "SERVICE_UNAVAILABLE"
    assert error["message"] == rest.json()["error"]["message"]
    saved = error["extensions"].get("saved", "nothing")
    # who may have saved something is not told to do it again
    for each in (rest, graph):
        assert ("retry-after" in each.headers) == (saved == "nothing")
    return [(error["message"], saved)]


class TestADatabaseThatGoesAway:
    @pytest.mark.parametrize("engine", ["postgres"], indirect=True)
    @pytest.mark.postgres
    async def test_at_the_commit_leaves_nobody_knowing(self, http: httpx.AsyncClient, address: str) -> None:
        await _on_commit(address, "pg_terminate_backend(pg_backend_pid())")
        [(message, saved)] = await refused_through_both(http)
        assert saved is None
        assert message.endswith("it may be saved or not. Look before you send it again")

    @pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
    async def test_a_disk_that_fails_at_the_commit_has_saved_nothing(
        self, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = aiosqlite.Connection.execute_fetchall

        async def failing(self: aiosqlite.Connection, sql: str, *arguments: Any) -> Any:
            if sql == "COMMIT":
                raise aiosqlite.OperationalError("disk I/O error")
            return await run(self, sql, *arguments)

        with monkeypatch.context() as patched:
            patched.setattr(aiosqlite.Connection, "execute_fetchall", failing)
            [(message, saved)] = await refused_through_both(http)
        assert (message, saved) == (
            "The service is not available right now. Try again in a moment",
            "nothing",
        )
        assert await count(http) == 0

    async def test_after_the_commit_is_told_as_saved(
        self, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fetch = Reader._fetch

        async def out_after_a_write(self: Reader, *asked: Any) -> Any:
            if self._waits_s is not None:
                raise DatabaseUnavailable("gone")
            return await fetch(self, *asked)

        with monkeypatch.context() as patched:
            patched.setattr(Reader, "_fetch", out_after_a_write)
            rest = await http.post("/v1/tickets", json=TICKET)
        assert (rest.status_code, "retry-after" in rest.headers) == (503, False)
        assert "after something of this was saved" in rest.json()["error"]["message"]
        assert await count(http) == 1

    @pytest.mark.parametrize("executor", ["levels", "graphql-core"])
    async def test_a_query_is_refused_as_a_whole_and_waits_once(
        self, app: Litestar, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, executor: str
    ) -> None:
        asked: list[str] = []

        async def out(*_: Any) -> Any:
            asked.append("asked")
            raise DatabaseUnavailable("gone")

        monkeypatch.setattr(Reader, "_fetch", out)
        if executor == "graphql-core":
            monkeypatch.setattr(app.state.graph, "_plans", None)
        document = "{ a: tickets { totalCount } b: users { totalCount } }"
        answer = await http.post("/graphql", json={"query": document})
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.json() == {
            "errors": [
                {
                    "message": "The service is not available right now. Try again in a moment",
                    "extensions": {"code": "SERVICE_UNAVAILABLE"},
                }
            ]
        }
        assert len(asked) == 1

    async def test_after_the_first_field_of_a_mutation_is_told_as_saved(
        self, http: httpx.AsyncClient, helpdesk: Helpdesk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A mutation's fields are never null, so that with the second the first one's answer is gone."""
        write, begun = helpdesk.db.write, []

        def once() -> Any:
            begun.append("write")
            if len(begun) > 1:
                raise DatabaseUnavailable("gone")
            return write()

        monkeypatch.setattr(helpdesk.db, "write", once)
        answer = await http.post("/graphql", json={"query": TWO})
        assert (answer.status_code, "retry-after" in answer.headers) == (503, False)
        [error] = answer.json()["errors"]
        assert error["extensions"] == {"code": "SERVICE_UNAVAILABLE", "saved": True}
        assert "after something of this was saved" in error["message"]
        assert await count(http) == 1

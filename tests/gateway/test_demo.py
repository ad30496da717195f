"""The sample helpdesk: as right as if every ticket had come through the doors, on both engines."""

import asyncio
import datetime as dt
import multiprocessing
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from sqlalchemy import bindparam, text

from db import rows
from db.database import Database
from db.queries import activity, bulk, ratings, replies, tickets, users, watchers
from db.search import IndexedWords
from gateway.demo import Summary, fill, telling
from gateway.demo.arrivals import DAY, arrivals, instant, microseconds
from gateway.demo.lives import Life
from gateway.demo.stories import Asker, Desk, Teller
from gateway.demo.topics import library
from resolvers import ratings as ratings_rules
from resolvers import replies as replies_rules
from resolvers import tickets as tickets_rules
from resolvers import watchers as watchers_rules
from resolvers.content import content_html
from resolvers.context import Caller, Helpdesk
from tests.agreement import scalar, wrong
from tests.contents import folded, tables_of

NOW = dt.datetime(2026, 11, 20, 14, 30, tzinfo=dt.UTC)
TABLES = ("organization", "user", "category", "ticket", "tag", "watcher", "reply", "activity", "rating")


@pytest.fixture
async def database(address: str) -> AsyncIterator[Database]:
    found = Database(address, readers=2, writers=2)
    yield found
    await found.close()


async def filled(database: Database, count: int, **given: Any) -> Summary:
    options: dict[str, Any] = {"now": NOW, "progress": lambda *_: None} | given
    return await fill(database, tickets=count, **options)


async def counted(database: Database) -> dict[str, int]:
    return {table: await scalar(database, f'SELECT count(*) FROM "{table}"') for table in TABLES}  # noqa: S608


async def dumped(database: Database) -> dict[str, list[Any]]:
    """Every row of every table."""
    found = {}
    async with database.engine.connect() as connection:
        for table in (*TABLES, "ticket_search"):
            every = await connection.execute(text(f'SELECT * FROM "{table}"'))  # noqa: S608
            found[table] = [tuple(row) for row in every]
    return found


async def test_everything_agrees_with_everything(database: Database) -> None:
    summary = await filled(database, 300)
    assert await wrong(database) == {}
    there = await counted(database)
    assert there["ticket"] == summary.tickets == 300
    assert there["user"] == summary.customers + summary.staff == 60 + 10
    assert there["reply"] == summary.replies
    assert there["category"] == summary.categories == 20
    assert there["organization"] == summary.organizations


async def test_it_looks_like_a_helpdesk(database: Database) -> None:
    await filled(database, 300)
    async with database.engine.connect() as connection:
        by_status = await connection.execute(text("SELECT status, count(*) FROM ticket GROUP BY 1"))
        of: dict[str, int] = dict(map(tuple, by_status))
        latest = (
            await connection.execute(text("SELECT subject FROM ticket ORDER BY id DESC LIMIT 40"))
        ).all()
    assert of["resolved"] + of["closed"] > 200
    assert of["open"] > 15
    assert of["pending"] > 3
    assert len({subject for (subject,) in latest}) >= 39
    assert await scalar(database, "SELECT count(*) FROM ticket WHERE is_untouched") > 3
    assert 30 < await scalar(database, "SELECT count(*) FROM rating") < 120
    assert 3.5 < await scalar(database, "SELECT avg(rating * 1.0) FROM rating") < 4.7
    kept = await scalar(database, "SELECT count(*) FROM ticket WHERE first_resolved_at <= resolution_due_at")
    assert 0.5 < kept / (of["resolved"] + of["closed"]) < 0.99
    assert 2 < await scalar(database, "SELECT count(*) FROM reply") / 300 < 4


async def test_nothing_lies_in_the_future(database: Database) -> None:
    await filled(database, 300)
    async with database.read() as reads:
        newest = await tickets.LISTING.find(
            reads, (("id", await scalar(database, "SELECT max(id) FROM ticket")),)
        )
    assert newest is not None
    assert NOW - dt.timedelta(minutes=10) < newest.created_at < NOW
    assert await scalar(database, "SELECT count(*) FROM ticket WHERE updated_at > '2026-11-20 14:30:00'") == 0


async def test_what_is_read_is_what_was_told(database: Database) -> None:
    """Times, JSON and booleans come back through the ordinary queries; every ticket is found by its subject."""
    summary = await filled(database, 40)
    async with database.read() as reads:
        stored = await tickets.LISTING.every(reads, (("workspace", summary.workspace_id),))
        assert len(stored) == 40
        for found in stored:
            assert found.created_at.tzinfo is not None
            assert isinstance(found.tags, list)
            assert isinstance(found.metadata, dict)
            assert isinstance(found.is_untouched, bool)
            sought = (("id", found.id), ("search", f'"{found.subject}"'))
            assert await tickets.LISTING.find(reads, sought) == found


async def test_again_adds_to_it(database: Database) -> None:
    first = await filled(database, 60)
    again = await filled(database, 60)
    assert (again.tickets, again.customers) == (60, 12)
    assert (again.staff, again.categories, again.organizations) == (0, 0, 0)
    assert first.workspace_id == again.workspace_id
    assert await wrong(database) == {}
    assert await scalar(database, "SELECT count(DISTINCT subject || content) FROM ticket") > 115


async def test_other_workspaces_are_left_alone(database: Database) -> None:
    one = await filled(database, 30, workspace="one")
    two = await filled(database, 30, workspace="two")
    assert one.workspace_id != two.workspace_id
    assert (two.staff, two.categories) == (one.staff, one.categories)
    assert await wrong(database) == {}
    crossing = 'SELECT count(*) FROM ticket t JOIN "user" u ON u.id IN (requester_id, assigned_to_id) '
    assert await scalar(database, crossing + "WHERE u.workspace_id <> t.workspace_id") == 0


@pytest.mark.parametrize("stage", ["customers", "tickets"])
async def test_interrupted_it_leaves_nothing(database: Database, stage: str) -> None:
    def progress(now_at: str, *_: int) -> None:
        if now_at == stage:
            filling.cancel()

    filling = asyncio.create_task(filled(database, 30, progress=progress))
    with pytest.raises(asyncio.CancelledError):
        await filling
    assert set((await counted(database)).values()) == {0}
    await filled(database, 30)
    assert await wrong(database) == {}


async def test_fewer_than_one_is_refused(database: Database) -> None:
    with pytest.raises(ValueError, match="at least one"):
        await filled(database, 0)
    assert set((await counted(database)).values()) == {0}
    await filled(database, 1)
    assert await wrong(database) == {}


async def test_the_same_seed_makes_the_same_rows(sqlite_template: Path, tmp_path: Path) -> None:
    found = []
    for number, seed in enumerate((7, 7, 8)):
        path = tmp_path / f"{number}.db"
        shutil.copy(sqlite_template, path)
        database = Database(f"sqlite:///{path}", readers=1)
        await filled(database, 80, seed=seed)
        found.append(await dumped(database))
        await database.close()
    assert found[0] == found[1]
    assert found[0] != found[2]


@pytest.fixture
def several(monkeypatch: pytest.MonkeyPatch) -> None:
    """However few there are, two processes tell them, 25 at a time."""
    monkeypatch.setattr(telling, "_MANY_TICKETS", 1)
    monkeypatch.setattr(telling, "_cores", lambda: 2)
    monkeypatch.setattr("gateway.demo.filling.AT_ONCE", 25)


@pytest.mark.usefixtures("several")
async def test_several_processes_tell_a_large_sample(database: Database) -> None:
    seen = []
    await filled(database, 110, progress=lambda stage, *far: seen.append(far) if stage == "tickets" else None)
    assert seen == [(10, 110), (35, 110), (60, 110), (85, 110), (110, 110)]
    assert await scalar(database, "SELECT count(*) FROM ticket") == 110
    assert await wrong(database) == {}
    assert multiprocessing.active_children() == []


async def test_however_many_tell_it_the_rows_are_the_same(
    sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.demo.filling.AT_ONCE", 25)
    found = []
    for number, many in enumerate((10_000, 1)):
        monkeypatch.setattr(telling, "_MANY_TICKETS", many)
        path = tmp_path / f"{number}.db"
        shutil.copy(sqlite_template, path)
        database = Database(f"sqlite:///{path}", readers=1)
        await filled(database, 80)
        found.append((await dumped(database), await tables_of(database)))
        await database.close()
    assert found[0] == found[1]


@pytest.mark.usefixtures("several")
async def test_interrupted_while_several_tell_it_leaves_nothing(database: Database) -> None:
    def progress(stage: str, *_: int) -> None:
        if stage == "tickets":
            filling.cancel()

    filling = asyncio.create_task(filled(database, 200, progress=progress))
    with pytest.raises(asyncio.CancelledError):
        await filling
    assert multiprocessing.active_children() == []
    assert set((await counted(database)).values()) == {0}


@pytest.mark.usefixtures("several")
async def test_when_one_of_several_is_killed_nothing_is_left(database: Database) -> None:
    def progress(stage: str, *_: int) -> None:
        if stage == "tickets":
            for each in multiprocessing.active_children():
                each.kill()

    with pytest.raises(RuntimeError, match="before its time"):
        await filled(database, 400, progress=progress)
    assert multiprocessing.active_children() == []
    assert set((await counted(database)).values()) == {0}


@pytest.mark.postgres
@pytest.mark.parametrize("engine", ["postgres"])
async def test_words_are_indexed_as_by_every_other_write(database: Database) -> None:
    await filled(database, 60)
    async with database.engine.connect() as connection:
        for table, index, sought in (
            ("ticket", "ticket_search", "subject || chr(10) || content"),
            ('"user"', "user_search", "name || chr(10) || email"),
        ):
            found = await connection.execute(
                text(f"SELECT {sought}, words FROM {table} JOIN {index} ON row_id = id")  # noqa: S608
            )
            for written, words in found.all():
                same = text("SELECT CAST(:words AS tsvector)::text").bindparams(
                    bindparam("words", type_=IndexedWords())
                )
                assert (await connection.execute(same, {"words": written})).scalar_one() == words


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_large_load_leaves_the_indexes_as_they_were(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def definitions() -> list[Any]:
        async with database.engine.connect() as connection:
            found = await connection.execute(
                text("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'")
            )
            return sorted(map(tuple, found), key=str)

    before = await definitions()
    monkeypatch.setattr(bulk, "_MANY_TICKETS", 1)
    await filled(database, 50)
    assert await definitions() == before
    assert await wrong(database) == {}


@pytest.mark.postgres
@pytest.mark.parametrize("engine", ["postgres"])
async def test_a_large_load_leaves_the_tables_as_they_were(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def definitions() -> list[Any]:
        async with database.engine.connect() as connection:
            indexes = await connection.execute(
                text("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'")
            )
            constraints = await connection.execute(
                text(
                    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated "
                    "FROM pg_constraint WHERE connamespace = 'public'::regnamespace"
                )
            )
            return sorted(map(tuple, [*indexes, *constraints]))

    before = await definitions()
    monkeypatch.setattr(bulk, "_MANY_TICKETS", 1)
    await filled(database, 50)
    assert await definitions() == before
    assert await wrong(database) == {}


# --- against the rules themselves -----------------------------------------------------------------------------


def teller(kind: type[Teller], now: dt.datetime = NOW, **given: Any) -> Teller:
    known = library()
    options: dict[str, Any] = {
        "workspace_id": 1,
        "desk": Desk([1, 2, 3], ["Ann One", "Bea Two", "Cem Three"], [0]),
        "categories": {slug: number for number, slug in enumerate(known.categories, start=1)},
    } | given
    return kind(library=known, now=microseconds(now), rng=Random(5), **options)  # noqa: S311


def test_html_is_what_the_content_renders_to() -> None:
    tells = teller(Teller)
    asker = Asker(9, "Siobhán O'Brien", 4, "Lisbon Cycles and Repairs")
    german = Asker(8, "Jürgen Weiß", None, None)
    found = set()
    for number, moment in enumerate(arrivals(600, microseconds(NOW), Random(2))):  # noqa: S311
        life = tells.tell(number, moment, german if number % 9 == 0 else asker)
        found |= {life.content, *((reply.content, reply.content_html) for reply in life.replies)}
    assert len(found) > 1500
    for content, html in found:
        assert content_html(content) == html


def test_every_template_can_be_filled() -> None:
    known = library()
    texts = [each for part in (known.customer, known.agent) for listed in part.values() for each in listed]
    for topic in (*known.topics, *known.foreign.values()):
        texts += [*topic.notes, *topic.thanks, *topic.again]
        for case in topic.cases:
            assert case.subjects
            assert case.fixes
            assert bool(case.asks) == bool(case.gives)
            texts += [case.open, *case.asks, *case.gives, *case.fixes]
    tells = teller(Teller)
    slots = tells.slots(microseconds(NOW), Asker(9, "Ann Lee", None, None), 0)
    for each in texts:
        each.filled(slots)


class Recorded(Life):
    """A life that remembers what was done to it."""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.given = given
        self.deeds: list[tuple[str, int, int, dict[str, Any]]] = []

    def update(self, at: int, by: int, **changes: Any) -> None:
        self.deeds.append(("update", at, by, changes))
        super().update(at, by, **changes)

    def reply(self, at: int, by: int, text: Any, **given: Any) -> None:
        self.deeds.append(("reply", at, by, given | {"content": text.content}))
        super().reply(at, by, text, **given)

    def rate(self, at: int, rating: int, comment: str | None) -> None:
        self.deeds.append(("rate", at, self.requester_id, {"rating": rating, "comment": comment}))
        super().rate(at, rating, comment)

    def watch(self, at: int, by: int, user_id: int) -> None:
        self.deeds.append(("watch", at, by, {"user_id": user_id}))
        super().watch(at, by, user_id)


class Recorder(Teller):
    def begin(self, ticket_id: int, moment: int, asker: Asker, **given: Any) -> Life:
        return Recorded(
            self.workspace_id,
            ticket_id,
            moment,
            requester_id=asker.id,
            organization_id=asker.organization_id,
            **given,
        )


class Replay:
    """Does to a new ticket, through the resolvers, what was done in a life."""

    def __init__(self, database: Database, people: dict[int, rows.User]) -> None:
        self.moment = NOW
        self.helpdesk = Helpdesk(database, None, None, None, lambda: self.moment)  # type: ignore[arg-type]
        self.people = people

    async def do(self, life: Recorded) -> int:
        """The id of the ticket that comes of it."""
        ticket_id = (await self.create(life)).id
        for what, at, by, given in life.deeds:
            self.moment = instant(at)
            async with self.helpdesk.operation(self.caller(by)) as ctx:
                if what == "update":
                    await tickets_rules.update_ticket(ctx, ticket_id, given)
                elif what == "reply":
                    await replies_rules.create_reply(ctx, ticket_id, given)
                elif what == "rate":
                    await ratings_rules.rate_ticket(ctx, ticket_id, given)
                else:
                    await watchers_rules.add_watcher(ctx, ticket_id, given["user_id"])
        return ticket_id

    async def create(self, life: Recorded) -> rows.Ticket:
        self.moment = instant(life.created_at)
        asked = {
            name: life.given[name] for name in ("subject", "priority", "category_id", "tags", "metadata")
        }
        asked |= {
            "content": life.content.content,
            "requester_email": self.people[life.requester_id].email,
        }
        async with self.helpdesk.operation(self.caller(life.requester_id)) as ctx:
            return await tickets_rules.create_ticket(ctx, asked)

    def caller(self, user_id: int) -> Caller:
        person = self.people[user_id]
        return Caller(person.workspace_id, user_id, 0, person.type, "enterprise", person.organization_id)


async def test_every_row_is_as_the_resolvers_would_have_made_it(database: Database) -> None:
    summary = await filled(database, 60)
    home = summary.workspace_id
    async with database.read() as reads:
        people = {each.id: each for each in await users.LISTING.every(reads, (("workspace", home),))}
        places = dict(await reads.rows(bulk.CATEGORIES_BY_SLUG, workspace_id=home))
    staff = [each for each in people.values() if each.type != "customer"]
    desk = Desk([each.id for each in staff], [each.name for each in staff], [0])
    customers = [each for each in people.values() if each.type == "customer"]
    tells = teller(Recorder, workspace_id=home, desk=desk, categories=places)
    replay = Replay(database, people)
    seen = set()
    for number in range(70):
        moment = microseconds(NOW) - number * DAY
        there = [each for each in customers if microseconds(each.created_at) <= moment]
        who = there[number % len(there)]
        life = tells.tell(0, moment, Asker(who.id, who.name, who.organization_id, None))
        assert isinstance(life, Recorded)
        ticket_id = await replay.do(life)
        await same(database, life, home, ticket_id)
        seen |= {entry.action for entry in life.activity} | {life.status}
    assert {"open", "pending", "resolved", "closed", "assigned", "watcher_added", "tags_changed"} <= seen
    assert {"status_changed", "priority_changed", "category_changed", "rated"} <= seen
    await folded(database, 10_000)
    assert await wrong(database) == {}


async def same(database: Database, life: Life, home: int, ticket_id: int) -> None:
    """The ticket, its replies, log and watchers are those of the life, ids aside."""
    async with database.read() as reads:
        [stored] = await reads.rows(tickets.BY_IDS, workspace_id=home, ids=[ticket_id])
        written = await replies.LISTING.every(reads, (("ticket", ticket_id),))
        logged = await activity.LISTING.every(reads, (("ticket", ticket_id),))
        rated = await reads.rows(ratings.LATEST_BY_TICKETS, ticket_ids=[ticket_id])
        watching = [user.id for _, user in await reads.rows(watchers.BY_TICKETS, ticket_ids=[ticket_id])]
    assert stored == msgspec.structs.replace(life.row(), id=ticket_id)
    assert plain(written) == plain(life.replies)
    assert plain(logged) == plain(life.activity)
    assert plain(rated) == plain(life.ratings)
    assert watching == [user_id for _, user_id, _ in life.watchers]


def plain(found: list[Any]) -> list[Any]:
    """The rows without their ids, oldest first."""
    return sorted(
        (msgspec.structs.replace(row, id=0, ticket_id=0) for row in found), key=lambda row: row.created_at
    )

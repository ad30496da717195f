"""What is looked at after a crash: the rows behind every acknowledged write, then the figures, through both doors."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from hashlib import sha256
from random import Random
from typing import Any, Final

import httpx
from sqlalchemy import text

from db.database import Database
from tests.crash.clients import World
from tests.crash.stories import Held, Pile, Story
from tests.doors import GraphqlDoor, RestDoor
from tests.receiver import Hit

SEARCHED: Final = 12
"""Tickets that are sought by their subject after each crash."""
Findings = list[str]


async def every(database: Database, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a statement."""
    async with database.engine.connect() as connection:
        return [tuple(row) for row in await connection.execute(text(sql))]


# --- rows ------------------------------------------------------------------------------------------------------


async def held_tickets(database: Database) -> dict[str, list[tuple[int, Held]]]:
    """Every ticket that is stored, or of which there are events, by its subject."""
    rows = await every(
        database, "SELECT id, subject, status, priority, assigned_to_id, is_untouched FROM ticket"
    )
    replies = _grouped(await every(database, "SELECT ticket_id, content, is_internal FROM reply"))
    files = _grouped(await every(database, "SELECT ticket_id, sha256 FROM attachment"))
    log = _grouped(await every(database, "SELECT ticket_id, action FROM activity"))
    events = _grouped(await every(database, "SELECT ticket_id, type FROM event WHERE ticket_id IS NOT NULL"))
    found: dict[str, list[tuple[int, Held]]] = defaultdict(list)
    for id_, subject, status, priority, assigned_to, is_untouched in rows:
        held = Held(
            True,
            status,
            priority,
            assigned_to,
            bool(is_untouched),
            tuple(sorted((content, bool(is_internal)) for content, is_internal in replies[id_])),
            *(tuple(sorted(each for (each,) in of[id_])) for of in (files, log, events)),
        )
        found[subject].append((id_, held))
    there = {row[0] for row in rows}
    for id_, subject in await _deleted(database, there):
        found[subject].append((id_, Held(events=tuple(sorted(each for (each,) in events[id_])))))
    return found


def _grouped(rows: Iterable[tuple[Any, ...]]) -> dict[int, list[tuple[Any, ...]]]:
    found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for id_, *values in rows:
        found[id_].append(tuple(values))
    return found


async def _deleted(database: Database, there: set[int]) -> list[tuple[int, str]]:
    """The tickets whose creation was told and that are gone, with their subjects."""
    subject = "payload -> 'ticket' ->> 'subject'"
    told = await every(database, f"SELECT ticket_id, {subject} FROM event WHERE type = 'ticket.created'")  # noqa: S608
    return [(id_, name) for id_, name in told if id_ not in there]


def check_stories(stories: Sequence[Story], held: dict[str, list[tuple[int, Held]]]) -> Findings:
    """What is not as it was acknowledged. What was under way is taken as it is found, when it is whole."""
    findings = []
    for story in stories:
        if not story.is_fresh:
            continue
        findings += _check_story(story, held.get(story.subject, []))
        story.is_fresh = False
    return findings


def _check_story(story: Story, found: list[tuple[int, Held]]) -> Findings:
    if len(found) > 1:
        return [f"{story.subject} is there {len(found)} times"]
    id_, held = found[0] if found else (None, Held())
    if held not in (story.told, story.perhaps):
        return [f"{story.subject} is {held}, told was {story.told}, under way {story.perhaps}"]
    if story.id not in (None, id_):
        return [f"{story.subject} was told to be {story.id} and is {id_}"]
    story.id, story.told, story.perhaps = id_, held, None
    return []


async def check_piles(database: Database, piles: Sequence[Pile]) -> Findings:
    """Whatever was acknowledged is there, whatever is there was tried, and nothing is there twice."""
    findings = []
    for pile in piles:
        stored = Counter(value for (value,) in await every(database, pile.stored))
        findings += [f"{pile.what} lost: {each}" for each in sorted(pile.told - set(stored))]
        findings += [f"{pile.what} nobody sent: {each}" for each in sorted(set(stored) - pile.tried)]
        findings += [f"{pile.what} repeated: {each}" for each, count in stored.items() if count > 1]
        pile.told |= set(stored)
    return findings


# --- through the doors ----------------------------------------------------------------------------------------


async def check_doors(world: World, database: Database, stories: Sequence[Story], rng: Random) -> Findings:
    """Lists, statistics and search agree with the rows at both doors; files are whole."""
    grouped = await every(database, "SELECT status, count(*) FROM ticket GROUP BY status")
    by_status: dict[str, int] = {status: count for status, count in grouped}  # noqa: C416  # of pairs
    findings = []
    async with httpx.AsyncClient(base_url=world.base, timeout=60) as http:
        for door in (RestDoor(http), GraphqlDoor(http)):
            total = (await door.tickets(world.token, per_page=1)).total
            told = (await door.overview(world.token)).done()["tickets"]
            if total != sum(by_status.values()) or told["total"] != total:
                findings.append(f"{door.name}: total {total}, statistics {told}, rows {by_status}")
            findings += [
                f"{door.name}: {told[status]} {status} in the statistics, {count} rows"
                for status, count in by_status.items()
                if told[status] != count
            ]
            for story in rng.sample(list(stories), min(SEARCHED, len(stories))):
                found = (await door.tickets(world.token, search=story.subject)).ids
                if found != ([story.id] if story.told.is_there else []):
                    findings.append(f"{door.name}: the search for {story.subject} finds {found}")
        findings += await _check_files(world, http, stories)
    return findings


async def _check_files(world: World, http: httpx.AsyncClient, stories: Sequence[Story]) -> Findings:
    """The files that were acknowledged since the last check, byte for byte."""
    findings = []
    headers = {"Authorization": f"Bearer {world.token}"}
    for story in stories:
        for id_, digest in story.bytes_of.items() if story.told.is_there else ():
            answer = await http.get(f"/v1/attachments/{id_}/download", headers=headers)
            if answer.status_code != 200 or sha256(answer.content).hexdigest() != digest:
                findings.append(f"file {id_} of {story.subject}: status {answer.status_code}")
        story.bytes_of.clear()
    return findings


# --- deliveries -----------------------------------------------------------------------------------------------


async def check_deliveries(database: Database, hits: Sequence[Hit], secrets: dict[str, str]) -> Findings:
    """Every event since there are webhooks reached them all, signed, under one id, in the order of its ticket (D29)."""
    findings = []
    events = await every(
        database,
        "SELECT id, message_id, ticket_id FROM event "
        "WHERE created_at > (SELECT max(created_at) FROM webhook) ORDER BY id",
    )
    undone = await every(
        database,
        "SELECT id, outcome, attempts FROM job WHERE kind = 'webhook' AND coalesce(outcome, '') <> 'delivered'",
    )
    findings += [f"delivery {id_}: {outcome} after {attempts} attempts" for id_, outcome, attempts in undone]
    for path, secret in secrets.items():
        came = [hit for hit in hits if hit.path == path]
        bodies: dict[str, bytes] = {}
        for hit in came:
            hit.verified(secret)
            if bodies.setdefault(hit.id, hit.body) != hit.body:
                findings.append(f"{hit.id} came with two bodies")
        findings += [f"{path} was never told of {id_}" for _, id_, _ in events if id_ not in bodies]
        findings += [f"{path} was told of {id_}, which is no event" for id_ in bodies.keys() - _ids(events)]
        findings += _out_of_order(path, list(bodies), events)
    return findings


def _ids(events: Sequence[tuple[int, str, int]]) -> set[str]:
    return {message_id for _, message_id, _ in events}


def _out_of_order(path: str, came: Sequence[str], events: Sequence[tuple[int, str, int]]) -> Findings:
    places = {message_id: (ticket_id, id_) for id_, message_id, ticket_id in events}
    latest: dict[int, int] = {}
    findings = []
    for message_id in came:
        ticket_id, id_ = places.get(message_id, (None, 0))
        if ticket_id is not None:
            if id_ < latest.get(ticket_id, 0):
                findings.append(f"{path}: {message_id} came after a later event of ticket {ticket_id}")
            latest[ticket_id] = id_
    return findings

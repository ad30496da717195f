"""Clients that write through one door, one thing after the other, until the server is gone."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import httpx

from tests.crash.stories import CUSTOMERS, DEEDS, Deed, Held, Pile, Story, opening
from tests.doors import Door, GraphqlDoor, Outcome, RestDoor

CLIENTS: Final = 16
UNDER_WAY: Final = 4
"""Tickets that a client goes on with; the older ones are left as they are."""
LOST: Final = (httpx.TransportError, json.JSONDecodeError)
"""What a client sees of a server that was killed."""


@dataclass
class World:
    """What all clients know: who they are, and the things that they share."""

    base: str
    token: str
    agent_id: int
    hub_id: int
    category_ids: list[int]
    replies: Pile
    users: Pile
    seed: int
    refused: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0

    @property
    def piles(self) -> tuple[Pile, ...]:
        """What many add to."""
        return (self.replies, self.users)


class Client:
    """One client and its tickets, over all rounds."""

    def __init__(self, number: int, world: World) -> None:
        self.stories: list[Story] = []
        self._number = number
        self._world = world
        self._rng = Random(f"{world.seed} {number}")  # noqa: S311  # a run can be repeated
        self._count = 0

    async def write(self) -> None:
        """Write until the server does not answer any more."""
        async with httpx.AsyncClient(base_url=self._world.base, timeout=60) as http:
            door: Door = (RestDoor, GraphqlDoor)[self._number % 2](http)
            try:
                while True:
                    await self._write_once(door)
            except LOST:
                return

    async def _write_once(self, door: Door) -> None:
        self._count += 1
        draw = self._rng.random()
        if draw < 0.15:
            await self._reply_on_the_hub(door)
        elif draw < 0.2:
            await self._add_user(door)
        elif draw < 0.5 or not (under_way := self._under_way()):
            await self._open(door)
        else:
            story = self._rng.choice(under_way)
            await self._do(door, story, self._rng.choice(DEEDS)(story, self._count, self._rng))

    def _under_way(self) -> list[Story]:
        return [story for story in self.stories if story.told.is_there][-UNDER_WAY:]

    async def _open(self, door: Door) -> None:
        # one word, so that a search finds this ticket and no other
        story = Story(f"c{self._number}n{self._count}s{self._world.seed}", self._world.agent_id)
        self.stories.append(story)
        deed = opening(
            story.subject, self._rng.randrange(CUSTOMERS), self._rng.choice(self._world.category_ids)
        )
        await self._do(door, story, deed)

    async def _do(self, door: Door, story: Story, deed: Deed) -> None:
        story.perhaps, story.is_fresh = deed.after, True
        outcome = await deed.send(door, self._world.token)
        if self._was_refused(outcome):
            return
        _remember(story, outcome.data, deed.after)

    async def _reply_on_the_hub(self, door: Door) -> None:
        text = f"client {self._number} reply {self._count}"
        self._world.replies.tried.add(text)
        if not self._was_refused(
            await door.reply(self._world.token, self._world.hub_id, content=text, is_internal=_is_note(text))
        ):
            self._world.replies.told.add(text)

    async def _add_user(self, door: Door) -> None:
        email = f"user{self._number}n{self._count}@crash.example"
        self._world.users.tried.add(email)
        given: dict[str, Any] = {"name": "Somebody", "email": email, "type": "customer"}
        if not self._was_refused(await door.create(self._world.token, "user", **given)):
            self._world.users.told.add(email)

    def _was_refused(self, outcome: Outcome) -> bool:
        if outcome.ok:
            self._world.acknowledged += 1
        else:
            self._world.refused[f"{outcome.code}: {outcome.message}"] += 1
        return not outcome.ok


def _is_note(text: str) -> bool:
    return len(text) % 2 == 0


def _remember(story: Story, data: Any, after: Held) -> None:
    """Take down what an answer tells."""
    if new := set(after.files) - set(story.told.files):
        story.bytes_of[data["id"]] = new.pop()
    if story.id is None:
        story.id = data["id"]
    story.told, story.perhaps = after, None


async def write_until_lost(clients: Sequence[Client]) -> None:
    """All clients at once, until none is answered any more."""
    await asyncio.gather(*(client.write() for client in clients))

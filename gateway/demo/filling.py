"""One run of `answer demo`: what is drawn and what is written, in the order in which it is needed."""

import contextlib
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from random import Random
from typing import TypeVar

from db import rows, tables
from db.database import Tx
from db.queries import bulk, organizations
from db.queries.loads import Model, Packer
from gateway.demo import people
from gateway.demo.arrivals import DAY, DAYS, arrivals, instant
from gateway.demo.people import Addresses, Customers, Organizations
from gateway.demo.stories import Asker, Desk
from gateway.demo.telling import AT_ONCE, Brief, Narration, Share
from gateway.demo.topics import Library, library
from resolvers.fields import email_key

Progress = Callable[[str, int, int], None]
"""Called with the stage, how much of it is done, and how much there is."""
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Summary:
    """What was added to the workspace; `replies` counts internal notes, too."""

    workspace_id: int
    tickets: int = 0
    replies: int = 0
    customers: int = 0
    staff: int = 0
    organizations: int = 0
    categories: int = 0

    def __str__(self) -> str:
        found = [f"{count:,} {what}" for what, count in self._added() if count]
        return f"Added {', '.join(found[:-1])} and {found[-1]}."

    def _added(self) -> list[tuple[str, int]]:
        return [
            ("tickets", self.tickets),
            ("replies and notes", self.replies),
            ("agents and admins", self.staff),
            ("categories", self.categories),
            ("organizations", self.organizations),
            ("customers", self.customers),
        ]


class Filling:
    """Fills one workspace within a transaction. `now` is in microseconds since 1970."""

    def __init__(
        self, tx: Tx, workspace_id: int, tickets: int, seed: int, now: int, progress: Progress
    ) -> None:
        self.tx = tx
        self.workspace_id = workspace_id
        self.tickets = tickets
        self.seed = seed
        self.now = now
        self.start = now - DAYS * DAY
        self.progress = progress
        self.pack = Packer(for_sqlite=tx.is_sqlite)
        self.summary = Summary(workspace_id, tickets)

    async def run(self) -> Summary:
        """Write everything; what was written."""
        known = await self.tx.first(bulk.TICKET_COUNT, workspace_id=self.workspace_id)
        rng = self._random(f"{self.tickets}/{known}")
        moments = arrivals(self.tickets, self.now, rng)
        wrote, customers = people.requesters(moments, people.customer_count(self.tickets), rng)
        found = library()
        places = await self._categories(found)
        addresses = Addresses(await self.tx.rows(bulk.ADDRESSES, workspace_id=self.workspace_id))
        desk = await self._staff(addresses)
        homes = await self._organizations(customers, rng)
        await self._customers(customers, homes, addresses, rng)
        chance = f"{self.seed}/{self.tickets}/{known}"
        brief = Brief(self.tx.is_sqlite, self.workspace_id, desk, places, self.now, chance)
        ids = await self._ids(tables.Ticket, self.tickets)
        await self._tickets(Narration(brief), _shares(ids, moments, wrote, customers, homes))
        return self.summary

    def _random(self, purpose: str) -> Random:
        """Chance for one purpose. Staff and organizations have their own, so that a second run meets the same."""
        return Random(f"{self.seed}/{purpose}")  # noqa: S311  # a sample is no secret

    async def _ids(self, model: Model, count: int) -> list[int]:
        return list(await bulk.new_ids(self.tx, model, count))

    def _count(self, **more: int) -> None:
        self.summary = replace(
            self.summary, **{name: getattr(self.summary, name) + count for name, count in more.items()}
        )

    # --- categories, staff, organizations: those that are there already stay in use ------------------------------

    async def _categories(self, found: Library) -> dict[str, int]:
        """The id of every category by its slug."""
        places = dict(await self.tx.rows(bulk.CATEGORIES_BY_SLUG, workspace_id=self.workspace_id))
        missing = [slug for slug in found.categories if slug not in places]
        places |= zip(missing, await self._ids(tables.Category, len(missing)), strict=True)
        since = instant(self.start - 30 * DAY)
        added = []
        for slug in missing:
            name, color, parent, description = found.categories[slug]
            above = places[parent] if parent else None
            added.append(
                rows.Category(
                    places[slug], self.workspace_id, above, name, slug, color, description, since, since
                )
            )
        await bulk.add(self.tx, self.pack.categories(added))
        self._count(categories=len(added))
        return places

    async def _staff(self, addresses: Addresses) -> Desk:
        known = dict(await self.tx.rows(bulk.ACTIVE_STAFF, workspace_id=self.workspace_id))
        drawn = people.staff(people.staff_count(self.tickets), self._random("staff"))
        fresh = [address for _, address, _ in drawn if address not in known]
        new_ids = dict(zip(fresh, await self._ids(tables.User, len(fresh)), strict=True))
        since = instant(self.start - 30 * DAY)
        added = []
        for name, address, role in drawn:
            if address in new_ids:
                free = addresses.new(*address.split("@"))
                added.append(people.user_row(new_ids[address], self.workspace_id, name, free, role, since))
        await bulk.add(self.tx, self.pack.users(added, email_key))
        self._count(staff=len(added))
        return Desk(
            ids=[known.get(address) or new_ids[address] for _, address, _ in drawn],
            names=[name for name, _, _ in drawn],
            leads=[place for place, (_, _, role) in enumerate(drawn) if role == "admin"],
        )

    async def _organizations(self, customers: Customers, rng: Random) -> Organizations:
        """All of them, with customers introduced to them."""
        count = people.organization_count(len(customers.since))
        named = people.organization_names(count, self._random("organizations"))
        known = dict(await self.tx.rows(bulk.ORGANIZATIONS_BY_DOMAIN, workspace_id=self.workspace_id))
        missing = [domain for domain in named if domain not in known]
        ids = known | dict(zip(missing, await self._ids(tables.Organization, len(missing)), strict=True))
        homes = Organizations([ids[domain] for domain in named], list(named.values()), list(named))
        people.introduce(customers, homes, rng)
        fresh = set(missing)
        added = people.organization_rows(self.workspace_id, homes, customers, fresh, self.start, rng)
        await bulk.add(self.tx, self.pack.organizations(list(added)))
        self._count(organizations=len(missing))
        users = people.user_counts(homes, customers)
        for place, domain in enumerate(homes.domains):
            if domain not in fresh:
                await organizations.add_users(self.tx, homes.ids[place], users[place])
        return homes

    # --- customers and tickets, batch by batch ------------------------------------------------------------------

    async def _customers(
        self, customers: Customers, homes: Organizations, addresses: Addresses, rng: Random
    ) -> None:
        customers.ids = await self._ids(tables.User, len(customers.since))
        people_ = people.customer_rows(self.workspace_id, customers, homes, addresses, rng)
        for batch in _batches(people_):
            await bulk.add(self.tx, self.pack.users(batch, email_key))
            self._count(customers=len(batch))
            self.progress("customers", self.summary.customers, len(customers.since))

    async def _tickets(self, narration: Narration, shares: Iterator[Share]) -> None:
        done = 0
        async with contextlib.aclosing(narration.told(shares, self.tickets)) as told:
            async for loads, tickets, replies in told:
                await bulk.add(self.tx, loads)
                self._count(replies=replies)
                done += tickets
                self.progress("tickets", done, self.tickets)
        await bulk.add_up(self.tx, *narration.totals)


def _shares(
    ids: list[int],
    moments: "array[int]",
    wrote: "array[int]",
    customers: Customers,
    homes: Organizations,
) -> Iterator[Share]:
    """The tickets, oldest first; the latest are a whole share."""
    first = len(ids) % AT_ONCE
    bounds = [0, *range(first or AT_ONCE, len(ids) + 1, AT_ONCE)]
    for number, (start, end) in enumerate(pairwise(bounds)):
        places = {who: place for place, who in enumerate(dict.fromkeys(wrote[start:end]))}
        yield Share(
            number,
            ids[start:end],
            moments[start:end],
            [places[who] for who in wrote[start:end]],
            [_asker(who, customers, homes) for who in places],
        )


def _asker(who: int, customers: Customers, homes: Organizations) -> Asker:
    home = customers.organizations[who]
    return Asker(
        customers.ids[who],
        customers.names[who],
        homes.ids[home] if home >= 0 else None,
        homes.names[home] if home >= 0 else None,
    )


def _batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    while batch := list(islice(items, AT_ONCE)):
        yield batch

"""One run of `answer demo`: what is drawn and what is written, in the order in which it is needed."""

import asyncio
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from random import Random
from typing import Final, TypeVar

from db import rows, tables
from db.database import Tx
from db.queries import bulk, figures, organizations, tallies
from gateway.demo import people
from gateway.demo.arrivals import DAY, DAYS, arrivals, instant
from gateway.demo.lives import Life
from gateway.demo.people import Addresses, Customers, Organizations
from gateway.demo.stories import Asker, Desk, Teller
from gateway.demo.topics import Library, library
from resolvers.fields import email_key

Progress = Callable[[str, int, int], None]
"""Called with the stage, how much of it is done, and how much there is."""
AT_ONCE: Final = 2_000
"""Tickets, or users, that are in memory together."""
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
        teller = Teller(self.workspace_id, found, desk, places, self.now, rng)
        await self._tickets(
            _told(teller, await self._ids(tables.Ticket, self.tickets), moments, wrote, customers, homes)
        )
        return self.summary

    def _random(self, purpose: str) -> Random:
        """Chance for one purpose. Staff and organizations have their own, so that a second run meets the same."""
        return Random(f"{self.seed}/{purpose}")  # noqa: S311  # a sample is no secret

    async def _ids(self, model: bulk.Model, count: int) -> list[int]:
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
        await bulk.add_categories(self.tx, added)
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
        await bulk.add_users(self.tx, added, email_key)
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
        await bulk.add_organizations(self.tx, list(added))
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
            await bulk.add_users(self.tx, batch, email_key)
            self._count(customers=len(batch))
            self.progress("customers", self.summary.customers, len(customers.since))

    async def _tickets(self, lives: Iterator[Life]) -> None:
        counted: Counter[tallies.Cell] = Counter()
        added_up: Counter[figures.Cell] = Counter()
        done = 0
        batches = _batches(lives)
        batch = next(batches)
        while batch:
            # PostgreSQL writes one batch while the next is told; SQLite's driver and a second thread of Python only
            # take the interpreter from each other
            ahead = None if self.tx.is_sqlite else asyncio.create_task(asyncio.to_thread(next, batches, []))
            added = [life.row() for life in batch]
            await bulk.add_tickets(self.tx, added)
            for place in map(tallies.place_of, added):
                counted.update(tallies.cells(place))
                for cell, amount in figures.cells(place):
                    added_up[cell] += amount
            replies = [reply for life in batch for reply in life.replies]
            await bulk.add_replies(self.tx, replies)
            log = [entry for life in batch for entry in life.activity]
            await bulk.add_activity(self.tx, log)
            ratings = [rating for life in batch for rating in life.ratings]
            await bulk.add_ratings(self.tx, ratings)
            for work in bulk.work_in(replies, log, ratings):
                figures.count_work(added_up, work)
            watchers = [watcher for life in batch for watcher in life.watchers]
            await bulk.add_watchers(self.tx, self.workspace_id, watchers)
            self._count(replies=len(replies))
            done += len(batch)
            self.progress("tickets", done, self.tickets)
            batch = await ahead if ahead else next(batches, [])
        await tallies.add(self.tx, counted)
        await figures.add(self.tx, added_up)


def _told(
    teller: Teller,
    ids: Iterable[int],
    moments: Iterable[int],
    wrote: "array[int]",
    customers: Customers,
    homes: Organizations,
) -> Iterator[Life]:
    """The tickets, oldest first."""
    for ticket_id, moment, who in zip(ids, moments, wrote, strict=True):
        home = customers.organizations[who]
        asker = Asker(
            customers.ids[who],
            customers.names[who],
            homes.ids[home] if home >= 0 else None,
            homes.names[home] if home >= 0 else None,
        )
        yield teller.tell(ticket_id, moment, asker)


def _batches(items: Iterator[Item]) -> Iterator[list[Item]]:
    while batch := list(islice(items, AT_ONCE)):
        yield batch

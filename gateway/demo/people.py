"""The people of a sample helpdesk: staff, organizations with their domains, customers from everywhere."""

import datetime as dt
import functools
import math
import unicodedata
from array import array
from bisect import bisect
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import Any, Final

from db import rows
from gateway.demo.arrivals import DAY, instant
from gateway.demo.texts import read

STAFF_DOMAIN: Final = "harbor.example"
USERS_PER_TICKET: Final = 1 / 5
USERS_PER_ORGANIZATION: Final = 40
IN_ORGANIZATION: Final = 0.88
"""Share of customers who belong to one; the others write from a mailbox of their own."""

_WORDS: Final = read("names")
_CULTURES: Final = [
    (culture["given"].split(), culture["family"].split()) for culture in _WORDS["cultures"].values()
]
_SPEAK: Final = {"german": "de", "french": "fr", "spanish": "es", "latin": "es", "japanese": "ja"}
_LANGUAGE_OF: Final = {
    given: _SPEAK[culture]
    for culture, words in _WORDS["cultures"].items()
    if culture in _SPEAK
    for given in words["given"].split()
}
_LETTERS: Final = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "\u0131": "i"}
)
_PHONES: Final = ("+44 20 7946 0{:03d}", "+1 202 555 0{:03d}", "+49 30 23125 {:03d}", "+33 1 99 00 2{:03d}")
"""Numbers that are kept free for films and samples."""


@dataclass(slots=True)
class Organizations:
    """The customers' companies: id, name and domain by place, and how often each is drawn."""

    ids: Sequence[int]
    names: list[str]
    domains: list[str]
    weights: list[float] = field(init=False)

    def __post_init__(self) -> None:
        # a few large ones, many small ones
        self.weights = list(accumulate(1 / (place + 4) ** 0.9 for place in range(len(self.names))))

    def draw(self, rng: Random) -> int:
        """The place of one of them."""
        return bisect(self.weights, rng.random() * self.weights[-1])


@dataclass(slots=True)
class Customers:
    """The customers by place: the columns that tickets need of them, packed, as there may be 200,000."""

    ids: Sequence[int]
    names: list[str]
    organizations: "array[int]"
    """Place of the organization; -1 for none."""
    since: "array[int]"
    tickets: "array[int]"


class Addresses:
    """E-mail addresses, each given out once."""

    def __init__(self, taken: Collection[str]) -> None:
        self._given: Counter[str] = Counter(dict.fromkeys(taken, 1))

    def new(self, local: str, domain: str) -> str:
        """`local@domain`, or with a number when somebody has that."""
        wanted = address = f"{local}@{domain}"
        while self._given[address]:
            self._given[wanted] += 1
            address = f"{local}{self._given[wanted]}@{domain}"
        self._given[address] = 1
        return address


def staff_count(tickets: int) -> int:
    """8 agents and admins for 200 tickets, 50 from about 8,000 on."""
    return min(50, max(3, round(0.57 * math.sqrt(tickets))))


def customer_count(tickets: int) -> int:
    """One for each five tickets."""
    return max(1, round(tickets * USERS_PER_TICKET))


def organization_count(customers: int) -> int:
    """One for each 40 customers, but never so few that a small sample looks empty."""
    return max(1, round(customers * IN_ORGANIZATION / USERS_PER_ORGANIZATION), min(12, customers // 3))


def person_name(rng: Random) -> str:
    """A given and a family name, mostly of one culture."""
    given, family = rng.choice(_CULTURES)
    if rng.random() < 0.1:
        family = rng.choice(_CULTURES)[1]
    return f"{rng.choice(given)} {rng.choice(family)}"


def language(name: str) -> str | None:
    """The language, other than English, that somebody of this name may write in."""
    return _LANGUAGE_OF.get(name.partition(" ")[0])


def staff(count: int, rng: Random) -> list[tuple[str, str, str]]:
    """(name, e-mail, role) of the staff; no two share a name, and every fifteenth is an admin."""
    found: dict[str, str] = {}
    while len(found) < count:
        name = person_name(rng)
        found.setdefault(f"{_local(name, 0)}@{STAFF_DOMAIN}", name)
    return [
        (name, address, "agent" if place % 15 else "admin")
        for place, (address, name) in enumerate(found.items())
    ]


def organization_names(count: int, rng: Random) -> dict[str, str]:
    """Domain -> name of that many companies."""
    words = _WORDS["organizations"]
    firsts = words["places"].split() + words["things"].split() + words["families"].split()
    kinds = words["kinds"].split("|")
    found: dict[str, str] = {}
    while len(found) < count:
        name = f"{rng.choice(firsts)} {rng.choice(kinds)}"
        if len(found) > len(firsts) * len(kinds) // 2:  # nearly all are given out
            name = f"{rng.choice(firsts)} {name}"
        found.setdefault(f"{_domain_label(name)}.example", name)
    return found


def _domain_label(name: str) -> str:
    return _plain(name).replace(" and ", "-").replace(" ", "-")


def organization_rows(
    workspace_id: int,
    organizations: Organizations,
    customers: Customers,
    fresh: Collection[str],
    start: int,
    rng: Random,
) -> Iterator[rows.Organization]:
    """The rows of those whose domain is new, with the counts of their users."""
    users = user_counts(organizations, customers)
    for place, (name, domain) in enumerate(zip(organizations.names, organizations.domains, strict=True)):
        if domain not in fresh:
            continue
        since = instant(start - rng.randrange(30 * DAY))
        yield rows.Organization(
            organizations.ids[place],
            workspace_id,
            name,
            domain,
            rng.choice(_WORDS["organizations"]["notes"]) if rng.random() < 0.2 else None,
            {"account": f"C-{10_000 + place * 7}"} if rng.random() < 0.5 else {},
            users[place],
            since,
            since,
        )


def user_counts(organizations: Organizations, customers: Customers) -> list[int]:
    """How many of the customers belong to each organization (D16)."""
    users = [0] * len(organizations.ids)
    for place in customers.organizations:
        if place >= 0:
            users[place] += 1
    return users


def requesters(moments: Sequence[int], count: int, rng: Random) -> tuple["array[int]", Customers]:
    """Which customer writes each ticket: newcomers all along, and some who write again and again.

    The customers come without ids, names and organizations.
    """
    wrote = array("i")
    since, tickets = array("q"), array("i")
    for place, moment in enumerate(moments):
        if place * count // len(moments) >= len(since):
            who = len(since)
            since.append(moment)
            tickets.append(0)
        else:
            who = int(len(since) * rng.random() ** 1.7)
        wrote.append(who)
        tickets[who] += 1
    return wrote, Customers((), [], array("i"), since, tickets)


def introduce(customers: Customers, organizations: Organizations, rng: Random) -> None:
    """Give every customer a name and, mostly, an organization."""
    for _ in customers.since:
        customers.names.append(person_name(rng))
        belongs = rng.random() < IN_ORGANIZATION
        customers.organizations.append(organizations.draw(rng) if belongs else -1)


def customer_rows(
    workspace_id: int, customers: Customers, organizations: Organizations, addresses: Addresses, rng: Random
) -> Iterator[rows.User]:
    """The customers' rows, in order of their first ticket: they came to be with it (D17)."""
    mailboxes = _WORDS["mailboxes"]["domains"]
    for place, user_id in enumerate(customers.ids):
        home, name = customers.organizations[place], customers.names[place]
        domain = organizations.domains[home] if home >= 0 else rng.choice(mailboxes)
        since = instant(customers.since[place])
        yield user_row(
            user_id,
            workspace_id,
            name,
            addresses.new(_local(name, rng.randrange(6)), domain),
            "customer",
            since,
            organization_id=organizations.ids[home] if home >= 0 else None,
            phone=rng.choice(_PHONES).format(rng.randrange(1000)) if rng.random() < 0.3 else None,
            metadata={"newsletter": rng.random() < 0.5} if rng.random() < 0.1 else {},
            ticket_count=customers.tickets[place],
        )


def user_row(
    user_id: int,
    workspace_id: int,
    name: str,
    address: str,
    role: str,
    since: dt.datetime,
    *,
    organization_id: int | None = None,
    phone: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    ticket_count: int = 0,
) -> rows.User:
    """A person, active."""
    return rows.User(
        user_id,
        workspace_id,
        organization_id,
        name,
        address,
        role,
        phone,
        None,
        dict(metadata or {}),
        True,
        ticket_count,
        since,
        since,
    )


def _local(name: str, style: int) -> str:
    given, _, family = name.partition(" ")
    given, family = _plain(given), _plain(family).replace(" ", "")
    return (
        f"{given}.{family}",
        f"{given}.{family}",
        f"{given[0]}.{family}",
        f"{given}{family}",
        given,
        family,
    )[style]


@functools.cache
def _plain(name: str) -> str:
    """The name in the letters of an address."""
    folded = unicodedata.normalize("NFKD", name.casefold().translate(_LETTERS))
    return "".join(letter for letter in folded if letter.isascii() and (letter.isalnum() or letter in " -"))

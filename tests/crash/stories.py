"""What clients did, as far as they were told, and what the helpdesk must therefore hold.

A story is one ticket and the only client that writes to it, so that every change is known in advance with its log
lines and events. A pile is what many clients add to at once.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from random import Random
from typing import Any, Final, NamedTuple

from tests.doors import Door, Outcome

CUSTOMERS: Final = 12
"""Few, so that writers meet at the same counters."""
STATUSES: Final = ("open", "pending", "resolved", "closed")
PRIORITIES: Final = ("low", "medium", "high", "urgent")


@dataclass(frozen=True, slots=True)
class Held:
    """A ticket with all that is stored of it. Tuples are sorted."""

    is_there: bool = False
    status: str = "open"
    priority: str = "medium"
    assigned_to: int | None = None
    is_untouched: bool = True
    replies: tuple[tuple[str, bool], ...] = ()
    """Content, and whether it is a note."""
    files: tuple[str, ...] = ()
    """SHA-256 of each."""
    log: tuple[str, ...] = ()
    events: tuple[str, ...] = ()


def more(held: tuple[Any, ...], *added: Any) -> tuple[Any, ...]:
    """The tuple with these, sorted."""
    return tuple(sorted((*held, *added)))


@dataclass(slots=True)
class Story:
    """A ticket of one client: as it was told, and as it is if what it did not hear of was done."""

    subject: str
    agent_id: int
    """Who it is assigned to, now and then."""
    id: int | None = None
    told: Held = field(default_factory=Held)
    perhaps: Held | None = None
    bytes_of: dict[int, str] = field(default_factory=dict)
    """The attachments it was told of, with the SHA-256 of each."""
    is_fresh: bool = True
    """Whether anything was done to it since it was last checked."""


@dataclass(slots=True)
class Pile:
    """Texts that many clients added somewhere, each at most once. `stored` is the statement that lists them."""

    what: str
    stored: str
    told: set[str] = field(default_factory=set)
    tried: set[str] = field(default_factory=set)


Send = Callable[[Door, str], Awaitable[Outcome]]


class Deed(NamedTuple):
    """Something to do to a ticket, and what is held once it is done."""

    after: Held
    send: Send


def opening(subject: str, customer: int, category_id: int) -> Deed:
    """The ticket is opened."""
    given = {
        "subject": subject,
        "content": f"About {subject}",
        "requester_email": f"customer{customer}@crash.example",
        "category_id": category_id,
        "tags": ["crash", f"tag-{customer}"],
    }
    after = Held(is_there=True, log=("created",), events=("ticket.created",))
    return Deed(after, lambda door, who: door.open_ticket(who, **given))


def reply(story: Story, number: int, rng: Random) -> Deed:
    """A public reply with a new status."""
    held, content = story.told, f"reply {number} on {story.subject}"
    status = rng.choice([each for each in STATUSES if each != held.status])
    after = replace(
        held,
        status=status,
        is_untouched=False,
        replies=more(held.replies, (content, False)),
        log=more(held.log, "status_changed"),
        events=more(held.events, "reply.created", "ticket.updated"),
    )
    given = {"content": content, "update_status": status}
    return Deed(after, lambda door, who: door.reply(who, story.id, **given))


def note(story: Story, number: int, _rng: Random) -> Deed:
    """An internal note; the first deed on a ticket is logged as such (D2)."""
    held, content = story.told, f"note {number} on {story.subject}"
    after = replace(
        held,
        is_untouched=False,
        replies=more(held.replies, (content, True)),
        log=more(held.log, *(["status_changed"] if held.is_untouched else [])),
        events=more(held.events, "reply.created"),
    )
    return Deed(after, lambda door, who: door.reply(who, story.id, content=content, is_internal=True))


def priority(story: Story, _number: int, rng: Random) -> Deed:
    """Another priority."""
    held = story.told
    chosen = rng.choice([each for each in PRIORITIES if each != held.priority])
    after = replace(
        held,
        priority=chosen,
        log=more(held.log, "priority_changed"),
        events=more(held.events, "ticket.updated"),
    )
    return Deed(after, lambda door, who: door.change_ticket(who, story.id, priority=chosen))


def assignment(story: Story, _number: int, _rng: Random) -> Deed:
    """Assigned to the agent, or to nobody again; the first deed on a ticket is logged as such (D2)."""
    held = story.told
    to = story.agent_id if held.assigned_to is None else None
    after = replace(
        held,
        assigned_to=to,
        is_untouched=False,
        log=more(
            held.log,
            "unassigned" if to is None else "assigned",
            *(["status_changed"] if held.is_untouched else []),
        ),
        events=more(held.events, "ticket.updated"),
    )
    return Deed(after, lambda door, who: door.change_ticket(who, story.id, assigned_to=to))


def file(story: Story, number: int, rng: Random) -> Deed:
    """A file of random bytes."""
    held, data = story.told, rng.randbytes(rng.choice((10, 5_000, 300_000)))
    after = replace(
        held,
        files=more(held.files, sha256(data).hexdigest()),
        log=more(held.log, "attachment_added"),
        events=more(held.events, "attachment.created"),
    )
    return Deed(after, lambda door, who: door.attach(who, story.id, f"{number}.bin", data))


def deletion(story: Story, _number: int, _rng: Random) -> Deed:
    """The ticket goes; its events stay."""
    after = Held(events=more(story.told.events, "ticket.deleted"))
    return Deed(after, lambda door, who: door.delete_ticket(who, story.id))


DEEDS: Final = (reply, reply, reply, note, note, priority, assignment, assignment, file, deletion)
"""Drawn from, so that the first are the most frequent."""

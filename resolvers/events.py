"""Events: what happened, recorded in the transaction of the change it tells of (D28).

Every one is written, for the subscribers of now and for those who come back later; what webhooks are told is written
when one listens. People, categories and organizations are recorded by number and get their names when the event is
first sent, so that a change does not wait for what only its receivers want to know.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from db import rows
from db.database import Tx
from db.queries import events, jobs, webhooks
from db.statements import Reads

TYPES: Final = (
    "ticket.created",
    "ticket.updated",
    "ticket.deleted",
    "reply.created",
    "attachment.created",
    "user.created",
    "organization.created",
    "category.created",
)
PATTERNS: Final = (*TYPES, "ticket.*", "*")
"""What a webhook can listen for, and a subscriber."""
TEST: Final = "webhook.test"
"""What a test sends; nobody listens for it."""

_CHANGEABLE: Final = {
    "subject": "subject",
    "content": "content",
    "status": "status",
    "priority": "priority",
    "category_id": "category_id",
    "assigned_to": "assigned_to_id",
    "tags": "tags",
    "metadata": "metadata",
}
"""The fields that `changes` tells of, and the column of each."""


class Happening(NamedTuple):
    """Something to record: `data` is what receivers are told, with `{"id": 7}` for whoever has a name besides.

    `is_internal`: customers hear nothing of it (D25).
    """

    type: str
    moment: datetime
    data: dict[str, Any]
    ticket: rows.Ticket | None = None
    reply_id: int | None = None
    attachment_id: int | None = None
    changed: tuple[str, ...] = ()
    """The fields of the ticket that changed, in the documented words."""
    is_internal: bool = False

    @property
    def ticket_id(self) -> int | None:
        """The ticket that it happened to."""
        return None if self.ticket is None else self.ticket.id


def listens(patterns: Sequence[str], type_: str) -> bool:
    """Whether one of the patterns is met by the type."""
    family = f"{type_.partition('.')[0]}.*"
    return any(pattern in (type_, family, "*") for pattern in patterns)


def types_of(patterns: Sequence[str]) -> tuple[str, ...]:
    """The types that meet one of the patterns."""
    return tuple(type_ for type_ in TYPES if listens(patterns, type_))


async def record(tx: Tx, workspace_id: int, actor_id: int | None, happenings: Sequence[Happening]) -> None:
    """Record what happened and queue it for every webhook that listens; two statements when nobody does.

    Three statements otherwise, however much happened. `actor_id` None: the system.
    """
    if not happenings:
        return
    listeners = await webhooks.listeners(tx, workspace_id)
    listening = [
        [webhook_id for webhook_id, patterns in listeners if listens(patterns, each.type)]
        for each in happenings
    ]
    ids = await _add(
        tx,
        workspace_id,
        actor_id,
        # what nobody is told need not be kept: of a ticket it is its whole text
        [each if to else each._replace(data={}) for each, to in zip(happenings, listening, strict=True)],
    )
    await jobs.add(
        tx,
        [
            delivery_job(workspace_id, webhook_id, ids[place], each.ticket_id, each.moment)
            for place, each in enumerate(happenings)
            for webhook_id in listening[place]
        ],
    )


async def send_to(
    tx: Tx, workspace_id: int, actor_id: int | None, happening: Happening, webhook_id: int
) -> int:
    """Record what happened for one webhook, whatever it listens for; the id of the delivery."""
    [event_id] = (await _add(tx, workspace_id, actor_id, [happening])).values()
    job = delivery_job(workspace_id, webhook_id, event_id, happening.ticket_id, happening.moment)
    return await jobs.add_one(tx, job)


async def _add(
    tx: Tx, workspace_id: int, actor_id: int | None, happenings: Sequence[Happening]
) -> dict[int, int]:
    """Write the events; the id of each by its place."""
    message_ids = ["msg_" + secrets.token_urlsafe(18) for _ in happenings]
    ids = await events.add(
        tx,
        [
            {
                "workspace_id": workspace_id,
                "type": happening.type,
                "ticket_id": happening.ticket_id,
                "actor_id": actor_id,
                "payload": happening.data,
                "message_id": message_id,
                "created_at": happening.moment,
                "requester_id": None if happening.ticket is None else happening.ticket.requester_id,
                "organization_id": None if happening.ticket is None else happening.ticket.organization_id,
                "reply_id": happening.reply_id,
                "attachment_id": happening.attachment_id,
                "is_internal": happening.is_internal,
                "changed": list(happening.changed),
            }
            for message_id, happening in zip(message_ids, happenings, strict=True)
        ],
    )
    return {place: ids[message_id] for place, message_id in enumerate(message_ids)}


def delivery_job(
    workspace_id: int, webhook_id: int, event_id: int, ticket_id: int | None, moment: datetime
) -> dict[str, Any]:
    """The columns of a job that sends the event to the webhook. Without a ticket it waits for no other."""
    return {
        "workspace_id": workspace_id,
        "kind": "webhook",
        "queue": f"webhook {webhook_id}",
        "lane": None if ticket_id is None else f"webhook {webhook_id} ticket {ticket_id}",
        "webhook_id": webhook_id,
        "event_id": event_id,
        "payload": {},
        "run_at": moment,
        "created_at": moment,
    }


# --- what is told of each noun ------------------------------------------------------------------------------


def of_ticket(
    type_: str, row: rows.Ticket, moment: datetime, changes: Mapping[str, Any] | None = None
) -> Happening:
    """Something happened to the ticket; `changes` is told beside it, for each field what it was and is."""
    if changes is None:
        return Happening(type_, moment, {"ticket": ticket_data(row)}, row)
    return Happening(
        type_, moment, {"ticket": ticket_data(row), "changes": changes}, row, changed=tuple(changes)
    )


def of_update(before: rows.Ticket, after: rows.Ticket) -> list[Happening]:
    """`ticket.updated` with what changed; nothing when only counts or times did."""
    changes = {
        name: {"from": getattr(before, column), "to": getattr(after, column)}
        for name, column in _CHANGEABLE.items()
        if getattr(before, column) != getattr(after, column)
    }
    return [of_ticket("ticket.updated", after, after.updated_at, changes=changes)] if changes else []


def of_reply(row: rows.Reply, ticket: rows.Ticket) -> Happening:
    """A reply, or an internal note, which says so: only admins set up webhooks (D25)."""
    told = {"reply": reply_data(row), "ticket": _about(ticket)}
    return Happening(
        "reply.created", row.created_at, told, ticket, reply_id=row.id, is_internal=row.is_internal
    )


def of_attachment(row: rows.Attachment, url: str, ticket: rows.Ticket) -> Happening:
    """A file, that of an internal note too, which says so; `url` is where its bytes are read."""
    told = {"attachment": attachment_data(row) | {"url": url}, "ticket": _about(ticket)}
    return Happening(
        "attachment.created",
        row.created_at,
        told,
        ticket,
        reply_id=row.reply_id,
        attachment_id=row.id,
        is_internal=row.is_internal,
    )


def _about(ticket: rows.Ticket) -> dict[str, Any]:
    return {"id": ticket.id, "subject": ticket.subject, "requester": _numbered(ticket.requester_id)}


def ticket_data(row: rows.Ticket) -> dict[str, Any]:
    """The ticket in the documented words."""
    return {
        "id": row.id,
        "subject": row.subject,
        "content": row.content,
        "status": row.status,
        "priority": row.priority,
        "category": _numbered(row.category_id),
        "requester": _numbered(row.requester_id),
        "assigned_to": _numbered(row.assigned_to_id),
        "tags": row.tags,
        "metadata": row.metadata,
        "reply_count": row.public_reply_count + row.internal_note_count,
        "version": row.version,
        "created_at": _written(row.created_at),
        "updated_at": _written(row.updated_at),
        "first_response_at": _written(row.first_response_at),
        "resolved_at": _written(row.resolved_at),
    }


def reply_data(row: rows.Reply) -> dict[str, Any]:
    """The reply in the documented words."""
    return {
        "id": row.id,
        "ticket_id": row.ticket_id,
        "content": row.content,
        "content_html": row.content_html,
        "is_internal": row.is_internal,
        "author": _numbered(row.author_id),
        "created_at": _written(row.created_at),
    }


def attachment_data(row: rows.Attachment) -> dict[str, Any]:
    """The file in the documented words."""
    return {
        "id": row.id,
        "ticket_id": row.ticket_id,
        "reply_id": row.reply_id,
        "filename": row.filename,
        "original_filename": row.original_filename,
        "file_size": row.file_size,
        "mime_type": row.mime_type,
        "sha256": row.sha256,
        "is_internal": row.is_internal,
        "uploaded_by": _numbered(row.uploaded_by_id),
        "created_at": _written(row.created_at),
    }


def user_data(row: rows.User) -> dict[str, Any]:
    """The user in the documented words."""
    return {
        "id": row.id,
        "name": row.name,
        "email": row.email,
        "type": row.type,
        "organization": _numbered(row.organization_id),
        "phone": row.phone,
        "metadata": row.metadata,
        "is_active": row.is_active,
        "created_at": _written(row.created_at),
    }


def organization_data(row: rows.Organization) -> dict[str, Any]:
    """The organization in the documented words."""
    return {
        "id": row.id,
        "name": row.name,
        "domain": row.domain,
        "notes": row.notes,
        "metadata": row.metadata,
        "created_at": _written(row.created_at),
    }


def category_data(row: rows.Category) -> dict[str, Any]:
    """The category in the documented words."""
    return {
        "id": row.id,
        "name": row.name,
        "slug": row.slug,
        "color": row.color,
        "parent_id": row.parent_id,
        "description": row.description,
        "created_at": _written(row.created_at),
    }


def _numbered(row_id: int | None) -> dict[str, Any] | None:
    return None if row_id is None else {"id": row_id}


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


# --- names, added when an event is first sent -----------------------------------------------------------------


class Names(NamedTuple):
    """What people, categories and organizations are called now, by their ids."""

    people: Mapping[int, dict[str, Any]]
    categories: Mapping[int, dict[str, Any]]
    organizations: Mapping[int, dict[str, Any]]


_NAMED: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "requester": ("people", ("name", "email")),
    "assigned_to": ("people", ("name",)),
    "author": ("people", ("name", "type")),
    "uploaded_by": ("people", ("name", "type")),
    "category": ("categories", ("name",)),
    "organization": ("organizations", ("name",)),
}
"""Where in a thing somebody is named: who they are, and what is told of them."""


async def names_for(db: Reads, found: Sequence[rows.Event]) -> Names:
    """The names that the events lack; at most three statements."""
    people, categories, organizations = (_mentioned(found, kind) for kind in Names._fields)
    people |= {row.actor_id for row in found if row.actor_id is not None}
    return Names(
        dict(await db.rows(events.PEOPLE, ids=sorted(people))) if people else {},
        dict(await db.rows(events.CATEGORIES, ids=sorted(categories))) if categories else {},
        dict(await db.rows(events.ORGANIZATIONS, ids=sorted(organizations))) if organizations else {},
    )


def _mentioned(found: Sequence[rows.Event], kind: str) -> set[int]:
    return {
        row_id
        for row in found
        for thing in row.payload.values()
        for place, (of_kind, _) in _NAMED.items()
        if of_kind == kind and isinstance(thing, dict) and (row_id := _only_number(thing.get(place)))
    }


def message(row: rows.Event, names: Names) -> dict[str, Any]:
    """What is sent of the event: `type`, `timestamp`, `data` (Standard Webhooks, payload structure)."""
    data = {name: _with_names(thing, names) for name, thing in row.payload.items()}
    actor = None
    if row.actor_id is not None:
        actor = _told_of(row.actor_id, names.people, ("name", "type"))
    return {"type": row.type, "timestamp": _written(row.created_at), "data": data | {"actor": actor}}


def _with_names(thing: Any, names: Names) -> Any:
    if not isinstance(thing, dict):
        return thing
    filled = dict(thing)
    for place, (kind, told) in _NAMED.items():
        if row_id := _only_number(filled.get(place)):
            filled[place] = _told_of(row_id, getattr(names, kind), told)
    return filled


def _only_number(named: Any) -> int | None:
    """The id of somebody who is recorded by nothing else; None for anything else, `{"from": 1, "to": 2}` too."""
    return named["id"] if isinstance(named, dict) and named.keys() == {"id"} else None


def _told_of(row_id: int, known: Mapping[int, dict[str, Any]], told: Sequence[str]) -> dict[str, Any]:
    found = known.get(row_id, {})
    return {"id": row_id} | {name: found.get(name) for name in told}

"""Files of tickets and replies: what is known of them. Their bytes are in db/files.py."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, delete, insert, select, update

from db import rows, tables
from db.conditions import Kind
from db.database import Tx
from db.listing import Listing
from db.statements import Statement, columns, table_of
from db.types import ListOf, any_key, any_of

attachment = table_of(tables.Attachment)
activity = table_of(tables.Activity)
IDS = ListOf(BigInteger())

LISTING: Listing[rows.Attachment] = Listing(
    tables.Attachment,
    rows.Attachment,
    kinds={
        "workspace": Kind(BigInteger(), lambda value: attachment.c.workspace_id == value),
        "id": Kind(BigInteger(), lambda value: attachment.c.id == value),
        "ids": Kind(IDS, lambda value: any_key(attachment.c.id, value)),
        "tickets": Kind(IDS, lambda value: any_key(attachment.c.ticket_id, value)),
        "replies": Kind(IDS, lambda value: any_key(attachment.c.reply_id, value)),
        "uploaded_by": Kind(BigInteger(), lambda value: attachment.c.uploaded_by_id == value),
        "on_no_reply": Kind(None, lambda _: attachment.c.reply_id.is_(None)),
        "public": Kind(None, lambda _: attachment.c.is_internal.is_(False)),
    },
    orders={"id": None},
)

_ADD = insert(attachment).returning(*columns(attachment, rows.Attachment))
_PUT_ON_REPLY = (
    update(attachment)
    .where(any_of(attachment.c.id, bindparam("these", type_=IDS)))
    .values(reply_id=bindparam("to_reply"), is_internal=bindparam("to_staff_only"))
)
_HIDE_THEIR_LINES = (
    update(activity)
    .where(
        activity.c.ticket_id == bindparam("of_ticket"),
        activity.c.action == "attachment_added",
        any_of(activity.c.to_value, bindparam("these", type_=ListOf(Text()))),
    )
    .values(is_internal=True)
)
_DELETE = delete(attachment).where(attachment.c.id == bindparam("attachment_id"))
_KEYS_OF_TICKET: Statement[str] = Statement(
    select(attachment.c.storage_key).where(
        attachment.c.ticket_id == bindparam("of_ticket", type_=BigInteger())
    ),
    str,
)
KNOWN_KEYS: Statement[str] = Statement(
    select(attachment.c.storage_key).where(
        any_of(attachment.c.storage_key, bindparam("keys", type_=ListOf(Text())))
    ),
    str,
)
"""Those of the keys that a row knows, of whatever workspace."""


async def add(tx: Tx, values: dict[str, Any]) -> rows.Attachment:
    """A new attachment."""
    [added] = await tx.returning(_ADD, rows.Attachment, **values)
    return added


async def put_on_reply(tx: Tx, ids: Sequence[int], reply: rows.Reply) -> None:
    """Let the files belong to the reply; those of a note, and the log lines about them, are the staff's now."""
    values = {"these": list(ids), "to_reply": reply.id, "to_staff_only": reply.is_internal}
    await tx.change(_PUT_ON_REPLY, values)
    if reply.is_internal:
        lines = {"of_ticket": reply.ticket_id, "these": [str(each) for each in ids]}
        await tx.change(_HIDE_THEIR_LINES, lines)


async def remove(tx: Tx, attachment_id: int) -> None:
    """Delete what is known of the file."""
    await tx.change(_DELETE, {"attachment_id": attachment_id})


async def keys_of_ticket(tx: Tx, ticket_id: int) -> list[str]:
    """Where the bytes of the ticket's files are."""
    return await tx.rows(_KEYS_OF_TICKET, of_ticket=ticket_id)

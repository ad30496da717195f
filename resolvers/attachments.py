"""Files of tickets and replies: added, read, deleted (D27).

Bytes are kept first and their row is written afterwards, in the transaction of the log line: a crash in between leaves
bytes that nobody knows of, which are swept (resolvers/files.py), and never a row without bytes.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from db import rows
from db.database import Tx
from db.files import Files, key_of
from db.queries import attachments, events, replies, tickets
from resolvers import fields
from resolvers.context import Caller, Context
from resolvers.errors import AnswerError, Conflict, Forbidden, NotFound
from resolvers.events import of_attachment
from resolvers.fields import DOES_NOT_EXIST, Field, Given, Wrong
from resolvers.files import forget_bytes
from resolvers.lifecycle import TicketChange
from resolvers.loaders import Loader
from resolvers.permissions import SIGNED_IN, allow
from resolvers.tickets import held_ticket, store, visible_ticket
from resolvers.uploads import Upload, safe_name, upload
from resolvers.visibility import visible_notes

MOST_ON_A_TICKET: Final = 500
"""A ticket shows all its files, so there is an end to them."""

FIELDS: Final[dict[str, Field]] = {
    "file": Field(upload, is_required=True),
    "reply_id": Field(fields.row_id),
}


def download_path(row: rows.Attachment) -> str:
    """Where the bytes are read: the documented address, in the graph too."""
    return f"/v1/attachments/{row.id}/download"


@allow(*SIGNED_IN)
async def attachment(ctx: Context, attachment_id: int) -> rows.Attachment:
    """One attachment, of a ticket that the caller may see. Raises NotFound."""
    found: rows.Attachment | None = await ctx.load(_BY_ID, attachment_id)
    if found is None:
        raise NotFound
    await visible_ticket(ctx, found.ticket_id)
    return found


async def _by_id(ctx: Context, ids: list[int], _args: Any) -> Mapping[int, rows.Attachment]:
    found = await attachments.LISTING.every(ctx.reads, (*visible_notes(ctx.caller), ("ids", ids)))
    return {row.id: row for row in found}


_BY_ID: Final = Loader("attachment_by_id", _by_id)
"""Attachments the caller may read, those of notes aside; whether their ticket may be seen is asked besides."""


async def _by_ticket(ctx: Context, ids: list[int], _args: Any) -> Mapping[int, list[rows.Attachment]]:
    return await _grouped(ctx, "tickets", "ticket_id", ids)


async def _by_reply(ctx: Context, ids: list[int], _args: Any) -> Mapping[int, list[rows.Attachment]]:
    return await _grouped(ctx, "replies", "reply_id", ids)


async def _grouped(ctx: Context, kind: str, key: str, ids: list[int]) -> Mapping[int, list[rows.Attachment]]:
    found: dict[int, list[rows.Attachment]] = defaultdict(list, {each: [] for each in ids})
    seen = await attachments.LISTING.every(ctx.reads, (*visible_notes(ctx.caller), (kind, ids)))
    for row in sorted(seen, key=lambda row: row.id):
        found[getattr(row, key)].append(row)
    return found


ATTACHMENTS_BY_TICKET: Final = Loader("attachments_by_ticket", _by_ticket)
"""All files of tickets that the caller sees, those of replies among them, oldest first."""
ATTACHMENTS_BY_REPLY: Final = Loader("attachments_by_reply", _by_reply)
"""The files of replies that the caller sees, oldest first."""


@allow(*SIGNED_IN)
async def create_attachment(ctx: Context, ticket_id: int, given: Given) -> rows.Attachment:
    """A file of the ticket, or of the reply that `reply_id` names; a note's file is internal (D25).

    Raises NotFound, ValidationError, Conflict, FilesUnavailable.
    """
    values, wrong = fields.clean(FIELDS, given)
    ticket = await visible_ticket(ctx, ticket_id)
    fields.refuse(wrong)
    file: Upload = values["file"]
    key = key_of(ticket.workspace_id, ticket.id)
    await ctx.reads.rest()  # the store may take its time: nobody is to wait for our connection meanwhile
    await ctx.helpdesk.files.put(key, file.chunks(), file.size)
    try:
        return await _add(ctx, ticket_id, key, values)
    except AnswerError:
        # nothing was committed. After any other error something may have been: then the bytes are left to the sweep
        await forget_bytes(ctx, [key])
        raise


async def _add(ctx: Context, ticket_id: int, key: str, values: dict[str, Any]) -> rows.Attachment:
    caller = ctx.caller
    async with ctx.write() as tx:
        ticket = await held_ticket(tx, caller, ticket_id)
        reply = await _reply_that_takes(tx, caller, ticket, values.get("reply_id"))
        if await attachments.LISTING.count(tx, (("tickets", [ticket.id]),)) >= MOST_ON_A_TICKET:
            raise Conflict(f"This ticket has {MOST_ON_A_TICKET} files and takes no more")
        change = TicketChange(ticket, caller, ctx.now())
        added = await attachments.add(tx, _columns(change, values["file"], key, reply))
        change.log("attachment_added", None, added.id, is_internal=added.is_internal)
        change.happenings.append(of_attachment(added, download_path(added), ticket))
        await store(tx, change)
    return added


async def _reply_that_takes(
    tx: Tx, caller: Caller, ticket: rows.Ticket, reply_id: int | None
) -> rows.Reply | None:
    """The reply that gets the file. Customers add to replies of their own."""
    if reply_id is None:
        return None
    seen = (*visible_notes(caller), ("id", reply_id), ("ticket", ticket.id))
    reply = await replies.LISTING.find(tx, seen)
    if reply is None:
        raise fields.refused("reply_id", DOES_NOT_EXIST)
    if not caller.is_staff and reply.author_id != caller.user_id:
        raise fields.refused("reply_id", "must be a reply of your own")
    return reply


def _columns(change: TicketChange, file: Upload, key: str, reply: rows.Reply | None) -> dict[str, Any]:
    return {
        "workspace_id": change.ticket.workspace_id,
        "ticket_id": change.ticket.id,
        "reply_id": None if reply is None else reply.id,
        "uploaded_by_id": change.caller.user_id,
        "filename": safe_name(file.name),
        "original_filename": file.name,
        "file_size": file.size,
        "mime_type": file.mime_type(),
        "sha256": file.sha256,
        "storage_key": key,
        "is_internal": reply is not None and reply.is_internal,
        "created_at": change.step(),
    }


@allow(*SIGNED_IN)
async def delete_attachment(ctx: Context, attachment_id: int) -> None:
    """Delete the file. Customers delete what they added themselves. Raises NotFound, Forbidden, Conflict."""
    caller = ctx.caller
    seen = await attachment(ctx, attachment_id)
    async with ctx.write() as tx:
        ticket = await held_ticket(tx, caller, seen.ticket_id)
        row = await attachments.LISTING.find(tx, (*visible_notes(caller), ("id", seen.id)))
        if row is None:
            raise NotFound
        if not caller.is_staff and row.uploaded_by_id != caller.user_id:
            raise Forbidden("Customers may only delete files that they added themselves")
        await attachments.remove(tx, row.id)
        change = TicketChange(ticket, caller, ctx.now())
        await tickets.change(tx, ticket, change.columns())
    await forget_bytes(ctx, [row.storage_key])


async def check_free(
    tx: Tx, caller: Caller, ticket: rows.Ticket, values: dict[str, Any], wrong: Wrong
) -> None:
    """Note `attachment_ids` that are not files which the caller added to this ticket and no reply has."""
    ids = values.get("attachment_ids")
    if not ids:
        return
    own = (("tickets", [ticket.id]), ("uploaded_by", caller.user_id), ("on_no_reply", True), ("ids", ids))
    if await attachments.LISTING.count(tx, own) != len(ids):
        wrong.setdefault(
            "attachment_ids", "must be files that you added to this ticket and that no reply has yet"
        )


async def put_on_reply(tx: Tx, reply: rows.Reply, ids: Sequence[int]) -> None:
    """Let the files, which `check_free` found free, belong to the new reply."""
    if ids:
        await attachments.put_on_reply(tx, ids, reply)
    if ids and reply.is_internal:
        await events.hide_files(tx, reply.ticket_id, ids)


async def content(files: Files, row: rows.Attachment, start: int, end: int) -> AsyncIterator[bytes]:
    """The bytes from `start` up to, not including, `end`. Raises FilesUnavailable, before the first of them."""
    return await files.read(row.storage_key, start, end)

"""/v1/attachments: files of tickets and replies, uploaded, described, downloaded, deleted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from db import rows
from resolvers import attachments
from resolvers.context import Context
from rest_compat.downloads import file_answer
from rest_compat.endpoint import Body, Endpoint, endpoint, signed_in
from rest_compat.envelope import Answer, AnyRequest
from rest_compat.forms import form_with_file
from rest_compat.parameters import path_id
from rest_compat.shapes import Attachment, Done, One, UploadedFile, Written

TAG: Final = "Attachments"
CREATE: Final = Body("AttachmentCreate", attachments.FIELDS, is_form=True)


@endpoint("POST", "/v1/tickets/{ticket_id}/attachments", tag=TAG, status=201, body=CREATE, refusals=(409,))
async def create_attachment(ctx: Context, request: AnyRequest) -> Written[UploadedFile]:
    """Upload an attachment to a ticket.

    One file of at most 10 MiB, as multipart/form-data. With `reply_id` it belongs to that reply, and is internal when
    the reply is an internal note; or name it in the `attachment_ids` of a reply that you write afterwards.
    """
    async with form_with_file(request) as given:
        added = await attachments.create_attachment(ctx, path_id(request, "ticket_id"), given)
    return Written(True, uploaded(added), "Attachment created successfully")


@endpoint("GET", "/v1/attachments/{id}", tag=TAG)
async def get_attachment(ctx: Context, request: AnyRequest) -> One[UploadedFile]:
    """Retrieve what is known of an attachment.

    Its name, size and kind, and where to download it.
    """
    return One(True, uploaded(await attachments.attachment(ctx, path_id(request))))


async def _download(request: AnyRequest) -> Answer:
    async with signed_in(request) as ctx:
        row = await attachments.attachment(ctx, path_id(request))
    # the connection is given back by now: a client may take as long as it likes
    content: Any = partial(attachments.content, request.app.state.helpdesk.files, row)
    return await file_answer(request, row, content)


download_attachment: Final = Endpoint(
    method="GET",
    path="/v1/attachments/{id}/download",
    respond=_download,
    name="download_attachment",
    text="Download an attachment file.\n\nThe bytes as they were uploaded, whole or the range that is asked for, for "
    "everybody who may see the ticket; the file of an internal note for agents and admins alone.",
    tag=TAG,
    answers=bytes,
    refusals=(416,),
)


@endpoint("DELETE", "/v1/attachments/{id}", tag=TAG, refusals=(403, 409))
async def delete_attachment(ctx: Context, request: AnyRequest) -> Done:
    """Delete an attachment.

    Agents and admins delete any; customers those that they uploaded themselves.
    """
    await attachments.delete_attachment(ctx, path_id(request))
    return Done(True, "Attachment deleted successfully")


def shown(found: Sequence[rows.Attachment]) -> list[Attachment]:
    """The files of a ticket or reply."""
    return [
        Attachment(
            id=row.id,
            filename=row.filename,
            original_filename=row.original_filename,
            file_size=row.file_size,
            mime_type=row.mime_type,
            url=attachments.download_path(row),
            reply_id=row.reply_id,
        )
        for row in found
    ]


def uploaded(row: rows.Attachment) -> UploadedFile:
    """One file with everything that is known of it."""
    return UploadedFile(
        id=row.id,
        ticket_id=row.ticket_id,
        reply_id=row.reply_id,
        filename=row.filename,
        original_filename=row.original_filename,
        file_size=row.file_size,
        mime_type=row.mime_type,
        sha256=row.sha256,
        is_internal=row.is_internal,
        url=attachments.download_path(row),
        created_at=row.created_at,
    )


ENDPOINTS: Final = (create_attachment, get_attachment, download_attachment, delete_attachment)

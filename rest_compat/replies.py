"""/v1/tickets/{ticket_id}/replies: public answers and internal notes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from db import rows
from resolvers import replies
from resolvers.attachments import ATTACHMENTS_BY_REPLY
from resolvers.context import Context
from resolvers.errors import NotFound
from rest_compat import parameters
from rest_compat.attachments import shown
from rest_compat.bodies import json_object
from rest_compat.endpoint import Body, endpoint
from rest_compat.envelope import AnyRequest
from rest_compat.parameters import PAGES, path_id
from rest_compat.shapes import Author, Listed, Reply, Written, page_of
from rest_compat.users import people

TAG: Final = "Replies"
LIST: Final[parameters.Declared] = PAGES | {
    "include_internal": parameters.flag(
        "Include internal notes; customers never get any, whatever they send", default=True
    )
}
CREATE: Final = Body(
    "ReplyCreate",
    replies.FIELDS,
    example={
        "content": "Thank you for your patience. We've identified the issue and it should be resolved now.",
        "is_internal": False,
        "notify_requester": True,
        "update_status": "resolved",
    },
)


@endpoint("GET", "/v1/tickets/{ticket_id}/replies", tag=TAG, query=LIST)
async def list_replies(ctx: Context, request: AnyRequest) -> Listed[Reply]:
    """List the replies of a ticket.

    Oldest first, internal notes among them unless they are left out.
    """
    ticket_id, asked = path_id(request, "ticket_id"), parameters.read(LIST, request)
    page = await replies.replies_numbered(
        ctx,
        ticket_id,
        include_internal=asked["include_internal"],
        page=asked["page"],
        per_page=asked["per_page"],
    )
    return page_of(page, await shaped(ctx, page.rows))


@endpoint("POST", "/v1/tickets/{ticket_id}/replies", tag=TAG, status=201, body=CREATE, refusals=(403, 409))
async def create_reply(ctx: Context, request: AnyRequest) -> Written[Reply]:
    """Add a reply to a ticket.

    A public response or an internal note. `update_status` is set together with it.
    """
    added = await replies.create_reply(ctx, path_id(request, "ticket_id"), await json_object(request))
    return Written(True, (await shaped(ctx, [added]))[0], "Reply created successfully")


async def shaped(ctx: Context, found: list[rows.Reply]) -> list[Reply]:
    """The replies with their authors and files, in their order; two statements. Raises NotFound."""
    authors = await people(ctx, (row.author_id for row in found))
    if not authors.keys() >= {row.author_id for row in found}:
        raise NotFound  # their ticket was deleted since they were read, and then one of the authors
    files = await ATTACHMENTS_BY_REPLY.load(ctx, [row.id for row in found], None)
    return [reply(row, authors[row.author_id], files[row.id]) for row in found]


def reply(row: rows.Reply, author: rows.User, files: Sequence[rows.Attachment]) -> Reply:
    """One reply by its author, with its files."""
    return Reply(
        id=row.id,
        ticket_id=row.ticket_id,
        content=row.content,
        content_html=row.content_html,
        is_internal=row.is_internal,
        author=Author(author.id, author.name, author.type),
        attachments=shown(files),
        created_at=row.created_at,
    )


ENDPOINTS: Final = (list_replies, create_reply)

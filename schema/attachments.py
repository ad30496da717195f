"""Files of tickets and replies in the graph."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import UNSET, Parent

from db import rows
from resolvers import attachments
from resolvers.replies import REPLY_BY_ID
from resolvers.tickets import TICKET_BY_ID
from resolvers.uploads import Upload
from resolvers.users import USER_BY_ID
from schema.deeds import UserError, deed
from schema.edges import Ctx, edge
from schema.nodes import Node, database_id_field, global_id, id_field, row_id

if TYPE_CHECKING:
    from schema.replies import Reply
    from schema.tickets import Ticket
    from schema.users import User

File = Annotated[
    Upload, strawberry.argument(description="The file, at most 10 MiB, by a GraphQL multipart request.")
]
ReplyId = Annotated[
    strawberry.ID | None,
    strawberry.argument(description="The reply it belongs to; the file of a note is internal."),
]


def _url(root: Parent[rows.Attachment]) -> str:
    return attachments.download_path(root)


@strawberry.type
class Attachment(Node):
    """A file of a ticket, or of one of its replies."""

    id: strawberry.ID = id_field("Attachment")
    database_id: int = database_id_field()
    filename: str = strawberry.field(description="Its name, safe to save the file under.")
    original_filename: str = strawberry.field(description="Its name as the client sent it.")
    file_size: int = strawberry.field(description="How large it is, in bytes.")
    mime_type: str = strawberry.field(description="What it is, told from its bytes.")
    sha256: str = strawberry.field(description="SHA-256 of its bytes, in hexadecimal.")
    url: str = strawberry.field(
        resolver=_url, description="Where to download it, with the same token: a path of this server."
    )
    is_internal: bool = strawberry.field(
        description="Whether it came with a note, which customers never see."
    )
    created_at: dt.datetime = strawberry.field(description="When it was uploaded.")
    uploaded_by: Annotated["User", strawberry.lazy("schema.users")] | None = edge(
        USER_BY_ID, "uploaded_by_id", "Who uploaded it; null for somebody who was deleted."
    )
    ticket: Annotated["Ticket", strawberry.lazy("schema.tickets")] | None = edge(
        TICKET_BY_ID, "ticket_id", "The ticket it belongs to."
    )
    reply: Annotated["Reply", strawberry.lazy("schema.replies")] | None = edge(
        REPLY_BY_ID, "reply_id", "The reply it came with; null when it came with none."
    )

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Rows of attachments are attachments."""
        return isinstance(obj, rows.Attachment)


@strawberry.type
class AttachmentCreatePayload:
    """The new attachment, or why there is none."""

    attachment: Attachment | None = strawberry.field(description="The attachment.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


@strawberry.type
class AttachmentDeletePayload:
    """What was deleted, or why nothing was."""

    deleted_id: strawberry.ID | None = strawberry.field(description="The id of the attachment that is gone.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


async def attachment_create(
    info: Ctx, ticket_id: strawberry.ID, file: File, reply_id: ReplyId = UNSET
) -> AttachmentCreatePayload:
    """Add a file to a ticket that the caller sees, or to one of its replies."""
    given: dict[str, Any] = {"file": file}
    if reply_id not in (UNSET, None):
        given["reply_id"] = row_id("Reply", reply_id)
    work = attachments.create_attachment(info.context, row_id("Ticket", ticket_id), given)
    return await deed(AttachmentCreatePayload, "attachment", work, arguments=("file", "reply_id"))


async def attachment_delete(info: Ctx, id: strawberry.ID) -> AttachmentDeletePayload:
    """Delete a file. Customers delete what they added themselves."""

    async def work() -> strawberry.ID:
        attachment_id = row_id("Attachment", id)
        await attachments.delete_attachment(info.context, attachment_id)
        return global_id("Attachment", attachment_id)

    return await deed(AttachmentDeletePayload, "deleted_id", work())

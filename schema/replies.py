"""Replies and internal notes in the graph."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import UNSET

from db import rows
from resolvers import replies
from resolvers.attachments import ATTACHMENTS_BY_REPLY, ATTACHMENTS_BY_TICKET
from resolvers.paging import Below
from resolvers.tickets import TICKET_BY_ID
from resolvers.users import USER_BY_ID
from schema.deeds import UserError, deed, given
from schema.edges import Ctx, Within, edge
from schema.enums import TicketStatus
from schema.nodes import Node, database_id_field, id_field, row_id
from schema.paging import After, Before, First, Last, slice_of

if TYPE_CHECKING:
    from schema.attachments import Attachment
    from schema.tickets import Ticket
    from schema.users import User

_IDS = {"attachment_ids": "Attachment"}

IncludeInternal = Annotated[
    bool, strawberry.argument(description="Whether to include internal notes. Customers never get them.")
]


def replies_below(
    info: Ctx,
    include_internal: IncludeInternal = True,
    first: First = UNSET,
    after: After = UNSET,
    last: Last = UNSET,
    before: Before = UNSET,
) -> Below:
    """What a ticket's connection of replies asks its loader for."""
    return replies.below_ticket(slice_of(first, after, last, before), include_internal=include_internal)


@strawberry.type
class Reply(Node):
    """A public answer on a ticket, or an internal note among the staff."""

    id: strawberry.ID = id_field("Reply")
    database_id: int = database_id_field()
    content: str = strawberry.field(description="What was written: plain text or CommonMark.")
    content_html: str = strawberry.field(description="The content as HTML that is safe to show.")
    is_internal: bool = strawberry.field(description="Whether it is a note that customers never see.")
    created_at: dt.datetime = strawberry.field(description="When it was written.")
    attachments: list[Annotated["Attachment", strawberry.lazy("schema.attachments")]] | None = edge(
        ATTACHMENTS_BY_REPLY,
        "id",
        "The files that came with it, oldest first.",
        within=Within(ATTACHMENTS_BY_TICKET, "ticket_id", by="reply_id"),
    )
    author: Annotated["User", strawberry.lazy("schema.users")] | None = edge(
        USER_BY_ID, "author_id", "Who wrote it."
    )
    ticket: Annotated["Ticket", strawberry.lazy("schema.tickets")] | None = edge(
        TICKET_BY_ID, "ticket_id", "The ticket it is on."
    )

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Rows of replies are replies."""
        return isinstance(obj, rows.Reply)


@strawberry.input
class ReplyCreateInput:
    """A new reply."""

    content: str = strawberry.field(
        description="What to say: plain text or CommonMark, at most 65,536 characters."
    )
    is_internal: bool | None = strawberry.field(
        default=UNSET, description="Whether only the staff may see it. Default: false."
    )
    notify_requester: bool | None = strawberry.field(
        default=UNSET, description="Whether the requester is told. Default: true; never for a note."
    )
    update_status: TicketStatus | None = strawberry.field(
        default=UNSET, description="The status the ticket gets after the reply."
    )
    attachment_ids: list[strawberry.ID] | None = strawberry.field(
        default=UNSET,
        description="Files that the caller added to the ticket before and that no reply has yet, at most 20; "
        "those of a note become internal.",
    )


@strawberry.type
class ReplyCreatePayload:
    """The new reply, or why there is none."""

    reply: Reply | None = strawberry.field(description="The reply.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


async def reply_create(info: Ctx, ticket_id: strawberry.ID, input: ReplyCreateInput) -> ReplyCreatePayload:
    """Reply to a ticket, or leave an internal note on it. Customers reply to tickets they see."""
    work = replies.create_reply(info.context, row_id("Ticket", ticket_id), given(input, _IDS))
    return await deed(ReplyCreatePayload, "reply", work)

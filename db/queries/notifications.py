"""What an e-mail about a reply says, and to whom."""

import msgspec
from sqlalchemy import BigInteger, bindparam, select

from db import tables
from db.statements import Statement, table_of

reply = table_of(tables.Reply)
ticket = table_of(tables.Ticket)
requester = table_of(tables.User).alias("requester")
author = table_of(tables.User).alias("author")


class Letter(msgspec.Struct, frozen=True):
    """A reply as its requester gets it."""

    reply_id: int
    ticket_id: int
    subject: str
    content: str
    content_html: str
    author: str
    name: str
    email: str


LETTER: Statement[Letter] = Statement(
    select(
        reply.c.id,
        ticket.c.id,
        ticket.c.subject,
        reply.c.content,
        reply.c.content_html,
        author.c.name,
        requester.c.name,
        requester.c.email,
    )
    .join(ticket, ticket.c.id == reply.c.ticket_id)
    .join(requester, requester.c.id == ticket.c.requester_id)
    .join(author, author.c.id == reply.c.author_id)
    .where(
        reply.c.id == bindparam("reply_id", type_=BigInteger()),
        reply.c.is_internal.is_(False),
        requester.c.is_active.is_(True),
    ),
    Letter,
)
"""The letter about a reply; none about a note, and none to somebody who is no longer active."""

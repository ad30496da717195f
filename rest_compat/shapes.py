"""What the documented API answers: one struct a shape, encoded as it stands and described by the OpenAPI document.

Every field that is documented is here under its documented name; what is here besides is a superset.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from db.tables import PRIORITIES, ROLES, STATUSES
from resolvers.paging import NumberedPage

T = TypeVar("T")

Id = Annotated[int, Meta(ge=1)]
Count = Annotated[int, Meta(ge=0)]
Instant = Annotated[dt.datetime, Meta(tz=True, description="RFC 3339, UTC")]
Status = Annotated[str, Meta(extra_json_schema={"enum": list(STATUSES)})]
Priority = Annotated[str, Meta(extra_json_schema={"enum": list(PRIORITIES)})]
Role = Annotated[str, Meta(extra_json_schema={"enum": list(ROLES)})]
Html = Annotated[str, Meta(description="Rendered from the content and sanitised")]
Metadata = Annotated[dict[str, Any], Meta(description="What integrations keep here")]
Succeeded = Annotated[bool, Meta(extra_json_schema={"const": True})]
Failed = Annotated[bool, Meta(extra_json_schema={"const": False})]


class Shape(msgspec.Struct, frozen=True, gc=False):
    """A struct that is only ever written."""


# --- envelopes ------------------------------------------------------------------------------------------------


class Pagination(Shape, frozen=True):
    """Which page of how many."""

    page: Id
    per_page: Id
    total: Count
    total_pages: Count


class One(Shape, Generic[T], frozen=True):
    """One thing."""

    success: Succeeded
    data: T


class Written(Shape, Generic[T], frozen=True):
    """A thing that was created or updated, as it is now."""

    success: Succeeded
    data: T
    message: str


class Listed(Shape, Generic[T], frozen=True):
    """One page of a list."""

    success: Succeeded
    data: list[T]
    pagination: Pagination


def page_of(page: NumberedPage[Any], data: list[T]) -> Listed[T]:
    """The envelope of a page, with its rows as they are shown."""
    return Listed(True, data, Pagination(page.page, page.per_page, page.total, page.total_pages))


class Done(Shape, frozen=True):
    """It is done, and there is nothing to show."""

    success: Succeeded
    message: str


class Error(Shape, frozen=True):
    """What went wrong."""

    code: Annotated[str, Meta(description="One of the documented error codes")]
    message: str
    details: Annotated[
        dict[str, list[str]] | UnsetType,
        Meta(description="For VALIDATION_ERROR: what is wrong with each field"),
    ] = UNSET
    request_id: Annotated[
        str | UnsetType, Meta(description="For INTERNAL_ERROR: what the log of the server knows it by")
    ] = UNSET


class Failure(Shape, frozen=True):
    """The request was refused, or failed."""

    success: Failed
    error: Error


# --- people and places, as other things name them ----------------------------------------------------------


class Named(Shape, frozen=True):
    """Somebody or something, by name."""

    id: Id
    name: str


class NamedCategory(Shape, frozen=True):
    """The category of a ticket."""

    id: Id
    name: str
    color: str | None


class Contact(Shape, frozen=True):
    """Somebody who can be written to."""

    id: Id
    name: str
    email: str


class Requester(Shape, frozen=True):
    """Who asks."""

    id: Id
    name: str
    email: str
    avatar_url: str | None


class Author(Shape, frozen=True):
    """Who wrote a reply."""

    id: Id
    name: str
    type: Role


# --- tickets ---------------------------------------------------------------------------------------------------


class TicketSummary(Shape, frozen=True):
    """A ticket in a list."""

    id: Id
    subject: str
    content: str
    status: Status
    priority: Priority
    category: Named | None
    requester: Contact
    assigned_to: Named | None
    tags: list[str]
    reply_count: Annotated[int, Meta(ge=0, description="Replies that you may see")]
    created_at: Instant
    updated_at: Instant
    first_response_at: Instant | None
    resolved_at: Instant | None


class Attachment(Shape, frozen=True):
    """A file."""

    id: Id
    filename: str
    file_size: Annotated[int, Meta(ge=0, description="Bytes")]
    mime_type: str
    url: str


class Reply(Shape, frozen=True):
    """A public answer or an internal note."""

    id: Id
    ticket_id: Id
    content: str
    content_html: Html
    is_internal: bool
    author: Author
    attachments: list[Attachment]
    created_at: Instant


class ActivityEntry(Shape, frozen=True):
    """One line of a ticket's log."""

    action: str
    before: str | None = msgspec.field(name="from")
    after: str | None = msgspec.field(name="to")
    user: Annotated[Named | None, Meta(description="Null for the system")]
    timestamp: Instant


class Ticket(Shape, frozen=True):
    """A ticket with all its details."""

    id: Id
    subject: str
    content: str
    content_html: Html
    status: Status
    priority: Priority
    category: NamedCategory | None
    requester: Requester
    assigned_to: Contact | None
    watchers: list[Named]
    tags: list[str]
    reply_count: Annotated[int, Meta(ge=0, description="Replies that you may see")]
    replies: Annotated[
        list[Reply],
        Meta(description="Oldest first, at most 100: `GET /v1/tickets/{id}/replies` has them all"),
    ]
    has_more_replies: Annotated[bool, Meta(description="Whether there are replies beyond those shown here")]
    attachments: list[Attachment]
    activity_log: Annotated[list[ActivityEntry], Meta(description="Oldest first, at most 100")]
    metadata: Metadata
    is_untouched: Annotated[bool, Meta(description="Whether no agent has acted on it yet")]
    version: Annotated[int, Meta(ge=1, description="Grows by one with every change")]
    created_at: Instant
    updated_at: Instant
    first_response_at: Instant | None
    first_resolved_at: Instant | None
    resolved_at: Instant | None
    closed_at: Instant | None
    reopen_count: Count


# --- the other nouns -------------------------------------------------------------------------------------------


class User(Shape, frozen=True):
    """A customer, an agent or an admin."""

    id: Id
    name: str
    email: str
    type: Role
    organization: Named | None
    ticket_count: Annotated[int, Meta(ge=0, description="Tickets they requested, as far as you may see them")]
    phone: Annotated[str | None, Meta(description="Null when you may not see it")]
    avatar_url: str | None
    metadata: Annotated[dict[str, Any] | None, Meta(description="Null when you may not see it")]
    is_active: Annotated[bool | None, Meta(description="Null when you may not see it")]
    created_at: Instant
    updated_at: Instant


class Organization(Shape, frozen=True):
    """A customer's company."""

    id: Id
    name: str
    domain: str | None
    user_count: Annotated[int, Meta(ge=0, description="Its users, as far as you may see them")]
    ticket_count: Annotated[
        int, Meta(ge=0, description="The tickets of its users, as far as you may see them")
    ]
    notes: Annotated[str | None, Meta(description="Null when you may not see it")]
    metadata: Annotated[dict[str, Any] | None, Meta(description="Null when you may not see it")]
    created_at: Instant
    updated_at: Instant


class Category(Shape, frozen=True):
    """Where tickets are filed."""

    id: Id
    name: str
    slug: str
    color: str | None
    parent_id: Id | None
    ticket_count: Annotated[int, Meta(ge=0, description="Tickets directly in it, as far as you may see them")]
    description: str | None
    created_at: Instant
    updated_at: Instant


class KeyHolder(Shape, frozen=True):
    """Whom an API key acts as: what they may do, it may do."""

    id: Id
    name: str
    email: str
    type: Role


class ApiKey(Shape, frozen=True):
    """An API key, without its secret."""

    id: Id
    api_key: Annotated[str, Meta(description="The public half")]
    secret_ending: Annotated[str, Meta(description="The last four characters of its secret")]
    user: KeyHolder
    is_active: Annotated[
        bool, Meta(description="Whether it can be used: not revoked, and its user is active")
    ]
    created_at: Instant
    revoked_at: Instant | None


class NewApiKey(ApiKey, frozen=True):
    """A new API key, with its secret: keep it, no other answer shows it again."""

    api_secret: Annotated[str, Meta(description="The secret half, this one time")]

    def __repr__(self) -> str:
        """Without the secret: what is printed by mistake ends up in a log."""
        return f"{type(self).__name__}(id={self.id})"


# --- around them -----------------------------------------------------------------------------------------------


class TokenAnswer(Shape, frozen=True):
    """A token to send as `Authorization: Bearer …`."""

    success: Succeeded
    token: str
    expires_in: Annotated[int, Meta(ge=1, description="Seconds")]
    token_type: str


Service = Annotated[str, Meta(extra_json_schema={"enum": ["connected", "disabled", "error"]})]


class Services(Shape, frozen=True):
    """What Answer stands on."""

    database: Service
    cache: Service
    queue: Service


class Health(Shape, frozen=True):
    """How this Answer is."""

    status: Annotated[str, Meta(extra_json_schema={"enum": ["healthy", "degraded", "unhealthy"]})]
    timestamp: Instant
    version: Annotated[str, Meta(description="Of the documented API")]
    services: Services

"""What the documented API answers: one struct a shape, encoded as it stands and described by the OpenAPI document.

Every field that is documented is here under its documented name; what is here besides is a superset.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType

from db.tables import PRIORITIES, ROLES, STATUSES
from resolvers.deliveries import STATES
from resolvers.events import PATTERNS
from resolvers.paging import NumberedPage

T = TypeVar("T")

Id = Annotated[int, Meta(ge=1)]
Count = Annotated[int, Meta(ge=0)]
Instant = Annotated[dt.datetime, Meta(tz=True, description="RFC 3339, UTC")]
Status = Annotated[str, Meta(extra_json_schema={"enum": list(STATUSES)})]
Priority = Annotated[str, Meta(extra_json_schema={"enum": list(PRIORITIES)})]
Role = Annotated[str, Meta(extra_json_schema={"enum": list(ROLES)})]
EventPattern = Annotated[str, Meta(extra_json_schema={"enum": list(PATTERNS)})]
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


FileName = Annotated[str, Meta(description="Safe to save the file under")]
SentName = Annotated[str, Meta(description="As the client named it")]
FileSize = Annotated[int, Meta(ge=0, description="Bytes")]
MediaType = Annotated[str, Meta(description="Told from the bytes")]


class Attachment(Shape, frozen=True):
    """A file of a ticket or reply."""

    id: Id
    filename: FileName
    original_filename: SentName
    file_size: FileSize
    mime_type: MediaType
    url: str
    reply_id: Annotated[Id | None, Meta(description="The reply it came with")]


class UploadedFile(Shape, frozen=True):
    """A file with everything that is known of it."""

    id: Id
    ticket_id: Id
    reply_id: Annotated[Id | None, Meta(description="The reply it came with")]
    filename: FileName
    original_filename: SentName
    file_size: FileSize
    mime_type: MediaType
    sha256: Annotated[str, Meta(description="Of the bytes, in hexadecimal; the ETag of the download")]
    is_internal: Annotated[bool, Meta(description="Whether it came with an internal note")]
    url: str
    created_at: Instant


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
    is_untouched: Annotated[
        bool, Meta(description="Whether no agent has acted on it yet, as far as you may know")
    ]
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


# --- ratings and statistics -------------------------------------------------------------------------------------

Seconds = Annotated[
    Annotated[int, Meta(ge=0)] | None, Meta(description="Mean in whole seconds; null when there is none")
]
Score = Annotated[
    Annotated[float, Meta(ge=1, le=5)] | None,
    Meta(description="Mean of the ratings; null when there is none"),
]
Percent = Annotated[
    Annotated[float, Meta(ge=0, le=100)] | None,
    Meta(description="Percent of SLA targets that were kept; null when there is none"),
]


class Rating(Shape, frozen=True):
    """What the requester thinks of how a ticket went."""

    id: Id
    ticket_id: Id
    rating: Annotated[int, Meta(ge=1, le=5)]
    comment: str | None
    requester: Named
    assigned_to: Annotated[Named | None, Meta(description="Who was assigned at that moment")]
    created_at: Instant


class StatusCounts(Shape, frozen=True):
    """Tickets created in the window, by their status now."""

    total: Count
    open: Count
    pending: Count
    resolved: Count
    closed: Count


class ResponseTimes(Shape, frozen=True):
    """How fast, and how many of the promises were kept."""

    average_first_response: Seconds
    average_resolution: Seconds
    sla_compliance: Percent


class AgentScore(Shape, frozen=True):
    """How an agent does, in short."""

    agent_id: Id
    name: str
    tickets_resolved: Count
    avg_response_time: Seconds
    satisfaction_rating: Score


class CategoryCount(Shape, frozen=True):
    """How many of the tickets are in a category."""

    category: str
    count: Count


class PriorityCounts(Shape, frozen=True):
    """The tickets by priority."""

    low: Count
    medium: Count
    high: Count
    urgent: Count


class DayCount(Shape, frozen=True):
    """How many there were on a day."""

    date: dt.date
    count: Count


class Trends(Shape, frozen=True):
    """Day by day, every day present, at most the latest 366."""

    daily_created: list[DayCount]
    daily_resolved: list[DayCount]


class Overview(Shape, frozen=True):
    """The helpdesk in figures."""

    tickets: StatusCounts
    response_times: ResponseTimes
    agent_performance: Annotated[list[AgentScore], Meta(description="Most tickets resolved first")]
    by_category: Annotated[list[CategoryCount], Meta(description="Most first; only those with tickets")]
    by_priority: PriorityCounts
    trends: Trends


class AgentMetrics(Shape, frozen=True):
    """The tickets assigned to an agent now, their times, and what their requesters think."""

    tickets_assigned: Count
    tickets_resolved: Count
    tickets_open: Count
    avg_first_response_time: Seconds
    avg_resolution_time: Seconds
    satisfaction_score: Score
    sla_compliance: Percent


class AgentActivity(Shape, frozen=True):
    """What an agent did in the window."""

    replies_sent: Count
    internal_notes: Count
    tickets_reassigned: Annotated[int, Meta(ge=0, description="Tickets that went from them to another agent")]


class AgentStats(Shape, frozen=True):
    """An agent in figures."""

    agent_id: Id
    name: str
    email: str
    metrics: AgentMetrics
    activity: AgentActivity


# --- webhooks ---------------------------------------------------------------------------------------------------


class Webhook(Shape, frozen=True):
    """Where events are sent."""

    id: Id
    url: str
    events: list[EventPattern]
    is_active: bool
    secret: Annotated[
        str, Meta(description="Shown once, in the answer that makes it; `whsec_****` ever after")
    ]
    failing_since: Annotated[Instant | None, Meta(description="Since when every delivery has failed")]
    disabled_reason: Annotated[str | None, Meta(description="Why Answer switched it off")]
    created_at: Instant
    updated_at: Instant


class Attempt(Shape, frozen=True):
    """One try of a delivery."""

    number: Annotated[int, Meta(ge=1)]
    url: str
    response_status: Annotated[int | None, Meta(description="Null when there was no answer")]
    response_body: Annotated[str, Meta(description="The first kilobyte of the answer")]
    error: Annotated[str | None, Meta(description="What went wrong on the way")]
    duration_ms: Count
    created_at: Instant


class Delivery(Shape, frozen=True):
    """One event on its way to one webhook."""

    id: Id
    webhook_id: Id
    event: str
    message_id: Annotated[str, Meta(description="The header `webhook-id`, the same on every attempt")]
    status: Annotated[str, Meta(extra_json_schema={"enum": list(STATES)})]
    request_body: Annotated[str | None, Meta(description="What was sent; null until the first attempt")]
    attempt_count: Count
    attempts: list[Attempt]
    next_attempt_at: Annotated[Instant | None, Meta(description="Null when it is over")]
    finished_at: Instant | None
    created_at: Instant


# --- API keys ---------------------------------------------------------------------------------------------------


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

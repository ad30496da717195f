"""What reads return: one plain struct a noun, filled straight from the driver's rows.

A field is named after the column it is read from, so `select_rows` can write the SELECT from the struct.
"""

import datetime as dt
from typing import Any

import msgspec


class Row(msgspec.Struct, frozen=True, gc=False):
    """Values from the database. None of them leads back to the row, so the collector need not look for that."""


class Workspace(Row, frozen=True):
    """A tenant."""

    id: int
    name: str
    tier: str
    customers_see_organization: bool
    created_at: dt.datetime


class Organization(Row, frozen=True):
    """A customer's company; `user_count` is of all its users (D16)."""

    id: int
    workspace_id: int
    name: str
    domain: str | None
    notes: str | None
    metadata: dict[str, Any]
    user_count: int
    created_at: dt.datetime
    updated_at: dt.datetime


class User(Row, frozen=True):
    """A person."""

    id: int
    workspace_id: int
    organization_id: int | None
    name: str
    email: str
    type: str
    phone: str | None
    avatar_url: str | None
    metadata: dict[str, Any]
    is_active: bool
    ticket_count: int
    created_at: dt.datetime
    updated_at: dt.datetime


class ApiKey(Row, frozen=True):
    """A key, without anything its secret could be found from."""

    id: int
    workspace_id: int
    user_id: int
    api_key: str
    secret_ending: str
    created_at: dt.datetime
    revoked_at: dt.datetime | None


class Category(Row, frozen=True):
    """Where tickets are filed."""

    id: int
    workspace_id: int
    parent_id: int | None
    name: str
    slug: str
    color: str | None
    description: str | None
    created_at: dt.datetime
    updated_at: dt.datetime


class Ticket(Row, frozen=True):
    """A ticket with everything kept on its own row."""

    id: int
    workspace_id: int
    subject: str
    content: str
    content_html: str
    status: str
    priority: str
    requester_id: int
    organization_id: int | None
    assigned_to_id: int | None
    category_id: int | None
    tags: list[str]
    metadata: dict[str, Any]
    is_untouched: bool
    public_reply_count: int
    internal_note_count: int
    version: int
    reopen_count: int
    created_at: dt.datetime
    updated_at: dt.datetime
    first_response_at: dt.datetime | None
    first_resolved_at: dt.datetime | None
    resolved_at: dt.datetime | None
    closed_at: dt.datetime | None
    waiting_since: dt.datetime | None
    first_response_due_at: dt.datetime | None
    resolution_due_at: dt.datetime | None
    paused_at: dt.datetime | None
    paused_us: int
    is_response_lapsed: bool = False
    is_resolution_lapsed: bool = False


class Reply(Row, frozen=True):
    """A public answer or an internal note."""

    id: int
    workspace_id: int
    ticket_id: int
    author_id: int
    content: str
    content_html: str
    is_internal: bool
    created_at: dt.datetime
    waiting_since: dt.datetime | None
    is_by_staff: bool


class Attachment(Row, frozen=True):
    """A file of a ticket; `reply_id` when it came with a reply."""

    id: int
    workspace_id: int
    ticket_id: int
    reply_id: int | None
    uploaded_by_id: int | None
    filename: str
    original_filename: str
    file_size: int
    mime_type: str
    sha256: str
    storage_key: str
    is_internal: bool
    created_at: dt.datetime


class Activity(Row, frozen=True):
    """One line of a ticket's log."""

    id: int
    workspace_id: int
    ticket_id: int
    user_id: int | None
    action: str
    from_value: str | None
    to_value: str | None
    is_internal: bool
    created_at: dt.datetime


class Rating(Row, frozen=True):
    """What a requester thinks of how a ticket went, 1 to 5."""

    id: int
    workspace_id: int
    ticket_id: int
    requester_id: int
    assigned_to_id: int | None
    rating: int
    comment: str | None
    is_latest: bool
    created_at: dt.datetime


class Webhook(Row, frozen=True):
    """Where events are sent, without its secret."""

    id: int
    workspace_id: int
    url: str
    events: list[str]
    is_active: bool
    failing_since: dt.datetime | None
    disabled_reason: str | None
    created_at: dt.datetime
    updated_at: dt.datetime


class Event(Row, frozen=True):
    """Something that happened."""

    id: int
    workspace_id: int
    type: str
    ticket_id: int | None
    actor_id: int | None
    payload: dict[str, Any]
    message_id: str
    created_at: dt.datetime


class FeedEvent(Row, frozen=True):
    """The same as subscribers are told of it; `id` is its place in the feed.

    `requester_id` and `organization_id` are those of its ticket as it was; `changed` are columns of the ticket, in the
    documented words.
    """

    id: int
    workspace_id: int
    type: str
    ticket_id: int | None
    actor_id: int | None
    created_at: dt.datetime
    requester_id: int | None
    organization_id: int | None
    reply_id: int | None
    attachment_id: int | None
    is_internal: bool
    changed: list[str]


class Job(Row, frozen=True):
    """Something to do. `attempts` counts the one that is under way."""

    id: int
    workspace_id: int
    kind: str
    queue: str
    lane: str | None
    webhook_id: int | None
    event_id: int | None
    payload: dict[str, Any]
    body: str | None
    attempts: int


class Delivery(Row, frozen=True):
    """One event on its way to one webhook. `body` is what was sent; None until the first attempt."""

    id: int
    workspace_id: int
    webhook_id: int
    event_id: int
    body: str | None
    attempts: int
    run_at: dt.datetime
    done_at: dt.datetime | None
    outcome: str | None
    created_at: dt.datetime


class Attempt(Row, frozen=True):
    """What came of one try of a job. `status` is the HTTP status, or the code of the mail server."""

    id: int
    job_id: int
    number: int
    target: str
    status: int | None
    answer: str
    error: str | None
    duration_ms: int
    created_at: dt.datetime

"""The tables, as SQLModel writes them. Every row but the workspace itself (and a worker) belongs to a workspace.

Indexes are named after what they serve; each matches a documented filter, order, or an edge of the graph.
"""

import datetime as dt
from typing import Any, ClassVar

from sqlalchemy import (
    CheckConstraint,
    Computed,
    Date,
    Index,
    LargeBinary,
    MetaData,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlmodel import Field, SQLModel

from db.types import BigId, JsonValue, UtcDateTime

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
metadata: MetaData = SQLModel.metadata

TIERS = ("free", "starter", "professional", "enterprise")
ROLES = ("customer", "agent", "admin")
STATUSES = ("open", "pending", "resolved", "closed")
PRIORITIES = ("low", "medium", "high", "urgent")
PRIORITY_RANK = {word: rank for rank, word in enumerate(PRIORITIES, start=1)}
"""urgent > high > medium > low (D20)."""

_RANK_OF_PRIORITY = (
    "CASE priority " + " ".join(f"WHEN '{word}' THEN {rank}" for word, rank in PRIORITY_RANK.items()) + " END"
)
FACETS = ("all", "category", "organization", "assignee")
"""What tickets are counted by: altogether, and by each of these."""
FIGURE_FACETS = ("all", *STATUSES, *PRIORITIES, "category", "agent")
"""What statistics add up by: altogether, by each status and each priority, in each category, of each agent."""
SPANS = ("day", "month")
RESPONSE_RUNS = "first_response_at IS NULL AND NOT is_response_lapsed"
RESOLUTION_RUNS = "first_resolved_at IS NULL AND paused_at IS NULL AND NOT is_resolution_lapsed"
"""Tickets whose target may lapse any moment (D10), or has and nobody has noted it yet."""
# ids of deleted rows are never given out again: a stale link must not lead to somebody else's ticket
_NEVER_REUSE_IDS = {"sqlite_autoincrement": True}


def _one_of(column: str, words: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _id() -> Any:
    return Field(default=None, primary_key=True, sa_type=BigId)


def _to(target: str, *, null: bool = False, on_delete: Any = "RESTRICT") -> Any:
    """A reference to another row; what happens to this row when that one goes is said here."""
    return Field(sa_type=BigId, foreign_key=f"{target}.id", nullable=null, ondelete=on_delete)


def _text(*, null: bool = False) -> Any:
    return Field(sa_type=Text, nullable=null)


def _when(*, null: bool = False) -> Any:
    return Field(sa_type=UtcDateTime, nullable=null)


def _json() -> Any:
    return Field(sa_type=JsonValue, nullable=False)


def _count() -> Any:
    return Field(default=0, nullable=False, sa_column_kwargs={"server_default": "0"})


def _no() -> Any:
    return Field(default=False, nullable=False, sa_column_kwargs={"server_default": false()})


def _amount() -> Any:
    return Field(default=0, sa_type=BigId, nullable=False, sa_column_kwargs={"server_default": "0"})


def _day() -> Any:
    return Field(sa_type=Date, nullable=True)


class Workspace(SQLModel, table=True):
    """One tenant: owns every other row and carries the subscription tier."""

    __tablename__: ClassVar[Any] = "workspace"
    __table_args__ = (_one_of("tier", TIERS), _NEVER_REUSE_IDS)

    id: int = _id()
    name: str = Field(sa_type=Text, unique=True)
    tier: str = _text()
    customers_see_organization: bool
    created_at: dt.datetime = _when()


class Organization(SQLModel, table=True):
    """A customer's company. `domain` places new requesters (D17)."""

    __tablename__: ClassVar[Any] = "organization"
    __table_args__ = (
        UniqueConstraint("workspace_id", "domain"),
        Index("ix_organization_list", "workspace_id", "id"),
        _NEVER_REUSE_IDS,
    )

    id: int = _id()
    workspace_id: int = _to("workspace", on_delete="CASCADE")
    name: str = _text()
    domain: str | None = _text(null=True)
    notes: str | None = _text(null=True)
    metadata_: dict[str, Any] = Field(
        sa_type=JsonValue, nullable=False, sa_column_kwargs={"name": "metadata"}
    )
    user_count: int = _count()
    created_at: dt.datetime = _when()
    updated_at: dt.datetime = _when()


class User(SQLModel, table=True):
    """A person: customer, agent or admin. `email_key` is the e-mail as compared (D17)."""

    __tablename__: ClassVar[Any] = "user"
    __table_args__ = (
        _one_of("type", ROLES),
        UniqueConstraint("workspace_id", "email_key"),
        Index("ix_user_list", "workspace_id", "id"),
        Index("ix_user_type", "workspace_id", "type", "id"),
        Index("ix_user_active", "workspace_id", "is_active", "id"),
        Index("ix_user_organization", "organization_id", "id"),
        _NEVER_REUSE_IDS,
    )

    id: int = _id()
    workspace_id: int = _to("workspace", on_delete="CASCADE")
    organization_id: int | None = _to("organization", null=True)
    name: str = _text()
    email: str = _text()
    email_key: str = _text()
    type: str = _text()
    phone: str | None = _text(null=True)
    avatar_url: str | None = _text(null=True)
    metadata_: dict[str, Any] = Field(
        sa_type=JsonValue, nullable=False, sa_column_kwargs={"name": "metadata"}
    )
    is_active: bool = True
    ticket_count: int = _count()
    created_at: dt.datetime = _when()
    updated_at: dt.datetime = _when()


class ApiKey(SQLModel, table=True):
    """A key that acts as its user. Only a keyed hash of the secret is stored."""

    __tablename__: ClassVar[Any] = "api_key"
    __table_args__ = (
        Index("ix_api_key_list", "workspace_id", "id"),
        Index("ix_api_key_user", "user_id"),
        _NEVER_REUSE_IDS,
    )

    id: int = _id()
    workspace_id: int = _to("workspace", on_delete="CASCADE")
    user_id: int = _to("user", on_delete="CASCADE")
    api_key: str = Field(sa_type=Text, unique=True)
    secret_hash: bytes = Field(sa_type=LargeBinary)
    secret_ending: str = _text()
    created_at: dt.datetime = _when()
    revoked_at: dt.datetime | None = _when(null=True)


class Category(SQLModel, table=True):
    """Where a ticket is filed; categories form a tree by `parent_id`."""

    __tablename__: ClassVar[Any] = "category"
    __table_args__ = (
        UniqueConstraint("workspace_id", "slug"),
        Index("ix_category_list", "workspace_id", "id"),
        Index("ix_category_parent", "parent_id"),
        _NEVER_REUSE_IDS,
    )

    id: int = _id()
    workspace_id: int = _to("workspace", on_delete="CASCADE")
    parent_id: int | None = _to("category", null=True)
    name: str = _text()
    slug: str = _text()
    color: str | None = _text(null=True)
    description: str | None = _text(null=True)
    created_at: dt.datetime = _when()
    updated_at: dt.datetime = _when()


class Ticket(SQLModel, table=True):
    """A request for help and its state.

    `organization_id` is the requester's organization now; `tags` is what the ticket shows, the table `tag`
    is what filters read; both are written together. Its SLA targets (D10) are `first_response_due_at`, met by
    `first_response_at`, and `resolution_due_at`, met by `first_resolved_at`; None: no target. The clock of the second
    stands still since `paused_at`, and stood for `paused_us` microseconds before. `is_…_lapsed`: the deadline passed
    before the target was met, and the figures of statistics know.
    """

    __tablename__: ClassVar[Any] = "ticket"
    __table_args__ = (
        _one_of("status", STATUSES),
        _one_of("priority", PRIORITIES),
        Index("ix_ticket_created", "workspace_id", "created_at", "id"),
        Index("ix_ticket_updated", "workspace_id", "updated_at", "id"),
        Index("ix_ticket_ranked", "workspace_id", "priority_rank", "id"),
        Index("ix_ticket_status_created", "workspace_id", "status", "created_at", "id"),
        Index("ix_ticket_status_updated", "workspace_id", "status", "updated_at", "id"),
        Index("ix_ticket_status_ranked", "workspace_id", "status", "priority_rank", "id"),
        Index("ix_ticket_priority_created", "workspace_id", "priority", "created_at", "id"),
        Index("ix_ticket_assigned_created", "workspace_id", "assigned_to_id", "created_at", "id"),
        Index("ix_ticket_category_created", "workspace_id", "category_id", "created_at", "id"),
        Index("ix_ticket_requester_created", "requester_id", "created_at", "id"),
        Index("ix_ticket_organization_created", "organization_id", "created_at", "id"),
        Index("ix_ticket_assigned", "assigned_to_id"),
        Index("ix_ticket_category", "category_id"),
        *(
            # few, whatever the number of tickets: what was met or noted as lapsed is not in there
            Index(
                f"ix_ticket_{target}_due",
                due,
                "workspace_id",
                "assigned_to_id",
                sqlite_where=text(runs),
                postgresql_where=text(runs),
            )
            for target, due, runs in (
                ("response", "first_response_due_at", RESPONSE_RUNS),
                ("resolution", "resolution_due_at", RESOLUTION_RUNS),
            )
        ),
        _NEVER_REUSE_IDS,
    )

    id: int = _id()
    workspace_id: int = _to("workspace", on_delete="CASCADE")
    subject: str = _text()
    content: str = _text()
    content_html: str = _text()
    status: str = _text()
    priority: str = _text()
    priority_rank: int = Field(
        sa_type=BigId, nullable=False, sa_column_args=[Computed(_RANK_OF_PRIORITY, persisted=True)]
    )
    requester_id: int = _to("user")
    organization_id: int | None = _to("organization", null=True)
    assigned_to_id: int | None = _to("user", null=True)
    category_id: int | None = _to("category", null=True)
    tags: list[str] = _json()
    metadata_: dict[str, Any] = Field(
        sa_type=JsonValue, nullable=False, sa_column_kwargs={"name": "metadata"}
    )
    is_untouched: bool
    public_reply_count: int = _count()
    internal_note_count: int = _count()
    version: int
    reopen_count: int = _count()
    created_at: dt.datetime = _when()
    updated_at: dt.datetime = _when()
    first_response_at: dt.datetime | None = _when(null=True)
    first_resolved_at: dt.datetime | None = _when(null=True)
    resolved_at: dt.datetime | None = _when(null=True)
    closed_at: dt.datetime | None = _when(null=True)
    waiting_since: dt.datetime | None = _when(null=True)
    first_response_due_at: dt.datetime | None = _when(null=True)
    resolution_due_at: dt.datetime | None = _when(null=True)
    paused_at: dt.datetime | None = _when(null=True)
    paused_us: int = Field(default=0, sa_type=BigId, nullable=False, sa_column_kwargs={"server_default": "0"})
    is_response_lapsed: bool = _no()
    is_resolution_lapsed: bool = _no()


class TicketTally(SQLModel, table=True):
    """How many tickets there are of a status and a priority in one category, of one organization, of one assignee.

    Each ticket counts once in every facet; `facet_id` 0 is none, and the only one of the facet `all`. What changed
    a moment ago is not in here yet but in `ticket_tally_change`: the two together are exact.
    """

    __tablename__: ClassVar[Any] = "ticket_tally"
    __table_args__ = (
        _one_of("facet", FACETS),
        _one_of("status", STATUSES),
        _one_of("priority", PRIORITIES),
    )

    workspace_id: int = Field(sa_type=BigId, foreign_key="workspace.id", ondelete="CASCADE", primary_key=True)
    facet: str = Field(sa_type=Text, primary_key=True)
    facet_id: int = Field(sa_type=BigId, primary_key=True)
    status: str = Field(sa_type=Text, primary_key=True)
    priority: str = Field(sa_type=Text, primary_key=True)
    amount: int = Field(sa_type=BigId, nullable=False)


class TicketTallyChange(SQLModel, table=True):
    """Tickets that came to be counted so (`amount` > 0) or no longer are (< 0): only ever added, so nobody waits.

    0 is none, as in the tally; NULL: in this facet nothing changed. The days (UTC) are those on which statistics count
    the ticket, NULL when they do not: created, first answered, resolved, and when each target (D10) was kept or missed;
    times are microseconds. A worker folds the rows into `ticket_tally` and `figure`.
    """

    __tablename__: ClassVar[Any] = "ticket_tally_change"
    __table_args__ = (
        _one_of("status", STATUSES),
        _one_of("priority", PRIORITIES),
        Index("ix_ticket_tally_change_workspace", "workspace_id"),
    )

    id: int = _id()
    workspace_id: int = _to("workspace", on_delete="CASCADE")
    status: str = _text()
    priority: str = _text()
    category_id: int | None = Field(sa_type=BigId, nullable=True)
    organization_id: int | None = Field(sa_type=BigId, nullable=True)
    assigned_to_id: int | None = Field(sa_type=BigId, nullable=True)
    amount: int = Field(sa_type=BigId, nullable=False)
    created_day: dt.date | None = _day()
    response_day: dt.date | None = _day()
    response_us: int | None = Field(sa_type=BigId, nullable=True)
    resolved_day: dt.date | None = _day()
    resolution_us: int | None = Field(sa_type=BigId, nullable=True)
    response_kept_day: dt.date | None = _day()
    response_missed_day: dt.date | None = _day()
    resolution_kept_day: dt.date | None = _day()
    resolution_missed_day: dt.date | None = _day()


class WorkChange(SQLModel, table=True):
    """What somebody of the staff did on a day (UTC), or no longer did since the ticket is gone: only ever added.

    `stars` are the sum of the `ratings`; `waits` are the replies that somebody had waited for, `waited_us` how long in
    all. A worker folds the rows into `figure`.
    """

    __tablename__: ClassVar[Any] = "work_change"
    __table_args__ = (Index("ix_work_change_workspace", "workspace_id"),)

    id: int = _id()
    workspace_id: int = _to("workspace", on_delete="CASCADE")
    agent_id: int = Field(sa_type=BigId, nullable=False)
    day: dt.date = Field(sa_type=Date, nullable=False)
    replies: int = _amount()
    notes: int = _amount()
    waits: int = _amount()
    waited_us: int = _amount()
    reassigned: int = _amount()
    ratings: int = _amount()
    stars: int = _amount()


class Figure(SQLModel, table=True):
    """What statistics add up (D8 to D15), for each day and each month (`day` is its first), by facet.

    `facet_id` is the category or the agent, 0 is none, and the only one of the other facets. `tickets` were created in
    the span, `resolved` are those of them that are done; all else happened in it. Of agents all columns are kept,
    altogether `tickets` and `resolutions`, else `tickets`. What changed a moment ago is not in here yet but in
    `ticket_tally_change` and `work_change`: the three together are exact.
    """

    __tablename__: ClassVar[Any] = "figure"
    __table_args__ = (_one_of("facet", FIGURE_FACETS), _one_of("span", SPANS))

    workspace_id: int = Field(sa_type=BigId, foreign_key="workspace.id", ondelete="CASCADE", primary_key=True)
    facet: str = Field(sa_type=Text, primary_key=True)
    span: str = Field(sa_type=Text, primary_key=True)
    day: dt.date = Field(sa_type=Date, primary_key=True)
    facet_id: int = Field(sa_type=BigId, primary_key=True)
    tickets: int = _amount()
    resolved: int = _amount()
    responses: int = _amount()
    response_us: int = _amount()
    resolutions: int = _amount()
    resolution_us: int = _amount()
    kept: int = _amount()
    missed: int = _amount()
    replies: int = _amount()
    notes: int = _amount()
    waits: int = _amount()
    waited_us: int = _amount()
    reassigned: int = _amount()
    ratings: int = _amount()
    stars: int = _amount()


class Tag(SQLModel, table=True):
    """One tag of one ticket: what `tags` filters read."""

    __tablename__: ClassVar[Any] = "tag"
    __table_args__ = (Index("ix_tag_name", "name", "workspace_id", "ticket_id"),)

    ticket_id: int = Field(sa_type=BigId, foreign_key="ticket.id", ondelete="CASCADE", primary_key=True)
    name: str = Field(sa_type=Text, primary_key=True)
    workspace_id: int = _to("workspace", on_delete="CASCADE")


class Watcher(SQLModel, table=True):
    """Somebody who follows a ticket."""

    __tablename__: ClassVar[Any] = "watcher"
    __table_args__ = (Index("ix_watcher_user", "user_id"),)

    ticket_id: int = Field(sa_type=BigId, foreign_key="ticket.id", ondelete="CASCADE", primary_key=True)
    user_id: int = Field(sa_type=BigId, foreign_key="user.id", ondelete="CASCADE", primary_key=True)
    workspace_id: int = _to("workspace", on_delete="CASCADE")
    created_at: dt.datetime = _when()


class Reply(SQLModel, table=True):
    """A public answer or an internal note on a ticket.

    `waiting_since`: of an answer of the staff, when the customer began to wait for it (D9); None when nobody did.
    `is_by_staff`: an agent or admin wrote it, who may be a customer by now; the figures of statistics hold no others.
    """

    __tablename__: ClassVar[Any] = "reply"
    __table_args__ = (
        Index("ix_reply_ticket", "ticket_id", "created_at", "id"),
        Index("ix_reply_author", "author_id", "is_by_staff", "created_at"),
        _NEVER_REUSE_IDS,
    )

    id: int = _id()
    workspace_id: int = _to("workspace", on_delete="CASCADE")
    ticket_id: int = _to("ticket", on_delete="CASCADE")
    author_id: int = _to("user")
    content: str = _text()
    content_html: str = _text()
    is_internal: bool
    created_at: dt.datetime = _when()
    waiting_since: dt.datetime | None = _when(null=True)
    is_by_staff: bool = _no()


class Attachment(SQLModel, table=True):
    """A file of a ticket, or of one of its replies; its bytes are kept under `storage_key` (db/files.py).

    `is_internal` follows the reply: what came with a note is the staff's (D25).
    """

    __tablename__: ClassVar[Any] = "attachment"
    __table_args__ = (
        UniqueConstraint("storage_key"),
        Index("ix_attachment_ticket", "ticket_id", "id"),
        Index("ix_attachment_reply", "reply_id", "id"),
        Index("ix_attachment_uploaded_by", "uploaded_by_id"),
        _NEVER_REUSE_IDS,
    )

    id: int = _id()
    workspace_id: int = _to("workspace", on_delete="CASCADE")
    ticket_id: int = _to("ticket", on_delete="CASCADE")
    reply_id: int | None = _to("reply", null=True, on_delete="CASCADE")
    uploaded_by_id: int | None = _to("user", null=True, on_delete="SET NULL")
    filename: str = _text()
    original_filename: str = _text()
    file_size: int = Field(sa_type=BigId, nullable=False)
    mime_type: str = _text()
    sha256: str = _text()
    storage_key: str = _text()
    is_internal: bool
    created_at: dt.datetime = _when()


class Activity(SQLModel, table=True):
    """One line of a ticket's log (D35). `is_internal` lines came with an internal note (D25)."""

    __tablename__: ClassVar[Any] = "activity"
    __table_args__ = (
        Index("ix_activity_ticket", "ticket_id", "created_at", "id"),
        Index("ix_activity_user", "user_id"),
        _NEVER_REUSE_IDS,
    )

    id: int = _id()
    workspace_id: int = _to("workspace", on_delete="CASCADE")
    ticket_id: int = _to("ticket", on_delete="CASCADE")
    user_id: int | None = _to("user", null=True, on_delete="SET NULL")
    action: str = _text()
    from_value: str | None = _text(null=True)
    to_value: str | None = _text(null=True)
    is_internal: bool
    created_at: dt.datetime = _when()


class SlaPolicy(SQLModel, table=True):
    """How soon tickets of one priority are to be answered and resolved, in seconds around the clock (D10)."""

    __tablename__: ClassVar[Any] = "sla_policy"
    __table_args__ = (
        _one_of("priority", PRIORITIES),
        CheckConstraint("first_response_s > 0 AND resolution_s > 0", name="limits"),
    )

    workspace_id: int = Field(sa_type=BigId, foreign_key="workspace.id", ondelete="CASCADE", primary_key=True)
    priority: str = Field(sa_type=Text, primary_key=True)
    first_response_s: int = Field(sa_type=BigId, nullable=False)
    resolution_s: int = Field(sa_type=BigId, nullable=False)


class Rating(SQLModel, table=True):
    """What a requester thinks of how a ticket went; `assigned_to_id` is who was assigned at that moment (D11).

    All are kept; only the latest of a ticket counts.
    """

    __tablename__: ClassVar[Any] = "rating"
    __table_args__ = (
        CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
        Index("ix_rating_ticket", "ticket_id", "id"),
        Index("ix_rating_requester", "requester_id"),
        Index("ix_rating_assigned", "assigned_to_id"),
        _NEVER_REUSE_IDS,
    )

    id: int = _id()
    workspace_id: int = _to("workspace", on_delete="CASCADE")
    ticket_id: int = _to("ticket", on_delete="CASCADE")
    requester_id: int = _to("user")
    assigned_to_id: int | None = _to("user", null=True, on_delete="SET NULL")
    rating: int
    comment: str | None = _text(null=True)
    is_latest: bool
    created_at: dt.datetime = _when()


class Webhook(SQLModel, table=True):
    """Where events of a workspace are sent. Secrets are encrypted; the former one signs along until its time is up."""

    __tablename__: ClassVar[Any] = "webhook"
    __table_args__ = (Index("ix_webhook_list", "workspace_id", "id"), _NEVER_REUSE_IDS)

    id: int = _id()
    workspace_id: int = _to("workspace", on_delete="CASCADE")
    url: str = _text()
    events: list[str] = _json()
    is_active: bool
    sealed_secret: bytes = Field(sa_type=LargeBinary)
    sealed_former_secret: bytes | None = Field(sa_type=LargeBinary, nullable=True)
    former_secret_until: dt.datetime | None = _when(null=True)
    failing_since: dt.datetime | None = _when(null=True)
    disabled_reason: str | None = _text(null=True)
    created_at: dt.datetime = _when()
    updated_at: dt.datetime = _when()


class Event(SQLModel, table=True):
    """Something that happened, as it was at that moment. Ids of one ticket's events rise in the order of its changes.

    Tickets and people are named by number only: an event outlives what it tells of. `payload` is what webhooks are
    told, and empty when none listened; all else is what subscribers are told by, and whether they may hear of it.
    """

    __tablename__: ClassVar[Any] = "event"
    __table_args__ = (
        Index("ix_event_list", "workspace_id", "id"),
        Index("ix_event_ticket", "ticket_id", "id"),
        Index("ix_event_created", "created_at"),
        _NEVER_REUSE_IDS,
    )

    id: int = _id()
    workspace_id: int = _to("workspace", on_delete="CASCADE")
    type: str = _text()
    ticket_id: int | None = Field(sa_type=BigId, nullable=True)
    actor_id: int | None = Field(sa_type=BigId, nullable=True)
    payload: dict[str, Any] = _json()
    message_id: str = Field(sa_type=Text, unique=True)
    created_at: dt.datetime = _when()
    requester_id: int | None = Field(sa_type=BigId, nullable=True)
    organization_id: int | None = Field(sa_type=BigId, nullable=True)
    reply_id: int | None = Field(sa_type=BigId, nullable=True)
    attachment_id: int | None = Field(sa_type=BigId, nullable=True)
    is_internal: bool = _no()
    changed: list[str] = Field(sa_type=JsonValue, nullable=False, sa_column_kwargs={"server_default": "[]"})


class FeedStart(SQLModel, table=True):
    """Of a workspace: the latest of its events that is no longer kept. No row: all are there that ever were."""

    __tablename__: ClassVar[Any] = "feed_start"

    workspace_id: int = Field(
        sa_type=BigId,
        foreign_key="workspace.id",
        ondelete="CASCADE",
        primary_key=True,
        sa_column_kwargs={"autoincrement": False},
    )
    event_id: int = Field(sa_type=BigId, nullable=False)


_UNDONE = text("done_at IS NULL")


class Job(SQLModel, table=True):
    """Something to do once the transaction that wrote it is committed; a job of kind `webhook` is a delivery.

    Jobs of one `lane` are done one after the other; `queue` is what shares the places of a worker.
    """

    __tablename__: ClassVar[Any] = "job"
    __table_args__ = (
        _one_of("kind", ("webhook", "email")),
        Index("ix_job_due", "run_at", "id", sqlite_where=_UNDONE, postgresql_where=_UNDONE),
        Index("ix_job_lane", "lane", "id", sqlite_where=_UNDONE, postgresql_where=_UNDONE),
        Index("ix_job_webhook", "webhook_id", "id"),
        Index("ix_job_event", "event_id"),
        Index("ix_job_done", "done_at"),
        _NEVER_REUSE_IDS,
    )

    id: int = _id()
    workspace_id: int = _to("workspace", on_delete="CASCADE")
    kind: str = _text()
    queue: str = _text()
    lane: str | None = _text(null=True)
    webhook_id: int | None = _to("webhook", null=True, on_delete="CASCADE")
    event_id: int | None = _to("event", null=True, on_delete="CASCADE")
    payload: dict[str, Any] = _json()
    body: str | None = _text(null=True)
    run_at: dt.datetime = _when()
    leased_until: dt.datetime | None = _when(null=True)
    attempts: int = _count()
    done_at: dt.datetime | None = _when(null=True)
    outcome: str | None = _text(null=True)
    created_at: dt.datetime = _when()


class Attempt(SQLModel, table=True):
    """What came of one try of a job: what was answered, or what went wrong."""

    __tablename__: ClassVar[Any] = "attempt"
    __table_args__ = (UniqueConstraint("job_id", "number"), _NEVER_REUSE_IDS)

    id: int = _id()
    workspace_id: int = _to("workspace", on_delete="CASCADE")
    job_id: int = _to("job", on_delete="CASCADE")
    number: int
    target: str = _text()
    status: int | None
    answer: str = _text()
    error: str | None = _text(null=True)
    duration_ms: int
    created_at: dt.datetime = _when()


class Worker(SQLModel, table=True):
    """A process that does jobs, and when it last said so. Workers belong to no workspace."""

    __tablename__: ClassVar[Any] = "worker"

    name: str = Field(sa_type=Text, primary_key=True)
    seen_at: dt.datetime = _when()

"""What statistics read: SLA policies and targets, how long customers waited for an answer, ratings."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)
REASSIGNED = "action = 'assigned' AND from_value IS NOT NULL"
HOUR = 3600
LIMITS = {
    "urgent": (1 * HOUR, 4 * HOUR),
    "high": (4 * HOUR, 24 * HOUR),
    "medium": (8 * HOUR, 72 * HOUR),
    "low": (24 * HOUR, 168 * HOUR),
}
"""Seconds until the first response and the resolution, as every workspace begins (D10)."""
AT_ONCE = 2_000

workspace = sa.table("workspace", sa.column("id"))
policy = sa.table(
    "sla_policy", *map(sa.column, ("workspace_id", "priority", "first_response_s", "resolution_s"))
)
ticket = sa.table(
    "ticket",
    sa.column("id", BIG_ID),
    sa.column("priority", sa.Text),
    sa.column("created_at", MOMENT),
    sa.column("first_resolved_at", MOMENT),
    sa.column("first_response_due_at", MOMENT),
    sa.column("resolution_due_at", MOMENT),
    sa.column("paused_at", MOMENT),
    sa.column("paused_us", BIG_ID),
)
activity = sa.table(
    "activity",
    sa.column("ticket_id", BIG_ID),
    sa.column("action", sa.Text),
    sa.column("to_value", sa.Text),
    sa.column("created_at", MOMENT),
)


def upgrade() -> None:
    """Tables, columns and indexes; then what they hold of the tickets that are there."""
    op.create_table(
        "sla_policy",
        sa.Column("workspace_id", BIG_ID, nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("first_response_s", BIG_ID, nullable=False),
        sa.Column("resolution_s", BIG_ID, nullable=False),
        sa.CheckConstraint("priority IN ('low', 'medium', 'high', 'urgent')", name="ck_sla_policy_priority"),
        sa.CheckConstraint("first_response_s > 0 AND resolution_s > 0", name="ck_sla_policy_limits"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_sla_policy_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "priority", name="pk_sla_policy"),
    )
    op.create_table(
        "rating",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("workspace_id", BIG_ID, nullable=False),
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.Column("requester_id", BIG_ID, nullable=False),
        sa.Column("assigned_to_id", BIG_ID, nullable=True),
        sa.Column("rating", sa.Integer(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("is_latest", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name="ck_rating_rating"),
        sa.ForeignKeyConstraint(
            ["assigned_to_id"], ["user.id"], name="fk_rating_assigned_to_id", ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["requester_id"], ["user.id"], name="fk_rating_requester_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name="fk_rating_ticket_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_rating_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_rating"),
        sqlite_autoincrement=True,
    )
    for name in ("waiting_since", "first_response_due_at", "resolution_due_at", "paused_at"):
        op.add_column("ticket", sa.Column(name, MOMENT, nullable=True))
    op.add_column("ticket", sa.Column("paused_us", BIG_ID, server_default="0", nullable=False))
    op.add_column("reply", sa.Column("waiting_since", MOMENT, nullable=True))
    _fill()
    op.create_index("ix_rating_assigned", "rating", ["assigned_to_id"])
    op.create_index(
        "ix_rating_figures", "rating", ["workspace_id", "created_at", "assigned_to_id", "rating", "is_latest"]
    )
    op.create_index("ix_rating_requester", "rating", ["requester_id"])
    op.create_index("ix_rating_ticket", "rating", ["ticket_id", "id"])
    op.create_index(
        "ix_ticket_figures",
        "ticket",
        [
            "workspace_id",
            "created_at",
            "status",
            "priority",
            "category_id",
            "assigned_to_id",
            "resolved_at",
            "first_response_at",
            "first_response_due_at",
            "first_resolved_at",
            "resolution_due_at",
            "paused_at",
        ],
    )
    op.drop_index("ix_reply_author", "reply")
    op.create_index("ix_reply_author", "reply", ["author_id", "created_at", "is_internal", "waiting_since"])
    op.create_index(
        "ix_activity_reassigned",
        "activity",
        ["workspace_id", "created_at", "from_value"],
        sqlite_where=sa.text(REASSIGNED),
        postgresql_where=sa.text(REASSIGNED),
    )


def _fill() -> None:
    connection = op.get_bind()
    policies = [
        {
            "workspace_id": workspace_id,
            "priority": priority,
            "first_response_s": LIMITS[priority][0],
            "resolution_s": LIMITS[priority][1],
        }
        for workspace_id in connection.scalars(sa.select(workspace.c.id)).all()
        for priority in LIMITS
    ]
    if policies:
        connection.execute(sa.insert(policy), policies)
    _fill_waits()
    last = 0
    while tickets := connection.execute(
        sa.select(ticket).where(ticket.c.id > last).order_by(ticket.c.id).limit(AT_ONCE)
    ).all():
        _fill_targets(tickets)
        last = tickets[-1].id


# an answer ends the wait of all the customer wrote since the answer before it; the ticket itself is the first message
ANSWERS = """SELECT max(b.created_at) FROM reply b JOIN ticket t ON t.id = b.ticket_id
    JOIN "user" u ON u.id = b.author_id
    WHERE b.ticket_id = {ticket} AND NOT b.is_internal AND u.type <> 'customer' AND b.author_id <> t.requester_id"""
ASKED = """SELECT min(c.created_at) FROM reply c JOIN ticket t ON t.id = c.ticket_id
    JOIN "user" u ON u.id = c.author_id
    WHERE c.ticket_id = {ticket} AND NOT c.is_internal AND (u.type = 'customer' OR c.author_id = t.requester_id)"""


def _fill_waits() -> None:
    before = ANSWERS.format(ticket="reply.ticket_id") + " AND b.created_at < reply.created_at"
    asked = ASKED.format(ticket="reply.ticket_id") + " AND c.created_at < reply.created_at"
    op.execute(
        f"""UPDATE reply SET waiting_since = CASE WHEN ({before}) IS NULL
            THEN (SELECT created_at FROM ticket WHERE id = reply.ticket_id)
            ELSE ({asked} AND c.created_at > ({before})) END
        WHERE NOT is_internal
          AND EXISTS (SELECT 1 FROM "user" u WHERE u.id = reply.author_id AND u.type <> 'customer')
          AND author_id <> (SELECT requester_id FROM ticket WHERE id = reply.ticket_id)"""
    )
    before = ANSWERS.format(ticket="ticket.id")
    op.execute(
        f"""UPDATE ticket SET waiting_since = CASE WHEN first_response_at IS NULL THEN created_at
            ELSE ({ASKED.format(ticket="ticket.id")} AND c.created_at > ({before})) END"""
    )


def _fill_targets(tickets: Sequence[Any]) -> None:
    """By the priority they have now, and the times the log says they were pending."""
    connection = op.get_bind()
    moves: dict[int, list[Any]] = defaultdict(list)
    for move in connection.execute(
        sa.select(activity)
        .where(
            activity.c.ticket_id.between(tickets[0].id, tickets[-1].id),
            activity.c.action == "status_changed",
        )
        .order_by(activity.c.ticket_id, activity.c.created_at)
    ):
        moves[move.ticket_id].append(move)
    connection.execute(
        sa.update(ticket)
        .where(ticket.c.id == sa.bindparam("ticket_id"))
        .values(
            first_response_due_at=sa.bindparam("response_due", type_=MOMENT),
            resolution_due_at=sa.bindparam("resolution_due", type_=MOMENT),
            paused_at=sa.bindparam("paused", type_=MOMENT),
            paused_us=sa.bindparam("paused_for", type_=BIG_ID),
        ),
        [_targets(each, moves[each.id]) for each in tickets],
    )


def _targets(row: Any, moves: list[Any]) -> dict[str, Any]:
    response_s, resolution_s = LIMITS[row.priority]
    due = row.created_at + dt.timedelta(seconds=resolution_s)
    paused: dt.datetime | None = None
    total = dt.timedelta(0)
    for move in moves:
        if paused is not None and move.to_value != "pending":
            total, due, paused = total + (move.created_at - paused), due + (move.created_at - paused), None
        has_verdict = due < move.created_at or (
            row.first_resolved_at is not None and row.first_resolved_at <= move.created_at
        )
        if move.to_value == "pending" and paused is None and not has_verdict:
            paused = move.created_at
    return {
        "ticket_id": row.id,
        "response_due": row.created_at + dt.timedelta(seconds=response_s),
        "resolution_due": due,
        "paused": paused,
        "paused_for": total // dt.timedelta(microseconds=1),
    }


def downgrade() -> None:
    """Everything of it goes."""
    op.drop_index("ix_activity_reassigned", "activity")
    op.drop_index("ix_reply_author", "reply")
    op.create_index("ix_reply_author", "reply", ["author_id"])
    op.drop_index("ix_ticket_figures", "ticket")
    op.drop_column("reply", "waiting_since")
    for name in ("paused_us", "paused_at", "resolution_due_at", "first_response_due_at", "waiting_since"):
        op.drop_column("ticket", name)
    op.drop_table("rating")
    op.drop_table("sla_policy")

"""Tallies of tickets: how many there are of each status and priority, altogether and in each facet; missing indexes."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATUSES = "status IN ('open', 'pending', 'resolved', 'closed')"
PRIORITIES = "priority IN ('low', 'medium', 'high', 'urgent')"
FACETS = {
    "all": "0",
    "category": "coalesce(category_id, 0)",
    "organization": "coalesce(organization_id, 0)",
    "assignee": "coalesce(assigned_to_id, 0)",
}
"""The id by which a ticket counts in each."""


def upgrade() -> None:
    """The tables, what they hold of the tickets that are there; the counts on the rows themselves go."""
    op.create_table(
        "ticket_tally",
        sa.Column("workspace_id", BIG_ID, nullable=False),
        sa.Column("facet", sa.Text(), nullable=False),
        sa.Column("facet_id", BIG_ID, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("amount", BIG_ID, nullable=False),
        sa.CheckConstraint(
            "facet IN ('all', 'category', 'organization', 'assignee')", name="ck_ticket_tally_facet"
        ),
        sa.CheckConstraint(STATUSES, name="ck_ticket_tally_status"),
        sa.CheckConstraint(PRIORITIES, name="ck_ticket_tally_priority"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_ticket_tally_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "workspace_id", "facet", "facet_id", "status", "priority", name="pk_ticket_tally"
        ),
    )
    op.create_table(
        "ticket_tally_change",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("workspace_id", BIG_ID, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column("category_id", BIG_ID, nullable=True),
        sa.Column("organization_id", BIG_ID, nullable=True),
        sa.Column("assigned_to_id", BIG_ID, nullable=True),
        sa.Column("amount", BIG_ID, nullable=False),
        sa.CheckConstraint(STATUSES, name="ck_ticket_tally_change_status"),
        sa.CheckConstraint(PRIORITIES, name="ck_ticket_tally_change_priority"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_ticket_tally_change_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ticket_tally_change"),
    )
    op.create_index("ix_ticket_tally_change_workspace", "ticket_tally_change", ["workspace_id"])
    for facet, facet_id in FACETS.items():
        op.execute(
            f"""INSERT INTO ticket_tally (workspace_id, facet, facet_id, status, priority, amount)
            SELECT workspace_id, '{facet}', {facet_id}, status, priority, count(*) FROM ticket
            GROUP BY 1, 3, 4, 5"""
        )
    op.drop_column("organization", "ticket_count")
    op.drop_column("category", "ticket_count")
    # SQLite knows the name before it knows the workspace
    op.drop_index("ix_tag_name", "tag")
    op.create_index("ix_tag_name", "tag", ["name", "workspace_id", "ticket_id"])
    op.create_index("ix_user_active", "user", ["workspace_id", "is_active", "id"])
    op.create_index("ix_event_created", "event", ["created_at"])


def downgrade() -> None:
    """Count on the rows again."""
    op.drop_index("ix_event_created", "event")
    op.drop_index("ix_user_active", "user")
    op.drop_index("ix_tag_name", "tag")
    op.create_index("ix_tag_name", "tag", ["workspace_id", "name", "ticket_id"])
    for table in ("organization", "category"):
        op.add_column(table, sa.Column("ticket_count", sa.Integer(), server_default="0", nullable=False))
        op.execute(
            f"UPDATE {table} SET ticket_count = (SELECT count(*) FROM ticket WHERE {table}_id = {table}.id)"
        )
    op.drop_table("ticket_tally_change")
    op.drop_table("ticket_tally")

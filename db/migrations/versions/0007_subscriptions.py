"""What subscribers are told of events by, and up to which event each workspace's were forgotten."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
NUMBERS = ("requester_id", "organization_id", "reply_id", "attachment_id")


def upgrade() -> None:
    """The columns and the table. Events so far were written for webhooks that listened: no feed begins with them."""
    for name in NUMBERS:
        op.add_column("event", sa.Column(name, BIG_ID, nullable=True))
    op.add_column("event", sa.Column("is_internal", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("event", sa.Column("changed", sa.JSON(), server_default="[]", nullable=False))
    op.create_index("ix_event_ticket", "event", ["ticket_id", "id"])
    op.create_table(
        "feed_start",
        sa.Column("workspace_id", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("event_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_feed_start_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", name="pk_feed_start"),
    )
    op.execute(
        """INSERT INTO feed_start (workspace_id, event_id)
        SELECT workspace_id, max(id) FROM event GROUP BY workspace_id"""
    )


def downgrade() -> None:
    """Webhooks need neither; events that were written for none of them go with the columns."""
    op.drop_table("feed_start")
    op.execute("DELETE FROM event WHERE id NOT IN (SELECT event_id FROM job WHERE event_id IS NOT NULL)")
    op.drop_index("ix_event_ticket", "event")
    for name in ("changed", "is_internal", *reversed(NUMBERS)):
        op.drop_column("event", name)

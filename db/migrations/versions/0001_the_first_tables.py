"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON_VALUE = sa.JSON()


def upgrade() -> None:
    """The tables of the helpdesk and the two search indexes."""
    op.create_table(
        "workspace",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("customers_see_organization", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "tier IN ('free', 'starter', 'professional', 'enterprise')", name="ck_workspace_tier"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_workspace"),
        sa.UniqueConstraint("name", name="uq_workspace_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "category",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("workspace_id", BIG_ID, nullable=False),
        sa.Column("parent_id", BIG_ID, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("color", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("ticket_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["category.id"], name="fk_category_parent_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_category_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_category"),
        sa.UniqueConstraint("workspace_id", "slug", name="uq_category_workspace_id_slug"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_category_list", "category", ["workspace_id", "id"])
    op.create_index("ix_category_parent", "category", ["parent_id"])
    op.create_table(
        "organization",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("workspace_id", BIG_ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("metadata", JSON_VALUE, nullable=False),
        sa.Column("user_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ticket_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_organization_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_organization"),
        sa.UniqueConstraint("workspace_id", "domain", name="uq_organization_workspace_id_domain"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_organization_list", "organization", ["workspace_id", "id"])
    op.create_table(
        "user",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("workspace_id", BIG_ID, nullable=False),
        sa.Column("organization_id", BIG_ID, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_key", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("avatar_url", sa.Text(), nullable=True),
        sa.Column("metadata", JSON_VALUE, nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("ticket_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("type IN ('customer', 'agent', 'admin')", name="ck_user_type"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_user_organization_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_user_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_user"),
        sa.UniqueConstraint("workspace_id", "email_key", name="uq_user_workspace_id_email_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_user_list", "user", ["workspace_id", "id"])
    op.create_index("ix_user_organization", "user", ["organization_id", "id"])
    op.create_index("ix_user_type", "user", ["workspace_id", "type", "id"])
    op.create_table(
        "api_key",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("workspace_id", BIG_ID, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("api_key", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("secret_ending", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_api_key_user_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_api_key_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("api_key", name="uq_api_key_api_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_api_key_list", "api_key", ["workspace_id", "id"])
    op.create_index("ix_api_key_user", "api_key", ["user_id"])
    op.create_table(
        "ticket",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("workspace_id", BIG_ID, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("content_html", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("priority", sa.Text(), nullable=False),
        sa.Column(
            "priority_rank",
            BIG_ID,
            sa.Computed(
                "CASE priority WHEN 'low' THEN 1 WHEN 'medium' THEN 2 WHEN 'high' THEN 3 WHEN 'urgent' THEN 4 END",
                persisted=True,
            ),
            nullable=False,
        ),
        sa.Column("requester_id", BIG_ID, nullable=False),
        sa.Column("organization_id", BIG_ID, nullable=True),
        sa.Column("assigned_to_id", BIG_ID, nullable=True),
        sa.Column("category_id", BIG_ID, nullable=True),
        sa.Column("tags", JSON_VALUE, nullable=False),
        sa.Column("metadata", JSON_VALUE, nullable=False),
        sa.Column("is_untouched", sa.Boolean(), nullable=False),
        sa.Column("public_reply_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("internal_note_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reopen_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("first_response_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("priority IN ('low', 'medium', 'high', 'urgent')", name="ck_ticket_priority"),
        sa.CheckConstraint("status IN ('open', 'pending', 'resolved', 'closed')", name="ck_ticket_status"),
        sa.ForeignKeyConstraint(
            ["assigned_to_id"], ["user.id"], name="fk_ticket_assigned_to_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["category_id"], ["category.id"], name="fk_ticket_category_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_ticket_organization_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["requester_id"], ["user.id"], name="fk_ticket_requester_id", ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_ticket_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_ticket"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_ticket_assigned", "ticket", ["assigned_to_id"])
    op.create_index(
        "ix_ticket_assigned_created", "ticket", ["workspace_id", "assigned_to_id", "created_at", "id"]
    )
    op.create_index("ix_ticket_category", "ticket", ["category_id"])
    op.create_index(
        "ix_ticket_category_created", "ticket", ["workspace_id", "category_id", "created_at", "id"]
    )
    op.create_index("ix_ticket_created", "ticket", ["workspace_id", "created_at", "id"])
    op.create_index("ix_ticket_organization_created", "ticket", ["organization_id", "created_at", "id"])
    op.create_index("ix_ticket_priority_created", "ticket", ["workspace_id", "priority", "created_at", "id"])
    op.create_index("ix_ticket_ranked", "ticket", ["workspace_id", "priority_rank", "id"])
    op.create_index("ix_ticket_requester_created", "ticket", ["requester_id", "created_at", "id"])
    op.create_index("ix_ticket_status_created", "ticket", ["workspace_id", "status", "created_at", "id"])
    op.create_index("ix_ticket_status_ranked", "ticket", ["workspace_id", "status", "priority_rank", "id"])
    op.create_index("ix_ticket_status_updated", "ticket", ["workspace_id", "status", "updated_at", "id"])
    op.create_index("ix_ticket_updated", "ticket", ["workspace_id", "updated_at", "id"])
    op.create_table(
        "activity",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("workspace_id", BIG_ID, nullable=False),
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("from_value", sa.Text(), nullable=True),
        sa.Column("to_value", sa.Text(), nullable=True),
        sa.Column("is_internal", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name="fk_activity_ticket_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_activity_user_id", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_activity_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_activity"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_activity_ticket", "activity", ["ticket_id", "created_at", "id"])
    op.create_index("ix_activity_user", "activity", ["user_id"])
    op.create_table(
        "reply",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("workspace_id", BIG_ID, nullable=False),
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.Column("author_id", BIG_ID, nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("content_html", sa.Text(), nullable=False),
        sa.Column("is_internal", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["user.id"], name="fk_reply_author_id", ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name="fk_reply_ticket_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_reply_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_reply"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_reply_author", "reply", ["author_id"])
    op.create_index("ix_reply_ticket", "reply", ["ticket_id", "created_at", "id"])
    op.create_table(
        "tag",
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("workspace_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name="fk_tag_ticket_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_tag_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("ticket_id", "name", name="pk_tag"),
    )
    op.create_index("ix_tag_name", "tag", ["workspace_id", "name", "ticket_id"])
    op.create_table(
        "watcher",
        sa.Column("ticket_id", BIG_ID, nullable=False),
        sa.Column("user_id", BIG_ID, nullable=False),
        sa.Column("workspace_id", BIG_ID, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name="fk_watcher_ticket_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name="fk_watcher_user_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_watcher_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("ticket_id", "user_id", name="pk_watcher"),
    )
    op.create_index("ix_watcher_user", "watcher", ["user_id"])
    _create_search("ticket")
    _create_search("user")


def _create_search(indexed: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        # `ascii` splits at blanks only, as far as our words go: they come folded and cut (db/search.py)
        op.execute(f"CREATE VIRTUAL TABLE {indexed}_search USING fts5(words, tokenize='ascii')")
        return
    op.execute(
        f"CREATE TABLE {indexed}_search (row_id bigint CONSTRAINT pk_{indexed}_search PRIMARY KEY "
        f'REFERENCES "{indexed}" (id) ON DELETE CASCADE, words tsvector NOT NULL)'
    )
    op.execute(f"CREATE INDEX ix_{indexed}_search_words ON {indexed}_search USING gin (words)")


def downgrade() -> None:
    """Everything goes."""
    for name in (
        "ticket_search",
        "user_search",
        "activity",
        "reply",
        "watcher",
        "tag",
        "ticket",
        "category",
        "api_key",
        "user",
        "organization",
        "workspace",
    ):
        op.drop_table(name)

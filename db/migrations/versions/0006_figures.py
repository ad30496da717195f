"""Figures of statistics: what is added up for each day and each month, so that nobody looks at every ticket."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
STATUSES = ("open", "pending", "resolved", "closed")
PRIORITIES = ("low", "medium", "high", "urgent")
FACETS = ("all", *STATUSES, *PRIORITIES, "category", "agent")
WORK = ("replies", "notes", "waits", "waited_us", "reassigned", "ratings", "stars")
MEASURES = (
    "tickets", "resolved", "responses", "response_us", "resolutions", "resolution_us", "kept", "missed", *WORK,
)  # fmt: skip
CHANGE_COLUMNS: dict[str, Any] = {
    "created_day": sa.Date(), "response_day": sa.Date(), "response_us": BIG_ID, "resolved_day": sa.Date(),
    "resolution_us": BIG_ID, "response_kept_day": sa.Date(), "response_missed_day": sa.Date(),
    "resolution_kept_day": sa.Date(), "resolution_missed_day": sa.Date(),
}  # fmt: skip
FLAGS = (("ticket", "is_response_lapsed"), ("ticket", "is_resolution_lapsed"), ("reply", "is_by_staff"))
DUE = {
    "response": ("first_response_due_at", "first_response_at IS NULL AND NOT is_response_lapsed"),
    "resolution": (
        "resolution_due_at",
        "first_resolved_at IS NULL AND paused_at IS NULL AND NOT is_resolution_lapsed",
    ),
}
"""Of each target: its deadline, and where it runs."""
REASSIGNED = "action = 'assigned' AND from_value IS NOT NULL"


def upgrade() -> None:
    """The tables, what they hold of the tickets that are there; indexes that nobody needs any more go."""
    for table, flag in FLAGS:
        op.add_column(table, sa.Column(flag, sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute(
        """UPDATE reply SET is_by_staff = true
        WHERE author_id IN (SELECT id FROM "user" WHERE type <> 'customer')"""
    )
    for name, kind in CHANGE_COLUMNS.items():
        op.add_column("ticket_tally_change", sa.Column(name, kind, nullable=True))
    _make_tables()
    _fill()
    op.drop_index("ix_ticket_figures", "ticket")
    op.drop_index("ix_rating_figures", "rating")
    op.drop_index("ix_activity_reassigned", "activity")
    op.drop_index("ix_reply_author", "reply")
    op.create_index("ix_reply_author", "reply", ["author_id", "is_by_staff", "created_at"])
    for target, (due, runs) in DUE.items():
        op.create_index(
            f"ix_ticket_{target}_due",
            "ticket",
            [due, "workspace_id", "assigned_to_id"],
            sqlite_where=sa.text(runs),
            postgresql_where=sa.text(runs),
        )


def _make_tables() -> None:
    op.create_table(
        "figure",
        sa.Column("workspace_id", BIG_ID, nullable=False),
        sa.Column("facet", sa.Text(), nullable=False),
        sa.Column("span", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("facet_id", BIG_ID, nullable=False),
        *(sa.Column(name, BIG_ID, server_default="0", nullable=False) for name in MEASURES),
        sa.CheckConstraint(f"facet IN {FACETS}", name="ck_figure_facet"),
        sa.CheckConstraint("span IN ('day', 'month')", name="ck_figure_span"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_figure_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("workspace_id", "facet", "span", "day", "facet_id", name="pk_figure"),
    )
    op.create_table(
        "work_change",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("workspace_id", BIG_ID, nullable=False),
        sa.Column("agent_id", BIG_ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *(sa.Column(name, BIG_ID, server_default="0", nullable=False) for name in WORK),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspace.id"], name="fk_work_change_workspace_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_work_change"),
    )
    op.create_index("ix_work_change_workspace", "work_change", ["workspace_id"])


# --- what is there ------------------------------------------------------------------------------------------------


def _fill() -> None:
    """Add up day by day, then the days of each month. Deadlines that lapsed unmet are noted by a worker, as ever."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    parts = " UNION ALL ".join(_part(*part, is_sqlite=is_sqlite) for part in (*_of_tickets(), *_of_agents()))
    sums = ", ".join(f"sum({name})" for name in MEASURES)
    listed = ", ".join(MEASURES)
    op.execute(
        f"""INSERT INTO figure (workspace_id, facet, span, day, facet_id, {listed})
        SELECT workspace_id, facet, 'day', day, facet_id, {sums} FROM ({parts}) AS parts GROUP BY 1, 2, 4, 5"""
    )
    month = "substr(day, 1, 7) || '-01'" if is_sqlite else "CAST(date_trunc('month', day) AS date)"
    op.execute(
        f"""INSERT INTO figure (workspace_id, facet, span, day, facet_id, {listed})
        SELECT workspace_id, facet, 'month', {month}, facet_id, {sums} FROM figure GROUP BY 1, 2, 4, 5"""
    )


Part = tuple[str, str, str, str, dict[str, str], str]
"""A table, the facet, the id in it, the instant that names the day, the measures, which rows."""


def _of_tickets() -> list[Part]:
    """All, by status, by priority, by category."""
    created = {"tickets": "count(*)"}
    return [
        ("ticket", "'all'", "0", "created_at", created, "true"),
        ("ticket", "'all'", "0", "resolved_at", {"resolutions": "count(*)"}, "resolved_at IS NOT NULL"),
        ("ticket", "status", "0", "created_at", created, "true"),
        ("ticket", "priority", "0", "created_at", created, "true"),
        ("ticket", "'category'", "coalesce(category_id, 0)", "created_at", created, "true"),
    ]


def _of_agents() -> list[Part]:
    """By whom a ticket is assigned to, wrote a reply, gave a ticket away, was rated."""
    agent = ("'agent'", "coalesce(assigned_to_id, 0)")
    response, resolution = "ELAPSED(created_at, first_response_at)", "ELAPSED(created_at, resolved_at)"
    kept, missed = {"kept": "count(*)"}, {"missed": "count(*)"}
    parts: list[Part] = [
        ("ticket", *agent, "created_at", {"tickets": "count(*)", "resolved": "count(resolved_at)"}, "true"),
        (
            "ticket", *agent, "first_response_at", {"responses": "count(*)", "response_us": f"sum({response})"},
            "first_response_at IS NOT NULL",
        ),
        (
            "ticket", *agent, "resolved_at", {"resolutions": "count(*)", "resolution_us": f"sum({resolution})"},
            "resolved_at IS NOT NULL",
        ),
    ]  # fmt: skip
    for met, due in (
        ("first_response_at", "first_response_due_at"),
        ("first_resolved_at", "resolution_due_at"),
    ):
        parts.append(("ticket", *agent, met, kept, f"{met} <= {due}"))
        parts.append(("ticket", *agent, due, missed, f"{met} > {due}"))
    written = {
        "replies": "sum(CASE WHEN is_internal THEN 0 ELSE 1 END)",
        "notes": "sum(CASE WHEN is_internal THEN 1 ELSE 0 END)",
        "waits": "count(waiting_since)",
        "waited_us": "coalesce(sum(ELAPSED(waiting_since, created_at)), 0)",
    }
    stars = {"ratings": "count(*)", "stars": "sum(rating)"}
    return [
        *parts,
        ("reply", "'agent'", "author_id", "created_at", written, "is_by_staff"),
        (
            "activity", "'agent'", "CAST(from_value AS bigint)", "created_at", {"reassigned": "count(*)"}, REASSIGNED,
        ),
        (
            "rating", "'agent'", "assigned_to_id", "created_at", stars, "is_latest AND assigned_to_id IS NOT NULL",
        ),
    ]  # fmt: skip


def _part(
    table: str,
    facet: str,
    facet_id: str,
    moment: str,
    measures: dict[str, str],
    where: str,
    *,
    is_sqlite: bool,
) -> str:
    found = ", ".join(
        f"{_elapsed(measures.get(name, '0'), is_sqlite=is_sqlite)} AS {name}" for name in MEASURES
    )
    # instants are text on SQLite
    day = f"substr({moment}, 1, 10)" if is_sqlite else f"CAST({moment} AT TIME ZONE 'UTC' AS date)"
    return f"""SELECT workspace_id, {facet} AS facet, {day} AS day, {facet_id} AS facet_id, {found}
        FROM {table} WHERE {where} GROUP BY 1, 2, 3, 4"""


def _elapsed(measure: str, *, is_sqlite: bool) -> str:
    """With `ELAPSED(start, end)` as the engine says it: whole microseconds."""
    before, mark, rest = measure.partition("ELAPSED(")
    if not mark:
        return measure
    arguments, _, after = rest.partition(")")
    start, end = arguments.split(", ")
    if is_sqlite:
        # SQLite's own instants are rounded to milliseconds; the text always has six digits of a second
        seconds = f"strftime('%s', substr({end}, 1, 19)) - strftime('%s', substr({start}, 1, 19))"
        spent = f"(({seconds}) * 1000000 + substr({end}, 21, 6) - substr({start}, 21, 6))"
    else:
        spent = f"CAST(extract(epoch FROM {end} - {start}) * 1000000 AS bigint)"
    return f"{before}{spent}{after}"


def downgrade() -> None:
    """Look at every ticket again."""
    for target in DUE:
        op.drop_index(f"ix_ticket_{target}_due", "ticket")
    op.drop_index("ix_reply_author", "reply")
    op.create_index("ix_reply_author", "reply", ["author_id", "created_at", "is_internal", "waiting_since"])
    op.create_index(
        "ix_activity_reassigned",
        "activity",
        ["workspace_id", "created_at", "from_value"],
        sqlite_where=sa.text(REASSIGNED),
        postgresql_where=sa.text(REASSIGNED),
    )
    op.create_index(
        "ix_rating_figures", "rating", ["workspace_id", "created_at", "assigned_to_id", "rating", "is_latest"]
    )
    op.create_index(
        "ix_ticket_figures",
        "ticket",
        [
            "workspace_id", "created_at", "status", "priority", "category_id", "assigned_to_id", "resolved_at",
            "first_response_at", "first_response_due_at", "first_resolved_at", "resolution_due_at", "paused_at",
        ],
    )  # fmt: skip
    op.drop_table("work_change")
    op.drop_table("figure")
    for name in CHANGE_COLUMNS:
        op.drop_column("ticket_tally_change", name)
    for table, flag in FLAGS:
        op.drop_column(table, flag)

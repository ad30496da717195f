"""PostgreSQL's search entries know their workspace, and its large tables are tidied while they grow.

What has all of the words sought is counted by the index alone: without it, each ticket found is looked up to learn
whose it is, which takes four times as long. SQLite's full-text tables hold nothing but words.
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INDEXED = ("ticket", "user")
GROWING = ("ticket", "reply", "activity", "tag", '"user"', "ticket_search", "user_search")
TIDIED = (
    "autovacuum_vacuum_scale_factor",
    "autovacuum_vacuum_insert_scale_factor",
    "autovacuum_analyze_scale_factor",
)
"""PostgreSQL waits until a fifth has changed: of a million tickets that is every one of the last months, all of which
would have to be looked at where an index could tell."""


def upgrade() -> None:
    """A table is copied rather than changed row by row: its index is built once."""
    if op.get_bind().dialect.name == "sqlite":
        return
    for indexed in INDEXED:
        _copy(
            indexed,
            "row_id bigint NOT NULL, workspace_id bigint NOT NULL, words tsvector NOT NULL",
            f"SELECT found.row_id, row.workspace_id, found.words FROM {indexed}_search AS found "
            f'JOIN "{indexed}" AS row ON row.id = found.row_id ORDER BY found.row_id',
        )
    for name in GROWING:
        op.execute(f"ALTER TABLE {name} SET ({', '.join(f'{each} = 0.01' for each in TIDIED)})")


def downgrade() -> None:
    """The workspaces go."""
    if op.get_bind().dialect.name == "sqlite":
        return
    for name in GROWING:
        op.execute(f"ALTER TABLE {name} RESET ({', '.join(TIDIED)})")
    for indexed in INDEXED:
        _copy(
            indexed,
            "row_id bigint NOT NULL, words tsvector NOT NULL",
            f"SELECT row_id, words FROM {indexed}_search ORDER BY row_id",
        )


def _copy(indexed: str, columns: str, rows: str) -> None:
    name = f"{indexed}_search"
    op.execute(f"CREATE TABLE copied ({columns})")
    op.execute(f"INSERT INTO copied {rows}")
    op.execute(f"DROP TABLE {name}")
    op.execute(f"ALTER TABLE copied RENAME TO {name}")
    op.execute(f"ALTER TABLE {name} ADD CONSTRAINT pk_{name} PRIMARY KEY (row_id)")
    op.execute(
        f'ALTER TABLE {name} ADD CONSTRAINT {name}_row_id_fkey FOREIGN KEY (row_id) REFERENCES "{indexed}" (id) '
        "ON DELETE CASCADE"
    )
    op.execute(f"CREATE INDEX ix_{name}_words ON {name} USING gin (words)")

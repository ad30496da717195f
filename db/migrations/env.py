"""Alembic's entry: runs on the connection that `db.migrate` hands over, never on an address of its own."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlmodel import AutoString

import db.tables
from db.types import UtcDateTime

SEARCH_TABLES = ("ticket_search", "user_search")


def _render(kind: str, item: Any, _autogen: AutogenContext) -> str | Literal[False]:
    """Migrations speak plain SQLAlchemy, so that they outlive our types."""
    if kind == "type" and isinstance(item, AutoString):
        return "sa.Text()"
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def _is_ours(item: Any, name: str | None, kind: str, _reflected: bool, _other: Any) -> bool:
    """The search indexes are written by hand, each engine its own way: no model describes them."""
    return not (kind in ("table", "index") and name is not None and name.startswith(SEARCH_TABLES))


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=db.tables.metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
    include_object=_is_ours,
    render_item=_render,
)
with context.begin_transaction():
    context.run_migrations()

"""What a workspace promises: SLA policies, a row for each priority (D10)."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, insert, select

from db import tables
from db.database import Tx
from db.statements import Statement, table_of

policy = table_of(tables.SlaPolicy)

LIMITS: Statement[tuple[int, int]] = Statement(
    select(policy.c.first_response_s, policy.c.resolution_s).where(
        policy.c.workspace_id == bindparam("workspace_id", type_=BigInteger()),
        policy.c.priority == bindparam("priority", type_=Text()),
    ),
    lambda *limits: limits,
)
"""Seconds until the first response, and until the resolution."""


_ADD = insert(policy)


async def add_policy(tx: Tx, limits: Sequence[dict[str, Any]]) -> None:
    """The limits of a workspace, one row for each priority."""
    await tx.change(_ADD, limits)

"""API keys, and who a key acts as."""

import datetime as dt
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Text, bindparam, insert, select, update

from db import rows, tables
from db.conditions import Kind
from db.database import Tx
from db.listing import Listing
from db.statements import Statement, columns, table_of
from db.types import ListOf, any_key

api_key = table_of(tables.ApiKey)
user = table_of(tables.User)
workspace = table_of(tables.Workspace)

LISTING: Listing[rows.ApiKey] = Listing(
    tables.ApiKey,
    rows.ApiKey,
    kinds={
        "workspace": Kind(BigInteger(), lambda value: api_key.c.workspace_id == value),
        "id": Kind(BigInteger(), lambda value: api_key.c.id == value),
        "ids": Kind(ListOf(BigInteger()), lambda value: any_key(api_key.c.id, value)),
    },
    orders={"id": None},
)


class Holder(msgspec.Struct, frozen=True):
    """A key that may be used, its user and their workspace, as they are now."""

    key_id: int
    secret_hash: bytes
    user_id: int
    role: str
    organization_id: int | None
    workspace_id: int
    tier: str
    customers_see_organization: bool


_HOLDERS = (
    select(
        api_key.c.id,
        api_key.c.secret_hash,
        user.c.id,
        user.c.type,
        user.c.organization_id,
        workspace.c.id,
        workspace.c.tier,
        workspace.c.customers_see_organization,
    )
    .join(user, user.c.id == api_key.c.user_id)
    .join(workspace, workspace.c.id == api_key.c.workspace_id)
    .where(api_key.c.revoked_at.is_(None), user.c.is_active.is_(True))
)
HOLDER_BY_API_KEY: Statement[Holder] = Statement(
    _HOLDERS.where(api_key.c.api_key == bindparam("api_key", type_=Text())), Holder
)
HOLDER_BY_KEY_ID: Statement[Holder] = Statement(
    _HOLDERS.where(api_key.c.id == bindparam("key_id", type_=BigInteger())), Holder
)

_KEY_FIELDS = len(rows.ApiKey.__struct_fields__)
ANY: Statement[int] = Statement(select(api_key.c.id).limit(1), int)
OF_WORKSPACE: Statement[tuple[rows.ApiKey, rows.User]] = Statement(
    select(*columns(api_key, rows.ApiKey), *columns(user, rows.User))
    .join(user, user.c.id == api_key.c.user_id)
    .join(workspace, workspace.c.id == api_key.c.workspace_id)
    .where(workspace.c.name == bindparam("name", type_=Text()))
    .order_by(api_key.c.id),
    lambda *values: (rows.ApiKey(*values[:_KEY_FIELDS]), rows.User(*values[_KEY_FIELDS:])),
)

_ADD = insert(api_key).returning(*columns(api_key, rows.ApiKey))
_REVOKE = (
    update(api_key)
    .where(api_key.c.api_key == bindparam("of_key"), api_key.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("moment"))
    .returning(*columns(api_key, rows.ApiKey))
)


async def add(tx: Tx, values: dict[str, Any]) -> rows.ApiKey:
    """A new key."""
    [added] = await tx.returning(_ADD, rows.ApiKey, **values)
    return added


async def revoke(tx: Tx, key: str, moment: dt.datetime) -> rows.ApiKey | None:
    """The key, revoked; None when there is none such, or it was revoked before."""
    revoked = await tx.returning(_REVOKE, rows.ApiKey, of_key=key, moment=moment)
    return revoked[0] if revoked else None

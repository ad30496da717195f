"""Webhooks: their list, who listens, and what changes them."""

import datetime as dt
from typing import Any

import msgspec
from sqlalchemy import BigInteger, bindparam, delete, func, insert, select, update

from db import rows, tables
from db.conditions import Kind
from db.database import Tx
from db.listing import Listing
from db.statements import Statement, columns, table_of
from db.types import ListOf, UtcDateTime, any_key, any_of

webhook = table_of(tables.Webhook)

LISTING: Listing[rows.Webhook] = Listing(
    tables.Webhook,
    rows.Webhook,
    kinds={
        "workspace": Kind(BigInteger(), lambda value: webhook.c.workspace_id == value),
        "id": Kind(BigInteger(), lambda value: webhook.c.id == value),
        "ids": Kind(ListOf(BigInteger()), lambda value: any_key(webhook.c.id, value)),
    },
    orders={"id": None},
)


class Target(msgspec.Struct, frozen=True):
    """What a delivery needs of its webhook, secrets still sealed."""

    id: int
    workspace_id: int
    url: str
    is_active: bool
    sealed_secret: bytes
    sealed_former_secret: bytes | None
    former_secret_until: dt.datetime | None


_LISTENERS: Statement[tuple[int, list[str]]] = Statement(
    select(webhook.c.id, webhook.c.events)
    .where(
        webhook.c.workspace_id == bindparam("workspace_id", type_=BigInteger()), webhook.c.is_active.is_(True)
    )
    .order_by(webhook.c.id)
    # whoever deletes one of them waits for us, and then takes the jobs along that we write for it
    .with_for_update(read=True, key_share=True),
    lambda webhook_id, events: (webhook_id, events),
)
TARGETS: Statement[Target] = Statement(
    select(*columns(webhook, Target)).where(
        any_of(webhook.c.id, bindparam("ids", type_=ListOf(BigInteger())))
    ),
    Target,
)
_SECRETS: Statement[bytes] = Statement(
    select(webhook.c.sealed_secret).where(webhook.c.id == bindparam("id", type_=BigInteger())), bytes
)
_ADD = insert(webhook).returning(*columns(webhook, rows.Webhook))
_OF_ID = webhook.c.id == bindparam("webhook_id")
_UPDATE = update(webhook).where(_OF_ID).returning(*columns(webhook, rows.Webhook))
_DELETE = delete(webhook).where(_OF_ID)
_WELL = update(webhook).where(_OF_ID, webhook.c.failing_since.is_not(None)).values(failing_since=None)
_FAILING = (
    update(webhook)
    .where(_OF_ID)
    .values(failing_since=func.coalesce(webhook.c.failing_since, bindparam("moment", type_=UtcDateTime())))
    .returning(webhook.c.failing_since)
)
_DISABLE = (
    update(webhook)
    .where(_OF_ID, webhook.c.is_active.is_(True))
    .values(
        is_active=False,
        disabled_reason=bindparam("reason"),
        updated_at=bindparam("moment", type_=UtcDateTime()),
    )
)


async def listeners(tx: Tx, workspace_id: int) -> list[tuple[int, list[str]]]:
    """The active webhooks of the workspace and the patterns each listens for."""
    return await tx.rows(_LISTENERS, workspace_id=workspace_id)


async def sealed_secret(tx: Tx, webhook_id: int) -> bytes:
    """The secret, still sealed."""
    [found] = await tx.rows(_SECRETS, id=webhook_id)
    return found


async def add(tx: Tx, values: dict[str, Any]) -> rows.Webhook:
    """A new webhook."""
    [added] = await tx.returning(_ADD, rows.Webhook, **values)
    return added


async def change(tx: Tx, webhook_id: int, values: dict[str, Any]) -> rows.Webhook:
    """The webhook with these columns changed."""
    [after] = await tx.returning(_UPDATE, rows.Webhook, **values, webhook_id=webhook_id)
    return after


async def remove(tx: Tx, webhook_id: int) -> None:
    """Delete the webhook with its deliveries."""
    await tx.change(_DELETE, {"webhook_id": webhook_id})


async def answers(tx: Tx, webhook_id: int) -> None:
    """Note that the webhook took a delivery."""
    await tx.change(_WELL, {"webhook_id": webhook_id})


async def fails(tx: Tx, webhook_id: int, moment: dt.datetime) -> dt.datetime:
    """Note that a delivery failed; since when every one has. The moment itself when the webhook is gone."""
    since: list[dt.datetime] = await tx.returning(
        _FAILING, lambda found: found, webhook_id=webhook_id, moment=moment
    )
    return since[0] if since else moment


async def disable(tx: Tx, webhook_id: int, reason: str, moment: dt.datetime) -> None:
    """Switch the webhook off, and say why."""
    await tx.change(_DISABLE, {"webhook_id": webhook_id, "reason": reason, "moment": moment})

"""Webhooks: where a workspace's events are sent. For admins alone (D36)."""

import base64
import binascii
import re
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from db import rows
from db.database import Tx
from db.queries import webhooks
from resolvers import fields, paging
from resolvers.addresses import is_private
from resolvers.context import Context
from resolvers.errors import NotFound
from resolvers.events import PATTERNS
from resolvers.fields import Field, Given, Refused, Wrong
from resolvers.loaders import Loader
from resolvers.paging import BY_ID, NumberedPage, Page, Slice
from resolvers.permissions import ADMIN, allow
from resolvers.sealing import seal
from resolvers.visibility import visible_webhooks

MASK: Final = "whsec_****"
"""What is shown of every secret, for ever (D28)."""
FORMER_SECRET_SIGNS_FOR: Final = timedelta(hours=24)
"""After a rotation both secrets sign, so that receivers can change theirs at their own pace."""
LONGEST_SECRET: Final = 255
LONGEST_URL: Final = 2048

_URL = re.compile(r"(?i:https?)://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?([/?][!-~]*)?")


def url(value: Any) -> str:
    """An http or https address without credentials."""
    kept = fields.text(LONGEST_URL)(value)
    try:
        parts = urlsplit(kept)
        if parts.username is not None or parts.password is not None:
            raise Refused("must not contain credentials")
        is_good = _URL.fullmatch(kept) is not None and "\\" not in kept and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise Refused("must be an http or https address")
    return kept


def patterns(value: Any) -> list[str]:
    """Events to listen for, each once, in the order given."""
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Refused("must be an array of strings")
    if not value:
        raise Refused("must name at least one event")
    if len(value) > len(PATTERNS) or not all(each in PATTERNS for each in value):
        raise Refused(f"must only contain: {', '.join(PATTERNS)}")
    return list(dict.fromkeys(value))


def secret(value: Any) -> str:
    """What deliveries are signed with: `whsec_` and base64, or any text, whose UTF-8 then is the key (D29)."""
    kept = fields.text(LONGEST_SECRET, strip=False)(value)
    try:
        signing_key(kept)
    except ValueError:
        raise Refused("must be base64 after whsec_") from None
    return kept


def signing_key(secret: str) -> bytes:
    """The bytes that sign. Raises ValueError when what follows `whsec_` is not base64."""
    encoded = secret.removeprefix("whsec_")
    if encoded == secret:
        return secret.encode()
    try:
        key = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None
    if not key:
        raise ValueError("no key")
    return key


def new_secret() -> str:
    """A secret of 32 random bytes (Standard Webhooks: 24 to 64)."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


FIELDS: Final[dict[str, Field]] = {
    "url": Field(url, is_required=True),
    "events": Field(patterns, is_required=True),
    "secret": Field(secret),
    "is_active": Field(fields.boolean, default=True),
}


class NewSecret(NamedTuple):
    """A webhook and its secret, in the only answer that tells it."""

    row: rows.Webhook
    signing_secret: str

    def __repr__(self) -> str:
        return f"NewSecret({self.row!r})"


async def visible_webhook(ctx: Context, webhook_id: int) -> rows.Webhook:
    """The webhook. Raises NotFound."""
    found: rows.Webhook | None = await ctx.load(WEBHOOK_BY_ID, webhook_id)
    if found is None:
        raise NotFound
    return found


async def held_webhook(ctx: Context, tx: Tx, webhook_id: int) -> rows.Webhook:
    """The webhook, held until the transaction ends. Raises NotFound."""
    held = await webhooks.LISTING.find(tx, (*visible_webhooks(ctx.caller), ("id", webhook_id)), held=True)
    if held is None:
        raise NotFound
    return held


async def _by_id(ctx: Context, ids: list[int], _args: Any) -> Mapping[int, rows.Webhook]:
    found = await webhooks.LISTING.every(ctx.reads, (*visible_webhooks(ctx.caller), ("ids", ids)))
    return {row.id: row for row in found}


WEBHOOK_BY_ID: Final = Loader("webhook_by_id", _by_id)


@allow(*ADMIN)
async def webhook(ctx: Context, webhook_id: int) -> rows.Webhook:
    """One webhook. Raises NotFound."""
    return await visible_webhook(ctx, webhook_id)


@allow(*ADMIN)
async def webhook_page(ctx: Context, asked: Slice) -> Page[rows.Webhook]:
    """The workspace's webhooks, oldest first. Raises ValidationError."""
    return await paging.page(ctx, webhooks.LISTING, visible_webhooks(ctx.caller), asked, BY_ID)


@allow(*ADMIN)
async def webhooks_numbered(ctx: Context, page: int, per_page: int) -> NumberedPage[rows.Webhook]:
    """The same, by page number."""
    return await paging.numbered(ctx, webhooks.LISTING, visible_webhooks(ctx.caller), page, per_page, BY_ID)


@allow(*ADMIN)
async def create_webhook(ctx: Context, given: Given) -> NewSecret:
    """A new webhook with its secret, made when none is given. Raises ValidationError."""
    values, wrong = fields.clean(FIELDS, given)
    await _check_address(ctx, values, wrong)
    fields.refuse(wrong)
    values = fields.with_defaults(FIELDS, values)
    told = values.pop("secret") or new_secret()
    workspace_id, now = ctx.caller.workspace_id, ctx.now()
    sealed = seal(ctx.helpdesk.tokens, workspace_id, told)
    async with ctx.write() as tx:
        added = await webhooks.add(
            tx,
            values
            | {
                "workspace_id": workspace_id,
                "sealed_secret": sealed,
                "created_at": now,
                "updated_at": now,
            },
        )
    return NewSecret(added, told)


@allow(*ADMIN)
async def update_webhook(ctx: Context, webhook_id: int, given: Given) -> rows.Webhook:
    """The webhook with the given fields changed (D19); switched on, it starts with a clean slate.

    The secret as it is shown, sent back, keeps what it is. Raises NotFound, ValidationError.
    """
    kept = {name: value for name, value in given.items() if (name, value) != ("secret", MASK)}
    values, wrong = fields.clean_update(FIELDS, kept)
    await _check_address(ctx, values, wrong)
    async with ctx.write() as tx:
        before = await held_webhook(ctx, tx, webhook_id)
        fields.refuse(wrong)
        changed: dict[str, Any] = {}
        if "secret" in values:
            sealed = seal(ctx.helpdesk.tokens, before.workspace_id, values.pop("secret"))
            changed = {"sealed_secret": sealed, "sealed_former_secret": None, "former_secret_until": None}
        changed |= {name: value for name, value in values.items() if getattr(before, name) != value}
        if changed.get("is_active"):
            changed |= {"failing_since": None, "disabled_reason": None}
        if not changed:
            return before
        return await webhooks.change(tx, before.id, changed | {"updated_at": ctx.now()})


@allow(*ADMIN)
async def delete_webhook(ctx: Context, webhook_id: int) -> None:
    """Delete the webhook with its deliveries; what waits is not sent. Raises NotFound."""
    async with ctx.write() as tx:
        before = await held_webhook(ctx, tx, webhook_id)
        await webhooks.remove(tx, before.id)


@allow(*ADMIN)
async def rotate_secret(ctx: Context, webhook_id: int) -> NewSecret:
    """The webhook with a new secret; the one before signs along for FORMER_SECRET_SIGNS_FOR. Raises NotFound."""
    told, now = new_secret(), ctx.now()
    async with ctx.write() as tx:
        before = await held_webhook(ctx, tx, webhook_id)
        after = await webhooks.change(
            tx,
            before.id,
            {
                "sealed_secret": seal(ctx.helpdesk.tokens, before.workspace_id, told),
                "sealed_former_secret": await webhooks.sealed_secret(tx, before.id),
                "former_secret_until": now + FORMER_SECRET_SIGNS_FOR,
                "updated_at": now,
            },
        )
    return NewSecret(after, told)


async def _check_address(ctx: Context, values: dict[str, Any], wrong: Wrong) -> None:
    """Note an address that only our own network reaches (D29). Outside of any transaction: names are looked up."""
    if "url" not in values or values["url"] is None or ctx.helpdesk.allows_private_addresses:
        return
    parts = urlsplit(values["url"])
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if await is_private(parts.hostname or "", port):
        wrong["url"] = "must not be a private address"

"""Deliveries: events on their way to webhooks. What admins see of them, and what the worker does with them (D29)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from db import rows
from db.database import Tx
from db.queries import deliveries, events, jobs, webhooks
from db.queries.webhooks import Target
from resolvers import paging
from resolvers.context import Context, Helpdesk
from resolvers.errors import Conflict, NotFound
from resolvers.events import TEST, Happening, delivery_job, message, names_for, send_to
from resolvers.jobs import retry_at
from resolvers.loaders import Loader
from resolvers.paging import Below, NumberedPage, Order, Page, Slice
from resolvers.permissions import ADMIN, allow
from resolvers.sealing import unseal
from resolvers.visibility import Conditions, visible_deliveries
from resolvers.webhooks import held_webhook, signing_key, visible_webhook

NEWEST_FIRST: Final = Order("id", descending=True)
STATES: Final = ("waiting", "delivered", "failed", "cancelled")

FAILING_FOR_AT_MOST: Final = timedelta(days=5)
GONE: Final = 410


# --- what admins see --------------------------------------------------------------------------------------------


def state(row: rows.Delivery) -> str:
    """One of STATES."""
    return row.outcome or "waiting"


def next_attempt_at(row: rows.Delivery) -> datetime | None:
    """When it is tried next, at the earliest; None when it is over."""
    return row.run_at if row.done_at is None else None


async def visible_delivery(ctx: Context, delivery_id: int) -> rows.Delivery:
    """The delivery. Raises NotFound."""
    found: rows.Delivery | None = await ctx.load(DELIVERY_BY_ID, delivery_id)
    if found is None:
        raise NotFound
    return found


async def _by_id(ctx: Context, ids: list[int], _args: Any) -> Mapping[int, rows.Delivery]:
    found = await deliveries.LISTING.every(ctx.reads, (*visible_deliveries(ctx.caller), ("ids", ids)))
    return {row.id: row for row in found}


DELIVERY_BY_ID: Final = Loader("delivery_by_id", _by_id)


@allow(*ADMIN)
async def delivery(ctx: Context, delivery_id: int) -> rows.Delivery:
    """One delivery. Raises NotFound."""
    return await visible_delivery(ctx, delivery_id)


@allow(*ADMIN)
async def deliveries_numbered(
    ctx: Context, webhook_id: int, page: int, per_page: int
) -> NumberedPage[rows.Delivery]:
    """The deliveries of a webhook, newest first, by page number. Raises NotFound, ValidationError."""
    await visible_webhook(ctx, webhook_id)
    seen = (*visible_deliveries(ctx.caller), ("webhook", webhook_id))
    return await paging.numbered(ctx, deliveries.LISTING, seen, page, per_page, NEWEST_FIRST)


def below_webhook(asked: Slice) -> Below:
    """What a webhook's connection of deliveries asks for."""
    return Below((), asked, NEWEST_FIRST)


async def _by_webhook(ctx: Context, ids: list[int], below: Below) -> Mapping[int, Page[rows.Delivery]]:
    seen = below._replace(conditions=visible_deliveries(ctx.caller))
    return await paging.pages(ctx, deliveries.LISTING, "webhook_id", ids, seen, _COUNT_BY_WEBHOOK)


async def _counts_by_webhook(ctx: Context, ids: list[int], seen: Conditions) -> Mapping[int, int]:
    return await deliveries.LISTING.counts(ctx.reads, "webhook_id", ids, seen)


async def _events(ctx: Context, ids: list[int], _args: Any) -> Mapping[int, rows.Event]:
    return {row.id: row for row in await ctx.reads.rows(events.BY_IDS, ids=ids)}


async def _attempts(ctx: Context, ids: list[int], _args: Any) -> Mapping[int, list[rows.Attempt]]:
    found: dict[int, list[rows.Attempt]] = defaultdict(list, {delivery_id: [] for delivery_id in ids})
    for row in await ctx.reads.rows(jobs.ATTEMPTS, ids=ids):
        found[row.job_id].append(row)
    return found


DELIVERIES_BY_WEBHOOK: Final = Loader("deliveries_by_webhook", _by_webhook)
_COUNT_BY_WEBHOOK: Final = Loader("delivery_count_by_webhook", _counts_by_webhook)
EVENT_BY_ID: Final = Loader("event_by_id", _events)
"""The event of a delivery that the caller sees."""
ATTEMPTS_BY_DELIVERY: Final = Loader("attempts_by_delivery", _attempts)
"""The attempts of a delivery that the caller sees, in their order."""


# --- what admins do ---------------------------------------------------------------------------------------------


@allow(*ADMIN)
async def test_webhook(ctx: Context, webhook_id: int) -> rows.Delivery:
    """A delivery of `webhook.test`, on its way like any other. Raises NotFound, Conflict."""
    async with ctx.write() as tx:
        webhook = await held_webhook(ctx, tx, webhook_id)
        _refuse_inactive(webhook)
        about = {"id": webhook.id, "url": webhook.url, "events": webhook.events}
        happening = Happening(TEST, ctx.now(), {"webhook": about})
        added = await send_to(tx, webhook.workspace_id, ctx.caller.user_id, happening, webhook.id)
        return await _one(ctx, tx, added)


@allow(*ADMIN)
async def redeliver(ctx: Context, delivery_id: int, *, of_webhook: int | None = None) -> rows.Delivery:
    """A delivery of the same event under the same webhook-id; of one that still waits, the same, now.

    `of_webhook`: only when it is a delivery of this one. Raises NotFound, Conflict.
    """
    now = ctx.now()
    async with ctx.write() as tx:
        seen = (*visible_deliveries(ctx.caller), ("id", delivery_id))
        before = await deliveries.LISTING.find(tx, seen)
        if before is None or of_webhook not in (None, before.webhook_id):
            raise NotFound
        webhook = await held_webhook(ctx, tx, before.webhook_id)
        _refuse_inactive(webhook)
        if before.done_at is None and await jobs.hurry(tx, before.id, now):
            return await _one(ctx, tx, before.id)
        again = delivery_job(webhook.workspace_id, webhook.id, before.event_id, None, now)
        return await _one(ctx, tx, await jobs.add_one(tx, again | {"body": before.body}))


def _refuse_inactive(webhook: rows.Webhook) -> None:
    if not webhook.is_active:
        raise Conflict("This webhook is switched off. Set is_active to true first")


async def _one(ctx: Context, tx: Tx, delivery_id: int) -> rows.Delivery:
    [found] = await deliveries.LISTING.every(tx, (*visible_deliveries(ctx.caller), ("id", delivery_id)))
    return found


# --- what the worker does ---------------------------------------------------------------------------------------


class Message(NamedTuple):
    """A claimed delivery, ready to be sent: its keys sign, the newest first. `is_wanted`: the webhook is active."""

    job: rows.Job
    url: str
    message_id: str
    body: str
    keys: list[bytes]
    is_wanted: bool

    def __repr__(self) -> str:
        return f"Message({self.message_id!r} to {self.url!r})"


class Result(NamedTuple):
    """What came of sending: an HTTP status and the beginning of the answer, or an error."""

    status: int | None
    answer: str
    error: str | None
    duration_ms: int

    @property
    def is_success(self) -> bool:
        """Whether the receiver took it."""
        return self.status is not None and 200 <= self.status < 300 and self.error is None


async def messages(helpdesk: Helpdesk, claimed: Sequence[rows.Job]) -> list[Message]:
    """What is to be sent for these jobs; none for a job whose webhook was deleted meanwhile. At most five statements."""
    async with helpdesk.db.read() as reads:
        targets = {
            row.id: row
            for row in await reads.rows(
                webhooks.TARGETS, ids=sorted({_set(job.webhook_id) for job in claimed})
            )
        }
        found = {
            row.id: row
            for row in await reads.rows(events.BY_IDS, ids=sorted({_set(job.event_id) for job in claimed}))
        }
        fresh = [found[_set(job.event_id)] for job in claimed if job.body is None and job.event_id in found]
        names = await names_for(reads, fresh)
    ready = []
    for job in claimed:
        target, event = targets.get(_set(job.webhook_id)), found.get(_set(job.event_id))
        if target is not None and event is not None:
            # the same bytes on every attempt, whoever is renamed in between
            body = job.body or msgspec.json.encode(message(event, names)).decode()
            keys = _keys(helpdesk, target)
            ready.append(Message(job, target.url, event.message_id, body, keys, target.is_active))
    return ready


def _set(row_id: int | None) -> int:
    """The id, which every job of kind `webhook` has."""
    return row_id or 0


def _keys(helpdesk: Helpdesk, target: Target) -> list[bytes]:
    sealed = [target.sealed_secret]
    until = target.former_secret_until
    if target.sealed_former_secret is not None and until is not None and helpdesk.clock() < until:
        sealed.append(target.sealed_former_secret)
    return [signing_key(unseal(helpdesk.tokens, target.workspace_id, each)) for each in sealed]


async def settle(helpdesk: Helpdesk, sent: Message, result: Result) -> None:
    """Write down what came of sending: done, to be tried again, or given up; and what that says of the webhook.

    Nothing when the lease ended meanwhile: the delivery is another worker's now.
    """
    now, job = helpdesk.clock(), sent.job
    webhook_id = _set(job.webhook_id)
    async with helpdesk.db.write() as tx:
        # the webhook before the job: who deletes a webhook holds it, and then its jobs
        if result.is_success:
            await webhooks.answers(tx, webhook_id)
        else:
            await _note_failure(tx, webhook_id, result, now)
        again_at = None if result.is_success or result.status == GONE else retry_at(job.attempts, now)
        outcome = {"done_at": now, "outcome": "delivered" if result.is_success else "failed"}
        became = outcome if again_at is None else {"run_at": again_at}
        if not await jobs.settle(tx, job, became | {"body": sent.body}):
            return
        await jobs.log(tx, _attempt(job, sent.url, result, now))
        if job.lane is not None and (again_at is not None or job.attempts > 1):
            # those behind it wait with it, and go on when it is done
            await jobs.move_lane(tx, job.lane, again_at or now)


async def _note_failure(tx: Tx, webhook_id: int, result: Result, now: datetime) -> None:
    since = await webhooks.fails(tx, webhook_id, now)
    if result.status == GONE:
        await webhooks.disable(tx, webhook_id, "It answered 410 Gone", now)
    elif now - since >= FAILING_FOR_AT_MOST:
        await webhooks.disable(tx, webhook_id, f"Every delivery failed since {since:%Y-%m-%d %H:%M} UTC", now)


def _attempt(job: rows.Job, target: str, result: Result, now: datetime) -> dict[str, Any]:
    return {
        "workspace_id": job.workspace_id,
        "job_id": job.id,
        "number": job.attempts,
        "target": target,
        "status": result.status,
        "answer": result.answer,
        "error": result.error,
        "duration_ms": result.duration_ms,
        "created_at": now,
    }


async def cancel(helpdesk: Helpdesk, job: rows.Job) -> None:
    """Give a claimed delivery up without sending: its webhook is switched off."""
    async with helpdesk.db.write() as tx:
        await jobs.settle(tx, job, {"done_at": helpdesk.clock(), "outcome": "cancelled"})

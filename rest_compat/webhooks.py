"""/v1/webhooks: where events are sent, and what became of each delivery. For admins."""

from __future__ import annotations

import asyncio
from typing import Final

from db import rows
from resolvers import deliveries, webhooks
from resolvers.context import Context
from resolvers.deliveries import ATTEMPTS_BY_DELIVERY, EVENT_BY_ID
from resolvers.webhooks import MASK
from rest_compat import parameters
from rest_compat.bodies import json_object
from rest_compat.endpoint import Body, endpoint
from rest_compat.envelope import AnyRequest
from rest_compat.parameters import PAGES, path_id
from rest_compat.shapes import Attempt, Delivery, Done, Listed, One, Webhook, Written, page_of

TAG: Final = "Webhooks"
CREATE: Final = Body(
    "WebhookCreate",
    webhooks.FIELDS,
    example={
        "url": "https://your-app.com/webhooks/answer",
        "events": ["ticket.created", "ticket.updated", "reply.created"],
        "secret": "your_webhook_secret",
    },
)
UPDATE: Final = Body("WebhookUpdate", webhooks.FIELDS, is_update=True)


@endpoint("GET", "/v1/webhooks", tag=TAG, query=PAGES, refusals=(403,))
async def list_webhooks(ctx: Context, request: AnyRequest) -> Listed[Webhook]:
    """List all configured webhooks.

    Oldest first. For admins.
    """
    asked = parameters.read(PAGES, request)
    page = await webhooks.webhooks_numbered(ctx, asked["page"], asked["per_page"])
    return page_of(page, [webhook(row) for row in page.rows])


@endpoint("POST", "/v1/webhooks", tag=TAG, status=201, body=CREATE, refusals=(403, 409))
async def create_webhook(ctx: Context, request: AnyRequest) -> Written[Webhook]:
    """Create a webhook subscription.

    Deliveries are signed as the Standard Webhooks specification says. The secret, made when none is given, is shown in
    this answer and never again. For admins.
    """
    made = await webhooks.create_webhook(ctx, await json_object(request))
    return Written(True, webhook(made.row, made.signing_secret), "Webhook created successfully")


@endpoint("GET", "/v1/webhooks/{id}", tag=TAG, refusals=(403,))
async def get_webhook(ctx: Context, request: AnyRequest) -> One[Webhook]:
    """Retrieve a webhook.

    For admins.
    """
    return One(True, webhook(await webhooks.webhook(ctx, path_id(request))))


async def _update(ctx: Context, request: AnyRequest) -> Written[Webhook]:
    changed = await webhooks.update_webhook(ctx, path_id(request), await json_object(request))
    return Written(True, webhook(changed), "Webhook updated successfully")


@endpoint("PUT", "/v1/webhooks/{id}", tag=TAG, body=UPDATE, refusals=(403, 409))
async def update_webhook(ctx: Context, request: AnyRequest) -> Written[Webhook]:
    """Update a webhook.

    Fields that are left out keep their values. Setting `is_active` to true starts it again with a clean slate. For
    admins.
    """
    return await _update(ctx, request)


@endpoint("PATCH", "/v1/webhooks/{id}", tag=TAG, body=UPDATE, refusals=(403, 409))
async def patch_webhook(ctx: Context, request: AnyRequest) -> Written[Webhook]:
    """Update a webhook (PATCH).

    The same as PUT.
    """
    return await _update(ctx, request)


@endpoint("DELETE", "/v1/webhooks/{id}", tag=TAG, refusals=(403, 409))
async def delete_webhook(ctx: Context, request: AnyRequest) -> Done:
    """Delete a webhook.

    Its deliveries go with it, and what waits is not sent. For admins.
    """
    await webhooks.delete_webhook(ctx, path_id(request))
    return Done(True, "Webhook deleted successfully")


@endpoint("POST", "/v1/webhooks/{id}/rotate-secret", tag=TAG, refusals=(403, 409))
async def rotate_webhook_secret(ctx: Context, request: AnyRequest) -> Written[Webhook]:
    """Replace the secret of a webhook.

    The new one is shown in this answer and never again. For 24 hours deliveries carry a signature of each. For admins.
    """
    made = await webhooks.rotate_secret(ctx, path_id(request))
    return Written(True, webhook(made.row, made.signing_secret), "Webhook secret rotated successfully")


@endpoint("POST", "/v1/webhooks/{id}/test", tag=TAG, status=201, refusals=(403, 409))
async def test_webhook(ctx: Context, request: AnyRequest) -> Written[Delivery]:
    """Send a test event to a webhook.

    A delivery of `webhook.test`, which joins the others. For admins.
    """
    sent = await deliveries.test_webhook(ctx, path_id(request))
    return Written(True, (await shaped(ctx, [sent]))[0], "Test event queued successfully")


@endpoint("GET", "/v1/webhooks/{id}/deliveries", tag=TAG, query=PAGES, refusals=(403,))
async def list_deliveries(ctx: Context, request: AnyRequest) -> Listed[Delivery]:
    """List the deliveries of a webhook.

    Newest first, each with its attempts, kept for 30 days. For admins.
    """
    webhook_id, asked = path_id(request), parameters.read(PAGES, request)
    page = await deliveries.deliveries_numbered(ctx, webhook_id, asked["page"], asked["per_page"])
    return page_of(page, await shaped(ctx, page.rows))


@endpoint(
    "POST",
    "/v1/webhooks/{id}/deliveries/{delivery_id}/redeliver",
    tag=TAG,
    status=201,
    refusals=(403, 409),
)
async def redeliver(ctx: Context, request: AnyRequest) -> Written[Delivery]:
    """Send a delivery again.

    The same event under the same `webhook-id`, as a delivery of its own; one that still waits is tried now instead. For
    admins.
    """
    sent = await deliveries.redeliver(ctx, path_id(request, "delivery_id"), of_webhook=path_id(request))
    return Written(True, (await shaped(ctx, [sent]))[0], "Delivery queued successfully")


def webhook(row: rows.Webhook, secret: str = MASK) -> Webhook:
    """One webhook; its secret only where it is new."""
    return Webhook(
        id=row.id,
        url=row.url,
        events=row.events,
        is_active=row.is_active,
        secret=secret,
        failing_since=row.failing_since,
        disabled_reason=row.disabled_reason,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


async def shaped(ctx: Context, found: list[rows.Delivery]) -> list[Delivery]:
    """The deliveries with their events and attempts, in their order; two statements."""
    told = await asyncio.gather(*(ctx.load(EVENT_BY_ID, row.event_id) for row in found))
    tried = await asyncio.gather(*(ctx.load(ATTEMPTS_BY_DELIVERY, row.id) for row in found))
    return [_delivery(*each) for each in zip(found, told, tried, strict=True)]


def _delivery(row: rows.Delivery, event: rows.Event, attempts: list[rows.Attempt]) -> Delivery:
    return Delivery(
        id=row.id,
        webhook_id=row.webhook_id,
        event=event.type,
        message_id=event.message_id,
        status=deliveries.state(row),
        request_body=row.body,
        attempt_count=row.attempts,
        attempts=[
            Attempt(
                number=each.number,
                url=each.target,
                response_status=each.status,
                response_body=each.answer,
                error=each.error,
                duration_ms=each.duration_ms,
                created_at=each.created_at,
            )
            for each in attempts
        ],
        next_attempt_at=deliveries.next_attempt_at(row),
        finished_at=row.done_at,
        created_at=row.created_at,
    )


ENDPOINTS: Final = (
    list_webhooks,
    create_webhook,
    get_webhook,
    update_webhook,
    patch_webhook,
    delete_webhook,
    rotate_webhook_secret,
    test_webhook,
    list_deliveries,
    redeliver,
)

"""Webhooks in the graph: where events are sent, and what became of each delivery."""

import datetime as dt
from typing import Annotated, Any

import strawberry
from strawberry import UNSET, Parent

from db import rows
from resolvers import deliveries, webhooks
from resolvers.deliveries import ATTEMPTS_BY_DELIVERY, DELIVERIES_BY_WEBHOOK, EVENT_BY_ID
from resolvers.paging import Below
from resolvers.webhooks import MASK, WEBHOOK_BY_ID, NewSecret
from schema.deeds import UserError, deed, given
from schema.edges import Ctx, edge
from schema.enums import DeliveryStatus
from schema.nodes import Node, database_id_field, global_id, id_field, row_id
from schema.paging import After, Before, Connection, First, Last, slice_of


def deliveries_below(
    info: Ctx, first: First = UNSET, after: After = UNSET, last: Last = UNSET, before: Before = UNSET
) -> Below:
    """What a webhook's connection of deliveries asks its loader for."""
    return deliveries.below_webhook(slice_of(first, after, last, before))


def _mask(root: Parent[rows.Webhook]) -> str:
    return MASK


@strawberry.type
class Webhook(Node):
    """Where events are sent. For admins."""

    id: strawberry.ID = id_field("Webhook")
    database_id: int = database_id_field()
    url: str = strawberry.field(description="The address that events are posted to.")
    events: list[str] = strawberry.field(
        description="What it is told of, in the words of the REST API: `ticket.created`, `ticket.*`, `*`."
    )
    is_active: bool = strawberry.field(description="Whether it is told anything.")
    secret: str = strawberry.field(
        resolver=_mask, description="Always `whsec_****`: the secret is shown once, when it is made."
    )
    failing_since: dt.datetime | None = strawberry.field(description="Since when every delivery has failed.")
    disabled_reason: str | None = strawberry.field(description="Why Answer switched it off.")
    deliveries: Connection[Annotated["WebhookDelivery", strawberry.lazy("schema.webhooks")]] | None = edge(
        DELIVERIES_BY_WEBHOOK, "id", "What was sent to it, newest first, kept for 30 days.", deliveries_below
    )
    created_at: dt.datetime = strawberry.field(description="When it was made.")
    updated_at: dt.datetime = strawberry.field(description="When it last changed.")

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Rows of webhooks are webhooks."""
        return isinstance(obj, rows.Webhook)


def _url(root: Parent[rows.Attempt]) -> str:
    return root.target


def _response_status(root: Parent[rows.Attempt]) -> int | None:
    return root.status


def _response_body(root: Parent[rows.Attempt]) -> str:
    return root.answer


@strawberry.type
class DeliveryAttempt:
    """One try of a delivery."""

    id: strawberry.ID = id_field("DeliveryAttempt")
    number: int = strawberry.field(description="The first is 1.")
    url: str = strawberry.field(resolver=_url, description="Where it was sent.")
    response_status: int | None = strawberry.field(
        resolver=_response_status, description="The HTTP status; null when there was no answer."
    )
    response_body: str = strawberry.field(
        resolver=_response_body, description="The first kilobyte of the answer."
    )
    error: str | None = strawberry.field(description="What went wrong on the way.")
    duration_ms: int = strawberry.field(description="Milliseconds until the answer.")
    created_at: dt.datetime = strawberry.field(description="When it was over.")


async def _event(root: Parent[rows.Delivery], info: Ctx) -> str | None:
    found: rows.Event | None = await info.context.load(EVENT_BY_ID, root.event_id)
    return found.type if found else None


async def _message_id(root: Parent[rows.Delivery], info: Ctx) -> str | None:
    found: rows.Event | None = await info.context.load(EVENT_BY_ID, root.event_id)
    return found.message_id if found else None


def _status(root: Parent[rows.Delivery]) -> DeliveryStatus:
    return DeliveryStatus(deliveries.state(root))


def _request_body(root: Parent[rows.Delivery]) -> str | None:
    return root.body


def _attempt_count(root: Parent[rows.Delivery]) -> int:
    return root.attempts


def _next_attempt_at(root: Parent[rows.Delivery]) -> dt.datetime | None:
    return deliveries.next_attempt_at(root)


def _finished_at(root: Parent[rows.Delivery]) -> dt.datetime | None:
    return root.done_at


@strawberry.type
class WebhookDelivery(Node):
    """One event on its way to one webhook. For admins."""

    id: strawberry.ID = id_field("WebhookDelivery")
    database_id: int = database_id_field()
    event: str | None = strawberry.field(resolver=_event, description="What happened: `ticket.created`.")
    message_id: str | None = strawberry.field(
        resolver=_message_id, description="The header `webhook-id`, the same on every attempt."
    )
    status: DeliveryStatus = strawberry.field(resolver=_status, description="How far it is.")
    request_body: str | None = strawberry.field(
        resolver=_request_body, description="What was sent; null until the first attempt."
    )
    attempt_count: int = strawberry.field(resolver=_attempt_count, description="How often it was tried.")
    attempts: list[DeliveryAttempt] | None = edge(
        ATTEMPTS_BY_DELIVERY,
        "id",
        "What came of each try, in their order: at most ten, and one for each redelivery.",
    )
    next_attempt_at: dt.datetime | None = strawberry.field(
        resolver=_next_attempt_at, description="When it is tried next; null when it is over."
    )
    finished_at: dt.datetime | None = strawberry.field(resolver=_finished_at, description="When it was over.")
    webhook: Webhook | None = edge(WEBHOOK_BY_ID, "webhook_id", "Whom it is for.")
    created_at: dt.datetime = strawberry.field(description="When it was queued.")

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Rows of deliveries are deliveries."""
        return isinstance(obj, rows.Delivery)


@strawberry.input
class WebhookCreateInput:
    """A new webhook."""

    url: str = strawberry.field(
        description="An http or https address without credentials, at most 2,048 characters; not a private one."
    )
    events: list[str] = strawberry.field(
        description="What to be told of: `ticket.created`, `ticket.updated`, `ticket.deleted`, `reply.created`, "
        "`attachment.created`, `user.created`, `organization.created`, `category.created`, `ticket.*` or `*`."
    )
    secret: str | None = strawberry.field(
        default=UNSET,
        description="What deliveries are signed with: `whsec_` and base64, or any text; made when absent.",
    )
    is_active: bool | None = strawberry.field(default=UNSET, description="Whether it is told. Default: true.")


@strawberry.input
class WebhookUpdateInput:
    """What is to change of a webhook: absent keeps."""

    url: strawberry.Maybe[str | None] = strawberry.field(
        description="An http or https address without credentials."
    )
    events: strawberry.Maybe[list[str] | None] = strawberry.field(description="All that it is told of.")
    secret: strawberry.Maybe[str | None] = strawberry.field(
        description="What deliveries are signed with from now on; `whsec_****` keeps what it is."
    )
    is_active: strawberry.Maybe[bool | None] = strawberry.field(
        description="Whether it is told; true starts it again with a clean slate."
    )


def _made_webhook(root: Parent[Any]) -> Webhook | None:
    made: NewSecret | None = root.made
    return made.row if made else None  # type: ignore[return-value]  # rows stand for their types


def _signing_secret(root: Parent[Any]) -> str | None:
    made: NewSecret | None = root.made
    return made.signing_secret if made else None


@strawberry.type
class WebhookCreatePayload:
    """The new webhook with its secret, or why there is none."""

    made: strawberry.Private[NewSecret | None]
    webhook: Webhook | None = strawberry.field(resolver=_made_webhook, description="The webhook.")
    signing_secret: str | None = strawberry.field(
        resolver=_signing_secret, description="Its secret, which is shown only now."
    )
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


@strawberry.type
class WebhookUpdatePayload:
    """The webhook as it is now, or why it did not change."""

    webhook: Webhook | None = strawberry.field(description="The webhook.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


@strawberry.type
class WebhookDeletePayload:
    """What was deleted, or why nothing was."""

    deleted_id: strawberry.ID | None = strawberry.field(description="The id of the webhook that is gone.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


@strawberry.type
class WebhookRotateSecretPayload:
    """The webhook with its new secret, or why it has none."""

    made: strawberry.Private[NewSecret | None]
    webhook: Webhook | None = strawberry.field(resolver=_made_webhook, description="The webhook.")
    signing_secret: str | None = strawberry.field(
        resolver=_signing_secret, description="Its new secret, which is shown only now."
    )
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


@strawberry.type
class WebhookTestPayload:
    """A test on its way, or why there is none."""

    delivery: WebhookDelivery | None = strawberry.field(description="The delivery of the test.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


@strawberry.type
class DeliveryRedeliverPayload:
    """A delivery that is on its way again, or why it is not."""

    delivery: WebhookDelivery | None = strawberry.field(description="The delivery.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


async def webhook_page(
    info: Ctx, first: First = UNSET, after: After = UNSET, last: Last = UNSET, before: Before = UNSET
) -> Any:
    """The workspace's webhooks, oldest first. For admins."""
    return await webhooks.webhook_page(info.context, slice_of(first, after, last, before))


async def webhook_create(info: Ctx, input: WebhookCreateInput) -> WebhookCreatePayload:
    """Be told of events. For admins."""
    return await deed(WebhookCreatePayload, "made", webhooks.create_webhook(info.context, given(input)))


async def webhook_update(info: Ctx, id: strawberry.ID, input: WebhookUpdateInput) -> WebhookUpdatePayload:
    """Change a webhook. For admins."""
    work = webhooks.update_webhook(info.context, row_id("Webhook", id), given(input))
    return await deed(WebhookUpdatePayload, "webhook", work)


async def webhook_delete(info: Ctx, id: strawberry.ID) -> WebhookDeletePayload:
    """Delete a webhook with its deliveries; what waits is not sent. For admins."""

    async def work() -> strawberry.ID:
        webhook_id = row_id("Webhook", id)
        await webhooks.delete_webhook(info.context, webhook_id)
        return global_id("Webhook", webhook_id)

    return await deed(WebhookDeletePayload, "deleted_id", work())


async def webhook_rotate_secret(info: Ctx, id: strawberry.ID) -> WebhookRotateSecretPayload:
    """Replace the secret of a webhook; for 24 hours both sign. For admins."""
    work = webhooks.rotate_secret(info.context, row_id("Webhook", id))
    return await deed(WebhookRotateSecretPayload, "made", work)


async def webhook_test(info: Ctx, id: strawberry.ID) -> WebhookTestPayload:
    """Send a test event to a webhook. For admins."""
    work = deliveries.test_webhook(info.context, row_id("Webhook", id))
    return await deed(WebhookTestPayload, "delivery", work)


async def delivery_redeliver(info: Ctx, id: strawberry.ID) -> DeliveryRedeliverPayload:
    """Send a delivery again, under the same webhook-id; one that still waits is tried now instead. For admins."""
    work = deliveries.redeliver(info.context, row_id("WebhookDelivery", id))
    return await deed(DeliveryRedeliverPayload, "delivery", work)

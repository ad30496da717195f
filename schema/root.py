"""The roots of the graph, and the schema itself."""

import asyncio
import datetime as dt
from typing import Annotated, Any

import strawberry
from strawberry.schema.config import StrawberryConfig

from resolvers import (
    activity,
    api_keys,
    attachments,
    categories,
    deliveries,
    organizations,
    replies,
    tickets,
    users,
    webhooks,
    workspaces,
)
from resolvers.errors import Forbidden, NotFound, ValidationError
from resolvers.paging import LARGEST_PAGE
from resolvers.uploads import Upload
from schema.api_keys import ApiKey, api_key_create, api_key_page, api_key_revoke
from schema.attachments import Attachment, attachment_create, attachment_delete
from schema.categories import Category, category_create, category_delete, category_page, category_update
from schema.described import describe
from schema.edges import Ctx
from schema.events import Subscription
from schema.nodes import Node, kind_and_row_id, row_id
from schema.organizations import (
    Organization,
    organization_create,
    organization_delete,
    organization_page,
    organization_update,
)
from schema.paging import Connection
from schema.rate_limits import RateLimitStats, rate_limit
from schema.replies import Reply, reply_create
from schema.scalars import DAY, MOMENT, UPLOAD
from schema.stats import Stats, stats_of
from schema.tickets import (
    Ticket,
    ticket_create,
    ticket_delete,
    ticket_page,
    ticket_rate,
    ticket_unwatch,
    ticket_update,
    ticket_watch,
)
from schema.tokens import token_create
from schema.users import User, user_create, user_delete, user_page, user_update
from schema.webhooks import (
    Webhook,
    delivery_redeliver,
    webhook_create,
    webhook_delete,
    webhook_page,
    webhook_rotate_secret,
    webhook_test,
    webhook_update,
)
from schema.workspaces import Workspace

Id = Annotated[strawberry.ID, strawberry.argument(description="Its id here, or its REST number.")]
_ONE: dict[str, Any] = {
    "Ticket": tickets.ticket,
    "Reply": replies.reply,
    "User": users.user,
    "Organization": organizations.organization,
    "Category": categories.category,
    "Attachment": attachments.attachment,
    "Activity": activity.entry,
    "Webhook": webhooks.webhook,
    "WebhookDelivery": deliveries.delivery,
    "ApiKey": api_keys.api_key,
}


async def _found(kind: str, info: Ctx, number: int) -> Any:
    """The row; None when it is not there or not the caller's to know (D34)."""
    try:
        return await _ONE[kind](info.context, number)
    except NotFound:
        return None


def _ticket(info: Ctx, id: Id) -> Any:
    """A ticket; null when there is none that the caller may see."""
    return tickets.ticket_if_visible(info.context, row_id("Ticket", id))


def _user(info: Ctx, id: Id) -> Any:
    """A user; null when there is none that the caller may see."""
    return users.user_if_visible(info.context, row_id("User", id))


def _organization(info: Ctx, id: Id) -> Any:
    """An organization; null when there is none that the caller may see."""
    return organizations.organization_if_visible(info.context, row_id("Organization", id))


async def _category(info: Ctx, id: Id) -> Any:
    """A category; null when there is none."""
    return await _found("Category", info, row_id("Category", id))


async def _webhook(info: Ctx, id: Id) -> Any:
    """A webhook; null when there is none. For admins."""
    return await _found("Webhook", info, row_id("Webhook", id))


async def _api_key(info: Ctx, id: Id) -> Any:
    """An API key, revoked or not; null when there is none. For admins."""
    return await _found("ApiKey", info, row_id("ApiKey", id))


async def _node(
    info: Ctx,
    id: Annotated[strawberry.ID, strawberry.argument(description="The id of anything that has one.")],
) -> Any:
    """Anything by its id; null when there is nothing that the caller may see."""
    named = kind_and_row_id(id)
    try:
        return await _found(*_as_arguments(named, info)) if named and named[0] in _ONE else None
    except Forbidden:  # one thing that only admins see must not take the others of `nodes` with it
        return None


def _as_arguments(named: tuple[str, int], info: Ctx) -> tuple[str, Ctx, int]:
    return named[0], info, named[1]


async def _nodes(
    info: Ctx, ids: Annotated[list[strawberry.ID], strawberry.argument(description="At most 100 ids.")]
) -> Any:
    """Many things by their ids, in that order; null for each that the caller may not see."""
    if len(ids) > LARGEST_PAGE:
        raise ValidationError.of({"ids": f"must list at most {LARGEST_PAGE} values"})
    return await asyncio.gather(*(_node(info, each) for each in ids))


async def _viewer(info: Ctx) -> Any:
    """The user the caller acts as."""
    return await users.viewer(info.context)


async def _workspace(info: Ctx) -> Any:
    """The caller's workspace."""
    return await workspaces.workspace(info.context)


@strawberry.type
class Query:
    """What can be asked."""

    node: Node | None = strawberry.field(resolver=_node)
    nodes: list[Node | None] = strawberry.field(resolver=_nodes)
    viewer: User | None = strawberry.field(resolver=_viewer)
    workspace: Workspace | None = strawberry.field(resolver=_workspace)
    rate_limit: RateLimitStats | None = strawberry.field(resolver=rate_limit)
    ticket: Ticket | None = strawberry.field(resolver=_ticket)
    tickets: Connection[Ticket] | None = strawberry.field(resolver=ticket_page)
    user: User | None = strawberry.field(resolver=_user)
    users: Connection[User] | None = strawberry.field(resolver=user_page)
    organization: Organization | None = strawberry.field(resolver=_organization)
    organizations: Connection[Organization] | None = strawberry.field(resolver=organization_page)
    category: Category | None = strawberry.field(resolver=_category)
    categories: Connection[Category] | None = strawberry.field(resolver=category_page)
    stats: Stats | None = strawberry.field(resolver=stats_of)
    webhook: Webhook | None = strawberry.field(resolver=_webhook)
    webhooks: Connection[Webhook] | None = strawberry.field(resolver=webhook_page)
    api_key: ApiKey | None = strawberry.field(resolver=_api_key)
    api_keys: Connection[ApiKey] | None = strawberry.field(resolver=api_key_page)


@strawberry.type
class Mutation:
    """What can be done. Each field is a transaction of its own, one after the other."""

    token_create = strawberry.mutation(resolver=token_create)
    ticket_create = strawberry.mutation(resolver=ticket_create)
    ticket_update = strawberry.mutation(resolver=ticket_update)
    ticket_delete = strawberry.mutation(resolver=ticket_delete)
    ticket_watch = strawberry.mutation(resolver=ticket_watch)
    ticket_unwatch = strawberry.mutation(resolver=ticket_unwatch)
    ticket_rate = strawberry.mutation(resolver=ticket_rate)
    reply_create = strawberry.mutation(resolver=reply_create)
    attachment_create = strawberry.mutation(resolver=attachment_create)
    attachment_delete = strawberry.mutation(resolver=attachment_delete)
    user_create = strawberry.mutation(resolver=user_create)
    user_update = strawberry.mutation(resolver=user_update)
    user_delete = strawberry.mutation(resolver=user_delete)
    organization_create = strawberry.mutation(resolver=organization_create)
    organization_update = strawberry.mutation(resolver=organization_update)
    organization_delete = strawberry.mutation(resolver=organization_delete)
    category_create = strawberry.mutation(resolver=category_create)
    category_update = strawberry.mutation(resolver=category_update)
    category_delete = strawberry.mutation(resolver=category_delete)
    webhook_create = strawberry.mutation(resolver=webhook_create)
    webhook_update = strawberry.mutation(resolver=webhook_update)
    webhook_delete = strawberry.mutation(resolver=webhook_delete)
    webhook_rotate_secret = strawberry.mutation(resolver=webhook_rotate_secret)
    webhook_test = strawberry.mutation(resolver=webhook_test)
    delivery_redeliver = strawberry.mutation(resolver=delivery_redeliver)
    api_key_create = strawberry.mutation(resolver=api_key_create)
    api_key_revoke = strawberry.mutation(resolver=api_key_revoke)


schema = strawberry.Schema(
    Query,
    Mutation,
    Subscription,
    types=[Reply, Attachment],
    config=StrawberryConfig(scalar_map={dt.datetime: MOMENT, dt.date: DAY, Upload: UPLOAD}),
)
describe(schema)

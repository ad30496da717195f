"""Every documented call, as the application mounts them."""

from __future__ import annotations

from functools import cache
from typing import Final

import msgspec
from litestar.handlers import HTTPRouteHandler

from rest_compat import (
    api_keys,
    attachments,
    auth,
    categories,
    health,
    organizations,
    ratings,
    replies,
    stats,
    tickets,
    users,
    watchers,
    webhooks,
)
from rest_compat.endpoint import Endpoint, extra_route, routes
from rest_compat.envelope import Answer, AnyRequest
from rest_compat.openapi import document

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    *health.ENDPOINTS,
    *auth.ENDPOINTS,
    *tickets.ENDPOINTS,
    *replies.ENDPOINTS,
    *attachments.ENDPOINTS,
    *watchers.ENDPOINTS,
    *ratings.ENDPOINTS,
    *users.ENDPOINTS,
    *organizations.ENDPOINTS,
    *categories.ENDPOINTS,
    *stats.ENDPOINTS,
    *webhooks.ENDPOINTS,
    *api_keys.ENDPOINTS,
)
OPENAPI_PATH: Final = "/v1/openapi.json"


def rest_routes() -> list[HTTPRouteHandler]:
    """The handlers of the documented calls and of the OpenAPI document that describes them.

    They look for `helpdesk` (resolvers.context.Helpdesk), `sign_in` and `turns` in the application's state.
    """
    return [*routes(ENDPOINTS), *extra_route(OPENAPI_PATH, _openapi)]


async def _openapi(request: AnyRequest) -> Answer:
    return Answer(request, 200, _document())


@cache
def _document() -> bytes:
    return msgspec.json.encode(document(ENDPOINTS))

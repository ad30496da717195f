"""/v1/api-keys: what programs sign in with, kept by admins."""

from __future__ import annotations

from typing import Any, Final

from db import rows
from resolvers import api_keys
from resolvers.api_keys import is_usable
from resolvers.context import Context
from resolvers.errors import NotFound
from rest_compat import parameters
from rest_compat.bodies import json_object
from rest_compat.endpoint import Body, endpoint
from rest_compat.envelope import AnyRequest
from rest_compat.parameters import PAGES, path_id
from rest_compat.shapes import ApiKey, Done, KeyHolder, Listed, NewApiKey, One, Written, page_of
from rest_compat.users import people

TAG: Final = "API keys"
CREATE: Final = Body("ApiKeyCreate", api_keys.FIELDS)


@endpoint("GET", "/v1/api-keys", tag=TAG, query=PAGES, refusals=(403,))
async def list_api_keys(ctx: Context, request: AnyRequest) -> Listed[ApiKey]:
    """List API keys.

    Oldest first, the revoked ones among them. For admins.
    """
    asked = parameters.read(PAGES, request)
    page = await api_keys.api_keys_numbered(ctx, asked["page"], asked["per_page"])
    holders = await people(ctx, (row.user_id for row in page.rows))
    # a key goes with its user, who may have gone since the list was read
    return page_of(page, [_key(row, holders[row.user_id]) for row in page.rows if row.user_id in holders])


@endpoint("POST", "/v1/api-keys", tag=TAG, status=201, body=CREATE, refusals=(403, 409))
async def create_api_key(ctx: Context, request: AnyRequest) -> Written[NewApiKey]:
    """Create an API key.

    It acts as the user. Keep its `api_secret`: no other answer shows it again. For admins.
    """
    made = await api_keys.create_api_key(ctx, await json_object(request))
    shown = _fields(made.row, made.user)
    return Written(True, NewApiKey(**shown, api_secret=made.api_secret), "API key created successfully")


@endpoint("GET", "/v1/api-keys/{id}", tag=TAG, refusals=(403,))
async def get_api_key(ctx: Context, request: AnyRequest) -> One[ApiKey]:
    """Retrieve an API key.

    Without its secret, revoked or not. For admins.
    """
    row = await api_keys.api_key(ctx, path_id(request))
    return One(True, _key(row, await _holder(ctx, row)))


@endpoint("DELETE", "/v1/api-keys/{id}", tag=TAG, refusals=(403, 409))
async def revoke_api_key(ctx: Context, request: AnyRequest) -> Done:
    """Revoke an API key.

    For good: its tokens are refused within ten seconds, and it stays listed. Nothing changes when it was revoked
    before. For admins, who may revoke the key they are using.
    """
    await api_keys.revoke_api_key(ctx, path_id(request))
    return Done(True, "API key revoked successfully")


async def _holder(ctx: Context, row: rows.ApiKey) -> rows.User:
    found = (await people(ctx, [row.user_id])).get(row.user_id)
    if found is None:  # deleted since the key was read, and the key with them
        raise NotFound
    return found


def _key(row: rows.ApiKey, user: rows.User) -> ApiKey:
    return ApiKey(**_fields(row, user))


def _fields(row: rows.ApiKey, user: rows.User) -> dict[str, Any]:
    return {
        "id": row.id,
        "api_key": row.api_key,
        "secret_ending": row.secret_ending,
        "user": KeyHolder(user.id, user.name, user.email, user.type),
        "is_active": is_usable(row, user),
        "created_at": row.created_at,
        "revoked_at": row.revoked_at,
    }


ENDPOINTS: Final = (list_api_keys, create_api_key, get_api_key, revoke_api_key)

"""API keys in the graph."""

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from strawberry import UNSET, Parent

from db import rows
from resolvers import api_keys
from resolvers.api_keys import is_usable
from resolvers.tokens import NewKey
from resolvers.users import USER_BY_ID
from schema.deeds import UserError, deed, given
from schema.edges import Ctx, edge, reads
from schema.nodes import Node, database_id_field, id_field, row_id
from schema.paging import After, Before, First, Last, slice_of

if TYPE_CHECKING:
    from schema.users import User

_IDS = {"user_id": "User"}


def _key(root: Parent[rows.ApiKey]) -> str:
    return root.api_key


async def _is_active(root: Parent[rows.ApiKey], info: Ctx) -> bool | None:
    user: rows.User | None = await info.context.load(USER_BY_ID, root.user_id)
    return user is not None and is_usable(root, user)


@strawberry.type
class ApiKey(Node):
    """What a program signs in with, without its secret. It acts as its user, and its role is theirs."""

    id: strawberry.ID = id_field("ApiKey")
    database_id: int = database_id_field()
    key: str = strawberry.field(resolver=_key, description="The public half.")
    secret_ending: str = strawberry.field(description="The last four characters of its secret.")
    user: Annotated["User", strawberry.lazy("schema.users")] | None = edge(
        USER_BY_ID, "user_id", "Whom it acts as."
    )
    is_active: bool | None = strawberry.field(
        resolver=_is_active,
        metadata=reads("revoked_at", "user_id", User=("is_active",)),
        description="Whether it can be used: it is not revoked, and its user is active.",
    )
    created_at: dt.datetime = strawberry.field(description="When it was made.")
    revoked_at: dt.datetime | None = strawberry.field(description="When it was revoked.")

    @classmethod
    def is_type_of(cls, obj: Any, _info: Any) -> bool:
        """Rows of API keys are API keys."""
        return isinstance(obj, rows.ApiKey)


@strawberry.input
class ApiKeyCreateInput:
    """A new API key."""

    user_id: strawberry.ID = strawberry.field(
        description="Whom it is to act as: an active user, yourself too. Their id here, or their REST number."
    )


def _made_key(root: Parent[Any]) -> Any:
    made: NewKey | None = root.made
    return None if made is None else made.row


def _made_secret(root: Parent[Any]) -> str | None:
    made: NewKey | None = root.made
    return None if made is None else made.api_secret


@strawberry.type
class ApiKeyCreatePayload:
    """The new API key with its secret, or why there is none."""

    made: strawberry.Private[NewKey | None]  # whose `repr` keeps the secret, as that of a field would not
    api_key: ApiKey | None = strawberry.field(resolver=_made_key, description="The API key.")
    api_secret: str | None = strawberry.field(
        resolver=_made_secret, description="Its secret: keep it, it is never shown again."
    )
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


@strawberry.type
class ApiKeyRevokePayload:
    """The API key as it is now, or why it was not revoked."""

    api_key: ApiKey | None = strawberry.field(description="The API key.")
    user_errors: list[UserError] = strawberry.field(description="Why nothing was written; empty when it was.")


async def api_key_page(
    info: Ctx, first: First = UNSET, after: After = UNSET, last: Last = UNSET, before: Before = UNSET
) -> Any:
    """The workspace's API keys, oldest first, the revoked ones among them. For admins."""
    return await api_keys.api_key_page(info.context, slice_of(first, after, last, before))


async def api_key_create(info: Ctx, input: ApiKeyCreateInput) -> ApiKeyCreatePayload:
    """Make an API key that acts as a user. For admins."""
    work = api_keys.create_api_key(info.context, given(input, _IDS))
    return await deed(ApiKeyCreatePayload, "made", work)


async def api_key_revoke(info: Ctx, id: strawberry.ID) -> ApiKeyRevokePayload:
    """Revoke an API key for good: its tokens are refused within ten seconds. For admins, their own key too."""
    work = api_keys.revoke_api_key(info.context, row_id("ApiKey", id))
    return await deed(ApiKeyRevokePayload, "api_key", work)

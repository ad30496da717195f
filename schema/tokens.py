"""Signing in through the graph."""

from typing import Annotated

import strawberry

from resolvers import tokens
from resolvers.errors import ValidationError
from schema.deeds import UserError, user_errors
from schema.edges import Ctx


@strawberry.type
class TokenCreatePayload:
    """A token, or why there is none."""

    token: str | None = strawberry.field(description="What to send as `Authorization: Bearer …`.")
    expires_in: int | None = strawberry.field(description="Seconds until it ends.")
    token_type: str | None = strawberry.field(description="Always Bearer.")
    user_errors: list[UserError] = strawberry.field(
        description="What is missing; empty when there is a token."
    )


async def token_create(
    info: Ctx,
    api_key: Annotated[str, strawberry.argument(description="The public half of an API key.")],
    api_secret: Annotated[str, strawberry.argument(description="Its secret half.")],
) -> TokenCreatePayload:
    """Exchange an API key for a token. Works without a token."""
    try:
        made = await tokens.create_token(info.context, {"api_key": api_key, "api_secret": api_secret})
    except ValidationError as error:
        wrong = user_errors(error, arguments=("api_key", "api_secret"))
        return TokenCreatePayload(token=None, expires_in=None, token_type=None, user_errors=wrong)
    return TokenCreatePayload(
        token=made.token, expires_in=made.expires_in, token_type=made.token_type, user_errors=[]
    )

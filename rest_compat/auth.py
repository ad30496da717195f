"""/v1/auth/token: an API key and its secret become a token."""

from __future__ import annotations

from typing import Final

from resolvers import tokens
from resolvers.context import Context
from rest_compat.bodies import json_object
from rest_compat.endpoint import Body, endpoint
from rest_compat.envelope import AnyRequest
from rest_compat.shapes import TokenAnswer

TAG: Final = "Authentication"
CREDENTIALS: Final = Body("Credentials", tokens.FIELDS, takes_unknown=True)


@endpoint("POST", "/v1/auth/token", tag=TAG, body=CREDENTIALS, refusals=(401,), needs_token=False)
async def create_token(ctx: Context, request: AnyRequest) -> TokenAnswer:
    """Exchange an API key for a token.

    Send the token with every other request as `Authorization: Bearer …`, and get a new one when it has expired.
    """
    token = await tokens.create_token(ctx, await json_object(request))
    return TokenAnswer(True, token.token, token.expires_in, token.token_type)


ENDPOINTS: Final = (create_token,)

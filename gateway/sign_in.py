"""From an `Authorization` header to a caller: the same for REST, GraphQL and WebSockets."""

from resolvers.context import Caller, Helpdesk
from resolvers.errors import Unauthorized


async def sign_in(helpdesk: Helpdesk, authorization: str | None) -> Caller | None:
    """Whom the request acts as; None when it does not say.

    Raises Unauthorized for a header that is not `Bearer` and a token of ours that is still good.
    """
    if authorization is None:
        return None
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized
    signer = helpdesk.tokens
    return await signer.caller(helpdesk, signer.verify(token.strip(), helpdesk.clock()))

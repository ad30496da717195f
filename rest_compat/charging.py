"""Who asks, and what it costs them: a request with a good token is charged, whatever becomes of it (D30)."""

from __future__ import annotations

from resolvers.context import Caller
from resolvers.errors import RateLimited
from resolvers.rate_limits import Standing
from rest_compat.envelope import AnyRequest


async def caller_of(request: AnyRequest) -> Caller | None:
    """Whoever the request's token names; None when it has none. Raises Unauthorized for one that is not good."""
    state = request.app.state
    caller: Caller | None = await state.sign_in(state.helpdesk, _authorization(request))
    return caller


async def charge(request: AnyRequest, caller: Caller, units: int = 1) -> None:
    """Charge the caller's workspace for the request, and keep how it stands for the headers. Raises RateLimited."""
    helpdesk = request.app.state.helpdesk
    standing: Standing = await helpdesk.limits.charge(caller, units, helpdesk.clock())
    request.scope["state"]["standing"] = standing
    standing.check()


async def charge_whoever_asks(request: AnyRequest) -> None:
    """Charge a request that is answered alike with and without a token, once, when it has a good one.

    Raises RateLimited.
    """
    if "standing" in request.scope["state"]:
        return
    try:
        caller = await caller_of(request)
        if caller is not None:
            await charge(request, caller)
    except RateLimited:
        raise
    except Exception:  # noqa: BLE001  # a bad token, a database that is out: the answer is the same
        return


def _authorization(request: AnyRequest) -> str | None:
    # a request has a dozen headers, and this is the only one that most calls look at
    for name, value in request.scope["headers"]:
        if name == b"authorization":
            return str(value, "latin-1")
    return None

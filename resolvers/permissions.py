"""Who may call a resolver. Every public one says so with `@allow`; a test fails on one that does not."""

import functools
from collections.abc import Awaitable, Callable
from typing import Concatenate, Final, ParamSpec, TypeVar

from resolvers.context import Context
from resolvers.errors import Forbidden

P = ParamSpec("P")
R = TypeVar("R")
Resolver = Callable[Concatenate[Context, P], Awaitable[R]]

ANYONE: Final = "anyone"
"""Also without a token: signing in, health."""
SIGNED_IN: Final = ("customer", "agent", "admin")
STAFF: Final = ("agent", "admin")
ADMIN: Final = ("admin",)


def allow(*roles: str) -> Callable[[Resolver[P, R]], Resolver[P, R]]:
    """Let only these roles call the resolver; what they see of its answer is the resolver's own rule.

    Raises (when called): Unauthorized without a caller, Forbidden for another role.
    """

    def declare(resolver: Resolver[P, R]) -> Resolver[P, R]:
        @functools.wraps(resolver)
        def checked(ctx: Context, /, *args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
            if roles != (ANYONE,) and ctx.caller.role not in roles:
                raise Forbidden
            return resolver(ctx, *args, **kwargs)

        checked.allowed = roles  # type: ignore[attr-defined]  # read by the permission tests
        return checked

    return declare

"""Signing in: an API key and its secret become a token; a token says who a request acts as (D31).

Secrets are 256 random bits, so they are stored as a keyed hash and not a slow one: guessing is out of the question,
and a slow hash would only give strangers a way to keep us busy (docs/decisions/0004-secrets.md).
"""

import datetime as dt
import hashlib
import hmac
import secrets
import string
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias

import jwt

from db import rows
from db.database import Tx
from db.queries import api_keys, users
from db.queries.api_keys import Holder
from resolvers import fields
from resolvers.categories import slug_from
from resolvers.context import Caller, Context, Helpdesk
from resolvers.errors import Conflict, Unauthorized, ValidationError, WrongCredentials
from resolvers.fields import Field, Given
from resolvers.permissions import ANYONE, allow
from resolvers.users import add_user
from resolvers.workspaces import workspace_named

ALGORITHM: Final = "HS256"
ISSUER: Final = "answer"
AUDIENCE: Final = "answer"
CLAIMS: Final = ("iss", "aud", "sub", "jti", "iat", "exp", "workspace", "role", "key")
LONGEST_TOKEN: Final = 4096
KEY_IS_TRUSTED_S: Final = 5.0
"""How long a key's state is believed before it is read again; a revoked key works at most this long (D31: ten)."""
SECRETS_ARE_TRUSTED_S: Final = 5.0
"""How long the signing secrets are believed before they are read again; a rotation takes at most this long."""
CLOCKS_DIFFER_S: Final = 60
"""How far the clock of a machine that signs may be ahead of one that verifies."""
TOKENS_REMEMBERED: Final = 10_000

_ALPHABET: Final = string.ascii_letters + string.digits
FIELDS: Final[dict[str, Field]] = {
    "api_key": Field(fields.text(200), is_required=True),
    "api_secret": Field(fields.text(200), is_required=True),
}


class Token(NamedTuple):
    """A signed token and how many seconds it lasts."""

    token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105  # the kind of token, not one

    def __repr__(self) -> str:
        return f"Token(expires_in={self.expires_in})"


class Claims(NamedTuple):
    """What a verified token says, and when it ends."""

    key_id: int
    user_id: int
    workspace_id: int
    expires_at: float


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: the only time its secret is known, and no `repr` tells it."""

    row: rows.ApiKey
    user: rows.User
    api_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SigningSecrets:
    """The secret that signs tokens, and the others whose tokens are taken as well. No `repr` tells them."""

    signs: str = field(repr=False)
    accepted: tuple[str, ...] = field(default=(), repr=False)


SecretSource: TypeAlias = Callable[[dt.datetime], SigningSecrets]
"""Tells which secrets hold at an instant; asked every few seconds, so that they can be rotated while we run."""


def key_name(secret: str) -> str:
    """The `kid` of tokens that the secret signs: it tells the secrets apart, and nothing of them."""
    return hashlib.sha256(secret.encode()).hexdigest()[:8]


class TokenSigner:
    """Signs and verifies tokens, and hashes secrets. Keeps its secrets out of every `repr`."""

    __slots__ = (
        "_by_name",
        "_holders",
        "_pepper",
        "_read_at",
        "_secrets",
        "_source",
        "_verified",
        "lifetime_s",
    )

    def __init__(self, source: SecretSource, pepper: str, lifetime_s: int) -> None:
        self._source = source
        self._pepper = pepper.encode()
        self.lifetime_s = lifetime_s
        self._secrets: SigningSecrets | None = None
        self._by_name: dict[str, str] = {}
        self._read_at = 0.0
        self._verified: OrderedDict[str, Claims] = OrderedDict()
        self._holders: dict[int, tuple[float, Caller | None]] = {}

    def hash(self, api_secret: str) -> bytes:
        """What is stored of a secret."""
        return hmac.digest(self._pepper, api_secret.encode(), "sha256")

    def key_for(self, purpose: str) -> bytes:
        """A key of 32 bytes for one purpose: who learns one of them learns neither the others nor the pepper."""
        return hmac.digest(self._pepper, b"key for " + purpose.encode(), "sha256")

    def sign(self, holder: Holder, now: dt.datetime) -> Token:
        """A token that acts as the key's user."""
        issued = int(now.timestamp())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(holder.user_id),
            "jti": secrets.token_urlsafe(12),
            "iat": issued,
            "exp": issued + self.lifetime_s,
            "workspace": holder.workspace_id,
            "role": holder.role,
            "key": holder.key_id,
        }
        secret = self._current(now).signs
        token = jwt.encode(claims, secret, ALGORITHM, headers={"kid": key_name(secret)})
        return Token(token, self.lifetime_s)

    def verify(self, token: str, now: dt.datetime) -> Claims:
        """What the token says. Raises Unauthorized for anything but a token of ours that is still good."""
        self._current(now)
        claims = self._verified.get(token) or self._decode(token, now)
        if now.timestamp() >= claims.expires_at:
            self._verified.pop(token, None)
            raise Unauthorized("The token has expired. Exchange your API key for a new one")
        return claims

    def _current(self, now: dt.datetime, *, at_once: bool = False) -> SigningSecrets:
        """The secrets of now; when they were changed, every token is verified anew."""
        moment = now.timestamp()
        if self._secrets is None or at_once or not 0 <= moment - self._read_at < SECRETS_ARE_TRUSTED_S:
            found, self._read_at = self._source(now), moment
            if found != self._secrets:
                self._secrets = found
                self._by_name = {key_name(each): each for each in (*found.accepted, found.signs)}
                self._verified.clear()
        return self._secrets

    def _secret_of(self, token: str, now: dt.datetime) -> str:
        """The secret that the token says it was signed with. Raises Unauthorized when it is none of ours."""
        name = jwt.get_unverified_header(token).get("kid")
        if name not in self._by_name:  # another process may have rotated them a moment ago
            self._current(now, at_once=True)
        secret = self._by_name.get(name or "")
        if secret is None:
            raise Unauthorized
        return secret

    def _decode(self, token: str, now: dt.datetime) -> Claims:
        if len(token) > LONGEST_TOKEN:
            raise Unauthorized
        try:
            found = jwt.decode(
                token,
                self._secret_of(token, now),
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                # the clock is ours and injected, so it is we who look at the instants
                options={
                    "require": list(CLAIMS),
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                    "strict_aud": True,
                },
            )
            _check_begun(found, now)
            claims = _claims(found)
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise Unauthorized from error
        self._verified[token] = claims
        if len(self._verified) > TOKENS_REMEMBERED:
            self._verified.popitem(last=False)
        return claims

    async def caller(self, helpdesk: Helpdesk, claims: Claims) -> Caller:
        """Whom the token acts as, as they are now. Raises Unauthorized when the key or its user is gone."""
        now = helpdesk.clock().timestamp()
        known = self._holders.get(claims.key_id)
        if known is None or not 0 <= now - known[0] < KEY_IS_TRUSTED_S:
            async with helpdesk.db.read() as reads:
                holder = await reads.first(api_keys.HOLDER_BY_KEY_ID, key_id=claims.key_id)
            known = (now, None if holder is None else _caller(holder))
            self._holders[claims.key_id] = known
            if len(self._holders) > TOKENS_REMEMBERED:
                self._holders.pop(next(iter(self._holders)))
        caller = known[1]
        if caller is None or (caller.user_id, caller.workspace_id) != (claims.user_id, claims.workspace_id):
            raise Unauthorized("The API key of this token has been revoked")
        return caller

    def forget(self, key_id: int) -> None:
        """Read the key again at its next use."""
        self._holders.pop(key_id, None)


def _check_begun(found: dict[str, Any], now: dt.datetime) -> None:
    """Refuse a token of a later time: we sign none, and `nbf` (RFC 7519, 4.1.5) is heeded when one has it."""
    begins = max(int(found["iat"]), int(found.get("nbf", 0)))
    if begins > now.timestamp() + CLOCKS_DIFFER_S:
        raise Unauthorized("The token is not valid yet: the clocks of the servers differ")


def _claims(found: dict[str, Any]) -> Claims:
    numbers = (found["key"], found["workspace"], found["iat"], found["exp"])
    if not all(type(number) is int and 0 < number <= fields.LARGEST_ID for number in numbers):
        raise ValueError("claims must be positive integers of 64 bits")
    return Claims(found["key"], int(found["sub"]), found["workspace"], float(found["exp"]))


def _caller(holder: Holder) -> Caller:
    return Caller(
        workspace_id=holder.workspace_id,
        user_id=holder.user_id,
        key_id=holder.key_id,
        role=holder.role,
        tier=holder.tier,
        organization_id=holder.organization_id,
        sees_organization=holder.customers_see_organization and holder.organization_id is not None,
    )


@allow(ANYONE)
async def create_token(ctx: Context, given: Given) -> Token:
    """A token for an API key and its secret.

    Raises ValidationError when one is missing, Unauthorized when they do not fit: the same words, and the same
    work, for a key that does not exist and for a secret that is wrong; RateLimited after too many of those.
    """
    values, wrong = fields.clean(FIELDS, given)
    wrong = {name: text for name, text in wrong.items() if name in FIELDS}
    if wrong:
        raise ValidationError.of(wrong)
    signer, limits = ctx.helpdesk.tokens, ctx.helpdesk.limits
    # counted before it is looked at, so that a thousand at once are not looked at
    await limits.attempt(ctx.address, values["api_key"], ctx.now())
    holder = await ctx.reads.first(api_keys.HOLDER_BY_API_KEY, api_key=values["api_key"])
    expected = holder.secret_hash if holder else bytes(32)
    if not hmac.compare_digest(signer.hash(values["api_secret"]), expected) or holder is None:
        raise WrongCredentials
    await limits.succeeded(ctx.address, values["api_key"])
    return signer.sign(holder, ctx.now())


async def add_key(tx: Tx, signer: TokenSigner, user: rows.User, now: dt.datetime) -> NewKey:
    """A new key that acts as the user."""
    api_secret = "as_" + secrets.token_urlsafe(32)
    row = await api_keys.add(
        tx,
        {
            "workspace_id": user.workspace_id,
            "user_id": user.id,
            "api_key": "ak_" + "".join(secrets.choice(_ALPHABET) for _ in range(20)),
            "secret_hash": signer.hash(api_secret),
            "secret_ending": api_secret[-4:],
            "created_at": now,
        },
    )
    return NewKey(row, user, api_secret)


async def make_key(
    helpdesk: Helpdesk, role: str, *, workspace: str, tier: str | None = None, email: str | None = None
) -> tuple[NewKey, rows.User, rows.Workspace]:
    """A key as the operator makes one, with the workspace and the user it needs, made when they are not there.

    Without an e-mail the user is `<role>@<workspace>.example`. A user who exists keeps their name, and their type
    becomes the role.
    """
    now = helpdesk.clock()
    async with helpdesk.db.write() as tx:
        owner = await workspace_named(tx, workspace, tier, now)
        user = await _user_for(tx, owner, role, email or f"{role}@{slug_from(workspace)}.example", now)
        return await add_key(tx, helpdesk.tokens, user, now), user, owner


async def _user_for(tx: Tx, owner: rows.Workspace, role: str, email: str, now: dt.datetime) -> rows.User:
    known = await users.by_email(tx, owner.id, fields.email_key(email))
    if known is None:
        name = email.partition("@")[0].replace(".", " ").title()
        known = await add_user(tx, owner.id, {"name": name, "email": email, "type": role}, now)
    if known is None:
        raise Conflict("Somebody made the same user at the same moment. Try again")
    if known.type != role or not known.is_active:
        known = await users.change(tx, known, {"type": role, "is_active": True, "updated_at": now})
    return known


async def any_key(helpdesk: Helpdesk) -> bool:
    """Whether anybody was ever given a key."""
    async with helpdesk.db.read() as reads:
        return await reads.first(api_keys.ANY) is not None


async def keys_of(helpdesk: Helpdesk, workspace: str) -> list[tuple[rows.ApiKey, rows.User]]:
    """The keys of the workspace of this name with their users, oldest first; none when there is no such one."""
    async with helpdesk.db.read() as reads:
        return await reads.rows(api_keys.OF_WORKSPACE, name=workspace)


async def revoke_key(helpdesk: Helpdesk, api_key: str) -> bool:
    """Revoke the key; False when there is none such, or it was revoked before."""
    async with helpdesk.db.write() as tx:
        return await api_keys.revoke(tx, api_key, helpdesk.clock()) is not None

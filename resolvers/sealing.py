"""Secrets that must be read again, encrypted where they are stored: AES-256-GCM under a key of the server's pepper.

An API secret is only ever compared, so its hash is kept (resolvers/tokens.py); a webhook's secret signs, so it is needed
as it is (docs/decisions/0004-secrets.md).
"""

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from db.queries import webhooks
from resolvers.context import Helpdesk
from resolvers.tokens import TokenSigner

_PURPOSE: Final = "webhook secrets"
_NONCE_BYTES: Final = 12


def seal(signer: TokenSigner, workspace_id: int, secret: str) -> bytes:
    """The secret as it is stored; a row that is moved to another workspace cannot be read there."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(signer.key_for(_PURPOSE)).encrypt(nonce, secret.encode(), _bound_to(workspace_id))


def unseal(signer: TokenSigner, workspace_id: int, sealed: bytes) -> str:
    """The secret. Raises cryptography.exceptions.InvalidTag when the pepper is another than it was sealed with."""
    nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    return AESGCM(signer.key_for(_PURPOSE)).decrypt(nonce, rest, _bound_to(workspace_id)).decode()


async def is_readable(helpdesk: Helpdesk) -> bool:
    """Whether the pepper opens what is sealed in the database; so it does when nothing is."""
    async with helpdesk.db.read() as reads:
        found = await reads.first(webhooks.NEWEST_SEALED)
    try:
        return found is None or bool(unseal(helpdesk.tokens, *found))
    except InvalidTag:
        return False


def _bound_to(workspace_id: int) -> bytes:
    return b"workspace %d" % workspace_id

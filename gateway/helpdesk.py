"""Opening the helpdesk that the settings describe: what the server and every command stand on."""

from db.database import Database
from db.files import Files
from gateway.settings import Settings
from resolvers.context import Clock, Helpdesk, utc_now
from resolvers.rate_limits import MemoryWindows, RateLimits, Windows
from resolvers.tokens import TokenSigner


def open_helpdesk(settings: Settings, clock: Clock = utc_now) -> Helpdesk:
    """The helpdesk of these settings. Its database is connected to at first use; close it with `close()`."""
    database = Database(
        settings.database_address,
        readers=settings.database_pool,
        writers=settings.database_pool,
        durable=settings.sqlite_durable,
    )
    signer = TokenSigner(settings.signing_secrets, settings.secret("key_pepper"), settings.token_ttl)
    windows = _windows(settings.cache_url)
    files = Files(settings.storage_place, settings.storage_credentials)
    return Helpdesk(database, signer, RateLimits(windows), files, clock, settings.webhook_allow_private)


def _windows(cache_url: str) -> Windows:
    if not cache_url:
        return MemoryWindows()
    from gateway.valkey import ValkeyWindows  # noqa: PLC0415  # most do without, and start sooner

    return ValkeyWindows(cache_url)

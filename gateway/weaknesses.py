"""Settings that work and are weaker than they look, as `answer check` tells them (docs/security.md)."""

import re
import stat
from typing import Final, Literal, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from gateway.settings import Settings

SecretName: TypeAlias = Literal["jwt_secret", "key_pepper"]
SECRETS: Final[tuple[SecretName, ...]] = ("jwt_secret", "key_pepper")
LONG_TTL_S: Final = 24 * 3600
THIS_MACHINE: Final = ("127.0.0.1", "localhost", "::1")
_FEWEST_CHARACTERS: Final = 10
"""Different ones: 32 random hexadecimal digits have fewer once in some ten thousand times, other alphabets never."""
_OF_AN_EXAMPLE: Final = re.compile(
    r"change.?me|secret|passw|pepper|example|insecure|default|0123|abcd|qwer", re.IGNORECASE
)


class Weakness(NamedTuple):
    """What it is about, and what to do."""

    name: str
    text: str


def weaknesses(settings: Settings) -> list[Weakness]:
    """What is weak, the gravest first; empty for a server on this machine with nothing set."""
    return [*_secrets(settings), *_reach(settings), *_trust(settings), *_promises(settings)]


def is_guessable(secret: str) -> bool:
    """Whether a long secret was typed, not drawn: few characters, one part again and again, words of examples."""
    repeats = (secret + secret).find(secret, 1) < len(secret)
    return len(set(secret)) < _FEWEST_CHARACTERS or repeats or _OF_AN_EXAMPLE.search(secret) is not None


def _secrets(settings: Settings) -> list[Weakness]:
    found = [
        Weakness("secret", f"{name} is short: use 32 random characters or more")
        for name in settings.short_secrets
    ]
    given = {name: getattr(settings, name).get_secret_value() for name in SECRETS}
    found += [
        Weakness(
            "secret", f"ANSWER_{name.upper()} can be guessed: draw it, as `openssl rand -base64 32` does"
        )
        for name, value in given.items()
        if value and is_guessable(value)
    ]
    if given["jwt_secret"] and given["jwt_secret"] == given["key_pepper"]:
        found.append(
            Weakness(
                "secret", "ANSWER_JWT_SECRET and ANSWER_KEY_PEPPER are the same: who learns one has both"
            )
        )
    return [*found, *(_readable(settings, name) for name in SECRETS if _is_open(settings, name))]


def _is_open(settings: Settings, name: SecretName) -> bool:
    """Whether other users of this machine can read the file with the secret."""
    try:
        return bool((settings.data_dir / name).stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
    except OSError:
        return False


def _readable(settings: Settings, name: SecretName) -> Weakness:
    path = settings.data_dir / name
    return Weakness("secret", f"other users of this machine can read {path}: chmod 600 {path}")


def _reach(settings: Settings) -> list[Weakness]:
    if settings.host in THIS_MACHINE:
        return []
    found = [Weakness("metrics", "/metrics tells anybody who can reach it: let your proxy keep it inside")]
    if settings.graphiql:
        found.append(
            Weakness(
                "pages", "anybody who can reach it gets GraphiQL and the REST pages: ANSWER_GRAPHIQL=false"
            )
        )
    return found


def _trust(settings: Settings) -> list[Weakness]:
    found = []
    if settings.webhook_allow_private:
        text = "ANSWER_WEBHOOK_ALLOW_PRIVATE: every admin can make this machine send to your own network"
        found.append(Weakness("webhooks", text))
    if settings.token_ttl > LONG_TTL_S:
        hours = settings.token_ttl // 3600
        found.append(Weakness("tokens", f"ANSWER_TOKEN_TTL: a token that is stolen works for {hours} hours"))
    mail = urlsplit(settings.smtp_url.get_secret_value())
    if mail.scheme == "smtp" and mail.password and mail.hostname not in THIS_MACHINE:
        text = "ANSWER_SMTP_URL: the password goes in clear to a server that offers no TLS; use smtps://"
        found.append(Weakness("e-mail", text))
    return found


def _promises(settings: Settings) -> list[Weakness]:
    """What is promised less than by default."""
    found = []
    if settings.is_embedded and not settings.sqlite_durable:
        found.append(Weakness("durability", "ANSWER_SQLITE_DURABLE=false: a power cut may lose writes"))
    if settings.workers > 1 and not settings.cache_url:
        text = f"each of {settings.workers} workers counts by itself, so limits are {settings.workers} times as high"
        found.append(Weakness("rate limits", f"{text}: set ANSWER_CACHE_URL"))
    return found

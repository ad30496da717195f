"""Settings that work and are weaker than they look, as `answer check` tells them (docs/security.md)."""

import re
import stat
from itertools import combinations
from typing import Final, Literal, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from gateway.cors import origins_of
from gateway.settings import Settings

SecretName: TypeAlias = Literal["jwt_secret", "key_pepper"]
SECRETS: Final[tuple[SecretName, ...]] = ("jwt_secret", "key_pepper")
ALL_SECRETS: Final = (*SECRETS, "jwt_secrets_accepted")
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
    given = [(f"ANSWER_{name.upper()}", value) for name in ALL_SECRETS for value in settings.given(name)]
    found += [
        Weakness("secret", f"{name} can be guessed: draw it, as `openssl rand -base64 32` does")
        for name, value in given
        if is_guessable(value)
    ]
    found += [
        Weakness("secret", f"{name} and {other} are the same: who learns one has both")
        for (name, value), (other, same) in combinations(given, 2)
        if value == same
    ]
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
    """What strangers can reach, where it is more than docs/settings.md would have in production."""
    if settings.host in THIS_MACHINE:
        return []
    found = [Weakness("metrics", "/metrics tells anybody who can reach it: let your proxy keep it inside")]
    if settings.graphiql:
        text = "anybody who can reach it gets GraphiQL and the REST pages: ANSWER_GRAPHIQL=false"
        found.append(Weakness("pages", text))
    if settings.introspection in ("everyone", "signed-in"):
        who = "anybody who can reach it" if settings.introspection == "everyone" else "every customer"
        found.append(Weakness("schema", f"{who} may ask for the whole schema: ANSWER_INTROSPECTION=staff"))
    if settings.suggestions:
        text = "errors tell the names that somebody has nearly guessed: ANSWER_SUGGESTIONS=false"
        found.append(Weakness("schema", text))
    if settings.trusted_documents != "only":
        text = "any query runs: ANSWER_TRUSTED_DOCUMENTS=only, when every client is your own"
        found.append(Weakness("documents", text))
    kept = [f"ANSWER_{name.upper()}" for name in SECRETS if not settings.given(name)]
    if kept:
        text = f"kept with the data, and so in its backups: set {' and '.join(kept)} from your secret store"
        found.append(Weakness("secret", text))
    return found


def _trust(settings: Settings) -> list[Weakness]:
    found = []
    if settings.webhook_allow_private:
        text = "ANSWER_WEBHOOK_ALLOW_PRIVATE: every admin can make this machine send to your own network"
        found.append(Weakness("webhooks", text))
    if settings.token_ttl > LONG_TTL_S:
        hours = settings.token_ttl // 3600
        found.append(Weakness("tokens", f"ANSWER_TOKEN_TTL: a token that is stolen works for {hours} hours"))
    if clear := [each for each in origins_of(settings.cors_origins) if _is_in_clear(each)]:
        text = f"whoever is in between can change what pages of {', '.join(sorted(clear))} do: https://"
        found.append(Weakness("origins", f"ANSWER_CORS_ORIGINS: {text}"))
    mail = urlsplit(settings.smtp_url.get_secret_value())
    if mail.scheme == "smtp" and mail.password and mail.hostname not in THIS_MACHINE:
        text = "ANSWER_SMTP_URL: the password goes in clear to a server that offers no TLS; use smtps://"
        found.append(Weakness("e-mail", text))
    return found


def _is_in_clear(origin: str) -> bool:
    parts = urlsplit(origin)
    return parts.scheme == "http" and parts.hostname not in THIS_MACHINE


def _promises(settings: Settings) -> list[Weakness]:
    """What is promised less than by default."""
    found = []
    if settings.is_embedded and not settings.sqlite_durable:
        found.append(Weakness("durability", "ANSWER_SQLITE_DURABLE=false: a power cut may lose writes"))
    if settings.workers > 1 and not settings.cache_url:
        text = f"each of {settings.workers} workers counts by itself, so limits are {settings.workers} times as high"
        found.append(Weakness("rate limits", f"{text}: set ANSWER_CACHE_URL"))
    return found

"""Settings that work and are weak are told of by `answer check`, and good ones are left alone."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from gateway.settings import Settings
from gateway.weaknesses import weaknesses
from tests.processes import ANSWER, ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

DRAWN = "hW1tq8Zz0mPxV4cJ7sYd2rKfN6bGu9Ea"
EVERYWHERE = "0.0.0.0"  # noqa: S104  # nobody listens here
ALSO_DRAWN = "9f86d081884c7d659a2feaa0c55ad015"


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """What is said of these settings."""
    monkeypatch.delenv("ANSWER_SQLITE_DURABLE", raising=False)
    return lambda **given: [
        f"{name}: {text}" for name, text in weaknesses(Settings(data_dir=tmp_path, **given))
    ]


def test_nothing_is_said_of_what_nobody_set(told: Callable[..., list[str]]) -> None:
    assert told() == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"jwt_secret": "short"}, "ANSWER_JWT_SECRET is short"),
        ({"key_pepper": DRAWN[:31]}, "ANSWER_KEY_PEPPER is short"),
        ({"jwt_secret": "a" * 40}, "ANSWER_JWT_SECRET can be guessed"),
        ({"jwt_secret": DRAWN[:12] * 3}, "ANSWER_JWT_SECRET can be guessed"),
        ({"key_pepper": f"{DRAWN}-ChangeMe"}, "ANSWER_KEY_PEPPER can be guessed"),
        ({"jwt_secret": DRAWN, "key_pepper": DRAWN}, "are the same"),
        ({"jwt_secrets_accepted": f"{DRAWN} {'ab' * 20}"}, "ANSWER_JWT_SECRETS_ACCEPTED can be guessed"),
        ({"jwt_secrets_accepted": f"{DRAWN} short"}, "ANSWER_JWT_SECRETS_ACCEPTED is short"),
        (
            {"jwt_secrets_accepted": DRAWN, "key_pepper": DRAWN},
            "ANSWER_KEY_PEPPER and ANSWER_JWT_SECRETS_ACCEPTED are the same",
        ),
        ({"host": EVERYWHERE}, "ANSWER_GRAPHIQL=false"),
        ({"host": EVERYWHERE}, "anybody who can reach it may ask for the whole schema"),
        ({"host": EVERYWHERE, "introspection": "signed-in"}, "every customer may ask for the whole schema"),
        ({"host": EVERYWHERE}, "ANSWER_SUGGESTIONS=false"),
        ({"host": EVERYWHERE, "trusted_documents": "allow"}, "ANSWER_TRUSTED_DOCUMENTS=only"),
        ({"host": EVERYWHERE, "jwt_secret": DRAWN}, "in its backups: set ANSWER_KEY_PEPPER from"),
        ({"cors_origins": "http://app.example,https://app.example"}, "pages of http://app.example do"),
        ({"host": "::", "graphiql": False}, "/metrics"),
        ({"webhook_allow_private": True}, "ANSWER_WEBHOOK_ALLOW_PRIVATE"),
        ({"token_ttl": 7 * 86400}, "works for 168 hours"),
        ({"smtp_url": "smtp://me:word@mail.example:25"}, "ANSWER_SMTP_URL"),
        ({"sqlite_durable": False}, "ANSWER_SQLITE_DURABLE"),
        (
            {"workers": 4, "database_url": "postgresql://db.example/answer"},
            "limits are 4 times as high: set ANSWER_CACHE_URL",
        ),
    ],
)
def test_what_is_weak_is_named(told: Callable[..., list[str]], given: dict[str, Any], words: str) -> None:
    assert [line for line in told(**given) if words in line], told(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"jwt_secret": DRAWN, "key_pepper": ALSO_DRAWN},
        {"token_ttl": 86400},
        {"smtp_url": "smtps://me:word@mail.example"},
        {"smtp_url": "smtp://127.0.0.1:25"},
        {"workers": 4, "database_url": "postgresql://db.example/answer", "cache_url": "valkey://127.0.0.1"},
        {"sqlite_durable": False, "database_url": "postgresql://db.example/answer"},
        {"jwt_secret": DRAWN, "jwt_secrets_accepted": ALSO_DRAWN},
        {"cors_origins": "https://app.example,http://localhost:5173"},
    ],
)
def test_what_is_not_weak_is_left_alone(told: Callable[..., list[str]], given: dict[str, Any]) -> None:
    assert told(**given) == []


def test_in_production_only_what_the_proxy_does_is_left(told: Callable[..., list[str]]) -> None:
    """What docs/settings.md says to set there is all that `answer check` wants."""
    production: dict[str, Any] = {
        "host": EVERYWHERE,
        "introspection": "staff",
        "suggestions": False,
        "graphiql": False,
        "trusted_documents": "only",
        "jwt_secret": DRAWN,
        "key_pepper": ALSO_DRAWN,
    }
    assert told(**production) == [
        "metrics: /metrics tells anybody who can reach it: let your proxy keep it inside"
    ]
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    table = page.partition("## In production")[2].partition("##")[0]
    rows = "".join(line for line in table.splitlines() if line.startswith("| `"))
    documented = {name.lower() for name in re.findall(r"ANSWER_(\w+)", rows)}
    assert documented == set(production) - {"host"}
    for name in documented:
        others = {other: value for other, value in production.items() if other != name}
        assert len(told(**others)) == 2, name


def test_no_origin_stands_for_all(told: Callable[..., list[str]]) -> None:
    with pytest.raises(ValidationError, match="is no origin"):
        told(cors_origins="*")


def test_a_kept_secret_that_others_can_read_is_named(told: Callable[..., list[str]], tmp_path: Path) -> None:
    kept = tmp_path / "jwt_secret"
    kept.write_text(DRAWN)
    kept.chmod(0o640)
    assert told() == [f"secret: other users of this machine can read {kept}: chmod 600 {kept}"]
    kept.chmod(0o600)
    assert told() == []


def test_no_secret_is_shown(told: Callable[..., list[str]]) -> None:
    lines = told(jwt_secret="a" * 40, key_pepper="hunter2", smtp_url="smtp://me:hunter2@mail.example")
    assert len(lines) == 4
    assert not [line for line in lines if "hunter2" in line or "aaaa" in line]


def test_check_says_them_and_still_succeeds(environment: dict[str, str]) -> None:
    weak = environment | {"ANSWER_JWT_SECRET": "changeme", "ANSWER_WEBHOOK_ALLOW_PRIVATE": "true"}
    done = subprocess.run([*ANSWER, "check"], env=weak, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = [line.split(maxsplit=1)[1] for line in done.stdout.splitlines() if line.startswith("note")]
    assert len([line for line in said if line.startswith(("secret", "webhooks", "durability"))]) == 4
    assert "changeme" not in done.stdout

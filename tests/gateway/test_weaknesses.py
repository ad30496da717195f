"""Settings that work and are weak are told of by `answer check`, and good ones are left alone."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gateway.settings import Settings
from gateway.weaknesses import weaknesses
from tests.processes import ANSWER

if TYPE_CHECKING:
    from collections.abc import Callable

DRAWN = "hW1tq8Zz0mPxV4cJ7sYd2rKfN6bGu9Ea"
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
        ({"host": "0.0.0.0"}, "ANSWER_GRAPHIQL=false"),  # noqa: S104  # nobody listens here
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
    ],
)
def test_what_is_not_weak_is_left_alone(told: Callable[..., list[str]], given: dict[str, Any]) -> None:
    assert told(**given) == []


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

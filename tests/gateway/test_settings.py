"""Settings: what the environment says, and what the documentation says of it."""

import re
from pathlib import Path

import pytest

from gateway.settings import Settings, SettingsError

DOCUMENTED = re.compile(r"^\| `(ANSWER_\w+)` \| (?:`(.*?)`|empty) \| (.+) \|$", re.MULTILINE)


def _default(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None or hasattr(value, "get_secret_value") else str(value)


def test_every_setting_is_documented_as_it_is() -> None:
    text = (Path(__file__).parents[2] / "docs" / "settings.md").read_text()
    documented = {name: (default or "", meaning) for name, default, meaning in DOCUMENTED.findall(text)}
    assert documented == {
        f"ANSWER_{name.upper()}": (_default(field.default), field.description)
        for name, field in Settings.model_fields.items()
    }


def test_every_wrong_variable_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANSWER_PORT", "99999")
    monkeypatch.setenv("ANSWER_DATABASE_URL", "mysql://x/y")
    monkeypatch.setenv("ANSWER_TOKEN_TTL", "soon")
    with pytest.raises(SettingsError) as refused:
        Settings.from_environment()
    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == [
        "ANSWER_DATABASE_URL",
        "ANSWER_PORT",
        "ANSWER_TOKEN_TTL",
    ]


def test_a_generated_secret_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    generated = settings.secret("jwt_secret")
    assert len(generated) >= 32
    assert settings.secret("jwt_secret") == generated
    assert settings.secret("key_pepper") != generated
    assert {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "data").iterdir()} == {
        "jwt_secret": 0o600,
        "key_pepper": 0o600,
    }


def test_a_secret_that_is_set_is_used_and_a_short_one_is_told(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, jwt_secret="short", key_pepper="x" * 32)
    assert settings.secret("jwt_secret") == "short"
    assert settings.short_secrets == ["ANSWER_JWT_SECRET"]
    assert list(tmp_path.iterdir()) == []


def test_secrets_stay_out_of_what_is_printed() -> None:
    settings = Settings(jwt_secret="do-not-tell", key_pepper="nor-this")
    assert "do-not-tell" not in repr(settings)
    assert "nor-this" not in str(settings)

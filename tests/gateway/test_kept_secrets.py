"""Secrets in the data directory: generated once, rotated with an overlap, for their owner alone."""

import datetime as dt
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import jwt
from pydantic import SecretStr

from gateway.checks import checked
from gateway.kept_secrets import WatchedSecrets, kept, rotate
from gateway.settings import Settings
from resolvers.context import Helpdesk
from resolvers.webhooks import create_webhook
from tests.conftest import Person
from tests.processes import ANSWER

NOW = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def test_a_rotation_keeps_the_former_secrets_until_their_tokens_have_ended(tmp_path: Path) -> None:
    path = tmp_path / "jwt_secret"
    first = kept(path).secret
    second = rotate(path, NOW, HOUR).secret
    third = rotate(path, NOW + HOUR / 2, HOUR)
    assert [(each.secret, each.until) for each in third.former] == [
        (second, NOW + 1.5 * HOUR),
        (first, NOW + HOUR),
    ]
    assert kept(path) == third
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.secret for each in rotate(path, NOW + HOUR, HOUR).former] == [third.secret, second]
    assert rotate(path, NOW, None).former == ()
    assert [each.name for each in tmp_path.iterdir()] == ["jwt_secret"]


def test_rotations_at_once_come_one_after_the_other(tmp_path: Path) -> None:
    path = tmp_path / "jwt_secret"
    first = kept(path).secret
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: rotate(path, NOW, HOUR).secret, range(16)))
    last = kept(path)
    assert {last.secret, *(each.secret for each in last.former)} == {first, *made}


def test_a_file_that_went_away_changes_nothing_for_who_has_read_it(tmp_path: Path) -> None:
    watched = WatchedSecrets(tmp_path / "jwt_secret", ("accepted",))
    before = watched(NOW)
    (tmp_path / "jwt_secret").unlink()
    assert watched(NOW) == before
    assert before.accepted == ("accepted",)


def test_nothing_kept_is_told_by_a_repr(tmp_path: Path) -> None:
    path = tmp_path / "jwt_secret"
    first, after = kept(path).secret, rotate(path, NOW, HOUR)
    told = repr((after, after.former, WatchedSecrets(path)(NOW), WatchedSecrets(path)))
    assert first not in told
    assert after.secret not in told


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*ANSWER, *arguments], env=environment, capture_output=True, text=True, timeout=60)


def test_answer_secrets_rotate_is_followed_by_a_running_server(
    server: tuple[str, Path], environment: dict[str, str]
) -> None:
    """An operator rotates while the server runs: tokens of before are taken, new ones have another `kid`."""
    address, said = server
    words = said.read_text().split()
    credentials = {name: words[words.index(name) + 1] for name in ("api_key", "api_secret")}

    def token() -> str:
        return str(httpx.post(f"{address}/v1/auth/token", json=credentials).json()["token"])

    def status(token: str) -> int:
        return httpx.get(f"{address}/v1/tickets", headers={"Authorization": f"Bearer {token}"}).status_code

    before = token()
    done = run(environment, "secrets", "rotate")
    assert done.returncode == 0, done.stderr
    secrets = (Path(environment["ANSWER_DATA_DIR"]) / "jwt_secret").read_text().split()
    assert not any(secret in done.stdout + done.stderr for secret in secrets[:2])
    forged = jwt.encode({}, secrets[0], "HS256", headers={"kid": done.stdout.split("secret ")[1][:8]})
    # a token whose kid it does not know makes the server look at once; this one is refused for its claims
    assert status(forged) == 401
    after = token()
    kids = [jwt.get_unverified_header(each)["kid"] for each in (before, after)]
    assert kids[1] in done.stdout.splitlines()[0]
    assert kids[0] in done.stdout.splitlines()[1]
    assert (status(before), status(after)) == (200, 200)
    checked = run(environment, "check").stdout
    assert f"{kids[1]} signs, {kids[0]} taken as well" in checked
    run(environment, "secrets", "rotate", "--at-once")
    status(jwt.encode({}, "x" * 32, "HS256", headers={"kid": "unknown"}))
    assert (status(before), status(after), status(token())) == (401, 401, 200)


def test_a_secret_of_the_environment_is_rotated_there(environment: dict[str, str]) -> None:
    done = run(environment | {"ANSWER_JWT_SECRET": "e" * 40}, "secrets", "rotate")
    assert done.returncode == 1
    assert "ANSWER_JWT_SECRETS_ACCEPTED" in done.stderr
    assert "e" * 40 not in done.stdout + done.stderr
    assert not (Path(environment["ANSWER_DATA_DIR"]) / "jwt_secret").exists()


async def test_check_says_when_the_pepper_is_not_the_one_the_database_was_filled_with(
    helpdesk: Helpdesk, admin: Person, address: str, tmp_path: Path
) -> None:
    settings = Settings(data_dir=tmp_path, database_url=address)
    async with helpdesk.operation(None) as nobody:
        caller = await helpdesk.tokens.caller(helpdesk, helpdesk.tokens.verify(admin.token, nobody.now()))
    async with helpdesk.operation(caller) as ctx:
        await create_webhook(ctx, {"url": "https://93.184.216.34/x", "events": ["*"]})
    assert not any(line.is_failure for line in await checked(settings))
    others = settings.model_copy(update={"key_pepper": SecretStr("o" * 40)})
    [failed] = [line for line in await checked(others) if line.is_failure]
    assert (failed.name, "another key_pepper" in failed.text) == ("database", True)

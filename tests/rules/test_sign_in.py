"""Signing in: keys, tokens, and what is refused (D31)."""

import base64
import hmac
import json
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from resolvers.context import Helpdesk
from resolvers.tokens import make_key, revoke_key
from tests.conftest import Clock, Person
from tests.contents import Unchanged
from tests.doors import Door, Outcome, opened

CLAIMS = ("iss", "aud", "sub", "jti", "iat", "exp", "workspace", "role", "key")
SECRET = "j" * 64  # of tests/one_app.py


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


async def test_a_token_says_who_which_workspace_and_which_role(
    door: Door, clock: Clock, agent: Person
) -> None:
    signed_in = (await door.sign_in(agent.api_key, agent.api_secret)).done()
    assert (signed_in["expires_in"], signed_in["token_type"]) == (3600, "Bearer")
    claims = claims_of(signed_in["token"])
    assert set(claims) == set(CLAIMS)
    assert (claims["sub"], claims["workspace"], claims["role"]) == (
        str(agent.id),
        agent.workspace.id,
        "agent",
    )
    assert claims["exp"] - claims["iat"] == 3600
    assert 0 <= clock.moment.timestamp() - claims["iat"] < 2
    header = jwt.get_unverified_header(signed_in["token"])
    assert (header["alg"], bool(header["kid"])) == ("HS256", True)
    again = (await door.sign_in(agent.api_key, agent.api_secret)).done()
    assert claims_of(again["token"])["jti"] != claims["jti"]
    assert (await door.tickets(signed_in["token"])).ok


async def test_a_wrong_key_and_a_wrong_secret_get_the_same_words(
    door: Door, helpdesk: Helpdesk, agent: Person, admin: Person, unchanged: Unchanged
) -> None:
    await revoke_key(helpdesk, admin.api_key)
    async with unchanged():
        refused = [
            await door.sign_in(api_key, api_secret)
            for api_key, api_secret in (
                ("ak_nobody", agent.api_secret),
                (agent.api_key, "as_wrong"),
                (agent.api_key, admin.api_secret),
                (agent.api_key.swapcase(), agent.api_secret),
                (agent.api_secret, agent.api_key),
                (admin.api_key, admin.api_secret),  # revoked
                ("%", "' OR 1=1 --"),
            )
        ]
    assert refused == [Outcome(code="UNAUTHORIZED", message="Invalid API key or secret")] * len(refused)


async def test_missing_credentials_are_named_at_once(door: Door, agent: Person) -> None:
    both = {"api_key": "is required", "api_secret": "is required"}
    blank = await door.sign_in(" ", "")
    assert (blank.code, blank.wrong) == ("VALIDATION_ERROR", both)
    assert (await door.sign_in("k" * 201, "s")).wrong == {"api_key": "must be at most 200 characters"}
    for bad in (5, ["x"], {"a": 1}):
        refused = await door.sign_in(bad, agent.api_secret)
        assert refused.code == "VALIDATION_ERROR"
    assert (await door.sign_in("a\x00b", agent.api_secret)).code == "VALIDATION_ERROR"


async def test_a_token_ends_when_it_said(door: Door, clock: Clock, agent: Person) -> None:
    ends = claims_of(agent.token)["exp"]
    clock.pass_(seconds=ends - clock.moment.timestamp() - 1)
    assert (await door.tickets(agent)).ok
    clock.pass_(seconds=1)
    refused = await door.tickets(agent)
    assert refused.code == "UNAUTHORIZED"
    assert refused.message == "The token has expired. Exchange your API key for a new one"
    assert (await door.sign_in(agent.api_key, agent.api_secret)).ok


async def test_a_token_of_a_machine_whose_clock_is_ahead_is_good(
    door: Door, clock: Clock, agent: Person
) -> None:
    clock.pass_(days=365)
    ahead = (await door.sign_in(agent.api_key, agent.api_secret)).done()["token"]
    clock.pass_(seconds=-1)
    assert (await door.tickets(ahead)).ok


async def test_a_revoked_key_stops_within_ten_seconds(
    door: Door, helpdesk: Helpdesk, clock: Clock, agent: Person, admin: Person
) -> None:
    assert (await door.tickets(agent)).ok
    assert await revoke_key(helpdesk, agent.api_key)
    assert not await revoke_key(helpdesk, agent.api_key)
    assert (await door.sign_in(agent.api_key, agent.api_secret)).code == "UNAUTHORIZED"
    clock.pass_(seconds=9.9)
    assert (await door.tickets(agent)).code == "UNAUTHORIZED"
    assert (await door.tickets(admin)).ok


async def test_a_user_switched_off_or_given_another_role_is_that_within_ten_seconds(
    door: Door, clock: Clock, agent: Person, admin: Person
) -> None:
    assert (await door.list(agent, "user")).ok
    await door.change(admin, "user", agent.id, type="customer")
    clock.pass_(seconds=9.9)
    assert (await door.list(agent, "user")).code == "FORBIDDEN"
    await door.change(admin, "user", agent.id, is_active=False)
    clock.pass_(seconds=9.9)
    assert (await door.tickets(agent)).code == "UNAUTHORIZED"
    assert (await door.sign_in(agent.api_key, agent.api_secret)).code == "UNAUTHORIZED"


async def test_a_key_made_for_somebody_who_exists_is_theirs(
    door: Door, helpdesk: Helpdesk, agent: Person
) -> None:
    made, user, _ = await make_key(helpdesk, "agent", workspace="default", email="AGENT@default.example")
    assert user.id == agent.id
    token = (await door.sign_in(made.row.api_key, made.api_secret)).done()["token"]
    assert (await opened(door, token))["activity_log"][0]["user"]["id"] == agent.id


def signed(
    token: str, *, secret: str = SECRET, kid: str | None = "", algorithm: str = "HS256", **changes: Any
) -> str:
    """The token as it would be with changed claims (None: without it), signed with our own secret or another."""
    told = {name: value for name, value in (claims_of(token) | changes).items() if value is not None}
    own = jwt.get_unverified_header(token)["kid"]
    return jwt.encode(told, secret, algorithm, headers={} if kid is None else {"kid": kid or own})


NO_SECRET: Any = None  # what PyJWT wants for `alg: none`


def forgeries(token: str) -> dict[str, str]:
    """Tokens that were never given out, by what is wrong with them."""
    claims, kid = claims_of(token), jwt.get_unverified_header(token)["kid"]
    head, body, signature = token.split(".")
    without: dict[str, dict[str, Any]] = {name: {name: None} for name in CLAIMS}
    return (
        {f"without {name}": signed(token, **change) for name, change in without.items()}
        | {
            "alg none": jwt.encode(claims, NO_SECRET, "none", headers={"kid": kid}),
            "alg none, and the body": ".".join(
                (jwt.encode({}, NO_SECRET, "none").split(".", 1)[0], body, "")
            ),
            "another algorithm": signed(token, algorithm="HS384"),
            "another secret": signed(token, secret="k" * 64),
            "without kid": signed(token, kid=None),
            "another kid": signed(token, kid="0" * 8),
            "another audience": signed(token, aud="somebody"),
            "two audiences": signed(token, aud=["answer", "somebody"]),
            "another issuer": signed(token, iss="somebody"),
            "another user": signed(token, sub=str(int(claims["sub"]) + 1)),
            "another workspace": signed(token, workspace=claims["workspace"] + 1),
            "another key": signed(token, key=claims["key"] + 1),
            "a key of no 64 bits": signed(token, key=2**70),
            "a key that is a word": signed(token, key="1"),
            "a user that is a word": signed(token, sub="admin"),
            "a tampered body": ".".join(
                (head, body[:-2] + ("A" if body[-2] != "A" else "B") + body[-1], signature)
            ),
            "a tampered signature": ".".join((head, body, signature[::-1])),
            "no signature": f"{head}.{body}.",
            "two parts": f"{head}.{body}",
            "a word": "nonsense",
            "nothing": "",
            "a page": "a" * 5000,
            "nested": "eyJhbGciOiJub25lIn0." * 3,
            "already ended": signed(token, iat=claims["iat"] - 7200, exp=claims["iat"] - 3600),
            "an end that is a word": signed(token, exp="tomorrow"),
            "an end without end": signed(token, exp=float("inf")),
            "not yet valid": signed(token, nbf=claims["iat"] + 3600),
            "valid from a word": signed(token, nbf="soon"),
            "issued tomorrow": signed(token, iat=claims["iat"] + 86_400, exp=claims["iat"] + 90_000),
            "a workspace that is a truth": signed(token, workspace=True),
        }
        | confused(token)
    )


def confused(token: str) -> dict[str, str]:
    """Tokens whose header means to say which key or algorithm verifies them (RFC 8725, 2.1 and 3.1)."""
    claims, kid = claims_of(token), jwt.get_unverified_header(token)["kid"]
    theirs = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = theirs.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    mac = base64.urlsafe_b64encode(b"k" * 32).rstrip(b"=").decode()
    own: dict[str, Any] = {"kty": "oct", "k": mac}
    stolen: dict[str, dict[str, Any]] = {
        "its own key": {"jwk": own},
        "a key elsewhere": {"jku": "https://evil.example/keys", "x5u": "https://evil.example/cert"},
        "a kid of the file system": {"kid": "../../../../dev/null"},
        "a kid of the database": {"kid": "' UNION SELECT 'k"},
        "an empty kid": {"kid": ""},
        "what must be understood": {"crit": ["exp"]},
    }
    return {
        "RS256": jwt.encode(claims, theirs, "RS256", headers={"kid": kid}),
        "ES256": jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), "ES256", headers={"kid": kid}),
        "HS256 by a public key": by_hand({"alg": "HS256", "kid": kid}, claims, public),
        "a kid that is a list": by_hand({"alg": "HS256", "kid": [kid]}, claims, SECRET.encode()),
        "alg None": by_hand({"alg": "NoNe", "kid": kid}, claims, b""),
        "a body apart": by_hand({"alg": "HS256", "kid": kid, "b64": False, "crit": ["b64"]}, claims, b"k"),
        "encrypted": f"{token}.{token.rsplit('.', 1)[1]}.x",
    } | {
        what: jwt.encode(claims, "k" * 64, "HS256", headers={"kid": kid} | header)
        for what, header in stolen.items()
    }


def by_hand(header: dict[str, Any], claims: dict[str, Any], key: bytes) -> str:
    """A token with a header that no library would write, signed by HMAC."""
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
    signing = b".".join(parts)
    mac = base64.urlsafe_b64encode(hmac.digest(key, signing, "sha256")).rstrip(b"=")
    return f"{signing.decode()}.{mac.decode()}"


async def test_no_other_token_is_taken(door: Door, agent: Person, unchanged: Unchanged) -> None:
    async with unchanged():
        for what, token in forgeries(agent.token).items():
            refused = await door.tickets(token)
            assert refused.code == "UNAUTHORIZED", what
        assert (await door.tickets(None)).code == "UNAUTHORIZED"
        assert (await door.open_ticket(None, subject="x")).code == "UNAUTHORIZED"
    assert (await door.tickets(agent)).ok
    assert (await door.tickets(signed(agent.token))).ok  # so it was not the signing


@pytest.mark.parametrize("path", ["/v1/tickets", "/graphql"])
async def test_who_is_refused_is_told_how_to_sign_in(
    http: httpx.AsyncClient, agent: Person, path: str
) -> None:
    for header in (None, "Basic YTpi", "Bearer", "Bearer ", f"Token {agent.token}", agent.token, "\xff"):
        headers = {} if header is None else {b"Authorization": header.encode("latin-1")}
        response = await http.post(path, json={"query": "{ viewer { id } }"}, headers=headers)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")
    spelled = {"Authorization": f"bearer  {agent.token} "}
    assert (await http.post(path, json={"query": "{ viewer { id } }"}, headers=spelled)).status_code != 401

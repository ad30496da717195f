"""The command `answer`, run as a person runs it: a process of its own, an empty data directory."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx

from tests.processes import ANSWER


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*ANSWER, *arguments], env=environment, capture_output=True, text=True, timeout=60)


def made_key(environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    done = run(environment, "keys", "create", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def test_a_key_is_made_with_all_it_needs(environment: dict[str, str]) -> None:
    made = made_key(environment, "--role", "agent", "--tier", "starter")
    assert set(made) == {"api_key", "api_secret", "role", "tier", "workspace_id", "user_id"}
    assert (made["role"], made["tier"]) == ("agent", "starter")
    again = made_key(environment, "--role", "agent")
    assert (again["user_id"], again["workspace_id"], again["tier"]) == (
        made["user_id"],
        made["workspace_id"],
        "starter",
    )
    assert again["api_key"] != made["api_key"]
    elsewhere = made_key(
        environment, "--role", "customer", "--workspace", "Elsewhere", "--email", "x@y.example"
    )
    assert elsewhere["workspace_id"] != made["workspace_id"]


def test_keys_are_listed_without_their_secrets_and_revoked_once(environment: dict[str, str]) -> None:
    made = made_key(environment, "--role", "admin")
    listed = run(environment, "keys", "list").stdout
    assert made["api_key"] in listed
    assert "admin@default.example" in listed
    assert made["api_secret"] not in listed
    assert run(environment, "keys", "revoke", made["api_key"]).returncode == 0
    assert "revoked" in run(environment, "keys", "list").stdout
    again = run(environment, "keys", "revoke", made["api_key"])
    assert again.returncode == 1
    assert "No active key" in again.stderr


def test_the_schema_is_printed_as_it_is_committed(environment: dict[str, str]) -> None:
    committed = (Path(__file__).parents[2] / "schema.graphql").read_text()
    assert run(environment, "schema").stdout == committed


def test_check_explains_and_fails_when_the_database_is_out(environment: dict[str, str]) -> None:
    fine = run(environment, "check")
    assert fine.returncode == 0, fine.stdout + fine.stderr
    assert "is empty; answer serve makes the tables" in fine.stdout
    run(environment, "migrate")
    assert "revision" in run(environment, "check").stdout
    out = run(environment | {"ANSWER_DATABASE_URL": "postgresql://nobody:hidden-word@127.0.0.1:1/x"}, "check")
    assert out.returncode == 1
    assert "FAIL  database" in out.stdout
    assert "hidden-word" not in out.stdout


def test_a_mistake_is_a_line_and_no_trace(environment: dict[str, str]) -> None:
    for arguments, more, told in (
        (("serve",), {"ANSWER_PORT": "0"}, "ANSWER_PORT"),
        (("serve",), {"ANSWER_WORKERS": "2"}, "SQLite serves one process"),
        (("keys", "create", "--role", "admin", "--email", "nonsense"), {}, "email"),
        (("keys", "list"), {"ANSWER_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}, "cannot be reached"),
        (("migrate",), {"ANSWER_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}, "cannot be reached"),
    ):
        done = run(environment | more, *arguments)
        assert done.returncode != 0
        assert told in done.stderr
        assert "Traceback" not in done.stderr


def test_serving_an_empty_directory_prints_a_key_that_signs_in(server: tuple[str, Path]) -> None:
    address, said = server
    text = said.read_text()
    [api_key] = re.findall(r"api_key +(\S+)", text)
    [api_secret] = re.findall(r"api_secret +(\S+)", text)
    token = httpx.post(f"{address}/v1/auth/token", json={"api_key": api_key, "api_secret": api_secret}).json()
    assert (token["success"], token["expires_in"], token["token_type"]) == (True, 3600, "Bearer")
    headers = {"Authorization": f"Bearer {token['token']}"}
    ticket = {"subject": "Hello", "content": "World", "requester_email": "jane@acme.example"}
    opened = httpx.post(f"{address}/v1/tickets", json=ticket, headers=headers)
    assert opened.status_code == 201
    asked = {"query": "{ tickets { nodes { databaseId subject } } viewer { type } }"}
    answered = httpx.post(f"{address}/graphql", json=asked, headers=headers).json()
    assert answered["data"] == {
        "tickets": {"nodes": [{"databaseId": opened.json()["data"]["id"], "subject": "Hello"}]},
        "viewer": {"type": "ADMIN"},
    }

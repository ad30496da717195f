"""schemathesis, which nobody here wrote, against a running Answer: the OpenAPI document and the graph say what it does.

A job of its own, `make contract`: it takes minutes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.gateway.conftest import environment, port, server
from tests.processes import ANSWER

__all__ = ["environment", "port", "server"]

pytestmark = [pytest.mark.contract, pytest.mark.timeout(900)]

HOOKS: Final = Path(__file__).with_name("hooks.py")
EXAMPLES: Final = os.environ.get("EXAMPLES", "10")
"""Cases of each call that are made up at random, besides those that its document asks for."""
FOR_REST: Final = (
    "--exclude-checks",
    "positive_data_acceptance",  # the hooks have it in fair words
    "--exclude-operation-id",
    "revokeApiKey",  # it would revoke the very key that it signs in with
)
FOR_THE_GRAPH: Final = (
    "--exclude-checks",
    "not_a_server_error",  # the same
    "--generation-allow-x00",
    "false",  # no type of GraphQL says that a string must not hold U+0000; docs/graphql.md does
    "--exclude-name",
    "Mutation.apiKeyRevoke",  # the same
    "--exclude-name",
    "Mutation.attachmentCreate",  # its file comes in a form, which schemathesis does not send to graphs
)

Find = Callable[..., None]


@pytest.fixture
def token(server: tuple[str, Path], environment: dict[str, str]) -> str:
    """Of an admin whose workspace has no limit."""
    create = [
        "keys",
        "create",
        "--role",
        "admin",
        "--tier",
        "enterprise",
        "--workspace",
        "contract",
        "--json",
    ]
    made = subprocess.run([*ANSWER, *create], env=environment, capture_output=True, check=True)
    key = {name: json.loads(made.stdout)[name] for name in ("api_key", "api_secret")}
    answer = httpx.post(f"{server[0]}/v1/auth/token", json=key)
    token: str = answer.json()["token"]
    return token


@pytest.fixture
def finds_nothing(token: str, server: tuple[str, Path], environment: dict[str, str], tmp_path: Path) -> Find:
    """`finds_nothing("/path", *options)` runs schemathesis there, and fails with what it found."""

    def run(path: str, *options: str) -> None:
        command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{server[0]}{path}"]
        command += ["-H", f"Authorization: Bearer {token}", "--no-color", "--continue-on-failure"]
        command += ["--max-examples", EXAMPLES, "--seed", "1", *options]
        hooked = environment | {"SCHEMATHESIS_HOOKS": str(HOOKS)}
        done = subprocess.run(command, env=hooked, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert httpx.get(f"{server[0]}/health").json()["status"] == "healthy"

    return run


def test_the_server_does_what_the_openapi_document_says(finds_nothing: Find) -> None:
    finds_nothing("/v1/openapi.json", *FOR_REST)


def test_every_field_of_the_graph_answers_whatever_is_asked(finds_nothing: Find) -> None:
    finds_nothing("/graphql", *FOR_THE_GRAPH)

"""Which suites there are: each runner with its arguments, how long it takes, and what is known to be missing."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
CREATE: Final = (
    'mutation{ticketCreate(input:{subject:"a",content:"b",requesterEmail:"a@example.com"})'
    "{ticket{id subject} userErrors{message}}}"
)
FOLLOW: Final = 'subscription{events(types:["ticket.created"]){sequence type ticket{id subject}}}'
UPLOAD: Final = (
    "mutation($ticketId: ID!, $file: Upload!)"
    "{attachmentCreate(ticketId: $ticketId, file: $file){attachment{id url} userErrors{code message field}}}"
)
LIST: Final = '{"query":"{ tickets(first: 3) { totalCount nodes { id subject requester { name } } } }"}'
UPLOAD_OF_ID: Final = "mutation($f:Upload!,$id:ID!){attachmentCreate(ticketId:$id,file:$f){attachment{id}}}"


class Suite(NamedTuple):
    """One runner. In its arguments BASE, TOKEN and SDL stand for the server, its token and `schema.graphql`; CONTROL for
    where the proxy before its database takes orders.
    """

    name: str
    runner: str
    arguments: tuple[str, ...]
    is_fast: bool = False
    is_slow: bool = False
    settings: Mapping[str, str] = NOTHING
    """Environment variables of the server, beside those that every suite's server gets."""
    has_faults: bool = False
    """Whether its database is a PostgreSQL behind a proxy that makes faults (tests/audits/faults.py)."""
    expected: Mapping[str, str] = NOTHING
    """Cases that are known to fail, each with the reason. One that passes is as unexpected as any failure."""


SUITES: Final = (
    Suite("http_audit", "http_audit.mjs", ("BASE", "TOKEN", "--strict"), is_fast=True),
    Suite("http_spec", "http_spec.mjs", ("BASE", "TOKEN", "--strict"), is_fast=True),
    Suite("relay_spec", "relay_spec.py", ("BASE", "TOKEN", "--sdl", "SDL"), is_fast=True),
    Suite(
        "lint_schema",
        "lint_schema.mjs",
        # it wants every list to be a connection's; some are short, and bounded by their rule (docs/graphql.md)
        ("SDL", "--allow", "relay-edge-types"),
        is_fast=True,
    ),
    Suite(
        "gql_fuzz",
        "gql_fuzz.py",
        ("BASE", "TOKEN", "--sdl", "SDL", "--examples", "10", "--require-code"),
        is_fast=True,
    ),
    Suite("rest_audit", "rest_audit.py", ("BASE", "TOKEN"), is_fast=True),
    Suite(
        "upload_audit",
        "upload_audit.py",
        (
            *("BASE", "TOKEN", "--mutation", UPLOAD, "--file-var", "file", "--vars", '{"ticketId": "1"}'),
            *("--rest", "/v1/tickets/1/attachments", "--download", "data.url"),
        ),
        is_fast=True,
    ),
    Suite(
        "gql_fuzz long",
        "gql_fuzz.py",
        ("BASE", "TOKEN", "--sdl", "SDL", "--examples", "150", "--require-code"),
    ),
    Suite(
        "clients",
        "clients.mjs",
        (
            "BASE",
            "TOKEN",
            "--conn",
            "tickets",
            "--field",
            "subject",
            "--sub",
            FOLLOW,
            "--trigger",
            CREATE,
            "--mutation",
            CREATE,
        ),
    ),
    Suite(
        "gql_client",
        "gql_client.py",
        (
            *("BASE", "TOKEN", "--sub", FOLLOW, "--trigger", CREATE),
            *("--vars", '{"id": "1"}', "--upload", UPLOAD_OF_ID),
        ),
    ),
    Suite("codegen", "codegen.sh", ("SDL", "BASE", "TOKEN")),
    Suite("openapi_audit", "openapi_audit.sh", ("BASE", "TOKEN", "/v1/openapi.json")),
    Suite(
        "webhook_audit",
        "webhook_audit.py",
        ("BASE", "TOKEN", "--retry-wait", "30", "--tries", "2"),  # the second retry comes after five minutes
        settings={"ANSWER_WEBHOOK_ALLOW_PRIVATE": "true"},
    ),
    Suite(
        "webhook_audit retries",
        "webhook_audit.py",
        ("BASE", "TOKEN", "--retry-wait", "360"),
        is_slow=True,
        settings={"ANSWER_WEBHOOK_ALLOW_PRIVATE": "true"},
    ),
    Suite("db_faults", "db_faults.py", ("BASE", "TOKEN", "--control", "CONTROL"), has_faults=True),
    Suite(
        "db_faults graph",
        "db_faults.py",
        ("BASE", "TOKEN", "--control", "CONTROL", "--probe", "/graphql", "--body", LIST),
        has_faults=True,
    ),
    Suite("webhook_audit private", "webhook_audit.py", ("BASE", "TOKEN", "--expect-ssrf-block")),
)

"""Ids of the graph: `tkt_12` outside, 12 in the database and in REST; every id argument takes either."""

import re
from collections.abc import Mapping
from typing import Any, Final

import strawberry
from strawberry import Parent

from db import rows
from schema.edges import reads, shows

PREFIXES: Final = {
    "Ticket": "tkt",
    "Reply": "rpl",
    "User": "usr",
    "Organization": "org",
    "Category": "cat",
    "Attachment": "att",
    "Activity": "act",
    "Workspace": "wsp",
    "Webhook": "whk",
    "WebhookDelivery": "dlv",
    "ApiKey": "key",
    "TicketRating": "rtg",
    "DeliveryAttempt": "try",
    "Event": "evt",
}
ROWS: Final[Mapping[str, type[Any]]] = {
    "Ticket": rows.Ticket,
    "Reply": rows.Reply,
    "User": rows.User,
    "Organization": rows.Organization,
    "Category": rows.Category,
    "Activity": rows.Activity,
}
"""The rows behind the types that are read with the columns that are selected; all others are read whole."""
_ID: Final = re.compile(r"(?:([a-z]{3})_)?([1-9][0-9]{0,17})", re.ASCII)


@strawberry.interface
class Node:
    """Anything that can be fetched again by its id."""

    id: strawberry.ID = strawberry.field(
        description="Its id in the graph, the same for as long as it exists."
    )


def global_id(kind: str, row_id: int) -> strawberry.ID:
    """The id of a row in the graph."""
    return strawberry.ID(f"{PREFIXES[kind]}_{row_id}")


def row_id(kind: str, value: str | None) -> int:
    """The row's id in either spelling; 0, which no row has, for anything else."""
    found = _ID.fullmatch(value or "")
    return int(found[2]) if found and found[1] in (None, PREFIXES[kind]) else 0


def kind_and_row_id(value: str) -> tuple[str, int] | None:
    """The kind and the row's id that a global id names; None for anything else, bare numbers too."""
    found = _ID.fullmatch(value)
    kinds = {prefix: kind for kind, prefix in PREFIXES.items()}
    return (kinds[found[1]], int(found[2])) if found and found[1] in kinds else None


def id_field(kind: str) -> Any:
    """The field `id` of a type. The expression is what the resolver does, in a word (schema/levels/assembly.py)."""
    prefix = PREFIXES[kind]

    def resolve(root: Parent[Any]) -> strawberry.ID:
        return strawberry.ID(f"{prefix}_{root.id}")

    return strawberry.field(
        resolver=resolve,
        metadata=reads("id") | {"expression": f'f"{prefix}_{{row.id}}"'},
        description="Its id in the graph, the same for as long as it exists.",
    )


def database_id_field() -> Any:
    """The field `databaseId` of a type."""

    def resolve(root: Parent[Any]) -> int:
        row: int = root.id
        return row

    return strawberry.field(resolver=resolve, metadata=shows("id"), description="Its id in the REST API.")

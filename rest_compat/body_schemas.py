"""What the fields of a body may hold, as JSON Schema: read off the very checks that the resolvers run.

A check is a closure of resolvers/fields.py; its name says which, and what it closes over are its limits. A new check
needs a line in the table below, and `schema_of` says so until it has one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from resolvers import fields, webhooks
from resolvers.events import PATTERNS
from resolvers.fields import Field
from rest_compat.endpoint import Body

Schema = dict[str, Any]

# what both engines can store, and something in it that is not blank
_NO_NUL: Final = r"^[^\u0000]*$"
_FILLED: Final = r"^[^\u0000]*[^\s\u0000][^\u0000]*$"
_PORT: Final = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
_LARGEST_NUMBER: Final = 2**63 - 1

_SCHEMAS: Final[dict[str, Callable[[Mapping[str, Any]], Schema]]] = {
    "text.<locals>.check": lambda of: _text(of["longest"], _FILLED) | {"minLength": 1},
    "optional_text.<locals>.check": lambda of: _text(of["filled"], _NO_NUL),
    "one_of.<locals>.check": lambda of: {"type": "string", "enum": list(of["words"])},
    "boolean": lambda _: {"type": "boolean"},
    "whole_number.<locals>.check": lambda of: {
        "type": "integer",
        "minimum": of["smallest"],
        "maximum": of["largest"],
    },
    "row_id": lambda _: {"type": "integer", "minimum": 1, "maximum": _LARGEST_NUMBER},
    "row_ids": lambda _: {
        "type": "array",
        "maxItems": fields.MOST_IDS,
        "items": {"type": "integer", "minimum": 1, "maximum": _LARGEST_NUMBER},
    },
    "upload": lambda _: {"type": "string", "format": "binary"},
    "email": lambda _: {"type": "string", "format": "email", "maxLength": fields.LONGEST_EMAIL},
    "domain": lambda _: _text(253, r"^(([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63})?$"),
    "slug": lambda _: _text(fields.LONGEST_SLUG, r"^[a-z0-9]+(-[a-z0-9]+)*$"),
    "color": lambda _: {"type": "string", "pattern": "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$"},
    "web_address": lambda _: _text(2048, r"^https?://[a-zA-Z0-9][a-zA-Z0-9.-]*(:[0-9]{1,5})?(/[!-~]*)?$"),
    "url": lambda _: _text(
        webhooks.LONGEST_URL,
        rf"^[Hh][Tt][Tt][Pp][Ss]?://[a-zA-Z0-9][a-zA-Z0-9.-]*(:{_PORT})?([/?][!-\[\]-~]*)?$",  # all but the backslash
    ),
    "patterns": lambda _: {
        "type": "array",
        "minItems": 1,
        "maxItems": len(PATTERNS),
        "items": {"type": "string", "enum": list(PATTERNS)},
    },
    "secret": lambda _: _text(webhooks.LONGEST_SECRET, _FILLED) | {"minLength": 1},
    "tags": lambda _: {
        "type": "array",
        "maxItems": fields.MOST_TAGS,
        "items": _text(fields.LONGEST_TAG, _FILLED) | {"minLength": 1},
    },
    # how deep, how many keys in all, how many bytes are left to the words of the description: a schema that refers to
    # itself says a little more, and neither TypeScript's nor Python's generators can read it
    "metadata": lambda _: {
        "type": "object",
        "maxProperties": fields.METADATA_KEYS,
        "propertyNames": {"pattern": _NO_NUL},
        "additionalProperties": True,
    },
}

ABOUT: Final[dict[str, str]] = {
    "api_key": "Your API key",
    "api_secret": "The secret that was shown with it",
    "assigned_to": "Agent ID to assign",
    "attachment_ids": "Files that you uploaded to the ticket, to come with the reply",
    "avatar_url": "Address of a picture",
    "category_id": "Category ID to assign",
    "color": "As #rgb or #rrggbb",
    "comment": "What the requester adds to it",
    "content": "The text, plain or CommonMark",
    "description": "What belongs here",
    "domain": "Whoever writes from this domain is placed in the organization",
    "email": "E-mail address, unique in the workspace",
    "events": "What to be told of",
    "file": "File to upload, at most 10 MiB",
    "is_active": "Users who are not active can neither sign in nor be assigned tickets, webhooks are told nothing",
    "is_internal": "An internal note, which customers never see",
    "metadata": f"Custom metadata object: at most {fields.METADATA_BYTES // 1024} KiB, {fields.METADATA_KEYS} keys, "
    f"{fields.METADATA_DEPTH} levels",
    "name": "Name",
    "notes": "Notes for agents",
    "notify_requester": "Whether the requester is notified; never of an internal note",
    "organization_id": "Organization they belong to",
    "parent_id": "Category that this one is below",
    "phone": "Phone number",
    "priority": "How urgent it is",
    "rating": "1 (bad) to 5 (excellent)",
    "reply_id": "Reply that the file belongs to",
    "requester_email": "Email of the ticket requester",
    "requester_name": "Name of the requester, when they are new",
    "secret": "What deliveries are signed with: `whsec_` and base64, or any text; made when absent",
    "slug": "Lower-case letters, digits and single hyphens, unique in the workspace; made from the name when absent",
    "status": "Where the ticket stands",
    "subject": "Ticket subject",
    "tags": "Array of tag strings",
    "type": "What they may do; agents and admins are made by admins",
    "update_status": "Status to set together with the reply",
    "url": "Where to send them; not a private address",
    "user_id": "User it is about: who is to watch, whom the key acts as",
}
"""What each field of a body means: one name means the same everywhere."""


def schema_of(body: Body) -> Schema:
    """The JSON Schema of a body. Raises KeyError for a check or a field that nobody has described here."""
    required = [] if body.is_update else [name for name, each in body.fields.items() if each.is_required]
    return {
        "type": "object",
        "title": body.name,
        "properties": {name: _property(name, each, body) for name, each in body.fields.items()},
        **({"required": required} if required else {}),
        "additionalProperties": body.takes_unknown,
    }


def _property(name: str, each: Field, body: Body) -> Schema:
    schema = _SCHEMAS[each.check.__qualname__](inspect.getclosurevars(each.check).nonlocals)
    # in a new thing null counts as absent where absent is fine; in an update it clears what may be empty (D19)
    is_nullable = each.is_nullable or not (body.is_update or each.is_required)
    if is_nullable and not body.is_form:  # a form has no null
        schema["type"] = [schema["type"], "null"]
        if "enum" in schema:
            schema["enum"] = [*schema["enum"], None]
    # a null default is what absent means anyway
    default = {} if body.is_update or each.default in (None, [], {}) else {"default": each.default}
    return schema | {"description": ABOUT[name]} | default


def _text(longest: Any, pattern: str) -> Schema:
    """Text of at most so many characters; `longest` may be a check that knows."""
    if callable(longest):
        longest = inspect.getclosurevars(longest).nonlocals["longest"]
    return {"type": "string", "maxLength": longest, "pattern": pattern}

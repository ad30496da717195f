"""Which tickets a caller asks for, as conditions: the same filter for REST parameters and the graph's TicketFilter."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from db.conditions import Condition, values_of
from resolvers import fields
from resolvers.context import Caller
from resolvers.errors import ValidationError
from resolvers.visibility import Conditions

DEEPEST: Final = 3
LONGEST_LIST: Final = 100
MOST_CONDITIONS: Final = 50
"""Conditions of one filter, its inner ones counted: each is SQL to be written, planned and remembered."""
Filter = Mapping[str, Any]


def conditions(caller: Caller, filter_: Filter, depth: int = 1) -> Conditions:
    """What the filter asks for; every part must be met.

    Keys: `status`, `priority`, `category`, `requester`, `organization` (lists, any of them);
    `assigned_to` {ids, me, none} (any of them); `tags` {any, all}; `created_at`, `updated_at` {gte, lt};
    `search`; `and`, `or` (lists of filters), `not` (a filter). An absent or None key asks for nothing.

    Raises ValidationError: nested deeper than DEEPEST, a list longer than LONGEST_LIST, more than MOST_CONDITIONS.
    """
    if depth > DEEPEST:
        raise ValidationError(f"A filter may be nested at most {DEEPEST} levels deep")
    found: list[Condition] = []
    for name, value in filter_.items():
        if value is not None:
            found += _condition(caller, name, value, depth)
    if depth == 1 and len(values_of(found)) > MOST_CONDITIONS:
        raise ValidationError(
            f"A filter may have at most {MOST_CONDITIONS} conditions, its inner ones counted"
        )
    return tuple(found)


def _condition(caller: Caller, name: str, value: Any, depth: int) -> Sequence[Condition]:
    match name:
        case "assigned_to":
            return [_assigned_to(caller, value)]
        case "tags":
            return _tagged(value)
        case "created_at" | "updated_at":
            return _between(name.removesuffix("_at"), value)
        case "search":
            return [("search", fields.search_text(value))] if value.strip() else []
        case "and" | "or" | "not":
            return [_combined(caller, name, value, depth + 1)]
        case _:
            return [(name, _bounded(name, value))]


def _combined(caller: Caller, name: str, value: Any, depth: int) -> Condition:
    if name == "not":
        return (name, conditions(caller, value, depth))
    return (name, tuple(conditions(caller, each, depth) for each in _bounded(name, value)))


def _between(name: str, value: Filter) -> list[Condition]:
    return [
        (f"{name}_{bound}", value[bound])
        for bound in ("gte", "lt")
        if isinstance(value.get(bound), dt.datetime)
    ]


def _assigned_to(caller: Caller, value: Filter) -> Condition:
    ids = list(_bounded("assigned_to", value.get("ids") or ()))
    if value.get("me"):
        ids.append(caller.user_id)
    groups: list[Conditions] = []
    if ids or not value.get("none"):
        groups.append((("assigned_to", tuple(ids)),))
    if value.get("none"):
        groups.append((("unassigned", True),))
    return groups[0][0] if len(groups) == 1 else ("or", tuple(groups))


def _tagged(value: Filter) -> list[Condition]:
    found: list[Condition] = []
    if value.get("any") is not None:
        found.append(("tagged", _bounded("tags", value["any"])))
    found += [("tagged", (tag,)) for tag in _bounded("tags", value.get("all") or ())]
    return found


def _bounded(name: str, values: Sequence[Any]) -> tuple[Any, ...]:
    if len(values) > LONGEST_LIST:
        raise fields.refused(name, f"must list at most {LONGEST_LIST} values")
    return tuple(values)

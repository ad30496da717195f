"""Service levels: how soon a ticket is to be answered and resolved, and the clock that pauses while it is pending (D10).

A target is a deadline on the ticket's own row. Its verdict needs no worker: it is met, or its deadline has passed, and
either has an instant that everybody can read. What is given here is columns of the ticket, for whoever writes it.
"""

import datetime as dt
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from db.database import Tx
from db.queries import sla

Values = dict[str, Any]
Value = Callable[[str], Any]
"""Gives a column of the ticket as it is now, in the middle of a change."""


class Limits(NamedTuple):
    """How long the first response and the resolution of a ticket may take, around the clock."""

    first_response: dt.timedelta
    resolution: dt.timedelta


def _hours(first_response: int, resolution: int) -> Limits:
    return Limits(dt.timedelta(hours=first_response), dt.timedelta(hours=resolution))


DEFAULT_POLICY: Final = {
    "urgent": _hours(1, 4),
    "high": _hours(4, 24),
    "medium": _hours(8, 72),
    "low": _hours(24, 168),
}
"""What every workspace begins with, by priority."""


async def add_default_policy(tx: Tx, workspace_id: int) -> None:
    """Give a new workspace the default policy."""
    await sla.add_policy(
        tx,
        [
            {
                "workspace_id": workspace_id,
                "priority": priority,
                "first_response_s": int(limits.first_response.total_seconds()),
                "resolution_s": int(limits.resolution.total_seconds()),
            }
            for priority, limits in DEFAULT_POLICY.items()
        ],
    )


async def limits(tx: Tx, workspace_id: int, priority: str) -> Limits | None:
    """What the workspace promises for tickets of the priority; None when it promises nothing."""
    found = await tx.first(sla.LIMITS, workspace_id=workspace_id, priority=priority)
    return found and Limits(*(dt.timedelta(seconds=each) for each in found))


def targets(created_at: dt.datetime, promised: Limits | None) -> Values:
    """The targets of a new ticket."""
    if promised is None:
        return {}
    return {
        "first_response_due_at": created_at + promised.first_response,
        "resolution_due_at": created_at + promised.resolution,
    }


def paused(of: Value, moment: dt.datetime) -> Values:
    """The ticket waits for its requester from now on; a resolution that has its verdict has no clock to stop."""
    return {} if _has_verdict(of, "resolution_due_at", "first_resolved_at", moment) else {"paused_at": moment}


def resumed(of: Value, moment: dt.datetime) -> Values:
    """The ticket waits no longer: the deadline moves by as long as it did."""
    since, due = of("paused_at"), of("resolution_due_at")
    if since is None:
        return {}
    return {
        "paused_at": None,
        "paused_us": of("paused_us") + (moment - since) // dt.timedelta(microseconds=1),
        "resolution_due_at": due and due + (moment - since),
        "is_resolution_lapsed": False,
    }


def retargeted(of: Value, promised: Limits | None, moment: dt.datetime) -> Values:
    """The priority changed: targets without a verdict follow it, counted from the creation of the ticket.

    One that would have been missed before now is missed now: what was reported of past days stays true.
    """
    values: Values = {}
    if not _has_verdict(of, "first_response_due_at", "first_response_at", moment):
        due = promised and of("created_at") + promised.first_response
        values |= {"first_response_due_at": due and max(due, moment), "is_response_lapsed": False}
    if not _has_verdict(of, "resolution_due_at", "first_resolved_at", moment):
        stood_still = dt.timedelta(microseconds=of("paused_us"))
        due = promised and of("created_at") + promised.resolution + stood_still
        if due is not None and due < (of("paused_at") or moment):
            values |= {"resolution_due_at": moment, "paused_at": None}
        else:
            values["resolution_due_at"] = due
        values["is_resolution_lapsed"] = False
    return values


def _has_verdict(of: Value, due: str, met: str, moment: dt.datetime) -> bool:
    if of(met) is not None:
        return True
    is_running = due != "resolution_due_at" or of("paused_at") is None
    return is_running and of(due) is not None and bool(of(due) < moment)

"""The life of a ticket: how a status moves, when it was first touched, who waits, what the log says (D1 to D6, D9).

`TicketChange` gathers what one request does to one ticket: column values and log lines, at strictly rising instants.
It decides nothing about who may do it.
"""

import datetime as dt
from typing import Any, Final

from db import rows
from resolvers import sla
from resolvers.context import Caller
from resolvers.errors import Conflict
from resolvers.events import Happening

DONE: Final = ("resolved", "closed")
NEW: Final = "new"
"""What the log calls the state of an untouched ticket (D1)."""
REOPENS_WITHIN: Final = dt.timedelta(days=14)
_STEP: Final = dt.timedelta(microseconds=1)


def moment_after(latest: dt.datetime | None, now: dt.datetime) -> dt.datetime:
    """The instant of a change: strictly after the latest one, even when clocks differ or two share it (D5)."""
    return now if latest is None else max(now, latest + _STEP)


class TicketChange:
    """A change in the making. `moment` is the latest instant it has used."""

    def __init__(self, ticket: rows.Ticket, caller: Caller, now: dt.datetime) -> None:
        self.ticket = ticket
        self.caller = caller
        self.values: dict[str, Any] = {}
        self.entries: list[dict[str, Any]] = []
        self.happenings: list[Happening] = []
        """What webhooks are told besides what changed of the ticket itself."""
        self.moment = moment_after(ticket.updated_at, now)

    @property
    def status(self) -> str:
        """The status as it would be after the change."""
        return str(self.value("status"))

    @property
    def is_untouched(self) -> bool:
        """Whether no agent has acted yet, this change included."""
        return bool(self.value("is_untouched"))

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes."""
        return not self.values and not self.entries

    def value(self, name: str) -> Any:
        """A column of the ticket as it would be after the change."""
        return self.values.get(name, getattr(self.ticket, name))

    def step(self) -> dt.datetime:
        """The next instant, after all before it."""
        self.moment += _STEP
        return self.moment

    def log(self, action: str, before: Any = None, after: Any = None, *, is_internal: bool = False) -> None:
        """Add a line to the ticket's log (D35); ids and words are kept as text."""
        self.entries.append(
            {
                "workspace_id": self.ticket.workspace_id,
                "ticket_id": self.ticket.id,
                "user_id": self.caller.user_id,
                "action": action,
                "from_value": None if before is None else str(before),
                "to_value": None if after is None else str(after),
                "is_internal": is_internal,
                "created_at": self.step(),
            }
        )

    def touch(self, *, is_internal: bool = False) -> None:
        """Note that an agent acts: the first time, the log says so (D2)."""
        if self.is_untouched:
            self.values["is_untouched"] = False
            self.log("status_changed", NEW, self.status, is_internal=is_internal)

    def set_status(self, status: str) -> None:
        """Move to the status; nothing happens when it is there already and an agent has acted before."""
        before, was_untouched = self.status, self.is_untouched
        touches = was_untouched and self.caller.is_staff
        if touches:
            self.values["is_untouched"] = False
        if status == before and not touches:
            return
        self.log("status_changed", NEW if was_untouched else before, status)
        if status != before:
            self.values |= {"status": status} | self._status_times(before, status)

    def _status_times(self, before: str, after: str) -> dict[str, Any]:
        """What a move does to resolved_at and its kin (D4)."""
        times: dict[str, Any] = {}
        if after in DONE and before not in DONE:
            times["resolved_at"] = self.moment
            if self.ticket.first_resolved_at is None:
                times["first_resolved_at"] = self.moment
        if after not in DONE and before in DONE:
            times["resolved_at"] = None
            times["reopen_count"] = self.ticket.reopen_count + 1
        if "closed" in (before, after):
            times["closed_at"] = self.moment if after == "closed" else None
        return times | self._clock(before, after)

    def _clock(self, before: str, after: str) -> dict[str, Any]:
        """What a move does to the time there is left to resolve the ticket (D10)."""
        if after == "pending":
            return sla.paused(self.value, self.moment)
        return sla.resumed(self.value, self.moment) if before == "pending" else {}

    def set_priority(self, priority: str, promised: sla.Limits | None) -> None:
        """Move to another priority, for which this is promised (D10)."""
        self.log("priority_changed", self.ticket.priority, priority)
        self.values |= {"priority": priority} | sla.retargeted(self.value, promised, self.moment)

    def answer(self, moment: dt.datetime) -> dt.datetime | None:
        """The staff answer in public (D6); since when the requester had waited for it, None when they did not (D9)."""
        if self.ticket.first_response_at is None:
            self.values["first_response_at"] = moment
        since: dt.datetime | None = self.ticket.waiting_since
        if since is not None:
            self.values["waiting_since"] = None
        return since

    def ask(self, moment: dt.datetime) -> None:
        """The requester, or somebody for them, writes: unless they wait already, they do from now on (D9)."""
        if self.ticket.waiting_since is None:
            self.values["waiting_since"] = moment

    def reopen_by_customer(self) -> None:
        """A customer's public reply opens a ticket that waited or was done (D3).

        Raises Conflict when the ticket was closed too long ago.
        """
        closed_at = self.ticket.closed_at
        if (
            self.ticket.status == "closed"
            and closed_at is not None
            and self.moment - closed_at > REOPENS_WITHIN
        ):
            raise Conflict(
                f"This ticket was closed more than {REOPENS_WITHIN.days} days ago and takes no more replies. "
                "Open a new ticket"
            )
        if self.ticket.status != "open":
            self.set_status("open")

    def columns(self) -> dict[str, Any]:
        """The values to store, with the version and the time of the change (D5)."""
        return self.values | {"version": self.ticket.version + 1, "updated_at": self.moment}

"""What happens to one ticket, and the rows that come of it: resolvers/lifecycle.py again, without a database.

A million tickets cannot each be read, held, changed and stored a dozen times. So the rules D1 to D6, D9 to D11 and D35
are followed here on plain integers; tests/gateway/test_demo.py repeats what happened through the resolvers and
compares every row.
"""

import datetime as dt
from typing import Any, Final

from db import rows
from gateway.demo.arrivals import instant
from gateway.demo.topics import Text
from resolvers.sla import DEFAULT_POLICY

_LIMITS: Final = {
    priority: tuple(limit // dt.timedelta(microseconds=1) for limit in limits)
    for priority, limits in DEFAULT_POLICY.items()
}
"""Microseconds until the first response and the resolution, as every workspace promises them (D10)."""
_DONE: Final = ("resolved", "closed")
KEEP: Final = -1
"""An id that stays as it is."""


class Life:
    """A ticket from its creation on. Moments are microseconds since 1970; each deed is one request."""

    __slots__ = (
        "_activity",
        "_moment",
        "assigned_to",
        "category_id",
        "closed_at",
        "content",
        "created_at",
        "first_resolved_at",
        "first_response_at",
        "first_response_due_at",
        "is_untouched",
        "metadata",
        "note_count",
        "organization_id",
        "paused_at",
        "paused_us",
        "priority",
        "public_count",
        "ratings",
        "reopen_count",
        "replies",
        "requester_id",
        "resolution_due_at",
        "resolved_at",
        "status",
        "subject",
        "tags",
        "ticket_id",
        "updated_at",
        "version",
        "waiting_since",
        "watchers",
        "workspace_id",
    )

    def __init__(
        self,
        workspace_id: int,
        ticket_id: int,
        created_at: int,
        *,
        requester_id: int,
        organization_id: int | None,
        subject: str,
        content: Text,
        priority: str,
        category_id: int | None,
        tags: list[str],
        metadata: dict[str, Any],
    ) -> None:
        self.workspace_id = workspace_id
        self.ticket_id = ticket_id
        self.requester_id = requester_id
        self.organization_id = organization_id
        self.subject = subject
        self.content = content
        self.priority = priority
        self.category_id = category_id
        self.tags = tags
        self.metadata = metadata
        self.created_at = self.updated_at = self._moment = created_at
        self.status = "open"
        self.is_untouched = True
        self.version = 1
        self.assigned_to: int | None = None
        self.reopen_count = self.public_count = self.note_count = 0
        self.first_response_at: int | None = None
        self.first_resolved_at: int | None = None
        self.resolved_at: int | None = None
        self.closed_at: int | None = None
        self.waiting_since: int | None = created_at
        response, resolution = _LIMITS[priority]
        self.first_response_due_at = created_at + response
        self.resolution_due_at = created_at + resolution
        self.paused_at: int | None = None
        self.paused_us = 0
        self.replies: list[rows.Reply] = []
        self.ratings: list[rows.Rating] = []
        self.watchers: list[tuple[int, int, dt.datetime]] = []
        self._activity = [
            rows.Activity(
                0, workspace_id, ticket_id, requester_id, "created", None, None, False, instant(created_at)
            )
        ]

    # --- deeds ------------------------------------------------------------------------------------------------

    def update(
        self,
        at: int,
        by: int,
        *,
        status: str | None = None,
        assigned_to: int | None = KEEP,
        priority: str | None = None,
        category_id: int | None = KEEP,
        tags: list[str] | None = None,
    ) -> None:
        """PUT /v1/tickets/{id}."""
        self._begin(at)
        is_staff = by != self.requester_id
        if status is not None:
            self._set_status(status, by, is_staff=is_staff)
        if assigned_to not in (KEEP, self.assigned_to):
            self._touch(by)
            self._log(by, "unassigned" if assigned_to is None else "assigned", self.assigned_to, assigned_to)
            self.assigned_to = assigned_to
        if priority is not None and priority != self.priority:
            self._log(by, "priority_changed", self.priority, priority)
            self.priority = priority
            self._retarget()
        if category_id not in (KEEP, self.category_id):
            self._log(by, "category_changed", self.category_id, category_id)
            self.category_id = category_id
        if tags is not None and tags != self.tags:
            self._log(by, "tags_changed", ", ".join(self.tags), ", ".join(tags))
            self.tags = tags
        self._end()

    def reply(
        self, at: int, by: int, text: Text, *, is_internal: bool = False, update_status: str | None = None
    ) -> None:
        """POST /v1/tickets/{id}/replies, by the requester or by staff."""
        self._begin(at)
        is_staff = by != self.requester_id
        if is_staff:
            # the first action names the status it ends in (D2)
            if self.is_untouched and update_status:
                self._set_status(update_status, by, is_staff=True)
            else:
                self._touch(by, is_internal=is_internal)
        elif self.status != "open":
            self._set_status("open", by, is_staff=False)
        self._moment += 1
        waiting_since = None if is_internal else self._said(is_response=is_staff)
        self.replies.append(
            rows.Reply(
                0,
                self.workspace_id,
                self.ticket_id,
                by,
                text.content,
                text.html,
                is_internal,
                instant(self._moment),
                _maybe(waiting_since),
                is_staff,
            )
        )
        if is_internal:
            self.note_count += 1
        else:
            self.public_count += 1
        if update_status is not None:
            self._set_status(update_status, by, is_staff=is_staff)
        self._end()

    def watch(self, at: int, by: int, user_id: int) -> None:
        """POST /v1/tickets/{id}/watchers, by staff, for somebody who does not watch yet."""
        self._begin(at)
        self.watchers.append((self.ticket_id, user_id, instant(self._moment)))
        self._log(by, "watcher_added", None, user_id)
        self._end()

    def rate(self, at: int, rating: int, comment: str | None) -> None:
        """POST /v1/tickets/{id}/rating, once, by the requester of a ticket that is resolved or closed."""
        self._begin(at)
        self._moment += 1
        self.ratings.append(
            rows.Rating(
                0,
                self.workspace_id,
                self.ticket_id,
                self.requester_id,
                self.assigned_to,
                rating,
                comment,
                True,
                instant(self._moment),
            )
        )
        self._log(self.requester_id, "rated", None, rating)
        self._end()

    # --- what they have in common -----------------------------------------------------------------------------

    def _begin(self, at: int) -> None:
        self._moment = max(at, self.updated_at + 1)

    def _end(self) -> None:
        self.version += 1
        self.updated_at = self._moment

    def _log(self, by: int, action: str, before: Any, after: Any, *, is_internal: bool = False) -> None:
        self._moment += 1
        self._activity.append(
            rows.Activity(
                0,
                self.workspace_id,
                self.ticket_id,
                by,
                action,
                None if before is None else str(before),
                None if after is None else str(after),
                is_internal,
                instant(self._moment),
            )
        )

    def _touch(self, by: int, *, is_internal: bool = False) -> None:
        if self.is_untouched:
            self.is_untouched = False
            self._log(by, "status_changed", "new", self.status, is_internal=is_internal)

    def _set_status(self, status: str, by: int, *, is_staff: bool) -> None:
        before, was_untouched = self.status, self.is_untouched
        touches = was_untouched and is_staff
        if touches:
            self.is_untouched = False
        if status == before and not touches:
            return
        self._log(by, "status_changed", "new" if was_untouched else before, status)
        if status == before:
            return
        self.status = status
        if status in _DONE and before not in _DONE:
            self.resolved_at = self._moment
            if self.first_resolved_at is None:
                self.first_resolved_at = self._moment
        elif status not in _DONE and before in _DONE:
            self.resolved_at = None
            self.reopen_count += 1
        if "closed" in (before, status):
            self.closed_at = self._moment if status == "closed" else None
        self._run_clock(status)

    def _said(self, *, is_response: bool) -> int | None:
        """Since when a public reply was waited for; None for one that asks, and when nobody waited (D9)."""
        since = self.waiting_since
        if not is_response:
            self.waiting_since = self._moment if since is None else since
            return None
        if self.first_response_at is None:
            self.first_response_at = self._moment
        self.waiting_since = None
        return since

    def _run_clock(self, status: str) -> None:
        """The time to resolve the ticket stands still while it is pending (D10)."""
        if self.paused_at is not None:
            self.paused_us += self._moment - self.paused_at
            self.resolution_due_at += self._moment - self.paused_at
            self.paused_at = None
        if status == "pending" and self.first_resolved_at is None and self.resolution_due_at >= self._moment:
            self.paused_at = self._moment

    def _retarget(self) -> None:
        """The targets of another priority, for as long as there is no verdict (D10)."""
        now = self._moment
        response, resolution = _LIMITS[self.priority]
        if self.first_response_at is None and self.first_response_due_at >= now:
            self.first_response_due_at = max(self.created_at + response, now)
        if self.first_resolved_at is not None or (self.paused_at is None and self.resolution_due_at < now):
            return
        self.resolution_due_at = self.created_at + resolution + self.paused_us
        if self.resolution_due_at < (self.paused_at or now):
            self.resolution_due_at, self.paused_at = now, None

    # --- rows -------------------------------------------------------------------------------------------------

    @property
    def activity(self) -> list[rows.Activity]:
        """The log, oldest first."""
        return self._activity

    def row(self) -> rows.Ticket:
        """The ticket as it is now."""
        return rows.Ticket(
            self.ticket_id,
            self.workspace_id,
            self.subject,
            self.content.content,
            self.content.html,
            self.status,
            self.priority,
            self.requester_id,
            self.organization_id,
            self.assigned_to,
            self.category_id,
            self.tags,
            self.metadata,
            self.is_untouched,
            self.public_count,
            self.note_count,
            self.version,
            self.reopen_count,
            instant(self.created_at),
            instant(self.updated_at),
            _maybe(self.first_response_at),
            _maybe(self.first_resolved_at),
            _maybe(self.resolved_at),
            _maybe(self.closed_at),
            _maybe(self.waiting_since),
            instant(self.first_response_due_at),
            instant(self.resolution_due_at),
            _maybe(self.paused_at),
            self.paused_us,
        )


def _maybe(moment: int | None) -> dt.datetime | None:
    return None if moment is None else instant(moment)

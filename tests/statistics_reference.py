"""The statistics of a workspace by brute force: from its rows and its log, straight from the definitions D8 to D15.

Nothing here looks at what the application keeps for its own statistics (due dates, pauses, waits, who was first): it is
found again from what happened.
"""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from db.database import Database
from db.tables import metadata

Row = dict[str, Any]
HOURS = {"urgent": (1, 4), "high": (4, 24), "medium": (8, 72), "low": (24, 168)}
DONE = ("resolved", "closed")
DAY = dt.timedelta(days=1)


@dataclass
class Story:
    """A ticket with all that happened to it, oldest first."""

    ticket: Row
    replies: list[Row] = field(default_factory=list)
    log: list[Row] = field(default_factory=list)
    ratings: list[Row] = field(default_factory=list)


@dataclass
class Told:
    """A workspace."""

    stories: list[Story]
    people: dict[int, Row]
    categories: dict[int, Row]

    def is_answer(self, story: Story, reply: Row) -> bool:
        """Whether a reply is one of the staff to somebody else (D6)."""
        is_staff = self.people[reply["author_id"]]["type"] != "customer"
        return bool(is_staff and reply["author_id"] != story.ticket["requester_id"])


async def told(db: Database, workspace_id: int) -> Told:
    """Everything of the workspace."""
    held: dict[str, list[Row]] = {}
    async with db.engine.connect() as connection:
        for name in ("ticket", "reply", "activity", "rating", "user", "category"):
            table = metadata.tables[name]
            asked = table.select().where(table.c.workspace_id == workspace_id).order_by(table.c.id)
            found = await connection.execute(asked)
            held[name] = [dict(zip(table.columns.keys(), row, strict=True)) for row in found]
    stories = {row["id"]: Story(row) for row in held["ticket"]}
    for name, place in (("reply", "replies"), ("activity", "log"), ("rating", "ratings")):
        for row in sorted(held[name], key=lambda row: row["created_at"]):
            getattr(stories[row["ticket_id"]], place).append(row)
    return Told(
        list(stories.values()),
        {row["id"]: row for row in held["user"]},
        {row["id"]: row for row in held["category"]},
    )


class Reference:
    """The figures of a window of days; `now` is when somebody asks."""

    def __init__(self, of: Told, first: dt.date | None, last: dt.date | None, now: dt.datetime) -> None:
        self.of = of
        self.first, self.last, self.now = first, last, now

    def within(self, moment: dt.datetime) -> bool:
        """Inclusive days in UTC (D12)."""
        day = moment.astimezone(dt.UTC).date()
        return (self.first is None or day >= self.first) and (self.last is None or day <= self.last)

    def overview(self) -> Row:
        """What GET /v1/stats/overview answers."""
        created = [story.ticket for story in self.of.stories if self.within(story.ticket["created_at"])]
        states = Counter(ticket["status"] for ticket in created)
        priorities = Counter(ticket["priority"] for ticket in created)
        filed = Counter(ticket["category_id"] for ticket in created if ticket["category_id"])
        stories = self.of.stories
        return {
            "tickets": {
                "total": len(created),
                **{each: states[each] for each in ("open", "pending", "resolved", "closed")},
            },
            "response_times": {
                "average_first_response": self.mean_first_response(stories),
                "average_resolution": self.mean_resolution(stories),
                "sla_compliance": self.compliance(stories),
            },
            "agent_performance": sorted(
                (self.performance(person) for person in self.staff()),
                key=lambda row: -row["tickets_resolved"],
            ),
            "by_category": [
                {"category": self.of.categories[id_]["name"], "count": count}
                for id_, count in sorted(filed.items(), key=lambda item: (-item[1], item[0]))
            ],
            "by_priority": {each: priorities[each] for each in ("low", "medium", "high", "urgent")},
            "trends": self.trends(),
        }

    def agents(self) -> list[Row]:
        """What GET /v1/stats/agents answers."""
        return [self.agent(person) for person in self.staff()]

    def staff(self) -> list[Row]:
        """Agents and admins, oldest first."""
        return [person for person in self.of.people.values() if person["type"] != "customer"]

    # --- D13, D14 ---------------------------------------------------------------------------------------------

    def assigned(self, person: Row) -> list[Story]:
        """Tickets that are the agent's now."""
        return [story for story in self.of.stories if story.ticket["assigned_to_id"] == person["id"]]

    def performance(self, person: Row) -> Row:
        """One line of the overview."""
        return {
            "agent_id": person["id"],
            "name": person["name"],
            "tickets_resolved": self.agent(person)["metrics"]["tickets_resolved"],
            "avg_response_time": self.mean_wait(person),
            "satisfaction_rating": self.satisfaction(person),
        }

    def agent(self, person: Row) -> Row:
        """One agent."""
        own = self.assigned(person)
        created = [story.ticket for story in own if self.within(story.ticket["created_at"])]
        resolved = sum(ticket["status"] in DONE for ticket in created)
        replies = [
            reply
            for story in self.of.stories
            for reply in story.replies
            if reply["author_id"] == person["id"] and self.within(reply["created_at"])
        ]
        return {
            "agent_id": person["id"],
            "name": person["name"],
            "email": person["email"],
            "metrics": {
                "tickets_assigned": len(created),
                "tickets_resolved": resolved,
                "tickets_open": sum(ticket["status"] in ("open", "pending") for ticket in created),
                "avg_first_response_time": self.mean_first_response(own),
                "avg_resolution_time": self.mean_resolution(own),
                "satisfaction_score": self.satisfaction(person),
                "sla_compliance": self.compliance(own),
            },
            "activity": {
                "replies_sent": sum(not reply["is_internal"] for reply in replies),
                "internal_notes": sum(reply["is_internal"] for reply in replies),
                "tickets_reassigned": self.reassigned(person),
            },
        }

    def reassigned(self, person: Row) -> int:
        """Changes of assignment from this agent to another (D15)."""
        return sum(
            line["action"] == "assigned"
            and line["from_value"] == str(person["id"])
            and line["to_value"] != str(person["id"])
            and self.within(line["created_at"])
            for story in self.of.stories
            for line in story.log
        )

    # --- D8, D9 -----------------------------------------------------------------------------------------------

    def first_response_at(self, story: Story) -> dt.datetime | None:
        """D6."""
        answers = (
            reply["created_at"]
            for reply in story.replies
            if not reply["is_internal"] and self.of.is_answer(story, reply)
        )
        return min(answers, default=None)

    def mean_first_response(self, stories: list[Story]) -> int | None:
        """D8."""
        found = [(story.ticket["created_at"], self.first_response_at(story)) for story in stories]
        return mean_s([end - start for start, end in found if end and self.within(end)])

    def mean_resolution(self, stories: list[Story]) -> int | None:
        """D8."""
        found = [(story.ticket["created_at"], resolved_at(story)) for story in stories]
        return mean_s([end - start for start, end in found if end and self.within(end)])

    def mean_wait(self, person: Row) -> int | None:
        """D9."""
        waits = []
        for story in self.of.stories:
            asked: dt.datetime | None = story.ticket["created_at"]
            for reply in (each for each in story.replies if not each["is_internal"]):
                if not self.of.is_answer(story, reply):
                    asked = asked or reply["created_at"]
                    continue
                if asked and reply["author_id"] == person["id"] and self.within(reply["created_at"]):
                    waits.append(reply["created_at"] - asked)
                asked = None
        return mean_s(waits)

    # --- D10 --------------------------------------------------------------------------------------------------

    def compliance(self, stories: list[Story]) -> float | None:
        """Percent of the verdicts in the window that are good ones."""
        verdicts = [verdict for story in stories for verdict in self.verdicts(story) if verdict]
        counted = [was_kept for was_kept, moment in verdicts if self.within(moment)]
        return tenth(Fraction(100 * sum(counted), len(counted))) if counted else None

    def verdicts(self, story: Story) -> list[tuple[bool, dt.datetime] | None]:
        """Of the first response and of the resolution: whether it was in time and when that was known."""
        answered, resolved = self.first_response_at(story), first_resolved_at(story)
        return [self.verdict(story, 0, answered), self.verdict(story, 1, resolved)]

    def verdict(self, story: Story, which: int, met: dt.datetime | None) -> tuple[bool, dt.datetime] | None:
        """Walks from event to event with a clock in the hand."""
        end = self.now if met is None else met
        at, used, is_running = story.ticket["created_at"], dt.timedelta(0), True
        changes = [line for line in story.log if line["action"] in ("status_changed", "priority_changed")]
        limit = dt.timedelta(hours=HOURS[first_priority(story)][which])
        for line in [*changes, None]:
            until = end if line is None else min(line["created_at"], end)
            if is_running:
                if at + (limit - used) < until:
                    return False, at + (limit - used)
                used += until - at
            at = until
            if line is None or line["created_at"] >= end:
                break
            if line["action"] == "priority_changed":
                limit = dt.timedelta(hours=HOURS[line["to_value"]][which])
                if used > limit:
                    return False, line["created_at"]
            elif which == 1:
                is_running = line["to_value"] != "pending"
        return None if met is None else (True, met)

    # --- D11, D12 ---------------------------------------------------------------------------------------------

    def satisfaction(self, person: Row) -> float | None:
        """Ratings that count, of tickets that were this agent's when they were rated."""
        found = []
        for story in self.of.stories:
            if story.ratings:
                latest = story.ratings[-1]
                if (
                    self.within(latest["created_at"])
                    and assignee_at(story, latest["created_at"]) == person["id"]
                ):
                    found.append(latest["rating"])
        return tenth(Fraction(sum(found), len(found))) if found else None

    def trends(self) -> Row:
        """Day by day."""
        created = Counter(story.ticket["created_at"].date() for story in self.of.stories)
        resolved = Counter(moment.date() for moment in map(resolved_at, self.of.stories) if moment)
        last = self.last or max(self.now.date(), self.first or dt.date.min)
        first = self.first or min((day for day in created if day <= last), default=last)
        days = [first + DAY * number for number in range((last - first).days + 1)][-366:]
        return {
            "daily_created": [{"date": day.isoformat(), "count": created[day]} for day in days],
            "daily_resolved": [{"date": day.isoformat(), "count": resolved[day]} for day in days],
        }


def resolved_at(story: Story) -> dt.datetime | None:
    """The latest entry into {resolved, closed} from outside, unless the ticket has left it (D4)."""
    found, is_done = None, False
    for line in story.log:
        if line["action"] == "status_changed":
            if line["to_value"] in DONE and not is_done:
                found = line["created_at"]
            is_done = line["to_value"] in DONE
    return found if is_done else None


def first_resolved_at(story: Story) -> dt.datetime | None:
    """When it was resolved or closed for the first time."""
    moves = (line for line in story.log if line["action"] == "status_changed")
    return min((line["created_at"] for line in moves if line["to_value"] in DONE), default=None)


def first_priority(story: Story) -> str:
    """The priority it came in with."""
    changes = [line for line in story.log if line["action"] == "priority_changed"]
    return str(changes[0]["from_value"] if changes else story.ticket["priority"])


def assignee_at(story: Story, moment: dt.datetime) -> int | None:
    """Who was assigned then."""
    found = None
    for line in story.log:
        if line["action"] in ("assigned", "unassigned") and line["created_at"] < moment:
            found = line["to_value"]
    return None if found is None else int(found)


def mean_s(spans: list[dt.timedelta]) -> int | None:
    """The mean in whole seconds, half a second up."""
    if not spans:
        return None
    mean = Fraction(sum(spans, dt.timedelta(0)) // dt.timedelta(microseconds=1), len(spans))
    return int((mean + 500_000) // 1_000_000)


def tenth(exact: Fraction) -> float:
    """To one decimal, half a tenth up."""
    return int((10 * exact + Fraction(1, 2)) // 1) / 10

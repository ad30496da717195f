"""How tickets go: who asks about what, which of a dozen courses it takes, how long everybody needs for it.

A ticket is told up to the present moment and no further: what lies in the future has not happened, so young tickets
are open and old ones done, but for those that somebody let lie.
"""

import math
from bisect import bisect
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from random import Random
from typing import Any, Final, NamedTuple

from gateway.demo import people
from gateway.demo.arrivals import DAY, HOUR, MINUTE, SECOND, office_hours
from gateway.demo.lives import Life
from gateway.demo.slots import Slots
from gateway.demo.topics import NOTHING, Case, Library, Text, Topic, letter

COURSES: Final = {
    "triage fix close": 12,
    "fix take close": 5,
    "triage propose thanks done close": 14,
    "triage ask give fix close": 16,
    "triage ask give note propose thanks done close": 13,
    "note take fix close": 4,
    "triage note ask give fix again sorry close": 6,
    "triage ask nudge close": 5,
    "triage ask give update note propose thanks done close": 9,
    "more triage ask give fix close": 4,
    "triage watch note update chaser propose thanks done close": 6,
    "handed note ask give fix close": 5,
    "triage propose solved close": 4,
    "triage update chaser fix close": 3,
    "triage fix close again sorry close": 2,
    "triage ask give fix again ask give propose thanks done close": 1,
    "junk": 2,
}
"""What happens after the ticket came in, and how often it goes like that."""
_PATHS: Final = [course.split() for course in COURSES]
_PLAIN_STEPS: Final = frozenset(
    ("triage", "ask", "give", "note", "take", "fix", "propose", "thanks", "done", "close")
)
"""What is written in the languages that have few texts."""
_PLAIN_COURSES: Final = {
    course: weight for course, weight in COURSES.items() if _PLAIN_STEPS.issuperset(course.split())
}
_PLAIN_PATHS: Final = [course.split() for course in _PLAIN_COURSES]
_REACH: Final = list(accumulate(COURSES.values()))
_PLAIN_REACH: Final = list(accumulate(_PLAIN_COURSES.values()))

_BY_CUSTOMER: Final = frozenset(("give", "thanks", "more", "chaser", "again", "solved", "rate"))
_FIRST_TOUCH: Final = {"urgent": 12 * MINUTE, "high": 50 * MINUTE, "medium": 3 * HOUR, "low": 7 * HOUR}
"""How long a ticket waits for its first agent, on average and in office hours."""
_TAKES: Final = {
    "ask": 40 * MINUTE, "fix": 2 * HOUR, "propose": 2 * HOUR, "note": 15 * MINUTE, "take": MINUTE, "watch": 5 * MINUTE,
    "update": 3 * HOUR, "done": HOUR, "sorry": 3 * HOUR, "handed": HOUR, "triage": HOUR, "junk": HOUR,
    "rate": 6 * HOUR, "give": 5 * HOUR, "thanks": 7 * HOUR, "more": 20 * MINUTE, "solved": 8 * HOUR, "chaser": 20 * HOUR,
}  # fmt: skip
"""How long each step takes, on average."""
_DAYS_LATER: Final = {"close": (2, 12), "again": (1, 8), "nudge": (3, 6)}
"""Steps that wait for days, from and to."""
_RATED: Final = 0.3
"""How many of the answered tickets their requesters rate."""
_COMMENTED: Final = 0.35
_HAPPY: Final = list(accumulate((1, 2, 5, 24, 68)))
_UNHAPPY: Final = list(accumulate((12, 14, 24, 30, 20)))
"""How often 1, 2, 3, 4 and 5 are given."""
_COMMENTS: Final = {
    1: ("I had to ask again and again.", "Far too slow, and nobody told me anything."),
    2: ("It took much longer than it should have.", "Solved in the end, but I lost half a day over it."),
    3: ("All right, but it took a while.", "It works again. The first answer did not help."),
    4: ("Good help, thank you.", "Friendly and clear. A little quicker would be perfect."),
    5: ("Quick and kind, thank you!", "Exactly what I needed.", "Solved with the first answer. Great!"),
}
_PRIORITIES: Final = ("low", "medium", "high", "urgent")
_EXTRA_TAGS: Final = ("vip", "mobile", "onboarding", "phone", "follow-up", "renewal", "escalated")
_SOURCES: Final = ("web", "web", "web", "e-mail", "e-mail", "app", "phone", "api")


class Asker(NamedTuple):
    """Who writes."""

    id: int
    name: str
    organization_id: int | None
    organization: str | None


@dataclass(slots=True)
class Desk:
    """Who answers: ids and names by place, some of them far busier than others; leads sort what comes in."""

    ids: Sequence[int]
    names: list[str]
    leads: list[int]
    reach: list[float] = field(init=False)

    def __post_init__(self) -> None:
        self.reach = list(accumulate(1 / (place + 2) ** 0.8 for place in range(len(self.ids))))

    def draw(self, rng: Random, other_than: int = -1) -> int:
        """The place of somebody; of somebody else, when there is anybody."""
        place = bisect(self.reach, rng.random() * self.reach[-1])
        return place if place != other_than else (place + 1) % len(self.ids)

    def first_name(self, place: int) -> str:
        """What somebody signs with."""
        return self.names[place].split(" ", 1)[0]


@dataclass(slots=True)
class Scene:
    """A ticket while it is told."""

    life: Life
    topic: Topic
    case: Case
    slots: Slots
    agent: int
    said: int
    """Which of the agent's questions goes with which answers."""
    wanted: dict[str, Any]
    """What an agent will set when sorting the ticket."""


class Teller:
    """Tells tickets of one workspace, up to `now`."""

    def __init__(
        self,
        workspace_id: int,
        library: Library,
        desk: Desk,
        categories: Mapping[str, int],
        now: int,
        rng: Random,
    ) -> None:
        self.workspace_id = workspace_id
        self.library = library
        self.desk = desk
        self.categories = categories
        self.now = now
        self.rng = rng
        self._lately: deque[str] = deque(maxlen=50)
        self._steps = {name: getattr(self, f"_{name}") for path in (*_PATHS, ["rate"]) for name in path}

    def tell(self, ticket_id: int, moment: int, asker: Asker) -> Life:
        """The ticket that comes in at the moment, with all that has happened to it."""
        scene = self._open(ticket_id, moment, asker)
        at = moment
        for number, step in enumerate(self._path(scene, moment)):
            at = self._later(scene, step, max(at, scene.life.updated_at), is_first=not number)
            if at >= self.now - SECOND:
                break
            self._steps[step](scene, at)
        return scene.life

    # --- how it begins ----------------------------------------------------------------------------------------

    def _open(self, ticket_id: int, moment: int, asker: Asker) -> Scene:
        rng = self.rng
        topic, case, subject = self._about(asker)
        agent = self.desk.draw(rng)
        slots = self.slots(moment, asker, agent)
        subject %= slots
        given, wanted = self._filed(topic)
        life = self.begin(
            ticket_id,
            moment,
            asker,
            subject=subject[0].upper() + subject[1:],
            content=self._customer_letter(topic, case.open, slots, greets=0.9, signs=0.85),
            metadata=self._metadata(slots),
            **given,
        )
        return Scene(life, topic, case, slots, agent, 0, wanted)

    def slots(self, moment: int, asker: Asker, agent: int) -> Slots:
        """What the ticket's texts are filled with; the rest is drawn when it is asked for."""
        slots = Slots(self.library.slots, moment, self.rng)
        slots["name"] = asker.name
        slots["first"], _, family = asker.name.partition(" ")
        slots["organization"] = asker.organization or f"Studio {family}"
        slots["agent"] = self.desk.first_name(agent)
        slots["other"] = slots["agent2"] = self.desk.first_name(self.desk.draw(self.rng, agent))
        return slots

    def _about(self, asker: Asker) -> tuple[Topic, Case, str]:
        """A topic, a case of it and the template of a subject, none of which stands further up in the list."""
        library, random = self.library, self.rng.random
        language = people.language(asker.name)
        if language is not None and random() < 0.3:
            topic = library.foreign[language]
            case = self._one(topic.cases)
            return topic, case, self._one(case.subjects)
        while True:
            topic = library.topics[bisect(library.reach, random() * library.reach[-1])]
            case = self._one(topic.cases)
            subject = self._one(case.subjects)
            if subject not in self._lately:
                self._lately.append(subject)
                return topic, case, subject

    def begin(self, ticket_id: int, moment: int, asker: Asker, **given: Any) -> Life:
        """POST /v1/tickets."""
        return Life(
            self.workspace_id,
            ticket_id,
            moment,
            requester_id=asker.id,
            organization_id=asker.organization_id,
            **given,
        )

    def _filed(self, topic: Topic) -> tuple[dict[str, Any], dict[str, Any]]:
        """Priority, category and tags as the ticket comes in, and what an agent makes of them."""
        chance = self.rng.random
        priority = topic.priority
        if chance() < 0.3:
            priority = self._one(_PRIORITIES[:3])
        category = self.categories[topic.category]
        tags = list(topic.tags[: 1 + int(chance() * len(topic.tags))])
        if chance() < 0.12:
            tags.append(self._one(_EXTRA_TAGS))
        given = {"priority": priority, "category_id": category, "tags": tags}
        wanted = dict(given) if chance() < 0.85 else {}
        if chance() < 0.2:
            given["priority"] = "medium"
        if (where := chance()) < 0.25:
            given["category_id"] = None if where < 0.15 else self.categories["general"]
        if chance() < 0.5:
            given["tags"] = []
        return given, wanted

    def _metadata(self, slots: Slots) -> dict[str, Any]:
        if self.rng.random() > 0.35:
            return {}
        source = self._one(_SOURCES)
        found: dict[str, Any] = {"source": source}
        if source == "web":
            found |= {"browser": slots["browser"], "page": slots["page"].lower()}
        elif source == "app":
            found |= {"device": slots["phone"], "app_version": slots["version"]}
        if self.rng.random() < 0.4:
            found["plan"] = slots["plan"]
        return found

    def _path(self, scene: Scene, moment: int) -> list[str]:
        paths, reach = _PATHS, _REACH
        if scene.topic.language != "en":
            paths, reach = _PLAIN_PATHS, _PLAIN_REACH
        path = paths[bisect(reach, self.rng.random() * reach[-1])]
        if not scene.case.asks:
            path = [step for step in path if step not in ("ask", "give")]
        age = (self.now - moment) / DAY
        if self.rng.random() < 0.02 + 0.4 * math.exp(-age / 25):  # somebody lets it lie
            path = path[: int(self.rng.random() * len(path)) + (age > 20)]
        elif path[-1] == "close" and self.rng.random() < 0.25:  # nobody bothers to close it
            path = path[:-1]
        if self.rng.random() < _RATED:
            place = len(path) - (path[-1:] == ["close"])
            path = [*path[:place], "rate", *path[place:]]
        return path

    def _later(self, scene: Scene, step: str, since: int, *, is_first: bool) -> int:
        """When the step is taken."""
        if step in _DAYS_LATER:
            least, most = _DAYS_LATER[step]
            at = since + least * DAY + int(self.rng.random() * (most - least) * DAY)
        else:
            wait = _FIRST_TOUCH[scene.life.priority] if is_first and step != "more" else _TAKES[step]
            at = since + 20 * SECOND + int(-math.log(1 - self.rng.random()) * wait)
        by_clock = scene.life.priority == "urgent" or (step in _BY_CUSTOMER and self.rng.random() < 0.4)
        return at if by_clock else office_hours(at, self.rng)

    # --- steps of the staff -----------------------------------------------------------------------------------

    def _triage(self, scene: Scene, at: int) -> None:
        """A lead, or the agent themselves, takes the ticket off the pile."""
        by = self._one(self.desk.leads) if self.rng.random() < 0.45 else scene.agent
        scene.life.update(at, self.desk.ids[by], assigned_to=self.desk.ids[scene.agent], **scene.wanted)

    def _take(self, scene: Scene, at: int) -> None:
        """Who has answered first keeps the ticket."""
        agent = self.desk.ids[scene.agent]
        scene.life.update(at, agent, assigned_to=agent, **scene.wanted)

    def _ask(self, scene: Scene, at: int) -> None:
        scene.said = int(self.rng.random() * len(scene.case.asks))
        self._answer(scene, at, scene.case.asks[scene.said], "pending")

    def _fix(self, scene: Scene, at: int) -> None:
        self._answer(scene, at, self._one(scene.case.fixes), "resolved")

    def _propose(self, scene: Scene, at: int) -> None:
        fix = self._one(scene.case.fixes)
        if scene.topic.language == "en":
            fix = letter(NOTHING, fix, self._one(self.library.agent["checks"]))
        self._answer(scene, at, fix, "pending")

    def _update(self, scene: Scene, at: int) -> None:
        self._answer(scene, at, self._one(self.library.agent["updates"]), None)

    def _nudge(self, scene: Scene, at: int) -> None:
        self._answer(scene, at, self._one(self.library.agent["nudges"]), "resolved")

    def _sorry(self, scene: Scene, at: int) -> None:
        self._answer(scene, at, self._one(self.library.agent["sorry"]), "resolved")

    def _done(self, scene: Scene, at: int) -> None:
        """A last word, or only the status."""
        if scene.topic.language == "en" and self.rng.random() < 0.5:
            self._answer(scene, at, self._one(self.library.agent["done"]), "resolved")
        else:
            scene.life.update(at, self.desk.ids[scene.agent], status="resolved")

    def _close(self, scene: Scene, at: int) -> None:
        by = scene.agent if self.rng.random() < 0.8 else self._one(self.desk.leads)
        scene.life.update(at, self.desk.ids[by], status="closed")

    def _junk(self, scene: Scene, at: int) -> None:
        """Nobody answers: a second copy, or nothing for a helpdesk."""
        scene.life.update(at, self.desk.ids[scene.agent], status="closed")

    def _note(self, scene: Scene, at: int) -> None:
        notes = scene.topic.notes if self.rng.random() < 0.7 else self.library.agent["notes"]
        text = self._one(notes).filled(scene.slots)
        scene.life.reply(at, self.desk.ids[scene.agent], text, is_internal=True)

    def _handed(self, scene: Scene, at: int) -> None:
        """One agent begins, another goes on."""
        before, after = scene.agent, self.desk.draw(self.rng, scene.agent)
        scene.life.update(at, self.desk.ids[before], assigned_to=self.desk.ids[before], **scene.wanted)
        scene.slots["other"] = self.desk.first_name(after)
        text = self._one(self.library.agent["handovers"]).filled(scene.slots)
        scene.life.reply(at + 2 * SECOND, self.desk.ids[before], text, is_internal=True)
        if after != before:
            scene.life.update(at + 4 * SECOND, self.desk.ids[before], assigned_to=self.desk.ids[after])
        scene.agent = after

    def _watch(self, scene: Scene, at: int) -> None:
        watches = self.desk.draw(self.rng, scene.agent)
        scene.life.watch(at, self.desk.ids[scene.agent], self.desk.ids[watches])

    def _answer(self, scene: Scene, at: int, body: Text, status: str | None) -> None:
        slots, agent = scene.slots, self.library.agent
        slots["agent"] = self.desk.first_name(scene.agent)
        if scene.topic.language == "en":
            greetings = agent["first_greetings" if scene.life.first_response_at is None else "greetings"]
            body = letter(self._one(greetings), body, self._one(agent["closings"]))
        text = body.filled(slots)
        scene.life.reply(at, self.desk.ids[scene.agent], text, update_status=status)

    # --- steps of the customer --------------------------------------------------------------------------------

    def _give(self, scene: Scene, at: int) -> None:
        # answers stand in the order of the questions, where there are as many
        gives = scene.case.gives
        if len(gives) == len(scene.case.asks):
            gives = [gives[scene.said]]
        self._write(scene, at, gives, greets=0.3)

    def _thanks(self, scene: Scene, at: int) -> None:
        self._write(scene, at, scene.topic.thanks)

    def _more(self, scene: Scene, at: int) -> None:
        self._write(scene, at, self.library.customer["more"])

    def _chaser(self, scene: Scene, at: int) -> None:
        self._write(scene, at, self.library.customer["chasers"])

    def _again(self, scene: Scene, at: int) -> None:
        self._write(scene, at, scene.topic.again)

    def _solved(self, scene: Scene, at: int) -> None:
        """Customers may resolve what is theirs (D3)."""
        scene.life.update(at, scene.life.requester_id, status="resolved")

    def _rate(self, scene: Scene, at: int) -> None:
        """Content, but for those who waited too long or had to come back."""
        life = scene.life
        if life.resolved_at is None or life.first_response_at is None:
            return
        was_late = (
            life.first_response_at > life.first_response_due_at or life.resolved_at > life.resolution_due_at
        )
        reach = _UNHAPPY if was_late or life.reopen_count else _HAPPY
        rating = 1 + bisect(reach, self.rng.random() * reach[-1])
        comment = self._one(_COMMENTS[rating]) if self.rng.random() < _COMMENTED else None
        life.rate(at, rating, comment)

    def _write(self, scene: Scene, at: int, among: list[Text], greets: float = 0.0) -> None:
        text = self._customer_letter(scene.topic, self._one(among), scene.slots, greets=greets, signs=0.35)
        scene.life.reply(at, scene.life.requester_id, text)

    def _customer_letter(
        self, topic: Topic, body: Text, slots: Slots, *, greets: float, signs: float
    ) -> Text:
        if topic.language == "en":
            customer, chance = self.library.customer, self.rng.random
            greeting = self._one(customer["greetings"]) if chance() < greets else NOTHING
            closing = self._one(customer["closings"]) if chance() < signs else NOTHING
            body = letter(greeting, body, closing)
        return body.filled(slots)

    def _one(self, among: Sequence[Any]) -> Any:
        return among[int(self.rng.random() * len(among))]

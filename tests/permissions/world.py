"""A helpdesk with one of everything, in two workspaces, whose texts say to whom they may be told.

`{ticket}` in a deed stands for the id of the thing of that name here: a number in REST, `tkt_…` in the graph.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from db.queries import workspaces
from resolvers.context import Helpdesk
from tests.conftest import Clock, Joins, Person
from tests.doors import RestDoor

OURS, THEIRS = "ours", "theirs"
NOTE: Final = "quagga"
"""In every internal note and its files: for the staff."""
STAFF: Final = "okapi"
"""In what is written about people and organizations: for the staff."""
ADMINS: Final = "tapir"
"""In webhooks: for admins."""
ADAS: Final = "zebra"
"""In what Ada wrote, and what she was answered."""
EVES: Final = "gnu"
"""In the tickets of Eve, in the same category, and of the agent."""
ELSEWHERE: Final = "yonder"
"""In everything of the other workspace."""

PREFIXES: Final = {
    "ticket": "tkt",
    "reply": "rpl",
    "note": "rpl",
    "attachment": "att",
    "note_attachment": "att",
    "ada": "usr",
    "customer": "usr",
    "parent": "cat",
    "agent": "usr",
    "organization": "org",
    "category": "cat",
    "webhook": "whk",
    "delivery": "dlv",
    "api_key": "key",
}
ROLES: Final = ("owner", "colleague", "outsider", "agent", "admin", "stranger")
"""Ada, whose the ticket is; Bob of her organization; Eve of none; an agent; an admin; another workspace's admin."""


@dataclass
class World:
    """Who is there, and the ids of what is there, by workspace."""

    http: httpx.AsyncClient
    helpdesk: Helpdesk
    clock: Clock
    join: Joins
    people: dict[str, Person] = field(default_factory=dict)
    ids: dict[str, dict[str, int]] = field(default_factory=dict)
    made: int = 0

    @property
    def door(self) -> RestDoor:
        return RestDoor(self.http)

    async def opens_to_colleagues(self, *, is_open: bool) -> None:
        """Let customers see the tickets of their organization, or not."""
        async with self.helpdesk.db.write() as tx:
            workspace = self.people["admin"].workspace
            await workspaces.change(tx, workspace.id, {"customers_see_organization": is_open})
        self.clock.pass_(seconds=10)

    async def fresh(self, kind: str) -> dict[str, int]:
        """The ids of the workspace with a new thing of the kind: for deeds that end one."""
        self.made += 1
        ids, admin, door, name = self.ids[OURS], self.people["admin"], self.door, f"fresh-{self.made}"
        made: dict[str, Any] = {}
        match kind:
            case "ticket":
                made = {"ticket": await _opened(door, self.people["owner"])}
            case "resolved ticket":
                ticket = await _opened(door, self.people["owner"])
                (await door.change_ticket(admin, ticket, status="resolved")).done()
                made = {"ticket": ticket}
            case "attachment":
                done = await door.attach(self.people["owner"], ids["ticket"], "a.txt", b"a")
                made = {"attachment": done.done()["id"]}
            case "customer":
                email = f"{name}@nowhere.test"
                made = {"customer": (await door.create(admin, "user", name=name, email=email)).done()["id"]}
            case "api_key":
                made = {"api_key": (await door.make_key(admin, user_id=ids["customer"])).done()["id"]}
            case "webhook":
                made = {"webhook": (await door.create(admin, "webhook", **_webhook("x"))).done()["id"]}
            case "organization" | "category":
                made = {kind: (await door.create(admin, kind, name=name)).done()["id"]}
        return ids | made


def _webhook(word: str) -> dict[str, Any]:
    return {
        "url": f"https://93.184.216.34/{word}",
        "events": ["category.created"],
        "secret": f"{word}-secret",
    }


async def _opened(door: RestDoor, who: Person, word: str = ADAS) -> int:
    given = {"subject": f"{word} subject", "content": f"{word} content", "requester_email": who.user.email}
    return int((await door.open_ticket(who, **given)).done()["id"])


async def built(http: httpx.AsyncClient, helpdesk: Helpdesk, clock: Clock, join: Joins) -> World:
    """Both workspaces, in which customers see the tickets of their organization."""
    world = World(http, helpdesk, clock, join)
    ours = {name: await join(_role(name), email=f"{name}@acme.test") for name in ROLES[:5]}
    theirs = {
        name: await join(
            _role(name), email=f"{ELSEWHERE}.{name}@{ELSEWHERE}.test", workspace=f"{ELSEWHERE} workspace"
        )
        for name in ROLES[:5]
    }
    world.people = ours | {"stranger": theirs["admin"]}
    for name, people, word in ((OURS, ours, ""), (THEIRS, theirs, f"{ELSEWHERE} ")):
        world.ids[name] = await _filled(world.door, people, word)
    await world.opens_to_colleagues(is_open=True)
    return world


def _role(name: str) -> str:
    return name if name in ("agent", "admin") else "customer"


async def _filled(door: RestDoor, people: Mapping[str, Person], word: str) -> dict[str, int]:
    ada, agent, admin = people["owner"], people["agent"], people["admin"]

    async def create(noun: str, **given: Any) -> int:
        return int((await door.create(admin, noun, **given)).done()["id"])

    staffs = f"{word}{STAFF}"
    about = {"notes": staffs, "metadata": {"a": staffs}}
    organization = await create("organization", name=f"{word}Acme", **about)
    for name in ("owner", "colleague"):
        await door.change(
            admin, "user", people[name].id, organization_id=organization, metadata={"a": staffs}
        )
    for each in (agent, admin):
        await door.change(admin, "user", each.id, phone=f"{staffs}", metadata={"a": staffs})
    category = await create("category", name=f"{word}Account")
    ticket = await _opened(door, ada, f"{word}{ADAS}")
    given = {"category_id": category, "assigned_to": agent.id}
    (await door.change_ticket(agent, ticket, **given)).done()
    other = await _opened(door, people["outsider"], f"{word}{EVES}")
    (await door.change_ticket(agent, other, **given)).done()
    await _opened(door, agent, f"{word}{EVES}")
    answered = (await door.reply(agent, ticket, content=f"{word}{ADAS} answer")).done()
    noted = (await door.reply(agent, ticket, content=f"{word}{NOTE} note", is_internal=True)).done()
    files = [
        (await door.attach(agent, ticket, f"{word}{name}.txt", name.encode(), reply_id=reply["id"])).done()
        for name, reply in ((ADAS, answered), (NOTE, noted))
    ]
    (await door.watch(agent, ticket, agent.id)).done()
    (await door.change_ticket(agent, ticket, status="resolved")).done()
    (await door.rate(ada, ticket, rating=4, comment=f"{word}{ADAS} comment")).done()
    webhook = await create("webhook", **_webhook(f"{word.strip()}{ADMINS}"))
    delivery = (await door.test_webhook(admin, webhook)).done()["id"]
    customer = await create("user", name=f"{word}Idle", email=f"idle@{word.strip()}idle.test")
    key = (await door.make_key(admin, user_id=customer)).done()["id"]
    return {
        "ticket": ticket,
        "reply": answered["id"],
        "note": noted["id"],
        "attachment": files[0]["id"],
        "note_attachment": files[1]["id"],
        "ada": ada.id,
        "customer": customer,
        "agent": agent.id,
        "organization": organization,
        "category": category,
        "webhook": webhook,
        "delivery": delivery,
        "api_key": key,
    }


def put(told: Any, ids: Mapping[str, int], *, prefixed: bool) -> Any:
    """The value with ids where it says `{kind}`: texts as the graph has them, or numbers as REST has them."""
    if isinstance(told, dict):
        return {name: put(value, ids, prefixed=prefixed) for name, value in told.items()}
    if isinstance(told, list):
        return [put(value, ids, prefixed=prefixed) for value in told]
    if not (isinstance(told, str) and told[:1] == "{" and told[1:-1] in ids):
        return told
    return f"{PREFIXES[told[1:-1]]}_{ids[told[1:-1]]}" if prefixed else ids[told[1:-1]]


async def asked_of_graph(
    http: httpx.AsyncClient, headers: Mapping[str, str], text: str, variables: Any, *, is_form: bool = False
) -> Any:
    """The answer of the graph; `is_form`: `$file` is a file."""
    operation = {"query": text, "variables": variables}
    if not is_form:
        return (await http.post("/graphql", json=operation, headers=headers)).json()
    parts = {"operations": (None, json.dumps(operation)), "map": (None, '{"0": ["variables.file"]}')}
    more = {"GraphQL-Require-Preflight": "1"}
    sent = await http.post("/graphql", files=parts | {"0": ("a.txt", b"a")}, headers={**headers, **more})
    await asyncio.sleep(0)
    return sent.json()

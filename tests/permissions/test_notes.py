"""An internal note changes nothing that a customer can see but when the ticket was last touched (D5, D25)."""

import json
import re
from typing import Any

import pytest

from tests.permissions.test_nested_fields import _chains, types
from tests.permissions.world import NOTE, OURS, World, asked_of_graph

MOVES = re.compile(r'"(?:updated_?[aA]t|version|remaining)": ?(?:"[^"]*"|\d+)')
"""What every write moves, and what asking itself uses up."""
ROUTES = (
    "/v1/tickets",
    "/v1/tickets?sort=created_at&order=asc&per_page=1&page=1",
    f"/v1/tickets?search={NOTE}",
    f"/v1/tickets?search={NOTE[:3]}",
    "/v1/tickets/{ticket}",
    "/v1/tickets/{ticket}/replies",
    "/v1/tickets/{ticket}/replies?include_internal=true&per_page=1&page=2",
    "/v1/tickets/{ticket}/rating",
    "/v1/attachments/{note_attachment}",
    "/v1/attachments/{note_attachment}/download",
    "/v1/users/{ada}",
    "/v1/users/{agent}",
    "/v1/organizations/{organization}",
    "/v1/categories",
    "/v1/categories/{category}",
    "/v1/stats/overview",
    "/v1/stats/agents",
    "/v1/webhooks",
)
BY_WORD = """query($word: String!) {
    tickets(filter: {search: $word}) { totalCount nodes { id } }
    or: tickets(filter: {or: [{search: $word}, {tags: {any: [$word]}}]}) { totalCount }
    not: tickets(filter: {not: {search: $word}}) { totalCount }
}"""


async def told(world: World, who: str) -> list[str]:
    """Everything that both doors tell them of the ticket and of what stands around it."""
    headers, ids = world.people[who].headers, world.ids[OURS]
    answers: list[str] = []
    for route in ROUTES:
        answer = await world.http.get(route.format(**ids), headers=headers)
        answers.append(f"{route}: {answer.status_code} {answer.text}")
    documents: list[tuple[str, dict[str, Any]]] = [(BY_WORD, {"word": NOTE})]
    for start in (f'ticket(id: "tkt_{ids["ticket"]}")', "tickets { totalCount nodes", "viewer"):
        name = "User" if start == "viewer" else "Ticket"
        end = " }" if "{" in start else ""
        documents += [(f"{{ {start} {chain}{end} }}", {}) for chain in _chains(types()[name], 2, ())]
    for text, variables in documents:
        body = await asked_of_graph(world.http, headers, text, variables)
        body.pop("extensions")
        assert not [each for each in body.get("errors", ()) if each["extensions"]["code"] != "FORBIDDEN"], (
            text
        )
        answers.append(f"{text}: {json.dumps(body)}")
    return [MOVES.sub("", answer) for answer in answers]


@pytest.mark.parametrize("who", ["owner", "colleague"])
async def test_a_note_is_seen_by_no_path(world: World, who: str) -> None:
    ids, agent, door = world.ids[OURS], world.people["agent"], world.door
    before = await told(world, who)
    first = (await door.reply(agent, ids["ticket"], content=f"{NOTE} again", is_internal=True)).done()
    (await door.attach(agent, ids["ticket"], f"{NOTE}.txt", b"more", reply_id=first["id"])).done()
    waiting = (await door.attach(agent, ids["ticket"], f"{NOTE}.log", b"else")).done()
    changed = [(old, new) for old, new in zip(before, await told(world, who), strict=True) if old != new]
    assert changed != []  # a file that belongs to no reply yet is public
    more = {"attachment_ids": [waiting["id"]], "is_internal": True}
    (await door.reply(agent, ids["ticket"], content=f"{NOTE} with a file", **more)).done()
    after = await told(world, who)
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert changed == []
    assert NOTE not in "".join(after).replace(f"search={NOTE}", "")
    assert "".join(await told(world, "agent")).count(NOTE) > 10


async def test_a_note_on_an_untouched_ticket_is_no_sign_of_life(world: World) -> None:
    """D2: the note is the first action, and a customer hears of it no more than of the note."""
    ids = await world.fresh("ticket")
    world.ids[OURS] = ids
    before = await told(world, "owner")
    (await world.door.reply(world.people["agent"], ids["ticket"], content=NOTE, is_internal=True)).done()
    after = await told(world, "owner")
    assert [(old, new) for old, new in zip(before, after, strict=True) if old != new] == []

"""The operations of a real frontend run as they are written."""

import json
from typing import Any

import httpx

from tests.conftest import Person
from tests.doors import GraphqlDoor, opened
from tests.graph.operations import mutations, operation

INPUTS: dict[str, dict[str, Any]] = {
    "OrganizationCreate": {"input": {"name": "Acme", "domain": "acme.test"}},
    "CategoryCreate": {"input": {"name": "Account", "color": "#ff5722"}},
    "UserCreate": {"input": {"name": "Ada", "email": "ada@acme.test", "organizationId": "org_1"}},
    "TicketCreate": {
        "input": {
            "subject": "Cannot log in",
            "content": "*Help*",
            "requesterEmail": "ada@acme.test",
            "categoryId": "cat_1",
            "assignedTo": "usr_1",
            "tags": ["login"],
            "metadata": {"a": [1]},
            "priority": "HIGH",
        }
    },
    "TicketUpdate": {"id": "tkt_1", "input": {"status": "PENDING"}},
    "TicketWatch": {"id": "1", "userId": "usr_1"},
    "ReplyCreate": {"ticketId": "tkt_1", "input": {"content": "Hello", "updateStatus": "RESOLVED"}},
}


ELSEWHERE = ("AttachmentCreate", "TicketRate", "WebhookCreate")
"""Mutations that have a test of their own: they need a form, a requester, an admin."""


async def filled(graph: GraphqlDoor, agent: Person) -> dict[str, Any]:
    """What the mutations answered that fill a helpdesk."""
    written, found = mutations(), {}
    for name, variables in INPUTS.items():
        body = await graph.ask(agent, written[name], **variables)
        assert "errors" not in body, (name, body)
        [payload] = body["data"].values()
        assert payload.pop("userErrors") == []
        [found[name]] = payload.values()
    return found


async def attached(http: httpx.AsyncClient, agent: Person) -> dict[str, Any]:
    """What the mutation answered that takes a file."""
    asked = {"query": mutations()["AttachmentCreate"], "variables": {"ticketId": "tkt_1", "file": None}}
    parts = {"operations": (None, json.dumps(asked)), "map": (None, '{"0": ["variables.file"]}')}
    headers = agent.headers | {"GraphQL-Require-Preflight": "1"}
    answer = await http.post("/graphql", files=parts | {"0": ("a.txt", b"hello")}, headers=headers)
    payload = answer.json()["data"]["attachmentCreate"]
    assert payload["userErrors"] == []
    found: dict[str, Any] = payload["attachment"]
    return found


async def test_every_mutation(graph: GraphqlDoor, agent: Person) -> None:
    written = await filled(graph, agent)
    assert set(mutations()) == {*INPUTS, *ELSEWHERE, "TicketDelete", "TokenCreate"}
    assert written["UserCreate"] == {
        "id": "usr_2",
        "databaseId": 2,
        "name": "Ada",
        "email": "ada@acme.test",
        "type": "CUSTOMER",
        "organization": {"id": "org_1"},
    }
    created = written["TicketCreate"].pop("createdAt")
    assert written["TicketCreate"] == {
        "id": "tkt_1",
        "databaseId": 1,
        "subject": "Cannot log in",
        "status": "OPEN",
        "priority": "HIGH",
        "requester": {"id": "usr_2", "email": "ada@acme.test"},
        "category": {"id": "cat_1"},
        "assignedTo": {"id": "usr_1"},
        "tags": ["login"],
        "metadata": {"a": [1]},
    }
    assert written["TicketUpdate"]["updatedAt"] > created
    assert written["TicketWatch"] == {"id": "tkt_1", "watchers": [{"id": "usr_1"}]}
    # what a mutation answers is read after its write
    assert written["ReplyCreate"]["ticket"]["status"] == "RESOLVED"
    assert written["ReplyCreate"]["ticket"]["replyCount"] == 1
    gone = await graph.ask(agent, mutations()["TicketDelete"], id="tkt_1")
    assert gone["data"]["ticketDelete"] == {"deletedId": "tkt_1", "userErrors": []}
    keys = {"apiKey": agent.api_key, "apiSecret": agent.api_secret}
    token = (await graph.ask(None, mutations()["TokenCreate"], **keys))["data"]["tokenCreate"]
    assert (token["expiresIn"], token["tokenType"], token["userErrors"]) == (3600, "Bearer", [])


async def test_a_file_is_attached(graph: GraphqlDoor, http: httpx.AsyncClient, agent: Person) -> None:
    await filled(graph, agent)
    file = await attached(http, agent)
    assert file.pop("url") == "/v1/attachments/1/download"
    assert file == {"id": "att_1", "filename": "a.txt", "fileSize": 5, "mimeType": "text/plain"}
    ticket = (await graph.ask(agent, operation("ticket"), id="tkt_1"))["data"]["ticket"]
    assert [each["originalFilename"] for each in ticket["attachments"]] == ["a.txt"]


async def test_a_requester_rates(graph: GraphqlDoor, agent: Person) -> None:
    own = await opened(graph, agent, requester_email=agent.user.email)
    (await graph.change_ticket(agent, own["id"], status="resolved", assigned_to=agent.id)).done()
    rated = await graph.ask(agent, mutations()["TicketRate"], id=str(own["id"]), rating=5, comment="quick")
    assert rated["data"]["ticketRate"] == {"ticket": {"id": f"tkt_{own['id']}"}, "userErrors": []}


async def test_a_webhook_is_made(graph: GraphqlDoor, admin: Person) -> None:
    sent = {"url": "https://hooks.acme.example/answer", "events": ["ticket.created", "reply.created"]}
    made = (await graph.ask(admin, mutations()["WebhookCreate"], input=sent))["data"]["webhookCreate"]
    assert made.pop("signingSecret").startswith("whsec_")
    assert made == {
        "webhook": {"id": "whk_1", "databaseId": 1, "isActive": True, "secret": "whsec_****"} | sent,
        "userErrors": [],
    }


async def test_the_figures(graph: GraphqlDoor, agent: Person) -> None:
    own = await opened(graph, agent, requester_email=agent.user.email, assigned_to=agent.id)
    await graph.change_ticket(agent, own["id"], status="resolved")
    await graph.rate(agent, own["id"], rating=5)
    body = await graph.ask(agent, operation("stats"), **{"from": "2026-03-02", "to": "2026-03-02"})
    assert "errors" not in body, body
    stats = body["data"]["stats"]
    assert stats["tickets"] == {"total": 1, "open": 0, "pending": 0, "resolved": 1, "closed": 0}
    assert stats["trends"]["dailyResolved"] == [{"date": "2026-03-02", "count": 1}]
    [figures] = stats["agents"]
    assert figures["agent"] == {"id": f"usr_{agent.id}", "name": agent.user.name, "email": agent.user.email}
    assert (figures["metrics"]["ticketsResolved"], figures["metrics"]["satisfactionScore"]) == (1, 5.0)
    [short] = stats["agentPerformance"]
    assert (short["agent"]["id"], short["satisfactionRating"]) == (f"usr_{agent.id}", 5.0)
    always = await graph.ask(agent, operation("stats"))
    assert always["data"]["stats"]["tickets"]["total"] == 1


async def test_every_query(graph: GraphqlDoor, agent: Person) -> None:
    await filled(graph, agent)
    asked: dict[str, dict[str, Any]] = {
        "inbox": {"filter": {"status": ["RESOLVED"]}, "orderBy": {"field": "PRIORITY"}},
        "ticket": {"id": "1"},
        "organization": {"id": "org_1"},
        "workspace": {},
    }
    answers = {
        name: await graph.ask(agent, operation(name), **variables) for name, variables in asked.items()
    }
    assert not [body["errors"] for body in answers.values() if "errors" in body]
    [listed] = answers["inbox"]["data"]["tickets"]["nodes"]
    assert [listed["id"], listed["replyCount"], listed["isUntouched"]] == ["tkt_1", 1, False]
    assert listed["requester"]["organization"] == {"id": "org_1", "name": "Acme", "domain": "acme.test"}
    [reply] = listed["replies"]["nodes"]
    assert (reply["content"], reply["author"]["type"]) == ("Hello", "AGENT")
    ticket = answers["ticket"]["data"]["ticket"]
    assert ticket["contentHtml"] == "<p><em>Help</em></p>"
    assert [node["action"] for node in ticket["activity"]["nodes"]] == [
        "created", "status_changed", "assigned", "status_changed", "watcher_added", "status_changed",
    ]  # fmt: skip
    organization = answers["organization"]["data"]["organization"]
    assert (organization["userCount"], organization["ticketCount"]) == (1, 1)
    assert organization["users"]["nodes"][0]["tickets"]["nodes"][0]["replies"]["nodes"][0]["id"] == "rpl_1"
    assert organization["tickets"] == {"totalCount": 0, "nodes": []}  # only open and pending ones are asked
    start = answers["workspace"]["data"]
    assert (start["viewer"]["id"], start["workspace"]["tier"]) == ("usr_1", "ENTERPRISE")
    assert [node["id"] for node in start["agents"]["nodes"]] == ["usr_1"]
    assert start["categories"]["nodes"][0]["ticketCount"] == 1

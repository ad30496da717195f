"""The operations of a real frontend run as they are written."""

from typing import Any

from tests.conftest import Person
from tests.doors import GraphqlDoor
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


async def test_every_mutation(graph: GraphqlDoor, agent: Person) -> None:
    written = await filled(graph, agent)
    assert set(mutations()) == {*INPUTS, "TicketDelete", "TokenCreate"}
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

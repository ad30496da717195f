"""Who sees what: customers, agents, admins, other workspaces (D25, D34, D36)."""

import json
from typing import Any

import pytest

from db.queries import workspaces
from resolvers.context import Helpdesk
from tests.conftest import Clock, Joins, Person
from tests.contents import Unchanged
from tests.doors import NEW_TICKET, Door, GraphqlDoor, Row, opened

SECRET_WORD = "zebra"


async def noted(door: Door, agent: Person, customer: Person) -> tuple[Row, list[Row]]:
    """A ticket of the customer with a note, an answer and a note, and the two notes."""
    ticket = await opened(door, agent, requester_email=customer.user.email)
    first = await door.reply(agent, ticket["id"], content=f"{SECRET_WORD} first", is_internal=True)
    await door.reply(agent, ticket["id"], content="An answer")
    second = await door.reply(agent, ticket["id"], content=f"{SECRET_WORD} second", is_internal=True)
    return ticket, [first.done(), second.done()]


class TestNotes:
    """A customer gets no internal note by any path (D25)."""

    async def test_by_no_path_of_either_door(self, door: Door, agent: Person, customer: Person) -> None:
        ticket, _ = await noted(door, agent, customer)
        seen = (await door.ticket(customer, ticket["id"])).done()
        assert [reply["content"] for reply in seen["replies"]] == ["An answer"]
        assert seen["reply_count"] == 1
        assert [entry["action"] for entry in seen["activity_log"]] == ["created"]
        for asked in ({}, {"include_internal": True}, {"include_internal": False}):
            replies = await door.replies(customer, ticket["id"], **asked)
            assert ([each["content"] for each in replies.data], replies.total) == (["An answer"], 1)
        listed = await door.tickets(customer)
        assert [row["reply_count"] for row in listed.data] == [1]
        assert (await door.tickets(customer, search=SECRET_WORD)).ids == []
        assert SECRET_WORD not in json.dumps([seen, listed.data])
        assert (await door.reply(customer, ticket["id"], content="Thanks")).ok
        assert (await door.ticket(customer, ticket["id"])).data["reply_count"] == 2
        assert (await door.ticket(agent, ticket["id"])).data["reply_count"] == 4

    async def test_by_no_path_of_the_graph(self, graph: GraphqlDoor, agent: Person, customer: Person) -> None:
        ticket, notes = await noted(graph, agent, customer)
        fields = "id ... on Reply { content ticket { replyCount replies { totalCount nodes { content } } } }"
        asked = f"""query($ticket: ID!, $note: ID!, $ids: [ID!]!) {{
            node(id: $note) {{ {fields} }} nodes(ids: $ids) {{ {fields} }}
            ticket(id: $ticket) {{
                replyCount
                all: replies(includeInternal: true, first: 100) {{ totalCount nodes {{ {fields} }} edges {{ cursor }} }}
                last: replies(last: 1) {{ nodes {{ id }} pageInfo {{ hasPreviousPage }} }}
                activity {{ totalCount nodes {{ action }} }}
            }}
            viewer {{ tickets {{ nodes {{ replyCount replies {{ totalCount nodes {{ content }} }} }} }} }}
        }}"""
        log = "query($id: ID!) { ticket(id: $id) { activity { nodes { id action } } } }"
        lines = (await graph.ask(agent, log, id=str(ticket["id"])))["data"]["ticket"]["activity"]["nodes"]
        assert [line["action"] for line in lines] == [
            "created",
            "status_changed",
        ]  # the second came with the note
        ids = [f"rpl_{note['id']}" for note in notes] + [lines[1]["id"]]
        variables = {"ticket": str(ticket["id"]), "note": ids[0], "ids": ids}
        body = await graph.ask(customer, asked, **variables)
        data = body["data"]
        assert "errors" not in body
        assert (data["node"], data["nodes"]) == (None, [None, None, None])
        seen = data["ticket"]
        assert (seen["replyCount"], seen["all"]["totalCount"], len(seen["all"]["edges"])) == (1, 1, 1)
        assert seen["last"]["pageInfo"]["hasPreviousPage"] is False
        assert (seen["activity"]["totalCount"], len(seen["activity"]["nodes"])) == (1, 1)
        assert SECRET_WORD not in json.dumps(body)
        assert json.dumps(await graph.ask(agent, asked, **variables)).count(SECRET_WORD) > 4

    async def test_a_status_set_with_a_note_is_no_secret(
        self, door: Door, agent: Person, customer: Person
    ) -> None:
        ticket = await opened(door, agent, requester_email=customer.user.email)
        await door.reply(agent, ticket["id"], content="x", is_internal=True, update_status="pending")
        seen = (await door.ticket(customer, ticket["id"])).done()
        assert [(entry["from"], entry["to"]) for entry in seen["activity_log"][1:]] == [("new", "pending")]


class TestTicketsOfOthers:
    """404 for what the caller may not know of, 403 for what their role may not do (D34)."""

    async def test_are_not_there_for_a_customer(
        self, door: Door, agent: Person, customer: Person, unchanged: Unchanged
    ) -> None:
        other = await opened(door, agent, subject=f"About a {SECRET_WORD}")
        own = await opened(door, customer, requester_email=customer.user.email)
        async with unchanged():
            assert (await door.ticket(customer, other["id"])).code == "NOT_FOUND"
            assert (await door.replies(customer, other["id"])).code == "NOT_FOUND"
            assert (await door.reply(customer, other["id"], content="x")).code == "NOT_FOUND"
            assert (await door.change_ticket(customer, other["id"], status="resolved")).code == "NOT_FOUND"
            for id_ in (own["id"], other["id"]):
                assert (await door.delete_ticket(customer, id_)).code == "FORBIDDEN"
            listed = await door.tickets(customer)
            assert (listed.ids, listed.total) == ([own["id"]], 1)
            assert (await door.tickets(customer, search=SECRET_WORD)).total == 0
            assert (await door.one(customer, "user", other["requester"]["id"])).code == "NOT_FOUND"

    async def test_are_in_no_list_count_or_edge_of_the_graph(
        self, graph: GraphqlDoor, agent: Person, join: Joins
    ) -> None:
        acme = (await graph.create(agent, "organization", name="Acme", domain="acme.test")).done()
        category = (await graph.create(agent, "category", name="Account")).done()
        ada = await join("customer", email="ada@acme.test")
        await graph.change(agent, "user", ada.id, organization_id=acme["id"])
        own = await opened(graph, agent, requester_email="ada@acme.test", category_id=category["id"])
        other = await opened(graph, agent, requester_email="bob@acme.test", category_id=category["id"])
        asked = """query($ids: [ID!]!, $org: ID!, $cat: ID!, $filter: TicketFilter) {
            nodes(ids: $ids) { id }
            tickets(filter: $filter) { totalCount nodes { id } }
            viewer { ticketCount tickets { totalCount nodes { id } } organization { id } }
            organization(id: $org) { ticketCount userCount notes metadata
                tickets { totalCount nodes { id } } users { totalCount nodes { id tickets { totalCount } } } }
            category(id: $cat) { ticketCount tickets { totalCount nodes { id } } }
        }"""
        seen = {
            "ids": [f"tkt_{other['id']}", f"usr_{other['requester']['id']}", f"tkt_{own['id']}"],
            "org": str(acme["id"]),
            "cat": str(category["id"]),
            "filter": {
                "or": [{"requester": [str(other["requester"]["id"])]}, {"not": {"status": ["CLOSED"]}}]
            },
        }
        body = await graph.ask(ada, asked, **seen)
        assert "errors" not in body
        one = {"totalCount": 1, "nodes": [{"id": f"tkt_{own['id']}"}]}
        assert body["data"] == {
            "nodes": [None, None, {"id": f"tkt_{own['id']}"}],
            "tickets": one,
            "viewer": {"ticketCount": 1, "tickets": one, "organization": {"id": f"org_{acme['id']}"}},
            "organization": {
                "ticketCount": 1,
                "userCount": 1,
                "notes": None,
                "metadata": None,
                "tickets": one,
                "users": {"totalCount": 1, "nodes": [{"id": f"usr_{ada.id}", "tickets": {"totalCount": 1}}]},
            },
            "category": {"ticketCount": 1, "tickets": one},
        }

    async def test_of_their_organization_are_there_when_the_workspace_allows_it(
        self, door: Door, helpdesk: Helpdesk, clock: Clock, agent: Person, join: Joins, unchanged: Unchanged
    ) -> None:
        acme = (await door.create(agent, "organization", name="Acme", domain="acme.test")).done()
        ada = await join("customer", email="ada@acme.test")
        await door.change(agent, "user", ada.id, organization_id=acme["id"])
        ticket = await opened(door, agent, requester_email="bob@acme.test")
        outside = await opened(door, agent, requester_email="eve@elsewhere.test")
        clock.pass_(seconds=10)
        assert (await door.ticket(ada, ticket["id"])).code == "NOT_FOUND"
        async with helpdesk.db.write() as tx:
            await workspaces.change(tx, agent.workspace.id, {"customers_see_organization": True})
        clock.pass_(seconds=10)
        assert (await door.tickets(ada)).ids == [ticket["id"]]
        assert (await door.ticket(ada, ticket["id"])).ok
        assert (await door.one(ada, "user", ticket["requester"]["id"])).ok
        seen = (await door.one(ada, "organization", acme["id"])).done()
        assert (seen["ticket_count"], seen["user_count"]) == (1, 2)
        assert (await door.reply(ada, ticket["id"], content="Me too")).ok
        async with unchanged():
            assert (await door.change_ticket(ada, ticket["id"], status="resolved")).code == "FORBIDDEN"
            refused = await door.reply(ada, ticket["id"], content="x", update_status="resolved")
            assert refused.code == "FORBIDDEN"
            assert (await door.ticket(ada, outside["id"])).code == "NOT_FOUND"


class TestCustomers:
    """D36."""

    async def test_open_tickets_as_themselves(
        self, door: Door, agent: Person, customer: Person, unchanged: Unchanged
    ) -> None:
        own = await opened(door, customer, requester_email=customer.user.email.upper(), priority="high")
        assert own["requester"]["id"] == customer.id
        async with unchanged():
            refused = await door.open_ticket(customer, **NEW_TICKET)
            assert refused.wrong == {"requester_email": "must be your own e-mail address"}
            given = NEW_TICKET | {"requester_email": customer.user.email, "assigned_to": agent.id}
            refused = await door.open_ticket(customer, **given)
            assert refused.wrong == {"assigned_to": "may only be set by agents"}

    async def test_read_categories_and_neither_list_nor_write_anything_else(
        self, door: Door, agent: Person, customer: Person, unchanged: Unchanged
    ) -> None:
        category = (await door.create(agent, "category", name="Account")).done()
        organization = (await door.create(agent, "organization", name="Acme")).done()
        await opened(door, agent, category_id=category["id"])
        async with unchanged():
            [seen] = (await door.list(customer, "category")).done()
            assert (seen["id"], seen["ticket_count"]) == (category["id"], 0)
            assert (await door.one(customer, "category", category["id"])).data["ticket_count"] == 0
            assert (await door.one(customer, "organization", organization["id"])).code == "NOT_FOUND"
            ids = {"user": customer.id, "organization": organization["id"], "category": category["id"]}
            for noun, id_ in ids.items():
                given: Row = {"name": "x"} | ({"email": "x@y.test"} if noun == "user" else {})
                assert (await door.create(customer, noun, **given)).code == "FORBIDDEN"
                assert (await door.change(customer, noun, id_, name="x")).code == "FORBIDDEN"
                assert (await door.delete(customer, noun, id_)).code == "FORBIDDEN"
                assert noun == "category" or (await door.list(customer, noun)).code == "FORBIDDEN"

    async def test_see_themselves_and_the_staff_but_not_what_is_noted_about_anybody(
        self, door: Door, admin: Person, agent: Person, customer: Person
    ) -> None:
        acme = (
            await door.create(admin, "organization", name="Acme", notes="difficult", metadata={"a": 1})
        ).done()
        noted = {"phone": "+33 1", "metadata": {"a": 1}}
        await door.change(admin, "user", customer.id, organization_id=acme["id"], **noted)
        await door.change(admin, "user", agent.id, **noted)
        own = (await door.one(customer, "user", customer.id)).done()
        assert (own["phone"], own["name"], own["email"]) == ("+33 1", "Customer", customer.user.email)
        staff = (await door.one(customer, "user", agent.id)).done()
        assert (staff["name"], staff["phone"], staff["metadata"]) == (agent.user.name, None, None)

    async def test_see_their_organization_without_its_notes(
        self, door: Door, clock: Clock, agent: Person, customer: Person
    ) -> None:
        given: Row = {"name": "Acme", "notes": "difficult", "metadata": {"a": 1}}
        acme = (await door.create(agent, "organization", **given)).done()
        await door.change(agent, "user", customer.id, organization_id=acme["id"])
        clock.pass_(seconds=10)
        seen = (await door.one(customer, "organization", acme["id"])).done()
        assert (seen["name"], seen["notes"], seen["metadata"], seen["user_count"]) == ("Acme", None, None, 1)


class TestAgents:
    """D36."""

    async def test_make_customers_and_nobody_else(
        self, door: Door, agent: Person, admin: Person, customer: Person, unchanged: Unchanged
    ) -> None:
        assert (await door.create(agent, "user", name="C", email="c@d.test")).ok
        assert (await door.change(agent, "user", customer.id, name="Changed")).ok
        async with unchanged():
            for role in ("agent", "admin"):
                made = await door.create(agent, "user", name="A", email="a@b.test", type=role)
                assert made.code == "FORBIDDEN"
                assert (await door.change(agent, "user", customer.id, type=role)).code == "FORBIDDEN"
            for staff in (agent, admin):
                assert (await door.change(agent, "user", staff.id, name="x")).code == "FORBIDDEN"
            assert (await door.delete(agent, "user", customer.id)).code == "FORBIDDEN"


@pytest.mark.parametrize("noun", ["ticket", "user", "organization", "category"])
async def test_nothing_crosses_from_one_workspace_to_another(
    door: Door, admin: Person, stranger: Person, unchanged: Unchanged, noun: str
) -> None:
    given: dict[str, Any] = {
        "ticket": NEW_TICKET,
        "user": {"name": "x", "email": "x@y.test"},
        "organization": {"name": "x", "domain": "x.test"},
        "category": {"name": "x", "slug": "x"},
    }[noun]
    theirs = (await door.create(stranger, noun, **given)).done()["id"]
    ours = (await door.create(admin, noun, **given)).done()["id"]  # what is unique is so in its workspace
    async with unchanged():
        assert (await door.one(admin, noun, theirs)).code == "NOT_FOUND"
        change = {"subject": "y"} if noun == "ticket" else {"name": "y"}
        assert (await door.change(admin, noun, theirs, **change)).code == "NOT_FOUND"
        assert (await door.delete(admin, noun, theirs)).code == "NOT_FOUND"
        listed = (await door.list(admin, noun)) if noun != "ticket" else await door.tickets(admin)
        assert ours in listed.ids
        assert theirs not in listed.ids

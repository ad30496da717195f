"""The two doors as one client: the same deeds and one vocabulary, so that a rule is tested once and holds at both.

What comes back speaks the words of the REST API: ids are numbers, enums lower case, names snake_case.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import httpx

from tests.conftest import Person

Who = Person | str | None
"""Who asks: somebody who signed in, a bare token, or nobody."""
Row = dict[str, Any]

STATUSES = {
    "UNAUTHORIZED": 401,
    "FORBIDDEN": 403,
    "NOT_FOUND": 404,
    "VALIDATION_ERROR": 400,
    "CONFLICT": 409,
    "RATE_LIMIT_EXCEEDED": 429,
    "INTERNAL_ERROR": 500,
    "SERVICE_UNAVAILABLE": 503,
}
NEW_TICKET = {
    "subject": "Cannot log in",
    "content": "I keep getting an *error*",
    "requester_email": "ada@acme.test",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a deed. `wrong` says of each wrong field what is wrong with it, as `is required`."""

    data: Any = None
    code: str | None = None
    message: str = ""
    wrong: dict[str, str] = field(default_factory=dict)
    total: int | None = None
    """Of a list: how many there are in all."""

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return self.code is None

    def done(self) -> Any:
        """The data; fails when the deed was refused."""
        assert self.ok, self
        return self.data

    @property
    def ids(self) -> list[int]:
        """Of a list: the ids, in its order."""
        return [row["id"] for row in self.done()]


class Door(Protocol):
    """What both doors can do. Fields are named as in the REST API; `who` comes first."""

    name: str

    async def sign_in(self, api_key: Any, api_secret: Any) -> Outcome: ...
    async def open_ticket(self, who: Who, /, **given: Any) -> Outcome: ...
    async def change_ticket(self, who: Who, id_: Any, /, **given: Any) -> Outcome: ...
    async def delete_ticket(self, who: Who, id_: Any, /) -> Outcome: ...
    async def ticket(self, who: Who, id_: Any, /) -> Outcome: ...
    async def tickets(self, who: Who, /, **asked: Any) -> Outcome: ...
    async def reply(self, who: Who, ticket_id: Any, /, **given: Any) -> Outcome: ...
    async def replies(self, who: Who, ticket_id: Any, /, **asked: Any) -> Outcome: ...
    async def attach(self, who: Who, ticket_id: Any, name: Any, data: bytes, /, **given: Any) -> Outcome: ...
    async def detach(self, who: Who, id_: Any, /) -> Outcome: ...
    async def attachment(self, who: Who, id_: Any, /) -> Outcome: ...
    async def watch(self, who: Who, ticket_id: Any, user_id: Any, /) -> Outcome: ...
    async def unwatch(self, who: Who, ticket_id: Any, user_id: Any, /) -> Outcome: ...
    async def rate(self, who: Who, ticket_id: Any, /, **given: Any) -> Outcome: ...
    async def rating(self, who: Who, ticket_id: Any, /) -> Outcome: ...
    async def overview(self, who: Who, /, **asked: Any) -> Outcome: ...
    async def agent_stats(self, who: Who, /, **asked: Any) -> Outcome: ...
    async def make_key(self, who: Who, /, **given: Any) -> Outcome: ...
    async def revoke_key(self, who: Who, id_: Any, /) -> Outcome: ...
    async def create(self, who: Who, noun: str, /, **given: Any) -> Outcome: ...
    async def change(self, who: Who, noun: str, id_: Any, /, **given: Any) -> Outcome: ...
    async def delete(self, who: Who, noun: str, id_: Any, /) -> Outcome: ...
    async def one(self, who: Who, noun: str, id_: Any, /) -> Outcome: ...
    async def list(self, who: Who, noun: str, /, **asked: Any) -> Outcome: ...
    async def rotate_secret(self, who: Who, id_: Any, /) -> Outcome: ...
    async def test_webhook(self, who: Who, id_: Any, /) -> Outcome: ...
    async def deliveries(self, who: Who, webhook_id: Any, /, **asked: Any) -> Outcome: ...
    async def redeliver(self, who: Who, webhook_id: Any, id_: Any, /) -> Outcome: ...


async def opened(door: Door, who: Who, **changes: Any) -> Row:
    """A ticket that somebody opened: NEW_TICKET with changes."""
    ticket: Row = (await door.open_ticket(who, **(NEW_TICKET | changes))).done()
    return ticket


def _headers(who: Who) -> dict[str, str]:
    if isinstance(who, Person):
        return who.headers
    return {} if who is None else {"Authorization": f"Bearer {who}"}


def _as_json(value: Any) -> bytes:
    return json.dumps(
        value
    ).encode()  # half a surrogate pair goes out as an escape, as a careless client sends it


class RestDoor:
    """The documented API."""

    name = "rest"

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def _ask(self, who: Who, method: str, path: str, body: Any = None, asked: Any = None) -> Outcome:
        headers = _headers(who) | ({} if body is None else {"Content-Type": "application/json"})
        content = None if body is None else _as_json(body)
        parameters = {name: _spelled(value) for name, value in (asked or {}).items()}
        response = await self._http.request(
            method, f"/v1/{path}", headers=headers, content=content, params=parameters
        )
        return _of_envelope(response)

    async def sign_in(self, api_key: Any, api_secret: Any) -> Outcome:
        return await self._ask(None, "POST", "auth/token", {"api_key": api_key, "api_secret": api_secret})

    async def open_ticket(self, who: Who, /, **given: Any) -> Outcome:
        return await self._ask(who, "POST", "tickets", given)

    async def change_ticket(self, who: Who, id_: Any, /, **given: Any) -> Outcome:
        return await self._ask(who, "PUT", f"tickets/{id_}", given)

    async def delete_ticket(self, who: Who, id_: Any, /) -> Outcome:
        return await self._ask(who, "DELETE", f"tickets/{id_}")

    async def ticket(self, who: Who, id_: Any, /) -> Outcome:
        return await self._ask(who, "GET", f"tickets/{id_}")

    async def tickets(self, who: Who, /, **asked: Any) -> Outcome:
        return await self._ask(who, "GET", "tickets", asked=asked)

    async def reply(self, who: Who, ticket_id: Any, /, **given: Any) -> Outcome:
        return await self._ask(who, "POST", f"tickets/{ticket_id}/replies", given)

    async def replies(self, who: Who, ticket_id: Any, /, **asked: Any) -> Outcome:
        return await self._ask(who, "GET", f"tickets/{ticket_id}/replies", asked=asked)

    async def attach(self, who: Who, ticket_id: Any, name: Any, data: bytes, /, **given: Any) -> Outcome:
        response = await self._http.post(
            f"/v1/tickets/{ticket_id}/attachments",
            headers=_headers(who),
            files={"file": (name, data)},
            data={field: str(value) for field, value in given.items()},
        )
        return _of_envelope(response)

    async def detach(self, who: Who, id_: Any, /) -> Outcome:
        return await self._ask(who, "DELETE", f"attachments/{id_}")

    async def attachment(self, who: Who, id_: Any, /) -> Outcome:
        return await self._ask(who, "GET", f"attachments/{id_}")

    async def watch(self, who: Who, ticket_id: Any, user_id: Any, /) -> Outcome:
        return await self._ask(who, "POST", f"tickets/{ticket_id}/watchers", {"user_id": user_id})

    async def unwatch(self, who: Who, ticket_id: Any, user_id: Any, /) -> Outcome:
        return await self._ask(who, "DELETE", f"tickets/{ticket_id}/watchers/{user_id}")

    async def rate(self, who: Who, ticket_id: Any, /, **given: Any) -> Outcome:
        return await self._ask(who, "POST", f"tickets/{ticket_id}/rating", given)

    async def rating(self, who: Who, ticket_id: Any, /) -> Outcome:
        return await self._ask(who, "GET", f"tickets/{ticket_id}/rating")

    async def overview(self, who: Who, /, **asked: Any) -> Outcome:
        return await self._ask(who, "GET", "stats/overview", asked=asked)

    async def agent_stats(self, who: Who, /, **asked: Any) -> Outcome:
        return await self._ask(who, "GET", "stats/agents", asked={"per_page": 100} | asked)

    async def make_key(self, who: Who, /, **given: Any) -> Outcome:
        return await self._ask(who, "POST", "api-keys", given)

    async def revoke_key(self, who: Who, id_: Any, /) -> Outcome:
        return await self._ask(who, "DELETE", f"api-keys/{id_}")

    async def create(self, who: Who, noun: str, /, **given: Any) -> Outcome:
        return await self._ask(who, "POST", PLURALS[noun], given)

    async def change(self, who: Who, noun: str, id_: Any, /, **given: Any) -> Outcome:
        return await self._ask(who, "PUT", f"{PLURALS[noun]}/{id_}", given)

    async def delete(self, who: Who, noun: str, id_: Any, /) -> Outcome:
        return await self._ask(who, "DELETE", f"{PLURALS[noun]}/{id_}")

    async def one(self, who: Who, noun: str, id_: Any, /) -> Outcome:
        return await self._ask(who, "GET", f"{PLURALS[noun]}/{id_}")

    async def list(self, who: Who, noun: str, /, **asked: Any) -> Outcome:
        return await self._ask(who, "GET", PLURALS[noun], asked=asked)

    async def rotate_secret(self, who: Who, id_: Any, /) -> Outcome:
        return await self._ask(who, "POST", f"webhooks/{id_}/rotate-secret")

    async def test_webhook(self, who: Who, id_: Any, /) -> Outcome:
        return await self._ask(who, "POST", f"webhooks/{id_}/test")

    async def deliveries(self, who: Who, webhook_id: Any, /, **asked: Any) -> Outcome:
        return await self._ask(who, "GET", f"webhooks/{webhook_id}/deliveries", asked=asked)

    async def redeliver(self, who: Who, webhook_id: Any, id_: Any, /) -> Outcome:
        return await self._ask(who, "POST", f"webhooks/{webhook_id}/deliveries/{id_}/redeliver")


PLURALS = {
    "ticket": "tickets",
    "user": "users",
    "organization": "organizations",
    "category": "categories",
    "webhook": "webhooks",
    "api_key": "api-keys",
}


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _of_envelope(response: httpx.Response) -> Outcome:
    body = response.json()
    if body["success"]:
        assert response.is_success, response
        data = body.get("data", body)
        return Outcome(data, message=body.get("message", ""), total=body.get("pagination", {}).get("total"))
    error = body["error"]
    assert STATUSES.get(error["code"]) == response.status_code, (response.status_code, body)
    wrong = {name: text.removeprefix("This field ") for name, [text] in error.get("details", {}).items()}
    return Outcome(code=error["code"], message=error["message"], wrong=wrong)


# --- the graph ----------------------------------------------------------------------------------------------

PERSON = "{ databaseId name email }"
LISTED_FILE = "{ databaseId filename originalFilename fileSize mimeType url reply { databaseId } }"
FILE = """{ databaseId filename originalFilename fileSize mimeType sha256 isInternal url createdAt
    ticket { databaseId } reply { databaseId } }"""
REPLY = f"""{{ databaseId content contentHtml isInternal createdAt author {{ databaseId name type }}
    ticket {{ databaseId }} attachments {LISTED_FILE} }}"""
FIELDS = {
    "listed": f"""{{ databaseId subject content status priority tags replyCount createdAt updatedAt firstResponseAt
        resolvedAt category {{ databaseId name }} requester {PERSON} assignedTo {{ databaseId name }} }}""",
    "ticket": f"""{{ databaseId version subject content contentHtml status priority isUntouched tags metadata
        replyCount reopenCount createdAt updatedAt firstResponseAt firstResolvedAt resolvedAt closedAt
        category {{ databaseId name color }} requester {{ databaseId name email avatarUrl }} assignedTo {PERSON}
        watchers {{ databaseId name }} attachments {LISTED_FILE} replies(first: 100) {{ nodes {REPLY} }}
        activity(first: 100) {{ nodes {{ action from to timestamp user {{ databaseId name }} }} }} }}""",
    "reply": REPLY,
    "user": """{ databaseId name email type phone avatarUrl metadata isActive ticketCount createdAt updatedAt
        organization { databaseId name } }""",
    "organization": "{ databaseId name domain notes metadata userCount ticketCount createdAt updatedAt }",
    "category": """{ databaseId name slug color description ticketCount createdAt updatedAt
        parent { databaseId } }""",
    "webhook": "{ databaseId url events isActive secret failingSince disabledReason createdAt updatedAt }",
    "delivery": """{ databaseId webhook { databaseId } event messageId status requestBody attemptCount nextAttemptAt
        finishedAt createdAt attempts { number url responseStatus responseBody error durationMs createdAt } }""",
    "api_key": """{ databaseId apiKey: key secretEnding isActive createdAt revokedAt
        user { databaseId name email type } }""",
}
RATING = "{ rating comment createdAt requester { databaseId name } assignedTo { databaseId name } }"
OVERVIEW = """{ tickets { total open pending resolved closed } byPriority { low medium high urgent }
    responseTimes { averageFirstResponse averageResolution slaCompliance } byCategory { category { name } count }
    agentPerformance { agent { databaseId name } ticketsResolved avgResponseTime satisfactionRating }
    trends { dailyCreated { date count } dailyResolved { date count } } }"""
AGENTS = """{ agents { agent { databaseId name email }
    metrics { ticketsAssigned ticketsResolved ticketsOpen avgFirstResponseTime avgResolutionTime satisfactionScore
        slaCompliance }
    activity { repliesSent internalNotes ticketsReassigned } } }"""
ERRORS = "userErrors { code message field }"
IDS = {"assigned_to", "category_id", "organization_id", "parent_id", "user_id"}
ENUMS = {"status", "priority", "type", "update_status"}
PAGE = "$first: Int, $after: String, $last: Int, $before: String"
PAGED = "first: $first, after: $after, last: $last, before: $before"


class GraphqlDoor:
    """The graph, asked for exactly what the documented API answers."""

    name = "graphql"

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def ask(self, who: Who, document: str, **variables: Any) -> dict[str, Any]:
        """The whole answer to a document: `data`, `errors`."""
        response = await self._http.post(
            "/graphql",
            headers=_headers(who) | {"Content-Type": "application/json"},
            content=_as_json({"query": document, "variables": variables}),
        )
        body: dict[str, Any] = response.json()
        for error in body.get("errors", ()):
            code = error["extensions"]["code"]
            assert code not in ("INTERNAL_ERROR", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"), error
            # a caller who is refused altogether, and only they, has another status than 200
            assert (response.status_code == 401) == (code == "UNAUTHORIZED" and "data" not in body), error
        return body

    async def _do(self, who: Who, mutation: str, answer: str, /, **arguments: Any) -> Outcome:
        """The outcome of a mutation; `answer` is what is asked of its payload."""
        types = {"id": "ID!", "ticketId": "ID!", "userId": "ID!", "apiKey": "String!", "apiSecret": "String!"}
        types |= {"rating": "Int!", "comment": "String"}
        types["input"] = mutation[0].upper() + mutation[1:] + "Input!"
        declared = ", ".join(f"${name}: {types[name]}" for name in arguments)
        passed = ", ".join(f"{name}: ${name}" for name in arguments)
        document = f"mutation({declared}) {{ {mutation}({passed}) {{ {answer} {ERRORS} }} }}"
        body = await self.ask(who, document, **arguments)
        if body.get("errors"):
            return _refused(body["errors"])
        payload = body["data"][mutation]
        thing = answer.split(maxsplit=1)[0]
        if payload["userErrors"]:
            assert payload[thing] is None
            return _of_user_errors(payload["userErrors"])
        if "apiSecret" in payload:
            return Outcome(_plain(payload["apiKey"] | {"apiSecret": payload["apiSecret"]}))
        made = _plain(payload if thing == "token" else payload[thing])
        if "signingSecret" in payload:  # REST shows it where it shows the mask from then on
            made["secret"] = payload["signingSecret"]
        return Outcome(made)

    async def sign_in(self, api_key: Any, api_secret: Any) -> Outcome:
        return await self._do(
            None, "tokenCreate", "token expiresIn tokenType", apiKey=api_key, apiSecret=api_secret
        )

    async def open_ticket(self, who: Who, /, **given: Any) -> Outcome:
        return await self.create(who, "ticket", **given)

    async def change_ticket(self, who: Who, id_: Any, /, **given: Any) -> Outcome:
        return await self.change(who, "ticket", id_, **given)

    async def delete_ticket(self, who: Who, id_: Any, /) -> Outcome:
        return await self.delete(who, "ticket", id_)

    async def ticket(self, who: Who, id_: Any, /) -> Outcome:
        return await self.one(who, "ticket", id_)

    async def tickets(self, who: Who, /, **asked: Any) -> Outcome:
        filter_, order = _filter(asked), _order(asked)
        head = "$filter: TicketFilter, $orderBy: TicketOrder"
        return await self._pages(
            who,
            f"query({head}, {PAGE}) {{ list: tickets(filter: $filter, orderBy: $orderBy, {PAGED}) {{ %s }} }}",
            "listed",
            asked,
            filter=filter_,
            orderBy=order,
        )

    async def reply(self, who: Who, ticket_id: Any, /, **given: Any) -> Outcome:
        return await self._do(
            who, "replyCreate", f"reply {REPLY}", ticketId=str(ticket_id), input=_input(given)
        )

    async def replies(self, who: Who, ticket_id: Any, /, **asked: Any) -> Outcome:
        internal = asked.pop("include_internal", True)
        return await self._pages(
            who,
            f"query($id: ID!, $internal: Boolean!, {PAGE}) {{ ticket(id: $id) "
            f"{{ list: replies(includeInternal: $internal, {PAGED}) {{ %s }} }} }}",
            "reply",
            asked,
            id=str(ticket_id),
            internal=internal,
        )

    async def attach(self, who: Who, ticket_id: Any, name: Any, data: bytes, /, **given: Any) -> Outcome:
        reply_id = given.pop("reply_id", None)
        assert not given, "Arguments of a mutation are checked by the schema."
        operations = {
            "query": f"""mutation($ticketId: ID!, $file: Upload!, $replyId: ID) {{
                attachmentCreate(ticketId: $ticketId, file: $file, replyId: $replyId)
                {{ attachment {FILE} {ERRORS} }} }}""",
            "variables": {
                "ticketId": str(ticket_id),
                "file": None,
                "replyId": None if reply_id is None else str(reply_id),
            },
        }
        response = await self._http.post(
            "/graphql",
            headers=_headers(who) | {"GraphQL-Require-Preflight": "1"},
            data={"operations": json.dumps(operations), "map": json.dumps({"0": ["variables.file"]})},
            files={"0": (name, data)},
        )
        body = response.json()
        if body.get("errors"):
            return _refused(body["errors"])
        payload = body["data"]["attachmentCreate"]
        if payload["userErrors"]:
            assert payload["attachment"] is None
            return _of_user_errors(payload["userErrors"])
        return Outcome(_plain(payload["attachment"]))

    async def detach(self, who: Who, id_: Any, /) -> Outcome:
        return await self.delete(who, "attachment", id_)

    async def attachment(self, who: Who, id_: Any, /) -> Outcome:
        document = f"query($id: ID!) {{ node(id: $id) {{ ... on Attachment {FILE} }} }}"
        body = await self.ask(who, document, id=f"att_{id_}")
        if body.get("errors"):
            return _refused(body["errors"])
        found = body["data"]["node"]
        return Outcome(code="NOT_FOUND") if found is None else Outcome(_plain(found))

    async def watch(self, who: Who, ticket_id: Any, user_id: Any, /) -> Outcome:
        return await self._do(
            who, "ticketWatch", "ticket { databaseId }", id=str(ticket_id), userId=str(user_id)
        )

    async def unwatch(self, who: Who, ticket_id: Any, user_id: Any, /) -> Outcome:
        return await self._do(
            who, "ticketUnwatch", "ticket { databaseId }", id=str(ticket_id), userId=str(user_id)
        )

    async def rate(self, who: Who, ticket_id: Any, /, **given: Any) -> Outcome:
        shown = f"ticket {{ rating {RATING} }}"
        done = await self._do(who, "ticketRate", shown, id=str(ticket_id), **given)
        return replace(done, data=done.data and done.data["rating"])

    async def rating(self, who: Who, ticket_id: Any, /) -> Outcome:
        shown = f"{{ rating {RATING} }}"
        body = await self.ask(who, f"query($id: ID!) {{ ticket(id: $id) {shown} }}", id=str(ticket_id))
        found = (body["data"]["ticket"] or {}).get("rating")
        return Outcome(code="NOT_FOUND") if found is None else Outcome(_plain(found))

    async def overview(self, who: Who, /, **asked: Any) -> Outcome:
        found = await self._stats(who, OVERVIEW, asked)
        if found.ok:
            found.data["by_category"] = [
                {"category": each["category"]["name"], "count": each["count"]}
                for each in found.data["by_category"]
            ]
            found.data["agent_performance"] = list(map(_with_agent, found.data["agent_performance"]))
        return found

    async def agent_stats(self, who: Who, /, **asked: Any) -> Outcome:
        found = await self._stats(who, AGENTS, asked)
        return replace(found, data=list(map(_with_agent, found.data["agents"]))) if found.ok else found

    async def _stats(self, who: Who, selected: str, asked: Row) -> Outcome:
        document = f"query($from: Date, $to: Date) {{ stats(from: $from, to: $to) {selected} }}"
        given = {"from": asked.get("from_date"), "to": asked.get("to_date")}
        body = await self.ask(who, document, **given)
        return _refused(body["errors"]) if body.get("errors") else Outcome(_plain(body["data"]["stats"]))

    async def make_key(self, who: Who, /, **given: Any) -> Outcome:
        answer = f"apiKey {FIELDS['api_key']} apiSecret"
        return await self._do(who, "apiKeyCreate", answer, input=_input(given))

    async def revoke_key(self, who: Who, id_: Any, /) -> Outcome:
        return await self._do(who, "apiKeyRevoke", "apiKey { databaseId }", id=str(id_))

    async def create(self, who: Who, noun: str, /, **given: Any) -> Outcome:
        secret = " signingSecret" if noun == "webhook" else ""
        return await self._do(who, f"{noun}Create", f"{noun} {FIELDS[noun]}{secret}", input=_input(given))

    async def change(self, who: Who, noun: str, id_: Any, /, **given: Any) -> Outcome:
        return await self._do(
            who, f"{noun}Update", f"{noun} {FIELDS[noun]}", id=str(id_), input=_input(given)
        )

    async def delete(self, who: Who, noun: str, id_: Any, /) -> Outcome:
        return await self._do(who, f"{noun}Delete", "deletedId", id=str(id_))

    async def one(self, who: Who, noun: str, id_: Any, /) -> Outcome:
        body = await self.ask(
            who, f"query($id: ID!) {{ one: {_camel(noun)}(id: $id) {FIELDS[noun]} }}", id=str(id_)
        )
        if body.get("errors"):
            return _refused(body["errors"])
        found = body["data"]["one"]
        return Outcome(code="NOT_FOUND") if found is None else Outcome(_plain(found))

    async def list(self, who: Who, noun: str, /, **asked: Any) -> Outcome:
        plural = _camel(PLURALS[noun].replace("-", "_"))
        if noun != "user":
            document = f"query({PAGE}) {{ list: {plural}({PAGED}) {{ %s }} }}"
            return await self._pages(who, document, noun, asked)
        filter_ = {
            "search": asked.get("search"),
            "type": [asked["type"].upper()] if "type" in asked else None,
            "organization": [str(asked["organization_id"])] if "organization_id" in asked else None,
        }
        document = f"query($filter: UserFilter, {PAGE}) {{ list: users(filter: $filter, {PAGED}) {{ %s }} }}"
        return await self._pages(who, document, noun, asked, filter=filter_)

    async def rotate_secret(self, who: Who, id_: Any, /) -> Outcome:
        answer = f"webhook {FIELDS['webhook']} signingSecret"
        return await self._do(who, "webhookRotateSecret", answer, id=str(id_))

    async def test_webhook(self, who: Who, id_: Any, /) -> Outcome:
        return await self._do(who, "webhookTest", f"delivery {FIELDS['delivery']}", id=str(id_))

    async def deliveries(self, who: Who, webhook_id: Any, /, **asked: Any) -> Outcome:
        document = (
            f"query($id: ID!, {PAGE}) {{ parent: webhook(id: $id) {{ list: deliveries({PAGED}) {{ %s }} }} }}"
        )
        return await self._pages(who, document, "delivery", asked, id=str(webhook_id))

    async def redeliver(self, who: Who, webhook_id: Any, id_: Any, /) -> Outcome:
        return await self._do(who, "deliveryRedeliver", f"delivery {FIELDS['delivery']}", id=str(id_))

    async def _pages(self, who: Who, document: str, noun: str, asked: Row, **variables: Any) -> Outcome:
        """Page number `page`, reached by walking from the start, as there are no numbers in the graph."""
        whole = document % f"totalCount pageInfo {{ endCursor }} nodes {FIELDS[noun]}"
        first, cursor, found = asked.get("per_page"), None, Outcome()
        for _ in range(asked.get("page", 1)):
            body = await self.ask(who, whole, first=first, after=cursor, **variables)
            if body.get("errors"):
                return _refused(body["errors"])
            parent = body["data"].get("ticket") or body["data"].get("parent") or {}
            connection = body["data"].get("list") or parent.get("list")
            if connection is None:
                return Outcome(code="NOT_FOUND")
            cursor = connection["pageInfo"]["endCursor"] or cursor
            found = Outcome(_plain(connection["nodes"]), total=connection["totalCount"])
        return found


def _input(given: Mapping[str, Any]) -> Row:
    return {_camel(name): _sent(name, value) for name, value in given.items()}


def _sent(name: str, value: Any) -> Any:
    if name == "attachment_ids" and isinstance(value, list):
        return [str(each) for each in value]
    if name in ENUMS and isinstance(value, str):
        return value.upper()
    if name in IDS and type(value) is int:
        return str(value)
    return value


def _filter(asked: Row) -> Row:
    found: Row = {"search": asked.get("search")}
    for name, parameter in (("status", "status"), ("priority", "priority"), ("category", "category_id")):
        if parameter in asked:
            found[name] = [str(asked[parameter]).upper()]
    assignee = asked.get("assigned_to")
    if assignee is not None:
        found["assignedTo"] = {assignee: True} if assignee in ("me", "none") else {"ids": [str(assignee)]}
    return found


def _order(asked: Row) -> Row | None:
    if "sort" not in asked and "order" not in asked:
        return None
    return {
        "field": asked.get("sort", "created_at").upper(),
        "direction": asked.get("order", "desc").upper(),
    }


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.capitalize() for word in rest)


def _snake(name: str) -> str:
    return re.sub(r"[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


_RENAMED = {"databaseId": "id", "activity": "activity_log"}


def _plain(value: Any) -> Any:
    """An answer of the graph in the words of the documented API."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    if list(value) == ["nodes"]:
        return _plain(value["nodes"])
    row = {_RENAMED.get(name, _snake(name)): _received(name, each) for name, each in value.items()}
    for name in ("parent", "ticket", "reply", "webhook"):
        if name in row:
            row[f"{name}_id"] = (row.pop(name) or {}).get("id")
    return row


def _received(name: str, value: Any) -> Any:
    if name == "metadata":
        return value
    return value.lower() if name in ENUMS and isinstance(value, str) else _plain(value)


def _with_agent(row: Row) -> Row:
    """A line of statistics with its agent as the documented API names them."""
    agent: Row = row.pop("agent")
    # a ticket's activity is its log there; an agent's is not
    done = {"activity": row.pop("activity_log")} if "activity_log" in row else {}
    return {"agent_id": agent.pop("id")} | agent | row | done


_MISSING = re.compile(r"to include required field '(\w+)'")
_UNKNOWN = re.compile(r"not to include unknown field '(\w+)'")
_NO_DAY = re.compile(r"^Variable '\$(from|to)' has invalid value: A Date is written like 2024-01-31")
_UNFIT = re.compile(r"^Variable '\$\w+(?:' has invalid value at )?\.(\w+)[^:]*?:? (.*)$", re.DOTALL)


def _refused(errors: list[dict[str, Any]]) -> Outcome:
    """From errors of the answer: the first one's code, and every field that one of them names."""
    wrong: dict[str, str] = {}
    for error in errors:
        for name, [text] in error["extensions"].get("details", {}).items():
            wrong["per_page" if name in ("first", "last") else name] = text.removeprefix("This field ")
        wrong |= _named_by_the_type(error["message"])
    return Outcome(code=errors[0]["extensions"]["code"], message=errors[0]["message"], wrong=wrong)


def _named_by_the_type(message: str) -> dict[str, str]:
    """What graphql-core says of a value that does not fit its type, in the words of the rules."""
    if found := _MISSING.search(message):
        return {_snake(found[1]): "is required"}
    if found := _NO_DAY.search(message):
        return {f"{found[1]}_date": "must be a date such as 2024-01-31"}
    if found := _UNKNOWN.search(message):
        return {_snake(found[1]): "is unknown"}
    if found := _UNFIT.search(message):
        return {_snake(found[1]): found[2]}
    return {}


def _of_user_errors(errors: list[dict[str, Any]]) -> Outcome:
    [code] = {error["code"] for error in errors}
    wrong = {
        _snake(error["field"][-1]): error["message"].removeprefix(f"The {error['field'][-1]} field ")
        for error in errors
        if error["field"]
    }
    return Outcome(code=code, message=errors[0]["message"], wrong=wrong)

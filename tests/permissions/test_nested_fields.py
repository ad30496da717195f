"""What a customer sees of a thing they may see: every field of every type, beside what an admin sees of the same thing.

A field that is in no row of FIELDS fails, and so does one that shows another part than its row says.
"""

import json
from typing import Any, Final

from graphql import GraphQLField, GraphQLObjectType, get_named_type, is_leaf_type, is_non_null_type

from tests.permissions.test_matrix import GRAPH
from tests.permissions.world import (
    ADAS,
    ADMINS,
    ELSEWHERE,
    EVES,
    NOTE,
    OURS,
    PREFIXES,
    STAFF,
    World,
    asked_of_graph,
    put,
)

STAFFS_TYPES: Final = {
    *("Stats", "TicketStats", "ResponseTimeStats", "AgentPerformanceStats", "CategoryStats", "PriorityStats"),
    *("TrendStats", "DayStats", "AgentStats", "AgentMetricStats", "AgentActivityStats"),
    *("Webhook", "WebhookDelivery", "DeliveryAttempt", "ApiKey"),
}
"""What no customer reaches: the rows of Query in deeds.py say so."""
NOBODYS_TYPES: Final = {"PageInfo", "RateLimitStats", "UserError"}
"""What is about the answer itself."""
FIELDS: Final = {
    # `same`: what an admin sees; `less`: only what is theirs or public; `hidden`: null. Of which thing: its kind below.
    "Ticket": {
        "same": "id databaseId version subject content contentHtml status priority isUntouched tags metadata "
        "reopenCount category requester organization assignedTo watchers rating createdAt updatedAt firstResponseAt "
        "firstResolvedAt resolvedAt closedAt",
        "less": "replyCount replies attachments activity",
    },
    "Reply": {
        "same": "id databaseId content contentHtml isInternal createdAt attachments author ticket",
    },
    "Attachment": {
        "same": "id databaseId filename originalFilename fileSize mimeType sha256 url isInternal createdAt uploadedBy "
        "ticket reply",
    },
    "Activity": {"same": "id action from to timestamp user"},
    "TicketRating": {"same": "id rating comment createdAt requester assignedTo"},
    "User": {  # an agent, as a customer sees them
        "same": "id databaseId name email type avatarUrl createdAt updatedAt organization",
        "less": "ticketCount tickets",
        "hidden": "phone metadata isActive",
    },
    "Organization": {
        "same": "id databaseId name domain userCount ticketCount users tickets createdAt updatedAt",
        "hidden": "notes metadata",
    },
    "Category": {
        "same": "id databaseId name slug color description parent createdAt updatedAt",
        "less": "ticketCount tickets",
    },
    "Event": {"same": "id sequence type timestamp actor changedFields ticket reply"},
    "Workspace": {"same": "id name tier customersSeeOrganization createdAt"},
}
FOLLOWED: Final = "Event"
"""What no query leads to: tests/rules/test_subscriptions.py."""
KINDS: Final = {
    "Ticket": "ticket",
    "Reply": "reply",
    "Attachment": "attachment",
    "User": "agent",
    "Organization": "organization",
    "Category": "category",
}
TYPES: Final = {kind: name for name, kind in KINDS.items()} | {
    "note": "Reply",
    "note_attachment": "Attachment",
    "ada": "User",
    "webhook": "Webhook",
    "delivery": "WebhookDelivery",
    "api_key": "ApiKey",
}
"""What each thing of the world is."""


def types() -> dict[str, GraphQLObjectType]:
    """The types of things, without those that only wrap them."""
    found = {
        name: type_
        for name, type_ in GRAPH.type_map.items()
        if isinstance(type_, GraphQLObjectType) and not name.startswith("__")
    }
    wrapping = ("Connection", "Edge", "Payload", "Query", "Mutation", "Subscription")
    return {name: type_ for name, type_ in found.items() if not name.endswith(wrapping)}


def test_every_field_has_a_row() -> None:
    assert set(types()) == {*FIELDS, *STAFFS_TYPES, *NOBODYS_TYPES}, "A new type: say who sees what of it"
    for name, rows in FIELDS.items():
        told = [field for fields in rows.values() for field in fields.split()]
        assert sorted(told) == sorted(types()[name].fields), f"{name}: a new field: say who sees it"


async def test_a_customer_sees_of_each_field_what_its_row_says(world: World) -> None:
    ids, wrong = world.ids[OURS], {}
    for name, rows in FIELDS.items():
        if name == FOLLOWED:
            continue
        text = _document(name, ids)
        seen, whole = [
            (await asked_of_graph(world.http, world.people[who].headers, text, {}))["data"]
            for who in ("owner", "admin")
        ]
        seen, whole = _thing(name, seen), _thing(name, whole)
        for how, fields in rows.items():
            for field in fields.split():
                if whole[field] is not None and _compared(seen[field], whole[field]) != how:
                    wrong[name, field] = (how, seen[field], whole[field])
    assert wrong == {}


def _compared(seen: Any, whole: Any) -> str:
    if seen == whole:
        return "same"
    return "hidden" if seen is None else "less"


def _thing(name: str, data: Any) -> dict[str, Any]:
    found = data["thing"]
    if name == "Activity":
        found = found["activity"]["nodes"][0]
    if name == "TicketRating":
        found = found["rating"]
    assert isinstance(found, dict), name
    return found


def _document(name: str, ids: dict[str, int]) -> str:
    selected = _selected(name)
    if name == "Workspace":
        return f"{{ thing: workspace {selected} }}"
    kind = KINDS.get(name, "ticket")
    id_ = f"{PREFIXES[kind]}_{ids[kind]}"
    if name == "Activity":
        return f'{{ thing: ticket(id: "{id_}") {{ activity {{ nodes {selected} }} }} }}'
    if name == "TicketRating":
        return f'{{ thing: ticket(id: "{id_}") {{ rating {selected} }} }}'
    return f'{{ thing: node(id: "{id_}") {{ ... on {name} {selected} }} }}'


def _selected(name: str) -> str:
    return f"{{ {' '.join(_field(field, of) for field, of in types()[name].fields.items())} }}"


def _field(name: str, field: GraphQLField) -> str:
    type_: Any = get_named_type(field.type)
    if is_leaf_type(type_):
        return name
    return f"{name} {{ totalCount nodes {{ id }} }}" if "nodes" in type_.fields else f"{name} {{ id }}"


EDGES_DEEP: Final = 2


def _needs(field: GraphQLField) -> bool:
    return any(is_non_null_type(argument.type) for argument in field.args.values())


async def test_no_way_through_the_graph_leads_to_what_is_not_theirs(world: World) -> None:
    """Every chain of edges from everything a role may ask for, and not a word of what others know at its end."""
    forbidden = {
        "owner": (NOTE, STAFF, ADMINS, ELSEWHERE, EVES),
        "outsider": (NOTE, STAFF, ADMINS, ELSEWHERE, ADAS),
        "agent": (ADMINS, ELSEWHERE),
        "admin": (ELSEWHERE,),
        "stranger": ("owner@acme.test",),
    }
    told: dict[str, str] = {}
    for who in forbidden:
        told[who] = await _everything(world, who)
    for who, words in forbidden.items():
        assert [word for word in words if word in told[who]] == [], who
    for word in (NOTE, STAFF, ADMINS):  # so they were asked for
        assert word in told["admin"]
    assert ELSEWHERE in told["stranger"]


async def _everything(world: World, who: str) -> str:
    """What the graph tells them, from each root field, edge by edge, in operations that the limits allow."""
    query = GRAPH.query_type
    assert query is not None
    answers = []
    for name, field in query.fields.items():
        if isinstance(get_named_type(field.type), GraphQLObjectType) and not _needs(field):
            answers += [
                await asked_of_graph(world.http, world.people[who].headers, text, {})
                for text in _operations(name, field)
            ]
    for kind, id_ in put({kind: f"{{{kind}}}" for kind in TYPES}, world.ids[OURS], prefixed=True).items():
        name = TYPES[kind]
        for chain in _chains(types()[name], EDGES_DEEP, ()):
            text = f"query($id: ID!) {{ node(id: $id) {{ ... on {name} {chain} }} }}"
            answers.append(await asked_of_graph(world.http, world.people[who].headers, text, {"id": id_}))
    codes = {error["extensions"]["code"] for answer in answers for error in answer.get("errors", ())}
    assert codes <= {"FORBIDDEN"}, codes
    return json.dumps(answers)


def _operations(name: str, field: GraphQLField) -> list[str]:
    """A document for each chain of edges below the root field, with all leaves at its end."""
    size = "(first: 5)" if "first" in field.args else ""
    type_: Any = get_named_type(field.type)
    return [f"{{ {name}{size} {chain} }}" for chain in _chains(type_, EDGES_DEEP, ())]


def _chains(type_: GraphQLObjectType, depth: int, seen: tuple[str, ...]) -> list[str]:
    leaves = [name for name, field in type_.fields.items() if is_leaf_type(get_named_type(field.type))]
    found = [f"{{ {' '.join(leaves)} }}"] if leaves else []
    for name, field in type_.fields.items():
        inner: Any = get_named_type(field.type)
        edge = f"{type_.name}.{name}"
        wraps = type_.name.endswith("Connection")
        if not isinstance(inner, GraphQLObjectType) or not depth or edge in seen or _needs(field):
            continue
        if wraps and name != "nodes":
            continue
        size = "(first: 3)" if "first" in field.args else ""
        found += [
            f"{{ {name}{size} {chain} }}" for chain in _chains(inner, depth - (not wraps), (*seen, edge))
        ]
    return found

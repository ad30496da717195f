"""An id of another workspace, or of what the caller may not see, is an id of nothing: the answer is the same (D34).

The places that take an id are found in the schema and in what the routes declare; one that no deed fills fails here.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from graphql import GraphQLType, get_named_type, is_input_object_type

from rest_compat.routes import ENDPOINTS
from tests.contents import unchanged_in
from tests.permissions.deeds import DEEDS, Deed
from tests.permissions.test_matrix import asked, called, fresh, root_fields
from tests.permissions.world import ELSEWHERE, OURS, PREFIXES, THEIRS, World, asked_of_graph, put

NOTHING = 987_654_321
SPELLED = re.compile(r"\b(?:[a-z]{3}_)?\d+\b")


def places(told: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Where the arguments hold an id of the world, and of what: `(("input", "categoryId"), "category")`."""
    if isinstance(told, dict):
        for name, value in told.items():
            yield from places(value, (*path, name))
    elif isinstance(told, list):
        for index, value in enumerate(told):
            yield from places(value, (*path, index))
    elif isinstance(told, str) and told[:1] == "{" and told[1:-1] in PREFIXES:
        yield path, told[1:-1]


def replaced(told: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The arguments with another value at the place."""
    if not path:
        return value
    if isinstance(told, list):
        return [
            replaced(each, path[1:], value) if index == path[0] else each for index, each in enumerate(told)
        ]
    return {**told, path[0]: replaced(told[path[0]], path[1:], value)}


COMBINED = {"and", "or", "not"}


def id_places(type_: GraphQLType, *path: str) -> Iterator[str]:
    """The places of the type that take an id, as `filter.and.category`; a filter within a filter is looked at once."""
    named: Any = get_named_type(type_)
    if named.name == "ID":
        yield ".".join(path)
    if is_input_object_type(named):
        for name, field in named.fields.items():
            if not (name in COMBINED and COMBINED.intersection(path)):
                yield from id_places(field.type, *path, name)


def test_every_place_of_the_graph_that_takes_an_id_is_filled_by_a_deed() -> None:
    taken = {
        f"{way}.{place}"
        for way, field in root_fields().items()
        for name, argument in field.args.items()
        for place in id_places(argument.type, name)
    }
    filled = {
        ".".join([deed.field, *(str(part) for part in path if isinstance(part, str))])
        for deed in DEEDS
        if deed.field
        for path, _ in places(deed.arguments)
    }
    assert taken == filled


def test_every_place_of_rest_that_takes_an_id_is_filled_by_a_deed() -> None:
    def is_id(name: str) -> bool:
        return name.endswith(("_id", "_ids")) or name == "assigned_to"

    taken = {
        (f"{each.method} {re.sub(r'{[^}]+}', '{}', each.path)}", name)
        for each in ENDPOINTS
        for name in (*each.query, *(each.body.fields if each.body else ()))
        if is_id(name)
    }
    filled = set()
    for deed in DEEDS:
        for route in deed.routes:
            path, _, query = route.partition("?")
            names = {each.partition("=")[0] for each in query.split("&")}
            names |= {str(where[0]) for where, _ in places(deed.body)}
            filled |= {(re.sub(r"\{[^}]+\}", "{}", path), name) for name in names if is_id(name)}
    assert taken == filled


SEEN = {"owner": set(PREFIXES) - {"reply", "note", "attachment", "note_attachment"}, "admin": set()} | {
    "outsider": {"agent", "category", "parent"}
}
"""What each caller may see of what stands at the places: its id is not an id of nothing."""


@pytest.mark.parametrize("caller", ["admin", "outsider", "owner"])
async def test_it_is_answered_as_an_id_of_nothing(world: World, caller: str) -> None:
    """For an admin ids of another workspace, for a customer those of others' tickets, for who asked those of notes."""
    headers, ours = world.people[caller].headers, world.ids[OURS]
    hidden = world.ids[THEIRS] if caller == "admin" else dict(ours)
    if caller == "owner":
        hidden = hidden | {"reply": ours["note"], "attachment": ours["note_attachment"]}
    wrong = []
    for deed in DEEDS:
        for way, kind, foreign, absent in _questions(deed, await fresh(world, deed), hidden | {"parent": 0}):
            if kind in SEEN[caller]:
                continue
            theirs = await _answer(world, deed, way, foreign, headers)
            nothing = await _answer(world, deed, way, absent, headers)
            if SPELLED.sub("#", theirs) != SPELLED.sub("#", nothing) or ELSEWHERE in theirs:
                wrong.append((way, kind, theirs, nothing))
    assert wrong == []


def _questions(
    deed: Deed, ids: Mapping[str, int], hidden: Mapping[str, int]
) -> Iterator[tuple[str, str, Any, Any]]:
    """The deed through each door with one id replaced: by a hidden one, and by one of nothing."""
    hidden = dict(hidden) | ({"parent": hidden["category"]})
    if deed.field:
        told = put(deed.arguments, ids, prefixed=True)
        for path, kind in places(deed.arguments):
            foreign, absent = (f"{PREFIXES[kind]}_{number}" for number in (hidden[kind], NOTHING))
            yield deed.field, kind, replaced(told, path, foreign), replaced(told, path, absent)
    for route in deed.routes:
        told = put(deed.body, ids, prefixed=False)
        for path, kind in places(deed.body):
            foreign_body, absent_body = (replaced(told, path, each) for each in (hidden[kind], NOTHING))
            yield route, kind, (foreign_body, ids), (absent_body, ids)
        for kind in set(re.findall(r"\{(\w+)\}", route)):
            yield route, kind, (told, {**ids, kind: hidden[kind]}), (told, {**ids, kind: NOTHING})


async def _answer(world: World, deed: Deed, way: str, told: Any, headers: Mapping[str, str]) -> str:
    """The whole answer as text, without what is new in every one; whatever was refused has changed nothing."""
    if way == deed.field:
        body = await asked(world.http, way, _named(world, told), headers)
        body.pop("extensions", None)
        return json.dumps(body)
    sent, ids = told
    response = await called(world.http, way, _named(world, sent), headers, ids)
    return f"{response.status_code} {response.text}"


def _named(world: World, told: Any) -> Any:
    if isinstance(told, dict):
        return {name: _named(world, value) for name, value in told.items()}
    return "new@acme.test" if told == "NEW" else told


async def test_what_names_something_of_another_workspace_changes_nothing(world: World) -> None:
    headers, theirs = world.people["admin"].headers, world.ids[THEIRS] | {"parent": 0}
    for deed in DEEDS:
        questions = list(_questions(deed, await fresh(world, deed), theirs))
        async with unchanged_in(world.helpdesk.db):
            for way, _, foreign, _ in questions:
                await _answer(world, deed, way, foreign, headers)


FILTERS = ("category", "requester", "organization", "assignedTo")


async def test_a_filter_by_it_finds_nothing_and_counts_nothing(world: World) -> None:
    theirs = put(
        {
            "category": ["{category}"],
            "requester": ["{ada}"],
            "organization": ["{organization}"],
            "assignedTo": {"ids": ["{agent}"]},
        },
        world.ids[THEIRS],
        prefixed=True,
    )
    text = """query($filter: TicketFilter, $user: ID!, $organization: ID!, $category: ID!) {
        tickets(filter: $filter) { ...found } user(id: $user) { tickets(filter: $filter) { ...found } }
        organization(id: $organization) { tickets(filter: $filter) { ...found } }
        category(id: $category) { tickets(filter: $filter) { ...found } } }
        fragment found on TicketConnection { totalCount nodes { id } }"""
    ids = put(
        {"user": "{ada}", "organization": "{organization}", "category": "{category}"},
        world.ids[OURS],
        prefixed=True,
    )
    for name in FILTERS:
        one = {name: theirs[name]}
        for filter_ in (one, {"and": [one]}, {"or": [one]}, {"not": {"not": one}}):
            variables = {"filter": filter_, **ids}
            body = await asked_of_graph(world.http, world.people["admin"].headers, text, variables)
            nothing = {"totalCount": 0, "nodes": []}
            within = {name: {"tickets": nothing} for name in ("user", "organization", "category")}
            assert body["data"] == {"tickets": nothing, **within}, filter_

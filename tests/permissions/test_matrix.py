"""Who may do what: every root field and every route, for nobody and for every role and ownership (D34, D36)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
from graphql import GraphQLField, GraphQLObjectType, get_named_type, is_leaf_type
from litestar import Litestar

from rest_compat.routes import ENDPOINTS
from schema.root import schema
from tests.permissions.deeds import COLUMNS, DEEDS, PUBLIC_FIELDS, PUBLIC_PATHS, PUBLIC_ROUTES, WORDS, Deed
from tests.permissions.world import World, asked_of_graph, put
from tests.subscribers import begun

GRAPH = schema._schema


def root_fields() -> dict[str, GraphQLField]:
    """The fields of the roots as `Query.ticket`."""
    roots = (GRAPH.query_type, GRAPH.mutation_type, GRAPH.subscription_type)
    return {f"{root.name}.{name}": field for root in roots if root for name, field in root.fields.items()}


def test_every_root_field_has_a_row() -> None:
    rows = {deed.field for deed in DEEDS if deed.field}
    assert rows | PUBLIC_FIELDS == set(root_fields()), "A new field: say in deeds.py who may ask it"


def test_every_route_has_a_row() -> None:
    rows = {_shape(route) for deed in DEEDS for route in deed.routes}
    routes = {_shape(f"{each.method} {each.path}") for each in ENDPOINTS if each.needs_token}
    assert rows == routes, "A new route: say in deeds.py who may call it"
    free = {f"{each.method} {each.path}" for each in ENDPOINTS if not each.needs_token}
    assert free == PUBLIC_ROUTES


def test_nothing_else_is_served(app: Litestar) -> None:
    documented = {_shape(each.path) for each in ENDPOINTS}
    others = {route.path for route in app.routes if _shape(route.path) not in documented}
    assert others == PUBLIC_PATHS, "A new page: say in deeds.py that it tells nobody's data"


def _shape(route: str) -> str:
    return re.sub(r"\{[^}]+\}", "{}", route.partition("?")[0])


async def test_every_role_gets_what_the_table_says(world: World) -> None:
    wrong = [line async for line in _wrong(world, [name for name in COLUMNS if name != "shut"])]
    await world.opens_to_colleagues(is_open=False)
    wrong += [line async for line in _wrong(world, ["shut"])]
    assert wrong == []


async def _wrong(world: World, columns: list[str]) -> Any:
    """A line for each cell that is not as the table says."""
    for deed in DEEDS:
        for column in columns:
            person = world.people["colleague" if column == "shut" else column]
            for way, expected in _ways(deed):
                ids = await fresh(world, deed)
                outcome = await _outcome(world, deed, way, person.headers, ids)
                told = WORDS[expected.split()[COLUMNS.index(column)]]
                if outcome != told:
                    yield f"{way} for {column}: {outcome}, not {told} {deed.arguments or deed.body}"


async def test_without_a_token_that_holds_nothing_is_done(world: World) -> None:
    admin = world.people["admin"]
    ids = world.ids["ours"]
    world.clock.pass_(hours=2)
    refused: list[Mapping[str, str]] = [{}, admin.headers]  # the second has expired
    wrong = []
    for deed in DEEDS:
        for way, _ in _ways(deed):
            for headers in refused:
                outcome = await _outcome(world, deed, way, headers, ids | {"parent": ids["category"]})
                if outcome != "UNAUTHORIZED":
                    wrong.append((way, outcome))
    assert wrong == []


def _ways(deed: Deed) -> Iterator[tuple[str, str]]:
    if deed.field:
        yield deed.field, deed.outcomes
    for route in deed.routes:
        yield route, deed.outcomes


async def fresh(world: World, deed: Deed) -> dict[str, int]:
    """The ids that the deed is done with."""
    if deed.needs is None:
        return world.ids["ours"]
    if deed.needs != "parent":
        return await world.fresh(deed.needs)
    parent = (await world.fresh("category"))["category"]
    return await world.fresh("category") | {"parent": parent}


async def _outcome(
    world: World, deed: Deed, way: str, headers: Mapping[str, str], ids: Mapping[str, int]
) -> str:
    if way == deed.field:
        told = put(_with_new_email(world, deed.arguments), ids, prefixed=True)
        return of_graph(await asked(world.http, way, told, headers))
    response = await called(
        world.http, way, put(_with_new_email(world, deed.body), ids, prefixed=False), headers, ids
    )
    return "ok" if response.is_success else str(response.json()["error"]["code"])


def _with_new_email(world: World, told: Any) -> Any:
    if isinstance(told, dict):
        return {name: _with_new_email(world, value) for name, value in told.items()}
    if told == "NEW":
        world.made += 1
        return f"new-{world.made}@acme.test"
    return told


async def asked(
    http: httpx.AsyncClient, way: str, arguments: Mapping[str, Any], headers: Mapping[str, str]
) -> Any:
    """The graph's answer to one root field with these arguments."""
    text, variables = question(way, arguments)
    if way.startswith("Subscription."):
        return await begun(http, headers, text, variables)
    return await asked_of_graph(http, headers, text, variables, is_form="file" in variables)


def question(way: str, arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The document that asks one root field with these arguments, and its variables."""
    field, (root, name) = root_fields()[way], way.split(".")
    given = [each for each in field.args if each in arguments or each == "file"]
    declared = ", ".join(f"${each}: {field.args[each].type}" for each in given)
    passed = ", ".join(f"{each}: ${each}" for each in given)
    head = f"{root.lower()}({declared}) {{ {name}({passed})" if given else f"{root.lower()} {{ {name}"
    variables = {**arguments, "file": None} if "file" in given else dict(arguments)
    return f"{head} {_selected(field)} }}", variables


def _selected(field: GraphQLField) -> str:
    type_: Any = get_named_type(field.type)
    if "userErrors" in type_.fields:
        return "{ userErrors { code message field } }"
    if "nodes" in type_.fields:
        return "{ totalCount nodes { id } }"
    if "id" in type_.fields or "sequence" in type_.fields:
        return "{ id }" if "id" in type_.fields else "{ sequence }"
    return _leaves(type_)


def _leaves(type_: GraphQLObjectType) -> str:
    names = [name for name, field in type_.fields.items() if is_leaf_type(get_named_type(field.type))]
    inner = [
        f"{name} {_leaves(get_named_type(field.type))}"
        for name, field in type_.fields.items()
        if not names
        and not is_leaf_type(get_named_type(field.type))
        and "id" not in get_named_type(field.type).fields
    ]
    return f"{{ {' '.join(names or inner[:1])} }}"


def of_graph(body: Any) -> str:
    """`ok`, or the code of what went wrong; nothing found is NOT_FOUND, as in REST."""
    if body.get("errors"):
        return str(body["errors"][0]["extensions"]["code"])
    [data] = body["data"].values()
    if data is None or data == [None]:
        return "NOT_FOUND"
    if isinstance(data, dict) and data.get("userErrors"):
        return str(data["userErrors"][0]["code"])
    return "ok"


async def called(
    http: httpx.AsyncClient, way: str, body: Any, headers: Mapping[str, str], ids: Mapping[str, int]
) -> httpx.Response:
    """REST's answer to one route."""
    method, path = way.split(" ")
    path = re.sub(r"\{(\w+)\}", lambda found: str(ids[found[1]]), path)
    if path.endswith("/attachments") and method == "POST":
        form = {name: str(value) for name, value in body.items()}
        return await http.request(
            method, path, headers=dict(headers), files={"file": ("a.txt", b"a")}, data=form
        )
    return await http.request(method, path, headers=dict(headers), json=body)

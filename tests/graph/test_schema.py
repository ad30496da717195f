"""The schema as text: current, described to the last enum value, and shaped as the conventions say."""

from collections.abc import Iterator
from pathlib import Path

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    find_breaking_changes,
    get_named_type,
    is_non_null_type,
)

from schema.described import sdl
from schema.root import schema

COMMITTED = Path(__file__).parents[2] / "schema.graphql"
CURRENT: GraphQLSchema = schema._schema
OURS = [type_ for name, type_ in sorted(CURRENT.type_map.items()) if not name.startswith("__")]
CONNECTIONS = [type_ for type_ in OURS if type_.name.endswith("Connection")]


def undescribed(type_: GraphQLNamedType) -> Iterator[str]:
    """Everything of the type that does not say what it is."""
    if not type_.description:
        yield type_.name
    if isinstance(type_, GraphQLEnumType):
        yield from (f"{type_.name}.{name}" for name, value in type_.values.items() if not value.description)
    if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
        for name, field in type_.fields.items():
            if not field.description:
                yield f"{type_.name}.{name}"
            for argument, taken in getattr(field, "args", {}).items():
                if not taken.description:
                    yield f"{type_.name}.{name}({argument})"


def test_the_committed_text_is_current() -> None:
    text = COMMITTED.read_text()
    assert find_breaking_changes(build_schema(text), build_schema(sdl(schema))) == []
    assert text == sdl(schema), "Run `make schema` and read what changed"


def test_everything_has_a_description() -> None:
    scalars = {"Boolean", "Float", "ID", "Int", "String"}
    assert [what for type_ in OURS if type_.name not in scalars for what in undescribed(type_)] == []


def test_every_list_that_can_grow_is_a_connection() -> None:
    assert len(CONNECTIONS) == 9
    for connection in CONNECTIONS:
        assert isinstance(connection, GraphQLObjectType)
        assert {name: str(field.type) for name, field in connection.fields.items()} == {
            "edges": f"[{connection.name.removesuffix('Connection')}Edge!]!",
            "nodes": f"[{connection.name.removesuffix('Connection')}!]!",
            "pageInfo": "PageInfo!",
            "totalCount": "Int",
        }
    for type_ in OURS:
        for name, field in type_.fields.items() if isinstance(type_, GraphQLObjectType) else ():
            if get_named_type(field.type) in CONNECTIONS:
                taken = {argument: str(field.args[argument].type) for argument in field.args}
                assert (
                    taken.items()
                    >= {"first": "Int", "after": "String", "last": "Int", "before": "String"}.items()
                )
                assert not is_non_null_type(field.type), (
                    f"{type_.name}.{name} must not take its siblings along"
                )


NO_THINGS = ("PageInfo", "Query", "Mutation", "Subscription")


def test_what_is_no_part_of_something_else_has_an_id() -> None:
    """Caches of clients keep things by their ids; figures, pages and answers of mutations are kept with what has one."""
    parts = ("Connection", "Edge", "Payload", "Stats", "Error")
    for type_ in OURS:
        if isinstance(type_, GraphQLObjectType) and type_.name not in NO_THINGS:
            assert ("id" in type_.fields) != type_.name.endswith(parts), type_.name
            assert not any(name.lower().startswith(type_.name.lower()) for name in type_.fields), type_.name


WITHOUT_INPUT: dict[str, set[str]] = {
    "tokenCreate": set(),
    "attachmentCreate": {"replyId"},
    "ticketRate": {"comment"},
}
"""What frontends send argument by argument, and what of it they may leave out."""


def test_every_mutation_takes_one_input_and_answers_with_user_errors() -> None:
    assert CURRENT.mutation_type is not None
    for name, field in CURRENT.mutation_type.fields.items():
        payload = get_named_type(field.type)
        assert payload.name == f"{name[0].upper()}{name[1:]}Payload"
        assert str(field.type) == f"{payload.name}!"
        assert isinstance(payload, GraphQLObjectType)
        assert str(payload.fields["userErrors"].type) == "[UserError!]!"
        others = [each for each in payload.fields if each != "userErrors"]
        assert not any(is_non_null_type(payload.fields[each].type) for each in others)
        if name.endswith(("Create", "Update")) and name not in WITHOUT_INPUT:
            assert str(field.args["input"].type) == f"{name[0].upper()}{name[1:]}Input!"
        optional = {taken for taken, argument in field.args.items() if not is_non_null_type(argument.type)}
        assert optional <= WITHOUT_INPUT.get(name, set())


def test_only_rows_own_columns_are_never_null() -> None:
    """One failing field must not take its siblings along."""
    for type_ in OURS:
        if not isinstance(type_, GraphQLObjectType) or "databaseId" not in type_.fields:
            continue
        assert (str(type_.fields["id"].type), str(type_.fields["databaseId"].type)) == ("ID!", "Int!")
        assert [each.name for each in type_.interfaces] == ["Node"]
        for name, field in type_.fields.items():
            leads_on = isinstance(get_named_type(field.type), GraphQLObjectType)
            is_figure = name in ("replyCount", "ticketCount", "userCount")
            assert not (is_non_null_type(field.type) and (leads_on or is_figure)), f"{type_.name}.{name}"
    assert CURRENT.query_type is not None
    roots = {name for name, field in CURRENT.query_type.fields.items() if is_non_null_type(field.type)}
    assert roots == {"nodes"}  # a list of nullable things, as the Relay specification has it

"""Descriptions of the graph are the docstrings of what they describe."""

import inspect
from typing import Any

import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    build_schema,
    lexicographic_sort_schema,
    print_schema,
)

_ARGUMENTS = {
    "id": "Its id here, or its REST number.",
    "ticketId": "The ticket's id here, or its REST number.",
    "userId": "The user's id here, or its REST number.",
    "input": "What to write.",
}
"""What arguments mean that mean the same on every field."""


def describe(schema: strawberry.Schema) -> None:
    """Give every type and field that has no description the docstring of its class or resolver."""
    for kind in schema._schema.type_map.values():  # noqa: SLF001  # Strawberry has no public way to it
        definition: Any = (kind.extensions or {}).get("strawberry-definition")
        if definition is None or not isinstance(
            kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType | GraphQLEnumType
        ):
            continue
        kind.description = kind.description or _docstring(
            getattr(definition, "origin", None) or definition.wrapped_cls
        )
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for field in kind.fields.values():
                resolver = getattr(field.extensions.get("strawberry-definition"), "base_resolver", None)
                field.description = field.description or (resolver and _docstring(resolver.wrapped_func))
                for name, argument in field.args.items():
                    argument.description = argument.description or _ARGUMENTS.get(name)


def sdl(schema: strawberry.Schema) -> str:
    """The schema as text, sorted, so that two of them can be compared.

    Sorted by way of the text: sorting the schema itself loses what the words of its enums stand for.
    """
    text = print_schema(schema._schema)  # noqa: SLF001  # as above
    return print_schema(lexicographic_sort_schema(build_schema(text))) + "\n"


def _docstring(thing: Any) -> str | None:
    """The text up to a line that begins another section, on one line; None for what dataclasses write themselves."""
    text = inspect.getdoc(thing)
    if not text or text.startswith(f"{getattr(thing, '__name__', '')}("):
        return None
    return " ".join(text.partition("\n\n")[0].split())

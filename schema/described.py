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


def sdl(schema: strawberry.Schema) -> str:
    """The schema as text, sorted, so that two of them can be compared.

    Sorted by way of the text: sorting the schema itself loses what the words of its enums stand for.
    """
    return print_schema(lexicographic_sort_schema(build_schema(print_schema(schema._schema))))  # noqa: SLF001 + "\n"


def _docstring(thing: Any) -> str | None:
    """The text up to a line that begins another section, on one line; None for what dataclasses write themselves."""
    text = inspect.getdoc(thing)
    if not text or text.startswith(f"{getattr(thing, '__name__', '')}("):
        return None
    return " ".join(text.partition("\n\n")[0].split())

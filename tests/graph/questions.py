"""Questions made up from the schema: valid documents of every shape, to hold two executors against each other.

The same seed makes the same question. What is written wrong on purpose are values: absent ids, foreign ids, bad cursors,
pages too large, filters nested too deep.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_input_object_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
)

DEEPEST = 7
MOST_FIELDS = 60
MOST_ALIASES = 15
WORDS = ("login", "Number", '"an answer"', "zzz", "", " ", "x")
SOME_JSON: tuple[Any, ...] = ({}, {"a": [1, None, 1.5]}, [], "text", None)


class Word(str):
    """The name of an enum's value: no quotes around it in a document, quotes in variables."""

    __slots__ = ()


@dataclass(frozen=True)
class Question:
    """A document with its variables."""

    text: str
    variables: dict[str, Any]


@dataclass
class Asking:
    """Makes up one question. `ids` and `cursors` are values that mean something to the helpdesk asked."""

    schema: GraphQLSchema
    random: Random
    ids: Sequence[str]
    cursors: Sequence[str]
    variables: dict[str, tuple[str, Any]] = field(default_factory=dict)
    """Their types and values by name."""
    fragments: dict[str, str] = field(default_factory=dict)
    spread: dict[str, list[str]] = field(default_factory=dict)
    """The names of the fragments of each type."""
    plain: dict[tuple[str, str], str] = field(default_factory=dict)
    """The arguments of fields without an alias, by type and name: the same wherever they stand, so that they merge."""
    aliases: int = 0
    fields: int = 0

    def question(self) -> Question:
        query = self.schema.query_type
        assert query is not None
        selections = self.selections(query, 0)
        declared = ", ".join(f"${name}: {type_}" for name, (type_, _) in self.variables.items())
        head = f"query Made({declared})" if declared else "query Made"
        text = "\n".join([f"{head} {selections}", *self.fragments.values()])
        given = {name: value for name, (_, value) in self.variables.items() if value is not ...}
        return Question(text, given)

    def chance(self, of_one: float) -> bool:
        return self.random.random() < of_one

    # --- selections ---------------------------------------------------------------------------------------------

    def selections(self, type_: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> str:
        """`{ … }` of the type, some of it in fragments."""
        is_last = depth >= DEEPEST or self.fields > MOST_FIELDS
        names = [
            name for name, of in type_.fields.items() if not is_last or is_leaf_type(get_named_type(of.type))
        ]
        size = self.random.randint(1, 6 if depth else 3)
        parts = [self.field(type_, self.random.choice(names), depth) for _ in range(size if names else 0)]
        parts += [] if parts else ["__typename"]
        if self.chance(0.15):
            parts.append(self.random.choice(["__typename", "kind: __typename"]))
        if self.chance(0.05) and depth == 0:
            parts.append("__schema { queryType { name } }")
        parts += self.fragmented(type_, depth)
        self.random.shuffle(parts)
        return f"{{ {' '.join(parts)} }}"

    def fragmented(self, type_: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> list[str]:
        """Selections of the same type, of an interface it has, or of a type that has this interface."""
        parts = []
        if isinstance(type_, GraphQLInterfaceType):
            possible = self.schema.get_possible_types(type_)
            some = self.random.sample(list(possible), self.random.randint(1, len(possible)))
            parts += [f"... on {one.name}{self.steered()} {self.selections(one, depth + 1)}" for one in some]
        elif type_.interfaces and self.chance(0.1):
            parts.append(f"... on {type_.interfaces[0].name}{self.steered()} {{ id }}")
        if depth < DEEPEST and self.chance(0.15):
            condition = self.random.choice([f" on {type_.name}", ""])
            parts.append(f"...{condition}{self.steered()} {self.selections(type_, depth + 1)}")
        if depth < DEEPEST and self.chance(0.15):
            parts.append(f"...{self.fragment(type_, depth)}{self.steered()}")
        return parts

    def fragment(self, type_: GraphQLObjectType | GraphQLInterfaceType, depth: int) -> str:
        """The name of a fragment of this type: an earlier one, or a new one."""
        known = self.spread.setdefault(type_.name, [])
        if known and self.chance(0.5):
            return self.random.choice(known)
        name = f"part{len(self.fragments)}"
        self.fragments[name] = ""  # holds its place; nothing below can spread it yet, so there is no circle
        self.fragments[name] = f"fragment {name} on {type_.name} {self.selections(type_, depth + 2)}"
        known.append(name)
        return name

    def field(self, type_: GraphQLObjectType | GraphQLInterfaceType, name: str, depth: int) -> str:
        """A field of the type, sometimes by another name."""
        self.fields += 1
        of: GraphQLField = type_.fields[name]
        inner: Any = get_named_type(of.type)
        below = "" if is_leaf_type(inner) else f" {self.selections(inner, depth + 1)}"
        if self.aliases < MOST_ALIASES and self.chance(0.25):
            self.aliases += 1
            return f"as{self.aliases}: {name}{self.arguments(of.args)}{self.steered()}{below}"
        place = (type_.name, name)
        if place not in self.plain:
            self.plain[place] = self.arguments(of.args)
        return f"{name}{self.plain[place]}{self.steered()}{below}"

    def steered(self) -> str:
        """Sometimes a directive, or both."""
        if not self.chance(0.06):
            return ""
        parts = []
        for name in self.random.sample(["skip", "include"], self.random.randint(1, 2)):
            value = self.random.choice(["true", "false"])
            if self.chance(0.7):
                value = f"${self.variable('Boolean!', self.chance(0.5))}"
            parts.append(f"@{name}(if: {value})")
        return " " + " ".join(parts)

    # --- values -------------------------------------------------------------------------------------------------

    def variable(self, type_: str, value: Any) -> str:
        """The name of a new variable, or of one that has this type and value."""
        for name, known in self.variables.items():
            if known == (type_, value):
                return name
        name = f"v{len(self.variables)}"
        self.variables[name] = (type_, value)
        return name

    def arguments(self, takes: Mapping[str, GraphQLArgument]) -> str:
        parts = []
        for name, argument in takes.items():
            required = is_required_argument(argument)
            if not required and not self.chance(0.3):
                continue
            value = self.value(name, argument.type, 0)
            if self.chance(0.4):
                absent = not is_non_null_type(argument.type) and self.chance(0.1)
                parts.append(f"{name}: ${self.variable(str(argument.type), ... if absent else value)}")
            else:
                parts.append(f"{name}: {written(value)}")
        return f"({', '.join(parts)})" if parts else ""

    def value(self, name: str, type_: Any, depth: int) -> Any:
        if is_non_null_type(type_):
            return self.some(name, type_.of_type, depth)
        return None if self.chance(0.05) else self.some(name, type_, depth)

    def some(self, name: str, type_: Any, depth: int) -> Any:
        if is_list_type(type_):
            return [
                self.value(name, type_.of_type, depth) for _ in range(self.random.choice([0, 1, 1, 2, 3, 8]))
            ]
        if is_input_object_type(type_):
            return self.object(type_, depth)
        if isinstance(type_, GraphQLEnumType):
            return Word(self.random.choice(list(type_.values)))
        make: Callable[[str], Any] = getattr(self, f"some_{type_.name.lower()}")
        return make(name)

    def object(self, type_: GraphQLInputObjectType, depth: int) -> dict[str, Any]:
        found = {}
        taken: GraphQLInputField
        for name, taken in type_.fields.items():
            nested = get_named_type(taken.type) is type_
            if is_required_input_field(taken) or self.chance(0.15 if nested and depth > 1 else 0.25):
                if nested and depth > 3:
                    continue
                found[name] = self.value(name, taken.type, depth + nested)
        return found

    def some_int(self, name: str) -> int:
        if name in ("first", "last"):
            return self.random.choice([0, 1, 2, 2, 3, 3, 4, 5, 6, 100] + [101, -1] * self.chance(0.1))
        return self.random.randint(-3, 2000)

    def some_string(self, name: str) -> str:
        if name in ("after", "before"):
            return self.random.choice([*self.cursors] * 3 + ["", "bm9uZQ", "💥"] * self.chance(0.1))
        return self.random.choice(WORDS)

    def some_id(self, name: str) -> str:
        return self.random.choice(self.ids)

    def some_boolean(self, name: str) -> bool:
        return self.chance(0.5)

    def some_float(self, name: str) -> float:
        return self.random.choice([0.0, -1.5, 3.25])

    def some_datetime(self, name: str) -> str:
        return f"2026-03-0{self.random.randint(1, 4)}T09:00:0{self.random.randint(0, 9)}Z"

    def some_date(self, name: str) -> str:
        return f"2026-03-0{self.random.randint(1, 4)}"

    def some_json(self, name: str) -> Any:
        return self.random.choice(SOME_JSON)


def written(value: Any) -> str:
    """The value as a literal of a document."""
    if isinstance(value, Word):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {written(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(written, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def question(schema: GraphQLSchema, seed: str, ids: Sequence[str], cursors: Sequence[str]) -> Question:
    """The question that this seed makes."""
    return Asking(schema, Random(seed), ids, cursors).question()  # noqa: S311  # nothing is kept secret with it

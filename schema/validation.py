"""The validation rules a document must pass: GraphQL's own, and what they leave to the server."""

from __future__ import annotations

import re
from typing import Any, Final

from graphql import (
    ArgumentNode,
    DirectiveNode,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLSchema,
    IntValueNode,
    NullValueNode,
    ObjectFieldNode,
    SelectionSetNode,
    StringValueNode,
    ValidationRule,
    ValuesOfCorrectTypeRule,
    get_named_type,
    specified_rules,
)
from strawberry.types.base import StrawberryMaybe, StrawberryOptional

# Longer whole numbers are no value of any scalar, and Python refuses 4,300 digits in words of its own.
MAX_DIGITS: Final = 40
MAX_MESSAGE: Final = 500

_QUOTED_OR_PYTHON = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\b(?:None|True|False)\b""")
_JSON_WORDS = {"None": "null", "True": "true", "False": "false"}


def in_words_of_json(message: str) -> str:
    """The message with `null`, `true` and `false` where graphql-core wrote Python's words outside of quotes.

    It is cut at 500 characters: graphql-core repeats the whole value it did not like.
    """
    told = _QUOTED_OR_PYTHON.sub(lambda found: _JSON_WORDS.get(found[0], found[0]), message[:1_000])
    return told if len(told) <= MAX_MESSAGE else f"{told[:MAX_MESSAGE]}…"


class LiteralsRule(ValuesOfCorrectTypeRule):
    """Every literal is a value of the type at its place; errors say VALIDATION_ERROR, as for variables."""

    def report_error(self, error: GraphQLError) -> None:
        """Give the error its code."""
        super().report_error(_invalid_value(in_words_of_json(error.message), error.nodes))


class StorableLiteralsRule(ValidationRule):
    """No literal holds what a database cannot keep: NUL characters, and numbers of absurd length."""

    def enter_string_value(self, node: StringValueNode, *_args: Any) -> None:
        """Refuse NUL, which PostgreSQL does not store in a text."""
        if "\x00" in node.value:
            self.report_error(_invalid_value("A string must not hold the character U+0000.", [node]))

    def enter_int_value(self, node: IntValueNode, *_args: Any) -> None:
        """Refuse a whole number of more than 40 digits."""
        if len(node.value) > MAX_DIGITS:
            self.report_error(
                _invalid_value(f"A number must not have more than {MAX_DIGITS} digits.", [node])
            )


class NotNullRule(ValidationRule):
    """An argument or input field that may be left out (`strawberry.Maybe[T]`) may still not be null.

    Strawberry's own rule for it names Python types in its messages.
    """

    def enter_argument(self, node: ArgumentNode, *_args: Any) -> None:
        """Check a null given to an argument."""
        if isinstance(node.value, NullValueNode) and _refuses_null(self.context.get_argument()):
            self._report(f"Argument '{node.name.value}'", node)

    def enter_object_field(self, node: ObjectFieldNode, *_args: Any) -> None:
        """Check a null given to a field of an input object."""
        parent = get_named_type(self.context.get_parent_input_type())
        if not isinstance(node.value, NullValueNode) or not isinstance(parent, GraphQLInputObjectType):
            return
        if _refuses_null(parent.fields.get(node.name.value)):
            self._report(f"Field '{parent.name}.{node.name.value}'", node)

    def _report(self, what: str, node: ArgumentNode | ObjectFieldNode) -> None:
        self.report_error(_invalid_value(f"{what} must not be null: leave it out instead.", [node]))


class SelectionsRule(ValidationRule):
    """No selection set is empty (`{ tickets {} }`), which graphql-core 3.3 lets through."""

    def enter_selection_set(self, node: SelectionSetNode, *_args: Any) -> None:
        """Check one selection set."""
        if not node.selections:
            self.report_error(
                GraphQLError("A selection set must not be empty: name the fields you want.", [node])
            )


class WholeAnswersRule(ValidationRule):
    """Answers come whole: `@defer` and `@stream` are refused by name rather than as unknown directives."""

    def enter_directive(self, node: DirectiveNode, *_args: Any) -> None:
        """Check one directive."""
        if node.name.value in ("defer", "stream"):
            message = f"Incremental delivery is not supported: leave out '@{node.name.value}'."
            self.report_error(GraphQLError(message, [node]))


RULES: Final = (
    *(LiteralsRule if rule is ValuesOfCorrectTypeRule else rule for rule in specified_rules),
    StorableLiteralsRule,
    NotNullRule,
    SelectionsRule,
    WholeAnswersRule,
)


def mark_one_of_inputs(schema: GraphQLSchema) -> None:
    """Tell graphql-core which inputs are `@oneOf`, so that its own rules check literals and variables.

    Strawberry keeps the fact to itself, and its own rule fails on variables inside fragments (KeyError).
    """
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLInputObjectType):
            definition = type_.extensions.get("strawberry-definition")
            type_.is_one_of = type_.is_one_of or bool(definition is not None and definition.is_one_of)


def _refuses_null(taken: Any) -> bool:
    """Whether the argument or input field was declared `Maybe[T]` and not `Maybe[T | None]`."""
    definition = taken.extensions.get("strawberry-definition") if taken is not None else None
    type_ = getattr(definition, "type", None)
    return isinstance(type_, StrawberryMaybe) and not isinstance(type_.of_type, StrawberryOptional)


def _invalid_value(message: str, nodes: Any) -> GraphQLError:
    return GraphQLError(message, nodes, extensions={"code": "VALIDATION_ERROR"})

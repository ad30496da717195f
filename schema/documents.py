"""Documents: parsed, validated and measured once for each text, and kept, the failed ones too."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar, cast

import msgspec
from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    parse,
    validate,
)
from graphql.execution.values import VariableValues

from schema import limits
from schema.errors import Refusal, document_error, refused
from schema.validation import RULES, mark_one_of_inputs

MAX_DOCUMENTS: Final = 1_000
# By estimate (see `Document.weight`): 64 MiB, about 100 documents of the largest size.
MAX_WEIGHT: Final = 64 * 1024 * 1024
MAX_ERRORS: Final = 20
# How many combinations of page sizes an operation remembers its measure for.
MAX_MEASURES: Final = 64
# Nor how many plans, by the values of its @skip and @include.
MAX_PLANS: Final = 8

# How many sets of variables it remembers coerced, and how large they may be as JSON.
MAX_VARIABLES: Final = 16
MAX_VARIABLES_BYTES: Final = 500

Plan = TypeVar("Plan")
_encode: Final = msgspec.json.Encoder().encode


class Variables:
    """The coerced variables of one request, and the arguments that fields were found to be given with them."""

    __slots__ = ("arguments", "values")

    def __init__(self, values: VariableValues) -> None:
        self.values = values
        self.arguments: dict[Any, Mapping[str, Any]] = {}


class Operation:
    """One operation of a validated document, with what can be told of it before its variables are known.

    `root_fields` holds the names of the fields asked of the root, fragments included; `steered_by` the variables that
    decide with @skip and @include what is selected.
    """

    def __init__(
        self,
        document: DocumentNode,
        node: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        ruler: limits.Ruler,
    ) -> None:
        self.document = document
        self.node = node
        self.fragments = fragments
        self.name = node.name.value if node.name else None
        self.kind: OperationType = node.operation
        self.root_fields = root_fields(node.selection_set, fragments)
        self.steered_by = steering_variables(document)
        self._plans: dict[tuple[Any, ...], object] = {}
        self._variables: dict[bytes, Variables] = {}
        self._ruler = ruler
        self._pages = limits.page_variables(document, node)
        self._measures: dict[tuple[int, ...], tuple[limits.Measure, str | None]] = {}

    def plan(self, variables: Mapping[str, Any], make: Callable[[], Plan]) -> Plan:
        """What an executor makes of the operation for these coerced variables, made once for what they select."""
        key = tuple(variables.get(name) for name in self.steered_by)
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= MAX_PLANS:
                self._plans.clear()
            plan = self._plans[key] = make()
        return cast("Plan", plan)

    def variables(self, raw: Mapping[str, Any], coerce: Callable[[], VariableValues]) -> Variables:
        """The variables of a request, coerced once for what is asked again and again."""
        key = _encoded(raw)
        if key is None or len(key) > MAX_VARIABLES_BYTES:
            return Variables(coerce())
        known = self._variables.get(key)
        if known is None:
            known = Variables(coerce())
            if len(self._variables) >= MAX_VARIABLES:
                self._variables.clear()
            self._variables[key] = known
        return known

    def measure(self, variables: Mapping[str, Any]) -> limits.Measure:
        """What the operation asks for with these raw variables.

        Raises:
            Refusal: it asks for more than the limits allow (QUERY_TOO_COMPLEX).
        """
        sizes = {
            name: limits.page_size(variables.get(name, default)) for name, default in self._pages.items()
        }
        key = tuple(sizes.values())
        known = self._measures.get(key)
        if known is None:
            if len(self._measures) >= MAX_MEASURES:
                self._measures.clear()
            measure = self._ruler.measure(self.node, self.fragments, sizes)
            known = self._measures[key] = (measure, limits.refusal(measure, self.kind))
        measure, why_not = known
        if why_not is not None:
            raise refused("QUERY_TOO_COMPLEX", why_not)
        return measure


def _encoded(raw: Mapping[str, Any]) -> bytes | None:
    try:
        return _encode(raw)
    except TypeError:  # a file among them
        return None


class Document:
    """One text: its operations by name, or why it is refused; `weight` estimates its memory, in bytes."""

    __slots__ = ("operations", "refusal", "weight")

    def __init__(self, weight: int) -> None:
        self.weight = weight
        self.operations: dict[str | None, Operation] = {}
        self.refusal: Refusal | None = None

    def operation(self, name: str | None) -> Operation:
        """The operation of that name, or the only one (GraphQL specification, GetOperation).

        Raises:
            Refusal: the document is faulty, or the name picks no operation of it.
        """
        if self.refusal is not None:
            raise self.refusal.again()
        if name is not None:
            named = self.operations.get(name)
            if named is None:
                raise refused("OPERATION_RESOLUTION_FAILURE", f"Unknown operation named '{name}'.")
            return named
        if len(self.operations) != 1:
            raise refused("OPERATION_RESOLUTION_FAILURE", _which_operation(self.operations))
        return next(iter(self.operations.values()))


class Documents:
    """The documents of one schema by their text: the last used ones, bounded in number and in bytes."""

    def __init__(self, schema: GraphQLSchema) -> None:
        mark_one_of_inputs(schema)
        self._schema = schema
        self._ruler = limits.Ruler(schema)
        self._kept: OrderedDict[str, Document] = OrderedDict()
        self._weight = 0

    def get(self, text: str) -> Document:
        """The document of this text; look at its `operation`, which tells when it is refused."""
        document = self._kept.get(text)
        if document is not None:
            self._kept.move_to_end(text)
            return document
        if len(text) > limits.MAX_CHARACTERS:  # not kept: the text alone may be a mebibyte
            return _refused_document(0, _too_long(len(text)))
        document = self._read(text)
        self._keep(text, document)
        return document

    def __len__(self) -> int:
        return len(self._kept)

    def _keep(self, text: str, document: Document) -> None:
        self._kept[text] = document
        self._weight += document.weight
        while len(self._kept) > MAX_DOCUMENTS or (self._weight > MAX_WEIGHT and len(self._kept) > 1):
            _, oldest = self._kept.popitem(last=False)
            self._weight -= oldest.weight

    def _read(self, text: str) -> Document:
        try:
            ast = parse(text, max_lexical_tokens=limits.MAX_TOKENS, max_comments=limits.MAX_COMMENTS)
        except GraphQLError as error:
            return _refused_document(_text_weight(text), _parse_refusal(error))
        if (why_not := limits.repetition(ast)) is not None:
            return _refused_document(_text_weight(text), refused("QUERY_TOO_COMPLEX", why_not))
        if errors := validate(self._schema, ast, RULES, max_errors=MAX_ERRORS):
            return _refused_document(_text_weight(text), _validation_refusal(errors))
        return self._analysed(text, ast)

    def _analysed(self, text: str, ast: DocumentNode) -> Document:
        document = Document(_text_weight(text) + _tree_weight(ast))
        fragments = {
            node.name.value: node for node in ast.definitions if isinstance(node, FragmentDefinitionNode)
        }
        for node in ast.definitions:
            if isinstance(node, OperationDefinitionNode):
                operation = Operation(ast, node, fragments, self._ruler)
                document.operations[operation.name] = operation
        return document


def root_fields(
    selection_set: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]
) -> frozenset[str]:
    """The names of the fields selected at this level, fragments included."""
    names: set[str] = set()
    seen: set[str] = set()
    pending = [selection_set]
    while pending:
        for selection in pending.pop().selections:
            if isinstance(selection, FieldNode):
                names.add(selection.name.value)
            elif isinstance(selection, InlineFragmentNode):
                pending.append(selection.selection_set)
            elif isinstance(selection, FragmentSpreadNode) and selection.name.value not in seen:
                seen.add(selection.name.value)
                pending.append(fragments[selection.name.value].selection_set)
    return frozenset(names)


def steering_variables(document: DocumentNode) -> tuple[str, ...]:
    """The variables given to directives, in no promised order."""
    directives = (node for node in limits.nodes_of(document) if isinstance(node, DirectiveNode))
    return tuple(
        {
            argument.value.name.value
            for directive in directives
            for argument in directive.arguments or ()
            if isinstance(argument.value, VariableNode)
        }
    )


def _refused_document(weight: int, refusal: Refusal) -> Document:
    document = Document(weight)
    document.refusal = refusal
    return document


def _too_long(length: int) -> Refusal:
    return refused(
        "QUERY_TOO_COMPLEX",
        f"The document has {length:,} characters, and at most {limits.MAX_CHARACTERS:,} are allowed: "
        "put values into variables, or split it.",
    )


def _parse_refusal(error: GraphQLError) -> Refusal:
    if "Document contains more than" in error.message:
        return refused(
            "QUERY_TOO_COMPLEX",
            f"The document has more than {limits.MAX_TOKENS:,} tokens or {limits.MAX_COMMENTS} comments: "
            "put values into variables, or split it.",
        )
    return Refusal("GRAPHQL_PARSE_FAILED", [document_error(error, "GRAPHQL_PARSE_FAILED")])


def _validation_refusal(errors: list[GraphQLError]) -> Refusal:
    code = "GRAPHQL_VALIDATION_FAILED"
    if any(error.message == "Validation aborted." for error in errors):
        return refused(
            "QUERY_TOO_COMPLEX", "The document is nested too deeply: ask for the inner objects by their id."
        )
    told = [document_error(error, code) for error in errors]
    if all(error["extensions"]["code"] == "VALIDATION_ERROR" for error in told):
        code = "VALIDATION_ERROR"
    return Refusal(code, told)


def _which_operation(operations: Mapping[str | None, Operation]) -> str:
    if not operations:
        return "The document has no operation: add a query or a mutation."
    names = ", ".join(f"'{name}'" for name in operations)
    return f"The document has several operations: name one of {names} in `operationName`."


def _text_weight(text: str) -> int:
    return 500 + 4 * len(text)


def _tree_weight(ast: DocumentNode) -> int:
    """Bytes held by the tree and its plans: about 200 for each node with its location and tokens, 150 in each plan."""
    plans = MAX_PLANS if steering_variables(ast) else 1
    return (200 + 150 * plans) * sum(1 for _ in limits.nodes_of(ast))

"""What one operation may ask for: depth, breadth and size, in one pass that walks no fragment twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Final

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    get_named_type,
    is_list_type,
    is_non_null_type,
    value_from_ast_untyped,
)

MAX_CHARACTERS: Final = 16_000
MAX_TOKENS: Final = 2_000
MAX_COMMENTS: Final = 500
MAX_OPERATIONS: Final = 25
MAX_DEPTH: Final = 12
MAX_ALIASES: Final = 30
MAX_DIRECTIVES: Final = 20
MAX_ROOT_FIELDS: Final = 20
MAX_MUTATIONS: Final = 5
MAX_NODES: Final = 10_000
MAX_COST: Final = 5_000
# The introspection of GraphiQL, Apollo and gql is 14 levels deep and has about 1,400 nodes (35 ms).
MAX_INTROSPECTION_DEPTH: Final = 20
MAX_INTROSPECTION_NODES: Final = 20_000
# Validation compares every two fields of one response name, 3 us each; 140 times `id` is still allowed.
MAX_COMPARISONS: Final = 20_000

DEFAULT_PAGE: Final = 20
MAX_PAGE: Final = 100
_PAGE_ARGUMENTS = ("first", "last")
_ITEM_FIELDS = ("edges", "nodes")


@dataclass(slots=True)
class Measure:
    """How much one selection set asks for, fragments included.

    `depth` counts nested fields that lead to an object, `nodes` the items of lists; `item_nodes` and
    `item_cost` are what each item of the connection around this selection set adds (its `edges` and `nodes`).
    """

    fields: int = 0
    depth: int = 0
    aliases: int = 0
    directives: int = 0
    nodes: float = 0
    cost: float = 0
    item_nodes: float = 0
    item_cost: float = 0
    introspection_depth: int = 0
    introspection_nodes: float = 0

    def include(self, other: Measure) -> None:
        """Take in a fragment's selections as if they stood here."""
        self.fields += other.fields
        self.item_nodes += other.item_nodes
        self.item_cost += other.item_cost
        self.nodes += other.nodes
        self.cost += other.cost
        self.depth = max(self.depth, other.depth)
        self._include_breadth(other)

    def nest(self, inner: Measure, weight: float, items: float, *, paged: bool) -> None:
        """Take in the selections under a field that leads to an object, `items` of them when it is a list."""
        nodes = inner.nodes + inner.item_nodes
        cost = inner.cost + inner.item_cost
        if paged:
            nodes = inner.nodes + items * inner.item_nodes
            cost = inner.cost + items * inner.item_cost
        elif items:
            nodes = items * (1 + nodes)
            cost = items * cost
        self.nodes += nodes
        self.cost += weight + cost
        self.depth = max(self.depth, inner.depth + 1)
        self._include_breadth(inner)

    def nest_item(self, inner: Measure, weight: float) -> None:
        """Take in what is under `edges` or `nodes` of a connection: it counts for each of the items."""
        self.item_nodes += 1 + inner.nodes + inner.item_nodes
        self.item_cost += weight + inner.cost + inner.item_cost
        self.depth = max(self.depth, inner.depth + 1)
        self._include_breadth(inner)

    def nest_introspection(self, inner: Measure) -> None:
        """Take in what stands under `__schema` or `__type`, which has bounds of its own."""
        self.introspection_depth = max(self.introspection_depth, inner.depth + 1)
        self.introspection_nodes += inner.nodes + inner.item_nodes
        self._include_breadth(inner)

    def _include_breadth(self, other: Measure) -> None:
        self.aliases += other.aliases
        self.directives += other.directives
        self.introspection_depth = max(self.introspection_depth, other.introspection_depth)
        self.introspection_nodes += other.introspection_nodes


class Ruler:
    """Measures operations of validated documents: without fragment cycles and unknown names."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._listings = introspection_listings(schema)

    def measure(
        self,
        operation: OperationDefinitionNode,
        fragments: Mapping[str, FragmentDefinitionNode],
        sizes: Mapping[str, int],
    ) -> Measure:
        """What the operation asks for, its page sizes taken from `sizes` where variables name them."""
        walk = _Walk(self._schema, fragments, self._listings, sizes)
        measure = walk.selections(operation.selection_set, self._schema.get_root_type(operation.operation))
        measure.directives += len(operation.directives or ())
        return measure


class _Walk:
    """One walk over an operation; each fragment is measured once, whatever the number of its spreads."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Mapping[str, FragmentDefinitionNode],
        listings: Mapping[str, float],
        sizes: Mapping[str, int],
    ) -> None:
        self.schema = schema
        self.fragments = fragments
        self.listings = listings
        self.sizes = sizes
        self.measured: dict[str, Measure] = {}

    def selections(self, selection_set: SelectionSetNode, parent: Any) -> Measure:
        measure = Measure()
        for selection in selection_set.selections:
            measure.directives += len(selection.directives or ())
            if isinstance(selection, FieldNode):
                self.field(selection, parent, measure)
            elif isinstance(selection, FragmentSpreadNode):
                measure.include(self.fragment(selection.name.value))
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                on = self.schema.get_type(condition.name.value) if condition else parent
                measure.include(self.selections(selection.selection_set, on))
        return measure

    def fragment(self, name: str) -> Measure:
        measure = self.measured.get(name)
        if measure is None:
            definition = self.fragments[name]
            on = self.schema.get_type(definition.type_condition.name.value)
            measure = self.measured[name] = self.selections(definition.selection_set, on)
            measure.directives += len(definition.directives or ())
        return measure

    def field(self, node: FieldNode, parent: Any, measure: Measure) -> None:
        name = node.name.value
        measure.fields += 1
        measure.aliases += node.alias is not None
        field = self.schema.get_field(parent, name)
        if field is None:
            return
        if node.selection_set is None:
            measure.cost += field_weight(field, default=0)
            return
        inner = self.selections(node.selection_set, get_named_type(field.type))
        if parent.name.startswith("__"):
            measure.nest(inner, 0, self.listings.get(name, 0), paged=False)
        elif name in ("__schema", "__type"):
            measure.nest_introspection(inner)
        elif name in _ITEM_FIELDS and not field.args and _is_list(field.type):
            measure.nest_item(inner, field_weight(field, default=1))
        else:
            items = self.items(node, field)
            paged = items > 0 and not _is_list(field.type)
            measure.nest(inner, field_weight(field, default=1), items, paged=paged)

    def items(self, node: FieldNode, field: GraphQLField) -> int:
        """How many items the field may bring: the page asked for or the ids given; 0 when it does not say."""
        arguments = {argument.name.value: argument.value for argument in node.arguments or ()}
        if "ids" in field.args and _is_list(field.type):
            return self.size(arguments.get("ids"), MAX_PAGE)
        if not any(name in field.args for name in _PAGE_ARGUMENTS):
            return 0
        asked = [self.size(arguments[name], DEFAULT_PAGE) for name in _PAGE_ARGUMENTS if name in arguments]
        return max(asked, default=DEFAULT_PAGE)

    def size(self, value: ValueNode | None, otherwise: int) -> int:
        if isinstance(value, IntValueNode):
            return page_size(int(value.value[:9]), otherwise)
        if isinstance(value, ListValueNode):
            return page_size([None] * len(value.values), otherwise)
        if isinstance(value, VariableNode):
            return self.sizes.get(value.name.value, otherwise)
        return otherwise


def page_size(value: object, otherwise: int = DEFAULT_PAGE) -> int:
    """The number of items meant by a `first`, `last` or `ids`: 1 to 100, since resolvers refuse the rest."""
    if isinstance(value, list):
        return min(max(len(value), 1), MAX_PAGE)
    if isinstance(value, int) and not isinstance(value, bool):
        return min(max(value, 1), MAX_PAGE)
    return otherwise


def page_variables(document: DocumentNode, operation: OperationDefinitionNode) -> dict[str, object]:
    """The variables of the operation that stand for a page size or a list of ids, with their defaults."""
    arguments = (node for node in nodes_of(document) if isinstance(node, ArgumentNode))
    names = {
        argument.value.name.value
        for argument in arguments
        if argument.name.value in (*_PAGE_ARGUMENTS, "ids") and isinstance(argument.value, VariableNode)
    }
    return {
        definition.variable.name.value: (
            value_from_ast_untyped(definition.default_value) if definition.default_value else None
        )
        for definition in operation.variable_definitions or ()
        if definition.variable.name.value in names
    }


def refusal(measure: Measure, kind: OperationType) -> str | None:
    """Why an operation of this measure is not run, and what to change; None when it may run."""
    roots = (
        ("mutations", MAX_MUTATIONS) if kind is OperationType.MUTATION else ("root fields", MAX_ROOT_FIELDS)
    )
    smaller = "ask for smaller pages (`first`, `last`) or fewer nested lists"
    checks: tuple[tuple[float, int, str, str], ...] = (
        (measure.fields, roots[1], roots[0], "send them in several requests"),
        (measure.depth, MAX_DEPTH, "levels of nesting", "ask for the inner objects by their id"),
        (measure.aliases, MAX_ALIASES, "aliases", "use `nodes(ids:)` or a list, or several requests"),
        (measure.directives, MAX_DIRECTIVES, "directives", "leave the fields out instead"),
        (measure.nodes, MAX_NODES, "nodes", smaller),
        (measure.cost, MAX_COST, "points of cost", smaller),
        (
            measure.introspection_depth,
            MAX_INTROSPECTION_DEPTH,
            "levels of introspection",
            "ask for fewer `ofType`",
        ),
        (
            measure.introspection_nodes,
            MAX_INTROSPECTION_NODES,
            "nodes of introspection",
            "ask for fewer types",
        ),
    )
    for found, most, what, change in checks:
        if found > most:
            return f"The operation has {_figure(found)} {what}, and at most {most:,} are allowed: {change}."
    return None


def repetition(document: DocumentNode) -> str | None:
    """Why a document that names the same field very often is not validated; None when it may be.

    The rule "overlapping fields can be merged" compares every two fields of one response name, so a document
    within the token limit can still cost seconds.
    """
    names: Counter[str] = Counter()
    operations = 0
    for node in nodes_of(document):
        if isinstance(node, FieldNode):
            names[(node.alias or node.name).value] += 1
        operations += isinstance(node, OperationDefinitionNode)
    if operations > MAX_OPERATIONS:
        why = f"The document has {operations} operations, and at most {MAX_OPERATIONS} are allowed"
        return f"{why}: split it."
    if sum(count * count for count in names.values()) > MAX_COMPARISONS:
        name, count = names.most_common(1)[0]
        why = f"The document names the field '{name}' {count} times"
        return f"{why}: ask for it once, or put it into a fragment."
    return None


def nodes_of(tree: Node) -> Iterator[Node]:
    """Every node of a document or of a part of it, in no promised order, without recursion."""
    stack: list[Node] = [tree]
    while stack:
        node = stack.pop()
        yield node
        for key in node.keys:
            value = getattr(node, key, None)
            if isinstance(value, Node):
                stack.append(value)
            elif isinstance(value, (list, tuple)):
                stack.extend(item for item in value if isinstance(item, Node))


def field_weight(field: GraphQLField, default: float) -> float:
    """The cost declared beside the field as `metadata={"cost": n}`."""
    definition = field.extensions.get("strawberry-definition")
    return float(definition.metadata.get("cost", default)) if definition is not None else default


def introspection_listings(schema: GraphQLSchema) -> dict[str, float]:
    """How many items each list of the introspection holds on average, to tell its size beforehand."""

    def average(total: int, among: int) -> float:
        return max(total / max(among, 1), 1.0)

    types = [type_ for type_ in schema.type_map.values() if not type_.name.startswith("__")]
    composite = [type_ for type_ in types if isinstance(type_, (GraphQLObjectType, GraphQLInterfaceType))]
    abstract = [type_ for type_ in types if isinstance(type_, (GraphQLUnionType, GraphQLInterfaceType))]
    fields = [field for type_ in composite for field in type_.fields.values()]
    inputs = sum(len(type_.fields) for type_ in types if isinstance(type_, GraphQLInputObjectType))
    enums = sum(len(type_.values) for type_ in types if isinstance(type_, GraphQLEnumType))
    possible = sum(len(schema.get_possible_types(type_)) for type_ in abstract)
    return {
        "types": len(types),
        "directives": len(schema.directives),
        "fields": average(len(fields), len(types)),
        "args": average(sum(len(field.args) for field in fields), len(fields)),
        "inputFields": average(inputs, len(types)),
        "enumValues": average(enums, len(types)),
        "interfaces": average(sum(len(type_.interfaces) for type_ in composite), len(types)),
        "possibleTypes": average(possible, len(types)),
        # Not a list: about half of the type references wrap another one.
        "ofType": 0.5,
    }


def _is_list(type_: GraphQLOutputType) -> bool:
    return is_list_type(type_.of_type if is_non_null_type(type_) else type_)


def _figure(number: float) -> str:
    return f"{ceil(number):,}" if number < 1_000_000_000 else "more than 1,000,000,000"

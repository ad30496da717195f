"""Where the values of a field come from: a column, an edge, or its resolver."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Hashable, Iterable, KeysView, Mapping
from functools import partial
from itertools import repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from graphql import FieldNode, GraphQLField, VariableNode
from graphql.execution.values import VariableValues, get_argument_values
from strawberry.types.arguments import convert_arguments

from resolvers.context import Later
from resolvers.errors import AnswerError
from resolvers.loaders import Referred
from resolvers.paging import Below
from schema.documents import Variables
from schema.edges import Edge, Reads
from schema.levels.unserved import Unserved
from schema.limits import nodes_of

if TYPE_CHECKING:
    import strawberry
    from strawberry.types.field import StrawberryField

    from schema.levels.forms import Form
    from schema.levels.run import Run

_IN_PLACE: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Info:
    """What a resolver is told of the operation: its context. To want more is an AttributeError, hence `Unserved`."""

    __slots__ = ("context",)

    def __init__(self, context: Any) -> None:
        self.context = context


class AtHand(NamedTuple):
    """How a value is had when its object is made: an expression of `row` and `run`, where `{take}` stands for `take`."""

    expression: str
    take: Any = None
    is_answer: bool = False
    """Whether that is what is answered, with its objects made."""


class Source(Protocol):
    """Where values come from, or the levels below them, that are asked for by all rows of a level at once."""

    def begin(self, rows: list[Any], run: Run) -> None:
        """Ask for what is not at hand with the rows, and open the levels below what is."""


class Arguments:
    """The arguments of one field in a document, as its resolver takes them."""

    def __init__(
        self,
        field: GraphQLField,
        node: FieldNode,
        definition: StrawberryField,
        schema: strawberry.Schema,
    ) -> None:
        self._field = field
        self._node = node
        self._definition = definition
        self._config = schema.config
        self._scalars = schema.schema_converter.scalar_registry
        is_constant = not any(isinstance(inner, VariableNode) for inner in nodes_of(node))
        self._constant = self._read(VariableValues({}, {})) if is_constant else None

    def given(self, variables: Variables) -> Mapping[str, Any]:
        """By the resolver's own names, those that were given or have a default in the graph.

        They are worked out once for the same variables. Lists are given as new ones, which a resolver may change;
        an input object it leaves as it is.
        """
        given = variables.arguments.get(self) if self._constant is None else self._constant
        if given is None:
            given = variables.arguments[self] = self._read(variables.values)
        return {name: _anew(value) for name, value in given.items()}

    def _read(self, variables: VariableValues) -> dict[str, Any]:
        asked = get_argument_values(self._field, self._node, variables)
        return convert_arguments(
            asked, self._definition.arguments, config=self._config, scalar_registry=self._scalars
        )


def _anew(value: Any) -> Any:
    return [_anew(each) for each in value] if type(value) is list else value


class Attribute:
    """A field without a resolver: an attribute of the row."""

    __slots__ = ("_form", "_of", "at_hand")

    def __init__(self, name: str, form: Form) -> None:
        self._of = attrgetter(name)
        self._form = form
        self.at_hand = AtHand(f"row.{name}")

    def begin(self, rows: list[Any], run: Run) -> None:
        """Lead on from what the attributes are."""
        self._form.descend(list(map(self._of, rows)), run)


class Handed:
    """The field of a subscription: what happened is the very root that the answer is made of."""

    __slots__ = ("_form", "at_hand")

    def __init__(self, form: Form) -> None:
        self._form = form
        self.at_hand = AtHand("row")

    def begin(self, rows: list[Any], run: Run) -> None:
        """Lead on from the root."""
        self._form.descend(rows, run)


class Link:
    """An edge: loaded by the rows' keys together with every other edge of its loader in this wave."""

    __slots__ = (
        "_arguments",
        "_form",
        "_is_counted",
        "_is_deep",
        "_key_of",
        "_make",
        "at_hand",
        "edge",
        "referred",
    )

    def __init__(
        self,
        edge: Edge,
        arguments: Arguments,
        form: Form,
        referred: tuple[Referred, ...],
        *,
        is_counted: bool,
    ) -> None:
        self.edge = edge
        self.referred = referred
        self._arguments = arguments
        self._form = form
        self._is_counted = is_counted
        self._is_deep = form.is_deep
        self._key_of = attrgetter(edge.key)
        self._make = form.maker()
        key = f"row.{edge.key}"
        self.at_hand = AtHand(
            f"run.made[{{take}}].get({key}) or {{take}}.follow({key}, run)", self, is_answer=True
        )

    def begin(self, rows: list[Any], run: Run) -> None:
        """Ask for what the keys of the rows lead to."""
        edge = self.edge
        keys = dict.fromkeys(map(self._key_of, rows))
        keys.pop(None, None)
        if edge.within is not None:
            run.divide(edge.within, edge.loader, rows, keys)
        known = run.found.get(self)
        if known is not None and known.keys() >= keys.keys():  # asked ahead, or by another level
            self.descend(keys, run)
        else:
            run.ask(self, self._asked(run), keys.keys())

    def begin_ahead(self, keys: KeysView[Any], run: Run) -> None:
        """Ask for what these keys lead to, while it is not known yet whether there are rows that have them."""
        with contextlib.suppress(AnswerError):  # which tells nobody, if there are none
            run.ask(self, self._asked(run), keys, leads_on=False)

    def _asked(self, run: Run) -> Hashable:
        """What the loader is given besides the keys."""
        if self.edge.arguments is None:
            return None
        asked = self.edge.arguments(run.info, **self._arguments.given(run.variables))
        if not self._is_counted and isinstance(asked, Below):
            return asked._replace(is_counted=False)
        return asked

    def descend(self, keys: Iterable[Any], run: Run) -> None:
        """Lead on from what they lead to: each distinct thing once, however many rows lead to it."""
        if self._is_deep:
            found = run.found[self]
            self._form.descend([found[key] for key in keys], run)

    def follow(self, key: Any, run: Run) -> Any:
        """What the key leads to, as it is answered, and kept for the next row that leads there."""
        made = self._make(None if key is None else run.found[self][key], run)
        run.made[self][key] = made
        return made


class Resolver:
    """A field with a resolver: called for each row, with what it asks for by its parameters."""

    __slots__ = (
        "_arguments",
        "_by_id",
        "_call",
        "_form",
        "_info",
        "_referred",
        "_root",
        "_root_comes_first",
        "at_hand",
        "is_kept",
    )

    def __init__(
        self,
        definition: StrawberryField,
        arguments: Arguments,
        form: Form,
        referred: tuple[Referred, ...],
        by_id: tuple[Link, ...] = (),
    ) -> None:
        """`by_id`: what leads on from the rows that it finds, by their ids."""
        resolver: Any = definition.base_resolver
        self._form = form
        self._by_id = by_id
        self._referred = referred
        self._call: Callable[..., Any] = resolver.wrapped_func
        self._arguments = arguments
        root = resolver.self_parameter or resolver.root_parameter or resolver.parent_parameter
        first = next(iter(resolver.signature.parameters.values()), None)
        self._root = root.name if root else None
        self._root_comes_first = root is not None and first == root and first.kind in _IN_PLACE
        self._info = resolver.info_parameter.name if resolver.info_parameter else None
        if resolver.self_parameter and not self._root_comes_first:
            raise Unserved("resolver")
        at_hand = None if form.is_deep else self._made_at_once(definition)
        self.is_kept = at_hand is None
        self.at_hand = at_hand or AtHand("run.found[{take}][id(row)]", self)

    def _made_at_once(self, definition: StrawberryField) -> AtHand | None:
        """What it makes of a row; None when that may depend on more than the row and who asks."""
        expression: str | None = definition.metadata.get("expression")
        if expression is not None:
            return AtHand(expression)
        reads: Reads | None = definition.metadata.get("reads")
        if reads is None or reads.others or not reads.is_all or definition.arguments or definition.is_async:
            return None
        if not self._root_comes_first:
            return None
        info = f", {self._info}=run.info" if self._info else ""
        return AtHand(f"{{take}}(row{info})", self._call)

    def begin(self, rows: list[Any], run: Run) -> None:
        """What the resolver answers for each row; what must be awaited is, together with the rest of the wave."""
        given = self._arguments.given(run.variables)
        if self._info is not None:
            info = Info(run.expecting(self._referred)) if self._referred else run.info
            given = {**given, self._info: info}
        run.settle(self, rows, self._called(rows, given))

    def look_ahead(self, values: list[Any], run: Run) -> None:
        """Ask for what leads on from rows that are being loaded by their ids: in the same wave, not in the next."""
        ids = {each.key: None for each in values if type(each) is Later and each.loader.is_by_id}
        for link in self._by_id if ids else ():
            link.begin_ahead(ids.keys(), run)

    def keep(self, rows: list[Any], values: list[Any], run: Run) -> None:
        """Keep what it answered until the objects are made, and lead on from there."""
        run.keep(self, rows, values)
        self._form.descend(values, run)

    def _called(self, rows: list[Any], given: Mapping[str, Any]) -> list[Any]:
        call = partial(self._call, **given) if given else self._call
        if self._root_comes_first:
            return list(map(call, rows))
        if self._root is None:
            return [call() for _ in repeat(None, len(rows))]
        return [call(**{self._root: row}) for row in rows]

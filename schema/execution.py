"""Runs one operation of a document with its variables and its context, and says what came of it.

Queries are answered level by level (schema/levels); whatever that does not serve, graphql-core's own executor does.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeGuard, cast

import strawberry
from graphql import ExecutionResult, GraphQLError, GraphQLSchema, OperationType
from graphql.execution.values import VariableValues, get_variable_values
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from resolvers.context import Context
from resolvers.errors import Unavailable, answer_error, unavailable
from schema import levels
from schema.documents import Documents, Operation
from schema.errors import Refusal, document_error, field_error, field_kind, refused, refused_by

logger = logging.getLogger("answer.graph")

DEADLINE_S: Final = 10.0
MAX_COERCION_ERRORS: Final = 20
MAX_VARIABLE_DEPTH: Final = 64
# Each object costs a quarter of a millisecond to coerce, at every field that is given it, and nothing can run meanwhile.
MAX_VARIABLE_OBJECTS: Final = 500
MAX_VARIABLE_VALUES: Final = 20_000
# What JSON readers everywhere keep exactly, and what msgspec writes (PostgreSQL's bigint).
_is_awaitable = cast("Callable[[Any], TypeGuard[Awaitable[Any]]]", optimized_is_awaitable)
_WHOLE_NUMBERS = range(-(2**63), 2**63)
_AND_SAVED: Final[dict[bool | None, str]] = {
    False: ". Nothing was saved: send it again.",
    True: ", after something was saved: look what is there before you send any of it again.",
    None: " while something was saved, which may be there or not: look before you send it again.",
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """An operation chosen from a document, within the limits, with the raw variables it was asked with."""

    operation: Operation
    variables: dict[str, Any]
    points: float
    """What it costs by the weights of its fields."""
    is_trusted: bool = False
    """Whether it is of a document that the operator registered."""


Executor = Literal["levels", "graphql-core"]


@dataclass(slots=True)
class Served:
    """How many operations each executor has answered, and why graphql-core's answered instead of the other."""

    operations: Counter[Executor] = field(default_factory=Counter)
    fallbacks: Counter[str] = field(default_factory=Counter)
    """By reason: `mutation`, `introspection`; `error` of a resolver, `null` or `value` that its type does not allow;
    `field`, `type`, `resolver` that is not understood; `fault` for what nobody foresaw."""
    refusals: Counter[str] = field(default_factory=Counter)
    """Of single fields, and of what came over a WebSocket, by what they are counted as: the request was answered."""


class Graph:
    """The schema with its documents: `prepare` an operation, then `execute` it in a context of its own."""

    def __init__(
        self, schema: strawberry.Schema, executor: Executor = "levels", *, suggests: bool = True
    ) -> None:
        self.schema: GraphQLSchema = schema._schema  # noqa: SLF001  # Strawberry offers no other way to it
        self.suggests = suggests
        self.documents = Documents(self.schema, suggests=suggests)
        self.served = Served()
        self._plans = levels.Plans(schema) if executor == "levels" else None
        self._strawberry = schema

    def prepare(self, query: str, operation_name: str | None, variables: dict[str, Any] | None) -> Prepared:
        """The operation to run.

        Raises:
            Refusal: the document, the name, the size or the variables are not right; nothing has run.
        """
        variables = variables or {}
        operation = self.documents.get(query).operation(operation_name)
        points = operation.measure(variables).cost
        check_variables(variables)
        return Prepared(operation, variables, points)

    async def followed(self, prepared: Prepared, ctx: Any) -> Any:
        """What the resolver of a subscription answers: what is to be followed.

        Raises:
            Refusal: the variables do not fit their types (VALIDATION_ERROR).
            AnswerError: the caller may not follow it, or not from there.
        """
        operation = prepared.operation
        variables = operation.variables(prepared.variables, lambda: self._coerced(prepared))
        return await levels.root_answer(self._strawberry, operation, ctx, variables)

    async def execute(
        self,
        prepared: Prepared,
        ctx: Any,
        request_id: str,
        deadline_s: float = DEADLINE_S,
        *,
        root: Any = None,
    ) -> dict[str, Any]:
        """The answer as msgspec writes it: `data`, and `errors` when fields failed. `root`: of which event.

        Raises:
            Refusal: the variables do not fit their types (VALIDATION_ERROR), it took too long (TIMEOUT), or nothing
                came of it because the database is out (SERVICE_UNAVAILABLE).
        """
        try:
            async with asyncio.timeout(deadline_s):
                if self._plans is None:
                    return await self._by_graphql_core(prepared, ctx, request_id, root)
                try:
                    return await self._by_levels(self._plans, prepared, ctx, root)
                except levels.Unserved as unserved:
                    return await self._instead(unserved, prepared, ctx, request_id, root)
        except TimeoutError:
            raise _too_late(deadline_s, prepared, ctx) from None

    async def _by_levels(
        self, plans: levels.Plans, prepared: Prepared, ctx: Any, root: Any
    ) -> dict[str, Any]:
        operation = prepared.operation
        variables = operation.variables(prepared.variables, lambda: self._coerced(prepared))
        data = await levels.run(plans, operation, ctx, variables, root)
        self.served.operations["levels"] += 1
        return {"data": data}

    def _coerced(self, prepared: Prepared) -> VariableValues:
        """The variables as their types have them. Raises Refusal (VALIDATION_ERROR)."""
        definitions = prepared.operation.node.variable_definitions or ()
        variables = get_variable_values(
            self.schema,
            definitions,
            prepared.variables,
            max_errors=MAX_COERCION_ERRORS,
            hide_suggestions=not self.suggests,
        )
        if isinstance(variables, list):
            raise _refused_variables(variables)
        return variables

    async def _instead(
        self, unserved: levels.Unserved, prepared: Prepared, ctx: Any, request_id: str, root: Any
    ) -> dict[str, Any]:
        """The answer of graphql-core's executor, where nothing that the other has loaded or met is seen."""
        if isinstance(out := answer_error(unserved.__cause__), Unavailable):
            raise refused_by(out) from None  # to wait for it once more would only take longer
        self.served.fallbacks[unserved.reason] += 1
        if isinstance(ctx, Context):
            ctx.forget()
        answer = await self._by_graphql_core(prepared, ctx, request_id, root)
        if unserved.reason == "fault" and "errors" not in answer:
            logger.warning("a query was not served level by level", exc_info=unserved)
        return answer

    async def _by_graphql_core(
        self, prepared: Prepared, ctx: Any, request_id: str, root: Any
    ) -> dict[str, Any]:
        executor = StrawberryGraphQLCoreExecutionContext.build(
            self.schema,
            prepared.operation.document,
            root_value=root,
            context_value=ctx,
            raw_variable_values=prepared.variables,
            operation_name=prepared.operation.name,
            max_coercion_errors=MAX_COERCION_ERRORS,
            is_awaitable=_is_awaitable,
            hide_suggestions=not self.suggests,
        )
        if isinstance(executor, list):
            raise _refused_variables(executor)
        self.served.operations["graphql-core"] += 1
        running: Any = executor.execute_operation()
        result = running if isinstance(running, ExecutionResult) else await running
        answer = _answer(result, request_id)
        if _is_out(answer):
            raise refused_by(unavailable(ctx.has_saved if isinstance(ctx, Context) else False))
        self.served.refusals.update(map(field_kind, result.errors or ()))
        return answer


def _refused_variables(errors: list[GraphQLError]) -> Refusal:
    return Refusal("VALIDATION_ERROR", [document_error(error, "VALIDATION_ERROR") for error in errors])


def check_variables(variables: Mapping[str, Any]) -> None:
    """See that every value can be stored and sent back: no NUL, lone surrogate, endless number or nesting.

    Raises:
        Refusal: one cannot, or there are too many of them (VALIDATION_ERROR).
    """
    pending: list[tuple[str, Any, int]] = [(f"${name}", value, 0) for name, value in variables.items()]
    objects = values = 0
    while pending:
        place, value, depth = pending.pop()
        objects += isinstance(value, dict)
        values += 1
        if objects > MAX_VARIABLE_OBJECTS or values > MAX_VARIABLE_VALUES:
            raise refused(
                "VALIDATION_ERROR",
                f"The variables may hold at most {MAX_VARIABLE_OBJECTS} objects "
                f"and {MAX_VARIABLE_VALUES:,} values in all.",
            )
        if isinstance(value, str):
            why_not = _unstorable_text(value)
        elif isinstance(value, dict):
            pending += [(f"{place}.{key}", inner, depth + 1) for key, inner in value.items()]
            why_not = next(filter(None, map(_unstorable_text, value)), None)
        elif isinstance(value, list):
            pending += [(f"{place}[{index}]", inner, depth + 1) for index, inner in enumerate(value)]
            why_not = None
        else:
            why_not = _unstorable_number(value)
        if depth > MAX_VARIABLE_DEPTH:
            why_not = f"must not be nested deeper than {MAX_VARIABLE_DEPTH} levels"
            place = place.partition(".")[0].partition("[")[0]
        if why_not is not None:
            raise refused("VALIDATION_ERROR", f"Variable '{place[:100]}' {why_not}.")


def _unstorable_text(text: str) -> str | None:
    if "\x00" in text:
        return "must not hold the character U+0000"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "must not hold half of a surrogate pair"
    return None


def _unstorable_number(value: Any) -> str | None:
    if isinstance(value, int) and value not in _WHOLE_NUMBERS:
        return "must be a number of at most 64 bits"
    return None


def _answer(result: ExecutionResult, request_id: str) -> dict[str, Any]:
    if not result.errors:
        return {"data": result.data}
    return {"data": result.data, "errors": [field_error(error, request_id) for error in result.errors]}


def _is_out(answer: Mapping[str, Any]) -> bool:
    """Whether nothing came of the operation because something that we stand on is out."""
    codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
    return codes == {Unavailable.code} and all(each is None for each in (answer["data"] or {}).values())


def _too_late(deadline_s: float, prepared: Prepared, ctx: Any) -> Refusal:
    stopped = f"The operation took longer than {deadline_s:g} seconds and was stopped"
    if prepared.operation.kind is not OperationType.MUTATION or not isinstance(ctx, Context):
        return refused("TIMEOUT", f"{stopped}: ask for less at once.")
    return refused("TIMEOUT", f"{stopped}{_AND_SAVED[ctx.has_saved]}", saved=ctx.has_saved)

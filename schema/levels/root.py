"""The one root field of a subscription, resolved once at its start; each event then is a run of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from graphql.execution.collect_fields import FragmentDetails, collect_fields

from schema.documents import Operation, Variables
from schema.errors import refused
from schema.levels.fields import Arguments, Info

if TYPE_CHECKING:
    import strawberry


async def root_answer(schema: strawberry.Schema, operation: Operation, ctx: Any, variables: Variables) -> Any:
    """What the resolver of the field answers. Raises what it raises, and Refusal when @skip left no field."""
    core = schema._schema  # noqa: SLF001  # Strawberry offers no other way to it
    root: Any = core.get_root_type(operation.kind)
    fragments = {name: FragmentDetails(node) for name, node in operation.fragments.items()}
    collected = collect_fields(core, fragments, variables.values, root, operation.node)
    first = next((details[0] for details in collected.grouped_field_set.values()), None)
    if first is None:
        raise refused("VALIDATION_ERROR", "The subscription skips its only field.")
    field = root.fields[first.node.name.value]
    definition = field.extensions["strawberry-definition"]
    given = Arguments(field, first.node, definition, schema).given(variables)
    return await definition.base_resolver.wrapped_func(info=Info(ctx), **given)

"""Every root field reaches a resolver that says who may call it, whatever the door would have turned away before."""

import sys
from types import FrameType
from typing import Any

import pytest
from graphql import OperationType

from resolvers import permissions
from resolvers.context import Helpdesk
from resolvers.errors import Unauthorized
from schema.execution import Graph
from schema.root import schema
from tests.permissions.deeds import DEEDS
from tests.permissions.test_matrix import question
from tests.permissions.world import PREFIXES, put

IDS = dict.fromkeys(PREFIXES, 1)
BY_FORM = "Mutation.attachmentCreate"
"""What takes a file, which no document holds; the door asks for a token before it reads one."""


async def test_every_root_field_reaches_a_resolver_that_says_who_may_call_it(helpdesk: Helpdesk) -> None:
    graph = Graph(schema)
    for deed in DEEDS:
        if deed.field and deed.field != BY_FORM:
            text, variables = question(deed.field, put(deed.arguments, IDS, prefixed=True))
            async with helpdesk.operation(None) as ctx:
                gates, body = await _traced(graph, text, variables, ctx)
            assert len(gates) == 1, deed.field
            assert permissions.ANYONE not in gates.pop(), deed.field
            assert [each["extensions"]["code"] for each in body["errors"]] == ["UNAUTHORIZED"], deed.field


async def _traced(
    graph: Graph, text: str, variables: dict[str, Any], ctx: Any
) -> tuple[set[tuple[str, ...]], dict[str, Any]]:
    """Whom the resolvers allow that ran for the document, and its answer."""
    gate = permissions.allow("nobody")(_nothing).__code__  # the same for whatever `allow` decorates
    allowed: set[tuple[str, ...]] = set()

    def see(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call" and frame.f_code is gate:
            allowed.add(frame.f_locals["roles"])

    sys.setprofile(see)
    try:
        prepared = graph.prepare(text, None, variables)
        if prepared.operation.kind is not OperationType.SUBSCRIPTION:
            return allowed, await graph.execute(prepared, ctx, "request")
        with pytest.raises(Unauthorized) as refused:
            await graph.followed(prepared, ctx)
        return allowed, {"errors": [{"extensions": {"code": refused.value.code}}]}
    finally:
        sys.setprofile(None)


async def _nothing(_ctx: Any) -> None: ...

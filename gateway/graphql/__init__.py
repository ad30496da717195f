"""The graph's door: GraphQL over HTTP, server-sent events and WebSocket, on one path."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import strawberry
from litestar import Response
from litestar.handlers import BaseRouteHandler

from gateway.graphql.answering import Answering, SignIn
from gateway.graphql.http import http_routes
from gateway.graphql.websocket import websocket_route
from schema.execution import Graph

__all__ = ["graphql_routes"]


def graphql_routes(
    schema: strawberry.Schema, sign_in: SignIn, graphiql_page: Callable[[], Response[Any]], sdl: str
) -> list[BaseRouteHandler]:
    """The route handlers of `/graphql` and `/graphql/schema`, for an application with `state.helpdesk`.

    `sdl` is the text of the schema as it is committed.
    """
    answering = Answering(Graph(schema), sign_in)
    return [*http_routes(answering, graphiql_page, sdl), websocket_route(answering)]

"""The graph's door: GraphQL over HTTP, server-sent events and WebSocket, on one path."""

from __future__ import annotations

from litestar.handlers import BaseRouteHandler

from gateway.graphql.answering import Answering
from gateway.graphql.http import Page, Text, http_routes
from gateway.graphql.trusted import TrustedDocuments
from gateway.graphql.websocket import websocket_route

__all__ = ["Answering", "TrustedDocuments", "graphql_routes"]


def graphql_routes(answering: Answering, graphiql_page: Page | None, sdl: Text) -> list[BaseRouteHandler]:
    """The route handlers of `/graphql` and `/graphql/schema`, for an application with `state.helpdesk`.

    `graphiql_page` makes the page a browser gets, None for no page; `sdl` writes the text of the schema.
    """
    return [*http_routes(answering, graphiql_page, sdl), websocket_route(answering)]

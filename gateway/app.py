"""The application: both doors and the pages over one helpdesk."""

import asyncio
import contextlib
import functools
import gc
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from litestar import Litestar, Request
from litestar.config.compression import CompressionConfig
from litestar.middleware.compression import CompressionMiddleware
from litestar.types import Receive, Scope, Send

from gateway.cors import Cors, origins_of
from gateway.ending import before_the_end
from gateway.graphql import Answering, graphql_routes
from gateway.graphql.http import PATH as GRAPHQL
from gateway.graphql.http import refusal_answer
from gateway.helpdesk import open_helpdesk
from gateway.metrics import metrics_route
from gateway.overload import Gate
from gateway.pages import graphiql_page, page_routes
from gateway.settings import Settings
from gateway.sign_in import sign_in
from gateway.stalled import end_stalled
from gateway.telemetry import configure_logging
from gateway.trusted_documents import trusted_documents
from gateway.worker import embedded_worker
from resolvers.context import Clock, utc_now
from resolvers.errors import AnswerError
from rest_compat import exception_handlers, rest_routes
from rest_compat.errors import error_answer
from schema.described import sdl
from schema.execution import Graph
from schema.root import schema

COMPRESSED_FROM_BYTES = 2048
COLLECTED_AFTER = (200_000, 5, 10)
"""Objects more, and collections of the younger. Python's 700 is a dozen collections a request, which find nothing, and
at 20,000 they still walked through what a few requests under way hold: a twelfth of the time under load."""


def create_app(settings: Settings, clock: Clock = utc_now) -> Litestar:
    """The ASGI application of one worker. Raises SettingsError."""
    helpdesk = open_helpdesk(settings, clock)
    refusals: Counter[str] = Counter()
    graph = Graph(schema, settings.executor, suggests=settings.suggestions)
    answering = Answering(
        graph, sign_in, trusted_documents(settings, graph.documents), settings.introspection
    )

    @contextlib.asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        listening = asyncio.create_task(end_stalled())
        with before_the_end(helpdesk.feed.end):
            async with embedded_worker(settings, helpdesk):
                yield
        listening.cancel()
        await helpdesk.close()

    app = Litestar(
        route_handlers=[
            *graphql_routes(answering, graphiql_page if settings.graphiql else None, _sdl),
            *rest_routes(),
            metrics_route(graph, refusals),
            *(page_routes(settings.graphiql_assets) if settings.graphiql else ()),
        ],
        exception_handlers=exception_handlers(),
        lifespan=[lifespan],
        openapi_config=None,  # rest_compat/openapi.py writes the document from what the rules declare
        compression_config=CompressionConfig(
            backend="gzip",
            minimum_size=COMPRESSED_FROM_BYTES,
            gzip_compress_level=1,
            middleware_class=Compression,
            exclude=[
                "^/graphql/static/",  # gateway/pages.py keeps those compressed
                "^/v1/attachments/.*/download$",  # ranges and tags are of the bytes as they are
            ],
        ),
        logging_config=None,
    )
    app.asgi_handler = Gate(app.asgi_handler, settings.max_in_flight, _refuse, refusals)
    if settings.cors_origins:
        app.asgi_handler = Cors(app.asgi_handler, origins_of(settings.cors_origins))
    app.state.helpdesk = helpdesk
    app.state.graph = graph
    app.state.answering = answering
    app.state.settings = settings
    app.state.sign_in = sign_in
    app.state.turns = answering.turns
    return app


class Compression(CompressionMiddleware):
    """Compresses answers, and no streams: each would hold a quarter of a megabyte for as long as it lasts."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer (ASGI)."""
        accepted = b",".join(value for name, value in scope["headers"] if name == b"accept")
        if b"text/event-stream" in accepted or b"subscriptionspec" in accepted.lower():
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


@functools.cache
def _sdl() -> str:
    """Written when somebody wants it: that takes as long as a tenth of the start."""
    return sdl(schema)


def _refuse(request: Request[Any, Any, Any], error: AnswerError) -> Any:
    """The answer to what is refused before it reached a door, in the words of that door."""
    is_of_the_graph = request.scope["path"] == GRAPHQL
    return refusal_answer(request, error) if is_of_the_graph else error_answer(request, error)


def from_environment() -> Litestar:
    """The application with the settings of this process; what a worker of `answer serve` runs."""
    settings = Settings.from_environment()
    configure_logging(settings.log_level)
    app = create_app(settings)
    # what has been made so far stays: the collector need not look through it again and again while requests wait
    gc.freeze()
    gc.set_threshold(*COLLECTED_AFTER)
    gc.enable()
    return app

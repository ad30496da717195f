"""`/metrics`: what this process has done, in the words of Prometheus. Numbers only; it names nobody."""

import os
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0, generate_latest

from schema.execution import Graph, Served

WORKER: Final = "worker"
"""A scrape reaches one of several worker processes: this label, its number, keeps their counts apart."""


class GraphCollector:
    """What the doors have answered, read when somebody asks: counting costs an operation no more than a dict does."""

    def __init__(self, served: Served, refusals: Counter[str]) -> None:
        self._served = served
        self._refusals = refusals

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now."""
        operations = CounterMetricFamily(
            "answer_graphql_operations",
            "GraphQL operations, by the executor that answered.",
            labels=["executor", WORKER],
        )
        fallbacks = CounterMetricFamily(
            "answer_graphql_fallbacks",
            "Operations that graphql-core answered instead of the level-by-level executor, by the reason.",
            labels=["reason", WORKER],
        )
        worker = str(os.getpid())
        for executor, count in self._served.operations.items():
            operations.add_metric([executor, worker], count)
        for reason, count in self._served.fallbacks.items():
            fallbacks.add_metric([reason, worker], count)
        refusals = CounterMetricFamily(
            "answer_refusals",
            "Requests, and fields of the graph, that were refused, by kind.",
            labels=["kind", WORKER],
        )
        for kind, count in (self._refusals + self._served.refusals).items():
            refusals.add_metric([kind, worker], count)
        yield operations
        yield fallbacks
        yield refusals


def metrics_route(graph: Graph, refusals: Counter[str]) -> HTTPRouteHandler:
    """The handler of `/metrics`; it needs no sign-in, as those who scrape have none.

    `refusals`: how many requests were refused, by kind.
    """
    registry = CollectorRegistry()
    registry.register(GraphCollector(graph.served, refusals))
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)

    @get("/metrics", include_in_schema=False, sync_to_thread=False, name="metrics")
    def metrics() -> Response[Any]:
        """What this process has done."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_1_0_0)

    return metrics

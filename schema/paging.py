"""Connections as the Relay specification has them, over the pages that resolvers give."""

from typing import Annotated, Any, Final, Generic, TypeVar

import strawberry
from strawberry import UNSET, Parent

from resolvers.paging import Page, Slice
from schema.edges import reads, shows

T = TypeVar("T")

First = Annotated[
    int | None,
    strawberry.argument(
        description="How many from the start: 0 to 100, 20 when neither this nor `last` is given."
    ),
]
After = Annotated[str | None, strawberry.argument(description="Only what comes behind this cursor.")]
Last = Annotated[
    int | None, strawberry.argument(description="How many from the end: 0 to 100. Not together with `first`.")
]
Before = Annotated[str | None, strawberry.argument(description="Only what comes before this cursor.")]


_ROWS: Final = {"has_rows_of_page": True}
"""Of a field that leads to the page's own rows: what is asked of them can be read along with the page."""
_COUNTS_PAGE: Final = {"counts_page": True}
"""Of a field that tells more of the list than the rows of the page: one row more is read to know whether there are."""
_SHOWS_PLACE: Final = {"shows_place": True}
"""Of a field that tells where rows stand: it looks at the columns by which they are sorted."""


@strawberry.type
class PageInfo:
    """Where a page stands in its list."""

    has_next_page: bool = strawberry.field(description="Whether more follows this page.")
    has_previous_page: bool = strawberry.field(description="Whether something comes before this page.")
    start_cursor: str | None = strawberry.field(
        description="The cursor of the first edge.", metadata=_SHOWS_PLACE
    )
    end_cursor: str | None = strawberry.field(
        description="The cursor of the last edge.", metadata=_SHOWS_PLACE
    )


@strawberry.type
class Edge(Generic[T]):
    """One item of a list and where it stands."""

    node: T = strawberry.field(description="The item.", metadata=_ROWS)
    cursor: str = strawberry.field(
        description="Where it stands, for `after` and `before`.", metadata=_SHOWS_PLACE
    )


def _edges(root: Parent[Page[Any]]) -> Any:
    return root.items()


def _nodes(root: Parent[Page[Any]]) -> Any:
    return root.rows


def _page_info(root: Parent[Page[Any]]) -> Any:
    return root


def _total_count(root: Parent[Page[Any]]) -> int | None:
    counted: Any = root.count()
    return counted  # type: ignore[no-any-return]  # or an awaitable of it


@strawberry.type
class Connection(Generic[T]):
    """A page of a list."""

    edges: list[Edge[T]] = strawberry.field(
        resolver=_edges, description="The items with their cursors.", metadata=_ROWS
    )
    nodes: list[T] = strawberry.field(
        resolver=_nodes, description="The items alone.", metadata=_ROWS | shows("rows")
    )
    page_info: PageInfo = strawberry.field(
        resolver=_page_info, description="Where the page stands in the list.", metadata=_COUNTS_PAGE | reads()
    )
    total_count: int | None = strawberry.field(
        resolver=_total_count,
        metadata=_COUNTS_PAGE,
        description="How many the whole list has, whatever the page. Counted only when asked for.",
    )


def slice_of(first: int | None, after: str | None, last: int | None, before: str | None) -> Slice:
    """The paging arguments as resolvers take them."""
    return Slice(*(None if value is UNSET else value for value in (first, after, last, before)))  # type: ignore[arg-type]  # in this order

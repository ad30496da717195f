"""Pages of a list: numbered pages for REST (D20), Relay cursors for the graph.

A cursor is the place of a row in an order: base64url of the order's name, the sort value and the id. It is checked
against the order it is used with, and never counts rows, so page 500 costs what page 1 costs.
"""

import base64
import binascii
import datetime as dt
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Generic, NamedTuple, TypeVar

import msgspec

from db.conditions import Condition
from db.listing import Key, Listing, Window
from db.tables import PRIORITY_RANK
from resolvers.context import Context
from resolvers.fields import LARGEST_ID, Wrong, refuse
from resolvers.loaders import Loader, along

Row = TypeVar("Row")

DEFAULT_PAGE: Final = 20
LARGEST_PAGE: Final = 100
LARGEST_PAGE_NUMBER: Final = 10_000_000
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


Counting = Callable[[], Awaitable[int | None] | int]


class Order(NamedTuple):
    """An order of a list: by one of the listing's orders, up or down."""

    by: str
    descending: bool = False


BY_ID: Final = Order("id")


class Slice(NamedTuple):
    """The four paging arguments of a connection, as asked for."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None


class Page(msgspec.Struct, Generic[Row]):
    """Some rows of a list, where they stand in it, and how to count the whole: a number, or an awaitable of it."""

    rows: list[Row]
    order: Order
    has_next_page: bool
    has_previous_page: bool
    count: Counting

    @property
    def start_cursor(self) -> str | None:
        """Where its first row stands; None for an empty page."""
        return cursor(self.order, self.rows[0]) if self.rows else None

    @property
    def end_cursor(self) -> str | None:
        """Where its last row stands; None for an empty page."""
        return cursor(self.order, self.rows[-1]) if self.rows else None

    def items(self) -> list["Item[Row]"]:
        """The rows, each with its place."""
        return [Item(row, self.order) for row in self.rows]


class Item(msgspec.Struct, Generic[Row]):
    """A row of a page."""

    node: Row
    order: Order

    @property
    def cursor(self) -> str:
        """Where it stands in the page's order."""
        return cursor(self.order, self.node)


@dataclass(frozen=True, slots=True)
class NumberedPage(Generic[Row]):
    """A page by number, with the size of the whole list."""

    rows: list[Row]
    page: int
    per_page: int
    total: int

    @property
    def total_pages(self) -> int:
        """How many pages there are; 0 for an empty list."""
        return -(-self.total // self.per_page)


def window(asked: Slice, order: Order, *, is_counted: bool = True) -> Window:
    """The window for the slice, one row larger than asked, so that `page_of` sees whether more follows, if it must.

    Raises ValidationError: a negative or too large page, `first` with `last`, a cursor not of this order.
    """
    wrong: Wrong = {}
    if asked.first is not None and asked.last is not None:
        wrong["last"] = "must not be given together with first"
    for name, size in (("first", asked.first), ("last", asked.last)):
        if size is not None and not 0 <= size <= LARGEST_PAGE:
            wrong[name] = f"must be between 0 and {LARGEST_PAGE}"
    after, before = (
        _key(name, value, order, wrong) for name, value in (("after", asked.after), ("before", asked.before))
    )
    refuse(wrong)
    return Window(
        order.by,
        order.descending,
        _size(asked) + is_counted,
        after=after,
        before=before,
        from_end=asked.last is not None,
    )


def page_of(rows: list[Row], asked: Slice, order: Order, size: int, count: Counting) -> Page[Row]:
    """The page from the rows that a `window` of this slice gave, which may be one more than its `size`."""
    has_more = len(rows) > size
    if not has_more and asked.after is None and asked.before is None:
        count = rows.__len__  # this is the whole list
    if asked.last is not None:
        kept = rows[1:] if has_more else rows
        return Page(kept, order, asked.before is not None, has_more, count)
    return Page(rows[:size] if has_more else rows, order, has_more, asked.after is not None, count)


def _size(asked: Slice) -> int:
    if asked.first is not None:
        return asked.first
    return DEFAULT_PAGE if asked.last is None else asked.last


def numbered_window(page: int, per_page: int, order: Order) -> Window:
    """The window of a numbered page. Raises ValidationError (D20)."""
    wrong: Wrong = {}
    if not 1 <= page <= LARGEST_PAGE_NUMBER:
        wrong["page"] = f"must be between 1 and {LARGEST_PAGE_NUMBER}"
    if not 1 <= per_page <= LARGEST_PAGE:
        wrong["per_page"] = f"must be between 1 and {LARGEST_PAGE}"
    refuse(wrong)
    return Window(order.by, order.descending, per_page, offset=(page - 1) * per_page)


async def page(
    ctx: Context, listing: Listing[Row], conditions: Sequence[Condition], asked: Slice, order: Order
) -> Page[Row]:
    """One page of a list. Raises ValidationError on paging arguments."""
    rows = await listing.page(ctx.reads, conditions, window(asked, order), along(ctx, listing))
    return page_of(rows, asked, order, _size(asked), partial(listing.count, ctx.reads, conditions))


async def numbered(
    ctx: Context,
    listing: Listing[Row],
    conditions: Sequence[Condition],
    page: int,
    per_page: int,
    order: Order,
) -> NumberedPage[Row]:
    """One numbered page of a list. Raises ValidationError on page or per_page."""
    asked = numbered_window(page, per_page, order)
    reading = listing.page(ctx.reads, conditions, asked, along(ctx, listing))
    if listing.is_summed(conditions):
        rows, total = await ctx.together(reading, listing.count(ctx.reads, conditions))
    else:
        rows = await reading
        is_whole = page == 1 and len(rows) < per_page
        total = len(rows) if is_whole else await listing.count(ctx.reads, conditions)
    return NumberedPage(rows, page, per_page, total)


class Below(NamedTuple):
    """What a nested connection asks for: the same for every parent, so it is part of which loader is used."""

    conditions: tuple[Condition, ...]
    asked: Slice
    order: Order
    is_counted: bool = True
    """Whether anybody asks if there is more, or how many there are in all."""


async def pages(
    ctx: Context,
    listing: Listing[Row],
    parent: str,
    keys: list[int],
    below: Below,
    counter: Loader[int],
) -> dict[int, Page[Row]]:
    """The same page below each of many parents, in one statement. `counter` counts below a parent.

    Raises ValidationError on paging arguments.
    """
    conditions, asked, order, is_counted = below
    part = window(asked, order, is_counted=is_counted)
    found = await listing.pages(ctx.reads, parent, keys, conditions, part, along(ctx, listing))
    size = _size(asked)
    return {
        key: page_of(rows, asked, order, size, partial(ctx.later, counter, key, conditions))
        for key, rows in found.items()
    }


def cursor(order: Order, row: Any) -> str:
    """The row's place in the order, opaque to clients."""
    packed = msgspec.json.encode([_name(order), *_sort_values(order, row), row.id])
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def _name(order: Order) -> str:
    return f"{order.by}{'-' if order.descending else '+'}"


def _sort_values(order: Order, row: Any) -> list[int]:
    if order.by == "id":
        return []
    if order.by == "priority":
        return [PRIORITY_RANK[row.priority]]
    moment: dt.datetime = getattr(row, order.by)
    return [(moment - _EPOCH) // dt.timedelta(microseconds=1)]


def _key(name: str, value: str | None, order: Order, wrong: Wrong) -> Key | None:
    if value is None:
        return None
    try:
        return _unpacked(value, order)
    except (ValueError, binascii.Error, OverflowError, RecursionError):
        wrong[name] = "must be a cursor that this list gave in this order"
        return None


def _unpacked(value: str, order: Order) -> Key:
    """Raises ValueError (or a kin of it) for anything `cursor` would not have made for this order."""
    packed = base64.b64decode(value.encode("ascii") + b"=" * (-len(value) % 4), altchars=b"-_", validate=True)
    parts = json.loads(packed)
    if not isinstance(parts, list) or not parts:
        raise ValueError("not a cursor")
    name, *numbers = parts
    if name != _name(order) or len(numbers) != (1 if order.by == "id" else 2):
        raise ValueError("a cursor of another order")
    if not all(type(number) is int and abs(number) <= LARGEST_ID for number in numbers):
        raise ValueError("not numbers")
    if order.by in ("id", "priority"):
        return tuple(numbers)
    moment, row_id = numbers
    return (_EPOCH + dt.timedelta(microseconds=moment), row_id)

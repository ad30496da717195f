"""Subscriptions: who may follow what, from where, and what of it they hear at the moment it is told (D25, D28, D34)."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from db import rows
from db.listing import Window
from db.queries import events
from db.statements import Reads
from resolvers.context import Caller, Context, Helpdesk
from resolvers.errors import Gone, NotFound, ValidationError
from resolvers.events import PATTERNS, types_of
from resolvers.feed import PAGE, Follower
from resolvers.permissions import SIGNED_IN, allow
from resolvers.tickets import visible_ticket
from resolvers.visibility import Conditions, may_hear, visible_events

OF_TICKETS: Final = types_of(["ticket.*", "reply.created", "attachment.created"])
DELETED: Final = "ticket.deleted"


class Following(NamedTuple):
    """What is followed: events of these types, of one ticket or all; `after` None: what happens from now on."""

    types: tuple[str, ...]
    ticket_id: int | None
    after: int | None

    def ends_with(self, event: rows.FeedEvent) -> bool:
        """Whether nothing can come after the event."""
        return self.ticket_id is not None and event.type == DELETED


@allow(*SIGNED_IN)
async def ticket_changed(ctx: Context, ticket_id: int, after: str | None) -> Following:
    """What happens to one ticket. Raises NotFound, ValidationError, Gone."""
    following = Following(OF_TICKETS, ticket_id, await _place(ctx, after))
    try:
        await visible_ticket(ctx, ticket_id)
    except NotFound:
        if not await _is_to_hear_of_its_end(ctx, following):
            raise
    return following


@allow(*SIGNED_IN)
async def all_events(ctx: Context, types: Sequence[str] | None, after: str | None) -> Following:
    """What happens in the workspace, as far as the caller hears of it. `types` None: everything.

    Raises ValidationError, Gone.
    """
    chosen = ["*"] if types is None else list(types)
    if len(chosen) > len(PATTERNS):
        raise ValidationError.of({"types": f"must list at most {len(PATTERNS)} values"})
    if not all(each in PATTERNS for each in chosen):
        raise ValidationError.of({"types": f"must be of: {', '.join(PATTERNS)}"})
    return Following(types_of(chosen), None, await _place(ctx, after))


async def _place(ctx: Context, after: str | None) -> int | None:
    """The place in the feed that `after` names. Raises ValidationError for none, Gone for one that is not kept."""
    after = after if ctx.seen is None else ctx.seen
    if after is None:
        return None
    place = int(after) if after.isascii() and after.isdigit() and len(after) < 19 else -1
    if place < 0:
        raise ValidationError.of({"after": "must be the sequence of an event"})
    begins = await ctx.reads.first(events.START, workspace_id=ctx.caller.workspace_id) or 0
    if place < begins:
        raise Gone(
            "Events after this one are no longer kept. Read anew what you show, and subscribe without `after`"
        )
    if place > max(begins, await ctx.reads.first(events.NEWEST) or 0):
        raise ValidationError.of({"after": "must be the sequence of an event that has happened"})
    return place


async def _is_to_hear_of_its_end(ctx: Context, following: Following) -> bool:
    """Whether the ticket went after the place that they come back to."""
    if following.after is None:
        return False
    seen = (*visible_events(ctx.caller), ("ticket", following.ticket_id), ("types", [DELETED]))
    found = await events.LISTING.page(ctx.reads, seen, _window(following.after, 1))
    return bool(found)


class Subscription:
    """One who follows, as they are now: set `caller` whenever they were looked at again."""

    def __init__(self, helpdesk: Helpdesk, caller: Caller, following: Following) -> None:
        self.caller = caller
        self._helpdesk = helpdesk
        self._following = following
        self._follower: Follower | None = None

    async def begin(self) -> None:
        """Follow the feed; `end` it. Raises Ended, DatabaseUnavailable."""
        self._follower = await self._helpdesk.feed.follow(self._wants, self._read_page, self._following.after)

    async def next(self) -> Sequence[rows.FeedEvent]:
        """The next events, as soon as there are any. Raises Ended, DatabaseUnavailable."""
        if self._follower is None:
            await self.begin()
        assert self._follower is not None  # noqa: S101  # it has begun
        return await self._follower.next()

    def end(self) -> None:
        """Follow no more."""
        if self._follower is not None:
            self._helpdesk.feed.leave(self._follower)

    def _wants(self, event: rows.FeedEvent) -> bool:
        types, ticket_id, _ = self._following
        is_followed = event.type in types and ticket_id in (None, event.ticket_id)
        return is_followed and may_hear(self.caller, event)

    async def _read_page(self, after: int, upto: int) -> Sequence[rows.FeedEvent]:
        types, ticket_id, _ = self._following
        seen: Conditions = (*visible_events(self.caller), ("types", list(types)), ("upto", upto))
        if ticket_id is not None:
            seen = (*seen, ("ticket", ticket_id))
        async with self._helpdesk.db.read() as reads:
            return await events.LISTING.page(reads, seen, _window(after, PAGE))


async def is_heard(reads: Reads, caller: Caller, event: rows.FeedEvent) -> bool:
    """Whether the caller may hear of the event as things are now."""
    if caller.is_staff:
        return event.workspace_id == caller.workspace_id
    return await events.LISTING.find(reads, (*visible_events(caller), ("id", event.id))) is not None


def _window(after: int, limit: int) -> Window:
    return Window("id", descending=False, limit=limit, after=(after,))

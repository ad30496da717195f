"""Who asks, and with what: the helpdesk outlives requests, a context lives for one operation."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from db.database import Database, Reader, Tx
from db.files import Files
from resolvers.errors import Unauthorized
from resolvers.feed import Feed

if TYPE_CHECKING:
    from resolvers.loaders import Columns, Loader, Referred
    from resolvers.rate_limits import Charge, RateLimits
    from resolvers.tokens import TokenSigner

Clock = Callable[[], dt.datetime]
MOST_KEYS_A_STATEMENT = 500


def utc_now() -> dt.datetime:
    """The present instant, aware, UTC. The only place that reads the clock."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom a request acts as: the user of the API key that signed in, as they are now."""

    workspace_id: int
    user_id: int
    key_id: int
    role: str
    tier: str
    organization_id: int | None = None
    sees_organization: bool = False
    """A customer who also sees the tickets of their organization, because the workspace allows it (D36)."""

    @property
    def is_staff(self) -> bool:
        """An agent or an admin."""
        return self.role != "customer"


@dataclass(slots=True)
class Context:
    """One operation of one caller: a connection to read with, loaders that live as long, the clock."""

    helpdesk: "Helpdesk"
    reads: Reader
    _caller: Caller | None
    address: str = ""
    """Where the request comes from, as sign-ins are limited by it."""
    charge: "Charge | None" = None
    """What the operation was charged, in the graph."""
    seen: str | None = None
    """The event up to which a client that lost its stream has heard: it counts, not the `after` it began with."""
    referred: "tuple[Referred, ...]" = ()
    """What will be asked of the rows that are read next, so that it is read along with them."""
    columns: "Columns | None" = None
    """Which columns will be looked at; None: all of them."""
    _loaders: dict[Hashable, Any] = field(default_factory=dict)
    _found: dict[Hashable, dict[Any, Any]] = field(default_factory=dict)
    _saved: list[bool | None] = field(default_factory=list)
    """What became of each transaction."""

    @property
    def has_saved(self) -> bool | None:
        """Whether anything that this operation wrote is saved; None when that is not known."""
        if True in self._saved:
            return True
        return None if None in self._saved else False

    @property
    def caller(self) -> Caller:
        """Who asks. Raises Unauthorized when nobody is signed in."""
        if self._caller is None:
            raise Unauthorized
        return self._caller

    @property
    def is_signed_in(self) -> bool:
        """Whether anybody is."""
        return self._caller is not None

    def now(self) -> dt.datetime:
        """The present instant, UTC."""
        return self.helpdesk.clock()

    def load(self, loader: "Loader[Any]", key: Any, args: Hashable = None) -> Any:
        """An awaitable of what the loader finds for the key; all keys asked in one tick are one statement."""
        place = (loader.name, args)
        found = self._loaders.get(place)
        if found is None:
            found = self._loaders[place] = loader.start(self, args)
        return found.load(key)

    def later(self, loader: "Loader[Any]", key: Any, args: Hashable = None) -> Any:
        """What `load` would give, asked for when it is awaited: a field of many rows is then loaded in one call."""
        return Later(self, loader, key, args)

    async def load_all(
        self, loader: "Loader[Any]", keys: Iterable[Any], args: Hashable = None
    ) -> dict[Any, Any]:
        """What the loader finds for each of the keys, None for nothing; what this operation asked before is known."""
        known = self.known(loader, args)
        unknown = [key for key in keys if key not in known]
        for first in range(0, len(unknown), MOST_KEYS_A_STATEMENT):
            batch = unknown[first : first + MOST_KEYS_A_STATEMENT]
            found = await loader.load(self, batch, args)
            _learn(known, {key: found.get(key) for key in batch})
        return known

    def known(self, loader: "Loader[Any]", args: Hashable = None) -> dict[Any, Any]:
        """What this operation has found by the loader so far."""
        return self._found.setdefault((loader.name, args), {})

    async def together(self, *reading: Awaitable[Any]) -> list[Any]:
        """What they come to, in their order; what they read at the same time is read by one statement."""
        with self.reads.joining():
            return await all_of(reading)

    def expecting(self, referred: "tuple[Referred, ...]", columns: "Columns | None" = None) -> "Context":
        """The same operation, for reading rows of which these references will be followed, and these columns used."""
        return Context(
            self.helpdesk,
            self.reads,
            self._caller,
            self.address,
            self.charge,
            self.seen,
            referred,
            columns or self.columns,
            self._loaders,
            self._found,
            self._saved,
        )

    def know(self, loader: "Loader[Any]", found: Mapping[Any, Any]) -> None:
        """Let the loader know what was found for it already; what it knows stays the very same."""
        _learn(self.known(loader), found)

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        """One transaction; when it has ended, what was loaded before it is forgotten."""
        place = len(self._saved)
        self._saved.append(False)
        tx: Tx | None = None
        try:
            async with self.helpdesk.db.write() as tx:
                self._saved[place] = None
                yield tx
            self.reads.be_patient()
        finally:
            if tx is not None:
                self._saved[place] = tx.is_committed
            self.forget()

    def forget(self) -> None:
        """Forget everything loaded: after a write, what was read before it may be wrong."""
        self._loaders.clear()
        self._found.clear()


def _learn(known: dict[Any, Any], found: Mapping[Any, Any]) -> None:
    known.update({**found, **known} if known else found)


async def all_of(reading: Iterable[Awaitable[Any]]) -> list[Any]:
    """What they come to, in their order. The first error is raised once all have ended: none reads on behind us."""
    come = await asyncio.gather(*reading, return_exceptions=True)
    for each in come:
        if isinstance(each, BaseException):
            raise each
    return come


class Later:
    """What a loader will find for a key; nothing is loaded before it is awaited."""

    __slots__ = ("args", "ctx", "key", "loader")

    def __init__(self, ctx: Context, loader: "Loader[Any]", key: Any, args: Hashable) -> None:
        self.ctx = ctx
        self.loader = loader
        self.key = key
        self.args = args

    def __await__(self) -> Generator[Any, None, Any]:
        return self.ctx.load(self.loader, self.key, self.args).__await__()  # type: ignore[no-any-return]  # a future


@dataclass(slots=True)
class Helpdesk:
    """What outlives a request: the database, the signer of tokens, the rate limits, the store of files, the clock."""

    db: Database
    tokens: "TokenSigner"
    limits: "RateLimits"
    files: Files
    clock: Clock = utc_now
    allows_private_addresses: bool = False
    """Whether webhooks may be sent to addresses that only this network reaches: the operator's word (D29)."""
    feed: Feed = field(init=False)

    def __post_init__(self) -> None:
        self.feed = Feed(self.db)

    @contextlib.asynccontextmanager
    async def operation(
        self, caller: Caller | None, *, address: str = "", charge: "Charge | None" = None
    ) -> AsyncIterator[Context]:
        """A fresh context for one operation."""
        async with self.db.read() as reads:
            yield Context(self, reads, caller, address, charge)

    async def close(self) -> None:
        """Let go of the database, of the files and of where rate limits are kept."""
        await self.feed.close()
        await self.limits.windows.close()
        await self.files.close()
        await self.db.close()

"""The stock stack: Strawberry's own Litestar controller, its DataLoader, SQLAlchemy's ORM, as their documentation shows.

It answers the three operations of the frontend as their files have them, from the same tables. It is made to be fast
within that style: one batch for each edge and level, window functions for nested pages, a pool without overflow, sessions
that do not expire, the server that Answer runs on. It checks no tokens and no permissions. BENCH_CACHES=1 adds
Strawberry's extensions that remember parsed and validated documents.
"""

import base64
import datetime as dt
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum
from typing import Annotated, Any, Generic, Self, TypeVar

import strawberry
from litestar import Litestar
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from strawberry.dataloader import DataLoader
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.litestar import make_graphql_controller
from strawberry.scalars import JSON

from db import tables
from db.database import database_url

WORKSPACE = 1
T = TypeVar("T")
Columns = Sequence[Any]


@strawberry.enum
class TicketStatus(Enum):
    OPEN = "open"
    PENDING = "pending"
    RESOLVED = "resolved"
    CLOSED = "closed"


@strawberry.enum
class TicketPriority(Enum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    URGENT = "urgent"


@strawberry.enum
class UserType(Enum):
    CUSTOMER = "customer"
    AGENT = "agent"
    ADMIN = "admin"


@strawberry.enum
class TicketOrderField(Enum):
    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"


@strawberry.enum
class OrderDirection(Enum):
    ASC = "asc"
    DESC = "desc"


class Loaders:
    """The DataLoaders of one request. A batch has a session of its own: sessions are not made for two tasks at once."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession]) -> None:
        self.sessions = sessions
        self.users = DataLoader(load_fn=self._by_id(tables.User))
        self.organizations = DataLoader(load_fn=self._by_id(tables.Organization))
        self.categories = DataLoader(load_fn=self._by_id(tables.Category))
        self.watchers = DataLoader(load_fn=self._watchers)
        self.files_of_tickets = DataLoader(load_fn=self._files("ticket_id"))
        self.files_of_replies = DataLoader(load_fn=self._files("reply_id"))
        self._nested: dict[Any, DataLoader[int, Any]] = {}

    async def all(self, statement: Any) -> list[Any]:
        """The rows of a statement."""
        async with self.sessions() as session:
            return list((await session.scalars(statement)).all())

    async def one(self, statement: Any) -> Any:
        """The first row of a statement, or None."""
        async with self.sessions() as session:
            return (await session.scalars(statement)).first()

    def _by_id(self, model: Any) -> Callable[[list[int]], Awaitable[list[Any]]]:
        async def load(ids: list[int]) -> list[Any]:
            found = {row.id: row for row in await self.all(select(model).where(model.id.in_(ids)))}
            return [found.get(row_id) for row_id in ids]

        return load

    async def _watchers(self, ticket_ids: list[int]) -> list[list[Any]]:
        statement = (
            select(tables.Watcher.ticket_id, tables.User)  # type: ignore[call-overload]  # SQLModel's fields are values
            .join(tables.User, tables.User.id == tables.Watcher.user_id)
            .where(column(tables.Watcher, "ticket_id").in_(ticket_ids))
            .order_by(tables.Watcher.created_at, tables.Watcher.user_id)
        )
        found: dict[int, list[Any]] = defaultdict(list)
        async with self.sessions() as session:
            for ticket_id, user in await session.execute(statement):
                found[ticket_id].append(user)
        return [found[ticket_id] for ticket_id in ticket_ids]

    def _files(self, parent: str) -> Callable[[list[int]], Awaitable[list[list[Any]]]]:
        async def load(keys: list[int]) -> list[list[Any]]:
            key = column(tables.Attachment, parent)
            found: dict[int, list[Any]] = defaultdict(list)
            for row in await self.all(select(tables.Attachment).where(key.in_(keys)).order_by("id")):
                found[getattr(row, parent)].append(row)
            return [found[each] for each in keys]

        return load

    def pages(
        self, model: Any, parent: str, size: int, order: str, *, down: bool, where: Sequence[str]
    ) -> "DataLoader[int, list[Any]]":
        """Loads the first rows below each of many parents; one more than asked, to see whether more follows."""

        async def load(keys: list[int]) -> list[list[Any]]:
            key = column(model, parent)
            sort = [column(model, name).desc() if down else column(model, name) for name in (order, "id")]
            place = func.row_number().over(partition_by=key, order_by=sort).label("place")
            ranked = select(model.id, place).where(key.in_(keys), *narrowed(model, where)).subquery()
            statement = (
                select(model)
                .join(ranked, ranked.c.id == model.id)
                .where(ranked.c.place <= size + 1)
                .order_by(key, ranked.c.place)
            )
            found: dict[int, list[Any]] = defaultdict(list)
            for row in await self.all(statement):
                found[getattr(row, parent)].append(row)
            return [found[each] for each in keys]

        return self._kept((model, parent, size, order, down, tuple(where)), load)

    def counts(self, model: Any, parent: str, where: Sequence[str]) -> "DataLoader[int, int]":
        """Counts the rows below each of many parents."""

        async def load(keys: list[int]) -> list[int]:
            key = column(model, parent)
            statement = select(key, func.count()).where(key.in_(keys), *narrowed(model, where)).group_by(key)
            async with self.sessions() as session:
                found: dict[int, int] = dict((await session.execute(statement)).tuples().all())
            return [found.get(each, 0) for each in keys]

        return self._kept((model, parent, tuple(where)), load)

    def _kept(self, name: Any, load: Any) -> "DataLoader[int, Any]":
        if name not in self._nested:
            self._nested[name] = DataLoader(load_fn=load)
        return self._nested[name]


def column(model: Any, name: str) -> Any:
    """The column as expressions take it."""
    return getattr(model, name)


def narrowed(model: Any, statuses: Sequence[str]) -> list[ColumnElement[bool]]:
    """The condition of a list of tickets."""
    return [column(model, "status").in_(statuses)] if statuses else []


Info = strawberry.Info[dict[str, Any], None]


def loaders(info: Info) -> Loaders:
    """The loaders of the request."""
    found: Loaders = info.context["loaders"]
    return found


# --- connections ----------------------------------------------------------------------------------------------


@strawberry.type
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type
class Edge(Generic[T]):
    cursor: str
    node: T


@strawberry.type
class Connection(Generic[T]):
    nodes: list[T]
    page_info: PageInfo
    order: strawberry.Private[str]
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field
    def edges(self) -> list[Edge[T]]:
        return [Edge(cursor=cursor(self.order, node), node=node) for node in self.nodes]

    @strawberry.field
    async def total_count(self) -> int:
        return await self.count()


def connection(rows: list[Any], size: int, order: str, count: Callable[[], Awaitable[int]], make: Any) -> Any:
    """The page of the rows, of which there may be one too many."""
    nodes = [make(row) for row in rows[:size]]
    ends = [cursor(order, node) for node in (nodes[0], nodes[-1])] if nodes else [None, None]
    return Connection(
        nodes=nodes,
        page_info=PageInfo(
            has_next_page=len(rows) > size, has_previous_page=False, start_cursor=ends[0], end_cursor=ends[1]
        ),
        order=order,
        count=count,
    )


def cursor(order: str, node: Any) -> str:
    """Where a node stands."""
    return base64.b64encode(f"{getattr(node, order)}/{node.database_id}".encode()).decode()


# --- types ----------------------------------------------------------------------------------------------------


@strawberry.type
class Category:
    id: strawberry.ID
    database_id: int
    name: str
    slug: str
    color: str | None

    @classmethod
    def of(cls, row: tables.Category) -> Self:
        return cls(
            id=strawberry.ID(f"cat_{row.id}"),
            database_id=row.id,
            name=row.name,
            slug=row.slug,
            color=row.color,
        )


@strawberry.input
class TicketFilter:
    status: list[TicketStatus] | None = None


@strawberry.input
class TicketOrder:
    field: TicketOrderField
    direction: OrderDirection = OrderDirection.DESC


def statuses(filter: TicketFilter | None) -> list[str]:
    """The words of the filter."""
    return [each.value for each in filter.status] if filter and filter.status else []


def order_of(order_by: TicketOrder | None) -> tuple[str, bool]:
    """The column, and whether down."""
    if order_by is None:
        return "created_at", True
    return order_by.field.value, order_by.direction is OrderDirection.DESC


LazyTicket = Annotated["Ticket", strawberry.lazy("bench.stock")]
LazyOrganization = Annotated["Organization", strawberry.lazy("bench.stock")]


def ticket_pages(
    parent: str,
) -> Callable[..., Awaitable[Connection[LazyTicket]]]:
    """The resolver of the tickets under another noun."""

    async def tickets(
        root: Any,
        info: Info,
        first: int = 20,
        filter: TicketFilter | None = None,
        order_by: TicketOrder | None = None,
    ) -> Connection[LazyTicket]:
        order, down = order_of(order_by)
        where = statuses(filter)
        loader = loaders(info).pages(tables.Ticket, parent, first, order, down=down, where=where)
        counter = loaders(info).counts(tables.Ticket, parent, where)
        found = await loader.load(root.database_id)
        result: Connection[Any] = connection(
            found, first, order, lambda: counter.load(root.database_id), Ticket.of
        )
        return result

    return tickets


@strawberry.type
class User:
    id: strawberry.ID
    database_id: int
    name: str
    email: str
    type: UserType
    avatar_url: str | None
    ticket_count: int
    organization_id: strawberry.Private[int | None]
    tickets: Connection[LazyTicket] = strawberry.field(resolver=ticket_pages("requester_id"))

    @classmethod
    def of(cls, row: tables.User) -> Self:
        return cls(
            id=strawberry.ID(f"usr_{row.id}"),
            database_id=row.id,
            name=row.name,
            email=row.email,
            type=UserType(row.type),
            avatar_url=row.avatar_url,
            ticket_count=row.ticket_count,
            organization_id=row.organization_id,
        )

    @strawberry.field
    async def organization(self, info: Info) -> LazyOrganization | None:
        if self.organization_id is None:
            return None
        row = await loaders(info).organizations.load(self.organization_id)
        return Organization.of(row) if row else None


async def user_of(info: Info, user_id: int | None) -> User | None:
    """The user, through the loader."""
    row = await loaders(info).users.load(user_id) if user_id is not None else None
    return User.of(row) if row else None


@strawberry.type
class Organization:
    id: strawberry.ID
    database_id: int
    name: str
    domain: str | None
    user_count: int
    created_at: dt.datetime
    tickets: Connection[LazyTicket] = strawberry.field(resolver=ticket_pages("organization_id"))

    @classmethod
    def of(cls, row: tables.Organization) -> Self:
        return cls(
            id=strawberry.ID(f"org_{row.id}"),
            database_id=row.id,
            name=row.name,
            domain=row.domain,
            user_count=row.user_count,
            created_at=row.created_at,
        )

    @strawberry.field
    async def ticket_count(self, info: Info) -> int:
        return await loaders(info).counts(tables.Ticket, "organization_id", ()).load(self.database_id)

    @strawberry.field
    async def users(self, info: Info, first: int = 20) -> Connection[User]:
        loader = loaders(info).pages(tables.User, "organization_id", first, "id", down=False, where=())
        counter = loaders(info).counts(tables.User, "organization_id", ())
        found = await loader.load(self.database_id)
        result: Connection[User] = connection(
            found, first, "database_id", lambda: counter.load(self.database_id), User.of
        )
        return result


@strawberry.type
class Attachment:
    id: strawberry.ID
    database_id: int
    filename: str
    original_filename: str
    file_size: int
    mime_type: str
    url: str

    @classmethod
    def of(cls, row: tables.Attachment) -> Self:
        return cls(
            id=strawberry.ID(f"att_{row.id}"),
            database_id=row.id,
            filename=row.filename,
            original_filename=row.original_filename,
            file_size=row.file_size,
            mime_type=row.mime_type,
            url=f"/v1/attachments/{row.id}/download",
        )


@strawberry.type
class Reply:
    id: strawberry.ID
    database_id: int
    content: str
    content_html: str
    is_internal: bool
    created_at: dt.datetime
    author_id: strawberry.Private[int]

    @classmethod
    def of(cls, row: tables.Reply) -> Self:
        return cls(
            id=strawberry.ID(f"rpl_{row.id}"),
            database_id=row.id,
            content=row.content,
            content_html=row.content_html,
            is_internal=row.is_internal,
            created_at=row.created_at,
            author_id=row.author_id,
        )

    @strawberry.field
    async def author(self, info: Info) -> User | None:
        return await user_of(info, self.author_id)

    @strawberry.field
    async def attachments(self, info: Info) -> list[Attachment]:
        return [Attachment.of(row) for row in await loaders(info).files_of_replies.load(self.database_id)]


@strawberry.type
class Activity:
    database_id: strawberry.Private[int]
    created_at: strawberry.Private[dt.datetime]
    action: str
    from_: str | None = strawberry.field(name="from")
    to: str | None
    timestamp: dt.datetime
    user_id: strawberry.Private[int | None]

    @classmethod
    def of(cls, row: tables.Activity) -> Self:
        return cls(
            database_id=row.id,
            created_at=row.created_at,
            action=row.action,
            from_=row.from_value,
            to=row.to_value,
            timestamp=row.created_at,
            user_id=row.user_id,
        )

    @strawberry.field
    async def user(self, info: Info) -> User | None:
        return await user_of(info, self.user_id)


@strawberry.type
class Ticket:
    id: strawberry.ID
    database_id: int
    version: int
    subject: str
    content: str
    content_html: str
    status: TicketStatus
    priority: TicketPriority
    is_untouched: bool
    tags: list[str]
    metadata: JSON
    reply_count: int
    created_at: dt.datetime
    updated_at: dt.datetime
    first_response_at: dt.datetime | None
    resolved_at: dt.datetime | None
    requester_id: strawberry.Private[int]
    assigned_to_id: strawberry.Private[int | None]
    category_id: strawberry.Private[int | None]

    @classmethod
    def of(cls, row: tables.Ticket) -> Self:
        return cls(
            id=strawberry.ID(f"tkt_{row.id}"),
            database_id=row.id,
            version=row.version,
            subject=row.subject,
            content=row.content,
            content_html=row.content_html,
            status=TicketStatus(row.status),
            priority=TicketPriority(row.priority),
            is_untouched=row.is_untouched,
            tags=row.tags,
            metadata=JSON(row.metadata_),
            reply_count=row.public_reply_count + row.internal_note_count,
            created_at=row.created_at,
            updated_at=row.updated_at,
            first_response_at=row.first_response_at,
            resolved_at=row.resolved_at,
            requester_id=row.requester_id,
            assigned_to_id=row.assigned_to_id,
            category_id=row.category_id,
        )

    @strawberry.field
    async def category(self, info: Info) -> Category | None:
        row = await loaders(info).categories.load(self.category_id) if self.category_id else None
        return Category.of(row) if row else None

    @strawberry.field
    async def requester(self, info: Info) -> User | None:
        return await user_of(info, self.requester_id)

    @strawberry.field
    async def assigned_to(self, info: Info) -> User | None:
        return await user_of(info, self.assigned_to_id)

    @strawberry.field
    async def watchers(self, info: Info) -> list[User]:
        return [User.of(row) for row in await loaders(info).watchers.load(self.database_id)]

    @strawberry.field
    async def replies(
        self, info: Info, first: int | None = None, last: int | None = None
    ) -> Connection[Reply]:
        size = first or last or 20
        loader = loaders(info).pages(
            tables.Reply, "ticket_id", size, "created_at", down=last is not None, where=()
        )
        found = await loader.load(self.database_id)
        if last is not None:
            found = found[:size][::-1]
        counter = loaders(info).counts(tables.Reply, "ticket_id", ())
        result: Connection[Reply] = connection(
            found, size, "created_at", lambda: counter.load(self.database_id), Reply.of
        )
        return result

    @strawberry.field
    async def attachments(self, info: Info) -> list[Attachment]:
        return [Attachment.of(row) for row in await loaders(info).files_of_tickets.load(self.database_id)]

    @strawberry.field
    async def activity(self, info: Info, first: int = 20) -> Connection[Activity]:
        loader = loaders(info).pages(tables.Activity, "ticket_id", first, "created_at", down=False, where=())
        found = await loader.load(self.database_id)
        counter = loaders(info).counts(tables.Activity, "ticket_id", ())
        result: Connection[Activity] = connection(
            found, first, "created_at", lambda: counter.load(self.database_id), Activity.of
        )
        return result


def number(id: str) -> int:
    """The row's id in either spelling."""
    return int(id.rpartition("_")[2])


@strawberry.type
class Query:
    @strawberry.field
    async def tickets(
        self,
        info: Info,
        first: int = 20,
        after: str | None = None,
        filter: TicketFilter | None = None,
        order_by: TicketOrder | None = None,
    ) -> Connection[Ticket]:
        order, down = order_of(order_by)
        model = tables.Ticket
        where = [column(model, "workspace_id") == WORKSPACE, *narrowed(model, statuses(filter))]
        sort = [column(model, name).desc() if down else column(model, name) for name in (order, "id")]
        rows = await loaders(info).all(select(model).where(*where).order_by(*sort).limit(first + 1))

        async def count() -> int:
            counted: int = await loaders(info).one(select(func.count()).select_from(model).where(*where))
            return counted

        result: Connection[Ticket] = connection(rows, first, order, count, Ticket.of)
        return result

    @strawberry.field
    async def ticket(self, info: Info, id: strawberry.ID) -> Ticket | None:
        row = await loaders(info).one(select(tables.Ticket).where(column(tables.Ticket, "id") == number(id)))
        return Ticket.of(row) if row else None

    @strawberry.field
    async def organization(self, info: Info, id: strawberry.ID) -> Organization | None:
        row = await loaders(info).organizations.load(number(id))
        return Organization.of(row) if row else None


def create() -> Litestar:
    """The application, on the database that ANSWER_DATABASE_URL names."""
    engine = create_async_engine(
        database_url(os.environ["ANSWER_DATABASE_URL"]), pool_size=10, max_overflow=0
    )
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    extensions: list[Any] = [ParserCache(), ValidationCache()] if os.environ.get("BENCH_CACHES") else []
    schema = strawberry.Schema(Query, extensions=extensions)

    async def context() -> dict[str, Any]:
        return {"loaders": Loaders(sessions)}

    controller = make_graphql_controller(
        schema, path="/graphql", graphql_ide=None, context_getter=context, allow_queries_via_get=False
    )
    return Litestar(
        route_handlers=[controller], on_shutdown=[engine.dispose], openapi_config=None, logging_config=None
    )

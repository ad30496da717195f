"""The answers of bench/limit.py, put together from rows: one struct a shape, as msgspec writes them fastest."""

from base64 import urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

import msgspec

Row = Sequence[Any]


def _shape(fields: str) -> Any:
    return msgspec.defstruct("Shape", fields.split(), gc=False)


Data = _shape("data")
Nodes = _shape("nodes")
Counted = _shape("totalCount nodes")
Named = _shape("id name")
Contact = _shape("id name email")
Author = _shape("id name type")
PageInfo = _shape("hasNextPage hasPreviousPage startCursor endCursor")
Ends = _shape("hasNextPage endCursor")
Page = _shape("totalCount pageInfo nodes")
Edges = _shape("totalCount pageInfo edges")
Edge = _shape("cursor node")
Category = _shape("id name color")
Organization = _shape("id name domain")
Requester = _shape("id name email avatarUrl organization")
Reply = _shape("id content isInternal createdAt author")
Ticket = _shape(
    "id databaseId subject status priority isUntouched tags replyCount createdAt updatedAt firstResponseAt "
    "category requester assignedTo replies"
)


def inbox(rows: Sequence[Row], total: int, replies: Sequence[Row]) -> Any:
    """The answer of the operation Inbox; `rows` may be one too many."""
    shown = rows[:20]
    said: dict[int, list[Any]] = {row[1]: [] for row in shown}
    for reply in replies:
        said[reply[0]].append(Reply(reply[1], reply[2], bool(reply[3]), reply[4], Author(*reply[5:])))
    ends = (_cursor(shown[0][9], shown[0][1]), _cursor(shown[-1][9], shown[-1][1])) if shown else (None, None)
    nodes = [_inbox_ticket(row, said[row[1]]) for row in shown]
    return Data({"tickets": Page(total, PageInfo(len(rows) > 20, False, *ends), nodes)})


def _inbox_ticket(row: Row, replies: list[Any]) -> Any:
    return Ticket(
        *row[:5],
        bool(row[5]),
        msgspec.Raw(row[6]),
        *row[7:11],
        Category(*row[11:14]) if row[11] else None,
        Requester(*row[14:18], Organization(*row[18:21]) if row[18] else None),
        Named(*row[21:23]) if row[21] else None,
        Nodes(replies),
    )


WholeCategory = _shape("id databaseId name slug color")
WholeRequester = _shape("id databaseId name email avatarUrl type organization")
Assignee = _shape("id databaseId name email")
WholeReply = _shape("id databaseId content contentHtml isInternal createdAt author attachments")
Attached = _shape("id filename")
WholeFile = _shape("id databaseId filename originalFilename fileSize mimeType url")
Happened = msgspec.defstruct(
    "Happened", ["action", ("from_", Any), "to", "timestamp", "user"], rename={"from_": "from"}
)
WholeTicket = _shape(
    "id databaseId version subject content contentHtml status priority tags metadata replyCount createdAt updatedAt "
    "firstResponseAt resolvedAt category requester assignedTo watchers replies attachments activity"
)


def ticket(
    row: Row, replies: Sequence[Row], log: Sequence[Row], watchers: Sequence[Row], files: Sequence[Row]
) -> Any:
    """The answer of the operation Ticket."""
    edges = [Edge(_cursor(each[4], each[0]), _whole_reply(each, files)) for each in replies[:50]]
    whole = WholeTicket(
        f"tkt_{row[0]}",
        *row[:5],
        row[5].upper(),
        row[6].upper(),
        msgspec.Raw(row[7]),
        msgspec.Raw(row[8]),
        *row[9:14],
        WholeCategory(f"cat_{row[18]}", *row[18:22]) if row[18] else None,
        WholeRequester(
            f"usr_{row[22]}",
            *row[22:26],
            row[26].upper(),
            Named(f"org_{row[27]}", row[28]) if row[27] else None,
        ),
        Assignee(f"usr_{row[29]}", *row[29:32]) if row[29] else None,
        [Named(f"usr_{each[0]}", each[1]) for each in watchers],
        Edges(len(replies), Ends(len(replies) > 50, edges[-1].cursor if edges else None), edges),
        [WholeFile(f"att_{each[0]}", *each[:5], f"/v1/attachments/{each[0]}/download") for each in files],
        Nodes(
            [Happened(*each[:4], Named(f"usr_{each[4]}", each[5]) if each[4] else None) for each in log[:50]]
        ),
    )
    return Data({"ticket": whole})


def _whole_reply(row: Row, files: Sequence[Row]) -> Any:
    author = Author(f"usr_{row[5]}", row[6], row[7].upper())
    own = [Attached(f"att_{each[0]}", each[1]) for each in files if each[5] == row[0]]
    return WholeReply(f"rpl_{row[0]}", row[0], row[1], row[2], bool(row[3]), row[4], author, own)


WholeOrganization = _shape("id databaseId name domain userCount ticketCount createdAt users tickets")
Member = _shape("id name email ticketCount tickets")
MembersTicket = _shape("id subject status assignedTo replies")
Said = _shape("id content author")
Waiting = _shape("id subject priority")


def organization(
    row: Row,
    people: Sequence[Row],
    tickets: Sequence[Row],
    replies: Sequence[Row],
    waiting: Sequence[Row],
    count: int,
) -> Any:
    """The answer of the operation Organization."""
    said: dict[int, list[Any]] = {each[1]: [] for each in tickets}
    for reply in replies:
        said[reply[0]].append(Said(reply[1], reply[2], Named(*reply[3:])))
    asked: dict[int, list[Any]] = {each[0]: [] for each in people}
    for user_id, ticket_id, *each in tickets:
        assignee = Named(*each[3:]) if each[3] else None
        asked[user_id].append(MembersTicket(*each[:3], assignee, Nodes(said[ticket_id])))
    members = [Member(*each[1:], Nodes(asked[each[0]])) for each in people]
    whole = WholeOrganization(
        *row, Counted(row[4], members), Counted(count, [Waiting(*each) for each in waiting])
    )
    return Data({"organization": whole})


def _cursor(moment: Any, row_id: int) -> str:
    return urlsafe_b64encode(f"{moment}/{row_id}".encode()).decode()


Listed = _shape("success data pagination")
Pagination = _shape("page per_page total total_pages")
One = _shape("success data")
Summary = _shape(
    "id subject content status priority category requester assigned_to tags reply_count created_at updated_at "
    "first_response_at resolved_at"
)


def listed(rows: Sequence[Row], total: int) -> Any:
    """The answer of GET /v1/tickets."""
    return Listed(True, [_summary(row) for row in rows], Pagination(1, 20, total, -(-total // 20)))


def _summary(row: Row) -> Any:
    return Summary(
        *row[:5],
        Named(*row[5:7]) if row[5] else None,
        Contact(*row[7:10]),
        Named(*row[10:12]) if row[10] else None,
        msgspec.Raw(row[12]),
        *row[13:],
    )


ColoredCategory = _shape("id name color")
Person = _shape("id name email avatar_url")
File = _shape("id filename original_filename file_size mime_type url reply_id")
RestReply = _shape("id ticket_id content content_html is_internal author attachments created_at")
Entry = msgspec.defstruct(
    "Entry", ["action", ("from_", Any), "to", "user", "timestamp"], rename={"from_": "from"}
)
Detail = _shape(
    "id subject content content_html status priority category requester assigned_to watchers tags reply_count replies "
    "has_more_replies attachments activity_log metadata is_untouched version created_at updated_at first_response_at "
    "first_resolved_at resolved_at closed_at reopen_count"
)


def detail(
    row: Row, replies: Sequence[Row], log: Sequence[Row], watchers: Sequence[Row], files: Sequence[Row]
) -> Any:
    """The answer of GET /v1/tickets/{id}."""
    attached = [File(*each[:5], f"/v1/attachments/{each[0]}/download", each[5]) for each in files]
    said = [
        RestReply(
            each[0],
            row[0],
            each[1],
            each[2],
            bool(each[3]),
            Author(*each[5:]),
            [file for file in attached if file.reply_id == each[0]],
            each[4],
        )
        for each in replies[:100]
    ]
    whole = Detail(
        row[0],
        *row[2:7],
        ColoredCategory(row[18], row[19], row[21]) if row[18] else None,
        Person(*row[22:26]),
        Contact(*row[29:32]) if row[29] else None,
        [Named(*each) for each in watchers],
        msgspec.Raw(row[7]),
        row[9],
        said,
        len(replies) > 100,
        attached,
        [Entry(*each[:3], Named(*each[4:]) if each[4] else None, each[3]) for each in log[:100]],
        msgspec.Raw(row[8]),
        bool(row[17]),
        row[1],
        *row[10:13],
        row[14],
        row[13],
        row[15],
        row[16],
    )
    return One(True, whole)

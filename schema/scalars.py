"""Scalars whose spelling the stock ones get differently."""

import datetime as dt
import re
from typing import Any

import strawberry
from graphql import GraphQLError, ValueNode
from strawberry.types.scalar import ScalarDefinition

from resolvers.uploads import Upload


def _write_moment(value: dt.datetime) -> str:
    return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def _read_moment(value: Any) -> dt.datetime:
    """An instant; without a zone it would be anybody's guess, so that is refused."""
    try:
        moment = dt.datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError
        return moment.astimezone(dt.UTC)
    except (TypeError, ValueError, OverflowError):
        raise GraphQLError("A DateTime is written like 2024-01-20T10:30:00Z") from None


MOMENT: ScalarDefinition = strawberry.scalar(
    name="DateTime",
    description="An instant in UTC as RFC 3339 writes it: 2024-01-20T10:30:00Z, with up to six digits of a second.",
    specified_by_url="https://datatracker.ietf.org/doc/html/rfc3339",
    serialize=_write_moment,
    parse_value=_read_moment,
)


def _read_upload(value: Any) -> Upload:
    """A file that came with the request; no text in a variable is one."""
    if not isinstance(value, Upload):
        raise GraphQLError("A file comes by a GraphQL multipart request, its variable null")
    return value


def _read_upload_literal(_node: ValueNode, _variables: Any = None) -> Upload:
    raise GraphQLError("A file comes in a variable, by a GraphQL multipart request")


def _write_upload(_value: Any) -> Any:
    raise GraphQLError("A file is only ever sent")


UPLOAD: ScalarDefinition = strawberry.scalar(
    name="Upload",
    description="A file that comes with the request: null among the variables, and named by its `map`.",
    specified_by_url="https://github.com/jaydenseric/graphql-multipart-request-spec",
    serialize=_write_upload,
    parse_value=_read_upload,
    parse_literal=_read_upload_literal,
)


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _read_day(value: Any) -> dt.date:
    """A day; Python would also take 20240131 and 2024-W05-3."""
    try:
        if _DAY.fullmatch(value):
            return dt.date.fromisoformat(value)
    except (TypeError, ValueError):
        pass
    raise GraphQLError("A Date is written like 2024-01-31")


DAY: ScalarDefinition = strawberry.scalar(
    name="Date",
    description="A day as RFC 3339 writes it: 2024-01-31.",
    specified_by_url="https://datatracker.ietf.org/doc/html/rfc3339",
    serialize=dt.date.isoformat,
    parse_value=_read_day,
)

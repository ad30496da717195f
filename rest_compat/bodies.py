"""The body of a request: one JSON object, or a clear refusal."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec
from litestar.exceptions import HTTPException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from resolvers.errors import UnsupportedMediaType, ValidationError
from rest_compat.envelope import AnyRequest
from rest_compat.errors import PayloadTooLarge

LARGEST_BODY: Final = 1024 * 1024
"""Bytes of a request's body."""
# servers hold a half-sent body for as long as the client likes
BODY_DEADLINE_S: Final = 20.0

_decode = msgspec.json.Decoder().decode


async def json_object(request: AnyRequest) -> dict[str, Any]:
    """The object in the body; of a name that is given twice, the last value.

    Raises UnsupportedMediaType, PayloadTooLarge, ValidationError.
    """
    raw = await _body(request)
    _check_form(request)
    found = _value(raw)
    if not isinstance(found, dict):
        raise _refused("must be a JSON object")
    return {name: _as_integer(value) for name, value in found.items()}


def _as_integer(value: Any) -> Any:
    """`2.0` is an integer (JSON Schema 2020-12, 6.1.1), in a list of ids too; what is deeper is kept as it was sent."""
    if isinstance(value, list):
        return [int(each) if type(each) is float and each.is_integer() else each for each in value]
    return int(value) if type(value) is float and value.is_integer() else value


def _check_form(request: AnyRequest) -> None:
    media_type, parameters = request.content_type
    kind = media_type.lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UnsupportedMediaType
    if parameters.get("charset", "utf-8").lower() not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType("Send the body as application/json in UTF-8")
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType("Send the body without a content encoding")


async def _body(request: AnyRequest) -> bytes:
    try:
        async with asyncio.timeout(BODY_DEADLINE_S):
            return await request.body()
    except RequestEntityTooLarge:
        raise PayloadTooLarge(f"The body must be at most {LARGEST_BODY:,} bytes") from None
    except TimeoutError:
        raise _refused(f"must come within {BODY_DEADLINE_S:g} seconds") from None
    except HTTPException:
        raise _refused("must come to its end") from None


def _value(raw: bytes) -> Any:
    try:
        return _decode(raw)
    except UnicodeError:
        raise _refused("must be UTF-8") from None
    except RecursionError:
        raise _refused("must not be nested this deeply") from None
    except msgspec.ValidationError:  # a number out of any range
        raise _refused("must not contain numbers this large") from None
    except msgspec.DecodeError as error:
        raise _refused(f"must be valid JSON: {error}") from None


def _refused(predicate: str) -> ValidationError:
    return ValidationError(f"The body {predicate}", {"body": [f"The body {predicate}"]})

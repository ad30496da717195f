"""What mutations share: inputs on their way in, user errors on their way out.

A mutation calls one resolver. What the client can mend comes back as `userErrors` beside a null; the rest (who you
are, what your role may not do) is an error of the whole field.
"""

from collections.abc import Awaitable, Mapping
from dataclasses import fields
from enum import Enum
from typing import Any, TypeVar

import strawberry
from strawberry import UNSET, Some
from strawberry.types.base import StrawberryMaybe, has_object_definition
from strawberry.utils.str_converters import to_camel_case

from resolvers.errors import Conflict, NotFound, ValidationError, answer_error
from schema.enums import UserErrorCode
from schema.nodes import row_id

Payload = TypeVar("Payload")


@strawberry.type
class UserError:
    """Why a mutation changed nothing, said so that it can be shown beside a form's field."""

    code: UserErrorCode = strawberry.field(description="The kind of error; the same words as in REST.")
    message: str = strawberry.field(description="What is wrong, for a person.")
    field: list[str] | None = strawberry.field(
        description='The path of the argument that is wrong, as ["input", "requesterEmail"]; null when it is none.'
    )


async def deed(
    payload: type[Payload], name: str, work: Awaitable[Any], arguments: tuple[str, ...] = ()
) -> Payload:
    """The mutation's payload, with what `work` gives as `name`, or with user errors and nothing else.

    `arguments` are fields of the rule that are arguments of the mutation and not part of its `input`.
    """
    try:
        done = await work
    except Exception as error:
        known = answer_error(error)
        if isinstance(known, ValidationError | NotFound | Conflict):
            return payload(**{name: None, "user_errors": user_errors(known, arguments)})
        if known is not None and known is not error:
            raise known from error
        raise
    return payload(**{name: done, "user_errors": []})


def user_errors(error: ValidationError | NotFound | Conflict, arguments: tuple[str, ...]) -> list[UserError]:
    """One user error for each thing that is wrong."""
    code = UserErrorCode(error.code)
    if not isinstance(error, ValidationError) or not error.details:
        return [UserError(code=code, message=error.message, field=None)]
    return [
        UserError(code=code, message=_named(text, name), field=_path(name, arguments))
        for name, texts in error.details.items()
        for text in texts
    ]


def _named(text: str, name: str) -> str:
    return text.replace("This field", f"The {to_camel_case(name)} field", 1)


def _path(name: str, arguments: tuple[str, ...]) -> list[str]:
    return [to_camel_case(name)] if name in arguments else ["input", to_camel_case(name)]


def given(input_: Any, ids: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What an input says, as the resolvers take it: absent fields left out, enums as words, ids as numbers.

    `ids` names the fields that hold ids (or lists of them), with the kind of row they lead to.
    """
    found: dict[str, Any] = {}
    for field in fields(input_):
        value = getattr(input_, field.name)
        if value is UNSET or (value is None and isinstance(field.type, StrawberryMaybe)):
            continue
        value = value.value if isinstance(value, Some) else value
        found[field.name] = _plain(value, (ids or {}).get(field.name), ids)
    return found


def _plain(value: Any, kind: str | None, ids: Mapping[str, str] | None) -> Any:
    if isinstance(value, list):
        return [_plain(each, kind, ids) for each in value]
    if isinstance(value, Enum):
        return value.value
    if has_object_definition(value):
        return given(value, ids)
    return row_id(kind, value) if kind is not None and value is not None else value

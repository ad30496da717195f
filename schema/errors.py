"""How the graph says that something went wrong: one shape, a code for every error, no word of our insides."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from graphql import GraphQLError
from strawberry.exceptions import StrawberryInputCoercionError

from resolvers.errors import AnswerError, RateLimited, Unsure, answer_error, kind_of
from schema.validation import in_words_of_json

logger = logging.getLogger("answer.graph")

INTERNAL_MESSAGE: Final = "Internal server error"


class Refusal(Exception):
    """The request is refused before anything ran: its answer has `errors` and no `data`."""

    def __init__(self, code: str, errors: Sequence[dict[str, Any]], kind: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.errors = list(errors)
        self.kind = kind or code.lower()
        """What it is counted as."""

    def again(self) -> Refusal:
        """The same refusal, free of the trace of an earlier raise (documents keep theirs)."""
        return Refusal(self.code, self.errors, self.kind)


def refused(code: str, message: str, **details: Any) -> Refusal:
    """A refusal with one error."""
    return Refusal(code, [plain_error(code, message, **details)])


def refused_by(error: AnswerError) -> Refusal:
    """The refusal that the helpdesk asks for before any field is resolved: sign-in, an absent database."""
    return Refusal(error.code, [plain_error(error.code, error.message, **_details(error))], kind_of(error))


@contextmanager
def refusing(request_id: str) -> Iterator[None]:
    """Turns whatever is raised inside into a `Refusal`; what nobody foresaw is logged and masked."""
    try:
        yield
    except Refusal:
        raise
    except Exception as error:  # noqa: BLE001  # whatever it is, it is told as an internal error
        known = answer_error(error)
        if known is not None:
            raise refused_by(known) from None
        raise Refusal("INTERNAL_ERROR", [internal_error(error, request_id)]) from None


def plain_error(code: str, message: str, **extensions: Any) -> dict[str, Any]:
    """One error of an answer, without a place in the document."""
    return {"message": message, "extensions": {"code": code, **extensions}}


def internal_error(error: BaseException, request_id: str) -> dict[str, Any]:
    """The error of an answer for a fault of ours: logged here with its trace, told only by its request id."""
    logger.error("internal error in request %s", request_id, exc_info=error, extra={"request_id": request_id})
    return plain_error("INTERNAL_ERROR", INTERNAL_MESSAGE, requestId=request_id)


def document_error(error: GraphQLError, code: str) -> dict[str, Any]:
    """An error found in a document or its variables: the client's, so it is not logged."""
    formatted: dict[str, Any] = {**error.formatted}
    formatted["message"] = in_words_of_json(error.message)
    formatted["extensions"] = {"code": code, **(error.extensions or {})}
    return formatted


def field_kind(error: GraphQLError) -> str:
    """What the error of a field is counted as, as a refusal would be."""
    known = answer_error(_cause(error))
    return kind_of(known) if known is not None else "other"


def field_error(error: GraphQLError, request_id: str) -> dict[str, Any]:
    """An error of a field that ran; what is neither a rule's nor the client's is logged and masked."""
    cause = _cause(error)
    formatted: dict[str, Any] = {**error.formatted}
    if (known := answer_error(cause)) is not None:
        told = plain_error(known.code, known.message, **_details(known))
    elif isinstance(cause, StrawberryInputCoercionError):
        told = plain_error("VALIDATION_ERROR", _coercion_message(cause.message))
    elif isinstance(cause, GraphQLError) and _is_the_clients(cause):
        extensions = cause.extensions or {}
        told = plain_error(extensions.get("code", "VALIDATION_ERROR"), in_words_of_json(cause.message))
    else:
        told = internal_error(cause, request_id)
    return {**formatted, **told}


def _cause(error: GraphQLError) -> Exception:
    """What a resolver or graphql-core raised, under the errors that only add a place."""
    cause: Exception = error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _is_the_clients(error: GraphQLError) -> bool:
    """Whether the error is about an argument: graphql-core gives it the argument's node.

    An error without nodes comes from a value of ours that its scalar cannot print.
    """
    return bool(error.extensions and "code" in error.extensions) or error.nodes is not None


def _coercion_message(message: str) -> str:
    """Strawberry's message about an input, unless it is the one that explains `Maybe` in Python's words."""
    if "Maybe[" in message:
        return "A field of the input must not be null: leave it out instead."
    return in_words_of_json(message)


def _details(error: AnswerError) -> dict[str, Any]:
    if isinstance(error, RateLimited):
        return {"retryAfter": error.retry_after}
    if isinstance(error, Unsure):
        return {"saved": error.saved}
    details = getattr(error, "details", None)
    return {"details": details} if details else {}

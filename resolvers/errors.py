"""Everything a caller can be refused with. Raised by resolvers, caught only at the doors.

    AnswerError
    ├── Unauthorized           who are you?                               401
    │   └── WrongCredentials   not with this secret
    ├── Forbidden              your role may not do this                  403
    ├── NotFound               not there, or not yours to know (D34)      404
    ├── MethodNotAllowed       the path is there, this verb is not        405
    ├── Conflict               not as things are now                      409
    ├── Gone                   it was there, and is not kept any more     410
    ├── UnsupportedMediaType   send it in another form                    415
    ├── ValidationError        fields are wrong, all of them named        400
    ├── RateLimited            too many requests                          429
    │   └── TooManyAtOnce      of one key, at once
    └── Unavailable            something we stand on is out; try again    503
        ├── Overloaded         there is too much to do
        └── Unsure             and what was written is, or may be, saved  503

The docstring of an error is its default message. The codes are the documented ones (D33).
"""

from collections.abc import Mapping
from typing import ClassVar, Final

from db.errors import DatabaseUnavailable, FilesUnavailable, MaybeSaved, SavedUnread, WriteRaced

Details = dict[str, list[str]]


class AnswerError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "INTERNAL_ERROR"
    status: ClassVar[int] = 500
    kind: ClassVar[str] = ""
    """What it is counted as, where its code would say too little."""

    def __init__(self, message: str = "") -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        super().__init__(self.message)


class Unauthorized(AnswerError):
    """Invalid or missing authentication token"""

    code = "UNAUTHORIZED"
    status = 401


class WrongCredentials(Unauthorized):
    """Invalid API key or secret"""

    kind = "wrong_credentials"


class Forbidden(AnswerError):
    """Insufficient permissions for this action"""

    code = "FORBIDDEN"
    status = 403


class NotFound(AnswerError):
    """Resource not found"""

    code = "NOT_FOUND"
    status = 404


class MethodNotAllowed(AnswerError):
    """This method is not allowed here"""

    code = "METHOD_NOT_ALLOWED"
    status = 405


class Conflict(AnswerError):
    """This cannot be done as things are now"""

    code = "CONFLICT"
    status = 409


class Gone(AnswerError):
    """This is no longer kept"""

    code = "GONE"
    status = 410


class UnsupportedMediaType(AnswerError):
    """Send the body as application/json"""

    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415


class RateLimited(AnswerError):
    """Too many requests"""

    code = "RATE_LIMIT_EXCEEDED"
    status = 429

    def __init__(self, message: str = "", *, retry_after: int = 1) -> None:
        super().__init__(message or f"Too many requests. Try again in {retry_after} seconds")
        self.retry_after = retry_after


class TooManyAtOnce(RateLimited):
    """Too many requests of one key at once. Try again in 1 second"""

    kind = "too_many_at_once"


class Unavailable(AnswerError):
    """The service is not available right now. Try again in a moment"""

    code = "SERVICE_UNAVAILABLE"
    status = 503


class Overloaded(Unavailable):
    """There is too much to do right now. Try again in a moment"""

    kind = "overload"


class Unsure(Unavailable):
    """The database went away while this was saved: it may be saved or not. Look before you send it again"""

    def __init__(self, message: str = "", *, saved: bool | None = None) -> None:
        super().__init__(message)
        self.saved = saved
        """None: nobody knows."""


SAVED_UNREAD: Final = (
    "The database went away after something of this was saved. "
    "Look what is there before you send any of it again"
)


class ValidationError(AnswerError):
    """Request validation failed"""

    code = "VALIDATION_ERROR"
    status = 400

    def __init__(self, message: str = "", details: Details | None = None) -> None:
        super().__init__(message)
        self.details: Details = details or {}

    @classmethod
    def of(cls, wrong: Mapping[str, str]) -> "ValidationError":
        """From what is wrong with each field, said as `is required` or `must be at most 255 characters`.

        The message names the first, as documented: "The subject field is required".
        """
        first, predicate = next(iter(wrong.items()))
        details = {field: [f"This field {each}"] for field, each in wrong.items()}
        return cls(f"The {first} field {predicate}", details)


def kind_of(error: AnswerError) -> str:
    """What a refusal is counted as: its code in lower case, or a narrower word."""
    return error.kind or error.code.lower()


def unavailable(saved: bool | None) -> Unavailable:
    """What is told of something that we stand on and that is out; `saved`: whether anything was, None for who knows."""
    if saved is False:
        return Unavailable()
    return Unsure(SAVED_UNREAD, saved=True) if saved else Unsure()


def answer_error(error: BaseException | None) -> AnswerError | None:
    """What a caller is told of an error; None for one that nobody foresaw."""
    if isinstance(error, AnswerError):
        return error
    if isinstance(error, MaybeSaved | SavedUnread):
        return unavailable(None if isinstance(error, MaybeSaved) else True)
    if isinstance(error, DatabaseUnavailable | FilesUnavailable):
        return unavailable(False)
    if isinstance(error, WriteRaced):
        return Conflict("Somebody changed the same thing at the same moment. Try again")
    return None

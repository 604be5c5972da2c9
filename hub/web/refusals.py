"""Which error answer an error becomes."""

from __future__ import annotations

from common.errors import NotFoundError, PermanentError, RemoteError, SettingsError, TocsinError, TransientError
from common.wire import FailureCode
from hub.data.asking import CollectorAwayError, TooSlowError

MAX_DETAILS = 1000

STATUS = {
    "bad_request": 400,
    "unauthorized": 401,
    "not_found": 404,
    "method_not_allowed": 405,
    "conflict": 409,
    "too_large": 413,
    "invalid": 422,
    "busy": 503,
    "collector_unavailable": 503,
    "unavailable": 503,
    "timeout": 504,
    "internal": 500,
}


class RefusalError(PermanentError):
    """An answer that says no, with its code."""

    def __init__(self, code: str, message: str, details: tuple[str, ...] = ()) -> None:
        super().__init__(message, details)
        self.code = code

    @property
    def status(self) -> int:
        """The HTTP status."""
        return STATUS[self.code]


def bad_request(message: str) -> RefusalError:
    """The request itself makes no sense."""
    return RefusalError("bad_request", message)


def not_found(message: str) -> RefusalError:
    """There is no such thing."""
    return RefusalError("not_found", message)


def refusal_of(error: TocsinError) -> RefusalError:
    """Turn an error of ours into the answer that says it."""
    if isinstance(error, RefusalError):
        return error
    return RefusalError(_code(error), error.message, tuple(error.details[:MAX_DETAILS]))


def _code(error: TocsinError) -> str:
    if isinstance(error, NotFoundError):
        return "not_found"
    if isinstance(error, SettingsError):
        return "invalid"
    if isinstance(error, TooSlowError):
        return "timeout"
    if isinstance(error, CollectorAwayError):
        return "collector_unavailable"
    if isinstance(error, RemoteError):
        return _REMOTE.get(error.code, "internal")
    if isinstance(error, TransientError):
        return "unavailable"
    return "conflict" if isinstance(error, PermanentError) else "internal"


_REMOTE = {
    FailureCode.BAD_REQUEST.value: "bad_request",
    FailureCode.TOO_LARGE.value: "too_large",
    FailureCode.NOT_FOUND.value: "not_found",
    FailureCode.FORBIDDEN.value: "conflict",
    FailureCode.BUSY.value: "collector_unavailable",
    FailureCode.UNAVAILABLE.value: "collector_unavailable",
}

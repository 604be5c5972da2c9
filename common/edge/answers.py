"""What becomes of an error in a remote method: a refusal that the caller can read, or an id to ask about."""

from __future__ import annotations

from common.errors import NotFoundError, PermanentError, RemoteError, TocsinError, TransientError
from common.wire import Failure, FailureCode, WireError, encode

MAX_SENTENCE = 1000
MAX_DETAILS = 20

_CODES = {code.value: code for code in FailureCode}


def failure_of(error: TocsinError) -> Failure:
    """Put an error of ours into the words of the wire, cut to a bounded size."""
    return Failure(
        _code(error),
        _bounded(error.message),
        [_bounded(detail) for detail in error.details[:MAX_DETAILS]],
    )


def _bounded(text: str) -> str:
    """Cut a sentence, and replace what UTF-8 cannot carry, for example half of a file name."""
    return text[:MAX_SENTENCE].encode("utf-8", "replace").decode("utf-8")


def _code(error: TocsinError) -> FailureCode:
    if isinstance(error, RemoteError):
        return _CODES.get(error.code, FailureCode.INTERNAL)
    if isinstance(error, NotFoundError):
        return FailureCode.NOT_FOUND
    if isinstance(error, WireError):
        return FailureCode.BAD_REQUEST
    if isinstance(error, TransientError):
        return FailureCode.UNAVAILABLE
    if isinstance(error, PermanentError):
        return FailureCode.FORBIDDEN
    return FailureCode.INTERNAL


def refusal(code: FailureCode, message: str) -> RemoteError:
    """An error that reaches the caller of a remote method with this code and sentence."""
    return RemoteError(code.value, message)


def encode_answer(message: object) -> bytes:
    """Turn an answer into bytes; one that is too large becomes a refusal that says so."""
    try:
        return encode(message)
    except WireError as error:
        return encode(Failure(FailureCode.TOO_LARGE, f"the answer does not fit: {error.message}; ask for less"))


def soften(error: RemoteError, *codes: FailureCode) -> TocsinError:
    """Make a refusal that will pass by itself the TransientError that callers try again on."""
    if error.code in {code.value for code in codes}:
        return TransientError(error.message, error.details)
    return error

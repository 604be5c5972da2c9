"""Work that goes on to its end even when nobody waits for it any more."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

T = TypeVar("T")

_log = Logger()


def shielded(work: Coroutine[Any, Any, T]) -> Deferred[T]:
    """Begin work now; to cancel the Deferred stops the waiting, not the work."""
    seen: Deferred[T] = Deferred()
    Deferred.fromCoroutine(work).addCallbacks(
        lambda result: None if seen.called else seen.callback(result), lambda failure: _failed(seen, failure)
    )
    return seen


def _failed(seen: Deferred[Any], failure: Failure) -> None:
    if seen.called:
        _log.warn("work that nobody waited for failed: {error}", error=failure.getErrorMessage())
    else:
        seen.errback(failure)

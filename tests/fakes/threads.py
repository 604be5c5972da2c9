"""A reactor for work in real threads: its time stands still unless a test moves it on."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

T = TypeVar("T")
LONG_S = 30.0


def until(condition: Callable[[], bool]) -> None:
    """Wait for what a thread is about to do."""
    deadline = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline, "a thread does not do what it should"
        threading.Event().wait(0.001)


class ThreadClock(Clock):
    """Takes calls from threads when the test waits for them."""

    def __init__(self) -> None:
        super().__init__()
        self._calls: queue.SimpleQueue[Callable[[], Any]] = queue.SimpleQueue()

    def callFromThread(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._calls.put(lambda: function(*arguments))

    def begin(self, work: Awaitable[T]) -> list[Any]:
        """Begin something; its outcome comes into the list."""
        outcome: list[Any] = []
        Deferred.fromCoroutine(work).addBoth(outcome.append)  # type: ignore[arg-type]  # all of them are coroutines
        return outcome

    def wait(self, outcome: list[Any]) -> Any:
        """The outcome of something that threads bring to its end."""
        while not outcome:
            self._calls.get(timeout=LONG_S)()
        if isinstance(outcome[0], Failure):
            outcome[0].raiseException()
        return outcome[0]

    def result(self, work: Awaitable[T]) -> T:
        """Begin something, and wait for it."""
        found: T = self.wait(self.begin(work))
        return found

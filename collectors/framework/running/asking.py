"""Questions to a worker process that wait for their answers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime

from collectors.framework.running.messages import Answer, Ask, Order
from collectors.framework.running.words import error_of
from common.errors import TransientError
from common.wire import Failure

MOST = 500


class Asking:
    """Asks, and says in time that there is no answer.

    Args:
        name: of the worker, for errors.
        send: gives an order; False when there is no process.
    """

    def __init__(self, clock: IReactorTime, name: str, send: Callable[[Order], bool]) -> None:
        self._clock = clock
        self._name = name
        self._send = send
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Deferred[Any]] = {}
        self._overdue: dict[int, Callable[[Any], None]] = {}

    async def ask(self, what: Any, within_s: float, too_late: Callable[[Any], None] | None = None) -> Any:
        """Ask, and return the answer; one that comes after its time goes to `too_late`.

        Raises:
            TransientError: there is none in time, or the process ends.
            TocsinError: what it says.
        """
        if len(self._waiting) >= MOST:
            raise TransientError(f"{self._name} has too many questions to answer; ask again")
        number = next(self._numbers)
        waiting: Deferred[Any] = Deferred()
        self._waiting[number] = waiting
        late = self._clock.callLater(within_s, self._give_up_on, number, within_s, too_late)
        try:
            if not self._send(Ask(number, what)):
                raise TransientError(f"{self._name} is being started again; ask again")
            return await waiting
        except CancelledError:
            raise TransientError("the question was given up") from None
        finally:
            self._waiting.pop(number, None)
            if late.active():
                late.cancel()

    def answered(self, answer: Answer) -> None:
        """An answer has come, in time or not."""
        waiting, overdue = self._waiting.get(answer.number), self._overdue.pop(answer.number, None)
        if overdue is not None:
            overdue(answer.what)
        if waiting is None or waiting.called:
            return
        if isinstance(answer.what, Failure):
            waiting.errback(error_of(answer.what))
        else:
            waiting.callback(answer.what)

    def give_up(self, why: str) -> None:
        """The process is gone: nothing that it was asked will be answered."""
        asked, self._waiting, self._overdue = self._waiting, {}, {}
        for waiting in asked.values():
            if not waiting.called:
                waiting.errback(TransientError(f"{why}; ask again"))

    def _give_up_on(self, number: int, within_s: float, too_late: Callable[[Any], None] | None) -> None:
        waiting = self._waiting[number]
        if waiting.called:
            return
        if too_late is not None and len(self._overdue) < MOST:
            self._overdue[number] = too_late
        waiting.errback(TransientError(f"{self._name} does not answer within {within_s:g} s; ask again"))

"""Orders that the daemon has given to the writer process, until they are answered."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import msgspec
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from collectors.framework.data.orders import MAX_ORDER_BYTES, Answer, Order, Outcome, Progress
from common.errors import PermanentError, TransientError

MAX_WAITING = 32
SILENT_S = 120.0
"""An order of which nothing is heard for so long, neither progress nor an end, is given up."""


class _Given:
    def __init__(self, on_progress: Callable[[Progress], None], late: IDelayedCall, timeout_s: float) -> None:
        self.on_progress = on_progress
        self.late = late
        self.timeout_s = timeout_s
        self.done: Deferred[Outcome] = Deferred()


def _unheard(_progress: Progress) -> None:
    pass


class GivenOrders:
    """Gives orders, and waits for what becomes of them.

    Args:
        clock: monotonic.
        send: puts a line on the input of the process; False when it is not there.
    """

    def __init__(self, clock: IReactorTime, send: Callable[[bytes], bool]) -> None:
        self._clock = clock
        self._send = send
        self._tokens = itertools.count(1)
        self._given: dict[int, _Given] = {}

    async def give(
        self, order: Order, on_progress: Callable[[Progress], None] = _unheard, timeout_s: float = SILENT_S
    ) -> Outcome:
        """Have an order carried out.

        Args:
            order: may be carried out twice, when the process ends at it and it is given again.
            on_progress: told how far it has come, where it is long.
            timeout_s: of silence.

        Raises:
            TransientError: there is no process, it ended or was silent, or there is too much to do.
            PermanentError: the order cannot be carried out.
        """
        token, text = next(self._tokens), msgspec.json.encode(order)
        if len(text) > MAX_ORDER_BYTES:
            raise PermanentError(f"An order of {len(text)} bytes is too long; at most {MAX_ORDER_BYTES} may go at once")
        if len(self._given) >= MAX_WAITING:
            raise TransientError("The RRD writer process has too many orders waiting; try again in a moment")
        if not self._send(b"order %d %s\n" % (token, text)):
            raise TransientError("The RRD writer process is not running; it is being started again. Try again")
        late = self._clock.callLater(timeout_s, self._too_late, token)
        given = self._given[token] = _Given(on_progress, late, timeout_s)
        try:
            return await given.done
        except CancelledError:
            raise TransientError("The order was given up") from None
        finally:
            self._given.pop(token, None)
            if late.active():
                late.cancel()

    def heard(self, answers: Sequence[Answer]) -> None:
        """What a report says of orders."""
        for answer in answers:
            given = self._given.get(answer.token)
            if given is None or given.done.called:
                continue
            if answer.progress is not None:
                given.late.reset(given.timeout_s)
                given.on_progress(answer.progress)
            elif answer.outcome is not None:
                given.done.callback(answer.outcome)
            else:
                given.done.errback((PermanentError if answer.lasting else TransientError)(answer.error))

    def ended(self, reason: str) -> None:
        """The process has gone, and nobody knows how far it came."""
        for given in list(self._given.values()):
            if not given.done.called:
                given.done.errback(TransientError(f"The RRD writer process ended at this order ({reason}); try again"))

    def _too_late(self, token: int) -> None:
        given = self._given[token]
        if not given.done.called:
            sentence = f"The RRD writer process has said nothing of this order for {given.timeout_s:g} s; try again"
            given.done.errback(TransientError(sentence))

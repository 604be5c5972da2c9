"""How often: when events are too many to be listened to, and when a scan out of turn is due."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

MOST_A_SECOND = 4000
"""Events; a process that is started, runs a program and ends makes three. They cost a tenth of a CPU at most."""
WINDOW_S = 1.0
PAUSE_S = (30.0, 600.0)

SETTLE_S = 0.01
"""What dies together is seen by one scan."""
LEAST_GAP_S = 0.1
SHARE = 0.1
"""Of a CPU that scans out of turn may take."""
BURST = 5
"""Scans out of turn in a row; after that one a second."""
REFILL_S = 1.0


class Storm:
    """Says when a host tells more than can be listened to.

    Attributes:
        pause_s: how long to listen to nothing, the next time.
    """

    def __init__(self, most_a_second: int = MOST_A_SECOND) -> None:
        self._most = most_a_second * WINDOW_S
        self._begun = 0.0
        self._count = 0
        self.pause_s = PAUSE_S[0]

    def count(self, events: int, now: float) -> bool:
        """Count events; True when they were too many within a second."""
        if now - self._begun >= WINDOW_S:
            self._begun, self._count = now, 0
        self._count += events
        return self._count > self._most

    def paused(self) -> None:
        """The next pause is longer."""
        self.pause_s = min(PAUSE_S[1], 2 * self.pause_s)

    def steady(self) -> None:
        """It has been listened to for a while: the next pause is short again."""
        self.pause_s = PAUSE_S[0]


class Waker:
    """Asks for scans out of turn: at once, but of many deaths for one, and not without end.

    Args:
        wake: asks for a scan.

    Attributes:
        asked: a scan was asked for since the last one.
        wakes: scans asked for since the start.
    """

    def __init__(self, clock: IReactorTime, wake: Callable[[], object]) -> None:
        self._clock = clock
        self._wake = wake
        self._timer: IDelayedCall | None = None
        self._not_before = 0.0
        self._left = float(BURST)
        self._filled = clock.seconds()
        self.asked = False
        self.wakes = 0

    def ring(self) -> None:
        """A scan is wanted soon."""
        if self._timer is not None or self.asked:
            return
        now = self._clock.seconds()
        self._left = min(float(BURST), self._left + (now - self._filled) / REFILL_S)
        self._filled = now
        wait_s = max(SETTLE_S, self._not_before - now, (1.0 - self._left) * REFILL_S)
        self._timer = self._clock.callLater(wait_s, self._fire)

    def scanned(self, cost_s: float) -> None:
        """A scan was made; what rang before it is answered.

        Args:
            cost_s: what it took.
        """
        self.stop()
        if self.asked:
            self._not_before = self._clock.seconds() + max(LEAST_GAP_S, cost_s / SHARE)
        self.asked = False

    def stop(self) -> None:
        """Ask no more for what has rung."""
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def _fire(self) -> None:
        self._timer = None
        self._left -= 1.0
        self.asked = True
        self.wakes += 1
        self._wake()

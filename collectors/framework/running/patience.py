"""How long the daemon waits for a worker process, and for what."""

from __future__ import annotations

from msgspec import Struct
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime

LOOK_S = 1.0


class Patience(Struct, frozen=True, kw_only=True):
    """How long a worker is waited for, in seconds.

    Attributes:
        beat_s: it says something at least so often.
        silent_s: without any news for so long it hangs.
        start_s: the same, before its first word.
        first_s: to be there at all, when it has just been started and there are configs for it.
        query_s: for the answer to a question.
        again_s: to be there again, when it has ended just now and there are configs for it.
        run_s: for configs to be live; what is not live by then is told as late.
        tell_s: for its figures; less than `tocsin-process status` waits for them.
    """

    beat_s: float = 1.0
    silent_s: float = 10.0
    start_s: float = 60.0
    first_s: float = 20.0
    query_s: float = 8.0
    again_s: float = 3.0
    run_s: float = 6.0
    tell_s: float = 2.0


class Silence:
    """How long a process has said nothing: counted, not measured, as the daemon hears nothing while it is held up."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._heard_of = False
        self._silent_s = 0.0

    def begin(self) -> None:
        """There is a new process, which has not said anything yet."""
        self._heard_of, self._silent_s = False, 0.0

    def heard(self) -> None:
        """It has said something."""
        self._heard_of, self._silent_s = True, 0.0

    def passed(self) -> str:
        """`LOOK_S` have passed; returns why it must be ended, or nothing."""
        self._silent_s += LOOK_S
        is_too_long = self._silent_s > (self._patience.silent_s if self._heard_of else self._patience.start_s)
        return f"it said nothing for {self._silent_s:.0f} s" if is_too_long else ""


class Waiting:
    """Those who wait for a moment to come."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._all: list[Deferred[None]] = []

    async def wait(self, within_s: float) -> bool:
        """Wait for it; False when it does not come in time."""
        waiting: Deferred[None] = Deferred()
        self._all.append(waiting)
        late = self._clock.callLater(within_s, waiting.cancel)
        try:
            await waiting
        except CancelledError:
            return False
        finally:
            if waiting in self._all:
                self._all.remove(waiting)
            if late.active():
                late.cancel()
        return True

    def come(self) -> None:
        """It has come."""
        waiting, self._all = self._all, []
        for one in waiting:
            one.callback(None)

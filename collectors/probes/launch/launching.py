"""The daemon's side of the process that runs probes: runs are asked for, and their outcomes come."""

from __future__ import annotations

from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from collectors.framework.data.child import Child
from collectors.probes.launch.orders import MAX_BYTES, Cancel, Outcome, Run, decode_outcome, encode
from common.errors import TransientError
from common.pipes import MessageError, Messages, framed

MODULE = "collectors.probes.launch.launcher"
STOP_S = 8.0
LATE_S = 15.0
"""So long after a run's time its outcome is waited for; then the process that runs probes is begun anew."""

_log = Logger()


class Launching:
    """Asks for runs.

    Attributes:
        begun, failed: how many runs there were, and how many of them had no outcome.
    """

    def __init__(self, reactor: Any, clock: Any) -> None:
        self._clock = clock
        self._messages = Messages(MAX_BYTES)
        self._waiting: dict[int, Deferred[Outcome]] = {}
        self._number = 0
        self.begun = self.failed = 0
        self._child = Child(
            reactor, clock, MODULE, [], on_data=self._heard, on_up=self._anew, on_down=self._lost
        )  # fmt: skip

    @property
    def pid(self) -> int | None:
        """Of the process."""
        return self._child.pid

    def startService(self) -> None:
        """Begin the process."""
        self._child.start()

    async def stopService(self) -> None:
        """End it, and all probes with it."""
        await self._child.stop(STOP_S)
        self._fail("the collector ends")

    async def run(self, order: Run) -> Outcome:
        """Run a probe once.

        Args:
            order: its number is given here.

        Raises:
            TransientError: the process that runs probes is not there.
        """
        self._number += 1
        number = self._number
        self.begun += 1
        if not self._child.send(framed(encode(msgspec.structs.replace(order, number=number)))):
            self.failed += 1
            raise TransientError("the process that runs probes is not there; it is begun anew")
        waits: Deferred[Outcome] = Deferred(lambda _: self._cancel(number))
        self._waiting[number] = waits
        late = self._clock.callLater(order.timeout_s + LATE_S, self._child.kill)
        try:
            return await waits
        finally:
            if late.active():
                late.cancel()
            self._waiting.pop(number, None)

    def _cancel(self, number: int) -> None:
        self._waiting.pop(number, None)
        self._child.send(framed(encode(Cancel(number))))

    def _anew(self) -> None:
        self._messages = Messages(MAX_BYTES)

    def _lost(self, reason: str) -> None:
        self._fail(f"the process that runs probes ended: {reason}")

    def _fail(self, sentence: str) -> None:
        waiting, self._waiting = self._waiting, {}
        self.failed += len(waiting)
        for one in waiting.values():
            one.errback(TransientError(sentence))

    def _heard(self, data: bytes) -> None:
        try:
            for body in self._messages.bodies(data):
                outcome = decode_outcome(body)
                waits = self._waiting.pop(outcome.number, None)
                if waits is not None:
                    waits.callback(outcome)
        except (MessageError, msgspec.DecodeError) as error:
            _log.error("what the process that runs probes tells is not understood: {error}", error=str(error))
            self._child.kill()

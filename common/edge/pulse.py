"""Heartbeats: one side's watch over whether the other still lives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from common.edge.broker import HardBroker
from common.errors import TocsinError, TransientError

MISSES = 3


class Pulse:
    """Sends a beat every `interval_s`, and cuts the connection when three intervals in a row bring nothing.

    Any byte from the other side is a sign of life: on a slow line a large message may hold a beat's answer up.
    """

    def __init__(
        self, clock: IReactorTime, broker: HardBroker, beat: Callable[[], Awaitable[object]], interval_s: float
    ) -> None:
        self._broker = broker
        self._beat = beat
        self._interval_s = interval_s
        self._waiting = False
        self._missed = 0
        self._last_tick = clock.seconds()
        self._clock = clock
        self._loop = LoopingCall(self._tick)
        self._loop.clock = clock

    def start(self) -> None:
        """Begin, one interval from now."""
        self._last_tick = self._clock.seconds()
        self._loop.start(self._interval_s, now=False).addErrback(self._broker.defect, "heartbeat")
        self._broker.on_lost(lambda _: self.stop())

    def stop(self) -> None:
        """End; the connection is gone."""
        if self._loop.running:
            self._loop.stop()

    def _tick(self) -> None:
        since, self._last_tick = self._last_tick, self._clock.seconds()
        if not self._waiting:
            self._missed = 0
            self._waiting = True
            Deferred.fromCoroutine(self._send()).addErrback(self._broker.defect, "heartbeat")
            return
        self._missed = 0 if self._broker.heard_at > since else self._missed + 1
        if self._missed >= MISSES:
            self._broker.give_up(f"no sign of life for {MISSES * self._interval_s:g} s")

    async def _send(self) -> None:
        try:
            await self._beat()
        except TransientError:
            pass  # the connection is gone; whoever holds it has been told
        except TocsinError as error:
            self._broker.give_up(f"heartbeat refused: {error.message[:200]}")
        finally:
            self._waiting = False

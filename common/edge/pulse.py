"""Heartbeats: one side's watch over whether the other still lives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from common.edge.broker import HardBroker
from common.edge.sockets import Traffic, traffic
from common.errors import TocsinError, TransientError

MISSES = 3


class Pulse:
    """Sends a beat every `interval_s`, and cuts the connection when three intervals in a row bring nothing.

    Any byte from the other side is a sign of life: on a slow line a large message may hold a beat's answer up. It may
    be a part of a TLS record, of which nothing can be read yet. And it may be we who hold it up: as long as a large
    message is leaving, and the other side confirms more and more of it, that is one too.
    """

    def __init__(
        self,
        clock: IReactorTime,
        broker: HardBroker,
        beat: Callable[[], Awaitable[object]],
        interval_s: float,
        counts: Callable[[], Traffic | None] | None = None,
    ) -> None:
        """Prepare; `start` begins.

        Args:
            clock: for the beats.
            broker: of the connection.
            beat: the call.
            interval_s: from beat to beat.
            counts: what has come and gone; by default what the kernel says.
        """
        self._broker = broker
        self._beat = beat
        self._interval_s = interval_s
        self._waiting = False
        self._missed = 0
        self._counts = counts or (lambda: traffic(broker.transport))
        self._traffic: Traffic | None = None
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
        before, self._traffic = self._traffic, self._counts()
        if not self._waiting:
            self._missed = 0
            self._waiting = True
            Deferred.fromCoroutine(self._send()).addErrback(self._broker.defect, "heartbeat")
            return
        self._missed = 0 if self._broker.heard_at > since or _moves(before, self._traffic) else self._missed + 1
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


def _moves(before: Traffic | None, now: Traffic | None) -> bool:
    """Whether bytes came, or what was leaving went on."""
    if before is None or now is None:
        return False
    return now.received > before.received or (before.leaving and now.acked > before.acked)

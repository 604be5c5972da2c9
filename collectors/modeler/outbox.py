"""Reports on their way to the hub: kept until it has them."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec import Struct
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from common.errors import TocsinError, TransientError
from common.wire import ModelReport, ModelTaken

AGAIN_S = (15.0, 30.0)
MAX_WAITING_BYTES = 32 * 1024 * 1024
"""On the wire; what is unpacked in memory may be some times as much."""

_log = Logger()


class Sender(Protocol):
    """Who wants to know what became of a report."""

    async def taken(self, report: ModelReport) -> None:
        """The hub has it."""

    async def refused(self, report: ModelReport, reason: str) -> None:
        """The hub will never take it."""

    def dropped(self, report: ModelReport) -> None:
        """Too many wait; the oldest went."""


class _Parcel(Struct, frozen=True):
    report: ModelReport
    size_bytes: int


class Outbox:
    """Hands reports over one after the other; of each device the newest, and every one that somebody asked for.

    Args:
        clock: for waiting.
        rng: for the time to the next attempt.
        send: as `IHub.send_model`.
        sender: is told of each report what became of it.

    Attributes:
        dropped: reports that went because too many waited.
    """

    def __init__(
        self,
        clock: IReactorTime,
        rng: random.Random,
        send: Callable[[ModelReport], Awaitable[ModelTaken]],
        sender: Sender,
    ) -> None:
        self._clock = clock
        self._rng = rng
        self._send = send
        self._sender = sender
        self._waiting: dict[tuple[str, str], _Parcel] = {}
        self._delivering = False
        self._timer: IDelayedCall | None = None  # while it rests
        self._told = ""
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, report: ModelReport, size_bytes: int) -> None:
        """Have a report handed over as soon as may be, in place of an earlier one of the same device and run."""
        key = (report.device, report.run)
        self._waiting.pop(key, None)
        self._waiting[key] = _Parcel(report, size_bytes)
        while len(self._waiting) > 1 and sum(one.size_bytes for one in self._waiting.values()) > MAX_WAITING_BYTES:
            oldest = self._waiting.pop(next(iter(self._waiting)))
            self.dropped += 1
            _log.warn("too many reports wait: that of {device} is dropped", device=oldest.report.device)
            self._sender.dropped(oldest.report)
        if self._timer is None or report.run:  # who asks has a session, so it is worth a try
            self._begin()

    def _begin(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()
        if not self._delivering and self._waiting:
            self._delivering = True
            Deferred.fromCoroutine(self._deliver())

    async def _deliver(self) -> None:
        try:
            while self._waiting and self._timer is None:
                key = next(iter(self._waiting))
                await self._deliver_one(key, self._waiting[key])
        finally:
            self._delivering = False

    async def _deliver_one(self, key: tuple[str, str], parcel: _Parcel) -> None:
        report = parcel.report
        try:
            refusal = await self._refusal(report)
        except TransientError as error:
            self._rest(key, parcel, error.message)
            return
        self._done(key, parcel)
        try:
            await (self._sender.refused(report, refusal) if refusal else self._sender.taken(report))
        except TocsinError as error:
            _log.error("what became of the model of {device} is not kept: {error}", device=report.device, error=error)

    async def _refusal(self, report: ModelReport) -> str:
        """Hand a report over; why the hub will not have it, or empty when it has it.

        Raises:
            TransientError: it may have it later.
        """
        try:
            await self._send(report)
        except TransientError:
            raise
        except TocsinError as error:
            _log.error("the hub refuses the model of {device}: {reason}", device=report.device, reason=str(error))
            return error.message or "without a reason"
        except Exception as error:  # noqa: BLE001 - the supervisor of delivery: one report must not stop the others
            _log.failure("defect while the model of {device} was handed over", device=report.device)
            return f"an error of ours: {type(error).__name__}"
        self._told = ""
        return ""

    def _done(self, key: tuple[str, str], parcel: _Parcel) -> None:
        if self._waiting.get(key) is parcel:
            del self._waiting[key]

    def _rest(self, key: tuple[str, str], parcel: _Parcel, reason: str) -> None:
        """Try again later, with the others first, lest one that the hub is slow with holds them all up."""
        if reason != self._told:  # one line for each new reason, not one for each attempt
            self._told = reason
            _log.info("{count} reports wait for the hub: {reason}", count=len(self._waiting), reason=reason)
        if self._waiting.get(key) is parcel:
            self._waiting[key] = self._waiting.pop(key)
        self._timer = self._clock.callLater(self._rng.uniform(*AGAIN_S), self._begin)

"""Reports on their way to the hub: kept until it has them."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from common.errors import RemoteError, TocsinError, TransientError
from common.wire import FailureCode, ModelReport, ModelTaken

AGAIN_S = (15.0, 30.0)
MAX_WAITING_BYTES = 32 * 1024 * 1024
"""On the wire; what is unpacked in memory may be some times as much."""
MAX_DEFECTS = 20
"""How often a report is handed over that the hub fails on by a defect of its own, before it counts as refused."""
SHORT_BYTES = 500
"""An answer without what was found."""
TOO_MANY = "too many reports wait for the hub: this one was dropped, and the device will be modelled again"

_log = Logger()


class Sender(Protocol):
    """Who wants to know what became of a report."""

    async def taken(self, report: ModelReport) -> None:
        """The hub has it."""

    async def refused(self, report: ModelReport, reason: str) -> None:
        """The hub will never take it."""

    def dropped(self, report: ModelReport) -> None:
        """Too many wait; an old one went."""


class _Parcel(Struct):
    report: ModelReport
    size_bytes: int
    since: float  # monotonic seconds
    defects: int = 0


class Outbox(Service):
    """Hands reports over one after the other; of each device the newest, and every one that somebody asked for.

    Args:
        clock: for waiting.
        rng: for the time to the next attempt.
        send: as `IHub.send_model`.
        sender: is told of each report what became of it.

    Attributes:
        dropped: reports that went because too many waited; of those that somebody asked for, an answer stays.
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
        self._bytes = 0
        self._delivery: Deferred[None] | None = None
        self._under_way: _Parcel | None = None
        self._ended = False
        self._timer: IDelayedCall | None = None  # while it rests
        self._told = ""
        self.dropped = 0

    @property
    def waiting(self) -> int:
        """Reports that the hub does not have yet."""
        return len(self._waiting)

    def stopService(self) -> None:
        """Hand nothing over any more; what waits is modelled again by the next daemon."""
        super().stopService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        self._ended = True
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()
        if self._delivery is not None:
            self._delivery.cancel()

    def put(self, report: ModelReport, size_bytes: int) -> None:
        """Have a report handed over as soon as may be, in place of an earlier one of the same device and run.

        Args:
            report: its `age_s` is how old it is now.
            size_bytes: on the wire.
        """
        if self._ended:
            return
        parcel = _Parcel(report, size_bytes, self._clock.seconds())
        self._take_out((report.device, report.run))
        self._waiting[report.device, report.run] = parcel
        self._bytes += size_bytes
        self._make_room(parcel)
        if self._timer is None or report.run:  # who asks has a session, so it is worth a try
            self._begin()

    def _take_out(self, key: tuple[str, str]) -> None:
        parcel = self._waiting.pop(key, None)
        if parcel is not None:
            self._bytes -= parcel.size_bytes

    def _make_room(self, newest: _Parcel) -> None:
        """Drop the oldest; never the one that the hub is about to have."""
        for key, parcel in list(self._waiting.items()):
            if self._bytes <= MAX_WAITING_BYTES:
                return
            if parcel is not newest and parcel is not self._under_way:
                self._drop(key, parcel)

    def _drop(self, key: tuple[str, str], parcel: _Parcel) -> None:
        report = parcel.report
        self._take_out(key)
        if report.run and parcel.size_bytes > SHORT_BYTES:
            short = replace(report, outcomes=[], problem=TOO_MANY)
            self._waiting[key] = _Parcel(short, SHORT_BYTES, parcel.since)
            self._bytes += SHORT_BYTES
        self.dropped += 1
        _log.warn("too many reports wait: that of {device} is dropped", device=report.device)
        self._sender.dropped(report)

    def _begin(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()
        if self._delivery is None and self._waiting and not self._ended:
            delivery = self._delivery = Deferred.fromCoroutine(self._deliver())
            delivery.addBoth(self._delivered)

    def _delivered(self, result: object) -> None:
        """Go on after whatever it was."""
        self._delivery = self._under_way = None
        if isinstance(result, Failure) and not isinstance(result.value, CancelledError):
            _log.failure("defect in the delivery of models; it goes on", result)
        if self._waiting and self._timer is None and not self._ended:
            self._rest()

    async def _deliver(self) -> None:
        while self._waiting and self._timer is None and not self._ended:
            key = next(iter(self._waiting))
            self._under_way = self._waiting[key]
            await self._deliver_one(key, self._under_way)

    async def _deliver_one(self, key: tuple[str, str], parcel: _Parcel) -> None:
        report = parcel.report
        try:
            refusal = await self._refusal(parcel)
        except TransientError as error:
            self._put_back(key, parcel, error.message)
            return
        self._done(key, parcel)
        try:
            await (self._sender.refused(report, refusal) if refusal else self._sender.taken(report))
        except TocsinError as error:
            _log.error("what became of the model of {device} is not kept: {error}", device=report.device, error=error)
        except CancelledError:
            raise
        except Exception:  # noqa: BLE001 - the supervisor of delivery: one report must not stop the others
            _log.failure("defect after the model of {device} was handed over", device=report.device)

    async def _refusal(self, parcel: _Parcel) -> str:
        """Hand a report over; why the hub will not have it, or empty when it has it.

        Raises:
            TransientError: it may have it later.
        """
        report = parcel.report
        try:
            waited_s = self._clock.seconds() - parcel.since
            await self._send(replace(report, age_s=(report.age_s or 0.0) + waited_s))
        except (TransientError, CancelledError):
            raise
        except RemoteError as error:
            parcel.defects += error.code == FailureCode.INTERNAL.value
            if error.code == FailureCode.INTERNAL.value and parcel.defects < MAX_DEFECTS:
                raise TransientError(error.message, error.details) from None
            return _refused(report, error)
        except TocsinError as error:
            return _refused(report, error)
        except Exception as error:  # noqa: BLE001 - the supervisor of delivery: one report must not stop the others
            _log.failure("defect while the model of {device} was handed over", device=report.device)
            return f"an error of ours: {type(error).__name__}"
        self._told = ""
        return ""

    def _done(self, key: tuple[str, str], parcel: _Parcel) -> None:
        if self._waiting.get(key) is parcel:
            self._take_out(key)

    def _put_back(self, key: tuple[str, str], parcel: _Parcel, reason: str) -> None:
        """Try again later, with the others first, lest one that the hub is slow with holds them all up."""
        if reason != self._told:  # one line for each new reason, not one for each attempt
            self._told = reason
            _log.info("{count} reports wait for the hub: {reason}", count=len(self._waiting), reason=reason)
        if self._waiting.get(key) is parcel:
            self._waiting[key] = self._waiting.pop(key)
        self._rest()

    def _rest(self) -> None:
        if not self._ended:
            self._timer = self._clock.callLater(self._rng.uniform(*AGAIN_S), self._begin)


def _refused(report: ModelReport, error: TocsinError) -> str:
    _log.error("the hub refuses the model of {device}: {reason}", device=report.device, reason=str(error))
    return error.message or "without a reason"

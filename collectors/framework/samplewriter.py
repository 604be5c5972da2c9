"""Samples on their way to disk, as the collector daemon sees it.

Accepted samples are synced to the spool within half a second, in a thread of their own; the writer process is told, and
brings them into RRD files. Neither a full disk nor a writer that dies holds the daemon up: samples wait in the spool,
and, when that cannot be written either, in memory up to a bound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Thread
from typing import Any

import msgspec
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool
from zope.interface import implementer

from collectors.framework.data.limits import FileSettings
from collectors.framework.data.orders import Convert
from collectors.framework.data.spool.frames import Entry
from collectors.framework.data.spool.intake import MAX_WAITING, Intake, Latest, Row
from collectors.framework.data.writerprocess import WriterProcess
from collectors.framework.data.writing.conversions import Counts
from collectors.framework.data.writing.holding import HOLD_S
from collectors.framework.running.interfaces import IRowSink
from collectors.framework.samplespool import SampleSpool
from common.conversion import ConversionQuery, ConversionState
from common.errors import TransientError
from common.series import Layout, Sample, SeriesKey

_log = Logger()

SYNC_S = 0.3
"""Longest time from acceptance to the start of the sync: a sample is durable within a second."""
RETRY_S = 1.0
LOST_NOTE_S = 300.0
"""How long it stays a problem that samples were dropped from the spool."""


class _Thread(Thread):
    """A thread that does not keep a process alive that ends without having stopped its services."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**options, "daemon": True})


@implementer(IRowSink)
class SampleWriter(Service):
    """Takes samples, makes them durable, has them written.

    Args:
        reactor: for the process and the thread.
        clock: monotonic.
        wall: epoch seconds.
        data_dir: folder of the daemon; files go below its `rrd`, the spool is its `samples`.
        on_problem: told a sentence when something goes wrong, and "" when all is well again.
        hold_s: how long the writer process lets samples of a file wait for more at most, when nobody asks.
        limits: how many files there may be.

    Attributes:
        order: has the writer process do something with files (see `data.given.GivenOrders.give`).
    """

    def __init__(
        self,
        reactor: Any,
        clock: IReactorTime,
        wall: Callable[[], float],
        data_dir: Path,
        on_problem: Callable[[str], None],
        *,
        spool: SampleSpool | None = None,
        hold_s: float = HOLD_S,
        limits: FileSettings = FileSettings(),  # noqa: B008 - it is frozen
    ) -> None:
        self._reactor = reactor
        self._clock = clock
        self._wall = wall
        self._on_problem = on_problem
        self._spool = spool or SampleSpool(data_dir / "samples")
        self._spool_open = False
        self._intake = Intake()
        self._pool = ThreadPool(1, 1, "samples")
        self._pool.threadFactory = _Thread
        folders = ["--spool", str(data_dir / "samples"), "--rrd", str(data_dir / "rrd"), "--hold", str(hold_s)]
        folders += ["--limits", msgspec.json.encode(limits).decode()]
        self._process = WriterProcess(reactor, clock, folders, self._tell_problem)
        self.order = self._process.order
        self._due: IDelayedCall | None = None
        self._turn = DeferredLock()
        self._on_disk = 0
        self._stored = 0
        self._spool_problem = ""
        self._lost = 0
        self._lost_until = 0.0
        self._forget: IDelayedCall | None = None
        self._problem = ""
        self._stopping = False

    # --- what the daemon asks -----------------------------------------------------------------------------------------

    def write(self, samples: Sequence[Sample]) -> None:
        """Accept samples (see `ISampleSink`)."""
        self._intake.accept(samples, self._wall())
        self._sync_soon()

    def series_of(self, key: SeriesKey, layout: Layout) -> Latest | None:
        """What rows of a series are written under (see `IRowSink`)."""
        return self._intake.series_of(key, layout)

    def write_rows(self, rows: Sequence[Row]) -> None:
        """Accept rows that were judged (see `IRowSink`)."""
        self._intake.accept_rows(rows, self._wall())
        self._sync_soon()

    def _sync_soon(self) -> None:
        if self._due is None and self._intake.waiting:
            self._due = self._clock.callLater(SYNC_S, self._sync_due)

    @property
    def queued(self) -> int:
        """Samples accepted that are not in their files yet."""
        done = self._process.report.done if self._process.report is not None else 0
        return len(self._intake.waiting) + max(0, self._on_disk - done)

    @property
    def dropped(self) -> int:
        """Samples that were not accepted, or lost, since the daemon started."""
        return sum(self.drops.values())

    @property
    def drops(self) -> dict[str, int]:
        """The same by reason."""
        counts = dict(self._intake.drops)
        report, spool = self._process.report, self._spool
        counts["spool full"] = max(spool.dropped, report.lost - spool.aged if report else 0)
        counts["spool too old"] = spool.aged
        if report is not None:
            counts["future"] = counts.get("future", 0) + report.tally.future
            counts["refused"] = report.tally.refused
            counts["too many files"] = report.tally.crowded
        return {reason: count for reason, count in counts.items() if count}

    @property
    def conversions(self) -> dict[str, int]:
        """Files whose layout is not that of their samples: waiting, done since the writer process started, failed."""
        return (self._process.report.conversions if self._process.report is not None else Counts(0, 0, 0))._asdict()

    async def convert(self, query: ConversionQuery) -> ConversionState:
        """Answer the hub about files that are to be converted.

        Raises:
            TransientError: the writer process does not answer.
        """
        outcome = await self.order(Convert(devices=query.devices, mode=query.mode))
        if not isinstance(outcome, ConversionState):
            raise TransientError(f"The writer process answered with {type(outcome).__name__}; try again")
        return outcome

    @property
    def problem(self) -> str:
        """A sentence while something is wrong, else empty."""
        return self._problem

    @property
    def writer_pid(self) -> int | None:
        """Process id of the writer process."""
        return self._process.pid

    def latest(self, device: str) -> list[Latest]:
        """Newest samples of a device's series, in order of component and source (for `rrdreader.Reader`)."""
        return self._intake.of_device(device)

    def latest_of_all(self) -> list[Latest]:
        """Newest samples of all series."""
        return self._intake.all()

    def numbered(self, after: int, limit: int) -> tuple[list[Latest], int, bool]:
        """Some series after a number (for `rrdreader.Reader`)."""
        return self._intake.numbered(after, limit)

    def devices(self) -> set[str]:
        """Devices that have had a sample since the start."""
        return self._intake.devices()

    async def fresh(self, *devices: str) -> bool:
        """Have what was accepted, all of it or that of some devices, written now.

        False when the writer process did not manage in two seconds.
        """
        await self._sync()
        return await self._process.flush(devices)

    # --- service ------------------------------------------------------------------------------------------------------

    def startService(self) -> None:
        """Start the thread and the writer process."""
        super().startService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        self._pool.start()
        self._due = self._clock.callLater(0, self._sync_due)
        self._process.start()

    def stopService(self) -> Deferred[None]:
        """Spool what waits, let the writer process finish, end the thread."""
        super().stopService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._stopping = True
        if self._due is not None and self._due.active():
            self._due.cancel()
        await self._sync()
        if self._forget is not None and self._forget.active():
            self._forget.cancel()
        await self._process.stop()
        self._spool.close()
        self._pool.stop()

    # --- spool --------------------------------------------------------------------------------------------------------

    def _sync_due(self) -> None:
        self._due = None
        Deferred.fromCoroutine(self._sync()).addErrback(
            lambda failure: _log.failure("Samples could not be spooled", failure)
        )

    async def _sync(self) -> None:
        """Put on disk what waits, after the sync that is under way."""
        await self._turn.acquire()
        try:
            await self._store()
        finally:
            self._turn.release()

    async def _store(self) -> None:
        entries = self._intake.take()
        if not entries and self._spool_open:
            return
        try:
            await deferToThreadPool(self._reactor, self._pool, self._store_now, entries)
        except OSError as error:
            self._intake.give_back(entries[self._stored :])
            self._spool_problem = f"Samples cannot be spooled: {error}; free some space there. They wait in memory."
            if self._due is None and not self._stopping:
                self._due = self._clock.callLater(RETRY_S, self._sync_due)
        else:
            self._spool_problem = ""
        self._on_disk = self._spool.next - 1
        self._note_lost()
        self._tell_problem()
        self._process.nudge()

    def _store_now(self, entries: list[Entry]) -> None:
        self._stored = 0
        if not self._spool_open:
            self._spool.open()
            self._spool_open = True
            if self._spool.cut:
                _log.warn("samples: {sentence}", sentence=self._spool.cut)
        start = self._spool.next
        try:
            self._spool.append(self._intake.series, entries, press=len(entries) > MAX_WAITING // 2)
        finally:
            self._stored = self._spool.next - start

    def _note_lost(self) -> None:
        lost = self._spool.dropped + self._spool.aged
        if lost == self._lost:
            return
        self._lost, self._lost_until = lost, self._clock.seconds() + LOST_NOTE_S
        if self._forget is not None and self._forget.active():
            self._forget.reset(LOST_NOTE_S)
        elif not self._stopping:
            self._forget = self._clock.callLater(LOST_NOTE_S, self._tell_problem)

    def _tell_problem(self) -> None:
        problem = self._spool_problem or self._process.problem
        if self._clock.seconds() < self._lost_until:
            dropped = f"The spool is as full as it may be: {self._lost:,} samples were dropped, the oldest first."
            problem = f"{problem} {dropped}".lstrip()
        if problem != self._problem:
            self._problem = problem
            self._on_problem(problem)

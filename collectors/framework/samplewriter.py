"""Samples on their way to disk, as the collector daemon sees it.

Accepted samples are synced to the spool within half a second, in a thread of their own; the writer process is told, and
brings them into RRD files. Neither a full disk nor a writer that dies holds the daemon up: samples wait in the spool,
and, when that cannot be written either, in memory up to a bound.
"""

from __future__ import annotations

import itertools
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

from collectors.framework.data.child import Child
from collectors.framework.data.conversions import Counts
from collectors.framework.data.frames import Entry
from collectors.framework.data.given import GivenOrders
from collectors.framework.data.intake import Intake, Latest, Row
from collectors.framework.data.orders import MAX_OUTCOME_BYTES, Convert
from collectors.framework.data.writing import HOLD_S, Report
from collectors.framework.running.interfaces import IRowSink
from collectors.framework.samplespool import SampleSpool
from common.conversion import ConversionQuery, ConversionState
from common.errors import TransientError
from common.series import Layout, Sample, SeriesKey

_log = Logger()

SYNC_S = 0.3
"""Longest time from acceptance to the start of the sync: a sample is durable within a second."""
RETRY_S = 1.0
FRESH_TIMEOUT_S = 2.0
STOP_TIMEOUT_S = 20.0
MAX_FAILURES = 3
"""So many ends of the writer process in a row are more than bad luck."""
MAX_REPORT_BYTES = 4 * MAX_OUTCOME_BYTES
SILENT_S = 60.0
"""A writer process that has not answered for so long hangs, or its disk does."""


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
        hold_s: how long the writer process lets samples of a file wait for more when nobody asks.

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
        self._child = Child(
            reactor,
            clock,
            "collectors.framework.rrdwriter",
            folders,
            on_data=self._reported,
            on_up=self._child_up,
            on_down=self._child_down,
            on_steady=self._tell_problem,
        )
        self._orders = GivenOrders(clock, self._child.send)
        self.order = self._orders.give
        self._buffer = b""
        self._report: Report | None = None
        self._tokens = itertools.count(1)
        self._flushes: dict[int, Deferred[None]] = {}
        self._due: IDelayedCall | None = None
        self._turn = DeferredLock()
        self._on_disk = 0
        self._stored = 0
        self._nudged = False
        self._silence: IDelayedCall | None = None
        self._spool_problem = ""
        self._crash = ""
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
        done = self._report.done if self._report is not None else 0
        return len(self._intake.waiting) + max(0, self._on_disk - done)

    @property
    def dropped(self) -> int:
        """Samples that were not accepted, or lost, since the daemon started."""
        return sum(self.drops.values())

    @property
    def drops(self) -> dict[str, int]:
        """The same by reason."""
        counts = dict(self._intake.drops)
        report = self._report
        counts["spool full"] = max(self._spool.dropped, report.lost if report else 0)
        if report is not None:
            counts["future"] = counts.get("future", 0) + report.tally.future
            counts["refused"] = report.tally.refused
        return {reason: count for reason, count in counts.items() if count}

    @property
    def conversions(self) -> dict[str, int]:
        """Files whose layout is not that of their samples: waiting, done since the writer process started, failed."""
        return (self._report.conversions if self._report is not None else Counts(0, 0, 0))._asdict()

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
        return self._child.pid

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
        token = next(self._tokens)
        done: Deferred[None] = Deferred()
        self._flushes[token] = done
        if not self._child.send(b"flush %d %s\n" % (token, msgspec.json.encode(devices) if devices else b"")):
            del self._flushes[token]
            return False
        late = self._clock.callLater(FRESH_TIMEOUT_S, done.cancel)
        try:
            await done
        except Exception:  # noqa: BLE001 - cancelled by the time-out, or failed by the end of the process
            return False
        finally:
            self._flushes.pop(token, None)
            if late.active():
                late.cancel()
        return True

    # --- service ------------------------------------------------------------------------------------------------------

    def startService(self) -> None:
        """Start the thread and the writer process."""
        super().startService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        self._pool.start()
        self._due = self._clock.callLater(0, self._sync_due)
        self._child.start()

    def stopService(self) -> Deferred[None]:
        """Spool what waits, let the writer process finish, end the thread."""
        super().stopService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._stopping = True
        if self._due is not None and self._due.active():
            self._due.cancel()
        await self._sync()
        await self._child.stop(STOP_TIMEOUT_S)
        self._orders.ended("the collector is stopping")
        self._answered()
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
        self._tell_problem()
        self._nudge()

    def _store_now(self, entries: list[Entry]) -> None:
        self._stored = 0
        if not self._spool_open:
            self._spool.open()
            self._spool_open = True
            if self._spool.cut:
                _log.warn("samples: {sentence}", sentence=self._spool.cut)
        start = self._spool.next
        try:
            self._spool.append(self._intake.series, entries)
        finally:
            self._stored = self._spool.next - start

    # --- writer process -----------------------------------------------------------------------------------------------

    def _nudge(self) -> None:
        if not self._nudged:
            self._nudged = self._child.send(b"go\n")
            self._expect_answer()

    def _expect_answer(self) -> None:
        self._answered()
        if self._nudged:
            self._silence = self._clock.callLater(SILENT_S, self._tell_problem)

    def _answered(self) -> None:
        silence, self._silence = self._silence, None
        if silence is not None and silence.active():
            silence.cancel()

    def _child_up(self) -> None:
        self._buffer = b""
        self._nudged = False
        self._nudge()

    def _child_down(self, reason: str) -> None:
        self._nudged = False
        self._answered()
        flushes, self._flushes = self._flushes, {}
        for waiter in flushes.values():
            waiter.cancel()
        self._orders.ended(reason)
        self._crash = reason
        self._tell_problem()

    def _reported(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if len(self._buffer) > MAX_REPORT_BYTES:
            self._buffer = b""
        for line in lines:
            try:
                report = msgspec.json.decode(line, type=Report)
            except msgspec.MsgspecError:
                _log.warn("The writer process said what is no report: {line}", line=line[:200])
                continue
            self._heard(report)

    def _heard(self, report: Report) -> None:
        self._report = report
        self._nudged = False
        self._answered()
        for token, waiter in list(self._flushes.items()):
            if token <= report.flushed and not waiter.called:  # of those that came together the last one is told
                waiter.callback(None)
        self._orders.heard(report.answers)
        self._tell_problem()

    def _tell_problem(self) -> None:
        problem = self._spool_problem
        if not problem and self._child.failures >= MAX_FAILURES:
            problem = f"The RRD writer process keeps ending ({self._crash}); samples wait in the spool. See the log."
        if not problem and self._silence is not None and not self._silence.active():
            problem = f"The RRD writer process has not answered for {SILENT_S:g} s; samples wait in the spool."
        if not problem and self._report is not None:
            problem = self._report.problem
        if problem != self._problem:
            self._problem = problem
            self._on_problem(problem)

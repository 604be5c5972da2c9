"""The writer process, as the daemon sees it: kept alive, told of news, asked, listened to."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from collectors.framework.data.child import Child
from collectors.framework.data.given import GivenOrders
from collectors.framework.data.orders import MAX_OUTCOME_BYTES
from collectors.framework.data.reports import Reports
from collectors.framework.data.writing.writer import Report

_log = Logger()

FRESH_TIMEOUT_S = 2.0
STOP_TIMEOUT_S = 20.0
MAX_FAILURES = 3
"""So many ends of the writer process in a row are more than bad luck."""
MAX_REPORT_BYTES = 4 * MAX_OUTCOME_BYTES
SILENT_S = 60.0
"""A writer process that has not answered for so long hangs, or its disk does."""
HUNG_S = 300.0
"""One that has been silent for so much longer is killed and started again: it may be stopped, or have hung itself up.
Where a disk hangs, the kill takes effect when that comes back, and the samples wait in the spool."""


class WriterProcess:
    """Runs `rrdwriter`.

    Args:
        reactor: for the process.
        clock: monotonic.
        arguments: of the process.
        on_news: called when a report came, or there may be another problem.

    Attributes:
        report: the last one.
        order: has it do something with files (see `GivenOrders.give`).
    """

    def __init__(
        self, reactor: Any, clock: IReactorTime, arguments: Sequence[str], on_news: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._on_news = on_news
        self._child = Child(
            reactor,
            clock,
            "collectors.framework.rrdwriter",
            arguments,
            on_data=self._said,
            on_up=self._came_up,
            on_down=self._ended,
            on_steady=on_news,
        )
        self._orders = GivenOrders(clock, self._child.send)
        self.order = self._orders.give
        self.report: Report | None = None
        self._reports = Reports(Report, "The writer process", MAX_REPORT_BYTES)
        self._tokens = itertools.count(1)
        self._flushes: dict[int, Deferred[bool]] = {}
        self._nudged = False
        self._silence: IDelayedCall | None = None
        self._is_silent = False
        self._crash = ""

    @property
    def pid(self) -> int | None:
        """Its process id."""
        return self._child.pid

    @property
    def problem(self) -> str:
        """A sentence while something is wrong, else empty."""
        if self._child.failures >= MAX_FAILURES:
            return f"The RRD writer process keeps ending ({self._crash}); samples wait in the spool. See the log."
        if self._is_silent:
            return f"The RRD writer process has not answered for {SILENT_S:g} s; samples wait in the spool."
        return self.report.problem if self.report is not None else ""

    def start(self) -> None:
        """Start it, and again whenever it ends."""
        self._child.start()

    async def stop(self) -> None:
        """Let it finish, and end."""
        await self._child.stop(STOP_TIMEOUT_S)
        self._orders.ended("the collector is stopping")
        self._wait_no_more()

    def nudge(self) -> None:
        """There is something new in the spool."""
        if not self._nudged:
            self._nudged = self._child.send(b"go\n")
            if self._nudged:
                self._wait_no_more()
                self._silence = self._clock.callLater(SILENT_S, self._silent)

    async def flush(self, devices: Sequence[str]) -> bool:
        """Have what is spooled of devices written, or all; False when that was not done within two seconds."""
        token = next(self._tokens)
        done: Deferred[bool] = Deferred()
        self._flushes[token] = done
        if not self._child.send(b"flush %d %s\n" % (token, msgspec.json.encode(devices) if devices else b"")):
            del self._flushes[token]
            return False
        late = self._clock.callLater(FRESH_TIMEOUT_S, done.cancel)
        try:
            return await done
        except Exception:  # noqa: BLE001 - cancelled by the time-out, or failed by the end of the process
            return False
        finally:
            self._flushes.pop(token, None)
            if late.active():
                late.cancel()

    def _wait_no_more(self) -> None:
        silence, self._silence = self._silence, None
        if silence is not None and silence.active():
            silence.cancel()

    def _silent(self) -> None:
        self._is_silent = True
        self._silence = self._clock.callLater(HUNG_S, self._hung)
        self._on_news()

    def _hung(self) -> None:
        _log.warn("The RRD writer process (pid {pid}) hangs, and is killed", pid=self.pid)
        self._silence = self._clock.callLater(HUNG_S, self._hung)
        self._child.kill()

    def _came_up(self) -> None:
        self._reports.begin()
        self._nudged = False
        self.nudge()

    def _ended(self, reason: str) -> None:
        self._nudged = False
        self._wait_no_more()
        flushes, self._flushes = self._flushes, {}
        for waiter in flushes.values():
            waiter.cancel()
        self._orders.ended(reason)
        self._crash = reason
        self._on_news()

    def _said(self, data: bytes) -> None:
        for report in self._reports.read(data):
            self._heard(report)

    def _heard(self, report: Report) -> None:
        self.report = report
        self._nudged = self._is_silent = False
        self._wait_no_more()
        for token, waiter in list(self._flushes.items()):
            if token <= report.flushed and not waiter.called:  # of those that came together the last one is told
                waiter.callback(not report.behind)
        self._orders.heard(report.answers)
        self._on_news()

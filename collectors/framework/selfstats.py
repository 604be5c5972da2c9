"""The daemon's own figures: as series, for the heartbeat, and for `stats`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from collectors.framework.interfaces import ISampleSink
from collectors.framework.task import TaskRecord, time_of_run
from common.series import Kind, Layout, Number, Point, Sample, SeriesKey, snap
from common.wire import TaskCounts

STEP_S = 60
SOURCE = "self"


def _gauge(name: str, unit: str) -> Point:
    return Point(name=name, unit=unit, minimum=0)


def _total(name: str, unit: str) -> Point:
    return Point(name=name, kind=Kind.DERIVE, unit=unit, minimum=0)


LAYOUT = Layout(
    step_s=STEP_S,
    points=(
        _gauge("cpu", "percent"),
        _gauge("memory", "bytes"),
        _gauge("devices", "devices"),
        _gauge("tasks", "tasks"),
        _gauge("running", "tasks"),
        _gauge("waiting", "tasks"),
        _gauge("run_time", "s"),
        _gauge("longest_run", "s"),
        _gauge("lag", "s"),
        _gauge("queued_events", "events"),
        _gauge("queued_samples", "samples"),
        _total("runs", "runs"),
        _total("late_runs", "runs"),
        _total("failed_runs", "runs"),
        _total("sent_events", "events"),
        _total("dropped_events", "events"),
        _total("dropped_samples", "samples"),
    ),
)
"""`run_time` is the mean of the runs that ended in the step, `lag` how late the reactor was for a timer, at worst."""


class Gauges(Struct, frozen=True, kw_only=True):
    """What the parts of the daemon tell of themselves."""

    counts: TaskCounts
    running: int
    waiting: int
    sent_events: int


def resident_bytes() -> int | None:
    """Resident memory of this process (proc(5), statm); None where that is not told."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


class SelfStats(Service):
    """Takes the daemon's figures once a minute.

    Args:
        wall: epoch seconds.
        source: id of the device under which the daemon reports itself.
        program: its component.
        gauges: asks the parts.
    """

    log = Logger()
    watch_s = 1.0

    def __init__(
        self,
        clock: IReactorTime,
        wall: Callable[[], float],
        samples: ISampleSink,
        source: Callable[[], str],
        program: str,
        gauges: Callable[[], Gauges],
        *,
        cpu_s: Callable[[], float] = lambda: sum(os.times()[:2]),
        memory_bytes: Callable[[], int | None] = resident_bytes,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._samples = samples
        self._source = source
        self._program = program
        self._gauges = gauges
        self._cpu_s = cpu_s
        self._memory_bytes = memory_bytes
        self._loop = LoopingCall(self._tick)
        self._loop.clock = clock
        self._before = (clock.seconds(), cpu_s())
        self._slot = 0
        self._expected = 0.0
        self._lag_s = 0.0
        self._timed = 0
        self._run_s = self._longest_s = 0.0
        self._runs = 0

    def observe(self, record: TaskRecord, what: str, _old: object, new: object) -> None:
        """See a change of a task (`task.Observer`)."""
        run_s = time_of_run(record, what, new)
        if run_s is not None:
            self.ran(1, run_s, run_s)

    def ran(self, runs: int, run_s: float, longest_s: float) -> None:
        """Runs have ended; `run_s` is their time together."""
        self._runs += runs
        self._timed += runs
        self._run_s += run_s
        self._longest_s = max(self._longest_s, longest_s)

    def startService(self) -> None:
        """Begin to watch."""
        super().startService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        self._slot = snap(self._wall(), STEP_S)
        self._expected = self._clock.seconds() + self.watch_s
        watching: Deferred[Any] = self._loop.start(self.watch_s, now=False)
        watching.addErrback(lambda failure: self.log.failure("the daemon's own figures end", failure))

    def stopService(self) -> None:
        """Stop watching."""
        super().stopService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        if self._loop.running:
            self._loop.stop()

    def _tick(self) -> None:
        now = self._clock.seconds()
        self._lag_s = max(self._lag_s, now - self._expected)
        self._expected = now + self.watch_s
        current = snap(self._wall(), STEP_S)
        if current == self._slot:
            return
        self._slot = current
        try:
            self._samples.write([self.sample(current)])
        except Exception:  # noqa: BLE001 - the supervisor of the figures: they must not end the daemon
            self.log.failure("the daemon's own figures could not be taken")

    def sample(self, at: int) -> Sample:
        """The figures since the last one."""
        now, cpu_s = self._clock.seconds(), self._cpu_s()
        passed_s, used_s = now - self._before[0], cpu_s - self._before[1]
        self._before = (now, cpu_s)
        gauges = self._gauges()
        counts = gauges.counts
        timed, run_s, longest_s = self._timed, self._run_s, self._longest_s
        self._timed, self._run_s, self._longest_s = 0, 0.0, 0.0
        lag_s, self._lag_s = self._lag_s, 0.0
        values: dict[str, Number | None] = {
            "cpu": 100.0 * used_s / passed_s if passed_s > 0 else None,
            "memory": self._memory_bytes(),
            "devices": counts.devices,
            "tasks": counts.tasks,
            "running": gauges.running,
            "waiting": gauges.waiting,
            "run_time": run_s / timed if timed else None,
            "longest_run": longest_s if timed else None,
            "lag": lag_s,
            "queued_events": counts.queued_events,
            "queued_samples": counts.queued_samples,
            "runs": self._runs,
            "late_runs": counts.late_runs,
            "failed_runs": counts.failed_runs,
            "sent_events": gauges.sent_events,
            "dropped_events": counts.dropped_events,
            "dropped_samples": counts.dropped_samples,
        }
        return Sample(key=SeriesKey(self._source(), self._program, SOURCE), layout=LAYOUT, at=at, values=values)

    def figures(self) -> dict[str, Any]:
        """Figures for `stats`."""
        gauges = self._gauges()
        counts: dict[str, Any] = msgspec.to_builtins(gauges.counts)
        return counts | {
            "running_tasks": gauges.running,
            "waiting_tasks": gauges.waiting,
            "sent_events": gauges.sent_events,
            "runs": self._runs,
            "memory_bytes": self._memory_bytes(),
        }

"""Runs each task once in each of its intervals, some at the same time, none twice at once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import (
    CancelledError,
    Deferred,
    TimeoutError,  # noqa: A004 - Twisted's, raised by addTimeout
    gatherResults,
)
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from collectors.framework.interfaces import ITask, TaskState
from collectors.framework.lanes import Lanes
from collectors.framework.networks import SILENT
from collectors.framework.observing import Observer, Observers
from collectors.framework.task import Outcome, TaskFigures, TaskRecord
from collectors.framework.timing import delay_s, phase, slot
from common.configs import DeviceConfig
from common.errors import NotFoundError, TocsinError

DEFAULT_LIMIT = 100
DEFAULT_LANE_LIMIT = 20
STARTS_A_TURN = 10
"""Runs that begin in one turn of the reactor; others that wait for it come between."""
STOP_S = 2.0
GRACE_S = 3.0
"""How long a run that was cancelled may take to end before others get its place."""

_log = Logger()


class _Entry:
    """A task with what the scheduler needs to run it."""

    def __init__(self, record: TaskRecord) -> None:
        self.record = record
        self.place = phase(record.name)
        self.turns: Any = getattr(record.task, "turns", None)  # an ITurns, of a task with several intervals
        self.timer: IDelayedCall | None = None
        self.due = 0.0  # monotonic seconds of the turn that the timer waits for
        self.run: Deferred[None] | None = None
        self.again = False
        self.removed = False
        self.holds_place = False
        self.lane = ""  # that it waits or runs in; the task's own may be another one by now
        self.over: list[Deferred[None]] = []


class Scheduler(Service):
    """Owns the tasks of a daemon.

    Args:
        clock: monotonic; all waiting is on it.
        wall: epoch seconds; says only where in its step a moment lies.
        limit: runs at the same time.
        lane_limit: runs of one lane at the same time.
        observer: the first that observes all tasks (see `observe`).
    """

    def __init__(
        self,
        clock: IReactorTime,
        wall: Callable[[], float],
        *,
        limit: int = DEFAULT_LIMIT,
        lane_limit: int = DEFAULT_LANE_LIMIT,
        observer: Observer | None = None,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._limit = limit
        self._observers = Observers()
        if observer is not None:
            self._observers.observe(observer)
        self._entries: dict[str, _Entry] = {}
        self._queue: Lanes[_Entry] = Lanes(lane_limit)
        self._running = 0
        self._pumping: IDelayedCall | None = None
        self._gone_late = 0
        self._gone_failed = 0

    # --- what the daemon asks -----------------------------------------------------------------------------------------

    def add(self, task: ITask, device: str) -> TaskRecord:
        """Take a task on; its first run is at once.

        Raises:
            ValueError: a task of that name is there already.
        """
        if task.name in self._entries:
            raise ValueError(f"task {task.name} is scheduled already")
        record = TaskRecord(task, device, self._clock.seconds(), self._observers)
        entry = self._entries[task.name] = _Entry(record)
        if self.running:
            self._begin(entry)
        return record

    def update(self, name: str, config: DeviceConfig) -> None:
        """Give a task another config and run it now; its place in the interval stays.

        Raises:
            NotFoundError: there is no such task.
            Exception: whatever the task raises; it goes on with its old config.
        """
        entry = self._entry(name)
        entry.record.task.update(config)
        if (entry.record.pace(entry.record.task.interval_s) or entry.turns is not None) and self.running:
            self._plan(entry, begins=True)
        if self.running:
            self._want(entry)

    async def remove(self, name: str) -> None:
        """End a task: its run is cancelled, then it is closed. Does nothing when there is none."""
        entry = self._entries.pop(name, None)
        if entry is None:
            return
        entry.removed = True
        self._gone_late += entry.record.late
        self._gone_failed += entry.record.failed
        self._cancel_timer(entry)
        self._queue.discard(entry, entry.lane)
        await self._finish(entry)

    def run_now(self, names: Iterable[str]) -> int:
        """Run tasks out of turn, before all that wait; returns how many there are. Unknown names are ignored."""
        found = [self._entries[name] for name in names if name in self._entries]
        for entry in found:
            if entry.turns is not None:
                entry.turns.everything()
        if self.running:
            for entry in reversed(found):
                self._want(entry, first=True)
        return len(found)

    def pause(self, name: str) -> None:
        """Leave a task's turns out until `resume`; a run that is under way ends as it would."""
        entry = self._entry(name)
        entry.again = False
        self._queue.discard(entry, entry.lane)
        if entry.run is None:
            entry.record.enter(TaskState.PAUSED, self._clock.seconds())
        self._cancel_timer(entry)

    def resume(self, name: str) -> None:
        """Run a paused task now, and at its turns again."""
        entry = self._entry(name)
        if entry.record.state is TaskState.PAUSED:
            entry.record.enter(TaskState.IDLE, self._clock.seconds())
        if self.running and entry.timer is None:
            self._begin(entry)

    def observe(self, observer: Observer, name: str | None = None) -> None:
        """Call an observer with each change of a task, or of all, also of those that are yet to come (see `observing`).

        Raises:
            NotFoundError: there is no task of that name.
        """
        if name is None:
            self._observers.observe(observer)
        else:
            self._entry(name).record.observe(observer)

    def unobserve(self, observer: Observer, name: str | None = None) -> None:
        """End what `observe` of the same arguments began; does nothing where there is nothing to end."""
        if name is None:
            self._observers.unobserve(observer)
        elif name in self._entries:
            self._entries[name].record.unobserve(observer)

    def names(self) -> list[str]:
        """Names of all tasks."""
        return list(self._entries)

    def record(self, name: str) -> TaskRecord:
        """State and statistics of a task.

        Raises:
            NotFoundError: there is none.
        """
        return self._entry(name).record

    def figures(self) -> list[TaskFigures]:
        """Statistics of all tasks."""
        now = self._clock.seconds()
        return [entry.record.figures(now) for entry in self._entries.values()]

    @property
    def late_runs(self) -> int:
        """Turns that came while the task still ran or waited, of all tasks since the start."""
        return self._gone_late + sum(entry.record.late for entry in self._entries.values())

    @property
    def failed_runs(self) -> int:
        """Runs that did not end well, of all tasks since the start."""
        return self._gone_failed + sum(entry.record.failed for entry in self._entries.values())

    def names_running(self) -> list[str]:
        """Names of the tasks whose runs are under way."""
        return [name for name, entry in self._entries.items() if entry.record.state is TaskState.RUNNING]

    @property
    def running_tasks(self) -> int:
        """Runs that are under way."""
        return self._running

    @property
    def queued_tasks(self) -> int:
        """Tasks whose turn it is, and that wait for a place."""
        return len(self._queue)

    def tasks_in(self, lane: str) -> int:
        """How many tasks are in a lane, whatever they are doing."""
        return sum(entry.record.task.lane == lane for entry in self._entries.values())

    # --- service ------------------------------------------------------------------------------------------------------

    def startService(self) -> None:
        """Begin to run tasks."""
        super().startService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        for entry in self._entries.values():
            self._begin(entry)

    def stopService(self) -> Deferred[None]:
        """Let runs end for some seconds, cancel the others, close all tasks."""
        super().stopService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._queue.clear()
        for entry in self._entries.values():
            self._cancel_timer(entry)
            entry.removed = True
        entries = list(self._entries.values())
        late = self._clock.callLater(STOP_S, self._cancel_runs, entries)
        await gatherResults([Deferred.fromCoroutine(self._finish(entry, cancel=False)) for entry in entries])
        if late.active():
            late.cancel()
        if self._pumping is not None:
            self._pumping.cancel()
            self._pumping = None

    @staticmethod
    def _cancel_runs(entries: Iterable[_Entry]) -> None:
        for entry in entries:
            if entry.run is not None:
                entry.run.cancel()

    async def _finish(self, entry: _Entry, *, cancel: bool = True) -> None:
        """Wait for the end of a run, not for ever, then close the task."""
        if entry.run is not None:
            over: Deferred[None] = Deferred()
            entry.over.append(over)
            if cancel:
                entry.run.cancel()
            over.addTimeout(STOP_S + GRACE_S, self._clock)
            with contextlib.suppress(TimeoutError):
                await over
        entry.record.enter(TaskState.CLOSED, self._clock.seconds())
        try:
            await entry.record.task.close()
        except Exception:  # noqa: BLE001 - the supervisor of tasks
            _log.failure("task {name} could not be closed", name=entry.record.name)

    # --- turns --------------------------------------------------------------------------------------------------------

    def _begin(self, entry: _Entry) -> None:
        if entry.record.state is TaskState.PAUSED:
            return
        if entry.turns is not None:
            entry.turns.everything()
        self._want(entry)
        self._plan(entry, begins=True)

    def _plan(self, entry: _Entry, *, begins: bool = False) -> None:
        """Set the timer for the next turn; from the wall clock, which may have been set since the last one."""
        self._cancel_timer(entry)
        if entry.turns is None:
            wait_s = delay_s(self._wall(), entry.record.interval_s, entry.place)
        else:
            wait_s = entry.turns.wait_s(self._wall(), begins=begins)
        entry.due = self._clock.seconds() + wait_s
        entry.timer = self._clock.callLater(wait_s, self._turn, entry)

    def _turn(self, entry: _Entry) -> None:
        entry.timer = None
        if entry.turns is not None and not entry.turns.due(self._wall()):
            self._plan(entry)  # it was run out of turn, or the clock was set
            return
        # Whole turns that went by while nothing of ours ran: the process was stopped, or the reactor was held up.
        entry.record.late += int((self._clock.seconds() - entry.due) / entry.record.interval_s)
        if entry.record.state is not TaskState.IDLE:
            entry.record.late += entry.lane != SILENT  # nothing is lost of one that does not answer
        elif not entry.record.task.rests:
            self._want(entry)
        self._plan(entry)

    def _want(self, entry: _Entry, *, first: bool = False) -> None:
        """Queue a task, before the others if somebody waits for it; one that runs is queued again when it has ended."""
        if entry.record.state is TaskState.RUNNING:
            entry.again = True
            return
        if entry.record.state is TaskState.QUEUED and first:
            self._queue.discard(entry, entry.lane)
        elif entry.record.state is TaskState.IDLE:
            entry.record.enter(TaskState.QUEUED, self._clock.seconds())
        else:
            return
        entry.lane = entry.record.task.lane
        self._queue.put(entry, entry.lane, first=first)
        self._pump_soon()

    def _pump_soon(self) -> None:
        if self._pumping is None and self._queue.may_begin and self._running < self._limit and self.running:
            self._pumping = self._clock.callLater(0, self._pump)

    def _pump(self) -> None:
        self._pumping = None
        for _ in range(STARTS_A_TURN):
            if self._running >= self._limit or (entry := self._queue.take()) is None:
                break
            self._start_run(entry)
        self._pump_soon()

    # --- one run ------------------------------------------------------------------------------------------------------

    def _start_run(self, entry: _Entry) -> None:
        began = self._clock.seconds()
        entry.record.enter(TaskState.RUNNING, began)
        entry.holds_place = True
        self._running += 1
        stamp = slot(self._wall(), entry.record.interval_s)
        run: Deferred[None] = Deferred.fromCoroutine(entry.record.task.run(stamp))
        entry.run = run
        # A coroutine may turn the cancellation into an error of its own, so the time-out is noted apart from it.
        timed_out: list[IDelayedCall] = []

        def too_long() -> None:
            timed_out.append(self._clock.callLater(GRACE_S, self._give_place_up, entry))
            run.cancel()

        limit = self._clock.callLater(entry.record.task.timeout_s, too_long)

        def ended(result: object) -> None:
            for call in (limit, *timed_out):
                if call.active():
                    call.cancel()
            self._run_ended(entry, result, began, timed_out=bool(timed_out))

        run.addBoth(ended)

    def _run_ended(self, entry: _Entry, result: object, began: float, *, timed_out: bool) -> None:
        entry.run = None
        self._release(entry)
        now = self._clock.seconds()
        outcome, sentence = _judge(entry, result, timed_out=timed_out)
        entry.record.ended(outcome, sentence, now - began)
        over, entry.over = entry.over, []
        for waiting in over:
            if not waiting.called:
                waiting.callback(None)
        if not entry.removed:
            # A paused task had its timer taken away while it ran.
            entry.record.enter(TaskState.IDLE if entry.timer is not None else TaskState.PAUSED, now)
            if entry.again:
                entry.again = False
                self._want(entry)
        self._pump_soon()

    def _give_place_up(self, entry: _Entry) -> None:
        """Let others run: this one does not end though it was cancelled. It is not started again until it does."""
        _log.error("task {name} does not end, though it was cancelled", name=entry.record.name)
        self._release(entry)
        self._pump_soon()

    def _release(self, entry: _Entry) -> None:
        if entry.holds_place:
            entry.holds_place = False
            self._running -= 1
            self._queue.done(entry.lane)

    def _cancel_timer(self, entry: _Entry) -> None:
        timer, entry.timer = entry.timer, None
        if timer is not None:
            timer.cancel()

    def _entry(self, name: str) -> _Entry:
        entry = self._entries.get(name)
        if entry is None:
            raise NotFoundError(f"there is no task {name}")
        return entry


def _judge(entry: _Entry, result: object, *, timed_out: bool) -> tuple[Outcome, str]:
    """How a run ended, and the sentence of its error; one that nobody foresaw goes to the log with its traceback."""
    if timed_out:
        return Outcome.TIMED_OUT, f"it took longer than {entry.record.task.timeout_s:g} s and was cancelled"
    if not isinstance(result, Failure):
        return Outcome.GOOD, ""
    if isinstance(result.value, CancelledError) and entry.removed:
        return Outcome.STOPPED, ""
    sentence = f"{result.type.__name__ if result.type else 'error'}: {result.getErrorMessage()}"
    if isinstance(result.value, TocsinError):
        return Outcome.FAILED, str(result.value)
    if entry.record.last_error != sentence:  # one traceback for each new defect, not one for each run
        _log.failure("defect in task {name}", failure=result, name=entry.record.name)
    return Outcome.DEFECT, sentence

"""One task as the scheduler sees it: what it is doing, how its runs went, who wants to know."""

from __future__ import annotations

import enum

from msgspec import Struct

from collectors.framework.interfaces import ITask, TaskState
from collectors.framework.observing import Observer, Observers


class Outcome(enum.Enum):
    """How a run ended.

    `FAILED` is a failure that the task foresaw and has told of; `DEFECT` is any other exception; `TIMED_OUT` took
    longer than the task allows; `STOPPED` was ended by us, because the task was removed or the daemon stops.
    """

    GOOD = "good"
    FAILED = "failed"
    DEFECT = "defect"
    TIMED_OUT = "timed_out"
    STOPPED = "stopped"


def time_of_run(record: TaskRecord, what: str, new: object) -> float | None:
    """The seconds of a run, where a change is that it has ended by itself; None for any other change."""
    return record.last_duration_s if what == "outcome" and new is not Outcome.STOPPED else None


def job_of(name: str, device: str) -> str:
    """Which of the tasks of a device one is, by its name; empty where there is but one."""
    return name.partition(f":{device}:")[2]


class TaskFigures(Struct, frozen=True, kw_only=True):
    """How a task fares, at one moment.

    Attributes:
        since_s: how long it has been in its state.
        seconds_in: by state, all the time since it was added.
        late: turns that came while the task still ran or waited.
        failed: runs that did not end well, those that timed out among them.
    """

    name: str
    device: str
    interval_s: int
    state: str
    since_s: float
    seconds_in: dict[str, float]
    runs: int
    late: int
    failed: int
    timed_out: int
    last_outcome: str
    last_error: str
    last_duration_s: float | None


class TaskRecord:
    """State and statistics of one task. Only the scheduler changes it; everybody may read and observe.

    Args:
        everybody: those who watch all tasks.

    Attributes:
        device: id of the device that it works for.
        runs, late, failed, timed_out: counts since it was added.
        last_error: sentence of the last run that failed; empty after a good one.
        last_duration_s: of the last run; None before the first.
    """

    def __init__(self, task: ITask, device: str, now: float, everybody: Observers | None = None) -> None:
        self.task = task
        self.name: str = task.name
        self.device = device
        self.interval_s: int = task.interval_s
        self.state = TaskState.IDLE
        self.runs = 0
        self.late = 0
        self.failed = 0
        self.timed_out = 0
        self.last_outcome: Outcome | None = None
        self.last_error = ""
        self.last_duration_s: float | None = None
        self._everybody = everybody
        self._observers: Observers | None = None  # few tasks have any
        self._since = now
        self._seconds_in: dict[TaskState, float] = {}

    def observe(self, observer: Observer) -> None:
        """Call an observer with each change of this task (see `observing`)."""
        if self._observers is None:
            self._observers = Observers()
        self._observers.observe(observer)

    def unobserve(self, observer: Observer) -> None:
        """Call it no more; one that is not there is no error."""
        if self._observers is not None:
            self._observers.unobserve(observer)

    def enter(self, state: TaskState, now: float) -> None:
        """Change the state at a moment of the monotonic clock."""
        old, self.state = self.state, state
        self._seconds_in[old] = self._seconds_in.get(old, 0.0) + now - self._since
        self._since = now
        if old is not state:
            self._tell("state", old, state)

    def pace(self, interval_s: int) -> bool:
        """Take another interval; says whether it is another."""
        old, self.interval_s = self.interval_s, interval_s
        if old == interval_s:
            return False
        self._tell("interval", old, interval_s)
        return True

    def ended(self, outcome: Outcome, error: str, duration_s: float) -> None:
        """Count a run."""
        self.runs += 1
        self.failed += outcome in {Outcome.FAILED, Outcome.DEFECT, Outcome.TIMED_OUT}
        self.timed_out += outcome is Outcome.TIMED_OUT
        self.last_error = error
        self.last_duration_s = duration_s
        old, self.last_outcome = self.last_outcome, outcome
        self._tell("outcome", old, outcome)

    def figures(self, now: float) -> TaskFigures:
        """All of it, at a moment of the monotonic clock."""
        seconds = {**self._seconds_in, self.state: self._seconds_in.get(self.state, 0.0) + now - self._since}
        return TaskFigures(
            name=self.name,
            device=self.device,
            interval_s=self.interval_s,
            state=self.state.value,
            since_s=round(now - self._since, 3),
            seconds_in={state.value: round(spent, 3) for state, spent in seconds.items()},
            runs=self.runs,
            late=self.late,
            failed=self.failed,
            timed_out=self.timed_out,
            last_outcome=self.last_outcome.value if self.last_outcome else "",
            last_error=self.last_error,
            last_duration_s=self.last_duration_s,
        )

    def _tell(self, what: str, old: object, new: object) -> None:
        for observers in (self._everybody, self._observers):
            if observers is not None:
                observers.tell(self, what, old, new)

"""`task_failed`: opened when a task ends in a way that nobody foresaw, closed by its next good run.

Where a device has several tasks, each has an event of its own: `task_failed:JOB`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from collectors.framework.interfaces import IEventSink, IStateStore
from collectors.framework.task import Outcome, TaskRecord, job_of
from common.errors import TransientError
from common.events import Event, Severity
from common.queries import Decision

KEY = "task_failed"

_OPENS = frozenset({Outcome.DEFECT, Outcome.TIMED_OUT})
_log = Logger()


class TaskAlarms:
    """Observes tasks. That an alarm is open is kept on disk with its event, so that it also closes after a restart.

    Args:
        event_class: of the events.
        wall: epoch seconds.
    """

    def __init__(self, events: IEventSink, states: IStateStore, event_class: str, wall: Callable[[], float]) -> None:
        self._events = events
        self._states = states
        self._event_class = event_class
        self._wall = wall
        self._open: dict[str, bool] = {}

    def observe(self, record: TaskRecord, what: str, _old: object, new: object) -> None:
        """See a change of a task (`task.Observer`)."""
        if what != "outcome":
            return
        if new in _OPENS:
            # Each time: the hub counts them, and the text may be another one.
            Deferred.fromCoroutine(self._say(record.name, record.device, record.last_error, opens=True))
        elif new is Outcome.GOOD and self._is_open(record.name):
            Deferred.fromCoroutine(self._say(record.name, record.device, "runs again", opens=False))

    def decided(self, decision: Decision, names: Iterable[str]) -> bool:
        """Take note of what an operator made of `task_failed`; `names` are the tasks of the device."""
        key, _, job = decision.event_key.partition(":")
        if (decision.event_class, key) != (self._event_class, KEY):
            return False
        for name in names:
            if job_of(name, decision.device) == job:
                self._open[name] = decision.open
        return True

    def forget(self, name: str) -> None:
        """A task is gone."""
        if self._is_open(name):
            self._states.forget(_key(name))
        self._open.pop(name, None)

    def end(self, name: str, device: str) -> None:
        """A task of a device that stays is gone."""
        if self._is_open(name):
            Deferred.fromCoroutine(self._say(name, device, "it is done no more", opens=False))
        self._open.pop(name, None)

    def _is_open(self, name: str) -> bool:
        known = self._open.get(name)
        if known is None:
            known = self._open[name] = self._states.load(_key(name)) == b"open"
        return known

    async def _say(self, name: str, device: str, text: str, *, opens: bool) -> None:
        job = job_of(name, device)
        event = Event(
            device=device,
            event_class=self._event_class,
            event_key=f"{KEY}:{job}"[:512] if job else KEY,
            severity=Severity.ERROR if opens else Severity.CLEAR,
            summary=f"{name}: {text}".splitlines()[0][:512],
            message=text[:8192],
            at=self._wall(),
            group="Daemon",
        )
        self._open[name] = opens
        try:
            await self._events.send([event], _key(name), b"open" if opens else b"closed")
        except TransientError as error:
            self._open[name] = not opens  # it is said with the next run
            _log.error("task_failed of {name} cannot be kept: {error}", name=name, error=str(error))
        except Exception:  # noqa: BLE001 - the supervisor of this event
            _log.failure("defect while telling of task {name}", name=name)


def _key(name: str) -> str:
    return f"task_failed:{name}"

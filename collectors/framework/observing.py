"""Who watches tasks: statistics, pages, tests.

An observer is a function, called as (record, what, old, new) right after a change:

`state`: `TaskState` before and now; `CLOSED` is the last thing that is told of a task.
`interval`: seconds before and now.
`outcome`: `Outcome` of the run before, None before the first, and of the one that has just ended, also when both are
the same.

It is called from the reactor's thread and must not wait. It may subscribe and unsubscribe while it is called, itself
and others: who is taken away is not called any more, who comes hears of the next change. One that raises hurts neither
the task nor other observers; its first error is in the log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

Observer = Callable[[Any, str, object, object], None]
"""Called as (`task.TaskRecord`, what, old, new)."""

_log = Logger()


class _Subscription:
    __slots__ = ("ailing", "ended", "observer")

    def __init__(self, observer: Observer) -> None:
        self.observer = observer
        self.ended = False
        self.ailing = False


class Observers:
    """Those who watch one task, or all tasks of a scheduler."""

    __slots__ = ("_all",)

    def __init__(self) -> None:
        self._all: tuple[_Subscription, ...] = ()

    def observe(self, observer: Observer) -> None:
        """Call an observer with every change from now on; one that is there already is not called twice."""
        if not any(one.observer == observer for one in self._all):
            self._all = (*self._all, _Subscription(observer))

    def unobserve(self, observer: Observer) -> None:
        """Call an observer no more; one that is not there is no error."""
        for one in self._all:
            if one.observer == observer:
                one.ended = True
        self._all = tuple(one for one in self._all if not one.ended)

    def tell(self, record: Any, what: str, old: object, new: object) -> None:
        """Call all of them."""
        for one in self._all:
            if one.ended:
                continue
            try:
                one.observer(record, what, old, new)
            except Exception:  # noqa: BLE001 - the supervisor of observers: their defects are not the task's
                if not one.ailing:
                    one.ailing = True
                    _log.failure("an observer of {name} failed; it is said once", name=record.name)

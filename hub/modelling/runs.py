"""Modellings that somebody asked for: which devices have answered, and who waits for them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

from msgspec import Struct
from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004 - Twisted's, raised by addTimeout
from twisted.internet.interfaces import IReactorTime

from common.errors import NotFoundError

MAX_RUNS = 50

T = TypeVar("T")


class Answer(Struct, Generic[T], frozen=True, kw_only=True):
    """What came of a device.

    Attributes:
        found: what the modelling changes; None when there was none.
        problem: why there was none; empty otherwise.
    """

    device: str
    found: T | None = None
    problem: str = ""


class Run(Generic[T]):
    """One modelling of some devices.

    Attributes:
        dry_run: it changes nothing.
        answers: in the order in which they came.
    """

    def __init__(self, id_: str, devices: Iterable[str], *, dry_run: bool) -> None:
        self.id = id_
        self.dry_run = dry_run
        self.answers: list[Answer[T]] = []
        self._waiting = dict.fromkeys(devices)
        self._total = len(self._waiting)
        self._watchers: list[Deferred[None]] = []

    @property
    def total(self) -> int:
        """How many devices were asked."""
        return self._total

    @property
    def waiting(self) -> list[str]:
        """Devices that have not answered yet, in the order in which they were asked."""
        return list(self._waiting)

    def answer(self, answer: Answer[T]) -> None:
        """Take an answer; only the first of each device that was asked counts."""
        if answer.device not in self._waiting:
            return
        del self._waiting[answer.device]
        self.answers.append(answer)
        watchers, self._watchers = self._watchers, []
        for watcher in watchers:
            watcher.callback(None)

    async def more_than(self, seen: int, clock: IReactorTime, wait_s: float) -> None:
        """Wait until there are more answers than these, or nobody is left to answer, or the time is over."""
        if len(self.answers) > seen or not self._waiting or wait_s <= 0:
            return
        watcher: Deferred[None] = Deferred()
        self._watchers.append(watcher)
        watcher.addTimeout(wait_s, clock)
        try:
            await watcher
        except TimeoutError:
            return
        finally:
            if watcher in self._watchers:
                self._watchers.remove(watcher)


class Runs(Generic[T]):
    """The newest runs, by id."""

    def __init__(self) -> None:
        self._runs: dict[str, Run[T]] = {}

    def begin(self, id_: str, devices: Iterable[str], *, dry_run: bool) -> Run[T]:
        """Begin a run; the oldest is forgotten when there are too many."""
        run: Run[T] = Run(id_, devices, dry_run=dry_run)
        self._runs[id_] = run
        while len(self._runs) > MAX_RUNS:
            del self._runs[next(iter(self._runs))]
        return run

    def get(self, id_: str) -> Run[T]:
        """Look up a run.

        Raises:
            NotFoundError: there is none, or none any more.
        """
        run = self._runs.get(id_)
        if run is None:
            raise NotFoundError(f"there is no modelling {id_[:40]!r}; the hub knows the last {MAX_RUNS}")
        return run

    def answer(self, id_: str, answer: Answer[T]) -> None:
        """Take an answer to a run, if it is known."""
        run = self._runs.get(id_)
        if run is not None:
            run.answer(answer)

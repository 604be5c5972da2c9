"""Modellings that somebody asked for: which devices have answered, and who waits for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sized
from typing import Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace
from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004 - Twisted's, raised by addTimeout
from twisted.internet.interfaces import IReactorTime

from common.errors import NotFoundError

MAX_RUNS = 50
MAX_BYTES = 64 * 1024 * 1024
"""Of the answers of all runs together."""
KEPT_S = 3600.0
"""How long a run is known after its last answer."""
ANSWER_BYTES = 200
"""What an answer takes that says nothing."""

T = TypeVar("T", bound=Sized)


class Answer(Struct, Generic[T], frozen=True, kw_only=True):
    """What came of a device.

    Attributes:
        found: what the modelling changes; None when there was none. Its length is its size in bytes.
        problem: why there was none; empty otherwise.
    """

    device: str
    found: T | None = None
    problem: str = ""

    @property
    def size_bytes(self) -> int:
        """About what it takes in memory."""
        return ANSWER_BYTES + len(self.device) + len(self.problem) + (0 if self.found is None else len(self.found))


class Run(Generic[T]):
    """One modelling of some devices.

    Attributes:
        dry_run: it changes nothing.
        answers: in the order in which they came.
        asked: whose modeler has been asked, by device.
        heard: monotonic seconds of the last answer, or of the begin.
        size_bytes: about what the answers take in memory.
    """

    def __init__(self, id_: str, devices: Iterable[str], *, dry_run: bool, now: float = 0.0) -> None:
        self.id = id_
        self.dry_run = dry_run
        self.answers: list[Answer[T]] = []
        self.asked: dict[str, str] = {}
        self.heard = now
        self.size_bytes = 0
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

    @property
    def is_over(self) -> bool:
        """Whether all have answered."""
        return not self._waiting

    def waits_for(self, collector: str) -> list[str]:
        """Devices that a collector's modeler has been asked for, and that have not answered yet."""
        return [device for device in self._waiting if self.asked.get(device) == collector]

    def answer(self, answer: Answer[T], now: float = 0.0) -> None:
        """Take an answer; only the first of each device that was asked counts."""
        if answer.device not in self._waiting:
            return
        del self._waiting[answer.device]
        self.asked.pop(answer.device, None)
        self.answers.append(answer)
        self.size_bytes += answer.size_bytes
        self.heard = now
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
    """The newest runs, by id.

    Args:
        seconds: the monotonic clock.
        max_bytes: of all answers together; then the oldest runs are forgotten, and at last what devices have to say.
    """

    def __init__(self, seconds: Callable[[], float], max_bytes: int = MAX_BYTES) -> None:
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._runs: dict[str, Run[T]] = {}

    def __len__(self) -> int:
        return len(self._runs)

    def begin(self, id_: str, devices: Iterable[str], *, dry_run: bool) -> Run[T]:
        """Begin a run; the oldest is forgotten when there are too many."""
        run: Run[T] = Run(id_, devices, dry_run=dry_run, now=self._seconds())
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
            raise NotFoundError(
                f"there is no modelling {id_[:40]!r}; the hub knows the last {MAX_RUNS}, each for an hour, and fewer "
                "when they have much to tell"
            )
        return run

    def open(self) -> list[Run[T]]:
        """The runs that wait for somebody."""
        return [run for run in self._runs.values() if not run.is_over]

    def answer(self, id_: str, answer: Answer[T]) -> None:
        """Take an answer to a run, if it is known."""
        run = self._runs.get(id_)
        if run is not None:
            run.answer(self._fitted(run, answer), self._seconds())

    def forget_old(self) -> None:
        """Forget the runs that nobody has waited for for an hour."""
        before = self._seconds() - KEPT_S
        self._runs = {id_: run for id_, run in self._runs.items() if not run.is_over or run.heard > before}

    def _fitted(self, run: Run[T], answer: Answer[T]) -> Answer[T]:
        """An answer that there is room for; the oldest of the other runs make room."""
        size = answer.size_bytes + sum(one.size_bytes for one in self._runs.values())
        for other in list(self._runs.values()):
            if size <= self._max_bytes:
                return answer
            if other is not run and other.is_over:
                del self._runs[other.id]
                size -= other.size_bytes
        if size <= self._max_bytes or answer.found is None:
            return answer
        told = "it was modelled; what that found is more than the hub keeps of so many devices: model fewer at once"
        return replace(answer, found=None, problem=told)

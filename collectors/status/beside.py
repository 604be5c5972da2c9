"""Asks what may never answer, in threads beside the reactor: a network filesystem whose server is away, for example.

A question that is held up holds up its own thread, and nothing else: it is not asked again until it has its answer, and
threads are bounded. They do not keep the process from ending.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from msgspec import Struct
from twisted.internet.defer import Deferred

T = TypeVar("T")

PATIENCE_S = 0.5
HELP_S = 0.05
"""After so long without all answers, questions that nobody has begun with get threads of their own."""
MOST_THREADS = 24

InThread = Callable[[Callable[[], None]], None]


class Answer(Struct, frozen=True, kw_only=True):
    """What became of a question.

    Attributes:
        error: that it ended with.
        waiting_s: for how long it has been waited for; None once it is there.
    """

    value: Any = None
    error: Exception | None = None
    waiting_s: float | None = None


class _Question:
    __slots__ = ("answer", "asked", "batch", "key", "work")

    def __init__(self, key: str, work: Callable[[], object], asked: float, batch: _Batch) -> None:
        self.key = key
        self.work = work
        self.asked = asked
        self.batch: _Batch | None = batch
        self.answer: Answer | None = None


class _Batch:
    """Questions that were asked together, and are waited for together."""

    __slots__ = ("calls", "done", "missing")

    def __init__(self) -> None:
        self.missing = 0
        self.done: Deferred[None] = Deferred()
        self.calls: list[Any] = []

    def end(self) -> None:
        """Wait no longer."""
        for call in self.calls:
            if call.active():
                call.cancel()
        if not self.done.called:
            self.done.callback(None)


def in_daemon_thread(work: Callable[[], None]) -> None:
    """Begin work in a thread that does not keep the process from ending."""
    threading.Thread(target=work, name="status of this host", daemon=True).start()


class Beside:
    """Asks questions in threads of its own.

    Args:
        clock: the reactor (`IReactorTime` and `callFromThread`).
        monotonic: seconds of a clock that nobody sets.
        patience_s: how long one round of questions is waited for.
        most: threads.
        begin: begins one.
    """

    def __init__(
        self,
        clock: Any,
        monotonic: Callable[[], float],
        patience_s: float = PATIENCE_S,
        most: int = MOST_THREADS,
        begin: InThread = in_daemon_thread,
    ) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._patience_s = patience_s
        self._most = most
        self._begin = begin
        self._wake = threading.Condition()
        self._waiting: deque[_Question] = deque()
        self._asked: dict[str, _Question] = {}
        self._late: dict[str, Answer] = {}
        self._batches: set[_Batch] = set()
        self._threads = 0
        self._idle = 0
        self._closed = False

    @property
    def threads(self) -> int:
        """How many there are now."""
        return self._threads

    async def ask(self, questions: Mapping[str, Callable[[], object]]) -> dict[str, Answer]:
        """Ask, and return what there is once all have answered or patience is over.

        A question that has not been answered since an earlier round is not asked again. An answer that came too late
        for its round is that of the next one.
        """
        now = self._monotonic()
        batch = _Batch()
        with self._wake:
            late, self._late = self._late, {}
            asked: dict[str, _Question] = {}
            for key, work in questions.items():
                if key not in self._asked and key not in late:
                    asked[key] = self._asked[key] = _Question(key, work, now, batch)
            self._waiting.extend(asked.values())
            batch.missing = len(asked)
        if asked and not self._closed:
            self._batches.add(batch)
            batch.calls = [
                self._clock.callLater(HELP_S, self._help),
                self._clock.callLater(self._patience_s, batch.end),
            ]
            self._have_one()
            try:
                await batch.done
            finally:
                batch.end()
                self._batches.discard(batch)
        return self._answers(questions, asked, late)

    def close(self) -> None:
        """Ask nothing more; threads that are held up are left behind."""
        with self._wake:
            self._closed = True
            self._waiting.clear()
            self._wake.notify_all()
        for batch in tuple(self._batches):
            batch.end()

    def _answers(
        self, questions: Mapping[str, Callable[[], object]], asked: Mapping[str, _Question], late: Mapping[str, Answer]
    ) -> dict[str, Answer]:
        now = self._monotonic()
        answers: dict[str, Answer] = {}
        with self._wake:
            for key in questions:
                question = asked.get(key)
                found = question.answer if question is not None else late.get(key)
                if question is not None and found is None:
                    question.batch = None  # what it brings is for the next round
                if found is None:
                    held = question or self._asked.get(key)
                    found = Answer(waiting_s=now - held.asked if held is not None else 0.0)
                answers[key] = found
        return answers

    # --- threads ------------------------------------------------------------------------------------------------------

    def _have_one(self) -> None:
        """See to it that somebody begins."""
        with self._wake:
            self._wake.notify()
            needed = not self._idle and self._threads < self._most
            self._threads += needed
        if needed:
            self._start()

    def _help(self) -> None:
        """A question is held up: those behind it get threads of their own."""
        with self._wake:
            more = min(len(self._waiting), self._most - self._threads)
            self._threads += more
        for _ in range(more):
            self._start()

    def _start(self) -> None:
        try:
            self._begin(self._work)
        except RuntimeError:  # no more threads for this process or user: the next round tries again
            with self._wake:
                self._threads -= 1

    def _work(self) -> None:
        """What a thread does: questions, until another one is idle, too."""
        while (question := self._next()) is not None:
            try:
                answer = Answer(value=question.work())
            except Exception as error:  # noqa: BLE001 - whatever it is goes to whoever asked
                answer = Answer(error=error)
            self._end(question, answer)

    def _next(self) -> _Question | None:
        with self._wake:
            while not self._waiting:
                if self._closed or self._idle:
                    self._threads -= 1
                    return None
                self._idle += 1
                try:
                    self._wake.wait()
                finally:
                    self._idle -= 1
            return self._waiting.popleft()

    def _end(self, question: _Question, answer: Answer) -> None:
        batch = None
        with self._wake:
            del self._asked[question.key]
            if question.batch is None:
                self._late[question.key] = answer
            else:
                question.answer = answer
                question.batch.missing -= 1
                if not question.batch.missing:
                    batch = question.batch
        if batch is not None and not self._closed:
            self._clock.callFromThread(batch.end)

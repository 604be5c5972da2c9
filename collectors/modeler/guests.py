"""Reads this host for plugins of packages, each in a thread of its own: one that hangs holds up nobody else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.logger import Logger

WITHIN_S = 30.0

_log = Logger()


class Guests:
    """Reads for them.

    Args:
        reactor: where results come back.
        clock: for the time that each has.
        in_thread: how to begin a thread.
    """

    def __init__(self, reactor: Any, clock: Any, in_thread: Callable[[Callable[[], None]], None]) -> None:
        self._reactor = reactor
        self._clock = clock
        self._in_thread = in_thread
        self._busy: set[str] = set()  # longer than a reading that was given up

    async def read(self, readers: Mapping[str, Callable[[], object]]) -> tuple[dict[str, object], dict[str, str]]:
        """What readers give, and what was wrong with those that gave nothing, by the names of their plugins."""
        rows: dict[str, object] = {}
        problems = {name: "an earlier reading of this host by it still waits" for name in readers if name in self._busy}
        waiting = [self._one(name, readers[name], rows, problems) for name in readers if name not in self._busy]
        await gatherResults(waiting)
        return rows, problems

    def _one(
        self, name: str, reader: Callable[[], object], rows: dict[str, object], problems: dict[str, str]
    ) -> Deferred[None]:
        done: Deferred[None] = Deferred(lambda _: None)
        self._busy.add(name)

        def end(given: object, problem: str) -> None:
            self._busy.discard(name)
            if done.called:
                return
            late.cancel()
            if problem:
                problems[name] = problem
            else:
                rows[name] = given
            done.callback(None)

        def give_up() -> None:
            problems[name] = f"it did not read this host within {WITHIN_S:g} s"
            done.callback(None)

        def work() -> None:
            given: object = None
            problem = ""
            try:
                given = reader()
            except Exception as error:  # noqa: BLE001 - the supervisor of the thread
                _log.failure("this host could not be read for {name}", name=name)
                problem = f"this host could not be read: {type(error).__name__}: {error}"
            self._reactor.callFromThread(end, given, problem)

        late = self._clock.callLater(WITHIN_S, give_up)
        self._in_thread(work)
        return done

"""The live tier: passes at a rate, in memory, whoever asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from collectors.status.passes import Pass
from collectors.status.tree import Branch, tree_of
from common.errors import TocsinError, TransientError

SLOW_AFTER = 10
"""Passes in a row that are slow, or not, before it is said."""

MOST_LOOKS = 2
"""For one who wants a new pass: one that is under way may have begun too early."""

_log = Logger()


class Looks(Protocol):
    """Takes passes; see `collectors.status.watcher`."""

    async def look(self) -> Pass:
        """Take one."""
        raise NotImplementedError


class Live(Service):
    """Has a pass taken so many times a second, by the clock: what one takes delays no later one; none is made up for.

    Args:
        clock: monotonic.
        watcher: takes passes.
        rate: a second.
        on_problem: told a sentence when something goes wrong, and "" when all is well again.
        inodes: the tree has those of filesystems.
        on_pass: told of each pass.

    Attributes:
        latest: the newest pass.
        before: the one before it.
        passes, skipped: how many were taken, and turns that came while one was under way.
    """

    def __init__(
        self,
        clock: IReactorTime,
        watcher: Looks,
        rate: float,
        on_problem: Callable[[str], None],
        *,
        inodes: bool = True,
        on_pass: Callable[[Pass], None] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._watcher = watcher
        self._interval_s = 1.0 / rate
        self._on_problem = on_problem
        self._inodes = inodes
        self._on_pass = on_pass
        self._began = 0.0
        self._changed = 0.0
        self._turn = 0
        self._call: IDelayedCall | None = None
        self._waiting: list[Deferred[None]] = []
        self._tree: tuple[Pass, Branch] | None = None
        self._slow = False
        self._row = 0
        self._told = ""
        self.latest: Pass | None = None
        self.before: Pass | None = None
        self.passes = 0
        self.skipped = 0

    @property
    def interval_s(self) -> float:
        """Seconds from pass to pass."""
        return self._interval_s

    def startService(self) -> None:
        """Take the first pass now."""
        super().startService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        self._began, self._turn = self._clock.seconds(), 0
        self._look()

    def stopService(self) -> None:
        """Take no more."""
        super().stopService()  # type: ignore[no-untyped-call]  # Twisted has no types here
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._call = None

    async def first(self) -> None:
        """Wait until there is a pass, or the first one has failed."""
        if self.latest is None and not self._told:
            waiting: Deferred[None] = Deferred()
            self._waiting.append(waiting)
            await waiting

    def tree(self) -> Branch:
        """The last pass as a tree.

        Raises:
            TransientError: there is none yet.
        """
        if self.latest is None:
            raise TransientError(self._told or "this host was not read yet; ask again in a moment")
        if self._tree is None or self._tree[0] is not self.latest:
            self._tree = self.latest, tree_of(self.latest, self.before, inodes=self._inodes)
        return self._tree[1]

    def changed(self) -> None:
        """Something else is wanted: passes that have begun before do not have it."""
        self._changed = self._clock.seconds()

    async def no_older_than(self, age_s: float) -> Pass:
        """The last pass, or a new one where that is older, or has not read what is wanted now.

        Raises:
            TocsinError: none could be taken.
        """
        found = self.latest
        for _ in range(MOST_LOOKS):
            if found is not None and self._clock.seconds() - found.monotonic <= age_s and self._has_all(found):
                break
            found = await self._watcher.look()
            self._take(found)
        assert found is not None
        return found

    def _has_all(self, taken: Pass) -> bool:
        return taken.monotonic >= self._changed

    def _look(self) -> None:
        self._call = None
        Deferred.fromCoroutine(self._looked())

    async def _looked(self) -> None:
        trouble = ""
        try:
            self._take(await self._watcher.look())
        except TocsinError as error:
            trouble = error.message
        except Exception as error:  # noqa: BLE001 - the supervisor of passes: the next one may be better
            _log.failure("defect while this host was read")
            trouble = f"this host could not be read: {type(error).__name__}; the log has more"
        self._judge(trouble)
        self._release()
        if self.running:
            self._next()

    def _take(self, taken: Pass) -> None:
        if taken is not self.latest:
            self.before, self.latest = self.latest, taken
            self.passes += 1
            self._on_pass(taken)

    def _next(self) -> None:
        """Wait for the next turn that has not passed yet."""
        now = self._clock.seconds()
        turn = max(self._turn + 1, int((now - self._began) / self._interval_s) + 1)
        self.skipped += turn - self._turn - 1
        self._turn = turn
        self._call = self._clock.callLater(max(0.0, self._began + turn * self._interval_s - now), self._look)

    def _judge(self, trouble: str) -> None:
        """Tell of passes that fail, and of those that again and again take longer than the rate leaves them."""
        if trouble:
            self._slow, self._row = False, 0
            self._tell(trouble)
            return
        took_s = self.latest.took_s if self.latest is not None else 0.0
        self._row = self._row + 1 if self._slow != (took_s > self._interval_s) else 0
        if self._row >= SLOW_AFTER:
            self._slow, self._row = not self._slow, 0
        self._tell(
            f"reading this host takes {took_s:.3g} s, and rate asks for it each {self._interval_s:.3g} s: turns are "
            "left out. Lower rate in [status], or watch less"
            if self._slow
            else ""
        )

    def _tell(self, sentence: str) -> None:
        if bool(sentence) != bool(self._told):
            self._on_problem(sentence)
        self._told = sentence

    def _release(self) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)

"""A few calls at a time; further ones wait in line, not for ever and not in any number."""

from __future__ import annotations

from collections import deque
from types import TracebackType

from twisted.internet.defer import CancelledError, Deferred, TimeoutError  # noqa: A004 - Twisted's, raised by addTimeout
from twisted.internet.interfaces import IReactorTime

from common.errors import TransientError


class Lane:
    """Used as `async with lane:` around a call; closed until `open` is called.

    Attributes:
        limit: calls at a time.
        line: how many may wait.
        wait_s: how long one may wait.
    """

    def __init__(self, clock: IReactorTime, *, limit: int, line: int, wait_s: float) -> None:
        self._clock = clock
        self.limit = limit
        self.line = line
        self.wait_s = wait_s
        self._free = 0
        self._closed = ""
        self._waiting: deque[Deferred[None]] = deque()

    def open(self) -> None:
        """Let the first calls through."""
        self._free = self.limit
        while self._free and self._waiting:
            self._free -= 1
            self._waiting.popleft().callback(None)

    def close(self, reason: str) -> None:
        """Fail all that wait, and all that will come."""
        self._closed = reason
        waiting, self._waiting = self._waiting, deque()
        for deferred in waiting:
            deferred.errback(TransientError(reason))

    async def __aenter__(self) -> None:
        """Wait for a turn.

        Raises:
            TransientError: the lane is closed, the line is full, or the turn did not come in time.
        """
        if self._closed:
            raise TransientError(self._closed)
        if self._free:
            self._free -= 1
            return
        if len(self._waiting) >= self.line:
            raise TransientError(f"{self.line} calls wait already; try again later")
        turn: Deferred[None] = Deferred()
        self._waiting.append(turn)
        turn.addTimeout(self.wait_s, self._clock)
        try:
            await turn
        except (TimeoutError, CancelledError) as error:
            self._waiting.remove(turn)
            if isinstance(error, CancelledError):
                raise
            raise TransientError(f"the calls before this one took longer than {self.wait_s:g} s") from None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        """Let the next one go."""
        if self._waiting:
            self._waiting.popleft().callback(None)
        elif not self._closed:
            self._free += 1

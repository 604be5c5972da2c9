"""Takes passes: asks every reader beside the reactor, and waits for none longer than its patience."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from collectors.status.passes import Pass, Wanted


class Watcher:
    """Reads this host, one pass at a time.

    Args:
        wanted: what is read.
        clock: the reactor (`IReactorTime` and `callFromThread`).
        wall: epoch seconds.
    """

    def __init__(self, wanted: Wanted, clock: Any, wall: Callable[[], float]) -> None:
        self._wanted = wanted
        self._clock = clock
        self._wall = wall
        self.last: Pass | None = None

    async def look(self) -> Pass:
        """Take a pass; while one is under way, that one is waited for."""
        raise NotImplementedError

    def update(self, wanted: Wanted) -> None:
        """Want something else from the next pass on; what stays wanted keeps what is known of it."""
        self._wanted = wanted

    def close(self) -> None:
        """Take no more passes; threads that are held up end with the process."""

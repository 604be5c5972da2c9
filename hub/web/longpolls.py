"""A bound on how many requests may wait for something to happen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hub.web.refusals import RefusalError

MAX_WAIT_S = 60.0
MAX_POLLS = 200


class LongPolls:
    """Counts those that wait."""

    def __init__(self, limit: int = MAX_POLLS) -> None:
        self._limit = limit
        self.waiting = 0

    @contextmanager
    def one(self, wait_s: float) -> Iterator[None]:
        """Wait in here; one that does not wait at all is not counted.

        Raises:
            RefusalError: as many as may be are waiting already.
        """
        counted = 1 if wait_s > 0 else 0
        if counted and self.waiting >= self._limit:
            raise RefusalError("busy", f"{self._limit} requests wait already; ask without waiting, or try again later")
        self.waiting += counted
        try:
            yield
        finally:
            self.waiting -= counted

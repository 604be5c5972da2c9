"""One named thread for work that blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

T = TypeVar("T")


class Worker(Protocol):
    """Does blocking work somewhere else, piece after piece."""

    def start(self) -> None:
        """Be ready for work."""

    def stop(self) -> None:
        """Finish what was given, and end."""

    async def run(self, work: Callable[[], T]) -> T:
        """Have it done, and return what it gives."""
        raise NotImplementedError


class NamedThread:
    """A thread of its own."""

    def __init__(self, reactor: Any, name: str) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(1, 1, name)

    def start(self) -> None:
        """Start the thread."""
        self._pool.start()

    def stop(self) -> None:
        """Finish what was given, then end the thread; blocks until then."""
        self._pool.stop()

    async def run(self, work: Callable[[], T]) -> T:
        """Do it in the thread."""
        return await deferToThreadPool(self._reactor, self._pool, work)

"""One named thread for work that blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool
from zope.interface import implementer

from common.errors import TransientError
from hub.model.interfaces import IWorker

T = TypeVar("T")

MAX_WAITING = 1000


@implementer(IWorker)
class NamedThread:
    """A thread of its own; what is given to it is done in order.

    Attributes:
        waiting: pieces of work that are under way or wait for their turn.
    """

    def __init__(self, reactor: IReactorFromThreads, name: str) -> None:
        self._reactor = reactor
        self._name = name
        self._pool = ThreadPool(minthreads=1, maxthreads=1, name=name)
        self.waiting = 0

    def start(self) -> None:
        """Begin to work."""
        self._pool.start()

    def stop(self) -> None:
        """Finish what was given, then end; blocks until then."""
        self._pool.stop()

    async def run(self, work: Callable[[], T]) -> T:
        """Do it in the thread."""
        if self.waiting >= MAX_WAITING:
            raise TransientError(f"{self._name}: {self.waiting} pieces of work are waiting already; try again later")
        self.waiting += 1
        done = deferToThreadPool(self._reactor, self._pool, work)
        # Counted down when the thread is done, not when the caller gave up waiting.
        done.addBoth(self._finished)
        return await done

    def _finished(self, result: Any) -> Any:
        self.waiting -= 1
        return result

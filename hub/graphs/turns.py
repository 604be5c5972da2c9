"""Who draws when: not more at once of one collector than it can do, and not more in all than the hub has room for."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import DeferredSemaphore

from common.errors import TransientError

T = TypeVar("T")

AT_ONCE = 4
MAX_WAITING = 400
MAX_OF_ONE = 150
"""Of one name: one that hangs leaves room for others."""


class Turns:
    """Lets so many pieces of work of one name go on at once; the others wait in order."""

    def __init__(self, at_once: int = AT_ONCE, most: int = MAX_WAITING, most_of_one: int = MAX_OF_ONE) -> None:
        self._at_once = at_once
        self._most = most
        self._most_of_one = most_of_one
        self._turns: dict[str, DeferredSemaphore] = {}
        self._under_way: dict[str, int] = {}

    @property
    def under_way(self) -> int:
        """Pieces of work that go on or wait."""
        return sum(self._under_way.values())

    async def take(self, name: str, work: Coroutine[Any, Any, T]) -> T:
        """Do it when it is its turn.

        Raises:
            TransientError: too many wait already.
        """
        if self.under_way >= self._most or self._under_way.get(name, 0) >= self._most_of_one:
            work.close()
            raise TransientError(f"{self.under_way} pictures are waiting to be drawn already; ask again in a moment")
        self._under_way[name] = self._under_way.get(name, 0) + 1
        turn = self._turns.setdefault(name, DeferredSemaphore(self._at_once))
        is_mine = False
        try:
            await turn.acquire()
            is_mine = True
            return await work
        finally:
            if is_mine:
                turn.release()
            else:
                work.close()
            self._under_way[name] -= 1
            if not self._under_way[name]:
                del self._under_way[name], self._turns[name]

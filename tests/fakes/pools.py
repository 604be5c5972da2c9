"""What the hub remembers of pools, in memory. It passes the same contract tests as the real store."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from zope.interface import implementer

from common.errors import TransientError
from hub.pools.interfaces import Absence, Entry, IPoolStore, Move


@implementer(IPoolStore)
class FakePoolStore:
    """Absences and moves; `broken` makes whatever is recorded fail, `slow` wait until it may go on."""

    def __init__(self, moves_kept: int = 10_000) -> None:
        self.kept: dict[tuple[str, str], Absence] = {}
        self.moved: list[Move] = []
        self.broken = ""
        self.slow = False
        self.waiting: list[Deferred[None]] = []
        self._moves_kept = moves_kept

    async def absences(self) -> list[Absence]:
        return [self.kept[who] for who in sorted(self.kept)]

    def go_on(self) -> None:
        """Be slow no more."""
        self.slow, waiting, self.waiting = False, self.waiting, []
        for turn in waiting:
            turn.callback(None)

    async def record(self, entry: Entry) -> None:
        if self.slow:
            turn: Deferred[None] = Deferred(self.waiting.remove)
            self.waiting.append(turn)
            await turn
        if self.broken:
            raise TransientError(self.broken)
        for who in entry.back:
            self.kept.pop(who, None)
        for one in entry.gone:
            self.kept[one.pool, one.collector] = one
        self.moved = [*self.moved, *entry.moves][-self._moves_kept :]

    async def moves(self, pool: str, limit: int) -> Sequence[Move]:
        return [move for move in reversed(self.moved) if move.pool == pool][:limit]

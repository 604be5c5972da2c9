"""What the hub remembers of moves, in memory. It passes the same contract tests as the real store."""

from __future__ import annotations

from collections.abc import Iterable

from zope.interface import implementer

from common.errors import TransientError
from hub.moving.interfaces import IMoveStore, Key, Move


@implementer(IMoveStore)
class FakeMoveStore:
    """`broken` makes whatever is recorded fail."""

    def __init__(self, done_kept: int = 1000) -> None:
        self.kept: dict[Key, Move] = {}
        self.broken = ""
        self._done_kept = done_kept

    async def moves(self) -> list[Move]:
        return sorted(self.kept.values(), key=lambda move: (move.since, *move.key))

    async def record(self, moves: Iterable[Move], gone: Iterable[Key] = ()) -> None:
        if self.broken:
            raise TransientError(self.broken)
        for key in gone:
            self.kept.pop(key, None)
        self.kept.update({move.key: move for move in moves})
        done = sorted(
            (move for move in self.kept.values() if move.done_at is not None),
            key=lambda move: (-(move.done_at or 0.0), *move.key),
        )
        for move in done[self._done_kept :]:
            del self.kept[move.key]

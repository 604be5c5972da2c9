"""All moves that are known, in memory and in the store."""

from __future__ import annotations

from collections.abc import Iterable

from hub.moving.interfaces import IMoveStore, Key, Move, Place

MOST_DONE = 1000


class Book:
    """Moves by source, and what of them is not stored yet."""

    def __init__(self, store: IMoveStore) -> None:
        self._store = store
        self._open: dict[Place, dict[str, Move]] = {}
        self._done: dict[Key, Move] = {}
        self._unwritten: dict[Key, Move | None] = {}

    async def load(self) -> None:
        """Take in what the store has."""
        for move in await self._store.moves():
            self._keep(move)

    async def save(self) -> None:
        """Write what has changed.

        Raises:
            TransientError: the store refused; it is tried again with the next call.
        """
        unwritten, self._unwritten = self._unwritten, {}
        if not unwritten:
            return
        try:
            await self._store.record(
                [move for move in unwritten.values() if move is not None],
                [key for key, move in unwritten.items() if move is None],
            )
        except BaseException:
            self._unwritten = {**unwritten, **self._unwritten}
            raise

    # --- looking ------------------------------------------------------------------------------------------------------

    def sources(self) -> list[Place]:
        """Daemons that have files of other collectors' devices."""
        return list(self._open)

    def at(self, source: Place) -> list[Move]:
        """Those that are not done, of a daemon, the eldest first."""
        return list(self._open.get(source, {}).values())

    def get(self, key: Key) -> Move | None:
        """One by its key."""
        device, *source = key
        return self._open.get((source[0], source[1]), {}).get(device) or self._done.get(key)

    def of(self, device: str) -> list[Move]:
        """All of a device, those that are done last."""
        return self.open_of(device) + [move for move in self._done.values() if move.device == device]

    def open_of(self, device: str) -> list[Move]:
        """Those of a device that are not done."""
        return [moves[device] for moves in self._open.values() if device in moves]

    def open(self) -> Iterable[Move]:
        """All that are not done."""
        return (move for moves in self._open.values() for move in moves.values())

    def done(self) -> Iterable[Move]:
        """Those that are, the newest first."""
        return reversed(self._done.values())

    @property
    def number(self) -> int:
        """How many are not done."""
        return sum(map(len, self._open.values()))

    # --- changing -----------------------------------------------------------------------------------------------------

    def put(self, move: Move) -> None:
        """Note a move, or what has changed of it."""
        if self.get(move.key) != move:
            self._keep(move)
            self._unwritten[move.key] = move

    def drop(self, key: Key) -> None:
        """Forget a move."""
        if self.get(key) is not None:
            self._forget(key)
            self._unwritten[key] = None

    def _keep(self, move: Move) -> None:
        if move.done_at is None:
            self._done.pop(move.key, None)
            self._open.setdefault(move.origin, {})[move.device] = move
            return
        self._forget(move.key)
        self._done[move.key] = move
        while len(self._done) > MOST_DONE:
            del self._done[next(iter(self._done))]

    def _forget(self, key: Key) -> None:
        device, collector, daemon = key
        source = collector, daemon
        self._done.pop(key, None)
        moves = self._open.get(source, {})
        moves.pop(device, None)
        if not moves:
            self._open.pop(source, None)

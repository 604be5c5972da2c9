"""Who waits for a place, lane by lane: those of one lane in order of arrival, the lanes in turn.

A lane has so many places of its own, so that whoever waits for one of them is passed by those of other lanes, and a
lane in which nothing moves takes no more places than these. Who is in no lane (the empty one) waits for nobody.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Lanes(Generic[T]):
    """The queue of all that wait.

    Args:
        limit: places in each lane.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: dict[str, int] = {}
        self._urgent: _Rotation[T] = _Rotation()
        self._others: _Rotation[T] = _Rotation()

    def __len__(self) -> int:
        return self._urgent.count + self._others.count

    def put(self, item: T, lane: str, *, first: bool = False) -> None:
        """Have one wait; with `first` before all that do not."""
        if first:
            self._urgent.put(item, lane, first=True)
        else:
            self._others.put(item, lane)

    def take(self) -> T | None:
        """The next one that may begin, which takes a place of its lane; None when there is none."""
        for rotation in (self._urgent, self._others):
            found = rotation.take(self._has_room)
            if found is not None:
                item, lane = found
                self._held[lane] = self._held.get(lane, 0) + 1
                return item
        return None

    def done(self, lane: str) -> None:
        """A place of a lane is free again."""
        left = self._held.pop(lane) - 1
        if left:
            self._held[lane] = left
        self._urgent.wake(lane)
        self._others.wake(lane)

    @property
    def may_begin(self) -> bool:
        """Whether it is worth while to take one."""
        return bool(self._urgent.turns or self._others.turns)

    def discard(self, item: T, lane: str) -> None:
        """Let one wait no more, if it does."""
        if not self._urgent.discard(item, lane):
            self._others.discard(item, lane)

    def clear(self) -> None:
        """Let nobody wait any more."""
        self._urgent, self._others = _Rotation(), _Rotation()

    def _has_room(self, lane: str) -> bool:
        return not lane or self._held.get(lane, 0) < self._limit


class _Rotation(Generic[T]):
    """Waiting lines whose heads are served in turn.

    Attributes:
        turns: lanes that have somebody waiting, and were not found without room since.
        count: of all that wait.
    """

    def __init__(self) -> None:
        self.turns: deque[str] = deque()
        self.count = 0
        self._lines: dict[str, deque[T]] = {}

    def put(self, item: T, lane: str, *, first: bool = False) -> None:
        line = self._lines.get(lane)
        if line is None:
            line = self._lines[lane] = deque()
            self.turns.append(lane)
        self.count += 1
        if first:
            line.appendleft(item)
            if lane in self.turns:
                self.turns.remove(lane)
                self.turns.appendleft(lane)
        else:
            line.append(item)

    def take(self, has_room: Callable[[str], bool]) -> tuple[T, str] | None:
        while self.turns:
            lane = self.turns.popleft()
            if not has_room(lane):
                continue  # until one of it is done
            line = self._lines[lane]
            item = line.popleft()
            self.count -= 1
            if line:
                self.turns.append(lane)
            else:
                del self._lines[lane]
            return item, lane
        return None

    def wake(self, lane: str) -> None:
        if lane in self._lines and lane not in self.turns:
            self.turns.append(lane)

    def discard(self, item: T, lane: str) -> bool:
        line = self._lines.get(lane)
        if line is None or item not in line:
            return False
        line.remove(item)
        self.count -= 1
        if not line:
            del self._lines[lane]
            if lane in self.turns:
                self.turns.remove(lane)
        return True

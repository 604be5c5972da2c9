"""When the processes of a set were started, or seen first: two columns, in place of a dict for each set (pure)."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence


class Starts(Mapping[int, float | None]):
    """Epoch seconds by pid; nothing of it is ever changed.

    Args:
        pids: rising.
        at: in their order; None where it is not known.
    """

    __slots__ = ("_at", "_pids")

    def __init__(self, pids: Sequence[int] = (), at: Sequence[float | None] = ()) -> None:
        self._pids = array("i", pids)
        # Most have been there since the same scan.
        self._at: float | tuple[float | None, ...] | None = at[0] if at and at.count(at[0]) == len(at) else tuple(at)

    def are_of(self, pids: list[int]) -> bool:
        """Whether they are of just these processes."""
        return len(pids) == len(self._pids) and pids == self._pids.tolist()

    def after(self, pid: int) -> Sequence[int]:
        """Processes whose pids are larger."""
        pids = self._pids
        return pids[bisect_right(pids, pid) :] if pids and pids[-1] > pid else ()

    def values_of(self, pids: list[int]) -> Sequence[float | None]:
        """Those of some processes; of them all the same, it is there once."""
        if not self.are_of(pids):
            return [self.get(pid) for pid in pids]
        return self._at if isinstance(self._at, tuple) else (self._at,)

    def __getitem__(self, pid: int) -> float | None:
        place = bisect_left(self._pids, pid)
        if place == len(self._pids) or self._pids[place] != pid:
            raise KeyError(pid)
        return self._at[place] if isinstance(self._at, tuple) else self._at

    def __contains__(self, pid: object) -> bool:
        return pid in self._pids

    def __iter__(self) -> Iterator[int]:
        return iter(self._pids)

    def __len__(self) -> int:
        return len(self._pids)


NOBODY = Starts()

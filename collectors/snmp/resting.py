"""Objects that say nothing are asked less and less often, until they answer (pure)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from msgspec import Struct

MOST_REST_S = 3600
"""Of what is read more often than that."""
MOST_DOUBLED = 12


class _Rest(Struct, frozen=True):
    """What is known of an object that says nothing.

    Attributes:
        times: how often it was asked in vain, in a row.
        since, until: epoch seconds of the step in which it was, and of the one in which it is asked again.
        came: what came.
    """

    times: int
    since: int
    until: int
    came: str


class Resting:
    """The objects of one source that say nothing, by number."""

    def __init__(self) -> None:
        self._rests: dict[int, _Rest] = {}

    def now(self, step: int) -> frozenset[int]:
        """Those that are not asked in a step; after the clock was set back all are."""
        return frozenset(number for number, rest in self._rests.items() if rest.since <= step < rest.until)

    def came(self) -> Mapping[int, str]:
        """What came of those that said nothing when they were asked last."""
        return {number: rest.came for number, rest in self._rests.items()}

    def heed(self, step: int, interval_s: int, bad: Mapping[int, str], good: Collection[int]) -> None:
        """Take note of what became of those that were asked in a step."""
        for number in good:
            self._rests.pop(number, None)
        for number, came in bad.items():
            before = self._rests.get(number)
            times = 1 if before is None else min(before.times + 1, MOST_DOUBLED)
            wait_s = min(interval_s * 2**times, max(MOST_REST_S // interval_s, 1) * interval_s)
            self._rests[number] = _Rest(times, step, step + wait_s, came)

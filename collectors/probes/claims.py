"""Who writes what: of each (source, component, point) of a device there is one probe that does (pure).

The one that had it before keeps it; of two that are new, the one whose name comes first has it. It is free again when
its probe is gone, or has told three times that there is no such point any more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec
from msgspec import Struct

from common.series import Number

FIRM = 2
"""Readings after which one whose name comes earlier can take a point no more."""
MISSES = 3
MAX_CLAIMS = 50_000

Place = tuple[str, str]
"""Source and component."""
Values = dict[str, Number | None]


class Conflict(Struct, frozen=True):
    """Points that another probe writes."""

    source: str
    component: str
    points: tuple[str, ...]
    holder: str


class Granted(Struct):
    """What of a reading may be written.

    Attributes:
        figures: with those that other probes have lodged for the same components.
        changed: whether there is something to keep.
    """

    figures: dict[Place, Values]
    conflicts: list[Conflict]
    changed: bool


class _Claim(Struct):
    writer: str
    readings: int = FIRM
    misses: int = 0


class _Lodged(Struct):
    values: Values
    until: float


class Claims:
    """Of one device.

    Args:
        kept: what `dump` gave before.
    """

    def __init__(self, kept: bytes | None = None) -> None:
        self._places: dict[Place, dict[str, _Claim]] = {}
        self._mine: dict[str, set[tuple[Place, str]]] = {}
        self._lodged: dict[Place, dict[str, _Lodged]] = {}
        if kept:
            try:
                rows = msgspec.msgpack.decode(kept, type=list[tuple[str, str, str, str]])
            except msgspec.DecodeError:
                rows = []
            for source, component, point, writer in rows:
                self._claim((source, component), point, writer, FIRM)

    def dump(self) -> bytes:
        """All claims, to be kept over a restart."""
        rows = [
            (*place, point, claim.writer)
            for place, points in sorted(self._places.items())
            for point, claim in sorted(points.items())
        ]
        return msgspec.msgpack.encode(rows)

    def only(self, writers: Collection[str]) -> bool:
        """Drop the claims of all other probes: they are gone. Whether there were any."""
        gone = [writer for writer in self._mine if writer not in writers]
        for writer in gone:
            for place, point in list(self._mine[writer]):
                self._drop(place, point)
        return bool(gone)

    def points(self, source: str) -> frozenset[str]:
        """All points that are written of a source, of any component."""
        return frozenset(point for (one, _), points in self._places.items() if one == source for point in points)

    def writers(self, source: str) -> frozenset[str]:
        """All probes that write of a source."""
        return frozenset(
            claim.writer for (one, _), points in self._places.items() if one == source for claim in points.values()
        )

    def take(self, writer: str, given: Mapping[Place, Values], *, whole: bool, now: float, until: float) -> Granted:
        """What of a reading may be written.

        Args:
            writer: the probe.
            given: its figures.
            whole: what is not in it is not there any more.
            now: epoch seconds.
            until: so long the figures count for another who writes of the same components.
        """
        granted = Granted({}, [], changed=False)
        for place, values in given.items():
            mine = self._granted(writer, place, values, granted)
            if not mine:
                continue
            holders = {claim.writer for claim in self._places[place].values()}
            if min(holders) != writer:  # one file has one sample in a step: it goes with that of the first of them
                self._lodged.setdefault(place, {})[writer] = _Lodged(mine, until)
                continue
            for other, lodged in self._lodged.get(place, {}).items():
                if other in holders and lodged.until >= now:
                    mine = {**lodged.values, **mine}
            granted.figures[place] = mine
        if whole:
            granted.changed |= self._miss(writer, given)
        return granted

    def _granted(self, writer: str, place: Place, values: Values, granted: Granted) -> Values:
        mine: Values = {}
        others: dict[str, list[str]] = {}
        points = self._places.get(place, {})
        for point, value in values.items():
            claim = points.get(point)
            if claim is None or (claim.writer != writer and claim.readings < FIRM and writer < claim.writer):
                if len(self._mine.get(writer, ())) >= MAX_CLAIMS:
                    continue
                claim = self._claim(place, point, writer, 0)
                granted.changed = True
                points = self._places[place]
            if claim.writer != writer:
                others.setdefault(claim.writer, []).append(point)
                continue
            claim.readings = min(claim.readings + 1, FIRM)
            claim.misses = 0
            mine[point] = value
        granted.conflicts += [Conflict(*place, tuple(names), other) for other, names in sorted(others.items())]
        return mine

    def _miss(self, writer: str, given: Mapping[Place, Values]) -> bool:
        """Count what a probe holds and has not told; whether something is free by that."""
        freed = False
        for place, point in list(self._mine.get(writer, ())):
            if point in given.get(place, ()):
                continue
            claim = self._places[place][point]
            claim.misses += 1
            if claim.misses >= MISSES:
                self._drop(place, point)
                freed = True
        return freed

    def _claim(self, place: Place, point: str, writer: str, readings: int) -> _Claim:
        if point in self._places.get(place, ()):
            self._drop(place, point)
        claim = _Claim(writer, readings)
        self._places.setdefault(place, {})[point] = claim
        self._mine.setdefault(writer, set()).add((place, point))
        return claim

    def _drop(self, place: Place, point: str) -> None:
        points = self._places[place]
        writer = points.pop(point).writer
        if not points:
            del self._places[place]
        mine = self._mine[writer]
        mine.discard((place, point))
        if not mine:
            del self._mine[writer]
        if not any(claim.writer == writer for claim in points.values()):
            lodged = self._lodged.get(place, {})
            lodged.pop(writer, None)
            if not lodged:
                self._lodged.pop(place, None)

"""Rows of one resolution made from rows of others (pure).

A `Ring` is what an archive holds of one data source for one consolidation. Its rows lie on the grid of epoch seconds,
as rrdtool has them. Each archive that has a time in its span has the last word on it: what is unknown there stays
unknown, although a coarser row round it may be known.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from math import isnan
from operator import mul

from common.rrd import KNOWN_SHARE

UNKNOWN = float("nan")
Span = tuple[int, int]
"""Indexes of rows, from the first to before the last."""


class Ring:
    """Rows of one resolution, oldest first.

    Attributes:
        every_s: how long a row is.
        end: epoch second at which the newest row ends.
        values: NaN is unknown.
    """

    __slots__ = ("end", "every_s", "values")

    def __init__(self, every_s: int, end: int, values: array[float]) -> None:
        self.every_s = every_s
        self.end = end
        self.values = values

    @property
    def begin(self) -> int:
        """Epoch second at which the oldest row begins."""
        return self.end - self.every_s * len(self.values)

    def inside(self, begin: int, end: int) -> Span:
        """Which rows lie wholly between two moments."""
        first = max(0, -((self.begin - begin) // self.every_s))
        last = min(len(self.values), (end - self.begin) // self.every_s)
        return (first, max(first, last))


def unknown_ring(every_s: int, end: int, rows: int) -> Ring:
    """A ring of which nothing is known."""
    return Ring(every_s, end, array("d", (UNKNOWN,)) * rows)


def fill(target: Ring, rows: Span, cf: str, rings: Sequence[Ring]) -> list[Span]:
    """Set rows from the rings that fit best; give the spans that no ring has.

    Best is the same resolution, then the finest, which knows best what of a row is known. The value of a coarser one
    stands for all rows that it covers.
    """
    left = [rows]
    for ring in sorted(rings, key=lambda ring: (ring.every_s != target.every_s, ring.every_s)):
        begin, end = target.inside(ring.begin, ring.end)
        rest: list[Span] = []
        for first, last in left:
            low, high = max(first, begin), min(last, end)
            if low >= high:
                rest.append((first, last))
                continue
            _resample(target, (low, high), cf, ring)
            rest += [span for span in ((first, low), (high, last)) if span[0] < span[1]]
        left = rest
    return [span for span in left if span[0] < span[1]]


def _resample(target: Ring, rows: Span, cf: str, ring: Ring) -> None:
    first, last = rows
    wide, narrow = target.every_s, ring.every_s
    start = target.begin + first * wide - ring.begin  # seconds into the ring
    values, out = ring.values, target.values
    if wide == narrow:
        out[first:last] = values[start // narrow : start // narrow + last - first]
    elif wide % narrow == 0:
        count, place, fold = wide // narrow, start // narrow, _FOLDS[cf]
        for row in range(first, last):
            out[row] = fold(values[place : place + count], count)
            place += count
    elif narrow % wide == 0:
        row = first
        while row < last:
            place = start // narrow
            count = min(last - row, ((place + 1) * narrow - start) // wide)
            out[row : row + count] = array("d", (values[place],)) * count
            row, start = row + count, start + count * wide
    else:
        _across(out, rows, cf, ring, start, wide)


def _average(values: Sequence[float], count: int) -> float:
    known = [value for value in values if not isnan(value)]
    if not known or count - len(known) > count * KNOWN_SHARE:
        return UNKNOWN
    return min(max(sum(known) / len(known), min(known)), max(known))  # a sum is rounded


def _extreme(choose: Callable[[Sequence[float]], float]) -> Callable[[Sequence[float], int], float]:
    def fold(values: Sequence[float], count: int) -> float:
        known = [value for value in values if not isnan(value)]
        return choose(known) if known and count - len(known) <= count * KNOWN_SHARE else UNKNOWN

    return fold


_FOLDS: dict[str, Callable[[Sequence[float], int], float]] = {
    "AVERAGE": _average,
    "MIN": _extreme(min),
    "MAX": _extreme(max),
}


def _across(out: array[float], rows: Span, cf: str, ring: Ring, start: int, wide: int) -> None:
    """Rows of rows that lie across their ends: how they do repeats itself, and all that lie alike are made at once."""
    first, last = rows
    narrow, values = ring.every_s, ring.values
    period = math.lcm(wide, narrow)
    apart, stride = period // wide, period // narrow
    for phase in range(min(apart, last - first)):
        begin = start + phase * wide
        places = range(begin // narrow, -(-(begin + wide) // narrow))
        seconds = [min(begin + wide, (at + 1) * narrow) - max(begin, at * narrow) for at in places]
        count = len(range(first + phase, last, apart))
        parts = zip(*(values[at : at + (count - 1) * stride + 1 : stride] for at in places), strict=True)
        out[first + phase : last : apart] = array("d", _folded(parts, seconds, wide, cf))


def _folded(parts: Iterable[tuple[float, ...]], seconds: Sequence[int], wide: int, cf: str) -> Iterator[float]:
    if cf == "AVERAGE":
        for part in parts:
            value = sum(map(mul, part, seconds)) / wide
            known = not isnan(value)
            yield min(max(value, min(part)), max(part)) if known else _of_known(part, seconds, wide, cf)
    else:
        choose = min if cf == "MIN" else max
        for part in parts:
            yield choose(part) if not isnan(sum(part)) else _of_known(part, seconds, wide, cf)


def _of_known(part: Sequence[float], seconds: Sequence[int], wide: int, cf: str) -> float:
    known = [(value, each) for value, each in zip(part, seconds, strict=True) if not isnan(value)]
    known_s = sum(each for _, each in known)
    if not known_s or wide - known_s > wide * KNOWN_SHARE:
        return UNKNOWN
    low, high = min(value for value, _ in known), max(value for value, _ in known)
    if cf != "AVERAGE":
        return low if cf == "MIN" else high
    return min(max(sum(value * each for value, each in known) / known_s, low), high)


def under_way(rings: Sequence[Ring], cf: str, begin: int, end: int, step_s: int) -> tuple[float, int]:
    """The row that has begun and has not ended: its sum, minimum or maximum so far, and how many steps are unknown.

    Args:
        rings: finest first; the first one is at full step.
        cf: of the rings.
        begin: of the row.
        end: of the last step.
        step_s: of the file.
    """
    unknown, known = 0, list[tuple[float, int]]()
    at = begin
    while at < end:
        ring = next((ring for ring in rings if ring.begin <= at and at % ring.every_s == 0 and at < ring.end), None)
        if ring is None or at + ring.every_s > end:
            unknown += 1
            at += step_s
            continue
        # As far as this ring goes: the finest that has a moment goes to the end.
        first, last = ring.inside(at, end)
        steps = ring.every_s // step_s
        part = ring.values[first:last]
        found = [value for value in part if not isnan(value)]
        known += [(value, steps) for value in found]
        unknown += steps * (len(part) - len(found))
        at = ring.begin + last * ring.every_s
    if not known:
        return UNKNOWN, unknown
    if cf == "AVERAGE":
        return sum(value * steps for value, steps in known), unknown
    return (min if cf == "MIN" else max)(value for value, _ in known), unknown

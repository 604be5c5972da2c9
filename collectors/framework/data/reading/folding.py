"""Rows made into coarser ones, truly (pure).

A row stamped `at` holds what was sampled after `at - step_s`, up to and including `at`, in files as in what is folded.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

Figure = float | None
Row = tuple[int, int, Sequence[Figure]]
"""Stamp, seconds that it covers, a figure for each point."""
Kept = Sequence[tuple[int, int]]
"""Seconds a row, and seconds kept, of each archive of a file, finest first."""


class Segment(Struct, frozen=True):
    """A part of a time, and the resolution that is the finest for it; `start` and `end` are multiples of `step_s`."""

    step_s: int
    start: int
    end: int


class Bin(Struct, frozen=True):
    """What became of the rows between two edges.

    Attributes:
        start, end: epoch seconds; it holds what was sampled after `start`, up to `end`.
        values: a figure for each point.
        known_s: for each point the seconds of which something is known.
        exact: no row of which something is known lay across an edge.
    """

    start: int
    end: int
    values: list[Figure]
    known_s: list[int]
    exact: bool


def segments(kept: Kept, last: int, start: int, end: int) -> list[Segment]:
    """Which archive has the finest rows of each part of a time, in order of time.

    Args:
        kept: of the file.
        last: epoch second of its last sample.
        start: of the time that is wanted.
        end: of it; what no archive has is in no segment.
    """
    found: list[Segment] = []
    upto = end
    for step_s, span_s in kept:
        newest = last // step_s * step_s
        oldest = newest - span_s
        from_ = max(oldest, start // step_s * step_s)
        # The newest end of a coarser archive is where the finer one begins, and a row of its own ends.
        to = min(newest, -(-upto // step_s) * step_s)
        if from_ < to:
            while found and found[0].end <= to:  # what both have, the coarser gives up to the end of its row
                found.pop(0)
            if found and found[0].start < to:
                finer = found[0]
                found[0] = Segment(finer.step_s, -(-to // finer.step_s) * finer.step_s, finer.end)
            found.insert(0, Segment(step_s, from_, to))
            upto = from_
        if oldest <= start:
            break
    return found


def grid(step_s: int, start: int, end: int) -> range:
    """Edges at whole multiples of a resolution, so that every row that ends from `start` to `end` is between two."""
    first = -(-start // step_s) * step_s
    last = end // step_s * step_s
    return range(first - step_s, last + 1, step_s)


def fold(cf: str, rows: Iterable[Row], edges: Sequence[int], width: int) -> Iterator[Bin]:
    """Make one row of those between two edges, for each pair of edges.

    A row that lies across an edge counts on both sides, with the part of its time that lies there.

    Args:
        cf: AVERAGE weighs rows by their time; MIN and MAX want rows of such figures; LAST is the last that is known;
            SUM wants averages of rates.
        rows: in order of time, none over another.
        edges: epoch seconds in order.
        width: figures in a row.
    """
    waiting = iter(rows)
    row = next(waiting, None)
    for start, end in pairwise(edges):
        piles = [_Pile() for _ in range(width)]
        exact = True
        while row is not None and row[0] - row[1] < end:
            at, step_s, figures = row
            if at > start:
                begin = max(at - step_s, start)
                if begin != at - step_s or at > end:
                    exact = exact and not any(figure is not None for figure in figures)
                for pile, figure in zip(piles, figures, strict=True):
                    if figure is not None:
                        pile.take(figure, min(at, end) - begin)
            if at > end:
                break  # the rest of it is of the next bin
            row = next(waiting, None)
        values = [pile.figure(cf) for pile in piles]
        yield Bin(start, end, values, [pile.known_s for pile in piles], exact)


class _Pile:
    """Figures of a point in a bin."""

    __slots__ = ("area", "high", "known_s", "last", "low")

    def __init__(self) -> None:
        self.area = 0.0
        self.known_s = 0
        self.low = math.inf
        self.high = -math.inf
        self.last: Figure = None

    def take(self, figure: float, seconds: int) -> None:
        self.area += figure * seconds
        self.known_s += seconds
        self.low = min(self.low, figure)
        self.high = max(self.high, figure)
        self.last = figure

    def figure(self, cf: str) -> Figure:
        if not self.known_s:
            return None
        if cf == "AVERAGE":  # no rounding puts an average beyond what it is of
            return min(max(self.area / self.known_s, self.low), self.high)
        return {"MIN": self.low, "MAX": self.high, "LAST": self.last, "SUM": self.area}[cf]


def percentiles(weighed: Iterable[tuple[float, int]], wanted: Sequence[float]) -> list[Figure]:
    """For each percentage the least figure that so much of the time lies at or below.

    Args:
        weighed: figures, each with the seconds that it holds for.
        wanted: 0 to 100.
    """
    ordered = sorted(weighed)
    total = sum(seconds for _, seconds in ordered)
    found: list[Figure] = []
    for share in wanted:
        seen = 0
        figure: Figure = None
        for value, seconds in ordered:
            seen += seconds
            figure = value
            if seen >= total * share / 100:
                break
        found.append(figure)
    return found

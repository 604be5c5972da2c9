"""Figures of what was read: counts become rates, values are scaled and held against their bounds (pure).

Two counts are subtracted as the integers that they are, and only the difference is divided: 64 bits stay exact. A count
that is less than the one before was reset, unless its point says after how many bits it wraps, and its maximum leaves
no other explanation than one wrap. Nothing is guessed: what cannot be told is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from common.arithmetic import LARGEST
from common.series import Kind, Number, Point

LONGEST_STEPS = 3.5
"""Over more than so many steps a rate says nothing of the step that it would be put in: what counts in RRD is known for
three (`common.rrd.heartbeat_s`), and readings come somewhat sooner or later in their steps."""
UPTIME_WRAP_S = 2**32 / 100
"""sysUpTime counts hundredths of a second in 32 bits."""
WRAP_MARGIN_S = 3600.0
UPTIME_SLACK_S = 5.0
"""So much an uptime may be off, and a twentieth of the time between: agents tell it from a clock of their own."""


class Moment(Struct, gc=False):
    """When counts were read, and what tells whether they go on from those before.

    Attributes:
        at: epoch seconds.
        uptime_s: of what counts (sysUpTime); None when it is not known.
        discontinuity: changes when the counts have begun anew (ifCounterDiscontinuityTime); None when it is not known.
    """

    at: float = 0.0
    uptime_s: float | None = None
    discontinuity: Number | None = None


class Counted(Moment):
    """The last counts of a series, in the order of its counters."""

    counts: tuple[Number | None, ...] = ()


def went_back(before_s: float | None, uptime_s: float | None) -> bool:
    """Whether sysUpTime began anew; one that wrapped did not."""
    if before_s is None or uptime_s is None or uptime_s >= before_s:
        return False
    return before_s <= UPTIME_WRAP_S - WRAP_MARGIN_S or uptime_s >= WRAP_MARGIN_S


def elapsed_s(before: Moment, now: Moment, longest_s: float) -> float | None:
    """Seconds from one reading to the next; None when their counts must not be subtracted from each other.

    So it is when no time has passed, or too much, when the clock was set back, and when what counts was started anew in
    between.
    """
    passed_s = now.at - before.at
    if not 0 < passed_s <= longest_s:
        return None
    known = before.discontinuity is not None and now.discontinuity is not None
    if known and before.discontinuity != now.discontinuity:
        return None
    if before.uptime_s is not None and now.uptime_s is not None:
        slack_s = UPTIME_SLACK_S + passed_s / 20
        began_since = before.uptime_s < UPTIME_WRAP_S - WRAP_MARGIN_S and now.uptime_s < passed_s - slack_s
        if began_since or went_back(before.uptime_s, now.uptime_s):
            return None
    return passed_s


def rate(point: Point, before: Number | None, count: Number | None, passed_s: float | None) -> float | None:
    """How much a second was counted between two counts, in so many seconds as `elapsed_s` has it; None is unknown."""
    if before is None or count is None or passed_s is None:
        return None
    try:
        grown = count - before
        if grown < 0:
            grown += _wrap(point, before, count, passed_s)
        return within(point, _scaled(point, grown, passed_s)) if grown >= 0 else None
    except OverflowError:
        return None


def figure(point: Point, value: Number | None) -> Number | None:
    """What becomes of the value of a gauge."""
    if value is not None and is_scaled(point):
        try:
            value = value * point.scale + point.offset
        except OverflowError:
            return None
    return within(point, value)


def within(point: Point, value: Number | None) -> Number | None:
    """The value, or None when its point says that it cannot be."""
    if value is None:
        return None
    low, high = bounds(point)
    return value if low <= value <= high else None


def bounds(point: Point) -> tuple[float, float]:
    """Between which numbers its values lie."""
    low = -LARGEST if point.minimum is None else point.minimum
    return low, LARGEST if point.maximum is None else point.maximum


def is_scaled(point: Point) -> bool:
    """Whether what is measured of it is not what is stored."""
    return point.scale != 1 or point.offset != 0


def is_bounded(point: Point) -> bool:
    """Whether not every value is possible."""
    return point.minimum is not None or point.maximum is not None


def _scaled(point: Point, grown: Number, passed_s: float) -> float:
    return grown / passed_s * point.scale + point.offset


def _wrap(point: Point, before: Number, count: Number, passed_s: float) -> int:
    """What is to be added to a difference below 0 when the counter has wrapped exactly once; 0 when that is not sure.

    The rate that one wrap explains has to be possible, and the rate of two wraps must not be. Without a maximum nothing
    is impossible, and no wrap is believed.
    """
    span = 1 << point.wraps_at_bits
    if point.maximum is None or span == 1 or count < 0 or before >= span:
        return 0
    grown = count - before + span
    once, twice = _scaled(point, grown, passed_s), _scaled(point, grown + span, passed_s)
    return span if once <= point.maximum < twice else 0


class Conversion:
    """Turns the values of one layout, as they were read, into the figures that are stored.

    Attributes:
        counts: whether any of the points is a counter, so that the last counts have to be remembered.
    """

    __slots__ = ("_bounded", "_counters", "_longest_s", "_scaled", "counts")

    def __init__(self, points: Sequence[Point], step_s: int) -> None:
        self._longest_s = LONGEST_STEPS * step_s
        gauges = [(place, point) for place, point in enumerate(points) if point.kind is Kind.GAUGE]
        self._scaled = [(place, point) for place, point in gauges if is_scaled(point)]
        self._bounded = [
            (place, *bounds(point)) for place, point in gauges if not is_scaled(point) and is_bounded(point)
        ]
        self._counters = [(place, point) for place, point in enumerate(points) if point.kind is Kind.COUNTER]
        self.counts = bool(self._counters)

    def turn(self, row: list[Number | None]) -> None:
        """Turn what was read of gauges into what is stored, in place."""
        for place, low, high in self._bounded:
            value = row[place]
            if value is not None and not low <= value <= high:
                row[place] = None
        for place, point in self._scaled:
            row[place] = figure(point, row[place])

    def counted(self, row: Sequence[Number | None], now: Moment) -> Counted:
        """The counts of a row, to be remembered until the next one."""
        counts = tuple([row[place] for place, _ in self._counters])
        return Counted(now.at, now.uptime_s, now.discontinuity, counts)

    def goes_on(self, before: Conversion) -> bool:
        """Whether it has the counters of another one, so that their counts go on."""
        mine, others = self._counters, before._counters
        return [point for _, point in mine] == [point for _, point in others]

    def with_counts(self, row: Sequence[Number | None], counted: Counted | None) -> list[Number | None]:
        """A row with counts in the place of rates; unknown where there are none."""
        row = list(row)
        counts = counted.counts if counted is not None else (None,) * len(self._counters)
        for (place, _), count in zip(self._counters, counts, strict=True):
            row[place] = count
        return row

    def rates(self, row: list[Number | None], before: Counted | None, now: Counted) -> None:
        """Put the rates since the counts before in the place of counts."""
        passed_s = elapsed_s(before, now, self._longest_s) if before is not None else None
        earlier = before.counts if before is not None else now.counts
        for (place, point), one, other in zip(self._counters, earlier, now.counts, strict=True):
            row[place] = rate(point, one, other, passed_s)

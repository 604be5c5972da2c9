"""The figures of a sample: gauges as they are, counters as rates, and the points that are derived from both (pure).

They are worked out once for each sample: thresholds judge them, and derived points are written as they are here.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache

from msgspec import field

from collectors.framework.judging.derivedpoints import derived_points
from collectors.framework.judging.rates import (
    LONGEST_STEPS,
    Moment,
    bounds,
    elapsed_s,
    figure,
    is_bounded,
    is_scaled,
    rate,
)
from common.judged import DerivedConfig
from common.series import Kind, Number, Point

Figures = Mapping[str, Number | None]


class CounterBases(Moment):
    """The last sample of the counters of a component.

    Attributes:
        step: epoch second of the step that it belongs to.
    """

    step: int = 0
    values: dict[str, Number] = field(default_factory=dict)


class JudgedFigures:
    """Makes the figures of a sample.

    Args:
        points: what is measured.
        derived: may refer to what is measured, and to those before them; all of them are computed.
        wanted: names that are to be judged; of counters only those are turned into rates that are asked for.

    Attributes:
        derived: what is computed.
        units: of every point; of a counter, per second.
        counts: whether counters are turned into rates, so that their last sample has to be remembered.
    """

    def __init__(self, points: Iterable[Point], derived: Sequence[DerivedConfig], wanted: Collection[str]) -> None:
        points = tuple(points)
        self.derived = derived_points(points, tuple(derived))
        self.units = {point.name: point.stored_unit for point in points} | {
            point.name: point.unit for point in self.derived.points
        }
        needed = [point for point in points if point.name in wanted or point.name in self.derived.needs]
        self._counters = [point for point in needed if point.kind is not Kind.GAUGE]
        self.counts = bool(self._counters)
        gauges = [point for point in needed if point.kind is Kind.GAUGE]
        self._scaled = [point for point in gauges if is_scaled(point)]
        self._bounded = [(point.name, *bounds(point)) for point in gauges if not is_scaled(point) and is_bounded(point)]

    def judged(
        self,
        values: Figures,
        bases: CounterBases,
        now: Moment,
        step: int,
        *,
        on_turn: bool = True,
        step_s: float = math.inf,
    ) -> Figures:
        """The figures of a sample; the bases become those of this sample.

        Out of turn no rates are known, and the bases stay: the scan on turn has the rates of its whole step. They are
        unknown, too, after a gap of some steps, each of `step_s` seconds.
        """
        turned = self._turned(values)
        if not turned and not self._counters and not self.derived.points:
            return values
        figures = {**values, **turned} if turned else dict(values)
        if self._counters:
            longest_s = LONGEST_STEPS * step_s if on_turn and step != bases.step else 0.0
            figures.update(self._rates(values, bases, now, step, longest_s))
        self.derived.add_to(figures)
        return figures

    def _turned(self, values: Figures) -> Figures:
        """Those that are not as they were read."""
        turned: dict[str, Number | None] = {}
        for name, low, high in self._bounded:
            value = values.get(name)
            if value is not None and not low <= value <= high:
                turned[name] = None
        for point in self._scaled:
            if point.name in values:
                turned[point.name] = figure(point, values[point.name])
        return turned

    def _rates(
        self, values: Figures, bases: CounterBases, now: Moment, step: int, longest_s: float
    ) -> dict[str, float | None]:
        """Per second since the sample before; unknown for the first one, after a reset, and twice in one step."""
        if not longest_s:
            return dict.fromkeys(point.name for point in self._counters)
        passed_s = elapsed_s(bases, now, longest_s)
        rates = {
            point.name: rate(point, _base(point, bases), values.get(point.name), passed_s) for point in self._counters
        }
        bases.at, bases.uptime_s, bases.discontinuity, bases.step = now.at, now.uptime_s, now.discontinuity, step
        known = ((point.name, values.get(point.name)) for point in self._counters)
        bases.values = _values(tuple((name, value) for name, value in known if value is not None))
        return rates


@lru_cache(maxsize=4096)
def _values(known: tuple[tuple[str, Number], ...]) -> dict[str, Number]:
    """The values of counters by name; nobody changes it, and components whose counters stand alike share it."""
    return dict(known)


def _base(point: Point, bases: CounterBases) -> Number | None:
    return 0 if point.kind is Kind.ABSOLUTE and bases.step else bases.values.get(point.name)

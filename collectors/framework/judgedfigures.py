"""What thresholds judge: gauges as they are, counters as rates, and the points that are derived from both (pure)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache

from msgspec import Struct, field

from common.configs import DerivedConfig
from common.expressions import Expression, parse
from common.series import Kind, Number, Point

Figures = Mapping[str, Number | None]

parsed = lru_cache(maxsize=2000)(parse)
"""`common.expressions.parse`; the devices of a template share what it gives."""


class CounterBases(Struct, gc=False):
    """The last sample of the counters of a component.

    Attributes:
        at: its epoch seconds.
        step: epoch second of the step that it belongs to.
    """

    at: float = 0.0
    step: int = 0
    values: dict[str, Number] = field(default_factory=dict)


class JudgedFigures:
    """Makes what is judged of what is measured.

    Args:
        points: what is measured.
        derived: may refer to what is measured, and to those before them.
        wanted: names that are to be judged; only what they need is computed.

    Attributes:
        units: of every point; of a counter, per second.

    Raises:
        ExpressionError: a derived point cannot be computed.
    """

    def __init__(self, points: Iterable[Point], derived: Sequence[DerivedConfig], wanted: Collection[str]) -> None:
        points = tuple(points)
        self.units = {point.name: _unit(point) for point in points} | {one.point: one.unit for one in derived}
        needed = set(wanted)
        self._derived: list[tuple[str, Expression]] = []
        for one in reversed(derived):
            if one.point in needed:
                expression = parsed(one.expression)
                needed |= expression.names
                self._derived.insert(0, (one.point, expression))
        self._counters = [point for point in points if point.kind is not Kind.GAUGE and point.name in needed]

    def judged(self, values: Figures, bases: CounterBases, at: float, step: int) -> Figures:
        """The figures of a sample; the bases become those of this sample."""
        if not self._counters and not self._derived:
            return values
        figures = dict(values)
        if self._counters:
            figures.update(self._rates(values, bases, at, step))
        for name, expression in self._derived:
            figures[name] = expression.evaluate(figures)
        return figures

    def _rates(self, values: Figures, bases: CounterBases, at: float, step: int) -> dict[str, float | None]:
        """Per second since the sample before; unknown for the first one, after a reset, and twice in one step."""
        if step == bases.step:
            return dict.fromkeys(point.name for point in self._counters)
        rates = {point.name: _rate(point, values.get(point.name), bases, at) for point in self._counters}
        bases.at, bases.step = at, step
        known = ((point.name, values.get(point.name)) for point in self._counters)
        bases.values = _values(tuple((name, value) for name, value in known if value is not None))
        return rates


@lru_cache(maxsize=4096)
def _values(known: tuple[tuple[str, Number], ...]) -> dict[str, Number]:
    """The values of counters by name; nobody changes it, and components whose counters stand alike share it."""
    return dict(known)


def _rate(point: Point, value: Number | None, bases: CounterBases, at: float) -> float | None:
    base = 0 if point.kind is Kind.ABSOLUTE and bases.step else bases.values.get(point.name)
    elapsed_s = at - bases.at
    if value is None or base is None or value < base or elapsed_s <= 0:
        return None
    return (value - base) / elapsed_s


def _unit(point: Point) -> str:
    return point.unit if point.kind is Kind.GAUGE else f"{point.unit}/s"

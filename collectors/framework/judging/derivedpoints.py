"""Points that are computed from others of the same sample: what of them can be, and their figures (pure)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from common.arithmetic import LARGEST
from common.closures import Values
from common.expressions import ExpressionError, parse
from common.judged import DerivedConfig
from common.series import Number, Point, is_point_name

MOST_SHARED = 500
"""So many different collections of derived points are kept for devices to come that have the same."""
MOST = 200
"""Of one source: each makes its files larger."""
WHOLE = (-(2**63), 2**64 - 1)
"""Whole numbers beyond have no place in 64 bits, and go on as floats."""

parsed = lru_cache(maxsize=2000)(parse)
"""`common.expressions.parse`; the devices of a template share what it gives."""

_Step = tuple[str, Callable[[Values], Number | None], float, float]


class DerivedPoints:
    """What is computed of the points of a source, each after those that it needs.

    What is wrong with one of them hurts that one alone: it stays among the points, so that its series is kept, and is
    unknown until its expression is put right.

    Args:
        measured: the points of the source.
        derived: may refer to what is measured, and to those before them. One that always needs what this source does
            not measure is no point of it.

    Attributes:
        points: as they stand in a layout, after what is measured.
        needs: names of what is measured that they refer to.
        flaws: what is wrong with some of them, each a sentence.
    """

    def __init__(self, measured: Sequence[Point], derived: Sequence[DerivedConfig]) -> None:
        known = {point.name for point in measured}
        points: list[Point] = []
        steps: list[_Step] = []
        needs: set[str] = set()
        flaws: list[str] = []
        for one in derived:
            if one.point in known:
                flaws.append(f"derived point {one.point}: there is another point of that name")
                continue
            if not is_point_name(one.point):
                flaws.append(f"derived point {one.point[:50]!r}: a name is 1 to 19 of A-Z a-z 0-9 _ -")
                continue
            if len(points) >= MOST:
                flaws.append(f"derived point {one.point}: a source has at most {MOST}")
                continue
            try:
                expression = parsed(one.expression)
            except ExpressionError as error:
                flaws.append(f"derived point {one.point}: {error}")
                evaluate: Callable[[Values], Number | None] = _unknown
            else:
                if not expression.needs <= known:
                    continue
                needs |= expression.names
                evaluate = expression.evaluate
            known.add(one.point)
            low = -LARGEST if one.minimum is None else one.minimum
            high = LARGEST if one.maximum is None else one.maximum
            steps.append((one.point, evaluate, low, high))
            points.append(Point(name=one.point, unit=one.unit, minimum=one.minimum, maximum=one.maximum))
        self._steps = steps
        self.points = tuple(points)
        self.needs = frozenset(needs - {point.name for point in points})
        self.flaws = tuple(flaws)

    def add_to(self, figures: dict[str, Number | None]) -> None:
        """Compute all of them from the figures of a sample, and put them there."""
        for name, evaluate, low, high in self._steps:
            value = evaluate(figures)
            if value is not None:
                if not low <= value <= high:
                    value = None
                elif not WHOLE[0] <= value <= WHOLE[1]:
                    value = float(value)
            figures[name] = value


derived_points = lru_cache(MOST_SHARED)(DerivedPoints)
"""The derived points of a source; the same object for the same."""


def _unknown(_values: Values) -> None:
    return None

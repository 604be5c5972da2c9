"""What is judged of the points of a graph, as lines on it (pure)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from common.expressions import Expression, parse
from common.graphs import Limit
from common.graphunits import plain_unit
from common.judged import ThresholdConfig
from common.quantities import quantity

MAX_BOUNDS = 12
OWN = "value"


def bounds(
    thresholds: Iterable[ThresholdConfig],
    curves: Sequence[tuple[str, str]],
    units: Mapping[str, str],
) -> tuple[Limit, ...]:
    """The bounds of what is judged of the points of a component's graph, the worst first, each once.

    Args:
        thresholds: those that hold for the component.
        curves: point and transform of each; empty for the value itself.
        units: of the points, by name; rates with `/s`.
    """
    found: dict[tuple[float, int], Limit] = {}
    for threshold in thresholds:
        for point, transform in curves:
            if point not in threshold.points:
                continue
            drawn = _drawn(transform)
            for severity, value in _levels(threshold):
                height = _height(drawn, value)
                if height is not None:
                    unit = units.get(point, "")
                    label = f"{threshold.id}: {quantity(value, unit)}"
                    own = unit if not transform else ""
                    limit = Limit(value=height, label=label, severity=severity, unit=own)
                    found.setdefault((height * plain_unit(own).factor, severity), limit)
    return tuple(sorted(found.values(), key=lambda one: (-one.severity, one.value))[:MAX_BOUNDS])


def _levels(threshold: ThresholdConfig) -> Iterable[tuple[int, float]]:
    for level in threshold.levels:
        for value in (level.minimum, level.maximum):
            if value is not None:
                yield int(level.severity), value


def _drawn(transform: str) -> Expression | None:
    return parse(transform) if transform else None


def _height(drawn: Expression | None, value: float) -> float | None:
    """Where a bound lies; None where that depends on other points, and so on the time."""
    if drawn is None:
        return value
    return drawn.evaluate({OWN: value}) if _is_alone(drawn.names) else None


def _is_alone(names: Collection[str]) -> bool:
    return set(names) <= {OWN}

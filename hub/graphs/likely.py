"""What is learned to be likely of the points of a graph, as bands around its curves (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from common.graphs import MAX_LIKELY, Likely
from common.judged import BaselineConfig, ThresholdConfig, ThresholdForm


def likely(thresholds: Iterable[ThresholdConfig], curves: Sequence[tuple[str, str]]) -> tuple[Likely, ...]:
    """The bands of a component's graph; of several baselines of a point that which complains first.

    Args:
        thresholds: those that hold for the component.
        curves: point and transform of each.
    """
    found: dict[str, BaselineConfig] = {}
    drawn = {point for point, _ in curves}
    for threshold in thresholds:
        baseline = threshold.baseline
        if threshold.form is not ThresholdForm.BASELINE or baseline is None:
            continue
        for point in threshold.points:
            if point in drawn and (point not in found or baseline.width < found[point].width):
                found[point] = baseline
    return tuple(Likely(point=point, baseline=baseline) for point, baseline in found.items())[:MAX_LIKELY]

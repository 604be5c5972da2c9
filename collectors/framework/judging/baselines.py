"""What has been learned of points, on its way from the files to the tasks that judge by it.

A part of a season is looked at when it is complete. The daemon asks the reader process for what is new, and hands it to
where the task of the device runs; that takes it in its next scan.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

import msgspec
from msgspec import Struct

from common.judged import ThresholdConfig, ThresholdForm
from common.series import Baseline, Layout, SeriesKey


class Look(Struct, frozen=True, array_like=True):
    """One part of a season, as a file has it; None is unknown.

    Attributes:
        at: epoch second of its end.
        value: average over it.
        expected: what was expected of it before it began.
        spread: how far the value usually is from that at this time.
    """

    at: int
    value: float | None
    expected: float | None
    spread: float | None


class Learned(Struct, frozen=True):
    """What is new of one baseline of a series.

    Attributes:
        begun: epoch second at which learning began.
        looks: in order of time.
    """

    series: SeriesKey
    baseline: Baseline
    begun: int
    looks: list[Look]


class Lessons:
    """What is new of the baselines of devices, until their tasks take it."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Learned]] = {}

    def put(self, device: str, learned: Iterable[Learned]) -> None:
        """Lay down what is new; it takes the place of what was not taken."""
        self._waiting[device] = list(learned)

    def take(self, device: str) -> Sequence[Learned]:
        """What is new of a device."""
        return self._waiting.pop(device, ()) if self._waiting else ()


def baseline_of(threshold: ThresholdConfig, point: str) -> Baseline | None:
    """What a threshold wants learned of one of its points."""
    wanted = threshold.baseline
    if threshold.form is not ThresholdForm.BASELINE or wanted is None:
        return None
    return Baseline(point=point, season_s=wanted.season_s, pace=wanted.pace)


@lru_cache(maxsize=2000)
def learning(layout: Layout, thresholds: tuple[ThresholdConfig, ...], definition: str) -> Layout:
    """The layout of the series of a definition, with what thresholds want learned of its points."""
    names = {point.name for point in layout.points}
    wanted = (
        baseline_of(threshold, point)
        for threshold in thresholds
        if not threshold.definitions or definition in threshold.definitions
        for point in threshold.points
        if point in names
    )
    found = tuple(dict.fromkeys(one for one in wanted if one is not None))
    return msgspec.structs.replace(layout, baselines=found) if found else layout


def learns(thresholds: Iterable[ThresholdConfig]) -> bool:
    """Whether any of them is a baseline."""
    return any(threshold.form is ThresholdForm.BASELINE for threshold in thresholds)

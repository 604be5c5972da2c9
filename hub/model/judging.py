"""What collectors judge and compute of the process sets of a device, by its templates and by the sets' definitions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from common.expressions import parse
from common.judged import DerivedConfig, Level, ThresholdConfig
from hub.model.baselinefields import baseline_config
from hub.model.countfields import scans_of
from hub.model.resolution import Resolution, derived_of
from hub.model.sources import DataPoint
from hub.model.templates import Target, Threshold
from hub.model.trendfields import window_s


class Judged(Struct, frozen=True):
    """The part of a device's config that thresholds and expressions make; each derived point after those it needs."""

    thresholds: tuple[ThresholdConfig, ...] = ()
    derived: tuple[DerivedConfig, ...] = ()


def judged(resolution: Resolution, own: Sequence[tuple[str, Mapping[str, Threshold]]]) -> Judged:
    """Work out what is judged and computed.

    Args:
        resolution: the templates that hold.
        own: id of each process set that is watched, with its own thresholds. One of these goes before a threshold of
            that id in a template, for that process set.
    """
    shared: dict[str, Threshold] = {}
    points: dict[str, DataPoint] = {}
    for template in resolution.of(Target.PROCESS_SET):
        shared.update(template.thresholds)
        points.update(derived_of(template))
    found: list[ThresholdConfig] = []
    for id_, threshold in shared.items():
        others = tuple(name for name, thresholds in own if id_ not in thresholds)
        if threshold.enabled and (others or not own):
            found.append(threshold_config(id_, threshold, others if len(others) < len(own) else ()))
    found += (
        threshold_config(id_, threshold, (name,))
        for name, thresholds in own
        for id_, threshold in thresholds.items()
        if threshold.enabled
    )
    return Judged(tuple(found), in_order(points))


def threshold_config(id_: str, threshold: Threshold, definitions: tuple[str, ...] = ()) -> ThresholdConfig:
    """A threshold as collectors get it."""
    levels = [Level(severity=one.severity, minimum=one.minimum, maximum=one.maximum) for one in threshold.levels]
    single = Level(severity=threshold.severity, minimum=threshold.minimum, maximum=threshold.maximum)
    return ThresholdConfig(
        id=id_,
        points=threshold.points,
        form=threshold.form,
        levels=tuple(sorted(levels or [single], key=lambda level: -level.severity)),
        scans=scans_of(threshold),
        for_s=threshold.for_s,
        hysteresis=threshold.hysteresis,
        escalate_after=threshold.escalate_after,
        event_class=threshold.event_class,
        definitions=definitions,
        within_s=threshold.within_s or 0,
        window_s=window_s(threshold),
        baseline=baseline_config(threshold),
    )


def in_order(points: Mapping[str, DataPoint]) -> tuple[DerivedConfig, ...]:
    """Derived points, each after those that it is computed from."""
    needs = {name: parse(point.derived).names & points.keys() for name, point in points.items()}
    return tuple(_derived_config(name, points[name]) for name in sorted_by(needs))


def _derived_config(name: str, point: DataPoint) -> DerivedConfig:
    return DerivedConfig(
        point=name, expression=point.derived, unit=point.unit, minimum=point.minimum, maximum=point.maximum
    )


def sorted_by(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """Names, each after those that it needs, else by the alphabet; those of a circle are left out."""
    found: dict[str, None] = {}
    waiting = dict(sorted(needs.items()))
    while ready := [name for name, others in waiting.items() if all(other in found for other in others)]:
        for name in ready:
            found[name] = None
            del waiting[name]
    return list(found)

"""What a source's readings are judged and written by (pure)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from collectors.framework.judging.baselines import learning
from collectors.framework.judging.derivedpoints import derived_points
from collectors.framework.judging.thresholdbook import ThresholdBook
from collectors.framework.judging.thresholdmistakes import mistakes as threshold_mistakes
from collectors.framework.sources.results import Result
from common.configs import DeviceConfig
from common.judged import DerivedConfig, ThresholdConfig
from common.series import Kept, Layout, Name, Point
from common.sources import DEVICE, MAX_POINTS, Interval, SourceConfig


class SourcePlan:
    """A source of a config, or one that the config does not have.

    Attributes:
        source: its id.
        configured: the config has it.
        interval_s: step of its series.
        names: of what is measured.
        book: its thresholds and derived points.
        layout: of its series: what is measured, then what is derived.
        left_out: components that are not to be watched.
        of_device: it is of the device itself, beside one of that id that is of components.
    """

    def __init__(
        self,
        config: DeviceConfig,
        source: SourceConfig | None = None,
        *,
        id: str = "",  # noqa: A002 - as it is called elsewhere
        interval_s: int = 0,
        points: Sequence[Point] = (),
    ) -> None:
        self.configured = source is not None
        self.source = source.id if source is not None else id
        self.interval_s = source.interval_s if source is not None else interval_s
        measured = source.points if source is not None else tuple(points)
        self.names = frozenset(point.name for point in measured)
        self.book = ThresholdBook(_judged(config, source, self.interval_s), measured)
        self.layout = _layout(
            measured,
            source.derived if source is not None else (),
            source.thresholds if source is not None else (),
            self.interval_s,
            config.retention,
        )
        self.left_out = frozenset(source.left_out) if source is not None else frozenset()
        self.of_device = False


class SourcePlans:
    """The sources of a config, by what a reading tells of them.

    Of one id there may be a source of the device itself beside one of components of some kind: the names of what was
    read tell them apart.
    """

    def __init__(self, config: DeviceConfig) -> None:
        self._all: dict[str, SourcePlan] = {}
        self._of_device: dict[str, SourcePlan] = {}
        for source in sorted(config.sources, key=lambda one: one.component == DEVICE):
            plan = SourcePlan(config, source)
            if self._all.setdefault(source.id, plan) is not plan:
                plan.of_device = True
                self._of_device[source.id] = plan

    def of(self, result: Result) -> SourcePlan | None:
        """What a reading is judged by."""
        alone = self._of_device.get(result.source)
        if alone is not None and result.rows and not any(row.component for row in result.rows):
            return alone
        return self._all.get(result.source)

    def at(self, source: str, *, of_device: bool) -> SourcePlan | None:
        """A source by its id, and by whether it is of the device itself beside another one."""
        return (self._of_device if of_device else self._all).get(source)

    def both(self, source: str) -> bool:
        """Whether there are two of an id."""
        return source in self._of_device


def source_mistakes(config: DeviceConfig) -> list[str]:
    """What of the sources of a config cannot be run, each a sentence."""
    found = [
        f"source {source.id}: {mistake}"
        for source in config.sources
        for mistake in threshold_mistakes(_judged(config, source, source.interval_s))
    ]
    ids = Counter((source.id, source.component == DEVICE) for source in config.sources)
    twice = sorted({id_ for (id_, _), count in ids.items() if count > 1})
    return found + [f"source {id_}: there are several of that id" for id_ in twice]


def free_mistake(result: Result, interval_s: int) -> str:
    """Why there cannot be such a source that the config does not have; empty where there can."""
    try:
        msgspec.convert([msgspec.to_builtins(point) for point in result.points], list[Point])
        msgspec.convert(result.source, Name)
        msgspec.convert(interval_s, Interval)
    except msgspec.MsgspecError as error:
        return str(error)
    names = [point.name for point in result.points]
    if len(names) > MAX_POINTS or len({*names}) < len(names):
        return f"it has {len(names)} points; each needs a name of its own, and there may be {MAX_POINTS}"
    return ""


def _judged(config: DeviceConfig, source: SourceConfig | None, interval_s: int) -> DeviceConfig:
    """The config of a device as if a source were all that there is.

    Sources may have thresholds of one id, and components of one name: the source tells their alarms apart.
    """
    return msgspec.structs.replace(
        config,
        interval_s=interval_s,
        derived=source.derived if source is not None else (),
        thresholds=_named(source.id, source.thresholds) if source is not None else (),
        sources=(),
    )


@lru_cache(maxsize=2000)
def _named(source: str, thresholds: tuple[ThresholdConfig, ...]) -> tuple[ThresholdConfig, ...]:
    return tuple(msgspec.structs.replace(one, id=f"{source}/{one.id}") for one in thresholds)


@lru_cache(maxsize=2000)
def _layout(
    points: tuple[Point, ...],
    derived: tuple[DerivedConfig, ...],
    thresholds: tuple[ThresholdConfig, ...],
    step_s: int,
    retention: Kept,
) -> Layout:
    plain = Layout(points=points + derived_points(points, derived).points, step_s=step_s, retention=retention)
    return learning(plain, thresholds, "")

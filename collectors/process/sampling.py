"""Which samples a device's scans bring: one of each series for each step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from collectors.framework.judging.baselines import learning, learns
from collectors.framework.judging.judgedfigures import Figures
from collectors.process.memory import SetMemory
from collectors.process.points import layout, measured
from collectors.process.tracker import Outcome
from common.configs import DeviceConfig
from common.processpoints import PROCESS_SOURCE
from common.series import Layout, Sample, SeriesKey

_NOTHING: Mapping[str, Figures] = {}
_NO_SETS: Mapping[str, SetMemory] = {}


class StepSamples:
    """Knows which series of the step at hand have their sample.

    A moment that process events have told of does not stand for a whole step: such samples are written only where the
    step brings no others, because its turn came while a scan out of turn was under way.
    """

    __slots__ = ("_config", "_derived", "_layout", "_learning", "_names", "_slot", "_spare", "_written")

    def __init__(self) -> None:
        self._config: DeviceConfig | None = None
        self._slot = 0
        self._written: tuple[str, ...] = ()
        self._spare: list[Sample] = []

    def of(
        self,
        config: DeviceConfig,
        outcome: Outcome,
        slot: int,
        figures: Mapping[str, Figures] = _NOTHING,
        sets: Mapping[str, SetMemory] = _NO_SETS,
    ) -> Sequence[Sample]:
        """What is to be written now; a second scan in a step has something only for series that it has none of yet.

        Where points are derived, `figures` has what was judged, by component. What of a set is learned is a matter of
        its definition, which `sets` has.
        """
        if config is not self._config:
            self._take(config)
        due: list[Sample] = []
        if slot != self._slot:
            due, self._spare = self._spare, []
            self._slot, self._written = slot, ()
        fresh = {component: series for component, series in outcome.series.items() if series not in self._written}
        samples = [
            Sample(
                key=SeriesKey(config.device, kept_under, PROCESS_SOURCE),
                layout=self._layout if self._learning is None else self._learned(sets.get(component)),
                at=slot,
                values=self._values(outcome.figures[component], figures.get(component)),
            )
            for component, kept_under in fresh.items()
        ]
        if outcome.view.table.woken:
            self._spare = samples
            return due
        self._spare = []
        self._written += tuple(fresh.values())
        return [*due, *samples] if due else samples

    def _take(self, config: DeviceConfig) -> None:
        self._config = config
        self._layout: Layout = layout(config.source, config.interval_s, config.retention, config.derived)
        self._learning: dict[str, Layout] | None = {} if learns(config.thresholds) else None
        self._names = _names(self._layout)
        self._derived = tuple([point.name for point in self._layout.points[len(measured(config.source)) :]])

    def _learned(self, kept: SetMemory | None) -> Layout:
        """The layout of a set, with what is learned of it."""
        assert self._learning is not None
        assert self._config is not None
        definition = kept.definition if kept is not None else ""
        found = self._learning.get(definition)
        if found is None:
            found = self._learning[definition] = learning(self._layout, self._config.thresholds, definition)
        return found

    def _values(self, values: Figures, figures: Figures | None) -> Figures:
        """What was measured as it is, with what was derived of it."""
        if not values.keys() <= self._names:
            values = {name: value for name, value in values.items() if name in self._names}
        if not self._derived or figures is None:
            return values
        return {**values, **{name: figures.get(name) for name in self._derived}}


@lru_cache(maxsize=512)
def _names(plan: Layout) -> frozenset[str]:
    return frozenset(point.name for point in plan.points)

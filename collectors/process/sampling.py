"""Which samples a device's scans bring: one of each series for each step."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.process.points import SOURCE, layout
from collectors.process.tracker import Outcome
from common.configs import DeviceConfig
from common.series import Sample, SeriesKey


class StepSamples:
    """Knows which series of the step at hand have their sample.

    A moment that process events have told of does not stand for a whole step: such samples are written only where the
    step brings no others, because its turn came while a scan out of turn was under way.
    """

    def __init__(self) -> None:
        self._slot = 0
        self._written: tuple[str, ...] = ()
        self._spare: list[Sample] = []

    def of(self, config: DeviceConfig, outcome: Outcome, slot: int) -> Sequence[Sample]:
        """What is to be written now; a second scan in a step has something only for series that it has none of yet."""
        due: list[Sample] = []
        if slot != self._slot:
            due, self._spare = self._spare, []
            self._slot, self._written = slot, ()
        fresh = {component: series for component, series in outcome.series.items() if series not in self._written}
        samples = _samples(config, outcome, fresh, slot)
        if outcome.view.table.woken:
            self._spare = samples
            return due
        self._spare = []
        self._written += tuple(fresh.values())
        return [*due, *samples] if due else samples


def _samples(config: DeviceConfig, outcome: Outcome, series: dict[str, str], slot: int) -> list[Sample]:
    plan = layout(config.source, config.interval_s, config.retention)
    names = {point.name for point in plan.points}
    return [
        Sample(
            key=SeriesKey(config.device, kept_under, SOURCE),
            layout=plan,
            at=slot,
            values={name: value for name, value in outcome.figures[component].items() if name in names},
        )
        for component, kept_under in series.items()
    ]

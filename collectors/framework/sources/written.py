"""Which steps of the sources of a device have samples already: each component gets one for each step."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from collectors.framework.judging.judgedfigures import Figures
from collectors.framework.sources.checking import MAX_COMPONENTS, MAX_PAST_S, Sound
from collectors.framework.sources.plans import SourcePlan
from common.series import Sample, SeriesKey


class Written:
    """Makes samples of readings, and knows which it has made."""

    def __init__(self) -> None:
        self._sources: dict[str, dict[str, int]] = {}  # by source, the step of each component's last sample

    def components(self, source: str, now: float) -> Collection[str]:
        """Which components a source has; those that have not been seen for a day make room for others."""
        steps = self._sources.setdefault(source, {})
        if len(steps) >= MAX_COMPONENTS:
            for name in [name for name, step in steps.items() if not now - MAX_PAST_S < step <= now + MAX_PAST_S]:
                del steps[name]
        return steps.keys()

    def samples(
        self, device: str, plan: SourcePlan, sound: Sound, step: int, figures: Mapping[str, Figures], now: float
    ) -> list[Sample]:
        """What of a reading is to be written.

        Args:
            device: id.
            plan: of the source.
            sound: the rows of the reading.
            step: of the reading, in epoch seconds.
            figures: what was derived, by component.
            now: epoch seconds.
        """
        steps = self._sources.setdefault(plan.source, {})
        found: list[Sample] = []
        derived = plan.layout.points[len(plan.names) :]
        for name, row in sound.rows.items():
            if step <= steps.get(name, 0) <= now:  # else the clock was set back: what there was is of the future
                continue
            steps[name] = step
            more = figures.get(name) if derived else None
            values = {**row.values, **{one.name: more.get(one.name) for one in derived}} if more else row.values
            found.append(
                Sample(
                    key=SeriesKey(device, name, plan.source),
                    layout=plan.layout,
                    at=step,
                    values=values,
                    taken=row.taken,
                    uptime_s=row.uptime_s,
                    discontinuity=row.discontinuity,
                )
            )
        return found

    def forget(self, source: str) -> None:
        """The source is read no more."""
        self._sources.pop(source, None)

"""Thresholds and derived points of a device's process sets (pure): what a scan measured in, events and figures out."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.framework.judging.baselines import Learned
from collectors.framework.judging.judgedfigures import Figures
from collectors.framework.judging.thresholdbook import Judgement, Reading, ThresholdBook
from collectors.process.memory import DeviceMemory, SetMemory
from collectors.process.points import measured
from collectors.process.tracker import Outcome
from common.configs import DeviceConfig
from common.processpoints import PROCESS_SOURCE
from common.queries import Decision


class SetJudge:
    """Judges by one config.

    Raises:
        PermanentError: its thresholds cannot be run.
    """

    def __init__(self, config: DeviceConfig) -> None:
        self._book = ThresholdBook(config, measured(config.source))
        self._gone = {one.name: "it is not to be monitored" for one in config.overrides if not one.monitor}

    @property
    def flaws(self) -> tuple[str, ...]:
        """What is wrong with derived points, each a sentence."""
        return self._book.figures.derived.flaws

    def judge(
        self, memory: DeviceMemory, outcome: Outcome, at: float, step: int, learned: Sequence[Learned] = ()
    ) -> Judgement:
        """Judge what a scan at epoch second `at`, in the step that begins at `step`, has measured.

        Of a set without processes the count alone is known: no memory is not little memory, and nothing is derived
        from it. `learned` is what is new of baselines.
        """
        if self._book.is_empty and not memory.thresholds:
            return Judgement()
        readings = [
            Reading(
                component,
                memory.sets[component].definition,
                figures if memory.sets[component].pids else {"count": figures["count"]},
                _born(figures, memory.sets[component], at),
                bool(memory.sets[component].pids),
                learned=learned and _of(memory.sets[component].series or component, learned),
            )
            for component, figures in outcome.figures.items()
        ]
        on_turn = not outcome.view.table.woken
        return self._book.judge(memory.thresholds, readings, at, step, self._gone, on_turn=on_turn)

    def decided(self, memory: DeviceMemory, decision: Decision) -> bool:
        """Take note of what an operator made of an alarm; False when it is none of a threshold."""
        return self._book.decide(memory.thresholds, decision)


def _of(series: str, learned: Sequence[Learned]) -> Sequence[Learned]:
    """What is new of the baselines of one series."""
    return [one for one in learned if one.series.component == series and one.series.source == PROCESS_SOURCE]


def _born(figures: Figures, kept: SetMemory, at: float) -> float | None:
    """Since when a set is what it is: its oldest process, or a restart of at least half of it."""
    oldest_s = figures.get("oldest_s")
    return max(kept.renewed_at, at - oldest_s) if oldest_s is not None else None

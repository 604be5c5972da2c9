"""Absence and baselines of process sets: of sets that do not run, and of those that had another name."""

from __future__ import annotations

from typing import Any

import msgspec

from collectors.framework.judging.baselines import Learned, Look
from collectors.process.judging import SetJudge
from collectors.process.memory import dump, load
from collectors.process.sampling import StepSamples
from common.events import Event, Severity
from common.judged import BaselineConfig, Level, ThresholdConfig, ThresholdForm
from common.series import Baseline, SeriesKey
from tests.collectors.process.test_sampling import CONFIG, scan
from tests.collectors.process.test_tracker import Host, definition

BLIND = ThresholdConfig(
    id="blind",
    points=("memory",),
    form=ThresholdForm.ABSENCE,
    scans=2,
    levels=(Level(severity=Severity.ERROR),),
)
ODD = ThresholdConfig(
    id="odd",
    points=("memory",),
    form=ThresholdForm.BASELINE,
    levels=(Level(severity=Severity.WARNING),),
    baseline=BaselineConfig(learn_s=0),
)


class Judged(Host):
    """A host with one set, whose samples are judged."""

    def __init__(self, *thresholds: ThresholdConfig) -> None:
        super().__init__(definition(), thresholds=thresholds)
        self.judge = SetJudge(self.config)

    def cycle(self, *pids: int, learned: list[Learned] | None = None, **fields: Any) -> list[Event]:
        outcome = self.observe({pid: self.row(pid, **fields) for pid in pids})
        at = outcome.view.table.at
        events = self.judge.judge(self.tracker.memory, outcome, at, int(at), learned or []).events
        self.tracker.memory = load(dump(self.tracker.memory))
        return events

    def part(self, value: float, series: str = "web") -> list[Learned]:
        key = SeriesKey(self.config.device, series, "process")
        at = int(self.tracker.memory.scanned_at or 0)
        return [Learned(key, Baseline(point="memory"), 0, [Look(at, value, 100.0, 1.0)])]


def test_no_value_of_a_set_that_runs_is_missed_and_of_one_that_does_not_none_is() -> None:
    host = Judged(BLIND)
    assert host.cycle(1, memory_bytes=5) == []
    for _ in range(4):
        assert host.cycle() == []
    assert host.cycle(1, memory_bytes=None) == []
    (event,) = host.cycle(1, memory_bytes=None)
    assert (event.severity, event.summary) == (Severity.ERROR, "memory of web has no value (for 2 scans)")
    assert host.cycle() == []
    (over,) = host.cycle(1, memory_bytes=2048)
    assert (over.severity, over.summary) == (Severity.CLEAR, "memory of web has a value again: 2 KiB")


def test_what_was_learned_under_the_first_name_of_a_set_judges_it_under_the_name_that_it_has() -> None:
    host = Judged(ODD)
    host.cycle(1)
    kept = host.tracker.memory.sets["web"]
    assert host.cycle(1, learned=host.part(500.0, "stranger")) == []
    kept = host.tracker.memory.sets["web"]
    kept.series = "old"
    host.cycle(1)
    assert host.cycle(1, learned=host.part(500.0, "web")) == []
    host.cycle(1)
    (event,) = host.cycle(1, learned=host.part(500.0, "old"))
    assert event.component == "web"
    assert event.summary == "memory of web is 500 B, expected 90 B to 110 B at this time"


def test_samples_say_what_is_to_be_learned_of_sets_of_their_definition() -> None:
    own = msgspec.structs.replace(ODD, definitions=("db",))
    host = Judged(own)
    host.cycle(1)
    step = StepSamples()
    config = msgspec.structs.replace(CONFIG, thresholds=(own,))
    (sample,) = step.of(config, scan(1), 60, {}, host.tracker.memory.sets)
    assert sample.layout.baselines == ()
    host.tracker.memory.sets["web"].definition = "db"
    (sample,) = StepSamples().of(config, scan(1), 60, {}, host.tracker.memory.sets)
    assert sample.layout.baselines == (Baseline(point="memory"),)
    (plain,) = StepSamples().of(CONFIG, scan(1), 60, {}, host.tracker.memory.sets)
    assert plain.layout == msgspec.structs.replace(sample.layout, baselines=())

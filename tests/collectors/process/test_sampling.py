"""One sample of each series for each step, whatever makes the device scanned."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from collectors.framework.processtable import ProcessTable
from collectors.process.sampling import StepSamples
from collectors.process.tables import View
from collectors.process.tracker import Outcome
from common.configs import DeviceConfig, SourceKind
from common.judged import DerivedConfig
from common.series import Sample

CONFIG = DeviceConfig(device="host", address="", source=SourceKind.LOCAL, interval_s=60)


def scan(count: int, *sets: str, woken: bool = False) -> Outcome:
    table = ProcessTable(at=0.0, monotonic=0.0, rows={}, complete=True, full=False, woken=woken)
    names = sets or ("web",)
    return Outcome(
        events=[],
        figures={name: {"count": count} for name in names},
        series={name: f"{name}-series" for name in names},
        show=list,
        view=View(table=table, owners={}, used={}),
        changed=False,
    )


def told(samples: Sequence[Sample]) -> list[tuple[str, int, object]]:
    return [(sample.key.component, sample.at, sample.values["count"]) for sample in samples]


def test_a_moment_out_of_turn_does_not_stand_for_a_step() -> None:
    step = StepSamples()
    assert told(step.of(CONFIG, scan(0, woken=True), 60)) == []
    assert told(step.of(CONFIG, scan(1), 60)) == [("web-series", 60, 1)]
    assert told(step.of(CONFIG, scan(0, woken=True), 60)) == []
    assert told(step.of(CONFIG, scan(2), 120)) == [("web-series", 120, 2)]


def test_a_step_whose_turn_was_left_out_has_the_last_moment_that_was_seen() -> None:
    step = StepSamples()
    for count in (3, 4):
        assert told(step.of(CONFIG, scan(count, woken=True), 60)) == []
    assert told(step.of(CONFIG, scan(5, woken=True), 120)) == [("web-series", 60, 4)]
    assert told(step.of(CONFIG, scan(6), 180)) == [("web-series", 120, 5), ("web-series", 180, 6)]
    assert told(step.of(CONFIG, scan(7), 240)) == [("web-series", 240, 7)]


def test_a_second_scan_on_turn_and_a_moment_bring_what_is_new() -> None:
    step = StepSamples()
    step.of(CONFIG, scan(1), 60)
    assert told(step.of(CONFIG, scan(1, "web", "db"), 60)) == [("db-series", 60, 1)]
    assert told(step.of(CONFIG, scan(2, "web", "db", "mail", woken=True), 60)) == []
    assert told(step.of(CONFIG, scan(3), 120)) == [("mail-series", 60, 2), ("web-series", 120, 3)]


def test_what_was_derived_stands_beside_what_was_measured() -> None:
    twice = DerivedConfig(point="twice", expression="count * 2", unit="processes", maximum=10.0)
    config = msgspec.structs.replace(CONFIG, source=SourceKind.SNMP, derived=(twice,))
    step = StepSamples()
    (sample,) = step.of(config, scan(3), 60, {"web": {"count": 3, "twice": 6}})
    assert sample.values == {"count": 3, "twice": 6}
    assert [point.name for point in sample.layout.points][-2:] == ["youngest_s", "twice"]
    assert (sample.layout.points[-1].unit, sample.layout.points[-1].maximum) == ("processes", 10.0)
    (unknown,) = step.of(config, scan(4), 120)  # by a config that was not judged by yet
    assert (unknown.values, len(unknown.layout.points)) == ({"count": 4}, 7)
    (without,) = step.of(CONFIG, scan(5), 180, {"web": {"count": 5, "twice": 10}})
    assert (without.values, without.layout.points[-1].name) == ({"count": 5}, "failed_runs")


def test_a_point_that_nobody_knows_is_not_written() -> None:
    outcome = scan(3)
    outcome.figures["web"]["strange"] = 1
    (sample,) = StepSamples().of(CONFIG, outcome, 60)
    assert sample.values == {"count": 3}

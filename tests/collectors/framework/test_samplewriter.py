from __future__ import annotations

import math
from typing import Any

from collectors.framework.data.spool.intake import Intake
from tests.contracts.sample_sink import LAYOUT, NOW, SampleSinkContract, sample
from tests.fakes.samples import FakeSampleSink


class TestFakeSampleSink(SampleSinkContract):
    def make_sink(self) -> Any:
        return FakeSampleSink(lambda: NOW)


def test_values_stand_in_the_order_of_the_layout_and_missing_ones_are_unknown() -> None:
    intake = Intake()
    intake.accept([sample(NOW, count=3), sample(NOW, "nginx", count=1, cpu=0.5)], NOW)
    assert intake.waiting == [(1, NOW, [None, 3]), (2, NOW, [0.5, 1])]
    assert [definition[2] for definition in intake.series.values()] == [LAYOUT, LAYOUT]


def test_what_is_no_number_is_unknown_and_the_rest_of_its_sample_is_kept() -> None:
    bad: list[Any] = [math.inf, math.nan, 2**64, -(2**63) - 1, "5", True, b"5", [1]]
    intake = Intake()
    intake.accept([sample(NOW, f"c{i}", cpu=value, count=3) for i, value in enumerate(bad)], NOW)
    assert [entry[2] for entry in intake.waiting] == [[None, 3]] * len(bad)
    assert intake.drops == {"not finite": len(bad)}


def test_a_stamp_off_the_grid_is_snapped() -> None:
    intake = Intake()
    intake.accept([sample(NOW + 7, cpu=1)], NOW + 7)
    assert intake.waiting[0][1] == NOW


def test_a_clock_that_was_wrong_by_years_and_is_set_right_locks_no_series() -> None:
    intake = Intake()
    intake.accept([sample(NOW + 10**8, cpu=1)], NOW + 10**8)
    intake.accept([sample(NOW, cpu=2)], NOW)
    intake.accept([sample(NOW, cpu=3)], NOW)
    assert [entry[1] for entry in intake.waiting] == [NOW + 10**8, NOW]
    assert intake.drops == {"past": 1}


def test_a_layout_that_changes_gets_a_number_of_its_own_and_time_still_goes_on() -> None:
    intake = Intake()
    intake.accept([sample(NOW - 10, cpu=1)], NOW)
    changed = sample(NOW, cpu=1)
    changed = type(changed)(
        key=changed.key, layout=type(LAYOUT)(points=LAYOUT.points[:1], step_s=10), at=NOW - 10, values={"cpu": 1}
    )
    intake.accept([changed], NOW)
    assert intake.drops == {"past": 1}
    assert len(intake.series) == 2


def test_what_cannot_be_spooled_waits_up_to_a_bound_and_the_oldest_go_first() -> None:
    intake = Intake(max_waiting=3)
    intake.accept([sample(NOW - 20, cpu=1), sample(NOW - 10, cpu=2)], NOW)
    taken = intake.take()
    intake.accept([sample(NOW, cpu=3), sample(NOW + 10, cpu=4)], NOW)
    intake.give_back(taken)
    assert [entry[2][0] for entry in intake.waiting] == [2, 3, 4]
    assert intake.drops == {"spool cannot be written": 1}


def test_the_latest_values_of_a_device_are_kept() -> None:
    intake = Intake()
    intake.accept([sample(NOW - 10, "b", cpu=1), sample(NOW, "b", cpu=2), sample(NOW, "a", count=9)], NOW)
    assert [(one.key.component, one.at, one.values) for one in intake.of_device("web1")] == [
        ("a", NOW, [None, 9]),
        ("b", NOW, [2, None]),
    ]
    assert intake.of_device("other") == []


def test_rows_that_were_judged_elsewhere_are_taken_as_samples_are() -> None:
    intake, judged = Intake(), Intake()
    samples = [sample(NOW - 10, cpu=1, count=2), sample(NOW, cpu=3), sample(NOW, "nginx", count=4)]
    intake.accept(samples, NOW)
    judged.accept(samples, NOW)
    other = Intake()
    rows = []
    for number, at, values in judged.take():
        _, key, layout = judged.series[number]
        series = other.series_of(key, layout)
        assert series is not None
        rows.append((series, at, values))
    other.accept_rows(rows, NOW)
    assert (other.waiting, dict(other.series)) == (intake.waiting, dict(intake.series))
    assert [(one.at, one.values) for one in other.of_device("web1")] == [(NOW, [None, 4]), (NOW, [3, None])]
    other.accept_rows(rows, NOW)
    assert other.drops == {"past": 1}  # what is of the same step was said by the process before this one
    assert len(other.waiting) == 3
    other.accept([sample(NOW + 10, cpu=5)], NOW + 10)
    assert len(other.waiting) == 4


def test_rows_of_a_series_that_cannot_be_are_not_taken() -> None:
    intake = Intake()
    assert intake.series_of(sample(NOW).key, type(LAYOUT)(points=(), step_s=10)) is None
    assert intake.drops == {"malformed": 1}

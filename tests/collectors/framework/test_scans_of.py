"""Thresholds for which so many of the last so many scans count."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.framework.judging.thresholds import judge
from collectors.framework.judging.watches import CALM, Watch, silent
from common.events import Severity
from common.judged import Level, ScansOf, ThresholdConfig, ThresholdForm

START = 1_800_000_000
STEP_S = 60
WARNING = Level(severity=Severity.WARNING, maximum=80)
CRITICAL = Level(severity=Severity.CRITICAL, maximum=90)


def threshold(needed: int = 3, of: int = 5, *levels: Level, **fields: Any) -> ThresholdConfig:
    return ThresholdConfig(id="t", points=("p",), levels=levels or (WARNING,), scans=ScansOf(needed, of), **fields)


class Point:
    """A point that is judged once a minute; each watch goes to disk and back."""

    def __init__(self, config: ThresholdConfig) -> None:
        self.config = config
        self.watch = CALM
        self.scans = 0

    def take(self, value: float | None, *, again: bool = False) -> int | None:
        self.scans += not again
        step = START + self.scans * STEP_S
        self.watch, verdict = judge(self.config, self.watch, value, step + 5.0 + again, step)
        self.watch = msgspec.msgpack.decode(msgspec.msgpack.encode(self.watch), type=Watch)
        if self.watch == CALM:
            self.watch = CALM
        return int(verdict.severity) if verdict is not None else None

    def say(self, *values: float | None) -> list[int | None]:
        return [self.take(value) for value in values]


@pytest.mark.parametrize(
    ("config", "values", "said"),
    [
        (threshold(), [90, 90, 90], [None, None, 3]),
        (threshold(), [90, 50, 90, 50, 90], [None] * 4 + [3]),
        # the first of the three is the sixth from the end by then
        (threshold(), [90, 50, 50, 90, 50, 90], [None] * 6),
        # it stays open until fewer than three of the last five violate
        (threshold(), [90, 90, 90, 50, 50, 50, 50], [None, None, 3, None, None, 0, None]),
        # it opens again as soon as three of five do, with those that are still among them
        (threshold(), [90, 90, 90, 50, 50, 50, 90, 90], [None, None, 3, None, None, 0, None, None]),
        (threshold(), [90, 90, 90, 50, 50, 50, 90, 90, 90], [None, None, 3, None, None, 0, None, None, 3]),
        (threshold(1, 3), [90, 50, 50, 50], [3, None, None, 0]),
        (threshold(2, 2), [90, 50, 90, 90, 50], [None, None, None, 3, 0]),
        # what is unknown is none of the scans
        (threshold(), [90, None, 90, None, None, None, 90], [None] * 6 + [3]),
        (threshold(), [90, 90, 90, None, None, None, 50, 50, 50], [None, None, 3] + [None] * 5 + [0]),
        # the level of a scan that violates
        (threshold(2, 3, CRITICAL, WARNING), [85, 95, 85, 50, 50], [None, 5, 3, None, 0]),
        # what is not yet left neither counts nor ends
        (threshold(2, 3, hysteresis=5), [90, 90, 78, 78, 78, 50, 50], [None, 3, None, None, None, None, 0]),
        (threshold(2, 3, escalate_after=3), [90, 90, 50, 90], [None, 3, None, 4]),
        (threshold(2, 3, form=ThresholdForm.BAND), [50, 99, 50, 99, 99], [None, None, 3, 0, None]),
    ],
)
def test_what_is_said_of_values(config: ThresholdConfig, values: list[float | None], said: list[int | None]) -> None:
    assert Point(config).say(*values) == said


def test_a_second_scan_in_a_step_takes_the_place_of_the_first_if_it_violates() -> None:
    point = Point(threshold(2, 3))
    assert [point.take(90), point.take(90, again=True), point.take(50, again=True)] == [None] * 3
    assert [point.take(50), point.take(90, again=True)] == [None, 3]
    assert [point.take(50, again=True), *point.say(50, 50)] == [None, None, 0]


def test_an_alarm_that_was_closed_by_hand_is_raised_anew_by_the_next_violation() -> None:
    point = Point(threshold())
    point.say(90, 90, 90)
    point.watch = silent(point.watch)
    assert point.say(50, 90) == [None, 3]


def test_what_is_remembered_does_not_grow() -> None:
    point = Point(threshold())
    point.say(*[90.0] * 200)
    assert point.watch.recent == 0b11111


def test_a_shorter_row_counts_what_is_still_in_it() -> None:
    point = Point(threshold(3, 20))
    point.say(90, 50, 50, 90)
    point.config = threshold(2, 3)
    assert point.say(90) == [3]


@given(
    st.integers(1, 6).flatmap(lambda of: st.tuples(st.integers(1, of), st.just(of))),
    st.lists(st.tuples(st.sampled_from([None, 50, 90]), st.booleans()), max_size=60),
)
def test_it_is_open_when_one_who_counts_anew_at_each_scan_says_so(
    rule: tuple[int, int], scans: list[tuple[float | None, bool]]
) -> None:
    needed, of = rule
    point = Point(threshold(needed, of))
    steps: list[bool] = []  # of each step with a value, whether one violated in it
    last_step, is_open = -1, False
    for value, again in scans:
        said = point.take(value, again=again and point.scans > 0)
        if value is not None:
            if point.scans == last_step:
                steps[-1] |= value > 80
            else:
                steps.append(value > 80)
            last_step = point.scans
            enough = sum(steps[-of:]) >= needed
            was, is_open = is_open, enough and (is_open or value > 80)
            assert said == ((3 if is_open else 0) if was != is_open else None)
        else:
            assert said is None
        assert bool(point.watch.severity) == is_open


def test_a_collector_that_knows_no_such_thing_refuses_it() -> None:
    class Old(msgspec.Struct):
        scans: int = 1

    data = msgspec.msgpack.encode(threshold())
    with pytest.raises(msgspec.ValidationError, match=r"Expected `int`, got `array` - at `\$\.scans`"):
        msgspec.msgpack.decode(data, type=Old)
    assert msgspec.msgpack.decode(data, type=ThresholdConfig) == threshold()

"""One threshold on one point: each rule of docs/process-rules.md as a row, and what must hold for any values."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collectors.framework.judging.thresholds import Verdict, judge
from collectors.framework.judging.thresholdwords import rule_of
from collectors.framework.judging.watches import CALM, Side, Watch
from common.arithmetic import LARGEST
from common.events import Severity
from common.judged import Level, ThresholdConfig, ThresholdForm

START = 1_800_000_000
STEP_S = 60

WARNING = Level(severity=Severity.WARNING, maximum=80)
CRITICAL = Level(severity=Severity.CRITICAL, maximum=90)


def threshold(*levels: Level, **fields: Any) -> ThresholdConfig:
    given_ = levels or (Level(severity=Severity.WARNING, minimum=10, maximum=80),)
    return ThresholdConfig(**({"id": "t", "points": ("p",), "levels": given_} | fields))


class Point:
    """A point that is judged once a minute."""

    def __init__(self, config: ThresholdConfig) -> None:
        self.config = config
        self.watch = CALM
        self.scans = 0

    def take(self, value: float | None, *, again: bool = False) -> Verdict | None:
        """The next scan, or one more in the same step."""
        self.scans += not again
        step = START + self.scans * STEP_S
        self.watch, verdict = judge(self.config, self.watch, value, step + 5.0 + again, step)
        return verdict

    def say(self, *values: float | None) -> list[int | None]:
        """Severities of what is said of each value; None is silence."""
        return [int(verdict.severity) if (verdict := self.take(value)) is not None else None for value in values]


@pytest.mark.parametrize(
    ("config", "values", "said"),
    [
        # limit: the bounds themselves are right
        (threshold(), [10, 80, 45], [None, None, None]),
        (threshold(), [80.001, 80], [3, 0]),
        (threshold(), [9.999, 10], [3, 0]),
        (threshold(Level(severity=Severity.ERROR, maximum=0)), [-5, 0, 1], [None, None, 4]),
        (threshold(Level(severity=Severity.ERROR, minimum=1)), [1e300, 0.5], [None, 4]),
        # said once, told again when the other bound is passed
        (threshold(), [90, 95, 99, 50], [3, None, None, 0]),
        (threshold(), [90, 5, 90], [3, 3, 3]),
        # band: strictly between
        (threshold(form=ThresholdForm.BAND), [10, 80, 5, 99], [None] * 4),
        (threshold(form=ThresholdForm.BAND), [10.1, 79.9, 80], [3, None, 0]),
        (threshold(Level(severity=Severity.INFO, minimum=5), form=ThresholdForm.BAND), [5, 6], [None, 2]),
        # change: the first is silent, each is said, none is over
        (
            threshold(Level(severity=Severity.INFO), form=ThresholdForm.CHANGE),
            [1, 1, 2, 2, 1],
            [None, None, 2, None, 2],
        ),
        (threshold(Level(severity=Severity.ERROR), form=ThresholdForm.CHANGE), [1, None, 1, None, 2], [None] * 4 + [4]),
        # levels: the worst that is violated; up and down
        (threshold(CRITICAL, WARNING), [85, 95, 95, 85, 70], [3, 5, None, 3, 0]),
        (threshold(CRITICAL, WARNING), [95, 70], [5, 0]),
        # scans in a row
        (threshold(scans=3), [90, 90, 90, 90, 50], [None, None, 3, None, 0]),
        (threshold(scans=3), [90, 90, 50, 90, 90, 90], [None] * 5 + [3]),
        (threshold(CRITICAL, WARNING, scans=2), [85, 95, 85, 70, 95], [None, 5, 3, 0, None]),
        # unknown: neither counts, nor resets, nor closes
        (threshold(scans=3), [90, None, 90, None, 90], [None] * 4 + [3]),
        (threshold(scans=2), [None, 90, None, None], [None] * 4),
        (threshold(), [90, None, None, 90, 50], [3, None, None, None, 0]),
        (threshold(), [90, math.nan, math.inf, 50], [3, None, None, 0]),
        # seconds since the first, and both
        (threshold(for_s=120), [90, 90, 90, 90], [None, None, 3, None]),
        (threshold(for_s=120), [90, None, 90], [None, None, 3]),
        (threshold(for_s=120), [90, 90, 50, 90, 90, 90], [None] * 5 + [3]),
        (threshold(for_s=60, scans=4), [90] * 4, [None, None, None, 3]),
        (threshold(for_s=180, scans=2), [90] * 4, [None, None, None, 3]),
        # hysteresis: over when at least so far within, on the side that was violated
        (threshold(hysteresis=5), [81, 80, 75.1, 75], [3, None, None, 0]),
        (threshold(hysteresis=5), [9, 14.9, 15], [3, None, 0]),
        (threshold(hysteresis=5), [76, 78, 80], [None, None, None]),
        (threshold(hysteresis=5), [81, 12], [3, 0]),
        (threshold(hysteresis=1000), [81, 46, 45], [3, None, 0]),
        (threshold(form=ThresholdForm.BAND, hysteresis=5), [50, 10, 5.1, 5], [3, None, None, 0]),
        (threshold(form=ThresholdForm.BAND, hysteresis=5), [50, 84, 85], [3, None, 0]),
        (threshold(CRITICAL, WARNING, hysteresis=5), [95, 88, 84, 78, 75], [5, None, 3, None, 0]),
        (threshold(CRITICAL, WARNING, hysteresis=5), [95, 78], [5, 3]),
        (threshold(CRITICAL, WARNING, hysteresis=5), [85, 88, 91], [3, None, 5]),
        # hysteresis neither counts a violation nor ends the row
        (threshold(hysteresis=5, escalate_after=3), [90, 78, 78, 90, 90], [3, None, None, None, 4]),
        # escalation: one more, once, and never over critical
        (threshold(escalate_after=3), [90] * 5 + [50], [3, None, 4, None, None, 0]),
        (threshold(escalate_after=2), [90, None, None, 90], [3, None, None, 4]),
        (threshold(CRITICAL, escalate_after=2), [95, 95], [5, None]),
        (threshold(CRITICAL, WARNING, escalate_after=2), [85, 85, 95, 85], [3, 4, 5, 4]),
        (threshold(scans=2, escalate_after=2), [90, 90], [None, 4]),
        (threshold(escalate_after=3), [90, 90, 50, 90, 90, 90], [3, None, 0, 3, None, 4]),
    ],
)
def test_what_is_said_of_values(config: ThresholdConfig, values: list[float | None], said: list[int | None]) -> None:
    assert Point(config).say(*values) == said


def test_a_second_scan_in_a_step_counts_no_violation() -> None:
    point = Point(threshold(scans=3))
    assert point.take(90) is None
    assert [point.take(90, again=True) for _ in range(5)] == [None] * 5
    assert point.say(90, 90) == [None, 3]


def test_a_second_scan_in_a_step_may_begin_a_row_and_may_end_one() -> None:
    point = Point(threshold(scans=2))
    point.take(50)
    assert point.take(90, again=True) is None
    assert point.say(90) == [3]
    over = point.take(50, again=True)
    assert over is not None
    assert over.severity is Severity.CLEAR
    assert point.take(90, again=True) is None
    assert point.say(90) == [3]


def test_another_bound_has_no_hysteresis_from_the_one_before() -> None:
    point = Point(threshold(hysteresis=5))
    point.take(90)
    point.config = threshold(Level(severity=Severity.WARNING, minimum=10, maximum=95), hysteresis=5)
    assert point.say(94) == [0]


def test_a_clock_that_was_set_back_does_not_delay_an_alarm_for_ever() -> None:
    config = threshold(for_s=60)
    watch, _ = judge(config, CALM, 90, START + 1e6, START)
    watch, verdict = judge(config, watch, 90, START + 60, START + 60)
    assert (verdict, watch.since) == (None, START + 60)
    assert judge(config, watch, 90, START + 120, START + 120)[1] is not None


def test_an_alarm_that_was_closed_by_hand_needs_no_new_row() -> None:
    point = Point(threshold(scans=3))
    point.say(90, 90, 90)
    point.watch = Watch(violations=point.watch.violations, step=point.watch.step, since=point.watch.since)
    assert point.say(90) == [3]


# --- whatever the values ----------------------------------------------------------------------------------------------

LEVELS = st.lists(
    st.builds(
        lambda severity, low, width: Level(
            severity=severity, minimum=low, maximum=None if low is None else low + width
        ),
        st.sampled_from([Severity.CRITICAL, Severity.ERROR, Severity.WARNING]),
        st.none() | st.integers(0, 50),
        st.integers(1, 50),
    )
    | st.builds(
        lambda severity, high: Level(severity=severity, maximum=high), st.just(Severity.INFO), st.integers(0, 99)
    ),
    min_size=1,
    max_size=3,
).map(lambda levels: tuple(sorted(levels, key=lambda level: -level.severity)))

CONFIGS = st.builds(
    lambda levels, **fields: threshold(*levels, **fields),
    LEVELS,
    form=st.sampled_from([ThresholdForm.LIMIT, ThresholdForm.BAND]),
    scans=st.integers(1, 4),
    for_s=st.sampled_from([0, 60, 150]),
    hysteresis=st.sampled_from([0, 5, 200]),
    escalate_after=st.none() | st.integers(1, 6),
)
VALUES = st.lists(st.none() | st.integers(-10, 110), max_size=25)


@given(CONFIGS, VALUES)
def test_an_alarm_opens_before_it_is_told_again_or_closed_and_nothing_is_said_twice(
    config: ThresholdConfig, values: list[float | None]
) -> None:
    point = Point(config)
    told: list[tuple[int, Level | None, Side]] = [(0, None, Side.NONE)]
    for value in values:
        verdict = point.take(value)
        if verdict is not None:
            assert value is not None
            told.append((int(verdict.severity), verdict.level, verdict.side))
        assert point.watch.severity == told[-1][0]
    assert all(before != after for before, after in itertools.pairwise(told))


@given(CONFIGS, VALUES)
def test_what_is_unknown_changes_nothing(config: ThresholdConfig, values: list[float | None]) -> None:
    """Nothing but time, which `for_s` is of, passes with an unknown value."""
    config = threshold(*config.levels, form=config.form, scans=config.scans, hysteresis=config.hysteresis)
    whole, known = Point(config), Point(config)
    assert [v for v in map(whole.take, values) if v] == [
        v for v in map(known.take, [value for value in values if value is not None]) if v
    ]


@given(CONFIGS, VALUES)
def test_every_alarm_is_over_when_the_value_is_right_for_long_enough(
    config: ThresholdConfig, values: list[float | None]
) -> None:
    point = Point(config)
    point.say(*values)
    right = next((value for value in (*range(-500, 500), 0.5) if point_is_right(config, value)), None)
    if right is not None:
        point.say(right)
        assert point.watch == CALM


def point_is_right(config: ThresholdConfig, value: float) -> bool:
    """Whether a value violates no level by any margin."""
    for level in config.levels:
        low = -math.inf if level.minimum is None else level.minimum
        high = math.inf if level.maximum is None else level.maximum
        margin = config.hysteresis
        if config.form is ThresholdForm.BAND:
            if low - margin < value < high + margin:
                return False
            continue
        if level.minimum is not None and level.maximum is not None:
            margin = min(margin, (high - low) / 2)
        if not low + margin <= value <= high - margin:
            return False
    return True


@given(CONFIGS, VALUES, st.data())
def test_scans_out_of_turn_with_the_same_value_change_nothing_that_is_counted(
    config: ThresholdConfig, values: list[float | None], data: st.DataObject
) -> None:
    plain, hurried = Point(config), Point(config)
    for value in values:
        plain.take(value)
        hurried.take(value)
        for _ in range(data.draw(st.integers(0, 2))):
            hurried.take(value, again=True)
        assert plain.watch.violations == hurried.watch.violations


@given(CONFIGS, VALUES)
def test_severity_is_that_of_a_level_or_one_more(config: ThresholdConfig, values: list[float | None]) -> None:
    point = Point(config)
    for verdict in map(point.take, values):
        if verdict is None or verdict.level is None:
            continue
        worse = config.escalate_after is not None and point.watch.violations >= config.escalate_after
        assert verdict.severity == min(verdict.level.severity + worse, Severity.CRITICAL)
        assert verdict.level in config.levels


BOUNDS = st.one_of(st.none(), st.integers(-5, 5))
LOWS_AND_HIGHS = st.tuples(BOUNDS, BOUNDS).filter(lambda pair: pair != (None, None))


@given(
    st.sampled_from([ThresholdForm.LIMIT, ThresholdForm.BAND, ThresholdForm.CHANGE]),
    st.lists(LOWS_AND_HIGHS, min_size=1, max_size=3),
    st.one_of(st.integers(-7, 7), st.floats()),
)
@example(ThresholdForm.LIMIT, [(-3, None), (2, None)], 0)
@example(ThresholdForm.LIMIT, [(None, 2), (None, -3)], 0)
def test_what_a_rule_takes_for_calm_violates_nothing_and_all_else_of_a_limit_does(
    form: ThresholdForm, bounds: list[tuple[int | None, int | None]], value: float
) -> None:
    levels = tuple(Level(severity=Severity.WARNING, minimum=low, maximum=high) for low, high in bounds)
    limit = ThresholdConfig(id="t", points=("memory",), form=form, levels=levels, hysteresis=1.0)
    rule = rule_of(limit, "memory", "bytes")
    silent = judge(limit, CALM, value, 60.0, 60) == (CALM, None)
    if form is ThresholdForm.LIMIT and -LARGEST <= value <= LARGEST:
        assert (rule.calm_from <= value <= rule.calm_to) == silent
    else:
        assert silent or not rule.calm_from <= value <= rule.calm_to

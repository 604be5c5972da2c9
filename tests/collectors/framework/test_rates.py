"""Rates of counters, held against fractions: exact, and unknown wherever it is not sure what was counted."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from collectors.framework.judging.rates import (
    UPTIME_WRAP_S,
    Conversion,
    Counted,
    Moment,
    elapsed_s,
    figure,
    rate,
    went_back,
    within,
)
from common.series import Kind, Number, Point

PLAIN = Point(name="in", kind=Kind.COUNTER, unit="bytes")
SPAN = 2**32
COUNTS = st.integers(0, 2**64 - 1)
SECONDS = st.floats(0.001, 1e6)


def wrapping(maximum: float | None, bits: int = 32) -> Point:
    return Point(name="in", kind=Kind.COUNTER, wraps_at_bits=bits, maximum=maximum)


# --- rates ------------------------------------------------------------------------------------------------------------


@given(COUNTS, COUNTS, SECONDS)
@example(2**64 - 2, 2**64 - 1, 1.0)
@example(2**53, 2**53 + 1, 1.0)
@example(2**63, 0, 1.0)
def test_a_difference_is_taken_of_integers_and_only_then_divided(before: int, count: int, passed_s: float) -> None:
    found = rate(PLAIN, before, count, passed_s)
    if count < before:
        assert found is None
    else:
        exact = Fraction(count - before) / Fraction(passed_s)
        assert found == pytest.approx(float(exact), rel=1e-15)


@pytest.mark.parametrize(
    ("before", "count"), [(None, 1), (1, None), (None, None), (2, 1), (math.nan, 1), (1, math.inf)]
)
def test_what_was_counted_is_unknown_without_two_counts_that_rise(before: Number | None, count: Number | None) -> None:
    assert rate(PLAIN, before, count, 1.0) is None


def test_nothing_is_too_large_or_too_small_to_be_asked() -> None:
    assert rate(PLAIN, 0, 10**400, 1.0) is None
    assert rate(PLAIN, 0.5, 10**400, 1.0) is None
    assert rate(PLAIN, 0, 10**300, 1e-300) is None
    assert rate(PLAIN, 0, 1, None) is None
    assert figure(Point(name="a", scale=2.0), 10**400) is None
    assert figure(Point(name="a", scale=1e300), 1e300) is None


def test_a_rate_is_scaled_and_then_held_against_the_bounds_of_its_point() -> None:
    point = Point(name="in", kind=Kind.COUNTER, scale=8.0, minimum=80.0, maximum=160.0)
    assert [rate(point, 0, count, 10.0) for count in (99, 100, 200, 201)] == [None, 80.0, 160.0, None]


# --- wraps ------------------------------------------------------------------------------------------------------------


@given(st.integers(0, 2**40), st.integers(0, 2**36), st.floats(0.5, 1000), st.floats(1, 1e9))
@example(SPAN - 10, 20, 10.0, 10.0)
@example(SPAN - 10, SPAN + 20, 10.0, 1e9)
def test_a_wrap_is_believed_only_when_nothing_else_can_have_been(
    begun: int, grown: int, passed_s: float, maximum: float
) -> None:
    """Of all that may have been counted, told by what is seen of it, only one is possible at this maximum."""
    before, count = begun % SPAN, (begun + grown) % SPAN
    found = rate(wrapping(maximum), before, count, passed_s)
    least = (count - before) % SPAN
    rates = [Fraction(least + turns * SPAN) / Fraction(passed_s) for turns in range(2)]
    assume(all(abs(float(one) / maximum - 1) > 1e-9 for one in rates))
    if count >= before:
        assert found == (pytest.approx(float(rates[0])) if rates[0] <= maximum else None)
    elif rates[0] <= maximum < rates[1]:
        assert found == pytest.approx(float(rates[0]))
        if Fraction(grown) / Fraction(passed_s) <= maximum:
            assert found == pytest.approx(grown / passed_s), "what was counted in truth"
    else:
        assert found is None


def test_without_a_width_or_a_maximum_a_fall_is_a_reset() -> None:
    assert rate(wrapping(100.0), SPAN - 10, 20, 10.0) == 3.0
    assert rate(wrapping(None), SPAN - 10, 20, 10.0) is None
    assert rate(wrapping(100.0, bits=0), SPAN - 10, 20, 10.0) is None
    assert rate(wrapping(2.0), SPAN - 10, 20, 10.0) is None, "faster than can be"
    assert rate(wrapping(1e9), SPAN - 10, 20, 10.0) is None, "it may have wrapped twice"
    assert rate(wrapping(100.0), 2**40, 20, 10.0) is None, "no count of 32 bits"
    assert rate(wrapping(100.0), 5, -3, 10.0) is None
    assert rate(wrapping(100.0, bits=64), 2**64 - 10, 20, 10.0) == 3.0


def test_the_maximum_of_a_scaled_counter_is_that_of_the_scaled_rate() -> None:
    bits = Point(name="in", kind=Kind.COUNTER, wraps_at_bits=32, maximum=100.0, scale=8.0)
    assert rate(bits, SPAN - 10, 20, 10.0) == 24.0
    assert rate(bits, SPAN - 10, 200, 10.0) is None


# --- the time between -------------------------------------------------------------------------------------------------


@given(st.floats(0, 4e9), st.floats(-1e6, 1e6))
def test_time_that_stands_or_goes_back_or_is_too_long_gives_nothing(at: float, later_s: float) -> None:
    found = elapsed_s(Moment(at), Moment(at + later_s), 1e5)
    assert found == (at + later_s - at if 0 < at + later_s - at <= 1e5 else None)
    assert elapsed_s(Moment(at), Moment(math.nan), math.inf) is None


@given(st.none() | st.integers(0, 3), st.none() | st.integers(0, 3))
def test_a_discontinuity_that_is_another_one_begins_anew(before: int | None, now: int | None) -> None:
    anew = before is not None and now is not None and before != now
    found = elapsed_s(Moment(1000.0, discontinuity=before), Moment(1060.0, discontinuity=now), 60.0)
    assert found == (None if anew else 60.0)


@given(
    st.floats(0, UPTIME_WRAP_S - 1, exclude_max=True),
    st.integers(10, 7200),
    st.none() | st.floats(0, 1),
    st.floats(-0.04, 0.04),
)
def test_an_agent_that_was_started_anew_since_is_noticed(
    uptime_s: float, passed_s: int, restart: float | None, drift: float
) -> None:
    """An uptime that goes on, by a clock that is a little off, loses nothing, also when its 32 bits wrap."""
    if restart is None:
        after_s = (uptime_s + passed_s * (1 + drift)) % UPTIME_WRAP_S
    else:
        after_s = restart * passed_s * 0.9
        assume(after_s < passed_s * 0.95 - 5 and uptime_s < UPTIME_WRAP_S - 3600)
    found = elapsed_s(Moment(1e9, uptime_s), Moment(1e9 + passed_s, after_s), math.inf)
    if restart is not None:
        assert found is None
    elif uptime_s + passed_s * 1.1 < UPTIME_WRAP_S or (uptime_s > UPTIME_WRAP_S - 3600 and after_s < 3600):
        assert found == passed_s
    assert elapsed_s(Moment(1e9, uptime_s), Moment(1e9 + passed_s), math.inf) == passed_s
    assert elapsed_s(Moment(1e9), Moment(1e9 + passed_s, after_s), math.inf) == passed_s


def test_an_uptime_that_wraps_does_not_go_back() -> None:
    assert went_back(100.0, 99.0)
    assert not went_back(99.0, 100.0)
    assert not went_back(UPTIME_WRAP_S - 10, 50.0)
    assert went_back(UPTIME_WRAP_S - 10, 7200.0)
    assert not went_back(None, 1.0)
    assert not went_back(1.0, None)


# --- rows -------------------------------------------------------------------------------------------------------------

POINTS = (
    Point(name="in", kind=Kind.COUNTER),
    Point(name="load", minimum=0.0, maximum=100.0),
    Point(name="kelvin", scale=0.1, offset=-273.0, minimum=-50.0),
    Point(name="kept", kind=Kind.DERIVE, minimum=0.0, maximum=1.0),
    Point(name="out", kind=Kind.COUNTER),
    Point(name="free"),
)


def test_a_row_as_it_was_read_becomes_the_figures_that_are_stored() -> None:
    conversion = Conversion(POINTS, 10)
    assert conversion.counts
    told = []
    before: Counted | None = None
    for at, row in (
        (100.0, [10, 101, 3000, 77, None, 1e300]),
        (110.0, [30, 100, 1000, 78, 5, None]),
        (120.0, [20, -1, None, 79, 25, -5]),
    ):
        now = conversion.counted(row, Moment(at))
        values: list[Number | None] = list(row)
        conversion.turn(values)
        conversion.rates(values, before, now)
        told.append(values)
        before = now
    assert told == [
        [None, None, pytest.approx(27.0), 77, None, 1e300],
        [2.0, 100, None, 78, None, None],
        [None, None, None, 79, 2.0, -5],
    ]


def test_bounds_are_inclusive_and_need_not_be_there() -> None:
    point = Point(name="a", minimum=1.0, maximum=2.0)
    assert [within(point, value) for value in (0.5, 1, 1.5, 2, 2.5, None)] == [None, 1, 1.5, 2, None, None]
    assert within(Point(name="a"), math.inf) is None

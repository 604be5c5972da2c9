"""What is judged of what is measured: rates of counters, and points that are derived."""

from __future__ import annotations

import pytest

from collectors.framework.judgedfigures import CounterBases, JudgedFigures
from common.configs import DerivedConfig
from common.expressions import ExpressionError
from common.series import Kind, Point

POINTS = (
    Point(name="memory", unit="bytes"),
    Point(name="count", unit="processes"),
    Point(name="reads", kind=Kind.DERIVE, unit="bytes"),
    Point(name="hits", kind=Kind.ABSOLUTE, unit="hits"),
)
EACH = DerivedConfig(point="each", expression="memory / count", unit="bytes")
TWICE = DerivedConfig(point="twice", expression="each * 2")


def test_a_counter_is_judged_by_its_rate_between_two_samples() -> None:
    figures, bases = JudgedFigures(POINTS, (), ["reads"]), CounterBases()
    seen = [
        figures.judged({"reads": value}, bases, at, step)["reads"]
        for value, at, step in [
            (10**12, 1000.0, 960),  # the first
            (10**12 + 600, 1060.0, 1020),
            (10**12 + 700, 1070.0, 1020),  # out of turn
            (10**12 + 1200, 1120.0, 1080),
            (5, 1180.0, 1140),  # a reset
            (65, 1240.0, 1200),
            (None, 1300.0, 1260),
            (1000, 1360.0, 1320),  # nobody knows what was between
            (1060, 1360.0, 1380),  # no time has passed
            (1120, 1350.0, 1440),  # the clock was set back
        ]
    ]
    assert seen == [None, 10.0, None, 10.0, None, 1.0, None, None, None, None]


def test_a_count_since_the_last_reading_is_judged_over_the_time_between() -> None:
    figures, bases = JudgedFigures(POINTS, (), ["hits"]), CounterBases()
    assert figures.judged({"hits": 30}, bases, 1000.0, 960)["hits"] is None
    assert figures.judged({"hits": 30}, bases, 1060.0, 1020)["hits"] == 0.5


def test_a_derived_point_is_computed_from_what_is_judged_and_from_those_before_it() -> None:
    rate = DerivedConfig(point="rate", expression="reads * 8", unit="bits")
    figures, bases = JudgedFigures(POINTS, (EACH, TWICE, rate), ["twice", "rate"]), CounterBases()
    first = figures.judged({"memory": 300, "count": 3, "reads": 7}, bases, 1000.0, 960)
    assert (first["each"], first["twice"], first["rate"]) == (100, 200, None)
    second = figures.judged({"memory": 300, "count": 0, "reads": 67}, bases, 1060.0, 1020)
    assert (second["each"], second["twice"], second["rate"]) == (None, None, 8.0)
    assert figures.units == {
        "memory": "bytes",
        "count": "processes",
        "reads": "bytes/s",
        "hits": "hits/s",
        "each": "bytes",
        "twice": "",
        "rate": "bits",
    }


def test_what_nothing_judges_is_not_computed() -> None:
    values = {"memory": 300, "count": 3, "reads": 7}
    bases = CounterBases()
    assert JudgedFigures(POINTS, (EACH, TWICE), ["memory"]).judged(values, bases, 1000.0, 960) is values
    assert bases == CounterBases()
    assert "twice" not in JudgedFigures(POINTS, (EACH, TWICE), ["each"]).judged(values, bases, 1000.0, 960)


def test_an_expression_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ExpressionError, match="at character 10"):
        JudgedFigures(POINTS, (DerivedConfig(point="each", expression="memory + "),), ["each"])

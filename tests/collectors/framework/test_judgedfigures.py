"""What is judged of what is measured: rates of counters, and points that are derived."""

from __future__ import annotations

from collectors.framework.judging.judgedfigures import CounterBases, JudgedFigures
from collectors.framework.judging.rates import Moment
from common.judged import DerivedConfig
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
        figures.judged({"reads": value}, bases, Moment(at), step)["reads"]
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
    assert figures.judged({"hits": 30}, bases, Moment(1000.0), 960)["hits"] is None
    assert figures.judged({"hits": 30}, bases, Moment(1060.0), 1020)["hits"] == 0.5


def test_a_derived_point_is_computed_from_what_is_judged_and_from_those_before_it() -> None:
    rate = DerivedConfig(point="rate", expression="reads * 8", unit="bits")
    figures, bases = JudgedFigures(POINTS, (EACH, TWICE, rate), ["twice", "rate"]), CounterBases()
    first = figures.judged({"memory": 300, "count": 3, "reads": 7}, bases, Moment(1000.0), 960)
    assert (first["each"], first["twice"], first["rate"]) == (100, 200, None)
    second = figures.judged({"memory": 300, "count": 0, "reads": 67}, bases, Moment(1060.0), 1020)
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


def test_what_is_derived_is_always_computed_and_rates_only_where_they_are_asked_for() -> None:
    values = {"memory": 300, "count": 3, "reads": 7}
    bases = CounterBases()
    assert JudgedFigures(POINTS, (), ["memory"]).judged(values, bases, Moment(1000.0), 960) is values
    assert JudgedFigures(POINTS, (EACH,), ()).judged(values, bases, Moment(1000.0), 960) == {**values, "each": 100}
    assert bases == CounterBases()


def test_a_scan_out_of_turn_knows_no_rates_and_takes_none_from_the_one_on_turn() -> None:
    figures, bases = JudgedFigures(POINTS, (), ["reads"]), CounterBases()
    figures.judged({"reads": 0}, bases, Moment(1000.0), 960)
    out_of_turn = figures.judged({"reads": 5}, bases, Moment(1030.0), 1020, on_turn=False)
    assert out_of_turn["reads"] is None
    assert figures.judged({"reads": 60}, bases, Moment(1060.0), 1020)["reads"] == 1.0


def test_after_a_gap_there_is_no_rate() -> None:
    figures, bases = JudgedFigures(POINTS, (), ["reads"]), CounterBases()
    told = [
        figures.judged({"reads": 60 * number}, bases, Moment(at), int(at), step_s=60)["reads"]
        for number, at in enumerate((60.0, 120.0, 300.0, 630.0, 690.0))
    ]
    assert told == [None, 1.0, 60 / 180, None, 1.0]


def test_a_counter_whose_host_was_started_anew_has_no_rate() -> None:
    figures, bases = JudgedFigures(POINTS, (), ["reads"]), CounterBases()
    figures.judged({"reads": 0}, bases, Moment(1000.0, 500.0, 7), 960)
    assert figures.judged({"reads": 60}, bases, Moment(1060.0, 20.0, 7), 1020)["reads"] is None
    assert figures.judged({"reads": 120}, bases, Moment(1120.0, 80.0, 7), 1080)["reads"] == 1.0
    assert figures.judged({"reads": 180}, bases, Moment(1180.0, 140.0, 8), 1140)["reads"] is None


def test_gauges_are_judged_as_they_are_stored() -> None:
    points = (Point(name="t", scale=0.5, offset=1.0, maximum=10.0), Point(name="u", minimum=0.0))
    figures = JudgedFigures(points, (), ["t", "u"])
    assert figures.judged({"t": 4, "u": 1}, CounterBases(), Moment(1.0), 1) == {"t": 3.0, "u": 1}
    assert figures.judged({"t": 40, "u": -1}, CounterBases(), Moment(1.0), 1) == {"t": None, "u": None}
    assert figures.judged({}, CounterBases(), Moment(1.0), 1) == {}

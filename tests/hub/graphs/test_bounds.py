from __future__ import annotations

from common.events import Severity
from common.graphs import Limit
from common.judged import Level, ThresholdConfig, ThresholdForm
from hub.graphs.bounds import MAX_BOUNDS, bounds

UNITS = {"memory": "bytes", "cpu": "percent"}


def threshold(id_: str = "leak", *levels: Level, points: tuple[str, ...] = ("memory",)) -> ThresholdConfig:
    found = levels or (Level(severity=Severity.WARNING, maximum=2.0**30),)
    return ThresholdConfig(id=id_, points=points, levels=found)


def test_each_bound_of_each_level_is_a_line_and_the_worst_comes_first() -> None:
    both = threshold(
        "range",
        Level(severity=Severity.CRITICAL, minimum=1.0, maximum=2.0**31),
        Level(severity=Severity.WARNING, maximum=2.0**30),
    )
    assert bounds([both], [("memory", "")], UNITS) == (
        Limit(value=1.0, label="range: 1 B", severity=5, unit="bytes"),
        Limit(value=2.0**31, label="range: 2 GiB", severity=5, unit="bytes"),
        Limit(value=2.0**30, label="range: 1 GiB", severity=3, unit="bytes"),
    )


def test_only_what_is_drawn_has_bounds_and_each_line_is_there_once() -> None:
    again = threshold("again")
    found = bounds([threshold(), again, threshold("busy", points=("cpu",))], [("memory", "")], UNITS)
    assert [limit.label for limit in found] == ["leak: 1 GiB"]
    assert bounds([threshold()], [("cpu", "")], UNITS) == ()


def test_bounds_in_different_units_are_different_lines() -> None:
    low = Level(severity=Severity.WARNING, maximum=100.0)
    found = bounds([threshold("a", low, points=("memory", "heap"))], [("memory", ""), ("heap", "")], {"heap": "MiB"})
    assert [(limit.value, limit.unit) for limit in found] == [(100.0, ""), (100.0, "MiB")]


def test_what_has_no_bounds_has_no_line() -> None:
    change = ThresholdConfig(
        id="same", points=("memory",), form=ThresholdForm.CHANGE, levels=(Level(severity=Severity.INFO),)
    )
    assert bounds([change], [("memory", "")], UNITS) == ()


def test_a_bound_goes_where_the_transform_puts_it() -> None:
    (limit,) = bounds([threshold()], [("memory", "value / 2 ^ 20")], UNITS)
    assert (limit.value, limit.label, limit.unit) == (1024.0, "leak: 1 GiB", "")
    # Where it lies changes with the other point.
    assert bounds([threshold()], [("memory", "value / count")], UNITS) == ()
    assert bounds([threshold()], [("memory", "if(value > 0, value, count)")], UNITS) == ()
    assert bounds([threshold()], [("memory", "1 / (value - value)")], UNITS) == ()


def test_there_are_not_more_than_can_be_read() -> None:
    many = [threshold(f"t{i}", Level(severity=Severity.WARNING, maximum=float(i))) for i in range(99)]
    assert len(bounds(many, [("memory", "")], UNITS)) == MAX_BOUNDS

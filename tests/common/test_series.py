from __future__ import annotations

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.series import Kind, Layout, Plan, Point, Retention, Sample, SeriesKey, finite, snap


@given(at=st.floats(0, 4e9), step_s=st.integers(1, 86400))
def test_snap_gives_the_start_of_the_step(at: float, step_s: int) -> None:
    snapped = snap(at, step_s)
    assert snapped % step_s == 0
    assert snapped <= at < snapped + step_s
    assert snap(snapped, step_s) == snapped


@pytest.mark.parametrize(
    ("value", "kept"), [(1, 1), (1.5, 1.5), (None, None), (math.inf, None), (-math.inf, None), (math.nan, None)]
)
def test_finite_lets_no_infinity_pass(value: float | None, kept: float | None) -> None:
    assert finite(value) == kept


@pytest.mark.parametrize("name", ["", "a" * 20, "a b", "a:b", "ä", "a/b"])
def test_a_point_name_that_rrdtool_would_refuse_is_refused_at_the_door(name: str) -> None:
    data = msgspec.msgpack.encode(Point(name=name))
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(data, type=Point)


def test_a_sample_keeps_integers_exact() -> None:
    sample = Sample(
        key=SeriesKey("d", "c", "s"),
        layout=Layout(points=(Point(name="n"),), step_s=1),
        at=1,
        values={"n": 2**63 - 1},
    )
    back = msgspec.msgpack.decode(msgspec.msgpack.encode(sample), type=Sample)
    assert back == sample
    assert isinstance(back.values["n"], int)


def test_equal_plans_are_equal_bytes_however_they_were_written_down() -> None:
    one = Plan(name="own", full_days=1, archives=((3600, 90), (600, 7)))
    other = Plan(name="own", full_days=1.0, archives=((600, 7.0), (3600, 90.0)))
    assert one == other
    assert msgspec.msgpack.encode(one) == msgspec.msgpack.encode(other)


@pytest.mark.parametrize("kept", [Retention.LONG, Plan(name="own", full_days=2.5, archives=((600, 7),))])
def test_a_layout_comes_back_with_the_plan_it_went_with(kept: Retention | Plan) -> None:
    layout = Layout(points=(Point(name="n"),), step_s=60, retention=kept)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(layout), type=Layout) == layout


@pytest.mark.parametrize(
    "plan",
    [
        {"name": "a b", "full_days": 1},
        {"name": "a", "full_days": 0},
        {"name": "a", "full_days": 1e9},
        {"name": "a", "full_days": 1, "archives": [[0, 1]]},
        {"name": "a", "full_days": 1, "archives": [[60, 1]] * 11},
    ],
)
def test_a_plan_out_of_bounds_is_refused_at_the_door(plan: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(plan, Plan)


def test_rows_of_all_but_gauges_are_so_much_a_second() -> None:
    assert {kind: Point(name="in", kind=kind, unit="bytes").stored_unit for kind in Kind} == {
        Kind.GAUGE: "bytes",
        Kind.COUNTER: "bytes/s",
        Kind.DERIVE: "bytes/s",
        Kind.ABSOLUTE: "bytes/s",
    }


def test_a_count_of_time_that_was_spent_comes_to_percent() -> None:
    busy = Point(name="busy", kind=Kind.COUNTER, unit="percent", scale=0.1)
    assert (busy.counted_unit, busy.stored_unit) == ("", "percent")
    assert Point(name="used", unit="percent").counted_unit == "percent"

from __future__ import annotations

import math
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.framework.data.writing.resampling import Ring, fill, under_way, unknown_ring

END = 1_800_000_000 // 3600 * 3600
VALUES = st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(math.nan)), min_size=1, max_size=80)


def by_seconds(rings: list[Ring], begin: int, end: int, cf: str) -> float:
    """The slow way: each second has the value of the first of the rings that has this time."""
    held = [
        next(
            (ring.values[(at - ring.begin) // ring.every_s] for ring in rings if ring.begin <= at < ring.end), math.nan
        )
        for at in range(begin, end)
    ]
    known = [value for value in held if not math.isnan(value)]
    if not known or len(held) - len(known) > len(held) / 2:
        return math.nan
    if cf == "AVERAGE":
        return math.fsum(known) / len(known)
    return min(known) if cf == "MIN" else max(known)


@settings(max_examples=150, deadline=None)
@given(
    values=VALUES, narrow=st.sampled_from([1, 2, 3, 5, 6, 10, 60]), wide=st.sampled_from([1, 2, 3, 4, 7, 10, 15, 60]),
    cf=st.sampled_from(["AVERAGE", "MIN", "MAX"]),
)  # fmt: skip
def test_rows_are_those_of_the_slow_way(values: list[float], narrow: int, wide: int, cf: str) -> None:
    ring = Ring(narrow, END - END % narrow, array("d", values))
    target = unknown_ring(wide, END - END % wide, 60)
    left = fill(target, (0, 60), cf, [ring])
    missing = {row for first, last in left for row in range(first, last)}
    for row, value in enumerate(target.values):
        begin = target.begin + row * wide
        if row in missing:
            assert begin < ring.begin or begin + wide > ring.end
            assert math.isnan(value)
        else:
            wanted = by_seconds([ring], begin, begin + wide, cf)
            assert value == pytest.approx(wanted, rel=1e-12, abs=1e-9, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(fine=VALUES, coarse=VALUES, cf=st.sampled_from(["AVERAGE", "MIN", "MAX"]))
def test_the_finest_has_the_last_word_on_its_time(fine: list[float], coarse: list[float], cf: str) -> None:
    rings = [Ring(10, END, array("d", fine)), Ring(60, END, array("d", coarse))]
    target = unknown_ring(20, END, 60)
    fill(target, (0, 60), cf, rings)
    for row, value in enumerate(target.values):
        begin = END - (60 - row) * 20
        if begin >= rings[0].begin:
            assert value == pytest.approx(by_seconds(rings[:1], begin, begin + 20, cf), abs=1e-9, nan_ok=True)
        elif begin >= rings[1].begin:
            assert value == pytest.approx(by_seconds(rings[1:], begin, begin + 20, cf), abs=1e-9, nan_ok=True)
        else:
            assert math.isnan(value)


def test_the_same_resolution_is_taken_bit_by_bit_also_where_it_is_unknown() -> None:
    rings = [Ring(10, END, array("d", [1.0] * 60)), Ring(60, END, array("d", [7.0, math.nan, 0.1 + 0.2]))]
    target = unknown_ring(60, END, 3)
    assert fill(target, (0, 3), "AVERAGE", rings) == []
    assert target.values.tobytes() == rings[1].values.tobytes()


@pytest.mark.parametrize(("cf", "value"), [("AVERAGE", 1.0 + 2.0 + 4.0 + 6 * 5.0), ("MIN", 1.0), ("MAX", 5.0)])
def test_a_row_that_has_begun_is_made_of_the_finest_and_before_them_of_coarser_ones(cf: str, value: float) -> None:
    fine = Ring(10, END, array("d", [1.0, 2.0, math.nan, 4.0]))
    coarse = Ring(60, END - 60, array("d", [5.0]))
    # A row that began 180 s ago: nothing is known of its first 60 s, of 20 s between the two, and of one step.
    assert under_way([fine, coarse], cf, END - 180, END, 10) == (value, 6 + 2 + 1)

"""Rows that wait as one `bytes` come back as they were."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from collectors.framework.data.writing.seriesfile import Row
from collectors.framework.data.writing.waiting import Waiting, begin, more, number_of, rows_of

NUMBERS = st.integers(1, 2**63)
ROWS = st.tuples(st.integers(0, 2**33), st.lists(st.none() | st.integers(-(2**63), 2**64 - 1) | st.floats(-1e9, 1e9)))
WAITING = st.tuples(NUMBERS, st.lists(ROWS, min_size=1, max_size=300))


def waiting_of(number: int, rows: list[Row]) -> Waiting:
    waiting: Waiting = begin(number, rows[0])
    for row in rows[1:]:
        waiting = more(waiting, row)
    return waiting


@given(WAITING)
def test_all_rows_come_back_with_the_number_of_the_first(told: tuple[int, list[Row]]) -> None:
    waiting = waiting_of(*told)
    assert (number_of(waiting), rows_of(waiting)) == told


@given(st.lists(WAITING, min_size=1, max_size=5))
def test_the_least_has_the_least_number(told: list[tuple[int, list[Row]]]) -> None:
    assert number_of(min(waiting_of(*one) for one in told)) == min(number for number, _ in told)

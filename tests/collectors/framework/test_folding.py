from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collectors.framework.data.reading.folding import Segment, fold, grid, percentiles, segments

FIGURES = st.none() | st.integers(-1000, 1000).map(float)
KEPT = ((10, 100), (30, 300), (60, 1200))


def one(cf: str, rows: list[tuple[int, int, list[float | None]]], *edges: int) -> list[float | None]:
    return [bin_.values[0] for bin_ in fold(cf, rows, edges, 1)]


def test_each_part_of_a_time_is_read_from_the_finest_archive_that_has_it() -> None:
    assert segments(KEPT, 1205, 1110, 1200) == [Segment(10, 1110, 1200)]
    assert segments(KEPT, 1205, 1000, 1200) == [Segment(30, 990, 1110), Segment(10, 1110, 1200)]
    # The archive at 10 s begins after 1100, where no row of 30 s ends: the coarser has the rest of its row.
    assert segments(KEPT, 1205, 400, 1300) == [Segment(60, 360, 900), Segment(30, 900, 1110), Segment(10, 1110, 1200)]


def test_a_time_that_no_archive_has_is_in_no_segment() -> None:
    assert segments(KEPT, 1205, 1300, 1400) == []
    assert segments(KEPT, 5000, 100, 200) == []


@example(1, [2, 2, 5], [10, 34, 10, 10], 5000, 0, 4933)
@settings(max_examples=300)
@given(
    step_s=st.integers(1, 20),
    factors=st.lists(st.integers(2, 5), max_size=3),
    rows=st.lists(st.integers(10, 40), min_size=4, max_size=4),
    last=st.integers(5000, 9000),
    start=st.integers(0, 9000),
    span_s=st.integers(1, 9000),
)
def test_segments_follow_one_another_and_leave_nothing_out(
    step_s: int, factors: list[int], rows: list[int], last: int, start: int, span_s: int
) -> None:
    kept, coarse = [(step_s, step_s * rows[0])], step_s
    for factor, count in zip(factors, rows[1:], strict=False):
        coarse *= factor
        kept.append((coarse, coarse * max(count, kept[-1][1] // coarse + 1)))
    found = segments(kept, last, start, start + span_s)
    for part in found:
        assert part.start < part.end
        assert part.start % part.step_s == part.end % part.step_s == 0
    for before, after in pairwise(found):
        assert before.end == after.start
        assert before.step_s > after.step_s
    oldest = min(last // each_s * each_s - kept_s for each_s, kept_s in kept)
    newest = last // step_s * step_s
    wanted = range(max(start, oldest), min(start + span_s, newest))
    if wanted:
        assert found[0].start <= wanted.start
        assert found[-1].end >= wanted.stop


def test_a_row_across_an_edge_counts_on_both_sides_with_its_part_of_the_time() -> None:
    rows: list[tuple[int, int, list[float | None]]] = [(10, 10, [1.0]), (30, 20, [4.0])]
    first, second = fold("AVERAGE", rows, (0, 15, 30), 1)
    assert (first.values, first.known_s, first.exact) == ([(10 + 4 * 5) / 15], [15], False)
    assert (second.values, second.known_s, second.exact) == ([4.0], [15], False)
    assert one("SUM", rows, 0, 15, 30) == [30.0, 60.0]
    unknown: list[tuple[int, int, list[float | None]]] = [(10, 10, [1.0]), (30, 20, [None])]
    assert [bin_.exact for bin_ in fold("AVERAGE", unknown, (0, 15, 30), 1)] == [True, True]


def test_what_is_unknown_has_no_weight_and_nothing_known_is_unknown() -> None:
    rows: list[tuple[int, int, list[float | None]]] = [(10, 10, [2.0]), (20, 10, [None]), (30, 10, [6.0])]
    assert one("AVERAGE", rows, 0, 30) == [4.0]
    assert one("LAST", rows, 0, 20, 30) == [2.0, 6.0]
    assert [one(cf, rows, 10, 20, 40, 50) for cf in ("MIN", "SUM")] == [[None, 6.0, None], [None, 60.0, None]]


@given(
    figures=st.lists(FIGURES, min_size=1, max_size=60),
    edges=st.lists(st.integers(-30, 700), min_size=2, max_size=12, unique=True).map(sorted),
)
def test_folding_is_what_every_second_by_itself_comes_to(figures: list[float | None], edges: list[int]) -> None:
    rows = [(10 * (place + 1), 10, [figure]) for place, figure in enumerate(figures)]
    for cf in ("AVERAGE", "MIN", "MAX", "LAST", "SUM"):
        for bin_ in fold(cf, rows, edges, 1):
            places = [second // 10 for second in range(bin_.start, bin_.end) if 0 <= second < 10 * len(figures)]
            known = [figure for place in places if (figure := figures[place]) is not None]
            assert bin_.known_s == [len(known)]
            if not known:
                assert bin_.values == [None]
                continue
            wanted = {
                "AVERAGE": math.fsum(known) / len(known),
                "MIN": min(known),
                "MAX": max(known),
                "LAST": known[-1],
                "SUM": math.fsum(known),
            }[cf]
            assert bin_.values == [pytest.approx(wanted)]


@example([0.1, 0.1, 0.1], 1)
@given(st.lists(st.floats(-1e15, 1e15), min_size=1, max_size=20), st.integers(1, 7))
def test_an_average_is_never_beyond_what_it_is_of(figures: list[float], step_s: int) -> None:
    rows: list[tuple[int, int, list[float | None]]] = [
        (step_s * (place + 1), step_s, [figure]) for place, figure in enumerate(figures)
    ]
    (average,) = one("AVERAGE", rows, 0, step_s * len(figures))
    assert average is not None
    assert min(figures) <= average <= max(figures)


def test_edges_of_a_grid_have_every_row_that_ends_in_the_time_between_two() -> None:
    assert list(grid(10, 15, 45)) == [10, 20, 30, 40]
    assert list(grid(10, 20, 40)) == [10, 20, 30, 40]
    assert list(grid(10, 21, 29)) == [20]


def test_percentiles_are_figures_that_so_much_of_the_time_lies_at_or_below() -> None:
    weighed = [(5.0, 10), (1.0, 80), (9.0, 10)]
    assert percentiles(weighed, [0, 80, 81, 90, 95, 100]) == [1.0, 1.0, 5.0, 5.0, 9.0, 9.0]
    assert percentiles([], [95]) == [None]

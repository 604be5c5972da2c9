"""Rows that were written by the real writer, as they are fetched."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.framework.data.reading import fetching
from collectors.framework.data.reading.answers import Request, answer
from collectors.framework.data.spool.intake import Intake
from collectors.framework.data.writing.writer import Writer
from collectors.framework.samplespool import SampleSpool
from common.errors import PermanentError
from common.queries import FetchQuery, Rows
from common.series import Kind, Layout, Number, Point, Sample, SeriesKey
from common.wire import encode

NOW = 1_800_000_000
KEY = SeriesKey("web1", "nginx", "process")
STEP_S = 60
LAYOUT = Layout(points=(Point(name="cpu", unit="percent"), Point(name="rate", unit="bytes/s")), step_s=STEP_S)
Values = Sequence[Number | None]
_numbers = itertools.count()


def write(folder: Path, samples: Sequence[tuple[int, Values]], layout: Layout = LAYOUT) -> Path:
    """Samples in files, by the real spool and the real writer; the RRD folder is the current directory then."""
    base = folder / str(next(_numbers))
    (base / "rrd").mkdir(parents=True)
    intake, spool = Intake(), SampleSpool(base / "samples")
    spool.open()
    names = [point.name for point in layout.points]
    made = [
        Sample(key=KEY, layout=layout, at=at, values=dict(zip(names, values, strict=True))) for at, values in samples
    ]
    intake.accept(made, NOW)
    spool.append(intake.series, intake.take())
    writer = Writer(base / "samples", base / "rrd", lambda: NOW, lambda: 0.0)
    writer.gather()
    writer.flush()
    writer.close()
    spool.close()
    os.chdir(base / "rrd")
    return base / "rrd"


@pytest.fixture(autouse=True)
def _stay() -> Iterator[None]:
    before = Path.cwd()
    yield
    os.chdir(before)


def ask(root: Path, **fields: object) -> Rows:
    asked = {"points": [], "start": NOW - 3600, "end": NOW, **fields}
    query = FetchQuery(device=KEY.device, component=KEY.component, source=KEY.source, **asked)  # type: ignore[arg-type]  # by name
    rows = answer(root, Request(query, []), NOW)
    assert isinstance(rows, Rows)
    encode(rows)
    return rows


def all_pages(root: Path, **fields: object) -> list[Rows]:
    pages = [ask(root, paged=True, **fields)]
    while pages[-1].more:
        pages.append(ask(root, paged=True, **{**fields, "after": pages[-1].next}))
    return pages


SOME = st.lists(
    st.tuples(
        st.integers(1, 4),
        st.none() | st.integers(-(2**53), 2**53) | st.floats(-1e300, 1e300),
        st.none() | st.floats(0, 1e9),
    ),
    min_size=1,
    max_size=40,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=SOME)
def test_what_was_written_is_what_is_fetched(
    tmp_path: Path, steps: list[tuple[int, Number | None, float | None]]
) -> None:
    at, samples = NOW - 12_000, []
    for gap, cpu, rate in steps:
        at += gap * STEP_S
        samples.append((at, (cpu, rate)))
    wanted = {at: [None if value is None else float(value) for value in values] for at, values in samples}
    root = write(tmp_path, samples)
    for cf in ("AVERAGE", "MIN", "MAX", "LAST"):
        rows = ask(root, start=samples[0][0], end=at, cf=cf, resolution_s=STEP_S, paged=True)
        assert rows.step_s == STEP_S
        found = dict(rows.rows)
        assert list(found) == list(range(samples[0][0], at + 1, STEP_S))
        for t, values in found.items():
            for value, right in zip(values, wanted.get(t, (None, None)), strict=True):
                if value is None or right is None:
                    assert value is right
                else:  # rrdtool multiplies by the step, and divides by it
                    exact = abs(right) < 2**46 and right.is_integer()
                    assert value == (right if exact else pytest.approx(right, rel=1e-14, abs=0))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    figures=st.lists(st.none() | st.integers(0, 10_000), min_size=30, max_size=300),
    resolution_s=st.sampled_from((120, 420, 600, 1800, 5400)),
    edges=st.lists(st.integers(-50, 350), min_size=2, max_size=6, unique=True).map(sorted),
)
def test_folding_a_file_agrees_with_the_samples(
    tmp_path: Path, figures: list[int | None], resolution_s: int, edges: list[int]
) -> None:
    first = NOW // 5400 * 5400 - 18_000 - STEP_S * 17
    samples = [(first + STEP_S * place, (figure, figure)) for place, figure in enumerate(figures)]
    known = {at: float(values[0]) for at, values in samples if values[0] is not None}
    root = write(tmp_path, samples)
    end = samples[-1][0]

    def wanted(cf: str, low: int, high: int) -> float | None:
        found = [known[at] for at in range(low + STEP_S, high + 1, STEP_S) if at in known]
        if not found:
            return None
        return {
            "AVERAGE": sum(found) / len(found),
            "MIN": min(found),
            "MAX": max(found),
            "LAST": found[-1],
            "SUM": sum(found) * STEP_S,
        }[cf]

    stamps = [first + STEP_S * edge for edge in edges]
    for cf in ("AVERAGE", "MIN", "MAX", "LAST", "SUM"):
        bins = ask(root, start=first, end=end, cf=cf, edges=stamps, points=["rate"])
        assert bins.inexact_until == 0
        for (low, high), (at, (value,)) in zip(itertools.pairwise(stamps), bins.rows, strict=True):
            assert at == high
            assert value == (None if (right := wanted(cf, low, high)) is None else pytest.approx(right))
        if resolution_s == 600 and cf in {"AVERAGE", "MIN", "MAX"}:
            continue  # a row of the archive itself, which is unknown when half of it is
        rows = ask(root, start=first, end=end, cf=cf, resolution_s=resolution_s, paged=True, points=["rate"])
        assert rows.step_s == resolution_s
        for at, (value,) in rows.rows:
            right = wanted(cf, at - resolution_s, at)
            assert value == (None if right is None else pytest.approx(right))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    figures=st.lists(st.none() | st.floats(-1e12, 1e12), min_size=20, max_size=150),
    resolution_s=st.sampled_from((60, 180, 600, 3600)),
)
def test_the_least_is_no_more_than_the_average_and_that_no_more_than_the_largest(
    tmp_path: Path, figures: list[float | None], resolution_s: int
) -> None:
    first = NOW // 3600 * 3600 - 9000
    samples = [(first + STEP_S * place, (figure, 1.0)) for place, figure in enumerate(figures)]
    root = write(tmp_path, samples)
    low, average, high = (
        ask(root, start=first, end=NOW, cf=cf, resolution_s=resolution_s, paged=True, points=["cpu"]).rows
        for cf in ("MIN", "AVERAGE", "MAX")
    )
    for (_, (least,)), (_, (middle,)), (_, (most,)) in zip(low, average, high, strict=True):
        if least is None or middle is None or most is None:
            assert least is middle is most
        else:  # rrdtool divides a sum by a number of rows
            slack = 1e-14 * max(abs(least), abs(most))
            assert least - slack <= middle <= most + slack


def test_a_coarse_row_of_today_has_what_only_fine_rows_know_yet_and_one_of_last_week_what_coarse_ones_know(
    tmp_path: Path,
) -> None:
    start = NOW - 5 * 86_400
    samples = [(at, (float(at % 7), 1.0)) for at in range(start // 60 * 60, NOW - 59, 60)]
    root = write(tmp_path, samples)
    for cf in ("MIN", "AVERAGE", "MAX"):
        rows = ask(root, start=start, end=NOW, cf=cf, resolution_s=7200, paged=True, points=["cpu"])
        assert rows.step_s == 7200
        for at, (value,) in rows.rows[1:]:
            found = [float(t % 7) for t in range(at - 7140, min(at + 1, NOW), 60)]
            wanted = {"MIN": min(found), "AVERAGE": sum(found) / len(found), "MAX": max(found)}[cf]
            assert value == pytest.approx(wanted)


def test_a_resolution_that_does_not_reach_back_so_far_becomes_the_finest_that_does(tmp_path: Path) -> None:
    samples = [(at, (1.0, 1.0)) for at in range((NOW - 3 * 86_400) // 60 * 60, NOW - 59, 60)]
    root = write(tmp_path, samples)
    assert ask(root, start=NOW - 3 * 86_400, resolution_s=60, paged=True).step_s == 600
    assert ask(root, start=NOW - 3600, resolution_s=60, paged=True).step_s == 60
    # The file is three days old: its archive of 10 minutes has all that there is.
    assert ask(root, start=NOW - 90 * 86_400, resolution_s=60, paged=True).step_s == 600
    # 90 s are no whole number of steps.
    assert ask(root, start=NOW - 3600, resolution_s=90, paged=True).step_s == 120


def test_pages_together_are_the_rows_once_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = [(at, (float(at), 1.0)) for at in range((NOW - 7200) // 60 * 60, NOW - 59, 60)]
    root = write(tmp_path, samples)
    whole = ask(root, start=NOW - 7000, resolution_s=60, paged=True)
    assert not whole.more
    monkeypatch.setattr(fetching, "MAX_ROWS", 7)
    pages = all_pages(root, start=NOW - 7000, resolution_s=60)
    assert len(pages) > 10
    assert all(len(page.rows) <= 7 for page in pages)
    assert [row for page in pages for row in page.rows] == whole.rows
    edges = list(range(NOW - 7000, NOW + 1, 100))
    monkeypatch.setattr(fetching, "MAX_ROWS", 5000)
    whole = ask(root, edges=edges)
    monkeypatch.setattr(fetching, "MAX_ROWS", 7)
    assert [row for page in all_pages(root, edges=edges) for row in page.rows] == whole.rows


def test_a_page_that_takes_long_ends_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = [(at, (1.0, 1.0)) for at in range((NOW - 7200) // 60 * 60, NOW - 59, 60)]
    root = write(tmp_path, samples)
    monkeypatch.setattr(fetching, "BUDGET_S", -1.0)
    pages = all_pages(root, start=NOW - 7200, resolution_s=600)
    assert [len(page.rows) for page in pages] == [1] * 13


def test_a_question_of_an_old_hub_has_one_page_at_a_resolution_of_the_file(tmp_path: Path) -> None:
    samples = [(at, (1.0, 1.0)) for at in range((NOW - 86_400) // 60 * 60, NOW - 59, 60)]
    root = write(tmp_path, samples)
    rows = ask(root, start=0, resolution_s=60)
    assert (rows.step_s, rows.more) == (86_400, False)
    assert ask(root, start=NOW - 86_000, resolution_s=1700).step_s == 600


def test_a_sum_is_of_rates_alone(tmp_path: Path) -> None:
    root = write(tmp_path, [(NOW - 60 * place, (1.0, 2.0)) for place in range(30, 0, -1)])
    with pytest.raises(PermanentError, match="cpu is not; ask for rate alone"):
        ask(root, cf="SUM")
    counted = Layout(
        points=(Point(name="cpu", unit="percent"), Point(name="rate", kind=Kind.DERIVE, unit="runs")), step_s=STEP_S
    )
    root = write(tmp_path, [(NOW - 60 * place, (1.0, 120 * (30 - place))) for place in range(30, 0, -1)], counted)
    rows = ask(root, cf="SUM", points=["rate"], edges=[NOW - 900, NOW - 600])
    assert (rows.rows, rows.units) == ([(NOW - 600, [600.0])], ["runs"])
    assert ask(root, points=["rate"]).units == ["runs/s"]


@pytest.mark.parametrize("edges", [[5], [5, 5], [9, 5]])
def test_edges_that_make_no_sense_are_refused(tmp_path: Path, edges: list[int]) -> None:
    root = write(tmp_path, [(NOW - 60, (1.0, 2.0))])
    with pytest.raises(PermanentError, match="two or more epoch seconds"):
        ask(root, edges=edges)


def before_an_outage(folder: Path) -> tuple[Path, int]:
    """A day of samples until three days ago, then silence, then an hour; gives the last second before."""
    last = (NOW - 3 * 86_400) // 60 * 60
    samples = [(at, (float(at % 97), 1.0)) for at in range(last - 86_340, last + 1, 60)]
    samples += [(at, (5.0, 1.0)) for at in range((NOW - 3600) // 60 * 60, NOW - 59, 60)]
    return write(folder, samples), last


def test_rows_that_only_a_copy_still_has_come_from_it(tmp_path: Path) -> None:
    root, last = before_an_outage(tmp_path)
    rows = ask(root, start=last - 3600, end=last, resolution_s=60, paged=True, points=["cpu"])
    assert (rows.step_s, rows.from_copies) == (60, 61)
    assert rows.rows == [(at, [float(at % 97)]) for at in range(last - 3600, last + 1, 60)]
    assert rows.inexact_until == 0


def test_rows_that_the_file_has_are_its_own_and_a_copy_has_no_part_in_them(tmp_path: Path) -> None:
    root, last = before_an_outage(tmp_path)
    rows = ask(root, start=last - 7200, end=last, resolution_s=1800, paged=True, points=["cpu"])
    assert (rows.step_s, rows.from_copies) == (1800, 0)
    assert all(value is not None for _, (value,) in rows.rows)
    # The copy ends before this range does: what reaches back to its start is the archive of ten minutes.
    assert ask(root, start=last - 3600, end=NOW, resolution_s=60, paged=True).step_s == 600


def test_a_copy_that_cannot_be_read_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    root, last = before_an_outage(tmp_path)
    (copy,) = root.glob("*/*/*.gap-*")
    copy.write_bytes(b"no such thing")
    rows = ask(root, start=last - 3600, end=last, resolution_s=60, paged=True)
    assert (rows.step_s, rows.from_copies) == (600, 0)

"""Pictures of files: which rows they are drawn from, what they come to, in parts, again, and from copies."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import rrdtool
from msgspec.structs import replace

from collectors.framework import rrdqueries
from collectors.framework.data.copies import copy_name
from collectors.framework.data.index import Index, Series
from collectors.framework.data.reading import picturecache
from collectors.framework.data.reading.answers import Request
from collectors.framework.data.reading.picturecache import Pictures
from collectors.framework.data.reading.pictures import draw
from collectors.framework.data.reading.plots import plots_of
from common import rrd, wire
from common.errors import NotFoundError, PermanentError
from common.graphdrawing import compose
from common.graphpicture import Picture, step_of
from common.graphs import Band, Curve, Draw, Drawing, Limit, Rank, Subject
from common.queries import GraphQuery
from common.series import Kind, Layout, Number, Point, SeriesKey

NOW = 1_800_000_000
STEP_S = 10
POINTS = (
    Point(name="cpu", unit="percent"),
    Point(name="memory", unit="bytes"),
    Point(name="restarts", kind=Kind.DERIVE, unit="restarts", minimum=0.0),
)
SAMPLES = 720


def _write(root: Path, index: Index, device: str, component: str, number: int) -> None:
    layout = Layout(points=POINTS, step_s=STEP_S)
    key = SeriesKey(device, component, "table")
    file = rrd.file_name(key)
    (root / file).parent.mkdir(parents=True, exist_ok=True)
    start = NOW - STEP_S * (SAMPLES - 1)
    rrdtool.create(*rrd.create_arguments(str(root / file), layout, start))
    rows: list[list[Number | None]] = [
        [number + (i % 10), None if 300 <= i < 320 else 2**20 * number, i // 100] for i in range(SAMPLES)
    ]
    flags = rrd.whole_numbers(POINTS)
    rrdtool.update(str(root / file), *[rrd.update_text(start + STEP_S * i, row, flags) for i, row in enumerate(rows)])
    index.put(Series(key=key, layout=layout, file=file, first=start))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """25 components of web1, number n with cpu from n to n + 9 and n MiB; and one of box."""
    folder = tmp_path_factory.mktemp("pictures")
    index = Index(folder)
    for number in range(25):
        _write(folder, index, "web1", f"c{number:02}", number)
    _write(folder, index, "box", "c00", 100)
    index.close()
    before = Path.cwd()
    os.chdir(folder)
    yield folder
    os.chdir(before)


def _query(drawing: Drawing | None = None, component: str | None = "c01", **more: Any) -> GraphQuery:
    fields: dict[str, Any] = {"graph": "", "start": NOW - 3600, "end": NOW, "form": "png", **more}
    return GraphQuery(device="web1", component=component, drawing=drawing, **fields)


def _composed(root: Path, query: GraphQuery) -> Picture:
    step_s = step_of(query.start, query.end, query.width)
    return compose(query, plots_of(query, root, step_s)[0], step_s)


def test_figures_are_those_of_the_samples(root: Path) -> None:
    picture = _composed(root, _query())
    (plot,) = picture.plots
    assert (plot.figures.low, plot.figures.high, plot.figures.last) == (1, 10, 10)
    assert plot.figures.average == pytest.approx(5.5, abs=0.1)
    assert (picture.sampled, picture.row_s, picture.band) == (True, 10, False)
    assert picture.title == "web1 · c01 · CPU"


def test_where_a_pixel_holds_several_samples_there_is_a_band(root: Path) -> None:
    query = _query(start=NOW - 7200, width=200)
    picture = _composed(root, query)
    assert (picture.sampled, picture.row_s, picture.band) == (False, 60, True)
    assert (picture.plots[0].figures.low, picture.plots[0].figures.high) == (1, 10)
    assert picture.reach.low == 1
    assert picture.reach.high == 10
    without = _composed(root, replace(query, drawing=Drawing(band=Band.NO)))
    assert not without.band
    assert without.reach.high is not None
    assert without.reach.high < 9


def test_an_expression_is_drawn_with_the_figures_that_it_makes(root: Path) -> None:
    curve = Curve(point="cpu", transform="-value * 2 + memory / 1048576")
    (plot,) = _composed(root, _query(Drawing(curves=(curve,)), component="c03")).plots
    assert (plot.figures.low, plot.figures.high) == (-2 * 12 + 3, -2 * 3 + 3)
    falling = _composed(
        root, _query(Drawing(curves=(Curve(point="cpu", transform="-value"),)), width=200, start=NOW - 7200)
    )
    assert falling.band
    assert (falling.plots[0].figures.low, falling.plots[0].figures.high) == (-10, -1)


def test_an_expression_that_is_none_is_said_to_be_so(root: Path) -> None:
    with pytest.raises(PermanentError, match="transform of cpu is no expression"):
        draw(_query(Drawing(curves=(Curve(point="cpu", transform="value +"),))), root)


def test_the_largest_are_chosen_and_the_others_summed_where_they_are_stacked(root: Path) -> None:
    picture = _composed(root, _query(Drawing(top=3), component=None))
    assert [plot.label for plot in picture.plots] == ["c24", "c23", "c22", "22 others"]
    assert [plot.stack for plot in picture.plots] == [False, True, True, True]
    assert picture.plots[3].figures.average == pytest.approx(sum(n + 4.5 for n in range(22)), abs=3)
    assert picture.reach.high == pytest.approx(sum(n + 9 for n in range(25)))
    assert any("largest 3 of 25" in note for note in picture.notes)
    lines = _composed(root, _query(Drawing(top=3, rank=Rank.PEAK, curves=(Curve(point="cpu"),)), component=None))
    assert [plot.label for plot in lines.plots] == ["c24", "c23", "c22"]
    everything = _composed(root, _query(component=None))
    assert len(everything.plots) == 20
    assert any("largest 20 of 25" in note for note in everything.notes)


def test_subjects_of_several_devices_are_in_one_picture(root: Path) -> None:
    subjects = (
        Subject(device="web1", component="c00", shown="here"),
        Subject(device="box", component="c00"),
        Subject(device="nowhere", component="c00"),
    )
    picture = _composed(root, _query(Drawing(subjects=subjects, curves=(Curve(point="cpu"),)), component=None))
    assert [plot.label for plot in picture.plots] == ["here", "box c00"]
    with pytest.raises(NotFoundError, match="nowhere"):
        draw(_query(Drawing(subjects=subjects[2:])), root)


def test_stacked_curves_of_one_component_keep_their_order(root: Path) -> None:
    curves = (Curve(point="cpu", draw=Draw.AREA), Curve(point="cpu", draw=Draw.AREA, stack=True, transform="value * 3"))
    picture = _composed(root, _query(Drawing(curves=curves)))
    assert [plot.stack for plot in picture.plots] == [False, True]
    assert picture.reach.high == 40


def test_of_several_components_curves_lie_on_each_other_only_where_their_sum_means_something(root: Path) -> None:
    curves = (Curve(point="cpu", draw=Draw.AREA), Curve(point="memory", draw=Draw.AREA, stack=True))
    for drawing in (Drawing(curves=curves), Drawing(curves=curves[:1], maximum=100.0)):
        picture = _composed(root, _query(drawing, component=None))
        assert not any(plot.stack or plot.draw is Draw.AREA for plot in picture.plots)
    sums = _composed(root, _query(Drawing(curves=curves[:1]), component=None))
    assert [plot.stack for plot in sums.plots][:2] == [False, True]


def test_what_the_device_alone_has_is_drawn_as_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index(tmp_path)
    monkeypatch.chdir(tmp_path)
    _write(tmp_path, index, "web1", "", 7)
    key = SeriesKey("web1", "eth0", "ports")
    index.put(Series(key=key, layout=Layout(points=(Point(name="in"),), step_s=STEP_S), file="none.rrd", first=0))
    index.close()
    curves = (Curve(point="cpu", draw=Draw.AREA, colour="#123456"), Curve(point="restarts", label="again"))
    picture = _composed(tmp_path, _query(Drawing(curves=curves), component=None))
    assert [(plot.label, plot.draw, plot.colour) for plot in picture.plots] == [
        ("cpu", Draw.AREA, "123456"),
        ("again", Draw.LINE, ""),
    ]


def test_what_was_earlier_has_its_own_figures(root: Path) -> None:
    query = _query(Drawing(compare_s=3600, percentiles=(50.0,)), start=NOW - 1800)
    (plot,) = _composed(root, query).plots
    assert plot.past is not None
    assert plot.past.average == pytest.approx(5.5, abs=0.1)
    assert plot.figures.percentiles[0] in {5, 6}
    long_ago = _composed(root, replace(query, drawing=Drawing(compare_s=10**7)))
    assert long_ago.plots[0].past is not None
    assert not long_ago.plots[0].past.known
    assert draw(query, root)[0].startswith(b"\x89PNG")


def test_a_file_that_cannot_be_read_leaves_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index(tmp_path)
    for name in ("good", "bad", "worse"):
        _write(tmp_path, index, "web1", name, 1)
    index.close()
    monkeypatch.chdir(tmp_path)
    for name in ("bad", "worse"):
        Path(rrd.file_name(SeriesKey("web1", name, "table"))).write_bytes(b"no RRD file")
    for drawing in (Drawing(), Drawing(curves=(Curve(point="cpu"),))):
        query = _query(drawing, component=None, form="svg")
        plots, broken = plots_of(query, tmp_path, 10)
        assert [plot.label for plot in plots.plots] == ["good"]
        assert len(broken) == 2
        assert len(draw(query, tmp_path)[0]) > len(draw(replace(query, component="good"), tmp_path)[0])
    with pytest.raises(PermanentError, match="'bad' of 'web1' cannot be read"):
        draw(_query(component="bad"), tmp_path)


def test_a_gap_is_no_value(root: Path) -> None:
    gap = NOW - STEP_S * (SAMPLES - 1 - 310)
    query = _query(graph="memory", start=gap - 50, end=gap + 50)
    picture = _composed(root, query)
    assert not picture.plots[0].figures.known
    assert "No value is known in this time." in picture.notes
    assert draw(query, root)[0].startswith(b"\x89PNG")


def test_a_year_of_what_is_an_hour_old_says_why_it_is_empty(root: Path) -> None:
    notes = _composed(root, _query(start=NOW - 2 * 365 * 86_400, width=300)).notes
    assert "No value is known in this time in rows so long; see a shorter one." in notes


@pytest.mark.parametrize(
    ("drawing", "words"),
    [
        (Drawing(zone="Nowhere/Land"), "no time zone"),
        (Drawing(base=1013), "1000 or 1024"),
        (Drawing(curves=(Curve(point="nope"),)), "no point nope"),
    ],
)
def test_a_drawing_that_makes_no_sense_is_refused(root: Path, drawing: Drawing, words: str) -> None:
    with pytest.raises((PermanentError, NotFoundError), match=words):
        draw(_query(drawing), root)


def test_a_logarithmic_axis_of_nothing_above_0_is_none(root: Path) -> None:
    curves = (Curve(point="cpu", transform="-value"),)
    picture = _composed(root, _query(Drawing(curves=curves, log=True)))
    assert not picture.log
    assert any("not logarithmic" in note for note in picture.notes)
    assert _composed(root, _query(Drawing(log=True))).log


def test_a_drawing_crosses_the_wire(root: Path) -> None:
    drawing = Drawing(curves=(Curve(point="cpu", colour="#123456"),), limits=(Limit(value=3),), percentiles=(95.0,))
    query = _query(drawing)
    assert wire.decode(wire.encode(query), GraphQuery) == query


# --- parts, and again -------------------------------------------------------------------------------------------------


def test_a_large_picture_comes_in_parts_and_without_them_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = draw(_query(), root)[0]
    monkeypatch.setattr(picturecache, "MAX_PAGE_BYTES", 5000)
    monkeypatch.setattr(wire, "MAX_DECODED_BYTES", 6000)
    pictures = Pictures()
    first = pictures.answer(_query(part=0), root, NOW)
    assert first.parts == -(-len(whole) // 5000) > 1
    rest = [pictures.answer(_query(part=part), root, NOW) for part in range(1, first.parts)]
    assert b"".join(part.data for part in (first, *rest)) == whole
    assert {part.digest for part in rest} == {first.digest}
    assert pictures.drawn == 1
    with pytest.raises(PermanentError, match="too many to send"):
        pictures.answer(_query(), root, NOW)
    with pytest.raises(PermanentError, match="anew"):
        pictures.answer(_query(part=first.parts), root, NOW)


def test_a_picture_is_drawn_once_until_a_sample_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index(tmp_path)
    _write(tmp_path, index, "web1", "c01", 1)
    index.close()
    monkeypatch.chdir(tmp_path)
    pictures = Pictures()
    before = pictures.answer(_query(end=NOW + 100), tmp_path, NOW)
    assert pictures.answer(_query(end=NOW + 100), tmp_path, NOW) == before
    assert pictures.drawn == 1
    rrdtool.update(rrd.file_name(SeriesKey("web1", "c01", "table")), f"{NOW + 10}:90:1:9")
    assert pictures.answer(_query(end=NOW + 100), tmp_path, NOW) != before
    assert pictures.drawn == 2


def test_pictures_that_are_remembered_are_bounded(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picturecache, "MAX_HELD", 3)
    pictures = Pictures()
    for width in (300, 301, 302, 303, 300):
        pictures.answer(_query(width=width), root, NOW)
    assert pictures.drawn == 5


def test_the_reader_process_answers_with_a_drawing(root: Path) -> None:
    query = _query(Drawing(curves=(Curve(point="cpu"),)), form="pdf")
    answer = rrdqueries.respond(root, msgspec.msgpack.encode(Request(query, [])))
    assert getattr(answer, "data", b"").startswith(b"%PDF")


# --- copies -----------------------------------------------------------------------------------------------------------


def test_what_only_a_copy_knows_is_drawn_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day after an outage the ring has forgotten the hour before it; its copy has not."""
    index = Index(tmp_path)
    _write(tmp_path, index, "web1", "c01", 1)
    index.close()
    monkeypatch.chdir(tmp_path)
    file = rrd.file_name(SeriesKey("web1", "c01", "table"))
    first = NOW - 3600
    copy = copy_name(file, first, NOW)
    rrdtool.create(
        copy, "--start", str(first - STEP_S), "--step", str(STEP_S),
        *[f"DS:{point.name}:GAUGE:15:U:U" for point in POINTS],
        *[f"RRA:{cf}:0.5:1:361" for cf in rrd.CONSOLIDATIONS],
    )  # fmt: skip
    rrdtool.update(copy, *[f"{first + STEP_S * i}:{77 if i % 2 else 33}:5:0" for i in range(361)])
    rrdtool.update(file, f"{NOW + 2 * 86_400}:1:1:99")
    query = _query(start=NOW - 900, end=NOW)
    picture = _composed(tmp_path, query)
    assert (picture.plots[0].figures.low, picture.plots[0].figures.high) == (33, 77)
    Path(copy).unlink()
    assert _composed(tmp_path, query).plots[0].figures.high == 10


def test_the_fine_rows_of_a_day_are_drawn_though_they_begin_a_moment_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    index = Index(tmp_path)
    _write(tmp_path, index, "web1", "c01", 1)
    index.close()
    kept = next(
        span for step, span in rrd.held_resolutions(rrdtool.info(rrd.file_name(SeriesKey("web1", "c01", "table"))))
    )
    late = _composed(tmp_path, _query(start=NOW - kept - 300, end=NOW))
    assert late.row_s < 300
    assert re.match(r"DEF:\w+=[^:]+:cpu:AVERAGE:start=\d+$", _definitions(late)[0])
    assert _composed(tmp_path, _query(start=NOW - kept * 2, end=NOW)).row_s >= 600


def _definitions(picture: Picture) -> list[str]:
    from common.rrdgraph import graph_arguments

    return [argument for argument in graph_arguments(picture) if argument.startswith("DEF:")]

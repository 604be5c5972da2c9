from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collectors.framework import rrdqueries
from collectors.framework.data.index import Index
from collectors.framework.data.reading.answers import Request, answer
from collectors.framework.data.reading.listing import Live
from collectors.framework.data.reading.rows import choose_resolution
from collectors.framework.data.spool.intake import Intake
from collectors.framework.data.writing.writer import Writer
from collectors.framework.samplespool import SampleSpool
from common.errors import NotFoundError, PermanentError
from common.queries import FetchQuery, GraphQuery, LastValue, Listing, ListQuery, Picture, Rows
from common.series import Kind, Layout, Number, Point, Retention, Sample, SeriesKey
from common.wire import Failure, encode
from tests.fakes.series import resolutions

NOW = 1_800_000_000
LAYOUT = Layout(
    points=(
        Point(name="cpu", unit="percent"),
        Point(name="memory", unit="bytes"),
        Point(name="restarts", kind=Kind.DERIVE, minimum=0.0, unit="restarts"),
    ),
    step_s=10,
)
BIG = 2**53 + 1


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An RRD folder with 25 components of web1 and one of box, an hour of samples in each."""
    folder = tmp_path_factory.mktemp("reading")
    (folder / "rrd").mkdir()
    intake, spool = Intake(), SampleSpool(folder / "samples")
    spool.open()
    names = [("web1", f"c{i:02}") for i in range(25)] + [("box", "evil:%s\\l\n<b>")]
    for i in range(360):
        at = NOW - 3600 + 10 * (i + 1)
        values: dict[str, Number | None] = {"cpu": i / 10, "memory": BIG, "restarts": BIG + i}
        samples = [Sample(key=SeriesKey(*name, "process"), layout=LAYOUT, at=at, values=values) for name in names]
        intake.accept(samples, NOW)
    spool.append(intake.series, intake.take())
    writer = Writer(folder / "samples", folder / "rrd", lambda: NOW, lambda: 0.0)
    writer.gather()
    writer.flush()
    writer.close()
    before = Path.cwd()
    os.chdir(folder / "rrd")
    yield folder / "rrd"
    os.chdir(before)


def ask(root: Path, query: ListQuery | FetchQuery | GraphQuery, *live: Live) -> Listing | Rows | Picture:
    found = answer(root, Request(query, list(live)), NOW)
    assert isinstance(found, Listing | Rows | Picture)
    return found


def fetch(component: str = "c00", device: str = "web1", points: tuple[str, ...] = (), **more: object) -> FetchQuery:
    fields = {"source": "process", "start": NOW - 100, "end": NOW, **more}
    return FetchQuery(device=device, component=component, points=list(points), **fields)  # type: ignore[arg-type]  # by name


def graph(component: str | None = "c00", name: str = "", device: str = "web1", **more: object) -> GraphQuery:
    fields = {"start": NOW - 3600, "end": NOW, "form": "png", **more}
    return GraphQuery(device=device, component=component, graph=name, **fields)  # type: ignore[arg-type]  # by name


def listed(root: Path, query: ListQuery, *live: Live) -> list[LastValue]:
    answer = ask(root, query, *live)
    assert isinstance(answer, Listing)
    return answer.values


def test_last_values_of_a_file_are_exact(root: Path) -> None:
    cpu, memory, restarts = listed(root, ListQuery(device="web1", component="c03"))
    assert (cpu.value, cpu.at, cpu.first, cpu.unit, cpu.kind) == (35.9, NOW, NOW - 3590, "percent", "gauge")
    assert (memory.value, restarts.value) == (BIG, BIG + 359)
    assert isinstance(restarts.value, int)


def test_last_values_in_memory_win_and_a_series_without_a_file_is_listed(root: Path) -> None:
    live = Live(SeriesKey("web1", "c03", "process"), LAYOUT, NOW + 10, [1, None, 7])
    new = Live(SeriesKey("web1", "zz", "process"), LAYOUT, NOW + 10, [2, 3, 4])
    rows = {(row.component, row.point): row for row in listed(root, ListQuery(device="web1"), live, new)}
    assert (rows["c03", "cpu"].value, rows["c03", "memory"].value) == (1, None)
    assert rows["c03", "restarts"].at == NOW + 10
    assert rows["zz", "cpu"].first is None
    assert len(rows) == 26 * 3


def test_pages_together_hold_everything_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collectors.framework.data.reading.listing.MAX_LISTED", 10)
    seen: list[LastValue] = []
    while True:
        page = ask(root, ListQuery(device="web1", after=len(seen)))
        assert isinstance(page, Listing)
        seen += page.values
        if not page.more:
            break
        assert len(page.values) <= 12
    assert [(row.component, row.point) for row in seen] == [
        (f"c{i:02}", point.name) for i in range(25) for point in LAYOUT.points
    ]


def test_rows_have_the_points_asked_for_in_that_order(root: Path) -> None:
    rows = ask(root, fetch(points=("restarts", "cpu")))
    assert isinstance(rows, Rows)
    assert (rows.points, rows.units, rows.step_s) == (["restarts", "cpu"], ["restarts/s", "percent"], 10)
    assert rows.rows[0][1] == pytest.approx([0.1, 34.9])
    assert [at for at, _ in rows.rows] == list(range(NOW - 100, NOW + 1, 10))


def test_a_long_range_comes_in_rows_few_enough_to_send(root: Path) -> None:
    for days in (1, 7, 30, 365, 3000, 20_000):
        rows = ask(root, fetch(start=max(0, NOW - 86_400 * days)))
        assert isinstance(rows, Rows)
        assert 1 <= len(rows.rows) <= 5000
        encode(rows)


@given(
    step_s=st.integers(1, 86_400),
    span_s=st.integers(1, 10**9),
    back_s=st.integers(0, 10**9),
    limit=st.integers(1, 5000),
    retention=st.sampled_from(Retention),
)
def test_a_resolution_is_one_that_the_file_keeps(
    step_s: int, span_s: int, back_s: int, limit: int, retention: Retention
) -> None:
    end = NOW - back_s
    kept = dict(resolutions(step_s, retention))
    chosen = choose_resolution(tuple(kept.items()), end - span_s, end, NOW, None, limit)
    assert chosen in kept
    finer = [seconds for seconds, kept_s in kept.items() if seconds < chosen and kept_s >= NOW - end + span_s]
    assert all(span_s / seconds + 1 > limit for seconds in finer)


def test_a_wish_for_a_resolution_gets_the_nearest(root: Path) -> None:
    rows = ask(root, fetch(start=NOW - 3600, resolution_s=500))
    assert isinstance(rows, Rows)
    assert rows.step_s == 600
    assert [row[0] for _, row in rows.rows if row[0] is not None]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (ListQuery(device="nope"), ["nope", "box, web1"]),
        (ListQuery(device="web1", component="nope"), ["nope", "c00, c01", "and 5 more"]),
        (fetch(device="nope"), ["nope", "box, web1"]),
        (fetch("nope"), ["nope", "c00, c01"]),
        (fetch(source="nope"), ["nope", "it has: process"]),
        (fetch(points=("cpu", "nope")), ["nope", "cpu, memory, restarts"]),
        (graph("nope"), ["nope", "c00"]),
        (graph(name="nope"), ["nope", "cpu, memory, restarts"]),
        (graph(None, name="nope"), ["nope", "cpu, memory, restarts"]),
        (graph(None, device="nope"), ["nope", "box, web1"]),
    ],
)
def test_a_name_that_stands_for_nothing_is_answered_with_those_that_do(
    root: Path, query: ListQuery | FetchQuery | GraphQuery, words: list[str]
) -> None:
    with pytest.raises(NotFoundError) as caught:
        ask(root, query)
    for word in words:
        assert word in caught.value.message


@pytest.mark.parametrize(("start", "end"), [(20, 10), (11, 10), (-5, 10), (0, 2**62)])
def test_a_range_that_is_none_is_refused(root: Path, start: int, end: int) -> None:
    for query in (fetch(start=start, end=end), graph(start=start, end=end)):
        with pytest.raises(PermanentError, match="range"):
            ask(root, query)


@pytest.mark.parametrize("form", ["png", "svg"])
@pytest.mark.parametrize("component", [None, "c00"])
@pytest.mark.parametrize("name", ["", "cpu", "memory", "restarts"])
@pytest.mark.parametrize("span_s", [60, 3600, 86_400 * 400])
def test_pictures_can_be_drawn_and_sent(root: Path, form: str, component: str | None, name: str, span_s: int) -> None:
    picture = ask(root, graph(component, name, form=form, start=NOW - span_s))
    assert isinstance(picture, Picture)
    assert picture.data.startswith(b"\x89PNG" if form == "png" else b"<?xml")
    assert b"nan" not in picture.data or form == "png"
    encode(picture)


def test_a_picture_of_a_time_without_data_says_so(root: Path) -> None:
    picture = ask(root, graph(None, form="svg", start=NOW - 86_400 * 30, end=NOW - 86_400 * 29))
    assert isinstance(picture, Picture)


@pytest.mark.parametrize("component", [None, "c00"])
def test_a_component_is_drawn_under_the_name_that_it_has_now(root: Path, component: str | None) -> None:
    def drawn(shown: dict[str, str]) -> bytes:
        picture = ask(root, graph(component, form="png", shown=shown))
        assert isinstance(picture, Picture)
        return picture.data

    assert drawn({}) == drawn({"c00": "c00", "stranger": "x"})
    assert drawn({}) != drawn({"c00": "called otherwise"})


def test_a_hostile_component_is_drawn_as_text(root: Path) -> None:
    for name in ("", "memory"):
        for component in (None, "evil:%s\\l\n<b>"):
            picture = ask(root, graph(component, name, device="box", form="svg"))
            assert isinstance(picture, Picture)
            assert b"<b>" not in picture.data


def test_a_picture_too_large_to_send_is_refused_with_a_sentence(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.wire.MAX_MESSAGE_BYTES", 1000)
    with pytest.raises(PermanentError, match="too many to send"):
        ask(root, graph())


def test_the_process_turns_every_error_into_an_answer(root: Path, tmp_path: Path) -> None:
    def code(folder: Path, data: bytes) -> str:
        result = rrdqueries.respond(folder, data)
        assert isinstance(result, Failure)
        return result.code.value

    question = msgspec.msgpack.encode(Request(fetch("nope"), []))
    assert code(root, question) == "not_found"
    assert code(root, b"\xc1garbage") == "internal"
    assert code(tmp_path / "missing", question) == "unavailable"
    os.chdir(root)


def test_an_empty_folder_has_no_series(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="none yet"):
        ask(tmp_path, ListQuery(device="web1"))
    Index(tmp_path).close()
    with pytest.raises(NotFoundError, match="none yet"):
        ask(tmp_path, graph())


def test_a_file_is_read_by_what_it_keeps_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rrd").mkdir()
    intake, spool = Intake(), SampleSpool(tmp_path / "samples")
    spool.open()
    long = replace(LAYOUT, step_s=3600, retention=Retention.LONG)
    key = SeriesKey("web1", "c", "process")
    intake.accept(
        [Sample(key=key, layout=long, at=NOW - 3600 * n, values={"cpu": n}) for n in range(20_000, -1, -1)], NOW
    )
    spool.append(intake.series, intake.take())
    writer = Writer(tmp_path / "samples", tmp_path / "rrd", lambda: NOW, lambda: 0.0)
    writer.gather()
    writer.flush()
    writer.close()
    monkeypatch.chdir(tmp_path / "rrd")
    start = NOW - 3600 * 18_000  # two years back
    rows = ask(tmp_path / "rrd", fetch("c", points=("cpu",), start=start, end=start + 36_000))
    assert isinstance(rows, Rows)
    assert rows.step_s == 3600
    assert [row[0] for _, row in rows.rows] == list(range(18_000, 17_989, -1))

"""What is told of series beside their rows: what is kept, how they went, what a time comes to."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import pytest
from msgspec.structs import replace

from collectors.framework.data.index import read_device
from collectors.framework.data.reading import facts, trails
from collectors.framework.data.reading.answers import Request, answer
from collectors.framework.data.reading.hearing import heard
from collectors.framework.data.reading.listing import Live
from collectors.framework.data.spool.intake import Intake
from common.errors import NotFoundError
from common.readings import (
    InfoQuery,
    Reading,
    SeriesFacts,
    SeriesInfo,
    SeriesPage,
    SeriesQuery,
    Stats,
    StatsQuery,
    Trail,
    Trails,
    TrailsQuery,
)
from common.series import Layout, Point, Sample, SeriesKey
from common.wire import encode
from tests.collectors.framework.test_fetching import KEY, LAYOUT, NOW, _stay, write

__all__ = ["_stay"]
T = TypeVar("T")


def ask(root: Path, query: Reading, type_: type[T], *live: Live) -> T:
    found = answer(root, Request(query, list(live)), NOW)
    assert isinstance(found, type_)
    encode(found)
    return found


def hours(number: int, *, silent: range = range(0)) -> list[tuple[int, tuple[float | None, float]]]:
    """So many hours until now, a sample a minute; cpu counts the minutes."""
    first = (NOW - 3600 * number) // 60 * 60
    return [(first + 60 * n, (float(n), 2.0)) for n in range(60 * number) if n not in silent]


def only(root: Path, *live: Live) -> SeriesFacts:
    (found,) = ask(root, SeriesQuery(device=KEY.device), SeriesPage, *live).series
    return found


def test_a_series_tells_what_each_archive_knows(tmp_path: Path) -> None:
    root = write(tmp_path, hours(30))
    found = only(root)
    assert (found.component, found.source, found.step_s) == (KEY.component, KEY.source, 60)
    assert [(point.name, point.kind, point.unit) for point in found.points] == [
        ("cpu", "gauge", "percent"),
        ("rate", "gauge", "bytes/s"),
    ]
    first = NOW - 30 * 3600
    assert (found.first, found.last, found.collected) == (first, NOW - 60, True)
    full, ten, hour, day = found.archives
    assert (full.resolution_s, full.keeps_s, full.first, full.last) == (60, 86_400, NOW - 86_400, NOW - 60)
    # Of the first ten minutes a single sample is known: too little for a row.
    assert (ten.resolution_s, ten.first, ten.last) == (600, first + 600, NOW - 600)
    assert (hour.first, hour.last) == (first + 3600, NOW - 3600)
    assert (day.resolution_s, day.first) == (86_400, NOW // 86_400 * 86_400)
    assert found.size_bytes > 10_000
    assert found.live_at is None


def test_first_and_last_known_rows_are_found_behind_long_gaps(tmp_path: Path) -> None:
    samples = [(NOW - 86_400 + 60 * n, (float(n) if n == 700 else None, None)) for n in range(1430)]
    full = only(write(tmp_path, samples)).archives[0]
    assert (full.first, full.last) == (NOW - 86_400 + 42_000,) * 2
    nothing = only(write(tmp_path, [(at, (None, None)) for at, _ in samples]))
    assert [(archive.first, archive.last) for archive in nothing.archives] == [(None, None)] * 4


def test_a_series_may_be_live_and_not_in_a_file_yet_and_the_other_way_round(tmp_path: Path) -> None:
    root = write(tmp_path, [(at - 86_400, values) for at, values in hours(2)])
    new = Live(SeriesKey(KEY.device, "zz", "process"), LAYOUT, NOW, [1.0, None])
    old, fresh = ask(root, SeriesQuery(device=KEY.device), SeriesPage, new).series
    assert (old.component, old.live_at, old.collected, len(old.archives)) == (KEY.component, None, False, 4)
    assert (fresh.component, fresh.live_at, fresh.first, fresh.archives) == ("zz", NOW, None, [])
    assert fresh.collected
    # The archive of a day has no row yet: only two hours are known of the one it is in.
    assert (old.archives[3].first, old.archives[3].last) == (None, None)


def test_a_device_without_series_has_an_empty_list_and_a_component_that_is_not_there_is_an_error(
    tmp_path: Path,
) -> None:
    root = write(tmp_path, hours(1))
    assert ask(root, SeriesQuery(device="new"), SeriesPage).series == []
    with pytest.raises(NotFoundError, match="it has: nginx"):
        ask(root, SeriesQuery(device=KEY.device, component="nosuch"), SeriesPage)


def test_pages_of_series_together_hold_each_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(tmp_path, hours(1))
    live = [Live(SeriesKey(KEY.device, f"c{n}", "process"), LAYOUT, NOW, [1.0, 2.0]) for n in range(9)]
    monkeypatch.setattr(facts, "MAX_SERIES", 4)
    seen: list[SeriesFacts] = []
    for _ in range(3):
        page = ask(root, SeriesQuery(device=KEY.device, after=len(seen)), SeriesPage, *live)
        seen += page.series
    assert not page.more
    assert [one.component for one in seen] == sorted([f"c{n}" for n in range(9)] + [KEY.component])


def test_a_file_that_cannot_be_read_is_told_beside_the_others(tmp_path: Path) -> None:
    root = write(tmp_path, hours(1))
    (file,) = root.glob("*/*/*.rrd")
    file.write_bytes(b"no such thing")
    found = only(root)
    assert "cannot be read" in found.problem
    assert found.archives == []


def test_all_about_one_series(tmp_path: Path) -> None:
    root = write(tmp_path, hours(3, silent=range(60, 120)))
    found = ask(root, InfoQuery(device=KEY.device, component=KEY.component), SeriesInfo)
    assert found.file.startswith(str(root))
    assert (found.header["step"], found.header["last_update"]) == (60, NOW - 60)
    cpu, rate = found.facts.points
    assert (cpu.value, cpu.heartbeat_s, rate.value) == (179.0, 90, 2.0)
    assert found.facts.archives[0].known == [pytest.approx(120 / 180)] * 2
    with pytest.raises(NotFoundError, match="no source 'snmp'; it has: process"):
        ask(root, InfoQuery(device=KEY.device, component=KEY.component, source="snmp"), SeriesInfo)
    with pytest.raises(NotFoundError, match="devices with series: web1"):
        ask(root, InfoQuery(device="new", component="x"), SeriesInfo)


def test_figures_of_a_time(tmp_path: Path) -> None:
    root = write(tmp_path, hours(3, silent=range(100, 110)))
    query = StatsQuery(
        device=KEY.device,
        component=KEY.component,
        source="",
        start=NOW - 10_800,
        end=NOW - 60,
        percentiles=(0, 50, 95, 100),
    )
    found = ask(root, query, Stats)
    cpu, rate = found.points
    known = [float(n) for n in range(1, 180) if not 100 <= n < 110]
    assert (cpu.minimum, cpu.maximum, cpu.total) == (1.0, 179.0, None)
    assert cpu.average == pytest.approx(sum(known) / len(known))
    assert cpu.known == pytest.approx(169 / 179)
    assert cpu.percentiles == [1.0, known[84], known[160], 179.0]
    assert rate.average == 2.0
    assert rate.total == pytest.approx(2.0 * 60 * 169)
    nothing = ask(root, StatsQuery(device=KEY.device, component=KEY.component, source="", start=1, end=99), Stats)
    assert (nothing.points[0].average, nothing.points[0].known, nothing.points[0].percentiles) == (None, 0.0, [None])


def trails_in(root: Path, **fields: object) -> list[Trail]:
    asked = {"device": KEY.device, "start": NOW - 3600, "end": NOW, **fields}
    return ask(root, TrailsQuery(**asked), Trails).trails  # type: ignore[arg-type]  # by name


def test_a_trail_has_the_averages_of_its_bins_and_gaps_where_nothing_is_known(tmp_path: Path) -> None:
    root = write(tmp_path, hours(2, silent=range(80, 90)))
    cpu, rate = trails_in(root)
    assert (cpu.point, cpu.unit, cpu.start, cpu.bin_s, len(cpu.values)) == ("cpu", "percent", NOW - 3600, 120, 30)
    # Each bin ends with the sample of its end: 61 and 62, 63 and 64, …
    assert cpu.values[:3] == [61.5, 63.5, 65.5]
    assert [place for place, value in enumerate(cpu.values) if value is None] == [10, 11, 12, 13]
    assert set(rate.values) == {2.0, None}


@pytest.mark.parametrize(
    ("span_s", "bins", "bin_s"), [(3600, 30, 120), (600, 30, 60), (86_400, 48, 1800), (180, 5, 60)]
)
def test_bins_of_a_trail_are_whole_steps_and_not_too_many(tmp_path: Path, span_s: int, bins: int, bin_s: int) -> None:
    root = write(tmp_path, hours(30))
    for trail in trails_in(root, start=NOW - span_s, bins=bins):
        assert trail.bin_s == bin_s
        assert 1 <= len(trail.values) <= bins
        assert any(value is not None for value in trail.values)


def test_pages_of_trails_together_hold_every_point_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write(tmp_path, hours(1))
    (series,) = read_device(root, KEY.device)
    held = [replace(series, key=SeriesKey(KEY.device, f"c{number}", "process")) for number in range(5)]
    monkeypatch.setattr(trails, "MAX_VALUES", 100)
    query, found, pages = TrailsQuery(device=KEY.device, start=NOW - 3600, end=NOW), [], 0
    while True:
        page = trails.trails_of(query, held)
        found += [(trail.component, trail.point) for trail in page.trails]
        pages += 1
        if not page.more:
            break
        query = replace(query, after=page.seen)
    assert found == [(f"c{number}", point) for number in range(5) for point in ("cpu", "rate")]
    assert pages == 3
    assert [trail.point for trail in trails_in(root, points=["rate"])] == ["rate"]
    assert trails_in(root, component="nosuch") == []


def test_the_newest_samples_of_all_series_are_heard_from_memory_each_once() -> None:
    intake = Intake()
    short = Layout(points=LAYOUT.points[:1], step_s=60)

    def accept(component: str, layout: Layout, at: int) -> None:
        names = [point.name for point in layout.points]
        sample = Sample(
            key=SeriesKey("web1", component, "process"), layout=layout, at=at, values=dict.fromkeys(names, 1)
        )
        intake.accept([sample], NOW)

    for component in ("a", "b", "c"):
        accept(component, LAYOUT, NOW - 120)
    accept("b", short, NOW - 60)  # it is another series in the spool from now on
    series, last, more = intake.numbered(0, 2)
    assert ([one.key.component for one in series], last, more) == (["a"], 2, True)
    found = heard(*intake.numbered(last, 2))
    assert [(one.component, one.at, len(one.points), one.values) for one in found.series] == [
        ("c", NOW - 120, 2, [1, 1]),
        ("b", NOW - 60, 1, [1]),
    ]
    assert (found.last, found.more) == (4, False)


def test_a_page_of_what_is_heard_fits_one_message() -> None:
    intake = Intake()
    layout = Layout(points=tuple(Point(name=f"point-{n}", unit="bytes") for n in range(100)), step_s=60)
    for n in range(200):
        key = SeriesKey("web1", f"{n}-" + "é" * 200, "process")
        intake.accept([Sample(key=key, layout=layout, at=NOW, values={"point-1": 2.0**60})], NOW)
    after, seen, more = 0, 0, True
    while more:
        page = heard(*intake.numbered(after, 400))
        encode(page)
        after, more, seen = page.last, page.more, seen + len(page.series)
    assert seen == 200

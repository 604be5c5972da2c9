"""Files that are converted, against files that were never anything else."""

from __future__ import annotations

import os
import random
import resource
import signal
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import rrdtool
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from collectors.framework.data import rrdfile
from collectors.framework.data.rrdfile import DamagedError
from collectors.framework.data.writing.convert import NEW, convert
from collectors.framework.data.writing.oldfile import Old
from common import rrd
from common.errors import TransientError
from common.series import Kind, Layout, Plan, Point, Retention

NOW = 1_800_003_600 // 86_400 * 86_400 + 50_000
POINTS = (Point(name="cpu"), Point(name="memory", minimum=0.0), Point(name="runs", kind=Kind.DERIVE))
LAYOUT = Layout(points=POINTS, step_s=10, retention=Retention.SHORT)
Samples = dict[int, dict[str, Any]]
Rows = dict[int, float]


def feed(path: Path, layout: Layout, samples: Samples) -> Path:
    """Write samples; one that is missing is unknown."""
    whole = rrd.whole_numbers(layout.points)
    stamps = range(min(samples), max(samples) + 1, layout.step_s)
    if not path.exists():
        rrdtool.create(*rrd.create_arguments(str(path), layout, stamps[0]))
    texts = [rrd.update_text(at, [samples.get(at, {}).get(p.name) for p in layout.points], whole) for at in stamps]
    for start in range(0, len(texts), 500):
        rrdtool.update(str(path), "--template", rrd.template(layout.points), *texts[start : start + 500])
    return path


def made(first: int, count: int, *, step_s: int = 10, seed: int = 1, holes: float = 0.05) -> Samples:
    rng = random.Random(seed)
    return {
        first + step_s * i: {
            "cpu": rng.uniform(0, 100),
            "memory": rng.choice([rng.randrange(2**40), None]) if rng.random() < holes else rng.randrange(2**40),
            "runs": i // 3,
        }
        for i in range(count)
        if rng.random() >= holes
    }


def read(path: Path) -> dict[tuple[str, int, str], Rows]:
    """Everything that a file shows: by consolidation, resolution and point the known rows, and all that it is ready
    with for the next update."""
    found: dict[Any, Any] = {}
    fd = os.open(path, os.O_RDONLY)
    header = rrdfile.read_header(fd, str(path))
    for number, archive in enumerate(header.archives):
        rows = rrdfile.read_rows(fd, header, number)
        every_s = archive.steps * header.step_s
        for place, source in enumerate(header.sources):
            column = rows[place :: len(header.sources)]
            begin = header.row_end(number) - every_s * (len(column) - 1)
            found[archive.cf, every_s, source.name] = {
                begin + every_s * i: value for i, value in enumerate(column) if value == value
            }
    os.close(fd)
    return found


def goes_on(path: Path, layout: Layout, samples: Samples) -> dict[tuple[str, int, str], Rows]:
    """What a file shows after it took samples: what is under way in it must be right for that."""
    return read(feed(path, layout, samples))


def close(one: dict[Any, Any], other: dict[Any, Any]) -> bool:
    return one.keys() == other.keys() and all(one[at] == pytest.approx(other[at], rel=1e-12) for at in one)


def test_a_point_comes_and_another_goes_and_the_others_do_not_notice(tmp_path: Path) -> None:
    before, after = made(NOW - 300_000, 25_000), made(NOW - 50_000, 400, seed=2)
    after = {at: row | {"runs": 25_000 // 3 + int(row["runs"] or 0)} for at, row in after.items()}
    old = feed(tmp_path / "old", LAYOUT, before)
    untouched = feed(tmp_path / "untouched", LAYOUT, before)
    new = replace(LAYOUT, points=(Point(name="extra", unit="x"), POINTS[2], POINTS[0]))
    convert([Old(path=str(old), points=POINTS)], str(old), new)
    wanted, got = read(untouched), read(old)
    assert {key: rows for key, rows in wanted.items() if key[2] != "memory"} == {
        key: rows for key, rows in got.items() if key[2] != "extra"
    }
    assert all(rows == {} for key, rows in got.items() if key[2] == "extra")
    later = {at: row | {"extra": 5} for at, row in after.items()}
    wanted, got = goes_on(untouched, LAYOUT, after), goes_on(old, new, later)
    for key, rows in wanted.items():
        assert key[2] == "memory" or got[key] == rows
    assert {tuple(set(rows.values())) for key, rows in got.items() if key[2:] == ("extra",) and key[1] == 10} == {
        (5.0,)
    }


def test_another_plan_keeps_what_fits_and_its_coarse_rows_are_true(tmp_path: Path) -> None:
    before, after = made(NOW - 300_000, 25_000), made(NOW - 50_000, 3_000, seed=3)
    long = replace(LAYOUT, retention=Retention.LONG)
    old = feed(tmp_path / "old", LAYOUT, before)
    truth = feed(tmp_path / "truth", long, before)
    convert([Old(path=str(old))], str(old), long)
    wanted, got = read(truth), read(old)
    kept = {key: rows for key, rows in wanted.items() if key[1] in {600, 3600}}
    assert {key: got[key] for key in kept} == kept
    for key, rows in wanted.items():
        if key[1] == 10:  # a day of it was kept; the day before stands as rows of ten minutes
            edge = max(rows) - 86_400
            assert {at: v for at, v in rows.items() if at > edge} == {at: v for at, v in got[key].items() if at > edge}
            coarse = wanted[key[0], 600, key[2]]
            before_edge = {at: v for at, v in got[key].items() if at <= edge}
            assert before_edge
            assert all(v == coarse[-(-at // 600) * 600] for at, v in before_edge.items())
        elif key[1] == 86_400:  # the days were not kept; they are made of hours
            assert got[key].keys() >= rows.keys() - {min(rows)}
            for at in rows.keys() & got[key].keys():
                assert got[key][at] == pytest.approx(rows[at], rel=0.02 if key[0] == "AVERAGE" else 1e-12)
    wanted, got = goes_on(truth, long, after), goes_on(old, long, after)
    for key, rows in wanted.items():
        recent = {at: v for at, v in rows.items() if at > NOW - 50_000}
        assert recent or key[1] == 86_400
        assert close({at: v for at, v in got[key].items() if at in recent}, recent)


@pytest.mark.parametrize("step_s", [5, 60, 300, 7])
def test_another_step_keeps_all_history(tmp_path: Path, step_s: int) -> None:
    before = made(NOW - 100_000, 6_003)
    old = feed(tmp_path / "old", LAYOUT, before)
    was = read(old)
    new = replace(LAYOUT, step_s=step_s)
    convert([Old(path=str(old))], str(old), new)
    got = read(old)
    for name in ("cpu", "memory", "runs"):
        for every_s in (600, 3600):
            for cf in rrd.CONSOLIDATIONS if step_s != 7 else ():
                assert got[cf, every_s, name] == was[cf, every_s, name]
        fine, finer = got["AVERAGE", step_s, name], was["AVERAGE", 10, name]
        if step_s == 60:
            for at, value in fine.items():
                if at - 60 >= min(finer):
                    known = [finer[t] for t in range(at - 50, at + 10, 10) if t in finer]
                    assert len(known) >= 3
                    assert value == pytest.approx(sum(known) / len(known), rel=1e-12)
                    low = [was["MIN", 10, name][t] for t in range(at - 50, at + 10, 10) if t in finer]
                    assert got["MIN", 60, name][at] == min(low)
        if step_s == 5:
            assert all(finer[-(-at // 10) * 10] == value for at, value in fine.items() if at > min(finer))
    rates = list(got["AVERAGE", max(every_s for _, every_s, _ in got), "runs"].values())
    assert sum(rates) / len(rates) == pytest.approx(1 / 30, rel=0.02)  # rates stay rates


@settings(max_examples=10, deadline=None)
@given(
    step_s=st.sampled_from([10, 20, 60, 7, 300]),
    wanted_s=st.sampled_from([10, 30, 60, 11, 3]),
    holes=st.sampled_from([0.0, 0.1, 0.7]),
    seed=st.integers(0, 99),
    plan=st.sampled_from([Retention.SHORT, Plan(name="own", full_days=0.1, archives=((120, 1.0), (1800, 9.0)))]),
)
def test_minimum_average_and_maximum_keep_their_order_and_nothing_is_invented(
    tmp_path_factory: pytest.TempPathFactory, step_s: int, wanted_s: int, holes: float, seed: int, plan: Any
) -> None:
    path = tmp_path_factory.mktemp("convert") / "file"
    layout = replace(LAYOUT, step_s=step_s)
    before = made((NOW - 30_000) // step_s * step_s, 20_000 // step_s, step_s=step_s, seed=seed, holes=holes)
    del_from, del_to = NOW - 26_000, NOW - 14_000  # the host was away
    before = {at: row for at, row in before.items() if not del_from < at <= del_to}
    feed(path, layout, before)
    new = replace(layout, step_s=wanted_s, retention=plan)
    convert([Old(path=str(path))], str(path), new)
    feed(path, new, made((NOW - 5_000) // wanted_s * wanted_s, 600, step_s=wanted_s, seed=seed, holes=holes))
    got = read(path)
    known = 0
    for (_, every_s, name), rows in got.items():
        low, high = got["MIN", every_s, name], got["MAX", every_s, name]
        assert low.keys() == high.keys() == rows.keys()
        for at, value in rows.items():
            known += 1
            assert low[at] <= value * (1 + 1e-12) + 1e-12
            assert value * (1 - 1e-12) - 1e-12 <= high[at]
            assert not del_from + 3600 < at - every_s < at <= del_to - 3600  # the coarsest row across its ends
    assert known


@pytest.mark.parametrize(
    ("was", "now", "kept"),
    [
        (Kind.GAUGE, Kind.DERIVE, False),
        (Kind.DERIVE, Kind.GAUGE, False),
        (Kind.DERIVE, Kind.ABSOLUTE, True),
        (Kind.GAUGE, Kind.GAUGE, True),
        (Kind.COUNTER, Kind.COUNTER, True),
        (Kind.DERIVE, Kind.COUNTER, True),
        (Kind.GAUGE, Kind.COUNTER, False),
        (Kind.COUNTER, Kind.DERIVE, True),
    ],
)
def test_the_history_of_a_point_of_another_kind_is_kept_where_it_means_the_same(
    tmp_path: Path, was: Kind, now: Kind, kept: bool
) -> None:
    layout = replace(LAYOUT, points=(Point(name="cpu"), Point(name="runs", kind=was)))
    path = feed(tmp_path / "file", layout, made(NOW - 8_000, 700, holes=0))
    before = read(path)
    new = replace(LAYOUT, points=(Point(name="cpu"), Point(name="runs", kind=now)))
    convert([Old(path=str(path), points=layout.points)], str(path), new)
    got = read(path)
    assert got["AVERAGE", 10, "cpu"] == before["AVERAGE", 10, "cpu"]
    assert got["AVERAGE", 10, "runs"] == (before["AVERAGE", 10, "runs"] if kept else {})
    info = rrdtool.info(str(path))
    assert info["ds[runs].type"] == rrd.rrd_type(now)
    if not kept or rrd.rrd_type(was) != rrd.rrd_type(now):
        assert info["ds[runs].last_ds"] == "U"  # the first rate would be of two different things


@pytest.mark.parametrize(("step_s", "wanted_s"), [(10, 60), (60, 10), (10, 30), (30, 20)])
def test_a_row_that_is_under_way_goes_on_with_another_step(tmp_path: Path, step_s: int, wanted_s: int) -> None:
    """An hour whose first part was measured with one step, and the rest with another."""
    layout = replace(LAYOUT, points=POINTS[:1], step_s=step_s, retention=Retention.STANDARD)
    hour = NOW // 3600 * 3600
    change = hour + 1500  # in the middle of an hour, and of ten minutes
    path = tmp_path / "file"
    feed(path, layout, {at: {"cpu": 1.0} for at in range(hour - 7200, change + 1, step_s)})
    new = replace(layout, step_s=wanted_s)
    convert([Old(path=str(path))], str(path), new)
    feed(path, new, {at: {"cpu": 3.0} for at in range(change + wanted_s, hour + 3700, wanted_s)})
    got = read(path)
    assert got["AVERAGE", 3600, "cpu"][hour + 3600] == pytest.approx((1500 + 3 * 2100) / 3600, rel=1e-9)
    assert (got["MIN", 3600, "cpu"][hour + 3600], got["MAX", 3600, "cpu"][hour + 3600]) == (1.0, 3.0)
    assert got["AVERAGE", 600, "cpu"][hour + 1800] == pytest.approx(2.0, rel=1e-9)
    assert (got["MIN", 600, "cpu"][hour + 1800], got["MAX", 600, "cpu"][hour + 1800]) == (1.0, 3.0)


def test_a_step_that_is_under_way_goes_on_with_another_one(tmp_path: Path) -> None:
    layout = replace(LAYOUT, points=POINTS[:1])
    minute = NOW // 60 * 60
    path = feed(tmp_path / "file", layout, {at: {"cpu": 1.0} for at in range(minute - 600, minute + 41, 10)})
    new = replace(layout, step_s=60)
    convert([Old(path=str(path))], str(path), new)
    feed(path, new, {minute + 60: {"cpu": 4.0}})
    assert read(path)["AVERAGE", 60, "cpu"][minute + 60] == pytest.approx((40 + 20 * 4) / 60)


def test_limits_and_heartbeats_are_those_that_are_wanted(tmp_path: Path) -> None:
    path = feed(tmp_path / "file", LAYOUT, made(NOW - 8_000, 700))
    convert([Old(path=str(path))], str(path), replace(LAYOUT, points=(Point(name="cpu", maximum=50.0),), step_s=20))
    info = rrdtool.info(str(path))
    assert (info["ds[cpu].max"], info["ds[cpu].min"], info["ds[cpu].minimal_heartbeat"]) == (50.0, None, 30)


def test_a_counter_goes_on_counting_over_the_conversion(tmp_path: Path) -> None:
    samples = {NOW - 1000 + 10 * i: {"runs": 7 * i} for i in range(100)}
    path = feed(tmp_path / "file", LAYOUT, {at: row for at, row in samples.items() if at < NOW - 500})
    convert([Old(path=str(path), points=POINTS)], str(path), replace(LAYOUT, points=POINTS[2:]))
    got = goes_on(path, replace(LAYOUT, points=POINTS[2:]), {at: r for at, r in samples.items() if at >= NOW - 500})
    assert set(got["AVERAGE", 10, "runs"].values()) == {0.7}
    assert len(got["AVERAGE", 10, "runs"]) == 99


# --- several files ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gap", [0, 1, 40, 500])
def test_a_file_from_elsewhere_and_the_one_begun_here_become_what_one_file_would_be(tmp_path: Path, gap: int) -> None:
    all_ = made(NOW - 100_000, 9_000, holes=0.02)
    cut = NOW - 100_000 + 10 * 4_321
    first = {at: row for at, row in all_.items() if at < cut}
    second = {at: row for at, row in all_.items() if at >= cut + 10 * gap}
    old, begun = feed(tmp_path / "old", LAYOUT, first), feed(tmp_path / "begun", LAYOUT, second)
    last, first_there = max(first), min(second)
    truth = feed(tmp_path / "truth", LAYOUT, first | second)
    convert([Old(path=str(begun)), Old(path=str(old))], str(tmp_path / "both"), LAYOUT)
    wanted, got = read(truth), read(tmp_path / "both")
    for key, rows in wanted.items():
        if key[2] == "runs":  # the first count there has none before it
            continue
        missing = rows.keys() - got[key].keys()
        assert missing <= {at for at in missing if at - key[1] <= first_there and at >= last - 10}
        assert close(
            {at: v for at, v in got[key].items() if at in rows}, {at: rows[at] for at in rows.keys() - missing}
        )
        assert not (got[key].keys() - wanted[key].keys()), key
    assert read(begun)  # the sources are as they were
    after = made(NOW - 9_000, 800, seed=9)
    wanted, got = goes_on(truth, LAYOUT, after), goes_on(tmp_path / "both", LAYOUT, after)
    for key, rows in wanted.items():
        later = {at: v for at, v in rows.items() if at > NOW - 9_000}
        assert close({at: v for at, v in got[key].items() if at in later}, later)


def test_a_file_begun_here_with_another_step_and_other_points_is_joined_too(tmp_path: Path) -> None:
    old = feed(tmp_path / "old", LAYOUT, made(NOW - 60_000, 3_000, holes=0))
    new_layout = Layout(points=(Point(name="cpu"), Point(name="extra")), step_s=60, retention=Retention.LONG)
    begun = feed(
        tmp_path / "begun", new_layout, {NOW // 60 * 60 - 6000 + 60 * i: {"cpu": 5.0, "extra": i} for i in range(90)}
    )
    convert([Old(path=str(old)), Old(path=str(begun))], str(begun), new_layout)
    got = read(begun)
    hours = got["AVERAGE", 3600, "cpu"]
    was = read(old)["AVERAGE", 3600, "cpu"]
    assert {at: hours[at] for at in was} == was
    assert len(got["AVERAGE", 60, "extra"]) == 90
    assert hours[max(hours)] == 5.0


# --- what can go wrong ------------------------------------------------------------------------------------------------


def damaged(data: bytes, changes: Iterable[tuple[int, bytes]]) -> bytes:
    raw = bytearray(data)
    for offset, new in changes:
        raw[offset : offset + len(new)] = new
    return bytes(raw)


def test_a_damaged_header_is_never_handed_to_rrdtool(tmp_path: Path) -> None:
    path = feed(tmp_path / "file", LAYOUT, made(NOW - 8_000, 50))
    good = path.read_bytes()
    size = rrdtool.info(str(path))["header_size"]
    rng = random.Random(5)
    told = 0
    for _ in range(400):
        offset = rng.randrange(size - 8)
        path.write_bytes(damaged(good, [(offset, rng.randbytes(8))]))
        fd = os.open(path, os.O_RDONLY)
        try:
            rrdfile.read_header(fd, str(path))
        except DamagedError:
            told += 1
        finally:
            os.close(fd)
    assert told > 40
    for length in (0, 3, 127, 128, 500, size, len(good) - 1):
        path.write_bytes(good[:length])
        with pytest.raises(DamagedError):
            convert([Old(path=str(path))], str(path), LAYOUT)
        assert path.read_bytes() == good[:length]
    assert list(tmp_path.iterdir()) == [path]


def test_what_librrd_would_believe_and_end_with_is_told(tmp_path: Path) -> None:
    path = feed(tmp_path / "file", LAYOUT, made(NOW - 8_000, 50))
    good, header = path.read_bytes(), rrdfile.look(str(path))
    first_source, first_archive = 128, 128 + 120 * len(header.sources)
    huge = b"\xff" * 8
    for _, offset, new in (
        ("another program's", 0, b"PNG\0"),
        ("another machine's", 16, huge),
        ("no sources", 24, bytes(8)),
        ("more sources than there are", 24, (99).to_bytes(8, "little")),
        ("a negative number of archives", 32, huge),
        ("no step", 40, bytes(8)),
        ("a name without an end", first_source, b"x" * 20),
        ("two sources of one name", first_source + 120, good[first_source : first_source + 20]),
        ("a type that there is not", first_source + 20, b"GAUGES\0"),
        ("more rows than there are", first_archive + 24, (10**6).to_bytes(8, "little")),
        ("rows of no steps", first_archive + 32, bytes(8)),
        ("a share of the known beyond all", first_archive + 40, struct.pack("=d", 7.0)),
        ("a time before time", header.ready_at(0).start - 16, huge),
        ("a text without an end", header.ready_at(0).start, b"1" * 30),
        ("more unknown than a step has", header.ready_at(0).start + 32, huge),
        ("a row beyond the last", header.pointer_at(0).start, (10**6).to_bytes(8, "little")),
    ):
        path.write_bytes(damaged(good, [(offset, new)]))
        with pytest.raises(DamagedError):
            rrdfile.look(str(path))
    path.write_bytes(good)
    assert rrdfile.look(str(path)) == header


def test_a_disk_that_is_full_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = feed(tmp_path / "file", LAYOUT, made(NOW - 8_000, 50))
    before = path.read_bytes()
    size = replace(LAYOUT, retention=Retention.LONG)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 4096, limits[1]))
    try:
        with pytest.raises(TransientError, match="cannot be converted"):
            convert([Old(path=str(path))], str(path), size)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_left_of_a_killed_conversion_does_not_hinder_the_next(tmp_path: Path) -> None:
    path = feed(tmp_path / "file", LAYOUT, made(NOW - 8_000, 50))
    Path(str(path) + NEW).write_bytes(b"half")
    convert([Old(path=str(path))], str(path), replace(LAYOUT, step_s=20))
    assert rrdtool.info(str(path))["step"] == 20
    assert list(tmp_path.iterdir()) == [path]

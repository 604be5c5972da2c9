from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import rrdtool
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from collectors.framework.data.index import read_device
from collectors.framework.data.spool.intake import Intake
from collectors.framework.data.writing.holding import HOLD_S, HOLD_STEPS, NEW_S
from collectors.framework.data.writing.seriesfile import SeriesFile
from collectors.framework.data.writing.writer import Writer
from collectors.framework.samplespool import PROGRESS, SampleSpool
from common import rrd
from common.errors import TransientError
from common.series import Kind, Layout, Point, Retention, Sample, SeriesKey
from tests.fakes.series import resolutions

NOW = 1_800_000_000
LAYOUT = Layout(points=(Point(name="cpu"), Point(name="restarts", kind=Kind.DERIVE, minimum=0.0)), step_s=10)


class Bench:
    """A spool, a writer that follows it, and clocks that stand still until they are moved."""

    def __init__(self, folder: Path, hold_s: float = HOLD_S) -> None:
        self.spool_dir, self.root = folder / "samples", folder / "rrd"
        self.root.mkdir(parents=True, exist_ok=True)
        self.now, self.monotonic, self.hold_s = float(NOW), 0.0, hold_s
        self.intake = Intake()
        self.spool = SampleSpool(self.spool_dir)
        self.spool.open()
        self.writer = self.start()

    def start(self, **options: Any) -> Writer:
        return Writer(self.spool_dir, self.root, lambda: self.now, lambda: self.monotonic, self.hold_s, **options)

    def restart(self, **options: Any) -> None:
        self.writer.close()
        self.writer = self.start(**options)

    def put(self, at: int, component: str = "sshd", layout: Layout = LAYOUT, **values: Any) -> None:
        """Spool a sample that the collector's guards let pass."""
        sample = Sample(key=SeriesKey("web1", component, "process"), layout=layout, at=at, values=values)
        self.intake.accept([sample], max(self.now, at))
        self.spool.append(self.intake.series, self.intake.take())

    def put_all(self, samples: dict[int, float]) -> None:
        key = SeriesKey("web1", "sshd", "process")
        self.intake.accept([Sample(key=key, layout=LAYOUT, at=at, values={"cpu": v}) for at, v in samples.items()], NOW)
        self.spool.append(self.intake.series, self.intake.take())

    def write(self) -> None:
        self.writer.gather()
        self.writer.flush()

    def path(self, component: str = "sshd") -> Path:
        return self.root / rrd.file_name(SeriesKey("web1", component, "process"))

    def rows(
        self, start: int, end: int, component: str = "sshd", cf: str = "AVERAGE", step_s: int = 10
    ) -> dict[int, Any]:
        options = [cf, "-r", str(step_s), "-s", str(start - step_s), "-e", str(end - 1)]
        (begin, _, step), _, rows = rrdtool.fetch(str(self.path(component)), *options)
        return {begin + step * (i + 1): row for i, row in enumerate(rows)}

    @property
    def tally(self) -> Any:
        return self.writer.report().tally


def dump(path: Path) -> bytes:
    return subprocess.run(["rrdtool", "dump", str(path)], capture_output=True, check=True).stdout


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    with contextlib.suppress(Exception):  # a test may have closed them, or have broken what they need
        bench.writer.close()
    with contextlib.suppress(Exception):
        bench.spool.close()


@settings(max_examples=15, deadline=None)
@given(
    values=st.lists(st.one_of(st.none(), st.floats(-1e15, 1e15), st.integers(-(2**53), 2**53)), min_size=1, max_size=80)
)
def test_what_is_written_is_fetched_at_full_step(tmp_path_factory: pytest.TempPathFactory, values: list[Any]) -> None:
    bench = Bench(tmp_path_factory.mktemp("bench"))
    for i, value in enumerate(values):
        bench.put(NOW - 1000 + 10 * i, cpu=value, restarts=None)
        if i % 7 == 3:
            bench.write()
    bench.write()
    first, last = NOW - 1000, NOW - 1000 + 10 * (len(values) - 1)
    fetched = {cf: bench.rows(first, last, cf=cf) for cf in rrd.CONSOLIDATIONS}
    for i, value in enumerate(values):
        for cf in rrd.CONSOLIDATIONS:
            got = fetched[cf][first + 10 * i][0]
            assert got is None if value is None else got == pytest.approx(float(value), rel=1e-15, abs=1e-300)


@settings(max_examples=10, deadline=None)
@given(seed=st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=20))
def test_minimum_average_and_maximum_keep_their_order(
    tmp_path_factory: pytest.TempPathFactory, seed: list[float]
) -> None:
    bench = Bench(tmp_path_factory.mktemp("bench"))
    start = NOW - 7200
    bench.put_all({start + 10 * i: seed[i * i % len(seed)] for i in range(600)})
    bench.write()
    low, mid, high = (bench.rows(start, start + 6000, cf=cf, step_s=600) for cf in ("MIN", "AVERAGE", "MAX"))
    known = [at for at, row in mid.items() if row[0] is not None]
    assert len(known) >= 8
    for at in known:
        slack = 1e-9 * max(1.0, *map(abs, seed))
        assert low[at][0] - slack <= mid[at][0] <= high[at][0] + slack
        for extreme in (low[at][0], high[at][0]):  # one that was measured, to the last digits
            assert min(abs(extreme - value) for value in seed) <= 1e-14 * abs(extreme)


def test_the_first_sample_of_a_file_is_kept(bench: Bench) -> None:
    bench.put(NOW - 100, cpu=4.5, restarts=0)
    bench.write()
    assert bench.rows(NOW - 110, NOW - 90)[NOW - 100][0] == 4.5


def test_a_counter_that_is_reset_gives_a_gap_and_no_spike(bench: Bench) -> None:
    for i, count in enumerate([5, 7, 7, 1, 2]):
        bench.put(NOW - 100 + 10 * i, restarts=count)
    bench.write()
    rows = bench.rows(NOW - 100, NOW - 60)
    assert [rows[NOW - 100 + 10 * i][1] for i in range(5)] == [None, 0.2, 0.0, None, 0.1]


def test_a_missing_sample_is_a_gap_and_takes_no_other_with_it(bench: Bench) -> None:
    for i in (0, 1, 3, 4):
        bench.put(NOW - 100 + 10 * i, cpu=i)
    bench.write()
    assert [row[0] for row in bench.rows(NOW - 100, NOW - 60).values()][:5] == [0, 1, None, 3, 4]


def test_what_a_counter_counted_in_a_short_gap_is_kept(bench: Bench) -> None:
    for i, count in ((0, 0), (1, 2), (4, 8), (5, 8), (15, 50), (16, 51)):
        bench.put(NOW - 200 + 10 * i, restarts=count)
    bench.write()
    rows = bench.rows(NOW - 200, NOW - 40)
    rates = [rows[NOW - 200 + 10 * i][1] for i in range(17)]
    assert rates[:6] == [None, 0.2, pytest.approx(0.3), pytest.approx(0.3), 0, 0]
    assert rates[6:] == [None] * 10 + [pytest.approx(0.1)]  # too long to say when


def test_stamps_from_the_future_never_reach_a_file(bench: Bench) -> None:
    bench.put(NOW - 10, cpu=1)
    bench.put(NOW + 86_400, cpu=2)
    bench.put(NOW + 86_400, "fresh", cpu=2)
    bench.write()
    bench.put(NOW + 86_410, cpu=3)
    bench.now += 20
    bench.write()
    assert rrdtool.last(str(bench.path())) == NOW - 10
    assert not bench.path("fresh").exists()
    assert bench.tally.future == 3
    assert bench.writer.done == 4


def test_a_file_that_a_wrong_clock_has_locked_for_years_is_set_aside(bench: Bench) -> None:
    years = 10 * 365 * 86_400
    bench.put(NOW, cpu=1)
    bench.write()
    bench.now += years
    bench.put(NOW + years, cpu=2)
    bench.write()
    assert rrdtool.last(str(bench.path())) == NOW + years
    bench.now = NOW + 10.0
    bench.put(NOW + 10, cpu=3)
    bench.write()
    bench.now += 10
    bench.put(NOW + 20, cpu=4)
    bench.write()
    assert rrdtool.last(str(bench.path())) == NOW + 20
    assert rrdtool.last(str(bench.path()) + ".ahead-1") == NOW + years
    assert "3650 days ahead of the clock" in bench.writer.report().problem
    (bench.spool_dir / PROGRESS).unlink()  # a replay puts nothing else aside
    bench.restart()
    bench.write()
    assert len(list(bench.path().parent.iterdir())) == 2
    assert rrdtool.last(str(bench.path())) == NOW + 20


def test_a_file_that_is_ahead_by_an_hour_is_waited_for(bench: Bench) -> None:
    bench.now += 3600
    bench.put(NOW + 3600, cpu=1)
    bench.write()
    bench.now = NOW + 10.0
    bench.put(NOW + 10, cpu=2)
    bench.write()
    bench.now = NOW + 3610.0
    bench.put(NOW + 3610, cpu=3)
    bench.write()
    assert rrdtool.last(str(bench.path())) == NOW + 3610
    assert [path.name for path in bench.path().parent.iterdir()] == [bench.path().name]


def test_samples_of_a_file_wait_for_each_other_but_not_long(bench: Bench) -> None:
    bench.put(NOW - 30, cpu=1)
    bench.writer.gather()
    assert not bench.path().exists()
    assert bench.writer.wait_s() == NEW_S
    bench.put(NOW - 20, cpu=2)
    bench.monotonic += NEW_S
    bench.writer.gather()
    assert bench.tally.written == 2
    assert bench.writer.wait_s() is None


def test_samples_of_a_known_file_wait_for_some_steps(bench: Bench) -> None:
    slow = Layout(points=(Point(name="load"),), step_s=3600)
    bench.put(NOW - 3600, "slow", layout=slow, load=1)
    bench.put(NOW - 40, cpu=1)
    bench.write()
    bench.put(NOW, "slow", layout=slow, load=2)
    for at in (-30, -20, -10):
        bench.put(NOW + at, cpu=2)
        bench.writer.gather()
    assert bench.writer.wait_s() == HOLD_STEPS * LAYOUT.step_s
    bench.monotonic += HOLD_STEPS * LAYOUT.step_s
    bench.put(NOW, cpu=3)
    bench.writer.gather()
    assert (bench.tally.written, bench.writer.done) == (6, 2)
    assert bench.writer.wait_s() == HOLD_S - HOLD_STEPS * LAYOUT.step_s
    bench.monotonic += HOLD_S
    bench.writer.gather()
    assert (bench.tally.written, bench.writer.done) == (7, 7)
    assert bench.writer.wait_s() is None


def test_many_files_are_written_less_often_but_for_new_ones_and_those_that_are_asked_for(
    bench: Bench,
) -> None:
    bench.restart(files_a_second=0.02)
    bench.put(NOW - 30, cpu=1)
    bench.put(NOW - 30, "cron", cpu=1)
    bench.writer.gather()
    assert bench.writer.wait_s() == NEW_S  # nobody has looked at them yet
    bench.monotonic += NEW_S
    bench.writer.gather()
    assert bench.tally.written == 2
    bench.put(NOW - 20, cpu=2)
    bench.put(NOW - 20, "cron", cpu=2)
    bench.writer.gather()
    assert bench.writer.wait_s() == 100
    bench.writer.flush({"another"})
    assert bench.tally.written == 2
    bench.put(NOW - 10, cpu=3)
    bench.monotonic += 99
    bench.writer.gather()
    assert bench.writer.done == 2
    bench.monotonic += 1
    bench.writer.gather()
    assert (bench.tally.written, bench.writer.done) == (5, 5)
    bench.put(NOW, cpu=4)
    bench.writer.gather()
    bench.writer.flush({"web1"})
    assert (bench.tally.written, bench.writer.wait_s()) == (6, None)
    assert bench.rows(NOW - 30, NOW) == {NOW - 30 + 10 * i: (i + 1.0, None) for i in range(4)}


def test_the_daemon_is_told_how_things_stand_while_many_files_are_written(bench: Bench) -> None:
    bench.restart(files_at_once=2)
    for number in range(5):
        bench.put(NOW - 20, f"set{number}", cpu=1)
    bench.writer.gather()
    bench.monotonic += NEW_S
    for done in (2, 4, 5):
        bench.writer.gather()
        assert bench.writer.done == bench.tally.written == done
        assert bench.writer.wait_s() == (0 if done < 5 else None)


def test_replaying_everything_changes_nothing(bench: Bench) -> None:
    for i in range(50):
        bench.put(NOW - 1000 + 10 * i, cpu=i / 7, restarts=i)
    bench.write()
    before = dump(bench.path())
    (bench.spool_dir / PROGRESS).unlink()
    bench.restart()
    bench.write()
    assert dump(bench.path()) == before
    assert bench.tally.skipped == 50


@pytest.mark.parametrize("seed", [1, 3])
def test_whenever_a_writer_that_waits_long_is_killed_nothing_is_lost_or_counted_twice(
    tmp_path: Path, seed: int
) -> None:
    """A kill leaves files and progress as they are; what was held is in the spool, what was written is skipped."""
    calm, rough = Bench(tmp_path / "calm"), Bench(tmp_path / "rough")
    slow: dict[str, Any] = {"files_a_second": 0.05, "files_at_once": 2}
    rough.restart(**slow)
    rng, sets, progress = random.Random(seed), ["cron", "nginx", "sshd", "web"], rough.spool_dir / PROGRESS
    kills = 0
    for turn in range(120):
        for name in rng.sample(sets, rng.randint(0, len(sets))):
            for one in (calm, rough):
                one.put(NOW - 2000 + 10 * turn, name, cpu=turn / 7, restarts=turn)
        rough.monotonic += rng.choice([1, 10, 90])
        before = progress.read_bytes() if progress.exists() else None
        rough.writer.gather()
        if rng.random() < 0.1:
            rough.writer.flush({"web1"})
        if rng.random() < 0.3:
            kills += rough.writer.done < rough.spool.next - 1  # while it holds some
            if before is not None and rng.random() < 0.5:
                progress.write_bytes(before)  # as if it had come before the progress was kept
            rough.restart(**slow)
    assert kills > 20
    rough.write()
    calm.write()
    for name in sets:
        assert dump(rough.path(name)) == dump(calm.path(name))


def test_an_update_that_was_cut_short_is_undone_and_done_again(bench: Bench) -> None:
    for i in range(20):
        bench.put(NOW - 1000 + 10 * i, cpu=i, restarts=i)
    bench.write()
    bench.put(NOW - 800, cpu=99, restarts=30)
    good = bench.path().read_bytes()
    bench.write()
    wanted = dump(bench.path())
    # As if killed half way: the slot holds the header, the file's header is half changed, progress is behind.
    header = rrd.header_bytes(2, 10)
    bench.path().write_bytes(good)
    bench.writer._undo.keep(rrd.file_name(SeriesKey("web1", "sshd", "process")), header)
    damaged = bytearray(good)
    damaged[header - 96 : header] = bytes(96)
    bench.path().write_bytes(damaged)
    (bench.spool_dir / PROGRESS).unlink()
    bench.restart()
    bench.write()
    assert dump(bench.path()) == wanted


def test_a_file_that_rrdtool_crashes_on_again_and_again_is_set_aside(bench: Bench) -> None:
    bench.put(NOW - 100, cpu=1)
    bench.write()
    for _ in range(3):
        bench.writer._undo.keep(rrd.file_name(SeriesKey("web1", "sshd", "process")), rrd.header_bytes(2, 10))
        bench.restart()
    assert "crashed 3 times" in bench.writer.report().problem
    assert bench.path().with_name(bench.path().name + ".broken-1").exists()
    bench.put(NOW - 90, cpu=2)
    bench.write()
    assert bench.rows(NOW - 100, NOW - 80)[NOW - 90][0] == 2


@pytest.mark.parametrize("damage", ["empty", "short", "garbage", "half"])
def test_a_broken_file_is_set_aside_and_the_rest_goes_on(bench: Bench, damage: str) -> None:
    bench.put(NOW - 100, cpu=1)
    bench.put(NOW - 100, "nginx", cpu=1)
    bench.write()
    data = bench.path().read_bytes()
    bench.path().write_bytes(
        {"empty": b"", "short": data[:100], "garbage": b"x" * 9000, "half": data[: len(data) // 2]}[damage]
    )
    bench.put(NOW - 90, cpu=2)
    bench.put(NOW - 90, "nginx", cpu=2)
    bench.write()
    assert "set aside" in bench.writer.report().problem
    assert "web1 / sshd / process" in bench.writer.report().problem
    assert bench.path().with_name(bench.path().name + ".broken-1").exists()
    assert bench.rows(NOW - 100, NOW - 80)[NOW - 90][0] == 2
    assert bench.rows(NOW - 100, NOW - 80, "nginx")[NOW - 90][0] == 2
    bench.monotonic += 1000
    assert bench.writer.report().problem == ""


def test_a_file_that_somebody_deleted_is_made_again(bench: Bench) -> None:
    bench.put(NOW - 100, cpu=1)
    bench.write()
    bench.path().unlink()
    bench.put(NOW - 90, cpu=2)
    bench.write()
    assert bench.rows(NOW - 100, NOW - 80)[NOW - 90][0] == 2


OTHERS = [
    (Layout(points=(*LAYOUT.points, Point(name="extra")), step_s=10), "extra is new"),
    (Layout(points=LAYOUT.points[:1], step_s=10), "restarts has gone"),
    (Layout(points=LAYOUT.points, step_s=20), "the step was 10 s and is 20 s"),
    (replace(LAYOUT, retention=Retention.LONG), "the retention plan has changed"),
    (
        Layout(points=(LAYOUT.points[0], Point(name="restarts", kind=Kind.ABSOLUTE)), step_s=10),
        "restarts was DERIVE and is ABSOLUTE",
    ),
    (
        Layout(points=(LAYOUT.points[0], Point(name="restarts", kind=Kind.COUNTER)), step_s=10),
        "restarts was DERIVE and is GAUGE",
    ),
    (Layout(points=(LAYOUT.points[0], Point(name="restarts")), step_s=10), "restarts was DERIVE and is GAUGE"),
]


@pytest.mark.parametrize(("layout", "reason"), OTHERS)
def test_another_layout_converts_the_file_and_keeps_what_still_means_the_same(
    bench: Bench, layout: Layout, reason: str, capfd: pytest.CaptureFixture[str]
) -> None:
    for at in range(NOW - 200, NOW - 90, 10):
        bench.put(at, cpu=1, restarts=(at - NOW) // 2)
    bench.write()
    bench.put(NOW - 60, layout=layout, cpu=2)
    bench.write()
    assert bench.writer.report().problem == ""  # it was wanted so; the log tells
    assert reason in capfd.readouterr().err
    assert [path.name for path in bench.path().parent.iterdir()] == [bench.path().name]
    rows = bench.rows(NOW - 200, NOW - 60, step_s=layout.step_s)
    assert [row[0] for row in rows.values() if row[0] is not None][:5] == [1] * 5
    assert rows[NOW - 60][0] == 2
    if len(layout.points) == 2:
        wanted = [] if layout.points[1].kind is Kind.GAUGE else [0.5] * 5  # a count is no rate
        assert [row[1] for row in rows.values() if row[1] is not None][:5] == wanted
    info = rrdtool.info(str(bench.path()))
    assert rrd.held_resolutions(info) == resolutions(layout.step_s, layout.retention)
    assert read_device(bench.root, "web1")[0].layout == replace(layout, retention=Retention.STANDARD)
    # A replay of both must not turn them over again.
    before = bench.path().read_bytes()
    (bench.spool_dir / PROGRESS).unlink()
    bench.restart()
    bench.write()
    assert bench.path().read_bytes() == before
    assert bench.writer.conversions.done == 0
    (bench.spool_dir / PROGRESS).unlink()  # also when the new layout has not been heard of yet
    bench.restart(read_at_once=1)
    while bench.writer.done < 12:
        bench.write()
    assert bench.path().read_bytes() == before
    assert bench.writer.conversions.done == 0


def test_a_counter_that_becomes_a_gauge_begins_anew_although_the_file_looks_alike(bench: Bench) -> None:
    counter = Layout(points=(Point(name="cpu"), Point(name="done", kind=Kind.COUNTER)), step_s=10)
    for i in range(5):
        bench.put(NOW - 100 + 10 * i, layout=counter, cpu=1, done=20 * i)
    bench.write()
    assert bench.rows(NOW - 60, NOW - 60)[NOW - 60] == (1, 2)
    bench.put(NOW - 50, layout=Layout(points=(Point(name="cpu"), Point(name="done")), step_s=10), cpu=1, done=7)
    bench.write()
    assert bench.rows(NOW - 60, NOW - 50) == {NOW - 60: (1, None), NOW - 50: (1, 7)}
    assert bench.writer.conversions.done == 1


def test_a_file_of_which_nothing_can_be_kept_is_set_aside(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    bench.put(NOW - 100, cpu=1)
    bench.write()
    layout = Layout(points=(Point(name="cpu", kind=Kind.DERIVE), Point(name="extra")), step_s=10)
    bench.put(NOW - 60, layout=layout, cpu=2, extra=3)
    bench.write()
    assert "nothing of it can be kept" in capfd.readouterr().err
    assert bench.writer.report().problem == ""
    assert rrdtool.last(f"{bench.path()}.old-1") == NOW - 100
    assert bench.rows(NOW - 60, NOW - 60)[NOW - 60] == (None, 3.0)


def test_other_limits_are_put_into_the_file_as_it_is(bench: Bench) -> None:
    for at in range(NOW - 200, NOW - 90, 10):
        bench.put(at, cpu=at % 7, restarts=1)
    bench.write()
    node = bench.path().stat().st_ino
    layout = Layout(points=(Point(name="cpu", minimum=-1.5, maximum=3.1), LAYOUT.points[1]), step_s=10)
    for at, cpu in ((NOW - 90, 3), (NOW - 80, 4), (NOW - 70, 2)):
        bench.put(at, layout=layout, cpu=cpu, restarts=1)
    bench.write()
    assert [row[0] for row in bench.rows(NOW - 90, NOW - 70).values()] == [3, None, 2]
    assert [row[0] for row in bench.rows(NOW - 200, NOW - 100).values()] == [
        t % 7 for t in range(NOW - 200, NOW - 90, 10)
    ]
    assert bench.path().stat().st_ino == node
    assert bench.writer.conversions.done == 0
    bench.put(NOW - 60, cpu=9, restarts=1)  # and away again
    bench.write()
    assert bench.rows(NOW - 60, NOW - 60)[NOW - 60][0] == 9


def test_what_knew_a_file_before_others_made_it_anew_looks_at_it_again(bench: Bench) -> None:
    key = SeriesKey("web1", "sshd", "process")
    layouts = [LAYOUT, Layout(points=LAYOUT.points, step_s=20), Layout(points=LAYOUT.points[:1], step_s=20)]
    files: list[SeriesFile] = []
    for layout in layouts:
        files.append(SeriesFile(str(bench.root), key, layout, files[-1] if files else None))
    for number in range(9):
        file = files[number % 3]
        bench.writer._folder.write(file, [(NOW - 400 + 40 * number, [1.0] * len(file.layout.points))])
    assert (bench.tally.written, bench.tally.refused) == (9, 0)
    assert bench.writer.conversions.done == 8
    assert len(list(bench.path().parent.iterdir())) == 1


class Slow:
    """Conversions that take time by a bench's clock."""

    def __init__(self, bench: Bench, each_s: float) -> None:
        self._bench, self._each_s = bench, each_s
        self._convert = bench.writer.conversions._convert
        self.fails: str = ""
        bench.writer.conversions._convert = self

    def __call__(self, file: SeriesFile) -> None:
        self._bench.monotonic += self._each_s
        if self.fails:
            raise TransientError(self.fails)
        self._convert(file)


@pytest.mark.parametrize(
    ("layout", "points"),
    [
        (Layout(points=(Point(name="extra"), *LAYOUT.points), step_s=10), 3),
        (replace(LAYOUT, step_s=30), 2),
        (replace(LAYOUT, step_s=5), 2),
        (replace(LAYOUT, retention=Retention.SHORT), 2),
    ],
)
def test_a_change_for_a_fleet_is_made_bit_by_bit_and_samples_go_on(bench: Bench, layout: Layout, points: int) -> None:
    names = [f"set{number}" for number in range(30)]
    for name in names:
        for at in (NOW - 620, NOW - 610, NOW - 600):
            bench.put(at, name, cpu=1, restarts=5)
    bench.write()
    Slow(bench, 1.0)
    step = layout.step_s
    bench.now = float(NOW)
    for at in range(NOW - 600 + step, NOW - 600 + 4 * step, step):
        for name in names:
            bench.put(at, name, layout=layout, cpu=2, restarts=5, **({"extra": 7} if points == 3 else {}))
    bench.write()
    pending = bench.writer.conversions
    waiting, done, failed = pending.counts
    assert 0 < done < 5
    assert waiting + done == 30
    assert failed == 0
    assert bench.writer.done == 180  # none of them is held up
    assert bench.tally.written == 180
    last = NOW - 600 + 3 * step
    for name in names:  # those that wait have what fits
        rows = bench.rows(NOW - 600 + max(step, 10), last, name, step_s=step)
        known = [row for row in rows.values() if row and row[-1] is not None]
        assert known, name
        assert all(row[-2:] == (2.0, 0.0) for row in known)
    steps = 0
    while len(pending):
        wait_s = bench.writer.wait_s()
        assert wait_s is not None
        bench.monotonic += wait_s
        began = bench.monotonic
        bench.writer.gather()
        assert bench.monotonic - began <= 1.0  # one at a time, and then the daemon is listened to
        steps += 1
    assert bench.monotonic > 80  # a quarter of the time
    assert pending.done == 30
    for name in names:
        rows = bench.rows(NOW - 600, last, name, step_s=step)
        assert rows[NOW - 600][-2] == 1.0
        assert rrdtool.info(str(bench.path(name)))["step"] == step
    indexed = {series.key.component: series.layout.points for series in read_device(bench.root, "web1")}
    assert set(indexed.values()) == {layout.points}


@pytest.mark.parametrize(("step_s", "wanted_s"), [(2, 3), (3, 2), (10, 15), (60, 10), (10, 60), (7, 10)])
def test_samples_of_any_step_go_into_a_file_that_waits_and_none_is_refused(
    bench: Bench, step_s: int, wanted_s: int, capfd: pytest.CaptureFixture[str]
) -> None:
    begin = (NOW - 2000) // 420 * 420
    layout, new = replace(LAYOUT, points=LAYOUT.points[:1], step_s=step_s), LAYOUT.points[:1]
    for at in range(begin - begin % step_s, begin + 200, step_s):
        bench.put(at, layout=layout, cpu=1)
    bench.write()
    slow = Slow(bench, 0.0)
    slow.fails = "not yet"
    for at in range(begin + 200, begin + 800):
        if at % wanted_s == 0:
            bench.put(at, layout=replace(layout, points=new, step_s=wanted_s), cpu=3)
            bench.write()
    assert bench.tally.refused == 0
    assert "refused" not in capfd.readouterr().err
    assert rrdtool.last(str(bench.path())) >= begin + 800 - wanted_s - step_s
    slow.fails = ""
    bench.writer.conversions.hurry([])
    bench.writer.gather()
    bench.put(begin + 840, layout=replace(layout, points=new, step_s=wanted_s), cpu=3)
    bench.write()
    rows = bench.rows(begin + 300, begin + 700, step_s=wanted_s)
    values = [row[0] for at, row in rows.items() if begin + 300 < at < begin + 700]
    assert len([value for value in values if value == pytest.approx(3)]) == len(values)


def test_a_file_that_cannot_be_converted_is_written_as_it_is_and_tried_again(bench: Bench) -> None:
    for name in ("sshd", "nginx"):
        bench.put(NOW - 100, name, cpu=1, restarts=5)
    bench.write()
    slow = Slow(bench, 0.0)
    slow.fails = "the disk is full"
    layout = Layout(points=(Point(name="extra"), *LAYOUT.points), step_s=10)
    for at in (NOW - 90, NOW - 80):
        for name in ("sshd", "nginx"):
            bench.put(at, name, layout=layout, cpu=2, restarts=6, extra=7)
        bench.write()
    assert bench.writer.done == 6
    assert "2 series files could not be converted" in bench.writer.report().problem
    assert "the disk is full" in bench.writer.report().problem
    assert bench.rows(NOW - 100, NOW - 80) == {NOW - 100: (1, None), NOW - 90: (2, 0.1), NOW - 80: (2, 0)}
    slow.fails = ""
    bench.monotonic += 601
    assert bench.writer.wait_s() == 0
    bench.writer.gather()
    assert bench.writer.report().problem == ""
    assert bench.writer.conversions.counts == (0, 2, 0)
    bench.put(NOW - 70, layout=layout, cpu=3, restarts=6, extra=8)
    bench.write()
    assert bench.rows(NOW - 80, NOW - 70) == {NOW - 80: (None, 2, 0), NOW - 70: (8, 3, 0)}


def test_where_one_file_can_be_converted_again_all_that_failed_are_tried(bench: Bench) -> None:
    names = ("sshd", "nginx", "cron")
    layout = Layout(points=(Point(name="extra"), *LAYOUT.points), step_s=10)
    for name in names:
        bench.put(NOW - 100, name, cpu=1)
    bench.write()
    slow = Slow(bench, 0.0)
    slow.fails = "the disk is full"
    for name in names:
        bench.put(NOW - 90, name, layout=layout, cpu=2, extra=7)
    bench.write()
    for _ in range(3):  # one at a time, as long as it is no use
        wait_s = bench.writer.wait_s()
        assert wait_s is not None
        assert 0 < wait_s <= 15
        bench.monotonic += wait_s
        bench.writer.gather()
        assert bench.writer.conversions.counts == (0, 0, 3)
    slow.fails = ""
    bench.monotonic += 15
    bench.writer.gather()
    assert bench.writer.conversions.counts == (0, 3, 0)


def test_what_was_held_longer_is_written_before_what_has_another_layout(bench: Bench) -> None:
    bench.restart(files_a_second=0.01)
    bench.put(NOW - 100, cpu=1)
    bench.write()
    bench.put(NOW - 90, cpu=2)
    bench.writer.gather()  # held for long
    bench.put(NOW - 80, layout=Layout(points=(Point(name="extra"), *LAYOUT.points), step_s=10), cpu=3, extra=4)
    bench.writer.gather()
    bench.monotonic += NEW_S  # a file that nobody has looked at yet, as it seems
    bench.writer.gather()
    assert [row[-2] for row in bench.rows(NOW - 100, NOW - 80).values()] == [1, 2, 3]
    assert (bench.tally.written, bench.tally.skipped) == (3, 0)


def test_what_is_held_of_a_layout_that_is_over_does_not_turn_the_file_back(bench: Bench) -> None:
    extra = Layout(points=(Point(name="extra"), *LAYOUT.points), step_s=10)
    bench.put(NOW - 100, cpu=1)
    bench.write()
    bench.put(NOW - 90, cpu=2)
    bench.put(NOW - 80, layout=extra, cpu=3, extra=4)
    bench.writer.gather()
    new = bench.writer._files[SeriesKey("web1", "sshd", "process")]
    bench.writer.conversions.want(new, "ordered")  # before anything is written
    assert "ds[extra].type" in rrdtool.info(str(bench.path()))
    bench.writer.flush()
    assert bench.rows(NOW - 100, NOW - 80) == {
        NOW - 100: (None, 1, None), NOW - 90: (None, 2, None), NOW - 80: (4, 3, None),
    }  # fmt: skip
    assert bench.writer.conversions.done == 1


def test_what_came_to_a_layout_between_two_others_is_kept_however_long_it_was_held(
    bench: Bench, tmp_path: Path
) -> None:
    wide = Layout(points=(Point(name="extra"), *LAYOUT.points), step_s=10)
    calm = Bench(tmp_path / "calm")
    for number, layout in enumerate((LAYOUT, wide, replace(wide, step_s=20))):
        for row in range(12):
            for one in (bench, calm):
                values: dict[str, Any] = {point.name: row for point in layout.points}
                one.put(NOW - 1000 + (12 * number + row) * 20, layout=layout, **values)
        calm.write()
    bench.write()
    assert dump(bench.path()) == dump(calm.path())
    assert [row[0] for row in bench.rows(NOW - 760, NOW - 540, step_s=20).values()] == list(range(12))


def test_a_backlog_is_worked_off_in_slices_and_who_asks_is_answered_between_them(bench: Bench) -> None:
    for turn in range(50):
        for name in ("sshd", "nginx", "cron"):
            bench.put(NOW - 1000 + 10 * turn, name, cpu=turn)
    bench.restart(read_at_once=10, max_held=30)
    reads = slices = 0
    while bench.writer.wait_s() == 0 or not slices:
        before = bench.writer._tail.seen
        bench.writer.gather()
        slices += 1
        reads += bench.writer._tail.seen > before
        assert bench.writer._tail.seen - before <= 10
        assert bench.writer._held.count <= 30
        assert bench.writer.report().behind or bench.writer._tail.seen == 150
        if slices == 2:
            bench.writer.flush({"web1"})  # what has been read is there
            assert rrdtool.last(str(bench.path())) == NOW - 1000 + 10 * 6
        assert slices < 200
    assert reads == 15
    assert not bench.writer.report().behind
    bench.write()
    assert bench.writer.done == 150
    for name in ("sshd", "nginx", "cron"):
        assert [row[0] for row in bench.rows(NOW - 1000, NOW - 510, name).values()] == list(range(50))


def test_one_file_that_can_never_be_written_keeps_no_other_from_being_tried_again(bench: Bench) -> None:
    blocked = [bench.path(name).parents[1] for name in ("sshd", "nginx")]
    assert blocked[0] != blocked[1]
    for folder in blocked:
        folder.write_text("a file where a folder should be")
    for name in ("sshd", "nginx"):
        bench.put(NOW - 90, name, cpu=1)
    bench.write()
    assert "2 series wait" in bench.writer.report().problem
    blocked[1].unlink()
    for _ in range(4):
        bench.monotonic += 16
        bench.write()
    assert bench.rows(NOW - 90, NOW - 90, "nginx")[NOW - 90][0] == 1
    assert "1 series waits" in bench.writer.report().problem


class _Strange:
    """What may lie where a file should be."""

    @staticmethod
    def fifo(path: Path) -> None:
        os.mkfifo(path)

    @staticmethod
    def directory(path: Path) -> None:
        path.mkdir()

    @staticmethod
    def link(path: Path) -> None:
        outside = path.parents[3] / "outside"
        outside.write_text("somebody's")
        path.symlink_to(outside)

    @staticmethod
    def dangling(path: Path) -> None:
        path.symlink_to("nowhere")

    @staticmethod
    def socket(path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as made:
            os.chdir(path.parent)
            made.bind(path.name)


@pytest.mark.parametrize("kind", ["fifo", "directory", "link", "dangling", "socket"])
@pytest.mark.parametrize("opened", [False, True])
def test_what_is_no_file_is_set_aside_and_the_rest_goes_on(bench: Bench, kind: str, opened: bool) -> None:
    bench.put(NOW - 100, cpu=1)
    bench.put(NOW - 100, "nginx", cpu=1)
    bench.write()
    if not opened:
        bench.restart()
    bench.path().unlink()
    here = Path.cwd()
    try:
        getattr(_Strange, kind)(bench.path())
    finally:
        os.chdir(here)
    bench.put(NOW - 90, cpu=2)
    bench.put(NOW - 90, "nginx", cpu=2)
    bench.write()
    bench.monotonic += 20
    bench.write()
    assert bench.rows(NOW - 100, NOW - 80)[NOW - 90][0] == 2
    assert bench.rows(NOW - 100, NOW - 80, "nginx")[NOW - 90][0] == 2
    assert os.path.lexists(f"{bench.path()}.broken-1")
    assert "set aside" in bench.writer.report().problem
    outside = bench.root.parent / "outside"
    assert not outside.exists() or outside.read_text() == "somebody's"


def test_a_file_that_must_not_be_changed_waits_and_loses_nothing(bench: Bench) -> None:
    bench.put(NOW - 100, cpu=1)
    bench.put(NOW - 100, "nginx", cpu=1)
    bench.write()
    if subprocess.run(["chattr", "+i", str(bench.path())], check=False, capture_output=True).returncode:
        pytest.skip("files cannot be made immutable here")
    try:
        for at in (NOW - 90, NOW - 80):
            bench.put(at, cpu=2)
            bench.put(at, "nginx", cpu=2)
            bench.write()
        assert bench.rows(NOW - 80, NOW - 80, "nginx")[NOW - 80][0] == 2
        assert "1 series waits" in bench.writer.report().problem
        assert bench.tally.refused == 0
    finally:
        subprocess.run(["chattr", "-i", str(bench.path())], check=True)
    bench.monotonic += 20
    bench.write()
    assert [row[0] for row in bench.rows(NOW - 100, NOW - 80).values()] == [1, 2, 2]
    assert bench.writer.report().problem == ""


def test_no_damage_of_a_header_ends_the_writer_or_hurts_another_file(bench: Bench) -> None:
    """What a header says is believed by librrd, which crashes at some of it; this test would crash with it."""
    for at in (NOW - 110, NOW - 100):
        bench.put(at, cpu=1)
    bench.write()
    good, size = bench.path().read_bytes(), rrdtool.info(str(bench.path()))["header_size"]
    rng = random.Random(11)
    for turn in range(150):
        bench.restart()
        offset = rng.randrange(size - 8)
        bench.path().write_bytes(
            good[:offset] + rng.choice([rng.randbytes(8), b"\xff" * 8, bytes(8)]) + good[offset + 8 :]
        )
        bench.put(NOW - 90 + 10 * turn, cpu=2)
        bench.put(NOW - 90 + 10 * turn, "nginx", cpu=turn)
        bench.now = float(NOW + 10 * turn)
        bench.write()
        assert bench.rows(NOW - 90 + 10 * turn, NOW - 90 + 10 * turn, "nginx")[NOW - 90 + 10 * turn][0] == turn
        for left in bench.path().parent.glob(f"{bench.path().name}.*"):
            left.unlink()


def test_what_is_left_of_a_layout_with_late_points_is_read(bench: Bench) -> None:
    """Spool and index of a version before have a field that there is no more."""
    old = b'[{"name":"runs","kind":"derive","late":true},{"name":"cpu"}]'
    bench.put(NOW - 100, cpu=1)
    bench.write()
    bench.writer.index._db.execute("UPDATE series SET points = ?", (old,))
    assert [point.name for point in read_device(bench.root, "web1")[0].layout.points] == ["runs", "cpu"]
    decoded = msgspec.msgpack.decode(
        msgspec.msgpack.encode({"name": "runs", "kind": "derive", "late": True}), type=Point
    )
    assert decoded == Point(name="runs", kind=Kind.DERIVE)


def test_the_header_that_is_kept_is_the_whole_of_it_whatever_the_retention(bench: Bench) -> None:
    kept: list[int] = []
    keep = bench.writer._undo.keep

    def listening(name: str, length: int) -> None:
        kept.append(length)
        keep(name, length)

    bench.writer._undo.keep = listening  # type: ignore[method-assign]  # to hear what it is told
    short = replace(LAYOUT, retention=Retention.SHORT)
    sizes = []
    for at, layout in ((NOW - 100, short), (NOW - 90, short), (NOW - 80, LAYOUT)):
        bench.put(at, layout=layout, cpu=1)
        bench.write()
        sizes.append(rrdtool.info(str(bench.path()))["header_size"])
    assert kept == sizes
    assert sizes[0] == sizes[1] < sizes[2]


def test_points_in_another_order_go_into_the_same_file(bench: Bench) -> None:
    bench.put(NOW - 100, cpu=1, restarts=7)
    bench.put(NOW - 90, layout=Layout(points=LAYOUT.points[::-1], step_s=10), cpu=2, restarts=7)
    bench.write()
    assert bench.rows(NOW - 100, NOW - 90)[NOW - 90] == (2, 0)


def test_a_file_that_cannot_be_created_holds_up_no_other_and_loses_nothing(bench: Bench) -> None:
    bench.put(NOW - 100, "nginx", cpu=1)
    bench.write()
    in_the_way = bench.path().parents[1]
    assert in_the_way != bench.path("nginx").parents[1]
    in_the_way.write_text("a file where a folder should be")
    for i in range(5):
        bench.put(NOW - 90 + 10 * i, cpu=i)
        bench.put(NOW - 90 + 10 * i, "nginx", cpu=i)
        bench.write()
    assert bench.rows(NOW - 90, NOW - 50, "nginx")[NOW - 50][0] == 4
    report = bench.writer.report()
    assert report.done == 1
    assert "1 series wait" in report.problem
    bench.restart()
    bench.write()
    assert bench.writer.done == 1
    in_the_way.unlink()
    bench.monotonic += 60
    bench.write()
    assert [bench.rows(NOW - 90, NOW - 50)[NOW - 90 + 10 * i][0] for i in range(5)] == [0, 1, 2, 3, 4]
    assert bench.writer.report().problem == ""
    assert bench.writer.done == 11


HOSTILE = [
    "../../escape", "/abs", "a\nb", "nul\0byte", "x" * 500, "🚀🔥", "a:b:c", "100%s%n", "back\\slash", "--daemon", "",
    "漢" * 166,
    '"; DROP TABLE series;--', "\u202e", ".", "..", "a/../../b",
]  # fmt: skip


def test_no_name_makes_a_path_and_every_name_comes_back_as_it_was(bench: Bench) -> None:
    for name in HOSTILE:
        bench.put(NOW - 100, name, cpu=1)
    bench.write()
    inside = sorted(str(path.relative_to(bench.root)) for path in bench.root.rglob("*.rrd*"))
    assert len(inside) == len(HOSTILE)
    assert sorted(series.file for series in read_device(bench.root, "web1")) == inside
    assert {series.key.component for series in read_device(bench.root, "web1")} == set(HOSTILE)
    assert {path.name for path in bench.root.parent.iterdir()} == {"rrd", "samples"}
    for name in HOSTILE:
        assert bench.rows(NOW - 110, NOW - 90, name)[NOW - 100][0] == 1


def test_half_made_files_of_a_killed_writer_are_cleaned_up(bench: Bench) -> None:
    bench.put(NOW - 100, cpu=1)
    bench.write()
    left = bench.path().with_name(bench.path().name + "a1B2c3")
    left.write_bytes(b"half")
    other = bench.path().with_name("README")
    other.write_text("somebody's note")
    bench.restart()
    assert not left.exists()
    assert other.exists()


def test_a_broken_index_is_set_aside_and_fills_again(bench: Bench) -> None:
    bench.put(NOW - 100, cpu=1)
    bench.write()
    bench.writer.close()
    (bench.root / "index.db").write_bytes(b"not a database at all" * 500)
    bench.writer = bench.start()
    bench.put(NOW - 90, cpu=2)
    bench.write()
    assert [series.key.component for series in read_device(bench.root, "web1")] == ["sshd"]
    assert list(bench.root.glob("index.db.broken-*"))
    assert "index of the series was damaged" in bench.writer.report().problem


def test_stopping_leaves_the_rest_in_the_spool(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    for component in ("a", "b", "c"):
        bench.put(NOW - 100, component, cpu=1)
    bench.writer.gather()
    real: Callable[..., None] = bench.writer._folder.write

    def write_one_and_stop(*arguments: Any) -> None:
        real(*arguments)
        bench.writer.stopped = True

    monkeypatch.setattr(bench.writer._folder, "write", write_one_and_stop)
    bench.writer.flush()
    assert bench.writer.done == 1
    bench.restart()
    bench.write()
    assert bench.writer.done == 3
    assert bench.tally.written == 2

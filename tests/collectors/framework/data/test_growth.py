"""Names that hosts and programs make up take no more of the disk than is given them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from twisted.internet.task import Clock

from collectors.framework.data.limits import FileSettings
from collectors.framework.data.spool.intake import Intake
from collectors.framework.data.writing.growth import GIB, RECOUNT_S
from collectors.framework.data.writing.writer import Writer
from collectors.framework.samplespool import SampleSpool
from collectors.framework.samplewriter import SampleWriter
from common import rrd
from common.series import Layout, Point, Sample, SeriesKey

NOW = 1_800_000_000
LAYOUT = Layout(points=(Point(name="value"),), step_s=60)
SIZE = rrd.size_bytes(1, 60)


class Bench:
    """A writer with limits, and a spool before it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root, self.now = folder, folder / "rrd", NOW
        self.root.mkdir()
        self.intake, self.spool = Intake(), SampleSpool(folder / "samples")
        self.spool.open()
        self.writer: Any = None

    def start(self, **limits: Any) -> None:
        self.close()
        self.writer = Writer(
            self.folder / "samples",
            self.root,
            lambda: float(self.now),
            lambda: float(self.now),
            limits=FileSettings(**{"free_percent": 0.0, **limits}),
        )

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()

    def put(self, *keys: tuple[str, str, str], layout: Layout = LAYOUT) -> list[str]:
        """Write a sample of each series; the series that have files by now."""
        self.now += 60
        values = {point.name: 1 for point in layout.points}
        some = [Sample(key=SeriesKey(*key), layout=layout, at=self.now, values=values) for key in keys]
        self.intake.accept(some, self.now)
        self.spool.append(self.intake.series, self.intake.take())
        self.writer.gather()
        self.writer.flush()
        return sorted(f"{d}/{c}/{s}" for d, c, s in keys if (self.root / rrd.file_name(SeriesKey(d, c, s))).exists())

    @property
    def problem(self) -> str:
        return str(self.writer.report().problem)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()
    bench.spool.close()


def test_a_source_has_so_many_files_and_other_sources_go_on(bench: Bench) -> None:
    bench.start(source=2)
    assert bench.put(*(("web1", name, "snmp") for name in "abc")) == ["web1/a/snmp", "web1/b/snmp"]
    assert "Source snmp of device web1 have 2 files" in bench.problem
    assert "component 'c' gets none" in bench.problem
    assert "[files] source" in bench.problem
    assert bench.writer.report().tally.crowded == 1
    again = bench.put(("web1", "a", "snmp"), ("web1", "c", "snmp"), ("web1", "c", "other"), ("web2", "c", "snmp"))
    assert again == ["web1/a/snmp", "web1/c/other", "web2/c/snmp"]
    tally = bench.writer.report().tally
    assert (tally.written, tally.crowded) == (5, 2)
    assert bench.writer.done == 7  # what is dropped waits for nothing


def test_it_is_counted_after_a_restart_and_files_that_are_gone_make_room(bench: Bench) -> None:
    bench.start(source=2)
    bench.put(("web1", "a", "s"), ("web1", "b", "s"))
    bench.start(source=2)
    assert bench.put(("web1", "c", "s")) == []
    bench.writer.index.remove(rrd.file_name(SeriesKey("web1", "a", "s")))
    bench.now += int(RECOUNT_S)
    assert bench.put(("web1", "c", "s")) == ["web1/c/s"]


def test_points_that_are_pushed_are_counted_together(bench: Bench) -> None:
    bench.start(source=2)
    found = bench.put(*(("web1", "", f"push/p{number}") for number in range(4)))
    assert found == ["web1//push/p0", "web1//push/p1"]
    assert "Figures that are pushed of device web1" in bench.problem


def test_files_of_a_device_take_so_much_and_no_more(bench: Bench) -> None:
    bench.start(device_gib=3.5 * SIZE / GIB)
    found = bench.put(*(("web1", f"c{number}", f"s{number}") for number in range(5)), ("web2", "c", "s"))
    assert found == ["web1/c0/s0", "web1/c1/s1", "web1/c2/s2", "web2/c/s"]
    assert "the files of device web1 take" in bench.problem.lower()
    assert "[files] device_gib" in bench.problem


def test_a_file_that_would_get_more_points_than_there_is_room_for_stays_as_it_is(bench: Bench) -> None:
    wide = Layout(points=(*LAYOUT.points, *(Point(name=f"p{number}") for number in range(9))), step_s=60)
    path = bench.root / rrd.file_name(SeriesKey("web1", "c", "s"))
    bench.start(device_gib=3.5 * SIZE / GIB)
    bench.put(("web1", "c", "s"))
    bench.put(("web1", "c", "s"), layout=wide)
    assert path.stat().st_size == SIZE
    assert bench.writer.report().tally.written == 2  # what fits is written
    bench.start(device_gib=20 * SIZE / GIB)
    bench.put(("web1", "c", "s"), layout=wide)
    assert path.stat().st_size > 9 * SIZE


def test_new_files_wait_while_hardly_anything_of_the_disk_is_left(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.start()
    bench.put(("web1", "old", "s"))
    bench.start(free_percent=50.0)
    monkeypatch.setattr("collectors.framework.data.writing.growth.MOST_FREE_BYTES", 1 << 60)
    monkeypatch.setattr("os.statvfs", lambda _: type("Disk", (), {"f_blocks": 100, "f_frsize": 1, "f_bavail": 40})())
    assert bench.put(("web1", "old", "s"), ("web1", "new", "s")) == ["web1/old/s"]
    assert "free_percent" in bench.problem
    assert bench.writer.report().tally.crowded == 0
    monkeypatch.undo()
    bench.now += 60
    bench.start()
    assert bench.put(("web1", "new", "s")) == ["web1/new/s"]
    assert bench.writer.report().tally.written >= 2  # the one that waited, too


class Reactor:
    """Takes down what would be started."""

    def __init__(self) -> None:
        self.started: list[list[str]] = []

    def spawnProcess(self, _protocol: Any, _program: str, arguments: list[str], *_: Any, **__: Any) -> Any:
        self.started.append(arguments)


def test_the_settings_reach_the_writer_process(tmp_path: Path) -> None:
    limits, reactor = FileSettings(source=7), Reactor()
    writer = SampleWriter(reactor, Clock(), lambda: 0.0, tmp_path, lambda _: None, limits=limits)
    writer._process.start()
    arguments = reactor.started[0]
    assert msgspec.json.decode(arguments[arguments.index("--limits") + 1], type=FileSettings) == limits

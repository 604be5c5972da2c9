"""Copies from before an outage, made by the real writer process: killed at any moment, and on a full disk."""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from collectors.framework.data.copies import copies_of
from collectors.framework.data.spool.frames import read_progress
from collectors.framework.data.spool.intake import Intake
from collectors.framework.data.writing.writer import Report
from collectors.framework.samplespool import PROGRESS, SampleSpool
from common import rrd
from common.series import Layout, Plan, Point, Sample, SeriesKey
from tests.integration.disks import mounted
from tests.integration.writers import dumps, start_writer

pytestmark = [pytest.mark.integration, pytest.mark.timeout(1200)]

FILES, BEFORE, AFTER = 25, 120, 3
STEP_S = 60
SMALL = Plan(name="small", full_days=0.25, archives=((600, 5),))
LAYOUT = Layout(points=(Point(name="cpu"), Point(name="count")), step_s=STEP_S, retention=SMALL)
BACK = int(time.time()) // 3600 * 3600 - 600
SILENT = BACK - 3 * 86_400


FIRST = [SILENT - STEP_S * n for n in reversed(range(BEFORE))]
THEN = [BACK + STEP_S * n for n in range(AFTER)]


def fill(spool_dir: Path, *stamps: int) -> None:
    """A spool with samples of these times."""
    intake, spool = Intake(), SampleSpool(spool_dir)
    spool.open()
    for number, at in enumerate(stamps):
        samples = [
            Sample(key=SeriesKey("web1", f"c{n}", "p"), layout=LAYOUT, at=at, values={"cpu": number / 7, "count": n})
            for n in range(FILES)
        ]
        intake.accept(samples, at)
        spool.append(intake.series, intake.take())
    spool.close()


def test_kill_9_at_any_moment_leaves_files_and_copies_of_an_undisturbed_run(tmp_path: Path) -> None:
    calm, rough = tmp_path / "calm", tmp_path / "rough"
    fill(calm / "samples", *FIRST, *THEN)
    shutil.copytree(calm / "samples", rough / "samples")
    start_writer(calm).communicate(timeout=60)
    expected = dumps(calm)
    assert sum(".gap-" in name for name in expected) == len(expected) - FILES == FILES
    number, progress = read_progress(calm / "samples" / PROGRESS), rough / "samples" / PROGRESS
    rng, kills, among = random.Random(7), 0, set[int]()
    deadline = time.monotonic() + 600
    while read_progress(progress) < number:
        assert time.monotonic() < deadline, f"{kills} kills, and no end"
        writer = start_writer(rough)
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
        before = len(list((rough / "rrd").glob("*/*/*")))
        while len(list((rough / "rrd").glob("*/*/*"))) == before and read_progress(progress) < number:
            assert time.monotonic() < deadline, "nothing happens"
            time.sleep(0.001)
        time.sleep(rng.random() * 0.01)
        kills += read_progress(progress) < number
        writer.kill()
        writer.communicate()
        among.add(len(list((rough / "rrd").glob("*/*/*.gap-*"))))
    assert kills >= 3
    assert among & set(range(1, FILES)), "never killed while copies were made"
    progress.unlink()  # what is written is read once more
    start_writer(rough).communicate(timeout=60)
    assert dumps(rough) == expected


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk for the RRD folder, with room for all files and some MiB more."""
    room = FILES * (rrd.size_bytes(2, STEP_S, SMALL) + 8192) + 8 * 1024 * 1024
    with mounted(tmp_path / "rrd", room) as mount:
        yield mount


def test_a_disk_without_room_for_copies_has_the_samples(small_disk: Path) -> None:
    folder = small_disk.parent
    fill(folder / "samples", *FIRST)
    start_writer(folder).communicate(timeout=60)
    assert len(list(small_disk.glob("*/*/*.rrd"))) == FILES
    disk = os.statvfs(small_disk)
    (small_disk / "filler").write_bytes(b"x" * (disk.f_bavail * disk.f_frsize - 256 * 1024))
    fill(folder / "samples", *THEN)
    told, _ = start_writer(folder).communicate(timeout=60)
    report = msgspec.json.decode(told.splitlines()[-1], type=Report) if told else None
    copies = sum(len(copies_of(path)) for path in small_disk.glob("*/*/*.rrd"))
    assert copies == 0
    assert not list(small_disk.glob("*/*/*.part*"))
    assert report is not None
    assert report.tally.written == FILES * AFTER
    assert "MiB of the disk" in report.problem

"""kill -9 of the writer process at full load, over and over: no file differs from that of an undisturbed run.

Series come in faster than they are written. Every few rounds their layout changes, so that all files are converted;
every few rounds there was an outage, of which copies are kept; of some it is learned what is likely; devices leave, and
their files are purged.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from collectors.framework.data.orders import Convert, Order, Purge
from collectors.framework.data.spool.frames import read_progress
from collectors.framework.data.spool.intake import Intake
from collectors.framework.samplespool import PROGRESS, SampleSpool
from common.series import Baseline, Kind, Layout, Plan, Point, Sample, SeriesKey
from tests.faults import figures
from tests.faults.length import LIMIT_S, pick
from tests.integration.writers import dumps

pytestmark = [pytest.mark.integration, pytest.mark.timeout(LIMIT_S)]

KILLS = pick(6, 200)
SETS = pick(12, 40)
STEP_S, ROWS = 60, 10
"""Rows of each set in a round."""
OUTAGE_S = 4 * 3600
CHANGES_EVERY, OUTAGE_EVERY, LEAVES_EVERY = pick(2, 8), pick(3, 10), pick(2, 5)
AHEAD = 5
"""So many rounds wait in the spool when the process is started."""
BEGIN = int(time.time()) // 86_400 * 86_400 - 20 * 86_400

PLAN = Plan(name="small", full_days=0.25, archives=((3600, 40),))
FIRST = Layout(
    points=(Point(name="cpu"), Point(name="memory"), Point(name="restarts", kind=Kind.DERIVE, minimum=0.0)),
    step_s=STEP_S,
    retention=PLAN,
)
WIDER = replace(FIRST, points=(Point(name="extra"), *FIRST.points))
LONGER = replace(WIDER, retention=replace(PLAN, full_days=0.5, archives=((600, 4), (3600, 40))))
COARSER = replace(LONGER, step_s=2 * STEP_S)
LAYOUTS = (FIRST, WIDER, LONGER, COARSER)
LEARNED = Baseline(point="cpu", season_s=4 * 3600)
UNFINISHED = {"new": "conversion", "part": "copy of an outage", "learns": "begin of what is learned"}


class Source:
    """What is sampled: the same in each run."""

    def __init__(self, folder: Path) -> None:
        self._intake = Intake()
        self._spool = SampleSpool(folder / "samples", segment_bytes=256 * 1024)
        self._spool.open()
        self.rounds = 0

    @property
    def newest(self) -> int:
        """Number of the newest sample."""
        return self._spool.next - 1

    def left(self) -> list[str]:
        """Devices of which nothing comes any more."""
        return [f"gone{number}" for number in range(self.rounds // LEAVES_EVERY)]

    def go_on(self) -> None:
        """Spool a round."""
        number = self.rounds
        self.rounds += 1
        layout = LAYOUTS[number // CHANGES_EVERY % len(LAYOUTS)]
        begin = BEGIN + number * ROWS * STEP_S + number // OUTAGE_EVERY * OUTAGE_S
        leaving = f"gone{number // LEAVES_EVERY}"
        for row in range(ROWS):
            at, count = begin + row * STEP_S, number * ROWS + row
            samples = [_sample("web1", f"c{one}", layout, at, count + one, learned=one % 3 == 0) for one in range(SETS)]
            samples += [_sample(leaving, f"c{one}", layout, at, count, learned=True) for one in range(3)]
            self._intake.accept(samples, at)
        self._spool.append(self._intake.series, self._intake.take())

    def close(self) -> None:
        self._spool.close()


def _sample(device: str, component: str, layout: Layout, at: int, count: int, *, learned: bool) -> Sample:
    values: dict[str, Any] = {
        "cpu": count * 7919 % 1000 / 7 if count % 11 else None,
        "memory": 2**40 + count * 4096,
        "restarts": count // 3,
        "extra": -count / 3,
    }
    if learned:
        layout = _learning(layout)
    values = {point.name: values[point.name] for point in layout.points}
    return Sample(key=SeriesKey(device, component, "process"), layout=layout, at=at, values=values)


def _learning(layout: Layout) -> Layout:
    return replace(layout, baselines=(LEARNED,))


class Process:
    """The writer process."""

    def __init__(self, folder: Path) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.writerprogram", "--hold", "0",
             "--spool", str(folder / "samples"), "--rrd", str(folder / "rrd")],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def say(self, *orders: Order) -> None:
        """Tell it that there is something new, and give it orders."""
        assert self._popen.stdin is not None
        lines = [b"order %d %s\n" % (number, msgspec.json.encode(order)) for number, order in enumerate(orders, 1)]
        self._popen.stdin.write(b"".join([b"go\n", *lines]))
        self._popen.stdin.flush()

    def finish(self) -> None:
        """Let it do all that there is to do."""
        self._popen.communicate(timeout=LIMIT_S)
        assert self._popen.returncode == 0

    def strike(self) -> None:
        """Kill it, and do not wait for its end."""
        os.kill(self._popen.pid, signal.SIGKILL)

    def kill(self) -> None:
        """Kill it; it has not ended by itself."""
        assert self._popen.poll() in {None, -signal.SIGKILL}
        self._popen.kill()
        self._popen.communicate()


class Updates:
    """Sees updates of files from outside: the undo slot tells of each."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "samples" / "undo"

    @contextlib.contextmanager
    def slot(self) -> Iterator[mmap.mmap | None]:
        try:
            fd = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            yield None
            return
        try:
            with mmap.mmap(fd, mmap.PAGESIZE, prot=mmap.PROT_READ) as slot:
                yield slot
        finally:
            os.close(fd)

    def under_way(self) -> bool:
        with self.slot() as slot:
            return slot is not None and slot[0] == 1

    def wait(self, count: int, is_over: Callable[[], bool], then: Callable[[], None] = lambda: None) -> None:
        """Wait until so many have begun, or there are no more, and do something at once."""
        while not is_over():
            with self.slot() as slot:
                seen, last, looks = 0, 1, 0
                while slot is not None and seen < count:
                    now = slot[0]
                    seen += now > last
                    last = now
                    looks += 1
                    if looks % 50_000 == 0 and is_over():
                        return
                if slot is not None:
                    then()
                    return
            time.sleep(0.001)


def state(folder: Path) -> dict[str, Any]:
    """What each file holds, and what is known of them."""
    found: dict[str, Any] = {**dumps(folder)}
    with contextlib.closing(sqlite3.connect(f"file:{folder / 'rrd' / 'index.db'}?mode=ro", uri=True)) as index:
        tables = [name for (name,) in index.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            found[table] = sorted(map(repr, index.execute(f"SELECT * FROM {table}")))
    return found


def end(folder: Path, source: Source) -> dict[str, Any]:
    """Write what there is, have purged what has left; what has become of it all."""
    source.close()
    Process(folder).finish()
    process = Process(folder)
    process.say(Purge(devices=source.left()))
    process.finish()
    assert _done(folder) == source.newest
    return state(folder)


def test_no_file_tells_how_often_its_writer_was_killed(tmp_path: Path) -> None:
    folder, rng = tmp_path / "data", random.Random(7)  # in one place: where a file lies is a part of what it is
    source, updates = Source(folder), Updates(folder)
    killed = Counter[str]()
    process_count = 0
    while killed["all"] < KILLS:
        process_count += 1
        assert process_count <= 10 * KILLS, f"only {killed['all']} of {process_count} were killed at work"
        while source.newest - _done(folder) < AHEAD * ROWS * (SETS + 3):
            source.go_on()
        process = Process(folder)
        gone = source.left()
        process.say(*([Purge(devices=gone)] if gone else []), Convert())
        count, idle = rng.randrange(1, 2 * SETS), partial(is_idle, folder, source)
        if rng.random() < 0.5:
            updates.wait(count, idle, process.strike)
        else:
            updates.wait(count, idle)
            source.go_on()  # while it is at work
            time.sleep(rng.random() * 0.03)
        process.kill()
        if not is_idle(folder, source):
            killed["all"] += 1
            killed["update"] += updates.under_way()
            killed.update(unfinished(folder))
    rough = end(folder, source)

    folder.rename(tmp_path / "rough")
    again = Source(folder)
    while again.rounds < source.rounds:
        again.go_on()
    calm = end(folder, again)
    copies, learned = (sum(mark in name for name in calm) for mark in (".gap-", ".likely."))
    assert learned >= SETS // 3
    assert copies >= SETS
    for what in ("update", *UNFINISHED.values()):
        figures.told(f"in the middle of: {what}", killed[what], "kills")
    figures.told("files, with copies and what was learned", len(calm) - 4, "files")
    figures.exactly("kills of the writer process at work", killed["all"], KILLS)
    differing = [name for name in sorted(calm.keys() | rough.keys()) if calm.get(name) != rough.get(name)]
    figures.exactly("files and tables that are not as after an undisturbed run", len(differing), 0)


def _done(folder: Path) -> int:
    return read_progress(folder / "samples" / PROGRESS)


def is_idle(folder: Path, source: Source) -> bool:
    """Whether all that is spooled is written."""
    return _done(folder) >= source.newest


def unfinished(folder: Path) -> Counter[str]:
    """What was being made: each kind once."""
    names = {path.name for path in (folder / "rrd").glob("*/*/*")}
    return Counter({what for mark, what in UNFINISHED.items() if any(f".{mark}" in name for name in names)})

"""What is kept takes on disk, and what it costs to keep the hours before an outage, to list and to delete files."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from collectors.framework.data.copies import copies_of
from collectors.framework.data.orders import Purge
from collectors.framework.data.reading.inventory import inventory
from collectors.framework.data.spool.intake import Intake
from collectors.framework.data.writing.desk import HANDLERS
from collectors.framework.data.writing.writer import Writer
from collectors.framework.samplespool import SampleSpool
from common import rrd
from common.holdings import HoldingsQuery
from common.series import Kept, Layout, Plan, Point, Retention, Sample, SeriesKey

Row = tuple[str, float, str, str]

FILES = 100
MANY = 5_000
AT = 1_800_000_000
HOURS = 7
DAY_S = 86_400


def run() -> list[Row]:
    """Measure copies of both kinds of process sets, then a folder of many files."""
    rows = list(_sizes())
    for name, points, step_s in (("8 points, 60 s", 8, 60), ("19 points, 10 s", 19, 10)):
        with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
            rows += _copies(Path(folder), name, points, step_s)
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        rows += _folder(Path(folder))
    return rows


def _sizes() -> Iterator[Row]:
    """Bytes of a point in all its archives, for each year that the file reaches back; files never grow."""
    everything = Plan(name="all", full_days=366)
    kept: tuple[tuple[str, Kept], ...] = (
        ("plan standard", Retention.STANDARD), ("plan long", Retention.LONG), ("each step of a year", everything)
    )  # fmt: skip
    for (name, plan), step_s in itertools.product(kept, (60, 10)):
        years = max(one.rows * one.steps for one in rrd.archives(step_s, plan)) * step_s / (366 * DAY_S)
        each = rrd.size_bytes(8, step_s, plan) / 8 / years
        yield f"{name}, {step_s} s: a point of 8, for each of {years:.0f} years", each / 1024, "KiB", ""


class _Site:
    def __init__(self, folder: Path, layout: Layout) -> None:
        self.root = folder / "rrd"
        self.root.mkdir()
        self.now = float(AT)
        self._layout = layout
        self._intake, self._spool = Intake(), SampleSpool(folder / "samples")
        self._spool.open()
        self.writer = Writer(folder / "samples", self.root, lambda: self.now, time.monotonic)

    def sampled(self, key: SeriesKey, at: int) -> None:
        values = {point.name: at % 977 + 0.25 for point in self._layout.points}
        self._intake.accept([Sample(key=key, layout=self._layout, at=at, values=values)], max(self.now, at))

    def write(self) -> None:
        self._spool.append(self._intake.series, self._intake.take())
        self.writer.gather()
        self.writer.flush()


def _copies(folder: Path, name: str, points: int, step_s: int) -> list[Row]:
    layout = Layout(points=tuple(Point(name=f"p{n}") for n in range(points)), step_s=step_s)
    site = _Site(folder, layout)
    keys = [SeriesKey(f"host{n}", "set", "process") for n in range(FILES)]
    for key in keys:
        for at in range(AT - HOURS * 3600, AT + 1, step_s):
            site.sampled(key, at)
        site.write()
    spent: dict[str, float] = {}
    for word, later_s in (("without", step_s), ("with", 3 * DAY_S)):
        site.now = float(AT + later_s)
        for key in keys:
            site.sampled(key, AT + later_s)
        spent[word] = _spent(site.write) / FILES
    copies = [copy for key in keys for copy in copies_of(site.root / rrd.file_name(key))]
    assert len(copies) == FILES
    size = Path(copies[0].path).stat().st_size
    return [
        (f"{name}: an update", spent["without"] * 1e3, "ms CPU", ""),
        (f"{name}: one after an outage, with its copy", spent["with"] * 1e3, "ms CPU", ""),
        (f"{name}: a copy of six hours", size / 1024, "KiB", ""),
        (f"{name}: the same beside its file", 100 * size / rrd.size_bytes(points, step_s), "%", ""),
    ]


def _folder(folder: Path) -> list[Row]:
    small = Plan(name="small", full_days=0.02)
    site = _Site(folder, Layout(points=(Point(name="p"),), step_s=60, retention=small))
    for number in range(MANY):
        site.sampled(SeriesKey(f"host{number // 20}", f"set {number % 20}", "process"), AT)
    site.write()

    def listed() -> None:
        after, found = "", 0
        for _ in itertools.count():
            page = inventory(site.root, HoldingsQuery(after=after))
            after, found = page.last, found + len(page.files)
            if not page.more:
                break
        assert found == MANY, found

    def purged() -> None:
        devices = [f"host{number}" for number in range(MANY // 20)]
        steps: Any = HANDLERS[Purge](site.writer, Purge(devices=devices))
        for _ in steps:
            pass

    return [
        (f"{MANY:,} files: listing one", _spent(listed) / MANY * 1e6, "us CPU", ""),
        (f"{MANY:,} files: deleting one", _spent(purged) / MANY * 1e6, "us CPU", ""),
    ]


def _spent(work: Callable[[], None]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun

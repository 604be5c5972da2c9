"""What reading series costs: a year of ten points in pages, small graphs, and hearing from 10,000 devices."""

from __future__ import annotations

import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import rrdtool

from collectors.framework.data.index import Series
from collectors.framework.data.reading import facts, stats, trails
from collectors.framework.data.reading.fetching import fetch
from collectors.framework.data.reading.hearing import PAGE, heard
from collectors.framework.data.spool.intake import Intake
from common import rrd
from common.queries import FetchQuery
from common.readings import Heard, SeriesQuery, StatsQuery, TrailsQuery
from common.series import Layout, Plan, Point, Sample, SeriesKey
from common.wire import decode, encode
from hub.data.heard import LastHeard
from hub.data.hearing import ROUND_S

Row = tuple[str, float, str, str]

NOW = 1_800_000_000
POINTS = tuple(Point(name=f"p{n}", unit="percent") for n in range(10))
KEY = SeriesKey("web1", "nginx", "process")
YEAR_S = 366 * 86_400
DEVICES, SETS = 10_000, 5


def run() -> list[Row]:
    """Return the figures."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            return [*year(), *many_small(), *hearing()]
        finally:
            os.chdir(before)


def cpu_s(work: Callable[[], object]) -> float:
    """CPU seconds of this thread."""
    before = time.thread_time()
    work()
    return time.thread_time() - before


def file_of(key: SeriesKey, layout: Layout, hours: int) -> Series:
    """A file with a sample every ten minutes."""
    path = f"{abs(hash(key))}.rrd"
    first = NOW - hours * 3600
    rrdtool.create(*rrd.create_arguments(path, layout, first))
    rng = random.Random(1)
    texts = [
        f"{at}:{':'.join(repr(rng.uniform(0, 100)) for _ in layout.points)}" for at in range(first, NOW, layout.step_s)
    ]
    for place in range(0, len(texts), 5000):
        rrdtool.update(path, *texts[place : place + 5000])
    return Series(key=key, layout=layout, file=path, first=first)


def year() -> list[Row]:
    """A year of ten points at ten minutes."""
    layout = Layout(points=POINTS, step_s=600, retention=Plan(name="year", full_days=370.0, archives=((86400, 400.0),)))
    series = file_of(KEY, layout, YEAR_S // 3600)
    sizes: list[int] = []

    def pages(**fields: object) -> Iterator[int]:
        after, more = 0, True
        while more:
            query = FetchQuery(
                device="web1",
                component="nginx",
                source="process",
                points=[],
                start=NOW - YEAR_S,
                end=NOW,
                after=after,
                paged=True,
                **fields,  # type: ignore[arg-type]  # by name
            )
            page = fetch(query, [series], NOW)
            sizes.append(len(encode(page)))
            after, more = page.next, page.more
            yield len(page.rows)

    def plain() -> None:
        first = NOW - YEAR_S
        rrdtool.fetch(series.file, "AVERAGE", "--resolution", "600", "--start", str(first), "--end", str(NOW - 1))

    base_s = cpu_s(plain)
    rows: list[int] = []
    whole_s = cpu_s(lambda: rows.extend(pages(resolution_s=600)))
    count, largest = len(sizes), max(sizes)
    days = list(range(NOW - YEAR_S, NOW + 1, 86_400))
    days_s = cpu_s(lambda: list(pages(edges=days)))
    query = StatsQuery(device="web1", component="nginx", source="process", start=NOW - YEAR_S, end=NOW)
    return [
        ("rows of a year of ten points at 10 min", float(sum(rows)), "rows", ""),
        ("  in pages", float(count), "pages", ""),
        ("  the largest page", largest / 1024, "KiB", "256"),
        ("  CPU in the reader process", whole_s * 1000, "ms", ""),
        ("  times one rrdtool fetch of it", whole_s / base_s, "times", ""),
        ("  folded to days", days_s * 1000, "ms", ""),
        ("  figures of the year (--stats)", cpu_s(lambda: stats.stats_of(query, [series])) * 1000, "ms", ""),
    ]


def many_small() -> list[Row]:
    """Small graphs, and what is kept, of a device with a hundred sets."""
    layout = Layout(points=POINTS, step_s=60)
    held = [file_of(SeriesKey("web1", f"set{n:03}", "process"), layout, 26) for n in range(100)]
    query = TrailsQuery(device="web1", start=NOW - 3600, end=NOW)
    page_s = cpu_s(lambda: trails.trails_of(query, held))
    kept = SeriesQuery(device="web1")
    return [
        ("small graphs of 100 sets, 1,000 points", page_s * 1000, "ms", ""),
        ("what is kept of 100 sets", cpu_s(lambda: facts.series_of(kept, held, [], NOW)) * 1000, "ms", ""),
    ]


def hearing() -> list[Row]:
    """One round through a collector of 10,000 devices."""
    intake, layout, rng = Intake(), Layout(points=POINTS, step_s=60), random.Random(1)
    for device in range(DEVICES):
        samples = [
            Sample(
                key=SeriesKey(f"device-{device:05}", f"set{n}", "process"),
                layout=layout,
                at=NOW,
                values={point.name: rng.uniform(0, 100) for point in POINTS},
            )
            for n in range(SETS)
        ]
        intake.accept(samples, NOW)
        intake.take()
    pages: list[bytes] = []

    def collector() -> None:
        after, more = 0, True
        while more:
            page = heard(*intake.numbered(after, PAGE))
            pages.append(encode(page))
            after, more = page.last, page.more

    store = LastHeard()

    def hub() -> None:
        for page in pages:
            store.take_samples(decode(page, Heard).series, NOW)

    collector_s, hub_s = cpu_s(collector), cpu_s(hub)
    again_s = cpu_s(hub)
    return [
        ("hearing from 10,000 devices, 50,000 series", float(len(pages)), "pages", ""),
        ("  CPU in the collector a round", collector_s, "s", ""),
        ("  of its time", 100 * collector_s / ROUND_S, "%", "0.5"),
        ("  CPU in the hub, the first round", hub_s, "s", ""),
        ("  every other round", again_s, "s", ""),
        ("  of its time", 100 * again_s / ROUND_S, "%", "1"),
        ("  the longest page in the hub", again_s / len(pages) * 1000, "ms", ""),
        ("  on the wire", sum(map(len, pages)) / 2**20, "MiB a round", ""),
        ("  memory of the hub", store.size / 2**20, "MiB", "64"),
    ]

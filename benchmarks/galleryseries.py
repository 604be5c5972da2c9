"""Simulated series for the gallery of pictures: the same in every run.

A host with the rhythm of days and weeks, noise, a leak that ends with a restart, an outage, a crash loop, a batch job;
and a farm of twenty workers.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import rrdtool

from benchmarks import galleryhosts
from collectors.framework.data.baselinefiles import SMOOTHED, Known, create_arguments, part_s
from collectors.framework.data.index import Index, Series
from common import rrd
from common.processpoints import POINTS
from common.series import Baseline, Kind, Layout, Number, Point, SeriesKey

END = 1_774_785_600
"""Sunday 29 March 2026, 14:00 in Vienna: the day on which summer time began there."""
ZONE = "Europe/Vienna"
DAY_S = 86_400
OUTAGE = (END - 33_000, END - 28_200)
RESTARTS = (END - 5 * DAY_S - 7000, END - 2 * DAY_S - 4000, END - 17_400)
CRASHES = tuple(END - 2700 + 150 * i for i in range(9))
WORKERS = 20
LEARNED = {"checkout": (Baseline(point="cpu"),)}
BUSY = END - 14_000
_BATCH = 1000

Row = tuple[Number | None, ...]


def fill(root: Path, days: int = 400, only: str = "") -> None:
    """Write the series below an RRD folder.

    Args:
        root: an empty folder.
        days: how far the longest of them go back.
        only: a component; empty for all.
    """
    index = Index(root)
    try:
        for device, component, names, step_s, span, values in _series(days):
            if only in {"", component}:
                _write(root, index, SeriesKey(device, component, "table"), names, step_s, span, values)
    finally:
        index.close()


def _series(days: int) -> Iterator[tuple[str, str, tuple[str, ...], int, int, Callable[[int], Row]]]:
    """Device, component, points, step in seconds, days, and what gives the values of a moment."""
    yield "db1", "postgres", ("cpu", "memory", "restarts", "fds", "count"), 60, days, _postgres()
    yield "db1", "nightly backup", ("cpu", "read_bytes", "write_bytes"), 60, 9, _backup()
    yield "db1", "report builder", ("cpu", "memory", "restarts"), 10, 1, _crashing()
    for number in range(WORKERS):
        name = f"worker-{number + 1:02d}"
        yield "farm", name, ("cpu", "memory"), 60, 8, _worker(number)
        yield "archive", name, ("cpu", "memory"), 1800, days, _worker(number)
    for number, device in enumerate(("web1", "web2", "web3")):
        yield device, "nginx", ("cpu", "memory", "latency"), 60, 8, _web(number)
    yield "shop1", "checkout", ("cpu",), 60, 20, _shop()
    yield from galleryhosts.series(END, _rhythm)


def _point(name: str) -> Point:
    return POINTS.get(name) or galleryhosts.points().get(name) or Point(name=name, unit="s")


def _write(
    root: Path,
    index: Index,
    key: SeriesKey,
    names: tuple[str, ...],
    step_s: int,
    days: int,
    values: Callable[[int], Row],
) -> None:
    layout = Layout(
        points=tuple(_point(name) for name in names), step_s=step_s, baselines=LEARNED.get(key.component, ())
    )
    start = (END - days * DAY_S) // step_s * step_s
    file = rrd.file_name(key)
    path = root / file
    path.parent.mkdir(parents=True, exist_ok=True)
    rrdtool.create(*rrd.create_arguments(str(path), layout, start))
    paths = [str(path), *_learn(path, layout, start)]
    flags = rrd.whole_numbers(layout.points)
    batch: list[str] = []
    for text in _texts(layout, start, values, flags):
        batch.append(text)
        if len(batch) == _BATCH:
            _update(paths, batch)
    _update(paths, batch)
    index.put(Series(key=key, layout=layout, file=file, first=start))


def _learn(path: Path, layout: Layout, start: int) -> Iterator[str]:
    """Files beside that of a series of one point. Without smoothing: rrdtool begins that at any time, by chance."""
    for baseline in layout.baselines:
        learned = str(path.parent / Known(path.name, baseline, start).name)
        arguments = create_arguments(learned, baseline, layout.points[0], part_s(baseline, layout.step_s), start)
        smoothed, not_smoothed = f"smoothing-window={SMOOTHED}", "smoothing-window=0"
        rrdtool.create(*(argument.replace(smoothed, not_smoothed) for argument in arguments))
        yield learned


def _update(paths: list[str], batch: list[str]) -> None:
    for path in paths:
        if batch:
            rrdtool.update(path, *batch)
    batch.clear()


def _texts(layout: Layout, start: int, values: Callable[[int], Row], flags: tuple[bool, ...]) -> Iterator[str]:
    counts = [point.kind is not Kind.GAUGE for point in layout.points]
    for at in range(start, END + 1, layout.step_s):
        row = values(at)
        whole = [
            round(value) if count and value is not None else value for value, count in zip(row, counts, strict=True)
        ]
        yield rrd.update_text(at, whole, flags)


def _rhythm(at: int) -> float:
    """The load of an office: 0 at night, 1 at noon, less at the weekend."""
    hour = (at + 3600) % DAY_S / 3600
    weekday = (at // DAY_S + 4) % 7
    day = max(0.0, math.sin((hour - 6) / 14 * math.pi)) if 6 <= hour <= 20 else 0.0
    return day * (0.35 if weekday in {0, 6} else 1.0)


def _postgres() -> Callable[[int], Row]:
    chance = random.Random(1)
    memory, restarts, swing = 2.1e9, 0, 0.0

    def values(at: int) -> Row:
        nonlocal memory, restarts, swing
        swing = 0.92 * swing + chance.gauss(0, 2.4)
        if any(moment <= at < moment + 60 for moment in RESTARTS):
            memory, restarts = 1.4e9, restarts + 1
        if OUTAGE[0] <= at < OUTAGE[1]:
            return (None,) * 5
        memory = min(6.2e9, memory + 3.1e5 * (0.3 + _rhythm(at)) * 1.6)
        if at % (9 * DAY_S) < 60 and at < END - 7 * DAY_S:
            memory = 1.6e9
        season = 1 + 0.35 * math.sin(at / (365 * DAY_S) * math.tau)
        cpu = max(0.4, (14 + 95 * _rhythm(at)) * season + swing + (chance.random() < 0.004) * 70)
        fds = int(90 + 260 * _rhythm(at) + chance.gauss(0, 8))
        return cpu, memory + chance.gauss(0, 6e6), restarts, max(20, fds), 9 + int(14 * _rhythm(at))

    return values


def _backup() -> Callable[[int], Row]:
    chance = random.Random(2)
    read, written = 10**9, 10**8

    def values(at: int) -> Row:
        nonlocal read, written
        hour = (at + 3600) % DAY_S / 3600
        runs = 2.0 <= hour < 2.9 + 0.1 * ((at // DAY_S) % 4)
        if runs:
            read += int(60 * abs(chance.gauss(82e6, 9e6)))
            written += int(60 * abs(chance.gauss(31e6, 5e6)))
        else:
            read += int(60 * abs(chance.gauss(2e4, 8e3)))
            written += int(60 * abs(chance.gauss(9e3, 3e3)))
        return (abs(chance.gauss(88, 6)) if runs else abs(chance.gauss(0.3, 0.1))), read, written

    return values


def _crashing() -> Callable[[int], Row]:
    chance = random.Random(3)
    restarts, started = 0, CRASHES[0] - DAY_S

    def values(at: int) -> Row:
        nonlocal restarts, started
        if any(moment <= at < moment + 10 for moment in CRASHES):
            restarts, started = restarts + 1, at
        age = at - started
        return abs(chance.gauss(35 if age > 60 else 96, 6)), 2.2e8 + min(age, 240) * 1.4e6, restarts

    return values


def _worker(number: int) -> Callable[[int], Row]:
    chance = random.Random(100 + number)
    base = 3.0 + 55.0 / (1 + number * 0.55)
    phase = chance.random() * DAY_S
    swing = 0.0

    def values(at: int) -> Row:
        nonlocal swing
        swing = 0.97 * swing + chance.gauss(0, base * 0.012)
        wave = 1 + 0.4 * math.sin((at + phase) / DAY_S * math.tau) + 0.2 * math.sin(at / (90 * DAY_S) + number)
        cpu = max(0.0, base * wave + swing)
        return cpu, (1.2e8 + 2.4e7 * (WORKERS - number)) * (1 + 0.15 * wave) + chance.gauss(0, 2e6)

    return values


def _web(number: int) -> Callable[[int], Row]:
    chance = random.Random(200 + number)

    def values(at: int) -> Row:
        load = _rhythm(at + 1800 * number)
        cpu = max(0.3, 8 + 46 * load * (1 - 0.2 * number) + chance.gauss(0, 0.8))
        latency = math.exp(chance.gauss(-4.2 + 1.4 * load, 0.55)) * (40 if chance.random() < 0.003 else 1)
        return cpu, 3e8 + 2e8 * load, latency

    return values


def _shop() -> Callable[[int], Row]:
    chance = random.Random(300)
    swing = 0.0

    def values(at: int) -> Row:
        nonlocal swing
        hour = (at + 3600) % DAY_S / 3600
        swing = 0.95 * swing + chance.gauss(0, 1.0)
        load = 18 + 50 * math.exp(-(((hour - 10.5) / 2.6) ** 2)) + 34 * math.exp(-(((hour - 19) / 2.2) ** 2))
        return (max(0.2, load + swing + chance.gauss(0, 2.0) + 38 * (BUSY <= at < BUSY + 9000)),)

    return values

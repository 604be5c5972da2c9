"""What a picture costs: CPU of day, week and year with one, ten and twenty series, and what viewers cost a scan."""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks.galleryseries import DAY_S, END, fill
from collectors.framework import rrdqueries
from collectors.framework.data.reading.answers import Request
from collectors.framework.data.reading.pictures import draw
from common.graphdrawing import warm_up
from common.graphs import Band, Curve, Drawing, Subject, Theme
from common.queries import GraphQuery

RANGES = {"hour": 3600, "day": DAY_S, "week": 7 * DAY_S, "year": 365 * DAY_S}
SERIES = (1, 10, 20)
REPEATS = 5
VIEWERS = 100
WATCHED_S = 3.0

Row = tuple[str, float, str, str]


def _cpu_ms(query: GraphQuery, root: Path) -> tuple[float, int]:
    """The least CPU of some drawings, and the bytes of one."""
    size, best = 0, float("inf")
    for _ in range(REPEATS):
        begin = time.process_time()
        size = len(draw(query, root)[0])
        best = min(best, time.process_time() - begin)
    return best * 1000, size


def _query(range_: str, series: int, form: str, drawing: Drawing, device: str = "farm") -> GraphQuery:
    subjects = tuple(Subject(device=device, component=f"worker-{i + 1:02d}") for i in range(series))
    drawing = msgspec.structs.replace(drawing, subjects=subjects, curves=drawing.curves or (Curve(point="cpu"),))
    return GraphQuery(
        device=device, component=None, graph="", start=END - RANGES[range_], end=END, form=form, drawing=drawing
    )


def _table(root: Path) -> Iterator[Row]:
    transform = Drawing(curves=(Curve(point="cpu", transform="if(value > 10, value % 7 + memory / 1024 ^ 2, 0)"),))
    kinds = (
        ("PNG", "png", Drawing()),
        ("PNG dark", "png", Drawing(theme=Theme.DARK)),
        ("PNG band", "png", Drawing(band=Band.YES)),
        ("PNG expression", "png", transform),
        ("SVG", "svg", Drawing()),
        ("PDF", "pdf", Drawing()),
    )
    for range_, series in itertools.product(RANGES, SERIES):
        for name, form, drawing in kinds:
            device = "archive" if range_ == "year" else "farm"
            ms, size = _cpu_ms(_query(range_, series, form, drawing, device), root)
            aim = "50" if range_ in {"day", "year"} else ""
            yield f"{range_:5}{series:3} series, {name} ({size / 1000:.0f} kB)", ms, "ms CPU", aim


def _again(root: Path) -> Row:
    data = msgspec.msgpack.encode(Request(_query("day", 10, "png", Drawing()), []))
    rrdqueries.respond(root, data)
    begin = time.process_time()
    for _ in range(100):
        rrdqueries.respond(root, data)
    return "the same picture of ten series within a step", (time.process_time() - begin) * 10, "ms CPU", ""


def _beside(root: Path, *, drawing: bool) -> float:
    """How late ticks of 10 ms are, at the 99th percentile, in a process whose child draws, or does not, in ms."""
    pid = os.fork()
    if pid == 0:
        end = time.monotonic() + WATCHED_S
        number = 0
        while time.monotonic() < end:
            number += 1
            if drawing:
                query = _query("day", 10, "png", Drawing())
                draw(msgspec.structs.replace(query, start=query.start - number % VIEWERS), root)
            else:
                time.sleep(0.05)
        os._exit(0)
    late = []
    end = time.monotonic() + WATCHED_S
    while time.monotonic() < end:
        due = time.monotonic() + 0.01
        time.sleep(0.01)
        late.append((time.monotonic() - due) * 1000)
    os.waitpid(pid, 0)
    return sorted(late)[int(len(late) * 0.99)]


def run() -> list[Row]:
    """All figures."""
    begin = time.process_time()
    warm_up()
    rows: list[Row] = [
        ("fonts, once when the reader process starts", (time.process_time() - begin) * 1000, "ms CPU", "")
    ]
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        fill(root)
        os.chdir(root)
        try:
            rows += [*_table(root), _again(root)]
            idle, busy = _beside(root, drawing=False), _beside(root, drawing=True)
        finally:
            os.chdir(before)
    rows.append(("a tick of the daemon is late beside an idle reader, 99th percentile", idle, "ms", ""))
    rows.append((f"the same beside one that draws for {VIEWERS} viewers", busy, "ms", ""))
    return rows

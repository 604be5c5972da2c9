"""What a sample costs: on its way into the spool, into its file, and back as a picture."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

from benchmarks import sampleways
from benchmarks.cputime import cost
from collectors.framework.data.reading.answers import Request, answer
from collectors.framework.data.spool.frames import pack
from collectors.framework.data.spool.intake import Intake
from collectors.framework.data.writing.writer import Writer
from collectors.framework.samplespool import SampleSpool
from common import rrd
from common.queries import FetchQuery, GraphQuery
from common.series import Kind, Layout, Point, Sample, SeriesKey

FILES, POINTS = 20, 4
LAYOUT = Layout(
    points=(
        Point(name="cpu"),
        Point(name="memory"),
        Point(name="count"),
        Point(name="restarts", kind=Kind.DERIVE, minimum=0.0),
    ),
    step_s=10,
)
KEYS = [SeriesKey("web1", f"set {n}", "process") for n in range(FILES)]


def run() -> list[tuple[str, float, str, str]]:
    folder = Path(tempfile.mkdtemp(prefix="tocsin-bench-"))
    before = Path.cwd()
    try:
        now = int(time.time()) // 10 * 10
        rows = [*_collector(folder / "a", now), *sampleways.rows(folder / "d", now)]
        rows += [*_writer(folder / "b", now, 1), *_writer(folder / "c", now, 6)]
        os.chdir(folder / "b" / "rrd")
        return rows + _reader(folder / "b" / "rrd", now)
    finally:
        os.chdir(before)
        shutil.rmtree(folder)


def _cycle(at: int, i: int) -> list[Sample]:
    return [
        Sample(key=SeriesKey(key.device, key.component, key.source), layout=LAYOUT, at=at,
               values={"cpu": i / 7, "memory": 2**28 + i, "count": 3, "restarts": i // 50})
        for key in KEYS
    ]  # fmt: skip


def _collector(folder: Path, now: int) -> list[tuple[str, float, str, str]]:
    """Cycles of one device, spooled two by two as 20 devices at 10 s would be."""
    cycles = 1000
    intake, spool = Intake(), SampleSpool(folder)
    spool.open()
    batches = [_cycle(now - 10 * (cycles - i), i) for i in range(cycles)]
    values = cycles * FILES * POINTS

    def accept() -> None:
        for batch in batches:
            intake.accept(batch, now)

    accepted = cost(accept)
    entries = intake.take()
    packed = cost(lambda: [pack(1, [], entries[i : i + 400]) for i in range(0, len(entries), 400)])

    def store() -> None:
        for i in range(0, len(entries), 400):
            spool.append(intake.series, entries[i : i + 400])

    stored = cost(store)
    spool.close()
    per = 1e6 / values
    return [
        ("collector: accept a value", accepted * per, "us CPU", ""),
        ("collector: accept and spool a value (encoding, checksum, sync)", (accepted + stored) * per, "us CPU", "< 2"),
        ("  of it encoding and checksum", packed * per, "us CPU", ""),
    ]


def _writer(folder: Path, now: int, group: int) -> list[tuple[str, float, str, str]]:
    """The writer process on cycles that it gets one by one, or several for each call of rrdtool."""
    cycles = 360
    (folder / "rrd").mkdir(parents=True)
    intake, spool = Intake(), SampleSpool(folder / "samples")
    spool.open()
    writer = Writer(folder / "samples", folder / "rrd", lambda: now, time.monotonic)
    used = 0.0
    for i in range(cycles):
        intake.accept(_cycle(now - 10 * (cycles - i), i), now)
        spool.append(intake.series, intake.take())
        if i == 0:
            writer.gather()
            created = cost(writer.flush)
        elif i % group == 0:

            def write() -> None:
                writer.gather()
                writer.flush()

            used += cost(write)
    written = writer.report().tally.written - FILES
    writer.close()
    spool.close()
    rows = [
        (
            f"writer: write a value, {group} sample(s) of {POINTS} values a call",
            used * 1e6 / written / POINTS,
            "us CPU",
            "",
        )
    ]
    if group == 1:
        size = rrd.size_bytes(POINTS, LAYOUT.step_s)
        rows.insert(0, (f"writer: create a file of {size:,} bytes", created * 1e3 / FILES, "ms CPU", ""))
    return rows


def _reader(root: Path, now: int) -> list[tuple[str, float, str, str]]:
    rows = []
    fetch = FetchQuery(device="web1", component="set 1", source="process", points=[], start=now - 3600, end=now)
    questions: list[tuple[str, FetchQuery | GraphQuery]] = [("reader: fetch 360 rows of 4 points", fetch)]
    for form in ("png", "svg"):
        for what, component in (("one set", "set 1"), ("20 sets", None)):
            query = GraphQuery(device="web1", component=component, graph="cpu", start=now - 3600, end=now, form=form)
            questions.append((f"reader: {form} of {what}, one hour", query))
    for what, question in questions:
        answer(root, Request(question, []), now)
        used = cost(lambda question=question: [answer(root, Request(question, []), now) for _ in range(10)])  # type: ignore[misc]  # bound on purpose
        rows.append((what, used * 100, "ms CPU", ""))
    return rows

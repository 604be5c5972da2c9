"""What it costs to give figures to others: the metrics page, and remote write."""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path

from collectors.framework.data.spool.intake import Intake
from collectors.framework.outlets.openmetrics import SLICE, value_lines
from collectors.framework.outlets.posting import Answer, Fate
from collectors.framework.outlets.sending import Sender
from collectors.framework.outlets.settings import RemoteWriteSettings
from collectors.framework.samplespool import SampleSpool
from common.series import Kind, Layout, Point, Sample, SeriesKey

Row = tuple[str, float, str, str]

SERIES, CYCLES = 10_000, 5
LAYOUT = Layout(
    points=(*(Point(name=name) for name in ("count", "cpu", "memory", "oldest_s", "youngest_s")),
            Point(name="restarts", kind=Kind.DERIVE)),
    step_s=60,
)  # fmt: skip
VALUES = len(LAYOUT.points)


def run() -> list[Row]:
    """Measure both on the samples of 500 devices."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        intake = Intake()
        spool = SampleSpool(Path(folder) / "samples", followers=[Path(folder) / "remote"])
        spool.open()
        now = int(time.time()) // 60 * 60
        for cycle in range(CYCLES):
            at = now - 60 * (CYCLES - cycle)
            intake.accept([_sample(n, at) for n in range(SERIES)], now)
            spool.append(intake.series, intake.take())
        return [*_page(intake, now), *_sending(Path(folder) / "remote")]


def _sample(n: int, at: int) -> Sample:
    values: dict[str, int | float | None] = {
        "count": 3, "cpu": n / 7, "memory": 2**28 + n, "oldest_s": 86_400.5, "youngest_s": 17.25, "restarts": n,
    }  # fmt: skip
    return Sample(key=SeriesKey(f"web{n // 20}", f"set {n % 20}", "table"), layout=LAYOUT, at=at, values=values)


def _page(intake: Intake, now: float) -> list[Row]:
    parts: list[float] = []
    size = 0
    begun = time.process_time()
    for part in value_lines(intake.all(), "local", now):
        ended = time.process_time()
        parts.append(ended - begun)
        size += len(part.encode())
        begun = time.process_time()
    values = SERIES * VALUES
    return [
        (f"page: a value, of {values:,}", sum(parts) * 1e6 / values, "us CPU", ""),
        (f"page: the longest part of {SLICE} series", max(parts) * 1e3, "ms CPU", ""),
        ("page: a value", size / values, "bytes", ""),
    ]


def _sending(folder: Path) -> list[Row]:
    crossed = 0

    def taken(body: bytes) -> Answer:
        nonlocal crossed
        crossed += len(body)
        return Answer(Fate.TAKEN)

    settings = RemoteWriteSettings(url="http://there/", wait_s=0)
    sender = Sender(settings, folder, {"collector": "local"}, taken, time.monotonic, time.time, random.Random(1))
    begun = time.process_time()
    while sender.report.sent < SERIES * VALUES * CYCLES:
        sender.step()
    used = time.process_time() - begun
    sender.close()
    return [
        ("remote write: a value, without the network", used * 1e6 / sender.report.sent, "us CPU", ""),
        ("remote write: a value", crossed / sender.report.sent, "bytes", ""),
    ]

"""What a baseline says that it should not, how soon it says what it should, and what it costs; with real rrdtool.

Values are parts of five minutes, as templates have it without further options: season a day (where it says so a week),
width 4, 6 of 9 parts, three seasons learned. `Alarms` counts those of series that are as ever; `found` those of a value
that is shifted for good by twice the standard deviation of the whole series, within a day, and after how many minutes.
"""

from __future__ import annotations

import math
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from collectors.framework.data.baselinefiles import PART_S, bands
from collectors.framework.data.reading.baselinereading import LessonsQuery, lessons, looks_of
from collectors.framework.data.writing.baselinewriting import Baselines
from collectors.framework.data.writing.seriesfile import SeriesFile
from collectors.framework.data.writing.undo import UndoSlot
from collectors.framework.data.writing.writer import Writer
from collectors.framework.judging.baselinerules import Part, follow
from collectors.framework.judging.baselines import Look
from collectors.framework.judging.watches import CALM
from collectors.framework.samplespool import SampleSpool
from common import rrd
from common.events import Severity
from common.judged import BaselineConfig, Level, ScansOf, ThresholdConfig, ThresholdForm
from common.series import Baseline, Layout, Point, SeriesKey

Row = tuple[str, float, str, str]
Make = Callable[[random.Random, int], Iterator[float]]

DAY = 86_400 // PART_S
START = 1_800_000_000 // 86_400 * 86_400
SERIES, DAYS = 20, 40
WEEK_S = 604_800


def flat(rng: random.Random, parts: int) -> Iterator[float]:
    level, noise = rng.uniform(20, 60), rng.uniform(0.5, 4)
    for _ in range(parts):
        yield level + rng.gauss(0, noise)


def daily(rng: random.Random, parts: int) -> Iterator[float]:
    level, swing, noise, phase = rng.uniform(20, 60), rng.uniform(5, 20), rng.uniform(0.5, 4), rng.uniform(0, 6)
    for part in range(parts):
        yield level + swing * math.sin(2 * math.pi * part / DAY + phase) + rng.gauss(0, noise)


def weekly(rng: random.Random, parts: int) -> Iterator[float]:
    """Up and down on five days, and low on two."""
    swing = rng.uniform(5, 20)
    for part, value in enumerate(daily(rng, parts)):
        yield value if part // DAY % 7 < 5 else 20 - swing / 2 + rng.gauss(0, 2)


def sticky(rng: random.Random, parts: int) -> Iterator[float]:
    """Noise that lasts for an hour or so."""
    noise, away = rng.uniform(0.5, 4), 0.0
    for value in daily(rng, parts):
        away = 0.9 * away + rng.gauss(0, noise * 0.44)
        yield value + away


def drifting(rng: random.Random, parts: int) -> Iterator[float]:
    """Noise that lasts for most of a day."""
    noise, away = rng.uniform(1, 6), 0.0
    for value in daily(rng, parts):
        away = 0.995 * away + rng.gauss(0, noise * 0.1)
        yield value + away


def backup(rng: random.Random, parts: int) -> Iterator[float]:
    """Busy for an hour each night, not always at the same minute."""
    begin = 0
    for part, value in enumerate(flat(rng, parts)):
        if part % DAY == 0:
            begin = 20 + rng.randint(-2, 2)
        yield value / 3 + (60 if begin <= part % DAY < begin + 12 else 0)


def spiky(rng: random.Random, parts: int) -> Iterator[float]:
    level, spread = rng.uniform(5, 20), rng.uniform(1, 8)
    for _ in range(parts):
        yield level + rng.expovariate(1 / spread)


def outages(rng: random.Random, parts: int) -> Iterator[float]:
    """Not there for an hour to two days every four days."""
    until = 0
    for part, value in enumerate(daily(rng, parts)):
        if part % (4 * DAY) == 3 * DAY:
            until = part + rng.randint(12, 2 * DAY)
        yield math.nan if part < until else value


KINDS: Sequence[tuple[str, Make, int]] = (
    ("flat, noise", flat, 86_400),
    ("daily, noise", daily, 86_400),
    ("working days, by the day", weekly, 86_400),
    ("working days, by the week", weekly, WEEK_S),
    ("daily, noise of an hour", sticky, 86_400),
    ("daily, drifts for a day", drifting, 86_400),
    ("nightly backup", backup, 86_400),
    ("spiky", spiky, 86_400),
    ("daily, outages", outages, 86_400),
)


class School:
    """Files of baselines in a folder."""

    def __init__(self, folder: Path, season_s: int) -> None:
        self.root = folder / "rrd"
        self.root.mkdir(parents=True, exist_ok=True)
        self.baselines = Baselines(self.root, UndoSlot(folder / "undo", self.root), lambda: START + 1e8, print)
        self.season_s = season_s
        baseline = Baseline(point="v", season_s=season_s)
        self.layout = Layout(points=(Point(name="v", minimum=0.0),), step_s=PART_S, baselines=(baseline,))
        self.threshold = ThresholdConfig(
            id="b",
            points=("v",),
            form=ThresholdForm.BASELINE,
            scans=ScansOf(6, 9),
            levels=(Level(severity=Severity.WARNING),),
            baseline=BaselineConfig(season_s=season_s, least=1.0, learn_s=3 * season_s),
        )

    def alarms(self, name: str, values: Sequence[float]) -> list[int]:
        """Numbers of the parts at which an alarm opens."""
        file = SeriesFile(str(self.root), SeriesKey("bench", name, "bench"), self.layout)
        watch, opened, seen = CALM, [], 0
        for first in range(0, len(values), 90):
            rows = [
                (START + (first + place + 1) * PART_S, [None if math.isnan(value) else max(0.0, value)])
                for place, value in enumerate(values[first : first + 90])
            ]
            self.baselines.feed(file, rows)
            (band,) = bands(self.root, file.name)
            for look in looks_of(band, seen):
                if look.at > seen:
                    seen = look.at
                    watch, verdict = follow(self.threshold, watch, Part(look, band.begun))
                    if verdict is not None and verdict.severity is not Severity.CLEAR and verdict.before is None:
                        opened.append((look.at - START) // PART_S)
        self.baselines.drop(file.name)
        return opened


def truth() -> Iterator[Row]:
    """False alarms, and how soon a shift is found."""
    for what, make, season_s in KINDS:
        with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
            school = School(Path(folder), season_s)
            rng = random.Random(7)
            days = DAYS * (2 if season_s == WEEK_S else 1)
            count = SERIES // (2 if season_s == WEEK_S else 1)
            false, found, delays, judged = 0, 0, [], 0.0
            for number in range(count):
                values = list(make(rng, days * DAY))
                false += len(school.alarms(f"a{number}", values))
                judged += days - 3 * season_s / 86_400
                spread = statistics.pstdev(value for value in values if not math.isnan(value))
                at = (days - 3) * DAY + rng.randrange(DAY)
                shifted = [value + (2 * spread if part >= at else 0) for part, value in enumerate(values)]
                hits = [part for part in school.alarms(f"b{number}", shifted) if at < part <= at + DAY]
                found += bool(hits)
                delays += [(part - at) * PART_S / 60 for part in hits[:1]]
            yield f"{what}: alarms for 1,000 series-days", 1000 * false / judged, "", ""
            after = f"found after {statistics.median(delays):.0f} min" if delays else "never found"
            yield f"{what}: a shift by 2 sigma is {after}", 100 * found / count, "%", ""


def costs() -> Iterator[Row]:
    """CPU and bytes of 1,000 series with a sample a minute."""
    count, minutes = 1000, 30
    point = Point(name="v")
    for what, baselines in (("without", ()), ("with", (Baseline(point="v"),))):
        with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
            folder = Path(name)
            layout = Layout(points=(point,), step_s=60, baselines=baselines)
            spool = SampleSpool(folder / "samples")
            spool.open()
            series = {n: (n, SeriesKey("bench", f"c{n}", "bench"), layout) for n in range(1, count + 1)}
            (folder / "rrd").mkdir()
            writer = Writer(folder / "samples", folder / "rrd", time.time, time.monotonic, 5.0)
            begin = int(time.time()) // 300 * 300 - (minutes + 5) * 60
            used = 0.0
            for minute in range(minutes):
                at = begin + minute * 60
                spool.append(series, [(n, at, [float(n % 7)]) for n in series])
                before = time.process_time()
                writer.gather()
                writer.flush()
                used += time.process_time() - before if minute else 0
            yield f"writer, {what} a baseline, a sample written alone", used / (minutes - 1) / count * 1e6, "us", ""
            if baselines:
                root = folder / "rrd"
                size = sum(Path(band.path).stat().st_size for band in bands(root, rrd.file_name(series[1][1])))
                yield "bytes of a file, season of a day", size, "", ""
                told = lessons(root, LessonsQuery({"bench": 0}))  # once, so that what it needs is in memory
                before = time.process_time()
                told = lessons(root, LessonsQuery({"bench": begin + (minutes - 6) * 60}))
                used = time.process_time() - before
                yield "reader, for each series and part", used / len(told.learned["bench"]) * 1e6, "us", ""
                yield "reader, share of one CPU for 1,000 series", used / PART_S * 100, "%", "under 1 %"
            writer.close()
            spool.close()


def _judging() -> Iterator[Row]:
    threshold = School(Path(tempfile.mkdtemp(prefix="tocsin-bench-")), 86_400).threshold
    part = Part(Look(START, 50.0, 40.0, 3.0), 0)
    before = time.process_time()
    for _ in range(20_000):
        follow(threshold, CALM, part)
    yield "judging one part", (time.process_time() - before) / 20_000 * 1e6, "us", ""


def run() -> list[Row]:
    """All figures."""
    return [*truth(), *costs(), *_judging()]

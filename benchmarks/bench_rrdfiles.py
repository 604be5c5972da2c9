"""What a value costs in the collector and in the writer process, beside what librrd and bare writes cost.

A thousand files, and ten thousand; fifty thousand, too, with TOCSIN_BENCH=long. Four data sources a file, four
resolutions, all of them with minimum, average and maximum.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bench_local import built_of
from benchmarks.cputime import cost
from collectors.framework.data.spool.intake import Intake
from collectors.framework.data.writing.holding import HOLD_STEPS
from collectors.framework.data.writing.writer import Writer
from collectors.framework.samplespool import SampleSpool
from common import rrd
from common.series import Kind, Layout, Plan, Point, Sample, SeriesKey

Row = tuple[str, float, str, str]

COUNTS = (1_000, 10_000, *((50_000,) if os.environ.get("TOCSIN_BENCH") == "long" else ()))
STEP_S = 60
TIMES = 6
GROUP = 12
"""So many samples of a file may wait for each other where the step is short."""
SMALL = Plan(name="small", full_days=0.02, archives=((600, 0.1), (3600, 0.5), (86400, 4)))
"""The cost of an update is of the archives, not of their length: with shorter ones 50,000 files find room."""
LAYOUT = Layout(
    points=(Point(name="cpu"), Point(name="memory"), Point(name="count"), Point(name="restarts", kind=Kind.DERIVE)),
    step_s=STEP_S,
    retention=SMALL,
)
VALUES = len(LAYOUT.points)


def run() -> list[Row]:
    """Measure with each number of files."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    rows: list[Row] = []
    for count in COUNTS:
        with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
            rows += Fleet(Path(folder), count).measured(compiler)
    return rows


class Fleet:
    """So many files, and all that writes into them."""

    def __init__(self, folder: Path, count: int) -> None:
        self._folder, self._count = folder, count
        self._root = folder / "rrd"
        self._root.mkdir()
        self._keys = [SeriesKey(f"host{n // 20}", f"set {n % 20}", "table") for n in range(count)]
        self._at = int(time.time()) // STEP_S * STEP_S - 400 * STEP_S
        self._intake, self._spool = Intake(), SampleSpool(folder / "samples")
        self._spool.open()
        self._writer = Writer(folder / "samples", self._root, time.time, time.monotonic)

    def measured(self, compiler: str | None) -> list[Row]:
        """All figures of so many files; what librrd costs warm is what others are compared with."""
        created = (self._sampled(1) + cost(self._write)) / self._count
        name, per = f"{self._count:,} files: ", 1e6 / self._count / VALUES
        rows: list[Row] = [(f"{name}a file is created, with its first sample", created * 1e3, "ms CPU", "")]
        taken = written = 0.0
        for _ in range(TIMES):
            taken += self._sampled(1)
            written += cost(self._write)
        one = (taken + written) * per / TIMES
        rows.append((f"{name}collector, accept and spool a value", taken * per / TIMES, "us CPU", "< 2"))
        rows.append((f"{name}writer, one sample a call, warm", written * per / TIMES, "us CPU", ""))
        rows.append((f"{name}together, one sample a call, warm", one, "us CPU", ""))
        rows.append(
            (f"{name}together, {HOLD_STEPS} a call, warm, as it is done", self._together(HOLD_STEPS), "us CPU", "< 8")
        )
        rows.append((f"{name}together, {GROUP} a call, warm", self._together(GROUP), "us CPU", ""))
        self._cool()
        rows.append((f"{name}together, one sample a call, cold", self._together(1), "us CPU", ""))
        self._cool()
        rows.append((f"{name}together, {HOLD_STEPS} a call, cold", self._together(HOLD_STEPS), "us CPU", ""))
        self._writer.close()
        self._spool.close()
        return rows + (self._beside(compiler, name, one) if compiler is not None else [])

    def _together(self, times: int) -> float:
        """CPU microseconds of a value from its acceptance to its file, where so many samples are written in a call."""
        return (self._sampled(times) + cost(self._write)) * 1e6 / self._count / VALUES / times

    def _beside(self, compiler: str, name: str, one: float) -> list[Row]:
        paths = [self._root / rrd.file_name(key) for key in self._keys]
        names = self._folder / "names"
        names.write_text("".join(f"{path}\n" for path in paths), encoding="ascii")
        loop = [str(built_of(compiler, "rrdloop", self._folder, "-lrrd")), str(names)]
        bare = [str(built_of(compiler, "pwriteloop", self._folder)), str(names)]
        header = rrd.header_bytes(VALUES, STEP_S, SMALL)

        def librrd(times: int) -> float:
            first = self._at + STEP_S
            self._at += times * STEP_S
            return _told([*loop, *map(str, (first, STEP_S, times)), "1.5:268435456:3:7"]) / times

        def pwrite(times: int) -> float:
            return _told([*bare, *map(str, (times, header, 8 * VALUES * 3))]) / times

        per = 1e6 / self._count / VALUES
        warm, least = librrd(TIMES) * per, pwrite(TIMES) * per
        self._cool()
        cold = librrd(1) * per
        self._cool()
        least_cold = pwrite(1) * per
        return [
            (f"{name}librrd in a C loop, warm", warm, "us CPU", ""),
            (f"{name}librrd in a C loop, cold", cold, "us CPU", ""),
            (f"{name}open, read, two bare writes, warm", least, "us CPU", ""),
            (f"{name}open, read, two bare writes, cold", least_cold, "us CPU", ""),
            (f"{name}one sample a call, to librrd in a C loop", one / warm, "times", ""),
            (f"{name}one sample a call, to bare writes", one / least, "times", ""),
        ]

    def _sampled(self, times: int) -> float:
        """CPU seconds of taking samples of all series, and of bringing them into the spool, in steps of a second."""
        used = 0.0
        for _ in range(times):
            self._at += STEP_S
            for begin in range(0, self._count, 2_000):
                samples = self._samples(self._keys[begin : begin + 2_000])
                used += cost(lambda samples=samples: self._store(samples))  # type: ignore[misc]  # bound on purpose
        return used

    def _samples(self, keys: Sequence[SeriesKey]) -> list[Sample]:
        at = self._at
        values = {"cpu": at % 97 / 7, "memory": 2**28 + at % 1000, "count": 3, "restarts": at // 600}
        return [Sample(key=key, layout=LAYOUT, at=at, values=dict(values)) for key in keys]

    def _store(self, samples: Sequence[Sample]) -> None:
        self._intake.accept(samples, time.time())
        self._spool.append(self._intake.series, self._intake.take())

    def _write(self) -> None:
        self._writer.gather()
        self._writer.flush()

    def _cool(self) -> None:
        """Have the kernel forget what it has of the files."""
        subprocess.run(["sync"], check=True)
        for key in self._keys:
            file = os.open(self._root / rrd.file_name(key), os.O_RDONLY)
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(file)


def _told(command: Sequence[str]) -> float:
    """CPU seconds that a program tells of itself."""
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    if told[1] != "0":
        raise RuntimeError(f"{command[0]} failed {told[1]} times")
    return float(told[0])

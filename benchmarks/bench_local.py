"""What the source of this host costs: 3,000 processes, 100 of them watched, beside psutil and a loop in C."""

from __future__ import annotations

import contextlib
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from collectors.framework.interfaces import IProcessSource
from collectors.framework.local.handles import Handles
from collectors.framework.local.host import LocalHost
from collectors.framework.local.source_psutil import PsutilSource
from collectors.framework.processtable import ProcessRow, ProcessTable
from collectors.framework.source_local import ProcSource
from collectors.process.memory import DeviceMemory
from collectors.process.tracker import Tracker
from common.configs import DeviceConfig, ProcessSetConfig, SourceKind
from common.matching import command_line
from tests.contracts.process_source import now

Row = tuple[str, float, str, str]

PROCESSES, WATCHED, TIMES = 3000, 100, 9
SOURCES = Path(__file__).parent / "c"
FILES = 16_384
"""As the unit of the process collector has it."""


def run() -> list[Row]:
    """Print what there is to compare with, and return the figures."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        print("  there is no C compiler: no crowd of processes, and no loop in C to compare with", flush=True)
        return measured(None)
    with tempfile.TemporaryDirectory() as folder:
        built = {name: built_of(compiler, name, Path(folder)) for name in ("crowd", "statloop")}
        with crowd(built["crowd"]), more_files():
            return measured(built["statloop"])


def built_of(compiler: str, name: str, folder: Path, *libraries: str) -> Path:
    """A program of one C file."""
    program = folder / name
    subprocess.run([compiler, "-O2", "-o", program, SOURCES / f"{name}.c", *libraries], check=True)
    return program


@contextlib.contextmanager
def crowd(program: Path, processes: int = PROCESSES, watched: int = WATCHED) -> Iterator[None]:
    """Have the processes run."""
    pipe = subprocess.PIPE
    command = [str(program), str(processes), str(watched), "." * 80]
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        count = int(process.stdout.readline() or 0)
        if count < processes:
            print(f"  only {count} processes could be begun", flush=True)
        try:
            yield
        finally:
            process.stdin.close()
            process.wait()


@contextlib.contextmanager
def more_files() -> Iterator[None]:
    """Let this process open as many files as the daemon may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(FILES, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def config(interval_s: int) -> DeviceConfig:
    """A set that takes the watched ones, and nineteen that take nothing."""
    includes = ["^watched-worker ", *(rf"^/opt/nowhere{n} .*\d$" for n in range(19))]
    return DeviceConfig(
        device="here",
        address="",
        source=SourceKind.LOCAL,
        interval_s=interval_s,
        process_sets=tuple(
            ProcessSetConfig(id=f"set{n}", title=f"set{n}", order=n, include=include, exclude="", name=f"set{n}")
            for n, include in enumerate(includes)
        ),
    )


def cpu_ms(work: Callable[[], object], times: int = TIMES) -> float:
    """CPU milliseconds of one call, the median of some."""
    spent = []
    for _ in range(times):
        begun = time.process_time()
        work()
        spent.append(1000 * (time.process_time() - begun))
    return statistics.median(spent)


class Bench:
    """A source at an interval, and what judges its tables."""

    def __init__(self, interval_s: int, kind: type[ProcSource | PsutilSource] = ProcSource) -> None:
        self.interval_s = interval_s
        self.config = config(interval_s)
        self.tracker = Tracker(self.config, DeviceMemory())
        self.none = False
        host = LocalHost(Handles())
        self.source: IProcessSource = kind(time.time, time.monotonic, self.wanted, host=host)
        self.source.update(self.config)
        self.table = self.scan()
        self.scan()

    def wanted(self, row: ProcessRow) -> bool:
        """As the collector asks."""
        line = command_line(row.path, row.name, row.parameters)
        return not self.none and self.tracker.matcher.match(line) is not None

    def scan(self, *, full: bool = False) -> ProcessTable:
        """Read the table."""
        self.table = now(self.source.scan(full))
        return self.table

    def scan_all_changed(self) -> ProcessTable:
        """Read it as if every process had run since."""
        self.source.update(self.config)
        return self.scan()

    def cost(self, c_ms: float | None) -> list[Row]:
        """The figures of one interval."""
        every = f"every {self.interval_s} s"
        self.none = True
        self.scan_all_changed()
        alone = cpu_ms(self.scan)
        self.none = False
        self.scan_all_changed()
        usual, changed, full = cpu_ms(self.scan), cpu_ms(self.scan_all_changed), cpu_ms(lambda: self.scan(full=True))
        decide = cpu_ms(
            lambda: self.tracker.observe(msgspec.structs.replace(self.table))
        )  # a table of its own each time
        cycle = (9 * usual + full) / 10 + decide
        now(self.source.close())
        return [
            (f"a scan {every}, nothing watched", alone, "CPU ms", ""),
            *([("  as a multiple of the loop in C", alone / c_ms, "times", "under 1.5")] if c_ms else []),
            (f"a scan {every}, {WATCHED} watched", usual, "CPU ms", ""),
            *([("  as a multiple of the loop in C", usual / c_ms, "times", "under 1.5")] if c_ms else []),
            ("  if every process has run since", changed, "CPU ms", ""),
            ("  with names and arguments anew (one in ten)", full, "CPU ms", ""),
            ("  matching and deciding", decide, "CPU ms", ""),
            (f"all of it {every}", cycle / 10 / self.interval_s, "% of a core", ""),
        ]


def loop_ms(program: Path) -> float:
    """CPU milliseconds of a pass in C, the median of some."""
    done = [subprocess.run([program, "3"], capture_output=True, text=True, check=True) for _ in range(5)]
    return statistics.median(float(one.stdout.split()[0]) for one in done)


def measured(loop: Path | None) -> list[Row]:
    """All figures."""
    before = loop_ms(loop) if loop else None
    rows: list[Row] = []
    short, long = Bench(1), None
    rows += short.cost(before)
    long = Bench(10)
    rows += long.cost(before)
    witness = Bench(10, PsutilSource)
    psutil_ms = cpu_ms(witness.scan, 3)
    after = loop_ms(loop) if loop else None
    head: list[Row] = [("processes", len(long.table.rows), "", "")]
    if before and after:
        head.append(("the loop in C over /proc/*/stat", before, "CPU ms", ""))
        head.append(("  the same again at the end", after, "CPU ms", ""))
    head.append((f"psutil, the same of every process, {WATCHED} watched", psutil_ms, "CPU ms", ""))
    return head + rows

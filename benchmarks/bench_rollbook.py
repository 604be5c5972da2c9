"""What the roll book costs: bytes a day, CPU of a scan with and without changes, of a day's end, of questions.

The device has 300 processes. Normal churn: in each minute four short-lived commands, cron's and the like, are seen for
the first time and four of before are gone, and now and then a service is restarted.
"""

from __future__ import annotations

import random
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from collectors.framework.processtable import ProcessRow, ProcessTable
from collectors.process.columns import Columns, program
from collectors.process.rollbook.books import RollBooks
from common.configs import DeviceConfig, SourceKind
from common.matching import SetName
from common.queries import RollAtQuery, RollBetweenQuery

Row = tuple[str, float, str, str]
PROCESSES, CHURN, DAYS = 300, 4, 3
START, DAY_S = 1_800_000_000.0, 86_400
OWNERS = {pid: SetName(f"set{pid % 20}", f"set{pid % 20}") for pid in range(1, PROCESSES + 1)}
_PROGRAMS = tuple(
    f"/usr/{where}/{name}"
    for where in ("bin", "sbin", "lib/postfix/sbin", "local/bin")
    for name in ("run-parts", "sh", "python3", "rsync", "logrotate", "smtpd", "check_disk", "git", "sshd", "php-fpm8.2")
)


class Churn:
    """A host over time, as the scans of an agent or of the own machine show it."""

    def __init__(self, *, columns: bool) -> None:
        self._chance = random.Random(1)
        self._columns = columns
        self._running = {pid: self._line(pid) for pid in range(1, PROCESSES + 1)}
        self._started = dict.fromkeys(self._running, START - 1000.0)
        self._next = 10_000

    def _line(self, number: int) -> tuple[str, str]:
        path = self._chance.choice(_PROGRAMS)
        return path, f"--config /etc/service-{number % 40}/main.conf --job {number} --queue {number % 7} --verbose"

    def churn(self, at: float) -> None:
        """Let some end, and others start."""
        short = [pid for pid in self._running if pid >= 10_000]
        for pid in short[: max(0, len(short) - 2 * CHURN)]:
            del self._running[pid], self._started[pid]
        for _ in range(CHURN):
            self._next += self._chance.randint(1, 9)
            self._running[self._next], self._started[self._next] = self._line(self._next), at - 3
        if self._chance.random() < 0.01:
            pid = self._chance.randint(1, PROCESSES)
            self._started[pid] = at - 1
            self._running[pid] = self._line(self._next)

    def table(self, at: float) -> ProcessTable:
        """A scan; figures are others each time."""
        rows: Mapping[int, ProcessRow]
        pids = sorted(self._running)
        if self._columns:
            programs = [program(path[-15:], path, words, b"") for path, words in map(self._running.__getitem__, pids)]
            used = [at - START + 1.0] * len(pids)
            rows = Columns(pids, programs, used, [1] * len(pids), ["running"] * len(pids), "invalid")
        else:
            rows = {
                pid: ProcessRow(
                    pid=pid,
                    name=path.rpartition("/")[2],
                    path=path,
                    parameters=words,
                    started=self._started[pid],
                    cpu_s=at - START,
                    memory_bytes=1,
                    status="running",
                    alive=True,
                )
                for pid, (path, words) in ((pid, self._running[pid]) for pid in pids)
            }
        return ProcessTable(at=at, monotonic=at, rows=rows, complete=True, full=False)


class Kept:
    """A book in a folder of its own."""

    def __init__(self, folder: str, interval_s: int) -> None:
        self.root = Path(folder)
        self.config = DeviceConfig(device="bench", address="", source=SourceKind.LOCAL, interval_s=interval_s)
        self.books = RollBooks(self.root, lambda _: None)
        self.book = self.books.of(self.config)

    def sizes(self) -> tuple[int, int]:
        """Bytes of segments that are closed, and of the open one."""
        files = [path for path in self.root.rglob("*") if path.is_file()]
        return tuple(  # type: ignore[return-value]
            sum(path.stat().st_size for path in files if path.name.endswith(suffix)) for suffix in (".zst", ".roll")
        )

    def days(self, host: Churn, days: int, *, churns: bool = True) -> None:
        """Scan for so long."""
        for number in range(days * DAY_S // self.config.interval_s):
            at = START + number * self.config.interval_s
            if churns and number and not at % 60:
                host.churn(at)
            self.book.note(host.table(at), OWNERS)


def us(work: Callable[[Any], Any], over: Sequence[Any]) -> float:
    """CPU microseconds of one call; each is given one of these."""
    begun = time.process_time()
    for one in over:
        work(one)
    return 1e6 * (time.process_time() - begun) / len(over)


def bytes_a_day() -> list[Row]:
    """What a day takes, over SNMP."""
    rows: list[Row] = []
    for label, churns in (("normal churn, 5,760 starts a day", True), ("nothing ever changes", False)):
        with tempfile.TemporaryDirectory() as folder:
            kept = Kept(folder, 60)
            kept.days(Churn(columns=True), DAYS, churns=churns)
            closed, _ = kept.sizes()
            written = kept.books.figures()["written_bytes"] / DAYS
            rows += [
                (f"bytes a day, 300 processes, {label}", closed / DAYS, "bytes/day", ""),
                ("  written before it is compressed", written, "bytes/day", ""),
            ]
            if churns:
                rows += questions(kept)
    return rows


def questions(kept: Kept) -> list[Row]:
    """Of a book of some days."""
    middle = START + 1.5 * DAY_S
    first = RollAtQuery(device="bench", at=middle)
    hour = RollBetweenQuery(device="bench", start=middle, end=middle + 3600)
    day = RollBetweenQuery(device="bench", start=START + DAY_S, end=START + 2 * DAY_S)

    def between(query: RollBetweenQuery) -> object:
        return kept.books.between(query, kept.config, kept.book)

    return [
        ("who ran then", us(lambda query: kept.books.at(query, kept.config, kept.book), [first] * 20) / 1000, "ms", ""),
        ("what changed in an hour", us(between, [hour] * 20) / 1000, "ms", ""),
        ("what changed in a day, first page", us(between, [day] * 20) / 1000, "ms", ""),
    ]


def cycles(*, columns: bool) -> list[Row]:
    """A scan without changes, one with some, and the end of a day."""
    label = "SNMP" if columns else "local"
    with tempfile.TemporaryDirectory() as folder:
        kept, host = Kept(folder, 60), Churn(columns=columns)

        def note(table: ProcessTable) -> None:
            kept.book.note(table, OWNERS)

        note(host.table(START))
        still = [host.table(START + number / 100) for number in range(1, 2001)]
        changed = []
        for number in range(500):
            host.churn(START + 20 + number)
            changed.append(host.table(START + 20 + number))
        return [
            (f"a scan without changes, {label}", us(note, still), "us", "near 0"),
            (f"a scan with {2 * CHURN} changes, {label}", us(note, changed), "us", ""),
            (f"the end of a day, {label}", us(note, [host.table(START + 600 + DAY_S)]) / 1000, "ms", ""),
        ]


def memory() -> list[Row]:
    """Of the books of a thousand devices whose tables somebody else has, too."""
    with tempfile.TemporaryDirectory() as folder:
        table = Churn(columns=True).table(START)
        books = RollBooks(Path(folder), lambda _: None)
        configs = [
            DeviceConfig(device=f"device{n}", address="", source=SourceKind.LOCAL, interval_s=60) for n in range(1000)
        ]
        for config in configs[:1]:
            books.of(config).note(table, OWNERS)
        tracemalloc.start()
        kept = [books.of(config) for config in configs]
        for book in kept:
            book.note(table, OWNERS)
        used, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return [("memory of a book", used / len(kept), "bytes", "near 0")]


def run() -> list[Row]:
    """All figures."""
    return bytes_a_day() + cycles(columns=True) + cycles(columns=False) + memory()

"""What the live pass of the status collector costs: 500 processes that sleep, at one pass a second."""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from twisted.internet.defer import Deferred
from twisted.internet.epollreactor import EPollReactor
from twisted.internet.task import deferLater

from benchmarks.bench_local import built_of, cpu_ms, crowd, loop_ms, more_files
from collectors.framework.local.host import LocalHost
from collectors.framework.local.own import OwnDaemons
from collectors.status.passes import Pass, ProcessName, Wanted
from collectors.status.watcher import Watcher, local_readers
from common.sources import Follow, Match
from common.statuspoints import ITEMS

Row = tuple[str, float, str, str]

PROCESSES, WATCHED, TIMES, GAP_S = 500, 10, 25, 0.05
AIM = "under 1"
LITTLE = Wanted(
    disks=("/", "/tmp"),
    interfaces=("lo", "eth0"),
    processes=(ProcessName(name="watched-worker"), ProcessName(name="nginx"), ProcessName(name="worker.sh")),
)
EVERYTHING = Wanted(
    disks=LITTLE.disks, interfaces=LITTLE.interfaces, processes=LITTLE.processes, further=frozenset(ITEMS)
)
MANY_NAMES = Wanted(processes=tuple(ProcessName(name=f"program{n}") for n in range(100)))
ALL = Wanted(processes=(ProcessName(name="--number", follow=Follow.SELF, match=Match.REGEX),))


def run() -> list[Row]:
    """Have the processes run, and return the figures."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        print("  there is no C compiler: no crowd of processes, and no loop in C to compare with", flush=True)
        return figures(None)
    with tempfile.TemporaryDirectory() as folder:
        built = {name: built_of(compiler, name, Path(folder)) for name in ("crowd", "statloop")}
        with crowd(built["crowd"], PROCESSES, WATCHED), more_files():
            return figures(built["statloop"])


def figures(loop: Path | None) -> list[Row]:
    """What there is to compare with, and passes of several kinds."""
    before_ms = loop_ms(loop) if loop else None
    usual, first, at_work = passes(LITTLE)
    rows: list[Row] = [
        ("processes", len(psutil.pids()), "", ""),
        ("a bare listing of /proc", cpu_ms(listing), "CPU ms", ""),
    ]
    if before_ms is not None and loop is not None:
        rows.append(("the loop in C over /proc/*/stat", before_ms, "CPU ms", ""))
        rows.append(("  the same again at the end", loop_ms(loop), "CPU ms", ""))
    rows += [
        ("psutil: names and arguments of every process", cpu_ms(by_psutil, 3), "CPU ms", ""),
        ("the first pass", first, "CPU ms", ""),
        ("a pass: 2 disks, 2 interfaces, 3 names of processes", usual, "CPU ms", "under 10"),
        *([("  as a multiple of the loop in C", usual / before_ms, "times", "")] if before_ms else []),
        ("  of a core, at 1 Hz", usual / 10, "%", AIM),
        ("  at work in the reactor's thread", at_work, "CPU ms", ""),
    ]
    for what, wanted in (
        ("the same, and everything else of the host", EVERYTHING),
        ("100 names of processes", MANY_NAMES),
        (f"a name that {PROCESSES} processes have", ALL),
    ):
        cost = passes(wanted)[0]
        rows += [(f"a pass: {what}", cost, "CPU ms", ""), ("  of a core, at 1 Hz", cost / 10, "%", AIM)]
    return rows


def passes(wanted: Wanted) -> tuple[float, float, float]:
    """CPU ms of a pass with all that belongs to it (the median), of the first one, and in the reactor's thread."""
    reactor: Any = EPollReactor()  # type: ignore[no-untyped-call]  # Twisted has no types here
    host = LocalHost()
    host.own = OwnDaemons(None, pid=0)  # the crowd descends from this process
    watcher = Watcher(wanted, reactor, time.time, readers=local_readers(time.time, time.monotonic, host))
    spent: list[float] = []
    here: list[float] = []

    async def work() -> Pass:
        found: Pass
        for _ in range(TIMES):
            begun, begun_here = time.process_time(), time.thread_time()
            found = await watcher.look()
            here.append(1000 * (time.thread_time() - begun_here))
            await deferLater(reactor, GAP_S, lambda: None)
            spent.append(1000 * (time.process_time() - begun))
        return found

    outcome: list[Any] = []

    def begin() -> None:
        Deferred.fromCoroutine(work()).addBoth(outcome.append).addBoth(lambda _: reactor.stop())

    reactor.callWhenRunning(begin)
    reactor.run(installSignalHandlers=False)
    watcher.close()
    if not isinstance(outcome[0], Pass):
        outcome[0].raiseException()
    return statistics.median(spent[1:]), spent[0], statistics.median(here[1:])


def listing() -> list[str]:
    """The least that anybody does who looks at all processes."""
    return os.listdir("/proc")  # noqa: PTH208 - that is what is measured


def by_psutil() -> list[tuple[str, list[str]]]:
    """What whoever looks for names by psutil does once for all of them."""
    return [(one.info["name"], one.info["cmdline"]) for one in psutil.process_iter(["name", "cmdline"])]

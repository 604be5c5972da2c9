"""What sharing a collector out among worker processes costs, and at how many workers the daemon becomes the limit.

CPU time of each process for a device and cycle: of the daemon itself, of its workers together, of the RRD writer. The
machine may have fewer cores than there are processes; CPU time does not mind.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.collectorload import SETS, Collector, configs, fleet
from common.configs import DeviceConfig

Row = tuple[str, float, str, str]
DEVICES = 300
INTERVAL_S = 3
"""At a higher pace what each process does for itself, once a second, weighs less; and the RRD writer gathers more."""
CYCLES = 10
KINDS = {"running.workermain": "workers", "rrdwriter": "RRD writer", "rrdqueries": "RRD reader"}


class Shared(Collector):
    """A collector with a number of workers."""

    def __init__(self, folder: Path, devices: list[DeviceConfig], workers: int) -> None:
        super().__init__(folder, devices, ("collectors.process.main",))
        self._settings.write_text(f"workers = {workers}\n{self._settings.read_text()}")

    def cpu_ms(self) -> dict[str, float]:
        """CPU milliseconds of each kind of process so far."""
        assert self._process is not None
        daemon = psutil.Process(self._process.pid)
        found = dict.fromkeys(("daemon", *KINDS.values()), 0.0)
        for process in (daemon, *daemon.children(recursive=True)):
            words = " ".join(process.cmdline())
            kind = next((kind for word, kind in KINDS.items() if word in words), "daemon")
            spent = process.cpu_times()
            found[kind] += 1000.0 * (spent.user + spent.system)
        return found

    def runs(self) -> int:
        """Device cycles so far."""
        return sum(task["runs"] for task in self.stats()["task_list"])

    def uss_mb(self) -> float:
        """Memory that no other process shares, of all of them."""
        assert self._process is not None
        daemon = psutil.Process(self._process.pid)
        return sum(one.memory_full_info().uss for one in (daemon, *daemon.children(recursive=True))) / 2**20


@contextlib.contextmanager
def collecting(devices: list[DeviceConfig], workers: int) -> Iterator[Shared]:
    """A collector that has read each device twice."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        one = Shared(Path(folder), devices, workers)
        one.start()
        try:
            one.until_runs(2, 300)
            yield one
        finally:
            one.stop()


def cost(devices: list[DeviceConfig], workers: int) -> tuple[dict[str, float], float]:
    """CPU milliseconds of each kind of process for a device and cycle, and megabytes of all."""
    with collecting(devices, workers) as one:
        before, runs = one.cpu_ms(), one.runs()
        time.sleep(CYCLES * INTERVAL_S)
        after, done = one.cpu_ms(), one.runs() - runs
        return {kind: (after[kind] - before[kind]) / done for kind in after}, one.uss_mb()


def run() -> list[Row]:
    """What, value, unit, aim."""
    rows: list[Row] = []
    with fleet(DEVICES) as (_, endpoints):
        devices = configs(endpoints, INTERVAL_S, v3=False)
        alone, alone_mb = cost(devices, 1)
        rows += [(f"no workers, {SETS} sets: {kind}", ms, "CPU ms", "") for kind, ms in alone.items() if ms]
        rows.append(("  memory of all processes", alone_mb, "MB", ""))
        for workers in (2, 4):
            shared, shared_mb = cost(devices, workers)
            rows += [(f"{workers} workers: {kind}", ms, "CPU ms", "") for kind, ms in shared.items()]
            rows.append(("  memory of all processes", shared_mb, "MB", ""))
        both = shared["daemon"] + shared["workers"]
        rows += [
            ("  daemon and workers, to the daemon without", both / alone["daemon"], "x", ""),
            ("  workers that one core of the daemon can feed", shared["workers"] / shared["daemon"], "workers", ""),
            ("  workers that one RRD writer can follow", shared["workers"] / shared["RRD writer"], "workers", ""),
        ]
    return rows


if __name__ == "__main__":
    for row in run():
        print(*row)

"""What a device costs the whole process collector: daemon, writer process and reader process together.

A real `tocsin-process` polls a simulated fleet, 300 processes and 20 sets on each host, everything on: matching,
tracking, three thresholds on each set, RRD files, events into the spool. CPU is user and system of all its processes
(not of the fleet, which has a process of its own); memory is what is theirs alone (USS), and of that what grows with
each device. A figure is from some cycles in a row; in each of them a tenth of the devices has its full pass. The aims
are for an interval of 60 s; it is shorter here, so that it does not take an hour: a cycle does the same work, but what
the daemon does beside is shared by more of them. `bench_scan` prints the varbinds of a full walk that are asked for.

Only 20 and 100 devices are measured, for 4 minutes, unless TOCSIN_BENCH=long: then 1, 1,000 and 5,000 as well, and
v3, for 25.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator

import psutil
from msgspec import Struct

from benchmarks.collectorload import Usage, collector, configs, fleet

Row = tuple[str, float, str, str]

CYCLES = 6
"""Samples of a file are written every three: what is measured has whole times of that."""
WARM = 3
"""Cycles before it counts."""


class Scale(Struct, frozen=True):
    """How many devices, how often."""

    devices: int
    interval_s: int


SHORT = (Scale(20, 6), Scale(100, 6))
LONG = (Scale(1, 6), Scale(100, 6), Scale(1000, 15), Scale(5000, 60))


class Figures(Struct, frozen=True):
    """One collector, measured for some cycles."""

    scale: Scale
    before: Usage
    after: Usage
    fleet_ms: float

    @property
    def runs(self) -> int:
        """How many devices were read."""
        return self.after.runs - self.before.runs

    def ms(self, process: str) -> float:
        """CPU of a process, for each run."""
        return 1000 * (self.after.cpu_s[process] - self.before.cpu_s.get(process, 0.0)) / self.runs

    @property
    def all_ms(self) -> float:
        """CPU of all processes, for each run."""
        return 1000 * (self.after.cpu - self.before.cpu) / self.runs


def measure(scale: Scale, *, v3: bool) -> Figures:
    """Poll a fleet for some cycles."""
    with fleet(scale.devices) as (hosts, endpoints), collector(configs(endpoints, scale.interval_s, v3=v3)) as one:
        one.until_runs(WARM, 120 + 4 * WARM * scale.interval_s, scale.interval_s / 5)
        begun, before = cpu_s(hosts), one.usage()
        time.sleep(CYCLES * scale.interval_s)
        after = one.usage(after=True)
        served = cpu_s(hosts) - begun
    return Figures(scale, before, after, 1000 * served / (after.runs - before.runs))


def cpu_s(process: psutil.Process) -> float:
    """CPU time of a process so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def of_scale(found: Figures, label: str) -> Iterator[Row]:
    """The figures of one fleet."""
    devices, aim = found.scale.devices, "3" if label == "v2c" else ""
    elapsed_s = found.after.at - found.before.at
    yield f"{label}, {devices} devices every {found.scale.interval_s} s: all processes", found.all_ms, "ms/cycle", aim
    yield "  the daemon", found.ms("daemon"), "ms/cycle", ""
    yield "  the writer process", found.ms("writer"), "ms/cycle", ""
    yield "  devices a minute that one core can poll", 60_000 / found.all_ms, "devices", "20000" if aim else ""
    wanted = devices * elapsed_s / found.scale.interval_s
    yield "  runs in the time, of those that were due", 100 * found.runs / wanted, "%", "100"
    yield "  late runs", found.after.late - found.before.late, "runs", "0"
    yield "  failed runs", found.after.failed - found.before.failed, "runs", "0"
    yield "  the fleet's own CPU, beside", found.fleet_ms, "ms/cycle", ""


def by_part(scale: Scale, *, v3: bool) -> Iterator[Row]:
    """Where the daemon's time goes: the same, with a stopwatch around its parts."""
    with fleet(scale.devices) as (_, endpoints):
        devices = configs(endpoints, scale.interval_s, v3=v3)
        with collector(devices, "benchmarks.collectorparts", str(WARM * scale.devices)) as one:
            one.until_runs(WARM + CYCLES, 120 + 4 * (WARM + CYCLES) * scale.interval_s)
            read = json.loads(one.stop().splitlines()[-1])
    runs = read["runs"]
    parts = read["parts"] | {
        "threads: samples and events to disk": read["threads_s"],
        "reactor, scan and all the rest": read["main_s"] - sum(read["parts"].values()),
    }
    yield (
        f"{'v3' if v3 else 'v2c'}, by part, {scale.devices} devices",
        1000 * sum(parts.values()) / runs,
        "ms/cycle",
        "",
    )
    for part in sorted(parts, key=parts.__getitem__, reverse=True):
        yield f"  {part}", 1000 * parts[part] / runs, "ms/cycle", ""


def run() -> list[Row]:
    """What, value, unit, aim."""
    rows: list[Row] = []
    first: Figures | None = None
    before: Figures | None = None
    long = os.environ.get("TOCSIN_BENCH") == "long"
    for scale in LONG if long else SHORT:
        found = measure(scale, v3=False)
        rows += of_scale(found, "v2c")
        if first is not None and before is not None:
            grown = found.after.uss - before.after.uss
            each = grown / (scale.devices - before.scale.devices) / 1000
            rows.append(("  memory of a device, over the fleet before", each, "KB/device", "under 60"))
            rows.append(("  a cycle costs, of one of 100 devices", found.all_ms / first.all_ms, "times", "1"))
        if scale.devices == 100:
            first = found
        before = found
    hundred = Scale(100, 6)
    if long:
        rows += of_scale(measure(hundred, v3=True), "v3 SHA-256 AES-128")
    rows += by_part(hundred, v3=False)
    rows += by_part(hundred, v3=True)
    return rows


if __name__ == "__main__":
    for row in run():
        print(*row)

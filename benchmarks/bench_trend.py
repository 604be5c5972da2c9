"""Thresholds of the form trend: what they take for a leak and is none, how early they find leaks, and what they cost.

Values are those of a process set that is scanned once a minute, with a limit of 2 GiB; within_s is 6 h, window_s 3 h.
Leaks begin when the value is known for a day and at rest, or, where it says so, with the set itself.
False alarms are told for each 1,000 process-days, hours as the median of those that were found.
"""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Callable, Iterator

import msgspec

from collectors.framework.judging.componentwatches import ComponentWatches, Watches
from collectors.framework.judging.thresholdbook import Reading, ThresholdBook
from collectors.sim.processes import memory_kib
from collectors.sim.scenario import read_scenario
from collectors.sim.world import World
from common.configs import DeviceConfig, SourceKind
from common.events import Severity
from common.judged import Level, ThresholdConfig, ThresholdForm
from common.series import Point

Row = tuple[str, float, str, str]
Values = Iterator[tuple[float, bool]]
"""A value, and whether the set was restarted before it."""

STEP_S = 60
DAY = 86400 // STEP_S
HOUR = 3600 // STEP_S
GIB = 1024.0**3
LIMIT = 2 * GIB
SERIES, DAYS = 60, 5
FLEET, FLEET_DAYS = 40, 4
START = 1_800_000_000

FLEET_SCENARIO = """
programs:
  - {name: web, path: /usr/bin/web, count: 6, memory: [100MiB, 300MiB], restarts: {every: 3h}}
  - {name: db, path: /usr/bin/db, memory: [1GiB, 1900MiB], restarts: {every: 2d}}
  - {name: pool, path: /usr/bin/pool, count: [2, 6], memory: 200MiB, churns: {every: 10m, for: 30m}, dies: {every: 9h, for: 40m}}
  - {name: mail, path: /usr/bin/mail, count: 3, memory: 500MiB, stops: {every: 12h, for: 10m}, flaps: {every: 9h, times: 8, within: 15m}}
  - {name: leaky, path: /usr/bin/leaky, memory: 400MiB, leaks: {by: 80MiB, per: 1h}, restarts: {every: 4d}}
"""  # noqa: E501 - the scenario's lines


def flat(rng: random.Random, scans: int) -> Values:
    """The same, with noise of up to a tenth."""
    level = rng.uniform(0.3, 0.9) * LIMIT
    noise = rng.uniform(0.002, 0.1) * level
    for _ in range(scans):
        yield level + rng.gauss(0, noise), False


def walk(rng: random.Random, scans: int) -> Values:
    """A random walk below the limit."""
    value, step = rng.uniform(0.3, 0.8) * LIMIT, rng.uniform(0.0005, 0.004) * LIMIT
    for _ in range(scans):
        value = max(0.03 * LIMIT, min(0.98 * LIMIT, value + rng.gauss(0, step)))
        yield value, False


def daily(rng: random.Random, scans: int) -> Values:
    """Up by day and down by night."""
    level = rng.uniform(0.3, 0.6) * LIMIT
    swing, phase = min(rng.uniform(0.1, 0.6) * level, 0.95 * LIMIT - level), rng.uniform(0, 2 * math.pi)
    for scan in range(scans):
        yield level + swing * math.sin(phase + 2 * math.pi * scan / DAY) + rng.gauss(0, 0.02 * level), False


def warm_up(rng: random.Random, scans: int) -> Values:
    """A cache that fills, in minutes or half a day."""
    top, slowness = rng.uniform(0.5, 0.95) * LIMIT, rng.uniform(0.2, 12) * HOUR
    low = rng.uniform(0.05, 0.3)
    for scan in range(scans):
        yield top * (1 - (1 - low) * math.exp(-scan / slowness)) + rng.gauss(0, 0.01 * top), False


def sawtooth(rng: random.Random, scans: int) -> Values:
    """A heap that is collected, every few minutes or after hours."""
    low, high = rng.uniform(0.2, 0.5) * LIMIT, rng.uniform(0.6, 0.95) * LIMIT
    period, filled = rng.uniform(0.05, 8) * HOUR, rng.random()
    for _ in range(scans):
        filled += 1 / period
        if filled >= 1:
            filled, period = 0.0, period * rng.uniform(0.8, 1.25)
        yield low + (high - low) * filled + rng.gauss(0, 0.01 * high), False


def steps(rng: random.Random, scans: int) -> Values:
    """Another level every six hours."""
    level = rng.uniform(0.2, 0.4) * LIMIT
    for _ in range(scans):
        if rng.random() < 1 / (6 * HOUR):
            level = min(0.95 * LIMIT, max(0.05 * LIMIT, level + rng.choice((-1, 1)) * rng.uniform(0.05, 0.5) * GIB))
        yield level * (1 + rng.gauss(0, 0.01)), False


def restarts(rng: random.Random, scans: int) -> Values:
    """Restarted every eight hours, and warm after some minutes."""
    level, slowness, age = rng.uniform(0.3, 0.8) * LIMIT, rng.uniform(1, 30), 0
    for _ in range(scans):
        age += 1
        begins = rng.random() < 1 / (8 * HOUR)
        age = 0 if begins else age
        yield level * (0.3 + 0.7 * (1 - math.exp(-age / slowness))) + rng.gauss(0, 0.01 * level), begins


def leak(rng: random.Random, hours: float, noise: float) -> Values:
    """From a fifth of the limit to the limit in so many hours."""
    scans = int(hours * HOUR)
    for scan in range(scans):
        yield LIMIT * (0.2 + 0.8 * scan / scans) * (1 + rng.gauss(0, noise)), False


class Watched:
    """A set with a trend on its memory."""

    def __init__(self, within_s: int = 6 * 3600, window_s: int = 3 * 3600) -> None:
        threshold = ThresholdConfig(
            id="leak",
            points=("memory",),
            form=ThresholdForm.TREND,
            levels=(Level(severity=Severity.WARNING, maximum=LIMIT),),
            within_s=within_s,
            window_s=window_s,
        )
        config = DeviceConfig(
            device="box", address="", source=SourceKind.LOCAL, interval_s=STEP_S, thresholds=(threshold,)
        )
        self._book = ThresholdBook(config, (Point(name="memory", unit="bytes"),))
        self.memory: Watches = {}
        self._born = 0.0
        self._scans = 0

    def scan(self, value: float | None, *, begins: bool = False) -> bool:
        """Judge one scan; True when an alarm opens."""
        self._scans += 1
        at = START + self._scans * STEP_S
        if begins:
            self._born = at
        reading = Reading("web", "web", {"memory": value} if value is not None else {}, self._born)
        return any(event.severity for event in self._book.judge(self.memory, [reading], at, at).events)

    def first(self, values: Values) -> int | None:
        """The first scan that rings."""
        return next((n for n, (value, begins) in enumerate(values) if self.scan(value, begins=begins)), None)


def false_alarms(kind: Callable[[random.Random, int], Values]) -> tuple[float, float]:
    """Alarms for each 1,000 process-days, those on the first day alone in the second figure."""
    first = later = 0
    for seed in range(SERIES):
        watched = Watched()
        rung = [
            n for n, (v, begins) in enumerate(kind(random.Random(seed), DAYS * DAY)) if watched.scan(v, begins=begins)
        ]
        first += sum(n < DAY for n in rung)
        later += sum(n >= DAY for n in rung)
    return 1000 * first / SERIES, 1000 * later / (SERIES * (DAYS - 1))


def found(hours: float, noise: float, within_h: int = 6, *, at_once: bool = False) -> tuple[float, float]:
    """How many percent of leaks are found in time, and how many hours before the limit."""
    before = []
    for seed in range(12):
        rng, watched = random.Random(seed), Watched(within_h * 3600, within_h * 1800)
        if not at_once:
            watched.first((0.2 * LIMIT * (1 + rng.gauss(0, noise)), False) for _ in range(DAY))
        scan = watched.first(leak(rng, hours, noise))
        before += [] if scan is None else [hours - scan / HOUR]
    return 100 * len(before) / 12, statistics.median(before) if before else 0.0


def fleet() -> tuple[float, float, float]:
    """On simulated hosts: false alarms for each 1,000 process-days, percent of leaks found, hours before the limit."""
    world = World(read_scenario(FLEET_SCENARIO, "here"), FLEET, 40, 7)
    names = ("web", "db", "pool", "mail", "leaky")
    watched = {(host.name, name): Watched() for host in world.hosts for name in names}
    born: dict[tuple[str, str], float] = {}
    wrong = 0
    leaks: set[tuple[str, float]] = set()
    early: dict[tuple[str, float], float] = {}
    for scan in range(FLEET_DAYS * DAY):
        t = float(scan * STEP_S)
        world.advance(t)
        for host in world.hosts:
            for name in names:
                key = host.name, name
                rows = [one for one in host.processes.values() if one.name == name]
                oldest = min((one.began for one in rows), default=t)
                begins = oldest > born.get(key, 0.0) and oldest > t - STEP_S
                if begins:
                    born[key] = t
                value = 1024.0 * sum(memory_kib(one, t) for one in rows) if rows else None
                rings = watched[key].scan(value, begins=begins)
                leaking = name == "leaky"
                wrong += rings and not leaking
                age = host.name, born.get(key, 0.0)
                if rings and leaking and value is not None:
                    early.setdefault(age, (LIMIT - value) / (80 * 1024**2))
                if leaking and value is not None and value >= LIMIT:
                    leaks.add(age)
    others = FLEET * FLEET_DAYS * (len(names) - 1)
    told = [hours for age, hours in early.items() if age in leaks]
    return 1000 * wrong / others, 100 * len(told) / max(1, len(leaks)), statistics.median(told or [0.0])


def costs() -> list[Row]:
    """CPU for each value and scan, and bytes for each value."""
    rng = random.Random(1)
    values = [1.5 * GIB * (1 + rng.gauss(0, 0.02)) for _ in range(3 * DAY)]
    watched = Watched()
    began = time.process_time()
    for value in values:
        watched.scan(value)
    trend_us = (time.process_time() - began) / len(values) * 1e6
    kept = len(msgspec.msgpack.encode(watched.memory)) - len(msgspec.msgpack.encode({"web": ComponentWatches()}))
    return [
        ("a scan of one value, with what judges it", trend_us, "µs CPU", ""),
        ("kept of a value", kept, "bytes", ""),
    ]


def run() -> list[Row]:
    """All figures."""
    rows: list[Row] = []
    for kind in (flat, walk, daily, warm_up, sawtooth, steps, restarts):
        first, later = false_alarms(kind)
        rows.append((f"false alarms, {kind.__name__.replace('_', ' ')}: first day", first, "/1000 days", ""))
        rows.append((f"false alarms, {kind.__name__.replace('_', ' ')}: later", later, "/1000 days", ""))
    for hours, noise, within_h in (
        (3, 0.02, 6), (6, 0.02, 6), (12, 0.02, 6), (12, 0.05, 6),
        (24, 0.005, 6), (24, 0.02, 6), (24, 0.02, 24), (72, 0.02, 24),
    ):  # fmt: skip
        share, before = found(hours, noise, within_h)
        what = f"leak to the limit in {hours} h, noise {noise:.1%}, within {within_h} h"
        rows += [(f"{what}: found", share, "%", ""), (f"{what}: before the limit", before, "h", "")]
    for hours in (3, 6, 12):
        share, before = found(hours, 0.02, at_once=True)
        what = f"leak of a new set to the limit in {hours} h, noise 2.0%, within 6 h"
        rows += [(f"{what}: found", share, "%", ""), (f"{what}: before the limit", before, "h", "")]
    wrong, share, before = fleet()
    rows += [
        ("simulated fleet: false alarms", wrong, "/1000 days", ""),
        ("simulated fleet: leaks found", share, "%", ""),
        ("simulated fleet: before the limit", before, "h", ""),
    ]
    return rows + costs()

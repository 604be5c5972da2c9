"""What one device costs: matching, deciding, judging, a whole cycle over SNMP, and a scan of this host.

The device has 300 processes in 20 sets, and is quiet: the steady state, in which a collector spends its life. CPU is
that of this process; the agent is another one.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
from twisted.internet.defer import Deferred

from benchmarks.bench_snmp import SimulatedAgent, start_simulated_agent
from collectors.framework.interfaces import CollectorContext
from collectors.framework.judging.componentwatches import Watches
from collectors.framework.judging.thresholdbook import Reading, ThresholdBook
from collectors.framework.processtable import ProcessTable
from collectors.framework.snmp.factory import client_factory
from collectors.framework.source_local import ProcSource
from collectors.process.memory import DeviceMemory
from collectors.process.points import layout
from collectors.process.source_snmp import CPU, MEMORY, NAME, STATUS, SnmpSource
from collectors.process.tables import members_of
from collectors.process.task import ProcessTask
from collectors.process.tracker import Tracker
from common.configs import DeviceConfig, ProcessSetConfig, SnmpConfig, SourceKind
from common.events import Severity
from common.judged import DerivedConfig, Level, ThresholdConfig
from common.matching import Matcher
from tests.fakes.hub import FakeHub
from tests.fakes.samples import FakeSampleSink

Row = tuple[str, float, str, str]
CYCLES = 60
SETS = 20


class Nowhere:
    """Takes events and states, and keeps neither."""

    async def send(self, events: Any, state_key: str = "", state: bytes | None = None) -> None:
        """Do nothing."""

    def load(self, key: str) -> bytes | None:
        """Nothing is known."""
        return None


class Sink(FakeSampleSink):
    """Judges samples as the daemon does, and forgets them."""

    def write(self, samples: Any) -> None:
        """Accept samples."""
        self._intake.accept(samples, self._wall())
        self._intake.take()


def cpu_ms(work: Callable[[], Any], times: int) -> float:
    """CPU milliseconds of one call."""
    begun = time.process_time()
    for _ in range(times):
        work()
    return 1000 * (time.process_time() - begun) / times


async def cpu_ms_of(work: Callable[[], Awaitable[Any]], times: int) -> float:
    """CPU milliseconds of one awaited call."""
    begun = time.process_time()
    for _ in range(times):
        await work()
    return 1000 * (time.process_time() - begun) / times


def definitions() -> tuple[ProcessSetConfig, ...]:
    """Twenty sets that take every process between them."""
    return tuple(
        ProcessSetConfig(id=f"set{n}", title=f"set{n}", order=n, include=include, exclude="", name=f"set{n}")
        for n, include in enumerate([*(rf"--worker \d*{n:02}$" for n in range(1, SETS)), "."])
    )


def device(snmp: SnmpConfig, address: str) -> DeviceConfig:
    """The device under measurement."""
    return DeviceConfig(
        device="bench",
        address=address,
        source=SourceKind.SNMP,
        interval_s=60,
        snmp=snmp,
        process_sets=definitions(),
        full_scan_every=10,
    )


class Steps:
    """A wall clock that goes a whole interval on with each cycle."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def wall(self) -> float:
        """Epoch seconds."""
        return self.now

    def next(self) -> int:
        """The next slot."""
        self.now += 60
        return int(self.now)


def task_of(config: DeviceConfig, reactor: Any, steps: Steps) -> ProcessTask:
    """A task with everything on but the disk."""
    context = CollectorContext(
        hub_epoch=str,
        send_model=FakeHub().send_model,
        clock=reactor,
        wall=steps.wall,
        reactor=reactor,
        rng=random.Random(),
        events=Nowhere(),
        states=Nowhere(),
        samples=Sink(steps.wall),
        data_dir=Path(),
    )
    make_client = client_factory(reactor, reactor, random.SystemRandom())
    return ProcessTask(config, context, lambda c, _: SnmpSource(make_client, c, steps.wall, reactor.seconds))


async def over_snmp(agent: SimulatedAgent, snmp: SnmpConfig, label: str, reactor: Any) -> list[Row]:
    """One whole cycle, and the engine alone for the same table."""
    steps = Steps()
    task = task_of(device(snmp, agent.address), reactor, steps)
    client = client_factory(reactor, reactor, random.SystemRandom())(agent.address, snmp)
    for _ in range(3):
        await task.run(steps.next())
        await client.table([NAME, STATUS, CPU, MEMORY])
    engine = await cpu_ms_of(lambda: client.table([NAME, STATUS, CPU, MEMORY]), CYCLES)
    whole = await cpu_ms_of(lambda: task.run(steps.next()), CYCLES)
    sets = len(task.sets)
    client.close()
    await task.close()
    return [
        (f"one device cycle, {label}, 300 processes, {sets} sets", whole, "CPU ms", "under 5, later under 3"),
        (f"  of it the SNMP engine alone, {label}, same table", engine, "CPU ms", ""),
        ("  the whole as a multiple of the engine", whole / engine, "times", ""),
    ]


async def by_part(agent: SimulatedAgent, reactor: Any) -> list[Row]:
    """Matching and deciding, on the table of the same agent."""
    config = device(agent.config(), agent.address)
    make_client = client_factory(reactor, reactor, random.SystemRandom())
    source = SnmpSource(make_client, config, time.time, reactor.seconds)
    table: ProcessTable = await source.scan(full=True)
    await source.close()
    cold = cpu_ms(lambda: members_of(table, Matcher(config.process_sets)), 20)
    matcher = Matcher(config.process_sets)
    members_of(table, matcher)
    warm = cpu_ms(lambda: members_of(table, matcher), 300)
    tracker = Tracker(config, DeviceMemory())
    tracker.observe(table)
    decide = cpu_ms(lambda: tracker.observe(table), 300)
    return [
        ("matching 300 lines, 20 definitions, all new", cold, "CPU ms", ""),
        ("matching the same lines again", warm, "CPU ms", ""),
        ("matching and deciding, steady state", decide, "CPU ms", "well under 1"),
    ]


def thresholds() -> list[Row]:
    """Three thresholds on each of twenty sets: all calm, and all violated; one is on a rate, one on a derived point."""
    points, limits = ("memory", "restarts", "each"), (1e9, 1.0, 1e9)
    config = DeviceConfig(
        device="bench",
        address="",
        source=SourceKind.LOCAL,
        interval_s=60,
        thresholds=tuple(
            ThresholdConfig(
                id=point,
                points=(point,),
                levels=tuple(Level(severity=s, maximum=limit) for s in (Severity.CRITICAL, Severity.WARNING)),
                scans=3,
                hysteresis=0.1,
            )
            for point, limit in zip(points, limits, strict=True)
        ),
        derived=(DerivedConfig(point="each", expression="if(count > 0, memory / count, 0)", unit="bytes"),),
    )
    book = ThresholdBook(config, layout(config.source, config.interval_s).points)
    rows: list[Row] = []
    for label, memory_bytes in (("calm", 10**6), ("violated", 10**12)):
        memory: Watches = {}
        steps = Steps()

        def cycle(memory_bytes: int = memory_bytes, memory: Watches = memory, steps: Steps = steps) -> None:
            step = steps.next()
            restarts = step * (10 if memory_bytes > 10**9 else 0)
            figures = {"count": 2, "cpu": 1.0, "memory": memory_bytes, "restarts": restarts}
            book.judge(memory, [Reading(f"set{n}", f"set{n}", figures) for n in range(SETS)], step + 1.0, step)

        cycle()
        us = 1000 * cpu_ms(cycle, 2000) / (SETS * len(points))
        rows.append((f"judging a value, 20 sets x 3 thresholds, {label}", us, "us/value", "under 5"))
    return rows


async def this_host() -> list[Row]:
    """The local scan beside a full psutil pass, in the same run."""
    source = ProcSource(time.time, time.monotonic, lambda _row: False)
    count = len((await source.scan(full=True)).rows)
    own = await cpu_ms_of(lambda: source.scan(full=False), 40)
    attributes = ["name", "cmdline", "cpu_times", "memory_info", "status", "create_time"]
    other = cpu_ms(lambda: list(psutil.process_iter(attributes)), 20)
    return [
        (f"scan of this host, {count} processes", 1000 * own / count, "us/process", "12 to 13"),
        ("  psutil.process_iter with six attributes", 1000 * other / count, "us/process", ""),
    ]


def run() -> list[Row]:
    """Measure in a process of its own, as a reactor runs only once."""
    done = subprocess.run([sys.executable, "-m", __spec__.name], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return [tuple(row) for row in json.loads(done.stdout)]


async def everything(reactor: Any) -> list[Row]:
    """All figures."""
    with start_simulated_agent(300) as agent:
        rows = await over_snmp(agent, agent.config(), "v2c", reactor)
        rows += await over_snmp(agent, agent.config_v3(), "v3 SHA-256 AES-128", reactor)
        rows += await by_part(agent, reactor)
    return rows + thresholds() + await this_host()


def main() -> int:
    """Print the rows as JSON."""
    from common.daemon_run import install_reactor

    reactor = install_reactor()
    failures: list[Any] = []

    async def work() -> None:
        print(json.dumps(await everything(reactor)))

    reactor.callWhenRunning(
        lambda: Deferred.fromCoroutine(work()).addErrback(failures.append).addBoth(lambda _: reactor.stop())
    )
    reactor.run()
    for failure in failures:
        failure.printTraceback()
    return len(failures)


if __name__ == "__main__":
    sys.exit(main())

"""What the collector framework costs beside the work of its tasks: turns, spooled events, configs kept and loaded."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from collectors.framework.alarms import TaskAlarms
from collectors.framework.configcache import ConfigCache
from collectors.framework.eventpump import EventPump
from collectors.framework.eventspool import EventSpool
from collectors.framework.held import HeldConfigs
from collectors.framework.rejections import Rejections
from collectors.framework.running.inprocess import InProcess
from collectors.framework.scheduler import Scheduler
from collectors.framework.worker import NamedThread
from common.wire import HeldRequest
from tests.fakes.configs import FakeConfigStore
from tests.fakes.events import FakeEventSink, event
from tests.fakes.hub import FakeHub
from tests.fakes.sessions import device_config
from tests.fakes.tasks import FakeCollector, FakeTask

Row = tuple[str, float, str, str]

TASKS = 2000
EVENTS = 20_000
DEVICES = 2000


def run() -> list[Row]:
    """Measure in a process of its own, because a reactor runs but once."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bench_framework"], check=True, capture_output=True, text=True, timeout=120
    )
    return [(what, value, unit, aim) for what, value, unit, aim in json.loads(done.stdout)]


def cpu_of(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return time.process_time() - before


async def turns(reactor: Any) -> list[Row]:
    """Runs of tasks that do nothing, once a second each."""
    scheduler = Scheduler(reactor, time.time)
    for number in range(TASKS):
        scheduler.add(FakeTask(f"process:host{number}", 1), f"host{number}")
    scheduler.startService()
    await sleep(reactor, 1.0)
    before, cpu = sum(record.runs for record in scheduler.figures()), time.process_time()
    await sleep(reactor, 3.0)
    cpu, runs = time.process_time() - cpu, sum(record.runs for record in scheduler.figures()) - before
    late = scheduler.late_runs
    await scheduler.stopService()
    return [
        (f"CPU of one run of a task that does nothing ({TASKS} tasks, 1 s)", cpu / runs * 1e6, "us", "200"),
        ("late runs among these", late, "", "0"),
    ]


async def configs(folder: Path) -> list[Row]:
    ready = [device_config(f"host{number}", sets=20) for number in range(DEVICES)]
    cache = ConfigCache(folder / "configs")

    def keep_all() -> None:
        for at in range(0, DEVICES, 100):
            cache.replace(ready[at : at + 100], [])

    store = cpu_of(keep_all)
    began = time.perf_counter()
    for number in range(100):
        cache.replace([device_config(f"host{number}", sets=19)], [])
    one_s = (time.perf_counter() - began) / 100
    again = ConfigCache(folder / "configs")
    load = cpu_of(again.load)
    size = (folder / "configs" / "configs.journal").stat().st_size

    clock, sink = Clock(), FakeEventSink()
    alarms, rejections = TaskAlarms(sink, sink, "/A", time.time), Rejections(sink, sink, time.time)
    runner = InProcess(FakeCollector(), Scheduler(clock, clock.seconds), alarms)
    held = HeldConfigs(FakeConfigStore(*ready), runner, rejections)
    await held.load()
    page = cpu_of(lambda: held.page(HeldRequest()))
    again_page = cpu_of(lambda: held.page(HeldRequest()))
    return [
        ("CPU of keeping a config of 20 sets, in batches of 100", store / DEVICES * 1e6, "us", "100"),
        ("time until one changed config is durable", one_s * 1e3, "ms", "20"),
        (f"CPU of loading {DEVICES} kept configs", load * 1e3, "ms", "500"),
        ("their file", size / 1e6, "MB", ""),
        (f"CPU of telling what is held of {DEVICES}, after a change", page * 1e3, "ms", ""),
        ("the same, unchanged", again_page * 1e3, "ms", ""),
    ]


async def events(reactor: Any, folder: Path) -> list[Row]:
    spool = EventSpool(reactor, NamedThread(reactor, "events"), folder / "spool.db", lambda: "local", time.time)
    spool.startService()
    cpu, wall = time.process_time(), time.perf_counter()
    for at in range(0, EVENTS, 500):
        await gather(spool.send([event(number)], f"task{number % 500}", b"x" * 200) for number in range(at, at + 500))
    kept_cpu = (time.process_time() - cpu) / EVENTS
    kept_wall = (time.perf_counter() - wall) / EVENTS

    wall = time.perf_counter()
    for number in range(50):
        await spool.send([event(number)], "task", b"x" * 20_000)
    alone_s = (time.perf_counter() - wall) / 50

    hub = FakeHub()
    pump = EventPump(reactor, random.Random(1), spool, hub, lambda: "local", time.time)
    count, cpu, wall = spool.queued, time.process_time(), time.perf_counter()
    pump.attached(0, spool.spool)
    while spool.queued:
        await sleep(reactor, 0.005)
    sent_cpu = (time.process_time() - cpu) / count
    sent_wall = (time.perf_counter() - wall) / count
    pump.detached()
    await spool.stopService()
    return [
        ("CPU of keeping an event with its state, 500 tasks at once", kept_cpu * 1e6, "us", "100"),
        ("events kept", 1 / kept_wall, "events/s", "5,000"),
        ("time until an event with 20 KB of state is durable", alone_s * 1e3, "ms", "50"),
        ("CPU of sending an event and forgetting it (hub in memory)", sent_cpu * 1e6, "us", "50"),
        ("events sent", 1 / sent_wall, "events/s", "10,000"),
    ]


async def gather(work: Any) -> None:
    await gatherResults([Deferred.fromCoroutine(one) for one in work])


async def sleep(reactor: Any, seconds: float) -> None:
    from twisted.internet.task import deferLater

    await deferLater(reactor, seconds, lambda: None)


def main() -> None:
    from common.daemon import install_reactor

    reactor = install_reactor()
    rows: list[Row] = []

    async def all_of_them() -> None:
        with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
            rows.extend(await turns(reactor))
            rows.extend(await configs(Path(folder)))
            rows.extend(await events(reactor, Path(folder)))

    def start(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        done = Deferred.fromCoroutine(work())
        done.addErrback(failed)
        done.addBoth(lambda _: reactor.stop())

    def failed(failure: Failure) -> None:
        print(failure.getTraceback(), file=sys.stderr)

    reactor.callLater(0, start, all_of_them)
    reactor.run()
    print(json.dumps(rows))


if __name__ == "__main__":
    main()

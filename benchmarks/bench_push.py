"""From a change to its being live: HTTP in, a real link over TLS out.

A hub, collectors' links and the HTTP client share one process and one core here, so the figures are upper bounds. Each
change waits for the procrastinator's quarter of a second of quiet, which is part of the figure.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

Row = tuple[str, float, str, str]

CHANGES = 50
DEVICES = 2000
BURST = 300
SETS = """
kind: ProcessSet
id: set{number}
order: {number}
include: '^/usr/sbin/daemon{number} '
name: daemon{number}
"""


def run() -> list[Row]:
    """Measure in a process of its own, as a reactor runs only once."""
    done = subprocess.run([sys.executable, "-m", __spec__.name], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return [tuple(row) for row in json.loads(done.stdout)]


def cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def measure(reactor: Any) -> list[Row]:
    """All figures on one hub."""
    from tests.integration.hubs import Collector, TestHub

    hub = TestHub(reactor)
    try:
        await hub.start()
        collectors = {name: Collector() for name in ("local", "east", "west")}
        for name, collector in collectors.items():
            hub.link(name, collector)
        await hub.until("all are attached", lambda: all(one.sessions for one in collectors.values()))
        await apply(hub, "\n---\n".join(SETS.format(number=number) for number in range(20)))
        rows = await one_by_one(hub)
        rows += await many_devices(hub, collectors["east"])
        rows += await burst(hub, collectors["west"])
        rows += await stuck(hub, collectors["west"])
        return rows
    finally:
        for collector in collectors.values():
            if "apply" in collector.stuck:
                collector.stuck.pop("apply").callback(None)
        await hub.close()


async def apply(hub: Any, text: str) -> int:
    body = {"files": [{"path": "bench.yaml", "text": text}], "message": "", "author": "bench", "dry_run": False}
    answer = await hub.ask("POST", "apply", body)
    assert answer.status == 200, answer.content
    return int(answer.json["revision"])


def device(name: str, collector: str, interval_s: int) -> str:
    properties = f"{{source: local, interval_s: {interval_s}}}"
    return f"kind: Device\nid: {name}\naddress: 127.0.0.1\ncollector: {collector}\nproperties: {properties}\n"


async def live_after(hub: Any, text: str) -> float:
    """Seconds from the request that changes something until the answer that says it is live."""
    began = time.perf_counter()
    revision = await apply(hub, text)
    answer = await hub.ask("GET", f"revisions/{revision}/live?wait=60")
    assert answer.json["live"], answer.json
    return time.perf_counter() - began


async def one_by_one(hub: Any) -> list[Row]:
    await live_after(hub, device("warm", "local", 10))
    cpu = cpu_s()
    times = [await live_after(hub, device("web1", "local", 10 + number)) for number in range(CHANGES)]
    cpu = cpu_s() - cpu
    quantiles = statistics.quantiles(times, n=100, method="inclusive")
    return [
        ("apply to live, one change, median", statistics.median(times), "s", ""),
        ("apply to live, one change, 99th percentile", quantiles[98], "s", "< 1"),
        ("apply to live, one change, CPU (hub, link, client)", 1000 * cpu / CHANGES, "ms", ""),
    ]


async def many_devices(hub: Any, collector: Any) -> list[Row]:
    """A set that concerns all of many devices."""
    text = "\n---\n".join(device(f"east{number:05}", "east", 10) for number in range(DEVICES))
    first = await live_after(hub, text)
    collector.batches.clear()
    cpu = cpu_s()
    again = await live_after(hub, SETS.format(number=3).replace("daemon3", "other3"))
    cpu = cpu_s() - cpu
    return [
        (f"{DEVICES} new devices of 20 sets, apply to live", first, "s", ""),
        (f"a set of {DEVICES} devices changed, apply to live", again, "s", ""),
        ("CPU of that, for one device", 1000 * cpu / DEVICES, "ms", ""),
        ("messages of that", len(collector.batches), "", ""),
    ]


async def burst(hub: Any, collector: Any) -> list[Row]:
    """Many changes of one device as fast as the hub takes them."""
    collector.batches.clear()
    began = time.perf_counter()
    revision = 0
    for number in range(BURST):
        revision = await apply(hub, device("west1", "west", 10 + number))
    written = time.perf_counter() - began
    answer = await hub.ask("GET", f"revisions/{revision}/live?wait=60")
    assert answer.json["live"]
    assert collector.configs["west1"].interval_s == 10 + BURST - 1
    return [
        (f"burst of {BURST} changes to one device, revisions stored", BURST / written, "1/s", ""),
        ("messages that the burst became", len(collector.batches), "", ""),
        ("last change of the burst to live", time.perf_counter() - began - written, "s", "< 5"),
    ]


async def stuck(hub: Any, collector: Any) -> list[Row]:
    """One collector does not answer; how long does another wait?"""
    collector.stuck["apply"] = Deferred()
    await apply(hub, device("west1", "west", 7))
    await deferLater(hub.reactor, 0.5, lambda: None)
    times = []
    for number in range(20):
        began = time.perf_counter()
        revision = await apply(hub, device("web1", "local", 100 + number))
        answer = await hub.ask("GET", f"revisions/{revision}/live?wait=60&device=web1")
        assert answer.json["live"]
        times.append(time.perf_counter() - began)
    return [("apply to live beside a stuck collector, worst of 20", max(times), "s", "< 1")]


def main() -> int:
    """Print the figures as JSON."""
    from common.daemon_run import run_to_end

    rows: list[Row] = []

    async def work(reactor: Any) -> int:
        rows.extend(await measure(reactor))
        return 0

    status = run_to_end(work)
    print(json.dumps(rows))
    return status


if __name__ == "__main__":
    sys.exit(main())

"""What the PB edge costs: calls, config pushes, events and logins over mutual TLS on loopback.

Hub and collector run in one process of their own, so that CPU figures are the sum of both ends.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from twisted.internet import defer

from collectors.framework.hublink import HubLink
from collectors.framework.linksettings import LinkSettings
from common.certificates import ensure_site, issue_collector
from common.configs import DeviceConfig
from common.events import CLASS_PROCESS, Event, Severity
from common.queries import LiveConfigQuery
from common.wire import ConfigBatch, ConfigsApplied, EventBatch, SpooledEvent
from hub.broker.listener import BrokerListener, ListenerSettings
from tests.fakes.sessions import FakeFrontDesk, FakeHubClient, device_config

CALLS = 900
PUSHES = 200
BATCH = 50
LOGINS = 60

Row = tuple[str, float, str, str]


def run() -> list[Row]:
    """Measure in a process of its own, because a reactor runs but once."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.bench_edge"], check=True, capture_output=True, text=True, timeout=120
    )
    return [(what, value, unit, aim) for what, value, unit, aim in json.loads(done.stdout)]


class Taker(FakeHubClient):
    """Takes configs and does nothing with them, so that only the edge is measured."""

    async def apply(self, batch: ConfigBatch) -> ConfigsApplied:
        """Say that all is live."""
        return ConfigsApplied(live={config.device: "0" * 32 for config in batch.changed}, rejected=[], all="0" * 32)


class Bench:
    """A hub and a collector, connected."""

    def __init__(self, reactor: Any, folder: Path) -> None:
        self.reactor = reactor
        self.folder = folder
        self.desk = FakeFrontDesk()
        self.site = ensure_site(folder / "pki", time.time)
        self.listener = BrokerListener(reactor, reactor, time.time, ListenerSettings(port=0), self.site, self.desk)
        self.listener.startService()

    async def attach(self, name: str) -> HubLink:
        """Log a collector in."""
        link = self.link(name)
        await self.up(link)
        return link

    def link(self, name: str) -> HubLink:
        """Make a collector's link that has its certificate."""
        folder = issue_collector(self.site, name, self.folder / name)
        settings = LinkSettings(certificates=folder, port=self.listener.port)
        return HubLink(self.reactor, self.reactor, random.Random(1), settings, Taker())

    async def up(self, link: HubLink) -> None:
        """Start a link and wait for its session."""
        ready: defer.Deferred[None] = defer.Deferred()
        client: Any = link._client  # noqa: SLF001 - the fake tells when it is logged in
        client.attached = lambda _: ready.callback(None)
        link.startService()
        await ready


async def measure(times: int, action: Callable[[int], Awaitable[object]]) -> tuple[float, float]:
    """CPU and wall seconds of one action, over many."""
    await action(0)
    cpu, wall = time.process_time(), time.perf_counter()
    for n in range(times):
        await action(n)
    return (time.process_time() - cpu) / times, (time.perf_counter() - wall) / times


def configs(count: int, seed: int) -> list[DeviceConfig]:
    return [device_config(f"host{seed}-{n}", sets=20) for n in range(count)]


def batches(seed: int) -> EventBatch:
    event = Event(
        device="web1",
        component="sshd",
        event_class=CLASS_PROCESS,
        severity=Severity.ERROR,
        summary="sshd: no process matches",
        at=1.8e9,
    )
    return EventBatch(spool="s1", events=[SpooledEvent(seed * 1000 + n + 1, event) for n in range(1000)])


async def figures(reactor: Any, folder: Path) -> list[Row]:
    bench = Bench(reactor, folder)
    link = await bench.attach("first")
    await defer.Deferred.fromCoroutine(_turn(reactor))
    (session,) = bench.desk.sessions.values()
    rows: list[Row] = []

    cpu, wall = await measure(CALLS, lambda _: session.query(LiveConfigQuery("x")))
    rows.append(("calls, one after the other", 1 / wall, "calls/s", "4,000"))
    rows.append(("CPU of one call, both ends", cpu * 1e6, "us", "300"))

    ready = [configs(1, n) for n in range(PUSHES)]
    cpu, _ = await measure(PUSHES, lambda n: session.push(ConfigBatch(revision=n, changed=ready[n], removed=[])))
    rows.append(("CPU of pushing one config of 20 sets, both ends", cpu * 1e6, "us", "500"))

    many = [configs(BATCH, n) for n in range(20)]
    cpu, _ = await measure(20, lambda n: session.push(ConfigBatch(revision=n, changed=many[n], removed=[])))
    rows.append((f"CPU of each config in a batch of {BATCH}, both ends", cpu / BATCH * 1e6, "us", "150"))

    events = [batches(n) for n in range(20)]
    cpu, _ = await measure(20, lambda n: link.send_events(events[n]))
    rows.append(("CPU of each event in a batch of 1,000, both ends", cpu / 1000 * 1e6, "us", "10"))
    link.stopService()

    links = [bench.link(f"c{n}") for n in range(LOGINS)]
    cpu, wall = await measure(LOGINS - 1, lambda n: bench.up(links[n]) if not links[n].running else _nothing())
    rows.append(("CPU of one login with mutual TLS, both ends", cpu * 1e3, "ms", "6"))
    return rows


async def _nothing() -> None:
    return None


async def _turn(reactor: Any) -> None:
    from twisted.internet.task import deferLater

    await deferLater(reactor, 0.05, lambda: None)


def child() -> None:
    """Measure, and print the figures as JSON."""
    from twisted.internet import task

    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:

        async def main(reactor: Any) -> None:
            print(json.dumps(await figures(reactor, Path(folder))))

        task.react(lambda reactor: defer.Deferred.fromCoroutine(main(reactor)))


if __name__ == "__main__":
    child()

"""Configs to a fleet: a real hub with 10,000 devices, and simulated collectors over PB with TLS on loopback.

The hub is a process of its own, whose CPU time and memory are read from /proc; all collectors share another. Wall times
hold for a machine with two cores that does nothing else.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import blockingCallFromThread, deferToThread

from benchmarks.hubprocess import Hub
from benchmarks.simulated import Fleet

Row = tuple[str, float, str, str]

DEVICES = 10_000
COLLECTORS = 200
CHANGES = 150
CLASSES = 10
BURST_DEVICES = DEVICES // CLASSES
BURST_S = 10.0
LONGEST_WAIT_S = 2.0
WITHIN_S = 300.0

SETS = "\n---\n".join(
    f"kind: ProcessSet\nid: set{n}\norder: {n}\ninclude: '^/usr/sbin/daemon{n}( |$)'\nname: daemon{n}"
    for n in range(20)
)
TEMPLATE = """
kind: Template
id: ten
component: process_set
sources:
  table:
    type: process
    points:
      p0: {derived: memory / count, unit: bytes}
      p1: {derived: cpu / count, unit: percent}
      p2: {derived: memory * 2, unit: bytes}
      p3: {derived: cpu * 2, unit: percent}
      p4: {derived: threads / count}
      p5: {derived: fds / count}
      p6: {derived: read_bytes + write_bytes, unit: bytes}
      p7: {derived: data + stack, unit: bytes}
      p8: {derived: vms / count, unit: bytes}
      p9: {derived: shared / count, unit: bytes}
thresholds:
  leak: {points: p0, maximum: 4e+9, severity: warning, for_s: 600}
  hot: {points: [cpu, p1], maximum: 90, severity: warning, scans: 3}
---
kind: DeviceClass
id: /Server
templates: [ten]
"""
BIG = "big"


def run() -> list[Row]:
    """Measure in a process of its own, as a reactor runs only once."""
    done = subprocess.run([sys.executable, "-m", __spec__.name], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return [tuple(row) for row in json.loads(done.stdout)]


def device(number: int, collector: str, interval_s: int = 60) -> str:
    return (
        f"kind: Device\nid: host{number}\naddress: 127.0.{number // 250}.{number % 250}\n"
        f"class: /Server/C{number % CLASSES}\ncollector: {collector}\nproperties: {{interval_s: {interval_s}}}\n---\n"
    )


def owner(number: int) -> str:
    return f"c{number % COLLECTORS}"


class Bench:
    """The steps, in a thread; the collectors live in the reactor's."""

    def __init__(self, reactor: Any, folder: Path) -> None:
        self.reactor = reactor
        self.folder = folder
        self.hub = Hub(folder)
        self.rng = random.Random(1)

    def figures(self) -> list[Row]:
        """All of them."""
        hub = self.hub
        try:
            hub.start()
            port = json.loads((hub.folder / "run.json").read_text())["broker_port"]
            self.fleet = Fleet(self.reactor, hub.folder / "pki", self.folder / "certs", port)
            hub.apply(SETS + "\n---\n" + TEMPLATE)
            hub.apply("".join(device(n, BIG) for n in range(DEVICES)))
            hub.settled()
            rows = self.one_collector()
            rows += self.many_collectors()
            before, changes = self.changes()
            rows += changes
            rows += self.burst()
            rows += self.root_property()
            rows.append((f"memory of the hub with {COLLECTORS + 1} subscribers", hub.memory_mib(), "MiB", ""))
            rows += self.stuck(before)
        finally:
            for link in list(self.fleet.links.values()):
                self.call(link.stopService)
            hub.stop()
        return rows

    # --- the steps ----------------------------------------------------------------------------------------------------

    def one_collector(self) -> list[Row]:
        """A collector that has all devices: its first sync, and its coming back."""
        holder = self.fleet.add(BIG)
        link = self.fleet.links[BIG]
        cpu, wall = self.cost("cold sync", link.startService, lambda: len(holder.held_digests) == DEVICES)
        rows: list[Row] = [
            (f"cold sync, {DEVICES:,} devices to one collector", cpu, "s CPU hub", "< 10"),
            ("the same", wall, "s wall", ""),
            ("messages, of 256 KiB at most", holder.batches, "", ""),
            ("bytes for each device", link.crossed_bytes / DEVICES, "B", ""),
        ]
        first = len(holder.sessions)
        self.call(link.stopService)
        self.call(self.fleet.forget_figures)
        cpu, wall = self.cost(
            "warm reconnect", link.startService, lambda: len(holder.sessions) > first and self.has_everything(BIG)
        )
        rows += [
            ("warm reconnect of it: inside TLS", link.crossed_bytes, "B", "< 1,024"),
            ("until the hub knows that it has everything", wall * 1000, "ms", "< 100"),
            ("of the hub", cpu * 1000, "ms CPU", ""),
            ("configs sent again", holder.devices_sent, "", "0"),
        ]
        return rows

    def many_collectors(self) -> list[Row]:
        """All devices move from the one to many, which log in at once."""
        for number in range(COLLECTORS):
            self.fleet.add(owner(number))
        self.hub.apply("".join(device(n, owner(n)) for n in range(DEVICES)))
        self.until("all have left the one", lambda: not self.fleet.holders[BIG].held_digests)
        self.hub.settled()

        def start() -> None:
            for name, link in self.fleet.links.items():
                if name != BIG:
                    link.startService()

        cpu, wall = self.cost("sync of all", start, lambda: self.fleet.held == DEVICES)
        return [
            (f"cold sync to {COLLECTORS} collectors, logins with it", cpu, "s CPU hub", "< 10"),
            ("the same", wall, "s wall", ""),
        ]

    def changes(self) -> tuple[list[float], list[Row]]:
        """One change after the other."""
        times = [self.one_change(self.rng.randrange(DEVICES), 1000 + n) for n in range(CHANGES)]
        return times, [
            ("one change, request to acknowledged: median", statistics.median(times), "s", ""),
            ("99th percentile", percentile(times), "s", "< 1"),
        ]

    def burst(self) -> list[Row]:
        """A property of a class, a hundred times: each time all configs of its devices are others."""
        self.call(self.fleet.forget_figures)
        began, rounds, revision = time.perf_counter(), 0, 0
        while rounds < 100:
            revision = self.revision(
                f"kind: DeviceClass\nid: /Server/C0\nproperties: {{flap_restarts: {100 + rounds}}}\n"
            )
            rounds += 1
            time.sleep(max(0.0, began + rounds * BURST_S / 100 - time.perf_counter()))
        lasted = time.perf_counter() - began
        self.live(revision)
        late = time.perf_counter() - began - lasted
        pushes = [self.fleet.holders[owner(n)].pushes[f"host{n}"] for n in range(0, DEVICES, CLASSES)]
        aim = 1 + lasted / LONGEST_WAIT_S
        return [
            (f"{rounds * BURST_DEVICES:,} changes to {BURST_DEVICES:,} devices took", lasted, "s", ""),
            ("pushes for each device, most", max(pushes), "", f"<= {aim:.3g}"),
            ("last one live after the end", late, "s", ""),
        ]

    def root_property(self) -> list[Row]:
        """One property that changes every config."""
        before = self.hub.cpu_s()
        began = time.perf_counter()
        revision = self.revision("kind: DeviceClass\nid: /\nproperties: {flap_restarts: 77}\n")
        answered = time.perf_counter() - began
        self.live(revision)
        wall = time.perf_counter() - began
        self.hub.settled()
        return [
            (f"a property of the root, {DEVICES:,} configs", self.hub.cpu_s() - before, "s CPU hub", ""),
            ("answered", answered, "s wall", ""),
            ("live everywhere", wall, "s wall", ""),
        ]

    def stuck(self, before: list[float]) -> list[Row]:
        """One collector takes a push and never answers; the others must not notice."""
        holder = self.fleet.holders[owner(7)]
        self.call(lambda: holder.stuck.setdefault("apply", Deferred()))
        others = [n for n in range(DEVICES) if owner(n) != owner(7)]
        times = []
        for number in range(CHANGES):
            self.hub.apply(device(7, owner(7), 3000 + number))
            times.append(self.one_change(self.rng.choice(others), 5000 + number))
        return [
            ("one change beside one that never answers: median", statistics.median(times), "s", ""),
            ("99th percentile", percentile(times), "s", ""),
            ("in relation to that without it", percentile(times) / percentile(before), "", "< 1.1"),
            ("memory of the hub then", self.hub.memory_mib(), "MiB", ""),
        ]

    # --- the tools ----------------------------------------------------------------------------------------------------

    def call(self, work: Callable[[], Any]) -> Any:
        """Do something in the collectors' thread."""
        return blockingCallFromThread(self.reactor, work)

    def until(self, what: str, check: Callable[[], Any]) -> None:
        """Look again and again until something is so."""
        deadline = time.monotonic() + WITHIN_S
        while not check():
            if time.monotonic() > deadline:
                raise RuntimeError(f"{what}: not within {WITHIN_S} s")
            time.sleep(0.005)

    def cost(self, what: str, begin: Callable[[], Any], done: Callable[[], Any]) -> tuple[float, float]:
        """CPU seconds of the hub until it has nothing to do any more, wall seconds until it is done."""
        self.hub.settled()
        before, began = self.hub.cpu_s(), time.perf_counter()
        self.call(begin)
        self.until(what, done)
        wall = time.perf_counter() - began
        self.hub.settled()
        return self.hub.cpu_s() - before, wall

    def has_everything(self, collector: str) -> bool:
        """Whether the hub knows that a collector is there and runs all that it should."""
        rows = self.hub.ask("GET", "collectors")["collectors"]
        return any(row["id"] == collector and row["connected"] and not row["behind"] for row in rows)

    def revision(self, text: str) -> int:
        """Apply a text; give the revision that it made."""
        return int(self.hub.apply(text)["revision"])

    def live(self, revision: int, query: str = "") -> None:
        """Wait until a revision is live."""
        answer = self.hub.ask("GET", f"revisions/{revision}/live?wait=60{query}")
        if not answer["live"]:
            raise RuntimeError(f"revision {revision} is not live: {str(answer)[:500]}")

    def one_change(self, number: int, interval_s: int) -> float:
        """Seconds from the request that changes a device until its collector has acknowledged."""
        began = time.perf_counter()
        revision = self.revision(device(number, owner(number), interval_s))
        self.live(revision, f"&device=host{number}")
        return time.perf_counter() - began


def percentile(times: list[float]) -> float:
    """The 99th."""
    return statistics.quantiles(times, n=100, method="inclusive")[98]


def main() -> int:
    """Print the figures as JSON."""
    from common.daemon_run import run_to_end

    rows: list[Row] = []

    async def work(reactor: Any) -> int:
        with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
            rows.extend(await deferToThread(Bench(reactor, Path(folder)).figures))
        return 0

    status = run_to_end(work)
    print(json.dumps(rows))
    return status


if __name__ == "__main__":
    sys.exit(main())

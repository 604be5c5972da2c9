"""A hub with a large model: a real `tocsin-hub`, asked over its API, without collectors.

CPU time and memory are those of the hub's process, read from /proc; wall time is told where somebody waits for it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

Row = tuple[str, float, str, str]

DEVICES = 10_000
SETS = 20
CLASSES = 40
HERTZ = os.sysconf("SC_CLK_TCK")
TIMEOUT_S = 300.0

HUB = """
folder = "{folder}"
[http]
port = 0
[broker]
port = 0
"""
SET = """
kind: ProcessSet
id: set{n}
order: {n}
include: '^/usr/sbin/daemon{n}( |$){more}'
applies_to: ['{scope}']
---
"""
DEVICE = """
kind: Device
id: host{n}
address: 10.{a}.{b}.{c}
class: /Server/C{class_}
groups: [g{group}]
properties: {{snmp_community: public{group}}}
---
"""
TEMPLATE = """
kind: Template
id: small
component: process_set
sources:
  process:
    type: process
    points: [{{name: count}}, {{name: memory}}]
thresholds:
  memory: {{points: [memory], maximum: {maximum}, severity: warning}}
---
kind: DeviceClass
id: /Server/C3
templates: [small]
---
"""


def documents() -> str:
    """A site: devices in many classes and a few groups, twenty process sets that apply to each device."""
    sets = "".join(SET.format(n=n, more="", scope="/" if n else "/Server") for n in range(SETS))
    classes = "".join(
        f"kind: DeviceClass\nid: /Server/C{n}\nproperties: {{flap_restarts: {n + 1}}}\n---\n" for n in range(CLASSES)
    )
    devices = "".join(
        DEVICE.format(n=n, a=n // 65000, b=n // 250 % 256, c=n % 250, class_=n % CLASSES, group=n % 5)
        for n in range(DEVICES)
    )
    return sets + classes + devices


class Hub:
    """A hub in a process of its own, on a folder that stays over restarts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "hub"
        self.settings = folder / "hub.toml"
        self.settings.write_text(HUB.format(folder=self.folder))
        self.process: subprocess.Popen[bytes] | None = None
        self.url = self.token = ""

    def start(self) -> float:
        """Start it; return the CPU seconds that it took until it answered."""
        program = Path(sys.executable).parent / "tocsin-hub"
        run_file = self.folder / "run.json"
        self.process = subprocess.Popen(
            [program, "run", "--config", str(self.settings)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + TIMEOUT_S
        while not run_file.exists():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError("the hub did not start")
            time.sleep(0.05)
        ready = self.cpu_s()
        self.url = json.loads(run_file.read_text())["url"]
        self.token = (self.folder / "operator.token").read_text().strip()
        return ready

    def stop(self) -> None:
        """End it."""
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
            self.process = None

    def cpu_s(self) -> float:
        """CPU seconds since its start."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / HERTZ

    def memory_mib(self) -> float:
        """Resident memory."""
        assert self.process is not None
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024

    def settled(self) -> None:
        """Wait until it has nothing to do."""
        last = -1.0
        while (now := self.cpu_s()) - last > 0.03:
            last = now
            time.sleep(0.5)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the API."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}/api/v1/{path}", data, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        with urlopen(request, timeout=TIMEOUT_S) as answer:
            return json.load(answer)

    def apply(self, text: str, *, dry_run: bool = False) -> Any:
        """Apply a text."""
        files = [{"path": "fleet.yaml", "text": text}]
        return self.ask("POST", "apply", {"files": files, "message": "", "author": "bench", "dry_run": dry_run})

    def cost(self, work: Callable[[], Any]) -> tuple[float, float, Any]:
        """CPU seconds of the hub until it has nothing to do any more, wall seconds until it answered, the answer."""
        self.settled()
        before, began = self.cpu_s(), time.perf_counter()
        answer = work()
        waited = time.perf_counter() - began
        self.settled()
        return self.cpu_s() - before, waited, answer


def run() -> list[Row]:
    """Measure on a hub of its own."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        hub = Hub(Path(folder))
        try:
            return _figures(hub)
        finally:
            hub.stop()


def _figures(hub: Hub) -> list[Row]:
    empty = hub.start()
    hub.settled()
    bare = hub.memory_mib()
    cpu, wall, _ = hub.cost(lambda: hub.apply(documents()))
    rows: list[Row] = [
        ("start an empty hub", empty, "s CPU", ""),
        ("memory of it", bare, "MiB", ""),
        (f"apply {DEVICES:,} devices, {SETS} sets: answered", wall, "s wall", ""),
        ("the same, all configs compiled", cpu, "s CPU", ""),
        ("memory of the hub then", hub.memory_mib(), "MiB", ""),
    ]
    hub.stop()
    ready = hub.start()
    hub.settled()
    rows += [
        ("start with it until ready", ready, "s CPU", ""),
        ("until all configs are compiled", hub.cpu_s(), "s CPU", ""),
        ("memory after a start", hub.memory_mib(), "MiB", ""),
    ]
    device = "kind: Device\nid: host7\naddress: 10.9.9.{n}\nclass: /Server/C7\ngroups: [g2]\n"
    one = [hub.cost(partial(hub.apply, device.format(n=n)))[:2] for n in range(5)]
    rows += [
        ("apply one device", 1000 * sum(cpu for cpu, _ in one) / len(one), "ms CPU", ""),
        ("answered", 1000 * sum(wall for _, wall in one) / len(one), "ms wall", ""),
    ]
    hub.apply(TEMPLATE.format(maximum=1000))
    for what, text in (
        ("a template", TEMPLATE.format(maximum=2000)),
        ("a property of a class", "kind: DeviceClass\nid: /Server/C5\nproperties: {flap_restarts: 77}\n"),
        ("a process set", SET.format(n=3, more="x", scope="/")),
    ):
        cpu, wall, answer = hub.cost(partial(hub.apply, text, dry_run=True))
        rows.append((f"say whom {what} concerns ({len(answer['devices']):,} devices)", 1000 * wall, "ms wall", ""))
    return rows

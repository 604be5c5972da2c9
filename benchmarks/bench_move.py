"""What it costs to bring the files of a device to another collector: a real hub, two real collectors, loopback.

The device has twenty files of a minute's step, a year and more of rows each. CPU is that of each daemon with its
children, less what the same daemons used in the same time before. Beside it: how long a question to the receiving
collector takes, and a change until it is live there, before and while files come.
"""

from __future__ import annotations

import itertools
import json
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.integration.moving import MoveStack
from tests.integration.stack import Watched, wait_for

Row = tuple[str, float, str, str]

FILES = 20
MIB = 1024 * 1024
REST_S = 4.0
DAEMONS = ("c1", "hub", "c2")
NAMES = {"c1": "the collector that gives", "hub": "the hub", "c2": "the collector that takes"}


def run() -> list[Row]:
    """Move a device with its files, once."""
    with tempfile.TemporaryDirectory(prefix="tocsin-test-") as folder:
        bench, watched = Bench(Path(folder)), Watched()
        try:
            for number in range(FILES):
                watched.start(f"mvbench{number}")
            bench.start()
            return bench.measured()
        finally:
            bench.stop()
            watched.close()


class Bench(MoveStack):
    """A device of twenty files, and another one that is at the receiver already."""

    numbers = itertools.count()

    def measured(self) -> list[Row]:
        """Rest, move, and compare."""
        properties = "properties: {source: local, interval_s: 60}\n"
        self.apply(
            "kind: ProcessSet\nid: mvbench\ntitle: x\ninclude: '^mvbench(\\d+) '\nname: 'mvbench {1}'\n"
            f"---\nkind: Device\nid: host\naddress: 127.0.0.1\ncollector: c1\n{properties}"
            f"---\nkind: Device\nid: beside\naddress: 127.0.0.1\ncollector: c2\n{properties}"
        )
        wait_for("there are files", lambda: len(self.files("c1")) == FILES, 150)
        quiet = self.cpu_s()
        before = self.latencies(lambda: False, REST_S)
        rest = {name: (used - quiet[name]) / REST_S for name, used in self.cpu_s().items()}

        began, cpu = time.monotonic(), self.cpu_s()
        self.patch("host", '{"collector": "c2"}')
        beside = self.latencies(lambda: not self.moves("host")["open"], 120.0)
        took = time.monotonic() - began
        (move,) = self.moves("host")["moves"]
        if move["state"] != "done" or move["files"] != FILES:
            raise RuntimeError(f"the files did not come: {move}")
        used = {name: now - cpu[name] - rest[name] * took for name, now in self.cpu_s().items()}
        size = move["bytes"] / MIB
        return [
            (f"{FILES} files of", size, "MiB", ""),
            ("brought within", took, "s", "8 MiB a second"),
            *((f"CPU of {NAMES[name]}", 1000 * used[name] / FILES, "ms a file", "") for name in DAEMONS),
            *((f"CPU of {NAMES[name]}", 1000 * used[name] / size, "ms a MiB", "") for name in DAEMONS),
            *self.told("a question to the receiver", before[0], beside[0]),
            *self.told("a change until it is live there", before[1], beside[1]),
        ]

    @staticmethod
    def told(what: str, before: list[float], beside: list[float]) -> list[Row]:
        """Medians and worst ones."""
        return [
            (f"{what}, at rest", 1000 * statistics.median(before), "ms", ""),
            (f"{what}, while files come", 1000 * statistics.median(beside), "ms", ""),
            (f"{what}, the longest", 1000 * max(beside), "ms", ""),
        ]

    def latencies(self, is_over: Callable[[], bool], most_s: float) -> tuple[list[float], list[float]]:
        """Seconds of questions and of changes, one after the other, until it is over."""
        questions, changes = list[float](), list[float]()
        until = time.monotonic() + most_s
        while time.monotonic() < until and not is_over():
            questions += [self.timed(lambda: self.ask("configs/process/beside?live=1")) for _ in range(3)]
            changes.append(self.timed(self.change))
        return questions, changes

    @staticmethod
    def timed(work: Callable[[], object]) -> float:
        """Seconds that it takes."""
        began = time.monotonic()
        work()
        return time.monotonic() - began

    def change(self) -> None:
        """Change a device of the receiver, and wait until that is live."""
        revision = self.patch("beside", f'{{"set": {{"flap_window_s": {600 + next(self.numbers)}}}}}')
        self.ask(f"revisions/{revision}/live?wait=20&device=beside")

    def patch(self, device: str, body: str) -> int:
        """Change a device; give the revision."""
        request = urllib.request.Request(
            f"{self.env['TOCSIN_URL']}/api/v1/devices/{device}", body.encode(), method="PATCH"
        )
        request.add_header("Authorization", f"Bearer {self.env['TOCSIN_TOKEN']}")
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(json.load(answer)["revision"])

    def cpu_s(self) -> dict[str, float]:
        """CPU time of each daemon with its children."""
        return {name: _cpu_s(psutil.Process(self.running[name].pid)) for name in DAEMONS}


def _cpu_s(process: psutil.Process) -> float:
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        times = one.cpu_times()
        total += times.user + times.system
    return total

"""A fleet of simulated hosts, and a real process collector that polls it: what `bench_collector` measures.

The series' files are made before the collector starts, as holes of the right length behind a header: with a whole day
at full step and three years at a day, a hundred thousand real ones would take 100 GB. The writer changes the same pages
of them as of any other.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import rrdtool
from msgspec import Struct

from collectors.framework.configcache import ConfigCache
from collectors.framework.data.index import Index, Series
from collectors.process.points import layout
from common import rrd
from common.configs import (
    AuthProtocol,
    DeviceConfig,
    PrivProtocol,
    ProcessSetConfig,
    SnmpConfig,
    SnmpVersion,
    SourceKind,
)
from common.events import Severity
from common.judged import DerivedConfig, Level, ThresholdConfig
from common.processpoints import PROCESS_SOURCE
from common.series import SeriesKey

PROCESSES = 300
SETS = 20
USER, PASSWORD = "bench", "a password of the bench"

DERIVED = tuple(DerivedConfig(point=f"{point}_each", expression=f"{point} / count") for point in ("memory", "cpu"))
"""As in the template that ships."""

Endpoint = tuple[str, int]


def scenario() -> str:
    """Nineteen programs of 1 to 14 processes, a fourth of them busy; now and then one ends, or is started anew."""
    lines = ["programs:"]
    for number in range(1, SETS):
        lines += [
            f"  - name: app{number:02}",
            f"    path: /srv/app{number:02}/bin/app{number:02}",
            f'    parameters: "--config /etc/app{number:02}/live.conf --port {8000 + number} --worker {{n}}"',
            f"    count: {1 + number * 5 % 14}",
            f"    cpu: [{'0.5%, 8%' if number % 4 == 0 else '0%, 0%'}]",
            "    memory: [8MiB, 400MiB]",
        ]
    lines += ["    restarts: {every: 1h}", "    churns: {every: 3m, for: 1m}"]
    lines += ["  - name: batch", "    path: /srv/batch/run", "    dies: {every: 4h, for: 5m}"]
    return "\n".join(lines) + "\n"


def process_sets() -> tuple[ProcessSetConfig, ...]:
    """Twenty sets that take every process between them."""
    includes = [rf"^/srv/app{number:02}/" for number in range(1, SETS)] + ["."]
    return tuple(
        ProcessSetConfig(
            id=f"set{n:02}", title=f"set{n:02}", order=n, include=include, exclude=r"\b(vim|tail|grep)\b",
            name=f"set{n:02}", restart_severity=Severity.WARNING, count_min=1,
        )
        for n, include in enumerate(includes)
    )  # fmt: skip


def thresholds() -> tuple[ThresholdConfig, ...]:
    """Three on each set: on a gauge, on a counter, on a derived point."""
    return tuple(
        ThresholdConfig(
            id=point,
            points=(point,),
            levels=(Level(severity=Severity.CRITICAL, maximum=limit), Level(severity=Severity.WARNING, maximum=limit)),
            scans=3,
            hysteresis=0.1,
        )
        for point, limit in (("memory", 1e12), ("restarts", 1.0), ("memory_each", 1e12))
    )


def snmp(port: int, *, v3: bool) -> SnmpConfig:
    """Settings for an agent of the fleet."""
    if not v3:
        return SnmpConfig(port=port, community="public")
    return SnmpConfig(
        version=SnmpVersion.V3, port=port, user=USER, auth_protocol=AuthProtocol.SHA256, auth_password=PASSWORD,
        priv_protocol=PrivProtocol.AES128, priv_password=PASSWORD,
    )  # fmt: skip


def configs(endpoints: list[Endpoint], interval_s: int, *, v3: bool) -> list[DeviceConfig]:
    """Everything on, for each host of a fleet."""
    return [
        DeviceConfig(
            device=f"sim{number:05}",
            address=address,
            source=SourceKind.SNMP,
            interval_s=interval_s,
            snmp=snmp(port, v3=v3),
            process_sets=process_sets(),
            thresholds=thresholds(),
            derived=DERIVED,
        )
        for number, (address, port) in enumerate(endpoints)
    ]


# --- the fleet --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def fleet(devices: int) -> Iterator[tuple[psutil.Process, list[Endpoint]]]:
    """So many hosts in a process of their own, on one address and ports that the kernel chooses."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        happenings, truth, password = (Path(folder) / name for name in ("s.yaml", "t.jsonl", "password"))
        happenings.write_text(scenario())
        password.write_text(PASSWORD)
        words = ["--devices", devices, "--processes", PROCESSES, "--listen", "127.0.0.1:0", "--by-port"]
        words += ["--scenario", happenings, "--truth", truth, "--user", USER]
        words += ["--auth-protocol", "sha256", "--auth-password-file", password]
        words += ["--priv-protocol", "aes128", "--priv-password-file", password]
        command = [sys.executable, "-m", "collectors.sim.main", "fleet", *map(str, words)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
            assert program.stdout is not None
            if not program.stdout.readline():
                raise RuntimeError("the fleet did not start")
            facts = [json.loads(line) for line in truth.read_text().splitlines()]
            try:
                yield psutil.Process(program.pid), [(f["address"], f["port"]) for f in facts if f["what"] == "device"]
            finally:
                program.terminate()


# --- the collector ----------------------------------------------------------------------------------------------------


class Usage(Struct, frozen=True, kw_only=True):
    """What the processes of a collector have used, and what they did, so far.

    Attributes:
        cpu_s: user and system, by process: `daemon`, `writer`, `reader`.
        uss: bytes that no other process shares, of all of them.
    """

    cpu_s: dict[str, float]
    uss: int
    runs: int
    late: int
    failed: int
    at: float

    @property
    def cpu(self) -> float:
        """Of all processes."""
        return sum(self.cpu_s.values())


class Collector:
    """A `tocsin-process` of its own folder, its configs in its cache, and no hub.

    Args:
        program: module that is run, and its arguments before the verb.
    """

    def __init__(self, folder: Path, devices: list[DeviceConfig], program: tuple[str, ...]) -> None:
        self._folder = folder
        self._data = folder / "data"
        self._settings = folder / "process.toml"
        self._command = [sys.executable, "-m", *program]
        self._settings.write_text(
            f'folder = "{self._data}"\n[hub]\nport = 1\ncertificates = "{folder}/none"\n', encoding="utf-8"
        )
        ConfigCache(self._data / "configs").replace(devices, [])
        make_files(self._data / "rrd", devices)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Run it; what it says goes to a file."""
        with (self._folder / "out").open("wb") as out:
            self._process = subprocess.Popen(
                [*self._command, "run", "--config", str(self._settings)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    def stop(self) -> str:
        """End it; returns what it said."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(60)
        return (self._folder / "out").read_text(errors="replace")

    def stats(self) -> dict[str, Any]:
        """What `tocsin-process stats` prints; nothing while it does not answer."""
        command = [sys.executable, "-m", "collectors.process.main", "stats", "--json", "--config", str(self._settings)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found: dict[str, Any] = json.loads(done.stdout) if not done.returncode else {}
        return found

    def usage(self, *, after: bool = False) -> Usage:
        """How it stands; `after` a time that is measured, so that asking is not part of it."""
        if after:
            cpu_s, at = self._cpu_s(), time.monotonic()
            stats = self.stats()
        else:
            stats = self.stats()
            cpu_s, at = self._cpu_s(), time.monotonic()
        tasks = stats["task_list"]
        uss = sum(process.memory_full_info().uss for process in self._processes().values())
        runs, late, failed = (sum(task[name] for task in tasks) for name in ("runs", "late", "failed"))
        return Usage(cpu_s=cpu_s, uss=uss, runs=runs, late=late, failed=failed, at=at)

    def until_runs(self, runs: int, within_s: float, every_s: float = 1.0) -> None:
        """Wait until every device has been read so often; it is asked only now and then, because that costs it, too.

        Raises:
            RuntimeError: the collector ended, or it takes too long.
        """
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            time.sleep(every_s)
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError(f"the collector ended: {self.stop()[-3000:]}")
            tasks = self.stats().get("task_list", [])
            if tasks and min(task["runs"] for task in tasks) >= runs:
                return
        raise RuntimeError(f"not all devices were read {runs} times within {within_s:.0f} s")

    def _processes(self) -> dict[str, psutil.Process]:
        assert self._process is not None
        daemon = psutil.Process(self._process.pid)
        found = {"daemon": daemon}
        for child in daemon.children(recursive=True):
            words = " ".join(child.cmdline())
            found["writer" if "rrdwriter" in words else "reader" if "rrdqueries" in words else str(child.pid)] = child
        return found

    def _cpu_s(self) -> dict[str, float]:
        times = {name: process.cpu_times() for name, process in self._processes().items()}
        return {name: float(spent.user + spent.system) for name, spent in times.items()}


def make_files(root: Path, devices: list[DeviceConfig]) -> None:
    """The files of all series, as if they had been made an interval ago."""
    plan = layout(SourceKind.SNMP, devices[0].interval_s, devices[0].retention, devices[0].derived)
    first = int(time.time()) // plan.step_s * plan.step_s - plan.step_s
    root.mkdir(parents=True)
    model = root / "model"
    rrdtool.create(*rrd.create_arguments(str(model), plan, first))
    size = model.stat().st_size
    with model.open("rb") as file:
        header = file.read(rrd.header_bytes(len(plan.points), plan.step_s, plan.retention))
    model.unlink()
    index = Index(root)
    for device in devices:
        for definition in device.process_sets:
            key = SeriesKey(device.device, definition.name, PROCESS_SOURCE)
            name = rrd.file_name(key)
            index.put(Series(key=key, layout=plan, file=name, first=first))
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                file.write(header)
                file.truncate(size)
    index.close()


@contextlib.contextmanager
def collector(devices: list[DeviceConfig], *program: str) -> Iterator[Collector]:
    """A collector that runs until the block is left."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        one = Collector(Path(folder), devices, program or ("collectors.process.main",))
        one.start()
        try:
            yield one
        finally:
            one.stop()

"""How long from the death of a watched process to its event on disk, with a real daemon on this host.

The daemon scans every minute: what is known sooner it knows from process events. Time is by the wall here, for that is
what is promised; the share of CPU is that of the daemon.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from collectors.framework.configcache import ConfigCache
from collectors.framework.eventbytes import decode_event
from common.configs import DeviceConfig, ProcessSetConfig, SourceKind

Row = tuple[str, float, str, str]
COMMAND = [sys.executable, "-m", "collectors.process.main"]
KILLS = 40
CROWD = 500
STORM_S = 5.0
LOOK_S = 0.0005
PATIENCE_S = 10.0
SEEN_S = 8.0


class Daemon:
    """A process collector without a hub, that watches sets of `sleep` under names of this run."""

    def __init__(self, folder: Path, name: str, sets: int) -> None:
        self.folder = folder
        self.name = name
        self._config = folder / "process.toml"
        self._config.write_text(
            f'folder = "{folder}/data"\n[hub]\nport = 1\ncertificates = "{folder}/none"\n', encoding="utf-8"
        )
        definitions = tuple(
            ProcessSetConfig(id=f"s{n}", title=f"s{n}", order=n, include=f"^{name}-{n} ", name=f"s{n}", exclude="")
            for n in range(sets)
        )
        config = DeviceConfig(
            device="here", address="", source=SourceKind.LOCAL, interval_s=60, process_sets=definitions
        )
        ConfigCache(folder / "data" / "configs").replace([config], [])

    def do(self, verb: str, *options: str) -> str:
        """One of the daemon's verbs."""
        command = [*COMMAND, verb, "--config", str(self._config), *options]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise RuntimeError(f"{verb}: {done.stderr.strip()}")
        return done.stdout

    def stats(self) -> dict[str, Any]:
        """Its figures."""
        found: dict[str, Any] = json.loads(self.do("stats", "--json"))
        return found

    def cpu_s(self) -> float:
        """CPU seconds that the daemon has used."""
        return sum(psutil.Process(int(self.stats()["pid"])).cpu_times()[:2])

    def start_one(self, number: int) -> subprocess.Popen[bytes]:
        """A process of a set."""
        return subprocess.Popen([f"{self.name}-{number}", "600"], executable="/bin/sleep", stdin=subprocess.DEVNULL)

    def is_missing(self, number: int) -> bool:
        """Whether the spool has the event that a set is missing."""
        with contextlib.closing(sqlite3.connect(f"file:{self.folder}/data/spool.db?mode=ro", uri=True)) as db:
            bodies = db.execute("SELECT body FROM events ORDER BY id DESC LIMIT 5").fetchall()
        events = [decode_event(body) for (body,) in bodies]
        return any(event.component == f"s{number}" and event.event_key == "process_missing" for event in events)


def wait_until(ready: Any) -> float:
    """Seconds until something is so."""
    begun = time.monotonic()
    while not ready():
        if time.monotonic() - begun > PATIENCE_S:
            return PATIENCE_S
        time.sleep(LOOK_S)
    return time.monotonic() - begun


def latencies(daemon: Daemon, processes: list[subprocess.Popen[bytes]]) -> list[float]:
    """Seconds from each kill to the event of it in the spool."""
    found = []
    for number in range(KILLS):
        processes[number].kill()
        processes[number].wait()
        found.append(wait_until(partial(daemon.is_missing, number)))
        time.sleep(1.2)  # scans out of turn are rationed; deaths that follow each other more closely share one
    return sorted(found)


def crowd(daemon: Daemon, processes: list[subprocess.Popen[bytes]]) -> tuple[float, float]:
    """Seconds until the end of a large set is told, and scans that were made for it."""
    scans = daemon.stats()["process_events"]["here"]["scans_out_of_turn"]
    for process in processes:
        process.kill()
    took = wait_until(partial(daemon.is_missing, KILLS))
    for process in processes:
        process.wait()
    time.sleep(1.5)
    return took, daemon.stats()["process_events"]["here"]["scans_out_of_turn"] - scans


def storm() -> float:
    """Have processes started and ended as fast as one shell can; returns how many a second."""
    code = f"import os,time\nend=time.monotonic()+{STORM_S}\nn=0\nwhile time.monotonic()<end:\n"
    code += " p=os.fork()\n if not p: os._exit(0)\n os.waitpid(p,0); n+=1\nprint(n)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stdout) / STORM_S


def run() -> list[Row]:
    """Measure."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        daemon = Daemon(Path(folder), f"d{uuid.uuid4().hex[:8]}", KILLS + 1)
        processes = [daemon.start_one(number) for number in range(KILLS)]
        try:
            daemon.do("start")
            wait_until(lambda: daemon.stats()["task_list"][0]["runs"] >= 1)
            standing = daemon.stats()["process_events_standing"]
            if not standing.endswith(": on"):
                raise RuntimeError(f"nothing can be measured here: {standing}")
            told = latencies(daemon, processes[:KILLS])
            processes += [daemon.start_one(KILLS) for _ in range(CROWD)]
            time.sleep(SEEN_S)
            took, scans = crowd(daemon, processes[KILLS:])
            cpu_s = daemon.cpu_s()
            rate = storm()
            used = (daemon.cpu_s() - cpu_s) / STORM_S
            counts = daemon.stats()["process_events"]["here"]
        finally:
            daemon.do("stop")
            for process in processes:
                process.kill()
                process.wait()
    return [
        ("a death to its event in the spool, p50", 1000 * told[len(told) // 2], "ms", "< 100"),
        ("the same, p99", 1000 * told[min(len(told) - 1, int(0.99 * len(told)))], "ms", "< 100"),
        (f"the end of a set of {CROWD} to its event", 1000 * took, "ms", ""),
        ("scans that were made for that", scans, "scans", "1 or 2"),
        ("a fork loop: processes", rate, "a second", ""),
        ("CPU of the daemon meanwhile", 100 * used, "% of one", "< 10"),
        ("times that it was too much, and it paused", counts["pauses"], "", ""),
        ("times that the socket overflowed", counts["overflows"], "", ""),
    ]

"""Does the process collector find what really happens, and how soon? The real daemon on a simulated fleet, over UDP.

A fleet whose processes and agents misbehave runs in a process of its own, the daemon in another, both in real time.
Afterwards the daemon's events are compared with what the fleet says that happened: tests/truth has the judge.

`python -m benchmarks.bench_truth --devices 1000 --minutes 10 --interval 30` takes other numbers.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
from msgspec import Struct

from benchmarks.__main__ import show
from collectors.framework.configcache import ConfigCache
from collectors.framework.eventbytes import decode_event
from collectors.framework.spooldb import state_in
from collectors.process.memory import load
from collectors.process.task import state_key
from collectors.sim.scenario import read_scenario
from common.configs import DeviceConfig, ProcessSetConfig, SnmpConfig, SourceKind
from common.events import Event, Severity
from tests.truth.evidence import Truth, judge_fleet, read_cycles, read_truth
from tests.truth.judge import Record

Row = tuple[str, float, str, str]
SCENARIO = """
programs:
  - {name: web, path: /usr/bin/web, parameters: "-n {n}", count: 4, cpu: [1%, 5%], restarts: {every: 2m}}
  - {name: pool, path: /usr/bin/pool, count: [3, 6], churns: {every: 50s, for: 40s}, dies: {every: 4m, for: 1m}}
  - {name: old, path: /usr/bin/old, cpu: [20%, 60%], restarts: {every: 3m, same_pid: true}}
  - {name: one, path: /usr/bin/one, dies: {every: 5m, for: 80s}, restarts: {every: 5m}}
  - {name: brief, path: /usr/bin/brief, dies: {every: 3m, for: 15s}}
  - {name: mail, path: /bin/mail, count: 2, stops: {every: 6m, for: 1m}, flaps: {every: 6m, times: 10, within: 3m}}
  - {name: undead, path: /usr/bin/undead, count: 2, cpu: 5%, zombies: {every: 4m, for: 40s}}
  - {name: forbidden, path: /usr/bin/forbidden, count: 0, churns: {every: 4m, for: 30s}}
  - {name: some, path: /usr/bin/some, on: 50%}
agents:
  silent: {every: 10m, for: 40s, on: 40%}
  slow: {every: 10m, for: 40s, by: 200ms, on: 40%}
  truncated: {every: 8m, for: 40s, keep: 45%, on: 40%}
  only_agent: {every: 10m, for: 40s, on: 40%}
  non_increasing: {every: 10m, for: 40s, on: 40%}
  too_big: {every: 8m, for: 1m, over: 1KiB, on: 40%}
  lossy: {every: 8m, for: 1m, one_in: 5, on: 40%}
  restarts: {every: 10m, for: 4s, on: 40%}
  reboots: {every: 10m, for: 30s, on: 40%}
"""
TIMEOUT_S = 1.0
OPTIONAL = frozenset({"forbidden"})
CHANGES: dict[str, dict[str, Any]] = {
    "pool": {"count_min": 3, "count_max": 7}, "brief": {"confirm": 2}, "forbidden": {"count_max": 0},
}  # fmt: skip
SETS = ("web", "pool", "old", "one", "brief", "mail", "undead", "forbidden", "some")
KEYS = (
    "process_missing", "process_missing, confirm 2", "process_missing closed", "process_restarted",
    "agent_restarted", "snmp_timeout", "table_incomplete",
)  # fmt: skip


class Size(Struct, frozen=True):
    """How large a run is."""

    devices: int = 200
    minutes: float = 4.0
    interval_s: int = 10
    processes: int = 150
    seed: int = 1


def configs_of(truth: Truth, interval_s: int) -> list[DeviceConfig]:
    """How the daemon is to watch each host."""
    sets = tuple(
        ProcessSetConfig(
            id=name, title=name, order=order, include=rf"/{name}\b", name=name, required=name not in OPTIONAL,
            restart_severity=Severity.INFO, **CHANGES.get(name, {}),
        )
        for order, name in enumerate(SETS)
    )  # fmt: skip
    return [
        DeviceConfig(
            device=device, address=about["address"], source=SourceKind.SNMP, interval_s=interval_s,
            snmp=SnmpConfig(port=about["port"], timeout_s=TIMEOUT_S, retries=2), process_sets=sets, flap_restarts=5,
            flap_window_s=120,
        )
        for device, about in truth.devices.items()
    ]  # fmt: skip


@contextlib.contextmanager
def fleet(folder: Path, size: Size) -> Iterator[None]:
    """The fleet, which serves until it is left."""
    (folder / "scenario.yaml").write_text(SCENARIO)
    words = ["--devices", size.devices, "--processes", size.processes, "--seed", size.seed, "--by-port"]
    words += ["--listen", "127.0.0.1:0", "--scenario", folder / "scenario.yaml"]
    words += ["--truth", folder / "truth.jsonl", "--visits", folder / "visits.jsonl"]
    command = [sys.executable, "-m", "collectors.sim.main", "fleet", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        try:
            assert program.stdout.readline(), "the fleet did not begin"
            yield
        finally:
            program.terminate()


def watch(folder: Path, seconds: float) -> float:
    """Run the daemon for a while; returns its CPU seconds, its children's included."""
    settings = folder / "process.toml"
    text = f'folder = "{folder / "data"}"\n[hub]\nport = 1\n[events]\nmax_events = 2000000\nmax_mb = 1000\n'
    settings.write_text(text)
    command = [sys.executable, "-m", "collectors.process.main", "run", "--config", str(settings)]
    with (folder / "daemon.out").open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as program:
        time.sleep(seconds)
        assert program.poll() is None, (folder / "daemon.out").read_text()
        daemon = psutil.Process(program.pid)
        used = sum(sum(one.cpu_times()[:2]) for one in [daemon, *daemon.children(recursive=True)])
        program.send_signal(signal.SIGTERM)
        program.wait(60)
    return float(used)


def events_in(spool: Path) -> list[Event]:
    """The events that wait for a hub."""
    with contextlib.closing(sqlite3.connect(spool)) as db:
        return [decode_event(body) for (body,) in db.execute("SELECT body FROM events ORDER BY id")]


def percentile(values: Sequence[float], part: float) -> float:
    """The value that this part of them does not exceed."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def figures(record: Record, size: Size, scans: int, cpu_s: float) -> list[Row]:
    """What, value, unit, aim."""
    rows: list[Row] = [
        (f"cycles of {size.devices} devices with {size.processes} processes each", scans, "", ""),
        ("misses", record.of("miss"), "", "0"),
        ("false alarms", record.of("false"), "", "0"),
        ("told twice", record.of("doubled"), "", "0"),
        ("wrong figures", record.of("wrong"), "", "0"),
        ("CPU of the daemon and its writer for each cycle", 1000 * cpu_s / max(scans, 1), "CPU ms", ""),
    ]
    for key in KEYS:
        late = record.late.get(key)
        if late:
            rows.append((f"{key}: so many", len(late), "", ""))
            rows.append(
                (f"  after it happened, half of them within, of {size.interval_s} s", percentile(late, 0.5), "s", "")
            )
            most = size.interval_s * (2 if key.endswith("confirm 2") else 1)
            rows.append(("  99 of 100 within", percentile(late, 0.99), "s", f"< {most} + a scan"))
    return rows


def measure(size: Size, folder: Path) -> tuple[Record, list[Row]]:
    """One run, and what came of it."""
    with fleet(folder, size):
        truth = read_truth(folder / "truth.jsonl")
        configs = configs_of(truth, size.interval_s)
        ConfigCache(folder / "data" / "configs").replace(configs, [])
        cpu_s = watch(folder, 60 * size.minutes)
        ended = time.time()
    truth = read_truth(folder / "truth.jsonl")
    cycles = read_cycles(folder / "visits.jsonl", TIMEOUT_S)
    until = ended - truth.began - size.interval_s  # what began later may have been cut short
    ailments = read_scenario(SCENARIO, "bench").agents
    spool = folder / "data" / "spool.db"
    events = events_in(spool)
    record, judges = judge_fleet(truth, cycles, events, configs, ailments, until)
    judged = {name for name, own in cycles.items() if own[-1][0] < until}
    for device in judged:  # of whom it read again, it knows more than was judged
        judges[device].ends_with(load(state_in(spool, state_key(device))))
    scans = sum(begin < until for own in cycles.values() for begin, _ in own)
    return record, figures(record, size, scans, cpu_s)


def run(size: Size | None = None, keep: Path | None = None) -> list[Row]:
    """What, value, unit, aim; whatever is not as it should be is printed before."""
    with tempfile.TemporaryDirectory() as folder:
        record, rows = measure(size or Size(), keep or Path(folder))
    for verdict in record.verdicts[:100]:
        print(f"  {verdict}", flush=True)
    return rows


def main() -> int:
    """Run with other numbers; exit code 1 when something is not as it should be."""
    parser = argparse.ArgumentParser(description="Compare what the process collector tells with what happens.")
    parser.add_argument("--devices", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--interval", type=int, default=10, help="seconds from scan to scan")
    parser.add_argument("--processes", type=int, default=150, help="on each device")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="a new folder: leave what was written there")
    options = parser.parse_args()
    if options.keep is not None:
        options.keep.mkdir(parents=True)  # a daemon would go on with what is there
    size = Size(options.devices, options.minutes, options.interval, options.processes, options.seed)
    rows = run(size, options.keep)
    show(rows)
    return int(any(value for what, value, _, aim in rows if aim == "0"))


if __name__ == "__main__":
    sys.exit(main())

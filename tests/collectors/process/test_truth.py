"""The process collector on simulated hosts, beside the list of what really happened there: no miss, no false alarm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from collectors.framework.processtable import ProcessTable
from collectors.process.task import ProcessTask
from collectors.sim.scenario import read_scenario
from common.configs import DeviceConfig, ProcessSetConfig, SnmpConfig, SnmpVersion, SourceKind
from common.events import Event, Severity
from tests.truth.judge import Record
from tests.truth.simulated import Simulation

PROGRAMS = """
programs:
  - {name: web, path: /usr/bin/web, count: 4, restarts: {every: 4m}}
  - {name: pool, path: /usr/bin/pool, count: [3, 5], churns: {every: 3m, for: 150s}, dies: {every: 9m, for: 4m}}
  - {name: old, path: /usr/bin/old, cpu: [20%, 60%], restarts: {every: 11m, same_pid: true}}
  - {name: one, path: /usr/bin/one, dies: {every: 20m, for: 5m}, restarts: {every: 15m}}
  - {name: brief, path: /usr/bin/brief, dies: {every: 10m, for: 70s}}
  - {name: mail, path: /bin/mail, count: 2, stops: {every: 40m, for: 6m}, flaps: {every: 80m, times: 9, within: 15m}}
  - {name: undead, path: /usr/bin/undead, count: 2, cpu: 10%, zombies: {every: 12m, for: 3m}}
  - {name: forbidden, path: /usr/bin/forbidden, count: 0, churns: {every: 15m, for: 3m}}
  - {name: some, path: /usr/bin/some, on: 50%}
  - {name: guest, path: /usr/bin/guest, count: 0, churns: {every: 25m, for: 8m}}
"""
AGENTS = """
agents:
  silent: {every: 70m, for: 5m}
  slow: {every: 60m, for: 5m, by: 600ms}
  truncated: {every: 50m, for: 6m, keep: 45%}
  only_agent: {every: 90m, for: 4m}
  non_increasing: {every: 70m, for: 4m}
  too_big: {every: 60m, for: 6m, over: 1KiB}
  lossy: {every: 60m, for: 6m, one_in: 5}
  restarts: {every: 60m, for: 20s}
  reboots: {every: 90m, for: 90s}
"""
OPTIONAL = frozenset({"forbidden", "guest"})
CHANGES: dict[str, dict[str, Any]] = {
    "pool": {"count_min": 3, "count_max": 6},
    "brief": {"confirm": 3},
    "forbidden": {"count_max": 0},
    "mail": {"restart_severity": None},
    "one": {"missing_severity": Severity.CRITICAL},
}
SETS = ("web", "pool", "old", "one", "brief", "mail", "undead", "forbidden", "some", "guest")
CONFIG = DeviceConfig(
    device="sim0001",
    address="192.0.2.1",
    source=SourceKind.SNMP,
    interval_s=60,
    snmp=SnmpConfig(timeout_s=1.0, retries=1),
    process_sets=tuple(
        ProcessSetConfig(
            id=name, title=name, order=order, include=rf"/{name}\b", name=name,
            **{"required": name not in OPTIONAL, "restart_severity": Severity.INFO} | CHANGES.get(name, {}),
        )
        for order, name in enumerate(SETS)
    ),
    flap_restarts=5,
)  # fmt: skip
SCENARIO = read_scenario(PROGRAMS + AGENTS, "the test")
CASES = {
    # the rows of the table in docs/process-rules.md
    "first scan, up", "first scan, none", "the same", "restarts", "restarts and exits", "restarts and starts",
    "some gone", "some new", "all gone", "pid used again", "a gap shorter than confirm", "zombie", "rightly absent",
    "process_missing", "up again", "process_count", "process_count closed",
    "process_restarting", "process_restarting closed",
    # agents and hosts that come up anew, and daemons
    "the agent came up anew", "the same after a restart of the agent", "the host came up anew",
    "all new after a reboot", "the uptime wrapped", "died while the daemon was down",
    # agents that misbehave: those that can be read all the same, and those that cannot
    "read: slow", "read: too_big", "read: lossy", "read: truncated", "unreadable: silent", "unreadable: truncated",
    "unreadable: only_agent", "unreadable: non_increasing", "unreadable: restarts", "unreadable: reboots",
    "snmp_timeout", "table_incomplete",
}  # fmt: skip
SLOWEST_SCAN_S = 20.0
CYCLES = 240
"""Of a minute each."""


def about_to_wrap(host: Any) -> None:
    """A host that has been up for nearly 497 days."""
    host.host_since = 1800 - 2**32 / 100
    host.agent_since = host.host_since + 30


def simulate(seeds: Sequence[int], cycles: int = CYCLES, config: DeviceConfig = CONFIG, **how: Any) -> Record:
    record = Record()
    for seed in seeds:
        fields = msgspec.structs.replace(config, device=f"host{seed}")
        Simulation(fields, SCENARIO, seed, record, **how).run(cycles, killed_every=70)
    return record


@pytest.mark.timeout(600)  # it has the most to reckon
def test_no_miss_and_no_false_alarm_in_any_case() -> None:
    record = simulate(range(1, 9))
    wrapping = msgspec.structs.replace(CONFIG, device="wrapping")
    Simulation(wrapping, SCENARIO, 99, record, prepare=about_to_wrap).run(90)
    assert not record.verdicts, "\n" + "\n".join(map(str, record.verdicts[:40]))
    assert not CASES - record.cases.keys(), "these never happened; choose other seeds, or let more happen"
    assert max(record.late["process_missing"]) <= 60 + SLOWEST_SCAN_S
    assert max(record.late["process_missing, confirm 3"]) <= 3 * 60 + SLOWEST_SCAN_S
    assert max(record.late["process_restarted"]) <= 60 + SLOWEST_SCAN_S


@pytest.mark.parametrize(
    "changes",
    [
        {"snmp": SnmpConfig(timeout_s=1.0, retries=1, version=SnmpVersion.V1)},
        {"snmp": SnmpConfig(timeout_s=1.0, retries=0)},
        {"full_scan_every": 1},
    ],
    ids=["v1", "no retries", "full passes"],
)
def test_nor_when_it_is_read_otherwise(changes: dict[str, Any]) -> None:
    record = simulate([3], config=msgspec.structs.replace(CONFIG, **changes))
    assert not record.verdicts, "\n" + "\n".join(map(str, record.verdicts[:40]))
    assert record.cases["process_missing"] > 10


# --- a collector that errs is found out -------------------------------------------------------------------------------


class Around:
    """A source with something changed; each of these collectors errs in one way."""

    def __init__(self, source: Any) -> None:
        self.source = source
        self.scans = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.source, name)

    async def scan(self, full: bool) -> ProcessTable:
        self.scans += 1
        table: ProcessTable = await self.source.scan(full)
        return self.changed(table)

    def changed(self, table: ProcessTable) -> ProcessTable:
        return table

    def each_row(self, table: ProcessTable, **fields: Any) -> ProcessTable:
        rows = {pid: msgspec.structs.replace(row, **fields) for pid, row in table.rows.items()}
        return msgspec.structs.replace(table, rows=rows)


class BelievesWhatEndsEarly(Around):
    async def alive(self, pids: Sequence[int]) -> frozenset[int]:
        return frozenset()


class CallsEveryTableComplete(BelievesWhatEndsEarly):
    def changed(self, table: ProcessTable) -> ProcessTable:
        return msgspec.structs.replace(table, complete=True, problem="")


class OverlooksPidsUsedAgain(Around):
    def changed(self, table: ProcessTable) -> ProcessTable:
        return self.each_row(table, cpu_s=None)


class TakesZombiesForAlive(Around):
    def changed(self, table: ProcessTable) -> ProcessTable:
        return self.each_row(table, alive=True)


class KnowsNoUptime(Around):
    def changed(self, table: ProcessTable) -> ProcessTable:
        return msgspec.structs.replace(table, uptime_s=None)


class TakesAgentsForHosts(Around):
    def changed(self, table: ProcessTable) -> ProcessTable:
        return msgspec.structs.replace(table, host_uptime_s=table.uptime_s)


class OverlooksAProcessNowAndThen(Around):
    def changed(self, table: ProcessTable) -> ProcessTable:
        if self.scans % 50 > 3:
            return table
        rows = {pid: row for pid, row in table.rows.items() if row.name != "one"}
        return msgspec.structs.replace(table, rows=rows)


class VerifiesNothing(ProcessTask):
    async def _read(self) -> ProcessTable:
        return await self._source.scan(True)


class CountsExitsAsRestarts(ProcessTask):
    async def run(self, slot: int) -> None:
        before = {name: len(kept.pids) for name, kept in self.tracker.memory.sets.items()}
        await super().run(slot)
        for name, kept in self.tracker.memory.sets.items():
            kept.restarts += 0 < len(kept.pids) < before.get(name, 0)


class Sink:
    """A sink that loses events, or tells them twice."""

    def __init__(self, sink: Any, times: int) -> None:
        self.sink = sink
        self.times = times
        self.told = 0

    async def send(self, events: Sequence[Event], state_key: str = "", state: bytes | None = None) -> None:
        self.told += len(events)
        again = [*events] * self.times if self.told % 7 == 0 else events
        await self.sink.send(again, state_key, state)


BROKEN: dict[str, tuple[str, dict[str, Any]]] = {
    "verifies nothing": ("false", {"make_task": VerifiesNothing}),
    "believes tables that end early": ("false", {"wrap_source": BelievesWhatEndsEarly}),
    "calls every table complete": ("false", {"wrap_source": CallsEveryTableComplete}),
    "overlooks pids used again": ("miss", {"wrap_source": OverlooksPidsUsedAgain}),
    "takes zombies for alive": ("wrong", {"wrap_source": TakesZombiesForAlive}),
    "overlooks restarts of agents": ("miss", {"wrap_source": KnowsNoUptime}),
    "takes agents for hosts": ("wrong", {"wrap_source": TakesAgentsForHosts}),
    "overlooks a process now and then": ("false", {"wrap_source": OverlooksAProcessNowAndThen}),
    "counts exits as restarts": ("false", {"make_task": CountsExitsAsRestarts}),
    "loses events": ("miss", {"wrap_events": lambda sink: Sink(sink, 0)}),
    "tells events twice": ("doubled", {"wrap_events": lambda sink: Sink(sink, 2)}),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_collector_that_errs_is_found_out(how: str) -> None:
    kind, changes = BROKEN[how]
    record = simulate([2], CYCLES, **changes)
    assert record.of(kind), Counter(verdict.kind for verdict in record.verdicts)

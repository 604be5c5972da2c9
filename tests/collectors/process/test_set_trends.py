"""Trends on the points of process sets: what begins a window anew, over SNMP and on this host."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.process.judging import SetJudge
from collectors.process.memory import dump, load
from collectors.process.report import judged as lines
from common.events import Event, Severity
from common.judged import Level, ThresholdConfig, ThresholdForm
from tests.collectors.process.test_tracker import Host, definition

MIB = 1 << 20
LEAK = ThresholdConfig(
    id="leak",
    points=("memory",),
    form=ThresholdForm.TREND,
    levels=(Level(severity=Severity.WARNING, maximum=1000 * MIB),),
    within_s=3600,
    window_s=1800,
)


class Leaking(Host):
    """A host whose set, which is known for long, grows by so much with each scan, one in ten seconds."""

    def __init__(self, *, local: bool = True) -> None:
        super().__init__(definition(), local=local, thresholds=(LEAK,))
        self.judge = SetJudge(self.config)
        self.size = 500 * MIB

    def grow(self, scans: int, *pids: int, by: int = MIB, **fields: Any) -> list[Event]:
        events: list[Event] = []
        for _ in range(scans):
            self.size += by
            rows = {pid: self.row(pid, memory_bytes=self.size // len(pids), **fields) for pid in pids}
            outcome = self.observe(rows)
            at = outcome.view.table.at
            self.judgement = self.judge.judge(self.tracker.memory, outcome, at, int(at))
            events += self.judgement.events
            for window in (one for kept in self.tracker.memory.thresholds.values() for one in kept.trends.values()):
                window.since = 1.0
        return events


@pytest.mark.parametrize("local", [True, False])
def test_a_leak_is_told_and_a_restart_of_the_set_ends_it(local: bool) -> None:
    host = Leaking(local=local)
    (leak,) = host.grow(200, 1, 2)
    assert leak.summary.startswith("memory of web is ")
    assert "grows by 360 MiB/h and reaches the limit of 1000 MiB in about" in leak.summary
    assert any("grows by 360 MiB/h" in line for line in lines(host.judgement, host.config))
    host.tracker.memory = load(dump(host.tracker.memory))
    host.size = 100 * MIB
    started = host.tracker.memory.scanned_at if local else None
    (over,) = host.grow(1, 3, 4, started=started)
    assert (over.severity, over.summary.rpartition(", ")[2]) == (Severity.CLEAR, "and begins anew")


@pytest.mark.parametrize("local", [True, False])
def test_one_worker_of_many_that_is_new_changes_nothing(local: bool) -> None:
    host = Leaking(local=local)
    told: list[Event] = []
    for number in range(20):
        told += host.grow(10, 1, 2, 3, 10 + number)
    assert [event.severity for event in told] == [Severity.WARNING]


def test_a_number_that_is_used_again_over_snmp_is_a_restart_of_the_set() -> None:
    host = Leaking(local=False)
    assert len(host.grow(200, 1)) == 1
    host.size = 50 * MIB
    (over,) = host.grow(1, 1, cpu_s=0.01)
    assert over.severity is Severity.CLEAR


def test_a_set_that_was_missing_begins_anew() -> None:
    host = Leaking()
    assert host.grow(100, 1) == []
    for _ in range(3):
        host.scan()
    assert host.grow(60, 2, started=host.tracker.memory.scanned_at) == []  # 160 scans in all, but 60 of this one

"""The process collector on a simulated host, beside the list of what really happened there."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from collectors.framework.captures.run import Kept
from collectors.framework.interfaces import CollectorContext
from collectors.framework.snmp.factory import client_factory
from collectors.process.source_snmp import SnmpSource
from collectors.process.task import ProcessTask
from collectors.sim.facts import Fact
from common.configs import DeviceConfig, ProcessSetConfig, SnmpConfig, SourceKind
from common.errors import TocsinError
from common.events import Event
from tests.collectors.sim.worlds import BEGAN, responder, scenario, world
from tests.fakes.snmp import FakeUdpReactor

INTERVAL_S = 60
CYCLES = 240
PROGRAMS = ("web", "pool", "old", "one")
TEXT = """
programs:
  - {name: web, path: /usr/bin/web, count: 4, restarts: {every: 5m}}
  - {name: pool, path: /usr/bin/pool, count: [2, 4], churns: {every: 2m, for: 150s}, dies: {every: 9m, for: 4m}}
  - {name: old, path: /usr/bin/old, cpu: 60%, restarts: {every: 11m, same_pid: true}}
  - {name: one, path: /usr/bin/one, dies: {every: 15m, for: 5m}}
agents:
  silent: {every: 40m, for: 6m}
  restarts: {every: 70m, for: 20s}
"""
CONFIG = DeviceConfig(
    device="sim0001",
    address="192.0.2.1",
    source=SourceKind.SNMP,
    interval_s=INTERVAL_S,
    snmp=SnmpConfig(timeout_s=0.5, retries=0),
    process_sets=tuple(
        ProcessSetConfig(id=name, title=name, order=order, include=rf"/{name}\b", name=name, required=True)
        for order, name in enumerate(PROGRAMS)
    ),
    flap_restarts=10_000,
)


class Book:
    """Keeps, by the facts alone, what a collector has to find."""

    def __init__(self, host: Any) -> None:
        self.pids = {name: {p.pid: p.began for p in host.processes.values() if p.name == name} for name in PROGRAMS}
        self.seen = {name: dict(pids) for name, pids in self.pids.items()}
        self.scanned = 0.0
        self.restarts = dict.fromkeys(PROGRAMS, 0)
        self.missing: set[str] = set()
        self.silent = 0
        self.agent_since = host.agent_since
        self.uptime = 0.0

    def take(self, fact: Fact) -> None:
        """Follow what happened."""
        if fact.program:
            pids = self.pids[fact.program]
            if fact.what in {"exited", "restarted"}:
                del pids[fact.pid if fact.old_pid is None else fact.old_pid]
            if fact.what in {"started", "restarted"}:
                pids[fact.pid or 0] = fact.t
        elif fact.what in {"begins", "agent_stopped", "ends", "agent_started"}:
            self.silent += 1 if fact.what in {"begins", "agent_stopped"} else -1
            if fact.what == "agent_started":
                self.agent_since = fact.t

    def scan(self, t: float) -> list[tuple[str, str, bool]]:
        """The alarms that a scan at t has to open (True) or close, by set and key."""
        expected = []
        # An agent that came up anew is known by an uptime that went back; if it was away for long, it may not have.
        new_base = t - self.agent_since < self.uptime
        for name, now in self.pids.items():
            before = self.seen[name]
            if not now and name not in self.missing:
                self.missing.add(name)
                expected.append((name, "process_missing", True))
            elif now and name in self.missing:
                self.missing.remove(name)
                expected.append((name, "process_missing", False))
            elif now:
                gone, new = before.keys() - now.keys(), now.keys() - before.keys()
                again = [pid for pid in before.keys() & now.keys() if before[pid] != now[pid]]
                # CPU time tells a process from the one before it only when it fell.
                fell = [pid for pid in again if self.scanned - before[pid] > t - now[pid]]
                self.restarts[name] += 0 if new_base else min(len(gone), len(new)) + len(fell)
            self.seen[name] = dict(now)
        self.scanned, self.uptime = t, t - self.agent_since
        return expected


def alarms(events: list[Event]) -> list[tuple[str, str, bool]]:
    return [(event.component, event.event_key, event.severity.value > 0) for event in events]


@pytest.mark.parametrize("seed", range(4))
def test_no_miss_and_no_false_alarm(seed: int) -> None:
    made = world(TEXT, seed=seed)
    (host,) = made.hosts
    agent = responder(scenario(TEXT))
    reactor = FakeUdpReactor()
    reactor.network = lambda datagram: [answer] if (answer := agent.answer(host, datagram, reactor.seconds())) else []
    kept = Kept()

    def wall() -> float:
        return BEGAN + float(reactor.seconds())

    context = CollectorContext(
        clock=reactor, wall=wall, reactor=reactor, rng=random.Random(1), events=kept, states=kept, samples=kept,
        data_dir=Path(), hub_epoch=str, send_model=kept.send_model,
    )  # fmt: skip
    make = client_factory(reactor, reactor, random.Random(1))
    task = ProcessTask(CONFIG, context, lambda config, _: SnmpSource(make, config, wall, reactor.seconds))
    book = Book(host)
    told, expected, silences = [], [], 0
    for cycle in range(CYCLES):
        t = float(INTERVAL_S * cycle + 1)
        reactor.advance(t - reactor.seconds())
        for fact in made.advance(t):
            book.take(fact)
        try:
            reactor.finish(task.run(int(wall()) // INTERVAL_S * INTERVAL_S))
        except TocsinError:
            assert book.silent
            silences += 1
        else:
            assert not book.silent
            expected += book.scan(t)
        events, samples = kept.take()
        told += [alarm for alarm in alarms(list(events)) if alarm[0]]
        assert {alarm[1] for alarm in alarms(list(events)) if not alarm[0]} <= {"snmp_timeout", "agent_restarted"}
        for sample in samples:
            name = sample.key.component
            assert sample.values["count"] == len(book.pids[name])
            assert sample.values["restarts"] == book.restarts[name], (cycle, name)
    reactor.finish(task.close())
    assert told == expected
    assert len([alarm for alarm in told if alarm[2]]) > 3
    assert silences > 3
    assert min(book.restarts[name] for name in ("web", "old")) > 5

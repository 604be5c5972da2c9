"""Configs of the daemons that read sources of templates: who gets them, who is waited for, and what nobody reads."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from common.sources import SourceConfig
from hub.distribution.ceasing import Ceasing
from hub.distribution.hubevents import HubEvents
from hub.distribution.roster import Roster
from hub.distribution.services import Services, make_services
from hub.distribution.uncollected import Reach, Uncollected
from hub.model.documents import SourceFile
from hub.model.service import ModelService
from tests.fakes.stores import FakeModelStore, InlineWorker, done
from tests.hub.distribution.fakes import FakeCollector, FakeSession

SITE = """\
kind: Template
id: echo
sources: {echo: {type: ping}}
---
kind: Template
id: jobs
sources: {jobs: {type: plugin, service: queue, points: [length]}}
---
- {kind: Device, id: a, address: x, collector: one, templates: [echo, jobs]}
- {kind: Device, id: b, address: y, collector: two, templates: [echo]}
- {kind: Device, id: c, address: z, collector: one}
"""


class NoPools:
    """Every device belongs to the collector that it names."""

    def __init__(self, model: ModelService) -> None:
        self._model = model

    def owner(self, device: str) -> str | None:
        found = self._model.model.devices.get(device)
        return found.collector if found is not None else None

    def may_collect(self, _collector: str, _device: str) -> bool:
        return False

    is_over = may_collect

    def rivals(self, _device: str) -> tuple[str, ...]:
        return ()


class Bench:
    def __init__(self, known: list[tuple[str, str, float]] | None = None) -> None:
        self.clock = Clock()
        self.model = ModelService(FakeModelStore(), lambda: 1.0, InlineWorker())
        done(self.model.load())
        self.roster = Roster(lambda: 1.0)
        self.roster.remember(known or [])
        events = HubEvents(self.clock, random.Random(1), None)  # type: ignore[arg-type]  # nothing is written
        pools: Any = NoPools(self.model)
        self.services: Services = make_services(
            self.clock, random.Random(1), lambda: 1.0, self.model, self.roster, events, pools=pools
        )
        self.model.observe(self.services.model_changed)
        self.reach = Reach(self.clock, lambda: self.model.model, pools.owner, self.services.is_known)
        self.services.start()
        self.collectors: dict[tuple[str, str], FakeCollector] = {}

    def apply(self, text: str) -> int:
        done(self.model.apply([SourceFile("f.yaml", text)], "ann", ""))
        self.settle()
        return self.model.model.revision

    def attach(self, collector: str, daemon: str) -> FakeSession:
        there = self.collectors.setdefault((collector, daemon), FakeCollector(collector))
        session = FakeSession(there, daemon=daemon)
        self.roster.arrive(session)
        self.services.attached(session)
        self.settle()
        return session

    def settle(self, seconds: float = 3.0) -> None:
        for _ in range(round(seconds * 20)):
            self.clock.advance(0.05)

    def runs(self, collector: str, daemon: str) -> dict[str, list[str]]:
        held = self.collectors[collector, daemon].configs
        return {device: [_id(one) for one in config.sources] for device, config in held.items()}


def _id(source: SourceConfig) -> str:
    return source.id


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.apply(SITE)
    return bench


def test_a_daemon_that_comes_for_the_first_time_gets_what_it_is_to_read_and_nothing_else(bench: Bench) -> None:
    bench.attach("one", "snmp")
    assert bench.runs("one", "snmp") == {"a": ["echo"]}
    bench.attach("one", "queue")  # nobody has heard of this service before
    assert bench.runs("one", "queue") == {"a": ["jobs"]}
    assert bench.services.names == ["process", "modeler", "snmp", "status", "probe", "queue"]


def test_a_device_with_nothing_left_to_read_is_taken_from_it(bench: Bench) -> None:
    bench.attach("one", "snmp")
    bench.apply("{kind: Device, id: c, address: z, collector: one, templates: [echo]}\n")
    assert bench.runs("one", "snmp") == {"a": ["echo"], "c": ["echo"]}
    bench.apply("{kind: Device, id: a, address: x, collector: one, templates: [jobs]}\n")
    assert bench.runs("one", "snmp") == {"c": ["echo"]}
    bench.apply("{kind: Device, id: c, address: z, collector: two, templates: [echo]}\n")
    assert bench.runs("one", "snmp") == {}


def test_a_revision_is_live_when_the_daemons_that_are_known_have_it(bench: Bench) -> None:
    snmp = bench.services.of("snmp")
    assert snmp is not None
    assert snmp.is_live(bench.model.model.revision)  # nobody is there to read anything
    session = bench.attach("one", "snmp")
    bench.services.detached(session)
    revision = bench.apply("{kind: Template, id: echo, sources: {echo: {type: ping, packets: 9}}}\n")
    ((service, row),) = [one for one in bench.services.everywhere.behind(revision) if one[0] == "snmp"]
    assert (service, row.device, row.collector) == ("snmp", "a", "one")
    waiting = Deferred.fromCoroutine(bench.services.everywhere.wait_live(revision, 30.0, "a"))
    bench.attach("one", "snmp")
    assert snmp.is_live(revision)
    waiting.addErrback(lambda _: None)
    waiting.cancel()


def test_services_are_remembered_over_a_restart() -> None:
    bench = Bench(known=[("one", "queue", 1.0)])
    assert "queue" in bench.services.names
    bench.apply(SITE)
    queue = bench.services.of("queue")
    assert queue is not None
    assert [row.device for row in queue.behind()] == ["a"]


def test_a_daemon_that_will_not_come_back_is_waited_for_no_more(bench: Bench) -> None:
    bench.services.detached(bench.attach("one", "snmp"))
    bench.apply("{kind: Template, id: echo, sources: {echo: {type: ping, packets: 9}}}\n")
    snmp = bench.services.of("snmp")
    assert snmp is not None
    assert snmp.behind()
    bench.roster.forget("one", "snmp")
    bench.services.forget("one", "snmp")
    bench.settle()
    assert snmp.behind() == []
    assert [one.collector for one in bench.reach.lacking() if one.service == "snmp"] == ["one", "two"]


def test_what_nobody_reads_is_told(bench: Bench) -> None:
    assert bench.reach.lacking() == [
        Uncollected(service="queue", collector="one", devices=1),
        Uncollected(service="snmp", collector="one", devices=1),
        Uncollected(service="snmp", collector="two", devices=1),
    ]
    device = bench.model.model.devices["a"]
    assert bench.reach.why_not(device, "snmp") == "no tocsin-snmp has logged in at collector one"
    bench.attach("one", "snmp")
    assert [(one.service, one.collector) for one in bench.reach.lacking()] == [("queue", "one"), ("snmp", "two")]
    assert bench.reach.why_not(device, "snmp") == ""


def test_a_daemon_may_speak_of_what_it_reads_though_another_has_the_device_now(bench: Bench) -> None:
    session = bench.attach("one", "snmp")
    bench.services.detached(session)
    bench.apply("{kind: Device, id: a, address: x, collector: two, templates: [echo]}\n")
    assert bench.services.may_report("one", "snmp", "a")
    assert not bench.services.may_report("one", "queue", "a")
    assert bench.services.may_report("two", "snmp", "a")


def test_what_a_daemon_left_open_of_what_it_reads_no_more_is_closed_when_it_has_let_go(bench: Bench) -> None:
    closed: list[tuple[object, ...]] = []

    async def close(devices: Sequence[str], daemon: str, by: str, _at: float) -> int:
        closed.append((*devices, daemon, by))
        return 1

    ceasing = Ceasing(bench.clock, lambda: 1.0, bench.services, lambda: bench.model.model, close)
    bench.model.observe(ceasing.model_changed)
    bench.attach("one", "snmp")
    bench.apply("{kind: Template, id: echo, sources: {echo: {type: ping, packets: 9}}}\n")
    assert closed == []
    bench.apply("{kind: Device, id: a, address: x, collector: one, templates: [jobs]}\n")
    assert bench.runs("one", "snmp") == {}
    assert closed == [("a", "snmp", "hub")]


def test_what_a_daemon_brings_late_of_what_it_reads_no_more_is_closed_too(bench: Bench) -> None:
    closed: list[tuple[object, ...]] = []

    async def close(devices: Sequence[str], daemon: str, by: str, _at: float) -> int:
        closed.append((*sorted(devices), daemon, by))
        return 1

    ceasing = Ceasing(bench.clock, lambda: 1.0, bench.services, lambda: bench.model.model, close)
    bench.attach("one", "snmp")
    bench.settle()
    ceasing.last_words("snmp", ["a", "no-such-device"])
    ceasing.last_words("process", ["a"])
    ceasing.last_words("modeler", ["a"])
    bench.settle()
    assert closed == []
    bench.apply("{kind: Device, id: a, address: x, collector: one, templates: [jobs]}\n")
    ceasing.last_words("snmp", ["a"])
    ceasing.last_words("snmp", ["a", "b"])
    bench.clock.pump([1.0] * 10)
    assert closed == [("a", "snmp", "hub")]
    ceasing.remember([("a", "snmp"), ("a", "process"), ("a", "queue")])
    bench.clock.pump([1.0] * 10)
    assert closed == [("a", "snmp", "hub")] * 2


def test_the_slowest_source_says_when_all_has_been_looked_at(bench: Bench) -> None:
    bench.attach("one", "snmp")
    bench.apply("{kind: Template, id: echo, sources: {echo: {type: ping, interval_s: 300}}}\n")
    assert (bench.services.slowest_s("a"), bench.services.slowest_s("c")) == (300.0, 0.0)


def test_alarms_about_configs_are_told_apart_by_service(bench: Bench) -> None:
    bench.attach("one", "queue")
    told = [bench.services.of_alarm(key) for key in ("config_error", "queue_config_refused", "x_config_error", "other")]
    assert told == ["process", "queue", None, None]

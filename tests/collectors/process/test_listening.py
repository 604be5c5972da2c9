"""Whose lives are listened for, and whether at all."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface import implementer

from collectors.framework.interfaces import CollectorContext, IProcessSource
from collectors.framework.processtable import ProcessTable
from collectors.process.collector import ProcessCollector
from collectors.process.listening import SWITCHED_OFF, Listeners
from collectors.process.memory import SetMemory
from collectors.process.settings import ProcessEventSettings, ProcessSettings
from collectors.process.tracker import Tracker
from common.configs import DeviceConfig, ProcessSetConfig, SetOverride, SourceKind
from common.roll import DeviceScan
from tests.collectors.process.test_tracker import Host
from tests.fakes.events import FakeEventSink
from tests.fakes.hub import FakeHub
from tests.fakes.samples import FakeSampleSink

AT = 1_800_000_000.0
OFF = ProcessSettings(process_events=ProcessEventSettings(listen=False))


@implementer(IProcessSource)
class Empty:
    """A source of this host on which nothing runs."""

    async def scan(self, full: bool) -> ProcessTable:
        return ProcessTable(at=AT, monotonic=1.0, rows={}, complete=True, full=full)

    async def alive(self, pids: Sequence[int]) -> frozenset[int]:
        return frozenset()

    def update(self, config: DeviceConfig) -> None:
        pass

    async def close(self) -> None:
        pass


def context(folder: Path, settings: ProcessSettings | None = None) -> CollectorContext:
    return CollectorContext(
        clock=Clock(),
        wall=lambda: AT,
        reactor=None,
        rng=random.Random(1),
        events=FakeEventSink(),
        states=FakeEventSink(),
        samples=FakeSampleSink(lambda: AT),
        data_dir=folder,
        hub_epoch=str,
        send_model=FakeHub().send_model,
        settings=settings,
    )


def config(**changes: Any) -> DeviceConfig:
    sets = (ProcessSetConfig(id="web", title="web", order=1, include=r"^/web (\S+)", name="web {1}"),)
    return DeviceConfig(device="host", address="", source=SourceKind.LOCAL, interval_s=60, process_sets=sets, **changes)


def test_it_can_be_switched_off_and_says_so(tmp_path: Path) -> None:
    made = context(tmp_path, OFF)
    listeners = Listeners(made)
    task = ProcessCollector(made).make_task(config())
    source = listeners.listening("host", task, Empty(), lambda _row: True)
    for _ in range(2):
        done = Deferred.fromCoroutine(source.scan(False))
        assert done.result.happened is None  # type: ignore[attr-defined]
    assert listeners.counts() == (0, 1)
    scan = DeviceScan(device="host", at=AT, processes=0, duration_s=0.0, problem="")
    assert listeners.told(scan).process_events == f"process events: off: {SWITCHED_OFF}"


def test_sets_that_nobody_watches_are_not_listened_for() -> None:
    tracker: Tracker = Host().tracker
    made = config(overrides=(SetOverride(name="web b", monitor=False),))
    tracker.update(made, AT)
    assert [tracker.set_of(line) for line in ("/web a", "/web b", "/other a")] == ["web a", None, None]


@pytest.mark.parametrize(("pids", "awaited"), [({}, True), ({7: AT}, False)])
def test_a_start_is_waited_for_where_nothing_of_a_set_runs(
    tmp_path: Path, pids: dict[int, float | None], awaited: bool
) -> None:
    made = context(tmp_path)
    task = ProcessCollector(made).make_task(config(overrides=(SetOverride(name="web b", monitor=False),)))
    source: Any = Listeners(made).listening("host", task, Empty(), lambda _row: True)
    task.tracker.memory.sets["web a"] = SetMemory(definition="web", since=AT, pids=pids)
    assert source._watch.awaited("/web a") is awaited
    assert not source._watch.awaited("/web b")
    assert not source._watch.awaited("/other")

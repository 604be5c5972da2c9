# mypy: allow-untyped-calls
"""A task notes its scans, and when it could make none."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface import implementer

from collectors.framework.interfaces import CollectorContext, IProcessSource
from collectors.framework.processtable import ProcessRow, ProcessTable
from collectors.framework.snmp.errors import SnmpTimeout
from collectors.process.rollbook.books import RollBooks
from collectors.process.task import ProcessTask
from common.configs import DeviceConfig, ProcessSetConfig, SourceKind
from common.queries import RollAtQuery
from tests.fakes.events import FakeEventSink
from tests.fakes.hub import FakeHub

START = 1_800_000_000.0
WEB = ProcessSetConfig(id="web", title="web", order=1, include="^/web", name="web")
CONFIG = DeviceConfig(device="box", address="", source=SourceKind.LOCAL, interval_s=10, process_sets=(WEB,))


@implementer(IProcessSource)
class Source:
    """Shows one process, or nothing when it is silent."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.silent = False

    async def scan(self, full: bool) -> ProcessTable:
        if self.silent:
            raise SnmpTimeout("no answer from box")
        row = ProcessRow(
            pid=7, name="web", path="/web", parameters="-x", started=START, cpu_s=1.0, memory_bytes=1,
            status="running", alive=True,
        )  # fmt: skip
        at = self.clock.seconds()
        return ProcessTable(at=START + at, monotonic=at, rows={7: row}, complete=True, full=full)

    async def alive(self, pids: Any) -> frozenset[int]:
        return frozenset(pids)

    def update(self, config: DeviceConfig) -> None:
        pass

    async def close(self) -> None:
        pass


class NoSamples:
    """Takes samples, and keeps none."""

    def write(self, samples: Any) -> None:
        """Accept samples."""


class Site:
    """A task with its book."""

    def __init__(self, root: Path) -> None:
        self.clock = Clock()
        self.source = Source(self.clock)
        sink = FakeEventSink()
        context = CollectorContext(
            clock=self.clock, wall=lambda: START + self.clock.seconds(), reactor=None, rng=random.Random(1),
            events=sink, states=sink, samples=NoSamples(), data_dir=root, hub_epoch=str,
            send_model=FakeHub().send_model,
        )  # fmt: skip
        self.books = RollBooks(root, lambda _: None)
        self.task = ProcessTask(CONFIG, context, lambda *_: self.source, self.books.of(CONFIG))

    def run(self) -> None:
        failures: list[Any] = []
        Deferred.fromCoroutine(self.task.run(0)).addErrback(failures.append)
        assert bool(failures) == self.source.silent
        self.clock.advance(10)

    def ran(self, second: float) -> list[str | None] | str:
        assert self.task.book is not None
        query = RollAtQuery(device="box", at=START + second)
        found = self.books.at(query, self.task.config, self.task.book)
        return f"{found.gap.why} {found.gap.problem}".strip() if found.gap else [row.set for row in found.rows]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_scans_are_noted_with_the_sets_that_processes_had(site: Site) -> None:
    site.run()
    assert site.ran(5) == ["web"]


def test_when_the_device_is_silent_that_is_noted(site: Site) -> None:
    site.run()
    site.source.silent = True
    site.run()
    assert site.ran(0) == ["web"]
    assert site.ran(5) == "unreadable no answer from box"
    site.source.silent = False
    site.run()
    assert site.ran(15) == "unreadable no answer from box"
    assert site.ran(20) == ["web"]


def test_a_task_that_is_closed_leaves_no_doubt_about_how_long_it_knew(site: Site) -> None:
    for _ in range(5):
        site.run()
    Deferred.fromCoroutine(site.task.close())
    assert site.ran(40) == ["web"]
    assert site.ran(41) == "stopped"


def test_another_config_holds_for_the_book_from_the_next_scan_on(site: Site, tmp_path: Path) -> None:
    site.run()
    site.task.update(replace(CONFIG, roll_days=0))
    site.run()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert site.ran(0) == "off"

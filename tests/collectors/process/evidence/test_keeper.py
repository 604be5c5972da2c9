# mypy: allow-untyped-calls
"""Which alarms have evidence: a task on scans that are made up, its events, and what is on disk."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface import implementer

from collectors.framework.interfaces import CollectorContext, IProcessSource
from collectors.framework.processtable import ProcessRow, ProcessTable
from collectors.framework.snmp.errors import SnmpTimeout
from collectors.process.evidence.files import FOLDER, EvidenceFiles
from collectors.process.evidence.host import IHostFacts
from collectors.process.evidence.keeper import ASK_S, EvidenceKeeper
from collectors.process.task import ProcessTask
from common.configs import DeviceConfig, ProcessSetConfig, SourceKind
from common.errors import TransientError
from common.events import Event, Severity
from common.evidence import Evidence, HostEvidence
from common.judged import Level, ThresholdConfig
from common.queries import Decision
from tests.collectors.process.evidence.test_gather import START, row
from tests.collectors.process.test_task import Journal
from tests.fakes.hub import FakeHub
from tests.fakes.samples import FakeSampleSink

STEP_S = 60


@implementer(IProcessSource, IHostFacts)
class Scans:
    """A source of made-up tables, on a host whose load is told, or not."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.rows: list[ProcessRow] = []
        self.asked = 0
        self.answer: Deferred[HostEvidence] | Exception | None = None

    async def scan(self, full: bool) -> ProcessTable:
        at = START + self.clock.seconds()
        return ProcessTable(
            at=at, monotonic=at, rows={one.pid: one for one in self.rows}, complete=True, full=full, uptime_s=at
        )

    async def host(self) -> HostEvidence:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return await self.answer if self.answer is not None else HostEvidence(load=(1.0, 2.0, 3.0))

    async def alive(self, pids: Any) -> frozenset[int]:
        return frozenset()

    def update(self, config: DeviceConfig) -> None:
        """Nothing of it matters."""

    async def close(self) -> None:
        """Nothing is held."""


class Device:
    """A device with one set, and what its collector keeps."""

    def __init__(self, root: Path, **changes: Any) -> None:
        web = ProcessSetConfig(id="web", title="web", order=1, include="/web ", name="web", required=True)
        self.config = DeviceConfig(
            device="box",
            address="192.0.2.1",
            source=SourceKind.SNMP,
            interval_s=STEP_S,
            process_sets=(msgspec.structs.replace(web, **changes.pop("definition", {})),),
            **changes,
        )
        self.clock = Clock()
        self.root = root
        self.journal = Journal()
        self.source = Scans(self.clock)
        self.files = EvidenceFiles(root, self.wall)
        self.start()

    def wall(self) -> float:
        return START + self.clock.seconds()

    def start(self) -> None:
        context = CollectorContext(
            clock=self.clock, wall=self.wall, reactor=None, rng=random.Random(1), events=self.journal,
            states=self.journal, samples=FakeSampleSink(self.wall), data_dir=self.root, hub_epoch=str,
            send_model=FakeHub().send_model,
        )  # fmt: skip
        self.task = ProcessTask(self.config, context, lambda *_: self.source)
        self.task.evidence = EvidenceKeeper(self.files, self.clock)

    def begin(self, *rows: ProcessRow) -> Deferred[None]:
        self.source.rows = list(rows)
        self.clock.advance(STEP_S)
        return Deferred.fromCoroutine(self.task.run(int(self.wall())))

    def scan(self, *rows: ProcessRow) -> list[Event]:
        """One cycle; the events that it sent."""
        before = len(self.journal.events)
        done: list[None] = []
        self.begin(*rows).addCallback(done.append)
        assert done == [None]
        return self.journal.events[before:]

    def pieces(self) -> int:
        return len(list((self.root / FOLDER).rglob("*.zst")))

    def of(self, event: Event) -> Evidence:
        return self.files.read("box", str(event.details["evidence"]))


def test_a_set_that_dies_leaves_what_was_there(tmp_path: Path) -> None:
    device = Device(tmp_path)
    assert device.scan(row(1), row(2), row(7, name="db", path="/db", memory_bytes=2**33)) == []
    assert device.pieces() == device.source.asked == 0
    (missing,) = device.scan(row(7, name="db", path="/db", memory_bytes=2**33))
    found = device.of(missing)
    assert [one.pid for one in found.sets[0].before or []] == [2, 1]
    assert found.sets[0].now == []
    assert [one.pid for one in found.by_memory] == [7, 2, 1]
    assert found.host.load == (1.0, 2.0, 3.0)
    assert device.scan() == []  # it goes on; nothing more is asked or kept
    (back,) = device.scan(row(3))
    assert (back.severity, "evidence" in back.details) == (Severity.CLEAR, False)
    assert (device.pieces(), device.source.asked) == (1, 1)
    (again,) = device.scan()
    assert again.details["evidence"] != missing.details["evidence"]
    assert device.pieces() == 2


def test_the_last_rows_are_those_before_it_went_however_late_it_is_told(tmp_path: Path) -> None:
    device = Device(tmp_path, definition={"confirm": 3})
    device.scan(row(1), row(2))
    assert device.scan() == device.scan() == []
    (missing,) = device.scan()
    (web,) = device.of(missing).sets
    assert [(one.pid, one.gone) for one in web.before or []] == [(2, True), (1, True)]


def test_alarms_of_one_scan_share_a_piece_and_a_stream_of_restarts_has_one_in_half_an_hour(tmp_path: Path) -> None:
    hot = ThresholdConfig(id="big", points=("memory",), levels=(Level(severity=Severity.WARNING, maximum=500),))
    device = Device(
        tmp_path, definition={"restart_severity": Severity.INFO, "count_max": 1}, thresholds=(hot,), flap_restarts=1000
    )
    (big,) = device.scan(row(1))
    restarted, crowd = device.scan(row(2), row(3))
    assert restarted.details["evidence"] == crowd.details["evidence"] != big.details["evidence"]
    assert device.pieces() == 2
    for pid in range(10, 38):
        (more,) = device.scan(row(pid), row(pid + 100))
        assert more.details["evidence"] == restarted.details["evidence"]
    assert device.pieces() == 2
    for pid in range(38, 44):
        (later,) = device.scan(row(pid), row(pid + 100))
    assert later.details["evidence"] != restarted.details["evidence"]
    assert device.pieces() == 3


def test_an_alarm_that_becomes_worse_has_new_evidence_and_one_that_gets_better_has_not(tmp_path: Path) -> None:
    levels = (Level(severity=Severity.ERROR, maximum=9000), Level(severity=Severity.WARNING, maximum=500))
    device = Device(tmp_path, thresholds=(ThresholdConfig(id="big", points=("memory",), levels=levels),))
    ids = [
        str(event.details["evidence"])
        for size in (1, 10, 1, 10)
        for event in device.scan(row(1, memory_bytes=size * 1000))
    ]
    assert ids[0] != ids[1] == ids[2] == ids[3]


@pytest.mark.parametrize("error", [SnmpTimeout("no answer"), TransientError("the socket broke")])
def test_a_host_that_cannot_be_asked_is_unknown(tmp_path: Path, error: Exception) -> None:
    device = Device(tmp_path)
    device.source.answer = error
    (missing,) = device.scan()
    assert device.of(missing).host == HostEvidence(problem=str(error))


def test_a_host_that_does_not_answer_keeps_nobody_waiting_and_the_event_is_safe_before(tmp_path: Path) -> None:
    device = Device(tmp_path)
    device.source.answer = Deferred()
    ended: list[None] = []
    device.begin().addCallback(ended.append)
    assert [event.event_key for event in device.journal.events] == ["process_missing"]
    assert ended == []
    device.clock.advance(ASK_S)
    assert len(ended) == 1
    assert device.of(device.journal.events[0]).host.problem == "it did not answer in time"


def test_events_that_were_not_stored_leave_no_evidence_and_have_it_when_they_are(tmp_path: Path) -> None:
    device = Device(tmp_path)
    device.scan(row(1))
    device.journal.full = True
    failed = device.begin()
    failed.addErrback(lambda failure: failure.trap(TransientError))
    assert device.pieces() == 0
    device.journal.full = False
    (missing,) = device.scan()
    assert device.of(missing).at == missing.at


def test_a_restart_of_the_daemon_stores_nothing_again(tmp_path: Path) -> None:
    device = Device(tmp_path)
    device.scan(row(1))
    device.scan()
    device.start()
    assert device.scan() == []
    assert device.pieces() == 1


def test_the_first_scan_knows_of_no_one_before(tmp_path: Path) -> None:
    device = Device(tmp_path)
    (missing,) = device.scan(row(7, name="db", path="/db"))
    found = device.of(missing)
    assert (found.before_at, found.sets[0].before) == (None, None)


def test_an_alarm_that_an_operator_closed_and_that_opens_again_has_evidence_of_then(tmp_path: Path) -> None:
    device = Device(tmp_path)
    device.scan(row(1))
    (missing,) = device.scan(row(7, name="db", path="/db"))
    closed = Decision(
        device="box",
        component="web",
        event_class=missing.event_class,
        event_key=missing.event_key,
        severity=int(missing.severity),
        open=False,
    )
    device.task.decided(closed)
    (again,) = device.scan(row(8, name="cache", path="/cache"))
    assert again.severity is missing.severity
    assert again.details["evidence"] != missing.details["evidence"]
    assert [one.pid for one in device.of(again).by_memory] == [8, 7]


def test_an_alarm_that_a_config_ended_and_that_opens_again_has_evidence_of_then(tmp_path: Path) -> None:
    device = Device(tmp_path)
    whole = device.config
    device.scan(row(1))
    (missing,) = device.scan()
    device.task.update(msgspec.structs.replace(whole, process_sets=()))
    (over,) = device.scan()
    assert over.severity is Severity.CLEAR
    device.task.update(whole)
    device.scan(row(2))
    (again,) = device.scan()
    assert (again.event_key, again.severity) == (missing.event_key, missing.severity)
    assert again.details["evidence"] != missing.details["evidence"]

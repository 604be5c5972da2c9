# mypy: allow-untyped-calls
"""What the process collector answers: tables and sets, page by page."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from collectors.framework.interfaces import CollectorContext
from collectors.framework.processtable import ProcessRow, ProcessTable
from collectors.process.collector import ProcessCollector
from collectors.process.memory import DeviceMemory, dump
from collectors.process.task import state_key
from common.configs import DeviceConfig, ProcessSetConfig, SourceKind
from common.errors import NotFoundError, PermanentError
from common.events import CLASS_CONFIG, CLASS_PROCESS
from common.queries import (
    Decision,
    ListQuery,
    Processes,
    ProcessesQuery,
    RollAtQuery,
    RollBetweenQuery,
    Sets,
    SetsQuery,
)
from common.roll import CommandLine, DeviceScan
from common.wire import encode
from tests.fakes.events import FakeEventSink
from tests.fakes.hub import FakeHub
from tests.fakes.samples import FakeSampleSink

AT = 1_800_000_000.0
WEB = ProcessSetConfig(id="web", title="web", order=1, include="^/web ", name="web")
PIDS = (3, 7, 20, 41, 55)


def config(device: str = "box", **changes: Any) -> DeviceConfig:
    fields: dict[str, Any] = {"address": "", "source": SourceKind.LOCAL, "interval_s": 60, "process_sets": (WEB,)}
    return DeviceConfig(device=device, **(fields | changes))


def row(pid: int, *, parameters: str = "", alive: bool = True) -> ProcessRow:
    return ProcessRow(
        pid=pid,
        name="web",
        path="/web" if pid != 7 else "/other",
        parameters=parameters or f"-n {pid}",
        started=AT - pid,
        cpu_s=1.0,
        memory_bytes=1000,
        status="running",
        alive=alive,
    )


class CollectorTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.states = FakeEventSink()
        self.context = CollectorContext(
            clock=Clock(),
            wall=lambda: AT,
            reactor=None,
            rng=random.Random(1),
            events=self.states,
            states=self.states,
            samples=FakeSampleSink(lambda: AT),
            data_dir=Path(),
            hub_epoch=str,
            send_model=FakeHub().send_model,
        )
        self.collector = ProcessCollector(self.context)

    def see(self, device: str = "box", rows: dict[int, ProcessRow] | None = None) -> None:
        """Have a device that was scanned."""
        task = self.collector.make_task(config(device))
        rows = rows or {pid: row(pid) for pid in PIDS}
        table = ProcessTable(at=AT, monotonic=5.0, rows=rows, complete=True, full=True)
        task.view = task.tracker.observe(table).view
        task.scan = DeviceScan(device=device, at=AT, processes=len(PIDS), duration_s=0.1, problem="")

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(work))

    def processes(self, **query: Any) -> Processes:
        found: Processes = self.do(self.collector.answer(ProcessesQuery(device="box", **query)))
        return found

    def sets(self, **query: Any) -> Sets:
        found: Sets = self.do(self.collector.answer(SetsQuery(**query)))
        return found

    def test_a_table_is_read_in_pages_that_neither_lose_nor_repeat_a_process(self) -> None:
        self.see()
        pages, after = [], -1
        while True:
            page = self.processes(after_pid=after, limit=2)
            pages.append([process.pid for process in page.rows])
            if not page.more:
                break
            after = page.rows[-1].pid
        self.assertEqual(pages, [[3, 7], [20, 41], [55]])
        self.assertEqual(self.processes().at, AT)

    def test_a_table_of_one_set_has_its_processes_alone(self) -> None:
        self.see()
        self.assertEqual([process.pid for process in self.processes(set="web").rows], [3, 20, 41, 55])
        self.assertEqual(self.processes(set="nosuch").rows, [])

    def test_the_roll_book_is_asked_for_a_device_that_is_collected_here_and_only_where_one_is_kept(self) -> None:
        queries = (RollAtQuery(device="box", at=AT), RollBetweenQuery(device="box", start=AT - 1, end=AT + 1))
        self.see()
        for query in queries:
            self.failureResultOf(Deferred.fromCoroutine(self.collector.answer(query)), NotFoundError)
        temporary = tempfile.TemporaryDirectory(prefix="tocsin-test-")
        self.addCleanup(temporary.cleanup)
        folder = Path(temporary.name)
        self.collector = ProcessCollector(msgspec.structs.replace(self.context, data_dir=folder, keeps_files=True))
        task = self.collector.make_task(config())
        assert task.book is not None
        table = ProcessTable(at=AT, monotonic=5.0, rows={3: row(3)}, complete=True, full=True)
        task.book.note(table, {})
        told, changed = (self.do(self.collector.answer(query)) for query in queries)
        self.assertEqual([one.pid for one in told.rows], [3])
        self.assertEqual([gap.why for gap in changed.gaps], ["none"])
        self.assertGreater(self.collector.figures()["roll_book"]["written_bytes"], 0)
        self.failureResultOf(
            Deferred.fromCoroutine(self.collector.answer(RollAtQuery(device="other", at=AT))), NotFoundError
        )

    def test_whole_lines_come_when_they_are_asked_for_and_only_of_what_runs(self) -> None:
        long = "x" * 2000
        self.see(rows={3: row(3, parameters=f"{long}\a end "), 7: row(7), 9: row(9, alive=False)})
        page = self.processes(lines=True)
        assert page.lines is not None
        self.assertEqual(
            page.lines,
            [CommandLine(f"/web {long}\a end", 2005), CommandLine("/other -n 7", 4), None],
        )
        self.assertLessEqual(len(page.rows[0].command), 500)
        self.assertIsNone(self.processes().lines)

    def test_pages_of_long_lines_end_early_and_each_of_them_crosses(self) -> None:
        noise = random.Random(7)
        rows = {
            pid: row(pid, parameters="".join(chr(noise.randrange(0x4E00, 0x9FFF)) for _ in range(10_000)))
            for pid in range(20)
        }
        self.see(rows=rows)
        seen: list[int] = []
        more, pages = True, 0
        while more:
            page = self.processes(lines=True, after_pid=seen[-1] if seen else -1)
            encode(page)
            assert page.lines is not None
            self.assertEqual(len(page.lines), len(page.rows))
            seen += [process.pid for process in page.rows]
            more, pages = page.more, pages + 1
        self.assertEqual(seen, list(range(20)))
        self.assertGreater(pages, 3)

    def test_a_line_that_is_longer_than_a_page_comes_alone(self) -> None:
        self.see(rows={pid: row(pid, parameters="\ufffd" * 90_000) for pid in (1, 2)})
        page = self.processes(lines=True)
        encode(page)
        self.assertEqual(([process.pid for process in page.rows], page.more), ([1], True))

    def test_before_the_first_scan_there_is_a_scan_without_a_time(self) -> None:
        self.collector.make_task(config())
        self.assertEqual((self.processes().at, self.processes().rows, self.processes().more), (None, [], False))
        self.assertEqual(self.processes(lines=True).lines, [])
        self.assertEqual([(scan.device, scan.at) for scan in self.sets(devices=["box"]).scans], [("box", None)])

    def test_sets_are_read_in_pages_of_devices(self) -> None:
        for device in ("c", "a", "b"):
            self.see(device)
        first = self.sets(limit=2)
        self.assertEqual(([scan.device for scan in first.scans], first.more), (["a", "b"], True))
        self.assertEqual([(status.device, status.count) for status in first.sets], [("a", 4), ("b", 4)])
        last = self.sets(limit=2, after="b")
        self.assertEqual(([scan.device for scan in last.scans], last.more), (["c"], False))

    def test_a_device_that_is_not_here_and_a_question_of_others_are_not_found(self) -> None:
        for query in (ProcessesQuery(device="x"), SetsQuery(devices=["x"]), ListQuery(device="x")):
            work: Deferred[Any] = Deferred.fromCoroutine(self.collector.answer(query))
            self.failureResultOf(work, NotFoundError)

    def test_a_config_that_cannot_be_run_is_refused_with_all_its_mistakes(self) -> None:
        bad = ProcessSetConfig(id="bad", title="bad", order=1, include="(", name="bad")
        with self.assertRaises(PermanentError) as caught:
            self.collector.validate(config(source=SourceKind.SNMP, process_sets=(WEB, bad)))
        self.assertIn("process set bad", str(caught.exception))
        self.assertEqual(len(caught.exception.details), 2)
        self.collector.validate(config())

    def test_a_device_that_left_is_forgotten_with_what_was_kept_of_it(self) -> None:
        self.do(self.states.send([], state_key("box"), dump(DeviceMemory())))
        self.see()
        self.collector.forget("box")
        self.assertIsNone(self.states.load(state_key("box")))
        self.assertEqual(self.sets().scans, [])

    def test_a_decision_is_its_own_only_for_alarms_that_it_raises(self) -> None:
        def decided(event_class: str, event_key: str = "process_missing") -> bool:
            return self.collector.decided(
                Decision(
                    device="box",
                    component="web",
                    event_class=event_class,
                    event_key=event_key,
                    severity=4,
                    open=False,
                )
            )

        self.assertTrue(decided(CLASS_PROCESS))
        self.assertFalse(decided(CLASS_CONFIG))
        self.assertTrue(decided("/Perf/Memory", "threshold:big:memory"))

# mypy: allow-untyped-calls
"""A listening source: what it adds to a table, when it asks for a scan, what it says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from collectors.framework.processevents.connector import Counts, Standing
from collectors.framework.processevents.messages import Executed, Exited, Forked, ProcessEvent
from collectors.framework.processevents.oom import OomWitness
from collectors.framework.processevents.source import Watch, WatchingSource
from collectors.framework.processtable import ProcessRow, ProcessTable
from tests.collectors.framework.processevents.test_lives import row


class FakeConnector:
    """Tells what a test wants it to."""

    def __init__(self, _reactor: Any, on_events: Any, on_lost: Any, _rng: Any) -> None:
        self.on_events = on_events
        self.on_lost = on_lost
        self.standing = Standing.NOT_ASKED
        self.reason = ""
        self.session = 0
        self.counts = Counts()
        self.waiting: list[ProcessEvent] = []

    @property
    def listening(self) -> bool:
        return self.standing is Standing.LISTENING

    def start(self) -> None:
        self.standing = Standing.LISTENING
        self.session += 1

    def stop(self) -> None:
        self.standing = Standing.NOT_ASKED

    def drain(self) -> None:
        waiting, self.waiting = self.waiting, []
        if waiting:
            self.on_events(waiting)


class FakeSource:
    """Rows as a test puts them."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.rows: dict[int, ProcessRow] = {}
        self.complete = True
        self.closed = False

    async def scan(self, full: bool) -> ProcessTable:
        now = self.clock.seconds()
        return ProcessTable(at=now, monotonic=now, rows=dict(self.rows), complete=self.complete, full=full)

    async def alive(self, pids: Sequence[int]) -> frozenset[int]:
        return frozenset(pids) & self.rows.keys()

    def update(self, config: Any) -> None:
        raise AssertionError(config)

    async def close(self) -> None:
        self.closed = True


class SourceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(100.0)
        self.inner = FakeSource(self.clock)
        self.wakes: list[float] = []
        self.awaits = False
        folder = TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        (self.root / "proc").mkdir()
        watch = Watch(
            wanted=lambda one: one.path == "web",
            awaited=lambda _line: self.awaits,
            wake=lambda: self.wakes.append(self.clock.seconds()),
        )
        self.source = WatchingSource(
            self.inner,
            watch,
            None,
            self.clock,
            make_connector=self.connect,
            look=self.inner.rows.get,
            witness=OomWitness(self.root),
        )

    def connect(self, *arguments: Any) -> FakeConnector:
        self.connector = FakeConnector(*arguments)
        return self.connector

    def scan(self) -> Any:
        self.clock.advance(1.0)
        table: Any = self.successResultOf(Deferred.fromCoroutine(self.source.scan(False)))
        self.woken = table.woken
        return table.happened

    def tell(self, *events: ProcessEvent) -> None:
        self.connector.on_events(events)

    def die(self, pid: int, status: int = 9) -> None:
        del self.inner.rows[pid]
        self.tell(Exited(pid, status, self.clock.seconds()))

    def test_the_first_scan_knows_nothing_of_before_and_the_next_ones_do(self) -> None:
        self.assertIsNone(self.scan())
        self.assertEqual(self.scan().lives, ())

    def test_a_death_asks_for_a_scan_and_is_told_in_it(self) -> None:
        self.inner.rows[7] = row(7)
        self.scan()
        self.die(7)
        self.clock.advance(0.05)
        self.assertEqual(len(self.wakes), 1)
        happened = self.scan()
        self.assertTrue(self.woken)
        self.assertEqual([life.pid for life in happened.lives], [7])
        self.scan()
        self.assertFalse(self.woken)

    def test_what_concerns_nobody_asks_for_nothing(self) -> None:
        self.inner.rows |= {7: row(7), 8: row(8, "other")}
        self.scan()
        self.die(8)
        self.inner.rows[9] = row(9)
        self.tell(Forked(1, 9, 200.0), Executed(9, 200.1))  # the set has others
        self.clock.advance(10.0)
        self.assertEqual(self.wakes, [])

    def test_a_birth_asks_for_a_scan_where_it_is_waited_for(self) -> None:
        self.scan()
        self.awaits = True
        self.inner.rows[9] = row(9)
        self.tell(Forked(1, 9, 200.0), Executed(9, 200.1))
        self.clock.advance(0.05)
        self.assertEqual(len(self.wakes), 1)

    def test_what_came_before_a_scan_is_told_in_it_though_nobody_has_read_it_yet(self) -> None:
        self.inner.rows[7] = row(7)
        self.scan()
        del self.inner.rows[7]
        self.connector.waiting = [Exited(7, 0, self.clock.seconds())]
        self.assertEqual([life.pid for life in self.scan().lives], [7])
        self.clock.advance(10.0)
        self.assertEqual(self.wakes, [])  # it was seen

    def test_a_death_that_the_scan_did_not_see_yet_asks_for_another_one(self) -> None:
        self.inner.rows[7] = row(7)
        self.scan()
        self.connector.waiting = [Exited(7, 0, self.clock.seconds() + 100.0)]
        self.assertEqual(self.scan().lives, ())
        self.clock.advance(1.0)
        self.assertEqual(len(self.wakes), 1)

    def test_what_happened_before_a_table_that_is_not_complete_is_told_with_the_next_one_that_is(self) -> None:
        self.inner.rows |= {7: row(7), 8: row(8)}
        self.scan()
        self.die(7)
        self.inner.complete = False
        whole, self.inner.rows = self.inner.rows, {}
        self.assertIsNone(self.scan())
        self.inner.rows = whole
        self.die(8)
        self.inner.complete = True
        self.assertEqual([life.pid for life in self.scan().lives], [7, 8])

    def test_what_was_lost_is_scanned_for_at_once(self) -> None:
        self.scan()
        self.connector.on_lost()
        self.clock.advance(0.05)
        self.assertEqual(len(self.wakes), 1)
        self.assertTrue(self.scan().lost)
        self.assertFalse(self.scan().lost)

    def test_an_interval_that_was_not_listened_to_as_a_whole_is_not_known(self) -> None:
        self.scan()
        self.scan()
        self.connector.standing, self.connector.reason = Standing.PAUSED, "too many"
        self.assertIsNone(self.scan())
        self.assertEqual(self.source.sentence(), "process events: paused: too many")
        self.connector.start()
        self.assertIsNone(self.scan())
        self.assertIsNotNone(self.scan())
        self.connector.start()  # it ended and began between two scans
        self.assertIsNone(self.scan())

    def test_where_nothing_is_told_scans_go_on_and_say_why(self) -> None:
        self.connector.start = lambda: None  # type: ignore[method-assign]
        self.connector.standing, self.connector.reason = Standing.REFUSED, "it is forbidden"
        self.assertIsNone(self.scan())
        self.assertIsNone(self.scan())
        self.assertEqual(self.source.sentence(), "process events: off: it is forbidden")
        self.assertEqual(self.source.figures()["standing"], "refused")

    def test_a_kill_for_want_of_memory_is_told_as_such(self) -> None:
        vmstat = self.root / "proc" / "vmstat"
        vmstat.write_text("oom_kill 1\n")
        self.inner.rows |= {7: row(7), 8: row(8)}
        self.scan()
        vmstat.write_text("oom_kill 2\n")
        self.die(7)
        self.die(8, 0x100)
        killed, ended = self.scan().lives
        self.assertFalse(killed.oom.known)
        self.assertEqual(killed.oom.memory_bytes, 4096)
        self.assertIsNone(ended.oom)

    def test_closing_ends_all_of_it(self) -> None:
        self.inner.rows[7] = row(7)
        self.scan()
        self.die(7)
        self.successResultOf(Deferred.fromCoroutine(self.source.close()))
        self.assertTrue(self.inner.closed)
        self.assertEqual((self.clock.getDelayedCalls(), self.connector.standing), ([], Standing.NOT_ASKED))

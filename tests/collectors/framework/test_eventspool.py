# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""The event spool: nothing twice, nothing lost unsaid, numbers without gaps."""

from __future__ import annotations

import contextlib
import math
import random
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from collectors.framework.eventbytes import MAX_EVENT_BYTES, decode_event, encode_event, rank
from collectors.framework.eventspool import GATHER_S, EventSpool, SpoolSettings
from collectors.framework.spooldb import ROOM, WINDOW, Gap, Put, SpoolDb, read_state
from collectors.framework.spoolfile import DamagedSpoolError, told
from common.errors import SettingsError, TransientError
from common.events import Event, Severity
from common.wire import EventBatch, SpooledEvent, decode, encode
from tests.contracts.event_sink import EventSinkContract
from tests.fakes.events import FakeEventSink, InlineWorker, event

# --- bytes ------------------------------------------------------------------------------------------------------------


def test_an_event_that_fits_is_stored_as_it_is() -> None:
    assert decode_event(encode_event(event(1))) == event(1)


ODD = [
    {"summary": "x" * 10_000},
    {"summary": "\ud800 half"},
    {"device": "d" * 600, "component": "\udcff"},
    {"message": "m" * 100_000},
    {"details": {"a": math.nan, "b": math.inf}},
    {"details": {"a": 2**70, "b": [2**70, "x" * 5000]}},
    {"details": {f"k{number}": "v" * 900 for number in range(500)}},
    {"details": {"a": object(), "b": {"c": 1}}},
    {"at": math.nan},
    {"count": 0},
]


@pytest.mark.parametrize("fields", ODD)
def test_an_event_that_the_hub_would_refuse_is_made_to_fit(fields: dict[str, Any]) -> None:
    whole: dict[str, Any] = {
        "device": "web1",
        "event_class": "/A",
        "severity": Severity.ERROR,
        "summary": "s",
        "at": 1.0,
    }
    data = encode_event(Event(**{**whole, **fields}))
    assert len(data) <= MAX_EVENT_BYTES
    found = decode_event(data)
    assert decode(encode(EventBatch(spool="s", events=[SpooledEvent(1, found)])), EventBatch).events[0].event == found
    assert found.severity is Severity.ERROR


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_an_event_that_was_damaged_is_never_read_as_another(place: int, by: int) -> None:
    data = encode_event(event(severity=Severity.ERROR))
    place %= len(data)
    with pytest.raises(msgspec.MsgspecError):
        decode_event(data[:place] + bytes([data[place] ^ by]) + data[place + 1 :])


def test_an_event_that_an_earlier_version_has_stored_is_read() -> None:
    one = event(severity=Severity.ERROR)
    assert decode_event(msgspec.msgpack.encode(one)) == one


def test_a_clear_matters_as_much_as_the_worst() -> None:
    order = [Severity.DEBUG, Severity.INFO, Severity.WARNING, Severity.ERROR]
    ranks = [rank(event(severity=one)) for one in order]
    assert ranks == sorted(ranks)
    assert rank(event(severity=Severity.CLEAR)) == rank(event(severity=Severity.CRITICAL)) > ranks[-1]


# --- the database -----------------------------------------------------------------------------------------------------


def gap_row(gap: Gap) -> tuple[int, float, bytes]:
    return 4, 0.0, b"gap of %d" % gap.count


def opened(folder: Path, max_rows: int = 100_000, max_bytes: int = 10**9) -> SpoolDb:
    db = SpoolDb(folder / "spool.db", max_rows, max_bytes, gap_row)
    db.open()
    return db


def put(first: int, last: int, severity: int = 4) -> Put:
    return Put([(severity, float(number), b"%d" % number) for number in range(first, last + 1)])


def test_numbers_rise_by_one_and_go_on_after_a_restart(tmp_path: Path) -> None:
    db = opened(tmp_path)
    db.commit([put(1, 5)])
    db.forget_to(3)
    db.close()
    again = opened(tmp_path)
    assert again.spool == db.spool
    again.commit([put(6, 7)])
    assert again.read(3, 10, 10**6) == [(4, b"4"), (5, b"5"), (6, b"6"), (7, b"7")]
    assert again.read(5, 1, 10**6) == [(6, b"6")]
    assert (again.base, again.rows) == (3, 4)


def test_batches_are_bounded_in_bytes_but_never_empty(tmp_path: Path) -> None:
    db = opened(tmp_path)
    db.commit([Put([(4, 0.0, b"x" * 100)] * 5)])
    assert len(db.read(0, 10, 250)) == 2
    assert len(db.read(0, 10, 1)) == 1


def test_a_full_spool_drops_the_least_severe_first_and_says_how_many(tmp_path: Path) -> None:
    db = opened(tmp_path, max_rows=2000)
    db.commit([put(1, WINDOW, 1)])  # the window: may have been sent, so it stays, whatever its rank
    db.commit([put(WINDOW + 1, 1400, 4), put(1401, 1700, 2), put(1701, 2000, 3)])
    assert (db.rows, db.dropped) == (2000, 0)
    db.commit([put(2001, 2400, 4)])
    assert (db.rows, db.dropped) == (2000, 400)
    ranks = dict(db._connection().execute("SELECT rank, count(*) FROM events GROUP BY rank"))
    assert ranks == {1: 1000, 3: 200, 4: 800}
    sent = drain(db)
    assert [int(body) for body in sent[:WINDOW]] == list(range(1, WINDOW + 1))
    assert sent.count(b"gap of 400") == 1
    assert len(sent) == 2001
    assert db.dropped == 400


def drain(db: SpoolDb) -> list[bytes]:
    """Take all out as the hub does; numbers must be without gaps."""
    found: list[bytes] = []
    last = db.base
    while rows := db.read(last, 300, 10**9):
        assert [seq for seq, _ in rows] == list(range(last + 1, last + len(rows) + 1))
        found.extend(body for _, body in rows)
        last = rows[-1][0]
        db.forget_to(last)
    return found


def test_what_may_have_been_sent_keeps_its_number_while_the_spool_overflows(tmp_path: Path) -> None:
    db = opened(tmp_path, max_rows=2000)
    db.commit([put(1, 2000, 1)])
    sent = db.read(0, WINDOW, 10**9)
    db.commit([put(2001, 5000, 5)])
    assert db.read(0, WINDOW, 10**9) == sent
    db.close()
    again = opened(tmp_path, max_rows=2000)
    assert again.read(0, WINDOW, 10**9) == sent
    again.commit([put(5001, 6000, 5)])
    assert again.read(0, WINDOW, 10**9) == sent


def test_bytes_are_bounded_too_even_when_all_that_is_there_may_have_been_sent(tmp_path: Path) -> None:
    db = opened(tmp_path, max_bytes=100_000)
    big = Put([(4, 1.0, b"x" * 1000)] * 10)
    for _ in range(50):
        db.commit([big])
    assert db.size_bytes <= 100_000
    assert db.rows + db.dropped == 500
    before = db.rows
    assert len(drain(db)) == before + 1  # and the one that tells of the gap
    assert db.size_bytes == db.rows == 0


def test_one_gap_is_told_once_there_is_room_and_survives_a_restart(tmp_path: Path) -> None:
    db = opened(tmp_path, max_rows=2000)
    db.commit([put(1, 2500)])
    db.close()
    again = opened(tmp_path, max_rows=2000)
    again.forget_to(400)
    assert again.rows == 1600 > ROOM * 2000
    again.forget_to(600)
    assert again._connection().execute(
        "SELECT count(*) FROM events WHERE CAST(body AS TEXT) LIKE 'gap%'"
    ).fetchone() == (1,)
    again.commit([put(1, 1)])
    assert drain(again)[-2:] == [b"gap of 500", b"1"]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_any_mixture_of_writing_sending_losing_answers_and_restarts(seed: int) -> None:
    """The hub sees numbers without gaps, one event for each, in order; what is missing at the end is in the gaps."""
    rng = random.Random(seed)
    hub: list[bytes] = []
    written = 0
    with tempfile.TemporaryDirectory(prefix="tocsin-spool-") as folder, contextlib.ExitStack() as at_the_end:
        db = SpoolDb(Path(folder) / "spool.db", 2000, 10**9, gap_row)
        at_the_end.callback(db.close)
        db.open()
        for _ in range(rng.randrange(5, 30)):
            match rng.randrange(5):
                case 0 | 1:
                    count = rng.randrange(1, 1500)
                    db.commit([put(written + 1, written + count, rng.randrange(1, 6))])
                    written += count
                case 2 | 3:
                    for seq, body in db.read(len(hub), rng.randrange(1, 600), 10**9):
                        assert seq == len(hub) + 1
                        hub.append(body)
                    if rng.random() < 0.7:  # else the answer is lost
                        db.forget_to(len(hub))
                case 4:
                    db.open()  # closes it first
                    db.forget_to(rng.choice([db.base, len(hub)]))
            assert db.rows <= 2001
        db.forget_to(len(hub))
        hub += drain(db)
    numbers = [int(body) for body in hub if not body.startswith(b"gap")]
    gaps = sum(int(body.split()[-1]) for body in hub if body.startswith(b"gap"))
    assert numbers == sorted(set(numbers))
    assert len(numbers) + gaps == written


def test_a_replaced_event_has_the_number_of_the_one_before(tmp_path: Path) -> None:
    db = opened(tmp_path)
    db.commit([put(1, 3)])
    db.forget_to(1)
    db.replace(2, (4, 0.0, b"another"))
    assert db.read(1, 9, 10**6) == [(2, b"another"), (3, b"3")]
    size = db.size_bytes
    db.close()
    assert opened(tmp_path).size_bytes == size


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    db = opened(tmp_path)
    db.commit([put(1, 1)])
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize("junk", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 4096])
def test_what_is_no_database_is_set_aside(tmp_path: Path, junk: bytes) -> None:
    (tmp_path / "spool.db").write_bytes(junk)
    db = SpoolDb(tmp_path / "spool.db", 9999, 10**9, gap_row)
    said = db.open()
    assert bool(said) is bool(junk)
    if junk:
        assert (tmp_path / "spool.db.damaged").read_bytes() == junk
    db.commit([put(1, 1)])
    assert db.read(0, 9, 100) == [(1, b"1")]


def test_a_database_of_something_else_is_set_aside(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "spool.db")) as other:
        other.execute("CREATE TABLE events (x)")
    db = SpoolDb(tmp_path / "spool.db", 9999, 10**9, gap_row)
    assert "kept as" in db.open()


def test_damage_in_any_place_is_no_crash_and_events_can_be_stored_again(tmp_path: Path) -> None:
    db = opened(tmp_path)
    db.commit([Put([(4, float(number), b"%d" % number * 50) for number in range(200)], "key", b"state")])
    db.close()
    whole = (tmp_path / "spool.db").read_bytes()
    rng = random.Random(5)
    for place in [*range(0, 120, 5), *(rng.randrange(len(whole)) for _ in range(60))]:
        for path in tmp_path.iterdir():
            path.unlink()
        hit = bytearray(whole)
        hit[place : place + 16] = rng.randbytes(16)
        (tmp_path / "spool.db").write_bytes(hit)
        again = SpoolDb(tmp_path / "spool.db", 9999, 10**9, gap_row)
        again.open()
        try:
            again.state("key")
            again.commit([put(1, 3)])
        except DamagedSpoolError:
            again.open()
            again.commit([put(1, 3)])
        assert again.read(again.base, 1000, 10**9)
        again.close()


def hit(path: Path, text: bytes, by: bytes) -> None:
    """Change what stands in a file."""
    data = path.read_bytes()
    assert text in data
    path.write_bytes(data.replace(text, by + text[len(by) :]))


def test_a_text_that_is_none_any_more_is_damage(tmp_path: Path) -> None:
    db = opened(tmp_path)
    db.commit([put(1, 3)])
    db.close()
    hit(tmp_path / "spool.db", db.spool.encode(), b"\xff\xff")
    assert "kept as" in db.open()


def test_words_of_sqlite_that_quote_damage_are_damage(tmp_path: Path) -> None:
    with pytest.raises(DamagedSpoolError), told(tmp_path / "spool.db"):
        raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "as quick_check does")


def test_what_stands_where_bytes_belong_costs_itself_alone(tmp_path: Path) -> None:
    db = opened(tmp_path)
    db.commit([put(1, 3), Put([], "key", b"state")])
    db.close()
    with contextlib.closing(sqlite3.connect(tmp_path / "spool.db")) as other:
        other.execute("UPDATE events SET body = 1099511627776 WHERE id = 2")
        other.execute("UPDATE events SET body = CAST(x'ff31' AS TEXT) WHERE id = 1")
        other.execute("UPDATE states SET state = 1099511627776")
        other.commit()
    db.open()
    assert db.read(0, 9, 100) == [(1, b""), (2, b""), (3, b"3")]
    with pytest.raises(DamagedSpoolError):
        db.state("key")
    assert read_state(tmp_path / "spool.db", "key") is None


def test_a_file_that_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "spool.db").mkdir()
    with pytest.raises((TransientError, SettingsError)):
        opened(tmp_path)


# --- the spool --------------------------------------------------------------------------------------------------------


class SpoolCase(SynchronousTestCase):
    settings = SpoolSettings()

    def setUp(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="tocsin-spool-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.clock = Clock()
        self.told: list[str] = []
        self.woken: list[int] = []
        self.spool = self.open()

    def open(self) -> EventSpool:
        self.worker = InlineWorker()
        spool = EventSpool(
            self.clock,
            self.worker,
            self.folder / "spool.db",
            lambda: "local",
            lambda: 1.8e9,
            self.settings,
            on_problem=self.told.append,
            on_events=lambda: self.woken.append(1),
        )
        spool.startService()
        self.addCleanup(self.stop, spool)
        return spool

    def stop(self, spool: EventSpool) -> None:
        spool.stopService()
        self.worker.release()

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        d = Deferred.fromCoroutine(work)
        self.clock.pump([GATHER_S] * 3)
        return self.successResultOf(d)

    def batch(self, limit: int = 100) -> list[tuple[int, Event]]:
        found = self.do(self.spool.next_batch(limit))
        return [(spooled.seq, spooled.event) for spooled in found.events]


class ContractTests(EventSinkContract, SpoolCase):
    def make_sink(self) -> EventSpool:
        return self.spool

    def settle(self) -> None:
        self.clock.pump([GATHER_S] * 3)

    def kept(self, sink: EventSpool) -> list[Event]:
        return [event for _, event in self.batch()]

    def fill_disk(self, sink: EventSpool, *, full: bool) -> None:
        """SQLite refuses as it does on a disk that cannot be written (the really full one: tests/integration)."""
        sink._db._connection().execute(f"PRAGMA query_only={int(full)}")


class FakeContractTests(EventSinkContract):
    def make_sink(self) -> FakeEventSink:
        return FakeEventSink()

    def settle(self) -> None:
        pass

    def kept(self, sink: FakeEventSink) -> list[Event]:
        return sink.sent

    def fill_disk(self, sink: FakeEventSink, *, full: bool) -> None:
        sink.full = full


class GatherTests(SpoolCase):
    def test_what_is_sent_together_is_one_transaction(self) -> None:
        waiting = [Deferred.fromCoroutine(self.spool.send([event(number)], f"k{number}", b"s")) for number in range(20)]
        self.assertEqual(self.worker.jobs, 0)
        self.clock.advance(GATHER_S)
        for d in waiting:
            self.successResultOf(d)
        self.assertEqual(self.worker.jobs, 1)
        self.assertEqual([event.component for _, event in self.batch()], [f"set{number}" for number in range(20)])
        self.assertEqual(len(self.woken), 1)

    def test_nobody_is_told_before_it_is_on_disk(self) -> None:
        self.worker.hold = True
        first = Deferred.fromCoroutine(self.spool.send([event(1)], "k", b"one"))
        self.clock.advance(GATHER_S)
        second = Deferred.fromCoroutine(self.spool.send([event(2)], "k", b"two"))
        self.clock.advance(1)
        self.assertNoResult(first)
        self.assertNoResult(second)
        self.assertEqual(self.spool.load("k"), b"two")
        self.assertEqual(self.spool.queued, 1)
        self.worker.release()
        self.successResultOf(first)
        self.assertNoResult(second)
        self.clock.advance(GATHER_S)
        self.successResultOf(second)
        self.assertEqual(self.spool.load("k"), b"two")
        self.assertEqual(self.spool.queued, 2)

    def test_a_stop_puts_all_on_disk_first(self) -> None:
        waiting = Deferred.fromCoroutine(self.spool.send([event(1)], "k", b"one"))
        self.successResultOf(self.spool.stopService())
        self.successResultOf(waiting)
        self.spool = self.open()
        self.assertEqual(self.batch(), [(1, event(1))])
        self.assertEqual(self.spool.load("k"), b"one")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_nothing_to_send_needs_no_disk(self) -> None:
        self.do(self.spool.send([]))
        self.assertEqual(self.worker.jobs, 0)


class PumpSideTests(SpoolCase):
    def test_it_forgets_only_what_it_is_told_to(self) -> None:
        self.do(self.spool.send([event(number) for number in range(1, 6)]))
        self.do(self.spool.forget_up_to(2, self.spool.spool))
        self.assertEqual([seq for seq, _ in self.batch()], [3, 4, 5])
        self.assertEqual(self.spool.queued, 3)
        self.do(self.spool.forget_up_to(4, "another spool"))
        self.assertEqual([seq for seq, _ in self.batch()], [3, 4, 5])

    def test_what_the_hub_has_is_not_sent_again_when_the_disk_refuses_to_delete_it(self) -> None:
        self.do(self.spool.send([event(number) for number in range(1, 6)]))
        connection = self.spool._db._connection()
        connection.execute("PRAGMA query_only=1")
        failed = Deferred.fromCoroutine(self.spool.forget_up_to(3, self.spool.spool))
        self.failureResultOf(failed, TransientError)
        self.assertEqual([seq for seq, _ in self.batch()], [4, 5])
        self.assertEqual(self.spool.queued, 2)
        self.assertIn("cannot be written", self.told[0])
        connection.execute("PRAGMA query_only=0")
        self.do(self.spool.forget_up_to(4, self.spool.spool))
        self.assertEqual((self.spool._db.base, self.spool._db.rows), (4, 1))
        self.assertEqual(self.told[-1], "")

    def test_a_hub_that_holds_more_is_believed(self) -> None:
        self.do(self.spool.send([event(number) for number in range(1, 6)]))
        self.assertEqual(self.do(self.spool.resume(4, self.spool.spool)), "")
        self.assertEqual([seq for seq, _ in self.batch()], [5])

    def test_a_hub_from_a_backup_gets_all_that_is_here_under_a_new_id(self) -> None:
        self.do(self.spool.send([event(number) for number in range(1, 6)]))
        self.do(self.spool.forget_up_to(3, self.spool.spool))
        old = self.spool.spool
        said = self.do(self.spool.resume(1, old))
        self.assertIn("it lost 2", said)
        self.assertNotEqual(self.spool.spool, old)
        self.assertEqual(self.batch(), [(1, event(4)), (2, event(5))])
        self.assertEqual(self.do(self.spool.resume(0, old)), "")
        self.assertEqual(self.batch(), [(1, event(4)), (2, event(5))])

    def test_a_spool_from_a_backup_begins_new_numbers(self) -> None:
        self.do(self.spool.send([event(1)]))
        old = self.spool.spool
        self.assertIn("never sent more than 1", self.do(self.spool.resume(9, old)))
        self.assertNotEqual(self.spool.spool, old)
        self.assertEqual(self.batch(), [(1, event(1))])

    def test_an_event_that_cannot_be_read_any_more_is_replaced_by_one_that_says_so(self) -> None:
        self.do(self.spool.send([event(1), event(2)]))
        self.spool._db._connection().execute("UPDATE events SET body = x'c1' WHERE id = 1")
        (first, second) = self.batch()
        self.assertEqual((first[0], first[1].event_key, first[1].device), (1, "event_unreadable", "local"))
        self.assertEqual(second, (2, event(2)))


class DamageTests(SpoolCase):
    def test_a_file_that_breaks_while_it_is_used_is_set_aside_and_an_event_says_so(self) -> None:
        self.do(self.spool.send([event(1)], "k", b"one"))
        old = self.spool.spool
        self.spool._db._connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self.spool._db._connection().execute("PRAGMA shrink_memory")  # or it would go on with what it has in memory
        path = self.folder / "spool.db"
        path.write_bytes(path.read_bytes()[:100] + b"\xff" * 20_000)
        self.do(self.spool.send([event(2)], "k", b"two"))
        self.assertNotEqual(self.spool.spool, old)
        self.assertEqual(self.spool.load("k"), b"two")
        self.clock.pump([GATHER_S] * 3)
        kinds = {event.event_key for _, event in self.batch()}
        self.assertEqual(kinds, {"process_missing", "spool_damaged"})
        self.assertTrue((self.folder / "spool.db.damaged").exists())

    def test_a_file_that_was_damaged_before_the_start(self) -> None:
        self.stop(self.spool)
        for path in self.folder.iterdir():
            path.write_bytes(b"junk" * 100)
        self.spool = self.open()
        self.clock.pump([GATHER_S] * 3)
        ((seq, said),) = self.batch()
        self.assertEqual((seq, said.event_key, said.severity), (1, "spool_damaged", Severity.ERROR))
        self.assertIn("kept as", said.summary)


class OverflowTests(SpoolCase):
    settings = SpoolSettings(max_events=2000)

    def test_what_was_dropped_is_one_event(self) -> None:
        self.do(self.spool.send([event(number, Severity.INFO) for number in range(1500)]))
        self.do(self.spool.send([event(number, Severity.ERROR) for number in range(1000)]))
        self.assertEqual((self.spool.queued, self.spool.dropped), (2000, 500))
        self.do(self.spool.forget_up_to(1000, self.spool.spool))
        last = self.batch(1000)
        while (more := self.batch(1000)) and more[-1][0] != self.spool._db.base:
            last = more
            self.do(self.spool.forget_up_to(more[-1][0], self.spool.spool))
        (gap,) = [event for _, event in last if event.event_key == "events_dropped"]
        self.assertEqual(gap.details["count"], 500)
        self.assertIn("500 events were dropped because the event spool was full (500 info)", gap.summary)

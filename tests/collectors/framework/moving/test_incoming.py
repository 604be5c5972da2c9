from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from collectors.framework.data.copies import copy_name
from collectors.framework.data.room import LEAST_FREE_BYTES
from collectors.framework.moving.incoming import HELD_S, KEEP_S, MOST_BROKEN, PATIENCE_S, Incoming
from collectors.framework.moving.orders import Adopt, Moved
from collectors.framework.moving.outgoing import describe, list_outgoing
from common.errors import PermanentError, TransientError
from common.moving import Given, GiveQuery, MovedFile, OutgoingQuery, Taken, digest_of
from common.series import Layout, Point, SeriesKey
from tests.fakes.moving import LAYOUT, QuietWorker, Side
from tests.fakes.stores import done

NOW = int(time.time()) // 10 * 10
"""Files have that time, too."""
KEY = SeriesKey("web1", "../../etc/passwd\n", "process")


class Bench:
    def __init__(self, folder: Path, most_bytes: int = 10_000_000) -> None:
        self.clock = Clock()
        self.now = float(NOW)
        self.folder = folder / "incoming"
        self.adopted: list[Adopt] = []
        self.answer: Any = Moved(1)
        self.incoming = self.start(most_bytes)
        side = Side(folder, "giver", self.clock, NOW)
        side.sample({NOW - 1000 + 10 * n: float(n) for n in range(20)}, KEY)
        (self.told,) = list_outgoing(side.root, OutgoingQuery(device="web1")).files
        self.data = side.path(KEY).read_bytes()

    def start(self, most_bytes: int = 10_000_000) -> Incoming:
        self.incoming = Incoming(
            self.folder, self.clock, lambda: self.now, QuietWorker(), self.adopt, most_bytes=most_bytes
        )
        return self.incoming

    async def adopt(self, order: Adopt) -> Moved:
        self.adopted.append(order)
        assert self.bytes_of(order.path) == self.data
        if isinstance(self.answer, Exception):
            raise self.answer
        if isinstance(self.answer, Deferred):
            await self.answer
        return Moved(1)

    @staticmethod
    def bytes_of(path: str) -> bytes:
        return Path(path).read_bytes()

    def ask(self, told: MovedFile | None = None) -> Taken:
        return done(self.incoming.take(GiveQuery(file=told or self.told)))

    def give(self, offset: int, data: bytes, told: MovedFile | None = None) -> Taken:
        query = GiveQuery(file=told or self.told, offset=offset, data=data, check=digest_of(data))
        return done(self.incoming.take(query))

    def give_all(self, told: MovedFile | None = None, data: bytes | None = None) -> Taken:
        taken, whole = self.ask(told), self.data if data is None else data
        while taken.state is Given.WANTED and taken.offset < len(whole):
            before = taken.offset
            taken = self.give(taken.offset, whole[taken.offset : taken.offset + 100_000], told)
            if taken.state is Given.WANTED and taken.offset <= before:
                return taken
        return taken


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_file_comes_in_pieces_and_is_adopted_once(bench: Bench) -> None:
    assert bench.ask() == Taken(state=Given.WANTED)
    assert bench.give_all().state is Given.HELD
    assert [(order.key, order.first, order.last) for order in bench.adopted] == [(KEY, NOW - 1000, NOW - 810)]
    assert bench.ask().state is Given.HELD
    assert len(bench.adopted) == 1
    assert list(bench.folder.iterdir()) == []


def test_that_a_file_is_here_is_not_believed_for_long_and_not_when_files_have_left(bench: Bench) -> None:
    bench.give_all()
    bench.clock.advance(HELD_S + 1)
    assert bench.ask().state is Given.WANTED
    bench.give_all()
    bench.incoming.forget()
    assert bench.ask().state is Given.WANTED


def test_it_goes_on_where_it_was_after_a_restart(bench: Bench) -> None:
    bench.give(0, bench.data[:70_000])
    bench.start()
    assert bench.ask() == Taken(state=Given.WANTED, offset=70_000)
    assert bench.give_all().state is Given.HELD


def test_a_damaged_or_a_wrong_piece_is_wanted_again(bench: Bench) -> None:
    bench.give(0, bench.data[:1000])
    bad = GiveQuery(file=bench.told, offset=1000, data=b"x" * 100, check=digest_of(b"y"))
    assert done(bench.incoming.take(bad)).offset == 1000
    assert bench.give(5000, bench.data[5000:6000]).offset == 1000
    assert bench.give_all().state is Given.HELD


def test_a_file_that_is_another_than_told_is_begun_anew_and_refused_in_the_end(bench: Bench) -> None:
    other = bytes(len(bench.data))
    states = [bench.give_all(data=other) for _ in range(MOST_BROKEN)]
    assert [taken.state for taken in states] == [Given.WANTED] * (MOST_BROKEN - 1) + [Given.REFUSED]
    assert bench.adopted == []
    assert list(bench.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"key": SeriesKey("web2", "sshd", "process")}, "name"),
        ({"layout": replace(LAYOUT, step_s=60)}, "step"),
        ({"layout": Layout(points=(Point(name="other"),), step_s=10)}, "data sources"),
        ({"last": NOW}, "last sample"),
        ({"first": NOW + 5}, "first sample"),
    ],
)
def test_a_file_that_is_told_wrongly_is_refused(bench: Bench, changes: dict[str, Any], word: str) -> None:
    taken = bench.give_all(replace(bench.told, **changes))
    assert taken.state is Given.REFUSED
    assert word in taken.reason
    assert bench.adopted == []


def test_what_is_no_rrd_file_is_refused(bench: Bench) -> None:
    junk = b"RRD\0" + b"junk" * 1000
    told = replace(bench.told, size=len(junk), digest=digest_of(junk))
    taken = bench.give_all(told, junk)
    assert (taken.state, "RRD" in taken.reason) == (Given.REFUSED, True)


def test_more_than_was_told_is_refused(bench: Bench) -> None:
    told = replace(bench.told, size=1000)
    assert bench.give(0, bench.data[:2000], told).state is Given.REFUSED


def test_the_folder_stays_within_its_bound_and_drops_what_was_begun_first(tmp_path: Path) -> None:
    bench = Bench(tmp_path, most_bytes=150_000)
    bench.give(0, bench.data[:100_000])
    second = replace(bench.told, digest="0" * 32)
    assert bench.give(0, bench.data[:90_000], second).offset == 90_000
    assert bench.ask().offset == 0
    with pytest.raises(TransientError, match="may not hold more"):
        bench.give(90_000, bench.data[:100_000], second)


def test_a_file_that_has_changed_meanwhile_takes_the_place_of_its_part(bench: Bench) -> None:
    bench.give(0, bench.data[:70_000])
    changed = replace(bench.told, digest="0" * 32)
    bench.give(0, bench.data[:60_000], changed)
    assert [path.stat().st_size for path in bench.folder.iterdir()] == [60_000]
    another = replace(bench.told, beside=f"gap-{bench.told.first}-{bench.told.last}")
    bench.give(0, bench.data[:50_000], another)
    assert sorted(path.stat().st_size for path in bench.folder.iterdir()) == [50_000, 60_000]


def test_the_last_room_of_the_disk_is_for_samples(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    free = 100
    monkeypatch.setattr("os.statvfs", lambda _: SimpleNamespace(f_frsize=1000, f_bavail=free, f_blocks=100_000_000))
    with pytest.raises(TransientError, match="too little room"):
        bench.give(0, bench.data[:70_000])
    assert list(bench.folder.iterdir()) == []
    free = LEAST_FREE_BYTES // 1000 + len(bench.data) * 2 // 1000 + 2
    assert bench.give_all().state is Given.HELD


def test_what_lies_there_for_long_goes_and_what_is_not_ours_stays(bench: Bench) -> None:
    bench.give(0, bench.data[:1000])
    (part,) = bench.folder.iterdir()
    (bench.folder / "notes.txt").write_text("mine")
    second = replace(bench.told, beside=f"gap-{bench.told.first}-{bench.told.last}")
    bench.now = part.stat().st_mtime + KEEP_S - 60
    bench.give(0, bench.data[:1000], second)
    assert part.exists()
    bench.now += 120
    bench.give(1000, bench.data[1000:2000], second)
    assert not part.exists()
    assert (bench.folder / "notes.txt").exists()


def test_an_adoption_that_takes_long_is_asked_after(bench: Bench) -> None:
    bench.answer = Deferred()
    begin = len(bench.data) - 1000
    for offset in range(0, begin, 100_000):
        bench.give(offset, bench.data[offset : min(offset + 100_000, begin)])
    last = bench.data[begin:]
    query = GiveQuery(file=bench.told, offset=begin, data=last, check=digest_of(last))
    results: list[Taken] = []
    Deferred.fromCoroutine(bench.incoming.take(query)).addCallback(results.append)
    bench.clock.advance(PATIENCE_S + 0.1)
    assert [taken.state for taken in results] == [Given.WORKING]
    Deferred.fromCoroutine(bench.incoming.take(GiveQuery(file=bench.told))).addCallback(results.append)
    bench.answer.callback(None)
    assert [taken.state for taken in results] == [Given.WORKING, Given.HELD]
    assert len(bench.adopted) == 1


def test_an_adoption_that_fails_for_now_is_tried_again_with_what_has_come(bench: Bench) -> None:
    bench.answer = TransientError("the disk is full")
    with pytest.raises(TransientError, match="the disk is full"):
        bench.give_all()
    bench.answer = Moved(1)
    assert bench.ask().state is Given.HELD


def test_a_file_of_a_clock_that_is_ahead_is_taken_when_its_time_has_come(bench: Bench) -> None:
    bench.now = NOW - 2000
    with pytest.raises(TransientError, match="ahead of the clock"):
        bench.give_all()
    bench.now = NOW
    assert bench.ask().state is Given.HELD


def test_an_adoption_that_cannot_be_done_refuses_the_file(bench: Bench) -> None:
    bench.answer = PermanentError("it is damaged")
    taken = bench.give_all()
    assert (taken.state, taken.reason) == (Given.REFUSED, "it is damaged")
    assert bench.incoming.refused == 1
    assert list(bench.folder.iterdir()) == []


def test_a_file_is_described_as_it_is(tmp_path: Path) -> None:
    side = Side(tmp_path, "giver", Clock(), NOW)
    side.sample({NOW - 1000: 1.0, NOW - 990: 2.0}, KEY)
    series = side.writer.index.get(str(side.path(KEY).relative_to(side.root)))
    assert series is not None
    told = describe(side.path(KEY), series, series.first)
    assert (told.key, told.first, told.last, told.beside) == (KEY, NOW - 1000, NOW - 990, "")
    assert told.size == side.path(KEY).stat().st_size


def test_what_lies_beside_a_file_counts_as_one_more(tmp_path: Path) -> None:
    side = Side(tmp_path, "giver", Clock(), NOW)
    side.sample({NOW - 1000: 1.0, NOW - 990: 2.0}, KEY)
    file = side.path(KEY)
    Path(copy_name(str(file), NOW - 90_000, NOW - 80_000)).write_bytes(file.read_bytes())
    offered = list_outgoing(side.root, OutgoingQuery(device="web1"))
    assert [bool(one.beside) for one in offered.files] == [True, False]
    assert (offered.files_in_all, offered.bytes_in_all) == (2, 2 * file.stat().st_size)

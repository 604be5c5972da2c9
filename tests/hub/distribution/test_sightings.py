"""When a daemon was seen last is known after a restart of the hub, too."""

from __future__ import annotations

from collections.abc import Iterable

from twisted.internet.task import Clock

from common.errors import TransientError
from hub.distribution.roster import Roster
from hub.distribution.sightings import NOTE_S, Seen, Sightings
from tests.hub.distribution.fakes import FakeCollector, FakeSession

START = 1_800_000_000.0


class Book:
    """Keeps what it is told, and how often; `full` refuses."""

    def __init__(self) -> None:
        self.seen: dict[tuple[str, str], float] = {}
        self.writes: list[int] = []
        self.full = False

    async def note_seen(self, seen: Iterable[Seen]) -> None:
        if self.full:
            raise TransientError("the disk is full")
        rows = list(seen)
        self.writes.append(len(rows))
        self.seen.update({(collector, daemon): at for collector, daemon, at in rows})


class Site:
    """A hub with a roster and a book, which may be started anew."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.book = Book()
        self.begin()

    def begin(self) -> None:
        self.roster = Roster(lambda: START + self.clock.seconds())
        self.roster.remember((collector, daemon, at) for (collector, daemon), at in self.book.seen.items())
        self.sightings = Sightings(self.clock, self.roster, self.book.note_seen)
        self.sightings.start()

    def arrive(self, name: str) -> FakeSession:
        session = FakeSession(FakeCollector(name))
        self.roster.arrive(session)
        return session

    def stop(self) -> None:
        done: list[object] = []
        self.sightings.stop().addBoth(done.append)
        self.clock.advance(0)
        assert done == [None]

    def last_seen(self) -> dict[str, float]:
        return {seat.collector: seat.last_seen - START for seat in self.roster.seats()}


def test_a_clean_stop_keeps_it_to_the_second() -> None:
    site = Site()
    session = site.arrive("near")
    site.clock.advance(25)
    session.last_seen = START + 24
    site.stop()
    site.begin()
    assert site.last_seen() == {"near": 24}


def test_without_one_it_is_that_of_a_minute_ago_and_each_minute_is_one_write() -> None:
    site = Site()
    near, far = site.arrive("near"), site.arrive("far")
    for second in range(1, 10 * int(NOTE_S)):
        near.last_seen = far.last_seen = START + second
        site.clock.advance(1)
    assert site.book.writes == [2] * 9
    site.begin()
    assert set(site.last_seen().values()) == {9 * NOTE_S}


def test_one_that_left_is_written_once_and_one_that_is_away_not_again() -> None:
    site = Site()
    session = site.arrive("near")
    session.last_seen = START + 7
    site.roster.leave(session, "the cable was cut")
    site.clock.advance(NOTE_S)
    site.clock.advance(NOTE_S)
    assert (site.book.seen, site.book.writes) == ({("near", "process"): START + 7}, [1])
    site.begin()
    site.clock.advance(NOTE_S)
    assert site.book.writes == [1]


def test_a_store_that_refuses_gets_it_the_next_time() -> None:
    site = Site()
    site.arrive("near").last_seen = START + 7
    site.book.full = True
    site.clock.advance(NOTE_S)
    assert site.book.seen == {}
    site.book.full = False
    site.clock.advance(NOTE_S)
    assert site.book.seen == {("near", "process"): START + 7}

# mypy: allow-untyped-calls
"""The hub puts the pages of a roll book together."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from common.errors import NotFoundError, RemoteError
from common.queries import Query, Result, RollAtQuery, RollBetweenQuery, RollChanges, RollTable
from common.roll import RollChange, RollGap, RollRow
from hub.data.asking import CollectorAwayError, TooSlowError
from hub.data.reader import Reader
from hub.data.rollbook import RollReader
from tests.hub.distribution.fakes import FakeCollector, FakeSession

T = TypeVar("T")

GAP = RollGap(start=1.0, end=2.0, why="stopped")


def row(pid: int) -> RollRow:
    return RollRow(pid=pid, set=None, name="x", command="/bin/x", started_at=1.0, seen_after=None, seen_at=None)


def change(pid: int) -> RollChange:
    return RollChange(what="started", at=float(pid), after=None, by=float(pid), process=row(pid))


class RollReaderTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.session = FakeSession(FakeCollector("east"))
        self.sessions = {"east": self.session}
        self.clock = Clock()
        reader = Reader(
            self.clock,
            {"web1": "east", "lost": "gone"}.get,
            {"east", "gone"}.__contains__,
            lambda name, _: self.sessions.get(name),
            lambda name, _: f"collector {name} is not connected",
        )
        self.reader = RollReader(reader)

    def ask(self, work: Coroutine[Any, Any, T]) -> Deferred[T]:
        return Deferred.fromCoroutine(work)

    def test_pages_of_a_table_are_put_together(self) -> None:
        def answers(query: Query) -> Result:
            assert isinstance(query, RollAtQuery)
            assert (query.device, query.at, query.sets) == ("web1", 7.5, ["a"])
            pids = range(query.after_pid + 1, min(query.after_pid + 4, 10))
            return RollTable(scanned=5.0, rows=[row(pid) for pid in pids], more=pids[-1] < 9)

        self.session.answers = answers
        found = self.successResultOf(self.ask(self.reader.at("web1", 7.5, ["a"])))
        self.assertEqual([one.pid for one in found.rows], list(range(10)))
        self.assertEqual((found.scanned, found.gap), (5.0, None))

    def test_pages_of_changes_are_put_together_empty_ones_too_and_gaps_are_told_once(self) -> None:
        asked: list[tuple[int, int]] = []

        def answers(query: Query) -> Result:
            assert isinstance(query, RollBetweenQuery)
            asked.append(query.after)
            number = len(asked)
            changes = [] if number == 2 else [change(number)]
            return RollChanges(changes=changes, gaps=[GAP], more=number < 4, last=(number, 0))

        self.session.answers = answers
        found = self.successResultOf(self.ask(self.reader.between("web1", 0, 9, [], (0, 0), 1000)))
        self.assertEqual([one.process.pid for one in found.changes], [1, 3, 4])
        self.assertEqual((found.gaps, found.more), ([GAP], False))
        self.assertEqual(asked, [(0, 0), (1, 0), (2, 0), (3, 0)])

    def test_no_more_is_asked_for_than_is_wanted(self) -> None:
        self.session.answers = lambda query: RollChanges(
            changes=[change(1), change(2)][: query.limit], gaps=[], more=True, last=(query.after[0], query.after[1] + 2)
        )
        found = self.successResultOf(self.ask(self.reader.between("web1", 0, 9, [], (3, 0), 3)))
        self.assertEqual((len(found.changes), found.more, found.last), (3, True, (3, 4)))

    def test_a_collector_that_never_comes_to_an_end_is_not_followed_for_ever(self) -> None:
        self.session.answers = lambda query: RollChanges(changes=[], gaps=[], more=True, last=query.after)
        found = self.successResultOf(self.ask(self.reader.between("web1", 0, 9, [], (0, 0), 1000)))
        self.assertFalse(found.more)
        self.session.answers = lambda query: RollTable(scanned=1.0, rows=[row(query.after_pid)] * 1000, more=True)
        self.failureResultOf(self.ask(self.reader.at("web1", 7.5, [])), CollectorAwayError)

    def test_a_collector_that_takes_its_time_for_each_page_is_not_waited_for_for_ever(self) -> None:
        asked: list[Query] = []

        def answers(query: Query) -> Result:
            asked.append(query)
            self.clock.advance(20)
            if isinstance(query, RollAtQuery):
                return RollTable(scanned=1.0, rows=[row(len(asked))], more=True)
            return RollChanges(changes=[], gaps=[], more=True, last=(len(asked), 0))

        self.session.answers = answers
        found = self.successResultOf(self.ask(self.reader.between("web1", 0, 9, [], (0, 0), 1000)))
        self.assertEqual((len(asked), found.more, found.last), (2, True, (2, 0)))
        self.failureResultOf(self.ask(self.reader.at("web1", 7.5, [])), TooSlowError)
        self.assertEqual(len(asked), 4)

    def test_a_table_that_does_not_go_on_is_none(self) -> None:
        self.session.answers = lambda _: RollTable(scanned=1.0, rows=[row(5), row(-7)], more=True)
        self.failureResultOf(self.ask(self.reader.at("web1", 7.5, [])), CollectorAwayError)

    def test_what_is_away_unknown_or_too_old_is_a_sentence(self) -> None:
        def too_old(_query: Query) -> Result:
            raise RemoteError("bad_request", "Invalid value 'RollAtQuery'")

        self.failureResultOf(self.ask(self.reader.at("lost", 1.0, [])), CollectorAwayError)
        self.failureResultOf(self.ask(self.reader.at("nobody", 1.0, [])), NotFoundError)
        self.session.answers = too_old
        failure = self.failureResultOf(self.ask(self.reader.at("web1", 1.0, [])), CollectorAwayError)
        self.assertIn("keeps no roll book; update it", str(failure.value))

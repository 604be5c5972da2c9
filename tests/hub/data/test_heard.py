# mypy: allow-untyped-calls
from __future__ import annotations

import pytest
from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from common.errors import RemoteError, TransientError
from common.queries import LastValue, Query, Result
from common.readings import Heard, HeardQuery, HeardSeries, PointFacts, SeriesFacts
from hub.data.heard import MAX_PLAIN, RATIO, LastHeard
from hub.data.hearing import BUSY_S, PACE_S, REFUSED_S, ROUND_S, Hearing
from tests.hub.distribution.fakes import FakeCollector, FakeSession


def series(device: str = "web1", component: str = "nginx", at: int = 100, value: float | None = 1) -> HeardSeries:
    point = PointFacts(name="cpu", kind="gauge", unit="percent")
    return HeardSeries(
        device=device, component=component, source="process", points=[point], step_s=60, at=at, values=[value]
    )


def value(component: str = "nginx", point: str = "cpu", at: int | None = 100) -> LastValue:
    return LastValue(
        component=component, source="process", point=point, kind="gauge", unit="", step_s=60, at=at, value=2.5
    )


def names(heard: LastHeard, device: str = "web1") -> list[tuple[str, str, int | None]]:
    found = heard.values(device)
    assert found is not None
    return [(one.component, one.point, one.at) for one in found[0]]


def test_what_was_told_comes_back_as_it_was() -> None:
    heard, told = LastHeard(), [value("a"), replace(value("a", "memory"), rate=1.5), value("b", at=None)]
    heard.take_values("web1", told, 7.0)
    assert heard.values("web1") == (told, 7.0)
    assert heard.values("web2") is None


def test_a_sample_takes_the_place_of_the_one_before_and_leaves_the_others() -> None:
    heard = LastHeard()
    heard.take_values("web1", [value("a"), value("b")], 7.0)
    heard.take_samples([series(component="b", at=160), series(component="c"), series("web2")], 8.0)
    assert names(heard) == [("a", "cpu", 100), ("b", "cpu", 160), ("c", "cpu", 100)]
    assert names(heard, "web2") == [("nginx", "cpu", 100)]
    heard.take_values("web1", [value("c")], 9.0)
    assert names(heard) == [("c", "cpu", 100)]


def test_what_is_kept_is_made_of_samples_where_nobody_has_asked_for_it() -> None:
    heard = LastHeard()
    heard.take_samples([series(at=160)], 8.0)
    found = heard.facts("web1")
    assert found is not None
    (facts,), at = found
    assert (facts.component, facts.live_at, facts.archives, at) == ("nginx", 160, [], 8.0)
    told = [SeriesFacts(component="x", source="process", points=[], step_s=60, size_bytes=5)]
    heard.take_facts("web1", told, 9.0)
    assert heard.facts("web1") == (told, 9.0)
    assert names(heard) == [("nginx", "cpu", 160)]


def test_of_one_device_no_more_is_kept_than_can_be_unpacked_at_once() -> None:
    heard = LastHeard()
    for number in range(40):
        heard.take_samples([series(component=f"{number:x<60000}", at=number)], 7.0)
    found = heard.values("web1")
    assert found is not None
    kept = [one.at for one in found[0]]
    assert 5 <= len(kept) < MAX_PLAIN / 60_000
    assert 39 in kept
    assert heard.size > MAX_PLAIN // 2 // RATIO  # although it is packed much smaller
    heard.take_samples([series("web2", component="x" * (MAX_PLAIN + 1))], 8.0)
    assert heard.values("web2") == ([], 8.0)


def test_it_is_bounded_and_lets_go_of_what_was_heard_longest_ago() -> None:
    heard = LastHeard(max_bytes=20_000)
    for number in range(200):
        heard.take_samples([series(f"d{number}")], float(number))
        assert not number or heard.values("always") is not None
        heard.take_samples([series("always")], float(number))
        assert heard.size <= 20_000
    assert heard.values("always") is not None
    assert heard.values("d199") is not None
    assert heard.values("d0") is None
    for device in ["always", *(f"d{number}" for number in range(200))]:
        heard.forget(device)
    assert (heard.size, len(heard)) == (0, 0)


def test_of_a_device_whose_sets_come_and_go_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.data.heard.MAX_SERIES", 5)
    heard = LastHeard()
    for number in range(20):
        heard.take_samples([series(component=f"set{number:02}", at=100 + number)], 8.0)
    assert [component for component, _, _ in names(heard)] == [f"set{number}" for number in range(15, 20)]


class HearingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.sessions = [FakeSession(FakeCollector("east"))]
        self.asked: list[int] = []
        self.hearing = Hearing(
            self.clock,
            lambda: 1000.0,
            lambda: self.sessions,
            lambda device, collector: (device, collector) != ("stray", "east"),
        )

        def answers(query: Query) -> Result:
            assert isinstance(query, HeardQuery)
            self.asked.append(query.after)
            device = ["web1", "stray", "web3"][query.after]
            return Heard(series=[series(device)], last=query.after + 1, more=query.after < 2)

        self.sessions[0].answers = answers

    def turn(self, seconds: float = PACE_S) -> None:
        self.successResultOf(Deferred.fromCoroutine(self.hearing.run()))
        self.clock.advance(seconds)

    def test_a_round_is_a_page_at_a_time_and_the_next_begins_after_a_while(self) -> None:
        for _ in range(3):
            self.turn()
        self.assertEqual(self.asked, [0, 1, 2])
        for _ in range(5):
            self.turn()
        self.assertEqual(self.asked, [0, 1, 2])
        self.turn(ROUND_S)
        self.turn()
        self.assertEqual(self.asked, [0, 1, 2, 0])

    def test_rounds_are_short_at_first_for_a_collector_that_was_just_started(self) -> None:
        begun = []
        for second in range(4000):
            self.turn()
            if self.asked and self.asked[-1] == 0:
                begun.append(second)
                self.asked.append(-1)
        self.assertEqual(begun[:3], [0, 10, 22])
        self.assertLess(len(begun), 20)
        self.assertEqual(begun[-1] - begun[-2], ROUND_S)

    def test_devices_of_others_are_not_heard(self) -> None:
        for _ in range(3):
            self.turn()
        self.assertEqual(
            [self.hearing.heard.values(name) is None for name in ("web1", "stray", "web3")], [False, True, False]
        )

    def test_a_collector_that_does_not_know_the_question_is_left_alone(self) -> None:
        def refuse(query: Query) -> Result:
            self.asked.append(0)
            raise RemoteError("bad_request", "this query cannot be read")

        self.sessions[0].answers = refuse
        for _ in range(5):
            self.turn()
        self.assertEqual(len(self.asked), 1)
        self.turn(REFUSED_S)
        self.turn()
        self.assertEqual(len(self.asked), 2)

    def test_one_that_did_not_answer_is_asked_again_soon(self) -> None:
        def fail(query: Query) -> Result:
            self.asked.append(0)
            raise TransientError("too much to do")

        self.sessions[0].answers = fail
        self.turn(BUSY_S)
        self.turn()
        self.turn()
        self.assertEqual(len(self.asked), 2)

    def test_one_that_is_slow_holds_up_nobody_else_and_is_asked_once(self) -> None:
        slow, waits = FakeSession(FakeCollector("west")), Deferred[Result]()
        slow.answers = lambda _: waits
        self.sessions.insert(0, slow)
        for _ in range(4):
            self.turn()
        self.assertEqual((len(slow.queries), self.asked), (1, [0, 1, 2]))
        waits.callback(Heard(series=[series("web9")], last=1, more=True))
        slow.answers = lambda _: Deferred()
        self.turn()
        self.assertIsNotNone(self.hearing.heard.values("web9"))
        self.assertEqual([query.after for query in slow.queries if isinstance(query, HeardQuery)], [0, 1])

    def test_a_new_session_begins_anew(self) -> None:
        self.turn()
        another = FakeSession(FakeCollector("east"))
        another.answers = self.sessions[0].answers
        self.sessions[:] = [another]
        self.turn()
        self.assertEqual(self.asked, [0, 0])

# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from common.errors import NotFoundError, RemoteError
from common.queries import FetchQuery, LastValue, Listing, Query, Result, Rows
from common.readings import (
    InfoQuery,
    SeriesFacts,
    SeriesInfo,
    SeriesPage,
    SeriesQuery,
    Trail,
    Trails,
    TrailsQuery,
)
from hub.data.asking import CollectorAwayError
from hub.data.heard import LastHeard
from hub.data.reader import Reader
from hub.data.series import SeriesReader
from tests.hub.distribution.fakes import FakeCollector, FakeSession

T = TypeVar("T")
AWAY = "collector east (daemon process) is not connected; last seen then: cable cut"
FETCH = FetchQuery(device="web1", component="nginx", source="process", points=["cpu"], start=0, end=100, paged=True)


def value(component: str) -> LastValue:
    return LastValue(
        component=component, source="process", point="cpu", kind="gauge", unit="", step_s=60, at=60, value=2.5
    )


def facts(component: str) -> SeriesFacts:
    return SeriesFacts(component=component, source="process", points=[], step_s=60)


def rows(*stamps: int, more: bool = False, **fields: Any) -> Rows:
    found: list[tuple[int, list[float | None]]] = [(at, [float(at)]) for at in stamps]
    given = {"points": ["cpu"], "units": [""], "step_s": 10, "start": 0, "end": 100, "cf": "AVERAGE", **fields}
    return Rows(rows=found, more=more, next=stamps[-1], **given)


class SeriesReaderTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.session: FakeSession | None = FakeSession(FakeCollector("east"))
        self.elsewhere: dict[str, str] = {}
        self.heard = LastHeard()
        reader = Reader(
            self.clock,
            {"web1": "east"}.get,
            lambda _: False,
            lambda _name, _daemon: self.session,
            lambda name, daemon: f"collector {name} (daemon {daemon}) is not connected; last seen then: cable cut",
            series=lambda _device: self.elsewhere,
        )
        self.series = SeriesReader(reader, self.heard, lambda: 1234.0)

    def answer(self, answers: Callable[[Any], Result]) -> None:
        assert self.session is not None
        self.session.answers = answers

    def ask(self, work: Coroutine[Any, Any, T]) -> T:
        found: T = self.successResultOf(Deferred.fromCoroutine(work))
        return found

    def fails(self, work: Coroutine[Any, Any, Any], error: type[Exception]) -> str:
        return str(self.failureResultOf(Deferred.fromCoroutine(work), error).value)

    def test_last_values_that_were_told_are_told_again_when_the_collector_is_away(self) -> None:
        self.answer(lambda _: Listing(values=[value("a"), value("b")], more=False))
        told = self.ask(self.series.values("web1", None))
        self.assertEqual((told.found, told.stale, told.as_of), ([value("a"), value("b")], False, None))
        self.session = None
        told = self.ask(self.series.values("web1", None))
        self.assertEqual((told.found, told.stale, told.as_of), ([value("a"), value("b")], True, 1234.0))
        self.assertEqual(told.problem, AWAY)
        self.assertEqual(self.ask(self.series.values("web1", "b")).found, [value("b")])
        self.assertIn(AWAY, self.fails(self.series.values("web1", "c"), NotFoundError))

    def test_what_is_not_all_of_a_device_is_not_kept(self) -> None:
        self.answer(lambda _: Listing(values=[value("a")], more=False))
        self.ask(self.series.values("web1", "a"))
        self.session = None
        self.assertIn(AWAY, self.fails(self.series.values("web1", None), CollectorAwayError))

    def test_an_error_of_a_collector_that_is_there_is_an_error(self) -> None:
        self.heard.take_values("web1", [value("a")], 1.0)

        def refuse(_: Query) -> Result:
            raise RemoteError("not_found", "No series of a device 'web1' are kept here")

        self.answer(refuse)
        self.fails(self.series.values("web1", None), NotFoundError)
        self.fails(self.series.values("nobody", None), NotFoundError)

    def test_names_are_those_that_sets_have_now_whoever_told_them(self) -> None:
        self.elsewhere = {"new": "old"}
        self.answer(lambda _: Listing(values=[value("old"), value("new")], more=False))
        self.assertEqual(self.ask(self.series.values("web1", None)).found, [value("new")])
        self.session = None
        self.assertEqual(self.ask(self.series.values("web1", None)).found, [value("new")])
        self.assertEqual(self.ask(self.series.values("web1", "new")).found, [value("new")])

    def test_pages_of_what_is_kept_are_put_together_and_none_is_an_answer(self) -> None:
        every = [facts(f"c{n}") for n in range(5)]

        def page(query: SeriesQuery) -> Result:
            return SeriesPage(series=every[query.after : query.after + 2], more=query.after < 3)

        self.answer(page)
        self.assertEqual(self.ask(self.series.kept("web1", None)).found, every)
        self.session = None
        told = self.ask(self.series.kept("web1", None))
        self.assertEqual((told.found, told.stale), (every, True))
        self.session = FakeSession(FakeCollector("east"))
        self.answer(lambda _: SeriesPage(series=[], more=False))
        told = self.ask(self.series.kept("web1", None))
        self.assertEqual((told.found, told.stale), ([], False))

    def test_a_collector_that_does_not_know_the_question_is_to_be_updated(self) -> None:
        def refuse(_: Query) -> Result:
            raise RemoteError("bad_request", "query: Invalid value 'SeriesQuery' - at `$.type`")

        self.answer(refuse)
        for work in (
            self.series.kept("web1", None),
            self.series.info("web1", "a", ""),
            self.series.rows(replace(FETCH, cf="SUM"), 1000),
        ):
            self.assertIn("update it", self.fails(work, CollectorAwayError))

    def test_pages_of_rows_are_put_together_in_order(self) -> None:
        pages = {0: rows(10, 20, more=True, from_copies=1), 20: rows(30, 40, more=True), 40: rows(50, from_copies=2)}
        self.answer(lambda query: pages[query.after])
        found = self.ask(self.series.rows(FETCH, 1000))
        self.assertEqual([at for at, _ in found.rows], [10, 20, 30, 40, 50])
        self.assertEqual((found.more, found.from_copies), (False, 3))
        found = self.ask(self.series.rows(FETCH, 3))
        self.assertEqual(([at for at, _ in found.rows], found.more, found.next), ([10, 20, 30, 40], True, 40))

    def test_a_collector_that_never_ends_is_not_asked_for_ever(self) -> None:
        self.answer(lambda _: rows(10, more=True))
        self.assertIn("cannot be", self.fails(self.series.rows(FETCH, 1000), CollectorAwayError))

    def test_a_collector_that_does_not_fold_is_to_be_updated(self) -> None:
        query = FetchQuery(
            device="web1", component="nginx", source="process", points=[], start=0, end=100, edges=[0, 50, 100]
        )
        self.answer(lambda _: rows(10, 20))
        self.assertIn("update it", self.fails(self.series.rows(query, 1000), CollectorAwayError))

    def test_trails_and_facts_are_under_the_names_that_sets_have_now(self) -> None:
        self.elsewhere = {"new": "old"}

        def trail(component: str) -> Trail:
            return Trail(component=component, source="process", point="cpu", unit="", start=0, bin_s=60, values=[1.0])

        asked: list[Query] = []

        def answers(query: TrailsQuery | InfoQuery) -> Result:
            asked.append(query)
            if isinstance(query, InfoQuery):
                return SeriesInfo(facts=facts("old"))
            if query.after:
                return Trails(trails=[trail("old")], seen=2, more=False)
            return Trails(trails=[trail("a")], seen=1, more=True)

        self.answer(answers)
        found = self.ask(self.series.trails(TrailsQuery(device="web1", start=0, end=60)))
        self.assertEqual([one.component for one in found], ["a", "new"])
        self.assertEqual(self.ask(self.series.info("web1", "new", ""))[0].facts.component, "new")
        self.assertEqual(asked[-1], InfoQuery(device="web1", component="old"))

# mypy: allow-untyped-calls
"""One collector, several daemons that keep files, each its own."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from common.errors import NotFoundError, PermanentError, RemoteError
from common.queries import Done, FetchQuery, LastValue, Listing, ListQuery, Query, Result, Rows
from common.readings import (
    InfoQuery,
    SeriesFacts,
    SeriesInfo,
    SeriesPage,
    SeriesQuery,
    Stats,
    StatsQuery,
    Trail,
    Trails,
    TrailsQuery,
)
from hub.data.asking import CollectorAwayError
from hub.data.heard import LastHeard
from hub.data.keepers import SEVERAL_S
from hub.data.reader import Reader
from hub.data.series import SeriesReader
from tests.hub.distribution.fakes import FakeCollector, FakeSession

T = TypeVar("T")
Key = tuple[str, str]


class Daemon:
    """Has series, each with its points, and answers about them as collectors do."""

    def __init__(self) -> None:
        self.series: dict[Key, list[str]] = {}
        self.at = 60
        self.asked: list[Query] = []
        self.hangs = False

    def has(self, component: str, source: str, *points: str) -> None:
        self.series[component, source] = list(points)

    def answer(self, query: Any) -> Result | Deferred[Result]:
        self.asked.append(query)
        if self.hangs:
            return Deferred()
        if not self.series:
            raise RemoteError("not_found", f"No series of a device {query.device!r} are kept here")
        keys = sorted(key for key in self.series if query.component in {None, key[0]})
        if not keys:
            raise RemoteError("not_found", f"no component {query.component!r}")
        if isinstance(query, ListQuery):
            return Listing(values=[self._value(key, point) for key in keys for point in self.series[key]], more=False)
        if isinstance(query, SeriesQuery):
            facts = [SeriesFacts(component=key[0], source=key[1], points=[], step_s=60) for key in keys]
            return SeriesPage(series=facts, more=False)
        if isinstance(query, TrailsQuery):
            trails = [
                Trail(component=key[0], source=key[1], point=point, unit="", start=0, bin_s=60, values=[1.0])
                for key in keys
                for point in self.series[key]
            ]
            return Trails(trails=trails, seen=len(trails), more=False)
        source = query.source or keys[0][1]
        if (query.component, source) not in self.series:
            raise RemoteError("not_found", f"no source {source!r}")
        if isinstance(query, InfoQuery):
            return SeriesInfo(facts=SeriesFacts(component=query.component, source=source, points=[], step_s=60))
        if isinstance(query, StatsQuery):
            return Stats(points=[], step_s=60, start=0, end=60)
        return Rows(points=query.points, units=[], step_s=60, start=0, end=60, cf="AVERAGE", rows=[(60, [1.0])])

    def _value(self, key: Key, point: str) -> LastValue:
        return LastValue(
            component=key[0], source=key[1], point=point, kind="gauge", unit="", step_s=60, at=self.at, value=1.0
        )


class KeepersTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.daemons = {name: Daemon() for name in ("modeler", "process", "snmp")}
        self.daemons["process"].has("nginx", "process", "cpu", "memory")
        self.daemons["snmp"].has("", "ping", "loss")
        self.daemons["snmp"].has("eth0", "if", "in", "out")
        self.wants: dict[str, list[str]] = {}
        self.away: set[str] = set()
        self.heard = LastHeard()
        self.sessions = {name: FakeSession(FakeCollector("east")) for name in self.daemons}
        for name, daemon in self.daemons.items():
            self.sessions[name].answers = daemon.answer
        self.reader = Reader(
            self.clock,
            {"web1": "east"}.get,
            {"east"}.__contains__,
            lambda _, daemon: None if daemon in self.away else self.sessions[daemon],
            lambda name, daemon: f"collector {name} (daemon {daemon}) is not connected",
            daemons=lambda _: list(self.daemons),
            wants=lambda _: self.wants,
        )
        self.series = SeriesReader(self.reader, self.heard, lambda: 1234.0)

    def ask(self, work: Coroutine[Any, Any, T]) -> T:
        found: T = self.successResultOf(Deferred.fromCoroutine(work))
        return found

    def fails(self, work: Coroutine[Any, Any, Any], error: type[Exception]) -> str:
        return str(self.failureResultOf(Deferred.fromCoroutine(work), error).value)

    def fetched(self, component: str, source: str, *points: str) -> Rows:
        query = FetchQuery(device="web1", component=component, source=source, points=list(points), start=0, end=60)
        return self.ask(self.reader.fetch(query))

    def of_type(self, daemon: str, type_: type[Any]) -> int:
        return sum(isinstance(query, type_) for query in self.daemons[daemon].asked)

    def test_what_all_of_them_have_is_one_list_and_says_who_has_what(self) -> None:
        told = self.ask(self.series.values("web1", None))
        self.assertEqual(
            [(one.component, one.source, one.point) for one in told.found],
            [
                ("", "ping", "loss"),
                ("eth0", "if", "in"),
                ("eth0", "if", "out"),
                ("nginx", "process", "cpu"),
                ("nginx", "process", "memory"),
            ],
        )
        self.assertEqual(
            (told.stale, told.daemons),
            (False, {("", "ping"): "snmp", ("eth0", "if"): "snmp", ("nginx", "process"): "process"}),
        )
        kept = self.ask(self.series.kept("web1", None))
        self.assertEqual([one.source for one in kept.found], ["ping", "if", "process"])
        trails = self.ask(self.series.trails(TrailsQuery(device="web1", start=0, end=60)))
        self.assertEqual([one.point for one in trails], ["loss", "in", "out", "cpu", "memory"])
        self.assertEqual(self.daemons["modeler"].asked, [])  # it keeps only what it is itself
        self.ask(self.reader.listing("east", None))
        self.assertEqual(len(self.daemons["modeler"].asked), 1)

    def test_all_that_read_something_of_a_device_read_it_when_that_is_wanted(self) -> None:
        for name, count in (("process", 1), ("snmp", 2)):
            self.sessions[name].answers = lambda _, count=count: Done(count)
        self.assertEqual(self.ask(self.reader.scan_now("web1")), 3)
        self.away = {"snmp"}
        self.assertEqual(self.ask(self.reader.scan_now("web1")), 1)
        self.away = {"snmp", "process"}
        self.assertIn("daemon process", self.fails(self.reader.scan_now("web1"), CollectorAwayError))

    def test_one_that_is_away_makes_its_part_old_and_hides_no_other(self) -> None:
        self.ask(self.series.values("web1", None))
        self.ask(self.series.kept("web1", None))
        self.away = {"snmp"}
        for told in (self.ask(self.series.values("web1", None)), self.ask(self.series.kept("web1", None))):
            self.assertEqual({one.source for one in told.found}, {"ping", "if", "process"})
            self.assertEqual((told.stale, told.as_of, set(told.away)), (True, 1234.0, {"snmp"}))
            self.assertIn("(daemon snmp) is not connected", told.problem)
        told = self.ask(self.series.values("web1", "nginx"))
        self.assertEqual(([one.point for one in told.found], told.stale), (["cpu", "memory"], False))
        self.assertTrue(self.ask(self.series.values("web1", "eth0")).stale)
        trails = self.ask(self.series.trails(TrailsQuery(device="web1", start=0, end=60)))
        self.assertEqual([one.point for one in trails], ["cpu", "memory"])

    def test_one_that_is_away_and_has_nothing_of_the_device_is_not_missed(self) -> None:
        self.daemons["snmp"].series.clear()
        self.away = {"snmp"}
        told = self.ask(self.series.values("web1", None))
        self.assertEqual((told.stale, len(told.found)), (False, 2))
        self.wants = {"snmp": ["if"]}  # now the model says that it has
        told = self.ask(self.series.values("web1", None))
        self.assertEqual((told.stale, told.as_of, len(told.found)), (True, None, 2))
        self.away = {"snmp", "process"}
        self.fails(self.series.kept("box", None), NotFoundError)
        self.assertEqual(len(self.ask(self.series.values("web1", None)).found), 2)  # as heard of process

    def test_one_that_hangs_is_waited_for_a_while(self) -> None:
        self.daemons["snmp"].hangs = True
        self.wants = {"snmp": ["if"]}
        asking = Deferred.fromCoroutine(self.series.values("web1", None))
        self.assertNoResult(asking)
        self.clock.advance(SEVERAL_S)
        told = self.successResultOf(asking)
        self.assertEqual((told.stale, len(told.found)), (True, 2))
        self.assertIn("collector east (daemon snmp) did not answer within 10 s", told.problem)

    def test_a_series_is_asked_of_who_has_it(self) -> None:
        self.wants = {"snmp": ["if", "ping"]}
        self.assertEqual(self.fetched("eth0", "if", "in").points, ["in"])
        self.assertEqual(self.fetched("nginx", "process", "cpu").points, ["cpu"])
        counts = [(self.of_type(name, FetchQuery), self.of_type(name, ListQuery)) for name in ("process", "snmp")]
        self.assertEqual(counts, [(1, 0), (1, 0)])  # the model says where they are
        self.wants = {"process": ["if"]}  # and it is wrong, as after a change
        self.assertEqual(self.fetched("eth0", "if", "in").points, ["in"])
        self.assertEqual(self.fetched("eth0", "if", "in").points, ["in"])
        counts = [(self.of_type(name, FetchQuery), self.of_type(name, ListQuery)) for name in ("process", "snmp")]
        self.assertEqual(counts, [(2, 1), (3, 1)])  # it is looked for once, and remembered
        info, daemon = self.ask(self.series.info("web1", "eth0", "if"))
        self.assertEqual((info.facts.source, daemon), ("if", "snmp"))

    def test_what_is_nowhere_is_refused_with_what_there_is(self) -> None:
        missing = FetchQuery(device="web1", component="eth0", source="odd", points=["in"], start=0, end=60)
        self.assertIn("no source 'odd'; it has: if", self.fails(self.reader.fetch(missing), NotFoundError))
        nobody = replace(missing, component="eth1")
        self.assertIn("it has: (none), eth0, nginx", self.fails(self.reader.fetch(nobody), NotFoundError))
        self.assertIn("it has: (none), eth0, nginx", self.fails(self.series.values("web1", "eth1"), NotFoundError))
        self.away = {"snmp"}
        self.assertIn("(daemon snmp)", self.fails(self.reader.fetch(missing), CollectorAwayError))

    def test_a_point_of_two_sources_is_refused_unless_one_is_named(self) -> None:
        self.daemons["snmp"].has("nginx", "agent", "cpu")
        query = StatsQuery(device="web1", component="nginx", source="", points=["cpu"], start=0, end=60)
        sentence = self.fails(self.series.stats(query), PermanentError)
        self.assertIn("is in the sources agent, process; name one of them, for example agent:cpu", sentence)
        self.ask(self.series.stats(replace(query, points=["memory"])))
        self.ask(self.series.stats(replace(query, source="agent")))
        self.assertEqual([self.of_type(name, StatsQuery) for name in ("process", "snmp")], [1, 1])

    def test_of_a_series_that_two_have_that_one_counts_which_the_model_wants_else_the_newer(self) -> None:
        self.daemons["process"].has("eth0", "if", "in", "out")
        self.daemons["process"].at = 120
        self.assertEqual(self.ask(self.series.values("web1", None)).daemons["eth0", "if"], "process")
        self.wants = {"snmp": ["if"]}
        told = self.ask(self.series.values("web1", None))
        self.assertEqual(told.daemons["eth0", "if"], "snmp")
        self.assertEqual([one.at for one in told.found if one.component == "eth0"], [60, 60])

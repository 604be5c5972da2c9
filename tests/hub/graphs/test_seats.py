# mypy: allow-untyped-calls
"""Who draws, where a collector has several daemons that keep files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from common.errors import NotFoundError
from common.graphs import Curve, Drawing, Subject
from common.queries import FetchQuery, GraphQuery, ListQuery, Picture, Rows
from hub.data.reader import Reader
from hub.graphs.desk import Asked, Drawn, GraphDesk
from hub.graphs.drawers import Drawers
from hub.graphs.history import Historian
from hub.graphs.listing import graphs_of
from hub.graphs.seats import Seats
from hub.graphs.several import SeveralCollectors
from hub.graphs.subjects import Book, Whose
from hub.model.model import Model
from tests.hub.data.test_keepers import Daemon
from tests.hub.distribution.fakes import FakeCollector, FakeSession
from tests.hub.graphs.test_desk import FakePast
from tests.hub.graphs.test_drawers import FakePainter
from tests.hub.model.test_documents import read

DOCUMENTS = """\
kind: DeviceClass
id: /
templates: [ports, agent, sets, zones]
---
kind: Template
id: ports
component: interface
sources:
  if: {type: snmp, oids: [{walk: .1.3.6.1.2.1.2.2.1.10}], name: '{index}', points: {in: {unit: bytes, kind: counter}}}
thresholds:
  full: {points: in, maximum: 1000}
graphs:
  traffic: {title: Traffic, points: [in]}
---
kind: Template
id: zones
component: zone
sources:
  sensor: {type: snmp, oids: [{walk: .1.3.6.1.2.1.99.1.1.1.4}], name: '{index}', points: {in: {unit: s}}}
thresholds:
  many: {points: in, maximum: 7}
graphs:
  traffic: {title: Visitors, points: [in]}
---
kind: Template
id: agent
sources:
  up: {type: snmp, oid: .1.3.6.1.2.1.1.3.0, points: {uptime: {unit: s}}}
graphs:
  uptime: {title: Uptime, points: [uptime]}
---
kind: Template
id: sets
component: process_set
graphs:
  size: {title: Size, points: [memory]}
---
kind: ProcessSet
id: nginx
include: nginx
---
kind: Device
id: web1
address: 192.0.2.1
---
kind: Device
id: web2
address: 192.0.2.2
"""
QUERY = GraphQuery(device="web1", component=None, graph="", start=0, end=3600, form="png")


class SeatTests(SynchronousTestCase):
    def setUp(self) -> None:
        clock = Clock()
        self.model = Model(1, read(DOCUMENTS))
        self.daemons = {name: Daemon() for name in ("process", "snmp")}
        self.daemons["process"].has("nginx", "process", "cpu", "memory")
        self.daemons["snmp"].has("", "up", "uptime")
        self.daemons["snmp"].has("eth0", "if", "in")
        self.daemons["snmp"].has("eth1", "if", "in")
        self.wants: dict[str, list[str]] = {"process": ["process"], "snmp": ["if", "up"]}
        self.away: set[str] = set()
        self.sessions = {name: FakeSession(FakeCollector("east")) for name in self.daemons}
        for name, daemon in self.daemons.items():
            self.sessions[name].answers = self.answering(name, daemon)
        self.drawn: list[tuple[str, GraphQuery]] = []
        self.reader = Reader(
            clock,
            {"web1": "east", "web2": "east"}.get,
            {"east"}.__contains__,
            lambda _, daemon: None if daemon in self.away else self.sessions[daemon],
            lambda name, daemon: f"collector {name} (daemon {daemon}) is not connected",
            daemons=lambda _: list(self.daemons),
            wants=lambda _: self.wants,
        )
        self.painter = FakePainter()
        several = SeveralCollectors(clock, self.reader, lambda _: "east", self.painter)
        book = Book(lambda: self.model, lambda _: [], lambda _: {})
        drawers = Drawers(self.reader, lambda _: "east", several.draw, Seats(self.reader))
        historian = Historian(clock, book, FakePast(), self.reader)
        self.desk = GraphDesk(clock.seconds, lambda: self.model, book, historian, self.reader, drawers)
        self.drawers = drawers

    def answering(self, name: str, daemon: Daemon) -> Callable[[Any], Any]:
        def answers(query: Any) -> Any:
            if not isinstance(query, GraphQuery):
                found = daemon.answer(query)
                return replace(found, units=[""] * len(found.points)) if isinstance(found, Rows) else found
            daemon.asked.append(query)
            self.drawn.append((name, query))
            assert query.drawing is not None
            subjects = query.drawing.subjects or (Subject(device=query.device, component=query.component),)
            points = {curve.point for curve in query.drawing.curves} or {query.graph}
            if not any(
                points & set(has) for key, has in daemon.series.items() if subjects[0].component in {None, key[0]}
            ):
                daemon.answer(ListQuery(device=query.device, component="nothing like that"))
            return Picture(form="png", data=name.encode(), drawn=True)

        return answers

    def draw(self, *subjects: Whose, graph: str = "") -> Drawn:
        asked = Asked(subjects=subjects, graph=graph, start=0, end=3600, form="png", width=720, height=200)
        return self.successResultOf(Deferred.fromCoroutine(self.desk.draw(asked)))

    def test_a_graph_of_a_template_is_drawn_by_the_daemon_that_reads_its_source(self) -> None:
        self.assertEqual(self.draw(Whose("web1", "eth0"), graph="traffic").picture.data, b"snmp")
        (_, query) = self.drawn[-1]
        assert query.drawing is not None
        self.assertEqual(query.drawing.title, "web1 · eth0 · Traffic")
        self.assertEqual(query.drawing.curves, (Curve(point="in", source="if"),))
        self.assertEqual([limit.value for limit in query.drawing.limits], [1000])
        self.assertEqual(self.draw(Whose("web1", ""), graph="uptime").picture.data, b"snmp")
        self.assertEqual(self.draw(Whose("web1", "nginx"), graph="size").picture.data, b"process")
        self.assertEqual(self.draw(Whose("web1", "nginx")).picture.data, b"process")  # cpu
        self.assertEqual(self.draw(Whose("web1", None), graph="cpu").picture.data, b"process")

    def test_of_graphs_with_one_name_that_of_the_kind_holds_with_its_thresholds(self) -> None:
        self.daemons["snmp"].has("hall", "sensor", "in")
        self.wants["snmp"].append("sensor")
        for component, title, limit in (("hall", "Visitors", 7), ("eth0", "Traffic", 1000)):
            self.draw(Whose("web1", component), graph="traffic")
            drawing = self.drawn[-1][1].drawing
            assert drawing is not None
            self.assertEqual(drawing.title, f"web1 · {component} · {title}")
            self.assertEqual([one.value for one in drawing.limits], [limit])

    def test_without_a_name_it_is_the_first_that_the_component_has(self) -> None:
        self.assertEqual(self.draw(Whose("web1", "eth0")).picture.data, b"snmp")
        self.assertEqual(self.drawn[-1][1].graph, "traffic")
        self.draw(Whose("web1", ""))
        self.assertEqual(self.drawn[-1][1].graph, "uptime")

    def test_all_components_of_a_kind_and_of_many_devices_cost_one_question(self) -> None:
        self.draw(Whose("web1", None), graph="traffic")
        self.draw(Whose("web1", None), Whose("web2", None), graph="traffic")
        self.assertEqual([name for name, _ in self.drawn], ["snmp", "snmp"])
        self.assertEqual([type(query) for query in self.daemons["process"].asked], [])
        self.assertEqual({type(query) for query in self.daemons["snmp"].asked}, {GraphQuery})

    def test_where_the_model_does_not_say_who_has_it_it_is_looked_for(self) -> None:
        self.wants = {}
        self.assertEqual(self.draw(Whose("web1", "eth0"), graph="traffic").picture.data, b"snmp")
        self.assertEqual(self.draw(Whose("web1", "eth0"), graph="in").picture.data, b"snmp")
        self.daemons["snmp"].has("disk", "fs", "memory")  # has the name of a graph that process sets have
        self.assertEqual(self.draw(Whose("web1", "disk"), graph="memory").picture.data, b"snmp")

    def test_what_two_daemons_have_is_drawn_by_the_hub(self) -> None:
        self.daemons["snmp"].has("nginx", "agent", "sessions")
        drawing = Drawing(curves=(Curve(point="cpu", source="process"), Curve(point="sessions", source="agent")))
        query = replace(QUERY, component="nginx")
        drawn = self.successResultOf(Deferred.fromCoroutine(self.drawers.draw(query, drawing)))
        self.assertEqual(drawn.picture.data, b"of several")
        (job,) = self.painter.jobs
        self.assertEqual({one.label for one in job.tables}, {"nginx"})  # one component, and so one device in the title
        self.assertEqual(
            [(one.source, one.layout.points[0].name) for one in job.tables], [("agent", "sessions"), ("process", "cpu")]
        )
        self.assertEqual(sum(isinstance(one, FetchQuery) for one in self.daemons["snmp"].asked), 1)

    def test_a_daemon_that_is_away_leaves_a_gap_that_is_told(self) -> None:
        self.daemons["snmp"].has("nginx", "agent", "cpu")
        self.wants["snmp"].append("agent")
        self.away = {"snmp"}
        drawing = Drawing(curves=(Curve(point="cpu", source="process"), Curve(point="cpu", source="agent")))
        drawn = self.successResultOf(
            Deferred.fromCoroutine(self.drawers.draw(replace(QUERY, component="nginx"), drawing))
        )
        self.assertEqual(drawn.picture.data, b"process")
        self.assertIn("(daemon snmp) is not connected", drawn.missing[0])

    def test_a_point_of_two_sources_is_refused_unless_its_source_is_named(self) -> None:
        self.daemons["process"].has("eth0", "odd", "in")
        asked = Asked(
            subjects=(Whose("web1", "eth0"),), graph="in", start=0, end=3600, form="png", width=720, height=200
        )
        failure = self.failureResultOf(Deferred.fromCoroutine(self.desk.draw(asked)))
        self.assertIn("is in the sources if, odd; name one of them, for example if:in", str(failure.value))
        self.assertEqual(self.draw(Whose("web1", "eth0"), graph="if:in").picture.data, b"snmp")
        self.assertEqual(self.draw(Whose("web1", "eth0"), graph="odd:in").picture.data, b"process")

    def test_the_graphs_of_a_device_are_those_of_the_kinds_that_its_components_are_of(self) -> None:
        found = self.successResultOf(Deferred.fromCoroutine(graphs_of(self.model, self.reader, "web1", None)))
        self.assertEqual(
            {name: [one.graph for one in of] for name, of in found.of.items()},
            {
                "": ["uptime"],
                "eth0": ["traffic"],
                "eth1": ["traffic"],
                "nginx": ["cpu", "memory", "size"],
            },
        )
        self.assertEqual([one.graph for one in found.whole], ["traffic"])  # one component alone has the others
        self.away = {"snmp"}
        found = self.successResultOf(Deferred.fromCoroutine(graphs_of(self.model, self.reader, "web1", None)))
        self.assertEqual(list(found.of), ["nginx"])
        self.assertIn("(daemon snmp) is not connected", found.problem)

    def test_a_graph_of_a_source_that_a_component_does_not_have_is_not_offered(self) -> None:
        self.daemons["snmp"].series.clear()
        self.daemons["snmp"].has("", "another", "uptime")
        found = self.successResultOf(Deferred.fromCoroutine(graphs_of(self.model, self.reader, "web1", None)))
        self.assertEqual([(one.graph, one.template) for one in found.of[""]], [("uptime", "")])

    def test_what_nobody_has_is_refused_with_what_there_is(self) -> None:
        asked = Asked(
            subjects=(Whose("web1", "eth0"),), graph="odd", start=0, end=3600, form="png", width=720, height=200
        )
        failure = self.failureResultOf(Deferred.fromCoroutine(self.desk.draw(asked)), NotFoundError)
        self.assertIn("has no graph 'odd'; it has the points: in", str(failure.value))

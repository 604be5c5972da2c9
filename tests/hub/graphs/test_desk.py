# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Collection
from typing import Any

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from common.configs import ExpectedSet
from common.errors import NotFoundError, PermanentError, TransientError
from common.graphs import Band, Curve, Draw, Drawing, Limit, MarkKind, Subject, Theme
from common.queries import FetchQuery, GraphQuery, LastValue, Picture, Rows
from hub.graphs.desk import Asked, Drawn, GraphDesk
from hub.graphs.drawings import Wishes
from hub.graphs.history import UNREAD, Historian
from hub.graphs.subjects import Book, Whose
from hub.interfaces import EventRecord
from tests.hub.graphs.site import site
from tests.hub.graphs.test_happened import record

START, END = 10_000, 20_000


class FakePast:
    def __init__(self) -> None:
        self.records: list[EventRecord] = []
        self.asked: list[tuple[Collection[str], Collection[str] | None]] = []
        self.waits: Deferred[list[EventRecord]] | None = None
        self.fails = False

    async def between(
        self, devices: Collection[str], components: Collection[str] | None, start: float, end: float, limit: int
    ) -> list[EventRecord]:
        self.asked.append((devices, components))
        if self.fails:
            raise TransientError("the database is away")
        return await self.waits if self.waits is not None else self.records


class FakeFetcher:
    def __init__(self) -> None:
        self.rows: list[tuple[int, list[float | None]]] = []
        self.asked: list[FetchQuery] = []
        self.fails = False

    async def fetch(self, query: FetchQuery) -> Rows:
        self.asked.append(query)
        if self.fails:
            raise TransientError("the collector is away")
        return Rows(
            points=query.points, units=[""], step_s=10, start=query.start, end=query.end, cf=query.cf, rows=self.rows
        )


class FakeLister:
    def __init__(self) -> None:
        self.gone: set[str] = set()

    async def listing(self, device: str, component: str | None) -> list[LastValue]:
        if component in self.gone:
            raise NotFoundError(f"no series of {component}")
        return []

    async def told(self, device: str, component: str | None) -> tuple[list[LastValue], str]:
        return await self.listing(device, component), ""


class FakeDrawers:
    def __init__(self) -> None:
        self.told: list[tuple[GraphQuery, Drawing]] = []
        self.fails: NotFoundError | None = None

    async def draw(self, query: GraphQuery, drawing: Drawing) -> Drawn:
        self.told.append((query, drawing))
        if self.fails is not None:
            raise self.fails
        return Drawn(Picture(form=query.form, data=b"x"))


class DeskTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.past, self.drawers = FakePast(), FakeDrawers()
        self.expected = [ExpectedSet("mill", "mill 1", "mill ~1"), ExpectedSet("other", "another")]
        model = site()
        book = Book(lambda: model, lambda _: self.expected, lambda _: {"mill 1": "mill ~1"})
        self.fetcher, self.lister = FakeFetcher(), FakeLister()
        historian = Historian(self.clock, book, self.past, self.fetcher)
        self.desk = GraphDesk(lambda: 15_000.0, lambda: model, book, historian, self.lister, self.drawers)

    def ask(self, *subjects: Whose, graph: str = "", **wishes: Any) -> Deferred[Drawn]:
        asked = Asked(
            subjects=subjects or (Whose("web1", "mill 1"),),
            graph=graph,
            start=START,
            end=END,
            form="png",
            width=720,
            height=200,
            wishes=Wishes(**wishes),
        )
        return Deferred.fromCoroutine(self.desk.draw(asked))

    def drawn(self, *subjects: Whose, graph: str = "", **wishes: Any) -> Drawing:
        self.successResultOf(self.ask(*subjects, graph=graph, **wishes))
        return self.drawers.told[-1][1]

    def test_a_graph_of_a_template_is_told_with_all_that_it_says(self) -> None:
        made = self.drawn(graph="memory")
        self.assertEqual(
            replace(made, limits=()),
            Drawing(
                curves=(
                    Curve(point="memory", label="all", draw=Draw.AREA, colour="#112233", transform="value / 1024"),
                    Curve(point="per", stack=True),
                ),
                title="web1 · mill 1 · Parts",
                unit="KiB",
                base=1000,
                log=True,
                minimum=0.5,
                band=Band.NO,
                percentiles=(95.0,),
            ),
        )
        query = self.drawers.told[0][0]
        self.assertEqual((query.device, query.component, query.graph), ("web1", "mill 1", "memory"))

    def test_what_is_asked_for_goes_before_what_the_graph_says(self) -> None:
        made = self.drawn(
            graph="memory", theme=Theme.DARK, log=False, band=True, percentiles=(50.0,), title="Mine", compare_s=60,
            top=3, zone="Europe/Vienna", zoom=2,
        )  # fmt: skip
        self.assertEqual((made.theme, made.log, made.band, made.percentiles), (Theme.DARK, False, Band.YES, (50.0,)))
        self.assertEqual(
            (made.title, made.compare_s, made.top, made.zone, made.zoom), ("Mine", 60, 3, "Europe/Vienna", 2)
        )

    def test_without_a_graph_it_is_the_first_of_those_built_in(self) -> None:
        made = self.drawn()
        self.assertEqual((self.drawers.told[0][0].graph, made.curves), ("cpu", ()))
        self.drawn(Whose("east", "queue"))
        self.assertEqual(self.drawers.told[1][0].graph, "")

    def test_a_graph_that_no_template_defines_goes_by_its_name(self) -> None:
        self.assertEqual(self.drawn(graph="io").curves, ())
        self.assertEqual(self.drawers.told[0][0].graph, "io")

    def test_a_graph_that_there_is_not_is_an_error_that_names_those_of_templates(self) -> None:
        self.drawers.fails = NotFoundError("it has: cpu")
        error = self.failureResultOf(self.ask(graph="nosuch"), NotFoundError).value
        self.assertEqual((error.message, error.details), ("it has: cpu", ("Graphs of templates: age, gone, memory",)))
        error = self.failureResultOf(self.ask(graph="memory"), NotFoundError).value
        self.assertEqual(error.details, ())

    def test_a_whole_device_has_the_graph_that_is_built_in(self) -> None:
        self.assertEqual(self.drawn(Whose("web1", None), graph="memory").curves, ())
        self.assertEqual([curve.point for curve in self.drawn(Whose("web1", None), graph="gone").curves], ["per"])

    def test_the_bounds_of_its_definition_are_lines(self) -> None:
        limits = self.drawn(graph="memory", thresholds=True).limits
        self.assertEqual(
            [(limit.value, limit.label, limit.severity) for limit in limits],
            [
                (2.0, "leak: 2 KiB", 4),
                (2048.0, "leak: 2 KiB", 4),
                (1.0, "leak: 1 KiB", 3),
                (4.0, "own: 4 KiB", 3),
                (1024.0, "leak: 1 KiB", 3),
            ],
        )
        # A curve that lies on another has no place for a bound, unless somebody asks for it.
        self.assertEqual([one.value for one in self.drawn(graph="memory").limits], [2.0, 1.0, 4.0])
        other = self.drawn(Whose("web1", "another"), graph="memory").limits
        self.assertNotIn("own: 4 KiB", [limit.label for limit in other])
        self.assertEqual(self.drawn(graph="memory", thresholds=False).limits, ())
        self.assertEqual(self.drawn(graph="age", thresholds=True).limits, ())
        busy = self.drawn(Whose("web1", "mill 1"), graph="cpu").limits
        self.assertEqual(busy, (Limit(value=90.0, label="busy: 90 %", severity=3, unit="percent"),))

    def test_what_is_likely_of_one_component_is_a_band(self) -> None:
        (band,) = self.drawn(graph="cpu").likely
        self.assertEqual((band.point, band.baseline.width, band.baseline.season_s), ("cpu", 5.0, 86_400))
        self.assertEqual(self.drawn(graph="cpu", thresholds=False).likely, ())
        self.assertEqual(self.drawn(graph="memory").likely, ())
        # The graph of a template may be without thresholds, unless somebody asks for them.
        self.assertEqual(self.drawn(graph="age").likely, ())
        self.assertEqual([one.point for one in self.drawn(graph="age", thresholds=True).likely], ["oldest_s"])
        # Of several it would be that of none.
        self.assertEqual(self.drawn(Whose("web1", None), graph="cpu", thresholds=True).likely, ())
        both = (Whose("web1", "mill 1"), Whose("web1", "another"))
        self.assertEqual(self.drawn(*both, graph="cpu", thresholds=True).likely, ())

    def test_what_happened_is_marked_under_every_name_that_the_set_has_had(self) -> None:
        self.past.records = [record(component="mill 1"), record("process_restarted", component="mill ~1")]
        made = self.drawn(graph="memory")
        self.assertEqual(self.past.asked, [(["web1"], ["mill 1", "mill ~1"])])
        self.assertEqual([mark.label for mark in made.marks], ["restarted"])
        self.assertEqual([(span.label, span.end) for span in made.spans], [("missing", None)])

    def test_a_graph_may_be_without_what_happened_unless_somebody_asks(self) -> None:
        self.past.records = [record(component="mill 1")]
        self.assertEqual(self.drawn(graph="age").spans, ())
        self.assertEqual(self.past.asked, [])
        self.assertEqual(len(self.drawn(graph="age", events=True).spans), 1)

    def test_of_a_whole_device_it_is_said_whose_it_is(self) -> None:
        self.past.records = [record(component="mill 1"), record("snmp_timeout", component="")]
        made = self.drawn(Whose("web1", None), graph="cpu")
        self.assertEqual(self.past.asked, [(["web1"], None)])
        self.assertEqual([span.label for span in made.spans], ["no answer"])
        self.assertEqual([mark.label for mark in made.marks], ["mill 1 missing"])

    def test_restarts_are_marked_as_the_collector_has_counted_them(self) -> None:
        self.fetcher.rows = [(11_000, [0.0]), (12_000, [1.0]), (13_000, [None]), (14_000, [2.9])]
        made = self.drawn(graph="memory")
        self.assertEqual([(mark.at, mark.label) for mark in made.marks], [(12_000, "restarted"), (14_000, "restarted")])
        self.assertEqual({mark.kind for mark in made.marks}, {MarkKind.RESTART})
        (query,) = self.fetcher.asked
        self.assertEqual(
            (query.component, query.points, query.cf, query.resolution_s), ("mill 1", ["restarts"], "SUM", 33)
        )
        self.clock.advance(6)
        self.past.records = [record("process_restarted", 12_010.0, component="mill 1")]
        self.assertEqual([mark.at for mark in self.drawn(graph="memory").marks], [12_000, 14_000])
        self.clock.advance(6)
        # What draws them needs no marks for them, and of several it would not be seen whose they are.
        self.past.records = []
        self.assertEqual(self.drawn(graph="restarts").marks, ())
        self.assertEqual(self.drawn(Whose("web1", None), graph="memory").marks, ())

    def test_restarts_that_cannot_be_read_are_left_out(self) -> None:
        self.fetcher.fails = True
        self.past.records = [record("process_restarted", component="mill 1")]
        made = self.drawn(graph="memory")
        self.assertEqual((len(made.marks), made.note), (1, ""))

    def test_graphs_that_are_drawn_together_ask_once_what_happened(self) -> None:
        self.past.records = [record("process_restarted", component="mill 1")]
        for graph in ("memory", "cpu", "io"):
            self.assertEqual(len(self.drawn(graph=graph).marks), 1)
        self.assertEqual((len(self.past.asked), len(self.fetcher.asked)), (1, 1))
        self.clock.advance(5.1)
        self.past.records = []
        self.assertEqual(self.drawn(graph="cpu").marks, ())
        self.drawn(Whose("web1", "another"), graph="cpu")
        self.assertEqual((len(self.past.asked), len(self.fetcher.asked)), (3, 3))

    def test_what_could_not_be_read_is_asked_for_anew(self) -> None:
        self.past.fails = True
        self.drawn(graph="cpu")
        self.past.fails = False
        self.assertEqual(self.drawn(graph="cpu").note, "")

    def test_a_store_that_is_away_leaves_the_picture_without_marks_and_says_so(self) -> None:
        self.past.fails = True
        self.assertEqual(self.drawn(graph="memory").note, UNREAD)

    def test_a_store_that_hangs_does_not_hold_up_the_picture(self) -> None:
        self.past.waits = Deferred()
        asking = self.ask(graph="memory")
        self.assertNoResult(asking)
        self.clock.advance(2.1)
        self.successResultOf(asking)
        self.assertEqual(self.drawers.told[0][1].note, UNREAD)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_several_are_named_as_their_collectors_know_them(self) -> None:
        made = self.drawn(Whose("web1", "mill 1"), Whose("web2", "another"), graph="memory")
        self.assertEqual(
            made.subjects,
            (
                Subject(device="web1", component="mill ~1", shown="web1 mill 1"),
                Subject(device="web2", component="another", shown="web2 another"),
            ),
        )
        self.assertEqual((made.title, self.drawers.told[0][0].component), ("2 devices · Parts", None))

    def test_more_sets_than_anybody_could_look_at_are_refused_before_anybody_is_asked(self) -> None:
        self.expected = [ExpectedSet("mill", f"m{i}") for i in range(300)]
        error = self.failureResultOf(self.ask(Whose("web1", None), Whose("web2", None)), PermanentError).value
        self.assertIn("these devices have 600 sets", error.message)
        self.drawn(Whose("web1", None))
        self.assertEqual(len(self.drawers.told), 1)

    def test_a_set_that_is_not_there_is_told_and_the_others_are_drawn(self) -> None:
        self.lister.gone = {"nothing"}
        named = (Whose("web1", "mill 1"), Whose("web1", "nothing"), Whose("web1", "another"))
        drawn = self.successResultOf(self.ask(*named))
        self.assertEqual(drawn.missing, ("web1 has no series of a set 'nothing'.",))
        made = self.drawers.told[0][1]
        self.assertEqual([one.component for one in made.subjects], ["mill ~1", "another"])
        self.assertEqual(made.note, drawn.missing[0])
        # Of several devices some may be without; and where nothing is there, the collector says so.
        self.assertEqual(self.successResultOf(self.ask(named[1], Whose("web2", "nothing"))).missing, ())
        self.lister.gone = {"mill 1", "another", "nothing"}
        self.assertEqual(self.successResultOf(self.ask(*named)).missing, ())

    def test_a_bound_of_each_is_not_shown_beside_their_sum(self) -> None:
        both = (Whose("web1", "mill 1"), Whose("web1", "another"))
        self.assertEqual(self.drawn(*both, graph="cpu").limits, ())
        self.assertEqual(len(self.drawn(*both, graph="cpu", thresholds=True).limits), 1)
        self.assertEqual(len(self.drawn(both[0], graph="cpu").limits), 1)
        self.assertGreater(len(self.drawn(*both, graph="memory").limits), 0)

    def test_of_many_neither_bounds_nor_events_are_shown_unless_somebody_asks(self) -> None:
        many = [Whose("web1", f"s{i}") for i in range(6)]
        made = self.drawn(*many, graph="memory")
        self.assertEqual((made.limits, self.past.asked), ((), []))
        made = self.drawn(*many, graph="memory", thresholds=True, events=True)
        self.assertEqual((len(made.limits) > 0, len(self.past.asked)), (True, 1))

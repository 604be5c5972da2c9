# mypy: allow-untyped-calls
from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from common.graphs import Curve, Drawing, Subject, Theme
from common.queries import GraphQuery, Picture
from common.series import Point
from hub.data.asking import TooSlowError
from hub.graphs.desk import MAX_NOTE, Drawn
from hub.graphs.drawers import Drawers
from hub.graphs.several import WITHIN_S, SeveralCollectors
from hub.graphs.tables import Job
from hub.graphs.wanting import wanted
from tests.hub.graphs.test_gathering import OWNERS, FakeCollectors

QUERY = GraphQuery(device="web1", component=None, graph="cpu", start=1_000_000, end=1_003_600, form="png")
POINTS = [Point(name=name) for name in ("cpu", "memory", "count", "read_bytes", "odd")]
BOTH = (Subject(device="web1", component="nginx"), Subject(device="web2", component="nginx"))


class FakeReader:
    def __init__(self) -> None:
        self.asked: list[GraphQuery] = []
        self.is_old = False

    async def graph(self, query: GraphQuery, daemon: str | None = None) -> Picture:
        self.asked.append(query)
        return Picture(form="png", data=b"of one", drawn=not self.is_old)


class FakePainter:
    def __init__(self) -> None:
        self.jobs: list[Job] = []

    async def paint(self, job: Job) -> bytes:
        self.jobs.append(job)
        return b"of several"


class DrawersTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.reader, self.painter, self.collectors = FakeReader(), FakePainter(), FakeCollectors()
        several = SeveralCollectors(self.clock, self.collectors, OWNERS.get, self.painter)
        self.drawers = Drawers(self.reader, OWNERS.get, several.draw)

    def draw(self, **drawing: Any) -> Deferred[Drawn]:
        return Deferred.fromCoroutine(self.drawers.draw(QUERY, Drawing(**drawing)))

    def test_what_one_collector_has_is_drawn_by_it(self) -> None:
        for subjects in ((), BOTH[:1], (BOTH[1], Subject(device="web3"))):
            self.assertEqual(self.successResultOf(self.draw(subjects=subjects)).picture.data, b"of one")
        self.assertEqual(next(query.drawing.subjects for query in self.reader.asked if query.drawing), ())
        self.assertEqual(self.painter.jobs, [])

    def test_a_collector_that_knows_no_drawings_draws_as_it_did_and_what_is_not_in_it_is_told(self) -> None:
        self.reader.is_old = True
        self.assertEqual(self.successResultOf(self.draw(note="Small print.", zone="Europe/Berlin")).missing, ())
        for drawing in ({"title": "x"}, {"theme": Theme.DARK}, {"compare_s": 60}, {"curves": (Curve(point="cpu"),)}):
            (sentence,) = self.successResultOf(self.draw(**drawing)).missing
            self.assertIn("draws in one way only", sentence)
        self.reader.is_old = False
        self.assertEqual(self.successResultOf(self.draw(title="x")).missing, ())

    def test_what_several_have_is_drawn_by_the_hub(self) -> None:
        drawn = self.successResultOf(self.draw(subjects=BOTH, top=5, note="Small print."))
        self.assertEqual((drawn.picture.data, drawn.missing), (b"of several", ()))
        (job,) = self.painter.jobs
        self.assertEqual([table.label for table in job.tables], ["web1 nginx", "web2 nginx"])
        assert job.query.drawing is not None
        self.assertEqual((job.query.drawing.note, job.query.drawing.top), ("Small print.", 0))

    def test_who_is_missing_and_what_is_left_out_is_in_the_small_print(self) -> None:
        self.collectors.away = {"west"}
        drawn = self.successResultOf(self.draw(subjects=BOTH))
        self.assertEqual(drawn.missing, ("Without web2: collector west is away",))
        assert self.painter.jobs[0].query.drawing is not None
        self.assertEqual(self.painter.jobs[0].query.drawing.note, drawn.missing[0])
        self.collectors.away = set()
        self.successResultOf(self.draw(subjects=BOTH, top=1, note="x" * 600))
        assert self.painter.jobs[1].query.drawing is not None
        self.assertEqual(len(self.painter.jobs[1].query.drawing.note), MAX_NOTE)

    def test_collectors_that_take_too_long_are_not_waited_for_for_ever(self) -> None:
        self.collectors.waits["web2"] = Deferred()
        drawing = self.draw(subjects=BOTH)
        self.clock.advance(WITHIN_S + 1)
        self.failureResultOf(drawing, TooSlowError)
        self.assertEqual(self.clock.getDelayedCalls(), [])


def test_a_graph_that_is_built_in_needs_its_points() -> None:
    assert wanted(QUERY, Drawing())(POINTS, "process") == ["cpu"]
    query = GraphQuery(device="web1", component=None, graph="io", start=0, end=1, form="png")
    assert wanted(query, Drawing())(POINTS, "process") == ["read_bytes"]
    assert wanted(query, Drawing())(POINTS[:2], "process") == []
    odd = GraphQuery(device="web1", component=None, graph="odd", start=0, end=1, form="png")
    assert wanted(odd, Drawing())(POINTS, "process") == ["odd"]


def test_curves_need_their_points_and_those_of_their_transforms() -> None:
    drawing = Drawing(curves=(Curve(point="memory", transform="value / count"), Curve(point="gone")))
    assert wanted(QUERY, drawing)(POINTS, "process") == ["memory", "count"]
    assert wanted(QUERY, drawing)([Point(name="count")], "process") == []

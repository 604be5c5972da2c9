# mypy: allow-untyped-calls
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from common.errors import NotFoundError, PermanentError, TransientError
from common.graphs import Drawing, Subject
from common.queries import FetchQuery, GraphQuery, LastValue, Rows
from common.series import Point
from hub.data.asking import CollectorAwayError
from hub.data.keepers import Located
from hub.graphs.desk import MAX_SERIES
from hub.graphs.gathering import AT_ONCE, MAX_ROWS, Gathered, Gatherer

OWNERS = {"web1": "east", "web2": "west", "web3": "west"}
START, END = 1_000_000, 1_003_600


class FakeCollectors:
    """Each device has some sets with one source; the average of a set is its number."""

    def __init__(self) -> None:
        self.sets: dict[str, dict[str, float]] = {
            "web1": {"nginx": 1.0},
            "web2": {"nginx": 3.0},
            "web3": {"nginx": 2.0},
        }
        self.away: set[str] = set()
        self.asked: list[FetchQuery] = []
        self.listed: list[str] = []
        self.row_s = 10
        self.waits: dict[str, Deferred[None]] = {}

    def check(self, device: str) -> None:
        if OWNERS[device] in self.away:
            raise CollectorAwayError(f"collector {OWNERS[device]} is away")

    async def listing(self, device: str, component: str | None) -> list[LastValue]:
        self.listed.append(device)
        if device in self.waits:
            await self.waits[device]
        self.check(device)
        found = [name for name in self.sets[device] if component in {None, name}]
        if not found:
            raise NotFoundError(f"{device} has no {component}")
        return [
            LastValue(component=name, source="process", point=point, kind=kind, unit="", step_s=10, at=None, value=None)
            for name in found
            for point, kind in (("cpu", "gauge"), ("restarts", "derive"))
        ]

    async def located(self, device: str, component: str | None) -> Located:
        return Located(values=await self.listing(device, component))

    async def fetch(self, query: FetchQuery) -> Rows:
        self.check(query.device)
        self.asked.append(query)
        rows: list[Any] = [(query.end, [self.sets[query.device][query.component]] * len(query.points))]
        return Rows(
            points=query.points, units=[""] * len(query.points), step_s=self.row_s, start=query.start, end=query.end,
            cf=query.cf, rows=rows,
        )  # fmt: skip


class GathererTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.collectors = FakeCollectors()

    def gather(self, *subjects: Subject, **drawing: Any) -> Deferred[Gathered]:
        chosen = subjects or tuple(Subject(device=name, component="nginx") for name in OWNERS)
        query = GraphQuery(device="web1", component=None, graph="cpu", start=START, end=END, form="png", width=360)
        gatherer = Gatherer(self.collectors, OWNERS.get, query, Drawing(subjects=chosen, **drawing), self.wanted)
        return Deferred.fromCoroutine(gatherer.gather())

    def wanted(self, points: Sequence[Point], _source: str) -> list[str]:
        return [point.name for point in points if point.name == "cpu"]

    def labels(self, gathered: Gathered) -> list[str]:
        return [table.label for table in gathered.tables]

    def test_all_are_read_each_from_its_collector(self) -> None:
        gathered = self.successResultOf(self.gather())
        self.assertEqual((self.labels(gathered), gathered.missing), (["web1 nginx", "web2 nginx", "web3 nginx"], ()))
        table = gathered.tables[0]
        self.assertEqual([point.name for point in table.layout.points], ["cpu"])
        # Each row is a sample, so its least and greatest are it.
        self.assertEqual((table.row_s, table.rows), (10, {"AVERAGE": [(END, [1.0])]}))
        self.assertEqual({query.resolution_s for query in self.collectors.asked}, {10})

    def test_of_rows_of_several_samples_least_and_greatest_are_read_too(self) -> None:
        self.collectors.row_s = 600
        gathered = self.successResultOf(self.gather())
        self.assertEqual(gathered.tables[0].rows.keys(), {"AVERAGE", "MIN", "MAX"})

    def test_a_comparison_reads_what_was_earlier_too(self) -> None:
        gathered = self.successResultOf(self.gather(compare_s=7200))
        self.assertEqual([at for at, _ in gathered.tables[0].rows["AVERAGE"]], [END - 7200, END])

    def test_a_collector_that_is_away_leaves_a_gap_that_is_told(self) -> None:
        self.collectors.away = {"west"}
        gathered = self.successResultOf(self.gather())
        self.assertEqual(self.labels(gathered), ["web1 nginx"])
        self.assertEqual(gathered.missing, ("Without web2, web3: collector west is away",))
        self.assertEqual(self.collectors.listed, ["web1", "web2"])

    def test_when_all_are_away_that_is_the_error(self) -> None:
        self.collectors.away = {"west", "east"}
        self.failureResultOf(self.gather(), CollectorAwayError)

    def test_rows_that_cannot_be_are_not_drawn(self) -> None:
        self.collectors.row_s = -1
        self.failureResultOf(self.gather(), TransientError)
        self.collectors.row_s = 10
        end = 10 * (MAX_ROWS + 1)  # far more of them than there are pixels
        query = GraphQuery(device="web1", component=None, graph="cpu", start=0, end=end, form="png", width=360)
        drawing = Drawing(subjects=(Subject(device="web1", component="nginx"),))
        gatherer = Gatherer(self.collectors, OWNERS.get, query, drawing, self.wanted)
        self.failureResultOf(Deferred.fromCoroutine(gatherer.gather()), TransientError)

    def test_the_largest_are_shown(self) -> None:
        gathered = self.successResultOf(self.gather(top=2))
        self.assertEqual(self.labels(gathered), ["web2 nginx", "web3 nginx"])
        self.assertEqual(gathered.note, "The largest 2 of 3, by average.")
        self.assertEqual([query.edges for query in self.collectors.asked][:3], [[START, END]] * 3)

    def test_a_device_without_the_set_is_left_out_and_nobody_with_it_is_an_error(self) -> None:
        self.collectors.sets["web2"] = {"other": 1.0}
        self.assertEqual(self.labels(self.successResultOf(self.gather())), ["web1 nginx", "web3 nginx"])
        nobody = [Subject(device=name, component="nothing") for name in OWNERS]
        self.failureResultOf(self.gather(*nobody), NotFoundError)

    def test_what_a_device_has_of_sets_is_all_looked_at_unless_it_is_too_much(self) -> None:
        self.collectors.sets["web1"] = {"a": 1.0, "b": 2.0}
        gathered = self.successResultOf(self.gather(Subject(device="web1"), Subject(device="web2", shown="two")))
        self.assertEqual(self.labels(gathered), ["web1 a", "web1 b", "two nginx"])
        self.collectors.sets["web1"] = {f"s{i}": 1.0 for i in range(MAX_SERIES)}
        error = self.failureResultOf(self.gather(Subject(device="web1"), Subject(device="web2")), PermanentError)
        self.assertIn("501 series are too many", str(error.value))

    def test_one_collector_does_not_wait_for_another(self) -> None:
        self.collectors.waits["web2"] = Deferred()
        gathering = self.gather()
        self.assertEqual(self.collectors.listed, ["web1", "web2", "web3"])
        self.assertNoResult(gathering)
        self.collectors.waits["web2"].callback(None)
        self.assertEqual(self.labels(self.successResultOf(gathering)), ["web1 nginx", "web2 nginx", "web3 nginx"])

    def test_only_so_many_questions_wait_at_a_collector(self) -> None:
        for number in range(2 * AT_ONCE):
            self.collectors.sets[f"d{number}"] = {"nginx": 1.0}
            self.collectors.waits[f"d{number}"] = Deferred()
        gatherer = Gatherer(
            self.collectors,
            lambda _: "west",
            GraphQuery(device="d0", component=None, graph="cpu", start=START, end=END, form="png", width=360),
            Drawing(subjects=tuple(Subject(device=f"d{number}") for number in range(2 * AT_ONCE))),
            self.wanted,
        )
        gathering = Deferred.fromCoroutine(gatherer.gather())
        self.assertEqual(len(self.collectors.listed), AT_ONCE)
        gathering.addErrback(lambda _: None)
        gathering.cancel()

    def test_a_defect_is_not_taken_for_a_gap(self) -> None:
        self.collectors.sets = {}
        self.failureResultOf(self.gather(), KeyError)

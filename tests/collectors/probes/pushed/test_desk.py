# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""Figures that come to the hub's API, at the collector."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from collectors.probes.pushed.book import PushSettings
from collectors.probes.pushed.desk import BOOK_KEY, PushDesk
from common.configs import DeviceConfig, SourceKind
from common.errors import TransientError
from common.events import Severity
from common.judged import DerivedConfig, Level, ThresholdConfig
from common.pushed import Pushed, PushedRow, PushQuery
from common.series import Kind, Point
from common.sources import ProbeSource
from tests.fakes.kit import NOW, Kit
from tests.fakes.snmp import result_of

HANDLER = ProbeSource(
    id="memory",
    template="tracking",
    component="process",
    interval_s=30,
    points=(Point(name="data", unit="kB"), Point(name="stack", unit="kB"), Point(name="faults", kind=Kind.COUNTER)),
    derived=(DerivedConfig(point="used", expression="data + stack"),),
    thresholds=(
        ThresholdConfig(id="much", points=("used",), levels=(Level(severity=Severity.ERROR, maximum=1000.0),)),
    ),
)


def config(device: str = "web1", **more: Any) -> DeviceConfig:
    given: dict[str, Any] = {"address": "", "source": SourceKind.SNMP, "interval_s": 60, "sources": (HANDLER,)}
    return DeviceConfig(device=device, **(given | more))


def row(component: str = "", at: float = 0.0, handler: str = "", interval_s: int = 0, **values: Any) -> PushedRow:
    return PushedRow(component=component, at=at, handler=handler, interval_s=interval_s, values=values)


class PushTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.kit = Kit()
        self.desk = PushDesk(self.kit.context)

    def push(self, *rows: PushedRow, **more: Any) -> Pushed:
        answering = self.desk.answer(PushQuery(config=config(**more), rows=list(rows)))
        return result_of(Deferred.fromCoroutine(answering))

    def written(self) -> list[tuple[str, str, int, dict[str, Any]]]:
        return [(one.key.component, one.key.source, one.at, dict(one.values)) for one in self.kit.samples.accepted]

    def test_figures_that_come_one_at_a_time_are_all_kept(self) -> None:
        self.push(row("backup", size=5))
        self.push(row("backup", took=7.5))
        self.assertEqual(
            self.written(),
            [("backup", "push/size", int(NOW), {"size": 5}), ("backup", "push/took", int(NOW), {"took": 7.5})],
        )

    def test_what_is_sent_again_is_taken_once(self) -> None:
        answers = [self.push(row("backup", size=5)) for _ in range(3)]
        self.assertEqual([one.taken for one in answers], [1, 1, 1])
        self.assertEqual(len(self.written()), 1)

    def test_one_figure_is_taken_of_each_step(self) -> None:
        answer = self.push(row(size=5, at=NOW + 1), row(size=6, at=NOW + 2), row(size=7, at=NOW - 60))
        self.assertEqual(answer.taken, 2)
        self.assertEqual([place for place, _ in answer.refused], [1])
        self.assertIn("of each step of 60 s one is taken", answer.refused[0][1])
        self.assertEqual([values for *_, values in self.written()], [{"size": 7}, {"size": 5}])

    def test_a_handler_says_what_points_are_and_they_are_judged(self) -> None:
        answer = self.push(row("db", data=900, stack=200, faults=3, handler="tracking"))
        self.assertEqual(answer, Pushed(taken=1))
        ((component, source, at, values),) = self.written()
        self.assertEqual((component, source, at), ("db", "memory", int(NOW)))
        self.assertEqual(values["used"], 1100)
        self.assertEqual(self.kit.told(), [("error", "db", "threshold:memory/much:used")])

    def test_under_another_config_all_goes_on(self) -> None:
        self.push(row("db", data=900, stack=200, faults=3, handler="tracking"))
        self.kit.clock.advance(60)
        self.push(row("db", data=1, stack=1, faults=3, handler="tracking"), row(size=5), roll_days=3)
        self.assertEqual(len(self.written()), 3)
        key = "threshold:memory/much:used"
        self.assertEqual(self.kit.told(), [("error", "db", key), ("clear", "db", key)])

    def test_each_is_refused_by_itself(self) -> None:
        answer = self.push(
            row("a", size=1),
            row("b", size=1, handler="nobody"),
            row("c", length=1, handler="tracking"),
            row("d", size=1, at=NOW + 7200),
            row("e\n", size=1),
            row("f", size=1, at=NOW - 10 * 86_400),
            row("g", size=1),
        )
        self.assertEqual(answer.taken, 2)
        self.assertEqual([place for place, _ in answer.refused], [1, 2, 3, 4, 5])
        for (_, told), word in zip(
            answer.refused, ("'nobody'", "no point length", "future", "e\\n", "hours old"), strict=True
        ):
            self.assertIn(word, told)

    def test_a_series_may_have_a_step_of_its_own(self) -> None:
        self.push(row("backup", size=5, interval_s=3600))
        (sample,) = self.kit.samples.accepted
        self.assertEqual(sample.layout.step_s, 3600)

    def test_devices_that_have_left_are_forgotten(self) -> None:
        self.push(row(size=5))
        self.desk.forget("web1")
        self.assertEqual(self.push(row(size=6, at=NOW + 60)).taken, 1)

    def limited(self, **limits: int) -> None:
        self.desk = PushDesk(self.kit.context, PushSettings(**limits))

    def test_a_device_has_so_many_series_and_those_that_there_are_go_on(self) -> None:
        self.limited(device=2)
        answer = self.push(row("a", size=1), row("b", size=1), row("c", size=1), row("c", handler="tracking", data=1))
        self.assertEqual((answer.taken, [place for place, _ in answer.refused]), (2, [2, 3]))
        self.assertIn("device web1 has 2 series that are pushed", answer.refused[0][1])
        self.assertIn("[push] device", answer.refused[0][1])
        self.assertEqual(self.push(row("a", size=2, at=NOW + 60)).taken, 1)
        self.assertEqual(self.push(row("c", size=1), device="web2").taken, 1)
        self.assertEqual(len(self.written()), 4)

    def test_so_has_a_collector(self) -> None:
        self.limited(device=2, collector=3)
        for device, taken in (("web1", 2), ("web2", 1), ("web3", 0)):
            self.assertEqual(self.push(row("a", size=1), row("b", size=1), device=device).taken, taken)
        self.desk.forget("web1")
        answer = self.push(row("a", size=1), row("b", size=1), row("c", size=1), device="web3")
        self.assertEqual(answer.taken, 2)

    def test_series_are_counted_after_a_restart_until_they_are_not_pushed_any_more(self) -> None:
        self.limited(device=1)
        self.push(row("a", size=1))
        self.limited(device=1)
        self.assertEqual(self.push(row("b", size=1)).taken, 0)
        self.kit.clock.advance(32 * 86_400)
        self.assertEqual(self.push(row("b", size=1)).taken, 1)
        self.assertEqual(self.push(row("a", size=2)).taken, 0)

    def test_the_book_of_series_is_kept_now_and_then_and_again_where_that_failed(self) -> None:
        kept = self.kit.sink.load
        self.push(row("a", size=1))
        first = kept(BOOK_KEY)
        for number in range(5):
            self.push(row(f"b{number}", size=1))
        self.assertEqual(kept(BOOK_KEY), first)
        self.kit.clock.advance(10)
        self.kit.sink.full = True
        self.assertRaises(TransientError, self.push, row("a", size=2, at=NOW + 60))
        self.kit.sink.full = False
        self.push(row("a", size=3, at=NOW + 120))
        self.assertGreater(len(kept(BOOK_KEY) or b""), len(first or b""))

    def test_what_was_refused_takes_no_place(self) -> None:
        self.limited(device=1)
        self.push(*(row(f"late{number}", size=1, at=NOW + 7200) for number in range(3)))
        self.assertEqual(self.push(row("a", size=1)).taken, 1)

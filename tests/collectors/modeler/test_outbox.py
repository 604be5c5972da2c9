# mypy: allow-untyped-calls
"""Reports reach the hub, or their sender learns why not."""

from __future__ import annotations

import random

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from collectors.modeler.outbox import AGAIN_S, MAX_DEFECTS, MAX_WAITING_BYTES, Outbox
from common.errors import RemoteError, TransientError
from common.wire import ModelReport, ModelTaken, WireError
from tests.fakes.hub import FakeHub


def report(device: str = "box", at: float = 1.0, run: str = "") -> ModelReport:
    return ModelReport(device=device, at=at, run=run)


class Journal:
    """A sender that keeps what it is told; `full` refuses to."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ModelReport]] = []
        self.full = False

    async def taken(self, report: ModelReport) -> None:
        if self.full:
            raise TransientError("no space left")
        self.told.append(("taken", report))

    async def refused(self, report: ModelReport, reason: str) -> None:
        self.told.append((reason, report))

    def dropped(self, report: ModelReport) -> None:
        self.told.append(("dropped", report))


class OutboxTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.hub, self.journal = Clock(), FakeHub(), Journal()
        self.outbox = Outbox(self.clock, random.Random(1), self.hub.send_model, self.journal)

    def put(self, one: ModelReport, size_bytes: int = 100) -> None:
        self.outbox.put(one, size_bytes)

    def test_a_report_goes_at_once(self) -> None:
        self.put(report())
        self.assertEqual(self.hub.reports, [replace(report(), age_s=0.0)])
        self.assertEqual(self.journal.told, [("taken", report())])
        self.assertEqual(self.outbox.waiting, 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_while_the_hub_is_away_the_newest_of_each_device_waits(self) -> None:
        self.hub.connected = False
        for at in (1.0, 2.0):
            self.put(report("a", at))
            self.put(report("b", at))
        self.assertEqual(self.outbox.waiting, 2)
        self.clock.advance(5 * AGAIN_S[1])
        self.assertEqual(self.hub.reports, [])
        self.hub.connected = True
        self.clock.advance(AGAIN_S[1])
        self.assertEqual(sorted((one.device, one.at) for one in self.hub.reports), [("a", 2.0), ("b", 2.0)])
        self.assertEqual(self.outbox.waiting, 0)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_hub_learns_how_old_a_report_is(self) -> None:
        self.hub.connected = False
        self.put(replace(report(), age_s=2.0))
        self.clock.advance(5.0)
        self.hub.connected = True
        self.put(replace(report("now", run="r1"), age_s=1.0))
        self.assertEqual({one.device: one.age_s for one in self.hub.reports}, {"box": 7.0, "now": 1.0})

    def test_it_does_not_try_more_often_than_it_should(self) -> None:
        self.hub.connected = False
        for n in range(5):
            self.put(report(f"d{n}"))
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        wait_s = self.clock.getDelayedCalls()[0].getTime() - self.clock.seconds()
        self.assertTrue(AGAIN_S[0] <= wait_s <= AGAIN_S[1], wait_s)

    def test_answers_that_somebody_waits_for_are_all_kept_and_tried_at_once(self) -> None:
        self.hub.connected = False
        self.put(report(at=1.0))
        self.put(report(at=2.0, run="r1"))
        self.put(report(at=2.0, run="r2"))
        self.assertEqual(self.outbox.waiting, 3)
        self.hub.connected = True
        self.put(report(at=3.0, run="r3"))
        self.assertEqual(sorted(one.run for one in self.hub.reports), ["", "r1", "r2", "r3"])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_what_the_hub_refuses_goes_and_the_sender_learns_why(self) -> None:
        self.hub.fails = [RemoteError("not_found", "there is no such device"), WireError("it is too large")]
        for device in "abc":
            self.put(report(device))
        said = [(why, one.device) for why, one in self.journal.told]
        self.assertEqual(said, [("there is no such device", "a"), ("it is too large", "b"), ("taken", "c")])
        self.assertEqual(self.outbox.waiting, 0)

    def test_one_that_the_hub_cannot_take_now_does_not_hold_up_the_others(self) -> None:
        self.hub.connected = False
        for device in "abc":
            self.put(report(device))
        first = next(iter(self.outbox._waiting))[0]
        self.hub.connected = True
        self.hub.fails = [TransientError("busy")]
        self.clock.advance(AGAIN_S[1])
        self.clock.advance(AGAIN_S[1])
        self.assertEqual([one.device for one in self.hub.reports][-1], first)
        self.assertEqual(len(self.hub.reports), 3)

    def test_a_newer_report_that_comes_while_one_is_on_its_way_goes_too(self) -> None:
        answers: list[Deferred[ModelTaken]] = []
        sent: list[ModelReport] = []

        def send(one: ModelReport) -> Deferred[ModelTaken]:
            sent.append(one)
            answers.append(Deferred())
            return answers[-1]

        outbox = Outbox(self.clock, random.Random(1), send, self.journal)
        outbox.put(report(at=1.0), 1)
        outbox.put(report(at=2.0), 1)
        self.assertEqual(len(sent), 1)
        answers[0].callback(ModelTaken())
        answers[1].callback(ModelTaken())
        self.assertEqual([one.at for one in sent], [1.0, 2.0])
        self.assertEqual(outbox.waiting, 0)

    def test_a_defect_costs_one_report_not_the_others(self) -> None:
        async def send(one: ModelReport) -> ModelTaken:
            return self.fail_of(one)

        outbox = Outbox(self.clock, random.Random(1), send, self.journal)
        outbox.put(report("bad"), 1)
        outbox.put(report("good"), 1)
        self.assertEqual([one.device for why, one in self.journal.told if why == "taken"], ["good"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    @staticmethod
    def fail_of(one: ModelReport) -> ModelTaken:
        if one.device == "bad":
            raise ZeroDivisionError
        return ModelTaken()

    def test_a_full_disk_does_not_stop_it(self) -> None:
        self.journal.full = True
        self.put(report("a"))
        self.put(report("b"))
        self.assertEqual([one.device for one in self.hub.reports], ["a", "b"])

    def test_too_many_bytes_cost_the_oldest_and_are_counted(self) -> None:
        self.hub.connected = False
        for n in range(4):
            self.put(report(f"d{n}"), MAX_WAITING_BYTES // 2 - 1)
        self.assertEqual(self.outbox.waiting, 2)
        self.assertEqual(self.outbox.dropped, 2)
        dropped = [one.device for why, one in self.journal.told if why == "dropped"]
        self.assertEqual(len(dropped), 2)
        self.hub.connected = True
        self.clock.advance(AGAIN_S[1])
        self.assertEqual(sorted([*dropped, *(one.device for one in self.hub.reports)]), ["d0", "d1", "d2", "d3"])

    def test_a_report_that_the_hub_fails_on_again_and_again_counts_as_refused(self) -> None:
        self.hub.fails = [RemoteError("internal", "an error of ours, id 7")] * (MAX_DEFECTS + 1)
        self.put(report())
        self.clock.pump([AGAIN_S[1]] * (MAX_DEFECTS - 2))
        self.assertEqual((self.outbox.waiting, self.journal.told), (1, []))
        self.clock.advance(AGAIN_S[1])
        self.assertEqual((self.outbox.waiting, self.journal.told), (0, [("an error of ours, id 7", report())]))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_hub_that_is_away_for_long_costs_no_report(self) -> None:
        self.hub.connected = False
        self.put(report())
        self.clock.pump([AGAIN_S[1]] * 5 * MAX_DEFECTS)
        self.hub.connected = True
        self.clock.advance(AGAIN_S[1])
        self.assertEqual(self.journal.told, [("taken", report())])

    def test_the_one_that_the_hub_is_about_to_have_is_never_dropped(self) -> None:
        answers: list[Deferred[ModelTaken]] = []

        def send(one: ModelReport) -> Deferred[ModelTaken]:
            answers.append(Deferred())
            return answers[-1]

        outbox = Outbox(self.clock, random.Random(1), send, self.journal)
        for device in "abc":
            outbox.put(report(device), MAX_WAITING_BYTES // 2)
        self.assertEqual([(why, one.device) for why, one in self.journal.told], [("dropped", "b")])
        answers[0].callback(ModelTaken())
        answers[1].callback(ModelTaken())
        self.assertEqual([one.device for why, one in self.journal.told if why == "taken"], ["a", "c"])

    def test_of_a_report_that_somebody_waits_for_an_answer_stays(self) -> None:
        self.hub.connected = False
        for n in range(3):
            self.put(report(f"d{n}", run="r1"), MAX_WAITING_BYTES // 2)
        self.assertEqual((self.outbox.waiting, self.outbox.dropped), (3, 2))
        self.hub.connected = True
        self.clock.advance(AGAIN_S[1])
        told = {one.device: one.problem for one in self.hub.reports}
        self.assertEqual(set(told), {"d0", "d1", "d2"})
        self.assertEqual(sum("was dropped" in problem for problem in told.values()), 2)

    def test_a_defect_of_the_sender_does_not_stop_it(self) -> None:
        class Broken(Journal):
            async def taken(self, report: ModelReport) -> None:
                raise ZeroDivisionError

        outbox = Outbox(self.clock, random.Random(1), self.hub.send_model, Broken())
        outbox.put(report("a"), 1)
        outbox.put(report("b"), 1)
        self.assertEqual([one.device for one in self.hub.reports], ["a", "b"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)

    def test_a_defect_of_the_delivery_itself_is_logged_and_it_goes_on(self) -> None:
        class Odd(random.Random):
            broken = True

            def uniform(self, a: float, b: float) -> float:
                if self.broken:
                    self.broken = False
                    raise ZeroDivisionError
                return super().uniform(a, b)

        outbox = Outbox(self.clock, Odd(1), self.hub.send_model, self.journal)
        self.hub.connected = False
        outbox.put(report(), 1)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.hub.connected = True
        self.clock.advance(AGAIN_S[1])
        self.assertEqual(len(self.hub.reports), 1)

    def test_it_ends_with_the_daemon(self) -> None:
        self.hub.connected = False
        self.put(report())
        self.outbox.stopService()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.put(report(run="r1"))
        self.assertEqual(self.clock.getDelayedCalls(), [])
        never: Deferred[ModelTaken] = Deferred()
        outbox = Outbox(self.clock, random.Random(1), lambda _: never, self.journal)
        outbox.put(report(), 1)
        outbox.stopService()
        self.assertTrue(never.called)
        self.assertEqual((self.clock.getDelayedCalls(), self.journal.told), ([], []))

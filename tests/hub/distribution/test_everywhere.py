# mypy: allow-untyped-calls
"""A revision is live when it runs for every service that anybody waits for."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from common.configs import SERVICE_MODELER
from hub.distribution.everywhere import Everywhere
from hub.distribution.farewell import LONGEST_S, Farewell
from hub.distribution.services import Services
from tests.hub.distribution.fakes import Bench, FakeCollector, FakeSession


class EverywhereTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.bench = Bench()
        self.modellers: set[str] = set()
        self.modeler = self.bench.another(SERVICE_MODELER, self.modellers.__contains__)
        process = self.bench.distributor
        for one in (process, self.modeler):
            one.start()
        self.everywhere = Everywhere([process, self.modeler])

        def changed(revision: int, devices: list[str]) -> None:
            for one in (process, self.modeler):
                one.model_changed(revision, devices)

        self.bench.model.watcher = changed

    def wait(self, revision: int, timeout_s: float = 20.0) -> Deferred[bool]:
        return Deferred.fromCoroutine(self.everywhere.wait_live(revision, timeout_s))

    def attach_modeler(self) -> FakeSession:
        self.modellers.add("local")
        session = FakeSession(FakeCollector("local"), daemon=SERVICE_MODELER)
        self.modeler.attached(session)
        return session

    def test_a_service_that_was_never_there_is_not_waited_for(self) -> None:
        self.bench.attach()
        revision = self.bench.model.put("web1")
        waiting = self.wait(revision)
        self.bench.settle(1)
        self.assertTrue(self.successResultOf(waiting))
        self.assertEqual(self.everywhere.behind(), [])

    def test_one_that_is_away_is_waited_for_and_named(self) -> None:
        self.modellers.add("local")
        self.bench.attach()
        revision = self.bench.model.put("web1")
        waiting = self.wait(revision)
        self.bench.settle(3)
        self.assertNoResult(waiting)
        (row,) = self.everywhere.behind(revision)
        self.assertEqual((row[0], row[1].device), ("modeler", "web1"))
        self.attach_modeler()
        self.bench.settle(1)
        self.assertTrue(self.successResultOf(waiting))

    def test_before_the_end_what_was_changed_already_reaches_those_that_are_there(self) -> None:
        services = Services(self.bench.distributor, self.modeler)
        session = self.bench.attach(quick=False)
        session.answer()
        self.bench.settle(1)
        self.bench.model.put("web1")
        finished = Farewell(self.bench.clock, services).stopService()
        self.bench.settle(0.5)
        self.assertNoResult(finished)
        self.assertEqual(len(session.pending), 1)
        session.answer()
        self.bench.settle(0.1)
        self.successResultOf(finished)
        self.assertEqual(self.bench.runs(), {"web1": "v1"})
        self.successResultOf(Farewell(self.bench.clock, services).stopService())  # nothing waits

    def test_nobody_who_does_not_answer_or_fails_or_is_away_holds_up_the_end(self) -> None:
        services = Services(self.bench.distributor, self.modeler)
        self.bench.model.put("web1", "away")
        self.bench.attach("fails", fails=100)
        self.bench.settle(1)
        self.successResultOf(Farewell(self.bench.clock, services).stopService())
        self.bench.attach("mute", quick=False)
        finished = Farewell(self.bench.clock, services).stopService()
        self.bench.settle(LONGEST_S - 0.2)
        self.assertNoResult(finished)
        self.bench.settle(0.3)
        self.successResultOf(finished)

    def test_a_daemon_that_will_not_come_back_is_not_waited_for_and_the_other_is(self) -> None:
        process, services = self.bench.distributor, Services(self.bench.distributor, self.modeler)
        self.bench.attach()
        session = self.attach_modeler()
        self.bench.model.put("web1")
        self.bench.settle(1)
        self.bench.detach()
        self.modeler.detached(session)
        self.bench.model.remove("web1")
        self.bench.settle(1)
        self.assertEqual([service for service, _ in self.everywhere.behind()], ["process", "modeler"])
        services.forget("local", SERVICE_MODELER)
        self.assertEqual([service for service, _ in self.everywhere.behind()], ["process"])
        services.forget("local", "another")
        services.forget("local", process.service)
        self.assertEqual(self.everywhere.behind(), [])

    def test_after_the_time_it_is_said_that_it_is_not_live(self) -> None:
        self.modellers.add("local")
        self.bench.attach()
        waiting = self.wait(self.bench.model.put("web1"), 2.0)
        self.bench.settle(3)
        self.assertFalse(self.successResultOf(waiting))

    def test_who_waits_no_more_leaves_nothing_behind(self) -> None:
        self.modellers.add("local")
        waiting = self.wait(self.bench.model.put("web1"))
        self.bench.settle(1)
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        self.assertEqual((self.bench.distributor._waiters, self.modeler._waiters), ([], []))
        self.assertEqual(self.bench.clock.getDelayedCalls(), [])

    def test_sent_again_is_sent_again_to_all(self) -> None:
        process, modeler = self.bench.attach(), self.attach_modeler()
        self.bench.model.put("web1")
        self.bench.settle(1)
        self.everywhere.push_again(["web1"])
        self.bench.settle(1)
        sent = [[config.device for batch in one.batches for config in batch.changed] for one in (process, modeler)]
        self.assertEqual(sent, [["web1", "web1"]] * 2)

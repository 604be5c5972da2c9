# mypy: allow-untyped-calls
from __future__ import annotations

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from common.digests import digest
from common.errors import TransientError
from common.wire import MAX_MESSAGE_BYTES, encode
from hub.distribution.holdings import MAX_FOREIGN
from tests.hub.distribution.fakes import Bench, config


class PushTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.bench = Bench()
        self.model = self.bench.model

    def start(self, *names: str) -> None:
        self.bench.distributor.start()
        for name in names or ("local",):
            self.bench.attach(name)

    def test_a_change_reaches_its_collector_after_a_moment_of_quiet(self) -> None:
        self.start()
        revision = self.model.put("web1")
        self.bench.clock.advance(0.2)
        self.assertEqual(self.bench.runs(), {})
        self.assertFalse(self.bench.distributor.agreement.is_live(revision))
        self.assertEqual(self.bench.reasons(), ["not confirmed yet"])
        self.bench.clock.advance(0.06)
        self.assertEqual(self.bench.runs(), {"web1": "v1"})
        self.assertTrue(self.bench.distributor.agreement.is_live(revision))
        self.assertTrue(self.bench.distributor.in_sync("web1"))
        self.assertEqual(self.bench.distributor.standing("local"), (1, 0))

    def test_a_change_reaches_only_the_collectors_that_it_concerns(self) -> None:
        self.start("local", "far")
        self.model.put("web1", "local")
        self.bench.settle()
        self.model.put("web2", "far")
        self.bench.settle()
        self.assertEqual(self.bench.runs("far"), {"web2": "v1"})
        self.assertEqual(len(self.bench.sessions["local"].batches), 1)

    def test_a_config_that_has_not_changed_is_not_sent_and_its_revision_is_live(self) -> None:
        self.start()
        self.model.put("web1")
        self.bench.settle()
        revision = self.model.put("web1")
        self.bench.settle()
        self.assertEqual(len(self.bench.sessions["local"].batches), 1)
        self.assertTrue(self.bench.distributor.agreement.is_live(revision))

    def test_push_again_sends_what_has_not_changed(self) -> None:
        self.start()
        self.model.put("web1")
        self.bench.settle()
        self.bench.sessions["local"].quick = False
        self.assertEqual(self.bench.distributor.push_again(["web1", "unknown"]), 1)
        self.assertEqual(self.bench.reasons(), ["sent again, not confirmed yet"])
        self.bench.sessions["local"].answer()
        self.assertEqual(self.bench.reasons(), [])
        self.assertEqual(len(self.bench.sessions["local"].batches), 2)

    def test_a_removed_device_is_dropped_by_its_collector(self) -> None:
        self.start()
        self.model.put("web1")
        self.bench.settle()
        revision = self.model.remove("web1")
        self.bench.settle(0.2)
        self.assertFalse(self.bench.distributor.agreement.is_live(revision))
        self.bench.settle()
        self.assertEqual(self.bench.runs(), {})
        self.assertTrue(self.bench.distributor.agreement.is_live(revision))
        self.assertEqual(self.bench.sessions["local"].batches[-1].removed, ["web1"])
        self.assertTrue(self.bench.distributor.may_report("local", "web1"))  # its spool may hold events of it

    def test_only_one_push_is_on_its_way_and_the_next_one_is_the_newest(self) -> None:
        self.start()
        session = self.bench.sessions["local"]
        session.quick = False
        first = self.model.put("web1", version=1)
        self.bench.settle()
        for version in range(2, 50):
            self.model.put("web1", version=version)
            self.bench.settle(0.5)
        self.assertEqual(len(session.batches), 1)
        session.answer()
        self.assertTrue(self.bench.distributor.agreement.is_live(first))
        self.assertFalse(self.bench.distributor.agreement.is_live(first + 1))
        self.assertEqual([batch.changed[0].address for batch in session.batches], ["v1.example", "v49.example"])
        session.answer()
        self.assertEqual(self.bench.runs(), {"web1": "v49"})
        self.assertEqual(self.bench.reasons(), [])
        self.assertEqual(len(session.batches), 2)

    def test_many_devices_go_in_bounded_messages(self) -> None:
        self.start()
        self.model.sets = 30
        self.model.change({f"web{number:04}": ("local", 1) for number in range(700)})
        self.bench.settle()
        session = self.bench.sessions["local"]
        self.assertEqual(len(self.bench.runs()), 700)
        self.assertGreater(len(session.batches), 5)
        for batch in session.batches:
            self.assertLessEqual(len(batch.changed), 500)
            self.assertLessEqual(sum(len(encode(item)) for item in batch.changed), MAX_MESSAGE_BYTES)
        self.assertEqual(
            [item.device for batch in session.batches for item in batch.changed], sorted(self.bench.runs())
        )

    def test_a_stuck_collector_holds_up_nobody_else(self) -> None:
        self.start("local", "stuck")
        self.bench.sessions["stuck"].quick = False
        self.model.change({"a": ("stuck", 1), "b": ("local", 1)})
        self.bench.settle()
        self.assertEqual(self.bench.runs("local"), {"b": "v1"})
        for version in range(2, 30):
            self.model.change({"a": ("stuck", version), "b": ("local", version)})
            self.bench.settle()
        self.assertEqual(self.bench.runs("local"), {"b": "v29"})
        self.assertEqual(len(self.bench.sessions["stuck"].batches), 1)

    def test_a_moved_device_leaves_the_old_collector_before_the_new_one_gets_it(self) -> None:
        self.start("old", "new")
        self.model.put("web1", "old")
        self.bench.settle()
        self.bench.sessions["old"].quick = False
        revision = self.model.put("web1", "new")
        self.bench.settle()
        self.assertEqual(self.bench.runs("new"), {})
        self.assertEqual(self.bench.sessions["old"].batches[-1].removed, ["web1"])
        self.bench.sessions["old"].answer()
        self.assertEqual(self.bench.runs("old"), {})
        self.assertEqual(self.bench.runs("new"), {"web1": "v1"})
        self.assertTrue(self.bench.distributor.agreement.is_live(revision))

    def test_a_move_does_not_wait_for_an_old_collector_that_is_gone(self) -> None:
        self.start("old", "new")
        self.model.put("web1", "old")
        self.bench.settle()
        self.bench.detach("old")
        revision = self.model.put("web1", "new")
        self.bench.settle()
        self.assertEqual(self.bench.runs("new"), {"web1": "v1"})
        self.assertFalse(self.bench.distributor.agreement.is_live(revision))
        self.assertEqual(self.bench.reasons(), ["collector old is not connected"])
        self.bench.attach("old")
        self.bench.settle()
        self.assertEqual(self.bench.runs("old"), {})
        self.assertTrue(self.bench.distributor.agreement.is_live(revision))

    def test_a_move_is_done_when_the_old_collector_goes_before_it_answers(self) -> None:
        self.start("old", "new")
        self.model.put("web1", "old")
        self.bench.settle()
        self.bench.sessions["old"].quick = False
        self.model.put("web1", "new")
        self.bench.settle()
        self.bench.detach("old")
        self.bench.settle()
        self.assertEqual(self.bench.runs("new"), {"web1": "v1"})

    def test_a_device_can_leave_a_collector_that_never_was(self) -> None:
        self.start("local")
        self.model.put("web1", "lcoal")
        self.bench.settle()
        self.assertEqual(self.bench.reasons(), ["collector lcoal is not connected"])
        self.model.put("web1", "local")
        self.bench.settle()
        self.assertEqual(self.bench.runs("local"), {"web1": "v1"})
        self.assertEqual(self.bench.reasons(), [])


class TroubleTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.bench = Bench()
        self.model = self.bench.model
        self.bench.distributor.start()

    def test_a_config_that_cannot_be_made_is_never_a_deletion(self) -> None:
        self.bench.attach()
        self.model.put("web1", version=1)
        self.bench.settle()
        for version, words in ((0, "the regex of set x does not end"), (-1, "ZeroDivisionError")):
            revision = self.model.put("web1", version=version)
            self.bench.settle()
            self.assertEqual(self.bench.runs(), {"web1": "v1"})
            self.assertFalse(self.bench.distributor.agreement.is_live(revision))
            self.assertIn(words, self.bench.reasons("web1")[0])
            self.assertIn(words, self.bench.reports.open["web1", "config_error"])
        self.flushLoggedErrors(ZeroDivisionError)
        self.model.put("web1", version=2)
        self.bench.settle()
        self.assertEqual(self.bench.runs(), {"web1": "v2"})
        self.assertEqual(self.bench.reports.open, {})
        self.assertEqual(self.bench.reasons(), [])

    def test_after_a_restart_too_a_config_that_cannot_be_made_leaves_what_runs(self) -> None:
        self.bench.attach()
        self.model.put("web1", version=1)
        self.bench.settle()
        self.model.put("web1", version=0)
        self.bench.restart()
        self.bench.attach()
        self.bench.settle()
        self.assertEqual(self.bench.runs(), {"web1": "v1"})
        self.assertIn("cannot be made", self.bench.reasons()[0])

    def test_a_rejected_config_is_told_and_not_sent_for_ever(self) -> None:
        self.bench.collector("local").refuses["web1"] = "SNMP v3 without a user"
        session = self.bench.attach()
        self.model.change({"web1": ("local", 1), "web2": ("local", 1)})
        self.bench.settle(60)
        self.assertEqual(self.bench.runs(), {"web2": "v1"})
        self.assertEqual(len(session.batches), 1)
        self.assertEqual(self.bench.reasons(), ["rejected by the collector: SNMP v3 without a user"])
        self.assertEqual(self.bench.reports.open, {})  # the collector tells that itself
        self.bench.collector("local").refuses.clear()
        self.model.put("web1", version=2)
        self.bench.settle()
        self.assertEqual(self.bench.runs(), {"web1": "v2", "web2": "v1"})
        self.assertEqual(self.bench.reports.open, {})

    def test_a_message_refused_whole_is_cut_until_the_one_to_blame_stands_alone(self) -> None:
        self.bench.collector("local").chokes = {"web3"}
        session = self.bench.attach()
        self.model.change({f"web{number}": ("local", 1) for number in range(8)})
        self.bench.settle(10)
        self.assertEqual(sorted(self.bench.runs()), [f"web{number}" for number in range(8) if number != 3])
        self.assertEqual(self.bench.reasons(), ["rejected by the collector: cannot read ['web3']"])
        self.assertLess(len(session.batches), 10)
        self.assertIn("cannot read", self.bench.reports.open["web3", "config_refused"])
        self.bench.collector("local").chokes.clear()
        self.model.put("web3", version=2)
        self.bench.settle()
        self.assertEqual((self.bench.reasons(), self.bench.reports.open), ([], {}))

    def test_a_change_that_is_taken_back_is_no_trouble_any_more(self) -> None:
        collector = self.bench.collector("local")
        session = self.bench.attach()
        self.model.change({"web1": ("local", 1)})
        self.bench.settle(60)
        for refused in (collector.chokes, collector.refuses):
            if refused is collector.chokes:
                refused.add("web1")
            else:
                collector.refuses["web1"] = "SNMP v3 without a user"
            self.model.put("web1", version=2)
            self.bench.settle(60)
            self.assertEqual(len(self.bench.reasons()), 1)
            collector.chokes.clear()
            collector.refuses.clear()
            self.model.put("web1", version=1)  # which it runs
            self.bench.settle(60)
            self.assertEqual((self.bench.reasons(), self.bench.reports.open), ([], {}))
            (again,) = session.batches[-1].changed  # so that it can close its own event
            self.assertEqual(again.device, "web1")
            sent = len(session.batches)
            self.bench.settle(60)
            self.assertEqual(len(session.batches), sent)

    def test_what_a_collector_says_at_its_login_closes_what_was_said_of_it_before(self) -> None:
        self.model.change({"web1": ("local", 1), "web2": ("local", 1)})
        for tells in (False, True):  # one that was updated has the right digest without being sent anything
            self.bench.collector("local").tells = tells
            self.bench.attach()
            self.bench.settle()
            self.bench.detach()
            for device in ("web1", "web2"):
                self.bench.reports.trouble(device, "config_refused", "it runs something else", "than was sent")
            session = self.bench.attach()
            self.bench.settle()
            self.assertEqual((self.bench.reports.open, session.batches), ({}, []))
            self.bench.detach()

    def test_a_full_disk_is_tried_again_with_growing_patience(self) -> None:
        session = self.bench.attach()
        session.fails = [TransientError("the disk is full") for _ in range(4)]
        self.model.put("web1")
        self.bench.settle(0.5)
        self.assertEqual(self.bench.reasons(), ["the disk is full; it is tried again"])
        self.bench.settle(60)
        self.assertEqual(self.bench.runs(), {"web1": "v1"})
        self.assertEqual(self.bench.reasons(), [])

    def test_a_defect_of_ours_in_one_session_is_logged_and_tried_again(self) -> None:
        session = self.bench.attach()
        session.fails = [KeyError("x")]
        self.model.put("web1")
        self.bench.settle(10)
        self.assertEqual(self.bench.runs(), {"web1": "v1"})
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_a_collector_that_computes_another_digest_is_told_once_not_for_ever(self) -> None:
        peer = self.bench.collector("local")
        honest = peer.apply
        peer.apply = lambda batch: honest(  # type: ignore[method-assign]  # an older version drops a field
            type(batch)(revision=1, changed=[config(item.device, 99) for item in batch.changed], removed=[])
        )
        session = self.bench.attach()
        self.model.put("web1")
        self.bench.settle(120)
        self.assertEqual(len(session.batches), 1)
        self.assertIn("different versions", self.bench.reasons()[0])

    def test_what_changed_behind_the_hubs_back_is_found_and_put_right(self) -> None:
        session = self.bench.attach()
        self.model.change({"web1": ("local", 1), "web2": ("local", 1)})
        self.bench.settle()
        del self.bench.collector("local").configs["web1"]
        self.model.put("web2", version=2)
        self.bench.settle(60)
        self.assertEqual(self.bench.runs(), {"web1": "v1", "web2": "v2"})
        self.assertEqual(len(session.asked), 2)


class AttachTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.bench = Bench()
        self.model = self.bench.model

    def test_who_holds_all_of_it_is_asked_one_page_and_sent_nothing(self) -> None:
        self.model.change({f"web{number}": ("local", 1) for number in range(10)})
        peer = self.bench.collector("local")
        peer.configs = {device: config(device) for device in self.model.entries}
        peer.page = 3
        self.bench.distributor.start()
        session = self.bench.attach()
        self.bench.settle()
        self.assertEqual(len(session.asked), 1)
        self.assertEqual(session.batches, [])
        self.assertEqual(self.bench.reasons(), [])

    def test_who_comes_back_gets_the_difference_alone(self) -> None:
        self.model.change({f"web{number}": ("local", 2) for number in range(10)})
        peer = self.bench.collector("local")
        peer.configs = {device: config(device, 2) for device in self.model.entries}
        peer.configs["web3"] = config("web3", 1)
        peer.configs["stranger"] = config("stranger", 1)
        del peer.configs["web7"]
        peer.page = 3
        self.bench.distributor.start()
        session = self.bench.attach()
        self.bench.settle()
        self.assertEqual(len(session.asked), 4)
        (batch,) = session.batches
        self.assertEqual(sorted(item.device for item in batch.changed), ["web3", "web7"])
        self.assertEqual(batch.removed, ["stranger"])
        self.assertEqual(peer.digests(), {device: digest(config(device, 2)) for device in self.model.entries})

    def test_before_the_collector_has_told_no_revision_is_live(self) -> None:
        self.model.put("web1")
        self.bench.collector("local").configs = {"web1": config("web1")}
        self.bench.distributor.start()
        self.assertFalse(self.bench.distributor.agreement.is_live(1))
        self.assertEqual(self.bench.reasons(), ["collector local is not connected"])
        self.bench.attach()
        self.assertTrue(self.bench.distributor.agreement.is_live(1))

    def test_no_collector_is_told_anything_before_all_is_compiled(self) -> None:
        self.model.change({f"web{number}": ("local", 1) for number in range(200)})
        peer = self.bench.collector("local")
        peer.configs = {device: config(device) for device in self.model.entries}
        self.bench.distributor.start()
        session = self.bench.attach()
        self.assertEqual(session.asked, [])
        self.bench.settle()
        self.assertEqual(len(session.asked), 1)
        self.assertEqual(session.batches, [])

    def test_pages_that_lead_nowhere_end_in_trouble_not_in_a_loop(self) -> None:
        self.model.put("web1")
        peer = self.bench.collector("local")
        peer.configs = {"x": config("x"), "y": config("y")}
        first = peer.held(type("R", (), {"after": ""})())
        peer.held = lambda request: type(first)(all=first.all, configs=first.configs[:1], more=True)  # type: ignore[method-assign]  # a liar
        self.bench.distributor.start()
        session = self.bench.attach()
        self.bench.settle(0.1)
        self.assertEqual(len(session.asked), 2)
        self.assertIn("makes no sense", self.bench.reasons()[0])

    def test_the_session_of_another_service_is_left_alone(self) -> None:
        from tests.hub.distribution.fakes import FakeSession

        self.model.put("web1")
        self.bench.distributor.start()
        session = FakeSession(self.bench.collector("local"), daemon="modeler")
        self.bench.distributor.attached(session)
        self.bench.settle()
        self.assertEqual(session.asked, [])

    def test_a_new_session_takes_over_from_the_old_one(self) -> None:
        self.bench.distributor.start()
        old = self.bench.attach(quick=False)
        new = self.bench.attach()
        self.model.put("web1")
        self.bench.settle()
        self.bench.distributor.detached(old)  # the late end of the old one harms nobody
        self.model.put("web2")
        self.bench.settle()
        self.assertEqual(sorted(self.bench.runs()), ["web1", "web2"])
        self.assertEqual(old.batches, [])
        self.assertEqual(len(new.batches), 2)

    def test_a_device_removed_while_its_first_push_was_on_its_way_does_not_stay(self) -> None:
        for applied in (True, False):
            bench = Bench()
            bench.distributor.start()
            bench.attach(quick=False)
            bench.sessions["local"].answer()
            bench.model.put("web1")
            bench.settle()
            revision = bench.model.remove("web1")
            bench.settle()
            self.assertFalse(bench.distributor.agreement.is_live(revision))
            bench.detach(applied=applied)
            bench.settle()
            self.assertFalse(bench.distributor.agreement.is_live(revision))  # nobody knows what it runs
            bench.attach()
            bench.settle()
            self.assertEqual(bench.runs(), {})
            self.assertTrue(bench.distributor.agreement.is_live(revision))


class WaitTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.bench = Bench()
        self.bench.distributor.start()

    def wait(self, revision: int, timeout_s: float = 10, device: str | None = None) -> Deferred[bool]:
        return Deferred.fromCoroutine(self.bench.distributor.wait_live(revision, timeout_s, device))

    def test_waiting_ends_the_moment_it_is_live(self) -> None:
        self.bench.attach()
        waiting = self.wait(self.bench.model.put("web1"))
        self.assertNoResult(waiting)
        self.bench.clock.advance(0.25)
        self.assertIs(self.successResultOf(waiting), True)

    def test_waiting_ends_at_its_time(self) -> None:
        waiting = self.wait(self.bench.model.put("web1"), 5)
        self.bench.settle(4.9)
        self.assertNoResult(waiting)
        self.bench.settle(0.2)
        self.assertIs(self.successResultOf(waiting), False)
        self.bench.attach()
        self.bench.settle()

    def test_waiting_for_a_device_does_not_wait_for_others(self) -> None:
        self.bench.attach()
        self.bench.model.put("far1", "far")
        waiting = self.wait(self.bench.model.put("web1"), 10, "web1")
        other = self.wait(self.bench.model.revision, 10)
        self.bench.settle()
        self.assertIs(self.successResultOf(waiting), True)
        self.assertNoResult(other)
        other.cancel()
        self.failureResultOf(other, CancelledError)
        self.assertEqual(self.bench.distributor._waiters, [])

    def test_not_waiting_at_all_tells_how_it_stands(self) -> None:
        self.assertIs(self.successResultOf(self.wait(self.bench.model.put("web1"), 0)), False)

    def test_stopping_the_hub_ends_all_waits_and_leaves_no_timer(self) -> None:
        self.bench.attach(quick=False)
        waiting = self.wait(self.bench.model.put("web1"))
        self.bench.distributor.stop()
        self.assertIs(self.successResultOf(waiting), False)
        self.bench.settle()
        self.assertEqual(self.bench.clock.getDelayedCalls(), [])


@pytest.mark.parametrize("device", ["web1", "foreign", "unknown"])
def test_a_collector_speaks_of_its_own_devices_alone(device: str) -> None:
    bench = Bench()
    bench.distributor.start()
    bench.model.change({"web1": ("local", 1), "foreign": ("far", 1)})
    assert bench.distributor.may_report("local", device) is (device == "web1")


def test_stopping_a_subscription_from_within_its_own_call_is_no_error() -> None:
    bench = Bench()
    bench.distributor.start()
    session = bench.attach()

    async def push(_batch: object) -> object:
        bench.distributor.detached(session)
        raise TransientError("broken")

    session.push = push  # type: ignore[method-assign,assignment]
    bench.model.put("web1")
    bench.settle()
    assert bench.clock.getDelayedCalls() == []


class UnknownTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.bench = Bench()
        self.model = self.bench.model

    def test_a_device_removed_while_its_collector_is_away_stays_behind_until_that_is_back(self) -> None:
        self.model.put("web1")
        self.bench.collector("local").configs = {"web1": config("web1")}
        self.bench.known.add("local")
        self.bench.distributor.start()
        revision = self.model.remove("web1")
        self.bench.settle()
        self.assertEqual(self.bench.reasons("web1"), ["collector local is not connected"])
        self.bench.attach()
        self.bench.settle()
        self.assertEqual(self.bench.runs(), {})
        self.assertTrue(self.bench.distributor.agreement.is_live(revision))

    def test_a_device_that_a_collector_never_was_given_is_dropped_and_nobody_waits_for_that(self) -> None:
        self.model.put("web1")
        self.bench.collector("local").configs = {"web1": config("web1"), "stranger": config("stranger")}
        self.bench.distributor.start()
        session = self.bench.attach(quick=False)
        session.answer()
        self.assertEqual((session.batches[0].removed, self.bench.reasons()), (["stranger"], []))
        session.answer()
        self.assertEqual(self.bench.runs(), {"web1": "v1"})

    def test_one_that_it_was_given_is_behind_until_it_has_let_go(self) -> None:
        self.model.put("web1")
        self.bench.distributor.start()
        self.bench.attach()
        self.bench.settle()
        self.bench.detach()
        self.model.remove("web1")
        session = self.bench.attach(quick=False)
        session.answer()
        self.assertEqual(self.bench.reasons("web1"), ["not confirmed yet"])
        session.answer()
        self.assertEqual(self.bench.reasons(), [])

    def test_thousands_that_are_not_known_go_some_at_a_time_and_cost_nobody_else_anything(self) -> None:
        self.model.put("web1")
        self.bench.distributor.start()
        self.bench.attach()
        self.bench.settle()
        peer = self.bench.collector("strange")
        peer.lapsed = {f"x{number:05}" for number in range(2 * MAX_FOREIGN + 5)}
        self.model.change({"web2": ("strange", 1), "zz": ("strange", 1)})
        self.bench.settle()
        session = self.bench.attach("strange", quick=False)
        while not session.batches:
            session.answer()
        self.assertEqual(sorted(row.device for row in self.bench.distributor.behind()), ["web2", "zz"])
        lines = self.bench.distributor.agreement.ledger.lines("strange")
        self.assertEqual(len(lines), MAX_FOREIGN + 2)
        for _ in range(60):
            self.bench.answer_all()
            self.bench.settle(1)
        self.assertEqual((self.bench.runs("strange"), peer.lapsed), ({"web2": "v1", "zz": "v1"}, set()))
        self.assertEqual((len(lines), self.bench.distributor.behind()), (2, []))

    def test_who_only_says_that_it_holds_a_device_is_not_waited_for_and_may_not_speak_of_it(self) -> None:
        self.model.put("web1", "good")
        self.bench.distributor.start()
        self.bench.attach("good")
        self.bench.settle()
        self.bench.collector("liar").configs = {"web1": config("web1")}
        session = self.bench.attach("liar", quick=False)
        session.answer()
        self.assertFalse(self.bench.distributor.may_report("liar", "web1"))
        revision = self.model.put("web1", "good", version=2)
        self.bench.settle()
        self.assertEqual(self.bench.runs("good"), {"web1": "v2"})
        session.answer()
        self.assertFalse(self.bench.distributor.may_report("liar", "web1"))
        self.assertTrue(self.bench.distributor.may_report("good", "web1"))
        self.assertTrue(self.bench.distributor.agreement.is_live(revision))

    def test_one_that_will_not_come_back_is_not_waited_for(self) -> None:
        self.bench.distributor.start()
        self.model.change({"web1": ("old", 1), "web2": ("old", 1)})
        self.bench.attach("old")
        self.bench.settle()
        self.bench.detach("old")
        revision = self.model.put("web1", "new")
        self.bench.attach("new")
        self.bench.settle()
        self.assertEqual([row.collector for row in self.bench.distributor.behind()], ["old"])
        waits = Deferred.fromCoroutine(self.bench.distributor.wait_live(revision, 60, "web1"))
        self.bench.known.discard("old")
        self.bench.distributor.forget("old")
        self.assertTrue(self.successResultOf(waits))
        left = [(row.device, row.collector) for row in self.bench.distributor.behind()]
        self.assertEqual(left, [("web2", "old")])  # that is its own, and runs nowhere
        revision = self.model.change({"web2": ("new", 1), "web3": ("new", 1)})
        self.bench.settle()
        self.assertEqual((self.bench.distributor.behind(), len(self.bench.runs("new"))), ([], 3))
        self.assertTrue(self.bench.distributor.is_live(revision))

    def test_if_it_comes_back_all_the_same_it_is_told_to_let_go(self) -> None:
        self.model.put("web1", "old")
        self.bench.distributor.start()
        self.bench.attach("old")
        self.bench.settle()
        self.bench.detach("old")
        self.bench.known.discard("old")
        self.bench.distributor.forget("old")
        self.model.put("web1", "new")
        self.bench.attach("new")
        self.bench.settle()
        self.bench.attach("old")
        self.bench.settle()
        self.assertEqual((self.bench.runs("old"), self.bench.runs("new")), ({}, {"web1": "v1"}))

    def test_what_a_collector_had_before_it_moved_may_be_spoken_of_until_it_has_let_go(self) -> None:
        self.model.put("web1", "old")
        self.bench.distributor.start()
        self.bench.attach("old")
        self.bench.settle()
        self.bench.detach("old")
        self.model.put("web1", "new")
        self.bench.settle()
        self.bench.attach("old", quick=False).answer()
        self.assertTrue(self.bench.distributor.may_report("old", "web1"))
        self.bench.sessions["old"].answer()
        self.assertTrue(self.bench.distributor.may_report("old", "web1"))  # its last words
        self.bench.detach("old")
        self.bench.attach("old")
        self.bench.settle()
        self.assertFalse(self.bench.distributor.may_report("old", "web1"))

# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""A device with a lease is collected only as long as the hub is heard; one without goes on for ever."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from collectors.framework.interfaces import TaskState
from collectors.framework.leases import PATIENCE_S, Leases, Stamp
from common.digests import LAPSED, digest, digest_of_all
from common.errors import NotFoundError, TransientError
from common.queries import LiveConfigQuery, RunNowQuery
from common.wire import Attach, ConfigBatch, ConfigsApplied, HeldRequest
from tests.collectors.framework.test_pbdaemon import WALL, DaemonCase, altered
from tests.fakes.edge_site import Edge
from tests.fakes.tasks import config

LEASE_S = 90


class LeaseCase(DaemonCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="tocsin-leases-")
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "configs" / "heard"
        self.skew_s = 0.0
        super().setUp()

    def wall(self) -> float:
        return WALL + self.clock.seconds() + self.skew_s

    def begin(self) -> None:
        """As a daemon starts; the hub has not been heard yet."""
        self.heard_at: float | None = None
        self.problem, self.rung = "", 0
        self.attached = False
        self.lapses = 0
        super().begin()

    def load(self) -> None:
        self.leases = Leases(
            self.clock,
            self.wall,
            Stamp(self.path),
            self.held,
            lambda: self.heard_at,
            attached=lambda: self.attached,
            on_problem=self.told_problem,
            on_lapse=self.told_lapse,
        )
        self.do(self.held.load(self.leases.may_run))
        self.leases.look()
        self.leases.startService()
        self.addCleanup(self.leases.stopService)

    def told_problem(self, sentence: str) -> None:
        self.assertNotEqual(sentence, self.problem)
        self.problem = sentence
        self.rung += bool(sentence)

    def told_lapse(self) -> None:
        self.lapses += 1

    def hear(self) -> None:
        self.heard_at = self.clock.seconds()

    def send(self, *names: str, removed: list[str] | None = None) -> ConfigsApplied:
        """The hub sends configs with a lease."""
        self.hear()
        return self.apply(*[config(name, lease_s=LEASE_S) for name in names], removed=removed)

    def wait(self, seconds: float, *, heard: bool = False) -> None:
        for _ in range(round(seconds)):
            if heard:
                self.hear()
            self.clock.advance(1)
        self.clock.pump([0] * 3)

    def runs(self, name: str) -> int:
        return len(self.collector.tasks[name].slots)

    def restart(self, away_s: float = 0.0) -> None:
        """The daemon ends, and starts again after a while."""
        self.leases.stopService()
        self.clock.advance(away_s)
        self.begin()


class LapseTests(LeaseCase):
    def test_while_the_hub_is_heard_it_goes_on(self) -> None:
        self.send("a")
        self.wait(5 * LEASE_S, heard=True)
        self.assertGreaterEqual(self.runs("a"), 7)
        self.assertEqual((self.held.devices(), self.problem, self.lapses), (["a"], "", 0))

    def test_it_stops_when_the_hub_was_not_heard_for_longer(self) -> None:
        self.send("a")
        self.apply(config("b"))
        self.wait(LEASE_S)
        self.assertEqual(self.held.devices(), ["a", "b"])
        self.wait(2)
        before = self.runs("a"), self.runs("b")
        self.wait(600)
        self.assertEqual(self.runs("a"), before[0])
        self.assertGreaterEqual(self.runs("b"), before[1] + 9)
        self.assertEqual(self.collector.tasks["a"].closed, 0)
        self.assertIn("a device is not collected", self.leases.sentence())
        self.assertEqual((self.lapses, self.problem), (1, ""))

    def test_one_that_lapsed_is_told_as_such_and_stays_on_disk(self) -> None:
        self.send("a", "b")
        self.apply(config("c"))
        self.wait(LEASE_S + 2)
        self.assertEqual(self.held.devices(), ["c"])
        told = {"a": LAPSED, "b": LAPSED, "c": digest(config("c"))}
        self.assertEqual(self.held.position.all, digest_of_all(told))
        page = self.do(self.client.held(HeldRequest()))
        self.assertEqual(dict(page.configs), told)
        self.assertEqual(sorted(self.store.configs), ["a", "b", "c"])
        self.assertEqual(len(self.held.lapsed), 2)
        self.assertIn("2 devices are not collected", self.leases.sentence())
        for query in (LiveConfigQuery("a"), RunNowQuery(["a"])):
            self.fails(self.client.answer(query), NotFoundError)

    def test_a_run_that_is_under_way_ends_as_it_would(self) -> None:
        self.send("a")
        task = self.collector.tasks["a"]
        hold = task.hold = Deferred()
        self.scheduler.run_now(["process:a"])
        self.wait(1)
        self.heard_at = self.clock.seconds() - LEASE_S - 1
        self.wait(2)
        self.assertEqual((len(self.held.lapsed), task.cancelled), (1, 0))
        hold.callback(None)
        task.hold = None
        before = self.runs("a")
        self.wait(300)
        self.assertEqual(self.runs("a"), before)

    def test_each_lease_is_its_own(self) -> None:
        self.send("a")
        self.apply(config("b", lease_s=300))
        self.wait(LEASE_S + 2)
        self.assertEqual(self.held.devices(), ["b"])
        self.wait(300 - LEASE_S)
        self.assertEqual(self.held.devices(), [])
        self.assertIn("2 devices", self.leases.sentence())
        self.assertEqual(self.lapses, 2)


class LoginTests(LeaseCase):
    def test_one_that_lapses_while_the_login_waits_is_told_to_the_hub(self) -> None:
        edge = Edge()
        self.addCleanup(edge.close)
        link: Any = edge.link(self.client)  # type: ignore[arg-type]  # the daemon's own, not a fake
        self.apply(config("a", lease_s=8))
        told: list[str] = []
        request = self.client.attach_request

        def noted() -> Attach:
            made = request()
            told.append(made.position.all)
            return made

        self.client.attach_request = noted  # type: ignore[method-assign]  # to see what is told
        leases = Leases(
            edge.clock,
            edge.wall,
            Stamp(self.path),
            self.held,
            lambda: link.heard_at,
            attached=lambda: link.connected,
            on_problem=self.told_problem,
            on_lapse=lambda: link.begin_anew("the lease is over"),
        )
        leases.startService()
        self.addCleanup(leases.stopService)
        link.startService()
        edge.run(3)
        hold: Deferred[None] = Deferred()
        edge.desk.hold = hold  # the hub is slow to answer the next login
        for session in list(edge.desk.sessions.values()):
            session.abort("the hub starts anew")
        edge.run(9)
        hold.callback(None)
        edge.desk.hold = None
        edge.run(30)
        runs = digest_of_all({"a": digest(config("a", lease_s=8))})
        self.assertEqual(told[:2], [runs, runs])
        self.assertEqual((link.connected, told[-1]), (True, digest_of_all({"a": LAPSED})))


class DefectTests(LeaseCase):
    def test_one_that_cannot_be_paused_keeps_no_other_from_lapsing(self) -> None:
        self.send("a", "b", "c")
        self.do(self.scheduler.remove("process:b"))
        self.wait(LEASE_S + 2)
        self.assertEqual(self.held.devices(), [])
        self.assertEqual((sorted(self.held.lapsed), self.lapses), (["a", "b", "c"], 1))
        self.assertEqual([self.scheduler.record(f"process:{name}").state for name in "ac"], [TaskState.PAUSED] * 2)
        self.flushLoggedErrors(NotFoundError)
        self.send("a")
        self.wait(LEASE_S + 2)
        self.assertEqual((self.held.devices(), self.lapses), ([], 2))

    def test_a_defect_does_not_end_the_watch(self) -> None:
        self.send("a")
        self.told_lapse = self.defect  # type: ignore[method-assign]  # what comes of a lapse fails
        self.restart()
        self.send("a")
        self.wait(LEASE_S + 2)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.send("a")
        self.wait(LEASE_S + 2)
        self.assertEqual(self.held.devices(), [])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def defect(self) -> None:
        raise ZeroDivisionError

    def test_a_task_that_is_gone_for_good_is_made_anew_when_its_config_comes(self) -> None:
        self.send("a", "b")
        self.collector.tasks["a"].update_fails = ValueError("cannot change")
        self.collector.makes_none = True
        self.hear()
        self.apply(config("a", 10, lease_s=LEASE_S))
        self.assertEqual((self.runner.has("a"), self.scheduler.names()), (False, ["process:b"]))
        self.assertEqual(self.held.devices(), ["b"])  # nothing runs of the other, and so the hub is told
        self.wait(LEASE_S + 2)
        self.assertEqual(sorted(self.held.lapsed), ["b"])
        self.collector.makes_none = False
        self.hear()
        self.apply(config("a", 10, lease_s=LEASE_S), config("b", lease_s=LEASE_S))
        self.assertEqual(
            (self.held.devices(), sorted(self.scheduler.names())), (["a", "b"], ["process:a", "process:b"])
        )
        self.flushLoggedErrors(ValueError)

    def test_one_whose_lease_ends_while_its_task_is_replaced_does_not_run(self) -> None:
        self.send("a")
        task = self.collector.tasks["a"]
        task.update_fails, task.hold, task.stubborn = ValueError("cannot change"), Deferred(), True
        self.scheduler.run_now(["process:a"])
        self.wait(1)
        batch = ConfigBatch(revision=2, changed=[config("a", 10, lease_s=LEASE_S)], removed=[])
        Deferred.fromCoroutine(self.client.apply(batch))  # waits for the end of the run
        self.heard_at = self.clock.seconds() - LEASE_S - 1
        self.wait(20)
        self.assertEqual((self.scheduler.names(), sorted(self.held.lapsed)), ([], ["a"]))
        self.flushLoggedErrors(ValueError)


class ResumeTests(LeaseCase):
    def setUp(self) -> None:
        super().setUp()
        self.send("a", "b")
        self.wait(LEASE_S + 2)
        self.task = self.collector.tasks["a"]

    def test_to_be_heard_again_is_not_enough(self) -> None:
        before = self.runs("a")
        self.wait(300, heard=True)
        self.assertEqual((self.held.devices(), self.runs("a")), ([], before))

    def test_the_same_config_sent_again_goes_on_where_it_was(self) -> None:
        before, writes = self.runs("a"), self.store.replaced
        applied = self.send("a")
        self.assertEqual(applied.live, {"a": digest(config("a", lease_s=LEASE_S))})
        self.assertIs(self.collector.tasks["a"], self.task)
        self.wait(120, heard=True)
        self.assertGreaterEqual(self.runs("a"), before + 2)
        self.assertEqual((self.task.closed, self.collector.forgotten), (0, []))
        self.assertEqual(self.held.devices(), ["a"])
        self.assertIn("a device is not collected", self.leases.sentence())
        self.assertLessEqual(self.store.replaced, writes + 1)
        self.send("b")
        self.wait(2)
        self.assertEqual(self.leases.sentence(), "")

    def test_another_config_resumes_it_too(self) -> None:
        self.hear()
        self.apply(config("a", 10))
        before = self.runs("a")
        self.wait(LEASE_S + 60)
        self.assertIs(self.collector.tasks["a"], self.task)
        self.assertGreaterEqual(self.runs("a"), before + 14)
        self.assertEqual(self.held.devices(), ["a"])

    def test_one_that_the_hub_removes_is_dropped(self) -> None:
        self.send(removed=["a", "b"])
        self.assertEqual((self.task.closed, sorted(self.collector.forgotten)), (1, ["a", "b"]))
        self.assertEqual((self.store.configs, self.scheduler.names()), ({}, []))
        self.wait(2)
        self.assertEqual(self.leases.sentence(), "")

    def test_one_whose_new_config_is_rejected_stays_lapsed(self) -> None:
        self.hear()
        applied = self.apply(altered(config("a"), address="bad"))
        self.assertEqual((applied.live, [one.device for one in applied.rejected]), ({}, ["a"]))
        self.assertEqual(sorted(self.held.lapsed), ["a", "b"])

    def test_a_full_disk_leaves_it_lapsed_and_forgets_nothing(self) -> None:
        self.restart(3 * LEASE_S)
        self.store.full = True
        self.hear()
        batch = ConfigBatch(revision=9, changed=[config("a", lease_s=LEASE_S)], removed=[])
        self.fails(self.client.apply(batch), TransientError)
        self.assertEqual((sorted(self.held.lapsed), self.collector.forgotten), (["a", "b"], []))
        self.store.full = False
        self.send("a")
        self.assertEqual(self.held.devices(), ["a"])


class AlarmTests(LeaseCase):
    """An alarm rings when the hub is there and leaves devices as they are, and not after every time it was away."""

    def setUp(self) -> None:
        super().setUp()
        self.send("a", "b")
        self.wait(LEASE_S + 600)

    def test_while_the_hub_is_away_it_would_reach_nobody(self) -> None:
        self.assertEqual((len(self.held.lapsed), self.rung), (2, 0))

    def test_a_hub_that_comes_back_has_time_to_say_whose_they_are(self) -> None:
        for _ in range(3):
            self.attached = True
            self.wait(PATIENCE_S - 2, heard=True)
            self.attached = False
            self.wait(10)
        self.attached = True
        self.wait(PATIENCE_S / 2, heard=True)
        self.send("a", removed=["b"])
        self.wait(10 * PATIENCE_S, heard=True)
        self.assertEqual(self.rung, 0)

    def test_a_hub_that_says_nothing_of_one_is_a_problem_until_it_does(self) -> None:
        self.attached = True
        self.wait(PATIENCE_S + 2, heard=True)
        self.assertIn("2 devices are not collected", self.problem)
        self.send("a")
        self.wait(2, heard=True)
        self.assertIn("a device is not collected", self.problem)
        self.attached = False
        self.wait(2)
        self.assertIn("a device is not collected", self.problem)
        self.send(removed=["b"])
        self.wait(2, heard=True)
        self.assertEqual((self.problem, self.rung), ("", 2))


class RestartTests(LeaseCase):
    def setUp(self) -> None:
        super().setUp()
        self.send("a")
        self.apply(config("b"))
        self.wait(200, heard=True)

    def test_soon_after_it_goes_on_without_the_hub_for_the_rest_of_its_lease(self) -> None:
        self.restart(LEASE_S / 2)
        self.assertEqual(self.held.devices(), ["a", "b"])
        self.assertEqual(self.runs("a"), 1)
        self.wait(LEASE_S / 2 + 2)
        self.assertEqual(self.held.devices(), ["b"])

    def test_too_late_it_waits_for_the_hub(self) -> None:
        self.restart(LEASE_S + 1)
        self.assertEqual((self.held.devices(), sorted(self.collector.tasks)), (["b"], ["b"]))
        self.assertIn("a device is not collected", self.leases.sentence())
        self.send("a")
        self.assertEqual((self.held.devices(), self.runs("a")), (["a", "b"], 1))

    def test_a_daemon_that_was_killed_has_a_stamp_no_older_than_a_quarter_of_the_lease(self) -> None:
        self.begin()  # nothing was told that it ends
        self.assertEqual(self.held.devices(), ["a", "b"])
        self.wait(LEASE_S * 3 / 4 - 2)
        self.assertEqual(self.held.devices(), ["a", "b"])

    def test_a_stamp_of_a_time_to_come_counts_as_none(self) -> None:
        self.leases.stopService()
        self.skew_s = -3600.0
        self.begin()
        self.assertEqual(self.held.devices(), ["b"])

    def test_without_a_stamp_nobody_knows(self) -> None:
        self.leases.stopService()
        self.path.unlink()
        self.begin()
        self.assertEqual(self.held.devices(), ["b"])

    def test_the_stamp_is_touched_four_times_in_a_lease_and_not_without_one(self) -> None:
        seen = set()
        for _ in range(LEASE_S):
            self.wait(1, heard=True)
            seen.add(self.path.stat().st_mtime)
        self.assertLessEqual(len(seen), 6)
        self.assertGreaterEqual(len(seen), 4)
        self.send(removed=["a"])
        before = self.path.stat().st_mtime
        self.wait(200, heard=True)
        self.leases.stopService()
        self.assertEqual(self.path.stat().st_mtime, before)

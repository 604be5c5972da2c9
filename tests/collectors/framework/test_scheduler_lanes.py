# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""Tasks that share a line, and tasks whose devices are silent: who waits for whom, and what is counted."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from collectors.framework.networks import SILENT
from collectors.framework.scheduler import Scheduler
from tests.fakes.tasks import FakeTask, config

WALL = 1_800_000_000.0


class LaneCase(SynchronousTestCase):
    limit, lane_limit = 4, 2

    def setUp(self) -> None:
        self.clock = Clock()
        self.scheduler = Scheduler(
            self.clock, lambda: WALL + self.clock.seconds(), limit=self.limit, lane_limit=self.lane_limit
        )
        self.scheduler.startService()
        self.tasks: dict[str, FakeTask] = {}

    def add(self, *names: str) -> None:
        """Tasks that run until they are let go, in the lane of their first letter."""
        for name in names:
            task = self.tasks[name] = FakeTask(name, timeout_s=1e6)
            task.lane = name[0]
            task.hold = Deferred()
            self.scheduler.add(task, name)
        self.clock.pump([0] * 3)

    def began(self) -> list[str]:
        return [name for name, task in self.tasks.items() if task.slots]

    def let_go(self, *names: str) -> None:
        for name in names:
            hold, self.tasks[name].hold = self.tasks[name].hold, None
            assert hold is not None
            hold.callback(None)
        self.clock.pump([0] * 3)

    def run_for(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1)


class NetworkTests(LaneCase):
    def test_tasks_of_other_networks_pass_those_that_wait_for_theirs(self) -> None:
        self.add("a1", "a2", "a3", "a4", "b1")
        self.assertEqual(self.began(), ["a1", "a2", "b1"])
        self.assertEqual((self.scheduler.running_tasks, self.scheduler.queued_tasks), (3, 2))
        self.let_go("a1")
        self.assertEqual(self.began(), ["a1", "a2", "a3", "b1"])

    def test_the_limit_in_total_holds_and_networks_are_served_in_turn(self) -> None:
        self.add("a1", "a2", "b1", "b2", "a3", "a4", "c1")
        self.assertEqual(self.began(), ["a1", "a2", "b1", "c1"])
        self.let_go("c1")
        self.assertEqual(self.began(), ["a1", "a2", "b1", "b2", "c1"])
        self.let_go("a1")
        self.assertEqual(self.began(), ["a1", "a2", "b1", "b2", "a3", "c1"])

    def test_a_network_in_which_nothing_answers_takes_its_own_places_alone(self) -> None:
        self.add(*(f"d{number}" for number in range(50)))
        self.add(*(f"{network}1" for network in "abc"))
        self.let_go("a1", "b1", "c1")
        self.run_for(600)
        for network in "abc":
            self.assertIn(len(self.tasks[f"{network}1"].slots), (10, 11))
            self.assertEqual(self.scheduler.record(f"{network}1").late, 0)
        self.assertEqual([name for name in self.began() if name[0] == "d"], ["d0", "d1"])

    def test_whom_somebody_asks_for_goes_first_within_the_limit_of_its_network(self) -> None:
        self.add("a1", "a2", "a3", "a4", "b1", "b2")
        self.scheduler.run_now(["a4"])
        self.clock.pump([0] * 3)
        self.assertNotIn("a4", self.began())
        self.let_go("a2")
        self.assertIn("a4", self.began())
        self.assertNotIn("a3", self.began())

    def test_a_task_that_moves_to_another_network_frees_the_place_that_it_took(self) -> None:
        self.add("a1", "a2", "a3")
        self.tasks["a1"].lane = "b"
        self.let_go("a1")
        self.assertEqual(self.began(), ["a1", "a2", "a3"])
        self.scheduler.run_now(["a1"])
        self.clock.pump([0] * 3)
        self.assertEqual(len(self.tasks["a1"].slots), 2)
        self.assertEqual((self.scheduler.tasks_in("a"), self.scheduler.tasks_in("b")), (2, 1))

    def test_one_that_is_paused_or_removed_while_it_waits_takes_no_place(self) -> None:
        self.add("a1", "a2", "a3", "a4", "a5")
        self.scheduler.pause("a3")
        self.successResultOf(Deferred.fromCoroutine(self.scheduler.remove("a4")))
        self.let_go("a1")
        self.assertEqual(self.began(), ["a1", "a2", "a5"])


class RestTests(LaneCase):
    def test_turns_of_one_that_rests_are_left_out_and_neither_late_nor_failed(self) -> None:
        self.add("a1")
        self.let_go("a1")
        task, record = self.tasks["a1"], self.scheduler.record("a1")
        task.rests = True
        self.run_for(600)
        self.assertEqual((len(task.slots), record.runs, record.late, record.failed), (1, 1, 0, 0))
        task.rests = False
        self.run_for(120)
        self.assertIn(len(task.slots), (2, 3))

    def test_of_those_that_do_not_answer_none_is_late(self) -> None:
        self.add("a1", "a2", "a3")
        for number in range(5):
            task = self.tasks[f"s{number}"] = FakeTask(f"s{number}", timeout_s=1e6)
            task.lane = SILENT
            task.hold = Deferred()
            self.scheduler.add(task, task.name)
        self.run_for(600)
        late = {name: self.scheduler.record(name).late for name in self.tasks}
        self.assertEqual([late[f"s{number}"] for number in range(5)], [0] * 5)
        self.assertTrue(all(late[name] >= 9 for name in ("a1", "a3")), late)

    def test_who_asks_for_a_run_gets_it(self) -> None:
        self.add("a1")
        self.let_go("a1")
        task = self.tasks["a1"]
        task.rests = True
        self.scheduler.run_now(["a1"])
        self.clock.advance(0)
        self.assertEqual(len(task.slots), 2)
        self.scheduler.update("a1", config())
        self.clock.advance(0)
        self.assertEqual(len(task.slots), 3)

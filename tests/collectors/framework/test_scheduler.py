# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""When tasks run: once a step, never twice at once, whatever the wall clock does."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from collectors.framework.interfaces import ITask, TaskState
from collectors.framework.scheduler import STARTS_A_TURN, Scheduler
from collectors.framework.task import Outcome, TaskRecord
from collectors.framework.timing import FIRST, LAST, LONGEST, SHORTEST, delay_s, phase, slot
from common.errors import NotFoundError, TransientError
from tests.fakes.tasks import FakeTask, config

WALL = 1_800_000_000.0


# --- timing -----------------------------------------------------------------------------------------------------------


@given(st.floats(0, 4e9), st.integers(1, 86400), st.text(max_size=30))
def test_the_next_turn_is_never_far_nor_near_and_always_in_the_next_step(
    wall: float, interval_s: int, name: str
) -> None:
    place = phase(name)
    assert FIRST <= place <= LAST
    wait_s = delay_s(wall, interval_s, place)
    assert (SHORTEST - 1e-6) * interval_s <= wait_s <= (LONGEST + 1e-6) * interval_s
    assert slot(wall + wait_s, interval_s) == slot(wall, interval_s) + interval_s


@given(st.floats(0, 4e9), st.integers(1, 86400), st.text(max_size=30))
@example(40146946.0, 142, "05}ï\U0001a006\U0001b753\U0005570e")
def test_from_any_moment_a_task_finds_its_place_in_three_turns(wall: float, interval_s: int, name: str) -> None:
    place = phase(name)
    for _ in range(3):
        wall += delay_s(wall, interval_s, place)
    assert abs((wall % interval_s) / interval_s - place) < 1e-3


def test_names_spread_over_the_step() -> None:
    places = sorted(phase(f"process:host{number}") for number in range(1000))
    gaps = [after - before for before, after in itertools.pairwise(places)]
    assert max(gaps) < 0.02
    assert places[0] < FIRST + 0.01
    assert places[-1] > LAST - 0.01


# --- scheduler --------------------------------------------------------------------------------------------------------


class SchedulerCase(SynchronousTestCase):
    limit = 100

    def setUp(self) -> None:
        self.clock = Clock()
        self.step = 0.0  # how far the wall clock was set away
        self.seen: list[tuple[str, str, object]] = []
        self.scheduler = Scheduler(self.clock, self.wall, limit=self.limit, observer=self.observe)
        self.scheduler.startService()

    def wall(self) -> float:
        return WALL + self.step + self.clock.seconds()

    def observe(self, record: TaskRecord, what: str, _old: object, new: object) -> None:
        self.seen.append((record.name, what, new))

    def add(self, task: FakeTask) -> TaskRecord:
        record = self.scheduler.add(task, "web1")
        self.clock.advance(0)
        return record

    def run_for(self, seconds: float, step: float = 1.0) -> None:
        for _ in range(round(seconds / step)):
            self.clock.advance(step)

    def stop(self) -> None:
        stopped = self.scheduler.stopService()
        self.clock.pump([1.0] * 10)
        self.successResultOf(stopped)


class TurnTests(SchedulerCase):
    def test_the_fake_keeps_the_contract(self) -> None:
        assert verifyObject(ITask, FakeTask())

    def test_the_first_run_is_at_once_and_then_there_is_one_in_each_step(self) -> None:
        task = FakeTask()
        self.add(task)
        self.assertEqual(task.slots, [slot(WALL, 60)])
        self.run_for(3600)
        self.assertEqual(task.slots, list(range(task.slots[0], task.slots[0] + 60 * len(task.slots), 60)))
        self.assertIn(len(task.slots), (60, 61))

    def test_tasks_of_before_the_start_run_when_it_starts(self) -> None:
        scheduler = Scheduler(self.clock, self.wall)
        task = FakeTask()
        scheduler.add(task, "web1")
        self.run_for(100)
        self.assertEqual(task.slots, [])
        scheduler.startService()
        self.clock.advance(0)
        self.assertEqual(len(task.slots), 1)
        scheduler.stopService()

    def test_a_wall_clock_set_back_or_ahead_neither_stops_nor_storms(self) -> None:
        for step in (-3600.0, 3600.0, -86400.0 * 3650, 86400.0 * 3650, 0.4, -0.4):
            task = FakeTask(f"process:{step}")
            self.add(task)
            self.run_for(300)
            before = len(task.slots)
            self.step += step
            self.run_for(600)
            self.assertIn(len(task.slots) - before, (9, 10, 11), step)
            self.successResultOf(Deferred.fromCoroutine(self.scheduler.remove(task.name)))

    def test_a_clock_that_steps_all_the_time(self) -> None:
        task = FakeTask()
        self.add(task)
        for number in range(100):
            self.step += 3600.0 if number % 2 else -3600.0
            self.run_for(60)
        self.assertTrue(60 <= len(task.slots) <= 190, len(task.slots))

    def test_turns_that_went_by_while_the_process_stood_still_are_late(self) -> None:
        task = FakeTask()
        record = self.add(task)
        self.run_for(2 * task.interval_s)
        runs = len(task.slots)
        self.clock.advance(10 * task.interval_s)  # one jump, as after SIGSTOP
        self.clock.advance(0)
        self.assertEqual(len(task.slots), runs + 1)
        self.assertIn(record.late, (8, 9, 10))

    def test_a_turn_during_a_run_is_late_and_left_out(self) -> None:
        task = FakeTask(timeout_s=1000)
        hold = task.hold = Deferred()
        record = self.add(task)
        self.run_for(300)
        self.assertEqual(len(task.slots), 1)
        self.assertIn(record.late, (4, 5))
        self.assertEqual(self.scheduler.late_runs, record.late)
        task.hold = None
        hold.callback(None)
        self.run_for(100)
        self.assertGreater(len(task.slots), 1)

    def test_names_are_unique_and_unknown_ones_are_told(self) -> None:
        self.add(FakeTask())
        self.assertRaises(ValueError, self.scheduler.add, FakeTask(), "web1")
        self.assertRaises(NotFoundError, self.scheduler.record, "none")
        self.successResultOf(Deferred.fromCoroutine(self.scheduler.remove("none")))


class OutcomeTests(SchedulerCase):
    def outcomes(self) -> list[object]:
        return [new for _, what, new in self.seen if what == "outcome"]

    def test_a_failure_that_the_task_foresaw(self) -> None:
        task = FakeTask()
        task.behave = raising(TransientError("no answer from 192.0.2.7"))
        record = self.add(task)
        self.assertEqual((record.last_outcome, record.last_error), (Outcome.FAILED, "no answer from 192.0.2.7"))
        self.assertEqual(self.scheduler.failed_runs, 1)
        self.assertEqual(self.flushLoggedErrors(), [])
        task.behave = lambda _: None
        self.run_for(90)
        self.assertEqual((record.last_outcome, record.last_error), (Outcome.GOOD, ""))

    def test_a_defect_is_logged_once_counted_and_does_not_stop_the_task(self) -> None:
        task = FakeTask()
        task.behave = raising(KeyError("pid"))
        record = self.add(task)
        self.run_for(300)
        self.assertGreaterEqual(record.failed, 5)
        self.assertEqual(set(self.outcomes()), {Outcome.DEFECT})
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_a_run_that_takes_too_long_is_cancelled_and_counted(self) -> None:
        task = FakeTask(timeout_s=20)
        task.hold = Deferred()
        record = self.add(task)
        self.run_for(21)
        self.assertEqual(task.cancelled, 1)
        self.assertEqual((record.last_outcome, record.timed_out, record.failed), (Outcome.TIMED_OUT, 1, 1))
        self.assertIn("longer than 20 s", record.last_error)
        self.assertEqual(record.state, TaskState.IDLE)
        task.hold = None
        self.run_for(90)
        self.assertEqual(record.last_outcome, Outcome.GOOD)

    def test_a_run_that_turns_its_cancellation_into_an_error_has_timed_out_all_the_same(self) -> None:
        task = FakeTask(timeout_s=20)

        async def run(slot: int) -> None:
            try:
                await Deferred()
            except CancelledError:
                raise TransientError("closed") from None

        task.run = run  # type: ignore[method-assign]
        record = self.add(task)
        self.run_for(21)
        self.assertEqual(record.last_outcome, Outcome.TIMED_OUT)

    def test_an_observer_that_breaks_stops_nothing(self) -> None:
        task = FakeTask()
        record = self.scheduler.add(task, "web1")

        def observer(_record: TaskRecord, what: str, _old: object, _new: object) -> None:
            if what == "outcome":
                raise ZeroDivisionError

        record.observe(observer)
        self.clock.advance(0)
        self.run_for(130)
        self.assertGreaterEqual(len(task.slots), 2)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_one_task_or_all_of_them_are_watched_also_those_that_come_later(self) -> None:
        first = FakeTask("a")
        self.scheduler.add(first, "web1")
        seen: list[tuple[str, str, object]] = []

        def everything(record: TaskRecord, what: str, _old: object, new: object) -> None:
            seen.append((record.name, what, new))

        one: list[str] = []

        def of_one(record: TaskRecord, what: str, _old: object, _new: object) -> None:
            one.append(f"{record.name} {what}")

        self.scheduler.observe(everything)
        self.scheduler.observe(of_one, "a")
        self.scheduler.add(FakeTask("b"), "web2")
        self.run_for(1)
        for name in ("a", "b"):
            self.assertEqual(
                [(what, new) for who, what, new in seen if who == name][-2:],
                [("outcome", Outcome.GOOD), ("state", TaskState.IDLE)],
            )
        self.assertEqual(one[-1:], ["a state"])
        self.assertNotIn("b state", one)
        self.scheduler.unobserve(everything)
        self.scheduler.unobserve(of_one, "a")
        self.scheduler.unobserve(of_one, "never there")
        told = len(seen), len(one)
        self.run_for(130)
        self.assertEqual((len(seen), len(one)), told)
        with self.assertRaises(NotFoundError):
            self.scheduler.observe(of_one, "never there")

    def test_a_run_that_cannot_be_cancelled_gives_its_place_up_and_never_runs_twice(self) -> None:
        self.scheduler = Scheduler(self.clock, self.wall, limit=1)
        self.scheduler.startService()
        stuck, other = FakeTask("a", timeout_s=20), FakeTask("b")
        freed: list[Deferred[None]] = []

        async def run(slot: int) -> None:
            stuck.slots.append(slot)
            for _ in range(3):
                try:
                    wait: Deferred[None] = Deferred()
                    freed.append(wait)
                    await wait
                except CancelledError:
                    continue

        stuck.run = run  # type: ignore[method-assign]
        self.scheduler.add(stuck, "a")
        self.clock.advance(0)
        self.scheduler.add(other, "b")
        self.run_for(300)
        self.assertEqual(len(stuck.slots), 1)
        self.assertGreaterEqual(len(other.slots), 4)
        self.assertGreaterEqual(self.scheduler.record("a").late, 3)
        while self.scheduler.record("a").state is TaskState.RUNNING:
            freed[-1].callback(None)
        self.assertEqual(self.scheduler.record("a").last_outcome, Outcome.TIMED_OUT)
        self.assertEqual(self.scheduler.running_tasks, 0)


class LimitTests(SchedulerCase):
    limit = 3

    def test_no_more_than_the_limit_run_and_the_others_wait_in_order(self) -> None:
        tasks = [FakeTask(f"t{number}", timeout_s=1000) for number in range(8)]
        order: list[str] = []
        for task in tasks:
            task.hold = Deferred()
            task.behave = lambda _, name=task.name: order.append(name)  # type: ignore[misc]
            self.scheduler.add(task, task.name)
        self.clock.pump([0] * 5)
        self.assertEqual((self.scheduler.running_tasks, self.scheduler.queued_tasks), (3, 5))
        for task in tasks:
            assert task.hold is not None
            self.assertEqual(len(task.slots), 1)
            task.hold.callback(None)
            self.clock.pump([0, 0])
        self.assertEqual(order, [task.name for task in tasks])

    def test_those_that_somebody_asks_for_go_before_those_that_wait(self) -> None:
        tasks = [FakeTask(f"t{number}", timeout_s=1000) for number in range(8)]
        for task in tasks:
            task.hold = Deferred()
            self.scheduler.add(task, task.name)
        self.clock.pump([0] * 5)
        self.assertEqual(self.scheduler.run_now(["t6", "t7"]), 2)
        holds = [task.hold for task in tasks[:2]]
        for hold in holds:
            assert hold is not None
            hold.callback(None)
        self.clock.pump([0] * 5)
        self.assertEqual([task.name for task in tasks if task.slots], ["t0", "t1", "t2", "t6", "t7"])
        self.assertEqual(self.scheduler.queued_tasks, 3)

    def test_one_slow_device_does_not_hold_up_the_others(self) -> None:
        slow, *quick = [FakeTask(f"t{number}", timeout_s=1e6) for number in range(6)]
        slow.hold = Deferred()
        for task in (slow, *quick):
            self.scheduler.add(task, task.name)
        self.run_for(3600)
        self.assertEqual(len(slow.slots), 1)
        for task in quick:
            self.assertIn(len(task.slots), (60, 61))
            self.assertEqual(self.scheduler.record(task.name).late, 0)

    def test_many_at_once_leave_turns_of_the_reactor_between(self) -> None:
        tasks = [FakeTask(f"t{number}") for number in range(50)]
        for task in tasks:
            self.scheduler.add(task, task.name)
        begun: list[int] = []
        self.clock.callLater(0, lambda: begun.append(sum(len(task.slots) for task in tasks)))
        self.clock.advance(0)
        self.assertEqual(begun, [STARTS_A_TURN])
        self.assertEqual(sum(len(task.slots) for task in tasks), 50)


class ChangeTests(SchedulerCase):
    def turns(self, task: FakeTask, seconds: float) -> list[float]:
        """Places in the step at which it ran."""
        places = []
        for _ in range(round(seconds)):
            before = len(task.slots)
            self.clock.advance(1)
            if len(task.slots) > before:
                places.append(self.wall() % task.interval_s)
        return places

    def test_an_update_runs_now_and_keeps_the_place(self) -> None:
        task = FakeTask()
        self.add(task)
        self.run_for(120)
        (before,) = set(self.turns(task, 120))
        runs = len(task.slots)
        self.scheduler.update(task.name, config(interval_s=60))
        self.clock.advance(0)
        self.assertEqual(len(task.slots), runs + 1)
        self.assertEqual(set(self.turns(task, 180)), {before})

    def test_another_interval_counts_from_now_on(self) -> None:
        task = FakeTask()
        self.add(task)
        self.run_for(100)
        runs = len(task.slots)
        self.scheduler.update(task.name, config(interval_s=10))
        self.run_for(600)
        self.assertIn(len(task.slots) - runs, (60, 61))
        self.assertIn((task.name, "interval", 10), self.seen)

    def test_an_update_during_a_run_runs_again_after_it(self) -> None:
        task = FakeTask()
        hold = task.hold = Deferred()
        self.add(task)
        self.scheduler.update(task.name, config())
        self.scheduler.update(task.name, config())
        self.assertEqual(len(task.slots), 1)
        task.hold = None
        hold.callback(None)
        self.clock.pump([0, 0])
        self.assertEqual(len(task.slots), 2)

    def test_run_now_counts_those_that_there_are(self) -> None:
        task = FakeTask()
        self.add(task)
        self.assertEqual(self.scheduler.run_now([task.name, "none"]), 1)
        self.clock.advance(0)
        self.assertEqual(len(task.slots), 2)

    def test_a_removed_task_is_cancelled_closed_and_never_runs_again(self) -> None:
        task = FakeTask()
        task.hold = Deferred()
        record = self.add(task)
        self.successResultOf(Deferred.fromCoroutine(self.scheduler.remove(task.name)))
        self.assertEqual((task.cancelled, task.closed, record.state), (1, 1, TaskState.CLOSED))
        self.assertEqual(record.last_outcome, Outcome.STOPPED)
        self.run_for(300)
        self.assertEqual(len(task.slots), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_removed_name_can_come_back_and_counts_stay(self) -> None:
        task = FakeTask()
        task.behave = raising(TransientError("x"))
        self.add(task)
        self.successResultOf(Deferred.fromCoroutine(self.scheduler.remove(task.name)))
        again = FakeTask()
        self.add(again)
        self.assertEqual(len(again.slots), 1)
        self.assertEqual(self.scheduler.failed_runs, 1)

    def test_a_paused_task_has_no_turns_and_is_not_late(self) -> None:
        task = FakeTask()
        record = self.add(task)
        self.scheduler.pause(task.name)
        self.run_for(300)
        self.assertEqual((len(task.slots), record.late, record.state), (1, 0, TaskState.PAUSED))
        self.scheduler.resume(task.name)
        self.run_for(120)
        self.assertGreaterEqual(len(task.slots), 3)

    def test_a_task_that_is_paused_during_a_run_ends_it_first(self) -> None:
        task = FakeTask()
        hold = task.hold = Deferred()
        record = self.add(task)
        self.scheduler.pause(task.name)
        self.assertEqual(record.state, TaskState.RUNNING)
        hold.callback(None)
        self.assertEqual(record.state, TaskState.PAUSED)

    def test_figures_tell_of_each_task(self) -> None:
        task = FakeTask()
        self.add(task)
        (figures,) = self.scheduler.figures()
        self.assertEqual((figures.name, figures.device, figures.runs, figures.state), (task.name, "web1", 1, "idle"))


class StopTests(SchedulerCase):
    def test_a_run_may_end_before_all_is_closed(self) -> None:
        task = FakeTask()
        hold = task.hold = Deferred()
        self.add(task)
        stopped = self.scheduler.stopService()
        self.assertNoResult(stopped)
        hold.callback(None)
        self.successResultOf(stopped)
        self.assertEqual((task.closed, task.cancelled), (1, 0))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_run_that_does_not_end_is_cancelled(self) -> None:
        tasks = [FakeTask(f"t{number}") for number in range(30)]
        for task in tasks:
            task.hold = Deferred()
            self.scheduler.add(task, "web1")
        self.clock.pump([0] * 10)
        self.stop()
        self.assertEqual({(task.cancelled, task.closed) for task in tasks}, {(1, 1)})
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_one_that_never_ends_holds_nobody_up_for_ever(self) -> None:
        task = FakeTask()

        async def run(slot: int) -> None:
            while True:
                try:
                    await Deferred()
                except CancelledError:
                    continue

        task.run = run  # type: ignore[method-assign]
        self.add(task)
        self.stop()
        self.assertEqual(task.closed, 1)


def raising(error: Exception) -> Any:
    def behave(_slot: int) -> None:
        raise error

    return behave

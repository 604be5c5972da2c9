# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""The daemon's own figures."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from collectors.framework.selfstats import LAYOUT, Gauges, SelfStats, resident_bytes
from collectors.framework.task import Outcome, TaskRecord
from common.wire import TaskCounts
from tests.fakes.samples import FakeSampleSink
from tests.fakes.tasks import FakeTask

WALL = 1_800_000_000.0


class SelfStatsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.step = 0.0
        self.cpu_s = 0.0
        self.counts = TaskCounts(devices=3, tasks=2, late_runs=1, queued_events=7, dropped_samples=5)
        self.sink = FakeSampleSink(self.wall)
        self.stats = SelfStats(
            self.clock,
            self.wall,
            self.sink,
            lambda: "local",
            "tocsin-process",
            lambda: Gauges(counts=self.counts, running=4, waiting=6, sent_events=11),
            cpu_s=lambda: self.cpu_s,
            memory_bytes=lambda: 1000,
        )
        self.stats.startService()
        self.addCleanup(self.stats.stopService)

    def wall(self) -> float:
        return WALL + self.step + self.clock.seconds()

    def run_for(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1)

    def test_there_is_one_sample_in_each_step(self) -> None:
        self.run_for(600)
        self.assertEqual([sample.at for sample in self.sink.accepted], [int(WALL) + 60 * n for n in range(1, 11)])
        self.assertEqual(self.sink.dropped, 0)

    def test_every_point_has_a_value_and_its_meaning(self) -> None:
        self.cpu_s = 0.6
        record = TaskRecord(FakeTask(), "web1", 0.0)
        record.observe(self.stats.observe)
        for outcome, duration in ((Outcome.GOOD, 1.0), (Outcome.FAILED, 3.0), (Outcome.STOPPED, 50.0)):
            record.ended(outcome, "", duration)
        self.run_for(60)
        (sample,) = self.sink.accepted
        self.assertEqual(set(sample.values), {point.name for point in LAYOUT.points})
        self.assertEqual(
            (sample.key.device, sample.key.component, sample.key.source), ("local", "tocsin-process", "self")
        )
        expected = {
            "cpu": 1.0,
            "memory": 1000,
            "run_time": 2.0,
            "longest_run": 3.0,
            "runs": 2,
            "running": 4,
            "waiting": 6,
        }
        expected |= {
            "devices": 3,
            "tasks": 2,
            "late_runs": 1,
            "queued_events": 7,
            "dropped_samples": 5,
            "sent_events": 11,
        }
        self.assertEqual({name: sample.values[name] for name in expected}, expected)

    def test_a_minute_without_runs_knows_no_run_time(self) -> None:
        self.run_for(60)
        self.assertIsNone(self.sink.accepted[0].values["run_time"])

    def test_a_reactor_that_is_held_up_shows(self) -> None:
        self.run_for(10)
        self.clock.advance(4)
        self.run_for(60)
        self.assertAlmostEqual(self.sink.accepted[0].values["lag"] or 0, 3.0)

    def test_the_wall_clock_may_be_set(self) -> None:
        self.run_for(90)
        self.step = -3600
        self.run_for(180)
        self.step = 3600
        self.run_for(120)
        self.assertGreaterEqual(len(self.sink.accepted), 3)

    def test_figures_for_people(self) -> None:
        figures = self.stats.figures()
        self.assertEqual((figures["devices"], figures["running_tasks"], figures["sent_events"]), (3, 4, 11))

    def test_memory_is_told_by_the_kernel(self) -> None:
        self.assertGreater(resident_bytes() or 0, 1_000_000)

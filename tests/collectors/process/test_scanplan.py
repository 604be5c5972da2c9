# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""How often devices are read, how much of them, and what those cost that do not answer."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from collectors.framework.interfaces import CollectorContext, IProcessSource
from collectors.framework.networks import SILENT, Networks
from collectors.framework.processtable import ProcessRow, ProcessTable
from collectors.framework.scheduler import Scheduler
from collectors.framework.snmp.errors import SnmpAuthError, SnmpConfigError, SnmpError, SnmpTimeout
from collectors.framework.timing import turn_of
from collectors.process.memory import load
from collectors.process.source_snmp import EVERYTHING, FIGURES, NAME, PATH, SYS_UPTIME, SnmpSource
from collectors.process.task import ProcessTask, state_key
from common.configs import DeviceConfig, ProcessSetConfig, SnmpConfig, SourceKind
from tests.fakes.events import FakeEventSink
from tests.fakes.hub import FakeHub
from tests.fakes.samples import FakeSampleSink
from tests.fakes.snmp import FakeSnmpClient

START = 1_800_000_000.0
INTERVAL_S = 60


def config(device: str = "box", address: str = "192.0.2.1", **fields: Any) -> DeviceConfig:
    sets = (ProcessSetConfig(id="web", title="web", order=1, include="^/bin/web", name="web"),)
    known: dict[str, Any] = {"interval_s": INTERVAL_S, "snmp": SnmpConfig(), "process_sets": sets}
    return DeviceConfig(device=device, address=address, source=SourceKind.SNMP, **(known | fields))


class PlanCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.sink = FakeEventSink()
        self.networks = Networks()
        self.context = CollectorContext(
            clock=self.clock,
            wall=self.wall,
            reactor=None,
            rng=random.Random(1),
            events=self.sink,
            states=self.sink,
            samples=FakeSampleSink(self.wall),
            data_dir=Path(),
            hub_epoch=lambda: "hub-1",
            send_model=FakeHub().send_model,
            networks=self.networks,
        )

    def wall(self) -> float:
        return START + float(self.clock.seconds())


class DeviceTests(PlanCase):
    """One device, its agent in memory."""

    def setUp(self) -> None:
        super().setUp()
        self.agent = FakeSnmpClient({SYS_UPTIME: 100_000})
        for pid in range(1, 30):
            for column in EVERYTHING:
                self.agent.values[*column, pid] = b"/bin/web" if column in {NAME, PATH} else 2
        self.scheduler = Scheduler(self.clock, self.wall)
        self.scheduler.startService()
        self.task = self.make()

    def make(self, **fields: Any) -> ProcessTask:
        def source(found: DeviceConfig, task: ProcessTask) -> SnmpSource:
            return SnmpSource(
                lambda *_: self.agent,
                found,
                self.wall,
                self.clock.seconds,
                lambda: task.tracker.memory.sizing,
                silent=task.is_silent,
            )

        task = ProcessTask(config(**fields), self.context, source)
        self.scheduler.add(task, task.config.device)
        self.clock.advance(0)
        return task

    def run_for(self, seconds: int) -> list[tuple[Any, ...]]:
        """Let time pass; gives what the agent was asked for in it."""
        self.agent.asked.clear()
        for _ in range(seconds):
            self.clock.advance(1)
            uptime = self.agent.values[SYS_UPTIME]
            assert isinstance(uptime, int)
            self.agent.values[SYS_UPTIME] = uptime + 100
        return self.agent.asked

    def said(self) -> list[tuple[str, int]]:
        """Keys and severities of the device's own events since this was asked last."""
        found = [(event.event_key, event.severity.value) for event in self.sink.sent if not event.component]
        self.sink.sent.clear()
        return found

    def test_a_full_pass_comes_once_in_so_many_cycles(self) -> None:
        full = [PATH in asked for asked in self.run_for(40 * INTERVAL_S)]
        self.assertEqual(full.count(True), 4)
        turns = [number for number, is_full in enumerate(full) if is_full]
        self.assertEqual({after - before for before, after in itertools.pairwise(turns)}, {10})

    def test_a_silent_device_is_asked_for_its_uptime_and_less_and_less_often_with_one_event(self) -> None:
        self.run_for(INTERVAL_S)
        self.agent.fail = SnmpTimeout("box does not answer")
        asked = self.run_for(20 * INTERVAL_S)
        self.assertEqual(asked[0][-len(FIGURES) :], tuple(FIGURES))
        self.assertEqual(set(asked[1:]), {(SYS_UPTIME,)})
        self.assertTrue(5 <= len(asked) <= 11, asked)
        self.assertEqual(self.said(), [("snmp_timeout", 4)])
        record = self.scheduler.record(self.task.name)
        self.assertEqual((record.failed, record.late), (len(asked), 0))
        self.assertEqual((self.task.lane, self.scheduler.tasks_in(SILENT)), (SILENT, 1))
        self.agent.fail = None
        asked = self.run_for(6 * INTERVAL_S)
        self.assertEqual(asked[0], (SYS_UPTIME,))
        self.assertIn(PATH, asked[1])  # a full pass at once
        self.assertEqual(self.said(), [("snmp_timeout", 0)])
        self.assertEqual((self.task.lane, self.scheduler.tasks_in(SILENT)), ("192.0.2.0/24", 0))
        self.assertTrue(len(self.run_for(5 * INTERVAL_S)) >= 5)  # and in each turn again

    def test_who_refuses_us_or_cannot_be_found_is_asked_less_often_too(self) -> None:
        for error in (SnmpAuthError("wrong password"), SnmpConfigError("no such name")):
            self.agent.fail = None
            self.scheduler.run_now([self.task.name])
            self.run_for(INTERVAL_S)
            self.agent.fail = error
            self.assertLessEqual(len(self.run_for(20 * INTERVAL_S)), 11)

    def test_who_answers_something_wrong_is_read_in_each_cycle(self) -> None:
        self.run_for(INTERVAL_S)
        self.agent.fail = SnmpError("genErr")
        self.assertGreaterEqual(len(self.run_for(20 * INTERVAL_S)), 20)

    def test_whoever_asks_for_a_run_has_it_tried_at_once(self) -> None:
        self.agent.fail = SnmpTimeout("box does not answer")
        self.run_for(20 * INTERVAL_S)
        self.agent.asked.clear()
        for _ in range(3):
            self.scheduler.run_now([self.task.name])
            self.clock.advance(0)
        self.assertEqual(self.agent.asked, [(SYS_UPTIME,)] * 3)
        self.agent.fail = None
        self.scheduler.update(self.task.name, config(process_sets=()))
        self.clock.advance(0)
        self.assertEqual(self.task.scan.problem, "")

    def test_a_device_that_was_silent_when_the_daemon_stopped_is_probed_when_it_starts(self) -> None:
        self.agent.fail = SnmpTimeout("box does not answer")
        self.run_for(2 * INTERVAL_S)
        self.assertEqual(self.said(), [("snmp_timeout", 4)])
        self.scheduler.stopService()
        self.agent.asked.clear()
        self.scheduler = Scheduler(self.clock, self.wall)
        self.scheduler.startService()
        self.assertEqual(self.make().lane, SILENT)
        self.assertEqual(self.agent.asked, [(SYS_UPTIME,)])
        self.assertEqual(self.said(), [])

    def test_what_was_learnt_of_the_agent_is_kept_at_once_and_outlives_daemon_and_config(self) -> None:
        self.run_for(2 * INTERVAL_S)
        kept = self.sink.states[state_key("box")]
        self.agent.sizing.too_big(40)
        self.run_for(INTERVAL_S)
        self.assertNotEqual(self.sink.states[state_key("box")], kept)
        self.assertEqual(load(self.sink.states[state_key("box")]).sizing.ceiling, 20)
        self.scheduler.update(self.task.name, config(address="192.0.2.9", snmp=SnmpConfig(port=1161)))
        self.run_for(INTERVAL_S)
        self.assertEqual(self.agent.sizing.budget, 20)
        self.scheduler.stopService()
        self.agent = FakeSnmpClient(self.agent.values)
        self.scheduler = Scheduler(self.clock, self.wall)
        self.scheduler.startService()
        self.make()
        self.assertEqual((self.agent.sizing.budget, self.agent.sizing.ceiling), (20, 20))


class SpreadTests(SynchronousTestCase):
    def test_full_passes_of_many_devices_are_spread_over_the_cycles(self) -> None:
        turns = Counter(turn_of(f"host{number}", 10) for number in range(1000))
        self.assertEqual(set(turns), set(range(10)))
        self.assertTrue(all(60 < count < 140 for count in turns.values()), turns)


# --- a site of which half is dead -------------------------------------------------------------------------------------

LIVE_S, DEAD_S, PROBE_S = 0.3, 6.0, 4.0  # a scan; three tries of two seconds; two of them
ROW = ProcessRow(
    pid=1,
    name="web",
    path="/bin/web",
    parameters="",
    started=None,
    cpu_s=1.0,
    memory_bytes=1,
    status="running",
    alive=True,
)


@implementer(IProcessSource)
class SiteSource:
    """A device that takes its time, and one that says nothing."""

    def __init__(self, case: SiteTests, device: str) -> None:
        self._case = case
        self._device = device
        self._silent = False

    async def scan(self, full: bool) -> ProcessTable:
        dead = self._device in self._case.dead
        takes_s = (PROBE_S if self._silent else DEAD_S) if dead else LIVE_S
        self._case.held_s["dead" if dead else "live"] += takes_s
        self._silent = dead
        await deferLater(self._case.clock, takes_s, lambda: None)
        if dead:
            raise SnmpTimeout(f"{self._device} does not answer")
        now = self._case.clock.seconds()
        return ProcessTable(at=START + now, monotonic=now, rows={1: ROW}, complete=True, full=full, uptime_s=now)

    async def alive(self, pids: Any) -> frozenset[int]:
        return frozenset(pids)

    def update(self, config: DeviceConfig) -> None:
        pass

    async def close(self) -> None:
        pass


class SiteTests(PlanCase):
    """Half of the devices of each network are dead."""

    devices = 320
    dead: frozenset[str] = frozenset()

    def site(self, parallel: int) -> Scheduler:
        self.held_s = {"live": 0.0, "dead": 0.0}
        scheduler = Scheduler(self.clock, self.wall, limit=parallel, lane_limit=self.networks.limit)
        for number in range(self.devices):
            found = config(f"host{number}", f"10.0.{number // 40}.{number % 40 + 1}", process_sets=())
            task = ProcessTask(found, self.context, lambda found, _: SiteSource(self, found.device))
            scheduler.add(task, found.device)
        scheduler.startService()
        return scheduler

    def run_for(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1)

    def test_the_dead_hold_up_nobody(self) -> None:
        self.dead = frozenset(f"host{number}" for number in range(0, self.devices, 2))
        scheduler = self.site(parallel=20)
        self.run_for(INTERVAL_S)  # the first runs: nobody knows yet who is dead
        before = {record.name: (record.runs, record.late) for record in scheduler.figures()}
        self.held_s["dead"] = 0.0
        self.run_for(15 * INTERVAL_S)
        for record in scheduler.figures():
            runs, late = before[record.name]
            if record.device in self.dead:
                self.assertLessEqual(record.runs - runs, 8)
            else:
                self.assertIn(record.runs - runs, (14, 15, 16), record)
                self.assertLessEqual(record.late - late, 1)
        self.assertEqual(scheduler.tasks_in(SILENT), len(self.dead))
        opened = [event.device for event in self.sink.sent if event.event_key == "snmp_timeout"]
        self.assertEqual(sorted(opened), sorted(self.dead))
        places = 20 * 15 * INTERVAL_S
        self.assertLess(self.held_s["dead"] / places, 0.5)

    def test_those_of_a_network_that_is_back_are_back_within_two_turns_of_the_first(self) -> None:
        self.devices = 160
        self.dead = frozenset(f"host{number}" for number in range(self.devices))
        scheduler = self.site(parallel=100)
        self.run_for(20 * INTERVAL_S)
        self.dead = frozenset()
        waited = 0
        while scheduler.tasks_in(SILENT) == self.devices:
            self.run_for(1)
            waited += 1
        self.run_for(2 * INTERVAL_S)
        self.assertLess(waited, 60)  # of so many, some turn comes soon
        self.assertEqual(scheduler.tasks_in(SILENT), 0)

    def test_when_they_answer_again_all_are_read_within_the_bound(self) -> None:
        self.devices = 160
        self.dead = frozenset(f"host{number}" for number in range(self.devices))
        scheduler = self.site(parallel=100)
        self.run_for(20 * INTERVAL_S)
        self.dead = frozenset(f"host{number}" for number in range(80))  # two of its four networks are back
        self.run_for(300 + 2 * INTERVAL_S)
        self.assertEqual(scheduler.tasks_in(SILENT), 80)
        self.dead = frozenset()
        self.run_for(300 + 2 * INTERVAL_S)
        self.assertEqual(scheduler.tasks_in(SILENT), 0)
        opened = Counter(event.device for event in self.sink.sent if event.event_key == "snmp_timeout")
        self.assertEqual(set(opened.values()), {2})
        self.assertEqual(len(opened), self.devices)

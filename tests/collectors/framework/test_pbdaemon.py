# mypy: allow-untyped-calls
# (trial's assertions have no types)
"""What the hub may ask of a daemon, what becomes of configs, and which events the daemon raises about itself."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Coroutine, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from collectors.framework.alarms import TaskAlarms
from collectors.framework.configcache import FILE, ConfigCache
from collectors.framework.daemonsettings import CollectorSettings
from collectors.framework.held import PAGE, HeldConfigs
from collectors.framework.hubclient import HubClient, Identity
from collectors.framework.interfaces import CollectorSpec, ICollector, IHubClient
from collectors.framework.once import run_once
from collectors.framework.problems import Problems
from collectors.framework.rejections import Rejections
from collectors.framework.running.inprocess import InProcess
from collectors.framework.running.interfaces import Ran
from collectors.framework.scheduler import Scheduler
from collectors.framework.stats import fares
from collectors.process.settings import ProcessSettings
from common.configs import DeviceConfig
from common.digests import digest, digest_of_all
from common.errors import NotFoundError, SettingsError, TransientError
from common.events import CLASS_CONFIG, CLASS_DATA, CLASS_PROCESS, CLASS_SNMP, Severity
from common.queries import (
    DecidedQuery,
    Decision,
    Done,
    ListQuery,
    LiveConfig,
    LiveConfigQuery,
    ProcessesQuery,
    RunNowQuery,
)
from common.settings import genconf, read_settings
from common.wire import Attached, ConfigBatch, ConfigsApplied, HeldRequest, Position, TaskCounts, encode
from tests.fakes.configs import FakeConfigStore
from tests.fakes.events import FakeEventSink
from tests.fakes.tasks import FakeCollector, config

WALL = 1_800_000_000.0
SPEC = CollectorSpec(
    service="process", program="tocsin-process", title="A test", make_collector=lambda _: FakeCollector()
)


class FakeSpool:
    spool = "s1"
    confirmed = 4


class FakeReader:
    async def answer(self, query: Any) -> Done:
        return Done(99)


class DaemonCase(SynchronousTestCase):
    runner_type: type[InProcess] = InProcess

    def setUp(self) -> None:
        self.clock = Clock()
        self.events = FakeEventSink()
        self.store = FakeConfigStore()
        self.begin()

    def begin(self) -> None:
        """Start as a daemon does; what is in the store and in the states is from the time before."""
        self.collector = FakeCollector()
        self.alarms = TaskAlarms(self.events, self.events, CLASS_SNMP, self.wall)
        self.scheduler = Scheduler(self.clock, self.wall, observer=self.alarms.observe)
        self.rejections = Rejections(self.events, self.events, self.wall)
        self.runner: Any = self.runner_type(self.collector, self.scheduler, self.alarms)
        self.lost = 0
        self.held = HeldConfigs(self.store, self.runner, self.rejections, self.note_lost)
        reader: Any = FakeReader()
        spool: Any = FakeSpool()
        identity = Identity(service="process", host="box", software="1", began=WALL)
        self.client = HubClient(
            identity,
            spool,
            self.held,
            self.runner,
            reader,
            lambda: TaskCounts(devices=1),
            [self.runner.decided],
        )
        self.runner.startService()
        self.rejections.load()
        self.load()

    def note_lost(self, _why: str) -> None:
        self.lost += 1

    def load(self) -> None:
        self.do(self.held.load())

    def wall(self) -> float:
        return WALL + self.clock.seconds()

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        d = Deferred.fromCoroutine(work)
        self.clock.pump([0] * 4)
        return self.successResultOf(d)

    def fails(self, work: Coroutine[Any, Any, Any], kind: type[Exception]) -> Exception:
        found: Exception = self.failureResultOf(Deferred.fromCoroutine(work), kind).value
        return found

    def apply(
        self, *changed: DeviceConfig, removed: list[str] | None = None, revision: int = 1, epoch: str = ""
    ) -> ConfigsApplied:
        batch = ConfigBatch(revision=revision, changed=list(changed), removed=removed or [], epoch=epoch)
        applied: ConfigsApplied = self.do(self.client.apply(batch))
        self.assertEqual(applied.all, self.do(self.client.held(HeldRequest())).all)
        return applied

    def told(self, key: str) -> list[tuple[str, Severity]]:
        return [(event.device, event.severity) for event in self.events.sent if event.event_key == key]


class ApplyTests(DaemonCase):
    def test_the_fakes_keep_their_contracts(self) -> None:
        self.assertTrue(verifyObject(IHubClient, self.client))
        self.assertTrue(verifyObject(ICollector, self.collector))

    def test_new_devices_run_at_once(self) -> None:
        applied = self.apply(config("a"), config("b"))
        self.assertEqual(applied.live, {"a": digest(config("a")), "b": digest(config("b"))})
        self.assertEqual(applied.all, digest_of_all(applied.live))
        self.assertEqual({name: len(task.slots) for name, task in self.collector.tasks.items()}, {"a": 1, "b": 1})
        self.assertEqual(set(self.store.configs), {"a", "b"})

    def test_a_changed_device_keeps_its_task_and_runs_again(self) -> None:
        self.apply(config("a"))
        task = self.collector.tasks["a"]
        self.apply(config("a", 10))
        self.assertIs(self.collector.tasks["a"], task)
        self.assertEqual((task.interval_s, len(task.slots), task.closed), (10, 2, 0))

    def test_an_unchanged_device_is_left_alone_but_answered(self) -> None:
        self.apply(config("a"))
        writes = self.store.replaced
        applied = self.apply(config("a"))
        self.assertEqual(applied.live, {"a": digest(config("a"))})
        self.assertEqual(len(self.collector.tasks["a"].slots), 1)
        self.assertEqual(self.store.configs, {"a": config("a")})
        self.assertLessEqual(self.store.replaced, writes + 1)

    def test_a_removed_device_is_closed_and_forgotten(self) -> None:
        self.apply(config("a"), config("b"))
        self.apply(removed=["a", "never was"])
        self.assertEqual((self.collector.tasks["a"].closed, self.collector.forgotten), (1, ["a"]))
        self.assertEqual((self.scheduler.names(), self.held.devices()), (["process:b"], ["b"]))
        self.assertEqual(set(self.store.configs), {"b"})
        self.apply(config("a"))
        self.assertEqual(len(self.collector.tasks["a"].slots), 1)

    def test_a_full_disk_changes_nothing_and_is_tried_again_by_the_hub(self) -> None:
        self.apply(config("a"), config("b"))
        self.store.full = True
        batch = ConfigBatch(revision=2, changed=[config("a", 5), config("c")], removed=["b"])
        self.fails(self.client.apply(batch), TransientError)
        self.assertEqual(sorted(self.scheduler.names()), ["process:a", "process:b"])
        self.assertEqual(self.held.get("a"), config("a"))
        self.assertNotIn("c", self.collector.tasks)
        self.store.full = False
        self.apply(config("a", 5), config("c"), removed=["b"])
        self.assertEqual(sorted(self.scheduler.names()), ["process:a", "process:c"])

    def test_a_rejected_config_leaves_the_last_good_one_running_and_says_why(self) -> None:
        self.apply(config("a"))
        applied = self.apply(altered(config("a"), address="bad"), config("b"))
        self.assertEqual(set(applied.live), {"b"})
        self.assertEqual([(one.device, one.reason) for one in applied.rejected], [("a", "a: address bad cannot be")])
        self.assertEqual((self.held.get("a"), self.store.configs["a"]), (config("a"), config("a")))
        self.assertEqual(self.told("config_rejected"), [("a", Severity.ERROR)])
        (event,) = self.events.sent
        self.assertEqual(
            (event.event_class, event.summary), (CLASS_CONFIG, "Config rejected: a: address bad cannot be")
        )
        self.apply(altered(config("a"), address="bad"))
        self.assertEqual(len(self.told("config_rejected")), 1)
        self.apply(config("a", 10))
        self.assertEqual(self.told("config_rejected")[1:], [("a", Severity.CLEAR)])

    def test_the_good_one_sent_again_closes_the_event_too(self) -> None:
        self.apply(config("a"))
        self.apply(altered(config("a"), address="bad"))
        self.begin()
        self.apply(config("a"))
        self.assertEqual(self.told("config_rejected"), [("a", Severity.ERROR), ("a", Severity.CLEAR)])

    def test_a_device_that_leaves_while_rejected_closes_its_event(self) -> None:
        self.apply(altered(config("a"), address="bad"))
        self.apply(removed=["a"])
        self.assertEqual(self.told("config_rejected"), [("a", Severity.ERROR), ("a", Severity.CLEAR)])

    def test_a_defect_while_judging_rejects_that_config_alone(self) -> None:
        applied = self.apply(altered(config("a"), address="bug"), config("b"))
        self.assertIn("ZeroDivisionError", applied.rejected[0].reason)
        self.assertEqual(set(applied.live), {"b"})
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_a_task_that_cannot_change_starts_anew(self) -> None:
        self.apply(config("a"))
        old = self.collector.tasks["a"]
        old.update_fails = RuntimeError("cannot")
        applied = self.apply(config("a", 10))
        self.assertEqual(applied.live, {"a": digest(config("a", 10))})
        self.assertEqual(old.closed, 1)
        self.assertIsNot(self.collector.tasks["a"], old)
        self.assertEqual(len(self.collector.tasks["a"].slots), 1)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_a_config_that_no_task_can_be_made_of_leaves_the_one_before_it_running(self) -> None:
        self.apply(config("a"))
        self.collector.tasks["a"].update_fails = RuntimeError("cannot")
        applied = self.apply(altered(config("a"), address="nomake"))
        self.assertEqual([(one.device, one.reason) for one in applied.rejected], [("a", "a: no task can be made")])
        self.assertEqual((applied.live, self.told("config_rejected")), ({}, [("a", Severity.ERROR)]))
        self.assertEqual((self.held.get("a"), self.store.configs["a"]), (config("a"), config("a")))
        self.assertEqual((self.collector.tasks["a"].config, len(self.collector.tasks["a"].slots)), (config("a"), 1))
        self.assertEqual(self.scheduler.names(), ["process:a"])
        self.flushLoggedErrors(RuntimeError)

    def test_what_cannot_run_by_the_config_before_either_is_not_held_as_live(self) -> None:
        self.apply(config("a"), config("b"))
        self.collector.tasks["a"].update_fails = RuntimeError("cannot")
        self.collector.makes_none = True
        applied = self.apply(config("a", 10))
        self.assertEqual((len(applied.rejected), self.held.devices()), (1, ["b"]))
        self.assertEqual(self.store.configs["a"], config("a"))
        self.flushLoggedErrors(RuntimeError)

    def test_a_device_in_a_batch_twice_has_the_last(self) -> None:
        applied = self.apply(config("a"), config("a", 10))
        self.assertEqual(applied.live, {"a": digest(config("a", 10))})
        self.assertEqual(self.held.get("a"), config("a", 10))
        self.assertEqual(self.scheduler.record("process:a").interval_s, 10)


class AwayRunner(InProcess):
    """Some devices are of a process that is not there, or comes too late, or refuses them after all."""

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.gone: frozenset[str] = frozenset()
        self.late: frozenset[str] = frozenset()
        self.refused: dict[str, str] = {}

    async def away(self, devices: Iterable[str]) -> frozenset[str]:
        return frozenset(devices) & self.gone

    async def run(self, configs: Sequence[DeviceConfig]) -> Ran:
        ran = await super().run([config for config in configs if config.device not in self.refused])
        return Ran(ran.refused | self.refused, self.late)


class AwayTests(DaemonCase):
    runner_type = AwayRunner

    def test_what_cannot_become_live_now_is_not_stored_and_the_hub_is_not_told_so(self) -> None:
        self.apply(config("a"), config("b"))
        self.runner.gone = frozenset("a")
        applied = self.apply(config("a", 10), config("b", 10))
        self.assertEqual((applied.live, applied.rejected), ({"b": digest(config("b", 10))}, []))
        self.assertEqual((self.store.configs["a"], self.held.digest("a")), (config("a"), digest(config("a"))))
        self.runner.gone = frozenset()
        self.assertEqual(set(self.apply(config("a", 10)).live), {"a"})

    def test_a_device_that_is_away_can_leave(self) -> None:
        self.apply(config("a"), config("b"))
        self.runner.gone = frozenset("a")
        self.apply(removed=["a"])
        self.assertEqual((self.held.devices(), set(self.store.configs)), (["b"], {"b"}))

    def test_what_comes_late_is_held_but_not_told_as_live(self) -> None:
        self.runner.late = frozenset("a")
        applied = self.apply(config("a"), config("b"))
        self.assertEqual((set(applied.live), self.held.devices()), ({"b"}, ["a", "b"]))

    def test_what_cannot_run_any_more_is_not_held_as_live_and_says_why(self) -> None:
        self.apply(config("a"), config("b"))
        self.do(self.runner.remove(["a"]))  # its process was started again, and cannot run it
        self.held.lose({"a": "no task", "b": "was told, and runs again", "c": "never was"})
        self.assertEqual((self.held.devices(), set(self.store.configs)), (["b"], {"a", "b"}))
        self.assertEqual((self.told("config_rejected"), self.lost), ([("a", Severity.ERROR)], 1))
        self.assertEqual(set(self.apply(config("a")).live), {"a"})
        self.assertEqual(self.told("config_rejected"), [("a", Severity.ERROR), ("a", Severity.CLEAR)])

    def test_a_config_that_turns_out_not_to_run_is_rejected_and_the_one_before_it_stays(self) -> None:
        self.apply(config("a"))
        self.runner.refused = {"a": "no task", "b": "no task"}
        applied = self.apply(config("a", 10), config("b"), config("c"))
        self.assertEqual({one.device: one.reason for one in applied.rejected}, self.runner.refused)
        self.assertEqual(set(applied.live), {"c"})
        self.assertEqual((self.held.get("a"), self.held.get("b")), (config("a"), None))
        self.assertEqual(self.store.configs, {"a": config("a"), "c": config("c")})
        self.assertEqual(sorted(self.told("config_rejected")), [("a", Severity.ERROR), ("b", Severity.ERROR)])


class StartTests(DaemonCase):
    def test_it_collects_from_the_last_good_configs_without_a_hub(self) -> None:
        self.apply(config("a"), config("b"))
        self.begin()
        self.assertEqual({name: len(task.slots) for name, task in self.collector.tasks.items()}, {"a": 1, "b": 1})
        self.assertEqual(self.held.all_digest, digest_of_all({"a": digest(config("a")), "b": digest(config("b"))}))

    def test_a_kept_config_that_cannot_be_run_any_more_is_said_and_can_be_removed(self) -> None:
        self.store.configs = {"a": altered(config("a"), address="bad"), "b": config("b")}
        self.begin()
        self.assertEqual(self.held.devices(), ["b"])
        self.assertEqual(self.told("config_rejected"), [("a", Severity.ERROR)])
        self.apply(removed=["a"])
        self.assertEqual(set(self.store.configs), {"b"})

    def test_what_the_hub_sends_during_the_start_stays_though_the_one_before_it_cannot_run(self) -> None:
        self.store.configs = {"a": config("a")}
        runner = SlowRunner()
        held = HeldConfigs(self.store, runner, self.rejections)  # type: ignore[arg-type]  # what it needs of a runner
        loading = Deferred.fromCoroutine(held.load())
        applied = self.do(held.apply(ConfigBatch(revision=1, changed=[config("a", 10)], removed=[])))
        self.assertEqual(set(applied.live), {"a"})
        runner.first.callback(Ran({"a": "no task"}))
        self.successResultOf(loading)
        self.assertEqual((held.get("a"), self.told("config_rejected")), (config("a", 10), []))


class SlowRunner:
    """What it is given first waits; the rest is live at once."""

    def __init__(self) -> None:
        self.first: Deferred[Ran] = Deferred()
        self.runs = 0

    def refusal(self, _config: DeviceConfig) -> str:
        return ""

    def has(self, _device: str) -> bool:
        return True

    async def away(self, _devices: Iterable[str]) -> frozenset[str]:
        return frozenset()

    async def remove(self, devices: Iterable[str]) -> None:
        pass

    async def run(self, _configs: Sequence[DeviceConfig]) -> Ran:
        self.runs += 1
        return await self.first if self.runs == 1 else Ran()


class HeldTests(DaemonCase):
    def test_pages_are_in_order_and_complete(self) -> None:
        names = [f"d{number:05}" for number in range(2 * PAGE + 1)]
        self.apply(*[config(name) for name in names[: PAGE + 1]])
        self.apply(*[config(name) for name in names[PAGE + 1 :]])
        found, after = [], ""
        while True:
            page = self.do(self.client.held(HeldRequest(after)))
            encode(page)
            found += page.configs
            if not page.more:
                break
            after = page.configs[-1][0]
        self.assertEqual(found, [(name, digest(config(name))) for name in names])

    def test_a_login_tells_the_position(self) -> None:
        self.assertEqual(self.client.attach_request().position, Position("", 0, digest_of_all({})))
        self.apply(config("a"), revision=7, epoch="e1")
        held = digest_of_all({"a": digest(config("a"))})
        self.assertEqual(self.client.attach_request().position, Position("e1", 7, held))
        self.begin()
        self.assertEqual(self.client.attach_request().position, Position("e1", 7, held))

    def test_a_batch_that_changes_nothing_moves_the_position(self) -> None:
        self.apply(config("a"), revision=7, epoch="e1")
        self.apply(config("a"), revision=3, epoch="e2")
        self.apply(altered(config("b"), address="bad"), revision=4, epoch="e2")
        self.begin()
        held = digest_of_all({"a": digest(config("a"))})
        self.assertEqual(self.client.attach_request().position, Position("e2", 4, held))

    def test_in_the_middle_of_a_change_nothing_is_said_of_what_is_held(self) -> None:
        self.apply(config("a"), revision=1, epoch="e")
        self.collector.tasks["a"].hold = Deferred()
        self.scheduler.run_now(["process:a"])
        self.clock.pump([0] * 3)
        self.collector.tasks["a"].stubborn = True
        changing = Deferred.fromCoroutine(
            self.client.apply(ConfigBatch(revision=2, changed=[config("b")], removed=["a"], epoch="e"))
        )
        self.assertNoResult(changing)
        self.assertEqual(self.client.attach_request().position.all, "")
        asked = Deferred.fromCoroutine(self.client.held(HeldRequest()))
        self.assertNoResult(asked)
        self.clock.pump([1] * 6)
        applied = self.successResultOf(changing)
        self.assertEqual(self.successResultOf(asked).all, applied.all)
        self.assertEqual(self.client.attach_request().position, Position("e", 2, applied.all))

    def test_nothing_held_has_a_digest_too(self) -> None:
        page = self.do(self.client.held(HeldRequest()))
        self.assertEqual((page.all, page.configs, page.more), (digest_of_all({}), [], False))


class QueryTests(DaemonCase):
    def test_each_question_goes_to_the_part_that_knows(self) -> None:
        self.apply(config("a"))
        self.assertEqual(
            self.do(self.client.answer(LiveConfigQuery("a"))),
            LiveConfig(config=config("a"), digest=digest(config("a"))),
        )
        self.assertEqual(self.do(self.client.answer(ListQuery(device="a"))), Done(99))
        self.assertEqual(self.do(self.client.answer(ProcessesQuery(device="a"))), Done(7))

    def test_run_now(self) -> None:
        self.apply(config("a"), config("b"))
        self.assertEqual(self.do(self.client.answer(RunNowQuery(["a"]))), Done(1))
        self.assertEqual(len(self.collector.tasks["a"].slots), 2)

    def test_unknown_devices_are_named(self) -> None:
        for query in (LiveConfigQuery("x"), RunNowQuery(["x"])):
            self.assertIn("x", str(self.fails(self.client.answer(query), NotFoundError)))

    def test_the_session(self) -> None:
        seen: list[Any] = []
        self.client.on_attached = lambda *what: seen.append(what)
        self.client.on_detached = lambda: seen.append("detached")
        request = self.client.attach_request()
        self.assertEqual((request.daemon, request.host, request.spool), ("process", "box", "s1"))
        self.assertEqual(request.confirmed, 4)
        self.client.attached(Attached(collector="north", version=1, epoch="e", stored_seq=5))
        self.client.detached("gone")
        self.assertEqual(seen, [("north", 5, "s1", False), "detached"])

    def test_no_task_is_disturbed_when_the_hub_comes_and_goes(self) -> None:
        self.apply(config("a", 10), config("b", 60))
        tasks = dict(self.collector.tasks)
        hold = tasks["b"].hold = Deferred()
        self.scheduler.run_now(["process:b"])
        for second in range(600):
            if second % 20 == 0:
                self.client.attached(Attached(collector="north", version=1, epoch="e", stored_seq=5))
            if second % 20 == 7:
                self.client.detached("gone")
            self.clock.advance(1)
        hold.callback(None)
        self.assertEqual(self.collector.tasks, tasks)
        self.assertEqual((tasks["a"].closed, tasks["b"].closed, tasks["a"].cancelled), (0, 0, 0))
        slots = tasks["a"].slots
        self.assertGreaterEqual(len(slots), 60)
        self.assertEqual(self.scheduler.record("process:a").late, 0)
        self.assertEqual({later - earlier for earlier, later in itertools.pairwise(slots[2:])}, {10})

    def test_a_hub_with_another_store_is_noticed(self) -> None:
        seen: list[Any] = []
        self.client.on_attached = lambda *what: seen.append(what[3])
        self.apply(config("a"), revision=7, epoch="e1")
        for epoch in ("e1", "e2"):
            self.client.attached(Attached(collector="north", version=1, epoch=epoch, stored_seq=5))
        self.assertEqual(seen, [False, True])


class AlarmTests(DaemonCase):
    def break_task(self) -> Any:
        self.apply(config("a"))
        task = self.collector.tasks["a"]

        def behave(_slot: int) -> None:
            raise KeyError("pid")

        task.behave = behave
        self.scheduler.run_now(["process:a"])
        self.clock.pump([0] * 3)
        return task

    def test_a_defect_opens_an_event_and_the_next_good_run_closes_it(self) -> None:
        task = self.break_task()
        self.assertEqual(self.told("task_failed"), [("a", Severity.ERROR)])
        self.assertIn("KeyError: 'pid'", self.events.sent[-1].summary)
        task.behave = lambda _: None
        for _ in range(2):
            self.scheduler.run_now(["process:a"])
            self.clock.pump([0] * 3)
        self.assertEqual(self.told("task_failed"), [("a", Severity.ERROR), ("a", Severity.CLEAR)])
        self.flushLoggedErrors(KeyError)

    def test_it_closes_after_a_restart_too(self) -> None:
        self.break_task()
        self.begin()
        self.assertEqual(self.told("task_failed"), [("a", Severity.ERROR), ("a", Severity.CLEAR)])
        self.flushLoggedErrors(KeyError)

    def test_a_failure_that_the_task_foresaw_is_its_own_to_tell(self) -> None:
        self.apply(config("a"))

        def behave(_slot: int) -> None:
            raise TransientError("no answer")

        self.collector.tasks["a"].behave = behave
        self.clock.pump([1] * 120)
        self.assertEqual(self.told("task_failed"), [])

    def test_a_run_that_takes_too_long_opens_it_too(self) -> None:
        self.apply(config("a"))
        task = self.collector.tasks["a"]
        task.hold = Deferred()
        self.clock.pump([1] * 150)
        self.assertEqual(self.told("task_failed")[0], ("a", Severity.ERROR))
        self.assertIn("longer than 50 s", self.events.sent[0].summary)

    def test_a_full_disk_says_it_later(self) -> None:
        self.events.full = True
        task = self.break_task()
        self.events.full = False
        self.scheduler.run_now(["process:a"])
        self.clock.pump([0] * 3)
        self.assertEqual(self.told("task_failed"), [("a", Severity.ERROR)])
        task.behave = lambda _: None
        self.scheduler.run_now(["process:a"])
        self.clock.pump([0] * 3)
        self.assertEqual(self.told("task_failed")[-1], ("a", Severity.CLEAR))
        self.flushLoggedErrors(KeyError)


class ProblemTests(SynchronousTestCase):
    def test_each_problem_opens_and_closes_once(self) -> None:
        sink = FakeEventSink()
        problems = Problems(sink, lambda: "local", lambda: WALL)
        samples, hub = problems.of("samples", CLASS_DATA), problems.of("hub events")
        samples("the disk is full")
        samples("the disk is still full")
        hub("they wait")
        self.assertEqual(problems.sentence(), "hub events: they wait samples: the disk is still full")
        self.assertEqual(problems.untold(), "hub events: they wait")
        samples("")
        samples("")
        hub("")
        self.assertEqual(problems.sentence(), "")
        found = [(event.event_class, event.event_key, event.severity, event.device) for event in sink.sent]
        self.assertEqual(
            found,
            [(CLASS_DATA, "samples", Severity.ERROR, "local"), (CLASS_DATA, "samples", Severity.CLEAR, "local")],
        )

    def test_what_an_earlier_run_has_left_open_is_closed_unless_it_stands(self) -> None:
        sink = FakeEventSink()
        problems = Problems(sink, lambda: "local", lambda: WALL)
        problems.of("samples", CLASS_DATA)
        problems.of("event spool")
        problems.of("other", CLASS_DATA)("it stands")
        problems.begin()
        self.assertEqual(
            [(event.event_key, event.severity) for event in sink.sent],
            [("other", Severity.ERROR), ("samples", Severity.CLEAR)],
        )

    def test_a_problem_is_told_anew_when_it_was_closed_and_ends_when_it_was_opened_again(self) -> None:
        sink = FakeEventSink()
        problems = Problems(sink, lambda: "local", lambda: WALL)
        samples = problems.of("samples", CLASS_DATA)
        samples("the disk is full")
        self.assertTrue(problems.decided(decision("local", CLASS_DATA, "samples", is_open=False)))
        self.assertTrue(problems.decided(decision("local", CLASS_DATA, "samples", is_open=True)))
        samples("")
        self.assertTrue(problems.decided(decision("local", CLASS_DATA, "samples", is_open=True)))
        self.assertFalse(problems.decided(decision("box", CLASS_DATA, "samples", is_open=True)))
        self.assertFalse(problems.decided(decision("local", CLASS_SNMP, "samples", is_open=True)))
        severities = [event.severity for event in sink.sent]
        self.assertEqual(severities, [Severity.ERROR, Severity.ERROR, Severity.CLEAR, Severity.CLEAR])


def decision(device: str, event_class: str, key: str, *, is_open: bool) -> Decision:
    return Decision(device=device, component="", event_class=event_class, event_key=key, severity=4, open=is_open)


class DecisionTests(DaemonCase):
    def test_a_decision_goes_to_who_raises_the_alarm(self) -> None:
        self.apply(config("a"))
        failed = decision("a", CLASS_SNMP, "task_failed", is_open=True)
        other = decision("a", CLASS_PROCESS, "process_missing", is_open=False)
        elsewhere = decision("x", CLASS_PROCESS, "process_missing", is_open=False)
        self.assertEqual(self.do(self.client.answer(DecidedQuery([failed, other, elsewhere]))), Done(2))
        self.assertEqual(self.collector.decisions, [other, elsewhere])

    def test_task_failed_that_was_opened_again_closes_with_the_next_good_run(self) -> None:
        self.apply(config("a"))
        self.do(self.client.answer(DecidedQuery([decision("a", CLASS_SNMP, "task_failed", is_open=True)])))
        self.do(self.client.answer(RunNowQuery(["a"])))
        self.assertEqual(self.told("task_failed"), [("a", Severity.CLEAR)])


# --- settings, and a run by hand --------------------------------------------------------------------------------------

ETC = Path(__file__).parents[3] / "etc"


def test_the_settings_in_etc_are_those_that_genconf_prints() -> None:
    text = genconf(ProcessSettings, "tocsin-process")
    assert (ETC / "process.toml").read_text() == text, "run: tocsin-process genconf > etc/process.toml"
    assert read_settings(text, ProcessSettings, "x") == ProcessSettings()


def test_status_says_how_it_stands_with_the_hub_and_what_waits_for_it() -> None:
    well = {"collector": "near", "hub": "attached to 192.0.2.1 port 8789", "devices_paused_because": ""}
    assert fares(well) == "collector near, hub: attached to 192.0.2.1 port 8789"
    ill = {**well, "hub": "waiting: 192.0.2.1 port 8789: it does not answer", "devices_paused_because": "2 devices are"}
    assert fares(ill).splitlines()[1] == "2 devices are"


def test_bounds_of_settings() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings("parallel = 0\n[events]\nmax_events = 5\n", CollectorSettings, "x")
    assert caught.value.details == (
        "parallel: got 0, wanted a whole number, 1 or more",
        "events.max_events: got 5, wanted a whole number, 2000 or more",
    )


def options(**fields: Any) -> argparse.Namespace:
    chosen = {"once": True, "device": None, "show_processes": False, "show_tables": False, "verbose": False}
    chosen |= {"capture": None, "replay": None}
    return argparse.Namespace(**{**chosen, **fields})


def test_once_names_the_devices_that_there_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_once(SPEC, tmp_path, None, "epoll", options(device="a")) == 3
    assert "no configs here yet" in capsys.readouterr().err
    ConfigCache(tmp_path / "configs").replace([config(f"d{number:02}") for number in range(30)], [])
    assert run_once(SPEC, tmp_path, None, "epoll", options(device="x")) == 3
    said = capsys.readouterr().err
    assert "no config for device x; there are: d00, d01," in said
    assert "and 10 more" in said
    assert run_once(SPEC, tmp_path, None, "epoll", options()) == 3
    assert "say which device" in capsys.readouterr().err


def test_options_of_once_without_it_are_refused(tmp_path: Path) -> None:
    assert run_once(SPEC, tmp_path, None, "epoll", options(once=False)) is None
    with pytest.raises(SettingsError, match=r"goe?s? with --once"):
        run_once(SPEC, tmp_path, None, "epoll", options(once=False, device="a"))


def test_once_leaves_no_trace(tmp_path: Path) -> None:
    cache = ConfigCache(tmp_path / "configs")
    cache.replace([config("a")], [])
    data = (tmp_path / "configs" / FILE).read_bytes()
    (tmp_path / "configs" / FILE).write_bytes(data + b"torn")
    run_once(SPEC, tmp_path, None, "epoll", options(device="x"))
    assert (tmp_path / "configs" / FILE).read_bytes() == data + b"torn"
    assert [path.name for path in tmp_path.iterdir()] == ["configs"]


def altered(one: DeviceConfig, **fields: Any) -> DeviceConfig:
    import msgspec

    return msgspec.structs.replace(one, **fields)

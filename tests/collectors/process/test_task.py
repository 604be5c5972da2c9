# mypy: allow-untyped-calls
"""A device's cycle over SNMP: what is verified, what is said, what is kept."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import SynchronousTestCase

from collectors.framework.interfaces import CollectorContext
from collectors.framework.processtable import ProcessTable
from collectors.framework.snmp.errors import SnmpAuthError, SnmpTimeout
from collectors.framework.snmp.interfaces import Oid, SnmpValue
from collectors.process.source_snmp import (
    CPU,
    HR_SYSTEM_UPTIME,
    MEMORY,
    NAME,
    PARAMETERS,
    PATH,
    STATUS,
    SYS_UPTIME,
    SnmpSource,
)
from collectors.process.task import ProcessTask, state_key
from common.configs import DeviceConfig, ExpectedSet, ProcessSetConfig, SetOverride, SnmpConfig, SourceKind
from common.errors import PermanentError, TransientError
from common.events import CLASS_PERFORMANCE, CLASS_PROCESS, CLASS_SNMP, Event, Severity
from common.judged import DerivedConfig, Level, ThresholdConfig
from common.queries import Decision
from common.roll import SetState
from tests.fakes.hub import FakeHub
from tests.fakes.samples import FakeSampleSink
from tests.fakes.snmp import FakeSnmpClient

START = 1_800_000_000.0
INTERVAL_S = 60


class Journal:
    """Events and states in memory, as the spool keeps them on disk."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.states: dict[str, bytes] = {}
        self.full = False

    async def send(self, events: Any, state_key: str = "", state: bytes | None = None) -> None:
        if self.full:
            raise TransientError("the disk is full")
        self.events += events
        if state is not None:
            self.states[state_key] = state

    def load(self, key: str) -> bytes | None:
        return self.states.get(key)

    def forget(self, key: str) -> None:
        self.states.pop(key, None)


def config(**changes: Any) -> DeviceConfig:
    fields: dict[str, Any] = {
        "device": "box",
        "address": "192.0.2.1",
        "source": SourceKind.SNMP,
        "interval_s": INTERVAL_S,
        "snmp": SnmpConfig(),
        "process_sets": (ProcessSetConfig(id="web", title="web", order=1, include="^/web ", name="web"),),
    }
    return DeviceConfig(**(fields | changes))


class OwnSource:
    """This host, on which nothing runs."""

    async def scan(self, full: bool) -> ProcessTable:
        return ProcessTable(at=START, monotonic=1.0, rows={}, complete=True, full=full)

    def update(self, config: DeviceConfig) -> None:
        assert config.source is SourceKind.LOCAL

    async def close(self) -> None: ...


class CycleTests(SynchronousTestCase):
    """One task, one fake agent."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(100.0)
        self.agent = FakeSnmpClient({SYS_UPTIME: 100_000, HR_SYSTEM_UPTIME: 900_000})
        self.journal = Journal()
        self.hub = "hub-1"
        self.samples = FakeSampleSink(self.wall)
        for pid in range(1, 41):
            self.start(pid, "other", "/other", str(pid))
        self.task = self.make()

    def wall(self) -> float:
        return START + self.clock.seconds()

    def make(self, make_source: Any = None, **changes: Any) -> ProcessTask:
        context = CollectorContext(
            clock=self.clock,
            wall=self.wall,
            reactor=None,
            rng=random.Random(1),
            events=self.journal,
            states=self.journal,
            samples=self.samples,
            data_dir=Path(),
            hub_epoch=lambda: self.hub,
            send_model=FakeHub().send_model,
        )
        return ProcessTask(config(**changes), context, make_source or self.snmp_source)

    def snmp_source(self, config: DeviceConfig, _task: ProcessTask) -> SnmpSource:
        return SnmpSource(lambda *_: self.agent, config, self.wall, self.clock.seconds)

    def start(self, pid: int, name: str, path: str, parameters: str, cpu: int = 100) -> None:
        values: dict[Oid, SnmpValue] = {
            NAME: name.encode(),
            PATH: path.encode(),
            PARAMETERS: parameters.encode(),
            STATUS: 2,
        }
        values |= {CPU: cpu, MEMORY: 1000}
        self.agent.values.update({(*column, pid): value for column, value in values.items()})

    def end(self, *pids: int) -> None:
        for oid in [oid for oid in self.agent.values if oid[-1] in pids and len(oid) == len(NAME) + 1]:
            del self.agent.values[oid]

    def cycle(self) -> list[tuple[str, int]]:
        """Run once; give key and severity of what was said."""
        before = len(self.journal.events)
        self.clock.advance(INTERVAL_S)
        uptime = self.agent.values[SYS_UPTIME]
        assert isinstance(uptime, int)
        self.agent.values[SYS_UPTIME] = uptime + 100 * INTERVAL_S
        done = Deferred.fromCoroutine(self.task.run(int(self.wall()) // INTERVAL_S * INTERVAL_S))
        done.addErrback(lambda failure: failure.trap(TransientError, PermanentError))
        self.successResultOf(done)
        return [(event.event_key, event.severity.value) for event in self.journal.events[before:]]

    def test_a_cycle_writes_a_sample_on_the_step_for_each_set(self) -> None:
        self.start(77, "web", "/web", "-d", cpu=1000)
        self.cycle()
        self.agent.values[(*CPU, 77)] = 1600
        self.cycle()
        sample = self.samples.accepted[-1]
        self.assertEqual((sample.key.device, sample.key.component, sample.at % INTERVAL_S), ("box", "web", 0))
        self.assertEqual((sample.values["count"], sample.values["memory"]), (1, 1_024_000))
        self.assertAlmostEqual(sample.values["cpu"] or 0.0, 10.0)

    def test_paths_and_arguments_are_read_again_only_for_new_pids_and_every_tenth_cycle(self) -> None:
        self.cycle()
        self.agent.asked.clear()
        self.start(99, "web", "/web", "-d")
        self.cycle()
        identities = [oid for asked in self.agent.asked for oid in asked if oid[: len(PATH)] in {PATH, PARAMETERS}]
        self.assertEqual(identities, [(*PATH, 99), (*PARAMETERS, 99)])
        self.agent.asked.clear()
        for _ in range(10):
            self.cycle()
        self.assertEqual([PATH in asked for asked in self.agent.asked].count(True), 1)  # all of them, in the same walk
        self.assertFalse([oid for asked in self.agent.asked for oid in asked if oid[-1] == 1 and len(oid) > len(PATH)])

    def test_a_command_line_that_is_misread_once_takes_nobody_away(self) -> None:
        self.task = self.make(full_scan_every=1)
        self.start(77, "web", "/web", "-d")
        self.cycle()
        honest, told = self.agent.table, []

        async def misread(*asked: Any, **more: Any) -> Any:
            told.append(asked)
            self.agent.values[(*PATH, 77)] = b"/wex" if len(told) == 1 else b"/web"
            return await honest(*asked, **more)

        self.agent.table = misread  # type: ignore[method-assign]
        self.assertEqual(self.cycle(), [])
        self.assertEqual(len(told), 2)

    def test_an_agent_that_is_too_slow_for_its_interval_is_one_event_and_no_defect(self) -> None:
        self.start(77, "web", "/web", "-d")
        self.cycle()
        honest = self.agent.table

        async def slow(*asked: Any, **more: Any) -> Any:
            await deferLater(self.clock, self.task.timeout_s, lambda: None)
            return await honest(*asked, **more)

        self.agent.table = slow  # type: ignore[method-assign]
        self.end(77)
        run = Deferred.fromCoroutine(self.task.run(int(self.wall())))
        self.clock.advance(self.task.timeout_s - 5.0)
        self.assertNoResult(run)
        self.clock.advance(1.0)
        error = self.failureResultOf(run, TransientError).value
        self.assertIn("not read to its end within 50 s", str(error))
        self.assertEqual([event.event_key for event in self.journal.events], ["table_incomplete"])
        self.agent.table = honest  # type: ignore[method-assign]
        self.assertEqual(self.cycle(), [("table_incomplete", 0), ("process_missing", 4)])

    def test_a_pid_whose_cpu_fell_is_asked_who_it_is(self) -> None:
        self.start(77, "web", "/web", "-d", cpu=1000)
        self.cycle()
        self.end(77)
        self.start(77, "web", "/other", "-x", cpu=1)  # the same name and number, another program
        self.assertEqual(self.cycle(), [("process_missing", 4)])

    def test_missing_is_said_only_when_the_lost_pids_do_not_answer(self) -> None:
        self.start(77, "web", "/web", "-d")
        self.cycle()
        self.end(77)
        self.assertEqual(self.cycle(), [("process_missing", 4)])
        asked = [asked for asked in self.agent.asked if asked == ((*STATUS, 77),)]
        self.assertEqual(len(asked), 1)
        self.start(78, "web", "/web", "-d")
        self.assertEqual(self.cycle(), [("process_missing", 0)])

    def test_a_table_that_lost_most_of_its_rows_is_read_again(self) -> None:
        self.start(77, "web", "/web", "-d")
        self.cycle()
        kept = dict(self.agent.values)
        self.end(77, *range(2, 41))
        table = self.agent.table
        calls = 0

        async def second_is_whole(columns: Any, max_rows: int = 50_000, scalars: Any = (), known: Any = None) -> Any:
            nonlocal calls
            calls += 1
            found = await table(columns, max_rows, scalars, known)
            self.agent.values = dict(kept)
            return found

        self.agent.table = second_is_whole  # type: ignore[method-assign]  # an agent that changes between two walks
        self.assertEqual(self.cycle(), [])
        self.assertEqual(self.task.sets[0].state, SetState.UP)
        self.assertGreaterEqual(calls, 2)
        self.assertNotIn(((*STATUS, 77),), self.agent.asked)  # an agent that is so wrong is not worth asking

    def test_a_table_that_stays_partial_changes_no_set_and_is_one_event(self) -> None:
        self.start(77, "web", "/web", "-d")
        self.cycle()
        self.agent.cut = "an OID did not increase"
        written = len(self.samples.accepted)
        self.assertEqual(self.cycle(), [("table_incomplete", 4)])
        self.assertEqual(self.cycle(), [])
        self.assertEqual(self.task.sets[0].state, SetState.UNKNOWN)
        self.assertEqual(len(self.samples.accepted), written)
        self.agent.cut = ""
        self.assertEqual(self.cycle(), [("table_incomplete", 0)])
        self.assertEqual(self.task.sets[0].state, SetState.UP)

    def test_one_event_stands_for_an_unreadable_device_and_another_reason_takes_its_place(self) -> None:
        self.start(77, "web", "/web", "-d")
        self.cycle()
        self.agent.fail = SnmpTimeout("box does not answer")
        self.assertEqual(self.cycle(), [("snmp_timeout", 4)])
        self.assertEqual(self.cycle(), [])
        self.agent.fail = SnmpAuthError("wrong password")
        self.assertEqual(self.cycle(), [("snmp_timeout", 0), ("snmp_auth", 4)])
        self.assertEqual(self.task.scan.problem, "wrong password")
        self.agent.fail = None
        self.assertEqual(self.cycle(), [("snmp_auth", 0)])
        self.assertEqual(self.task.scan.problem, "")

    def test_an_agent_without_a_process_table_is_told_with_what_to_run(self) -> None:
        self.end(*range(1, 41))
        self.assertEqual(self.cycle(), [("snmp_no_host_resources", 4)])
        self.assertIn("snmpwalk", self.journal.events[-1].summary + self.journal.events[-1].message)

    def test_nobody_misses_the_process_table_of_a_device_without_process_sets(self) -> None:
        self.end(*range(1, 41))
        self.assertEqual(self.cycle(), [("snmp_no_host_resources", 4)])
        self.task.update(config(process_sets=()))
        self.assertEqual(self.cycle(), [("snmp_no_host_resources", 0)])
        self.assertEqual(self.cycle(), [])
        self.assertEqual(self.task.scan.problem, "")  # nobody says of a switch that it cannot be read
        self.assertIsNotNone(self.task.scan.at)  # nor that it was not looked at yet

    def test_an_agent_that_was_restarted_is_said_once_and_closed_by_the_next_cycle(self) -> None:
        self.start(77, "web", "/web", "-d")
        self.cycle()
        self.agent.values[SYS_UPTIME] = 100
        self.assertEqual(self.cycle(), [("agent_restarted", 3)])
        self.assertEqual(self.cycle(), [("agent_restarted", 0)])

    def test_an_event_that_could_not_be_kept_is_decided_again(self) -> None:
        self.start(77, "web", "/web", "-d")
        self.cycle()
        self.end(77)
        self.journal.full = True
        self.assertEqual(self.cycle(), [])
        self.journal.full = False
        self.assertEqual(self.cycle(), [("process_missing", 4)])

    def test_figures_are_written_and_shown_while_events_cannot_be_kept(self) -> None:
        self.start(77, "web", "/web", "-d")
        self.start(88, "db", "/db", "-d", cpu=1000)
        sets = (*config().process_sets, ProcessSetConfig(id="db", title="db", order=2, include="^/db ", name="db"))
        self.task = self.make(process_sets=sets)
        self.cycle()
        self.end(77)
        self.journal.full = True
        for cpu in (1600, 2200):
            self.agent.values[(*CPU, 88)] = cpu
            self.assertEqual(self.cycle(), [])
            last = {sample.key.component: sample.values for sample in self.samples.accepted[-2:]}
            self.assertEqual((last["web"]["count"], last["db"]["count"]), (0, 1))
            self.assertAlmostEqual(last["db"]["cpu"] or 0.0, 10.0)
            self.assertEqual([status.state for status in self.task.sets], [SetState.UP, SetState.MISSING])

    def test_a_decision_that_could_not_be_kept_is_taken_up_again(self) -> None:
        self.start(77, "web", "/web", "-d")
        self.cycle()
        self.end(77)
        self.cycle()
        self.journal.full = True
        self.decide("process_missing", is_open=False)
        self.assertEqual(self.cycle(), [])
        self.journal.full = False
        self.assertEqual(self.cycle(), [("process_missing", 4)])

    def test_a_config_that_could_not_be_kept_is_taken_up_again(self) -> None:
        self.start(77, "web", "/web", "-d")
        self.cycle()
        self.end(77)
        self.cycle()
        self.task.update(msgspec.structs.replace(config(), process_sets=()))
        self.journal.full = True
        self.assertEqual(self.cycle(), [])
        self.journal.full = False
        self.assertEqual(self.cycle(), [("process_missing", 0)])
        self.assertEqual(self.task.sets, [])

    def test_a_second_run_in_a_step_writes_only_what_is_new(self) -> None:
        self.start(77, "web", "/web", "-d")
        slot = int(self.wall()) // INTERVAL_S * INTERVAL_S
        for _ in range(2):
            self.successResultOf(Deferred.fromCoroutine(self.task.run(slot)))
        other = ProcessSetConfig(id="other", title="other", order=2, include="^/other ", name="other")
        self.task.update(config(process_sets=(*config().process_sets, other)))
        self.successResultOf(Deferred.fromCoroutine(self.task.run(slot)))
        self.assertEqual([sample.key.component for sample in self.samples.accepted], ["web", "other"])
        self.assertEqual(self.samples.dropped, 0)

    def test_a_task_that_is_made_anew_goes_on_where_the_old_one_was(self) -> None:
        self.start(77, "web", "/web", "-d")
        self.cycle()
        self.end(77)
        self.cycle()
        self.assertIn(state_key("box"), self.journal.states)
        self.task = self.make()
        self.assertEqual(self.cycle(), [])
        self.start(80, "web", "/web", "-d")
        self.assertEqual(self.cycle(), [("process_missing", 0)])

    def test_a_device_that_is_this_host_now_is_not_read_as_before(self) -> None:
        made: list[SourceKind] = []

        def make_source(config: DeviceConfig, task: ProcessTask) -> Any:
            made.append(config.source)
            return OwnSource() if config.source is SourceKind.LOCAL else self.snmp_source(config, task)

        self.start(77, "web", "/web", "-d")
        self.task = self.make(make_source=make_source)
        self.cycle()
        self.assertEqual(self.task.sets[0].pids, (77,))
        self.task.update(config(source=SourceKind.LOCAL, snmp=None))
        self.assertEqual(self.cycle(), [("process_missing", 4)])
        self.task.update(config())
        self.assertEqual(self.cycle(), [("process_missing", 0)])
        self.cycle()
        self.assertEqual(made, [SourceKind.SNMP, SourceKind.LOCAL, SourceKind.SNMP])

    def test_another_config_is_taken_up_by_the_next_run(self) -> None:
        self.start(77, "web", "/web", "-d")
        self.cycle()
        self.end(77)
        self.cycle()
        self.task.update(msgspec.structs.replace(config(), process_sets=()))
        self.assertEqual(self.cycle(), [("process_missing", 0)])
        self.assertEqual(self.task.sets, [])

    def decide(self, key: str, *, is_open: bool, component: str = "web") -> None:
        event_class = CLASS_PROCESS if component else CLASS_SNMP
        if key.startswith("threshold:"):
            event_class = CLASS_PERFORMANCE
        decision = Decision(
            device="box", component=component, event_class=event_class, event_key=key, severity=4, open=is_open
        )
        self.task.decided(decision)

    def test_an_alarm_that_an_operator_closed_is_raised_anew_while_its_cause_goes_on(self) -> None:
        self.start(77, "web", "/web", "-d")
        self.cycle()
        self.end(77)
        self.assertEqual(self.cycle(), [("process_missing", 4)])
        self.decide("process_missing", is_open=False)
        self.assertEqual(self.cycle(), [("process_missing", 4)])
        self.assertEqual(self.cycle(), [])

    def test_an_alarm_that_was_closed_and_whose_cause_is_over_stays_closed(self) -> None:
        self.start(77, "web", "/web", "-d")
        self.cycle()
        self.end(77)
        self.cycle()
        self.decide("process_missing", is_open=False)
        self.start(78, "web", "/web", "-d")
        self.assertEqual(self.cycle(), [])

    def test_an_alarm_that_an_operator_opened_again_closes_when_its_cause_is_over(self) -> None:
        self.start(77, "web", "/web", "-d")
        self.cycle()
        self.decide("process_missing", is_open=True)
        self.decide("snmp_timeout", is_open=True, component="")
        self.assertEqual(self.cycle(), [("snmp_timeout", 0), ("process_missing", 0)])

    def test_an_alarm_of_a_set_that_is_gone_closes_when_it_is_opened_again(self) -> None:
        self.cycle()
        self.decide("process_missing", is_open=True, component="no more")
        self.assertEqual(self.cycle(), [("process_missing", 0)])
        self.decide("process_missing", is_open=False, component="no more")
        self.decide("process_restarted", is_open=True)
        self.assertEqual(self.cycle(), [])

    def test_a_device_that_cannot_be_read_rings_again_when_its_alarm_was_closed(self) -> None:
        self.agent.fail = SnmpTimeout("no answer")
        self.assertEqual(self.cycle(), [("snmp_timeout", 4)])
        self.decide("snmp_timeout", is_open=False, component="")
        self.assertEqual(self.cycle(), [("snmp_timeout", 4)])

    def test_a_hub_with_another_store_is_told_what_is_wrong_anew(self) -> None:
        self.start(77, "web", "/web", "-d")
        self.cycle()
        self.end(77)
        self.cycle()
        self.hub = ""
        self.assertEqual(self.cycle(), [])
        self.hub = "hub-2"
        self.assertEqual(self.cycle(), [("process_missing", 4)])
        self.assertEqual(self.cycle(), [])

    # --- thresholds ---------------------------------------------------------------------------------------------------

    def judged(self, **fields: Any) -> None:
        """A set that uses 1000 KiB, and a threshold on its memory."""
        level = Level(severity=Severity.WARNING, maximum=1000)
        given = {"id": "big", "points": ("memory",), "levels": (level,)} | fields
        self.fields: dict[str, Any] = {
            "thresholds": (ThresholdConfig(**given),),
            "derived": (DerivedConfig(point="each", expression="memory / count", unit="bytes"),),
        }
        self.task = self.make(**self.fields)
        self.start(77, "web", "/web", "-d")

    def use(self, kib: int) -> None:
        self.agent.values[(*MEMORY, 77)] = kib

    def run_now(self) -> list[tuple[str, int]]:
        """Once more in the step of the last cycle."""
        before = len(self.journal.events)
        self.clock.advance(1)
        slot = int(self.wall()) // INTERVAL_S * INTERVAL_S
        self.successResultOf(Deferred.fromCoroutine(self.task.run(slot)))
        return [(event.event_key, event.severity.value) for event in self.journal.events[before:]]

    def test_a_threshold_is_said_with_the_other_events_and_closes(self) -> None:
        self.judged()
        self.assertEqual(self.cycle(), [("threshold:big:memory", 3)])
        event = self.journal.events[-1]
        self.assertEqual((event.component, event.event_class), ("web", "/Perf"))
        self.assertEqual(event.summary, "memory of web is 1000 KiB, over the limit of 1000 B")
        self.assertEqual(self.cycle(), [])
        self.use(0)
        self.assertEqual(self.cycle(), [("threshold:big:memory", 0)])

    def test_a_derived_point_is_written_as_it_was_judged(self) -> None:
        self.judged(points=("each",))
        self.start(78, "web", "/web", "-d")
        self.assertEqual(self.cycle(), [("threshold:big:each", 3)])
        self.assertEqual(self.journal.events[-1].details["value"], 1_024_000)
        sample = self.samples.accepted[-1]
        self.assertEqual((sample.values["each"], sample.layout.points[-1].name), (1_024_000, "each"))

    def test_a_set_without_processes_derives_from_its_count_alone(self) -> None:
        twice = DerivedConfig(point="twice", expression="count * 2")
        plus = DerivedConfig(point="plus", expression="memory + 1")
        self.task = self.make(derived=(twice, plus))
        self.start(77, "web", "/web", "-d")
        self.cycle()
        self.end(77)
        self.cycle()
        told = [[sample.values[name] for name in ("memory", "twice", "plus")] for sample in self.samples.accepted]
        self.assertEqual(told, [[1_024_000, 2, 1_024_001], [0, 0, None]])

    def test_a_derived_point_that_is_wrong_is_told_of_and_hurts_itself_alone(self) -> None:
        good, bad = (
            DerivedConfig(point="twice", expression="count * 2"),
            DerivedConfig(point="bad", expression="count +"),
        )
        self.task = self.make(derived=(bad, good))
        self.start(77, "web", "/web", "-d")
        self.assertEqual(self.cycle(), [("derived_points", 3)])
        event = self.journal.events[-1]
        self.assertEqual((event.component, event.event_class), ("", "/Status/Config"))
        self.assertIn("derived point bad: at character 8", event.summary)
        values = self.samples.accepted[-1].values
        self.assertEqual([values[name] for name in ("count", "twice", "bad")], [1, 2, None])
        self.assertEqual(self.cycle(), [])
        self.decide("derived_points", is_open=False, component="")
        self.assertEqual(self.cycle(), [("derived_points", 3)])
        self.hub = "hub-2"
        self.assertEqual(self.cycle(), [("derived_points", 3)])
        self.task = self.make(derived=(good,))
        self.assertEqual(self.cycle(), [("derived_points", 0)])
        self.decide("derived_points", is_open=True, component="")
        self.assertEqual(self.cycle(), [("derived_points", 0)])

    def test_a_set_without_processes_is_not_one_with_little_memory(self) -> None:
        many = (ThresholdConfig(id="few", points=("count",), levels=(Level(severity=Severity.INFO, minimum=1),)),)
        self.judged()
        self.task = self.make(thresholds=(*self.fields["thresholds"], *many))
        self.cycle()
        self.end(77)
        self.assertEqual(self.cycle(), [("process_missing", 4), ("threshold:few:count", 2)])
        self.start(77, "web", "/web", "-d")
        self.use(0)
        expected = [("process_missing", 0), ("threshold:big:memory", 0), ("threshold:few:count", 0)]
        self.assertEqual(self.cycle(), expected)

    def test_a_run_out_of_turn_counts_no_violation_twice(self) -> None:
        self.judged(scans=3)
        self.cycle()
        self.assertEqual([self.run_now() for _ in range(5)], [[]] * 5)
        self.assertEqual(self.cycle(), [])
        self.assertEqual(self.cycle(), [("threshold:big:memory", 3)])
        self.use(0)
        self.assertEqual(self.run_now(), [("threshold:big:memory", 0)])

    def test_counting_goes_on_in_a_task_that_is_made_anew(self) -> None:
        self.judged(scans=3)
        self.cycle()
        self.cycle()
        self.task = self.make(**self.fields)
        self.assertEqual(self.cycle(), [("threshold:big:memory", 3)])
        self.task = self.make(**self.fields)
        self.assertEqual(self.cycle(), [])

    def test_a_threshold_that_could_not_be_kept_is_decided_again(self) -> None:
        self.judged()
        self.journal.full = True
        self.assertEqual(self.cycle(), [])
        self.journal.full = False
        self.assertEqual(self.cycle(), [("threshold:big:memory", 3)])

    def test_a_device_that_cannot_be_read_closes_no_threshold(self) -> None:
        self.judged()
        self.cycle()
        self.agent.fail = SnmpTimeout("no answer")
        self.assertEqual(self.cycle(), [("snmp_timeout", 4)])
        self.agent.fail = None
        self.assertEqual(self.cycle(), [("snmp_timeout", 0)])

    def test_a_threshold_that_an_operator_closed_is_raised_anew_while_its_cause_goes_on(self) -> None:
        self.judged()
        self.cycle()
        self.decide("threshold:big:memory", is_open=False)
        self.assertEqual(self.cycle(), [("threshold:big:memory", 3)])
        self.decide("threshold:big:memory", is_open=False)
        self.use(0)
        self.assertEqual(self.cycle(), [])
        self.decide("threshold:big:memory", is_open=True)
        self.assertEqual(self.cycle(), [("threshold:big:memory", 0)])

    def test_a_hub_with_another_store_is_told_of_thresholds_anew(self) -> None:
        self.judged()
        self.cycle()
        self.hub = "hub-2"
        self.assertEqual(self.cycle(), [("threshold:big:memory", 3)])

    def test_another_config_brings_other_thresholds(self) -> None:
        self.judged()
        self.cycle()
        self.task.update(config())
        self.assertEqual(self.cycle(), [("threshold:big:memory", 0)])
        self.task.update(config(**self.fields))
        self.assertEqual(self.cycle(), [("threshold:big:memory", 3)])
        silent = (SetOverride(name="web", monitor=False),)
        self.task.update(config(**self.fields, overrides=silent))
        self.assertEqual(self.cycle(), [("threshold:big:memory", 0)])
        self.assertIn("it is not to be monitored", self.journal.events[-1].summary)

    def test_samples_of_a_renamed_set_go_on_under_its_series(self) -> None:
        self.start(77, "web", "/web", "-d")
        self.task = self.make(expected=(ExpectedSet("web", "web", "old"),))
        self.cycle()
        self.assertEqual([sample.key.component for sample in self.samples.accepted], ["old"])
        self.assertEqual([status.set for status in self.task.sets], ["web"])

    def test_a_look_tells_which_thresholds_are_violated(self) -> None:
        self.judged(scans=2)
        self.cycle()
        text = self.successResultOf(
            Deferred.fromCoroutine(self.make(**self.fields).look(tables=False, processes=False))
        )
        self.assertIn("Thresholds: 1; violated now: 1", text)
        line = "  warning memory of web is 1000 KiB, over the limit of 1000 B (big: no alarm yet, 1 of 2 scans)"
        self.assertIn(line, text)

    def test_a_look_changes_nothing(self) -> None:
        self.start(77, "web", "/web", "\x1b[31m-d")
        text = "\n".join(self.successResultOf(Deferred.fromCoroutine(self.task.look(tables=True, processes=True))))
        self.assertIn("up         web: 1 process,", text)
        self.assertNotIn("\x1b", text)
        self.assertEqual((self.journal.events, self.journal.states, self.samples.accepted), ([], {}, []))

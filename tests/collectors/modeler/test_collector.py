# mypy: allow-untyped-calls
"""The modeler as the framework uses it."""

from __future__ import annotations

import random
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from collectors.framework.interfaces import CollectorContext
from collectors.framework.scheduler import Scheduler
from collectors.framework.snmp.errors import SnmpAuthError, SnmpTimeout
from collectors.framework.snmp.interfaces import Oid, SnmpValue, Table
from collectors.modeler.collector import ModelerCollector
from collectors.modeler.plugins import identity, interfaces, processes
from collectors.modeler.plugins.catalogue import PLUGINS
from collectors.modeler.read_snmp import SYS_UPTIME
from collectors.modeler.task import FAILED, TIMEOUT_S, ModelTask, state_key
from common.configs import DeviceConfig, ModelConfig, SnmpConfig
from common.errors import NotFoundError, PermanentError, RemoteError
from common.events import CLASS_MODEL, CLASS_PROCESS, Severity
from common.queries import Decision, Done, ModelQuery, SetsQuery
from tests.collectors.modeler.tables import config, definition
from tests.fakes.events import FakeEventSink
from tests.fakes.hub import FakeHub
from tests.fakes.samples import FakeSampleSink
from tests.fakes.snmp import FakeSnmpClient, FakeUdpReactor

AT = 1_800_000_000.0
AGENT: dict[Oid, SnmpValue] = {
    SYS_UPTIME: 100,
    identity.SCALARS["sysName"]: b"box\x1b[2J",
    (*processes.NAME, 7): b"web",
    (*processes.PARAMETERS, 7): b"-d",
    (*interfaces.NAME, 1): b"lo",
    (*interfaces.MAC, 1): b"\0\1",
}


class Agent(FakeSnmpClient):
    """Fails tables whose first column is in `broken`."""

    def __init__(self) -> None:
        super().__init__(AGENT)
        self.broken: dict[Oid, Exception] = {}

    async def table(self, columns: Any, max_rows: int = 50_000, scalars: Any = (), known: Any = None) -> Table:
        if columns[0] in self.broken:
            raise self.broken[columns[0]]
        return await super().table(columns, max_rows, scalars, known)


class CollectorTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.spool, self.hub, self.agent = FakeEventSink(), FakeHub(), Agent()
        clock = Clock()
        context = CollectorContext(
            clock=clock,
            wall=lambda: AT,
            reactor=clock,
            rng=random.Random(1),
            events=self.spool,
            states=self.spool,
            samples=FakeSampleSink(lambda: AT),
            data_dir=Path(),
            hub_epoch=str,
            send_model=self.hub.send_model,
        )
        self.collector = ModelerCollector(context, lambda *_: self.agent)

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(work))

    def task(self, **changes: Any) -> ModelTask:
        return self.collector.make_task(replace(config(definition("web", "^web")), **changes))

    def refusal(self, changed: DeviceConfig) -> str:
        with self.assertRaises(PermanentError) as caught:
            self.collector.validate(changed)
        return str(caught.exception)

    def test_a_device_is_modelled_over_snmp_and_its_socket_closed(self) -> None:
        self.do(self.task().run(0))
        outcomes = {one.plugin: one for one in self.hub.reports[0].outcomes}
        self.assertEqual(list(outcomes), list(PLUGINS))
        self.assertEqual(outcomes["identity"].attributes, {"sysName": "box\ufffd[2J"})
        self.assertEqual([one.name for one in outcomes["processes"].components], ["web"])
        self.assertEqual([one.name for one in outcomes["interfaces"].components], ["lo"])
        self.assertIn("shows no storage", outcomes["filesystems"].problem)
        self.assertIn("neither processors nor memory", outcomes["hardware"].problem)
        self.assertTrue(self.agent.closed)
        self.assertEqual(self.spool.sent, [])

    def test_only_what_the_plugins_need_is_read(self) -> None:
        self.do(self.task(model=ModelConfig(plugins=("interfaces",))).run(0))
        self.assertEqual(self.agent.asked, [(SYS_UPTIME,), interfaces.INTERFACES.columns])

    def test_a_table_that_fails_leaves_the_others(self) -> None:
        self.agent.broken = {
            processes.NAME: SnmpTimeout("no answer after 3 tries"),
            interfaces.DESCR: SnmpAuthError("this user may not"),
        }
        self.do(self.task(model=ModelConfig(plugins=("identity", "processes", "interfaces"))).run(0))
        problems = {one.plugin: one.problem for one in self.hub.reports[0].outcomes}
        self.assertEqual(problems["identity"], "")
        self.assertIn("no answer after 3 tries", problems["processes"])
        self.assertIn("this user may not", problems["interfaces"])
        self.assertEqual([event.severity for event in self.spool.sent], [Severity.WARNING])

    def test_a_device_that_is_silent_is_a_report_with_a_problem_and_an_event(self) -> None:
        self.agent.fail = SnmpTimeout("192.0.2.1 does not answer")
        self.failureResultOf(Deferred.fromCoroutine(self.task().run(0)), SnmpTimeout)
        (report,) = self.hub.reports
        self.assertEqual((report.outcomes, report.problem), ([], "192.0.2.1 does not answer"))
        self.assertEqual([(one.event_class, one.event_key) for one in self.spool.sent], [(CLASS_MODEL, FAILED)])
        self.assertTrue(self.agent.closed)

    def test_a_question_is_noted_for_each_device(self) -> None:
        first, second = self.task(), self.collector.make_task(replace(config(), device="other"))
        query = ModelQuery(devices=["box", "other"], run="r1", dry_run=True)
        self.assertEqual(self.do(self.collector.answer(query)), Done(2))
        for task in (first, second):
            self.do(task.run(0))
        self.assertEqual(
            [(one.device, one.run, one.dry_run) for one in self.hub.reports],
            [("box", "r1", True), ("other", "r1", True)],
        )

    def test_a_question_about_a_device_that_is_not_here_is_refused_whole(self) -> None:
        task = self.task()
        self.failureResultOf(
            Deferred.fromCoroutine(self.collector.answer(ModelQuery(devices=["box", "nosuch"], run="r1"))),
            NotFoundError,
        )
        self.failureResultOf(Deferred.fromCoroutine(self.collector.answer(SetsQuery())), NotFoundError)
        self.do(task.run(0))
        self.assertEqual([one.run for one in self.hub.reports], [""])

    def test_configs_that_cannot_be_modelled_by(self) -> None:
        self.collector.validate(config(plugins=("identity",), interfaces_ignore="^veth"))
        self.collector.validate(replace(config(), model=None))
        self.assertIn("interfaces_ignore: '(' is no RE2 pattern", self.refusal(config(interfaces_ignore="(")))
        self.assertIn("filesystems_ignore: ", self.refusal(config(filesystems_ignore="(?=x)")))
        self.assertIn("process set web: include: ", self.refusal(config(definition("web", "("))))
        self.assertIn("it has no address", self.refusal(replace(config(), address="")))

    def test_what_an_operator_decides_reaches_the_device(self) -> None:
        self.agent.fail = SnmpTimeout("silent")
        task = self.task()
        decision = Decision(
            device="box", component="", event_class=CLASS_MODEL, event_key=FAILED, severity=4, open=False
        )
        self.failureResultOf(Deferred.fromCoroutine(task.run(0)), SnmpTimeout)
        self.assertTrue(self.collector.decided(decision))
        self.assertTrue(self.collector.decided(replace(decision, device="nosuch")))
        self.assertFalse(self.collector.decided(replace(decision, event_class=CLASS_PROCESS)))
        self.assertFalse(self.collector.decided(replace(decision, event_key="task_failed")))
        self.failureResultOf(Deferred.fromCoroutine(task.run(0)), SnmpTimeout)
        self.assertEqual(len(self.spool.sent), 2)

    def test_a_device_that_has_left_is_forgotten_and_what_becomes_of_its_reports_too(self) -> None:
        self.do(self.task().run(0))
        self.assertIn(state_key("box"), self.spool.states)
        self.collector.forget("box")
        self.assertEqual(self.spool.states, {})
        report = self.hub.reports[0]
        self.do(self.collector.taken(report))
        self.do(self.collector.refused(report, "no such device"))
        self.collector.dropped(report)
        self.assertEqual((self.spool.states, self.spool.sent), ({}, []))

    def test_a_refused_report_is_an_event(self) -> None:
        self.hub.fails = [RemoteError("bad_request", "not now")]
        self.do(self.task().run(0))
        self.assertEqual([event.event_key for event in self.spool.sent], ["model_refused"])

    def test_once_tells_what_was_read_and_found_and_sends_nothing(self) -> None:
        by = config(definition("web", "^web"))
        lines = self.do(self.collector.once(by, show_processes=True, show_tables=True))
        text = "\n".join(lines)
        self.assertTrue(all(line.isprintable() for line in lines), lines)
        self.assertIn("box: 192.0.2.1, SNMP, every 43200 s, 1 definitions", lines)
        self.assertIn("Read: interfaces, complete", text)
        self.assertIn("00:01", text)
        self.assertIn("web                   web -d", text)
        self.assertIn("processes: 1 component", lines)
        self.assertIn("  process_set web: definition web, count 1, example web -d", lines)
        self.assertIn("filesystems: nothing can be said: ", text)
        self.assertEqual(lines[-1], "Nothing was sent.")
        self.assertEqual((self.hub.reports, self.spool.states), ([], {}))
        few = self.do(self.collector.once(by, show_processes=False, show_tables=False))
        self.assertNotIn("Read: ", "\n".join(few))


class SilentTests(SynchronousTestCase):
    """The framework's own SNMP client, in the framework's own scheduler, and a network that swallows everything."""

    def test_an_agent_that_is_waited_for_too_long_is_answered_for_and_its_socket_closed(self) -> None:
        reactor, hub, spool = FakeUdpReactor(), FakeHub(), FakeEventSink()
        context = CollectorContext(
            clock=reactor,
            wall=lambda: AT + reactor.seconds(),
            reactor=reactor,
            rng=random.Random(1),
            events=spool,
            states=spool,
            samples=FakeSampleSink(lambda: AT),
            data_dir=Path(),
            hub_epoch=str,
            send_model=hub.send_model,
        )
        collector = ModelerCollector(context)
        scheduler = Scheduler(reactor, context.wall)
        scheduler.startService()
        patient = replace(config(), snmp=SnmpConfig(timeout_s=60.0, retries=10))
        scheduler.add(collector.make_task(patient), "box")
        self.successResultOf(
            Deferred.fromCoroutine(collector.answer(ModelQuery(devices=["box"], run="r1", dry_run=False)))
        )
        reactor.pump([1.0] * int(TIMEOUT_S + 2))
        self.assertEqual(
            [(one.run, one.problem) for one in hub.reports], [("r1", "box could not be modelled within 120 s")]
        )
        self.assertTrue(reactor.sent)
        self.assertFalse([port for port in reactor.ports if port.open])
        self.assertEqual(scheduler.running_tasks, 0)

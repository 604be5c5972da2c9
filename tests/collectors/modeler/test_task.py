# mypy: allow-untyped-calls
"""When a device is modelled, who is answered, and what is said of it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from collectors.framework.interfaces import CollectorContext
from collectors.framework.scheduler import GRACE_S, Scheduler
from collectors.modeler.facts import Facts, HostRows, Plugin
from collectors.modeler.memory import load
from collectors.modeler.outbox import AGAIN_S, Outbox
from collectors.modeler.task import FAILED, LOOK_EVERY_S, MAX_ASKED, REFUSED, TIMEOUT_S, Ask, ModelTask, state_key
from common.configs import DeviceConfig, SnmpConfig
from common.errors import RemoteError, TransientError
from common.events import CLASS_MODEL, Severity
from common.queries import Decision
from common.wire import ModelReport
from tests.collectors.modeler.tables import config, definition
from tests.fakes.events import FakeEventSink
from tests.fakes.hub import FakeHub
from tests.fakes.samples import FakeSampleSink

START = 1_800_000_000.0
INTERVAL_S = 43_200
WEB = definition("web", "^web")
GONE = TransientError("192.0.2.1 does not answer")


class FakeReader:
    """Tells one process; `fail` is raised, `hold` keeps readings until they are released."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.fail: Exception | None = None
        self.problems: dict[str, str] = {}
        self.hold = False
        self.held: list[Deferred[None]] = []
        self.began: list[float] = []

    async def read(self, plugins: Sequence[Plugin[Any]]) -> Facts:
        self.began.append(self.clock.seconds())
        if self.hold:
            self.held.append(Deferred())
            await self.held[-1]
        if self.fail is not None:
            raise self.fail
        rows: dict[str, object] = {"processes": ["web -d"], "identity": {"sysName": "box"}}
        return HostRows(rows={name: rows[name] for name in rows if name not in self.problems}, problems=self.problems)


def by(**changes: Any) -> DeviceConfig:
    return replace(config(WEB, plugins=("identity", "processes")), **changes)


class TaskTests(SynchronousTestCase):
    """One task in a real scheduler, a fake device and a fake hub."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.reader = FakeReader(self.clock)
        self.hub = FakeHub()
        self.spool = FakeEventSink()
        self.epoch = "hub-1"
        self.seen: list[tuple[str, int]] = []
        self.begin()

    def wall(self) -> float:
        return START + self.clock.seconds()

    def begin(self) -> None:
        """Start a daemon, or start it anew."""
        self.scheduler = Scheduler(self.clock, self.wall)
        self.scheduler.startService()
        context = CollectorContext(
            clock=self.clock,
            wall=self.wall,
            reactor=None,
            rng=random.Random(1),
            events=self.spool,
            states=self.spool,
            samples=FakeSampleSink(self.wall),
            data_dir=Path(),
            hub_epoch=lambda: self.epoch,
            send_model=self.hub.send_model,
        )
        self.outbox = Outbox(self.clock, random.Random(1), self.hub.send_model, self)
        self.task = ModelTask(by(), context, lambda _: self.reader, self.outbox)

    def add(self) -> None:
        """The first config has come; the task is run as soon as there is a place."""
        self.scheduler.add(self.task, "box")
        self.clock.advance(0)

    async def taken(self, report: ModelReport) -> None:
        await self.task.taken(report)

    async def refused(self, report: ModelReport, reason: str) -> None:
        await self.task.refused(reason)

    def dropped(self, report: ModelReport) -> None:
        self.task.dropped(report)

    def restart(self) -> None:
        self.successResultOf(self.scheduler.stopService())
        self.begin()
        self.add()

    def ask(self, run: str, *, dry_run: bool = False) -> None:
        """As the hub asks."""
        self.task.ask(Ask(run, dry_run))
        self.scheduler.run_now([self.task.name])
        self.clock.advance(0)

    def wait(self, seconds: float) -> None:
        self.clock.pump([30.0] * int(seconds / 30))

    def runs(self) -> list[tuple[str, bool, str]]:
        """What the hub was told, as run, dry run and problem."""
        return [(one.run, one.dry_run, one.problem) for one in self.hub.reports]

    def said(self) -> list[tuple[str, Severity]]:
        self.assertEqual({event.event_class for event in self.spool.sent} - {CLASS_MODEL}, set())
        return [(event.event_key, event.severity) for event in self.spool.sent]

    # --- when ---------------------------------------------------------------------------------------------------------

    def test_a_new_device_is_modelled_at_once(self) -> None:
        self.add()
        (report,) = self.hub.reports
        self.assertEqual((report.device, report.at, report.run, report.dry_run), ("box", START, "", False))
        self.assertEqual([one.plugin for one in report.outcomes], ["identity", "processes"])
        self.assertEqual([one.name for one in report.outcomes[1].components], ["web"])
        self.assertEqual(self.said(), [])

    def test_it_is_modelled_once_in_each_interval(self) -> None:
        self.add()
        self.wait(10 * INTERVAL_S)
        gaps = [after - before for before, after in zip(self.reader.began, self.reader.began[1:], strict=False)]
        self.assertIn(len(self.reader.began), {10, 11})
        self.assertTrue(0.5 * INTERVAL_S < gaps[0] < 1.5 * INTERVAL_S + LOOK_EVERY_S, gaps)
        self.assertTrue(all(abs(gap - INTERVAL_S) <= 2 * LOOK_EVERY_S for gap in gaps[1:]), gaps)

    def test_a_restart_does_not_model_it_again_and_does_not_put_it_off(self) -> None:
        self.add()
        for _ in range(20):
            self.wait(INTERVAL_S / 10)
            self.restart()
        self.assertEqual(len(self.reader.began), 1 + round((self.reader.began[-1]) / INTERVAL_S))
        self.assertGreater(len(self.reader.began), 1)

    def test_after_a_restart_what_the_hub_never_got_is_modelled_again(self) -> None:
        self.hub.connected = False
        self.add()
        self.hub.connected = True
        self.restart()
        self.assertEqual(len(self.reader.began), 2)
        self.assertEqual(len(self.hub.reports), 1)

    def test_other_definitions_are_a_reason_to_model_it_now_and_other_secrets_are_not(self) -> None:
        self.add()
        self.scheduler.update(self.task.name, by(snmp=SnmpConfig(community="other"), full_scan_every=3))
        self.clock.advance(0)
        self.assertEqual(len(self.hub.reports), 1)
        self.scheduler.update(self.task.name, by(process_sets=(definition("web", "^web", "the web"),)))
        self.clock.advance(0)
        self.assertEqual(len(self.hub.reports), 2)
        self.assertEqual([one.name for one in self.hub.reports[1].outcomes[1].components], ["the web"])

    def test_another_store_of_the_hub_is_told_anew(self) -> None:
        self.add()
        self.epoch = "hub-2"
        self.wait(2 * LOOK_EVERY_S)
        self.assertEqual(len(self.hub.reports), 2)

    def test_a_device_that_could_not_be_modelled_is_tried_again_soon(self) -> None:
        self.reader.fail = GONE
        self.add()
        self.wait(3 * LOOK_EVERY_S)
        self.assertGreaterEqual(len(self.reader.began), 3)
        self.reader.fail = None
        self.wait(2 * LOOK_EVERY_S)
        self.assertEqual(self.runs(), [("", False, GONE.message), ("", False, "")])

    # --- on demand ----------------------------------------------------------------------------------------------------

    def test_an_answer_bears_what_was_asked(self) -> None:
        self.add()
        self.ask("r1", dry_run=True)
        self.assertEqual(self.runs()[1:], [("r1", True, "")])
        self.wait(LOOK_EVERY_S)
        self.assertEqual(len(self.hub.reports), 2)

    def test_two_who_ask_at_once_both_get_an_answer_from_one_reading(self) -> None:
        self.add()
        self.task.ask(Ask("r1", dry_run=False))
        self.ask("r2", dry_run=True)
        self.assertEqual(self.runs()[1:], [("r1", False, ""), ("r2", True, "")])
        self.assertEqual(len(self.reader.began), 2)

    def test_who_asks_while_it_is_modelled_gets_an_answer_of_what_began_later(self) -> None:
        self.reader.hold = True
        self.add()
        self.ask("r1")
        self.clock.advance(5)
        self.reader.hold = False
        self.reader.held[0].callback(None)
        self.clock.advance(0)
        self.assertEqual(self.runs(), [("", False, ""), ("r1", False, "")])
        self.assertEqual(self.reader.began, [0.0, 5.0])

    def test_the_same_question_twice_is_one(self) -> None:
        self.add()
        self.task.ask(Ask("r1", dry_run=False))
        self.reader.hold = True
        self.ask("r1")
        self.ask("r1")
        self.reader.hold = False
        self.reader.held[0].callback(None)
        self.clock.advance(0)
        self.assertEqual(self.runs()[1:], [("r1", False, "")])

    def test_a_failure_answers_too_and_everybody(self) -> None:
        self.add()
        self.reader.fail = GONE
        for run in ("r1", "r2"):
            self.ask(run)
        self.assertEqual(self.runs()[1:], [("r1", False, GONE.message), ("r2", False, GONE.message)])

    def test_a_defect_answers_too(self) -> None:
        self.add()
        self.reader.fail = ZeroDivisionError()
        self.ask("r1")
        ((run, _, problem),) = self.runs()[1:]
        self.assertEqual(run, "r1")
        self.assertIn("an error of ours", problem)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_a_device_that_takes_too_long_answers_too(self) -> None:
        self.add()
        self.reader.hold = True
        self.ask("r1")
        self.clock.advance(TIMEOUT_S)
        self.assertEqual(self.runs()[1:], [("r1", False, "box could not be modelled within 120 s")])
        self.reader.hold = False
        self.wait(2 * LOOK_EVERY_S)
        self.assertEqual(self.runs()[2:], [("", False, "")])

    def test_a_device_that_is_taken_away_answers_too(self) -> None:
        self.add()
        self.reader.hold = True
        self.ask("r1")
        self.task.ask(Ask("r2", dry_run=False))
        self.successResultOf(Deferred.fromCoroutine(self.scheduler.remove(self.task.name)))
        answers = self.runs()[1:]
        self.assertEqual([run for run, _, _ in answers], ["r1", "r2"])
        self.assertTrue(all("was ended before it was done" in problem for _, _, problem in answers), answers)
        self.clock.advance(GRACE_S + 10)
        self.assertEqual(len(self.runs()), 3)

    def test_an_answer_waits_for_the_hub_while_newer_ones_come(self) -> None:
        self.add()
        self.hub.connected = False
        self.ask("r1")
        self.ask("r2", dry_run=True)
        self.scheduler.update(self.task.name, by(address="192.0.2.2"))
        self.clock.advance(0)
        self.hub.connected = True
        self.clock.advance(AGAIN_S[1])
        self.assertEqual(sorted(run for run, _, _ in self.runs()[1:]), ["", "r1", "r2"])

    def test_a_dry_run_alone_is_no_modelling(self) -> None:
        self.task.ask(Ask("r1", dry_run=True))
        self.add()
        self.assertEqual(self.runs(), [("r1", True, "")])
        self.wait(2 * LOOK_EVERY_S)
        self.assertEqual(self.runs()[1:], [("", False, "")])

    def test_not_everybody_may_wait(self) -> None:
        for number in range(MAX_ASKED):
            self.task.ask(Ask(f"r{number}", dry_run=False))
        with self.assertRaises(TransientError):
            self.task.ask(Ask("one more", dry_run=False))

    # --- what is said -------------------------------------------------------------------------------------------------

    def test_a_failure_is_one_event_until_it_is_over_also_after_a_restart(self) -> None:
        self.add()
        self.reader.fail = GONE
        self.ask("r1")
        self.wait(3 * LOOK_EVERY_S)
        self.restart()
        self.assertEqual(self.said(), [(FAILED, Severity.ERROR)])
        self.assertIn(GONE.message, self.spool.sent[0].summary)
        self.reader.fail = None
        self.wait(2 * LOOK_EVERY_S)
        self.assertEqual(self.said()[1:], [(FAILED, Severity.CLEAR)])

    def test_what_was_cut_short_is_a_lesser_alarm_and_tried_again(self) -> None:
        self.reader.problems = {"identity": "no answer after 3 tries"}
        self.add()
        self.assertEqual(self.said(), [(FAILED, Severity.WARNING)])
        self.assertEqual([one.problem for one in self.hub.reports[0].outcomes], ["no answer after 3 tries", ""])
        self.reader.fail = GONE
        self.wait(2 * LOOK_EVERY_S)
        self.reader.fail, self.reader.problems = None, {}
        self.wait(2 * LOOK_EVERY_S)
        self.assertEqual([severity for _, severity in self.said()], [Severity.WARNING, Severity.ERROR, Severity.CLEAR])

    def test_a_refusal_of_the_hub_is_told_until_it_takes_one(self) -> None:
        self.hub.fails = [RemoteError("bad_request", "no such device here")]
        self.add()
        self.assertEqual(self.said(), [(REFUSED, Severity.ERROR)])
        self.assertIn("no such device here", self.spool.sent[0].summary)
        self.wait(2 * LOOK_EVERY_S)
        self.assertEqual(self.said()[1:], [(REFUSED, Severity.CLEAR)])

    def test_a_full_disk_does_not_lose_the_event(self) -> None:
        self.reader.fail = GONE
        self.spool.full = True
        self.add()
        self.assertEqual(self.said(), [])
        self.spool.full = False
        self.wait(2 * LOOK_EVERY_S)
        self.assertEqual(self.said(), [(FAILED, Severity.ERROR)])

    def decided(self, key: str, *, opened: bool) -> None:
        self.task.decided(
            Decision(device="box", component="", event_class=CLASS_MODEL, event_key=key, severity=4, open=opened)
        )

    def test_an_alarm_that_somebody_closes_while_its_cause_goes_on_comes_back(self) -> None:
        self.reader.fail = GONE
        self.add()
        self.decided(FAILED, opened=False)
        self.wait(2 * LOOK_EVERY_S)
        self.assertEqual(self.said(), [(FAILED, Severity.ERROR), (FAILED, Severity.ERROR)])

    def test_an_alarm_that_somebody_opens_again_closes_when_its_cause_is_over(self) -> None:
        self.add()
        self.decided(FAILED, opened=True)
        self.wait(2 * LOOK_EVERY_S)
        self.assertEqual(self.said(), [(FAILED, Severity.CLEAR)])

    def test_an_alarm_of_a_part_that_somebody_closes_comes_back_with_the_next_look(self) -> None:
        self.reader.problems = {"identity": "no answer after 3 tries"}
        self.add()
        self.wait(3 * LOOK_EVERY_S)
        self.decided(FAILED, opened=False)
        self.wait(2 * LOOK_EVERY_S)
        self.assertEqual(self.said(), [(FAILED, Severity.WARNING)] * 2)

    def test_a_decision_survives_a_disk_that_is_full_for_a_while(self) -> None:
        self.reader.problems = {"identity": "no answer after 3 tries"}
        self.add()
        self.spool.full = True
        self.decided(FAILED, opened=False)
        self.wait(2 * LOOK_EVERY_S)
        self.spool.full = False
        self.wait(2 * LOOK_EVERY_S)
        self.assertEqual(self.said(), [(FAILED, Severity.WARNING)] * 2)

    def test_a_decision_is_kept_at_once(self) -> None:
        self.add()
        self.decided(FAILED, opened=True)
        self.reader.hold = True
        self.wait(2 * LOOK_EVERY_S)  # it is being modelled, and nothing has come of it yet
        self.assertEqual(load(self.spool.states[state_key("box")]).alarms, {FAILED: 4})

    # --- how often ----------------------------------------------------------------------------------------------------

    def test_what_can_be_read_in_part_alone_is_read_ever_more_rarely(self) -> None:
        self.reader.problems = {"identity": "no answer after 3 tries"}
        self.add()
        self.wait(2 * INTERVAL_S)
        began = self.reader.began
        gaps = [after - before for before, after in pairwise(began)]
        self.assertTrue(all(gap >= 0.9 * LOOK_EVERY_S * 2**n for n, gap in enumerate(gaps[:5])), gaps)
        self.assertTrue(all(gap <= INTERVAL_S + 2 * LOOK_EVERY_S for gap in gaps), gaps)
        self.assertLess(len(began), 10)
        self.reader.problems = {}
        self.ask("r1")
        self.reader.problems = {"identity": "no answer after 3 tries"}
        self.ask("r2")
        self.wait(3 * LOOK_EVERY_S)
        self.assertGreater(len(began), len(gaps) + 3)  # it was well meanwhile: from the beginning

    def test_what_the_hub_refuses_is_read_ever_more_rarely(self) -> None:
        self.hub.fails = [RemoteError("bad_request", "no such device here")] * 100
        self.add()
        self.wait(INTERVAL_S)
        self.assertTrue(4 <= len(self.reader.began) < 10, self.reader.began)

    def test_what_takes_too_long_is_read_ever_more_rarely(self) -> None:
        self.reader.hold = True
        self.add()
        self.wait(INTERVAL_S)
        self.assertTrue(4 <= len(self.reader.began) < 10, self.reader.began)

    def test_no_secret_is_kept_of_it(self) -> None:
        self.add()
        kept: dict[str, bytes] = self.spool.states
        first = kept[state_key("box")]
        self.scheduler.update(self.task.name, by(snmp=SnmpConfig(community="hunter2")))
        self.ask("r1")
        self.assertEqual(len(kept), 1)
        self.assertNotIn(b"hunter2", kept[state_key("box")])
        self.assertNotEqual(first, b"")

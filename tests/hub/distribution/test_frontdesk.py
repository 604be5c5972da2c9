# mypy: allow-untyped-calls
from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from common.configs import SERVICE_MODELER
from common.errors import PermanentError, RemoteError, TransientError
from common.events import CLASS_CONFIG, CLASS_DAEMON, CLASS_PROCESS, Event, Severity
from common.queries import DecidedQuery
from common.wire import Attach, Attached, EventBatch, Heartbeat, ModelReport, Position, SpooledEvent, TaskCounts
from hub.distribution.absence import Absence
from hub.distribution.ailments import Ailments
from hub.distribution.claims import settle_claims
from hub.distribution.decisions import Decisions
from hub.distribution.epochs import Epochs
from hub.distribution.hubevents import ConfigEvents, HubEvents
from hub.distribution.roster import MAX_DAEMONS, Roster
from hub.distribution.services import Services
from hub.frontdesk import FrontDesk
from hub.interfaces import EventRecord
from hub.model.entities import Pool
from tests.fakes.stores import InlineWorker
from tests.hub.distribution.fakes import Bench, FakeCollector, FakeSession

NOW = 1_800_000_000.0


class FakeStore:
    """Keeps events and daemons; `fails` makes the next writes fail, `hold` makes them wait."""

    def __init__(self) -> None:
        self.added: list[Event] = []
        self.stored: list[tuple[str, str, str, list[SpooledEvent]]] = []
        self.noted: list[tuple[str, str]] = []
        self.fails = 0
        self.hold: Deferred[None] | None = None
        self.decisions: list[EventRecord] = []
        self.open: list[EventRecord] = []
        self.late: set[str] = set()

    async def decided(self, collector: str, daemon: str) -> list[EventRecord]:
        return self.decisions

    async def still_open(self, collector: str, daemon: str) -> list[EventRecord]:
        return self.open

    async def _maybe(self) -> None:
        if self.hold is not None:
            await self.hold
        if self.fails:
            self.fails -= 1
            raise TransientError("the disk is full")

    async def add(self, event: Event, collector: str, daemon: str) -> int:
        await self._maybe()
        self.added.append(event)
        return len(self.added)

    async def store(
        self, collector: str, daemon: str, spool: str, events: list[SpooledEvent], late: Collection[str] = ()
    ) -> int:
        await self._maybe()
        self.stored.append((collector, daemon, spool, events))
        self.late |= set(late)
        return events[-1].seq

    async def stored_seq(self, collector: str, daemon: str, spool: str) -> int:
        return 17

    async def note_daemon(self, collector: str, daemon: str, at: float) -> None:
        await self._maybe()
        self.noted.append((collector, daemon))


def attach(daemon: str = "process", **told: Any) -> Attach:
    return Attach(daemon=daemon, host="box", software="0.1", oldest=1, newest=1, spool="s1", started_at=NOW, **told)


def event(device: str, **fields: Any) -> Event:
    given: dict[str, Any] = {
        "event_class": CLASS_PROCESS,
        "severity": Severity.ERROR,
        "summary": "nginx is missing",
        "at": NOW,
        "component": "nginx",
        "event_key": "process_missing",
    }
    return Event(device=device, **(given | fields))


class FakeModels:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    async def report(self, collector: str, report: ModelReport) -> None:
        self.told.append((collector, report.device))

    def arrived(self, collector: str, began: float) -> None:
        self.told.append((collector, f"since {began:g}"))

    def left(self, collector: str) -> None:
        self.told.append((collector, "left"))


class FakePools:
    """Notes what it is told of sessions; `pools` are those that devices belong to."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.pools: dict[str, Pool] = {}

    def arrived(self, collector: str) -> None:
        self.told.append((collector, "arrived"))

    def left(self, collector: str) -> None:
        self.told.append((collector, "left"))

    def pool_of(self, device_id: str) -> Pool | None:
        return self.pools.get(device_id)


class FakeSql:
    """A store as far as its epoch goes; `full` makes it refuse another one."""

    def __init__(self) -> None:
        self.epoch = "e1"
        self.is_new = False
        self.full = False

    async def renew_epoch(self) -> str:
        if self.full:
            raise TransientError("the disk is full")
        self.epoch = f"e{int(self.epoch[1:]) + 1}"
        return self.epoch


def make_epochs(case: DeskCase) -> Epochs:
    """The epoch of the bench's model."""
    folder = Path(tempfile.mkdtemp(prefix="tocsin-desk-"))
    case.addCleanup(shutil.rmtree, folder)
    case.sql = FakeSql()
    return Epochs(
        case.sql,
        InlineWorker(),
        folder / "mark",
        folder / "epoch.new",
        case.events.raise_event,
        case.wall,
        lambda: case.bench.model.revision,
    )


class DeskCase(SynchronousTestCase):
    sql: FakeSql

    def setUp(self) -> None:
        self.bench = Bench()
        self.bench.distributor.start()
        self.clock: Clock = self.bench.clock
        self.store = FakeStore()
        self.roster = Roster(self.wall)
        store: Any = self.store
        self.events = HubEvents(self.clock, random.Random(1), store)
        self.events.start()
        self.absence = Absence(self.clock, self.wall, self.roster, self.events)
        self.ailments = Ailments(self.wall, self.events)
        self.decisions = Decisions(self.clock, self.store.decided, self.roster.session, self.store.still_open)
        self.models = FakeModels()
        self.epochs = make_epochs(self)
        self.pools = FakePools()
        self.late: list[Any] = []
        self.desk = FrontDesk(
            self.wall,
            self.epochs,
            roster=self.roster,
            events=store,
            book=self.store,
            services=Services(self.bench.distributor, self.bench.another(SERVICE_MODELER)),
            absence=self.absence,
            decisions=self.decisions,
            ailments=self.ailments,
            models=self.models,
            pools=self.pools,
            late=self.late.append,
        )

    def wall(self) -> float:
        return NOW + self.clock.seconds()

    def attach(self, name: str = "local", daemon: str = "process") -> FakeSession:
        session = FakeSession(self.bench.collector(name), daemon=daemon)
        self.successResultOf(Deferred.fromCoroutine(self.desk.attached(session, attach(daemon))))
        return session

    def told(self, session: FakeSession) -> list[tuple[str, bool]]:
        """Alarms that a daemon has been told of: component, and whether it is open."""
        queries = [query for query in session.queries if isinstance(query, DecidedQuery)]
        return [(decision.component, decision.open) for query in queries for decision in query.decisions]

    def rung(self, key: str) -> list[Event]:
        return [item for item in self.store.added if item.event_key == key]


def record(component: str, state: str, collector: str = "local") -> EventRecord:
    return EventRecord(
        id=1,
        device="web1",
        component=component,
        event_class=CLASS_PROCESS,
        event_key="process_missing",
        severity=4,
        state=state,
        summary="nginx is missing",
        message="",
        count=1,
        first_seen=NOW,
        last_seen=NOW,
        closed_at=None,
        collector=collector,
        daemon="process",
        fingerprint="f",
        details={},
        state_by="ada",
    )


class DecisionTests(DeskCase):
    """What operators make of alarms reaches the daemon that raised them."""

    def test_a_daemon_that_is_there_is_told_at_once(self) -> None:
        here, there = self.attach("local"), self.attach("far")
        self.decisions.decided(record("nginx", "closed"))
        self.decisions.decided(record("cron", "new"))
        self.decisions.decided(record("sshd", "new", "nowhere"))
        self.assertEqual(self.told(here), [("nginx", False), ("cron", True)])
        self.assertEqual(self.told(there), [])

    def test_a_daemon_that_was_away_is_told_when_it_logs_in(self) -> None:
        self.store.decisions = [record(f"set{number}", "closed") for number in range(501)]
        session = self.attach()
        self.assertEqual(len(self.told(session)), 501)
        self.assertEqual(len(session.queries), 2)

    def test_a_daemon_that_refuses_or_is_gone_harms_nothing(self) -> None:
        session = self.attach()
        for error in (RemoteError("bad_request", "unknown"), TransientError("cut")):
            session.answers = lambda _query, error=error: fail(error)
            self.decisions.decided(record("nginx", "closed"))
        self.assertEqual(len(self.told(session)), 2)
        self.assertEqual(self.flushLoggedErrors(), [])


class EpochTests(DeskCase):
    """A collector that knows more of this store than the store does."""

    def login(self, name: str, **told: Any) -> tuple[FakeSession, Attached]:
        session = FakeSession(FakeCollector(name))
        done = Deferred.fromCoroutine(self.desk.attached(session, attach(**told)))
        self.clock.pump([0] * 4)
        return session, self.successResultOf(done)

    def restored(self) -> list[Event]:
        self.clock.pump([0] * 4)
        return [one for one in self.store.added if one.event_key == "hub_restored"]

    def test_what_fits_is_no_news(self) -> None:
        self.bench.model.put("web1")
        for told in (
            {},
            {"position": Position("e1", 1)},
            {"position": Position("e0", 99), "confirmed": 99},
            {"position": Position("e1", 1), "confirmed": 17},
        ):
            self.assertEqual(self.login("local", **told)[1].epoch, "e1")
        self.assertEqual(self.restored(), [])

    def test_a_revision_that_the_hub_has_not_had_makes_a_new_epoch_and_all_begin_anew(self) -> None:
        other, _ = self.login("other")
        session, answer = self.login("local", position=Position("e1", 1))
        self.assertEqual((answer.epoch, self.sql.epoch), ("e2", "e2"))
        self.assertEqual((other.aborted, session.aborted), ("the hub's store has a new epoch", ""))
        (event,) = self.restored()
        self.assertEqual((event.device, event.event_class, event.severity), ("hub", CLASS_DAEMON, Severity.WARNING))
        self.assertIn("collector local knows that the newest revision is 0, but it has had revision 1", event.summary)

    def test_events_that_the_hub_has_confirmed_and_has_not_make_one_too(self) -> None:
        _, answer = self.login("local", position=Position("e1", 0), confirmed=18)
        self.assertEqual(answer.epoch, "e2")
        self.assertIn("stored up to 17, but were confirmed up to 18", self.restored()[0].summary)

    def test_a_liar_is_believed_once(self) -> None:
        for number in range(1, 5):
            _, answer = self.login("liar", position=Position(self.sql.epoch, 10**9))
            self.assertEqual(answer.epoch, "e2", number)
        self.assertEqual(len(self.restored()), 1)

    def test_a_store_that_takes_no_new_epoch_refuses_the_login_and_is_asked_again(self) -> None:
        self.sql.full = True
        session = FakeSession(FakeCollector("local"))
        request = attach(position=Position("e1", 5))
        self.failureResultOf(Deferred.fromCoroutine(self.desk.attached(session, request)), TransientError)
        self.assertIsNone(self.roster.session("local", "process"))
        self.sql.full = False
        self.assertEqual(self.login("local", position=Position("e1", 5))[1].epoch, "e2")

    def test_one_from_another_store_is_told_of_all_that_is_open_so_that_it_closes_what_is_over(self) -> None:
        names = (("cron", "closed"), ("nginx", "new"), ("sshd", "acknowledged"))
        records = [replace(record(name, state), id=number) for number, (name, state) in enumerate(names)]
        self.store.decisions, self.store.open = records[:1], records[1:]
        told = []
        for epoch in ("e1", "", "e0"):
            session, _ = self.login("local", position=Position(epoch, 0))
            told.append(self.told(session))
        self.assertEqual(
            told, [[("cron", False)], [("cron", False)], [("cron", False), ("nginx", True), ("sshd", True)]]
        )


class AilmentTests(DeskCase):
    """A daemon that cannot send events has somebody who rings for it."""

    def test_a_problem_that_keeps_events_back_is_one_event_that_closes(self) -> None:
        session = self.attach()
        for untold in ("", "event spool: the disk is full", "event spool: still full", "", ""):
            self.desk.heartbeat(session, Heartbeat(counts=TaskCounts(problem="x", untold=untold)))
        self.clock.advance(1)
        said = [(event.device, event.component, event.severity) for event in self.rung("collector_problem")]
        self.assertEqual([item[:2] for item in said], [("local", "process")] * 3)
        self.assertEqual([item[2] for item in said], [Severity.CLEAR, Severity.ERROR, Severity.CLEAR])


class SessionTests(DeskCase):
    def test_who_attaches_gets_what_is_stored_and_its_configs(self) -> None:
        self.bench.model.put("web1")
        self.bench.settle()
        session = FakeSession(FakeCollector("local"))
        answer = self.successResultOf(Deferred.fromCoroutine(self.desk.attached(session, attach())))
        self.assertEqual((answer.collector, answer.epoch, answer.stored_seq), ("local", "e1", 17))
        self.assertEqual(list(session.peer.configs), ["web1"])
        self.assertEqual(self.store.noted, [("local", "process")])
        self.assertIs(self.roster.session("local", "process"), session)

    def test_a_new_session_ends_the_old_one_whose_late_end_harms_nothing(self) -> None:
        old = self.attach()
        new = self.attach()
        self.assertIn("logged in again", old.aborted)
        self.desk.detached(old, "aborted")
        self.assertIs(self.roster.session("local", "process"), new)
        self.bench.model.put("web1")
        self.bench.settle()
        self.assertEqual(old.batches, [])
        self.assertEqual(len(new.batches), 1)

    def test_a_login_that_the_store_cannot_note_is_refused_and_leaves_no_seat(self) -> None:
        self.store.fails = 1
        session = FakeSession(FakeCollector("local"))
        failure = self.failureResultOf(Deferred.fromCoroutine(self.desk.attached(session, attach())), TransientError)
        self.assertIn("disk", str(failure.value))
        self.assertIsNone(self.roster.session("local", "process"))

    def test_of_two_logins_at_once_the_later_one_gets_the_seat(self) -> None:
        self.store.hold = Deferred()
        first, second = FakeSession(FakeCollector("local")), FakeSession(FakeCollector("local"))
        answers = [Deferred.fromCoroutine(self.desk.attached(session, attach())) for session in (first, second)]
        hold, self.store.hold = self.store.hold, None
        hold.callback(None)
        self.failureResultOf(answers[0], TransientError)
        self.successResultOf(answers[1])
        self.assertIs(self.roster.session("local", "process"), second)
        self.assertEqual((len(first.asked), len(second.asked)), (0, 1))

    def test_reports_and_whether_modelers_are_there_are_handed_on(self) -> None:
        self.desk.detached(self.attach(daemon="process"), "gone")
        old, new = self.attach(daemon="modeler"), self.attach(daemon="modeler")
        self.successResultOf(Deferred.fromCoroutine(self.desk.modelled(new, ModelReport(device="web1", at=1.0))))
        self.desk.detached(old, "aborted")
        self.desk.detached(new, "gone")
        since = f"since {NOW:g}"
        self.assertEqual(self.models.told, [("local", since), ("local", since), ("local", "web1"), ("local", "left")])

    def test_a_collector_cannot_fill_the_roster(self) -> None:
        for number in range(MAX_DAEMONS):
            self.attach(daemon=f"d{number}")
        session = FakeSession(FakeCollector("local"), daemon="one-more")
        self.failureResultOf(Deferred.fromCoroutine(self.desk.attached(session, attach("one-more"))), PermanentError)

    def test_figures_of_heartbeats_are_kept(self) -> None:
        session = self.attach()
        self.desk.heartbeat(session, Heartbeat(counts=TaskCounts(devices=7)))
        self.assertEqual(self.roster.seats()[0].counts.devices, 7)
        self.desk.heartbeat(FakeSession(FakeCollector("local")), Heartbeat(counts=TaskCounts(devices=9)))
        self.assertEqual(self.roster.seats()[0].counts.devices, 7)


class EventTests(DeskCase):
    def send(self, session: FakeSession, *events: Event) -> int:
        batch = EventBatch(spool="s1", events=[SpooledEvent(18 + n, item) for n, item in enumerate(events)])
        return int(self.successResultOf(Deferred.fromCoroutine(self.desk.events(session, batch))).seq)

    def test_events_are_stored_before_they_are_acknowledged(self) -> None:
        self.bench.model.put("web1", "local")
        session = self.attach()
        self.assertEqual(self.send(session, event("web1"), event("local", component="")), 19)
        ((collector, daemon, spool, events),) = self.store.stored
        self.assertEqual((collector, daemon, spool), ("local", "process", "s1"))
        self.assertEqual([item.event.device for item in events], ["web1", "local"])
        self.store.fails = 1
        batch = EventBatch(spool="s1", events=[SpooledEvent(20, event("web1"))])
        self.failureResultOf(Deferred.fromCoroutine(self.desk.events(session, batch)), TransientError)

    def test_a_collector_cannot_speak_for_the_devices_of_another(self) -> None:
        self.bench.model.put("web1", "far")
        self.bench.model.put("local", "far")  # a device that bears the collector's name
        session = self.attach("local")
        foreign = [event("web1", severity=Severity.CLEAR), event("nobody"), event("local")]
        self.assertEqual(self.send(session, *foreign), 20)
        stored = [item.event for item in self.store.stored[0][3]]
        self.assertEqual([item.device for item in stored], ["local"] * 3)
        self.assertEqual([item.component for item in stored], ["web1 nginx", "nobody nginx", "local nginx"])
        self.assertEqual(stored[0].details["claimed_device"], "web1")
        self.assertIn("not its device", stored[0].message)
        self.assertEqual(stored[0].severity, Severity.CLEAR)
        self.assertEqual(self.roster.seats()[0].foreign_events, 3)

    def test_the_last_words_of_a_device_that_was_removed_are_its_own(self) -> None:
        self.bench.model.put("web1", "local")
        session = self.attach()
        self.bench.settle()
        self.bench.model.remove("web1")
        self.bench.settle()
        self.send(session, event("web1"))
        self.assertEqual(self.store.stored[0][3][0].event.device, "web1")

    def test_a_member_of_its_pool_may_speak_of_a_device_but_who_has_it_now_knows_better(self) -> None:
        self.bench.model.put("web1", "far")
        self.bench.model.put("web2", "local")
        session = self.attach("local")
        self.pools.pools["web1"] = Pool(id="eu", members=("far", "local"))
        self.send(session, event("web1"), event("web2"))
        self.assertEqual([item.event.device for item in self.store.stored[0][3]], ["web1", "web2"])
        self.assertEqual((self.store.late, self.late), ({"web1"}, [{"web1"}]))
        self.pools.pools["web1"] = Pool(id="eu", members=("far", "other"))
        self.send(session, event("web1"))
        self.assertEqual(self.store.stored[1][3][0].event.device, "local")

    def test_pools_know_which_process_daemons_are_there(self) -> None:
        first = self.attach("local")
        self.attach("local", "modeler")
        second = self.attach("local")
        self.desk.detached(first, "the same daemon has logged in again")
        self.assertEqual(self.pools.told, [("local", "arrived"), ("local", "arrived")])
        self.desk.detached(second, "gone")
        self.assertEqual(self.pools.told[2:], [("local", "left")])

    def test_texts_stay_within_their_bounds(self) -> None:
        long = event("d" * 512, component="c" * 512, summary="s" * 512, message="m" * 8192)
        ((settled,), foreign) = settle_claims("local", [SpooledEvent(1, long)], lambda _: False)
        self.assertEqual(foreign, 1)
        self.assertLessEqual(len(settled.event.component), 512)
        self.assertLessEqual(len(settled.event.summary), 512)
        self.assertLessEqual(len(settled.event.message), 8192)


class AbsenceTests(DeskCase):
    def test_a_daemon_that_stays_away_rings_after_a_minute_and_clears_when_it_is_back(self) -> None:
        session = self.attach()
        self.desk.detached(session, "no sign of life for 15 s")
        self.clock.advance(59)
        self.assertEqual([item.severity for item in self.rung("collector_lost")], [Severity.CLEAR])
        self.clock.advance(2)
        lost = self.rung("collector_lost")[-1]
        self.assertEqual((lost.device, lost.component, lost.event_class), ("local", "process", CLASS_DAEMON))
        self.assertEqual(lost.severity, Severity.ERROR)
        self.assertIn("no sign of life for 15 s", lost.summary)
        self.attach()
        self.assertEqual(self.rung("collector_lost")[-1].severity, Severity.CLEAR)

    def test_a_short_absence_rings_nothing(self) -> None:
        self.desk.detached(self.attach(), "restarted")
        self.clock.advance(30)
        self.attach()
        self.clock.advance(120)
        self.assertNotIn(Severity.ERROR, [item.severity for item in self.rung("collector_lost")])

    def test_a_daemon_of_earlier_days_that_does_not_come_rings_too(self) -> None:
        self.roster.remember([("far", "process", NOW - 500), ("local", "process", NOW - 5)])
        self.absence.start()
        self.attach("local")
        self.clock.advance(61)
        (lost,) = (item for item in self.rung("collector_lost") if item.severity is Severity.ERROR)
        self.assertEqual((lost.device, lost.component), ("far", "process"))
        self.assertTrue(self.roster.is_known("far"))
        self.assertIn("last seen", self.roster.whereabouts("far", "process"))
        self.assertIn("never", self.roster.whereabouts("nowhere", "process"))

    def test_stopping_leaves_no_timer(self) -> None:
        self.desk.detached(self.attach("far"), "gone")
        session = self.attach()
        self.absence.stop()
        self.desk.detached(session, "the hub stops")
        self.events.stop()
        self.clock.advance(0)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class HubEventTests(DeskCase):
    def test_what_the_store_cannot_take_is_tried_again_in_order(self) -> None:
        self.store.fails = 3
        for name in ("a", "b"):
            self.events.raise_event(event(name))
        self.assertEqual(self.store.added, [])
        self.clock.pump([1.0] * 30)
        self.assertEqual([item.device for item in self.store.added], ["a", "b"])

    def test_a_config_event_opens_once_changes_with_its_reason_and_closes_once(self) -> None:
        configs = ConfigEvents(self.events, self.wall)
        configs.remember([("old", "config_error", "from before")])
        configs.well("web1", "config_error")
        for summary in ("no", "no", "still no"):
            configs.trouble("web1", "config_error", summary, "why")
        for _ in range(2):
            configs.well("web1", "config_error")
            configs.well("old", "config_error")
        self.assertEqual(
            [(item.device, item.severity, item.summary[:8]) for item in self.store.added],
            [
                ("web1", Severity.ERROR, "no"),
                ("web1", Severity.ERROR, "still no"),
                ("web1", Severity.CLEAR, "the conf"),
                ("old", Severity.CLEAR, "the conf"),
            ],
        )
        self.assertEqual({item.event_class for item in self.store.added}, {CLASS_CONFIG})

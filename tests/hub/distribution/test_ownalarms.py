# mypy: allow-untyped-calls
"""What operators make of alarms that the hub itself has raised."""

from __future__ import annotations

import random
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from common.configs import SERVICE_MODELER, SERVICE_PROCESS
from common.events import HUB, Event, Severity
from common.wire import TaskCounts
from hub.distribution.absence import PATIENCE_S, Absence
from hub.distribution.ailments import Ailments
from hub.distribution.decisions import Decisions
from hub.distribution.hubevents import ConfigEvents, HubEvents
from hub.distribution.ownalarms import OwnAlarms
from hub.distribution.roster import Roster
from hub.distribution.services import Services
from hub.interfaces import EventRecord
from tests.hub.distribution.fakes import Bench, FakeCollector, FakeSession
from tests.hub.distribution.test_frontdesk import FakeStore

NOW = 1.8e9


def record(device: str, key: str, state: str, component: str = "", collector: str = HUB) -> EventRecord:
    return EventRecord(
        id=1,
        device=device,
        component=component,
        event_class="/Tocsin/Daemon",
        event_key=key,
        severity=4,
        state=state,
        summary="something is wrong",
        message="why",
        count=1,
        first_seen=NOW,
        last_seen=NOW,
        closed_at=None,
        collector=collector,
        daemon=collector,
        fingerprint="f",
        details={"devices": 3},
        state_by="ada",
    )


class OwnAlarmsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.rung: list[Event] = []

    def own(self, stands: bool | None) -> OwnAlarms:
        return OwnAlarms(self.rung.append, lambda: NOW, {"collector_lost": lambda _record: stands})

    def test_one_that_is_reopened_though_it_is_over_is_closed(self) -> None:
        self.own(stands=False).decided(record("c1", "collector_lost", "new", "process"))
        (told,) = self.rung
        self.assertEqual((told.device, told.component, told.event_key), ("c1", "process", "collector_lost"))
        self.assertEqual((told.event_class, told.severity), ("/Tocsin/Daemon", Severity.CLEAR))

    def test_one_that_is_closed_though_it_goes_on_is_raised_as_it_was(self) -> None:
        self.own(stands=True).decided(record("c1", "collector_lost", "closed", "process"))
        (told,) = self.rung
        self.assertEqual((told.severity, told.summary, told.message), (Severity.ERROR, "something is wrong", "why"))
        self.assertEqual(told.details, {"devices": 3})

    def test_nothing_is_said_where_the_operator_is_right_or_nobody_knows(self) -> None:
        self.own(stands=True).decided(record("c1", "collector_lost", "new"))
        self.own(stands=False).decided(record("c1", "collector_lost", "closed"))
        self.own(stands=None).decided(record("c1", "collector_lost", "new"))
        self.own(stands=False).decided(record("hub", "hub_restored", "new"))
        self.assertEqual(self.rung, [])

    def test_only_alarms_of_the_hub_are_asked_for_here(self) -> None:
        seen: list[str] = []
        store: Any = FakeStore()
        decisions = Decisions(Clock(), store.decided, lambda *_: None, own=lambda one: seen.append(one.device))
        decisions.decided(record("c1", "collector_lost", "new"))
        decisions.decided(record("web1", "process_missing", "new", collector="local"))
        self.assertEqual(seen, ["c1"])


class WhoKnowsTests(SynchronousTestCase):
    """The parts of the hub know how it stands with their alarms."""

    def setUp(self) -> None:
        self.clock = Clock()
        store: Any = FakeStore()
        self.events = HubEvents(self.clock, random.Random(1), store)
        self.roster = Roster(self.wall)

    def wall(self) -> float:
        return NOW + self.clock.seconds()

    def test_a_daemon_is_lost_when_it_was_away_for_long_and_no_more_when_it_is_back_or_removed(self) -> None:
        absence = Absence(self.clock, self.wall, self.roster, self.events)
        session: Any = FakeSession(FakeCollector("c1"))
        self.roster.arrive(session)
        absence.arrived("c1", "process")
        self.assertIs(absence.is_lost("c1", "process"), False)
        self.roster.leave(session, "cut")
        absence.left("c1", "process")
        self.assertIsNone(absence.is_lost("c1", "process"), "nobody has said so yet")
        self.clock.advance(PATIENCE_S)
        self.assertIs(absence.is_lost("c1", "process"), True)
        self.roster.forget("c1", "process")
        absence.forget("c1", "process")
        self.assertIs(absence.is_lost("c1", "process"), False)

    def test_a_daemon_ails_as_its_last_heartbeat_says(self) -> None:
        ailments = Ailments(self.wall, self.events)
        told = [ailments.ails("c1", "process")]
        for untold in ("the disk is full", ""):
            ailments.heard("c1", "process", TaskCounts(untold=untold))
            told.append(ailments.ails("c1", "process"))
        self.assertEqual(told, [None, True, False])

    def test_configs_are_in_trouble_each_service_by_itself(self) -> None:
        bench = Bench()
        reports = ConfigEvents(self.events, self.wall), ConfigEvents(self.events, self.wall, SERVICE_MODELER)
        services = Services(bench.distributor, bench.another(SERVICE_MODELER), reports)
        services.remember([("web1", "modeler_config_error", "from before")])
        reports[0].trouble("web1", "config_error", "no", "why")
        of = SERVICE_PROCESS, "web1", "config_error"
        self.assertTrue(services.is_in_trouble(*of))
        reports[0].well("web1", "config_error")
        self.assertFalse(services.is_in_trouble(*of))
        of = SERVICE_MODELER, "web1", "modeler_config_error"
        self.assertTrue(services.is_in_trouble(*of))
        reports[1].well("web1", "config_error")
        self.assertFalse(services.is_in_trouble(*of))

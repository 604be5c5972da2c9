from __future__ import annotations

from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from common.events import OPEN_STATES, Event, Severity
from hub.distribution.departures import A_SCAN_S, LAST_WORDS_S, LET_GO_S, LOOK_S, Departures
from hub.interfaces import EventFilter
from tests.fakes.stores import FakeEventStore, done
from tests.hub.distribution.fakes import Bench, config

A_LOOK_S = config("web1").interval_s + A_SCAN_S + LAST_WORDS_S + LOOK_S

STILL = EventFilter(states=tuple(state.value for state in OPEN_STATES))


class MovingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.bench = Bench()
        self.events = FakeEventStore(self.bench.clock.seconds)
        self.departures = self.make()
        self.bench.model.put("web1", "old")
        self.bench.distributor.start()
        self.bench.attach("old")
        self.bench.settle()
        self.raised("process_missing", "old")

    def make(self) -> Departures:
        departures = Departures(
            self.bench.clock,
            self.bench.clock.seconds,
            self.bench.distributor,
            self.events.close_devices,
            self.events.leave_behind,
            self.events.standing,
        )
        self.addCleanup(departures.stop)
        return departures

    def raised(self, key: str, collector: str, daemon: str = "process") -> None:
        event = Event(device="web1", event_class="/Status", event_key=key, severity=Severity.ERROR, summary=key, at=0.0)
        done(self.events.add(event, collector, daemon))

    def open(self) -> Sequence[tuple[str, str]]:
        return sorted((r.event_key, r.collector) for r in done(self.events.find(STILL)))

    def move(self, after: str = "new") -> None:
        revision = self.bench.model.put("web1", after)
        self.departures.moved(revision, ["web1"])

    def test_alarms_stay_open_until_the_new_collector_runs_the_device(self) -> None:
        self.move()
        self.bench.settle(2 * LET_GO_S)
        assert self.open() == [("process_missing", "old")]
        self.bench.attach("new")
        self.bench.settle(LET_GO_S + 2 * LAST_WORDS_S)
        assert self.open() == []
        assert self.bench.runs("new") == {"web1": "v1"}
        self.departures.stop()

    def test_what_the_new_collector_or_the_hub_has_said_since_stays_open(self) -> None:
        self.raised("high", "old")
        self.raised("model_failed", "old", "modeler")
        self.raised("config_error", "hub", "hub")
        self.bench.attach("new")
        self.move()
        self.bench.settle(1.0)
        self.raised("high", "new")
        self.raised("snmp_timeout", "new")
        self.bench.settle(2 * LAST_WORDS_S)
        assert ("process_missing", "old") in self.open(), "the new one has not had time to look"
        self.bench.settle(A_LOOK_S)
        assert self.open() == [("config_error", "hub"), ("high", "new"), ("snmp_timeout", "new")]
        self.raised("process_missing", "new")
        self.bench.settle(LET_GO_S)
        assert ("process_missing", "new") in self.open(), "what goes on is open"

    def test_a_collector_that_is_away_keeps_no_alarm_open_and_what_it_brings_later_is_closed_too(self) -> None:
        self.bench.detach("old")
        self.bench.attach("new")
        self.move()
        self.bench.settle(LET_GO_S + 2 * LAST_WORDS_S)
        assert self.open() == []
        self.bench.attach("old")
        self.raised("late", "old")
        self.bench.settle(LET_GO_S + 2 * LAST_WORDS_S)
        assert self.bench.runs("old") == {}
        assert self.open() == []

    def test_an_alarm_whose_cause_goes_on_is_not_closed_and_opened_anew(self) -> None:
        self.bench.attach("new")
        self.move()
        self.bench.settle(config("web1").interval_s)
        self.raised("process_missing", "new")
        self.bench.settle(LET_GO_S)
        found = done(self.events.find(EventFilter()))
        assert [(one.state, one.count, one.collector) for one in found] == [("new", 2, "new")]

    def test_a_device_that_came_back_meanwhile_keeps_its_alarms(self) -> None:
        self.bench.attach("new", quick=False)
        self.move()
        self.move("old")
        self.bench.settle(LET_GO_S + 2 * LAST_WORDS_S)
        assert self.open() == [("process_missing", "old")]

    def test_what_it_had_raised_before_it_let_go_is_closed_when_it_gets_the_device_back_and_it_is_over(self) -> None:
        self.raised("high", "old")
        self.bench.attach("new")
        self.move()
        self.bench.settle(1.0)
        assert self.bench.runs("old") == {}
        self.move("old")
        self.bench.settle(1.0)
        assert self.bench.runs("old") == {"web1": "v1"}
        self.raised("high", "old")
        self.bench.settle(A_LOOK_S + LET_GO_S)
        assert self.open() == [("high", "old")]

    def test_last_words_are_closed_and_of_the_present_collectors_alarms_none(self) -> None:
        self.raised("late", "elsewhere")
        self.departures.last_words(["web1"])
        self.bench.settle(A_LOOK_S + LET_GO_S)
        assert self.open() == [("process_missing", "old")]

    def test_a_hub_that_was_restarted_finds_what_is_open_of_devices_that_are_there_no_more(self) -> None:
        for device, by in (("gone", "old"), ("old", "old"), ("new", "hub"), ("web1", "old")):
            event = Event(device=device, event_class="/S", event_key="k", severity=Severity.ERROR, summary="", at=0.0)
            done(self.events.add(event, by, "process"))
        self.bench.restart()
        self.departures = self.make()
        self.departures.remember(done(self.events.reporters()))
        self.bench.attach("old")
        self.bench.settle(LET_GO_S + 2 * LAST_WORDS_S)
        left = {one.device for one in done(self.events.find(STILL))}
        assert left == {"old", "new", "web1"}

    def test_a_hub_that_was_restarted_in_between_finds_what_was_left_open(self) -> None:
        self.raised("own", "hub", "hub")
        self.bench.model.put("web1", "new")
        self.bench.attach("new")
        self.bench.restart()
        self.departures = self.make()
        self.departures.remember(done(self.events.reporters()))
        self.bench.settle(1.0)
        assert len(self.open()) == 2
        self.bench.attach("new")
        self.bench.settle(LET_GO_S + 2 * LAST_WORDS_S)
        assert self.open() == [("own", "hub")]

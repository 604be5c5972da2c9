from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from common.events import CLASS_DAEMON, CLASS_SNMP, Event, Severity
from common.wire import SpooledEvent
from hub.events.holders import MOST_OTHERS
from hub.events.store import SqlEventStore
from hub.interfaces import EventFilter, EventRecord
from hub.model.database import Database
from tests.contracts.event_store import NOW, Wall
from tests.fakes.stores import FakeEventStore, InlineWorker, done

OPEN = ("new", "acknowledged")
DAEMONS = ("process", "snmp", "status")


def silent(severity: Severity = Severity.ERROR, words: str = "no answer") -> Event:
    return Event(
        device="web1", event_class=CLASS_SNMP, event_key="snmp_timeout", severity=severity, summary=words, at=NOW
    )


def sql_store() -> SqlEventStore:
    database = Database("sqlite://", InlineWorker(), lambda: "epoch")
    done(database.open())
    return SqlEventStore(database, Wall(NOW))


@pytest.fixture(params=["sql", "fake"])
def store(request: pytest.FixtureRequest) -> Any:
    return sql_store() if request.param == "sql" else FakeEventStore(Wall(NOW))


def only(store: Any) -> EventRecord:
    found: list[EventRecord] = done(store.find(EventFilter()))
    (record,) = found
    return record


OVER = silent(Severity.CLEAR)


@pytest.mark.parametrize("first", ["process", "snmp"])
def test_an_alarm_of_two_daemons_is_open_until_neither_has_it(store: Any, first: str) -> None:
    second = {"process": "snmp", "snmp": "process"}[first]
    done(store.add(silent(), "local", "process"))
    done(store.add(silent(), "local", "snmp"))
    done(store.add(OVER, "local", first))
    assert only(store).state == "new"
    assert only(store).daemon == second
    done(store.add(OVER, "local", second))
    assert only(store).state == "closed"


def test_it_says_what_the_worst_of_those_say_who_have_it(store: Any) -> None:
    done(store.add(silent(Severity.WARNING, "a little"), "local", "status"))
    done(store.add(silent(Severity.CRITICAL, "much"), "local", "process"))
    done(store.add(silent(Severity.ERROR, "newest"), "local", "snmp"))
    done(store.add(OVER, "local", "snmp"))
    assert (only(store).severity, only(store).summary) == (Severity.CRITICAL, "much")
    done(store.add(OVER, "local", "process"))
    assert (only(store).severity, only(store).summary) == (Severity.WARNING, "a little")


def test_who_does_not_have_it_does_not_end_it(store: Any) -> None:
    done(store.add(silent(), "local", "process"))
    assert done(store.add(OVER, "local", "snmp")) == 0
    assert only(store).state == "new"


def test_another_collector_that_tells_of_it_has_it_alone(store: Any) -> None:
    done(store.add(silent(), "old", "process"))
    done(store.add(silent(), "old", "snmp"))
    done(store.add(silent(), "new", "process"))
    done(store.add(OVER, "new", "process"))
    assert only(store).state == "closed"


def test_each_of_those_that_have_it_is_told_what_an_operator_decides(store: Any) -> None:
    done(store.add(silent(), "local", "process"))
    done(store.add(silent(), "local", "snmp"))
    assert [one.id for daemon in DAEMONS for one in done(store.decided("local", daemon))] == []
    closed = done(store.set_state(1, "closed", "ada", NOW))
    assert {closed.daemon, *closed.others} == {"process", "snmp"}
    assert [bool(done(store.decided("local", daemon))) for daemon in DAEMONS] == [True, True, False]
    done(store.add(silent(), "local", "snmp"))
    assert [bool(done(store.decided("local", daemon))) for daemon in DAEMONS] == [True, False, False]


def test_a_daemon_with_the_name_of_a_field_has_no_alarms_of_others() -> None:
    store = sql_store()
    done(store.add(silent(words='"probe": no answer'), "local", "process"))
    done(store.add(silent(), "local", "snmp"))
    for daemon in ("summary", "probe", "count", "SNMP", "%"):
        assert done(store.still_open("local", daemon)) == []
        assert done(store.retire("local", daemon, "ada", NOW)) == 0
    assert len(done(store.still_open("local", "snmp"))) == len(done(store.still_open("local", "process"))) == 1


def test_a_daemon_that_ceases_to_read_a_device_has_no_alarms_of_it(store: Any) -> None:
    if isinstance(store, FakeEventStore):
        pytest.skip("the fake has no close_of")
    done(store.add(silent(), "local", "process"))
    done(store.add(silent(), "local", "snmp"))
    done(store.close_of(["web1"], "snmp", "hub", NOW))
    assert (only(store).state, only(store).daemon) == ("new", "process")
    done(store.close_of(["web1"], "process", "hub", NOW))
    assert only(store).state == "closed"


def test_what_a_daemon_says_of_itself_is_no_matter_of_what_it_reads() -> None:
    store = sql_store()
    own = Event(
        device="web1", event_class=CLASS_DAEMON, event_key="disk", severity=Severity.ERROR, summary="full", at=NOW
    )
    done(store.add(own, "web1", "snmp"))
    done(store.add(silent(), "web1", "snmp"))
    done(store.add(silent(), "web1", "process"))
    assert done(store.tellers()) == [("web1", "process"), ("web1", "snmp")]
    done(store.close_of(["web1"], "process", "hub", NOW))
    done(store.close_of(["web1"], "snmp", "hub", NOW))
    assert {one.event_key: one.state for one in done(store.find(EventFilter()))} == {
        "disk": "new",
        "snmp_timeout": "closed",
    }


def test_a_daemon_that_was_removed_has_none(store: Any) -> None:
    done(store.add(silent(), "local", "process"))
    done(store.add(silent(), "local", "snmp"))
    done(store.retire("local", "snmp", "ada", NOW))
    assert (only(store).state, only(store).others) == ("new", {})
    done(store.retire("far", "process", "ada", NOW))
    assert only(store).state == "new"
    done(store.retire("local", "process", "ada", NOW))
    assert (only(store).state, only(store).state_by) == ("closed", "ada")


@pytest.mark.parametrize("again", [(), ("process",), ("snmp",), ("process", "snmp")])
def test_of_what_both_had_forgotten_that_stays_which_one_of_them_has_told_of_since(
    store: Any, again: tuple[str, ...]
) -> None:
    for daemon in ("process", "snmp"):
        done(store.add(silent(), "back", daemon))
    stood = done(store.standing({"web1"}, "process")) | done(store.standing({"web1"}, "snmp"))
    for daemon in again:
        done(store.add(silent(), "back", daemon))
    done(store.leave_behind({"web1": "back"}, "hub", NOW, stood))
    assert (only(store).state == "new") is bool(again)
    for daemon in again:
        assert only(store).state == "new"
        done(store.add(OVER, "back", daemon))
    assert only(store).state == "closed"


def test_no_more_is_kept_of_others_than_there_is_room_for(store: Any) -> None:
    for number in range(2 * MOST_OTHERS):
        done(store.add(silent(), "local", f"service{number}"))
    assert len(only(store).others) == MOST_OTHERS


class Daemon:
    """Says once that something is wrong, and once that it is over; what it has not handed over it keeps."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ill = self.told = self.there = False
        self.spool: list[SpooledEvent] = []
        self.handed = 0

    def scan(self) -> None:
        if self.ill != self.told:
            self.told = self.ill
            self.spool.append(SpooledEvent(len(self.spool) + 1, silent() if self.ill else OVER))

    def hand_over(self, store: Any) -> None:
        from_ = max(0, self.handed - 1)  # an answer may have been lost: the last one goes twice
        self.handed = done(store.store("local", self.name, "spool", self.spool[from_:]))

    def decided(self, records: list[EventRecord]) -> None:
        for record in records:
            self.told = record.state in OPEN


class DaemonsMachine(RuleBasedStateMachine):
    """Daemons that have trouble with one device in any order, come and go, and an operator who decides in between."""

    @initialize()
    def start(self) -> None:
        self.store = sql_store()
        self.daemons = [Daemon(name) for name in DAEMONS]

    @rule(number=st.integers(0, 2), ill=st.booleans())
    def turns(self, number: int, ill: bool) -> None:
        self.daemons[number].ill = ill
        self.daemons[number].scan()
        if self.daemons[number].there:
            self.daemons[number].hand_over(self.store)

    @rule(number=st.integers(0, 2))
    def comes(self, number: int) -> None:
        daemon = self.daemons[number]
        daemon.there = True
        daemon.hand_over(self.store)
        daemon.decided(done(self.store.decided("local", daemon.name)))
        daemon.scan()
        daemon.hand_over(self.store)

    @rule(number=st.integers(0, 2))
    def goes(self, number: int) -> None:
        self.daemons[number].there = False

    @rule(state=st.sampled_from(["closed", "new", "acknowledged"]))
    def decides(self, state: str) -> None:
        found = done(self.store.find(EventFilter(limit=1)))
        if not found or (state == "acknowledged" and found[0].state not in OPEN):
            return
        if state == "new" and found[0].state in OPEN:
            return
        record = done(self.store.set_state(found[0].id, state, "ada", NOW))
        if record is None or state == "acknowledged":
            return
        for daemon in self.daemons:
            if daemon.there and daemon.name in {record.daemon, *record.others}:
                daemon.decided([record])
                daemon.scan()
                daemon.hand_over(self.store)

    @precondition(lambda self: hasattr(self, "daemons"))
    @rule()
    def settles(self) -> None:
        for number in range(3):
            self.comes(number)
        states = [record.state for record in done(self.store.find(EventFilter())) if record.state in OPEN]
        assert len(states) == any(daemon.ill for daemon in self.daemons)

    def teardown(self) -> None:
        if hasattr(self, "daemons"):
            self.settles()


DaemonsMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
TestDaemons = pytest.mark.timeout(600)(DaemonsMachine.TestCase)

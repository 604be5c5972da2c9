"""What every `IEventStore` keeps: the rules of events, and that each is stored exactly once."""

from __future__ import annotations

from typing import Any

import pytest

from common.errors import PermanentError
from common.events import CLASS_PROCESS, CLASS_SNMP, Event, Severity, fingerprint
from common.wire import SpooledEvent
from hub.interfaces import EventFilter
from tests.fakes.stores import done

SPOOL = ("local", "process", "spool-1")
NOW = 1_000_000.0


class Wall:
    """Epoch seconds that a test sets."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def event(component: str = "nginx", severity: Severity = Severity.ERROR, at: float = NOW, **fields: Any) -> Event:
    values = {
        "device": "web1",
        "event_class": CLASS_PROCESS,
        "event_key": "process_missing",
        "summary": f"{component} is missing",
    } | fields
    return Event(component=component, severity=severity, at=at, **values)


def clear(component: str = "nginx", at: float = NOW, **fields: Any) -> Event:
    return event(component, Severity.CLEAR, at, summary=f"{component} is back", **fields)


def batch(first: int, *events: Event) -> list[SpooledEvent]:
    return [SpooledEvent(first + number, item) for number, item in enumerate(events)]


class EventStoreContract:
    """Subclasses give `store`: one that is new, and reads the time from `wall`."""

    @pytest.fixture
    def wall(self) -> Wall:
        return Wall()

    @pytest.fixture
    def store(self, wall: Wall) -> Any:
        raise NotImplementedError

    def all(self, store: Any) -> list[Any]:
        found = done(store.find(EventFilter(limit=1000)))
        return sorted(found, key=lambda record: int(record.id))

    # --- rules --------------------------------------------------------------------------------------------------------

    def test_an_event_is_a_record(self, store: Any) -> None:
        seen = event(at=NOW - 5, message="pid 812 is gone", group="Process", details={"pids": [812], "x": None})
        id_ = done(store.add(seen, "local", "process"))
        record = done(store.get(id_))
        assert (record.device, record.component, record.event_class) == ("web1", "nginx", CLASS_PROCESS)
        assert (record.event_key, record.severity, record.state) == ("process_missing", 4, "new")
        assert (record.summary, record.message, record.group) == ("nginx is missing", "pid 812 is gone", "Process")
        assert (record.count, record.first_seen, record.last_seen) == (1, NOW - 5, NOW - 5)
        assert (record.closed_at, record.collector, record.daemon) == (None, "local", "process")
        assert record.fingerprint == fingerprint(seen)
        assert record.details == {"pids": [812], "x": None}
        assert done(store.get(id_ + 1)) is None

    def test_a_repeat_counts_up_and_says_what_was_seen_last(self, store: Any) -> None:
        first = done(store.add(event(at=NOW - 60), "local", "process"))
        worse = event(severity=Severity.CRITICAL, at=NOW, summary="worse", details={"n": 2}, count=3)
        assert done(store.add(worse, "other", "process")) == first
        (record,) = self.all(store)
        assert (record.count, record.severity, record.summary, record.details) == (4, 5, "worse", {"n": 2})
        assert (record.first_seen, record.last_seen, record.collector) == (NOW - 60, NOW, "other")

    def test_a_repeat_that_comes_late_does_not_turn_time_back(self, store: Any) -> None:
        done(store.add(event(at=NOW), "local", "process"))
        done(store.add(event(at=NOW - 60), "local", "process"))
        (record,) = self.all(store)
        assert (record.first_seen, record.last_seen, record.count) == (NOW - 60, NOW, 2)

    def test_a_clear_closes(self, store: Any) -> None:
        id_ = done(store.add(event(at=NOW - 60), "local", "process"))
        assert done(store.add(clear(at=NOW), "local", "process")) == id_
        (record,) = self.all(store)
        assert (record.state, record.closed_at, record.count) == ("closed", NOW, 1)
        assert (record.severity, record.summary) == (4, "nginx is missing")

    def test_a_clear_of_nothing_leaves_nothing(self, store: Any) -> None:
        assert done(store.add(clear(), "local", "process")) == 0
        assert self.all(store) == []

    @pytest.mark.parametrize(
        "other", [{"device": "web2"}, {"event_class": CLASS_SNMP}, {"event_key": "process_count"}, {"component": "x"}]
    )
    def test_a_clear_closes_only_its_own_alarm(self, store: Any, other: dict[str, Any]) -> None:
        done(store.add(event(), "local", "process"))
        fields: dict[str, Any] = {"component": "nginx"} | other
        assert done(store.add(clear(**fields), "local", "process")) == 0
        assert self.all(store)[0].state == "new"

    def test_what_is_seen_after_a_clear_is_a_new_record(self, store: Any) -> None:
        first = done(store.add(event(), "local", "process"))
        done(store.add(clear(), "local", "process"))
        second = done(store.add(event(), "local", "process"))
        assert second != first
        assert [record.state for record in self.all(store)] == ["closed", "new"]

    def test_an_acknowledged_alarm_stays_so_and_counts_on(self, store: Any) -> None:
        id_ = done(store.add(event(), "local", "process"))
        record = done(store.set_state(id_, "acknowledged", "ann", NOW))
        assert (record.state, record.state_by) == ("acknowledged", "ann")
        assert done(store.add(event(), "local", "process")) == id_
        record = done(store.get(id_))
        assert (record.state, record.state_by, record.count) == ("acknowledged", "ann", 2)
        done(store.add(clear(), "local", "process"))
        assert done(store.get(id_)).state == "closed"

    @pytest.mark.parametrize("at", [float("nan"), float("inf"), -1.0, NOW + 1e9])
    def test_a_stamp_that_is_no_time_becomes_now(self, store: Any, at: float) -> None:
        id_ = done(store.add(event(at=at), "local", "process"))
        assert done(store.get(id_)).last_seen == NOW

    def test_hostile_texts_and_counts_are_stored(self, store: Any) -> None:
        bad = event(component="a\x00b'\"%?", summary="<script>\x00", count=2**63, details={"\\u0000": "\\u0000\x00"})
        id_ = done(store.add(bad, "local", "process"))
        assert done(store.add(bad, "local", "process")) == id_
        record = done(store.get(id_))
        assert "\x00" not in record.component + record.summary
        assert record.details["\\u0000"].startswith("\\u0000")
        assert record.count == 10**15

    # --- exactly once -------------------------------------------------------------------------------------------------

    def test_a_batch_is_stored_and_its_position_told(self, store: Any) -> None:
        assert done(store.stored_seq(*SPOOL)) == 0
        assert done(store.store(*SPOOL, batch(1, event("a"), event("b"), clear("a")))) == 3
        assert done(store.stored_seq(*SPOOL)) == 3
        assert [(record.component, record.state) for record in self.all(store)] == [("a", "closed"), ("b", "new")]

    def test_a_batch_sent_twice_is_stored_once(self, store: Any) -> None:
        sent = batch(1, event("a"), event("a"), event("b"))
        assert done(store.store(*SPOOL, sent)) == done(store.store(*SPOOL, sent)) == 3
        assert [(record.component, record.count) for record in self.all(store)] == [("a", 2), ("b", 1)]

    def test_an_overlap_stores_only_what_is_new(self, store: Any) -> None:
        done(store.store(*SPOOL, batch(1, event("a"), event("a"))))
        assert done(store.store(*SPOOL, batch(2, event("a"), event("a"), event("b")))) == 4
        assert [(record.component, record.count) for record in self.all(store)] == [("a", 3), ("b", 1)]

    def test_a_batch_after_a_gap_stores_nothing(self, store: Any) -> None:
        done(store.store(*SPOOL, batch(1, event("a"))))
        assert done(store.store(*SPOOL, batch(3, event("b")))) == 1
        assert len(self.all(store)) == 1

    def test_a_gap_inside_a_batch_ends_it(self, store: Any) -> None:
        sent = [*batch(1, event("a")), *batch(3, event("b"))]
        assert done(store.store(*SPOOL, sent)) == 1
        assert [record.component for record in self.all(store)] == ["a"]

    def test_an_empty_batch_tells_the_position(self, store: Any) -> None:
        done(store.store(*SPOOL, batch(1, event("a"))))
        assert done(store.store(*SPOOL, [])) == 1

    def test_spools_collectors_and_daemons_have_positions_of_their_own(self, store: Any) -> None:
        others = [("local", "process", "spool-2"), ("local", "snmp", "spool-1"), ("far", "process", "spool-1")]
        for spool in (SPOOL, *others):
            assert done(store.store(*spool, batch(1, event("a")))) == 1
        assert self.all(store)[0].count == 4

    def test_opened_and_closed_many_times_in_one_batch(self, store: Any) -> None:
        done(store.store(*SPOOL, batch(1, event(), clear(), event(), event(), clear(), event())))
        assert [(record.state, record.count) for record in self.all(store)] == [
            ("closed", 1), ("closed", 2), ("new", 1),
        ]  # fmt: skip

    def test_closed_and_opened_anew_in_one_batch(self, store: Any) -> None:
        done(store.store(*SPOOL, batch(1, event())))
        done(store.store(*SPOOL, batch(2, clear(), event(), event())))
        assert [(record.state, record.count) for record in self.all(store)] == [("closed", 1), ("new", 2)]

    # --- operators ----------------------------------------------------------------------------------------------------

    def test_closing_and_reopening(self, store: Any) -> None:
        id_ = done(store.add(event(), "local", "process"))
        closed = done(store.set_state(id_, "closed", "ann", NOW + 5))
        assert (closed.state, closed.closed_at, closed.state_by) == ("closed", NOW + 5, "ann")
        assert done(store.set_state(id_, "closed", "bob", NOW + 9)) == closed
        opened = done(store.set_state(id_, "new", "bob", NOW + 10))
        assert (opened.state, opened.closed_at, opened.state_by) == ("new", None, "bob")
        assert done(store.add(event(), "local", "process")) == id_

    def test_what_operators_have_decided_and_still_holds_is_told(self, store: Any) -> None:
        def decided() -> list[tuple[str, str]]:
            return [(record.component, record.state) for record in done(store.decided("local", "process"))]

        names = ("shut", "again", "seen", "left")
        ids = {name: done(store.add(event(name), "local", "process")) for name in names}
        ids["happened"] = done(store.add(event("happened", event_key="process_restarted"), "local", "process"))
        ids["reopened"] = done(store.add(event("reopened"), "local", "process"))
        done(store.add(event("elsewhere"), "far", "process"))
        done(store.set_state(ids["seen"], "acknowledged", "ada", NOW + 1))
        for name in ("shut", "again", "happened", "reopened"):
            done(store.set_state(ids[name], "closed", "ada", NOW + 1))
        done(store.set_state(ids["reopened"], "new", "ada", NOW + 2))
        done(store.add(event("again"), "local", "process"))
        assert decided() == [("shut", "closed"), ("reopened", "new")]
        done(store.add(clear("reopened"), "local", "process"))
        done(store.add(clear("again"), "local", "process"))
        assert decided() == [("shut", "closed"), ("again", "closed"), ("reopened", "closed")]
        assert done(store.decided("far", "process")) == []

    def test_a_closed_event_cannot_be_acknowledged(self, store: Any) -> None:
        id_ = done(store.add(event(), "local", "process"))
        done(store.set_state(id_, "closed", "ann", NOW))
        with pytest.raises(PermanentError, match=f"event {id_} is closed"):
            done(store.set_state(id_, "acknowledged", "ann", NOW))

    def test_an_event_stays_closed_while_its_alarm_is_open_again(self, store: Any) -> None:
        first = done(store.add(event(), "local", "process"))
        done(store.add(clear(), "local", "process"))
        second = done(store.add(event(), "local", "process"))
        with pytest.raises(PermanentError, match=f"event {first} stays closed.*event {second}"):
            done(store.set_state(first, "new", "ann", NOW))

    def test_nobody_can_age_an_event_by_hand(self, store: Any) -> None:
        id_ = done(store.add(event(), "local", "process"))
        with pytest.raises(PermanentError, match="by itself"):
            done(store.set_state(id_, "aged", "ann", NOW))

    def test_an_event_that_is_not_there(self, store: Any) -> None:
        assert done(store.set_state(17, "closed", "ann", NOW)) is None

    def test_the_events_of_a_device_that_left_are_closed(self, store: Any) -> None:
        done(store.store(*SPOOL, batch(1, event("a"), event("b"), event("a", device="web2"))))
        assert done(store.close_devices(["web1", "web3"], "hub", NOW)) == 2
        assert [(r.device, r.state) for r in self.all(store)] == [
            ("web1", "closed"),
            ("web1", "closed"),
            ("web2", "new"),
        ]
        assert done(store.close_devices([], "hub", NOW)) == 0

    def test_what_a_collector_left_open_of_a_device_that_moved_is_closed(self, store: Any) -> None:
        done(store.store("old", "process", "s", batch(1, event("a"), event("b"), event("a", device="web2"))))
        done(store.store("old", "modeler", "s", batch(1, event("c"))))
        done(store.add(event("own"), "hub", "hub"))
        done(store.store("new", "process", "s", batch(1, event("b"))))
        assert done(store.reporters()) == [("web1", "hub"), ("web1", "new"), ("web1", "old"), ("web2", "old")]
        assert done(store.leave_behind({"web1": "new", "web3": "new"}, "hub", NOW)) == 2
        told = {(r.device, r.component): (r.state, r.state_by, r.details.get("closed")) for r in self.all(store)}
        moved = ("closed", "hub", "moved to collector new")
        assert told == {
            ("web1", "a"): moved,
            ("web1", "b"): ("new", "", None),
            ("web1", "c"): moved,
            ("web1", "own"): ("new", "", None),
            ("web2", "a"): ("new", "", None),
        }
        assert done(store.leave_behind({"web1": "new"}, "hub", NOW)) == 0
        assert done(store.leave_behind({}, "hub", NOW)) == 0

    def test_of_what_a_collector_raised_before_it_got_a_device_anew_that_is_closed_which_it_does_not_see_again(
        self, store: Any
    ) -> None:
        done(store.store("back", "process", "s", batch(1, event("over"), event("goes-on"), event("x", device="web2"))))
        done(store.store("back", "modeler", "s", batch(1, event("modelled"))))
        stood = done(store.standing({"web1"}, "process"))
        assert sorted(stood.values()) == [1, 1]
        done(store.store("back", "process", "s", batch(4, event("goes-on"), event("new"))))
        assert done(store.leave_behind({"web1": "back"}, "hub", NOW, stood)) == 1
        assert {r.component: r.state for r in self.all(store)} == {
            "over": "closed",
            "goes-on": "new",
            "modelled": "new",
            "new": "new",
            "x": "new",
        }

    def test_last_words_of_who_had_a_device_neither_end_nor_take_over_what_the_next_has_said(self, store: Any) -> None:
        done(store.store("new", "process", "s", batch(1, event("a"), event("b", at=NOW - 5))))
        late = batch(1, event("a", Severity.CRITICAL, NOW - 60), clear("a"), clear("b"), event("c"))
        assert done(store.store("old", "process", "s", late, {"web1"})) == 4
        told = {r.component: (r.state, r.collector, r.severity, r.count, r.first_seen) for r in self.all(store)}
        assert told == {
            "a": ("new", "new", Severity.ERROR, 2, NOW - 60),
            "b": ("new", "new", Severity.ERROR, 1, NOW - 5),
            "c": ("new", "old", Severity.ERROR, 1, NOW),
        }

    def test_last_words_end_what_the_same_collector_has_raised(self, store: Any) -> None:
        done(store.store("old", "process", "s", batch(1, event("a"))))
        done(store.store("old", "process", "s", batch(2, event("a"), clear("a"), clear("b")), {"web1"}))
        assert [(r.component, r.state, r.count) for r in self.all(store)] == [("a", "closed", 2)]

    def test_of_other_devices_everything_counts(self, store: Any) -> None:
        done(store.store("new", "process", "s", batch(1, event("a"))))
        done(store.store("old", "process", "s", batch(1, clear("a")), {"web2"}))
        assert [r.state for r in self.all(store)] == ["closed"]

    # --- reading ------------------------------------------------------------------------------------------------------

    def test_filters(self, store: Any) -> None:
        info = event("c", Severity.INFO, NOW - 3, event_class="/Status/Snmp/Deep")
        snmp = event("", Severity.WARNING, NOW - 2, event_class=CLASS_SNMP, device="web2")
        lookalike = event("d", Severity.DEBUG, NOW - 1, event_class="/Status/SnmpX")
        done(
            store.store(
                *SPOOL, batch(1, event("a", at=NOW - 5), event("b", at=NOW - 4), clear("b"), info, snmp, lookalike)
            )
        )

        def names(**fields: Any) -> list[str]:
            return [record.component for record in done(store.find(EventFilter(**fields)))]

        assert names() == ["d", "", "c", "b", "a"]
        assert names(limit=2) == ["d", ""]
        assert names(device="web2") == [""]
        assert names(component="") == [""]
        assert names(event_class=CLASS_SNMP) == ["", "c"]
        assert names(event_class="/") == ["d", "", "c", "b", "a"]
        assert names(event_class="/status/snmp") == []
        assert names(min_severity=3) == ["", "b", "a"]
        assert names(states=("new", "acknowledged")) == ["d", "", "c", "a"]
        assert names(states=("closed",), min_severity=4) == ["b"]
        assert names(states=()) == []
        assert names(since=NOW - 2) == ["d", ""]

    def test_a_filter_that_no_event_can_have_finds_nothing(self, store: Any) -> None:
        done(store.add(event(), "local", "process"))
        assert done(store.find(EventFilter(device="web1\0"))) == []
        assert done(store.get(10**18 - 1)) is None

    def test_followers_see_each_change_once(self, store: Any) -> None:
        assert done(store.changes(-1, 10)) == (0, [])
        done(store.store(*SPOOL, batch(1, event("a"), event("b"), event("a"))))
        after, found = done(store.changes(0, 10))
        assert [record.component for record in found] == ["a", "b"]
        assert done(store.changes(after, 10)) == (after, [])
        assert done(store.changes(-1, 10)) == (after, [])
        done(store.add(clear("a"), "local", "process"))
        newest, found = done(store.changes(after, 10))
        assert newest > after
        assert [(record.component, record.state) for record in found] == [("a", "closed")]

    def test_followers_read_in_pages(self, store: Any) -> None:
        done(store.store(*SPOOL, batch(1, *(event(f"c{n}") for n in range(5)))))
        after, seen = 0, []
        while True:
            after, found = done(store.changes(after, 2))
            if not found:
                break
            seen += [record.component for record in found]
        assert seen == ["c0", "c1", "c2", "c3", "c4"]

    def test_a_follower_of_another_store_goes_on_from_now(self, store: Any) -> None:
        done(store.add(event(), "local", "process"))
        assert done(store.changes(10_000, 10)) == (1, [])

    def test_observers_are_told_after_each_change(self, store: Any) -> None:
        told: list[int] = []
        store.observe(told.append)
        done(store.add(event(), "local", "process"))
        done(store.add(clear("other"), "local", "process"))
        done(store.set_state(1, "closed", "ann", NOW))
        assert told == [1, 2]

    def test_open_events_are_counted(self, store: Any) -> None:
        warning = event("c", Severity.WARNING, device="web2")
        done(store.store(*SPOOL, batch(1, event("a"), event("b"), event("c"), clear("c"), warning)))
        assert done(store.open_counts()) == {"web1": {4: 2}, "web2": {3: 1}}

    # --- tidying ------------------------------------------------------------------------------------------------------

    def test_what_merely_happened_ages_out(self, store: Any, wall: Wall) -> None:
        restarted: dict[str, Any] = {"event_key": "process_restarted"}
        done(
            store.store(
                *SPOOL,
                batch(
                    1,
                    event("a", Severity.WARNING, **restarted),
                    event("b", Severity.ERROR, **restarted),
                    event("c", Severity.WARNING),
                ),
            )
        )
        wall.now = NOW + 4 * 3600 - 1
        assert done(store.tidy()).aged == 0
        wall.now = NOW + 4 * 3600
        assert done(store.tidy()).aged == 1
        assert [(r.component, r.state, r.closed_at) for r in self.all(store)] == [
            ("a", "aged", wall.now),
            ("b", "new", None),
            ("c", "new", None),
        ]
        again = done(store.add(event("a", Severity.WARNING, at=wall.now, **restarted), "local", "process"))
        assert done(store.get(again)).count == 1

    def test_old_closed_events_are_dropped_and_followers_miss_nothing(self, store: Any, wall: Wall) -> None:
        done(store.store(*SPOOL, batch(1, event("a"), event("b"), clear("b"))))
        newest, _ = done(store.changes(0, 100))
        wall.now = NOW + 91 * 86400
        assert done(store.tidy()).purged == 1
        assert [record.component for record in self.all(store)] == ["a"]
        done(store.add(event("c"), "local", "process"))
        assert [record.component for record in done(store.changes(newest, 10))[1]] == ["c"]

    # --- daemons ------------------------------------------------------------------------------------------------------

    def test_daemons_are_remembered(self, store: Any) -> None:
        done(store.note_daemon("b", "process", 1.0))
        done(store.note_daemon("a", "process", 2.0))
        done(store.note_daemon("b", "process", 3.0))
        done(store.note_daemon("B", "process", 4.0))
        assert [(d.collector, d.daemon, d.first_seen, d.last_seen) for d in done(store.daemons())] == [
            ("B", "process", 4.0, 4.0),
            ("a", "process", 2.0, 2.0),
            ("b", "process", 1.0, 3.0),
        ]
        done(store.note_seen([]))
        done(store.note_seen([("b", "process", 9.0), ("a", "process", 1.0), ("nobody", "process", 9.0)]))
        assert [(d.collector, d.first_seen, d.last_seen) for d in done(store.daemons())] == [
            ("B", 4.0, 4.0),
            ("a", 2.0, 2.0),
            ("b", 1.0, 9.0),
        ]
        done(store.forget_daemon("b", "process"))
        assert [daemon.collector for daemon in done(store.daemons())] == ["B", "a"]

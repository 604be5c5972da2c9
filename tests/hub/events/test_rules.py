from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from common.events import Event, Severity, fingerprint
from common.wire import SpooledEvent
from hub.events.rules import AgePolicy, Sighting, absorb, ages, begin, close, fresh, sane_time
from hub.events.store import SqlEventStore
from hub.interfaces import EventFilter
from hub.model.database import Database
from tests.contracts.event_store import Wall, clear, event
from tests.fakes.stores import FakeEventStore, InlineWorker, done

NOW = 1_000_000.0


def sighting(seen: Event) -> Sighting:
    return Sighting(event=seen, fingerprint=fingerprint(seen), collector="local", daemon="process", now=NOW)


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (NOW, NOW), (0.0, 0.0), (NOW - 1e5, NOW - 1e5), (NOW + 86400, NOW + 86400), (NOW + 86401, NOW),
        (-0.1, NOW), (float("nan"), NOW), (float("inf"), NOW), (float("-inf"), NOW),
    ],
)  # fmt: skip
def test_stamps(at: float, expected: float) -> None:
    assert sane_time(at, NOW) == expected


def test_a_record_is_never_closed_before_it_was_last_seen() -> None:
    record = begin(sighting(event(at=NOW)), 1)
    assert close(record, NOW - 50).closed_at == NOW


@pytest.mark.parametrize(
    ("key", "severity", "quiet_s", "aged"),
    [
        ("process_restarted", Severity.WARNING, 3600, True),
        ("process_restarted", Severity.INFO, 3600, True),
        ("process_restarted", Severity.WARNING, 3599, False),
        ("process_restarted", Severity.ERROR, 9999, False),
        ("process_missing", Severity.INFO, 9999, False),
    ],
)
def test_ageing(key: str, severity: Severity, quiet_s: float, aged: bool) -> None:
    record = begin(sighting(event(severity=severity, at=NOW - quiet_s, event_key=key)), 1)
    policy = AgePolicy(after_s=3600)
    assert ages(record, NOW, policy) is aged
    assert not ages(close(record, NOW), NOW, policy)


def numbers(*seqs: int) -> list[SpooledEvent]:
    return [SpooledEvent(seq, event()) for seq in seqs]


@pytest.mark.parametrize(
    ("held", "sent", "taken"),
    [
        (0, [1, 2, 3], [1, 2, 3]), (2, [1, 2, 3], [3]), (3, [1, 2, 3], []), (0, [2, 3], []), (0, [1, 3], [1]),
        (1, [2, 2, 3], [2, 3]), (0, [], []), (0, [3, 1, 2], []), (0, [1, 1, 2, 1, 3], [1, 2, 3]),
    ],
)  # fmt: skip
def test_what_is_new_of_a_batch(held: int, sent: list[int], taken: list[int]) -> None:
    assert [item.seq for item in fresh(held, numbers(*sent))] == taken


@given(st.integers(0, 20), st.lists(st.integers(1, 25), max_size=30))
def test_what_is_new_always_goes_on_without_a_gap(held: int, seqs: list[int]) -> None:
    taken = [item.seq for item in fresh(held, numbers(*seqs))]
    assert taken == list(range(held + 1, held + 1 + len(taken)))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=40), st.integers(0, 40))
def test_one_batch_or_two_is_all_the_same(steps: list[tuple[str, bool]], cut: int) -> None:
    seen = [sighting(clear(name) if over else event(name)) for name, over in steps]

    def run(*parts: list[Sighting]) -> dict[int, Any]:
        known: dict[str, Any] = {}
        records: dict[int, Any] = {}
        for part in parts:
            records.update((r.id, r) for r in absorb(known, part, max(records, default=0) + 1))
        return records

    assert run(seen) == run(seen[:cut], seen[cut:])


class Naive:
    """The rules as a person would write them down, for one list of events."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def open_row(self, name: str) -> dict[str, Any] | None:
        return next((row for row in self.rows if row["name"] == name and row["state"] in {"new", "acknowledged"}), None)

    def see(self, name: str, severity: int) -> None:
        row = self.open_row(name)
        if severity == 0:
            if row:
                row["state"] = "closed"
        elif row:
            row["count"] += 1
            row["severity"] = severity
        else:
            self.rows.append({"name": name, "severity": severity, "count": 1, "state": "new"})


class StoreMachine(RuleBasedStateMachine):
    """A collector that sends, repeats, leaves out and forgets answers, against a naive list."""

    @initialize()
    def start(self) -> None:
        database = Database("sqlite://", InlineWorker(), lambda: "epoch")
        done(database.open())
        self.stores = [SqlEventStore(database, Wall(NOW)), FakeEventStore(Wall(NOW))]
        self.naive = Naive()
        self.spooled: list[SpooledEvent] = []
        self.held = 0

    @rule(name=st.sampled_from("abc"), severity=st.sampled_from([0, 0, 3, 4, 5]))
    def spool(self, name: str, severity: int) -> None:
        self.spooled.append(SpooledEvent(len(self.spooled) + 1, event(name, Severity(severity))))

    @rule(first=st.integers(0, 40), number=st.integers(0, 20))
    def send(self, first: int, number: int) -> None:
        sent = self.spooled[first : first + number]
        if sent and sent[0].seq <= self.held + 1:
            for item in sent[max(0, self.held + 1 - sent[0].seq) :]:
                self.naive.see(item.event.component, item.event.severity.value)
                self.held = item.seq
        for store in self.stores:
            assert done(store.store("local", "process", "s", sent)) == self.held

    @rule(name=st.sampled_from("abc"), severity=st.sampled_from([0, 4]))
    def add(self, name: str, severity: int) -> None:
        self.naive.see(name, severity)
        for store in self.stores:
            done(store.add(event(name, Severity(severity)), "hub", "hub"))

    @rule(number=st.integers(0, 10), state=st.sampled_from(["acknowledged", "closed"]))
    def operate(self, number: int, state: str) -> None:
        if number >= len(self.naive.rows):
            return
        row = self.naive.rows[number]
        if row["state"] == "closed":
            return
        row["state"] = state
        for store in self.stores:
            done(store.set_state(number + 1, state, "ann", NOW))

    @rule(number=st.integers(0, 10))
    def reopen(self, number: int) -> None:
        if number >= len(self.naive.rows):
            return
        row = self.naive.rows[number]
        if row["state"] == "closed" and self.naive.open_row(row["name"]):
            return
        row["state"] = "new"
        for store in self.stores:
            done(store.set_state(number + 1, "new", "ann", NOW))

    @invariant()
    def both_are_as_the_naive_list(self) -> None:
        if not hasattr(self, "stores"):
            return
        for store in self.stores:
            found = sorted(done(store.find(EventFilter(limit=1000))), key=lambda record: record.id)
            assert [
                {"name": r.component, "severity": r.severity, "count": r.count, "state": r.state} for r in found
            ] == self.naive.rows
            is_open = [row for row in self.naive.rows if row["state"] != "closed"]
            counts = done(store.open_counts())
            assert sum(counts.get("web1", {}).values()) == len(is_open)


TestStoreMachine = pytest.mark.timeout(600)(StoreMachine.TestCase)
TestStoreMachine.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)

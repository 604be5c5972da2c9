from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import pytest
from msgspec.structs import replace
from twisted.internet.defer import Deferred

from common.configs import ExpectedSet
from common.errors import NotFoundError, PermanentError, SettingsError, TransientError
from common.events import CLASS_PROCESS, Event, Severity
from common.wire import ModelReport
from hub.components.ageing import MOST_EVENTS, Ageing
from hub.components.book import ComponentBook
from hub.components.interfaces import StoredComponents
from hub.components.merged import Merged, What
from hub.components.modelrules import ModelRules
from hub.components.renaming import Renaming, renames
from hub.components.rules import DAY_S
from hub.components.values import NOTHING, State
from hub.interfaces import EventFilter, EventRecord
from hub.model.entities import (
    Device,
    Entity,
    ProcessSet,
)
from hub.model.model import Model
from tests.fakes.stores import FakeComponentStore, FakeEventStore, done
from tests.hub.components.reports import NOW, PORT, SET, found, ids, outcome, report


class SlowStore(FakeComponentStore):
    """One that can be held up."""

    def __init__(self) -> None:
        super().__init__()
        self.held_up: Deferred[None] | None = None

    async def store(self, rows: Sequence[StoredComponents], gone: Collection[str]) -> None:
        if self.held_up is not None:
            await self.held_up
        await super().store(rows, gone)


class Hub:
    """A book of the components of a small model."""

    def __init__(self, *entities: Entity) -> None:
        self.model = Model(1, entities or [Device(id="web1"), Device(id="web2")])
        self.now = NOW
        self.store = SlowStore()
        self.events = FakeEventStore(lambda: self.now)
        self.told: list[list[str]] = []
        self.book = self.start()

    def start(self) -> ComponentBook:
        self.rules = ModelRules(lambda: self.model)
        self.book = ComponentBook(self.store, lambda: self.now, ids(), self.rules)
        self.book.observe(lambda devices: self.told.append(list(devices)))
        done(self.book.load())
        return self.book

    def put(self, *entities: Entity) -> None:
        self.model = Model(self.model.revision + 1, [*(one for one in self.model.entities()), *entities])

    def take(self, one: ModelReport) -> Merged:
        self.now = max(self.now, one.at)
        return done(self.book.take(one))

    def age(self, at: float) -> int:
        self.now = at
        return done(Ageing(self.book, lambda: self.now, self.rules, self.events.find).run())


def test_a_device_that_was_never_modelled() -> None:
    book = Hub().book
    assert book.of("web1") is NOTHING
    assert (book.expected("web1"), book.modelled_at("web1"), book.number("web1")) == ((), None, None)
    assert book.series_elsewhere("web1") == {}


def test_a_report_is_merged_stored_and_there_after_a_restart() -> None:
    hub = Hub()
    merged = hub.take(
        report(found("nginx", "web"), found("cron", "cron"), outcome(found("eth0", kind=PORT), kinds=(PORT,)))
    )
    assert len(merged.of(What.ADDED)) == 3
    for book in (hub.book, hub.start()):
        assert book.of("web1") == merged.after
        assert book.expected("web1") == (ExpectedSet("cron", "cron"), ExpectedSet("web", "nginx"))
        assert (book.number("web1"), book.modelled_at("web1")) == (3, NOW)


def test_a_dry_run_tells_and_changes_nothing() -> None:
    hub = Hub()
    merged = hub.take(report(found("nginx", "web"), dry_run=True))
    assert [note.name for note in merged.of(What.ADDED)] == ["nginx"]
    assert (hub.book.of("web1"), hub.store.writes, hub.told) == (NOTHING, 0, [])


def test_observers_hear_of_devices_whose_expected_sets_change_and_of_no_others() -> None:
    hub = Hub()
    hub.take(report(found("nginx", "web", n=1)))
    hub.take(report(found("nginx", "web", n=2), at=NOW + 1))
    hub.take(report(at=NOW + 2))
    assert hub.told == [["web1"]], "one that is absent is still expected"
    assert hub.age(NOW + 2 + 30 * DAY_S) == 1
    assert hub.told == [["web1"], ["web1"]]
    assert hub.book.expected("web1") == ()
    hub.take(report(found("nginx", "web"), at=hub.now + 1))
    assert len(hub.told) == 3


def test_an_observer_that_fails_disturbs_nobody() -> None:
    hub = Hub()
    asked: list[Sequence[str]] = []

    def fail(devices: Sequence[str]) -> None:
        asked.append(devices)
        raise ZeroDivisionError

    hub.book.observe(fail)
    hub.book.observe(asked.append)
    hub.take(report(found("nginx", "web")))
    assert asked == [["web1"], ["web1"]]
    assert hub.book.number("web1") == 1


def test_a_renamed_set_is_expected_under_its_new_name_with_the_series_of_the_old() -> None:
    hub = Hub(Device(id="web1"), ProcessSet(id="web", order=1, include="x", name="www"))
    hub.take(report(found("nginx", "web")))
    hub.take(report(found("www", "web"), at=NOW + 1))
    assert hub.book.expected("web1") == (ExpectedSet("web", "www", "nginx"),)
    assert hub.book.series_elsewhere("web1") == {"www": "nginx"}


def test_when_a_definition_gets_another_name_its_sets_have_it_at_once() -> None:
    web, other = (ProcessSet(id=id_, order=1, include="x", name=id_) for id_ in ("web", "other"))
    locked: Any = {"process_set/web": {"lock": ("update",)}}
    hub = Hub(Device(id="web1"), Device(id="web2"), Device(id="web3", components=locked), Device(id="web4"), web, other)
    for number in (1, 2, 3, 4):
        more = [found("www", "x")] if number == 4 else []
        sets = [found("web", "web"), found("other", "other"), found("mine", "web"), *more]
        hub.take(report(*sets, outcome(found("web", "web", PORT), kinds=(PORT,)), device=f"web{number}"))
    before, hub.told = hub.model, []
    hub.put(replace(web, name="www", order=5), replace(other, order=7))
    Renaming(hub.book).model_changed(2, before, hub.model, [])
    assert sorted(name for devices in hub.told for name in devices) == ["web1", "web2"]
    for book in (hub.book, hub.start()):
        assert book.expected("web1") == (
            ExpectedSet("web", "mine"), ExpectedSet("other", "other"), ExpectedSet("web", "www", "web"),
        )  # fmt: skip
        assert book.of("web1").find(PORT, "web") is not None
        assert book.series_elsewhere("web3") == {}, "locked"
        assert book.series_elsewhere("web4") == {}, "the name is another's"
    assert hub.take(report(found("www", "web"), found("other", "other"), found("mine", "web"), at=NOW + 2)).is_empty


def test_sets_that_could_not_be_renamed_keep_their_names() -> None:
    web = ProcessSet(id="web", order=1, include="x", name="web")
    hub = Hub(Device(id="web1"), web)
    hub.take(report(found("web", "web")))
    before = hub.model
    hub.put(replace(web, name="www"))
    hub.store.broken = "the disk is full"
    Renaming(hub.book).model_changed(2, before, hub.model, [])
    assert hub.book.series_elsewhere("web1") == {}


@pytest.mark.parametrize(
    ("before", "after"),
    [("web", "web"), ("web", "web {1}"), ("web {1}", "web"), ("a {1}", "b {1}"), ("web", None), (None, "web")],
)
def test_only_a_fixed_name_that_gets_another_is_a_rename(before: str | None, after: str | None) -> None:
    def model(name: str | None) -> Model:
        return Model(1, [ProcessSet(id="web", order=1, include="(x)", name=name)] if name else [])

    assert renames(model(before), model(after)) == {}
    assert renames(model("a"), model("b")) == {"web": ("a", "b")}


def test_of_a_definition_that_makes_many_sets_one_that_goes_is_not_one_that_comes() -> None:
    hub = Hub(Device(id="web1"), ProcessSet(id="java", order=1, include="-D(\\w+)", name="java {1}"))
    hub.take(report(found("java shop", "java")))
    merged = hub.take(report(found("java blog", "java"), at=NOW + 1))
    assert [note.name for note in merged.of(What.MISSED)] == ["java shop"]


def test_what_waits_while_the_database_is_busy_is_stored_together_each_on_top_of_the_one_before() -> None:
    hub = Hub()
    hub.store.held_up = Deferred()
    waiting = [
        Deferred.fromCoroutine(hub.book.take(one))
        for one in (
            report(found("a")), report(found("a"), found("b"), at=NOW), report(found("b"), at=NOW),
            report(found("c"), device="web2"),
        )
    ]  # fmt: skip
    assert not any(one.called for one in waiting)
    assert hub.book.of("web1") is NOTHING, "nothing is there before it is stored"
    hub.store.held_up.callback(None)
    second, third = done(waiting[1]), done(waiting[2])
    assert [note.name for note in second.of(What.ADDED)] == ["b"]
    assert [(note.what, note.name) for note in third.notes] == [(What.MISSED, "a")]
    assert hub.store.writes == 2
    assert hub.book.number("web2") == 1


def test_what_cannot_be_stored_changes_nothing_and_can_be_tried_again() -> None:
    hub = Hub()
    hub.store.broken = "the disk is full"
    with pytest.raises(TransientError, match="the disk is full"):
        hub.take(report(found("a")))
    assert (hub.book.of("web1"), hub.told) == (NOTHING, [])
    hub.store.broken = ""
    assert hub.take(report(found("a"))).of(What.ADDED)


def test_a_report_that_changes_nothing_writes_nothing() -> None:
    hub = Hub()
    hub.take(report(found("a")))
    hub.take(report(found("a")))
    assert hub.store.writes == 1


def test_a_device_that_left_is_forgotten_and_its_late_report_as_well() -> None:
    hub = Hub()
    hub.take(report(found("a", "a")))
    hub.take(report(found("a", "a"), device="web2"))
    hub.model = Model(2, [Device(id="web2")])
    done(hub.book.forget(["web1", "nobody"]))
    assert list(hub.store.rows) == ["web2"]
    assert hub.book.of("web1") is NOTHING
    with pytest.raises(NotFoundError, match="there is no device 'web1' any more"):
        hub.take(report(found("a"), at=NOW + 1))
    assert list(hub.store.rows) == ["web2"]


def test_a_device_that_is_back_before_its_turn_to_be_forgotten_keeps_what_it_has() -> None:
    hub = Hub()
    hub.take(report(found("a", "a")))
    hub.store.held_up = Deferred()
    busy = Deferred.fromCoroutine(hub.book.take(report(found("b"), device="web2")))
    whole, hub.model = hub.model, Model(2, [Device(id="web2")])
    leaving = Deferred.fromCoroutine(hub.book.forget(["web1"]))
    hub.model = whole
    hub.store.held_up.callback(None)
    done(busy)
    done(leaving)
    assert (sorted(hub.store.rows), hub.book.number("web1")) == (["web1", "web2"], 1)


def test_what_cannot_be_written_down_is_told_and_holds_up_nobody() -> None:
    hub = Hub()
    strange: Any = object()
    hub.store.held_up = Deferred()
    first = Deferred.fromCoroutine(hub.book.take(report(found("b"), device="web2")))
    bad = Deferred.fromCoroutine(hub.book.change("web1", lambda held: (replace(held, attributes={"x": strange}), None)))
    hub.store.held_up.callback(None)
    done(first)
    with pytest.raises(TypeError, match="Encoding objects of type object is unsupported"):
        done(bad)
    assert hub.take(report(found("a"))).of(What.ADDED)


def test_devices_that_left_while_the_hub_was_down_are_forgotten_at_its_start() -> None:
    hub = Hub()
    for device in ("web1", "web2"):
        hub.take(report(found("a"), device=device))
    hub.model = Model(2, [Device(id="web2")])
    hub.start()
    assert list(hub.store.rows) == ["web2"]


def test_a_damaged_store_is_told() -> None:
    hub = Hub()
    hub.store.rows["web1"] = StoredComponents("web1", 1.0, '{"components":[{"id":1}]}')
    with pytest.raises(SettingsError, match="the components of web1 in the database cannot be read"):
        hub.start()


def test_many_devices_are_read_page_by_page() -> None:
    hub = Hub(*(Device(id=f"d{n}") for n in range(1100)))
    hub.store.rows = {f"d{n}": StoredComponents(f"d{n}", n, f'{{"modelled_at":{n}}}') for n in range(1100)}
    book = hub.start()
    assert [book.modelled_at(f"d{n}") for n in range(1100)] == list(range(1100))


# --- removal ----------------------------------------------------------------------------------------------------------


def test_only_what_is_not_there_can_be_removed() -> None:
    hub = Hub(Device(id="web1", components={"process_set/locked": {"lock": ("delete",)}}))
    hub.take(report(found("a", "x"), found("b"), found("locked")))
    hub.take(report(found("b"), at=NOW + 1))
    with pytest.raises(PermanentError, match="process_set/b of web1 is there, and would be found again"):
        done(hub.book.remove("web1", SET, "b"))
    with pytest.raises(PermanentError, match="tocsin component unlock web1 process_set/locked delete"):
        done(hub.book.remove("web1", SET, "locked"))
    with pytest.raises(NotFoundError, match="device web1 has no component process_set/c"):
        done(hub.book.remove("web1", SET, "c"))
    assert done(hub.book.remove("web1", SET, "a")).name == "a"
    assert [one.name for one in hub.book.of("web1").components] == ["b", "locked"]
    assert hub.told[-1] == ["web1"]
    assert [one.name for one in hub.start().of("web1").components] == ["b", "locked"]


# --- ageing -----------------------------------------------------------------------------------------------------------


def states(hub: Hub) -> dict[str, State]:
    return {one.name: one.state for one in hub.book.of("web1").components}


def test_what_was_absent_for_as_long_as_the_model_says_is_retired() -> None:
    components: Any = {"process_set/slow": {"retire_after_days": 40}, "process_set/kept": {"lock": ("delete",)}}
    hub = Hub(Device(id="web1", properties={"retire_after_days": 10}, components=components))
    hub.take(report(found("a"), found("slow"), found("kept"), found("there")))
    hub.take(report(found("there"), at=NOW + 1))
    assert hub.age(NOW + 10 * DAY_S) == 0
    assert hub.age(NOW + 1 + 10 * DAY_S) == 1
    assert states(hub) == {
        "a": State.RETIRED, "kept": State.ABSENT, "slow": State.ABSENT, "there": State.PRESENT,
    }  # fmt: skip
    assert hub.book.number("web1") == 3
    assert hub.age(NOW + 1 + 40 * DAY_S) == 1
    assert hub.age(NOW + 1000 * DAY_S) == 0
    assert states(hub)["kept"] is State.ABSENT


def alarm(component: str, severity: Severity = Severity.ERROR, device: str = "web1") -> Event:
    return Event(
        device=device, component=component, event_class=CLASS_PROCESS, event_key="process_count", severity=severity,
        summary="too few", at=NOW,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["www", "nginx"])
def test_nothing_retires_while_an_event_of_it_is_open_under_either_name(name: str) -> None:
    hub = Hub(Device(id="web1"), ProcessSet(id="web", order=1, include="x", name="www"))
    hub.take(report(found("nginx", "web")))
    hub.take(report(found("www", "web"), at=NOW + 1))
    hub.take(report(at=NOW + 2))
    id_ = done(hub.events.add(alarm(name), "local", "process"))
    assert hub.age(NOW + 50 * DAY_S) == 0
    done(hub.events.set_state(id_, "acknowledged", "ann", NOW))
    assert hub.age(NOW + 51 * DAY_S) == 0
    done(hub.events.add(alarm(name, Severity.CLEAR), "local", "process"))
    done(hub.events.add(alarm(name, device="web2"), "local", "process"))
    done(hub.events.add(alarm("other"), "local", "process"))
    assert hub.age(NOW + 52 * DAY_S) == 1


def test_a_lock_that_is_set_while_events_are_looked_for_holds() -> None:
    hub = Hub()
    hub.take(report(found("a")))
    hub.take(report(at=NOW + 1))

    async def find(_filter: EventFilter) -> list[EventRecord]:
        hub.put(Device(id="web1", components={"process_set/a": {"lock": ("delete",)}}))
        return []

    hub.now = NOW + 50 * DAY_S
    assert done(Ageing(hub.book, lambda: hub.now, hub.rules, find).run()) == 0


def test_of_a_device_that_has_nothing_due_nobody_asks_for_events() -> None:
    hub = Hub()
    hub.take(report(found("a")))
    hub.take(report(at=NOW + 1))

    async def find(_filter: EventFilter) -> list[EventRecord]:
        raise ZeroDivisionError

    hub.now = NOW + 30 * DAY_S
    assert done(Ageing(hub.book, lambda: hub.now, hub.rules, find).run()) == 0


def test_a_device_with_more_events_than_can_be_looked_through_keeps_what_it_has() -> None:
    hub = Hub()
    hub.take(report(found("a")))
    hub.take(report(at=NOW + 1))
    for number in range(MOST_EVENTS):
        done(hub.events.add(alarm(f"other {number}"), "local", "process"))
    assert hub.age(NOW + 50 * DAY_S) == 0


def test_an_override_is_found_by_the_name_of_before_unless_somebody_else_has_it() -> None:
    components: Any = {"process_set/nginx": {"lock": ("delete",)}}
    hub = Hub(
        Device(id="web1", components=components),
        ProcessSet(id="web", order=1, include="x", name="www"),
        ProcessSet(id="other", order=2, include="y", name="nginx"),
    )
    hub.take(report(found("nginx", "web")))
    hub.take(report(found("www", "web"), at=NOW + 1))
    hub.take(report(at=NOW + 2))
    assert hub.age(NOW + 50 * DAY_S) == 0
    hub.take(report(found("nginx", "other"), at=hub.now + 1))
    assert hub.age(hub.now + 50 * DAY_S) == 1

"""A process set that is gone for good: how its alarm at the collector and its record at the hub come to an end."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from collectors.framework.processtable import ProcessRow, ProcessTable
from collectors.process.memory import DeviceMemory
from collectors.process.tracker import Tracker
from common.configs import DeviceConfig
from common.events import CLASS_PROCESS, Event, Severity
from common.wire import SpooledEvent
from hub.compile.process import ProcessCompiler
from hub.components.ageing import Ageing
from hub.components.book import ComponentBook
from hub.components.modelrules import ModelRules
from hub.components.rules import DAY_S
from hub.components.store import SqlComponentStore
from hub.components.values import State
from hub.events.store import SqlEventStore
from hub.interfaces import EventFilter
from hub.model.database import Database
from hub.model.entities import Device, ProcessSet
from hub.model.model import Model
from tests.fakes.stores import InlineWorker, done
from tests.hub.components.reports import NOW, found, ids, report

WEB = ProcessSet(id="web", order=1, include="nginx", name="web")


class Site:
    """A hub's book, rules and events over a real database, and the collector of one device."""

    def __init__(self, definition: ProcessSet = WEB, **components: Any) -> None:
        said = {f"process_set/{name}": values for name, values in components.items()}
        self.now = NOW
        self.model = Model(1, [Device(id="web1", address="x", properties={"source": "local"}, components=said)])
        self.model = self.model.changed(2, {("ProcessSet", definition.id): definition})
        database = Database("sqlite://", InlineWorker(), lambda: "epoch")
        done(database.open())
        self.rules = ModelRules(lambda: self.model)
        self.events = SqlEventStore(database, lambda: self.now)
        self.book = ComponentBook(SqlComponentStore(database), lambda: self.now, ids(), self.rules)
        self.book.observe(lambda _devices: self.push())
        self.sent = 0
        self.said: list[str] = []
        self.tracker = Tracker(self.config(), DeviceMemory())

    def config(self) -> DeviceConfig:
        return ProcessCompiler(self.book.expected).compile(self.model, "web1")

    def push(self) -> None:
        self.tell(self.tracker.update(self.config(), self.now))

    def tell(self, events: list[Event]) -> None:
        spooled = [SpooledEvent(seq=self.sent + number, event=event) for number, event in enumerate(events, 1)]
        self.sent += len(spooled)
        self.said += [event.summary for event in events]
        if spooled:
            done(self.events.store("local", "process", "spool", spooled))

    def scan(self, *names: str) -> None:
        rows = {
            pid: ProcessRow(
                pid=pid, name=name, path="", parameters="", started=1.0, cpu_s=0.0, memory_bytes=0, status="sleeping",
                alive=True,
            )
            for pid, name in enumerate(names, 1)
        }  # fmt: skip
        table = ProcessTable(at=self.now, monotonic=self.now, rows=rows, complete=True, full=True)
        self.tell(self.tracker.observe(table).events)

    def model_it(self, *names: str) -> None:
        self.now += 1
        done(self.book.take(report(*(found(name, "web") for name in names), at=self.now)))

    def age(self, days: float) -> int:
        self.now += days * DAY_S
        return done(Ageing(self.book, lambda: self.now, self.rules, self.events.find).run())

    def open(self) -> list[str]:
        filter_ = EventFilter(states=("new", "acknowledged"))
        return [event.event_key for event in done(self.events.find(filter_))]

    def state(self, name: str = "web") -> State:
        return next(one.state for one in self.book.of("web1").components if one.name == name)


def lost(definition: ProcessSet = WEB, **components: Any) -> Site:
    """A site whose one set ran, and does not any more: the modeler has missed it, the collector rings."""
    site = Site(definition, **components)
    site.model_it("web")
    site.scan("nginx")
    site.now += 60
    site.scan()
    site.model_it()
    assert (site.open(), site.state()) == (["process_missing"], State.ABSENT)
    return site


def test_a_set_that_is_gone_for_long_retires_and_its_alarm_ends_with_it() -> None:
    site = lost()
    assert site.age(29) == 0
    assert site.open() == ["process_missing"]
    assert site.age(1.1) == 1
    assert (site.state(), site.book.expected("web1"), site.open()) == (State.RETIRED, (), [])
    assert site.said[-1] == "web is watched no more: it is not expected any more"
    site.scan()
    assert site.open() == [], "and it does not begin again"


def test_an_alarm_that_is_younger_than_that_holds_it() -> None:
    site = lost()
    site.now += 20 * DAY_S
    site.scan("nginx")  # it came back, but the modeler was away
    assert site.open() == []
    site.scan()
    assert site.age(15) == 0
    assert site.open() == ["process_missing"], "it ran 15 days ago"
    assert site.age(15) == 1


def test_any_other_open_alarm_of_it_holds_it() -> None:
    site = lost()
    event = Event(
        device="web1",
        component="web",
        event_class="/Perf",
        event_key="cpu",
        severity=Severity.ERROR,
        summary="x",
        at=site.now,
    )
    site.tell([event])
    assert site.age(50) == 0
    assert site.state() is State.ABSENT


def test_an_alarm_under_a_name_that_it_had_in_between_holds_it() -> None:
    site = Site()
    for name in ("web", "www", "w3"):
        site.model = site.model.changed(site.model.revision + 1, {("ProcessSet", "web"): replace(WEB, name=name)})
        site.model_it(name)
    site.model_it()

    def told(severity: Severity, definition: str = "web") -> None:
        alarm = Event(
            device="web1", component="www", event_class=CLASS_PROCESS, event_key="process_count", severity=severity,
            summary="x", at=site.now, details={"definition": definition},
        )  # fmt: skip
        site.tell([alarm])

    told(Severity.ERROR)
    assert site.age(50) == 0
    told(Severity.CLEAR)
    told(Severity.ERROR, "other")
    assert site.age(1) == 1


def test_what_is_locked_against_that_goes_on_ringing() -> None:
    site = lost(web={"lock": ("delete",)})
    assert (site.age(300), site.open()) == (0, ["process_missing"])


def test_what_has_to_run_goes_on_ringing() -> None:
    site = lost(ProcessSet(id="web", order=1, include="nginx", name="web", required=True))
    assert (site.age(300), site.open()) == (0, ["process_missing"])

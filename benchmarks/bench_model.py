"""The model: applying documents, compiling configs, storing events."""

from __future__ import annotations

import gc
import hashlib
import itertools
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from twisted.internet.defer import Deferred, DeferredList

from benchmarks.cputime import cost
from common.components import ComponentKind, FoundComponent
from common.events import Event, Severity
from common.wire import ModelReport, PluginOutcome, SpooledEvent
from hub.compile.process import ProcessCompiler, compile_device
from hub.components.book import ComponentBook
from hub.components.modelrules import ModelRules
from hub.components.rules import merge
from hub.components.store import SqlComponentStore
from hub.components.values import NOTHING
from hub.events.store import SqlEventStore
from hub.model.database import Database, sqlite_url
from hub.model.devicechanges import DeviceChanges
from hub.model.documents import SourceFile, read_documents
from hub.model.entities import (
    Device,
    Entity,
    ProcessSet,
)
from hub.model.model import Model
from hub.model.service import ModelService
from hub.model.store import SqlModelStore
from tests.fakes.stores import InlineWorker, done

DEVICES = 1000
SETS = 20
BATCH = 1000
BATCHES = 10
MODELLED = 10_000


def documents() -> str:
    """A site: devices in a few classes and groups, twenty process sets."""
    sets = "".join(
        f"kind: ProcessSet\nid: set{n}\ninclude: '^/usr/sbin/daemon{n}( |$)'\n"
        f"applies_to: {'/' if n % 2 else '/Server'}\n---\n"
        for n in range(SETS)
    )
    devices = "".join(
        f"kind: Device\nid: host{n}\naddress: 10.1.{n // 250}.{n % 250}\nclass: /Server/Linux/C{n % 7}\n"
        f"groups: [g{n % 5}]\nproperties: {{interval_s: 60, snmp_community: public}}\n---\n"
        for n in range(DEVICES)
    )
    return sets + devices


def run() -> list[tuple[str, float, str, str]]:
    """Measure, in a database file of its own."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        database = Database(sqlite_url(Path(folder) / "hub.db"), InlineWorker(), lambda: "bench")
        opening = cost(lambda: done(database.open()))
        rows = [("create a store", opening * 1000, "ms CPU", "")]
        return rows + _model(database) + _events(database) + _components(database)


def _model(database: Database) -> list[tuple[str, float, str, str]]:
    service = ModelService(SqlModelStore(database), time.time, InlineWorker())
    done(service.load())
    files = [SourceFile("site.yaml", documents())]
    reading = cost(lambda: read_documents(files))
    applying = cost(lambda: done(service.apply(files, "bench", "all")))
    again = cost(lambda: done(service.apply(files, "bench", "all")))
    one = cost(
        lambda: [done(DeviceChanges(service).put("host1", {"address": f"10.2.0.{n}"}, "", "")) for n in range(20)]
    )
    change = [SourceFile("s.yaml", "kind: ProcessSet\nid: set1\norder: 100\ninclude: '^/usr/sbin/other'\n")]
    concerning = cost(lambda: done(service.apply(change, "bench", "one set")))
    loading = cost(lambda: done(ModelService(SqlModelStore(database), time.time, InlineWorker()).load()))
    model = service.model
    compiler = ProcessCompiler()
    compiling = cost(lambda: [compiler.compile(model, id_) for id_ in model.devices])
    alone = cost(lambda: [compile_device(model, f"host{n}") for n in range(200)])
    return [
        (f"read the YAML of {DEVICES} devices, {SETS} sets", reading * 1000, "ms CPU", ""),
        ("apply them: one revision", applying * 1000, "ms CPU", ""),
        ("apply them again: no revision", again * 1000, "ms CPU", ""),
        ("change one device", one / 20 * 1000, "ms CPU", ""),
        (f"change one set of {DEVICES} devices", concerning * 1000, "ms CPU", ""),
        ("load the model at start", loading * 1000, "ms CPU", ""),
        ("compile one config of all", compiling / DEVICES * 1000, "ms CPU", "under 0.3"),
        ("compile one config alone", alone / 200 * 1000, "ms CPU", "under 0.3"),
    ]


def _components(database: Database) -> list[tuple[str, float, str, str]]:
    """What modelling costs: merging a report, keeping all devices in memory, reading them at start."""
    numbers = itertools.count()
    entities: list[Entity] = [Device(id=f"m{n}", address="x") for n in range(MODELLED)]
    entities += [ProcessSet(id=f"set{n}", order=n, include=f"daemon{n}") for n in range(SETS)]
    model = Model(1, entities)
    rules, store = ModelRules(lambda: model), SqlComponentStore(database)
    book = ComponentBook(store, time.time, lambda: f"{next(numbers):016x}", rules)
    report = _report("m0", 40)
    held = merge(NOTHING, report, lambda _one: (), report.at, lambda: f"{next(numbers):016x}").after
    merging = cost(lambda: [merge(held, report, lambda _one: (), report.at, str) for _ in range(200)])

    async def take_all() -> None:
        await DeferredList([Deferred.fromCoroutine(book.take(_report(f"m{n}", 30))) for n in range(MODELLED)])

    taking = cost(lambda: done(take_all()))
    again = ComponentBook(store, time.time, str, rules)
    before = _resident_bytes()
    loading = cost(lambda: done(again.load()))
    kept = _resident_bytes() - before
    compiler = ProcessCompiler(again.expected)
    some = [f"m{n}" for n in range(1000)]
    compiling = cost(lambda: [compiler.compile(model, id_) for id_ in some])
    reading = cost(lambda: [again.of(id_) for id_ in some])
    return [
        ("merge a report of 40 components", merging / 200 * 1e6, "us CPU", ""),
        ("take a report of 30, stored with others", taking / MODELLED * 1e6, "us CPU", ""),
        (f"load the components of {MODELLED:,} devices", loading, "s CPU", ""),
        ("memory of them, 30 each", kept / 2**20, "MiB", ""),
        ("look at the components of one", reading / 1000 * 1e6, "us CPU", ""),
        ("compile one with 20 expected sets", compiling / 1000 * 1000, "ms CPU", "under 0.3"),
    ]


def _report(device: str, number: int) -> ModelReport:
    """What a small server has: process sets, and interfaces that look alike on no two of them."""
    sets = [FoundComponent(kind=ComponentKind.PROCESS_SET, name=f"daemon{n}", anchor=f"set{n}") for n in range(SETS)]
    ports = [
        FoundComponent(
            kind=ComponentKind.INTERFACE,
            name=f"eth{n}",
            anchor=hashlib.sha256(f"{device}{n}".encode()).hexdigest()[:12],
            attributes={
                "speed_bps": 1_000_000_000,
                "mtu_bytes": 1500,
                "type": "ethernetCsmacd",
                "alias": f"to {device}",
            },
        )
        for n in range(number - SETS)
    ]
    kinds = [ComponentKind.PROCESS_SET, ComponentKind.INTERFACE]
    return ModelReport(
        device=device, at=time.time(), outcomes=[PluginOutcome(plugin="all", kinds=kinds, components=sets + ports)]
    )


def _resident_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _events(database: Database) -> list[tuple[str, float, str, str]]:
    store = SqlEventStore(database, time.time)
    now = time.time()

    def batches(spool: str, name: Callable[[int], str], severity: Severity) -> float:
        sent = [
            [
                SpooledEvent(
                    1 + b * BATCH + n,
                    Event(
                        device="host1",
                        component=name(b * BATCH + n),
                        event_class="/Status/OSProcess",
                        event_key="process_missing",
                        severity=severity,
                        summary="a process set is missing",
                        at=now,
                    ),
                )
                for n in range(BATCH)
            ]
            for b in range(BATCHES)
        ]
        return cost(lambda: [done(store.store("local", "process", spool, batch)) for batch in sent])

    total = BATCH * BATCHES
    new = batches("new", lambda n: f"set{n}", Severity.ERROR)
    repeated = batches("repeated", lambda n: f"set{n}", Severity.ERROR)
    storm = batches("storm", lambda n: f"set{n % 10}", Severity.ERROR)
    clears = batches("clears", lambda n: f"set{n}", Severity.CLEAR)
    single = batches("again", lambda n: f"set{n}", Severity.ERROR)
    return [
        ("store new alarms, batches of 1000", total / new, "events/s CPU", ""),
        ("store repeats of 10,000 alarms", total / repeated, "events/s CPU", ""),
        ("store a storm of 10 alarms", total / storm, "events/s CPU", ""),
        ("close 10,000 alarms", total / clears, "events/s CPU", ""),
        ("open them anew", total / single, "events/s CPU", ""),
    ]

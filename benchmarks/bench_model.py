"""The model: applying documents, compiling configs, storing events."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from common.events import Event, Severity
from common.wire import SpooledEvent
from hub.compile.process import ProcessCompiler, compile_device
from hub.events.store import SqlEventStore
from hub.model.database import Database, sqlite_url
from hub.model.documents import SourceFile, read_documents
from hub.model.service import ModelService
from hub.model.store import SqlModelStore
from tests.fakes.stores import InlineWorker, done

DEVICES = 1000
SETS = 20
BATCH = 1000
BATCHES = 10


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


def spent(work: Callable[[], object]) -> float:
    """CPU seconds."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def run() -> list[tuple[str, float, str, str]]:
    """Measure, in a database file of its own."""
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        database = Database(sqlite_url(Path(folder) / "hub.db"), InlineWorker(), lambda: "bench")
        opening = spent(lambda: done(database.open()))
        rows = [("create a store", opening * 1000, "ms CPU", "")]
        return rows + _model(database) + _events(database)


def _model(database: Database) -> list[tuple[str, float, str, str]]:
    service = ModelService(SqlModelStore(database), time.time, InlineWorker())
    done(service.load())
    files = [SourceFile("site.yaml", documents())]
    reading = spent(lambda: read_documents(files))
    applying = spent(lambda: done(service.apply(files, "bench", "all")))
    again = spent(lambda: done(service.apply(files, "bench", "all")))
    one = spent(lambda: [done(service.put_device("host1", {"address": f"10.2.0.{n}"}, "", "")) for n in range(20)])
    change = [SourceFile("s.yaml", "kind: ProcessSet\nid: set1\norder: 100\ninclude: '^/usr/sbin/other'\n")]
    concerning = spent(lambda: done(service.apply(change, "bench", "one set")))
    loading = spent(lambda: done(ModelService(SqlModelStore(database), time.time, InlineWorker()).load()))
    model = service.model
    compiler = ProcessCompiler()
    compiling = spent(lambda: [compiler.compile(model, id_) for id_ in model.devices])
    alone = spent(lambda: [compile_device(model, f"host{n}") for n in range(200)])
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
        return spent(lambda: [done(store.store("local", "process", spool, batch)) for batch in sent])

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

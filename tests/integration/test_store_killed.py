"""A hub that is killed in the middle of committing has every revision and event that it said it had."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet import selectreactor
from twisted.internet.defer import Deferred
from twisted.internet.task import react

from hub.events.store import SqlEventStore
from hub.interfaces import EventFilter
from hub.model.database import Database, sqlite_url
from hub.model.devicechanges import DeviceChanges
from hub.model.service import ModelService
from hub.model.store import SqlModelStore
from tests.contracts.event_store import SPOOL, batch, event
from tests.fakes.stores import InlineWorker, done

pytestmark = pytest.mark.integration

ROUNDS = 4
ROOT = Path(__file__).parents[2]


async def write_for_ever(reactor: selectreactor.SelectReactor, path: Path) -> None:
    """Commit devices and events in the store's real thread; say on standard output what is committed."""
    from hub.model.worker import NamedThread

    thread = NamedThread(reactor, "store")
    thread.start()
    reactor.addSystemEventTrigger("after", "shutdown", thread.stop)
    database = Database(sqlite_url(path), thread, lambda: os.urandom(8).hex())
    await database.open()
    service = ModelService(SqlModelStore(database), time.time, thread)
    events = SqlEventStore(database, time.time)
    await service.load()
    print("epoch", service.epoch, flush=True)
    while True:
        number = service.model.revision + 1
        put = await DeviceChanges(service).put(f"d{number}", {"address": "10.0.0.1"}, "", "")
        print("revision", put.revision, flush=True)
        held = await events.stored_seq(*SPOOL)
        held = await events.store(*SPOOL, batch(held + 1, *(event(f"c{held + n}") for n in range(1, 8))))
        print("events", held, flush=True)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tocsin-store-") as name:
        yield Path(name)


def run_until_killed(path: Path, lines: int) -> dict[str, str]:
    """Run the writer, kill it after so many lines; give the last thing it said of each kind."""
    said: dict[str, str] = {}
    argv = [sys.executable, "-m", __name__, str(path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            for _ in range(lines):
                kind, _, value = process.stdout.readline().strip().partition(" ")
                said[kind] = value
        finally:
            process.send_signal(signal.SIGKILL)
        for line in process.stdout:
            if line.endswith("\n"):
                kind, _, value = line.strip().partition(" ")
                said[kind] = value
    return said


def test_what_was_committed_is_there_after_kill_9(folder: Path) -> None:
    path = folder / "hub.db"
    epochs = set()
    for number in range(ROUNDS):
        said = run_until_killed(path, 12 + 7 * number)
        epochs.add(said["epoch"])
        database = Database(sqlite_url(path), InlineWorker(), lambda: "another")
        done(database.open())
        epochs.add(database.epoch)
        service = ModelService(SqlModelStore(database), lambda: 0.0, InlineWorker())
        model = done(service.load())
        assert model.revision >= int(said["revision"])
        assert set(model.devices) == {f"d{n}" for n in range(1, model.revision + 1)}
        assert [revision.number for revision in done(service.revisions(10_000))] == [*range(model.revision, 0, -1)]
        events = SqlEventStore(database, lambda: 0.0)
        held = done(events.stored_seq(*SPOOL))
        assert held >= int(said["events"])
        found = done(events.find(EventFilter(limit=100_000)))
        assert sorted(int(record.component[1:]) for record in found) == [*range(1, held + 1)]
        assert {record.count for record in found} == {1}
        done(database.close())
    assert len(epochs) == 1
    assert "" not in epochs


if __name__ == "__main__":
    react(lambda reactor: Deferred.fromCoroutine(write_for_ever(reactor, Path(sys.argv[1]))))

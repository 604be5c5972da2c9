"""The event spool on real disks, under SIGKILL, and on a disk that is full."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.framework.eventbytes import decode_event
from collectors.framework.spooldb import Put, SpoolDb
from common.errors import TransientError
from tests.integration.disks import mounted

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]

# Sends events from several tasks at once, each with a state that counts them, and prints each when it is durable.
WRITER = """
import sys, time
from pathlib import Path
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from collectors.framework.eventspool import EventSpool
from collectors.framework.worker import NamedThread
from common.errors import TransientError
from common.events import Event, Severity

spool = EventSpool(reactor, NamedThread(reactor, "events"), Path(sys.argv[1]), lambda: "local", time.time)
first, tasks = int(sys.argv[2]), int(sys.argv[3])

async def task(name):
    number = first
    while True:
        event = Event(device=name, event_class="/A", severity=Severity.ERROR, summary=str(number), at=time.time(),
                      message="x" * 1000)
        try:
            await spool.send([event], name, str(number).encode())
            print("stored", name, number, flush=True)
        except TransientError as error:
            print("refused", name, number, str(error).replace("\\n", " "), flush=True)
            wait = Deferred()
            reactor.callLater(0.05, wait.callback, None)
            await wait
        number += 1

def go():
    spool.startService()
    for n in range(tasks):
        Deferred.fromCoroutine(task(f"t{n}"))

reactor.callWhenRunning(go)
reactor.addSystemEventTrigger("before", "shutdown", spool.stopService)
reactor.run()
"""


def writer(path: Path, first: int, tasks: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(first), str(tasks)], stdout=subprocess.PIPE, text=True
    )


def opened(path: Path) -> SpoolDb:
    db = SpoolDb(path, 100_000, 10**9, lambda gap: (4, 0.0, b"%d" % gap.count))
    assert db.open() == ""
    return db


def all_events(db: SpoolDb) -> list[tuple[str, int]]:
    rows = db._connection().execute("SELECT body FROM events ORDER BY id").fetchall()
    events = [decode_event(body) for (body,) in rows]
    return [(event.device, int(event.summary)) for event in events]


def test_sigkill_loses_nothing_that_was_said_to_be_stored(tmp_path: Path) -> None:
    rng = random.Random(7)
    path = tmp_path / "spool.db"
    stored: set[tuple[str, int]] = set()
    for round_ in range(8):
        process = writer(path, round_ * 1_000_000, 5)
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(rng.randint(5, 100))]
        time.sleep(rng.uniform(0.0, 0.02))
        process.send_signal(signal.SIGKILL)
        lines += process.stdout.read().splitlines()
        process.wait()
        process.stdout.close()
        # A line may be cut off by the kill; what it says was stored all the same.
        stored |= {(words[1], int(words[2])) for words in map(str.split, lines[:-1]) if words and words[0] == "stored"}
    db = opened(path)
    found = all_events(db)
    assert len(stored) > 50
    assert stored <= set(found)
    assert len(found) == len(set(found))
    assert [seq for seq, _ in db.read(0, 1000, 10**9)] == list(range(1, min(len(found), 1000) + 1))
    for task in {name for name, _ in found}:
        # The state is that of the last event, never of one before or after it.
        state = db.state(task)
        assert state is not None
        assert int(state) == max(number for name, number in found if name == task)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", 6 * 1024 * 1024) as mount:
        yield mount


def test_a_full_disk_refuses_then_takes_events_again_and_loses_none_it_took(small_disk: Path) -> None:
    path = small_disk / "spool.db"
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 2_500_000)
    process = writer(path, 0, 2)
    assert process.stdout is not None
    lines: list[str] = []
    try:
        while not any(line.startswith("refused") for line in lines):
            lines.append(process.stdout.readline())
            assert lines[-1], "the writer has ended"
        full = len(lines)
        assert "free some space there" in lines[-1]
        ballast.unlink()
        while not any(line.startswith("stored") for line in lines[full:]):
            lines.append(process.stdout.readline())
            assert lines[-1], "the writer has ended"
        process.terminate()
        lines += process.stdout.read().splitlines()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.stdout.close()
    words = [line.split() for line in lines]
    stored = [(one[1], int(one[2])) for one in words if one and one[0] == "stored"]
    refused = [(one[1], int(one[2])) for one in words if one and one[0] == "refused"]
    found = all_events(opened(path))
    assert stored
    assert set(stored) <= set(found)
    assert not set(refused) & set(found)
    assert len(found) == len(set(found))


def fill(db: SpoolDb) -> int:
    """Store events until the disk refuses; returns how many it took."""
    number = 0
    with contextlib.suppress(TransientError):
        while number < 100_000:
            db.commit([Put([(4, 0.0, b"%d" % number + b"x" * 3000)] * 10)])
            number += 10
    return number


def test_a_disk_that_the_spool_itself_has_filled_can_be_drained(small_disk: Path) -> None:
    db = SpoolDb(small_disk / "spool.db", 100_000, 10**9, lambda gap: (4, 0.0, b"%d" % gap.count))
    db.open()
    number = fill(db)
    with pytest.raises(OSError, match="No space"):  # not a byte is left
        (small_disk / "ballast").write_bytes(b"x" * 10**7)
    last = 0
    while rows := db.read(last, 300, 10**9):
        assert [seq for seq, _ in rows] == list(range(last + 1, last + len(rows) + 1))
        last = rows[-1][0]
        db.forget_to(last)
        assert db.base == last
    assert 100_000 > last == number > 300
    db.commit([Put([(4, 0.0, b"more")])])
    assert db.read(last, 9, 10**9) == [(last + 1, b"more")]

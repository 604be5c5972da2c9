"""A store that is not what it was is noticed, gets another epoch, and rings once."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import TransientError
from common.events import CLASS_DAEMON, CLASS_PROCESS, Event, Severity
from hub.distribution.epochs import Epochs
from hub.events.store import SqlEventStore
from hub.interfaces import DocumentChange
from hub.model.database import Database
from hub.model.mark import Mark, MarkFile
from hub.model.store import SqlModelStore
from tests.databases import Databases, refuse_updates
from tests.fakes.stores import InlineWorker, done

NOW = 1_800_000_000.0

_numbers = itertools.count()


class Hub:
    """As much of a hub as knows of its store; made anew for each start."""

    def __init__(self, databases: Databases, folder: Path, name: str = "hub") -> None:
        for earlier in databases._open:  # a database belongs to one hub at a time
            done(earlier.close())
        self.database: Database = databases.open(name, "first")
        self.database._new_epoch = lambda: f"epoch-{next(_numbers)}"
        self.model = SqlModelStore(self.database)
        self.store = SqlEventStore(self.database, lambda: NOW)
        self.revision = done(self.model.load())[0]
        self.rung: list[Event] = []
        self.mark, self.request = folder / "store.mark", folder / "epoch.new"
        self.epochs = Epochs(
            self.database,
            InlineWorker(),
            self.mark,
            self.request,
            self.rung.append,
            lambda: NOW,
            lambda: self.revision,
        )
        self.store.observe(self.epochs.changed)

    def start(self) -> Hub:
        done(self.epochs.begin(done(self.store.changes(0, 0))[0]))
        return self

    def stop(self) -> None:
        done(self.epochs.keep())

    def commit(self) -> None:
        self.revision += 1
        change = DocumentChange(kind="Device", id=f"d{self.revision}", before=None, after="{}")
        done(self.model.commit(NOW, "ada", "", "", [change]))

    def ring(self, number: int) -> None:
        event = Event(
            device=f"d{number}", event_class=CLASS_PROCESS, event_key="k", severity=Severity.ERROR, summary="x", at=NOW
        )
        done(self.store.add(event, "local", "process"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "folder"
    made.mkdir()
    return made


def test_a_store_that_is_as_it_was_left_keeps_its_epoch(databases: Databases, folder: Path) -> None:
    first = Hub(databases, folder).start()
    first.commit()
    first.ring(1)
    first.stop()
    again = Hub(databases, folder).start()
    assert (again.epochs.now, again.rung) == (first.epochs.now, [])


def test_one_that_is_ahead_of_its_mark_does_too(databases: Databases, folder: Path) -> None:
    first = Hub(databases, folder).start()
    first.stop()
    first.commit()
    first.ring(1)  # and then it was killed
    again = Hub(databases, folder).start()
    assert (again.epochs.now, again.rung) == (first.epochs.now, [])


@pytest.mark.parametrize(
    ("revisions", "changes", "says"),
    [(1, 0, "its newest revision is 1, but it has had revision 2"), (0, 1, "has number 1, but it has had number 2")],
)
def test_one_that_is_behind_its_mark_gets_another_epoch_and_rings_once(
    databases: Databases, folder: Path, revisions: int, changes: int, says: str
) -> None:
    first = Hub(databases, folder).start()
    first.commit()
    first.ring(1)
    first.stop()
    left = MarkFile(first.mark).read()
    assert left == Mark(epoch="first", revision=1, change=1)
    MarkFile(first.mark).write(Mark(epoch="first", revision=1 + revisions, change=1 + changes))

    restored = Hub(databases, folder).start()
    assert restored.epochs.now not in {"", "first"}
    (event,) = restored.rung
    assert (event.device, event.event_class, event.event_key) == ("hub", CLASS_DAEMON, "hub_restored")
    assert (event.severity, says in event.summary) == (Severity.WARNING, True)
    restored.stop()

    again = Hub(databases, folder).start()
    assert (again.epochs.now, again.rung) == (restored.epochs.now, [])


def test_another_store_than_the_last_gets_another_epoch(databases: Databases, folder: Path) -> None:
    Hub(databases, folder, "one").start().stop()
    here = Hub(databases, folder, "two")
    assert here.database.is_new
    here.start()
    assert (here.epochs.now, here.rung) == ("first", []), "a new one has a new epoch already"
    here.stop()
    back = Hub(databases, folder, "one")
    back.database.epoch = "older"
    back.start()
    assert back.epochs.now != "older"
    assert "another store" in back.rung[0].summary


def test_a_hub_that_is_killed_soon_after_its_start_makes_no_other_at_the_next(
    databases: Databases, folder: Path
) -> None:
    first = Hub(databases, folder).start()
    first.stop()
    MarkFile(first.mark).write(Mark(epoch="first", revision=9, change=0))
    killed = Hub(databases, folder).start()
    again = Hub(databases, folder).start()
    assert killed.epochs.now != "first"
    assert (again.epochs.now, len(killed.rung), len(again.rung)) == (killed.epochs.now, 1, 0)


def test_an_operator_may_ask_for_another_epoch(databases: Databases, folder: Path) -> None:
    first = Hub(databases, folder).start()
    first.stop()
    first.request.touch()
    again = Hub(databases, folder).start()
    assert again.epochs.now != "first"
    assert "an operator has asked for it" in again.rung[0].summary
    again.stop()
    third = Hub(databases, folder).start()
    assert (third.epochs.now, third.rung) == (again.epochs.now, [])


def test_a_store_that_takes_no_other_epoch_keeps_the_hub_from_starting(databases: Databases, folder: Path) -> None:
    first = Hub(databases, folder).start()
    first.request.touch()
    again = Hub(databases, folder)
    refuse_updates(again.database, "site")
    with pytest.raises(TransientError):
        again.start()
    assert (again.epochs.now, first.request.exists()) == ("first", True)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"epoch": 1}', b"\xff", b'{"epoch":"e","revision":-1,"change":0}'])
def test_a_mark_that_cannot_be_read_says_nothing(content: bytes, databases: Databases, folder: Path) -> None:
    first = Hub(databases, folder).start()
    first.mark.write_bytes(content)
    again = Hub(databases, folder).start()
    assert (again.epochs.now, again.rung) == ("first", [])
    again.stop()
    assert MarkFile(again.mark).read() == Mark(epoch="first", revision=0, change=0)


def test_the_mark_is_written_only_when_it_has_moved(databases: Databases, folder: Path) -> None:
    hub = Hub(databases, folder).start()
    hub.stop()
    hub.mark.unlink()
    hub.stop()
    assert not hub.mark.exists()
    hub.ring(1)
    hub.stop()
    assert MarkFile(hub.mark).read() == Mark(epoch="first", revision=0, change=1)


def test_a_folder_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    file = MarkFile(tmp_path / "no" / "such" / "mark")
    file.write(Mark(epoch="e", revision=1, change=1))
    assert file.read() is None


numbers = st.integers(0, 3)
marks: Any = st.builds(Mark, epoch=st.sampled_from(["e1", "e2"]), revision=numbers, change=numbers)


@given(marks, marks)
def test_a_store_fits_its_mark_if_it_is_the_same_and_nowhere_behind(left: Mark, found: Mark) -> None:
    fits = found.epoch == left.epoch and found.revision >= left.revision and found.change >= left.change
    assert bool(left.contradicted_by(found)) != fits

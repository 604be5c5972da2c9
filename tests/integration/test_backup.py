"""Backups of a real hub: made while it works, put back the wrong way and the right way after it was killed."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.integration.stack import wait_for
from tests.integration.test_hub_daemon import Daemon

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


class Changes:
    """A thread that puts one device after the other."""

    def __init__(self, daemon: Daemon, first: int) -> None:
        self.answered = first - 1
        self._daemon = daemon
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._enough.is_set():
            number = self.answered + 1
            put(self._daemon, number)
            self.answered = number

    def end(self) -> int:
        self._enough.set()
        self._thread.join()
        return self.answered


def put(daemon: Daemon, number: int) -> None:
    daemon.ask(f"devices/d{number}", "PUT", {"address": "192.0.2.1", "properties": {"snmp_community": f"s{number}"}})


def devices(daemon: Daemon) -> list[str]:
    return [row["id"] for row in daemon.ask("devices")["devices"]]


def restored(daemon: Daemon) -> list[Any]:
    return [one for one in daemon.ask("events?limit=1000")["events"] if one["event_key"] == "hub_restored"]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    # Nobody reads what it says while it runs, and here it would say much.
    made = Daemon(
        tmp_path,
        f'folder = "{tmp_path}/hub"\n[http]\nport = 0\n[broker]\nport = 0\n[enrol]\nport = 0\n[log]\nlevel = "error"\n',
    )
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.communicate()


def test_a_backup_that_was_made_while_changes_went_on_is_put_back_after_a_kill(daemon: Daemon) -> None:
    hub, copy = daemon.folder / "hub", daemon.folder / "copy.db"
    daemon.start()
    for number in range(1, 6):
        put(daemon, number)
    epoch = daemon.ask("status")["hub"]["epoch"]
    changes = Changes(daemon, 6)
    try:
        made = daemon.run("backup", str(copy))
        while_running = daemon.run("restore", str(copy))
    finally:
        last = changes.end()
    assert made.returncode == 0, made.stderr
    with closing(sqlite3.connect(copy)) as connection:
        held = sorted(str(row[0]) for row in connection.execute("SELECT id FROM documents WHERE kind = 'Device'"))
        revision = connection.execute("SELECT max(number) FROM revisions").fetchone()[0]
    assert held == sorted(f"d{number}" for number in range(1, revision + 1)), "whole: all up to one revision"
    assert 5 <= revision <= last
    assert (while_running.returncode, "stop it first" in while_running.stderr) == (1, True)
    put(daemon, last + 1)
    daemon.end(signal.SIGKILL)
    assert (hub / "hub.db-wal").stat().st_size > 0

    # The wrong way: the copy in the place of the database alone, beside the log of the other.
    shutil.copy(copy, hub / "hub.db")
    refused = daemon.run("run")
    assert refused.returncode == 1, refused.stderr
    assert "hub.db-wal beside it belongs to that one" in refused.stderr
    assert "tocsin-hub restore FILE" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert (hub / "hub.db-wal").stat().st_size > 0
    assert (hub / "hub.db").read_bytes() == copy.read_bytes(), "nothing was written"

    # The right way.
    done = daemon.run("restore", str(copy))
    assert done.returncode == 0, done.stderr
    assert f"revision {revision} of " in done.stdout
    daemon.start()
    assert sorted(devices(daemon)) == held
    assert daemon.ask("revisions?limit=1")["revisions"][0]["number"] == revision
    assert daemon.ask("status")["hub"]["epoch"] != epoch
    (event,) = wait_for("it is told", lambda: restored(daemon))
    assert (event["count"], event["state"]) == (1, "new")
    assert daemon.end(signal.SIGTERM)[0] == 0
    daemon.start()
    assert len(restored(daemon)) == 1
    assert restored(daemon)[0]["count"] == 1


def test_a_hub_that_was_killed_and_left_alone_starts_as_ever(daemon: Daemon) -> None:
    daemon.start()
    for number in range(1, 4):
        put(daemon, number)
    for _ in range(3):
        daemon.end(signal.SIGKILL)
        daemon.start()
    assert sorted(devices(daemon)) == ["d1", "d2", "d3"]
    assert restored(daemon) == []


def test_a_copy_is_put_into_a_folder_where_no_hub_has_been(daemon: Daemon, tmp_path: Path) -> None:
    daemon.start()
    put(daemon, 1)
    daemon.end(signal.SIGKILL)
    assert daemon.run("backup", str(tmp_path / "copy.db")).returncode == 0
    (tmp_path / "new").mkdir()
    other = Daemon(tmp_path / "new")
    refused = other.run("restore", str(tmp_path / "copy.db"))
    assert (refused.returncode, "secret.key is gone" in refused.stderr) == (2, True), refused.stderr
    shutil.copy(tmp_path / "hub" / "secret.key", tmp_path / "new" / "hub")
    shutil.copytree(tmp_path / "hub" / "pki", tmp_path / "new" / "hub" / "pki")
    done = other.run("restore", str(tmp_path / "copy.db"))
    assert done.returncode == 0, done.stderr
    try:
        other.start()
        assert devices(other) == ["d1"]
        assert len(wait_for("it is told", lambda: restored(other))) == 1
    finally:
        if other.process is not None:
            other.end(signal.SIGKILL)

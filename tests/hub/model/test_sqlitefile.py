"""A database whose hub was killed, and what was put in its place beside its log."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import Connection, make_url, text

from common.errors import SettingsError
from hub.interfaces import DocumentChange
from hub.model.database import Database, sqlite_url
from hub.model.sqlite import SqliteBackend
from hub.model.sqlitefile import has_log, look_with_log
from hub.model.store import SqlModelStore
from tests.fakes.stores import InlineWorker, done


class Site:
    """A hub's database that can be killed: a copy of its files is what a kill would leave."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "hub.db"
        folder.mkdir()

    def open(self) -> Database:
        database = Database(sqlite_url(self.path), InlineWorker(), lambda: "epoch-1")
        done(database.open())
        return database

    def run(self, *names: str) -> None:
        """Start, add devices, stop."""
        database = self.open()
        add(database, *names)
        done(database.close())

    def run_until_killed(self, *names: str) -> Site:
        """What a kill leaves, in another folder."""
        database = self.open()
        add(database, *names)
        left = Site(self.folder.with_name(f"{self.folder.name}-killed"))
        for one in self.folder.glob("hub.db*"):
            shutil.copy(one, left.folder)
        done(database.close())
        return left

    def devices(self) -> int:
        database = self.open()
        number = done(database.run(lambda c: c.execute(text("SELECT count(*) FROM documents")).scalar()))
        done(database.close())
        return int(number or 0)


def add(database: Database, *names: str) -> None:
    changes = [DocumentChange(kind="Device", id=name, before=None, after="x" * 300) for name in names]
    done(SqlModelStore(database).commit(1, "", "", "", changes))


def names(prefix: str, number: int = 60) -> list[str]:
    return [f"{prefix}{n}" for n in range(number)]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")


def contents(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir() if not one.name.endswith("-shm")}


def test_a_hub_that_was_killed_starts_again_with_all_it_had(site: Site) -> None:
    site.run(*names("a"))
    killed = site.run_until_killed(*names("b"))
    assert has_log(killed.path)
    before = contents(killed.folder)
    assert look_with_log(killed.path)
    assert contents(killed.folder) == before, "it is only looked at"
    assert killed.devices() == 120
    assert not look_with_log(killed.path), "it was closed"


def test_a_file_of_before_beside_the_log_of_another_is_refused_though_both_together_look_well(site: Site) -> None:
    site.run(*names("a"))
    copy = shutil.copy(site.path, site.folder.parent / "copy.db")
    site.run()
    killed = site.run_until_killed(*names("b"))
    shutil.copy(copy, killed.path)
    before = contents(killed.folder)
    with pytest.raises(SettingsError, match=r"is not the one that the hub used last, but hub\.db-wal .*restore FILE"):
        killed.open()
    assert contents(killed.folder) == before
    for suffix in ("-wal", "-shm"):
        (killed.folder / f"hub.db{suffix}").rename(killed.folder / f"away{suffix}")
    assert killed.devices() == 60, "as the sentence says"


def test_without_a_note_the_damage_is_seen(site: Site) -> None:
    site.run(*names("a"))
    copy = shutil.copy(site.path, site.folder.parent / "copy.db")
    site.run(*names("b", 200))
    killed = site.run_until_killed(*names("c"))
    shutil.copy(copy, killed.path)
    (killed.folder / "hub.db.run").unlink()
    before = contents(killed.folder)
    with pytest.raises(SettingsError, match=r"with hub\.db-wal beside it, is damaged \(.*Most likely another file was"):
        killed.open()
    assert contents(killed.folder) == before


def test_a_file_that_is_damaged_alone_needs_a_backup(site: Site) -> None:
    site.run(*names("a", 300))
    killed = site.run_until_killed("b")
    data = bytearray(killed.path.read_bytes())
    data[16384:-4096] = b"\x55" * (len(data) - 20480)
    killed.path.write_bytes(data)
    with pytest.raises(SettingsError, match=r"is damaged .*and so it is alone\. Put a backup in the place of both"):
        killed.open()


def test_a_start_that_is_cut_off_anywhere_is_no_reason_to_refuse_the_next(site: Site) -> None:
    site.run(*names("a"))
    copy = shutil.copy(site.path, site.folder.parent / "copy.db")
    site.run(*names("b"))
    shutil.copy(copy, site.path)  # it was stopped, so this is right

    def put(connection: Connection) -> None:
        connection.execute(text("UPDATE site SET value = 'epoch-2' WHERE name = 'epoch'"))

    backend = SqliteBackend(make_url(sqlite_url(site.path)))
    backend.prepare(must_exist=True)
    with backend.engine.begin() as connection:
        backend.check(connection, must_exist=True)
        put(connection)
    left = Site(site.folder.with_name("left"))
    for one in site.folder.glob("hub.db*"):
        shutil.copy(one, left.folder)
    backend.engine.dispose()
    assert has_log(left.path), "the tables are there, the run is not noted"
    assert left.devices() == 60

"""The verbs `backup` and `restore`, without a hub that runs."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from common.daemon import main as run_program
from common.daemon_pidfile import PidFile
from common.errors import PermanentError
from common.sealing import add_key, drop_old_keys, ensure_sealer
from hub.app import PROGRAM
from hub.interfaces import DocumentChange
from hub.model.database import Database
from hub.model.sealed import SealedModelStore
from hub.model.store import SqlModelStore
from hub.restore import restore_file
from hub.settings import HubSettings
from tests.fakes.stores import InlineWorker, done

UNREADABLE = '{"properties":{"snmp_community":{"sealed":"AQxxx"}}}'
NOW = datetime(2026, 11, 21, 17, 30, tzinfo=UTC)


class Site:
    """A hub's folder, and its command."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capsys = capsys
        self.config = folder / "hub.toml"
        self.config.write_text(f'folder = "{folder}/hub"\n')
        self.settings = HubSettings(folder=folder / "hub")
        self.settings.prepare()
        self.database = folder / "hub" / "hub.db"

    def open(self) -> Database:
        database = Database(self.settings.database_url, InlineWorker(), lambda: "epoch-1")
        done(database.open())
        return database

    def add(self, *names: str, secret: str = "hush") -> Database:
        """Add devices with a secret each, as a hub that goes on."""
        database = self.open()
        key = self.settings.secret_key_file
        store = SealedModelStore(SqlModelStore(database), ensure_sealer(key), key)
        done(store.load())
        body = f'{{"id":"x","properties":{{"snmp_community":"{secret}"}}}}'
        done(
            store.commit(
                1.5e9, "", "", "", [DocumentChange(kind="Device", id=name, before=None, after=body) for name in names]
            )
        )
        return database

    def run(self, *arguments: str) -> tuple[int, str]:
        status = run_program(PROGRAM, [*arguments, "--config", str(self.config)])
        said = self.capsys.readouterr()
        return status, said.out + said.err

    def devices(self, path: Path | None = None) -> list[str]:
        with closing(sqlite3.connect(path or self.database)) as connection:
            return sorted(str(row[0]) for row in connection.execute("SELECT id FROM documents"))

    def names(self) -> list[str]:
        return sorted(one.name for one in (self.folder / "hub").iterdir())


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Site:
    return Site(tmp_path, capsys)


def crash(site: Site, database: Database) -> None:
    """Have the files lie there as if the hub that has the database open were killed."""
    left = site.folder / "left"
    shutil.copytree(site.folder / "hub", left)
    done(database.close())
    shutil.rmtree(site.folder / "hub")
    left.rename(site.folder / "hub")


class TestBackup:
    def test_it_holds_what_is_still_in_the_log_of_a_hub_that_has_the_database_open(self, site: Site) -> None:
        database = site.add("d1", "d2")
        target = site.folder / "copy.db"
        status, said = site.run("backup", str(target))
        key = ensure_sealer(site.settings.secret_key_file).keys[0].id.hex()
        assert status == 0, said
        assert "a whole copy of the database: revision 1 of 2017-07-14T02:40:00Z, 2 devices" in said
        assert f"secret.key  the key file: the secrets in the copy are sealed with the key {key}" in said
        assert "pki  the certificate authority" in said
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
        assert sorted(one.name for one in site.folder.iterdir()) == ["copy.db", "hub", "hub.toml"]
        assert site.devices(target) == ["d1", "d2"]
        assert b"hush" not in target.read_bytes()
        done(database.close())

    def test_nothing_is_written_over_but_an_older_copy_by_force(self, site: Site) -> None:
        done(site.add("d1").close())
        target = site.folder / "copy.db"
        assert site.run("backup", str(target))[0] == 0
        done(site.add("d2").close())
        before = target.read_bytes()
        status, said = site.run("backup", str(target))
        assert (status, target.read_bytes() == before) == (2, True)
        assert "is there already; --force" in said
        assert site.run("backup", str(target), "--force")[0] == 0
        assert site.devices(target) == ["d1", "d2"]
        letter = site.folder / "letter.txt"
        letter.write_text("dear friend, this is longer than that")
        (site.folder / "logged.db-wal").write_text("of another one")
        for wrong, why in (
            (letter, "is no copy of a database"),
            (site.database, "is in use by the hub itself"),
            (site.folder / "hub" / "hub.db-wal", "is in use by the hub itself"),
            (site.settings.secret_key_file, "is in use by the hub itself"),
            (site.folder / "logged.db", "a log of another database"),
            (site.folder, "is no file"),
            (site.folder / "no" / "such", "there is no folder"),
        ):
            status, said = site.run("backup", str(wrong), "--force")
            assert (status, why in said) == (2, True), said
        assert letter.read_text().startswith("dear")

    def test_a_damaged_database_makes_no_copy(self, site: Site) -> None:
        done(site.add(*(f"d{n}" for n in range(200))).close())
        data = bytearray(site.database.read_bytes())
        data[16384:-4096] = b"\x55" * (len(data) - 20480)
        site.database.write_bytes(data)
        status, said = site.run("backup", str(site.folder / "copy.db"))
        assert (status, "Traceback" in said) == (1, False)
        assert "hub.db" in said
        assert sorted(one.name for one in site.folder.iterdir()) == ["hub", "hub.toml"]

    def test_where_there_is_no_file_to_copy(self, site: Site) -> None:
        status, said = site.run("backup", str(site.folder / "copy.db"))
        assert (status, "there is no database" in said) == (2, True)
        site.config.write_text(f'folder = "{site.folder}/hub"\ndatabase = "postgresql://tocsin@127.0.0.1/tocsin"\n')
        for verb in ("backup", "restore"):
            status, said = site.run(verb, str(site.folder / "copy.db"))
            assert (status, "pg_dump and pg_restore" in said) == (2, True)


class TestRestore:
    def backed_up(self, site: Site) -> Path:
        """A copy, and a hub that was killed after it with more."""
        done(site.add("d1").close())
        copy = site.folder / "copy.db"
        assert site.run("backup", str(copy))[0] == 0
        crash(site, site.add("d2"))
        return copy

    def test_the_copy_is_there_and_what_was_there_can_be_put_back(self, site: Site) -> None:
        copy = self.backed_up(site)
        status, said = site.run("restore", str(copy))
        assert status == 0, said
        assert "holds: revision 1 of 2017-07-14T02:40:00Z, 1 device." in said
        assert "tocsin-hub start" in said
        assert "pki is not there" in said
        assert (site.folder / "hub" / "epoch.new").exists()
        assert site.devices() == ["d1"]
        assert stat.S_IMODE(site.database.stat().st_mode) == 0o600
        (aside,) = (one for one in site.names() if one.startswith("hub.db.before-") and one.endswith("Z"))
        assert f"{aside}-wal" in site.names()
        assert f"tocsin-hub restore {site.database.with_name(aside)}" in said
        database = site.open()
        assert database.epoch not in {"", "epoch-1"}, "another epoch, even if nobody asks for one"
        done(database.close())

        status, said = site.run("restore", str(site.database.with_name(aside)))
        assert status == 0, said
        assert site.devices() == ["d1", "d2"]
        done(site.open().close())

    def test_a_hub_that_runs_keeps_its_database(self, site: Site) -> None:
        copy = self.backed_up(site)
        lock = PidFile(site.folder / "hub" / "hub.pid")
        lock.acquire()
        before = site.names()
        status, said = site.run("restore", str(copy))
        lock.release()
        assert (status, "stop it first: `tocsin-hub stop`" in said) == (1, True)
        assert sorted([*site.names(), "hub.pid"]) == before

    def test_what_cannot_be_a_database_of_this_hub_is_refused_and_changes_nothing(self, site: Site) -> None:
        copy = self.backed_up(site)
        before = site.names()

        def changed(name: str, statement: str) -> Path:
            made = site.folder / name
            shutil.copy(copy, made)
            with closing(sqlite3.connect(made)) as connection:
                connection.execute(statement)
                connection.commit()
            return made

        letter = site.folder / "letter"
        letter.write_text("dear friend, " * 100)
        torn = site.folder / "torn"
        torn.write_bytes(copy.read_bytes()[:20000])
        (site.folder / "empty").touch()
        for wrong, status, why in (
            (letter, 1, "letter cannot be read as a database"),
            (torn, 1, "torn"),
            (site.folder / "empty", 1, "empty is no database of Tocsin: it is empty"),
            (changed("other", "DROP TABLE site"), 1, "other is no database of Tocsin: it holds"),
            (changed("newer", "UPDATE alembic_version SET version_num = '9999'"), 2, "was made by a newer version"),
            (changed("unreadable", f"UPDATE documents SET body = '{UNREADABLE}'"), 1, "a sealed secret in it cannot"),
            (site.folder / "nothing", 2, "there is no file"),
            (site.folder, 2, "is no file"),
            (site.database, 2, "is the database itself"),
        ):
            got, said = site.run("restore", str(wrong))
            assert (got, why in said) == (status, True), said
            assert site.names() == before
        done(site.open().close())
        assert site.devices() == ["d1", "d2"]

    def test_a_copy_from_before_the_key_was_changed_needs_the_key_of_its_time(self, site: Site) -> None:
        copy = self.backed_up(site)
        key = site.settings.secret_key_file
        of_then = key.read_text()
        drop_old_keys(key, add_key(key, ensure_sealer(key)))
        status, said = site.run("restore", str(copy))
        assert (status, "add it to" in said) == (2, True)
        assert of_then.split()[1] in said
        with key.open("a") as file:
            file.write(of_then)
        status, said = site.run("restore", str(copy))
        assert status == 0, said
        done(site.add("d3").close())
        assert site.devices() == ["d1", "d3"]
        key.unlink()
        status, said = site.run("restore", str(copy))
        assert (status, "secret.key is gone. Put it back from its backup" in said) == (2, True)

    def test_killed_after_any_step_it_leaves_the_old_or_the_new_and_the_next_try_works(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        seen = []
        for number in range(20):
            (tmp_path / str(number)).mkdir()
            site = Site(tmp_path / str(number), capsys)
            copy = self.backed_up(site)
            steps = restore_until_killed(site.settings, copy, number)
            if steps is None:
                break
            seen.append(steps)
            (tmp_path / f"{number}-again").mkdir()
            again = Site(tmp_path / f"{number}-again", capsys)
            shutil.rmtree(again.folder / "hub")
            shutil.copytree(site.folder / "hub", again.folder / "hub")

            # A start finds one of the two, whole.
            done(site.open().close())
            assert site.devices() == (["d1", "d2"] if number == 0 else ["d1"]), steps

            # So does another try.
            status, said = again.run("restore", str(copy))
            assert status == 0, said
            done(again.open().close())
            assert again.devices() == ["d1"]
            kept = [one for one in again.names() if "before" in one and not one.endswith(("-wal", "-shm"))]
            assert any(again.devices(again.folder / "hub" / one) == ["d1", "d2"] for one in kept), steps
            assert not [one for one in again.names() if "restor" in one]
        assert seen == [
            "copied",
            "decided",
            "new epoch asked for",
            "hub.db-wal aside",
            "hub.db-shm aside",
            "hub.db aside",
            "in place",
        ]

    def test_a_backup_waits_until_a_restore_that_was_cut_off_is_finished(self, site: Site) -> None:
        copy = self.backed_up(site)
        restore_until_killed(site.settings, copy, 4)
        status, said = site.run("backup", str(site.folder / "other.db"))
        assert (status, "a restore was cut off" in said) == (1, True)

    def test_two_in_one_second_keep_both_that_were_there(self, site: Site) -> None:
        copy = self.backed_up(site)
        (site.folder / "hub" / ".hub.db.restore-wal").write_text("left by one that was cut off")
        first = restore_file(site.settings, copy, NOW)[1]
        second = restore_file(site.settings, copy, NOW)[1]
        assert first is not None
        assert second is not None
        assert (first.name, second.name) == ("hub.db.before-20261121T173000Z", "hub.db.before-20261121T173000Z-2")
        assert (site.devices(first), site.devices(second)) == (["d1", "d2"], ["d1"])

    def test_a_disk_that_refuses_leaves_the_old(self, site: Site) -> None:
        copy = self.backed_up(site)
        (site.folder / "hub" / ".hub.db.restore").mkdir()
        with pytest.raises(PermanentError, match="cannot be written"):
            restore_file(site.settings, copy, NOW)
        done(site.open().close())
        assert site.devices() == ["d1", "d2"]


def restore_until_killed(settings: HubSettings, copy: Path, number: int) -> str | None:
    """Restore in another process, which is killed after so many steps; the last one, or None if it came to an end."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        steps: list[str] = []

        def after(step: str) -> None:
            steps.append(step)
            if len(steps) > number:
                os.write(writer, step.encode())
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            restore_file(settings, copy, NOW, after)
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as pipe:  # noqa: PTH123 - a descriptor
        said = pipe.read().decode()
    os.waitpid(child, 0)
    return said or None

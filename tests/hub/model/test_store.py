from __future__ import annotations

import os
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, make_url, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from common.errors import SettingsError, TransientError
from hub.model.database import Database, sqlite_url
from hub.model.migrate import HEAD, MIGRATIONS
from hub.model.postgres import DRIVER
from hub.model.store import SqlModelStore
from hub.model.tables import metadata
from tests.contracts.model_store import ModelStoreContract, change
from tests.databases import Databases
from tests.fakes.stores import FakeModelStore, InlineWorker, done

DRIVERS = {"sqlite": "sqlite", "postgresql": DRIVER}


def open_database(path: Path, epoch: str = "epoch-1") -> Database:
    database = Database(sqlite_url(path), InlineWorker(), lambda: epoch)
    done(database.open())
    return database


class TestFakeModelStore(ModelStoreContract):
    @pytest.fixture
    def store(self) -> Any:
        return FakeModelStore()


class TestSqlModelStore(ModelStoreContract):
    @pytest.fixture
    def store(self, databases: Databases) -> Any:
        return SqlModelStore(databases.open())

    def test_what_is_stored_is_there_after_a_restart_and_the_epoch_is_the_same(self, databases: Databases) -> None:
        database = databases.open("x", "first")
        done(SqlModelStore(database).commit(1, "ann", "", "", [change("a", None, "1")]))
        done(database.close())
        again = SqlModelStore(databases.open("x", "second"))
        assert done(again.epoch()) == "first"
        assert done(again.load()) == (1, [("Device", "a", "1")])

    def test_a_commit_that_fails_half_way_leaves_nothing(self, store: Any) -> None:
        done(store.commit(1, "", "", "", [change("a", None, "1")]))
        with pytest.raises(TransientError):
            done(store.commit(2, "", "", "", [change("b", None, "1"), change("a", None, "2")]))  # a is there already
        assert done(store.load()) == (1, [("Device", "a", "1")])
        assert len(done(store.revisions(10))) == 1
        assert done(store.commit(2, "", "", "", [change("b", None, "1")])).number == 2


class TestDatabaseOfEachKind:
    def test_a_database_of_something_else_is_refused_and_left_alone(self, databases: Databases) -> None:
        engine = create_engine(make_url(databases.url("hub")).set(drivername=DRIVERS[databases.kind]))
        with engine.begin() as other:
            other.execute(text("CREATE TABLE recipes (name TEXT)"))
        with pytest.raises(SettingsError, match=r"tables of something else \(recipes\)"):
            databases.open()
        assert inspect(engine).get_table_names() == ["recipes"]
        engine.dispose()

    def test_a_database_of_a_newer_version_is_refused(self, databases: Databases) -> None:
        database = databases.open()
        done(database.run(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'"))))
        done(database.close())
        with pytest.raises(SettingsError, match="newer version"):
            databases.open()

    def test_migrations_make_the_tables_that_the_code_has(self, databases: Databases) -> None:
        database = databases.open()
        options = {"compare_type": True}
        assert (
            done(database.run(lambda c: compare_metadata(MigrationContext.configure(c, opts=options), metadata))) == []
        )

    def test_what_one_piece_of_work_wrote_goes_when_it_fails(self, databases: Databases) -> None:
        database = databases.open()

        def work(connection: Connection) -> None:
            connection.execute(text("DELETE FROM site"))
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            done(database.run(work))
        assert done(database.run(lambda c: c.execute(text("SELECT value FROM site WHERE name = 'epoch'")).all())) == [
            ("epoch-1",)
        ]

    def test_a_statement_that_is_wrong_is_a_defect_and_shows_no_values(self, databases: Databases) -> None:
        database = databases.open()
        with pytest.raises((ProgrammingError, OperationalError, TransientError)) as caught:
            done(database.run(lambda c: c.execute(text("SELECT * FROM nowhere WHERE x = :x"), {"x": "hush"})))
        assert "hush" not in str(caught.value)


class TestDatabase:
    def test_a_second_hub_on_the_same_store_is_noticed(self, tmp_path: Path) -> None:
        one, two = (SqlModelStore(open_database(tmp_path / "hub.db")) for _ in range(2))
        done(one.load())
        done(two.load())
        done(one.commit(1, "", "", "", [change("a", None, "1")]))
        with pytest.raises(TransientError, match="another hub writes to it"):
            done(two.commit(1, "", "", "", [change("b", None, "1")]))

    def test_only_its_owner_can_read_it(self, tmp_path: Path) -> None:
        old = os.umask(0)
        try:
            database = open_database(tmp_path / "hub.db")
            done(SqlModelStore(database).commit(1, "", "", "", [change("a", None, "secret")]))
            for path in tmp_path.iterdir():
                assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        finally:
            os.umask(old)

    def test_a_file_that_others_can_read_is_closed_to_them(self, tmp_path: Path) -> None:
        done(open_database(tmp_path / "hub.db").close())
        (tmp_path / "hub.db").chmod(0o644)
        open_database(tmp_path / "hub.db")
        assert stat.S_IMODE((tmp_path / "hub.db").stat().st_mode) == 0o600

    def test_it_writes_ahead_and_syncs_fully(self, tmp_path: Path) -> None:
        database = open_database(tmp_path / "hub.db")

        def read(connection: Connection) -> list[object]:
            names = ("journal_mode", "synchronous", "foreign_keys")
            return [connection.execute(text(f"PRAGMA {name}")).scalar() for name in names]

        assert done(database.run(read)) == ["wal", 2, 1]

    def test_a_file_that_has_gone_or_become_empty_is_refused_by_who_needs_it(self, tmp_path: Path) -> None:
        path = tmp_path / "hub.db"
        database = Database(sqlite_url(path), InlineWorker(), str)
        with pytest.raises(SettingsError, match=r"hub\.db is gone, although this hub has run before"):
            done(database.open(must_exist=True))
        path.touch()
        with pytest.raises(SettingsError, match=r"hub\.db is empty, .*make an empty file .*hub\.db\.new"):
            done(database.open(must_exist=True))

    def test_a_first_start_that_was_cut_off_is_begun_again(self, tmp_path: Path) -> None:
        path = tmp_path / "hub.db"
        database = Database(sqlite_url(path), InlineWorker(), lambda: "epoch-1")
        database.expect_new()
        path.touch()
        done(database.open(must_exist=True))
        done(database.close())
        assert sorted(one.name for one in tmp_path.iterdir()) == ["hub.db", "hub.db.run"]
        done(database.open(must_exist=True))

    def test_a_file_that_is_no_database_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "hub.db"
        path.write_bytes(b"hello world, this is a letter\n" * 50)
        with pytest.raises(SettingsError, match=r"hub\.db is damaged, or no SQLite file"):
            open_database(path)
        assert path.read_bytes().startswith(b"hello")

    def test_a_damaged_database_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "hub.db"
        database = open_database(path)
        store = SqlModelStore(database)
        done(store.commit(1, "", "", "", [change(f"d{n}", None, "x" * 500) for n in range(500)]))
        done(database.close())
        data = bytearray(path.read_bytes())
        data[8192:-8192] = os.urandom(len(data) - 16384)
        path.write_bytes(data)
        with pytest.raises(SettingsError, match=r"hub\.db (is damaged|cannot be opened)"):
            open_database(path)

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match=r"nowhere/hub\.db cannot be opened: .*No such file"):
            open_database(tmp_path / "nowhere" / "hub.db")
        with pytest.raises(SettingsError, match="is a folder"):
            open_database(tmp_path)

    @pytest.mark.parametrize("url", ["", "hub.db", "oracle8://x", "postgresql+psycopg9://x"])
    def test_a_url_that_cannot_be_used(self, url: str) -> None:
        with pytest.raises(SettingsError, match="database"):
            Database(url, InlineWorker(), lambda: "x")

    def test_a_full_disk_stores_nothing_and_says_so_and_later_goes_on(self, tmp_path: Path) -> None:
        database = open_database(tmp_path / "hub.db")
        store = SqlModelStore(database)
        done(store.commit(1, "", "", "", [change("a", None, "1")]))
        done(database.run(lambda c: c.execute(text("PRAGMA max_page_count = 1"))))
        with pytest.raises(TransientError, match=r"hub\.db refused: database or disk is full; nothing was stored"):
            done(store.commit(2, "", "", "", [change("b", None, "x" * 100_000)]))
        assert done(store.load()) == (1, [("Device", "a", "1")])
        done(database.run(lambda c: c.execute(text("PRAGMA max_page_count = 1000000"))))
        assert done(store.commit(2, "", "", "", [change("b", None, "x" * 100_000)])).number == 2

    def test_a_database_that_is_away_is_told_in_words_that_hold_for_reading_and_for_storing(self) -> None:
        database = Database("postgresql://nobody@127.0.0.1:1/away", InlineWorker(), lambda: "x")
        with pytest.raises(TransientError, match=r"cannot be reached: .*; nothing was read, and nothing was stored$"):
            done(SqlModelStore(database).revisions(10))

    def test_a_locked_database_is_a_passing_trouble(self, tmp_path: Path) -> None:
        database = open_database(tmp_path / "hub.db")
        done(database.run(lambda c: c.execute(text("PRAGMA busy_timeout = 1"))))
        other = sqlite3.connect(tmp_path / "hub.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TransientError, match="refused: database is locked"):
            done(SqlModelStore(database).load())
        other.execute("ROLLBACK")
        other.close()
        assert done(SqlModelStore(database).load()) == (0, [])

    def test_the_newest_migration_is_the_one_that_the_code_expects(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        assert ScriptDirectory.from_config(config).get_current_head() == HEAD

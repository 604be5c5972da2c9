"""Whole copies of the hub's database where that is a file, and what they hold."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from common.durable import sync
from common.errors import PermanentError
from hub.model.migrate import VERSION_TABLE
from hub.model.sealed import sealing_keys
from hub.model.sqlitefile import JOURNAL, RUN, SHM, WAL, beside, damage, reading

TABLES = frozenset({VERSION_TABLE, "site", "revisions", "documents", "document_changes"})
SECRETS = " UNION ALL ".join(
    f"SELECT {column} FROM {table} WHERE instr({column}, '\"sealed\"')"  # noqa: S608 - constants
    for table, column in (("documents", "body"), ("document_changes", "before"), ("document_changes", "after"))
)


class Contents(Struct, frozen=True, kw_only=True):
    """What a copy holds.

    Attributes:
        version: of its tables.
        revision: the newest of the model; 0 when there is none.
        at: when that was made.
        devices: how many the model has.
        keys: ids of the keys that have sealed the secrets in it.
    """

    version: str
    revision: int
    at: float
    devices: int
    keys: frozenset[str]


def copy_database(source: Path, target: Path, *, alone: bool, epoch: str = "") -> Contents:
    """Make a copy that stands for itself, look through all of it, and have it on disk on return.

    Args:
        source: a database file, which may be in use.
        target: a file that is made, readable by its owner alone; its folder is synced by who gives it its last name.
        alone: the source has no log, and nobody uses it.
        epoch: another epoch for the copy; the same as the source's when empty.

    Raises:
        PermanentError: the source is damaged, or no database of Tocsin; or the target cannot be written.
    """
    try:
        for suffix in ("", WAL, SHM, JOURNAL):  # of a copy that was cut off
            beside(target, suffix).unlink(missing_ok=True)
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with closing(sqlite3.connect(target, isolation_level=None)) as copy:
            copy.execute("PRAGMA synchronous = OFF")  # it is synced below, once
            with reading(source, alone=alone) as original:
                _fill(copy, original, source)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, which needs no other
            contents = _contents(copy, source)
            copy.execute("PRAGMA secure_delete = ON")
            copy.execute("DELETE FROM site WHERE name = ?", (RUN,))
            if epoch:
                copy.execute("UPDATE site SET value = ? WHERE name = 'epoch'", (epoch,))
        sync(target)
    except sqlite3.Error as error:
        raise PermanentError(f"{target} cannot be written: {error}") from None
    except OSError as error:
        raise PermanentError(f"{target} cannot be written: {error.strerror or error}") from None
    return contents


def _fill(copy: sqlite3.Connection, original: sqlite3.Connection, source: Path) -> None:
    original.execute("BEGIN")
    try:
        original.execute("SELECT count(*) FROM sqlite_master").fetchone()  # it can be read, and stays as it is now
    except sqlite3.Error as error:
        raise PermanentError(f"{source} cannot be read as a database: {error}") from None
    original.backup(copy)


def _contents(copy: sqlite3.Connection, source: Path) -> Contents:
    found = damage(copy)
    if found:
        raise PermanentError(f"{source} is damaged ({found})")
    tables = {str(name) for (name,) in copy.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables >= TABLES:
        what = f"it holds {', '.join(sorted(tables)[:5])}" if tables else "it is empty"
        raise PermanentError(f"{source} is no database of Tocsin: {what}")
    try:
        keys = frozenset(sealing_keys(_texts(copy)))
    except ValueError:
        raise PermanentError(f"{source} is damaged (a sealed secret in it cannot be read)") from None
    number, at = copy.execute("SELECT number, at FROM revisions ORDER BY number DESC LIMIT 1").fetchone() or (0, 0.0)
    return Contents(
        version=str((copy.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone() or ("",))[0]),  # noqa: S608 - a constant
        revision=number,
        at=at,
        devices=copy.execute("SELECT count(*) FROM documents WHERE kind = 'Device'").fetchone()[0],
        keys=keys,
    )


def _texts(copy: sqlite3.Connection) -> Iterator[str]:
    for (text,) in copy.execute(SECRETS):
        yield str(text)

"""A SQLite file that must survive what may happen to a file: a full disk, damage, a kill."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from common.errors import SettingsError, TransientError

_PARTS = ("", "-wal", "-shm")


class DamagedSpoolError(TransientError):
    """The file is no database any more; open it again and it is set aside."""


def connect(path: Path) -> sqlite3.Connection:
    """Open a file, which is its owner's alone; it is made if it is not there.

    Raises:
        SettingsError: it is not ours.
        OSError, sqlite3.Error: as they come (see `told`).
    """
    if path.exists() and not os.access(path, os.R_OK | os.W_OK):
        raise SettingsError(f"{path} is not ours to read and write; give it to the daemon's user")
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=5.0)
    connection.text_factory = _text
    return connection


def _text(raw: bytes) -> str:
    """A text, or what damage has made one: that must cost its row, not all."""
    return raw.decode("utf-8", "replace")


def set_aside(path: Path) -> Path:
    """Rename a damaged file and what belongs to it; an earlier one that was set aside makes room.

    Raises:
        TransientError: the disk refuses.
    """
    aside = path.with_name(path.name + ".damaged")
    with told(path):
        for part in _PARTS:
            ours, theirs = path.with_name(path.name + part), aside.with_name(aside.name + part)
            theirs.unlink(missing_ok=True)
            if ours.exists():
                ours.replace(theirs)
    return aside


class Reserve:
    """A file that is there only to be deleted when the disk is full."""

    def __init__(self, path: Path, size_bytes: int) -> None:
        self._path = path
        self._size_bytes = size_bytes

    def make(self) -> None:
        """Have it; where there is no room for it, there is none."""
        try:
            if not self._path.exists():
                descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                try:
                    os.posix_fallocate(descriptor, 0, self._size_bytes)
                finally:
                    os.close(descriptor)
        except OSError:
            self._path.unlink(missing_ok=True)

    def give_up(self) -> bool:
        """Delete it; False when there was none."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True


def blob(value: object) -> bytes:
    """What stands where bytes belong.

    Raises:
        DamagedSpoolError: it is something else; damage can make a number of it.
    """
    if not isinstance(value, bytes):
        raise DamagedSpoolError("there is something else where bytes should be")
    return value


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Run statements all or none."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what SQLite and the disk say into errors of ours."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise  # a defect of ours, not the file's
    except sqlite3.OperationalError as error:
        # Our SQL is right, so the tables are not ours. What Python itself cannot read has no code.
        if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) == sqlite3.SQLITE_ERROR:
            raise DamagedSpoolError(f"{path}: {error}") from None
        raise TransientError(f"{path} cannot be written: {error}; free some space there, or mend the disk") from None
    except sqlite3.DatabaseError as error:
        raise DamagedSpoolError(f"{path}: {error}") from None
    except UnicodeDecodeError:  # SQLite's own words quote what it has found
        raise DamagedSpoolError(f"{path}: a text in it is none") from None
    except OSError as error:
        raise TransientError(f"{path} cannot be written: {error.strerror or error}") from None

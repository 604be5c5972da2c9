"""A database file of SQLite, looked at without a change: is it sound, and does the log beside it belong to it?

What SQLite has committed last may lie in a log beside the file (`-wal`) when the hub was killed. The log does not say
to which file it belongs. Somebody who puts a backup in the place of the file, and leaves the log of the one of before
beside it, gets a mixture of both, which looks well for a while. So the hub notes at its start the id of its run twice:
in the file, and in one beside it (`hub.db.run`). A file that lies beside a log and has another id was put there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from common.durable import write_whole
from common.errors import PermanentError, SettingsError

MAGIC = b"SQLite format 3\0"
RUN = "run"
WAL, SHM, JOURNAL = "-wal", "-shm", "-journal"


def beside(path: Path, suffix: str) -> Path:
    """A file whose name is longer by this."""
    return path.with_name(path.name + suffix)


def has_log(path: Path) -> bool:
    """Whether there is a log beside it that holds anything."""
    try:
        return beside(path, WAL).stat().st_size > 0
    except OSError:
        return False


@contextmanager
def reading(path: Path, *, alone: bool = False) -> Iterator[sqlite3.Connection]:
    """Connect to a database and change nothing: its log is read, and not carried over into the file.

    Args:
        path: the file.
        alone: look at the file as if there were no log; nothing is made beside it. For a file that nobody writes.

    Raises:
        PermanentError: it cannot be read, or what is read is damaged.
    """
    url = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if alone else ''}"
    try:
        with closing(sqlite3.connect(url, uri=True, isolation_level=None)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise PermanentError(f"the database {path} cannot be read: {error}") from None


def damage(connection: sqlite3.Connection) -> str:
    """What is wrong with a database, all of which is read; empty when nothing is.

    Raises:
        sqlite3.OperationalError: it cannot be read now, which says nothing of it.
    """
    try:
        found = str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        return str(error)
    return "" if found == "ok" else found.splitlines()[-1]


class RunNote:
    """The file with the id of the last run, which the database has, too."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self.path = beside(database, f".{RUN}")

    def write(self, run: str) -> None:
        """Note it, durably.

        Raises:
            SettingsError: the folder cannot be written.
        """
        write_whole(self.path, f"{run}\n".encode(), 0o600)

    def remove(self) -> None:
        """From now on any file may lie beside a log."""
        self.path.unlink(missing_ok=True)

    def is_contradicted(self) -> bool:
        """Whether the file, looked at without its log, is certainly not the one of the last run."""
        try:
            noted = self.path.read_text(encoding="ascii").strip()
            with reading(self._database, alone=True) as connection:
                row = connection.execute("SELECT value FROM site NOT INDEXED WHERE name = ?", (RUN,)).fetchone()
        except (OSError, ValueError, PermanentError):
            return False  # a file that is torn alone may be whole with its log
        return row is None or row[0] != noted


def look_with_log(path: Path) -> bool:
    """Look at a database that was not closed, before anything is written; False when there is nothing to look at.

    Raises:
        SettingsError: its log belongs to another file, or it is damaged.
    """
    if not has_log(path):
        return False
    log, shared, note = beside(path, WAL).name, beside(path, SHM).name, RunNote(path)
    if note.is_contradicted():
        raise SettingsError(
            f"the database {path} is not the one that the hub used last, but {log} beside it belongs to that one: "
            "another file was put in its place after the hub had been killed. Both together would be damaged; nothing "
            "was changed. `tocsin-hub restore FILE` puts a backup in the place of both; or move "
            f"{log} and {shared} away, to start with {path.name} as it is. "
            f"If both were put there together, and belong together, remove {note.path.name}"
        )
    try:
        with reading(path) as connection:
            found = damage(connection)
    except PermanentError as error:
        raise SettingsError(error.message) from None
    if not found:
        return True
    why = f"the database {path}, together with {log} beside it, is damaged ({found})"
    if _is_sound_alone(path):
        raise SettingsError(
            f"{why}. Most likely another file was put in its place after the hub had been killed, and {log} still "
            "belongs to the one of before. Nothing was changed. `tocsin-hub restore FILE` puts a backup in the place "
            f"of both; or move {log} and {shared} away, to start with {path.name} as it is"
        )
    raise SettingsError(f"{why}, and so it is alone. Put a backup in the place of both: `tocsin-hub restore FILE`")


def _is_sound_alone(path: Path) -> bool:
    try:
        with reading(path, alone=True) as connection:
            return not damage(connection)
    except PermanentError:
        return False

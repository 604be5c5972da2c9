"""What the index knows of copies that were kept before outages (`data.copies`)."""

from __future__ import annotations

import sqlite3

from msgspec import Struct

TABLE = """
CREATE TABLE IF NOT EXISTS copies (
    file TEXT PRIMARY KEY, series TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    bytes INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS copies_of_series ON copies (series, last);
CREATE INDEX IF NOT EXISTS copies_by_time ON copies (last);
"""
_SELECT = "SELECT file, series, first, last, bytes, until FROM copies"


class CopyRow(Struct, frozen=True):
    """A copy.

    Attributes:
        file, series: its path below the RRD folder, and that of the file whose time it has.
        first, last: epoch seconds of its rows.
        until: epoch second from which on it tells no more than the file, which then knows nothing of that time.
    """

    file: str
    series: str
    first: int
    last: int
    bytes: int
    until: int


class CopyBook:
    """The rows of one index; whoever has it is the writer process."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def get(self, file: str) -> CopyRow | None:
        """A copy by its path."""
        row = self._db.execute(f"{_SELECT} WHERE file = ?", (file,)).fetchone()
        return CopyRow(*row) if row else None

    def of_series(self, series: str) -> list[CopyRow]:
        """The copies of a file, in order of time."""
        return [CopyRow(*row) for row in self._db.execute(f"{_SELECT} WHERE series = ? ORDER BY last", (series,))]

    def over(self, now: int) -> list[CopyRow]:
        """Copies whose time has passed."""
        return [CopyRow(*row) for row in self._db.execute(f"{_SELECT} WHERE until < ?", (now,))]

    def oldest(self, before: int) -> CopyRow | None:
        """The oldest copy, where it ends before a moment."""
        row = self._db.execute(f"{_SELECT} WHERE last < ? ORDER BY last LIMIT 1", (before,)).fetchone()
        return CopyRow(*row) if row else None

    def total_bytes(self) -> int:
        """Of all copies."""
        return int(self._db.execute("SELECT coalesce(sum(bytes), 0) FROM copies").fetchone()[0])

    def put(self, row: CopyRow) -> None:
        """Note a copy."""
        self._db.execute(
            "INSERT OR REPLACE INTO copies VALUES (?, ?, ?, ?, ?, ?)",
            (row.file, row.series, row.first, row.last, row.bytes, row.until),
        )

    def drop(self, file: str) -> None:
        """Forget a copy."""
        self._db.execute("DELETE FROM copies WHERE file = ?", (file,))

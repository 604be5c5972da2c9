"""The index of the RRD folder: whose series a file with a hash for a name holds.

Written by the writer process alone; the reader process opens it read-only. Every segment of the spool names its series
anew, so an index that is lost comes back by itself as samples arrive.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct

from collectors.framework.data.copybook import TABLE, CopyBook
from common.series import Layout, Point, SeriesKey

INDEX = "index.db"
CACHE_KIB = 256
"""Each series is looked up once: what was read is hardly ever asked for again."""

T = TypeVar("T")

_TABLES = """
CREATE TABLE IF NOT EXISTS series (
    file TEXT PRIMARY KEY, device TEXT NOT NULL, component TEXT NOT NULL, source TEXT NOT NULL,
    step_s INTEGER NOT NULL, points BLOB NOT NULL, first INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS series_of_device ON series (device, component, source);
CREATE TABLE IF NOT EXISTS aside (
    file TEXT PRIMARY KEY, device TEXT, component TEXT, source TEXT, reason TEXT NOT NULL, at REAL NOT NULL,
    step_s INTEGER, points BLOB) WITHOUT ROWID;
"""

_points = msgspec.json.Decoder(tuple[Point, ...])


class Series(Struct, frozen=True, kw_only=True):
    """One series file.

    Attributes:
        layout: points and step; what the file keeps for how long, only the file itself says.
        file: path below the RRD folder.
        first: epoch second of the first sample in the file.
    """

    key: SeriesKey
    layout: Layout
    file: str
    first: int


class Index:
    """The writing side.

    Attributes:
        damage: a sentence, when a damaged index had to be set aside; empty otherwise.
        copies: what was kept before outages.

    Raises:
        OSError, sqlite3.OperationalError: the disk refused.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / INDEX
        self.damage = ""
        try:
            self._db = self._open()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:  # keep it for a look, and let the samples fill a new one
            for suffix in ("-wal", "-shm"):
                self._path.with_name(INDEX + suffix).unlink(missing_ok=True)
            aside = self._path.rename(self._path.with_name(f"{INDEX}.broken-{int(time.time())}"))
            self._db = self._open()
            self.damage = (
                f"The index of the series was damaged ({error}); it is kept as {aside}, and a new one is filled by the "
                "series that are still collected"
            )

        self.copies = CopyBook(self._db)

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, isolation_level=None, timeout=5.0)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            db.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
            db.executescript(_TABLES + TABLE)
            db.execute("SELECT count(*) FROM series").fetchone()
        except BaseException:
            db.close()
            raise
        return db

    def get(self, file: str) -> Series | None:
        """The series of a file."""
        found = _select(self._db, "file = ?", (file,))
        return found[0] if found else None

    def put(self, series: Series) -> None:
        """Note a series, or what has changed of it."""
        key, layout = series.key, series.layout
        self._db.execute(
            "INSERT OR REPLACE INTO series VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                series.file,
                key.device,
                key.component,
                key.source,
                layout.step_s,
                msgspec.json.encode(layout.points),
                series.first,
            ),
        )

    def put_aside(self, file: str, series: Series | None, reason: str, at: float) -> None:
        """Note that the file of a series was set aside under a new name."""
        whose: tuple[object, ...] = (None,) * 5
        if series is not None:
            key, layout = series.key, series.layout
            whose = (key.device, key.component, key.source, layout.step_s, msgspec.json.encode(layout.points))
        self._db.execute(
            "INSERT OR REPLACE INTO aside (file, device, component, source, step_s, points, reason, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (file, *whose, reason, at),
        )

    def remove(self, file: str) -> None:
        """Forget the series of a file that is not in its place any more."""
        self._db.execute("DELETE FROM series WHERE file = ?", (file,))

    def files_of(self, device: str) -> list[tuple[str, SeriesKey, bool]]:
        """Files of a device: path, series, and whether it was set aside."""
        found = []
        for table in ("series", "aside"):
            rows = self._db.execute(
                f"SELECT file, component, source FROM {table} WHERE device = ? ORDER BY file",  # noqa: S608 (constant)
                (device,),
            )
            found += [
                (file, SeriesKey(device, component, source), table == "aside") for file, component, source in rows
            ]
        return found

    def sizes_of(self, device: str) -> list[tuple[str, int, int]]:
        """Source, number of points and step of each file of a device, those that were set aside too."""
        found = []
        for table in ("series", "aside"):
            rows = self._db.execute(
                f"SELECT source, points, step_s FROM {table} WHERE device = ? AND points IS NOT NULL",  # noqa: S608 (constant)
                (device,),
            )
            found += [(source, len(_points.decode(points)), step_s) for source, points, step_s in rows]
        return found

    def set_aside_before(self, ending: str, at: float) -> list[str]:
        """Files that were set aside before an epoch second, of those whose names end so."""
        found = self._db.execute("SELECT file FROM aside WHERE file LIKE ? AND at < ? LIMIT 1000", (f"%{ending}", at))
        return [row[0] for row in found]

    def forget_aside(self, file: str) -> None:
        """A file that was set aside is there no more."""
        self._db.execute("DELETE FROM aside WHERE file = ?", (file,))

    def close(self) -> None:
        """Close the database."""
        self._db.close()


def read_device(folder: Path, device: str) -> list[Series]:
    """All series of a device, in order of component and source; none when there is no index yet."""
    return _reading(folder, lambda db: _select(db, "device = ?", (device,)), [])


def read_devices(folder: Path, limit: int, after: str = "") -> list[str]:
    """Ids of devices that have series, in order, after one of them."""

    def names(db: sqlite3.Connection) -> list[str]:
        found = db.execute("SELECT DISTINCT device FROM series WHERE device > ? ORDER BY 1 LIMIT ?", (after, limit))
        return [row[0] for row in found]

    return _reading(folder, names, [])


def _reading(folder: Path, read: Callable[[sqlite3.Connection], T], nothing: T) -> T:
    path = folder / INDEX
    if not path.exists():
        return nothing
    with contextlib.closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5.0)) as db:
        return read(db)


def _select(db: sqlite3.Connection, where: str, arguments: Sequence[object]) -> list[Series]:
    rows = db.execute(
        "SELECT file, device, component, source, step_s, points, first FROM series"  # noqa: S608 (constant)
        f" WHERE {where} ORDER BY device, component, source",
        arguments,
    )
    return [
        Series(
            key=SeriesKey(device, component, source),
            layout=Layout(points=_points.decode(points), step_s=step_s),
            file=file,
            first=first,
        )
        for file, device, component, source, step_s, points, first in rows
    ]

"""The event spool's database file; every method blocks.

Numbers. A row's sequence number is `base` plus its place among the rows that are left. The first `WINDOW` rows are the
window: only they are ever sent, and they are never dropped, so their numbers cannot change. What must go when the spool
is full goes from behind the window, where nothing has had a number that the hub could have seen. Numbers that the hub
gets are therefore without gaps, and one number never means two events.

Overflow. The oldest of the lowest rank behind the window are dropped and counted in the same transaction; as soon as
there is room again, the count becomes one event.

A full disk refuses everything, and SQLite needs some space even to delete. So a file of some size is kept in reserve;
it is given up when what the hub holds cannot be deleted, and made again afterwards.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from collectors.framework.spoolfile import DamagedSpoolError, Reserve, blob, connect, set_aside, told, transaction
from common.errors import TransientError

WINDOW = 1000
"""Rows that may have been sent; also the most that one batch may hold (`EventBatch`)."""
ROOM = 0.75
"""Below this share of its bounds the spool has room again."""
ROW_BYTES = 64
"""What a row costs besides its body, for the bound in bytes."""
GAP_RANK = 9
"""Above all severities: what counts others must not be dropped itself."""
SCHEMA = 1
RESERVE_BYTES = 2 * 1024 * 1024
CHECKPOINT_PAGES = 256
"""So much of the log at most (4 KiB each) waits to be brought into the file: half of the reserve."""
_ID = re.compile(r"[0-9a-f]{32}")
DISTRESS_ROWS = 100
"""Rows that are deleted at once when the disk is full."""


class Put(Struct, frozen=True):
    """Events of one decision, (rank, epoch second, bytes) each, and the state they were decided from."""

    events: Sequence[tuple[int, float, bytes]]
    key: str = ""
    state: bytes | None = None


class Forget(Struct, frozen=True):
    """Drop the state under a key."""

    key: str


class Gap(Struct, frozen=True, kw_only=True):
    """What was dropped since the last event that told so; times are epoch seconds of the events."""

    count: int = 0
    first: float = 0.0
    last: float = 0.0
    by_rank: dict[int, int] = {}

    def more(self, count: int, first: float, last: float, by_rank: dict[int, int]) -> Gap:
        """This and some more."""
        ranks = dict(self.by_rank)
        for rank, number in by_rank.items():
            ranks[rank] = ranks.get(rank, 0) + number
        return Gap(
            count=self.count + count,
            first=min(first, self.first) if self.count else first,
            last=max(last, self.last),
            by_rank=ranks,
        )


class SpoolDb:
    """One database file.

    Args:
        tell_gap: makes the event, (rank, epoch second, bytes), that stands for what was dropped.

    Attributes:
        spool: id of this spool; new when the file is new, or its numbers begin anew.
        base: number of the last event that was forgotten.
        rows, size_bytes: what waits.
        dropped: events lost to overflow since it was opened.
    """

    def __init__(
        self, path: Path, max_rows: int, max_bytes: int, tell_gap: Callable[[Gap], tuple[int, float, bytes]]
    ) -> None:
        self._path = path
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._tell_gap = tell_gap
        self._reserve = Reserve(path.with_name(path.name + ".reserve"), RESERVE_BYTES)
        self._db: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None  # of its own, so that a read does not wait for a sync
        self._gap = Gap()
        self.spool = ""
        self.base = 0
        self.rows = 0
        self.size_bytes = 0
        self.dropped = 0

    # --- opening ------------------------------------------------------------------------------------------------------

    def open(self) -> str:
        """Open the file, or make it; returns a sentence when a damaged one had to be set aside.

        Raises:
            TransientError: the disk refuses.
            SettingsError: the file cannot be reached with our rights.
        """
        self.close()
        try:
            self._open()
        except DamagedSpoolError as error:
            self.close()
            aside = set_aside(self._path)
            self._open()
            return f"the event spool was damaged ({error.message}); it is kept as {aside}, and a new one begins"
        return ""

    def close(self) -> None:
        """Close the file."""
        for connection in (self._reader, self._db):
            if connection is not None:
                with contextlib.suppress(sqlite3.Error):
                    connection.close()
        self._db = self._reader = None

    def _open(self) -> None:
        with told(self._path):
            self._db = db = connect(self._path)
            (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise DamagedSpoolError(str(verdict)[:200])
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            db.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
            db.execute(f"PRAGMA journal_size_limit={RESERVE_BYTES}")
            self._make_tables(db)
            self._read_totals(db)
            self._reader = connect(self._path)
        self._reserve.make()

    def _make_tables(self, db: sqlite3.Connection) -> None:
        with transaction(db):
            db.execute(
                "CREATE TABLE IF NOT EXISTS events (id INTEGER PRIMARY KEY AUTOINCREMENT, rank INTEGER NOT NULL,"
                " at REAL NOT NULL, size INTEGER NOT NULL, body BLOB NOT NULL)"
            )
            db.execute("CREATE INDEX IF NOT EXISTS events_rank ON events (rank, id)")
            db.execute("CREATE TABLE IF NOT EXISTS states (key TEXT PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID")
            db.execute("CREATE TABLE IF NOT EXISTS spool (id TEXT NOT NULL, base INTEGER NOT NULL, gap BLOB NOT NULL)")
            if db.execute("SELECT count(*) FROM spool").fetchone() == (0,):
                db.execute("INSERT INTO spool VALUES (?, 0, ?)", (_new_id(), _pack(Gap())))
        db.execute(f"PRAGMA user_version={SCHEMA}")

    def _read_totals(self, db: sqlite3.Connection) -> None:
        try:
            self.spool, self.base, gap = db.execute("SELECT id, base, gap FROM spool").fetchone()
            self._gap = msgspec.msgpack.decode(gap, type=Gap)
        except (TypeError, ValueError, msgspec.MsgspecError) as error:
            raise DamagedSpoolError(f"its first table is unreadable: {error}") from None
        if not _ID.fullmatch(str(self.spool)):  # damage can make a number of it
            raise DamagedSpoolError("its id is none")
        self.rows, self.size_bytes = db.execute(
            f"SELECT count(*), coalesce(sum(size), 0) + count(*) * {ROW_BYTES} FROM events"  # noqa: S608 - a constant
        ).fetchone()

    # --- writing ------------------------------------------------------------------------------------------------------

    def commit(self, entries: Sequence[Put | Forget]) -> None:
        """Store events and states, all or nothing, durable on return.

        Raises:
            TransientError: the disk refused; nothing is stored.
        """
        with self._change() as (db, totals):
            sent_to = self._last_sendable(db)
            for entry in entries:
                if isinstance(entry, Forget):
                    db.execute("DELETE FROM states WHERE key = ?", (entry.key,))
                    continue
                totals.insert(db, entry.events)
                if entry.key and entry.state is not None:
                    db.execute("INSERT OR REPLACE INTO states VALUES (?, ?)", (entry.key, entry.state))
            if totals.rows > self._max_rows or totals.size_bytes > self._max_bytes:
                self._shed(db, totals, sent_to)
            self._tell_if_room(db, totals)

    def forget_to(self, seq: int) -> None:
        """Delete all up to a number that the hub holds.

        Raises:
            TransientError: the disk refused; nothing is deleted.
        """
        try:
            self._forget_to(seq)
        except DamagedSpoolError:
            raise
        except TransientError:
            if not self._reserve.give_up():
                raise
            self._forget_in_distress(seq)

    def _forget_in_distress(self, seq: int) -> None:
        """Delete in small steps, each brought into the file, so that the log needs little space."""
        try:
            for step in range(self.base + DISTRESS_ROWS, seq + DISTRESS_ROWS, DISTRESS_ROWS):
                self._forget_to(min(step, seq))
                with told(self._path):
                    self._connection().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            self._reserve.make()

    def _forget_to(self, seq: int) -> None:
        number = min(seq - self.base, self.rows)
        if number <= 0:
            return
        with self._change() as (db, totals):
            (last,) = db.execute("SELECT id FROM events ORDER BY id LIMIT 1 OFFSET ?", (number - 1,)).fetchone()
            totals.delete(db, "id <= ?", last)
            totals.base += number
            db.execute("UPDATE spool SET base = ?", (totals.base,))
            self._tell_if_room(db, totals)

    def replace(self, seq: int, event: tuple[int, float, bytes]) -> None:
        """Put another event in the place of one that the hub has not taken."""
        with self._change() as (db, totals):
            found = db.execute("SELECT id, size FROM events ORDER BY id LIMIT 1 OFFSET ?", (seq - self.base - 1,))
            row, size = found.fetchone()
            rank, at, body = event
            db.execute(
                "UPDATE events SET rank = ?, at = ?, size = ?, body = ? WHERE id = ?", (rank, at, len(body), body, row)
            )
            totals.size_bytes += len(body) - size

    def renew(self) -> None:
        """Begin new numbers under a new id: the hub's memory of the old ones does not fit ours."""
        with self._change() as (db, totals):
            totals.spool, totals.base = _new_id(), 0
            db.execute("UPDATE spool SET id = ?, base = 0", (totals.spool,))

    # --- reading ------------------------------------------------------------------------------------------------------

    def read(self, after: int, limit: int, max_bytes: int) -> list[tuple[int, bytes]]:
        """Events that follow a number, in order: one if there is any, at most `limit`, no more than fit `max_bytes`."""
        skip = max(0, after - self.base)
        limit = min(limit, WINDOW - skip)
        found: list[tuple[int, bytes]] = []
        if limit <= 0:
            return found
        with told(self._path):
            size = 0
            query = "SELECT body FROM events ORDER BY id LIMIT ? OFFSET ?"
            for (stored,) in self._connection().execute(query, (limit, skip)):
                body = stored if isinstance(stored, bytes) else b""  # damage; costs this event and no other
                size += len(body)
                if found and size > max_bytes:
                    break
                found.append((self.base + skip + len(found) + 1, body))
        return found

    def state(self, key: str) -> bytes | None:
        """The state under a key."""
        if self._reader is None:
            raise TransientError(f"{self._path} is not open")
        with told(self._path):
            row = self._reader.execute("SELECT state FROM states WHERE key = ?", (key,)).fetchone()
        return None if row is None else blob(row[0])

    # --- parts --------------------------------------------------------------------------------------------------------

    def _connection(self) -> sqlite3.Connection:
        if self._db is None:
            raise TransientError(f"{self._path} is not open")
        return self._db

    @contextlib.contextmanager
    def _change(self) -> Iterator[tuple[sqlite3.Connection, _Totals]]:
        """One transaction; our figures change only when it is durable."""
        db = self._connection()
        totals = _Totals(self.spool, self.base, self.rows, self.size_bytes, self._gap)
        with told(self._path), transaction(db):
            yield db, totals
        self.spool, self.base = totals.spool, totals.base
        self.rows, self.size_bytes, self._gap = totals.rows, totals.size_bytes, totals.gap
        self.dropped += totals.dropped

    def _last_sendable(self, db: sqlite3.Connection) -> int:
        """Row id of the window's end: up to there rows may have been sent."""
        if self.rows == 0:
            return 0
        place = min(WINDOW, self.rows) - 1
        row = db.execute("SELECT id FROM events ORDER BY id LIMIT 1 OFFSET ?", (place,)).fetchone()
        return int(row[0])

    def _shed(self, db: sqlite3.Connection, totals: _Totals, sent_to: int) -> None:
        """Drop the oldest of the lowest rank behind the window until the rest fits; count them."""
        ids: list[tuple[int]] = []
        by_rank: dict[int, int] = {}
        times: list[float] = []
        query = "SELECT id, rank, at, size FROM events WHERE id > ? ORDER BY rank, id"
        for row, rank, at, size in db.execute(query, (sent_to,)):
            if totals.rows <= self._max_rows and totals.size_bytes <= self._max_bytes:
                break
            totals.rows -= 1
            totals.size_bytes -= size + ROW_BYTES
            ids.append((row,))
            by_rank[rank] = by_rank.get(rank, 0) + 1
            times.append(at)
        if not ids:
            return
        db.executemany("DELETE FROM events WHERE id = ?", ids)
        totals.dropped += len(ids)
        totals.gap = totals.gap.more(len(ids), min(times), max(times), by_rank)
        db.execute("UPDATE spool SET gap = ?", (_pack(totals.gap),))

    def _tell_if_room(self, db: sqlite3.Connection, totals: _Totals) -> None:
        roomy = totals.rows < ROOM * self._max_rows and totals.size_bytes < ROOM * self._max_bytes
        if totals.gap.count and roomy:
            _, at, body = self._tell_gap(totals.gap)
            totals.insert(db, [(GAP_RANK, at, body)])
            totals.gap = Gap()
            db.execute("UPDATE spool SET gap = ?", (_pack(totals.gap),))


class _Totals:
    """Our figures as a transaction changes them."""

    def __init__(self, spool: str, base: int, rows: int, size_bytes: int, gap: Gap) -> None:
        self.spool = spool
        self.base = base
        self.rows = rows
        self.size_bytes = size_bytes
        self.gap = gap
        self.dropped = 0

    def insert(self, db: sqlite3.Connection, events: Sequence[tuple[int, float, bytes]]) -> None:
        db.executemany(
            "INSERT INTO events (rank, at, size, body) VALUES (?, ?, ?, ?)",
            [(rank, at, len(body), body) for rank, at, body in events],
        )
        self.rows += len(events)
        self.size_bytes += sum(len(body) + ROW_BYTES for _, _, body in events)

    def delete(self, db: sqlite3.Connection, where: str, value: int) -> None:
        rows, size = db.execute(
            f"SELECT count(*), coalesce(sum(size), 0) FROM events WHERE {where}",  # noqa: S608 - ours
            (value,),
        ).fetchone()
        db.execute(f"DELETE FROM events WHERE {where}", (value,))  # noqa: S608 - ours
        self.rows -= rows
        self.size_bytes -= size + rows * ROW_BYTES


def read_state(path: Path, key: str) -> bytes | None:
    """The state under a key in a spool that may be in use; None when there is none, or no spool that can be read."""
    try:
        return state_in(path, key)
    except TransientError:
        return None


def state_in(path: Path, key: str) -> bytes | None:
    """The state under a key in a spool that another process may have open; None when there is none.

    Raises:
        TransientError: it cannot be read.
    """
    with told(path), contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
        found = db.execute("SELECT state FROM states WHERE key = ?", (key,)).fetchone()
    return None if found is None else blob(found[0])


def _new_id() -> str:
    return uuid.uuid4().hex


def _pack(gap: Gap) -> bytes:
    return msgspec.msgpack.encode(gap)

"""Reads what a roll book says (pure): records in, who ran at a moment and what changed out.

All stamps here are milliseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from collectors.process.rollbook.records import Begin, Record, Row, Scan, Stop, Table

SAME_MS = 5_000
"""A daemon that begins reckons starts from when the host booted, which is a little uncertain."""
STARTED, ENDED, CHANGED = "started", "ended", "changed"


class Present(Struct, frozen=True):
    """A process that runs.

    Attributes:
        started: exactly; None where the agent does not tell.
        after, seen: the scan that did not show it yet, and the first one that did; None where it ran before.
    """

    row: Row
    started: int | None
    after: int | None
    seen: int | None


class Unknown(Struct, frozen=True):
    """Nothing is known from the one scan to the other; None where there is none."""

    start: int | None
    end: int | None
    why: str


class Change(Struct, frozen=True):
    """A process started, ended or changed: `at`, or else between two scans."""

    what: str
    at: int | None
    after: int | None
    by: int
    process: Present
    gap: bool = False

    def within(self, start: int, end: int) -> bool:
        """Whether it happened, or may have happened, in a range."""
        if self.at is not None:
            return start <= self.at <= end
        return self.by >= start and (self.by <= end if self.after is None else self.after < end)


class Passage(Struct, frozen=True):
    """What a record tells beside the state that it leads to."""

    changes: list[Change]
    unknown: Unknown | None = None


class Replay:
    """Goes through the records of a segment.

    Attributes:
        rows: who runs, by pid.
        until: the last scan that is known of; None before the first.
        why: why nothing is known since then; empty when something may be.
    """

    def __init__(self, before: Replay | None = None) -> None:
        """Begin where another one has ended; `before` is None when nothing is kept of the time before."""
        self._before = before
        self._began = 0
        self._more: dict[int, Present] | None = None
        self.rows: dict[int, Present] = {}
        self.until: int | None = None
        self.why = ""

    def take(self, record: Record) -> Passage | None:
        """Go on by a record."""
        if isinstance(record, Begin):
            self._began = record.at
            return None
        at = self._began + record.at
        if isinstance(record, Table):
            return self._table(record, at)
        if isinstance(record, Scan):
            return self._scan(record, at)
        self.until = at
        if isinstance(record, Stop):
            self.why = record.why
        return None

    def _table(self, record: Table, at: int) -> Passage | None:
        old = self._before
        known = None if record.joined or old is None else old
        found = self._more if self._more is not None else {}
        for row in record.rows:
            started = None if row.age is None else at - row.age
            found[row.pid] = Present(row, started, None, None)
        if record.more:
            self._more = found
            return None
        self._more = None
        self.rows, self.until, self.why = found, at, ""
        if record.joined:
            if old is not None:
                self.rows = {pid: _seen_before(one, old.rows.get(pid)) for pid, one in found.items()}
            return None
        if known is None or known.until is None or known.until > at:
            return Passage([], Unknown(None, at, record.why or "none"))
        why = record.why or known.why or "stopped"
        changes = list(_between(known.rows, found, known.until, at))
        for change in changes:
            if change.what == STARTED:
                found[change.process.row.pid] = change.process
        self.rows = {
            pid: one if one.seen is not None else _seen_before(one, known.rows.get(pid)) for pid, one in found.items()
        }
        return Passage(changes, Unknown(known.until, at, why))

    def _scan(self, record: Scan, at: int) -> Passage:
        since, gap = self._began + record.since, bool(record.why)
        changes = [Change(ENDED, None, since, at, self.rows.pop(pid), gap) for pid in record.gone if pid in self.rows]
        for row in record.other:
            old = self.rows.get(row.pid)
            if old is None:
                continue
            changed = self.rows[row.pid] = Present(row, old.started, old.after, old.seen)
            if old.row.line != row.line:
                changes.append(Change(CHANGED, None, since, at, changed, gap))
        for row in record.new:
            started = None if row.age is None else at - row.age
            new = self.rows[row.pid] = Present(row, started, since, at)
            changes.append(Change(STARTED, started, since, at, new, gap))
        self.until, self.why = at, ""
        return Passage(changes, Unknown(since, at, record.why) if gap else None)


def _seen_before(one: Present, old: Present | None) -> Present:
    """A process of a new segment, with what the one before knew of when it was first seen."""
    if old is None or _other(old, one):
        return one
    return Present(one.row, one.started, old.after, old.seen)


def _between(before: dict[int, Present], after: dict[int, Present], since: int, at: int) -> Iterator[Change]:
    """What changed in a time of which nothing is known."""
    for pid, old in before.items():
        new = after.get(pid)
        if new is None or _other(old, new):
            yield Change(ENDED, None, since, at, old, gap=True)
    for pid, new in after.items():
        old_one = before.get(pid)
        if old_one is None or _other(old_one, new):
            started = Present(new.row, new.started, since, at)
            yield Change(STARTED, new.started, since, at, started, gap=True)


def _other(old: Present, new: Present) -> bool:
    """Whether a pid was used again, as far as it can be told after a time of which nothing is known."""
    if old.started is None or new.started is None:
        return old.row.line != new.row.line
    if old.started == new.started:
        return False
    return abs(old.started - new.started) > SAME_MS or old.row.line != new.row.line


class Found(Struct, frozen=True):
    """Who ran at a moment.

    Attributes:
        rows: in order of pid; None when it is not known.
        scanned: the last scan before it.
        unknown: why it is not known.
    """

    rows: list[Present] | None
    scanned: int | None = None
    unknown: Unknown | None = None


def table_at(records: Sequence[Record], moment: int, until: int | None) -> Found:
    """Who ran at a moment that lies in or after this segment.

    Args:
        records: of the segment.
        moment: at or after its beginning.
        until: how far its last state is known to hold beside what it says itself; None when nobody knows.
    """
    replay = Replay()
    began = next((record.at for record in records if isinstance(record, Begin)), 0)
    for record in records:
        at = record.at if isinstance(record, Begin) else began + record.at
        if at > moment:
            if isinstance(record, Scan):
                return _before_scan(replay, record, began, moment)
            if isinstance(record, Table):
                return Found(None, None, Unknown(None, at, record.why or "none"))
            break  # a Still or Stop: nothing changed until then
        replay.take(record)
    else:
        reach = max(replay.until, until or 0) if replay.until is not None else 0
        if moment > reach:
            return Found(None, replay.until, Unknown(reach or None, None, replay.why))
    return Found(in_order(replay.rows), replay.until)


def _before_scan(replay: Replay, record: Scan, began: int, moment: int) -> Found:
    """Who ran between two scans, as far as it can be said."""
    since, at = began + record.since, began + record.at
    if moment > since and (record.why or replay.why):
        return Found(None, since, Unknown(since, at, record.why or replay.why))
    scanned = max(replay.until or 0, min(since, moment))
    rows = dict(replay.rows)
    if moment > since:
        replay.take(record)
        rows |= {
            pid: one
            for pid, one in replay.rows.items()
            if one.seen == at and one.started is not None and one.started <= moment
        }
    return Found(in_order(rows), scanned)


def in_order(rows: Mapping[int, Present]) -> list[Present]:
    """Processes in order of pid."""
    return [one for _, one in sorted(rows.items())]

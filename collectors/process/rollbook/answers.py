"""Answers questions about the roll book of a device from its files, a bounded part of them at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from collectors.process.rollbook import segments
from collectors.process.rollbook.book import UNREADABLE, Live
from collectors.process.rollbook.reading import Change, Found, Present, Replay, Unknown, table_at
from collectors.process.rollbook.records import Record, Table
from collectors.process.rollbook.rows import short_name
from collectors.process.rollbook.segments import Segment
from common.queries import MAX_PAGE_BYTES, RollAtQuery, RollBetweenQuery, RollChanges, RollTable
from common.roll import RollChange, RollGap, RollRow

SEGMENTS_AT_ONCE = 2
"""Read for one page: each is up to a megabyte, and the scans wait meanwhile."""
CLOCKS = 3
"""So many segments are tried where the clock was set back, and a moment has been more than once."""

T = TypeVar("T", bound=Struct)


class Shelf:
    """The segments of one device, as they are now."""

    def __init__(self, root: Path, device: str, live: Live | None, refused: str = "") -> None:
        self._folder = segments.folder_of(root, device)
        self._device = device
        self._live = live
        self._refused = refused
        self.known = segments.segments(self._folder)

    def read(self, segment: Segment) -> list[Record]:
        """The records of a segment."""
        return segments.read(self._folder, segment, self._device)

    def reach(self, segment: Segment) -> int | None:
        """How far its last state holds beside what it says itself."""
        live = self._live
        return live.reach if live is not None and live.segment.number == segment.number else None

    def silence(self, segment: Segment) -> str:
        """Why nothing is known behind the last segment; empty when the book does not say."""
        live = self._live
        return live.gap if live is not None and live.segment.number == segment.number else self._refused


def at(shelf: Shelf, query: RollAtQuery, off: str) -> RollTable:
    """Who ran at a moment; `off` is why nothing is kept where nothing is."""
    found = _found(shelf, round(query.at * 1000), off)
    if found.rows is None:
        gap = _gap(found.unknown or Unknown(None, None, off))
        return RollTable(scanned=_seconds(found.scanned), rows=[], more=False, gap=gap)
    wanted = [
        one for one in found.rows if one.row.pid > query.after_pid and (not query.sets or one.row.set in query.sets)
    ]
    page: _Page[RollRow] = _Page(query.limit)
    for one in wanted:
        if not page.takes(_row(one)):
            break
    return RollTable(scanned=_seconds(found.scanned), rows=page.taken, more=len(page.taken) < len(wanted))


def _found(shelf: Shelf, moment: int, off: str) -> Found:
    known = shelf.known
    before = [number for number, segment in enumerate(known) if segment.began <= moment]
    if not before:
        return Found(None, None, Unknown(None, known[0].began if known else None, "none" if known else off))
    first: Found | None = None
    for number in before[: -CLOCKS - 1 : -1]:
        found = _look(shelf, number, moment)
        if found.rows is not None:
            return found
        first = first or found
        if not known[number].back:
            break
    assert first is not None  # there is one to look at
    return first


def _look(shelf: Shelf, number: int, moment: int) -> Found:
    segment, records = shelf.known[number], shelf.read(shelf.known[number])
    found = table_at(records, moment, shelf.reach(segment))
    unknown = found.unknown
    if found.rows is not None or unknown is None or unknown.end is not None:
        return found
    if number + 1 == len(shelf.known):
        why = shelf.silence(segment) or unknown.why or "stopped"
        return Found(None, found.scanned, Unknown(unknown.start, None, why))
    following = shelf.known[number + 1]
    table = next((record for record in shelf.read(following) if isinstance(record, Table)), None)
    if table is not None and table.joined and moment <= following.began:
        return table_at(records, moment, following.began)
    why = (table.why if table is not None else "") or unknown.why or "stopped"
    return Found(None, found.scanned, Unknown(unknown.start, following.began, why))


def between(shelf: Shelf, query: RollBetweenQuery, off: str) -> RollChanges:
    """A page of what changed between two moments."""
    start, end = round(query.start * 1000), round(query.end * 1000)
    wanted = [number for number in range(len(shelf.known)) if _concerned(shelf.known, number, start, end)]
    left = [number for number in wanted if shelf.known[number].number >= query.after[0]]
    if not wanted:
        nothing = Unknown(None, shelf.known[0].began if shelf.known else None, "none" if shelf.known else off)
        return RollChanges(changes=[], gaps=[_gap(nothing)], more=False, last=query.after)
    page: _Page[RollChange] = _Page(query.limit)
    gaps: list[Unknown] = []
    last = query.after
    for number in left[:SEGMENTS_AT_ONCE]:
        segment = shelf.known[number]
        taken = seen = last[1] if segment.number == last[0] else 0
        told = list(_told(shelf, number, start, end))
        gaps += [one for one in told if isinstance(one, Unknown)]
        changes = [
            one for one in told if isinstance(one, Change) and (not query.sets or one.process.row.set in query.sets)
        ]
        for change in changes[seen:]:
            if not page.takes(_change(change)):
                break
            taken += 1
        last = (segment.number, taken)
        if taken < len(changes):
            return RollChanges(changes=page.taken, gaps=[_gap(one) for one in gaps], more=True, last=last)
        last = (segment.number + 1, 0)
    more = len(left) > SEGMENTS_AT_ONCE
    return RollChanges(changes=page.taken, gaps=[_gap(one) for one in gaps], more=more, last=last)


def _concerned(known: Sequence[Segment], number: int, start: int, end: int) -> bool:
    """Whether a segment, or the time before it, may lie in a range."""
    follows = known[number + 1] if number + 1 < len(known) else None
    before = known[number - 1 if number else 0].began  # its first record tells of the gap between the two
    return min(before, known[number].began) <= end and (follows is None or follows.back or follows.began >= start)


def _told(shelf: Shelf, number: int, start: int, end: int) -> Iterator[Change | Unknown]:
    """What a segment has of a range, and the gap before it."""
    segment = shelf.known[number]
    records = shelf.read(segment)
    table = next((record for record in records if isinstance(record, Table)), None)
    replay = Replay(_ended(shelf, number - 1) if number and not (table is not None and table.joined) else None)
    for record in records:
        passage = replay.take(record)
        if passage is None:
            continue
        if passage.unknown is not None and _meet(passage.unknown, start, end):
            yield passage.unknown
        yield from (change for change in passage.changes if change.within(start, end))
    if number + 1 < len(shelf.known):
        return
    reach = max(replay.until, shelf.reach(segment) or 0) if replay.until is not None else 0
    if reach < end:
        yield Unknown(reach or None, None, shelf.silence(segment) or replay.why or "stopped")


def _ended(shelf: Shelf, number: int) -> Replay:
    """The state in which a segment has ended."""
    replay = Replay()
    for record in shelf.read(shelf.known[number]):
        replay.take(record)
    return replay


def _meet(unknown: Unknown, start: int, end: int) -> bool:
    return (unknown.start is None or unknown.start < end) and (unknown.end is None or unknown.end > start)


# --- shapes -----------------------------------------------------------------------------------------------------------


class _Page(Generic[T]):
    """Takes rows or changes as long as they fit into one answer; at least one."""

    def __init__(self, limit: int) -> None:
        self.taken: list[T] = []
        self._limit = limit
        self._size = 0

    def takes(self, one: T) -> bool:
        """Take one; False when there is no room for it."""
        self._size += len(msgspec.msgpack.encode(one))
        if len(self.taken) >= self._limit or (self.taken and self._size > MAX_PAGE_BYTES):
            return False
        self.taken.append(one)
        return True


def _seconds(stamp: int | None) -> float | None:
    return None if stamp is None else stamp / 1000


def _gap(unknown: Unknown) -> RollGap:
    why, problem = unknown.why, ""
    if why.startswith(UNREADABLE):
        why, problem = UNREADABLE.removesuffix(": "), why.removeprefix(UNREADABLE)
    return RollGap(start=_seconds(unknown.start), end=_seconds(unknown.end), why=why, problem=problem)


def _row(one: Present) -> RollRow:
    row = one.row
    return RollRow(
        pid=row.pid,
        set=row.set,
        name=row.name if row.name is not None else short_name(row.line),
        command=row.line,
        started_at=_seconds(one.started),
        seen_after=_seconds(one.after),
        seen_at=_seconds(one.seen),
    )


def _change(change: Change) -> RollChange:
    return RollChange(
        what=change.what,
        at=_seconds(change.at),
        after=_seconds(change.after),
        by=change.by / 1000,
        process=_row(change.process),
        gap=change.gap,
    )

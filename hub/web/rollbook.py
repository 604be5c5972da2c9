"""The API of the roll book: who ran at a moment, what started and ended."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Struct

from common.roll import RollChange, RollGap, RollRow
from hub.data.rollbook import RollReader
from hub.web.call import Call
from hub.web.refusals import bad_request
from hub.web.router import Route
from hub.web.shapes import iso

FUTURE_S = 60.0
"""Clocks of hub and collector may differ by so much."""
MAX_SETS = 1000
DEFAULT_LIMIT, MAX_LIMIT = 1000, 20_000


class Gap(Struct, frozen=True, kw_only=True):
    """A time of which it is not known who ran; `from` and `to` are null where there is no scan."""

    start: str | None = msgspec.field(name="from")
    end: str | None = msgspec.field(name="to")
    why: str
    problem: str


class Ran(Struct, frozen=True, kw_only=True):
    """A process that ran."""

    pid: int
    set: str | None
    name: str
    command: str
    started_at: str | None
    seen_after: str | None
    seen_at: str | None


class Roll(Struct, frozen=True, kw_only=True):
    """Who ran; `processes` is null where it is not known, and `gap` says why."""

    device: str
    at: str | None
    known: bool
    scanned_at: str | None
    gap: Gap | None
    processes: list[Ran] | None


class Change(Struct, frozen=True, kw_only=True):
    """A process started, ended or changed; `at` is null where only the scans before and after it are known."""

    what: str
    at: str | None
    after: str | None
    by: str | None
    gap: bool
    pid: int
    set: str | None
    name: str
    command: str
    started_at: str | None


class Changes(Struct, frozen=True, kw_only=True):
    """What changed, in the order in which it was seen; with `more`, the rest is asked for with `after`=`next`."""

    device: str
    start: str | None
    end: str | None
    changes: list[Change]
    gaps: list[Gap]
    more: bool
    next: str | None


class RollTopic:
    """Passes questions on to the collectors."""

    def __init__(self, reader: RollReader, wall: Callable[[], float]) -> None:
        self._reader = reader
        self._wall = wall

    def routes(self) -> list[Route]:
        """What this topic answers."""
        return [
            Route("GET", "devices/{device}/roll", self.at),
            Route("GET", "devices/{device}/roll/changes", self.between),
        ]

    async def at(self, call: Call) -> Roll:
        """Who ran at a moment."""
        call.only("at", "set")
        device, at = call.names["device"], self._past(call, "at")
        found = await self._reader.at(device, at, _sets(call))
        return Roll(
            device=device,
            at=iso(at),
            known=found.gap is None,
            scanned_at=iso(found.scanned),
            gap=None if found.gap is None else _gap(found.gap),
            processes=None if found.gap is not None else [_ran(row) for row in found.rows],
        )

    async def between(self, call: Call) -> Changes:
        """What started and ended between two moments."""
        call.only("start", "end", "set", "after", "limit")
        device, start = call.names["device"], self._past(call, "start")
        end = self._wall() if call.text("end") is None else self._past(call, "end")
        if start >= end:
            raise bad_request("parameter start: it must be before end")
        limit = call.integer("limit", DEFAULT_LIMIT, 1, MAX_LIMIT) or DEFAULT_LIMIT
        found = await self._reader.between(device, start, end, _sets(call), _after(call), limit)
        return Changes(
            device=device,
            start=iso(start),
            end=iso(end),
            changes=[_change(change) for change in found.changes],
            gaps=[_gap(gap) for gap in found.gaps],
            more=found.more,
            next="{}.{}".format(*found.last) if found.more else None,
        )

    def _past(self, call: Call, name: str) -> float:
        call.wanted(name)
        at = call.moment(name)
        assert at is not None  # it is there
        if at > self._wall() + FUTURE_S:
            raise bad_request(f"parameter {name}: {iso(at)} lies in the future")
        return at


def _sets(call: Call) -> list[str]:
    named = list(dict.fromkeys(call.all("set")))
    if len(named) > MAX_SETS:
        raise bad_request(f"parameter set: at most {MAX_SETS} are taken")
    return named


def _after(call: Call) -> tuple[int, int]:
    text = call.text("after")
    if text is None:
        return 0, 0
    parts = text.split(".")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        raise bad_request(f"parameter after: got {text[:80]!r}, wanted what an answer gave as next")
    return int(parts[0]), int(parts[1])


def _gap(gap: RollGap) -> Gap:
    return Gap(start=iso(gap.start), end=iso(gap.end), why=gap.why, problem=gap.problem)


def _ran(row: RollRow) -> Ran:
    return Ran(
        pid=row.pid,
        set=row.set,
        name=row.name,
        command=row.command,
        started_at=iso(row.started_at),
        seen_after=iso(row.seen_after),
        seen_at=iso(row.seen_at),
    )


def _change(change: RollChange) -> Change:
    row = change.process
    return Change(
        what=change.what,
        at=iso(change.at),
        after=iso(change.after),
        by=iso(change.by),
        gap=change.gap,
        pid=row.pid,
        set=row.set,
        name=row.name,
        command=row.command,
        started_at=iso(row.started_at),
    )

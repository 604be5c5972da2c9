"""`tocsin ps --at` and `--between`: what the roll book of a device has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from common.quantities import counted
from hub.cli.client import Api, path_of
from hub.cli.exits import usage
from hub.cli.figures import NOTHING, local_time, moment, span
from hub.cli.output import Column, cell, emit, note, plural_rows, show, table
from hub.cli.ranges import parse_time

PAGE = 20_000
MAX_EMPTY = 20
"""Answers without a change that are taken one after the other; the hub looks through years for each."""
TIMES = "2026-01-31T08:00 in this terminal's zone, with a zone, or 2h for two hours ago"

_ROLL_COLUMNS = (
    Column("pid", right=True),
    Column("set"),
    Column("started"),
    Column("age", right=True),
    Column("command", elastic=True),
)
_CHANGE_COLUMNS = (
    Column("time"),
    Column("what"),
    Column("pid", right=True),
    Column("set"),
    Column("command", elastic=True),
)
_STYLES = {"started": "green", "ended": "red", "changed": "yellow"}
_WHY = {
    "stopped": "the device was not collected: its collector did not run, or another one had it",
    "unreadable": "the device could not be read",
    "late": "no scan was made: the collector was held up",
    "clock": "the clock of the collector was set",
    "full": "there were more changes than the roll book takes",
    "disk": "the collector could not write the roll book",
    "off": "the roll book is off: roll_days is 0",
    "none": "the roll book has nothing of that time",
}


def show_roll(api: Api, device: str, at_text: str, sets: Sequence[str], now: float, *, as_json: bool) -> None:
    """Print who ran at a moment."""
    at = past(at_text, now)
    document = api.get(path_of("devices", device, "roll"), {"at": f"{at:.3f}", "set": list(sets) or None})
    if as_json:
        emit(document)
        return
    if not document.get("known"):
        note(f"It is not known who ran on {device} at {local_time(at)}: {_sentence(document.get('gap') or {})}")
        return
    rows = plural_rows(document, "processes")
    show(table(_ROLL_COLUMNS, [_roll_row(row, at) for row in rows]))
    note(f"{counted(len(rows), 'process', 'processes')} of {device} at {local_time(at)}, as its roll book has them")


def show_changes(
    api: Api, device: str, between: tuple[str, str], sets: Sequence[str], limit: int, now: float, *, as_json: bool
) -> None:
    """Print what started and ended between two moments."""
    start, end = past(between[0], now), past(between[1], now)
    if start >= end:
        raise usage(f"{between[0]} is not before {between[1]}")
    document = _changes(api, device, {"start": f"{start:.3f}", "end": f"{end:.3f}", "set": list(sets) or None}, limit)
    if as_json:
        emit(document)
        return
    changes, gaps = plural_rows(document, "changes"), plural_rows(document, "gaps")
    rows = [(_when(row), _change_row(row)) for row in changes] + [
        (moment(gap.get("from")) or 0.0, _gap_row(gap)) for gap in gaps
    ]
    if rows:
        show(table(_CHANGE_COLUMNS, [row for _, row in sorted(rows, key=lambda pair: pair[0])]))
    what = [f"{sum(row.get('what') == word for row in changes)} {word}" for word in ("started", "ended")]
    note(f"{' and '.join(what)} on {device} between {local_time(start)} and {local_time(end)}")
    somewhere = sum(bool(row.get("gap")) for row in changes)
    if somewhere:
        note(f"{somewhere} of these happened somewhere in a time that is not known; the scans around it show them")
    if document.get("more"):
        note(f"These are the first {len(changes)}; --limit tells how many are shown")


def past(text: str, now: float) -> float:
    """Read a moment that is over: as `parse_time`, and `-2h` for two hours ago."""
    wanted = text.strip()
    at = parse_time(wanted[1:] if wanted[:1] == "-" and wanted[-1:].isalpha() else wanted, now)
    if at > now + 1:
        raise usage(f"{text!r} lies in the future; it is {local_time(now)}")
    return at


def _changes(api: Api, device: str, parameters: dict[str, Any], limit: int) -> dict[str, Any]:
    """As many changes as are wanted, in as many answers as it takes."""
    document: dict[str, Any] = {}
    changes: list[dict[str, Any]] = []
    gaps: list[dict[str, Any]] = []
    after = None
    empty = 0
    while True:
        wanted = {**parameters, "after": after, "limit": min(limit - len(changes), PAGE)}
        document = api.get(path_of("devices", device, "roll", "changes"), wanted)
        changes += plural_rows(document, "changes")
        gaps += [gap for gap in plural_rows(document, "gaps") if gap not in gaps]
        after = document.get("next")
        empty = 0 if document.get("changes") else empty + 1
        if not document.get("more") or not after or len(changes) >= limit or empty > MAX_EMPTY:
            return {**document, "changes": changes, "gaps": gaps}


def _roll_row(row: dict[str, Any], at: float) -> list[object]:
    started, seen = moment(row.get("started_at")), moment(row.get("seen_at"))
    before = f"by {local_time(seen)}" if seen is not None else NOTHING
    return [
        row.get("pid"),
        row.get("set") or cell(NOTHING, "dim"),
        local_time(started) if started is not None else before,
        span(at - started) if started is not None else NOTHING,
        row.get("command") or row.get("name") or "",
    ]


def _when(row: dict[str, Any]) -> float:
    return moment(row.get("at")) or moment(row.get("by")) or 0.0


def _change_row(row: dict[str, Any]) -> list[object]:
    what = str(row.get("what"))
    exact, after, by = moment(row.get("at")), moment(row.get("after")), moment(row.get("by"))
    return [
        local_time(exact) if exact is not None else _window(after, by),
        cell(what, _STYLES.get(what, "")),
        row.get("pid"),
        row.get("set") or cell(NOTHING, "dim"),
        row.get("command") or row.get("name") or "",
    ]


def _gap_row(gap: dict[str, Any]) -> list[object]:
    window = _window(moment(gap.get("from")), moment(gap.get("to")))
    return [window, cell("not known", "magenta"), "", "", cell(_sentence(gap), "magenta")]


def _window(after: float | None, by: float | None) -> str:
    """From one scan to the next; the day is said once where it is the same."""
    if after is None:
        return f"until {local_time(by)}" if by is not None else NOTHING
    first, last = local_time(after), local_time(by)
    if by is None:
        return f"since {first}"
    day, _, clock = last.partition(" ")
    return f"{first} – {clock if first.startswith(day) else last}"


def _sentence(gap: dict[str, Any]) -> str:
    """Why a time is not known."""
    why = str(gap.get("why"))
    problem = f": {gap['problem']}" if gap.get("problem") else ""
    return f"{_WHY.get(why, why)}{problem}"

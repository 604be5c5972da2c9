"""What `tocsin match` tells people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from common.quantities import counted
from hub.cli.figures import local_time, moment
from hub.cli.output import console, note, plural_rows, say

MAX_NAMED = 20
MAX_SETS = 100
"""Of one definition on one device (docs/process-rules.md)."""
STDIN = "<stdin>"
"""Names in one sentence."""
STATES = {"new": "new", "changed": "changed", "unchanged": "as it is already", "unmonitored": "monitor: false"}

Row = dict[str, Any]


def tell(document: Row) -> None:
    """Print a preview."""
    looked_at = [row for row in plural_rows(document, "devices") if not row.get("problem")]
    if not looked_at:
        return
    known = plural_rows(document, "definitions")
    drafts = [row for row in known if row.get("draft")]
    for row in drafts:
        _draft(row, document, len(looked_at))
    _elsewhere(plural_rows(document, "moves"), {row["id"] for row in drafts})
    _overlaps(plural_rows(document, "overlaps"), {row["id"] for row in drafts})
    _unmatched(document.get("unmatched") or {}, document)
    _idle([row for row in known if not row.get("draft")])
    _tables(looked_at)


def _draft(row: Row, document: Row, looked_at: int) -> None:
    id_, taken = str(row["id"]), int(row["lines"])
    head = f"{id_} ({STATES.get(str(row['state']), row['state'])})"
    now = f" ({row['lines_before']} now)" if row["lines_before"] else ""
    if row["state"] == "unmonitored":
        say(f"{head} is watched nowhere{now}")
    elif not row["applies"]:
        say(f"{head} applies to none of {_devices(looked_at)}{now}")
    elif not taken:
        say(f"{head} takes nothing{_where(0, row, document)}{now}")
    else:
        components = [str(name) for name in row["components"]]
        more = " and more" if row["more_components"] else ""
        sets = f"{counted(len(components), 'set')}{more}: {_names(components)}"
        say(f"{head} takes {counted(taken, 'line')}{now}{_where(row['devices'], row, document)}, as {sets}")
        _examples(row)
    for move in plural_rows(document, "moves"):
        _move(id_, move)
    for device in row["overflowing"][:MAX_NAMED]:
        say(f"  ! it would make more than {MAX_SETS} sets on {device}; lines beyond them are taken by nothing")
    beyond = row["beyond_snmp"]
    if beyond["lines"]:
        lines = counted(beyond["lines"], "line")
        say(f"  ! over SNMP it would not take {lines} so: agents show 128 bytes of the arguments, and it needs more")
        _examples(beyond)


def _where(number: int, row: Row, document: Row) -> str:
    """On how many devices; nothing for lines that are from no device."""
    return "" if _is_text(document) else f" on {number} of {_devices(row['applies'])}"


def _is_text(document: Row) -> bool:
    return [row.get("device") for row in plural_rows(document, "devices")] == [STDIN]


def _move(id_: str, move: Row) -> None:
    before, after, lines = move["before"], move["after"], counted(move["lines"], "line")
    if before == after == id_:
        say(f"  ~ {lines} it has already get another set name")
    elif after == id_ and before is not None:
        say(f"  - takes {lines} away from {before}")
    elif before == id_ and after is None:
        say(f"  - gives up {lines}; nothing takes {'it' if move['lines'] == 1 else 'them'} then")
    elif before == id_:
        say(f"  - gives up {lines} to {after}")


def _elsewhere(moves: Sequence[Row], drafts: set[str]) -> None:
    """Changes that come of documents other than process sets."""
    others = [move for move in moves if not {move["before"], move["after"]} & drafts]
    for move in others:
        lines = counted(move["lines"], "line")
        say(f"{lines} of {move['before'] or 'nothing'} would be taken by {move['after'] or 'nothing'}")


def _overlaps(rows: Sequence[Row], drafts: set[str]) -> None:
    with_drafts = [row for row in rows if set(row["definitions"]) & drafts]
    if with_drafts:
        say("\nMatched by several definitions")
    for row in with_drafts:
        taker = f"{row['taken_by']} takes" if row["taken_by"] else "none of them takes"
        them = "it" if row["lines"] == 1 else "them"
        say(f"  {', '.join(row['definitions'])}: {counted(row['lines'], 'line')}; {taker} {them}")
        _examples(row)
    others = sum(row["lines"] for row in rows) - sum(row["lines"] for row in with_drafts)
    if others:
        say(f"\nMatched by several definitions that are there already: {counted(others, 'line')} (--json tells which)")


def _unmatched(row: Row, document: Row) -> None:
    if row.get("lines"):
        where = "" if _is_text(document) else f" on {_devices(row['devices'])}"
        say(f"\nTaken by nothing: {counted(row['lines'], 'line')}{where}")
        _examples(row)


def _idle(rows: Sequence[Row]) -> None:
    """Definitions that are no drafts and take nothing."""
    emptied = [str(row["id"]) for row in rows if not row["lines"] and row["lines_before"]]
    idle = [str(row["id"]) for row in rows if not row["lines"] and not row["lines_before"]]
    if emptied:
        say(f"\nTake nothing any more: {_names(emptied)}")
    if idle:
        say(f"\nTake nothing, as now: {_names(idle)}")


def _tables(rows: Sequence[Row]) -> None:
    """Of when the tables are, and what they do not tell."""
    stamps = [at for row in rows if (at := moment(row.get("at"))) is not None]
    if stamps:
        oldest, newest = local_time(min(stamps)), local_time(max(stamps))
        when = oldest if oldest == newest else f"{oldest} to {newest}"
        note(f"Process tables of {when}")
    cut = [row for row in rows if row.get("cut")]
    if cut:
        lines, names = sum(row["cut"] for row in cut), [str(row["device"]) for row in cut]
        note(
            f"SNMP agents may have cut the arguments of {counted(lines, 'line')} at 128 bytes ({_names(names)}); "
            "what stood behind cannot be matched"
        )


def _examples(row: Row) -> None:
    width = console().width
    shown = 0
    for one in plural_rows(row, "examples"):
        times = f" (×{one['count']})" if one["count"] > 1 else ""
        text = f"    {one['line']}" if one["device"] == STDIN else f"    {one['device']}: {one['line']}"
        room = width - len(times) - 1
        say((text if len(text) <= room else text[: max(room - 1, 20)] + "…") + times)
        shown += one["count"]
    left = int(row["lines"]) - shown
    if left > 0 and shown:
        say(f"    and {left} more")


def _devices(number: int) -> str:
    return counted(number, "device")


def _names(names: Sequence[str]) -> str:
    left = len(names) - MAX_NAMED
    return ", ".join(names[:MAX_NAMED]) + (f" and {left} more" if left > 0 else "")

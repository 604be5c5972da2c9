"""The roll as it stands on the screen of `tocsin up`: documents of the API in, something to look at out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from hub.cli.figures import counted, safe, since, span
from hub.cli.output import Column, cell, severity_cell, table
from hub.cli.ps import set_table, urgency
from hub.cli.tokens import DEFAULT_URL

NARROW = 100
_EVENT_COLUMNS = (
    Column("severity"),
    Column("device", elastic=True),
    Column("component", elastic=True),
    Column("summary", elastic=True),
    Column("count", right=True),
    Column("last seen", right=True),
)
_MIN_SETS = 3
_MAX_EVENTS = 8


class View(Struct, frozen=True, kw_only=True):
    """What the screen shows.

    Attributes:
        token_file: where the token is that the page asks for.
        open_events: last seen first.
        closed_events: those closed lately.
        notices: sentences about the daemons, newest last.
        collector_pid: of the collector that `tocsin up` has started, while it runs.
        up_for_s: how long `tocsin up` runs.
    """

    url: str
    token_file: str = ""
    sets: Sequence[dict[str, Any]] = ()
    scans: Sequence[dict[str, Any]] = ()
    open_events: Sequence[dict[str, Any]] = ()
    closed_events: Sequence[dict[str, Any]] = ()
    notices: Sequence[str] = ()
    collector_pid: int | None = None
    up_for_s: float = 0.0


def screen(view: View, now: float, width: int, height: int) -> RenderableType:
    """The whole screen; what is not up is shown before what is, and what does not fit is counted."""
    events = _events(view, now)
    notices = [cell(f"! {notice}", "yellow") for notice in view.notices[-2:]]
    hints = _hints(view)
    head = _head(view)
    fixed = 2 + len(hints) + 1 + len(notices) + _event_lines(view)
    room = max(_MIN_SETS, height - fixed)
    parts: list[RenderableType] = [head, Text("")]
    parts.extend(_devices(view, now, width, room))
    parts.extend((*events, *notices, Text(""), *hints))
    return Padding(Group(*parts), (0, 1))


def _head(view: View) -> RenderableType:
    made = Table.grid(expand=True)
    made.add_column(no_wrap=True)
    made.add_column(justify="right", no_wrap=True)
    left = Text.assemble(("Tocsin", "bold"), ("  the roll of ", "dim"), counted(_device_count(view), "device"))
    right = Text.assemble((view.url, "cyan"), (f"   up {span(view.up_for_s)}", "dim"))
    made.add_row(left, right)
    return made


def _device_count(view: View) -> int:
    return len({row.get("device") for row in (*view.sets, *view.scans)})


def _devices(view: View, now: float, width: int, room: int) -> list[RenderableType]:
    """Blocks of the devices, those in trouble first, as far as there is room (in lines)."""
    blocks = _blocks(view)
    if not blocks:
        return [cell("waiting for the first scan…", "dim"), Text("")]
    parts: list[RenderableType] = []
    longest = max((len(safe(row.get("set"))) for row in view.sets), default=0)
    set_width = min(longest, 10 if width < NARROW else 36)
    for index, (device, scan, sets) in enumerate(blocks):
        later = len(blocks) - index - 1
        space = room - 3 - (1 if later else 0)
        if space < _MIN_SETS and index:
            parts.append(cell(f"… and {counted(later + 1, 'more device', 'more devices')}: `tocsin ps DEVICE`", "dim"))
            break
        shown = sets[: max(1, space - 1)] if len(sets) > space else sets
        parts.append(_device_head(device, scan, now))
        if shown:
            sets_shown = set_table(shown, now, pid_room=7 if width < NARROW else 26, set_width=set_width)
            parts.append(Padding(sets_shown, (0, 0, 0, 1)))
        hidden = len(sets) - len(shown)
        if hidden:
            calm = all(row.get("state") == "up" for row in sets[len(shown) :])
            parts.append(cell(f" … {counted(hidden, 'more set')}{', all up' if calm else ''}", "dim"))
        parts.append(Text(""))
        room -= len(shown) + 3 + bool(hidden)
    return parts


def _blocks(view: View) -> list[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    scans = {str(scan.get("device")): scan for scan in view.scans}
    sets: dict[str, list[dict[str, Any]]] = {device: [] for device in scans}
    for row in view.sets:
        sets.setdefault(str(row.get("device")), []).append(row)
    blocks = [(device, scans.get(device, {}), sorted(rows, key=urgency)) for device, rows in sets.items()]

    def trouble(block: tuple[str, dict[str, Any], list[dict[str, Any]]]) -> tuple[int, str]:
        device, scan, rows = block
        return (-1 if scan.get("problem") else min((urgency(row)[0] for row in rows), default=9), device)

    return sorted(blocks, key=trouble)


def _device_head(device: str, scan: dict[str, Any], now: float) -> Text:
    made = Text(no_wrap=True, overflow="ellipsis")
    made.append(safe(device), "bold")
    if scan.get("problem"):
        made.append(f"  {safe(scan['problem'])}", "bold red")
    elif scan.get("at") is None:
        made.append("  waiting for the first scan…", "dim")
    else:
        took = f" in {scan['duration_s']:.2f}s" if isinstance(scan.get("duration_s"), float) else ""
        processes = counted(int(scan.get("processes") or 0), "process", "processes")
        made.append(f"  {processes}, scanned {since(scan['at'], now)} ago{took}", "dim")
    return made


def _event_lines(view: View) -> int:
    return 2 + max(1, min(_MAX_EVENTS, len(view.open_events) + len(view.closed_events)) + 1)


def _events(view: View, now: float) -> list[RenderableType]:
    title = counted(len(view.open_events), "open event") if view.open_events else "No open event"
    parts: list[RenderableType] = [
        Rule(Text(title, "bold red" if view.open_events else "green"), align="left", style="dim")
    ]
    shown_open = list(view.open_events)[:_MAX_EVENTS]
    rows = [_event_row(event, now, closed=False) for event in shown_open]
    rows += [_event_row(event, now, closed=True) for event in list(view.closed_events)[: _MAX_EVENTS - len(rows)]]
    if rows:
        parts.append(Padding(table(_EVENT_COLUMNS, rows), (0, 0, 0, 1)))
    return parts


def _event_row(event: dict[str, Any], now: float, *, closed: bool) -> list[object]:
    style = "dim" if closed else ""
    at = event.get("closed_at") if closed else event.get("last_seen")
    return [
        cell("✔ closed", "green") if closed else severity_cell(event.get("severity_name")),
        cell(event.get("device"), style),
        cell(event.get("component") or "", style),
        cell(event.get("summary"), style),
        cell(event.get("count"), style),
        cell(since(at, now), style),
    ]


def _hints(view: View) -> list[RenderableType]:
    """What to try next: killing our own collector harms nobody, for it is started again."""
    if view.collector_pid is None:
        kill = Text("Kill a watched process and see it ring", "dim")
    else:
        kill = Text.assemble(
            ("Try ", "dim"), f"kill -9 {view.collector_pid}", ("  our own collector: it is started again", "dim")
        )
    page = Text.assemble(("See ", "dim"), view.url, (f"  token in {safe(view.token_file)}", "dim"))
    # Commands ask the default address unless they are told another one.
    address = () if view.url == DEFAULT_URL else (f"export TOCSIN_URL={view.url}", ("  ·  ", "dim"))
    more = Text.assemble(
        ("Do  ", "dim"),
        *address,
        "tocsin --help",
        ("  ·  ", "dim"),
        "tocsin events follow",
        ("  ·  Ctrl-C stops", "dim"),
    )
    hints = [kill, page, more]
    for text in hints:
        text.no_wrap, text.overflow = True, "ellipsis"
    return list(hints)


def changes(before: View, after: View) -> list[str]:
    """What differs between two views, one line each, for a log: sets that changed, events that opened or closed."""
    lines: list[str] = []
    known = {_set_key(row): row for row in before.sets}
    for row in after.sets:
        old = known.get(_set_key(row))
        if old is None or (old.get("state"), old.get("count")) != (row.get("state"), row.get("count")):
            pids = " ".join(str(pid) for pid in (row.get("pids") or [])[:8])
            lines.append(
                f"{row.get('device')}  {row.get('state')!s:<10} {row.get('set')}  {row.get('count')}  {pids}".rstrip()
            )
    problems = {scan.get("device"): scan.get("problem") for scan in before.scans}
    lines.extend(
        f"{scan.get('device')}  {scan.get('problem') or 'can be read again'}"
        for scan in after.scans
        if (scan.get("problem") or "") != (problems.get(scan.get("device")) or "")
    )
    old_open = {event.get("id") for event in before.open_events}
    new_open = {event.get("id") for event in after.open_events}
    lines.extend(_event_line("event", event) for event in after.open_events if event.get("id") not in old_open)
    lines.extend(_event_line("closed", event) for event in before.open_events if event.get("id") not in new_open)
    return [safe(line) for line in lines]


def _set_key(row: dict[str, Any]) -> tuple[object, object]:
    return row.get("device"), row.get("set")


def _event_line(word: str, event: dict[str, Any]) -> str:
    where = " ".join(str(event.get(name)) for name in ("device", "component") if event.get(name))
    return f"{word}: {event.get('severity_name')} {where}: {event.get('summary')}"

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

from common.quantities import counted
from hub.cli.figures import safe, since, span
from hub.cli.output import STATE_MARKS, STATE_STYLES, Column, cell, severity_cell, table
from hub.cli.ps import set_table, shown_state, urgency
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
_MIN_EVENTS, _MAX_EVENTS = 3, 8
_MIN_NAME = 20
_MIN_PIDS, _MAX_PIDS = 6, 26
_OTHER_COLUMNS = 58
_RINGING, _QUIET = 8, 9


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
    most = max(_MIN_EVENTS, min(_MAX_EVENTS, height // 5))
    events = _events(view, now, width, most)
    notices = [cell(f"! {notice}", "yellow") for notice in view.notices[-2:]]
    hints = _hints(view)
    head = _head(view)
    fixed = 2 + len(hints) + 1 + len(notices) + _event_lines(view, most)
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
    blocks = blocks_of(view)
    if not blocks:
        return [cell("waiting for the first scan…", "dim"), Text("")]
    parts: list[RenderableType] = []
    set_width, pid_room = _widths(view, width)
    shares = shares_of(blocks, room)
    for block, (troubled, calm) in zip(blocks, shares, strict=False):
        parts.append(_device_head(block.device, block.scan, now))
        shown = [*block.troubled[:troubled], *block.calm[:calm]]
        if shown:
            parts.append(Padding(set_table(shown, now, pid_room=pid_room, set_width=set_width), (0, 0, 0, 1)))
        parts.extend(_hidden(block, troubled, calm))
        parts.append(Text(""))
    later = len(blocks) - len(shares)
    if later:
        parts.append(cell(f"… and {counted(later, 'more device', 'more devices')}: `tocsin ps DEVICE`", "dim"))
    return parts


def _widths(view: View, width: int) -> tuple[int, int]:
    """Columns for the names of sets and for their pids; names come first, and may take a third of the screen."""
    longest = max((len(safe(row.get("set"))) for row in view.sets), default=0)
    set_width = min(longest, max(_MIN_NAME, min(width // 3, width - _OTHER_COLUMNS)))
    pid_room = min(_MAX_PIDS, width - _OTHER_COLUMNS - set_width - 2)
    return set_width, pid_room if pid_room >= _MIN_PIDS else 0


def _hidden(block: Block, troubled: int, calm: int) -> list[RenderableType]:
    """The line that counts the sets that are not shown."""
    if troubled < len(block.troubled):
        return [cell(f" … {counted(block.sets - troubled - calm, 'more set')}", "dim")]
    if calm == len(block.calm):
        return []
    if calm:
        return [cell(f" … {counted(len(block.calm) - calm, 'more set')} up", "dim")]
    return [cell(f" {STATE_MARKS['up']} {counted(len(block.calm), 'set')} up", STATE_STYLES["up"])]


class Block(Struct, frozen=True, kw_only=True):
    """What the roll has of a device: its last scan, its sets that are not up (worst first), and those that are."""

    device: str
    scan: dict[str, Any]
    troubled: Sequence[dict[str, Any]]
    calm: Sequence[dict[str, Any]]

    @property
    def sets(self) -> int:
        """How many sets there are."""
        return len(self.troubled) + len(self.calm)

    def lines(self, troubled: int, calm: int) -> int:
        """Lines on the screen with so many of its sets: head, table with its titles, a line for the rest, a blank."""
        shown = troubled + calm
        return 2 + (shown + 1 if shown else 0) + (shown < self.sets)


def shares_of(blocks: Sequence[Block], room: int) -> list[tuple[int, int]]:
    """How many sets of each device are shown, those not up and those up, until the room (in lines) is used up.

    What is up gives way first: it is only counted until everything else has its place.
    """
    shares: list[tuple[int, int]] = []
    left = room
    for index, block in enumerate(blocks):
        space = left - (index + 1 < len(blocks))
        troubled = len(block.troubled)
        if block.lines(troubled, 0) > space:
            troubled = max(0 if shares else 1, min(troubled, space - block.lines(1, 0) + 1))
            if shares and not troubled:
                break
        shares.append((troubled, 0))
        left -= block.lines(troubled, 0)
    left -= len(shares) < len(blocks)
    for index, (block, (troubled, _)) in enumerate(zip(blocks, shares, strict=False)):
        used = block.lines(troubled, 0)
        calm = len(block.calm)
        if block.lines(troubled, calm) - used > left:
            calm = max(0, left - (block.lines(troubled, 1) - used) + 1)
        if calm and troubled == len(block.troubled):
            shares[index] = (troubled, calm)
            left -= block.lines(troubled, calm) - used
    return shares


def blocks_of(view: View) -> list[Block]:
    """The devices: what cannot be read first, then by their worst set, then those with open events."""
    scans = {str(scan.get("device")): scan for scan in view.scans}
    sets: dict[str, list[dict[str, Any]]] = {device: [] for device in scans}
    for row in view.sets:
        sets.setdefault(str(row.get("device")), []).append(row)
    ringing = {str(event.get("device")) for event in view.open_events}
    blocks = []
    for device, rows in sets.items():
        ordered = sorted(rows, key=urgency)
        troubled = [row for row in ordered if shown_state(row) != "up"]
        calm = ordered[len(troubled) :]
        blocks.append(Block(device=device, scan=scans.get(device, {}), troubled=troubled, calm=calm))

    def trouble(block: Block) -> tuple[int, str]:
        if block.scan.get("problem"):
            return -1, block.device
        if block.troubled:
            return urgency(block.troubled[0])[0], block.device
        return _RINGING if block.device in ringing else _QUIET, block.device

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


def _event_lines(view: View, most: int) -> int:
    return 2 + max(1, min(most, len(view.open_events) + len(view.closed_events)) + 1)


def _events(view: View, now: float, width: int, most: int) -> list[RenderableType]:
    """The open events, and those closed lately; on a narrow screen the summary has the room of lesser columns."""
    title = counted(len(view.open_events), "open event") if view.open_events else "No open event"
    parts: list[RenderableType] = [
        Rule(Text(title, "bold red" if view.open_events else "green"), align="left", style="dim")
    ]
    shown_open = list(view.open_events)[:most]
    rows = [_event_row(event, now, closed=False) for event in shown_open]
    rows += [_event_row(event, now, closed=True) for event in list(view.closed_events)[: most - len(rows)]]
    if rows:
        without = ("component", "count") if width < NARROW else ()
        parts.append(Padding(table(_EVENT_COLUMNS, rows, without=without), (0, 0, 0, 1)))
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
        "Ctrl-C",
        (" stops  ·  ", "dim"),
        *address,
        "tocsin --help",
        ("  ·  ", "dim"),
        "tocsin events follow",
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
        if old is None or (shown_state(old), old.get("count")) != (shown_state(row), row.get("count")):
            pids = " ".join(str(pid) for pid in (row.get("pids") or [])[:8])
            lines.append(
                f"{row.get('device')}  {shown_state(row):<10} {row.get('set')}  {row.get('count')}  {pids}".rstrip()
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

"""`tocsin ps`: the last process table of a device, and where its sets stand."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import click
from rich.console import RenderableType
from rich.text import Text

from common.quantities import counted
from hub.cli.client import path_of
from hub.cli.context import Client, json_option, pass_client
from hub.cli.exits import not_found, usage
from hub.cli.figures import NOTHING, percent, short_list, since, size
from hub.cli.output import Column, cell, console, emit, is_narrow, note, plural_rows, show, state_cell, table
from hub.cli.pastroll import TIMES, show_changes, show_roll
from hub.cli.ranges import parse_range
from hub.cli.setgraphs import SetGraphs, set_sparks

LEAST_NAME = 10
CHANGES_SHOWN = 1000
LESSER_FROM = 64
"""Columns that a terminal must have to show more than what is most needed."""
STATE_WIDTH = len("↻ restarting")
_STATE_ORDER = {"missing": 0, "too few": 1, "too many": 1, "restarting": 2, "unknown": 3, "up": 4}

_PROCESS_COLUMNS = (
    Column("pid", right=True),
    Column("set"),
    Column("state"),
    Column("age", right=True),
    Column("cpu %", right=True),
    Column("memory", right=True),
    Column("command", elastic=True),
)


@click.command("ps")
@click.argument("device")
@click.option("--set", "set_name", metavar="SET", help="Only this set, or the sets of this definition.")
@click.option("--all", "everything", is_flag=True, help="Also the processes that no set takes.")
@click.option("--at", "at_text", metavar="TIME", help=f"Who ran then, by the roll book: {TIMES}.")
@click.option(
    "--between", nargs=2, metavar="START END", help="What started and ended between two times, by the roll book."
)
@click.option(
    "--limit", type=click.IntRange(1, 1_000_000), help=f"Changes shown by --between.  [default: {CHANGES_SHOWN}]"
)
@click.option("--range", "range_text", metavar="RANGE", help="What the small graphs show.  [default: 1h]")
@click.option("--sparklines/--no-sparklines", default=None, help="Small graphs; as a rule where the terminal is wide.")
@json_option
@pass_client
def ps_command(
    client: Client,
    *,
    device: str,
    set_name: str | None,
    everything: bool,
    at_text: str | None,
    between: tuple[str, str] | None,
    limit: int | None,
    range_text: str | None,
    sparklines: bool | None,
    as_json: bool,
) -> None:
    """Show the process sets of DEVICE, with their processes.

    With --at or --between, show what its collector has kept of who ran when; --set then takes what sets were called.
    """
    _check(at_text, between, limit)
    if (at_text is not None or between is not None) and (range_text is not None or sparklines is not None):
        raise usage("--range and --sparklines are of the small graphs, which --at and --between do not show")
    chosen = parse_range(range_text or "1h", time.time())
    if at_text is not None:
        show_roll(client.api, device, at_text, _named(client, device, set_name), time.time(), as_json=as_json)
        return
    if between is not None:
        names_then = _named(client, device, set_name)
        show_changes(client.api, device, between, names_then, limit or CHANGES_SHOWN, time.time(), as_json=as_json)
        return
    roll = client.api.get(path_of("sets"), {"device": [device]})
    sets = [row for row in plural_rows(roll, "sets") if set_name in {None, row.get("set"), row.get("definition")}]
    names = {row.get("set") for row in sets}
    if set_name is not None and not sets:
        known = sorted(str(row.get("set")) for row in plural_rows(roll, "sets"))
        raise not_found(
            f"{device} has no process set {set_name!r}", [f"It has: {', '.join(known)}" if known else "It has none yet"]
        )
    document = client.api.get(path_of("devices", device, "processes"), {"set": set_name if set_name in names else None})
    if set_name is not None:
        rows = [row for row in plural_rows(document, "processes") if row.get("set") in names]
        document = {**document, "processes": rows}
    document = {**document, "sets": sets, "scans": plural_rows(roll, "scans")}
    watched = {str(row.get("set")) for row in sets}
    sparks = set_sparks(client.api, device, watched, chosen, wanted=sparklines, as_json=as_json)
    if sparks is not None:
        document["sparklines"] = sparks
    if as_json:
        emit(document)
        return
    _show(device, document, SetGraphs(range_text or "1h", sparks or ()), everything=everything)


def _show(device: str, document: dict[str, Any], graphs: SetGraphs, *, everything: bool) -> None:
    """Show sets and processes."""
    now, sets = time.time(), document["sets"]
    problem = next((scan["problem"] for scan in document["scans"] if scan.get("problem")), "")
    if problem:
        note(f"{device} cannot be read: {problem}")
        note(f"  `tocsin events list --device {device}` shows since when")
    if sets:
        show(set_table(sets, now, pid_room=9 if is_narrow() else 24, graphs=graphs), Text(""))
    if document.get("at") is None:
        if not problem:
            note(f"{device} was not scanned yet")
        return
    if not sets:
        note(f"{device} has no process sets yet: no definition applies to it, or none of its processes was seen")
    everything = everything or not sets
    processes = plural_rows(document, "processes")
    chosen = [row for row in processes if everything or row.get("set") is not None]
    show(table(_PROCESS_COLUMNS, [_process_row(row, now) for row in chosen]))
    hidden = len(processes) - len(chosen)
    rest = f"; {counted(hidden, 'process', 'processes')} in no set (--all shows them)" if hidden else ""
    note(f"Table of {since(document.get('at'), now)} ago{rest}")


def _check(at_text: str | None, between: tuple[str, str] | None, limit: int | None) -> None:
    """Refuse options that do not go together."""
    if at_text is not None and between is not None:
        raise usage("--at and --between cannot be used together")
    if limit is not None and between is None:
        raise usage("--limit goes with --between: it says how many changes are shown")


def _named(client: Client, device: str, set_name: str | None) -> list[str]:
    """A set that is or was called so, and those that the definition of this name has now."""
    if set_name is None:
        return []
    rows = plural_rows(client.api.get(path_of("sets"), {"device": [device]}), "sets")
    return [set_name, *(str(row["set"]) for row in rows if row.get("definition") == set_name)]


def set_table(
    rows: Sequence[dict[str, Any]],
    now: float,
    *,
    pid_room: int,
    set_width: int | None = None,
    graphs: SetGraphs | None = None,
) -> RenderableType:
    """Process sets as a table, what is not up first.

    Args:
        rows: set statuses of the API.
        now: epoch seconds.
        pid_room: characters for the pids; those that do not fit are counted. 0 leaves them out.
        set_width: given, all such tables have columns of the same width where there is room.
        graphs: small graphs, if there are any.
    """
    graphs = graphs or SetGraphs("1h", ())
    columns = (
        Column("state", least=STATE_WIDTH if set_width else None),
        Column("set", elastic=True, least=set_width or LEAST_NAME),
        Column("count", right=True),
        Column("pids", least=pid_room if set_width else None),
        Column("cpu %", right=True),
        Column("memory", right=True, least=8 if set_width else None),
        Column("restarts", right=True),
        Column("since", right=True, least=7 if set_width else None),
        *graphs.columns(),
    )
    cells = [[*_set_row(row, now, pid_room), *graphs.cells(row)] for row in sorted(rows, key=urgency)]
    lesser = () if console().width >= LESSER_FROM else ("restarts", "memory")
    return table(columns, cells, without=lesser if pid_room else ("pids", *lesser))


def shown_state(row: dict[str, Any]) -> str:
    """The state of a set, or what is wrong with one that is up."""
    state = str(row.get("state"))
    return str(row.get("fault") or state) if state == "up" else state


def urgency(row: dict[str, Any]) -> tuple[int, str]:
    """Sort key: what is not as it should be first."""
    return _STATE_ORDER.get(shown_state(row), 0), str(row.get("set"))


def _set_row(row: dict[str, Any], now: float, pid_room: int) -> list[object]:
    state = shown_state(row)
    restarts = row.get("restarts") or 0
    return [
        state_cell(state),
        cell(row.get("set", ""), "" if state == "up" else "bold"),
        row.get("count", 0),
        cell(short_list([str(pid) for pid in row.get("pids") or []], pid_room), "dim"),
        percent(row.get("cpu_percent")),
        size(row.get("memory_bytes")),
        cell(restarts, "yellow" if restarts else "dim"),
        since(row.get("since"), now),
    ]


def _process_row(row: dict[str, Any], now: float) -> list[object]:
    command = row.get("command") or row.get("name") or ""
    return [
        row.get("pid"),
        row.get("set") or cell(NOTHING, "dim"),
        row.get("state", ""),
        since(row.get("started_at"), now),
        percent(row.get("cpu_percent")),
        size(row.get("memory_bytes")),
        command,
    ]

"""The evidence of an event, for people and for programs."""

from __future__ import annotations

from typing import Any

from rich.console import RenderableType
from rich.text import Text

from common.quantities import quantity
from hub.cli.client import Api, path_of
from hub.cli.exits import CommandError
from hub.cli.figures import local_time, moment, safe
from hub.cli.output import Column, note, plural_rows, show, table

_COLUMNS = (
    Column("pid", right=True),
    Column("set", elastic=True),
    Column("cpu %", right=True),
    Column("memory", right=True),
    Column("state"),
    Column("command", elastic=True),
)
_SIZES = (
    ("memory_bytes", "memory"),
    ("available_bytes", "available"),
    ("swap_bytes", "swap"),
    ("swap_free_bytes", "swap free"),
)

Row = dict[str, Any]


def with_evidence(api: Api, event: Row) -> Row:
    """The event with the fields `evidence` and `evidence_problem`, where it names some evidence."""
    details = event.get("details")
    if not isinstance(details, dict) or not details.get("evidence"):
        return event
    try:
        found = api.get(path_of("events", str(event.get("id")), "evidence"))
    except CommandError as error:
        return {**event, "evidence": None, "evidence_problem": error.message}
    return {**event, "evidence": found, "evidence_problem": ""}


def show_evidence(event: Row) -> None:
    """Print what was there."""
    if event.get("evidence_problem"):
        note(f"What was there when it opened cannot be shown: {event['evidence_problem']}")
    found = event.get("evidence")
    if isinstance(found, dict):
        show(*_parts(found))


def _parts(found: Row) -> list[RenderableType]:
    when = f"at {local_time(moment(found.get('at')))}"
    if found.get("before_at"):
        when += f", the scan before at {local_time(moment(found['before_at']))}"
    parts: list[RenderableType] = [
        "",
        _line(f"What was there {when}: {found.get('processes')} processes; {_host(found)}"),
    ]
    for one in plural_rows(found, "sets"):
        name = one.get("set")
        if one.get("before") is None:
            parts += ["", _line(f"{name} before: not known")]
        else:
            parts += _rows(f"{name} before", plural_rows(one, "before"), one.get("more_before"))
        parts += _rows(f"{name} then", plural_rows(one, "now"), one.get("more_now"))
    parts += _rows("Of the host, by CPU", plural_rows(found, "by_cpu"), 0)
    parts += _rows("Of the host, by memory", plural_rows(found, "by_memory"), 0)
    return parts


def _rows(title: str, rows: list[Row], more: object) -> list[RenderableType]:
    if not rows:
        return ["", _line(f"{title}: no process")]
    tail = [Text(f"and {more} more", style="dim")] if more else []
    return ["", _line(f"{title}:"), table(_COLUMNS, [_row(row) for row in rows]), *tail]


def _line(text: str) -> Text:
    return Text(safe(text))


def _row(row: Row) -> list[object]:
    cpu, memory = row.get("cpu_percent"), row.get("memory_bytes")
    return [
        row.get("pid"),
        row.get("set") or "-",
        "" if cpu is None else f"{cpu:.1f}",
        "" if memory is None else quantity(memory, "bytes"),
        "gone" if row.get("gone") else row.get("state"),
        row.get("command") or row.get("name"),
    ]


def _host(found: Row) -> str:
    host = found.get("host")
    if not isinstance(host, dict) or host.get("problem"):
        return f"of the host nothing is known: {host.get('problem') if isinstance(host, dict) else 'it was not told'}"
    said = []
    if host.get("load"):
        said.append("load " + " ".join(f"{one or 0:.2f}" for one in host["load"]))
        said[0] += f" on {host['processors']} processors" if host.get("processors") else ""
    said += [f"{word} {quantity(host[name], 'bytes')}" for name, word in _SIZES if host.get(name) is not None]
    pressure = host.get("pressure")
    if isinstance(pressure, dict):
        waits = (f"{name.replace('_', ' ')} {value:.1f} %" for name, value in sorted(pressure.items()) if value)
        said.append("waiting for " + (", ".join(waits) or "nothing"))
    return ", ".join(said)

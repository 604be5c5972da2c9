"""What a change does, for people: documents and their fields before and after, and who gets a new config."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from common.quantities import counted
from hub.cli.figures import safe
from hub.cli.output import plural_rows, show_lines

HIDDEN = "(set)"
NOT_SET = "(not set)"
MAX_NAMED = 20

MARKS = {"created": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red")}


def show_differences(rows: Sequence[dict[str, Any]]) -> None:
    """Print documents with the fields that differ."""
    show_lines(line for row in rows for line in _document(row))


def show_plan(plan: dict[str, Any]) -> None:
    """Print what a change would do: to documents, to collectors, and to the config of a device."""
    show_differences(plural_rows(plan, "differences"))
    config = plan.get("config")
    if isinstance(config, dict):
        show_lines(_config(config))
    show_lines(_collectors(plural_rows(plan, "collectors")))


def _document(row: dict[str, Any]) -> Iterator[Text]:
    what = str(row.get("what"))
    mark, style = MARKS.get(what, ("?", ""))
    yield Text(safe(f"{mark} {row.get('kind')} {row.get('id')}"), style=style)
    yield from (_field(field, what) for field in plural_rows(row, "fields"))


def _field(row: dict[str, Any], what: str) -> Text:
    """A field on a line; of a document that comes or goes, only what it says."""
    old, new = row.get("old"), row.get("new")
    line = Text(safe(f"    {row.get('field')}: "))
    if what == "created":
        return line.append(_written(new), style="green")
    if what == "removed":
        return line.append(_written(old), style="red")
    if old == new == HIDDEN:
        return line.append(f"{HIDDEN}, changes", style="yellow")
    return line.append(_written(old), style="red").append(" -> ").append(_written(new), style="green")


def _config(config: dict[str, Any]) -> Iterator[Text]:
    device = config.get("device")
    before, after = config.get("collector_before"), config.get("collector_after")
    fields = plural_rows(config, "fields")
    if config.get("problem"):
        yield Text(safe(f"The config of {device} could not be made any more: {config['problem']}"), style="bold red")
    elif fields:
        yield Text(safe(f"The config of {device}:"))
    else:
        yield Text(safe(f"The config of {device} stays as it is"))
    if before and after and before != after:
        yield Text(safe(f"    collector: {before} -> {after}"))
    what = "changed" if before and after else "created" if after else "removed"
    yield from (_field(field, what) for field in fields)


def _collectors(rows: Sequence[dict[str, Any]]) -> Iterator[Text]:
    if not rows:
        yield Text("No device would get a new config")
        return
    room = MAX_NAMED
    for row in rows:
        for name, words in (("devices", "would get a new config"), ("leaving", "would not be watched by it any more")):
            devices = [str(device) for device in row.get(name) or []]
            if devices:
                named, room = devices[:room], max(0, room - len(devices))
                yield Text(
                    safe(
                        f"Collector {row.get('id')}: {counted(len(devices), 'device')} {words}{_names(named, devices)}"
                    )
                )


def _names(named: Sequence[str], devices: Sequence[str]) -> str:
    left = len(devices) - len(named)
    words = [*named, *([f"and {left} more"] if left and named else [])]
    return f": {', '.join(words)}" if words else ""


def _written(value: object) -> str:
    """A value on one line."""
    return NOT_SET if value is None else _flow(value)


def _flow(value: object) -> str:
    """A value in YAML's flow style; texts are in quotes."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{safe(name)}: {_flow(part)}' for name, part in value.items())}}}"
    if isinstance(value, str) and value != HIDDEN:
        return "'" + safe(value).replace("'", "''") + "'"
    return safe(value)

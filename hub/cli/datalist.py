"""`tocsin data list` and `data info`: what is kept of series."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import click
from rich.text import Text

from common.quantities import counted
from hub.cli.client import path_of
from hub.cli.context import Client, json_option, pass_client
from hub.cli.dataseries import end_if_stale, no_series
from hub.cli.exits import CommandError, Exit, not_found
from hub.cli.figures import NOTHING, local_time, measured, moment, short_list, size, span
from hub.cli.output import Column, cell, console, emit, facts, is_narrow, note, plural_rows, show, table

MANY_POINTS, POINTS_ROOM = 8, 32


@click.command("list")
@click.argument("device")
@json_option
@pass_client
def list_command(client: Client, device: str, as_json: bool) -> None:
    """List the series that DEVICE has, and what is kept of each.

    FULL STEP and ARCHIVES say how far back what is known goes, the archives by the length of their rows. When its
    collector, or a daemon of it, is away, list what was last heard, and end with exit code 5.
    """
    document = client.api.get(path_of("devices", device, "series", "kept"))
    series = plural_rows(document, "series")
    if as_json:
        emit({**document, "values": _values(client, device)})
    elif series:
        _show([{"stale": document.get("stale"), **row} for row in series])
    else:
        note(no_series(client.api, device, not_found(f"{device} has no series yet")).message)
    end_if_stale(document)


@click.command("info")
@click.argument("device")
@click.argument("component")
@click.argument("source", required=False)
@json_option
@pass_client
def info_command(client: Client, device: str, component: str, source: str | None, as_json: bool) -> None:
    """Show all about one series: points, archives, how much of each is known, the file.

    COMPONENT '' is the device itself; without SOURCE it is the first.
    """
    document = client.api.get(
        path_of("devices", device, "series", "info"), {"component": component, "source": source or None}
    )
    if as_json:
        emit(document)
        return
    series = document.get("series") or {}
    now = time.time()
    show(facts(_facts(document, series, now)), Text(""), _points(series), Text(""), _archives(series))
    copies = plural_rows(series, "copies")
    if copies:
        columns = (Column("kept copy from"), Column("to"), Column("size", right=True))
        rows = [[_when(row.get("first")), _when(row.get("last")), size(row.get("size_bytes"))] for row in copies]
        show(Text(""), table(columns, rows))


def _values(client: Client, device: str) -> list[dict[str, Any]]:
    """Last values, which this document has always had; none where there are none."""
    try:
        return plural_rows(client.api.get(path_of("devices", device, "series")), "values")
    except CommandError as error:
        if error.exit_code is not Exit.NOT_FOUND:
            raise
        return []


def _show(series: list[dict[str, Any]]) -> None:
    now = time.time()
    columns = (
        Column("component", wraps=True),
        Column("source"),
        Column("points", wraps=True),
        Column("step", right=True),
        Column("since", right=True),
        Column("full step", right=True),
        Column("archives"),
        Column("copies", right=True),
        Column("size", right=True),
        Column("state"),
        Column("daemon"),
    )
    rows = [
        [
            row.get("component") or NOTHING,
            row.get("source"),
            _names(row),
            span(row.get("step_s")),
            _back(row.get("first"), now),
            _back((row.get("full_step") or {}).get("first"), now),
            _archives_in_short(row, now),
            len(plural_rows(row, "copies")) or NOTHING,
            size(row.get("size_bytes")) if row.get("size_bytes") else NOTHING,
            _state(row, now),
            row.get("daemon") or NOTHING,
        ]
        for row in series
    ]
    without = ["copies"] if not any(plural_rows(row, "copies") for row in series) else []
    if len({row.get("daemon") for row in series}) < 2:
        without.append("daemon")
    show(table(columns, rows, without=[*without, "full step", "archives", "size"] if is_narrow() else without))
    total = sum(row.get("size_bytes") or 0 for row in series)
    if total:
        note(f"{counted(len(series), 'series', 'series')}, {size(total)} on the collector")


def _names(row: dict[str, Any]) -> str:
    """All of a few points; of many, on a terminal, as many as fit a column: `data info` has them all."""
    names = [str(point.get("point")) for point in plural_rows(row, "points")]
    if console().is_terminal and len(names) > MANY_POINTS:
        return short_list(names, POINTS_ROOM)
    return ", ".join(names)


def _state(row: Mapping[str, Any], now: float) -> Text:
    if row.get("stale"):
        return cell("not known", "dim")
    if row.get("problem"):
        return cell("file cannot be read", "bold red")
    if row.get("first") is None:
        return cell("live, no file yet", "cyan")
    if row.get("collected"):
        return cell("collected", "green")
    newest = moment(row.get("live_at")) or moment(row.get("last"))
    return cell("silent" if newest is None else f"silent for {span(now - newest)}", "yellow")


def _archives_in_short(row: Mapping[str, Any], now: float) -> str:
    known = [one for one in plural_rows(dict(row), "archives") if moment(one.get("first")) is not None]
    return ", ".join(f"{_length(one.get('resolution_s'))}: {_back(one.get('first'), now)}" for one in known) or NOTHING


def _facts(document: Mapping[str, Any], series: Mapping[str, Any], now: float) -> list[tuple[str, object]]:
    header = document.get("header") or {}
    found: list[tuple[str, object]] = [
        ("device", document.get("device")),
        ("component", series.get("component") or NOTHING),
        ("source", series.get("source")),
        ("step", span(series.get("step_s"))),
        ("state", _state(series, now)),
        ("daemon", series.get("daemon") or NOTHING),
        ("newest sample", _when(series.get("live_at") or series.get("last"))),
        ("first sample", _when(series.get("first"))),
        ("file", document.get("file") or "none yet"),
        ("size", size(series.get("size_bytes")) if series.get("size_bytes") else NOTHING),
        ("form", f"RRD {header.get('rrd_version')}" if header.get("rrd_version") else NOTHING),
    ]
    if series.get("problem"):
        found.append(("problem", cell(series["problem"], "bold red")))
    return found


def _points(series: Mapping[str, Any]) -> Any:
    columns = (
        Column("point"),
        Column("kind"),
        Column("unit"),
        Column("least", right=True),
        Column("most", right=True),
        Column("heartbeat", right=True),
        Column("last value", right=True),
    )
    rows = [
        [
            row.get("point"),
            row.get("kind"),
            row.get("unit") or NOTHING,
            NOTHING if row.get("minimum") is None else f"{row['minimum']:g}",
            NOTHING if row.get("maximum") is None else f"{row['maximum']:g}",
            span(row.get("heartbeat_s")),
            measured(row.get("value"), str(row.get("unit") or "")),
        ]
        for row in plural_rows(dict(series), "points")
    ]
    return table(columns, rows)


def _archives(series: Mapping[str, Any]) -> Any:
    columns = (
        Column("rows of", right=True),
        Column("kept", right=True),
        Column("rows", right=True),
        Column("first known"),
        Column("last known"),
        Column("known"),
    )
    full = series.get("full_step")
    every = [*([full] if isinstance(full, dict) else []), *plural_rows(dict(series), "archives")]
    rows = [
        [
            _length(row.get("resolution_s")),
            span(row.get("keeps_s")),
            row.get("rows"),
            _when(row.get("first")),
            _when(row.get("last")),
            _coverage(row.get("known")),
        ]
        for row in every
    ]
    return table(columns, rows)


def _coverage(known: object) -> str:
    """One share where all points have the same, else the least and the most."""
    shares = (
        sorted(share for share in known.values() if isinstance(share, int | float)) if isinstance(known, dict) else []
    )
    if not shares:
        return NOTHING
    low, high = f"{100 * shares[0]:.4g} %", f"{100 * shares[-1]:.4g} %"
    return low if low == high else f"{low} – {high}"


def _length(seconds: object) -> str:
    """The length of a row, without what is zero in it."""
    if not isinstance(seconds, int) or seconds <= 0:
        return NOTHING
    for unit_s, letter in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds % unit_s == 0:
            return f"{seconds // unit_s}{letter}"
    return f"{seconds}s"


def _back(value: object, now: float) -> str:
    at = moment(value)
    return NOTHING if at is None else span(now - at)


def _when(value: object) -> str:
    return local_time(moment(value))

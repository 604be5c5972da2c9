"""`tocsin data`: figures that the collectors keep."""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import click

from hub.cli.client import Api, path_of
from hub.cli.context import Client, json_option, pass_client
from hub.cli.exits import CommandError, Exit, not_found
from hub.cli.figures import NOTHING, iso, measured, moment, span
from hub.cli.output import Column, cell, emit, plural_rows, show, table
from hub.cli.ranges import FORMS, parse_length, parse_range
from hub.cli.scans import scan_of, where_to_look


@click.group("data")
def data_group() -> None:
    """Last values, and series over time."""


@data_group.command("list")
@click.argument("device")
@json_option
@pass_client
def list_command(client: Client, device: str, as_json: bool) -> None:
    """List the series that DEVICE has."""
    document = _listing(client.api, device)
    if as_json:
        emit(document)
        return
    columns = (
        Column("component", wraps=True),
        Column("source"),
        Column("points", wraps=True),
        Column("step", right=True),
        Column("since", right=True),
    )
    rows = [
        [component or NOTHING, source, ", ".join(str(v.get("point")) for v in values), *_step_and_first(values)]
        for (component, source), values in _by_source(plural_rows(document, "values")).items()
    ]
    show(table(columns, rows))


@data_group.command("last")
@click.argument("device")
@click.argument("component", required=False)
@json_option
@pass_client
def last_command(client: Client, device: str, component: str | None, as_json: bool) -> None:
    """Show the newest values of DEVICE, or of one COMPONENT (process set).

    A value belongs to a STEP, which is as long as the interval between two scans; AGE counts from the end of the step.
    """
    document = _listing(client.api, device, component)
    if as_json:
        emit(document)
        return
    columns = (
        Column("component", elastic=True),
        Column("source"),
        Column("point"),
        Column("value", right=True),
        Column("step", right=True),
        Column("age", right=True),
    )
    rows = [
        [
            row.get("component") or NOTHING,
            row.get("source"),
            row.get("point"),
            _value(row),
            span(row.get("step_s")),
            _age(row),
        ]
        for row in plural_rows(document, "values")
    ]
    show(table(columns, rows))


@data_group.command("fetch")
@click.argument("device")
@click.argument("component")
@click.argument("points", nargs=-1, metavar="[POINT]...")
@click.option("--range", "range_text", default="1h", show_default=True, metavar="RANGE", help=f"{FORMS}.")
@click.option(
    "--cf", type=click.Choice(["AVERAGE", "MIN", "MAX"], case_sensitive=False), default="AVERAGE", show_default=True
)
@click.option("--resolution", metavar="LENGTH", help="Wanted step, such as 60s or 1h; the nearest kept one is taken.")
@click.option("--source", metavar="NAME", help="Series source, where several have a point of that name.")
@json_option
@pass_client
def fetch_command(
    client: Client,
    *,
    device: str,
    component: str,
    points: Sequence[str],
    range_text: str,
    cf: str,
    resolution: str | None,
    source: str | None,
    as_json: bool,
) -> None:
    """Print series of a COMPONENT as CSV (or JSON): all points, or those named.

    CSV: time in ISO 8601 UTC, then a column for each point; a gap is empty. COMPONENT '' is the device itself.
    """
    chosen = parse_range(range_text, time.time())
    resolution_s = parse_length(resolution) if resolution else None
    source_name, wanted = _choose_source(client.api, device, component, points, source)
    document = client.api.get(
        path_of("devices", device, "series", "fetch"),
        {
            "component": component,
            "source": source_name,
            "point": wanted,
            "start": chosen.start,
            "end": chosen.end,
            "cf": cf.upper(),
            "resolution_s": resolution_s,
        },
    )
    if as_json:
        emit(document)
    else:
        _print_csv(plural_rows(document, "series"))


def _choose_source(
    api: Api, device: str, component: str, points: Sequence[str], source: str | None
) -> tuple[str, list[str]]:
    """Find the source that has all the points; no points ask for all of it.

    Raises:
        CommandError: there is none; names those that there are.
    """
    sources: dict[str, list[str]] = {}
    for row in plural_rows(_listing(api, device, component), "values"):
        sources.setdefault(str(row.get("source")), []).append(str(row.get("point")))
    for name, known in sources.items():
        if source in {None, name} and set(points) <= set(known):
            return name, list(points) or known
    have = [f"{name}: {', '.join(known)}" for name, known in sources.items()]
    if source is not None and source not in sources:
        raise not_found(f"{component!r} of {device} has no source {source!r}", have)
    raise not_found(f"No source of {component!r} of {device} has the points {', '.join(points)}", have)


def _listing(api: Api, device: str, component: str | None = None) -> Any:
    """The series of a device, or of one component.

    Raises:
        CommandError: exit code 3: there are none; says why, or which there are.
    """
    refused = not_found(f"{device} has no series yet; the first sample makes them")
    try:
        document = api.get(path_of("devices", device, "series"), {"component": component})
        if plural_rows(document, "values"):
            return document
    except CommandError as error:
        if error.exit_code is not Exit.NOT_FOUND:
            raise
        refused = error
    if component is not None:
        known = sorted({str(row.get("component")) for row in plural_rows(_listing(api, device), "values")})
        raise not_found(f"{device} has no series of a component {component!r}", [f"It has: {', '.join(known)}"])
    raise _no_series(api, device, refused)


def _no_series(api: Api, device: str, refused: CommandError) -> CommandError:
    """The error of a device without series; what the hub said stays when nothing watched has that name."""
    try:
        problem = scan_of(api, device).get("problem")
    except CommandError:
        return refused
    if problem:
        return not_found(f"{device} has no series yet, for it cannot be read: {problem}", [where_to_look(device)])
    return not_found(f"{device} has no series yet; the first sample makes them")


def _print_csv(series: Sequence[dict[str, Any]]) -> None:
    """One line for each time, one column for each point."""
    lines: dict[float, list[object]] = {}
    for index, one in enumerate(series):
        for at, value in one.get("rows") or []:
            when = moment(at)
            if when is not None:
                lines.setdefault(when, [""] * len(series))[index] = "" if value is None else value
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["time", *(one.get("point") for one in series)])
    writer.writerows([iso(at), *lines[at]] for at in sorted(lines))


def _by_source(values: Sequence[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in values:
        found.setdefault((str(row.get("component") or ""), str(row.get("source"))), []).append(row)
    return found


def _step_and_first(values: Sequence[dict[str, Any]]) -> tuple[str, str]:
    firsts = [at for at in (moment(row.get("first")) for row in values) if at is not None]
    age = span(time.time() - min(firsts)) if firsts else NOTHING
    return span(values[0].get("step_s")), age


def _value(row: Mapping[str, Any]) -> str:
    """What was measured; of a counter also what it comes to in a second."""
    unit = str(row.get("unit") or "")
    text = measured(row.get("value"), unit)
    rate = row.get("rate")
    return text if rate is None else f"{text} ({measured(rate, unit)}/s)"


def _age(row: dict[str, Any]) -> object:
    """Time since the end of the newest step; yellow when three more should have come."""
    age_s, step_s = row.get("age_s"), row.get("step_s") or 0
    if not isinstance(age_s, int | float):
        return NOTHING
    ended_s = age_s - step_s
    return cell(span(ended_s), "yellow" if ended_s > 2 * step_s + 60 else "")

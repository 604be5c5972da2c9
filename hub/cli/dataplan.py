"""`tocsin data plan`: what retention plans keep, and what files take, told before there are any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from common.quantities import counted
from hub.cli.client import Api, path_of
from hub.cli.context import Client, json_option, pass_client
from hub.cli.exits import CommandError, Exit, not_asked, not_found, usage
from hub.cli.figures import NOTHING, safe, size, span
from hub.cli.output import Column, cell, emit, note, plural_rows, say, show, table
from hub.cli.progress import waiting
from hub.cli.ranges import parse_length

DAY_S = 86_400
YEAR_S = 366 * DAY_S


@click.command("plan")
@click.argument("names", nargs=-1, metavar="[PLAN|DEVICE]...")
@click.option("--step", metavar="LENGTH", help="From scan to scan, such as 10s or 5m; 60s by default.")
@click.option(
    "--points",
    type=click.IntRange(1, 1000),
    metavar="N",
    help="Points of a file; as a rule those of a process set over SNMP.",
)
@click.option("--files", type=click.IntRange(0, 100_000_000), metavar="N", help="Files of the fleet; 1 by default.")
@click.option("--all", "everything", is_flag=True, help="What the files of all devices take.")
@click.option("--devices", "as_devices", is_flag=True, help="The names are of devices, even if a plan has one of them.")
@json_option
@pass_client
def plan_command(
    client: Client,
    *,
    names: Sequence[str],
    step: str | None,
    points: int | None,
    files: int | None,
    everything: bool,
    as_devices: bool,
    as_json: bool,
) -> None:
    """Tell what a retention plan keeps, and how large files are by it; without a name, of all plans.

    With names of devices, or --all, tell what their files take by their plans, and what their collectors have of them.
    A file has its whole size from the beginning. Of a process set 6 points are measured over SNMP, and 17 on the
    collector's own machine; templates add those that they derive.
    """
    if everything and names:
        raise usage("--all is of all devices; give it without names")
    if everything or as_devices or (names and not _are_plans(client.api, names)):
        if step or points or files is not None:
            raise usage("--step, --points and --files are for plans; devices have their own")
        if not names and not everything:
            raise usage("--devices says what the names are; name some, or give --all")
        try:
            _show_devices(client.api, names, as_json=as_json)
        except CommandError as error:
            if error.exit_code is not Exit.NOT_FOUND or as_devices:
                raise
            raise not_found(f"{error.message}; and no plan has that name: `tocsin data plan` shows them") from None
        return
    step_s = parse_length(step) if step else None
    if step_s is not None and step_s > DAY_S:
        raise usage(f"--step {step}: it may be a day at most")
    parameters = {
        "name": list(names),
        "step_s": step_s,
        "points": points,
        "files": files,
    }
    document = client.api.get(path_of("retention", "plans"), parameters)
    if as_json:
        emit(document)
    else:
        _show_plans(document)


def _are_plans(api: Api, names: Sequence[str]) -> bool:
    """Whether these are names of plans; False when none is.

    Raises:
        CommandError: exit code 2: some are, and some are not.
    """
    known = {str(row.get("name")) for row in plural_rows(api.get(path_of("retention", "plans")), "plans")}
    strange = [name for name in names if name not in known]
    if strange and len(strange) < len(names):
        plan = next(name for name in names if name in known)
        raise usage(
            f"{safe(plan)} is a plan, and {safe(strange[0])} is none; name plans or devices. "
            f"Plans: {', '.join(map(safe, sorted(known)))}. With --devices all names are of devices"
        )
    return not strange


def _show_plans(document: dict[str, Any]) -> None:
    rows, files = plural_rows(document, "plans"), int(document.get("files") or 0)
    columns = (
        Column("plan"),
        Column("keeps", wraps=True),
        Column("file", right=True),
        Column(counted(files, "file"), right=True),
        Column("devices", right=True),
    )
    cells = [
        [
            row.get("name"),
            _kept(row),
            size(row.get("file_bytes")),
            size(row.get("fleet_bytes")),
            row.get("devices"),
        ]
        for row in rows
    ]
    show(table(columns, cells, without=() if files > 1 else (columns[3].title,)))
    for row in rows:
        if row.get("problem"):
            show(cell(f"{row.get('name')}: {row.get('problem')}", "yellow"))
        if len(rows) == 1:
            if row.get("description"):
                say(str(row["description"]))
            say(f"A file has {row.get('file_bytes'):,} bytes; MIN, MAX and AVERAGE are kept at every resolution")
    points = counted(int(document.get("points") or 0), "point")
    note(
        f"Files of {points} with a step of {span(document.get('step_s'))}; --points, --step and --files ask for others"
    )


def _kept(row: dict[str, Any]) -> str:
    parts = (f"{_long(one.get('kept_s'))} at {_short(one.get('resolution_s'))}" for one in plural_rows(row, "spans"))
    return ", ".join(parts)


def _short(seconds: object) -> str:
    """A resolution, such as 10 min."""
    value = int(seconds) if isinstance(seconds, int | float) else 0
    for unit, word in ((DAY_S, "d"), (3600, "h"), (60, "min")):
        if value >= unit and not value % unit:
            return f"{value // unit} {word}"
    return f"{value} s"


def _long(seconds: object) -> str:
    """How long something is kept, such as 3 years."""
    value = float(seconds) if isinstance(seconds, int | float) else 0.0
    if value >= 2 * YEAR_S * 0.99:
        return f"{value / YEAR_S:.3g} years"
    return counted(round(value / DAY_S), "day") if value >= DAY_S else f"{value / 3600:.3g} hours"


def _show_devices(api: Api, names: Sequence[str], *, as_json: bool) -> None:
    with waiting("asking the collectors"):
        document = api.get(path_of("retention", "devices"), {"device": list(names)}, timeout_s=600.0)
    problems: dict[str, Any] = document.get("problems") or {}
    if as_json:
        emit(document)
    else:
        _print_devices(plural_rows(document, "devices"))
    for collector, why in problems.items():
        note(f"{collector}: {why}")
    if problems:
        raise not_asked(len(problems), printed=as_json)


def _print_devices(rows: Sequence[dict[str, Any]]) -> None:
    columns = (
        Column("device", elastic=True),
        Column("plan"),
        Column("step", right=True),
        Column("points", right=True),
        Column("sets", right=True),
        Column("file", right=True),
        Column("by plan", right=True),
        Column("has files", right=True),
        Column("has", right=True),
    )
    cells = [
        [
            row.get("device"),
            row.get("plan"),
            span(row.get("step_s")),
            row.get("points"),
            f"{row.get('sets')}{'' if row.get('modelled') else '?'}",
            size(row.get("file_bytes")),
            size(row.get("bytes")),
            NOTHING if row.get("held_files") is None else row.get("held_files"),
            size(row.get("held_bytes")),
        ]
        for row in rows
    ]
    show(table(columns, cells))
    planned = sum(int(row.get("bytes") or 0) for row in rows)
    held = sum(int(row.get("held_bytes") or 0) for row in rows)
    say(f"{counted(len(rows), 'device')}: {size(planned)} by their plans, {size(held)} there")
    if any(not row.get("modelled") for row in rows):
        note("? - not modelled yet: as many process sets as have a definition that applies")

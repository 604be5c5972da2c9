"""`tocsin data`: figures that the collectors keep."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import click

from common.series import PERCENT
from hub.cli.context import Client, json_option, pass_client
from hub.cli.convert import convert_command
from hub.cli.datalist import info_command, list_command
from hub.cli.dataplan import plan_command
from hub.cli.dataseries import end_if_stale, listing_of
from hub.cli.fetch import fetch_command
from hub.cli.figures import NOTHING, measured, span
from hub.cli.orphans import orphans_command
from hub.cli.output import Column, cell, emit, plural_rows, show, table
from hub.cli.purge import purge_command
from hub.cli.ranges import parse_range
from hub.cli.sparks import by_point, heading, is_wide, sparks_of, with_scale

AHEAD_S = 5.0
"""A value from so far in the future was taken under another clock than the hub's."""


@click.group("data")
def data_group() -> None:
    """Last values, and series over time."""


@data_group.command("last")
@click.argument("device")
@click.argument("component", required=False)
@click.option(
    "--range", "range_text", default="1h", show_default=True, metavar="RANGE", help="What the small graphs show."
)
@click.option("--sparklines/--no-sparklines", default=None, help="Small graphs; as a rule where the terminal is wide.")
@json_option
@pass_client
def last_command(
    client: Client, device: str, component: str | None, range_text: str, sparklines: bool | None, as_json: bool
) -> None:
    """Show the newest values of DEVICE, or of one COMPONENT (process set).

    A value belongs to a STEP, which is as long as the interval between two scans; AGE counts from the end of the step.
    When its collector, or a daemon of it, is away, show what was last heard, and end with exit code 5.
    """
    chosen = parse_range(range_text, time.time())
    document = listing_of(client.api, device, component)
    wanted = (as_json or is_wide()) if sparklines is None else sparklines
    is_heard = all(row.get("stale", document.get("stale")) for row in plural_rows(document, "values"))
    rows = sparks_of(client.api, device, chosen, component) if wanted and not is_heard else []
    sparks = by_point(rows)
    if as_json:
        values = [
            {**row, "sparkline": sparks.get((str(row.get("component")), str(row.get("source")), str(row.get("point"))))}
            for row in plural_rows(document, "values")
        ]
        emit({**document, "values": values} if wanted else document)
        end_if_stale(document)
        return
    columns = (
        Column("component", elastic=True),
        Column("source"),
        Column("point"),
        Column("value", right=True),
        Column("step", right=True),
        Column("age", right=True),
        Column(heading(range_text)),
    )
    cells = [
        [
            row.get("component") or NOTHING,
            row.get("source"),
            row.get("point"),
            _value(row),
            span(row.get("step_s")),
            _age(row),
            with_scale(sparks.get((str(row.get("component")), str(row.get("source")), str(row.get("point"))))),
        ]
        for row in plural_rows(document, "values")
    ]
    show(table(columns, cells, without=() if sparks else (columns[-1].title,)))
    end_if_stale(document)


def _value(row: Mapping[str, Any]) -> str:
    """What was measured; of a counter also what it comes to in a second."""
    unit = str(row.get("unit") or "")
    rate, is_share = row.get("rate"), unit == PERCENT and row.get("kind") != "gauge"
    text = measured(row.get("value"), "" if is_share else unit)  # a count of time that was spent comes to a share
    return text if rate is None else f"{text} ({measured(rate, unit)}{'' if is_share else '/s'})"


def _age(row: dict[str, Any]) -> object:
    """Time since the end of the newest step; yellow when three more should have come, or when clocks do not agree."""
    age_s, step_s = row.get("age_s"), row.get("step_s") or 0
    if not isinstance(age_s, int | float):
        return NOTHING
    ended_s = age_s - step_s
    if age_s < -AHEAD_S:
        return cell(f"{span(-age_s)} ahead", "yellow")
    return cell(span(ended_s), "yellow" if ended_s > 2 * step_s + 60 else "")


for command in (
    list_command,
    info_command,
    fetch_command,
    convert_command,
    plan_command,
    orphans_command,
    purge_command,
):
    data_group.add_command(command)

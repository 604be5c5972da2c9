"""`tocsin status`: how the whole of it stands."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import click
from rich.text import Text

from common.events import Severity
from common.quantities import counted
from hub.cli.client import path_of
from hub.cli.collectors import collector_table, silent_line, tell_listening
from hub.cli.context import Client, json_option, pass_client
from hub.cli.figures import safe, since
from hub.cli.folder import COLLECTOR, SERVICES, typed
from hub.cli.moves import standing_lines
from hub.cli.output import SEVERITY_STYLES, cell, emit, facts, plural_rows, show
from hub.cli.pools import absence_line
from hub.cli.wait import behind_line

SHOWN = 20


@click.command("status")
@json_option
@pass_client
def status_command(client: Client, as_json: bool) -> None:
    """Show hub and collectors: what is live, what is late."""
    document = client.api.get(path_of("status"))
    if as_json:
        emit(document)
        return
    now = time.time()
    hub = document.get("hub") or {}
    collectors = plural_rows(document, "collectors")
    behind = plural_rows(document, "behind")
    show(
        facts(
            [
                ("Hub", f"{client.url}, version {hub.get('version')}, up for {since(hub.get('started_at'), now)}"),
                ("Revision", _revision(hub, behind, document)),
                ("Devices", document.get("devices", 0)),
                ("Open events", open_events(document.get("open_events") or {})),
            ]
        )
    )
    for row in behind[:SHOWN]:
        show(cell(f"  not live: {behind_line(row)}", "yellow"))
    if (more := int(document.get("behind_total") or len(behind)) - SHOWN) > 0:
        show(cell(f"  and {more} more", "yellow"))
    for row in plural_rows(document, "absent_members")[:SHOWN]:
        show(cell(f"  {absence_line(row, now)}", "yellow"))
    moves = plural_rows(document, "moves") if "moves" in document else []
    for line in standing_lines(moves[:SHOWN], now):
        show(cell(f"  {line}", "yellow"))
    if len(moves) > SHOWN:
        show(cell(f"  and files of {len(moves) - SHOWN} more devices", "yellow"))
    for row in plural_rows(document, "uncollected") if "uncollected" in document else []:
        show(cell(f"  {uncollected_line(row)}", "yellow"))
    show(Text(""))
    if collectors:
        show(collector_table(collectors, now))
    else:
        show(cell("No collector has logged in yet", "yellow"))
    for row in collectors:
        if row.get("problem"):
            show(cell(f"{row.get('id')}/{row.get('daemon')}: {row['problem']}", "yellow"))
        if row.get("silent"):
            show(cell(silent_line(row), "yellow"))
        tell_listening(row)


def uncollected_line(row: dict[str, Any]) -> str:
    """Which sources nobody reads, and why."""
    service, collector = safe(row.get("service")), safe(row.get("collector"))
    devices = counted(int(row.get("devices") or 0), "device")
    told = f"no {typed(service)} has logged in at collector {collector}"
    if collector == COLLECTOR and service not in SERVICES:
        told += f"; `tocsin up --with {service}` starts it"
    return f"{service} sources of {devices} are not collected: {told}"


def open_events(counts: dict[str, Any]) -> Text:
    """Open events by severity, worst first; both the names and the numbers of severities are understood."""
    made = Text()
    for severity in sorted(Severity, reverse=True):
        number = counts.get(severity.label, counts.get(str(severity.value), 0))
        if number:
            made.append("  " if made else "")
            made.append(safe(f"{number} {severity.label}"), SEVERITY_STYLES[severity.label])
    return made or Text("none", style="green")


def _revision(hub: dict[str, Any], behind: Sequence[dict[str, Any]], document: dict[str, Any]) -> Text:
    number = hub.get("revision", 0)
    if document.get("revision_live"):
        return cell(f"{number}, live everywhere", "green")
    total = int(document.get("behind_total") or len(behind))
    if total > len(behind):  # the rest is not told; a device may be behind for several services
        return cell(f"{number}, {counted(total, 'config')} behind", "yellow")
    return cell(f"{number}, {counted(len({row.get('device') for row in behind}), 'device')} behind", "yellow")

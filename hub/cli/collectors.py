"""`tocsin collector`: who collects."""

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
from hub.cli.figures import NOTHING, moment, since
from hub.cli.folder import COLLECTOR
from hub.cli.output import Column, cell, emit, is_narrow, note, plural_rows, show, table

FIRST_REPORT_S = 10.0
AGAIN_LOCAL = "it gets a new certificate at the next `tocsin up`: stop that one, and start it again"
ENDS_SOON_S = 14 * 86400.0
_COLUMNS = (
    Column("collector"),
    Column("daemon"),
    Column("state"),
    Column("for"),
    Column("devices", right=True),
    Column("revision", right=True),
    Column("behind", right=True),
    Column("late", right=True),
    Column("queue", right=True),
    Column("dropped", right=True),
    Column("host", elastic=True),
    Column("version", elastic=True),
)


@click.group("collector")
def collector_group() -> None:
    """Daemons that collect for this hub."""


@collector_group.command("list")
@json_option
@pass_client
def list_command(client: Client, as_json: bool) -> None:
    """List the collectors: connected or not, what they hold, which revision is live there, what is queued."""
    document = client.api.get(path_of("collectors"))
    if as_json:
        emit(document)
        return
    rows = plural_rows(document, "collectors")
    if not rows:
        note("No collector has ever logged in. `tocsin up` starts one for this machine")
        return
    now = time.time()
    show(collector_table(rows, now))
    for row in rows:
        if row.get("problem"):
            show(cell(f"{row.get('id')}/{row.get('daemon')}: {row['problem']}", "yellow"))
        if row.get("silent"):
            show(cell(silent_line(row), "yellow"))
        tell_listening(row)
    for sentence in certificate_notes(rows, now):
        show(cell(sentence, "yellow"))


def silent_line(row: dict[str, Any]) -> str:
    """How many devices of a collector do not answer."""
    silent, devices = int(row["silent"]), int(row.get("devices") or 0)
    answer = "does not answer, and is" if silent == 1 else "do not answer, and are"
    return f"{row.get('id')}/{row.get('daemon')}: {silent} of {counted(devices, 'device')} {answer} asked less often"


def tell_listening(row: dict[str, Any]) -> None:
    """Say of a collector that scans its own host whether it is told of processes as things happen."""
    who = f"{row.get('id')}/{row.get('daemon')}"
    if row.get("deaf") and row.get("connected"):
        show(
            cell(
                f"{who}: process events: off, scans alone; `tocsin-process status` on {row.get('host')} says why",
                "yellow",
            )
        )
    elif row.get("listening"):
        show(cell(f"{who}: process events: on", "dim"))


def certificate_notes(rows: Sequence[dict[str, Any]], now: float) -> list[str]:
    """What there is to say of certificates: of those that were revoked, or that end while nobody is there to renew."""
    found: list[str] = []
    for row in rows:
        name, revoked, expires = row.get("id"), row.get("revoked_at"), moment(row.get("certificate_expires"))
        if revoked:
            again = f"`tocsin collector token {name}` lets it in again"
            if name == COLLECTOR:
                again += f"; if `tocsin up` runs it, {AGAIN_LOCAL}"
            found.append(f"{name}: its certificate was revoked {revoked}; {again}")
        elif expires is not None and expires - now < ENDS_SOON_S and not row.get("connected"):
            found.append(
                f"{name}: its certificate has ended {row['certificate_expires']}; `tocsin collector token {name}`"
                if expires <= now
                else f"{name}: its certificate ends {row['certificate_expires']}; it renews it once it is connected"
            )
    return list(dict.fromkeys(found))


def has_reported(row: dict[str, Any], now: float) -> bool:
    """Whether the figures of a collector are its own word: its first heartbeat comes some seconds after the login."""
    at = moment(row.get("since"))
    return bool(row.get("devices") or row.get("tasks")) or (at is not None and now - at >= FIRST_REPORT_S)


def collector_table(rows: Sequence[dict[str, Any]], now: float) -> RenderableType:
    """Collectors as a table."""
    return table(_COLUMNS, [_row(row, now) for row in rows], without=("host", "version") if is_narrow() else ())


def _row(row: dict[str, Any], now: float) -> list[object]:
    connected = bool(row.get("connected"))
    return [
        row.get("id", ""),
        row.get("daemon", ""),
        _state(row),
        since(row.get("since") if connected else row.get("last_seen"), now),
        row.get("devices", 0) if not connected or has_reported(row, now) else NOTHING,
        row.get("revision", 0),
        _warn(row.get("behind", 0)),
        _warn(row.get("late_runs", 0)),
        _pair(row.get("queue")),
        _warn(_pair(row.get("dropped"))),
        row.get("host", ""),
        row.get("version", ""),
    ]


def _state(row: dict[str, Any]) -> Text:
    if row.get("connected"):
        return cell("● connected", "green")
    return cell("✖ revoked" if row.get("revoked_at") else "✖ away", "bold red")


def _pair(counts: object) -> str:
    """Events and samples, `0` when there are none of either."""
    if not isinstance(counts, dict):
        return "0"
    events, samples = counts.get("events", 0), counts.get("samples", 0)
    return f"{events}+{samples}" if events or samples else "0"


def _warn(value: object) -> Text:
    return cell(value, "" if str(value) in {"0", "[]"} else "yellow")

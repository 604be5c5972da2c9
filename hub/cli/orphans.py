"""`tocsin data orphans`: files at collectors that nothing in the model speaks of."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import click

from common.quantities import counted
from hub.cli.client import path_of
from hub.cli.context import Client, json_option, pass_client
from hub.cli.exits import not_asked
from hub.cli.figures import NOTHING, local_time, moment, since, size
from hub.cli.output import Column, emit, note, plural_rows, say, show, table
from hub.cli.progress import waiting

LONGEST_S = 600.0


@click.command("orphans")
@click.argument("collectors", nargs=-1, metavar="[COLLECTOR]...")
@json_option
@pass_client
def orphans_command(client: Client, collectors: Sequence[str], as_json: bool) -> None:
    """List files that nothing in the model speaks of, at all collectors or at those named.

    A file is an orphan when its device has left the model (left), is another collector's (elsewhere), or does not have
    the component any more (component); when no template has its source (source); when it was set aside because it was
    broken, of another layout or ahead of the clock (aside); or when no index knows whose it is (unknown).

    Only what devices left behind can be purged; see `tocsin data purge`. Files of hosts that are silent are no orphans.
    """
    with waiting("asking the collectors"):
        document = client.api.get(path_of("data", "orphans"), {"collector": list(collectors)}, timeout_s=LONGEST_S)
    asked = plural_rows(document, "collectors")
    if as_json:
        emit(document)
    else:
        _print(document, asked)
    away = [row for row in asked if row.get("problem")]
    for row in away:
        note(str(row.get("problem")))
    if away:
        raise not_asked(len(away), printed=as_json)


def _print(document: dict[str, Any], asked: Sequence[dict[str, Any]]) -> None:
    rows, now = plural_rows(document, "orphans"), time.time()
    files, held = (sum(int(row.get(name) or 0) for row in asked) for name in ("files", "bytes"))
    if rows:
        columns = (
            Column("collector"),
            Column("daemon"),
            Column("why"),
            Column("device", elastic=True),
            Column("component", elastic=True),
            Column("files", right=True),
            Column("bytes", right=True),
            Column("written", right=True),
            Column("since", right=True),
            Column("purge from"),
            Column("detail", wraps=True),
        )
        cells = [
            [
                row.get("collector"),
                row.get("daemon") or NOTHING,
                row.get("reason"),
                row.get("device") or NOTHING,
                _component(row),
                row.get("files"),
                size(row.get("bytes")),
                since(row.get("written"), now),
                since(row.get("left_at") or row.get("aside_at"), now),
                _from(row, now),
                row.get("detail"),
            ]
            for row in rows
        ]
        show(table(columns, cells, without=() if len({row.get("daemon") for row in asked}) > 1 else ("daemon",)))
    orphans = sum(int(row.get("bytes") or 0) for row in rows)
    count = sum(int(row.get("files") or 0) for row in rows)
    say(f"{counted(count, 'orphan')} with {size(orphans)}, of {counted(files, 'file')} with {size(held)}")
    if document.get("cut"):
        note("There are more than are listed")


def _component(row: dict[str, Any]) -> str:
    return " / ".join(str(row[name]) for name in ("component", "source") if row.get(name)) or NOTHING


def _from(row: dict[str, Any], now: float) -> str:
    at = moment(row.get("purge_from"))
    if at is None:
        return NOTHING
    return "now" if at <= now else local_time(at)

"""`tocsin data purge`: delete what devices left behind that are not in the model any more."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from common.quantities import counted
from hub.cli.client import Api, path_of
from hub.cli.context import Client, author, json_option, pass_client
from hub.cli.exits import CommandError, Exit, not_asked, usage
from hub.cli.figures import local_time, moment, safe, size
from hub.cli.output import Column, emit, note, plural_rows, say, show, table
from hub.cli.progress import counting, waiting
from hub.cli.ranges import parse_length

AT_ONCE = 20
LONGEST_S = 600.0


@click.command("purge")
@click.argument("devices", nargs=-1, metavar="[DEVICE]...")
@click.option("--collector", metavar="NAME", help="Only what this collector has.")
@click.option("--dry-run", is_flag=True, help="Say what would be deleted; delete nothing.")
@click.option(
    "--grace", metavar="LENGTH", help="How long ago a device must have left; 30d, or as the hub's settings say."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
@pass_client
def purge_command(
    client: Client,
    *,
    devices: Sequence[str],
    collector: str | None,
    dry_run: bool,
    grace: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Delete the files of DEVICE, which has left the model, at all collectors; without names, of all that left.

    What is in the model stays, and so does what left only a while ago. Where a collector is away, its files of the
    devices named are deleted when it is there again. `tocsin data orphans` lists what there is.
    """
    wanted = {"collector": collector, "grace_s": _seconds(grace), "author": author()}
    with waiting("asking the collectors"):
        document = _post(client.api, {**wanted, "devices": list(devices), "dry_run": True})
    found = plural_rows(document, "purged")
    later = [row for row in plural_rows(document, "kept") if row.get("waits")]
    names = list(dict.fromkeys(str(row.get("device")) for row in (*found, *later)))
    if not dry_run:
        if names and not yes:
            _ask(found, later)
        document = _purge(client.api, wanted, names, document)
    if as_json:
        emit(document)
    else:
        _print(document)
    _end(document, devices, as_json=as_json)


def _seconds(grace: str | None) -> float | None:
    return None if grace is None else 0.0 if grace.strip() in {"0", "0s", "0d"} else float(parse_length(grace))


def _post(api: Api, body: dict[str, Any]) -> dict[str, Any]:
    document = api.post(path_of("data", "purge"), body, timeout_s=LONGEST_S)
    return document if isinstance(document, dict) else {}


def _ask(found: Sequence[dict[str, Any]], later: Sequence[dict[str, Any]]) -> None:
    """Have it confirmed.

    Raises:
        CommandError: it is not wanted, or nobody is there to ask.
    """
    if not sys.stdin.isatty():
        raise usage("What is deleted cannot be brought back, and nobody is there to ask; say --yes, or --dry-run")
    show(_table(found)) if found else None
    files, held = (sum(int(row.get(name) or 0) for row in found) for name in ("files", "bytes"))
    more = (
        f", and what {counted(len({row.get('collector') for row in later}), 'collector')} has that is away"
        if later
        else ""
    )
    question = f"Delete {counted(files, 'file')} with {size(held)}{more}? What is deleted cannot be brought back."
    if not click.confirm(question, err=True):
        raise CommandError("Nothing was deleted", code="aborted")


def _purge(api: Api, wanted: dict[str, Any], names: Sequence[str], before: dict[str, Any]) -> dict[str, Any]:
    """Delete, some devices at a time."""
    asked = set(names)
    kept = [row for row in plural_rows(before, "kept") if str(row.get("device")) not in asked]
    done: dict[str, Any] = {**before, "dry_run": False, "purged": [], "kept": kept}
    with counting("deleting the files of devices", len(names)) as bar:
        for start in range(0, len(names), AT_ONCE):
            some = list(names[start : start + AT_ONCE])
            answer = _post(api, {**wanted, "devices": some, "dry_run": False})
            done["purged"] += plural_rows(answer, "purged")
            done["kept"] += plural_rows(answer, "kept")
            bar.advance(len(some))
    return done


def _table(rows: Sequence[dict[str, Any]]) -> Any:
    columns = (
        Column("device", elastic=True),
        Column("collector"),
        Column("daemon"),
        Column("files", right=True),
        Column("bytes", right=True),
    )
    names = ("device", "collector", "daemon", "files")
    cells = [[*(row.get(name) for name in names), size(row.get("bytes"))] for row in rows]
    return table(columns, cells, without=() if len({row.get("daemon") for row in rows}) > 1 else ("daemon",))


def _print(document: dict[str, Any]) -> None:
    rows = plural_rows(document, "purged")
    if rows:
        show(_table(rows))
    files, held = (sum(int(row.get(name) or 0) for row in rows) for name in ("files", "bytes"))
    word = "would be deleted" if document.get("dry_run") else "deleted"
    devices = counted(len({row.get("device") for row in rows}), "device")
    say(f"{counted(files, 'file')} of {devices} {word}, {size(held)}")
    for row in plural_rows(document, "kept"):
        at = moment(row.get("purge_from"))
        where = f" at {row['collector']}" if row.get("collector") else ""
        where += f" (daemon {row['daemon']})" if row.get("daemon") not in {None, "", "process"} else ""
        when = f"; it may be purged from {local_time(at)} on, or with a shorter --grace" if at is not None else ""
        later = "; it is deleted when that collector is there again" if row.get("waits") else ""
        note(f"{safe(row.get('device'))}{where} is kept: {row.get('why')}{when}{later}")
    for row in plural_rows(document, "collectors"):
        if row.get("problem"):
            note(str(row["problem"]))


def _end(document: dict[str, Any], devices: Sequence[str], *, as_json: bool) -> None:
    """Say by the exit code whether all that was named is gone."""
    kept = {str(row.get("device")) for row in plural_rows(document, "kept")}
    gone = {str(row.get("device")) for row in plural_rows(document, "purged")}
    if any(name in kept for name in devices):
        code = Exit.PARTLY if gone or any(row.get("waits") for row in plural_rows(document, "kept")) else Exit.FAILED
        word = "would be" if document.get("dry_run") else "was"
        sentence = f"Not all that was named {word} deleted" if gone else f"Nothing {word} deleted"
        raise CommandError(sentence, exit_code=code, code="kept", printed=as_json)
    away = [row for row in plural_rows(document, "collectors") if row.get("problem")]
    if nothing := [name for name in devices if name not in gone]:
        where = " at those that answered" if away else ""
        note(f"There is nothing of {', '.join(safe(name) for name in nothing[:10])}{where}")
    if away:
        raise not_asked(len(away), printed=as_json)

"""`tocsin data convert`: have files become what their samples want."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import click

from common.quantities import counted
from hub.cli.client import Api, path_of
from hub.cli.context import Client, json_option, pass_client
from hub.cli.exits import CommandError, Exit, usage
from hub.cli.figures import NOTHING
from hub.cli.output import Column, emit, note, plural_rows, say, show, table
from hub.cli.progress import counting
from hub.cli.settled import wait_for_samples

STEP_S = 0.5
TIMEOUT_S = 600.0
MAX_ASKED = 100
"""So many devices are named when it is asked how far it is; of more, it is asked for all."""


@click.command("convert")
@click.argument("devices", nargs=-1, metavar="[DEVICE]...")
@click.option("--all", "everything", is_flag=True, help="Of all devices, and of the collectors themselves.")
@click.option("--dry-run", is_flag=True, help="Say what would be converted; change nothing.")
@click.option(
    "--wait",
    is_flag=True,
    help="Wait for the next sample of the named devices, so that a change counts, and for the end.",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0.1, 86400),
    help="Seconds to wait.  [default: 600]",
)
@json_option
@pass_client
def convert_command(
    client: Client,
    *,
    devices: Sequence[str],
    everything: bool,
    dry_run: bool,
    wait: bool,
    timeout_s: float | None,
    as_json: bool,
) -> None:
    """Convert series files of DEVICE to the points, interval and retention plan that they should have now.

    Collectors do that by themselves, at a pace that leaves room for samples: this is to look at it, to have some
    devices done before others, and to wait for the end. History is kept, as far as it fits.

    A series counts as known once it had a sample since its collector started, and a change with the first sample after
    it is live.
    """
    if bool(devices) == everything:
        raise usage("name devices, or give --all: one of the two")
    if wait and dry_run:
        raise usage("--dry-run changes nothing, so there is nothing to --wait for; give one of them")
    if timeout_s is not None and not wait:
        raise usage("--timeout says how long to --wait; give both, or neither")
    deadline = time.monotonic() + (TIMEOUT_S if timeout_s is None else timeout_s)
    if wait:
        with counting("waiting for the next samples", None):
            wait_for_samples(client.api, devices, deadline)
    document = client.api.post(
        path_of("series", "conversion"), {"devices": list(devices), "all": everything, "dry_run": dry_run}
    )
    if wait:
        document = _wait(client.api, devices, document, deadline)
    if as_json:
        emit(document)
    else:
        _print(document, dry_run=dry_run)
    _judge(document, waited=wait, printed=as_json)


def _wait(api: Api, devices: Sequence[str], document: dict[str, Any], deadline: float) -> dict[str, Any]:
    of = int(document.get("waiting") or 0)
    named = list(devices) if len(devices) <= MAX_ASKED else []
    with counting("converting series files", of or None) as shown:
        while (left := int(document.get("waiting") or 0)) and time.monotonic() < deadline:
            shown.reach(max(0, of - left))
            time.sleep(min(STEP_S, max(0.0, deadline - time.monotonic())))
            document = api.get(path_of("series", "conversion"), {"device": named})
    return document


def _print(document: dict[str, Any], *, dry_run: bool) -> None:
    files = plural_rows(document, "files")
    if files:
        columns = (
            Column("device", elastic=True),
            Column("component", elastic=True),
            Column("source"),
            Column("difference", wraps=True),
            Column("failed", wraps=True),
        )
        rows = [
            [
                row.get("device"),
                row.get("component") or NOTHING,
                row.get("source"),
                row.get("reason"),
                row.get("failure") or NOTHING,
            ]
            for row in files
        ]
        show(table(columns, rows))
    waiting, failed = int(document.get("waiting") or 0), int(document.get("failed") or 0)
    named = sum(1 for row in files if not row.get("failure"))
    if waiting > named:
        note(f"{waiting - named} more are not listed")
    words = "would be converted" if dry_run else "to be converted"
    known = counted(int(document.get("known") or 0), "file")
    if not waiting and not failed:
        say(f"{known} with samples: none is to be converted")
        return
    say(f"{known} with samples: {waiting} {words}, {failed} failed")


def _judge(document: dict[str, Any], *, waited: bool, printed: bool) -> None:
    """End with what was not done.

    Raises:
        CommandError: some collectors did not answer, some files failed, or it is not done in time.
    """
    problems = [
        f"collector {row.get('collector')} ({row.get('daemon') or 'no daemon'}): {row.get('problem')}"
        for row in plural_rows(document, "collectors")
        if row.get("problem")
    ]
    if waited and document.get("failed"):
        problems.append(f"{counted(int(document['failed']), 'file')} could not be converted, and are tried again later")
    if waited and document.get("waiting"):
        problems.append(f"{counted(int(document['waiting']), 'file')} not converted in time; it goes on")
    if problems:
        raise CommandError(problems[0], problems[1:], exit_code=Exit.PARTLY, code="not_converted", printed=printed)

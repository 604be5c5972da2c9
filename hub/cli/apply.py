"""`tocsin apply`: YAML documents become one revision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from hub.cli.client import path_of
from hub.cli.context import Client, author, json_option, message_option, pass_client, wait_options
from hub.cli.exits import CommandError
from hub.cli.figures import counted
from hub.cli.files import look_for_documents, read_files
from hub.cli.output import emit, note, plural_rows, say, waiting
from hub.cli.wait import not_live, wait_until_live


@click.command("apply")
@click.option(
    "-f", "--file", "paths", multiple=True, required=True, metavar="PATH", help="File, folder, or - for standard input."
)
@message_option
@click.option("--dry-run", is_flag=True, help="Check and say what would change; change nothing.")
@wait_options
@json_option
@pass_client
def apply_command(
    client: Client,
    *,
    paths: Sequence[str],
    message: str,
    dry_run: bool,
    wait: bool,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Apply YAML documents: all of them, as one revision, or none.

    A folder is read with all below it (*.yaml, *.yml). Every mistake is reported, with file and line.
    """
    files = read_files(paths)
    look_for_documents(files)
    with waiting(f"applying {counted(len(files), 'file')}") as shown:
        shown.update()
        body = {"files": files, "message": message, "author": author(), "dry_run": dry_run}
        result: dict[str, Any] = client.api.post(path_of("apply"), body)
    revision = result.get("revision")
    failure: CommandError | None = None
    if wait and revision is not None and not dry_run:
        live = wait_until_live(client.api, int(revision), None, timeout_s)
        result = {
            **result,
            "live": bool(live.get("live")),
            "behind": live.get("behind", []),
            "waited_s": live["waited_s"],
        }
        if not live.get("live"):
            failure = not_live(int(revision), live, timeout_s, printed=as_json)
    if as_json:
        emit(result)
    else:
        _tell(result)
    if failure is not None:
        raise failure


def _tell(result: dict[str, Any]) -> None:
    dry = bool(result.get("dry_run"))
    for word, mark in (("created", "+"), ("changed", "~"), ("removed", "-")):
        for row in plural_rows(result, word):
            say(f"{mark} {row.get('kind')} {row.get('id')}")
    unchanged = counted(int(result.get("unchanged") or 0), "document") + " unchanged"
    devices = counted(len(result.get("devices") or []), "device")
    if result.get("revision") is not None:
        live = f"; live after {result['waited_s']:.2f} s" if result.get("live") else ""
        say(f"Revision {result['revision']}: the config of {devices} changes, {unchanged}{live}")
    elif dry:
        say(f"Nothing was changed (dry run): the config of {devices} would change, {unchanged}")
    else:
        note(f"Nothing to do: {unchanged}")

"""`tocsin apply`: YAML documents become one revision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from common.quantities import counted
from hub.cli.client import path_of
from hub.cli.context import Client, author, json_option, message_option, pass_client, wait_options
from hub.cli.differences import MARKS, show_plan
from hub.cli.exits import CommandError, usage
from hub.cli.files import look_for_documents, read_files, with_secrets
from hub.cli.output import emit, note, plural_rows, say
from hub.cli.progress import waiting
from hub.cli.scans import tell_problem
from hub.cli.wait import not_live, wait_until_live

MAX_WARNINGS = 20
MAX_DOCUMENTS = 20
"""Of those created, changed and removed each; --json has all."""
MAX_LOOKED_AT = 3
"""New devices whose first scan is waited for."""

paths_option = click.option(
    "-f", "--file", "paths", multiple=True, required=True, metavar="PATH", help="File, folder, or - for standard input."
)
prune_option = click.option(
    "--prune", is_flag=True, help="Remove what the files do not have, of the kinds that they have."
)
device_option = click.option(
    "--device", metavar="DEVICE", help="In a dry run: show how the compiled config of DEVICE would differ, too."
)


@click.command("apply")
@paths_option
@message_option
@click.option("--dry-run", is_flag=True, help="Check and say what would change; change nothing.")
@prune_option
@device_option
@wait_options
@json_option
@pass_client
def apply_command(
    client: Client,
    *,
    paths: Sequence[str],
    message: str,
    dry_run: bool,
    prune: bool,
    device: str | None,
    wait: bool,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Apply YAML documents: all of them, as one revision, or none.

    A folder is read with all below it (*.yaml, *.yml). Every mistake is reported, with file and line.

    With --prune, files with process sets also remove the process sets that they do not have, files with devices the
    devices, and so on; kinds that the files do not have stay. Nothing is asked: look at it with --dry-run first.
    """
    check_device(device, dry_run=dry_run)
    result = post_files(client, paths, message=message, dry_run=dry_run, prune=prune, device=device)
    finish_change(client, result, wait=wait, timeout_s=timeout_s, as_json=as_json)
    if wait and not dry_run and not as_json:
        new = [str(row.get("id")) for row in plural_rows(result, "created") if row.get("kind") == "Device"]
        for name in new[:MAX_LOOKED_AT]:
            tell_problem(client.api, name, created=True)


def check_device(device: str | None, *, dry_run: bool) -> None:
    """Refuse --device without --dry-run."""
    if device is not None and not dry_run:
        raise usage("--device shows what would become of a config; give it with --dry-run")


def post_files(
    client: Client,
    paths: Sequence[str],
    *,
    message: str = "",
    dry_run: bool,
    prune: bool,
    device: str | None,
) -> dict[str, Any]:
    """Send files to the hub; return what it did with them, or would do."""
    files = read_files(paths)
    look_for_documents(files)
    sent = with_secrets(files)
    return post_documents(client, sent, message=message, dry_run=dry_run, prune=prune, device=device)


def post_documents(
    client: Client,
    files: Sequence[dict[str, object]],
    *,
    message: str = "",
    dry_run: bool,
    prune: bool = False,
    device: str | None = None,
) -> dict[str, Any]:
    """Send texts of documents with their secrets to the hub; return what it did with them, or would do."""
    with waiting(f"{'comparing' if dry_run else 'applying'} {counted(len(files), 'file')}"):
        body = {
            "files": files,
            "message": message,
            "author": author(),
            "dry_run": dry_run,
            "prune": prune,
            "device": device or "",
        }
        result: dict[str, Any] = client.api.post(path_of("apply"), body)
    warnings = result.get("warnings") or []
    for warning in warnings[:MAX_WARNINGS]:
        note(f"warning: {warning}")
    if len(warnings) > MAX_WARNINGS:
        note(f"warning: and {len(warnings) - MAX_WARNINGS} more")
    return result


def finish_change(
    client: Client, result: dict[str, Any], *, wait: bool, timeout_s: float, as_json: bool, same: str = ""
) -> None:
    """Wait for a change if that is wanted, and say what it did, or would do.

    Args:
        client: the hub.
        result: its answer.
        wait: until the change is live.
        timeout_s: how long.
        as_json: as a document.
        same: the sentence for a change that changes nothing.

    Raises:
        CommandError: it is not live in time.
    """
    revision = result.get("revision")
    failure: CommandError | None = None
    if wait and revision is not None:
        live = wait_until_live(client.api, int(revision), None, timeout_s, len(result.get("devices") or []))
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
        _tell(result, same)
    if failure is not None:
        raise failure


def _tell(result: dict[str, Any], same: str) -> None:
    unchanged = counted(int(result.get("unchanged") or 0), "document") + " unchanged"
    devices = counted(len(result.get("devices") or []), "device")
    plan = result.get("plan")
    if isinstance(plan, dict):
        show_plan(plan)
        say(f"Nothing was changed (dry run): the config of {devices} would change, {unchanged}")
        return
    for word, (mark, _style) in MARKS.items():
        rows = plural_rows(result, word)
        for row in rows[:MAX_DOCUMENTS]:
            say(f"{mark} {row.get('kind')} {row.get('id')}")
        if len(rows) > MAX_DOCUMENTS:
            say(f"{mark} and {len(rows) - MAX_DOCUMENTS} more")
    if result.get("revision") is not None:
        live = f"; live after {result['waited_s']:.2f} s" if result.get("live") else ""
        say(f"Revision {result['revision']}: the config of {devices} changes, {unchanged}{live}")
    else:
        note(same or f"Nothing to do: {unchanged}")

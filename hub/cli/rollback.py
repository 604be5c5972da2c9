"""`tocsin rollback`: the model says again what it said at a revision."""

from __future__ import annotations

import click

from hub.cli.apply import check_device, device_option, finish_change
from hub.cli.client import path_of
from hub.cli.context import Client, author, json_option, message_option, pass_client, wait_options
from hub.cli.progress import waiting


@click.command("rollback")
@click.argument("revision", type=click.IntRange(0))
@message_option
@click.option("--dry-run", is_flag=True, help="Say what would change; change nothing.")
@device_option
@wait_options
@json_option
@pass_client
def rollback_command(
    client: Client,
    *,
    revision: int,
    message: str,
    dry_run: bool,
    device: str | None,
    wait: bool,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Make the model say what it said at REVISION.

    This is a new revision; nothing is lost, and it can be taken back by another rollback. REVISION 0 is the empty
    model: nothing is watched any more. Look at it with --dry-run first. `tocsin history` lists the revisions.
    """
    check_device(device, dry_run=dry_run)
    body = {"message": message, "author": author(), "dry_run": dry_run} | ({} if device is None else {"device": device})
    with waiting(f"going back to revision {revision}"):
        result = client.api.post(path_of("revisions", str(revision), "rollback"), body)
    same = f"Nothing to do: the model says what it said at revision {revision}"
    finish_change(client, result, wait=wait, timeout_s=timeout_s, as_json=as_json, same=same)

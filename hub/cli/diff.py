"""`tocsin diff`: what files would change, field by field."""

from __future__ import annotations

from collections.abc import Sequence

import click

from common.quantities import counted
from hub.cli.apply import paths_option, post_files, prune_option
from hub.cli.context import Client, json_option, pass_client
from hub.cli.differences import show_plan
from hub.cli.exits import Exit
from hub.cli.output import emit, note, plural_rows


@click.command("diff")
@paths_option
@prune_option
@click.option("--device", metavar="DEVICE", help="Show how the compiled config of DEVICE would differ, too.")
@json_option
@pass_client
def diff_command(client: Client, *, paths: Sequence[str], prune: bool, device: str | None, as_json: bool) -> Exit:
    """Show what applying YAML documents would change, field by field; nothing is changed.

    Exit code 0 when nothing would, 6 when something would, so that a script can tell it from a failure (1).
    Secrets are never shown, only that they would change.
    """
    result = post_files(client, paths, dry_run=True, prune=prune, device=device)
    plan = result.get("plan") or {}
    differs = bool(plural_rows(plan, "differences"))
    if as_json:
        emit(result)
    elif differs or device is not None:
        show_plan(plan)
    if not differs and not as_json:
        note(f"Nothing differs: {counted(int(result.get('unchanged') or 0), 'document')} unchanged")
    return Exit.DIFFERS if differs else Exit.DONE

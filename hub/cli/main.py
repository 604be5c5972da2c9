"""Entry point of `tocsin`: options that come before the command, and what an error looks like."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import click

from hub.cli.apply import apply_command
from hub.cli.collectors import collector_group
from hub.cli.components import component_group
from hub.cli.configs import config_group, push_command
from hub.cli.context import Client
from hub.cli.data import data_group
from hub.cli.device_changes import change_command, move_command
from hub.cli.devices import device_group
from hub.cli.diff import diff_command
from hub.cli.enrolment import remove_command, revoke_command, token_command, tokens_command
from hub.cli.events import event_group
from hub.cli.exits import CommandError, Exit
from hub.cli.export import export_command
from hub.cli.figures import safe
from hub.cli.graph import graph_command
from hub.cli.history import history_command, show_revision_command
from hub.cli.importing import import_group
from hub.cli.match import match_command
from hub.cli.model import model_command
from hub.cli.output import emit, note
from hub.cli.pools import pool_group
from hub.cli.ps import ps_command
from hub.cli.rollback import rollback_command
from hub.cli.schema import schema_command
from hub.cli.secrets import secret_group
from hub.cli.sim import sim_command
from hub.cli.status import status_command
from hub.cli.tokens import DEFAULT_URL
from hub.cli.tree import tree_command
from hub.cli.up import up_command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--url", default=DEFAULT_URL, envvar="TOCSIN_URL", show_default=True, help="The hub. [TOCSIN_URL]")
@click.option("--token", default=None, help="Its token; else TOCSIN_TOKEN, else the file that `tocsin up` left.")
@click.option("--debug", is_flag=True, help="Show the traceback of an unexpected error.")
@click.version_option(package_name="tocsin", prog_name="tocsin")
@click.pass_context
def tocsin(context: click.Context, url: str, token: str | None, debug: bool) -> None:  # noqa: ARG001 (read in main)
    """Rings when a process goes missing.

    Begin with `tocsin up`: it starts a hub and a collector, and watches this machine. All other commands
    ask a hub that runs. Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 no hub or token refused,
    5 done in part or not in time, 6 something differs (diff).
    """
    client = Client(url, token)
    context.obj = client
    context.call_on_close(client.close)


for _command in (
    up_command,
    status_command,
    device_group,
    component_group,
    model_command,
    apply_command,
    match_command,
    diff_command,
    export_command,
    history_command,
    show_revision_command,
    rollback_command,
    import_group,
    schema_command,
    push_command,
    config_group,
    ps_command,
    tree_command,
    event_group,
    data_group,
    graph_command,
    collector_group,
    pool_group,
    secret_group,
    sim_command,
):
    tocsin.add_command(_command)
for _command in (change_command, move_command):
    device_group.add_command(_command)
for _command in (token_command, tokens_command, revoke_command, remove_command):
    collector_group.add_command(_command)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; nothing it meets becomes a traceback."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in arguments
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        result = tocsin.main(args=arguments, prog_name="tocsin", standalone_mode=False)
        sys.stdout.flush()
        return result if isinstance(result, int) else Exit.DONE
    except CommandError as error:
        return _refused(error, as_json=as_json)
    except click.exceptions.NoArgsIsHelpError as error:
        note(error.format_message())
        return Exit.USAGE
    except click.ClickException as error:
        return _misused(error, as_json=as_json)
    except (click.Abort, KeyboardInterrupt):
        note("Interrupted")
        return 130
    except BrokenPipeError:
        # Whoever read our output has had enough; keep the interpreter from saying so again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED
    except Exception as error:  # noqa: BLE001 (the one supervisor of a command: its traceback goes to a file)
        return _unexpected(error, as_json=as_json, debug="--debug" in arguments)


def _refused(error: CommandError, *, as_json: bool) -> int:
    note(f"tocsin: {error.message}")
    for detail in error.details:
        note(f"  {detail}")
    if as_json and not error.printed:
        emit({"error": {"code": error.code, "message": error.message, "details": list(error.details)}})
    return error.exit_code


def _misused(error: click.ClickException, *, as_json: bool) -> int:
    context = getattr(error, "ctx", None)
    note(f"tocsin: {error.format_message()}")
    if context is not None:
        note(f"  See `{context.command_path} --help`")
    if as_json:
        emit({"error": {"code": "usage", "message": error.format_message(), "details": []}})
    return Exit.USAGE


def _unexpected(error: Exception, *, as_json: bool, debug: bool) -> int:
    trace = "".join(traceback.format_exception(error))
    where = "its traceback stands above" if debug else _keep(trace)
    if debug:
        sys.stderr.write("\n".join(safe(line) for line in trace.splitlines()) + "\n")
    sentence = f"Something unexpected happened ({type(error).__name__}: {error}); {where}. Please report it"
    return _refused(CommandError(sentence, code="internal"), as_json=as_json)


def _keep(trace: str) -> str:
    """Write a traceback where its owner finds it; say where."""
    home = os.environ.get("XDG_STATE_HOME") or str(Path("~/.local/state").expanduser())
    path = Path(home) / "tocsin" / "error.log"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(trace, encoding="utf-8", errors="backslashreplace")
    except OSError:
        return "run it again with `tocsin --debug` to see where"
    return f"the traceback is in {path}"


if __name__ == "__main__":
    sys.exit(main())

"""`tocsin sim`: hands over to tocsin-sim, which is a program of the collectors."""

from __future__ import annotations

import os

import click

from hub.cli.exits import CommandError
from hub.cli.folder import program

PROGRAM = "tocsin-sim"


@click.command("sim", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="agent|fleet ...")
def sim_command(words: tuple[str, ...]) -> None:
    """Serve simulated SNMP agents: `sim agent` captures, `sim fleet` many hosts; no hub is asked.

    What follows is handed to the program tocsin-sim as it stands; `tocsin sim agent --help` and `tocsin sim fleet
    --help` tell its options.
    """
    beside = program(PROGRAM)[0]
    path = beside if os.access(beside, os.X_OK) else PROGRAM
    try:
        os.execvp(path, [PROGRAM, *words])  # noqa: S606 - our own program, with what the user typed
    except OSError as error:
        raise CommandError(
            f"{PROGRAM} cannot be started: {error.strerror or error}. It comes with Tocsin's collectors: install them "
            "on this machine, or put its folder on PATH"
        ) from None

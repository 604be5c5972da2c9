"""`tocsin sim`: hands over to tocsin-sim, which is a program of the collectors."""

from __future__ import annotations

import os

import click

from hub.cli.exits import CommandError
from hub.cli.folder import beside

PROGRAM = "tocsin-sim"


@click.command("sim", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("words", nargs=-1, required=True, type=click.UNPROCESSED, metavar="agent|fleet|appliance ...")
def sim_command(words: tuple[str, ...]) -> None:
    """Serve simulated SNMP agents: `sim agent` captures, `sim fleet` hosts, `sim appliance` a switch or the like.

    No hub is asked.
    What follows is handed to the program tocsin-sim as it stands; `tocsin sim agent --help` and the same of the others
    tell its options.
    """
    path = beside(PROGRAM) if os.access(beside(PROGRAM), os.X_OK) else PROGRAM
    try:
        os.execvp(path, [PROGRAM, *words])  # noqa: S606 - our own program, with what the user typed
    except OSError as error:
        raise CommandError(
            f"{PROGRAM} cannot be started: {error.strerror or error}. It comes with Tocsin's collectors: install them "
            "on this machine, or put its folder on PATH"
        ) from None

"""`tocsin secrets`: how the hub keeps them."""

from __future__ import annotations

import click

from hub.cli.client import path_of
from hub.cli.context import Client, json_option, pass_client
from hub.cli.output import emit, say


@click.group("secrets")
def secret_group() -> None:
    """Look after the key that seals communities and passwords."""


@secret_group.command("rotate-key")
@json_option
@pass_client
def rotate_command(client: Client, as_json: bool) -> None:
    """Seal all secrets of the hub with a new key, and forget the old one.

    Backups of the database from before need the old key file: keep it with them.
    """
    result = client.api.post(path_of("secrets", "rotate-key"))
    if as_json:
        emit(result)
        return
    number = result.get("documents")
    say(f"Sealed the secrets of {number} document{'' if number == 1 else 's'} with a new key")

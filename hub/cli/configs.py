"""`tocsin push` and `tocsin config`: what collectors are told."""

from __future__ import annotations

from collections.abc import Sequence

import click
import yaml

from common.quantities import counted
from hub.cli.client import path_of
from hub.cli.context import Client, json_option, pass_client
from hub.cli.exits import usage
from hub.cli.output import emit, note, say


@click.command("push")
@click.argument("devices", nargs=-1, metavar="DEVICE...")
@click.option("--all", "everything", is_flag=True, help="All devices.")
@json_option
@pass_client
def push_command(client: Client, devices: Sequence[str], everything: bool, as_json: bool) -> None:
    """Send the configs of devices again, changed or not."""
    if everything == bool(devices):
        raise usage("Name the devices to push, or give --all (not both)")
    document = client.api.post(path_of("push"), {"all": True} if everything else {"devices": list(devices)})
    if as_json:
        emit(document)
    else:
        number = counted(int(document.get("devices") or 0), "device")
        say(f"Sending the configs of {number} again, revision {document.get('revision')}")


@click.group("config")
def config_group() -> None:
    """Look at compiled configs."""


@config_group.command("show")
@click.argument("service")
@click.argument("device")
@click.option("--live", is_flag=True, help="Ask the collector what it runs, instead of the hub what it would send.")
@json_option
@pass_client
def show_command(client: Client, service: str, device: str, live: bool, as_json: bool) -> None:
    """Show the config of DEVICE for SERVICE (`process` or `modeler`), secrets hidden."""
    document = client.api.get(path_of("configs", service, device), {"live": 1} if live else None)
    if as_json:
        emit(document)
        return
    source = "runs on the collector" if document.get("source") == "collector" else "the hub would send"
    note(f"What {source}; digest {document.get('digest')}")
    # YAML's own escapes keep control characters out of the terminal.
    say(yaml.safe_dump(document.get("config"), sort_keys=False, allow_unicode=False, width=10**6).rstrip("\n"))

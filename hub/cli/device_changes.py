"""`tocsin device change` and `move`: what is named changes, the rest stays."""

from __future__ import annotations

from collections.abc import Sequence

import click

from hub.cli.catalogue import property_kinds
from hub.cli.client import path_of
from hub.cli.context import Client, author, json_option, message_option, pass_client, wait_options
from hub.cli.devices import finish, read_assignments, set_option, warn_of_stranger
from hub.cli.exits import usage
from hub.cli.figures import safe
from hub.cli.moves import Known, known_moves
from hub.cli.output import note
from hub.model.entities import DeviceState

NO_GROUP = "-"
STEP = "interval_s"
PLAN = "retention"
CONTRARY = (("--set", "--reset"), ("--bind", "--unbind"), ("--bind", "--inherit"), ("--unbind", "--inherit"))
"""Options that may not name the same."""


@click.command("change")
@click.argument("name")
@set_option
@click.option("--reset", multiple=True, metavar="KEY", help="Property that is inherited again; may be repeated.")
@click.option("--bind", multiple=True, metavar="TEMPLATE", help="Template that is to hold; may be repeated.")
@click.option("--unbind", multiple=True, metavar="TEMPLATE", help="Template that is not to hold; may be repeated.")
@click.option(
    "--inherit",
    multiple=True,
    metavar="TEMPLATE",
    help="Template of which the device says nothing any more; may be repeated.",
)
@click.option("--address", metavar="ADDRESS", help="Host name or IP address.")
@click.option("--state", type=click.Choice([state.value for state in DeviceState]), help="What it is in.")
@message_option
@wait_options
@json_option
@pass_client
def change_command(
    client: Client,
    *,
    name: str,
    assignments: Sequence[str],
    reset: Sequence[str],
    bind: Sequence[str],
    unbind: Sequence[str],
    inherit: Sequence[str],
    address: str | None,
    state: str | None,
    message: str,
    wait: bool,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Change properties, templates, address or state of a device; what is not named stays as it is."""
    fields: dict[str, object] = {"set": read_assignments(assignments), "reset": list(reset)}
    fields |= {key: list(words) for key, words in (("bind", bind), ("unbind", unbind), ("inherit", inherit)) if words}
    fields |= {key: value for key, value in (("address", address), ("state", state)) if value is not None}
    known = property_kinds()
    if strange := [key for key in reset if key not in known]:
        raise usage(f"--reset {safe(strange[0])}: there is no such property. There are: {', '.join(sorted(known))}")
    options = {"--bind": {*bind}, "--unbind": {*unbind}, "--inherit": {*inherit}}
    options |= {"--set": {text.partition("=")[0] for text in assignments}, "--reset": {*reset}}
    for first, second in CONTRARY:
        if both := sorted(options[first] & options[second]):
            raise usage(f"{first} and {second} both name {', '.join(both)}")
    if not any((assignments, reset, bind, unbind, inherit)) and address is None and state is None:
        raise usage(
            "say what to change: --set KEY=VALUE, --reset KEY, --bind, --unbind, --inherit, --address or --state"
        )
    _change(client, name, fields, message, wait=wait, timeout_s=timeout_s, as_json=as_json)
    touched = {*(text.partition("=")[0] for text in assignments), *reset}
    if touched & {PLAN, STEP}:
        note(f"The files of {name} are converted in the background; `tocsin data convert {name} --wait` waits for that")


@click.command("move")
@click.argument("name")
@click.option("--class", "device_class", metavar="PATH", help="Device class, such as /Server/Linux.")
@click.option("--collector", metavar="NAME", help="Which collector watches it from now on, or which pool.")
@click.option(
    "--group",
    "groups",
    multiple=True,
    metavar="NAME",
    help=f"Groups that it belongs to from now on; may be repeated. {NO_GROUP} for none.",
)
@message_option
@wait_options
@json_option
@pass_client
def move_command(
    client: Client,
    *,
    name: str,
    device_class: str | None,
    collector: str | None,
    groups: Sequence[str],
    message: str,
    wait: bool,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Move a device to another class, collector or groups; what is not named stays as it is.

    Its series follow it to another collector by themselves; --wait waits for them, too.
    """
    fields: dict[str, object] = {
        key: value for key, value in (("class", device_class), ("collector", collector)) if value is not None
    }
    if groups:
        fields["groups"] = [] if list(groups) == [NO_GROUP] else list(groups)
    if not fields:
        raise usage("say where to: --class, --collector or --group")
    before = known_moves(client.api, name) if wait and collector is not None else None
    _change(client, name, fields, message, wait=wait, timeout_s=timeout_s, as_json=as_json, before=before)
    if collector and not wait:
        warn_of_stranger(client.api, name, collector)


def _change(
    client: Client,
    name: str,
    fields: dict[str, object],
    message: str,
    *,
    wait: bool,
    timeout_s: float,
    as_json: bool,
    before: Known | None = None,
) -> None:
    result = client.api.patch(path_of("devices", name), {**fields, "message": message, "author": author()})
    word = "Changed" if result.get("revision") is not None else "Unchanged:"
    finish(
        client.api,
        name,
        result,
        f"{word} {name}",
        wait=wait,
        timeout_s=timeout_s,
        as_json=as_json,
        known_moves=before,
    )

"""`tocsin component`: what a device consists of, and what is said of single parts of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from common.components import ComponentKind, Lock
from hub.cli.assignments import Sources, assign
from hub.cli.catalogue import property_kinds
from hub.cli.client import Api, path_of
from hub.cli.context import Client, author, json_option, message_option, pass_client, wait_options
from hub.cli.devices import finish
from hub.cli.exits import usage
from hub.cli.figures import NOTHING, local_time, moment
from hub.cli.output import Column, cell, emit, facts, note, plural_rows, say, show, table
from hub.components.values import State
from hub.model.components import EXPECTED, OF_COMPONENTS

KINDS = tuple(kind.value for kind in ComponentKind)
STATES = tuple(state.value for state in State)
LOCKS = tuple(lock.value for lock in Lock)
STYLES = {State.PRESENT.value: "green", State.ABSENT.value: "yellow", State.RETIRED.value: "dim"}
SHOWN_ATTRIBUTES = 4

device_argument = click.argument("device")
component_argument = click.argument("component", metavar="KIND/NAME")
locks_argument = click.argument("locks", metavar="|".join(LOCKS), nargs=-1, required=True, type=click.Choice(LOCKS))


@click.group("component")
def component_group() -> None:
    """Look at what devices consist of, and say how single parts are treated.

    A component is called KIND/NAME: process_set/nginx, filesystem//home, interface/eth0.
    """


@component_group.command("list")
@device_argument
@click.option("--kind", type=click.Choice(KINDS), help="Only this kind.")
@click.option("--state", type=click.Choice(STATES), help="Only those in this state.")
@json_option
@pass_client
def list_command(client: Client, device: str, kind: str | None, state: str | None, as_json: bool) -> None:
    """List what the modeler has found on a device, also what is not there any more."""
    document = client.api.get(path_of("devices", device, "components"), {"kind": kind, "state": state})
    if as_json:
        emit(document)
        return
    if document.get("problem"):
        note(f"The last modelling of {device} had trouble: {document['problem']}")
    rows = plural_rows(document, "components")
    if not rows:
        note(_nothing(device, document, chosen=bool(kind or state)))
        return
    columns = (
        Column("kind"),
        Column("name", elastic=True),
        Column("state"),
        Column("not seen since"),
        Column("lock"),
        Column("attributes", elastic=True),
    )
    show(table(columns, [_row(row) for row in rows]))


def _nothing(device: str, document: dict[str, Any], *, chosen: bool) -> str:
    if document.get("modelled_at") is None:
        return f"{device} was not modelled yet; `tocsin model {device} --wait` does it now"
    return f"{device} has no such component" if chosen else f"Nothing was found on {device}"


def _row(row: dict[str, Any]) -> list[object]:
    state = str(row.get("state"))
    attributes = [f"{key}={value}" for key, value in (row.get("attributes") or {}).items()]
    more = f" +{len(attributes) - SHOWN_ATTRIBUTES}" if len(attributes) > SHOWN_ATTRIBUTES else ""
    return [
        row.get("kind"),
        row.get("name"),
        cell(state, STYLES.get(state, "")),
        local_time(moment(row.get("absent_since"))),
        ", ".join(row.get("lock") or []) or NOTHING,
        ", ".join(attributes[:SHOWN_ATTRIBUTES]) + more or NOTHING,
    ]


@component_group.command("show")
@device_argument
@component_argument
@json_option
@pass_client
def show_command(client: Client, device: str, component: str, as_json: bool) -> None:
    """Show all that is known of a component, by its name or the one that it had before."""
    row = client.api.get(_path(device, component))
    if as_json:
        emit(row)
        return
    pairs: list[tuple[str, object]] = [(key, row.get(key)) for key in ("kind", "name")]
    pairs.append(("state", cell(row.get("state"), STYLES.get(str(row.get("state")), ""))))
    times = ("first_seen", "seen_at", "absent_since", "retired_at")
    pairs += ((key.replace("_", " "), local_time(moment(row[key]))) for key in times if row.get(key))
    if row.get("series") != row.get("name"):
        pairs.append(("series under", row.get("series")))
    pairs += (("anchor", row.get("anchor") or NOTHING), ("id", row.get("id")))
    pairs.append(("lock", ", ".join(row.get("lock") or []) or NOTHING))
    for title in ("attributes", "properties"):
        pairs += ((f"  {key}", _written(value)) for key, value in (row.get(title) or {}).items())
    show(facts(pairs))


def _written(value: object) -> str:
    return ", ".join(str(one) for one in value) or NOTHING if isinstance(value, list) else str(value)


@component_group.command("lock")
@device_argument
@component_argument
@locks_argument
@message_option
@wait_options
@json_option
@pass_client
def lock_command(
    client: Client,
    *,
    device: str,
    component: str,
    locks: Sequence[str],
    message: str,
    wait: bool,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Keep the modeler from retiring a component (delete), or from changing its name and attributes (update)."""
    body = {"lock": list(locks)}
    _alter(client.api, device, component, body, message, wait=wait, timeout_s=timeout_s, as_json=as_json)


@component_group.command("unlock")
@device_argument
@component_argument
@locks_argument
@message_option
@wait_options
@json_option
@pass_client
def unlock_command(
    client: Client,
    *,
    device: str,
    component: str,
    locks: Sequence[str],
    message: str,
    wait: bool,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Let the modeler retire a component (delete), or change it (update), again."""
    body = {"unlock": list(locks)}
    _alter(client.api, device, component, body, message, wait=wait, timeout_s=timeout_s, as_json=as_json)


@component_group.command("set")
@device_argument
@component_argument
@click.argument("assignments", metavar="KEY=VALUE", nargs=-1, required=True)
@message_option
@wait_options
@json_option
@pass_client
def set_command(
    client: Client,
    *,
    device: str,
    component: str,
    assignments: Sequence[str],
    message: str,
    wait: bool,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Say how a component is treated, other than its device.

    For example monitor=false, missing_severity=critical or retire_after_days=90.
    """
    body = {"set": _read(assignments)}
    _alter(client.api, device, component, body, message, wait=wait, timeout_s=timeout_s, as_json=as_json)


@component_group.command("reset")
@device_argument
@component_argument
@click.argument("keys", metavar="[KEY]", nargs=-1)
@message_option
@wait_options
@json_option
@pass_client
def reset_command(
    client: Client,
    *,
    device: str,
    component: str,
    keys: Sequence[str],
    message: str,
    wait: bool,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Let properties of a component be inherited again; without a KEY, all of them."""
    body = {"reset": list(keys or OF_COMPONENTS)}
    _alter(client.api, device, component, body, message, wait=wait, timeout_s=timeout_s, as_json=as_json)


@component_group.command("remove")
@device_argument
@component_argument
@json_option
@pass_client
def remove_command(client: Client, device: str, component: str, as_json: bool) -> None:
    """Forget a component that is absent or retired. Its series stay on the collector."""
    result = client.api.delete(_path(device, component))
    if as_json:
        emit(result)
    else:
        say(f"Removed {result.get('component')} of {device}")


def _alter(
    api: Api,
    device: str,
    component: str,
    body: Mapping[str, object],
    message: str,
    *,
    wait: bool,
    timeout_s: float,
    as_json: bool,
) -> None:
    result = api.patch(_path(device, component), {**body, "message": message, "author": author()})
    word = "Changed" if result.get("revision") is not None else "Unchanged:"
    sentence = f"{word} {result.get('component')} of {device}"
    finish(api, device, result, sentence, wait=wait, timeout_s=timeout_s, as_json=as_json)


def _read(assignments: Sequence[str]) -> dict[str, object]:
    """Read KEY=VALUE by the properties that a component may have; none of these is secret."""
    kinds = {name: kind for name, kind in property_kinds().items() if name in OF_COMPONENTS}
    return dict(assign(assignments, kinds, Sources(lambda _name: "", lambda: False)))


def _path(device: str, component: str) -> str:
    kind, slash, name = component.partition("/")
    if not slash or not kind or not name:
        raise usage(f"{component!r} is no component; expected {EXPECTED}")
    return path_of("devices", device, "components", kind, name)

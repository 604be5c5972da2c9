"""`tocsin device`: what is watched."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Any

import click
from rich.text import Text

from hub.cli.assignments import Sources, Value, assign
from hub.cli.catalogue import property_kinds
from hub.cli.client import Api, path_of
from hub.cli.context import Client, author, json_option, message_option, pass_client, wait_options
from hub.cli.exits import CommandError, usage
from hub.cli.figures import NOTHING, local_time, moment, written
from hub.cli.moves import DONE, Known, files_line, not_there, standing_lines, wait_for_files
from hub.cli.output import Column, cell, emit, facts, is_narrow, note, plural_rows, say, show, table
from hub.cli.properties import show_properties
from hub.cli.scans import process_events, tell_problem
from hub.cli.status import open_events
from hub.cli.templates import show_templates
from hub.cli.wait import not_live, wait_until_live

set_option = click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="KEY=VALUE",
    help="Property; may be repeated. A secret: KEY alone asks for it, KEY=@FILE and KEY=- (standard input) read it.",
)


@click.group("device")
def device_group() -> None:
    """Add, look at and remove devices."""


@device_group.command("add")
@click.argument("name")
@click.option("--address", required=True, metavar="ADDRESS", help="Host name or IP address.")
@click.option("--class", "device_class", metavar="PATH", help="Device class, such as /Server/Linux.")
@click.option("--collector", metavar="NAME", help="Which collector watches it, or which pool of collectors.")
@click.option("--group", "groups", multiple=True, metavar="NAME", help="Group it belongs to; may be repeated.")
@set_option
@message_option
@wait_options
@json_option
@pass_client
def add_command(
    client: Client,
    *,
    name: str,
    address: str,
    device_class: str | None,
    collector: str | None,
    groups: Sequence[str],
    assignments: Sequence[str],
    message: str,
    wait: bool,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Add a device, or put these settings in the place of those it has.

    What is not named here is at its default afterwards.
    """
    body: dict[str, object] = {"address": address, "author": author()}
    if properties := read_assignments(assignments):
        body["properties"] = properties
    optional = {"class": device_class, "collector": collector, "message": message, "groups": list(groups)}
    body |= {key: value for key, value in optional.items() if value}
    result: dict[str, Any] = client.api.put(path_of("devices", name), body)
    word = "Added" if result.get("created") else "Changed" if result.get("revision") is not None else "Unchanged:"
    if collector and not wait:
        warn_of_stranger(client.api, name, collector)
    finish(client.api, name, result, f"{word} {name}", wait=wait, timeout_s=timeout_s, as_json=as_json)
    if wait and not as_json and result.get("revision") is not None:
        tell_problem(client.api, name, created=bool(result.get("created")))


def read_assignments(texts: Sequence[str]) -> dict[str, Value]:
    """Read `--set` options; secrets are asked for at the terminal."""
    sources = Sources(
        lambda key: str(click.prompt(key, hide_input=True, err=True)),
        lambda: sys.stdin.isatty() and sys.stderr.isatty(),
    )
    return assign(texts, property_kinds(), sources)


def warn_of_stranger(api: Api, device: str, name: str) -> None:
    """Say so when nobody has heard of the collector or pool of a device: most often its name is misspelt."""
    collectors = sorted({str(row.get("id")) for row in plural_rows(api.get(path_of("collectors")), "collectors")})
    if name in collectors:
        return
    pools, documents = (_ids(api, kind) for kind in ("Pool", "Collector"))
    if name not in pools and name not in documents:
        known = sorted({*collectors, *documents})
        have = "; ".join(
            f"{title}: {', '.join(names)}" for title, names in (("collectors", known), ("pools", pools)) if names
        )
        note(
            f"No collector {name} has ever logged in, and no document of a collector or pool has that name "
            f"({have or 'there is none yet'}); {device} is watched once a collector {name} logs in"
        )


def _ids(api: Api, kind: str) -> list[str]:
    rows = plural_rows(api.get(path_of("documents"), {"kind": kind}), "documents")
    return [str(row["document"].get("id")) for row in rows]


@device_group.command("remove")
@click.argument("name")
@message_option
@wait_options
@json_option
@pass_client
def remove_command(client: Client, name: str, message: str, wait: bool, timeout_s: float, as_json: bool) -> None:
    """Stop watching a device and forget its settings. Its series stay on the collector."""
    result: dict[str, Any] = client.api.delete(
        path_of("devices", name), {"message": message or None, "author": author()}
    )
    finish(client.api, name, result, f"Removed {name}", wait=wait, timeout_s=timeout_s, as_json=as_json)


def finish(
    api: Api,
    device: str,
    result: dict[str, Any],
    sentence: str,
    *,
    wait: bool,
    timeout_s: float,
    as_json: bool,
    known_moves: Known | None = None,
) -> None:
    """Wait if that is wanted, then tell what came of it.

    With `known_moves`, those that there were before, it waits until the files of the device have followed it, too.
    """
    failure: CommandError | None = None
    moves: list[dict[str, Any]] = []
    if wait:
        # If nothing changed now, what was said earlier may still be on its way.
        revision = int(result.get("revision") or api.get(path_of("status"))["hub"]["revision"])
        live = wait_until_live(api, revision, device, timeout_s)
        result = {
            **result,
            "live": bool(live.get("live")),
            "behind": live.get("behind", []),
            "waited_s": live["waited_s"],
        }
        sentence += f", live after {live['waited_s']:.2f} s" if live.get("live") else ""
        if not live.get("live"):
            failure = not_live(revision, live, timeout_s, printed=as_json)
        elif known_moves is not None:
            moves = wait_for_files(api, device, timeout_s - live["waited_s"], known_moves)
            result = {**result, "moves": moves}
            failure = not_there(device, moves, printed=as_json)
    if as_json:
        emit(result)
    else:
        number = result.get("revision")
        say(sentence + (f" (revision {number})" if number is not None else ""))
        for row in moves:
            if row.get("state") == DONE and row.get("files"):
                say(files_line(row))
    if failure is not None:
        raise failure


@device_group.command("list")
@json_option
@pass_client
def list_command(client: Client, as_json: bool) -> None:
    """List the devices; COMPONENTS counts what was found on one, before it was modelled the definitions that apply."""
    document = client.api.get(path_of("devices"))
    if as_json:
        emit(document)
        return
    rows = plural_rows(document, "devices")
    if not rows:
        note("No device yet. `tocsin device add NAME --address ADDRESS` adds one")
        return
    columns = (
        Column("device", elastic=True),
        Column("address", elastic=True),
        Column("class", elastic=True),
        Column("collector"),
        Column("state"),
        Column("components", right=True),
        Column("in sync"),
        Column("open events", elastic=True),
    )
    show(table(columns, [_row(row) for row in rows], without=("class", "state") if is_narrow() else ()))


def _row(row: dict[str, Any]) -> list[object]:
    return [
        row.get("id"),
        row.get("address"),
        row.get("class"),
        _collector(row),
        row.get("state"),
        row.get("components", 0),
        _in_sync(row),
        open_events(row.get("open_events") or {}),
    ]


def _collector(row: dict[str, Any]) -> str:
    """The collector of a device; of a pool, which member has it now."""
    name, owner = str(row.get("collector")), row.get("collected_by")
    return name if owner in {None, name} else f"{name} ({owner})"


def _in_sync(row: dict[str, Any]) -> Text:
    return cell("yes", "green") if row.get("in_sync") else cell("no", "yellow")


@device_group.command("show")
@click.argument("name")
@click.option("--properties", "with_origin", is_flag=True, help="Every property that holds, and where it comes from.")
@click.option("--component", metavar="KIND/NAME", help="With --properties: those of one of its components.")
@click.option("--templates", "with_templates", is_flag=True, help="The templates that hold, what they say, and why.")
@json_option
@pass_client
def show_command(
    client: Client, name: str, with_origin: bool, component: str | None, with_templates: bool, as_json: bool
) -> None:
    """Show what is known of a device; secrets are hidden."""
    if with_origin and with_templates:
        raise usage("--properties and --templates are two looks at a device; take one")
    if component and not with_origin:
        raise usage(f"--component goes with --properties; `tocsin component show {name} {component}` shows all of it")
    if with_origin:
        show_properties(client.api, name, component, as_json=as_json)
        return
    if with_templates:
        show_templates(client.api, name, as_json=as_json)
        return
    device = client.api.get(path_of("devices", name))
    if as_json:
        emit(device)
    else:
        show(facts(_facts_of(device) + process_events(client.api, name)))
        for line in standing_lines(device.get("moves") or [], time.time()):
            show(cell(line, "yellow"))


def _facts_of(device: dict[str, Any]) -> list[tuple[str, object]]:
    pairs: list[tuple[str, object]] = []
    for key, value in device.items():
        if key == "open_events":
            pairs.append(("open events", open_events(value or {})))
        elif key == "in_sync":
            pairs.append(("in sync", _in_sync(device)))
        elif key == "modelled_at":
            pairs.append(("modelled at", local_time(moment(value))))
        elif key == "components":
            pairs.append(("components" if device.get("modelled_at") else "definitions", value))
        elif key in {"properties", "attributes", "moves"} or (
            key == "collected_by" and value == device.get("collector")
        ):
            continue
        elif key == "collected_by":
            pairs.append(("collected by", value))
        else:
            pairs.append((key, NOTHING if value is None else written(value)))
    for title in ("properties", "attributes"):
        rows = device.get(title) or {}
        if rows:
            pairs.append((title, ""))
        pairs.extend((f"  {key}", written(value)) for key, value in rows.items())
    return pairs

"""`tocsin tree`: the status tree of a device that is the host of its collector."""

from __future__ import annotations

import sys
import time
from urllib.parse import quote

import click
from rich.console import Group, RenderableType
from rich.live import Live

from hub.cli.client import Api, path_of
from hub.cli.context import Client, json_option, pass_client
from hub.cli.exits import CommandError, usage
from hub.cli.figures import span
from hub.cli.output import console, emit, emit_line, note, show
from hub.cli.treetables import ages, sections

SELDOM_S = 5.0
RETRY = frozenset({"unreachable", "timeout", "collector_unavailable", "unavailable"})


@click.command("tree")
@click.argument("device")
@click.argument("path", default="")
@click.option("--metadata", is_flag=True, help="With --json: also units, types and ages.")
@click.option("--follow", is_flag=True, help="Show it again and again, until Ctrl-C.")
@click.option(
    "--every", "every_s", type=click.FloatRange(0.1, 3600), metavar="SECONDS", help="How often.  [default: 1]"
)
@click.option("--for", "duration_s", type=click.FloatRange(0), metavar="SECONDS", help="End after this time.")
@json_option
@pass_client
def tree_command(
    client: Client,
    *,
    device: str,
    path: str,
    metadata: bool,
    follow: bool,
    every_s: float | None,
    duration_s: float | None,
    as_json: bool,
) -> None:
    """Show how the host of DEVICE fares right now: disks, interfaces, named processes and more, or what is at PATH.

    DEVICE is one with `source: local`, or a collector. PATH is for example disk/_/percent, where _ stands for /. With
    --follow and --json it is one document a line.
    """
    if not follow and (every_s is not None or duration_s is not None):
        raise usage("--every and --for say how --follow goes on; give it with them")
    if metadata and not as_json:
        raise usage("--metadata is for --json; tables have units and ages anyway")
    where = url_of(device, path)
    if follow:
        try:
            _follow(client.api, where, path, every_s or 1.0, duration_s, as_json=as_json, metadata=metadata)
        except KeyboardInterrupt:
            return
    elif as_json:
        emit(client.api.tree(where, metadata=metadata))
    else:
        parts, read = _read(client.api, where, path)
        show(*parts)
        if read:
            seldom = f"; what is read more seldom, {span(max(read))} ago" if max(read) - min(read) > SELDOM_S else ""
            note(f"Read {span(min(read))} ago{seldom}")


def url_of(device: str, path: str) -> str:
    """Where a branch of a device is; its slashes stay, and so does what is quoted already."""
    return path_of("status", device) + ("/" + quote(path, safe="/%") if path else "")


def _read(api: Api, where: str, path: str) -> tuple[list[RenderableType], list[float]]:
    document = api.tree(where, metadata=True)
    if not isinstance(document, dict):
        raise CommandError("The hub answered something that is no status tree; hub and tocsin may differ in version")
    return list(sections(document, path.strip("/"))), ages(document)


def _follow(
    api: Api, where: str, path: str, every_s: float, duration_s: float | None, *, as_json: bool, metadata: bool
) -> None:
    end = None if duration_s is None else time.monotonic() + duration_s
    live = None
    if not as_json and sys.stdout.isatty():
        live = Live(console=console(), screen=True, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
        live.start()
    away = ""
    try:
        while end is None or time.monotonic() < end:
            began = time.monotonic()
            try:
                if as_json:
                    emit_line(api.tree(where, metadata=metadata))
                else:
                    parts, _ = _read(api, where, path)
                    if live is None:
                        show(*parts)
                    else:
                        live.update(Group(*parts), refresh=True)
                away = ""
            except CommandError as error:
                if error.code not in RETRY:
                    raise
                if not away and live is None:
                    note(f"{error.message}. Trying again")
                away = error.message
                if live is not None:
                    live.update(f"{away}. Trying again", refresh=True)
            rest_s = every_s - (time.monotonic() - began)
            if end is not None:
                rest_s = min(rest_s, end - time.monotonic())
            time.sleep(max(0.0, rest_s))
    finally:
        if live is not None:
            live.stop()
